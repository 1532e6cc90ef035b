#include "switchover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "journal.h"
#include "order.h"
#include "past.h"
#include "store.h"

#define CALL_MS 2000
#define RETRY_MS 500
#define LEASE_MORE_S 5 /* the lease outlasts the order: we delete it, it need not vanish */
#define REPORT_MS 5000 /* for the new holder's report of what it took */
#define ERROR_LENGTH 400

enum phase {
	PHASE_OVER, /* or never begun */
	PHASE_GRANTING,
	PHASE_PUTTING,
	PHASE_WAITING,     /* the order stands */
	PHASE_WITHDRAWING, /* a deletion is under way, or to be tried again */
	PHASE_MOVED,       /* the report is waited for */
};

enum state {
	STATE_WAITING,
	STATE_MOVED,
	STATE_REFUSED,
	STATE_WITHDRAWN,
};

struct switchover {
	struct agent_switchovers *all;
	unsigned group;
	struct oo_order order; /* its id is that of the lease */
	struct oo_order_text text;
	enum phase phase;
	enum state state, verdict; /* verdict: once it is deleted */
	bool seen;                 /* the store has shown the order */
	bool given_up;             /* by a person */
	bool looked;               /* it was deleted, or is not there */
	bool revoked;              /* its lease is: none of it can be written any more */
	int64_t undone_at;         /* the revision at which it had not been carried out yet */
	int64_t claim_revision; /* of the holder that was seen when it began; then of the new one */
	int64_t until;          /* this phase at most; OO_NEVER */
	char to[OO_CORE_NAME_LENGTH];
	char error[ERROR_LENGTH];
	char trouble[ERROR_LENGTH]; /* of what is under way */
	struct oo_timer timer;
};

struct agent_switchovers {
	struct agent *agent;
	struct switchover list[AGENT_SWITCHOVERS_MAX];
	size_t next; /* the oldest, of those that are over */
};

__attribute__((format(printf, 2, 3))) static void say(struct switchover *one, const char *format,
						      ...)
{
	char text[sizeof(one->error)];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	oo_text_clip(one->error, sizeof(one->error), text);
}

static const char *group_name(const struct switchover *one)
{
	return one->all->agent->group_names[one->group];
}

static void enter(struct switchover *one, enum phase phase, int64_t until)
{
	one->phase = phase;
	one->until = until;
	oo_timer_set(&one->timer, until);
}

static void end(struct switchover *one, enum state state)
{
	static const char *const words[] = {"waits", "moved", "refused", "withdrawn"};
	one->state = state;
	enter(one, PHASE_OVER, OO_NEVER);
	agent_say(OO_LOG_NOTICE,
		  &(struct agent_said){.message = AGENT_MESSAGE_SWITCHOVER,
				       .group = group_name(one),
				       .peer = one->to,
				       .cause = words[state]},
		  "%s: switchover %s%s%s%s%s", group_name(one), words[state],
		  state == STATE_MOVED ? " to " : "", state == STATE_MOVED ? one->to : "",
		  one->error[0] == '\0' ? "" : ": ", one->error);
}

static struct oo_etcd_call call(struct switchover *one, oo_etcd_fn *done)
{
	return (struct oo_etcd_call){
		.deadline = oo_clock_now() + CALL_MS, .hedge = true, .done = done, .user = one};
}

/* Whoever has the claim now is not who was to give it away: it has moved. */
static bool note_holder(struct switchover *one, const struct oo_claim *claim)
{
	if (claim->revision == 0 || claim->node[0] == '\0' ||
	    oo_text_equal(claim->node, one->order.from)) {
		return false;
	}
	oo_text_clip(one->to, sizeof(one->to), claim->node);
	one->claim_revision = claim->revision;
	return true;
}

static void wait_for_report(struct switchover *one)
{
	one->error[0] = '\0';
	enter(one, PHASE_MOVED, oo_clock_now() + REPORT_MS);
	agent_switchovers_apply(one->all);
}

static void try_again(struct switchover *one, const char *why)
{
	snprintf(one->trouble, sizeof(one->trouble),
		 "etcd does not say whether it still stands: %.*s", ERROR_LENGTH - 60, why);
	oo_timer_set(&one->timer, oo_clock_now() + RETRY_MS);
}

