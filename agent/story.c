#include "story.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "checks.h"
#include "diagnosis.h"
#include "history.h"
#include "gate.h"
#include "hooks.h"
#include "journal.h"
#include "notices.h"
#include "part.h"
#include "store.h"
#include "vips.h"

/* Claims in a row that came to nothing, for the same cause: told once, then counted. */
struct tries {
	unsigned n;
	int64_t failed_at; /* the last of them */
	enum oo_cause begun, failed;
	char peer[OO_CORE_NAME_LENGTH];
};

struct chapter {
	char reason[OO_REASON_LENGTH];  /* why the group is what it is */
	char peer[OO_CORE_NAME_LENGTH]; /* from whom it came, or to whom it went */
	enum oo_cause cause;
	char given[24]; /* why the node before gave it away, as its claim says; "": it did not */
	struct agent_timeline timeline;
	int64_t left_at; /* this node decided to leave; 0: never */
	bool promoted;   /* of this tenure people and hooks have been told */
	uint64_t epoch;  /* of the tenure that they were told of */
	bool shared;     /* people were told that all nodes fail the same */
	struct tries tries;
};

struct agent_story {
	struct agent *agent;
	struct chapter chapters[OO_CORE_GROUPS_MAX];
};

/* What broke, and the check that noticed: "Document Server hung: ... (check proxy: silent)". */
static void explain_verdict(const struct agent_verdict *verdict, const char *check,
			    const struct oo_check_result *result,
			    char text[static OO_REASON_LENGTH])
{
	char noticed[OO_CORE_NAME_LENGTH + 48];
	snprintf(noticed, sizeof(noticed), " (check %.*s: %s)", OO_CORE_NAME_LENGTH, check,
		 oo_check_reason_name(result->reason));
	oo_text_clip(text, OO_REASON_LENGTH - strlen(noticed), verdict->summary);
	oo_text_clip(text + strlen(text), OO_REASON_LENGTH - strlen(text), noticed);
}

void agent_story_explain_health(const struct agent *agent, unsigned group,
				char text[static OO_REASON_LENGTH])
{
	struct oo_core_view view = oo_core_view(agent->core, group);

	text[0] = '\0';
	if (view.eligible == OO_HEALTH_UP) {
		return;
	}
	if (oo_core_is_drained(agent->core)) {
		agent_store_explain_drain(agent->store, text);
		return;
	}
	if (!view.link_up) {
		agent_vips_explain_link(agent->vips[group], text, OO_REASON_LENGTH);
		if (text[0] == '\0') {
			oo_text_clip(text, OO_REASON_LENGTH,
				     agent_gate_trouble(agent->gates, group));
		}
		if (text[0] == '\0') { /* it has just come back */
			snprintf(text, OO_REASON_LENGTH, "an interface of the VIPs has no link");
		}
		return;
	}
	if (view.failed_check < 0) {
		snprintf(text, OO_REASON_LENGTH,
			 "etcd has not said yet whether this node is drained");
		return;
	}
	const char *name = agent->config->checks[view.failed_check].spec.name;
	const struct oo_check_result *result =
		agent_checks_result(agent->checks, (unsigned)view.failed_check);
	const struct agent_verdict *verdict = agent_diagnosis_verdict(agent->diagnosis);
	if (view.eligible == OO_HEALTH_DOWN && verdict != NULL) {
		explain_verdict(verdict, name, result, text);
	} else if (view.eligible == OO_HEALTH_DOWN) {
		snprintf(text, OO_REASON_LENGTH, "check %s down: %s (%s)", name,
			 oo_check_reason_name(result->reason), result->seen);
	} else {
		snprintf(text, OO_REASON_LENGTH, "check %s not known to be up yet", name);
	}
}

static const char *named(const char *peer)
{
	return peer[0] == '\0' ? "nobody" : peer;
}

