#include "notices.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "journal.h"
#include "store.h"
#include "story.h"

#define TEXT_LENGTH 1024

/* What passes by itself sooner than that is nobody's trouble. */
#define ETCD_AFTER_MS 10000
#define STANDBY_AFTER_MS 15000
#define ILL_AFTER_MS 5000
#define NOBODY_AFTER_MS 5000 /* later than the last of them should have taken over */

struct level {
	bool told;
	int64_t since; /* of what has not been told yet; 0: it is not so */
};

struct levels {
	struct level lapsed, nobody, degraded, no_standby, ill, paused;
	enum oo_health health; /* hooks were last told; unknown: nothing */
	bool served;           /* the addresses have been wanted in this tenure */
};

struct agent_notices {
	struct agent *agent;
	struct level etcd;
	struct levels groups[OO_CORE_GROUPS_MAX];
};

void agent_notices_say(struct agent *agent, const struct agent_notice *notice)
{
	char text[TEXT_LENGTH];
	struct agent_hook_event event = {
		.hook = AGENT_HOOK_NOTIFY,
		.group = notice->group,
		.grade = notice->grade,
		.notice = notice->name,
		.state = notice->state,
		.text = text,
	};

	if (agent_hooks_paths(agent, AGENT_HOOK_NOTIFY)->n == 0) {
		return;
	}
	snprintf(text, sizeof(text), "%s: %s",
		 notice->group == AGENT_NO_GROUP ? agent->config->node.name
						 : agent->group_names[notice->group],
		 notice->text);
	if (notice->group != AGENT_NO_GROUP) {
		agent_story_fill_event(agent->story, &event);
	}
	agent_hooks_run(agent->hooks, &event);
}

/* Whether it is to be told now that it is so, or no longer so: level->told says which. */
static bool has_turned(struct level *level, bool is_so, int64_t after_ms)
{
	const int64_t now = oo_clock_now();

	if (level->told) {
		level->told = is_so;
		level->since = 0;
		return !is_so;
	}
	if (!is_so) {
		level->since = 0;
		return false;
	}
	level->since = level->since == 0 ? now : level->since;
	level->told = now - level->since >= after_ms;
	return level->told;
}

static void tell(const struct agent_notices *notices, const struct level *level,
		 struct agent_notice notice, const char *over)
{
	notice.state = level->told ? "begun" : "over";
	notice.text = level->told ? notice.text : over;
	agent_notices_say(notices->agent, &notice);
}

/* What nobody else has said. */
static void say_level(const struct agent *agent, const struct level *level,
		      enum agent_message message, unsigned group, const char *text)
{
	const char *name = agent->group_names[group];
	agent_say(level->told ? OO_LOG_WARNING : OO_LOG_NOTICE,
		  &(struct agent_said){.message = message,
				       .group = name,
				       .cause = level->told ? "begun" : "over"},
		  "%s: %s", name, text);
}

static void run_hook(const struct agent_notices *notices, enum agent_hook hook, unsigned group)
{
	const struct agent *agent = notices->agent;
	struct oo_core_view view = oo_core_view(agent->core, group);
	char reason[OO_REASON_LENGTH];

	agent_story_explain_health(agent, group, reason);
	agent_hooks_run(agent->hooks, &(struct agent_hook_event){.hook = hook,
								 .group = group,
								 .peer = view.pair->claim.node,
								 .reason = reason,
								 .epoch = view.epoch});
}

static void look_at_health(struct agent_notices *notices, unsigned group,
			   const struct oo_core_view *view)
{
	const struct agent *agent = notices->agent;
	struct levels *levels = &notices->groups[group];
	char text[OO_REASON_LENGTH];

	if (view->eligible != OO_HEALTH_UNKNOWN && view->eligible != levels->health) {
		levels->health = view->eligible;
		run_hook(notices,
			 view->eligible == OO_HEALTH_UP ? AGENT_HOOK_ELIGIBLE
							: AGENT_HOOK_INELIGIBLE,
			 group);
	}
	if (has_turned(&levels->ill, view->eligible == OO_HEALTH_DOWN && !view->degraded,
		       ILL_AFTER_MS)) {
		agent_story_explain_health(agent, group, text);
		tell(notices, &levels->ill,
		     (struct agent_notice){
			     .grade = "P2", .name = "ineligible", .group = group, .text = text},
		     view->degraded ? "this node holds it all the same"
				    : "this node can serve again");
	}
}

static void look_at_degraded(struct agent_notices *notices, unsigned group, bool degraded)
{
	const struct agent *agent = notices->agent;
	struct levels *levels = &notices->groups[group];
	char text[OO_REASON_LENGTH];

	if (!has_turned(&levels->degraded, degraded, 0)) {
		return;
	}
	agent_story_explain_health(agent, group, text);
	if (degraded) {
		run_hook(notices, AGENT_HOOK_DEGRADED, group);
	}
	tell(notices, &levels->degraded,
	     (struct agent_notice){.grade = "P1", .name = "degraded", .group = group, .text = text},
	     "no longer held by a node that is not fit for it");
}

static bool has_standby(const struct agent *agent, unsigned group)
{
	size_t n;
	const struct agent_known_member *members = agent_store_members(agent->store, &n);

	for (size_t i = 0; i < n; i++) {
		if ((members[i].member.groups & 1u << group) != 0 &&
		    !oo_text_equal(members[i].member.node, agent->config->node.name)) {
			return true;
		}
	}
	return false;
}

