#include "store_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "journal.h"
#include "past.h"
#include "presence.h"
#include "switchover.h"

/* How long one member is given before the same request goes to the next one too. */
#define HEDGE_SHARE 5     /* of renew: 100 ms at the default of 500 */
#define OLD_CALLS_MS 5000 /* no call but a request of the core's is given longer */

void agent_store_key(const struct agent_store *store, char key[static AGENT_KEY_LENGTH],
		     const char *format, ...)
{
	size_t length = strlen(store->root);
	va_list arguments;

	memcpy(key, store->root, length);
	va_start(arguments, format);
	int n = vsnprintf(key + length, AGENT_KEY_LENGTH - length, format, arguments);
	va_end(arguments);
	assert(n >= 0 && length + (size_t)n < AGENT_KEY_LENGTH); /* names are bounded */
}

static void say_over(const struct agent_store *store, int64_t now)
{
	agent_say(OO_LOG_NOTICE, &(struct agent_said){.message = AGENT_MESSAGE_ETCD_BACK},
		  "etcd answers again, after %.1f s", (double)(now - store->trouble.since) / 1000);
}

/* Told with an answer: while none comes every member is tried in turn. */
static void note_endpoint(struct agent_store *store)
{
	const char *asked = oo_etcd_endpoint(store->etcd);
	if (asked != store->asked) {
		store->asked = asked;
		agent_say(OO_LOG_INFO, &(struct agent_said){.message = AGENT_MESSAGE_ETCD_ASKED},
			  "etcd at %s is asked now: %s", asked, oo_etcd_moved(store->etcd));
	}
}

/* A beat that is new: its holder could write. */
static void note_beat(struct agent_store *store, int64_t revision)
{
	if (revision > store->beat_seen && agent_trouble_end_full(&store->trouble)) {
		say_over(store, oo_clock_now());
	}
	store->beat_seen = revision > store->beat_seen ? revision : store->beat_seen;
}

void agent_store_note(struct agent_store *store, enum agent_affair affair, int r,
		      const struct oo_err *err)
{
	struct agent_trouble *trouble = &store->trouble;
	int64_t now = oo_clock_now();

	agent_counts_request(&store->agent->counts, affair, r);
	if (r == 0) {
		note_endpoint(store);
	}
	if (r == 0 && agent_trouble_end(trouble, affair, now)) {
		say_over(store, now);
	} else if (r < 0 && agent_trouble_begin(trouble, affair, r, err, now)) {
		agent_say(OO_LOG_WARNING,
			  &(struct agent_said){.message = AGENT_MESSAGE_ETCD_TROUBLE}, "etcd: %s",
			  err->text);
	}
}

const char *agent_store_trouble(const struct agent_store *store)
{
	return agent_trouble_text(&store->trouble);
}

int agent_store_group_of(const struct agent_store *store, const char *key,
			 enum agent_group_key *ret_key)
{
	static const char *const names[] = {
		[AGENT_KEY_LEADER] = "/leader",
		[AGENT_KEY_BEAT] = "/beat",
		[AGENT_KEY_ORDER] = "/request",
	};
	const char *rest = agent_store_after(store, key, "groups/");
	for (size_t g = 0; rest != NULL && g < store->agent->core_config.n_groups; g++) {
		size_t length = strlen(store->agent->group_names[g]);
		if (strncmp(rest, store->agent->group_names[g], length) != 0) {
			continue;
		}
		for (size_t i = 0; i < OO_LENGTH(names); i++) {
			if (oo_text_equal(rest + length, names[i])) {
				*ret_key = (enum agent_group_key)i;
				return (int)g;
			}
		}
	}
	return -1;
}

static void take_claim(const struct agent_store *store, struct oo_pair *pair,
		       const struct oo_etcd_kv *kv, bool deleted)
{
	pair->claim = (struct oo_claim){0};
	if (!deleted) {
		oo_record_read_claim(kv->value, kv->value_length, &pair->claim);
		agent_store_doubt(store, &pair->claim);
		pair->claim.revision = kv->mod_revision;
	}
}

static void take_beat(struct agent_store *store, struct oo_pair *pair, const struct oo_etcd_kv *kv,
		      bool deleted)
{
	pair->beat = (struct oo_beat){0};
	if (!deleted) {
		note_beat(store, kv->mod_revision);
		oo_record_read_beat(kv->value, kv->value_length, &pair->beat);
		pair->beat.revision = kv->mod_revision;
	}
}