static void explain_claimed(const struct agent_story *story, const struct oo_transition *transition,
			    char text[static OO_REASON_LENGTH])
{
	unsigned failed = story->chapters[transition->group].tries.n;
	if (failed == 0) {
		snprintf(text, OO_REASON_LENGTH, "claimed, epoch %" PRIu64, transition->epoch);
	} else {
		snprintf(text, OO_REASON_LENGTH, "claimed at try %u, epoch %" PRIu64, failed + 1,
			 transition->epoch);
	}
}

/* With the reason that the other node gave. */
static void explain_offered(const struct agent_story *story, const struct oo_transition *transition,
			    char text[static OO_REASON_LENGTH])
{
	struct oo_core_view view = oo_core_view(story->agent->core, transition->group);
	struct oo_claim_text claim;

	oo_record_read_claim_text(&view.pair->claim, &claim);
	snprintf(text, OO_REASON_LENGTH, "handed over by %s%s%.*s", named(transition->peer),
		 claim.reason[0] == '\0' ? "" : ": ", OO_REASON_LENGTH - OO_CORE_NAME_LENGTH - 18,
		 claim.reason);
}

static void explain_unfit(const struct agent_story *story, const struct oo_transition *transition,
			  char text[static OO_REASON_LENGTH])
{
	char health[OO_REASON_LENGTH];
	agent_story_explain_health(story->agent, transition->group, health);
	snprintf(text, OO_REASON_LENGTH, "%.*s; %s is better",
		 OO_REASON_LENGTH - OO_CORE_NAME_LENGTH - 14, health, named(transition->peer));
}

/* The causes of which there is no more to say. */
static const char *const plain_texts[OO_CAUSES] = {
	[OO_CAUSE_NONE] = "",
	[OO_CAUSE_ABSENT] = "no holder known to etcd",
	[OO_CAUSE_READ_BACK] = "own claim found in etcd, its answer was lost",
	[OO_CAUSE_CLAIM_REFUSED] = "etcd changed before the claim came",
	[OO_CAUSE_UNKNOWN] = "etcd did not confirm it",
	[OO_CAUSE_ADDRESS_DOWN] = "address is down",
	[OO_CAUSE_ADOPTED] = "held by this node's agent before a restart",
	[OO_CAUSE_GAVE_UP] = "etcd did not take the release in time",
	[OO_CAUSE_WITHDRAWN] = "the switchover was withdrawn",
};

static void explain(const struct agent_story *story, const struct oo_transition *transition,
		    char text[static OO_REASON_LENGTH])
{
	const char *peer = named(transition->peer);

	switch (transition->cause) {
	case OO_CAUSE_NONE:
	case OO_CAUSE_ABSENT:
	case OO_CAUSE_READ_BACK:
	case OO_CAUSE_CLAIM_REFUSED:
	case OO_CAUSE_UNKNOWN:
	case OO_CAUSE_ADDRESS_DOWN:
	case OO_CAUSE_ADOPTED:
	case OO_CAUSE_GAVE_UP:
	case OO_CAUSE_WITHDRAWN:
		oo_text_clip(text, OO_REASON_LENGTH, plain_texts[transition->cause]);
		return;
	case OO_CAUSE_HOLDER_SILENT:
		snprintf(text, OO_REASON_LENGTH, "%s silent for %" PRId64 " ms", peer,
			 transition->number);
		return;
	case OO_CAUSE_RELEASED:
		snprintf(text, OO_REASON_LENGTH, "released by %s", peer);
		return;
	case OO_CAUSE_OFFERED:
		explain_offered(story, transition, text);
		return;
	case OO_CAUSE_CLAIMED:
		explain_claimed(story, transition, text);
		return;
	case OO_CAUSE_LOST:
		snprintf(text, OO_REASON_LENGTH, "the claim is %s's now", peer);
		return;
	case OO_CAUSE_CHECK_DOWN:
	case OO_CAUSE_LINK_DOWN:
	case OO_CAUSE_DRAINED:
		explain_unfit(story, transition, text);
		return;
	case OO_CAUSE_SWITCHOVER:
		agent_store_explain_order(story->agent->store, transition->group, peer, text);
		return;
	case OO_CAUSE_STOPPING:
		snprintf(text, OO_REASON_LENGTH, "stopping; next is %s", peer);
		return;
	case OO_CAUSE_YIELDED:
		snprintf(text, OO_REASON_LENGTH, "given to %s", peer);
		return;
	case OO_CAUSE_TARGET_GONE:
		snprintf(text, OO_REASON_LENGTH,
			 "whom it was offered to has left; nobody else is better");
		return;
	}
}

