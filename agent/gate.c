#include "gate.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/text.h"
#include "hooks.h"
#include "journal.h"
#include "notices.h"
#include "story.h"
#include "vips.h"

/* For less it is not worth starting anything. */
#define LEAST_MS 20
/* A node that is not fit comes so much later than any that is. */
#define LAST_MS 1000

enum step {
	STEP_CLOSED,
	STEP_COMING, /* pre_promote runs */
	STEP_OPEN,
	STEP_LEAVING, /* pre_demote runs */
};

struct gate {
	struct agent *agent;
	unsigned group;
	enum step step;
	struct oo_hooks *runner; /* owned; NULL: nothing runs */
	struct oo_timer timer;   /* ends what runs */
	struct oo_timer bar_timer;
	int64_t began_at, limit_ms;
	bool barred;
	char trouble[OO_REASON_LENGTH]; /* why it is barred */
	bool left;                      /* pre_demote has run */
	char why[OO_REASON_LENGTH];     /* the first that went wrong with what runs; "": nothing */
};

struct agent_gates {
	struct gate gates[OO_CORE_GROUPS_MAX];
	size_t n;
};

static const char *group_name(const struct gate *gate)
{
	return gate->agent->group_names[gate->group];
}

static void note_why(struct gate *gate, enum agent_hook hook, const char *what)
{
	if (gate->why[0] == '\0') {
		const size_t length = (size_t)snprintf(gate->why, sizeof(gate->why),
						       "%s: ", agent_hook_name(hook));
		oo_text_clip(gate->why + length, sizeof(gate->why) - length, what);
	}
}

static enum agent_hook hook_of(const struct gate *gate)
{
	return gate->step == STEP_COMING ? AGENT_HOOK_PRE_PROMOTE : AGENT_HOOK_PRE_DEMOTE;
}

static void on_line(void *user, enum oo_log_level level, const char *hook, const char *line)
{
	struct gate *gate = user;
	char text[OO_REASON_LENGTH];

	agent_say(level,
		  &(struct agent_said){.message = AGENT_MESSAGE_HOOK,
				       .group = group_name(gate),
				       .cause = agent_hook_name(hook_of(gate))},
		  "hook %s: %s", hook, line);
	if (level <= OO_LOG_WARNING) {
		snprintf(text, sizeof(text), "hook %s: %s", hook, line);
		note_why(gate, hook_of(gate), text);
	}
}

/* Kills what still runs. */
static void end_hooks(struct gate *gate)
{
	oo_hooks_free(gate->runner);
	gate->runner = NULL;
	oo_timer_set(&gate->timer, OO_NEVER);
}

static void bar(struct gate *gate)
{
	agent_say(OO_LOG_WARNING,
		  &(struct agent_said){.message = AGENT_MESSAGE_UNFIT,
				       .group = group_name(gate),
				       .cause = "pre_promote_failed"},
		  "%s: %s: not fit for it for %d s: goes to another node if one can serve",
		  group_name(gate), gate->why, AGENT_GATE_BAR_MS / 1000);
	agent_notices_say(gate->agent, &(struct agent_notice){.grade = "P1",
							      .name = "pre_promote_failed",
							      .group = gate->group,
							      .text = gate->why});
	gate->barred = true;
	memcpy(gate->trouble, gate->why, sizeof(gate->trouble));
	oo_timer_set(&gate->bar_timer, oo_clock_now() + AGENT_GATE_BAR_MS);
}

/* pre_promote is over; from the loop. */
static void come(struct gate *gate)
{
	const int64_t took_ms = oo_clock_now() - gate->began_at;

	end_hooks(gate);
	gate->step = STEP_OPEN;
	if (gate->why[0] != '\0') {
		bar(gate);
		agent_gate_tell_link(gate->agent, gate->group); /* the core first: it may go */
		return;
	}
	agent_say(OO_LOG_INFO,
		  &(struct agent_said){.message = AGENT_MESSAGE_HOOKS,
				       .group = group_name(gate),
				       .cause = "pre_promote"},
		  "%s: pre_promote hooks done in %" PRId64 " ms", group_name(gate), took_ms);
	agent_tell(gate->agent, &(struct oo_event){.type = OO_EVENT_TIME});
}

/* pre_demote is over; from the loop. */
static void leave(struct gate *gate)
{
	const int64_t took_ms = oo_clock_now() - gate->began_at;

	end_hooks(gate);
	gate->step = STEP_CLOSED;
	if (gate->why[0] != '\0') {
		agent_say(OO_LOG_WARNING,
			  &(struct agent_said){.message = AGENT_MESSAGE_HOOKS,
					       .group = group_name(gate),
					       .cause = "pre_demote"},
			  "%s: %s: the demotion goes on", group_name(gate), gate->why);
		agent_notices_say(gate->agent, &(struct agent_notice){.grade = "P2",
								      .name = "pre_demote_failed",
								      .group = gate->group,
								      .text = gate->why});
	} else {
		agent_say(OO_LOG_INFO,
			  &(struct agent_said){.message = AGENT_MESSAGE_HOOKS,
					       .group = group_name(gate),
					       .cause = "pre_demote"},
			  "%s: pre_demote hooks done in %" PRId64 " ms", group_name(gate), took_ms);
	}
	agent_tell(gate->agent, &(struct oo_event){.type = OO_EVENT_TIME});
}

