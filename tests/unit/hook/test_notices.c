/* What people are told, when, and in which grade. */
#include "notices.h"

#include <stdio.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "store.h"
#include "story.h"

#define TTL_MS 3000

static const char *paths[] = {"/x"};
static struct oo_config config = {.node = {.name = "node-a"}};
static struct agent agent;
static struct oo_want want;
static struct oo_pair pair;
static struct oo_core_view view;
static struct agent_known_member members[2];
static const char *trouble, *health;
static bool paused;
static struct oo_decree pause_decree = {.by = "ann@node-b", .reason = "upgrade"};
static int64_t now;
static char told[2048]; /* "event grade name state|text;" each */

/* -- beside: the clock, the core, etcd, the hooks */

int64_t __wrap_oo_clock_now(void);

int64_t __wrap_oo_clock_now(void)
{
	return now;
}

const struct oo_want *oo_core_want(const struct oo_core *core, unsigned group)
{
	(void)core;
	(void)group;
	return &want;
}

struct oo_core_view oo_core_view(const struct oo_core *core, unsigned group)
{
	(void)core;
	(void)group;
	return view;
}

bool oo_core_is_paused(const struct oo_core *core)
{
	(void)core;
	return paused;
}

const char *agent_store_trouble(const struct agent_store *store)
{
	(void)store;
	return trouble;
}

const struct oo_decree *agent_store_pause(const struct agent_store *store)
{
	(void)store;
	return paused ? &pause_decree : NULL;
}

const struct agent_known_member *agent_store_members(const struct agent_store *store, size_t *ret_n)
{
	(void)store;
	*ret_n = OO_LENGTH(members);
	return members;
}

void agent_story_explain_health(const struct agent *of, unsigned group,
				char text[static OO_REASON_LENGTH])
{
	(void)of;
	(void)group;
	oo_text_clip(text, OO_REASON_LENGTH, health);
}

void agent_story_fill_event(const struct agent_story *story, struct agent_hook_event *event)
{
	(void)story;
	event->reason = "why";
}

static const char *named(enum agent_hook hook)
{
	return hook == AGENT_HOOK_ELIGIBLE     ? "eligible"
	       : hook == AGENT_HOOK_INELIGIBLE ? "ineligible"
	       : hook == AGENT_HOOK_DEGRADED   ? "degraded"
					       : "notify";
}

void agent_hooks_run(struct agent_hooks *hooks, const struct agent_hook_event *event)
{
	size_t length = strlen(told);
	(void)hooks;
	snprintf(told + length, sizeof(told) - length, "%s %s %s %s|%s;", named(event->hook),
		 event->grade != NULL ? event->grade : "-",
		 event->notice != NULL ? event->notice : "-",
		 event->state != NULL ? event->state : "-",
		 event->text != NULL ? event->text : event->reason);
}

const struct oo_config_texts *agent_hooks_paths(const struct agent *of, enum agent_hook hook)
{
	static const struct oo_config_texts some = {.items = paths, .n = 1};
	(void)of;
	(void)hook;
	return &some;
}

/* -- what is so */