void agent_story_fill_event(const struct agent_story *story, struct agent_hook_event *event)
{
	const struct chapter *chapter = &story->chapters[event->group];
	const bool coming = event->hook == AGENT_HOOK_PRE_PROMOTE;

	event->peer = chapter->peer;
	event->reason = chapter->reason;
	event->epoch =
		coming ? oo_core_view(story->agent->core, event->group).epoch : chapter->epoch;
}

static void run_hooks(const struct agent_story *story, unsigned group, enum agent_hook hook)
{
	struct agent_hook_event event = {.hook = hook, .group = group};
	agent_story_fill_event(story, &event);
	agent_hooks_run(story->agent->hooks, &event);
}

/* Whether the transition only repeats what the last try was told to be. Counts. */
static bool is_again(struct tries *tries, const struct oo_transition *transition, int64_t ttl_ms)
{
	bool again = false;

	if (transition->from == OO_ROLE_STANDBY) {
		again = tries->n > 0 && transition->at - tries->failed_at <= ttl_ms &&
			transition->cause == tries->begun &&
			oo_text_equal(transition->peer, tries->peer);
		tries->n = again ? tries->n : 0;
		tries->begun = transition->cause;
		memcpy(tries->peer, transition->peer, sizeof(tries->peer));
	} else if (transition->from == OO_ROLE_ACQUIRING && transition->to == OO_ROLE_STANDBY) {
		again = tries->n > 0 && transition->cause == tries->failed;
		tries->n++;
		tries->failed = transition->cause;
		tries->failed_at = transition->at;
	}
	return again;
}

/* The core knows one bit of what is neither link nor check. */
static const char *cause_name(const struct agent *agent, const struct oo_transition *transition)
{
	char link[OO_REASON_LENGTH];

	if (transition->cause == OO_CAUSE_LINK_DOWN) {
		agent_vips_explain_link(agent->vips[transition->group], link, sizeof(link));
		if (link[0] == '\0' &&
		    agent_gate_trouble(agent->gates, transition->group)[0] != '\0') {
			return "pre_promote_failed";
		}
	}
	return oo_cause_name(transition->cause);
}

static void log_transition(const struct agent_story *story, const struct oo_transition *transition,
			   enum oo_log_level level, const char *text)
{
	const char *group = story->agent->group_names[transition->group];

	agent_say(level,
		  &(struct agent_said){.message = AGENT_MESSAGE_ROLE,
				       .group = group,
				       .epoch = transition->epoch,
				       .peer = transition->peer,
				       .cause = cause_name(story->agent, transition)},
		  "%s: %s -> %s: %s", group, oo_role_name(transition->from),
		  oo_role_name(transition->to), text);
}

/* What is a step on the way has the reason of where the way began. */
static bool is_new_reason(const struct oo_transition *transition)
{
	return transition->cause != OO_CAUSE_CLAIMED &&
	       transition->cause != OO_CAUSE_ADDRESS_DOWN && transition->cause != OO_CAUSE_YIELDED;
}