static void pass(struct gate *gate)
{
	if (gate->step == STEP_COMING) {
		come(gate);
	} else {
		leave(gate);
	}
}

static void on_done(void *user, int ran, int failed)
{
	struct gate *gate = user;
	(void)ran;
	if (failed > 0) { /* each has been said, and noted */
		note_why(gate, hook_of(gate), "a hook failed");
	}
	pass(gate);
}

static void on_timer(struct oo_timer *timer)
{
	struct gate *gate = oo_container_of(timer, struct gate, timer);
	char text[80], limit[OO_DURATION_LENGTH];

	snprintf(text, sizeof(text), "not done within %s, killed",
		 oo_duration_format(gate->limit_ms, limit));
	note_why(gate, hook_of(gate), text);
	pass(gate);
}

static void forgive(struct gate *gate)
{
	gate->barred = false;
	oo_timer_set(&gate->bar_timer, OO_NEVER);
	agent_say(OO_LOG_NOTICE,
		  &(struct agent_said){.message = AGENT_MESSAGE_UNFIT, .group = group_name(gate)},
		  "%s: fit for it again: pre_promote may be tried anew", group_name(gate));
	agent_gate_tell_link(gate->agent, gate->group);
}

static void on_bar_timer(struct oo_timer *timer)
{
	struct gate *gate = oo_container_of(timer, struct gate, bar_timer);

	forgive(gate);
}

void agent_gates_forgive(struct agent_gates *gates)
{
	for (size_t g = 0; g < gates->n; g++) {
		if (gates->gates[g].barred) {
			forgive(&gates->gates[g]);
		}
	}
}

/* Starts the hooks, which have limit_ms. Returns 0, or -errno, said, with nothing running. */
static int begin(struct gate *gate, enum agent_hook hook, int64_t limit_ms)
{
	const struct oo_hooks_options options = {
		.timeout_ms = limit_ms, .log = on_line, .user = gate};
	struct agent_hook_event event = {.hook = hook, .group = gate->group};
	struct oo_err err;

	gate->why[0] = '\0';
	gate->began_at = oo_clock_now();
	gate->limit_ms = limit_ms;
	agent_story_fill_event(gate->agent->story, &event);
	int r = oo_hooks_new(gate->agent->event, &options, &gate->runner, &err);
	if (r < 0) {
		note_why(gate, hook, err.text);
		return r;
	}
	r = agent_hooks_run_in(gate->agent, gate->runner, &event, on_done, gate);
	if (r < 0) {
		(void)oo_fail(&err, -r, "hooks");
		note_why(gate, hook, err.text);
		end_hooks(gate);
		return r;
	}
	oo_timer_set(&gate->timer, gate->began_at + limit_ms);
	return 0;
}

static void begin_to_come(struct gate *gate)
{
	const struct agent *agent = gate->agent;

	gate->step = STEP_OPEN;
	if (agent_hooks_paths(agent, AGENT_HOOK_PRE_PROMOTE)->n == 0) {
		return;
	}
	if (begin(gate, AGENT_HOOK_PRE_PROMOTE, agent->config->hooks.blocking_timeout_ms) == 0) {
		gate->step = STEP_COMING;
	} else {
		oo_log(OO_LOG_ERROR, "%s: %s: the promotion goes on", group_name(gate), gate->why);
	}
}

/* For how long it may be put off: a holder that leaves does not renew. */
static int64_t time_to_leave(const struct gate *gate, const struct oo_want *want)
{
	const struct oo_config *config = gate->agent->config;
	const int64_t left_ms = want->hold_until - config->lease.margin_ms - oo_clock_now();
	return left_ms < config->hooks.blocking_timeout_ms ? left_ms
							   : config->hooks.blocking_timeout_ms;
}

static void begin_to_leave(struct gate *gate, const struct oo_want *want)
{
	const struct agent *agent = gate->agent;

	gate->step = STEP_CLOSED;
	if (agent_hooks_paths(agent, AGENT_HOOK_PRE_DEMOTE)->n == 0 ||
	    !agent_vips_is_up(agent->vips[gate->group])) {
		return;
	}
	const int64_t limit_ms = time_to_leave(gate, want);
	if (limit_ms < LEAST_MS) {
		oo_log(OO_LOG_WARNING, "%s: pre_demote hooks not run: the hold is about to end",
		       group_name(gate));
		return;
	}
	if (begin(gate, AGENT_HOOK_PRE_DEMOTE, limit_ms) == 0) {
		gate->step = STEP_LEAVING;
		gate->left = true;
	} else {
		oo_log(OO_LOG_WARNING, "%s: %s", group_name(gate), gate->why);
	}
}