static void look_as_holder(struct agent_notices *notices, unsigned group)
{
	const struct agent *agent = notices->agent;
	struct levels *levels = &notices->groups[group];
	const struct oo_want *want = oo_core_want(agent->core, group);
	const bool active = want->role == OO_ROLE_ACTIVE;
	char text[OO_REASON_LENGTH];

	levels->served = active && (levels->served || want->address);
	if (has_turned(&levels->lapsed, levels->served && !want->address, 0)) {
		snprintf(text, sizeof(text),
			 "nobody serves it: no renewal has succeeded in time: %s",
			 agent_store_trouble(agent->store));
		tell(notices, &levels->lapsed,
		     (struct agent_notice){
			     .grade = "P0", .name = "lapsed", .group = group, .text = text},
		     active ? "served again here" : "held by another claim than this node's");
	}
	if (has_turned(&levels->no_standby, active && !has_standby(agent, group),
		       STANDBY_AFTER_MS)) {
		say_level(agent, &levels->no_standby, AGENT_MESSAGE_NO_STANDBY, group,
			  levels->no_standby.told ? "no other node could take it over"
						  : "another node could take it over, or holds it");
		tell(notices, &levels->no_standby,
		     (struct agent_notice){.grade = "P1",
					   .name = "no_standby",
					   .group = group,
					   .text = "no other node could take it over"},
		     active ? "another node could take it over again" : "held elsewhere now");
	}
}

/* By the holder alone: it is so on all nodes. */
static void look_at_pause(struct agent_notices *notices, unsigned group)
{
	const struct agent *agent = notices->agent;
	struct level *level = &notices->groups[group].paused;
	const bool active = oo_core_want(agent->core, group)->role == OO_ROLE_ACTIVE;
	const struct oo_decree *pause = agent_store_pause(agent->store);
	char text[TEXT_LENGTH];

	if (!has_turned(level, active && pause != NULL, 0)) {
		return;
	}
	if (pause != NULL) {
		snprintf(text, sizeof(text), "paused by %s: nobody takes over%s%s", pause->by,
			 pause->reason[0] == '\0' ? "" : ": ", pause->reason);
	}
	tell(notices, level,
	     (struct agent_notice){.grade = "P2", .name = "paused", .group = group, .text = text},
	     pause == NULL ? "resumed" : "held elsewhere now");
}

/* For how long nobody has held, as far as etcd says it; 0: somebody does. */
static int64_t unheld_ms(const struct agent *agent, const struct oo_core_view *view)
{
	const int64_t ttl_ms = view->pair->claim.ttl_ms > agent->core_config.ttl_ms
				       ? view->pair->claim.ttl_ms
				       : agent->core_config.ttl_ms;
	const int64_t ms = oo_clock_now() - view->first_seen_at;
	return view->mine != NULL || ms < ttl_ms + ttl_ms / 100 ? 0 : ms;
}

static void look_for_holder(struct agent_notices *notices, unsigned group,
			    const struct oo_core_view *view)
{
	const struct agent *agent = notices->agent;
	struct level *level = &notices->groups[group].nobody;
	char text[OO_REASON_LENGTH], health[OO_REASON_LENGTH];

	if (!view->known || agent_store_trouble(agent->store)[0] != '\0' ||
	    oo_core_is_paused(agent->core)) {
		return; /* not known, or nobody may take it */
	}
	const int64_t ms = unheld_ms(agent, view);
	if (has_turned(level, ms > 0, NOBODY_AFTER_MS)) {
		agent_story_explain_health(agent, group, health);
		snprintf(text, sizeof(text), "nobody has held it for %" PRId64 " s; here: %.*s",
			 ms / 1000, OO_REASON_LENGTH - 60,
			 health[0] == '\0' ? "about to take it" : health);
		say_level(agent, level, AGENT_MESSAGE_NOBODY_HOLDS, group,
			  level->told ? text : "held again");
		tell(notices, level,
		     (struct agent_notice){
			     .grade = "P0", .name = "nobody_holds", .group = group, .text = text},
		     "held again");
	}
}

void agent_notices_look(struct agent_notices *notices)
{
	const struct agent *agent = notices->agent;
	const char *trouble = agent_store_trouble(agent->store);
	char text[OO_REASON_LENGTH];

	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		const struct oo_core_view view = oo_core_view(agent->core, g);
		look_at_health(notices, g, &view);
		look_at_degraded(notices, g, view.degraded);
		look_as_holder(notices, g);
		look_for_holder(notices, g, &view);
		look_at_pause(notices, g);
	}
	if (has_turned(&notices->etcd, trouble[0] != '\0', ETCD_AFTER_MS)) {
		snprintf(text, sizeof(text), "etcd: %.*s", OO_REASON_LENGTH - 8, trouble);
		tell(notices, &notices->etcd,
		     (struct agent_notice){
			     .grade = "P2", .name = "etcd", .group = AGENT_NO_GROUP, .text = text},
		     "etcd answers again");
	}
}

void agent_notices_start(struct agent_notices *notices, unsigned group, bool adopted)
{
	if (adopted) {
		notices->groups[group].health = OO_HEALTH_UP;
	}
}

int agent_notices_new(struct agent *agent, struct agent_notices **ret_notices, struct oo_err *err)
{
	struct agent_notices *notices = calloc(1, sizeof(*notices));
	if (notices == NULL) {
		return oo_fail(err, ENOMEM, "notices");
	}
	notices->agent = agent;
	*ret_notices = notices;
	return 0;
}

void agent_notices_free(struct agent_notices *notices)
{
	free(notices);
}