/* Deleted or not, a copy of it may still be on its way: only without its lease that writes nothing. */
static void on_deleted(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct switchover *one = user;
	struct oo_claim claim = {0};

	if (r < 0 || (!answer->succeeded && answer->n_results != 2)) {
		try_again(one, r < 0 ? err->text : "an answer of another form");
		return;
	}
	one->trouble[0] = '\0';
	one->looked = true;
	if (answer->succeeded) {
		one->undone_at = answer->revision;
	} else if (answer->results[0].n_kvs > 0) {
		const struct oo_etcd_kv *kv = answer->results[0].kvs;
		oo_record_read_claim(kv->value, kv->value_length, &claim);
		claim.revision = kv->mod_revision;
	}
	if (claim.revision > one->undone_at && note_holder(one, &claim)) {
		wait_for_report(one);
	} else if (one->revoked) {
		end(one, one->verdict);
	} else {
		oo_timer_set(&one->timer, 0);
	}
}

static void on_revoked(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct switchover *one = user;
	(void)answer;
	if (r < 0) {
		try_again(one, err->text);
		return;
	}
	one->trouble[0] = '\0';
	one->revoked = true;
	oo_timer_set(&one->timer, 0);
}

/* Deletes it, ends its lease, and looks again whether it was carried out in between. */
static void take_back(struct switchover *one)
{
	struct agent *agent = one->all->agent;
	const bool lease_next = one->looked && !one->revoked;
	struct oo_etcd_call etcd_call = call(one, lease_next ? on_revoked : on_deleted);
	int r = lease_next ? oo_etcd_lease_revoke(agent_store_etcd(agent->store),
						  (int64_t)one->order.id, &etcd_call, NULL)
			   : agent_order_delete(agent, one->group, one->order.id, &etcd_call);
	if (r < 0) {
		try_again(one, strerror(-r));
	}
}

static void withdraw(struct switchover *one, enum state verdict)
{
	one->verdict = verdict;
	enter(one, PHASE_WITHDRAWING, OO_NEVER);
	take_back(one);
}

static void on_put(void *user, int r, const struct oo_etcd_answer *answer, const struct oo_err *err)
{
	struct switchover *one = user;
	struct oo_order there = {0};
	struct oo_order_text text = {.by = ""};

	if (r < 0) {
		say(one, "etcd: %s", err->text);
		if (oo_etcd_is_unknown(r)) {
			withdraw(one, STATE_REFUSED);
		} else {
			end(one, STATE_REFUSED);
		}
		return;
	}
	if (!answer->succeeded && answer->n_results == 1 && answer->results[0].n_kvs > 0) {
		const struct oo_etcd_kv *kv = answer->results[0].kvs;
		oo_record_read_order(kv->value, kv->lease, &there, &text);
	}
	if (answer->succeeded || there.id == one->order.id) { /* a copy came first */
		enter(one, PHASE_WAITING, oo_clock_now() + one->order.valid_ms);
		agent_switchovers_apply(one->all);
	} else if (there.id != 0) {
		say(one, "%s has just asked for a switchover to %s: wait for that one", text.by,
		    there.target[0] == '\0' ? "the best" : there.target);
		one->undone_at = INT64_MAX; /* what moves now is that one's */
		withdraw(one, STATE_REFUSED);
	} else {
		say(one, "who holds it has changed meanwhile: look at ooha status, and ask again");
		end(one, STATE_REFUSED);
	}
}

static void on_granted(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct switchover *one = user;
	(void)answer;
	if (r < 0) { /* a lease without a key, if any, ends by itself */
		say(one, "etcd: %s", err->text);
		end(one, STATE_REFUSED);
		return;
	}
	enter(one, PHASE_PUTTING, OO_NEVER);
	struct oo_etcd_call etcd_call = call(one, on_put);
	r = agent_order_put(one->all->agent, one->group, &one->order, &one->text,
			    one->claim_revision, &etcd_call);
	if (r < 0) {
		say(one, "not asked for: %s", strerror(-r));
		end(one, STATE_REFUSED);
	}
}