/* The events from first to last have one revision; they are told as one. */
static bool tell_revision(struct agent_store *store, const struct oo_etcd_event *events, size_t n)
{
	bool members_changed = false;
	const struct oo_claim *claims[OO_CORE_GROUPS_MAX] = {0};
	const struct oo_beat *beats[OO_CORE_GROUPS_MAX] = {0};

	for (size_t i = 0; i < n; i++) {
		const struct oo_etcd_kv *kv = &events[i].kv;
		enum agent_group_key which;
		if (agent_store_wishes_change(store, &events[i])) {
			continue; /* before the claim that may have come of it */
		}
		int g = agent_store_group_of(store, kv->key, &which);
		if (g >= 0 && which == AGENT_KEY_LEADER) {
			take_claim(store, &store->pairs[g], kv, events[i].deleted);
			claims[g] = &store->pairs[g].claim;
		} else if (g >= 0) {
			take_beat(store, &store->pairs[g], kv, events[i].deleted);
			beats[g] = &store->pairs[g].beat;
		} else if (agent_store_after(store, kv->key, "members/") != NULL) {
			members_changed =
				agent_store_members_change(store, &events[i]) || members_changed;
		} else if (agent_store_after(store, kv->key, "history/") != NULL) {
			agent_past_change(store->agent->past, &events[i]);
			agent_switchovers_apply(
				store->agent->switchovers); /* one may wait for it */
		}
	}
	for (unsigned g = 0; g < store->agent->core_config.n_groups; g++) {
		if (claims[g] != NULL || beats[g] != NULL) {
			agent_tell(store->agent,
				   &(struct oo_event){.type = OO_EVENT_WATCH,
						      .group = g,
						      .revision = events[0].kv.mod_revision,
						      .claim = claims[g],
						      .beat = beats[g]});
		}
	}
	return members_changed;
}

static void on_events(void *user, int64_t revision, const struct oo_etcd_event *events, size_t n)
{
	struct agent_store *store = user;
	bool members_changed = false;

	store->watch_stands = true;
	store->watch_revision = revision > store->watch_revision ? revision : store->watch_revision;
	for (size_t i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n; next++) {
			if (events[next].kv.mod_revision != events[i].kv.mod_revision) {
				break;
			}
		}
		members_changed = tell_revision(store, events + i, next - i) || members_changed;
	}
	if (store->members_whole != 0 && revision > store->members_whole) {
		store->members_whole = revision;
	}
	if (members_changed) {
		agent_store_members_tell(store);
	}
}

static oo_etcd_end_fn on_watch_end; /* opens another */

static void open_watch(struct agent_store *store, int64_t revision)
{
	struct oo_etcd_watch_options options = {
		.key = store->root,
		.prefix = true,
		.start_revision = revision + 1,
		.on_events = on_events,
		.on_end = on_watch_end,
		.user = store,
	};
	if (oo_etcd_watch_open(store->etcd, &options, &store->watch) == 0) {
		store->watch_revision = revision;
		store->watch_stands = false;
	} /* else no memory: the next read tries again */
}

/*
 * Where the client only went to another member the watch goes on there. Else the next read opens
 * another: it shows what was missed, so nothing is lost but speed.
 */
static void on_watch_end(void *user, int r, int64_t compact_revision, const struct oo_err *err)
{
	struct agent_store *store = user;
	(void)compact_revision;
	store->watch = NULL;
	oo_log(OO_LOG_DEBUG, "watch ended: %s", err->text);
	if (r == -EAGAIN && store->watch_stands) {
		open_watch(store, store->watch_revision);
	}
}

/* A watch from the future of a store that was restored or replaced would stay silent for ever. */
static void keep_watch(struct agent_store *store, const struct oo_etcd_answer *answer)
{
	if (store->watch != NULL &&
	    (answer->revision < store->read_noted || answer->cluster_id != store->cluster_id)) {
		oo_etcd_watch_close(store->watch);
		store->watch = NULL;
	}
	store->cluster_id = answer->cluster_id;
	bool reopened = store->watch == NULL;
	if (reopened) {
		open_watch(store, answer->revision);
	}
	agent_past_keep(store->agent->past, reopened);
}

