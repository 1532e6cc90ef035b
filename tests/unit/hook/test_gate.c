/* The blocking hooks: what the addresses wait for, and what they do not wait for. */
#include "gate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../event/await.h"
#include "../event/testing.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "hooks.h"
#include "notices.h"
#include "scratch.h"
#include "story.h"
#include "vips.h"

#define HOLD_MS 60000

static struct scratch_path before_path, after_path;
static const char *before_list[1], *after_list[1];
static struct oo_config_vip vip = {.address = "10.0.0.100/24", .interface = "eth0"};
static struct oo_config_group groups[] = {{.name = "office", .vips = &vip, .n_vips = 1}};
static struct oo_config config = {.cluster = "c",
				  .node = {.name = "node-a"},
				  .lease = {.margin_ms = 100},
				  .groups = groups,
				  .n_groups = 1,
				  .hooks = {.timeout_ms = 10000}};
static struct agent agent;
static struct oo_want want;
static struct oo_pair pair;
static struct oo_core_view view;
static bool up, told, link_up;
static char notice[OO_REASON_LENGTH];

/* -- beside: the core, the addresses, the story */

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

void agent_tell(struct agent *to, const struct oo_event *event)
{
	(void)to;
	told = true;
	link_up = event->type == OO_EVENT_LINK ? event->up : link_up;
}

bool agent_vips_is_up(const struct agent_vips *vips)
{
	(void)vips;
	return up;
}

bool agent_vips_has_link(const struct agent_vips *vips)
{
	(void)vips;
	return true;
}

void agent_story_fill_event(const struct agent_story *story, struct agent_hook_event *event)
{
	(void)story;
	event->peer = "node-b";
	event->reason = "why";
	event->epoch = 7;
}

void agent_notices_say(struct agent *to, const struct agent_notice *what)
{
	(void)to;
	snprintf(notice, sizeof(notice), "%s %s: %.100s", what->grade, what->name, what->text);
}

void agent_check_leaving(struct agent *of)
{
	(void)of;
}

/* -- what is so */

static void set_hooks(const char *before, const char *after)
{
	config.hooks.pre_promote = (struct oo_config_texts){before_list, before != NULL};
	config.hooks.pre_demote = (struct oo_config_texts){after_list, after != NULL};
	(void)unlink(before_path.text); /* of another test, or none */
	(void)unlink(after_path.text);
	if (before != NULL) {
		scratch_hook("before", before);
	}
	if (after != NULL) {
		scratch_hook("after", after);
	}
}