/* Why it may not have come to anything, as far as can be seen from here. */
static void explain_late(struct switchover *one)
{
	const struct agent *agent = one->all->agent;
	size_t n;
	const struct agent_known_member *members = agent_store_members(agent->store, &n);
	bool from = false, target = one->order.target[0] == '\0';

	say(one, "%s has not carried it out within %.1f s: see its log (journalctl -t ooha-agent)",
	    one->order.from, (double)one->order.valid_ms / 1000);
	for (size_t i = 0; i < n; i++) {
		const struct oo_member *member = &members[i].member;
		from = from || oo_text_equal(member->node, one->order.from);
		if (!oo_text_equal(member->node, one->order.target)) {
			continue;
		}
		target = true;
		if ((member->groups & 1u << one->group) == 0) {
			say(one, "%s is no longer eligible: %s", member->node, member->reason);
		}
	}
	if (!target) {
		say(one, "%s is no longer present", one->order.target);
	} else if (!from) {
		say(one, "%s, which holds, is no longer present", one->order.from);
	}
}

/* What the store shows; from the loop, so that all of one revision has been told. */
static void look(struct switchover *one)
{
	const struct agent *agent = one->all->agent;
	struct oo_core_view view = oo_core_view(agent->core, one->group);
	struct oo_order there;
	bool stands = agent_store_order(agent->store, one->group, &there) != NULL &&
		      there.id == one->order.id;

	one->seen = one->seen || stands;
	if (one->given_up) {
		withdraw(one, STATE_WITHDRAWN);
	} else if (!stands && one->seen && note_holder(one, &view.pair->claim)) {
		wait_for_report(one);
	} else if (note_holder(one, &view.pair->claim)) {
		say(one, "%s has taken it over meanwhile", one->to);
		withdraw(one, STATE_REFUSED);
	} else if (!stands && one->seen) {
		say(one, "the order has vanished from etcd: deleted by hand, or its lease ended");
		withdraw(one, STATE_WITHDRAWN);
	} else if (oo_clock_now() >= one->until) {
		explain_late(one);
		withdraw(one, STATE_WITHDRAWN);
	} else {
		oo_timer_set(&one->timer, one->until);
	}
}

static void look_for_report(struct switchover *one)
{
	struct json_object *record =
		agent_past_new_record(one->all->agent->past, one->claim_revision);
	bool known = record != NULL;
	json_object_put(record);
	if (known) {
		end(one, STATE_MOVED);
	} else if (oo_clock_now() >= one->until) {
		say(one,
		    "%s has the lease, but has not reported the addresses up yet: see ooha status",
		    one->to);
		end(one, STATE_MOVED);
	} else {
		oo_timer_set(&one->timer, one->until);
	}
}

static void on_timer(struct oo_timer *timer)
{
	struct switchover *one = oo_container_of(timer, struct switchover, timer);
	switch (one->phase) {
	case PHASE_WAITING:
		look(one);
		return;
	case PHASE_MOVED:
		look_for_report(one);
		return;
	case PHASE_WITHDRAWING:
		take_back(one);
		return;
	case PHASE_GRANTING:
	case PHASE_PUTTING:
	case PHASE_OVER:
		return;
	}
}

void agent_switchovers_apply(struct agent_switchovers *switchovers)
{
	for (size_t i = 0; i < AGENT_SWITCHOVERS_MAX; i++) {
		struct switchover *one = &switchovers->list[i];
		if (one->phase == PHASE_WAITING || one->phase == PHASE_MOVED) {
			oo_timer_set(&one->timer, 0);
		}
	}
}

static struct switchover *find(const struct agent_switchovers *switchovers, uint64_t id)
{
	for (size_t i = 0; i < AGENT_SWITCHOVERS_MAX; i++) {
		if (id != 0 && switchovers->list[i].order.id == id) {
			return (struct switchover *)&switchovers->list[i];
		}
	}
	return NULL;
}

static struct switchover *make_room(struct agent_switchovers *switchovers)
{
	for (size_t n = 0; n < AGENT_SWITCHOVERS_MAX; n++) {
		struct switchover *one = &switchovers->list[switchovers->next];
		switchovers->next = (switchovers->next + 1) % AGENT_SWITCHOVERS_MAX;
		if (one->phase == PHASE_OVER) {
			return one;
		}
	}
	return NULL;
}