/* The claim that gives it away is still the one that is seen. */
static void begin_timeline(struct agent_story *story, const struct oo_transition *transition)
{
	struct chapter *chapter = &story->chapters[transition->group];
	struct oo_core_view view = oo_core_view(story->agent->core, transition->group);
	struct oo_claim_text claim = {0};

	chapter->timeline = (struct agent_timeline){
		.detected_at = transition->at,
		.silent_ms = transition->cause == OO_CAUSE_HOLDER_SILENT ? transition->number : 0,
		.given = transition->cause == OO_CAUSE_OFFERED ||
			 transition->cause == OO_CAUSE_RELEASED,
	};
	if (chapter->timeline.given) {
		oo_record_read_claim_text(&view.pair->claim, &claim);
	}
	chapter->timeline.given_ages = claim.ages;
	memcpy(chapter->given, claim.cause, sizeof(chapter->given));
}

static void tell(struct agent_story *story, const struct oo_transition *transition)
{
	struct chapter *chapter = &story->chapters[transition->group];
	char text[OO_REASON_LENGTH];

	explain(story, transition, text);
	bool again = is_again(&chapter->tries, transition, story->agent->core_config.ttl_ms);
	story->agent->counts.groups[transition->group].transitions[transition->cause]++;
	log_transition(story, transition, again ? OO_LOG_DEBUG : OO_LOG_NOTICE, text);
	if (is_new_reason(transition)) {
		memcpy(chapter->reason, text, sizeof(text));
		memcpy(chapter->peer, transition->peer, sizeof(chapter->peer));
		chapter->cause = transition->cause;
	}
	if (transition->cause == OO_CAUSE_YIELDED) { /* the best may be another one by now */
		memcpy(chapter->peer, transition->peer, sizeof(chapter->peer));
	}
	if (transition->from == OO_ROLE_STANDBY && !again) {
		begin_timeline(story, transition);
	}
	if (transition->to == OO_ROLE_RELEASING) {
		chapter->left_at = transition->at;
	}
	if (transition->to == OO_ROLE_ACTIVE) {
		chapter->timeline.claimed_at = transition->at;
	}
	if (transition->to == OO_ROLE_STANDBY && chapter->promoted) {
		chapter->promoted = false;
		run_hooks(story, transition->group, AGENT_HOOK_DEMOTED);
	}
}

/* Said by the holder, when it begins and when it is over: the same of all nodes is noise. */
static void tell_shared(struct agent_story *story, unsigned group)
{
	const struct agent *agent = story->agent;
	struct chapter *chapter = &story->chapters[group];
	struct oo_core_view view = oo_core_view(agent->core, group);
	bool holds = oo_core_want(agent->core, group)->role == OO_ROLE_ACTIVE;
	bool shared = holds && view.degraded && view.shared_check >= 0;

	if (shared && !chapter->shared) {
		agent_say(OO_LOG_WARNING,
			  &(struct agent_said){
				  .message = AGENT_MESSAGE_DEGRADED,
				  .group = agent->group_names[group],
				  .check = agent->config->checks[view.shared_check].spec.name},
			  "%s: degraded: shared %s: every node that could serve fails it, too; "
			  "nobody "
			  "moves",
			  agent->group_names[group],
			  agent->config->checks[view.shared_check].spec.name);
	} else if (chapter->shared && holds && view.eligible == OO_HEALTH_UP) {
		agent_say(OO_LOG_NOTICE,
			  &(struct agent_said){.message = AGENT_MESSAGE_DEGRADED,
					       .group = agent->group_names[group]},
			  "%s: no longer degraded by what all nodes share",
			  agent->group_names[group]);
	} else if (holds) {
		return;
	}
	chapter->shared = shared;
}

void agent_story_tell(struct agent_story *story)
{
	size_t n;
	const struct oo_transition *transitions = oo_core_transitions(story->agent->core, &n);
	for (size_t i = 0; i < n; i++) {
		tell(story, &transitions[i]);
	}
	for (unsigned g = 0; g < story->agent->core_config.n_groups; g++) {
		tell_shared(story, g);
	}
}