static void set_up(void)
{
	scratch_empty();
	before_path = scratch_at("before");
	after_path = scratch_at("after");
	before_list[0] = before_path.text;
	after_list[0] = after_path.text;
	config.hooks.blocking_timeout_ms = AWAIT_MS;
	agent = (struct agent){.config = &config, .event = new_loop()};
	agent.group_names[0] = "office";
	want = (struct oo_want){.role = OO_ROLE_STANDBY};
	pair = (struct oo_pair){.claim = {.node = "node-b", .ttl_ms = 10000}};
	view = (struct oo_core_view){.pair = &pair, .known = true, .first_seen_at = oo_clock_now()};
	up = told = false;
	link_up = true;
	notice[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(agent_gates_new(&agent, &agent.gates, NULL), 0);
	agent_gate_start(agent.gates, 0, false);
}

static void tear_down(void)
{
	agent_gates_free(agent.gates);
	sd_event_unref(agent.event);
}

/* The core wants this now; what the addresses are told, and what has become of them. */
static struct oo_want set_want(const struct oo_want *next)
{
	want = *next;
	struct oo_want passed = agent_gate_want(agent.gates, 0);
	up = passed.address;
	return passed;
}

static bool hold(void)
{
	return set_want(&(struct oo_want){.role = OO_ROLE_ACTIVE,
					  .address = true,
					  .hold_until = oo_clock_now() + HOLD_MS})
		.address;
}

static bool leave(int64_t hold_ms)
{
	return set_want(&(struct oo_want){.role = OO_ROLE_RELEASING,
					  .graceful = true,
					  .hold_until = oo_clock_now() + hold_ms})
		.address;
}

/* After something was told to the core. */
static bool look(void)
{
	up = agent_gate_want(agent.gates, 0).address;
	return up;
}

static void await_told(void)
{
	CU_ASSERT(await(agent.event, &told));
	told = false;
}

static bool has_run(const char *mark)
{
	return access(scratch_at(mark).text, F_OK) == 0;
}

static void await_run(const char *mark)
{
	const int64_t until = oo_clock_now() + AWAIT_MS;
	while (!has_run(mark) && oo_clock_now() < until) {
		CU_ASSERT(sd_event_run(agent.event, 10000) >= 0);
	}
	CU_ASSERT(has_run(mark));
}

/* Lines of shell that leave a mark beside the hook, and then do the rest. */
static const char *marking(const char *mark, const char *rest)
{
	static char lines[2][PATH_MAX + 200];
	static unsigned turn;
	turn = !turn;
	(void)!snprintf(lines[turn], sizeof(lines[turn]), "echo $$ >%.3000s\n%s",
			scratch_at(mark).text, rest);
	return lines[turn];
}

/* Whether the hook that has written its number there is gone; it may take a moment. */
static bool is_killed(const char *mark)
{
	char path[64], number[16] = "";
	FILE *file = fopen(scratch_at(mark).text, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(number, sizeof(number), file));
	fclose(file);
	number[strcspn(number, "\n")] = '\0';
	snprintf(path, sizeof(path), "/proc/%s", number);
	const int64_t until = oo_clock_now() + AWAIT_MS;
	while (access(path, F_OK) == 0 && oo_clock_now() < until) {
		CU_ASSERT(sd_event_run(agent.event, 10000) >= 0);
	}
	return access(path, F_OK) != 0;
}

/* -- the tests */

static void test_without_hooks_the_want_passes_as_it_is(void)
{
	set_hooks(NULL, NULL);
	CU_ASSERT_TRUE(hold());
	CU_ASSERT_FALSE(leave(HOLD_MS));
	CU_ASSERT_EQUAL(agent_gate_want(agent.gates, 0).role, OO_ROLE_RELEASING);
	CU_ASSERT_TRUE(agent_gates_is_quiet(agent.gates));
	CU_ASSERT_FALSE(agent_gate_take_returned(agent.gates, 0));
	CU_ASSERT_FALSE(told);
}

static void test_addresses_wait_for_pre_promote(void)
{
	set_hooks("[ \"$OOHA_EVENT $OOHA_PEER $OOHA_EPOCH $OOHA_VIPS\" = "
		  "'pre_promote node-b 7 10.0.0.100/24' ]",
		  NULL);
	CU_ASSERT_FALSE(hold());
	CU_ASSERT_FALSE(agent_gates_is_quiet(agent.gates));
	await_told();
	CU_ASSERT_TRUE(look());
	CU_ASSERT_TRUE(link_up);
	CU_ASSERT_STRING_EQUAL(notice, "");
	CU_ASSERT_TRUE(agent_gates_is_quiet(agent.gates));
}

static void test_node_whose_pre_promote_fails_is_not_fit_and_serves_only_if_it_must(void)
{
	set_hooks("exit 3", NULL);
	CU_ASSERT_FALSE(hold());
	await_told();
	CU_ASSERT_FALSE(link_up);
	CU_ASSERT_PTR_NOT_NULL(strstr(agent_gate_trouble(agent.gates, 0), "pre_promote: hook /"));
	CU_ASSERT_PTR_NOT_NULL(strstr(agent_gate_trouble(agent.gates, 0), "/before: exit code 3"));
	CU_ASSERT_PTR_NOT_NULL(strstr(notice, "P1 pre_promote_failed: pre_promote: hook /"));
	CU_ASSERT_TRUE(look()); /* the core could not give it away */
	CU_ASSERT_FALSE(leave(HOLD_MS));
	agent_gates_forgive(agent.gates);
	CU_ASSERT_TRUE(link_up);
	CU_ASSERT_STRING_EQUAL(agent_gate_trouble(agent.gates, 0), "");
}

static void test_why_a_node_is_not_fit_outlasts_its_pre_demote(void)
{
	set_hooks("exit 3", "true");
	CU_ASSERT_FALSE(hold());
	await_told();
	CU_ASSERT_TRUE(look());
	CU_ASSERT_TRUE(leave(HOLD_MS));
	await_told();
	CU_ASSERT_PTR_NOT_NULL(strstr(agent_gate_trouble(agent.gates, 0), "/before: exit code 3"));
}

static void test_node_that_is_not_fit_is_better_than_nobody(void)
{
	set_hooks("exit 3", NULL);
	CU_ASSERT_FALSE(hold());
	await_told();
	view.mine = &pair.claim; /* ours, for long */
	view.first_seen_at -= 60000;
	look();
	settle(agent.event);
	CU_ASSERT_FALSE(link_up);
	want = (struct oo_want){.role = OO_ROLE_STANDBY};
	view.mine = NULL;
	view.first_seen_at =
		oo_clock_now() - 10500; /* silent, but others may be about to take it */
	look();
	settle(agent.event);
	CU_ASSERT_FALSE(link_up);
	view.first_seen_at = oo_clock_now() - 11200;
	look();
	settle(agent.event);
	CU_ASSERT_TRUE(link_up);
	CU_ASSERT_STRING_EQUAL(agent_gate_trouble(agent.gates, 0), "");
}

static void test_pre_promote_out_of_time_is_killed_and_counts_as_failed(void)
{
	set_hooks(marking("pid", "exec sleep 1000"), NULL);
	config.hooks.blocking_timeout_ms = 500;
	CU_ASSERT_FALSE(hold());
	await_told();
	CU_ASSERT_FALSE(link_up);
	CU_ASSERT_PTR_NOT_NULL(strstr(agent_gate_trouble(agent.gates, 0), "pre_promote: "));
	CU_ASSERT_TRUE(is_killed("pid"));
	CU_ASSERT_TRUE(look());
	CU_ASSERT_EQUAL(agent.counts.hooks[AGENT_HOOK_PRE_PROMOTE].failed, 1);
}

static void test_pre_promote_is_killed_when_the_hold_ends_and_begins_anew(void)
{
	set_hooks(marking("pid", "exec sleep 1000"), NULL);
	CU_ASSERT_FALSE(hold());
	await_run("pid");
	set_want(&(struct oo_want){.role = OO_ROLE_ACTIVE});
	CU_ASSERT_TRUE(agent_gates_is_quiet(agent.gates));
	CU_ASSERT_TRUE(is_killed("pid"));
	CU_ASSERT_FALSE(told);
	set_hooks("true", NULL);
	CU_ASSERT_FALSE(hold());
	await_told();
	CU_ASSERT_TRUE(look());
}

static void test_who_only_lapsed_and_who_adopted_have_no_pre_promote(void)
{
	set_hooks("true", NULL);
	CU_ASSERT_FALSE(hold());
	await_told();
	CU_ASSERT_TRUE(look());
	CU_ASSERT_FALSE(set_want(&(struct oo_want){.role = OO_ROLE_ACTIVE}).address);
	CU_ASSERT_TRUE(hold());

	up = true;
	agent_gate_start(agent.gates, 0, true);
	set_want(&(struct oo_want){.role = OO_ROLE_RECLAIMING, .keep = true});
	CU_ASSERT_TRUE(hold());
}

static void test_addresses_stay_while_pre_demote_runs(void)
{
	set_hooks(NULL, marking("pid", "sleep 0.2"));
	CU_ASSERT_TRUE(hold());
	CU_ASSERT_TRUE(leave(HOLD_MS));
	CU_ASSERT_EQUAL(agent_gate_want(agent.gates, 0).role, OO_ROLE_ACTIVE);
	CU_ASSERT_FALSE(agent_gate_want(agent.gates, 0).graceful);
	await_told();
	CU_ASSERT_TRUE(has_run("pid"));
	CU_ASSERT_FALSE(look());
	CU_ASSERT_TRUE(agent_gate_want(agent.gates, 0).graceful);
	CU_ASSERT_STRING_EQUAL(notice, "");
}

static void test_pre_demote_that_fails_or_hangs_keeps_nobody_past_the_hold(void)
{
	set_hooks(NULL, marking("pid", "exec sleep 1000"));
	CU_ASSERT_TRUE(hold());
	const int64_t until = oo_clock_now() + 600;
	CU_ASSERT_TRUE(leave(600));
	await_told();
	CU_ASSERT(oo_clock_now() < until);
	CU_ASSERT(oo_clock_now() >= until - config.lease.margin_ms - 1);
	CU_ASSERT_FALSE(look());
	CU_ASSERT_TRUE(is_killed("pid"));
	CU_ASSERT_PTR_NOT_NULL(strstr(notice, "P2 pre_demote_failed: pre_demote: "));

	set_hooks(NULL, "exit 1");
	set_want(&(struct oo_want){.role = OO_ROLE_STANDBY});
	CU_ASSERT_TRUE(hold());
	CU_ASSERT_TRUE(leave(HOLD_MS));
	await_told();
	CU_ASSERT_FALSE(look());
}

/* Whenever somebody asks, also before the timer has run. */
static void test_no_address_is_wanted_once_the_time_of_pre_demote_is_over(void)
{
	set_hooks(NULL, "exec sleep 1000");
	CU_ASSERT_TRUE(hold());
	CU_ASSERT_TRUE(leave(200));
	usleep(150000); /* the loop stands still */
	CU_ASSERT_FALSE(look());
	CU_ASSERT_TRUE(agent_gates_is_quiet(agent.gates));
}

static void test_pre_demote_ends_at_once_when_the_claim_is_lost(void)
{
	set_hooks(NULL, marking("pid", "exec sleep 1000"));
	CU_ASSERT_TRUE(hold());
	CU_ASSERT_TRUE(leave(HOLD_MS));
	await_run("pid");
	CU_ASSERT_FALSE(set_want(&(struct oo_want){.role = OO_ROLE_RELEASING}).address);
	CU_ASSERT_TRUE(is_killed("pid"));
	CU_ASSERT_FALSE(told);
}

static void test_pre_demote_does_not_begin_without_time_nor_for_addresses_that_are_down(void)
{
	set_hooks(NULL, marking("pid", "true"));
	CU_ASSERT_TRUE(hold());
	CU_ASSERT_FALSE(leave(config.lease.margin_ms + 5));
	set_want(&(struct oo_want){.role = OO_ROLE_STANDBY});
	CU_ASSERT_TRUE(hold());
	up = false; /* refused by a stranger, perhaps */
	CU_ASSERT_FALSE(leave(HOLD_MS));
	settle(agent.event);
	CU_ASSERT_FALSE(has_run("pid"));
}

static void test_what_pre_demote_did_is_undone_if_the_group_stays(void)
{
	set_hooks("true", "true");
	hold();
	await_told();
	CU_ASSERT_TRUE(look());
	CU_ASSERT_TRUE(leave(HOLD_MS));
	await_told();
	CU_ASSERT_FALSE(look());
	set_want(&(struct oo_want){.role = OO_ROLE_RECLAIMING});
	CU_ASSERT_FALSE(hold()); /* pre_promote again */
	await_told();
	CU_ASSERT_TRUE(look());
	CU_ASSERT_TRUE(agent_gate_take_returned(agent.gates, 0));
	CU_ASSERT_FALSE(agent_gate_take_returned(agent.gates, 0));

	CU_ASSERT_TRUE(leave(HOLD_MS));
	await_told();
	set_want(&(struct oo_want){.role = OO_ROLE_STANDBY}); /* gone: demoted undoes it */
	hold();
	CU_ASSERT_FALSE(agent_gate_take_returned(agent.gates, 0));
}

int main(void)
{
	static const struct test tests[] = {
		TEST(without_hooks_the_want_passes_as_it_is),
		TEST(addresses_wait_for_pre_promote),
		TEST(node_whose_pre_promote_fails_is_not_fit_and_serves_only_if_it_must),
		TEST(why_a_node_is_not_fit_outlasts_its_pre_demote),
		TEST(node_that_is_not_fit_is_better_than_nobody),
		TEST(pre_promote_out_of_time_is_killed_and_counts_as_failed),
		TEST(pre_promote_is_killed_when_the_hold_ends_and_begins_anew),
		TEST(who_only_lapsed_and_who_adopted_have_no_pre_promote),
		TEST(addresses_stay_while_pre_demote_runs),
		TEST(pre_demote_that_fails_or_hangs_keeps_nobody_past_the_hold),
		TEST(no_address_is_wanted_once_the_time_of_pre_demote_is_over),
		TEST(pre_demote_ends_at_once_when_the_claim_is_lost),
		TEST(pre_demote_does_not_begin_without_time_nor_for_addresses_that_are_down),
		TEST(what_pre_demote_did_is_undone_if_the_group_stays),
	};
	if (!scratch_make()) {
		return 1;
	}
	int r = run_tests_in("gate", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
	scratch_remove();
	return r;
}