static void set_up(void)
{
	agent = (struct agent){.config = &config, .core_config = {.n_groups = 1, .ttl_ms = TTL_MS}};
	agent.group_names[0] = "office";
	now = 1000000;
	want = (struct oo_want){.role = OO_ROLE_STANDBY};
	pair = (struct oo_pair){.claim = {.node = "node-b", .ttl_ms = TTL_MS}};
	view = (struct oo_core_view){
		.pair = &pair, .known = true, .first_seen_at = now, .eligible = OO_HEALTH_UP};
	memset(members, 0, sizeof(members));
	snprintf(members[0].member.node, sizeof(members[0].member.node), "node-a");
	snprintf(members[1].member.node, sizeof(members[1].member.node), "node-b");
	members[0].member.groups = members[1].member.groups = 1;
	trouble = health = "";
	paused = false;
	told[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(agent_notices_new(&agent, &agent.notices, NULL), 0);
	agent_notices_start(agent.notices, 0, true);
}

static void tear_down(void)
{
	agent_notices_free(agent.notices);
}

static void hold(bool address)
{
	want = (struct oo_want){.role = OO_ROLE_ACTIVE, .address = address};
	view.mine = &pair.claim;
}

/* Looks, and after so long once more. */
static void look(int64_t later_ms)
{
	agent_notices_look(agent.notices);
	now += later_ms;
	if (want.role == OO_ROLE_ACTIVE) {
		view.first_seen_at = now;
	}
	agent_notices_look(agent.notices);
}

static void expect(const char *text)
{
	CU_ASSERT_STRING_EQUAL(told, text);
	told[0] = '\0';
}

/* -- the tests */

static void test_eligibility_is_told_once_at_each_turn_and_not_while_unknown(void)
{
	view.eligible = OO_HEALTH_UNKNOWN;
	look(0);
	view.eligible = OO_HEALTH_UP;
	look(0);
	expect(""); /* the agent before us has told */
	view.eligible = OO_HEALTH_DOWN;
	look(0);
	expect("ineligible - - -|;");
	view.eligible = OO_HEALTH_UNKNOWN;
	look(0);
	view.eligible = OO_HEALTH_UP;
	look(0);
	expect("eligible - - -|;");
	agent_notices_free(agent.notices);
	CU_ASSERT_EQUAL_FATAL(agent_notices_new(&agent, &agent.notices, NULL), 0);
	agent_notices_start(agent.notices, 0, false);
	look(0);
	expect("eligible - - -|;");
}

static void test_people_hear_of_what_lasts_when_it_begins_and_when_it_is_over(void)
{
	health = "check proxy down";
	view.eligible = OO_HEALTH_DOWN;
	look(4999);
	view.eligible = OO_HEALTH_UP;
	look(0);
	expect("ineligible - - -|check proxy down;eligible - - -|check proxy down;");
	view.eligible = OO_HEALTH_DOWN;
	view.first_seen_at = now + 5000;
	look(5000);
	look(0);
	expect("ineligible - - -|check proxy down;"
	       "notify P2 ineligible begun|office: check proxy down;");
	view.eligible = OO_HEALTH_UP;
	look(0);
	expect("eligible - - -|check proxy down;"
	       "notify P2 ineligible over|office: this node can serve again;");
}

static void test_degraded_holder_runs_its_hooks_and_tells_people(void)
{
	hold(true);
	health = "check proxy down";
	view.eligible = OO_HEALTH_DOWN;
	view.degraded = true;
	look(10000);
	expect("ineligible - - -|check proxy down;degraded - - -|check proxy down;"
	       "notify P1 degraded begun|office: check proxy down;");
	view.eligible = OO_HEALTH_UP;
	view.degraded = false;
	health = "";
	look(0);
	expect("eligible - - -|;notify P1 degraded over|office: no longer held by a node that is "
	       "not "
	       "fit for it;");
}

static void test_lapsed_hold_is_the_gravest_of_all(void)
{
	hold(false); /* not renewed yet: nobody has served */
	look(0);
	expect("");
	hold(true);
	look(0);
	hold(false);
	trouble = "no answer";
	look(0);
	expect("notify P0 lapsed begun|office: nobody serves it: no renewal has succeeded in time: "
	       "no answer;");
	hold(true);
	look(0);
	expect("notify P0 lapsed over|office: served again here;");
}

static void test_holder_without_another_to_follow_it_tells(void)
{
	hold(true);
	members[1].member.groups = 0;
	look(14999);
	expect("");
	look(1);
	expect("notify P1 no_standby begun|office: no other node could take it over;");
	members[1].member.groups = 1;
	look(0);
	expect("notify P1 no_standby over|office: another node could take it over again;");
}

static void test_standby_that_sees_nobody_hold_tells_unless_it_cannot_know(void)
{
	health = "check proxy not known to be up yet";
	look(TTL_MS);
	expect("");
	now += 31;
	look(4999);
	expect("");
	look(1);
	expect("notify P0 nobody_holds begun|office: nobody has held it for 8 s; here: check proxy "
	       "not known to be up yet;");
	trouble = "no answer";
	look(0);
	expect(""); /* that is not "held again" */
	trouble = "";
	view.first_seen_at = now;
	look(0);
	expect("notify P0 nobody_holds over|office: held again;");
	paused = true;
	look(60000);
	expect("");
	paused = false;
	view.known = false;
	look(60000);
	expect("");
}

static void test_holder_alone_tells_of_a_pause(void)
{
	paused = true;
	look(0);
	expect("");
	hold(true);
	look(0);
	expect("notify P2 paused begun|office: paused by ann@node-b: nobody takes over: upgrade;");
	paused = false;
	look(0);
	expect("notify P2 paused over|office: resumed;");
}

static void test_trouble_with_etcd_that_lasts_is_told_for_the_node(void)
{
	trouble = "connection refused";
	look(9999);
	expect("");
	look(1);
	expect("notify P2 etcd begun|node-a: etcd: connection refused;");
	trouble = "";
	view.first_seen_at = now;
	look(0);
	expect("notify P2 etcd over|node-a: etcd answers again;");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(eligibility_is_told_once_at_each_turn_and_not_while_unknown),
		TEST(people_hear_of_what_lasts_when_it_begins_and_when_it_is_over),
		TEST(degraded_holder_runs_its_hooks_and_tells_people),
		TEST(lapsed_hold_is_the_gravest_of_all),
		TEST(holder_without_another_to_follow_it_tells),
		TEST(standby_that_sees_nobody_hold_tells_unless_it_cannot_know),
		TEST(holder_alone_tells_of_a_pause),
		TEST(trouble_with_etcd_that_lasts_is_told_for_the_node),
	};
	return run_tests_in("notices", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
