#include "story.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "checks.h"
#include "history.h"
#include "hook/hook.h"

struct chapter {
	char reason[OO_REASON_LENGTH];  /* why the group is what it is */
	char peer[OO_CORE_NAME_LENGTH]; /* from whom it came, or to whom it went */
	enum oo_cause cause;
	struct agent_timeline timeline;
	bool promoted;        /* of this tenure people and hooks have been told */
	uint64_t epoch;       /* of the tenure that they were told of */
	enum oo_cause failed; /* as what the last claim failed; NONE: it did not */
	int64_t failed_at;
	uint64_t failed_count; /* claims in a row that failed alike; the first was said */
};

struct agent_story {
	struct agent *agent;
	struct oo_hooks *hooks;
	struct chapter chapters[OO_CORE_GROUPS_MAX];
};

void agent_story_explain_health(const struct agent *agent, unsigned group,
				char text[static OO_REASON_LENGTH])
{
	struct oo_core_view view = oo_core_view(agent->core, group);

	text[0] = '\0';
	if (view.eligible == OO_HEALTH_UP) {
		return;
	}
	if (!view.link_up) {
		snprintf(text, OO_REASON_LENGTH, "an interface of the VIPs has no link");
		return;
	}
	const char *name = agent->config->checks[view.failed_check].name;
	const struct oo_check_result *result =
		agent_checks_result(agent->checks, (unsigned)view.failed_check);
	if (view.eligible == OO_HEALTH_DOWN) {
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

static void explain(const struct agent_story *story, const struct oo_transition *transition,
		    char text[static OO_REASON_LENGTH])
{
	const char *peer = named(transition->peer);
	char health[OO_REASON_LENGTH];

	switch (transition->cause) {
	case OO_CAUSE_NONE:
		text[0] = '\0';
		return;
	case OO_CAUSE_HOLDER_SILENT:
		snprintf(text, OO_REASON_LENGTH, "%s silent for %" PRId64 " ms", peer,
			 transition->number);
		return;
	case OO_CAUSE_RELEASED:
		snprintf(text, OO_REASON_LENGTH, "released by %s", peer);
		return;
	case OO_CAUSE_OFFERED:
		snprintf(text, OO_REASON_LENGTH, "handed over by %s", peer);
		return;
	case OO_CAUSE_ABSENT:
		snprintf(text, OO_REASON_LENGTH, "no holder known to etcd");
		return;
	case OO_CAUSE_READ_BACK:
		snprintf(text, OO_REASON_LENGTH, "own claim found in etcd, its answer was lost");
		return;
	case OO_CAUSE_CLAIMED:
		snprintf(text, OO_REASON_LENGTH, "claimed, epoch %" PRIu64, transition->epoch);
		return;
	case OO_CAUSE_CLAIM_REFUSED:
		snprintf(text, OO_REASON_LENGTH, "etcd changed before the claim came");
		return;
	case OO_CAUSE_UNKNOWN:
		snprintf(text, OO_REASON_LENGTH, "etcd did not say whether it was carried out");
		return;
	case OO_CAUSE_LOST:
		snprintf(text, OO_REASON_LENGTH, "the claim is %s's now", peer);
		return;
	case OO_CAUSE_CHECK_DOWN:
	case OO_CAUSE_LINK_DOWN:
		agent_story_explain_health(story->agent, transition->group, health);
		snprintf(text, OO_REASON_LENGTH, "%.*s; %s is better",
			 OO_REASON_LENGTH - OO_CORE_NAME_LENGTH - 14, health, peer);
		return;
	case OO_CAUSE_STOPPING:
		snprintf(text, OO_REASON_LENGTH, "stopping; next is %s", peer);
		return;
	case OO_CAUSE_ADDRESS_DOWN:
		snprintf(text, OO_REASON_LENGTH, "address is down");
		return;
	case OO_CAUSE_YIELDED:
		snprintf(text, OO_REASON_LENGTH, "given to %s", peer);
		return;
	case OO_CAUSE_TARGET_GONE:
		snprintf(text, OO_REASON_LENGTH,
			 "whom it was offered to has left; nobody else is better");
		return;
	case OO_CAUSE_ADOPTED:
		snprintf(text, OO_REASON_LENGTH, "held by this node's agent before a restart");
		return;
	case OO_CAUSE_GAVE_UP:
		snprintf(text, OO_REASON_LENGTH, "etcd did not take the release in time");
		return;
	}
}

/* All VIPs of a group, for hooks: "10.0.0.100/24 fd00::100/64". */
static int list_vips(const struct oo_config_group *group, struct oo_buffer *buffer)
{
	for (size_t i = 0; i < group->n_vips; i++) {
		int r = oo_buffer_add_format(buffer, "%s%s", i == 0 ? "" : " ",
					     group->vips[i].address);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static void on_hooks_done(void *user, int ran, int failed)
{
	struct agent_story *story = user;
	(void)ran;
	(void)failed; /* each has been said */
	agent_check_leaving(story->agent);
}

static void run_hooks(struct agent_story *story, unsigned group, const char *event,
		      const struct oo_config_texts *paths)
{
	const struct oo_config *config = story->agent->config;
	const struct chapter *chapter = &story->chapters[group];
	OO_AUTO(oo_buffer_done) struct oo_buffer vips;
	oo_buffer_init(&vips, 1 << 20);

	int r = list_vips(&config->groups[group], &vips);
	struct oo_hooks_event queued = {
		.paths = paths->items,
		.n_paths = paths->n,
		.environment = {.event = event,
				.group = config->groups[group].name,
				.node = config->node.name,
				.peer = chapter->peer,
				.reason = chapter->reason,
				.vips = vips.data,
				.cluster = config->cluster,
				.epoch = chapter->epoch},
		.done = on_hooks_done,
		.user = story,
	};
	r = r < 0 ? r : oo_hooks_run(story->hooks, &queued);
	if (r < 0) {
		oo_log(OO_LOG_ERROR, "%s: %s hooks not run: %s", config->groups[group].name, event,
		       strerror(-r));
	}
}

static void on_hook_line(void *user, enum oo_log_level level, const char *hook, const char *line)
{
	(void)user;
	oo_log(level, "hook %s: %s", hook, line);
}

/* tries: claims that failed alike before, in a row. */
static void log_transition(const struct agent_story *story, const struct oo_transition *transition,
			   const char *text, uint64_t tries)
{
	char group[80], epoch[40], cause[40], after[40] = "";
	const char *fields[] = {group, epoch, cause, NULL};

	snprintf(group, sizeof(group), "OOHA_GROUP=%s",
		 story->agent->group_names[transition->group]);
	snprintf(epoch, sizeof(epoch), "OOHA_EPOCH=%" PRIu64, transition->epoch);
	snprintf(cause, sizeof(cause), "OOHA_CAUSE=%s", oo_cause_name(transition->cause));
	if (tries > 1) {
		snprintf(after, sizeof(after), " (after %" PRIu64 " tries)", tries);
	}
	oo_log_fields(OO_LOG_NOTICE, fields, "%s: %s -> %s: %s%s",
		      story->agent->group_names[transition->group], oo_role_name(transition->from),
		      oo_role_name(transition->to), text, after);
}

/* What is a step on the way has the reason of where the way began. */
static bool is_new_reason(const struct oo_transition *transition)
{
	return transition->cause != OO_CAUSE_CLAIMED &&
	       transition->cause != OO_CAUSE_ADDRESS_DOWN && transition->cause != OO_CAUSE_YIELDED;
}

/*
 * While etcd takes no claim a standby tries again and again: the first try is said, and another end than
 * before. A ttl without a try is another matter: a holder was there meanwhile.
 */
static bool is_repeat(const struct agent_story *story, struct chapter *chapter,
		      const struct oo_transition *transition)
{
	if (transition->from == OO_ROLE_STANDBY && transition->to == OO_ROLE_ACQUIRING) {
		if (transition->at - chapter->failed_at > story->agent->config->lease.ttl_ms) {
			chapter->failed = OO_CAUSE_NONE;
		}
		return chapter->failed != OO_CAUSE_NONE;
	}
	bool fails = transition->from == OO_ROLE_ACQUIRING && transition->to == OO_ROLE_STANDBY;
	bool repeat = fails && chapter->failed == transition->cause;
	chapter->failed_count = repeat ? chapter->failed_count + 1 : fails;
	chapter->failed = fails ? transition->cause : OO_CAUSE_NONE;
	chapter->failed_at = transition->at;
	return repeat;
}

static void tell(struct agent_story *story, const struct oo_transition *transition)
{
	struct chapter *chapter = &story->chapters[transition->group];
	char text[OO_REASON_LENGTH];
	uint64_t tries = chapter->failed_count;

	explain(story, transition, text);
	if (!is_repeat(story, chapter, transition)) {
		log_transition(story, transition, text, tries);
	}
	if (is_new_reason(transition)) {
		memcpy(chapter->reason, text, sizeof(text));
		memcpy(chapter->peer, transition->peer, sizeof(chapter->peer));
		chapter->cause = transition->cause;
	}
	if (transition->cause == OO_CAUSE_YIELDED) { /* the best may be another one by now */
		memcpy(chapter->peer, transition->peer, sizeof(chapter->peer));
	}
	if (transition->from == OO_ROLE_STANDBY) {
		chapter->timeline = (struct agent_timeline){.detected_at = transition->at};
	}
	if (transition->to == OO_ROLE_ACTIVE) {
		chapter->timeline.claimed_at = transition->at;
	}
	if (transition->to == OO_ROLE_STANDBY && chapter->promoted) {
		chapter->promoted = false;
		run_hooks(story, transition->group, "demoted",
			  &story->agent->config->hooks.demoted);
	}
}

void agent_story_tell(struct agent_story *story)
{
	size_t n;
	const struct oo_transition *transitions = oo_core_transitions(story->agent->core, &n);
	for (size_t i = 0; i < n; i++) {
		tell(story, &transitions[i]);
	}
}

void agent_story_address_up(struct agent_story *story, unsigned group)
{
	struct chapter *chapter = &story->chapters[group];
	const struct oo_config_group *config = &story->agent->config->groups[group];

	oo_log(OO_LOG_NOTICE, "%s: address up: %s%s", config->name, config->vips[0].address,
	       config->n_vips > 1 ? " and others" : "");
	if (chapter->promoted) {
		return;
	}
	chapter->promoted = true;
	chapter->epoch = oo_core_view(story->agent->core, group).epoch;
	chapter->timeline.added_at = oo_clock_now();
	run_hooks(story, group, "promoted", &story->agent->config->hooks.promoted);
	agent_history_write(story->agent, &(struct agent_history_entry){
						  .group = group,
						  .from = chapter->peer,
						  .cause = oo_cause_name(chapter->cause),
						  .reason = chapter->reason,
						  .timeline = chapter->timeline,
					  });
}

const char *agent_story_reason(const struct agent_story *story, unsigned group)
{
	return story->chapters[group].reason;
}

bool agent_story_is_quiet(const struct agent_story *story)
{
	return oo_hooks_pending(story->hooks) == 0;
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

void agent_story_set_hook_timeout(struct agent_story *story, int64_t timeout_ms)
{
	oo_hooks_set_timeout(story->hooks, timeout_ms);
}

int agent_story_new(struct agent *agent, struct agent_story **ret_story, struct oo_err *err)
{
	struct agent_story *story = calloc(1, sizeof(*story));
	if (story == NULL) {
		return oo_fail(err, ENOMEM, "story");
	}
	story->agent = agent;
	struct oo_hooks_options options = {
		.timeout_ms = agent->config->hooks.timeout_ms, .log = on_hook_line, .user = story};
	int r = oo_hooks_new(agent->event, &options, &story->hooks, err);
	if (r < 0) {
		free(story);
		return r;
	}
	*ret_story = story;
	return 0;
}

void agent_story_free(struct agent_story *story)
{
	if (story != NULL) {
		oo_hooks_free(story->hooks);
		free(story);
	}
}