static void on_read(void *user, int r, const struct oo_etcd_answer *answer,
		    const struct oo_err *err)
{
	struct agent_store *store = user;
	struct oo_event event = {.type = OO_EVENT_READ, .seq = store->read_sent};
	struct oo_order orders[OO_CORE_GROUPS_MAX] = {0};
	bool members_changed = false;

	agent_store_note(store, AGENT_AFFAIR_READ, r, err);
	if (r == 0 && answer->n_results == 4) {
		memset(store->pairs, 0, sizeof(store->pairs));
		/* first: an offer is doubted by who is present at the same revision */
		members_changed = agent_store_members_read(store, answer, &answer->results[1]);
		for (size_t i = 0; i < answer->results[0].n_kvs; i++) {
			const struct oo_etcd_kv *kv = &answer->results[0].kvs[i];
			enum agent_group_key which;
			int g = agent_store_group_of(store, kv->key, &which);
			if (g >= 0 && which == AGENT_KEY_LEADER) {
				take_claim(store, &store->pairs[g], kv, false);
			} else if (g >= 0 && which == AGENT_KEY_BEAT) {
				take_beat(store, &store->pairs[g], kv, false);
			}
		}
		agent_store_wishes_read(store,
					&(struct agent_wishes_read){
						.groups = &answer->results[0],
						.pause = &answer->results[2],
						.drains = &answer->results[3],
						.stale = answer->revision < store->watch_revision &&
							 answer->revision >= store->read_noted},
					orders, &event);
		event.outcome = OO_OUTCOME_DONE;
		event.revision = answer->revision;
		event.pairs = store->pairs;
	} else {
		store->members_whole = 0; /* all that could become of etcd meanwhile */
	}
	if (members_changed) {
		agent_store_members_tell(store);
	}
	agent_tell(store->agent, &event);
	if (r == 0) {
		agent_pace_tell(&store->pace, &store->agent->config->lease,
				oo_clock_now_us() - store->read_sent_us);
		keep_watch(store, answer);
		agent_presence_on_read(store->agent->presence, store->shows_us, answer->revision);
	}
}

/*
 * One linearizable txn over everything that we watch. Of members, of whom there may be a hundred, only
 * what we do not know yet: the rest is the same for each of us, each time.
 */
static int send_read(struct agent_store *store)
{
	char groups[AGENT_KEY_LENGTH], members[AGENT_KEY_LENGTH], pause[AGENT_KEY_LENGTH];
	char drains[AGENT_KEY_LENGTH];
	agent_store_key(store, groups, "groups/");
	agent_store_key(store, members, "members/");
	agent_store_key(store, pause, "pause");
	agent_store_key(store, drains, "drain/");
	store->read_noted = store->watch_revision;
	store->read_sent_us = oo_clock_now_us();
	store->members_since = store->members_whole;
	const struct oo_etcd_op ops[] = {
		{.type = OO_ETCD_OP_RANGE, .key = groups, .prefix = true},
		{.type = OO_ETCD_OP_RANGE,
		 .key = members,
		 .prefix = true,
		 .least_mod = store->members_since == 0 ? 0 : store->members_since + 1},
		{.type = OO_ETCD_OP_RANGE, .key = pause},
		{.type = OO_ETCD_OP_RANGE, .key = drains, .prefix = true},
	};
	return oo_etcd_txn(
		store->etcd, &(struct oo_etcd_txn){.success = ops, .n_success = OO_LENGTH(ops)},
		&(struct oo_etcd_call){.deadline = oo_clock_now() +
						   store->agent->config->lease.request_timeout_ms,
				       .hedge = true,
				       .done = on_read,
				       .user = store},
		NULL);
}

void agent_store_apply(struct agent_store *store)
{
	const struct oo_core *core = store->agent->core;

	for (unsigned g = 0; g < store->agent->core_config.n_groups; g++) {
		const struct oo_request *request = &oo_core_want(core, g)->request;
		if (request->seq != store->sent[g]) {
			store->sent[g] = request->seq;
			store->unsent[g] = agent_store_send(store, g, request) < 0;
		}
	}
	if (oo_core_read_seq(core) != store->read_sent) {
		store->read_sent = oo_core_read_seq(core);
		store->read_unsent = send_read(store) < 0;
	}
}

bool agent_store_take_unsent(struct agent_store *store, struct oo_event *ret_event)
{
	for (unsigned g = 0; g < store->agent->core_config.n_groups; g++) {
		if (store->unsent[g]) {
			store->unsent[g] = false;
			*ret_event = (struct oo_event){
				.type = OO_EVENT_ANSWER, .group = g, .seq = store->sent[g]};
			return true;
		}
	}
	if (store->read_unsent) {
		store->read_unsent = false;
		*ret_event = (struct oo_event){.type = OO_EVENT_READ, .seq = store->read_sent};
		return true;
	}
	return false;
}