struct oo_claim_ages agent_story_ages(const struct agent_story *story, unsigned group)
{
	const struct chapter *chapter = &story->chapters[group];
	const int64_t now = oo_clock_now();
	size_t n;
	const struct agent_part *parts = agent_vips_parts(story->agent->vips[group], &n);
	const int64_t down_at = agent_part_any_down_at(parts, n);
	/* up in this very tenure, and down since */
	const bool was_up = chapter->promoted && down_at > agent_part_all_added_at(parts, n);

	return (struct oo_claim_ages){.left_ms =
					      chapter->left_at == 0 ? -1 : now - chapter->left_at,
				      .down_ms = was_up ? now - down_at : -1};
}

/* Its addresses are up for the first time. */
static void begin_tenure(struct agent_story *story, unsigned group, int64_t armed_at)
{
	struct chapter *chapter = &story->chapters[group];
	char text[OO_REASON_LENGTH + 2 * OO_CORE_NAME_LENGTH + 24];

	chapter->promoted = true;
	chapter->epoch = oo_core_view(story->agent->core, group).epoch;
	chapter->timeline.armed_at = armed_at;
	size_t n;
	const struct agent_part *parts = agent_vips_parts(story->agent->vips[group], &n);
	chapter->timeline.added_at = agent_part_all_added_at(parts, n);
	chapter->timeline.announced_at = oo_clock_now();
	agent_counts_promotion(&story->agent->counts.groups[group], &chapter->timeline);
	run_hooks(story, group, AGENT_HOOK_PROMOTED);
	snprintf(text, sizeof(text), "moved from %s to %s: %s", named(chapter->peer),
		 story->agent->config->node.name, chapter->reason);
	agent_notices_say(story->agent,
			  &(struct agent_notice){
				  .grade = "P1", .name = "moved", .group = group, .text = text});
	agent_history_write(story->agent, &(struct agent_history_entry){
						  .group = group,
						  .from = chapter->peer,
						  .cause = chapter->given[0] == '\0'
								   ? oo_cause_name(chapter->cause)
								   : chapter->given,
						  .reason = chapter->reason,
						  .timeline = chapter->timeline,
					  });
}

void agent_story_address_up(struct agent_story *story, unsigned group, int64_t armed_at)
{
	struct chapter *chapter = &story->chapters[group];
	const struct oo_config_group *config = &story->agent->config->groups[group];

	agent_say(OO_LOG_NOTICE,
		  &(struct agent_said){.message = AGENT_MESSAGE_ADDRESS_UP,
				       .group = config->name,
				       .epoch = oo_core_view(story->agent->core, group).epoch},
		  "%s: address up: %s%s", config->name, config->vips[0].address,
		  config->n_vips > 1 ? " and others" : "");
	if (chapter->promoted && agent_gate_take_returned(story->agent->gates, group)) {
		run_hooks(story, group,
			  AGENT_HOOK_PROMOTED); /* what pre_demote did is to be undone */
	} else if (!chapter->promoted) {
		begin_tenure(story, group, armed_at);
	}
}

const char *agent_story_reason(const struct agent_story *story, unsigned group)
{
	return story->chapters[group].reason;
}

bool agent_story_is_quiet(const struct agent_story *story)
{
	return agent_hooks_is_quiet(story->agent->hooks) &&
	       agent_gates_is_quiet(story->agent->gates);
}

void agent_story_start(struct agent_story *story, unsigned group, bool adopted)
{
	story->chapters[group].promoted = adopted;
	if (adopted) {
		story->chapters[group].epoch = oo_core_view(story->agent->core, group).mine->epoch;
		snprintf(story->chapters[group].reason, OO_REASON_LENGTH,
			 "held by this node's agent before a restart");
	}
}

int agent_story_new(struct agent *agent, struct agent_story **ret_story, struct oo_err *err)
{
	struct agent_story *story = calloc(1, sizeof(*story));
	if (story == NULL) {
		return oo_fail(err, ENOMEM, "story");
	}
	story->agent = agent;
	*ret_story = story;
	return 0;
}

void agent_story_free(struct agent_story *story)
{
	free(story);
}