/* Whether all who are fit for it have let it lie: then who is not is better than nobody. */
static bool is_nobodys(const struct gate *gate)
{
	const struct oo_core_view view = oo_core_view(gate->agent->core, gate->group);
	const struct oo_claim *claim = &view.pair->claim;
	const int64_t ttl_ms = claim->node[0] == '\0' ? 0 : claim->ttl_ms + claim->ttl_ms / 100;

	return view.known && view.mine == NULL &&
	       oo_clock_now() - view.first_seen_at > ttl_ms + LAST_MS;
}

struct oo_want agent_gate_want(struct agent_gates *gates, unsigned group)
{
	struct gate *gate = &gates->gates[group];
	const struct oo_want *want = oo_core_want(gate->agent->core, group);
	struct oo_want passed = *want;

	if (gate->barred && is_nobodys(gate)) {
		oo_timer_set(&gate->bar_timer, 0);
	}
	if (want->address) {
		if (gate->step == STEP_CLOSED) {
			begin_to_come(gate);
		}
		passed.address = gate->step == STEP_OPEN;
		return passed;
	}
	if (want->graceful && gate->step == STEP_OPEN) {
		begin_to_leave(gate, want);
	}
	if (want->graceful && gate->step == STEP_LEAVING &&
	    oo_clock_now() < gate->began_at + gate->limit_ms) {
		passed.role = OO_ROLE_ACTIVE; /* nothing changes yet */
		passed.address = true;
		passed.graceful = false;
		return passed;
	}
	if (!want->keep && !(want->role == OO_ROLE_ACTIVE && gate->step == STEP_OPEN)) {
		end_hooks(gate); /* but who only lapsed comes back as it was */
		gate->step = STEP_CLOSED;
	}
	gate->left = gate->left && want->role != OO_ROLE_STANDBY;
	return passed;
}

void agent_gate_start(struct agent_gates *gates, unsigned group, bool adopted)
{
	struct gate *gate = &gates->gates[group];
	const bool up = adopted && agent_vips_is_up(gate->agent->vips[group]);

	gate->step = up ? STEP_OPEN : STEP_CLOSED;
	gate->left = adopted && !up; /* the agent before may have been at it */
}

void agent_gate_tell_link(struct agent *agent, unsigned group)
{
	const bool barred = agent->gates->gates[group].barred;
	agent_tell(agent,
		   &(struct oo_event){.type = OO_EVENT_LINK,
				      .group = group,
				      .up = agent_vips_has_link(agent->vips[group]) && !barred});
}

const char *agent_gate_trouble(const struct agent_gates *gates, unsigned group)
{
	const struct gate *gate = &gates->gates[group];
	return gate->barred ? gate->trouble : "";
}

bool agent_gate_take_returned(struct agent_gates *gates, unsigned group)
{
	struct gate *gate = &gates->gates[group];
	const bool left = gate->left;
	gate->left = false;
	return left;
}

bool agent_gates_is_quiet(const struct agent_gates *gates)
{
	for (size_t g = 0; g < gates->n; g++) {
		if (gates->gates[g].runner != NULL) {
			return false;
		}
	}
	return true;
}

static int open_gate(struct gate *gate, struct agent *agent, unsigned group)
{
	gate->agent = agent;
	gate->group = group;
	int r = oo_timer_init(&gate->timer, agent->event, on_timer);
	r = r < 0 ? r : oo_timer_init(&gate->bar_timer, agent->event, on_bar_timer);
	/* a demotion's deadline is a hold's */
	return r < 0 ? r
		     : sd_event_source_set_priority(gate->timer.source,
						    SD_EVENT_PRIORITY_IMPORTANT);
}

int agent_gates_new(struct agent *agent, struct agent_gates **ret_gates, struct oo_err *err)
{
	struct agent_gates *gates = calloc(1, sizeof(*gates));
	if (gates == NULL) {
		return oo_fail(err, ENOMEM, "hooks");
	}
	for (unsigned g = 0; g < OO_CORE_GROUPS_MAX; g++) { /* a reload may add groups */
		int r = open_gate(&gates->gates[gates->n++], agent, g);
		if (r < 0) {
			agent_gates_free(gates);
			return oo_fail(err, -r, "timer");
		}
	}
	*ret_gates = gates;
	return 0;
}

void agent_gates_free(struct agent_gates *gates)
{
	if (gates == NULL) {
		return;
	}
	for (size_t g = 0; g < gates->n; g++) {
		end_hooks(&gates->gates[g]);
		oo_timer_done(&gates->gates[g].timer);
		oo_timer_done(&gates->gates[g].bar_timer);
	}
	free(gates);
}