int agent_store_new_client(struct agent *agent, const struct oo_config *config,
			   struct oo_etcd **ret_etcd, struct oo_err *err)
{
	struct oo_etcd_options options = {
		.endpoints = config->etcd.endpoints.items,
		.n_endpoints = config->etcd.endpoints.n,
		.username = config->etcd.username,
		.password_file = config->etcd.password_file,
		.ca_file = config->etcd.ca_file,
		.cert_file = config->etcd.cert_file,
		.key_file = config->etcd.key_file,
		.name = config->node.name,
		.hedge_after_ms = config->lease.renew_ms / HEDGE_SHARE,
	};
	return oo_etcd_new(agent->event, &options, ret_etcd, err);
}

static void free_retired(struct agent_store *store, int64_t now)
{
	for (size_t i = 0; i < RETIRED_MAX; i++) {
		if (store->retired[i].until <= now) {
			oo_etcd_free(store->retired[i].etcd);
			store->retired[i].etcd = NULL;
		}
	}
}

static void plan_retired(struct agent_store *store)
{
	int64_t next_at = OO_NEVER;
	for (size_t i = 0; i < RETIRED_MAX; i++) {
		if (store->retired[i].etcd != NULL && store->retired[i].until < next_at) {
			next_at = store->retired[i].until;
		}
	}
	oo_timer_set(&store->retired_timer, next_at);
}

static void on_retired(struct oo_timer *timer)
{
	struct agent_store *store = oo_container_of(timer, struct agent_store, retired_timer);
	free_retired(store, oo_clock_now());
	plan_retired(store);
}

int agent_store_new(struct agent *agent, struct agent_store **ret_store, struct oo_err *err)
{
	struct agent_store *store = calloc(1, sizeof(*store));
	if (store == NULL) {
		return oo_fail(err, ENOMEM, "store");
	}
	store->agent = agent;
	snprintf(store->root, sizeof(store->root), "/ooha/%s/", agent->config->cluster);
	int r = oo_timer_init(&store->retired_timer, agent->event, on_retired);
	if (r < 0) {
		oo_fail(err, -r, "store's timer");
	}
	r = r < 0 ? r : agent_store_new_client(agent, agent->config, &store->etcd, err);
	if (r < 0) {
		agent_store_free(store);
		return r;
	}
	store->asked = oo_etcd_endpoint(store->etcd);
	*ret_store = store;
	return 0;
}

void agent_store_free(struct agent_store *store)
{
	if (store != NULL) {
		free_retired(store, OO_NEVER);
		oo_etcd_free(store->etcd);
		oo_timer_done(&store->retired_timer);
		free(store);
	}
}

uint64_t agent_store_cluster_id(const struct agent_store *store)
{
	return store->cluster_id;
}

/* Where one more client would be retired to; RETIRED_MAX: nowhere. */
static size_t find_room(const struct agent_store *store)
{
	size_t i = 0;
	while (i < RETIRED_MAX && store->retired[i].etcd != NULL) {
		i++;
	}
	return i;
}

bool agent_store_has_room(const struct agent_store *store)
{
	return find_room(store) < RETIRED_MAX;
}

/* What was asked of the client of before is still answered by it: an answer to each, as ever. */
static void put_in(struct agent_store *store, struct oo_etcd *etcd, int64_t longest_ms)
{
	const size_t room = find_room(store);

	assert(room < RETIRED_MAX);
	oo_etcd_watch_close(store->watch);
	store->watch = NULL; /* the next read opens another */
	store->members_whole = 0;
	store->retired[room].etcd = store->etcd;
	store->retired[room].until = oo_clock_now() + OLD_CALLS_MS + longest_ms;
	plan_retired(store);
	store->etcd = etcd;
	store->asked = oo_etcd_endpoint(etcd);
}

void agent_store_reload(struct agent_store *store, struct oo_etcd *etcd,
			const struct oo_config *before)
{
	if (etcd != NULL) {
		put_in(store, etcd, before->lease.request_timeout_ms);
	}
	oo_etcd_set_hedge_after(store->etcd, store->agent->config->lease.renew_ms / HEDGE_SHARE);
	oo_etcd_reload(store->etcd);
	for (size_t i = 0; i < store->n_members; i++) {
		store->members[i].member.mod_revision = 0; /* of groups that are new, too */
	}
	store->members_whole = 0;
}

struct oo_etcd *agent_store_etcd(struct agent_store *store)
{
	return store->etcd;
}

const struct agent_known_member *agent_store_members(const struct agent_store *store, size_t *ret_n)
{
	*ret_n = store->n_members;
	return store->members;
}