int agent_switchover_begin(struct agent_switchovers *switchovers, unsigned group,
			   const struct oo_order *order, const char *by, uint64_t *ret_id)
{
	struct agent *agent = switchovers->agent;
	struct switchover *one = make_room(switchovers);
	int64_t id = 0;

	if (one == NULL) {
		return -EBUSY;
	}
	while (id <= 0) {
		if (getrandom(&id, sizeof(id), 0) < 0) {
			return -errno;
		}
		id &= INT64_MAX;
	}
	struct oo_timer timer = one->timer;
	*one = (struct switchover){.all = switchovers,
				   .group = group,
				   .order = *order,
				   .claim_revision =
					   oo_core_view(agent->core, group).pair->claim.revision,
				   .timer = timer};
	one->order.id = (uint64_t)id;
	oo_text_clip(one->text.by, sizeof(one->text.by), by);
	oo_record_time(oo_clock_wall(), one->text.at);
	enter(one, PHASE_GRANTING, OO_NEVER);
	struct oo_etcd_call etcd_call = call(one, on_granted);
	int r = oo_etcd_lease_grant(agent_store_etcd(agent->store), id,
				    (order->valid_ms + 999) / 1000 + LEASE_MORE_S, &etcd_call,
				    NULL);
	if (r < 0) {
		one->phase = PHASE_OVER;
		return r;
	}
	*ret_id = one->order.id;
	return 0;
}

int agent_switchover_withdraw(struct agent_switchovers *switchovers, uint64_t id, const char *by)
{
	struct switchover *one = find(switchovers, id);
	if (one == NULL) {
		return -ENOENT;
	}
	one->given_up = one->phase <= PHASE_WAITING && one->phase != PHASE_OVER;
	if (one->given_up) { /* one that is about to be written is withdrawn then */
		say(one, "withdrawn by %s", by);
		agent_switchovers_apply(switchovers);
	}
	return 0;
}

static void add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, text[0] == '\0' ? NULL : json_object_new_string(text));
}

/* Of the new holder's report; null while there is none. */
static void add_field(struct json_object *object, struct json_object *record, const char *name)
{
	struct json_object *field = NULL;
	if (record != NULL) {
		(void)json_object_object_get_ex(record, name, &field); /* else NULL */
	}
	json_object_object_add(object, name, json_object_get(field));
}

struct json_object *agent_switchover_new_answer(const struct agent_switchovers *switchovers,
						uint64_t id)
{
	static const char *const states[] = {"waiting", "moved", "refused", "withdrawn"};
	const struct switchover *one = find(switchovers, id);
	char text[24];
	if (one == NULL) {
		return NULL;
	}
	struct json_object *record =
		one->state == STATE_MOVED
			? agent_past_new_record(switchovers->agent->past, one->claim_revision)
			: NULL;
	struct json_object *object = json_object_new_object();
	snprintf(text, sizeof(text), "%016" PRIx64, one->order.id);
	add_text(object, "id", text);
	add_text(object, "state", states[one->state]);
	add_text(object, "group", group_name(one));
	add_text(object, "from", one->order.from);
	add_text(object, "to", one->to[0] != '\0' ? one->to : one->order.target);
	add_field(object, record, "gap_ms");
	add_field(object, record, "timeline");
	add_text(object, "error", one->trouble[0] != '\0' ? one->trouble : one->error);
	json_object_put(record);
	return object;
}

int agent_switchovers_new(struct agent *agent, struct agent_switchovers **ret_switchovers,
			  struct oo_err *err)
{
	struct agent_switchovers *switchovers = calloc(1, sizeof(*switchovers));
	int r = 0;
	if (switchovers == NULL) {
		return oo_fail(err, ENOMEM, "switchovers");
	}
	switchovers->agent = agent;
	for (size_t i = 0; r == 0 && i < AGENT_SWITCHOVERS_MAX; i++) {
		r = oo_timer_init(&switchovers->list[i].timer, agent->event, on_timer);
	}
	if (r < 0) {
		agent_switchovers_free(switchovers);
		return oo_fail(err, -r, "switchover timer");
	}
	*ret_switchovers = switchovers;
	return 0;
}

void agent_switchovers_free(struct agent_switchovers *switchovers)
{
	for (size_t i = 0; switchovers != NULL && i < AGENT_SWITCHOVERS_MAX; i++) {
		oo_timer_done(&switchovers->list[i].timer);
	}
	free(switchovers);
}
