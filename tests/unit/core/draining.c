/* A node that an operator has drained. */
#include "story.h"
#include "suites.h"

static const struct oo_core_member other = {.node = "node-a", .priority = 50, .eligible = 1};

static void test_a_drained_holder_gives_up_what_it_holds(void)
{
	begin();
	see_members(0, &other, 1);
	become_active();
	drain(3100, true);
	TRACE("[ 3100] active -> releasing: drained node-a\n"
	      "[ 3100] address down, gracefully\n");
}

static void test_a_drained_holder_keeps_it_while_nobody_else_is_eligible(void)
{
	const struct oo_core_member sick = {.node = "node-a", .priority = 50};
	begin();
	see_members(0, &sick, 1);
	become_active();
	drain(3100, true);
	UNTIL(3500);
	TRACE("");
	CU_ASSERT(oo_core_view(story.core, 0).degraded);
	see_members(3510, &other, 1);
	TRACE("[ 3510] active -> releasing: drained node-a\n"
	      "[ 3510] address down, gracefully\n");
}

static void test_a_pause_keeps_what_a_drained_node_holds(void)
{
	begin();
	see_members(0, &other, 1);
	become_active();
	story.etcd.paused = true;
	STEP(3060, .type = OO_EVENT_PAUSE, .revision = story.etcd.revision, .paused = true);
	drain(3100, true);
	UNTIL(3500);
	TRACE("");
}

static void test_a_drained_standby_takes_nothing(void)
{
	begin();
	watch_node_a();
	drain(200, true);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).eligible, OO_HEALTH_DOWN);
	UNTIL(9000);
	TRACE("");
	drain(9001, false);
	TRACE("[ 9001] standby -> acquiring: holder_silent node-a\n"
	      "[ 9001] ask claim n1 ends n2 epoch 8\n");
}

/* A fresh agent: the first read says so, and nothing is taken before it. */
static void test_a_node_that_was_drained_before_its_agent_began_takes_nothing(void)
{
	begin();
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).eligible, OO_HEALTH_UNKNOWN);
	story.etcd.drained = true;
	other_takes("node-a", 7);
	UNTIL(9000);
	TRACE("");
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).eligible, OO_HEALTH_DOWN);
}

static void test_nobody_is_eligible_before_etcd_has_said_whether_it_is_drained(void)
{
	begin();
	story.reads_are_lost = true;
	UNTIL(500);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).eligible, OO_HEALTH_UNKNOWN);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).failed_check, -1);
	story.reads_are_lost = false;
	UNTIL(700);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).eligible, OO_HEALTH_UP);
}

/* It was drained, and nobody has told it yet: etcd knows, and the answer tells. */
static void test_a_claim_that_the_drain_refuses_is_not_tried_again(void)
{
	begin();
	watch_node_a();
	story.reads_hang = true;
	UNTIL(3031);
	story.etcd.drained = true;
	story.etcd.revision++;
	ANSWER(3040);
	UNTIL(9000);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n"
	      "[ 3040] acquiring -> standby: claim_refused\n");
}

static void test_a_drained_node_takes_nothing_as_stranded_either(void)
{
	struct oo_core_config config = story_config();
	const struct oo_core_member self = {.node = "node-b", .stranded = 1};
	config.checks[0].shared = true;
	begin_with(&config);
	see_members(0, &self, 1);
	watch_node_a();
	check_result(110, OO_HEALTH_DOWN);
	CU_ASSERT(oo_core_view(story.core, 0).stranded);
	drain(200, true);
	CU_ASSERT_FALSE(oo_core_view(story.core, 0).stranded);
	UNTIL(9000);
	TRACE("");
}

/* For what all share the holder waits; for a drain it does not. */
static void test_a_drain_is_a_reason_at_once(void)
{
	struct oo_core_config config = story_config();
	config.checks[0].shared = true;
	config.checks[0].notice_ms = 2000;
	begin_with(&config);
	see_members(0, &other, 1);
	become_active();
	check_result(3090, OO_HEALTH_DOWN);
	drain(3100, true);
	TRACE("[ 3100] active -> releasing: drained node-a\n"
	      "[ 3100] address down, gracefully\n");
}

static void test_an_older_event_does_not_undo_a_drain(void)
{
	begin();
	watch_node_a();
	int64_t then = story.etcd.revision;
	drain(200, true);
	STEP(210, .type = OO_EVENT_DRAIN, .revision = then, .drained = false);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).eligible, OO_HEALTH_DOWN);
}

/* It was offered before etcd knew: better that than nobody; and then it gives it up. */
static void test_an_offer_that_came_before_the_drain_is_accepted_and_given_back(void)
{
	begin();
	see_members(0, &other, 1);
	watch_node_a();
	other_offers("node-b");
	drain(190, true);
	WATCH(200);
	ANSWER(210);
	TRACE("[  200] standby -> active: offered node-a\n"
	      "[  200] ask renew n1 beat 1\n"
	      "[  210] active -> releasing: drained node-a\n"
	      "[  210] releasing -> handing_over: address_down\n" /* never up */
	      "[  210] ask offer n2 to node-a ends n1 epoch 9\n");
}

CU_TestInfo stories_of_draining[] = {
	{"a drained holder gives up what it holds", test_a_drained_holder_gives_up_what_it_holds},
	{"a drained holder keeps it while nobody else is eligible",
	 test_a_drained_holder_keeps_it_while_nobody_else_is_eligible},
	{"a pause keeps what a drained node holds", test_a_pause_keeps_what_a_drained_node_holds},
	{"a drained standby takes nothing", test_a_drained_standby_takes_nothing},
	{"a node that was drained before its agent began takes nothing",
	 test_a_node_that_was_drained_before_its_agent_began_takes_nothing},
	{"nobody is eligible before etcd has said whether it is drained",
	 test_nobody_is_eligible_before_etcd_has_said_whether_it_is_drained},
	{"a claim that the drain refuses is not tried again",
	 test_a_claim_that_the_drain_refuses_is_not_tried_again},
	{"a drained node takes nothing as stranded either",
	 test_a_drained_node_takes_nothing_as_stranded_either},
	{"a drain is a reason at once", test_a_drain_is_a_reason_at_once},
	{"an older event does not undo a drain", test_an_older_event_does_not_undo_a_drain},
	{"an offer that came before the drain is accepted and given back",
	 test_an_offer_that_came_before_the_drain_is_accepted_and_given_back},
	CU_TEST_INFO_NULL,
};
