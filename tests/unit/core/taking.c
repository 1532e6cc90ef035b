/* When a standby may take what it is not offered. */
#include "story.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

static void test_first_start_marks_the_absence_and_waits_a_full_ttl(void)
{
	begin();
	story.marks_hang = true;
	UNTIL(1);
	TRACE("[    0] ask mark epoch 0\n");
	ANSWER(40);
	CU_ASSERT_EQUAL(story.etcd.pairs[0].claim.node[0], '\0');
	UNTIL(40 + 3030);
	TRACE("");
	UNTIL(40 + 3031);
	TRACE("[ 3071] standby -> acquiring: absent\n"
	      "[ 3071] ask claim n1 ends mark epoch 1\n");
}

static void test_nobody_takes_while_no_mark_is_known_to_be_there(void)
{
	begin();
	story.marks_hang = true;
	UNTIL(1);
	LOSE_REQUEST(400);
	UNTIL(10000);
	TRACE("[    0] ask mark epoch 0\n"
	      "[  500] ask mark epoch 0\n"); /* after retry */
}

static void test_a_mark_whose_answer_was_lost_is_there_all_the_same(void)
{
	begin();
	story.marks_hang = true;
	UNTIL(1);
	LOSE_ANSWER(450);
	UNTIL(500 + 3030); /* the read of 500 has shown it */
	TRACE("[    0] ask mark epoch 0\n");
	UNTIL(500 + 3031);
	TRACE("[ 3531] standby -> acquiring: absent\n"
	      "[ 3531] ask claim n1 ends mark epoch 1\n");
}

static void test_the_mark_of_another_is_as_good(void)
{
	begin();
	story.marks_hang = true;
	UNTIL(1);
	other_marks();
	ANSWER(40);
	UNTIL(40 + 3030);
	TRACE("[    0] ask mark epoch 0\n");
	UNTIL(40 + 3031);
	TRACE("[ 3071] standby -> acquiring: absent\n"
	      "[ 3071] ask claim n1 ends n2 epoch 1\n");
}

static void test_a_mark_that_is_deleted_restarts_the_wait(void)
{
	begin();
	UNTIL(1999);
	keys_vanish();
	UNTIL(2000 + 3030); /* seen by the read of 2000 */
	TRACE("");
	UNTIL(2000 + 3031);
	TRACE("[ 5031] standby -> acquiring: absent\n"
	      "[ 5031] ask claim n1 ends mark epoch 1\n");
}

static void test_a_deleted_key_leaves_its_holder_a_ttl_from_the_mark(void)
{
	begin();
	watch_node_a();
	UNTIL(2600);
	keys_vanish();
	WATCH(2700);
	UNTIL(2701 + 3029);
	TRACE("");
	UNTIL(2701 + 3030);
	TRACE("[ 5731] standby -> acquiring: absent\n"
	      "[ 5731] ask claim n1 ends mark epoch 8\n");
}

/* Between two reads, and no watch has shown it: node-a, frozen, has its address up. */
static void test_a_claim_that_was_never_seen_restarts_the_wait(void)
{
	begin();
	UNTIL(1900);
	other_takes("node-a", 7);
	keys_vanish();
	UNTIL(2000 + 3030);
	TRACE("");
	UNTIL(2000 + 3031);
	TRACE("[ 5031] standby -> acquiring: absent\n"
	      "[ 5031] ask claim n1 ends mark epoch 1\n");
}

static void test_who_stops_marks_nothing(void)
{
	begin();
	story.marks_hang = true;
	STEP(0, .type = OO_EVENT_STOP);
	UNTIL(1000);
	TRACE("");
}

static void test_the_same_pair_is_taken_after_ttl_and_drift_and_not_a_ms_before(void)
{
	begin();
	watch_node_a(); /* first seen at 0 */
	UNTIL(3030);
	TRACE("");
	UNTIL(3031);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n");
}

static void test_a_beat_restarts_the_wait(void)
{
	begin();
	watch_node_a();
	UNTIL(2999);
	other_renews();
	WATCH_BEAT(3000);
	UNTIL(6030);
	TRACE("");
	UNTIL(6031);
	TRACE("[ 6031] standby -> acquiring: holder_silent node-a\n"
	      "[ 6031] ask claim n1 ends n2 epoch 8\n");
}

static void test_the_same_pair_seen_again_does_not_restart_the_wait(void)
{
	begin();
	watch_node_a();
	UNTIL(1400);
	story.etcd.revision += 5; /* something else in etcd was changed */
	UNTIL(2000);
	WATCH(2001);
	story.etcd.revision += 5;
	WATCH(2002);
	UNTIL(3030);
	TRACE("");
	UNTIL(3031);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n");
}

static void test_each_better_standby_is_given_100_ms_more(void)
{
	const struct oo_core_member members[] = {
		{.node = "node-a", .priority = {200}, .eligible = 1}, /* the silent one: no rank */
		{.node = "node-b", .priority = {100}, .eligible = 1},
		{.node = "node-c", .priority = {101}, .eligible = 1},
		{.node = "node-aa", .priority = {100}, .eligible = 1}, /* before us by its name */
		{.node = "node-d", .priority = {100}, .eligible = 1},
		{.node = "node-e",
		 .priority = {150},
		 .eligible = 2}, /* eligible for another group */
	};
	begin();
	see_members(0, members, 6);
	watch_node_a();
	UNTIL(3230);
	TRACE("");
	UNTIL(3231);
	TRACE("[ 3231] standby -> acquiring: holder_silent node-a\n"
	      "[ 3231] ask claim n1 ends n2 epoch 8\n");
}

static void test_a_standby_that_loses_a_better_one_from_sight_takes_sooner(void)
{
	const struct oo_core_member better = {.node = "node-a", .priority = {200}, .eligible = 1};
	begin();
	see_members(0, &better, 1);
	UNTIL(3035);
	TRACE("");
	see_members(3040, NULL, 0);
	TRACE("[ 3040] standby -> acquiring: absent\n"
	      "[ 3040] ask claim n1 ends mark epoch 1\n");
}

static void test_the_ttl_in_the_claim_is_what_a_standby_waits(void)
{
	begin();
	story.config.ttl_ms = 10000; /* node-a's */
	watch_node_a();
	UNTIL(10100);
	TRACE("");
	UNTIL(10101);
	TRACE("[10101] standby -> acquiring: holder_silent node-a\n"
	      "[10101] ask claim n1 ends n2 epoch 8\n");
}

static void test_a_deleted_key_leaves_its_holder_the_ttl_that_it_had(void)
{
	begin();
	story.config.ttl_ms = 10000; /* node-a's, frozen, its address up */
	watch_node_a();
	keys_vanish();
	UNTIL(500 + 10100);
	TRACE("");
	CU_ASSERT_EQUAL(story.etcd.pairs[0].claim.ttl_ms, 10000); /* the mark passes it on */
	UNTIL(500 + 10101);
	TRACE("[10601] standby -> acquiring: absent\n"
	      "[10601] ask claim n1 ends mark epoch 8\n");
}

static void test_the_mark_of_who_never_saw_the_holder_shortens_nothing(void)
{
	begin();
	story.config.ttl_ms = 10000; /* node-a's, frozen, its address up */
	watch_node_a();
	UNTIL(499);
	keys_vanish();
	story.config.ttl_ms = 3000;
	other_marks();
	UNTIL(500 + 10100);
	TRACE("");
	UNTIL(500 + 10101);
	TRACE("[10601] standby -> acquiring: absent\n"
	      "[10601] ask claim n1 ends n2 epoch 8\n");
}

static void write_nonsense(int64_t ttl_ms)
{
	struct oo_claim *claim = &story.etcd.pairs[0].claim;
	*claim = (struct oo_claim){.revision = ++story.etcd.revision, .ttl_ms = ttl_ms};
	claim->value_length = (uint16_t)snprintf(claim->value, sizeof(claim->value), "hello");
}

static void test_a_claim_that_makes_no_sense_gets_a_full_ttl(void)
{
	begin();
	write_nonsense(0);
	UNTIL(3030);
	TRACE("");
	UNTIL(3031);
	TRACE("[ 3031] standby -> acquiring: holder_silent\n"
	      "[ 3031] ask claim n1 ends nothing epoch 1\n");
}

static void test_nonsense_over_a_claim_leaves_its_holder_the_ttl_that_it_had(void)
{
	begin();
	story.config.ttl_ms = 10000;
	watch_node_a();
	write_nonsense(0);
	UNTIL(500 + 10100);
	TRACE("");
	UNTIL(500 + 10101);
	TRACE("[10601] standby -> acquiring: holder_silent\n"
	      "[10601] ask claim n1 ends nothing epoch 8\n");
}

static void test_an_absurd_ttl_is_waited_for_an_hour_at_most(void)
{
	begin();
	write_nonsense(INT64_MAX);
	story.reads_hang = true;
	UNTIL(0);
	READ(0);
	CU_ASSERT_EQUAL(oo_core_wake_at(story.core), 500);
	STEP(3636000, .type = OO_EVENT_TIME);
	TRACE("");
	STEP(3636001, .type = OO_EVENT_TIME);
	TRACE("[3636001] standby -> acquiring: holder_silent\n"
	      "[3636001] ask claim n1 ends nothing epoch 1\n");
}

static void test_paused_nobody_takes_over(void)
{
	begin();
	watch_node_a();
	story.etcd.paused = true;
	UNTIL(20000);
	TRACE("");
	story.etcd.paused = false;
	UNTIL(20500);
	TRACE("[20500] standby -> acquiring: holder_silent node-a\n"
	      "[20500] ask claim n1 ends n2 epoch 8\n");
}

static void test_a_node_without_its_link_takes_nothing(void)
{
	begin();
	watch_node_a();
	STEP(200, .type = OO_EVENT_LINK, .up = false);
	UNTIL(20000);
	TRACE("");
	STEP(20001, .type = OO_EVENT_LINK, .up = true);
	TRACE("[20001] standby -> acquiring: holder_silent node-a\n"
	      "[20001] ask claim n1 ends n2 epoch 8\n");
}

static void test_a_sick_node_takes_nothing(void)
{
	begin();
	watch_node_a();
	check_result(200, OO_HEALTH_DOWN);
	UNTIL(20000);
	TRACE("");
	check_result(20001, OO_HEALTH_UP);
	TRACE("[20001] standby -> acquiring: holder_silent node-a\n"
	      "[20001] ask claim n1 ends n2 epoch 8\n");
}

static void test_a_node_that_does_not_know_its_health_takes_nothing(void)
{
	struct oo_core_config config = story_config();
	config.n_checks = 2;
	config.groups[0].checks[1] = true;
	config.checks[1] = config.checks[0];
	begin_with(&config);
	watch_node_a();
	UNTIL(20000);
	TRACE("");
	STEP(20001, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_UP);
	TRACE("[20001] standby -> acquiring: holder_silent node-a\n"
	      "[20001] ask claim n1 ends n2 epoch 8\n");
}

CU_TestInfo stories_of_taking[] = {
	{"first start marks the absence and waits a full ttl",
	 test_first_start_marks_the_absence_and_waits_a_full_ttl},
	{"nobody takes while no mark is known to be there",
	 test_nobody_takes_while_no_mark_is_known_to_be_there},
	{"a mark whose answer was lost is there all the same",
	 test_a_mark_whose_answer_was_lost_is_there_all_the_same},
	{"the mark of another is as good", test_the_mark_of_another_is_as_good},
	{"a mark that is deleted restarts the wait", test_a_mark_that_is_deleted_restarts_the_wait},
	{"a deleted key leaves its holder a ttl from the mark",
	 test_a_deleted_key_leaves_its_holder_a_ttl_from_the_mark},
	{"a claim that was never seen restarts the wait",
	 test_a_claim_that_was_never_seen_restarts_the_wait},
	{"who stops marks nothing", test_who_stops_marks_nothing},
	{"the same pair is taken after ttl and drift and not a ms before",
	 test_the_same_pair_is_taken_after_ttl_and_drift_and_not_a_ms_before},
	{"a beat restarts the wait", test_a_beat_restarts_the_wait},
	{"the same pair seen again does not restart the wait",
	 test_the_same_pair_seen_again_does_not_restart_the_wait},
	{"each better standby is given 100 ms more", test_each_better_standby_is_given_100_ms_more},
	{"a standby that loses a better one from sight takes sooner",
	 test_a_standby_that_loses_a_better_one_from_sight_takes_sooner},
	{"the ttl in the claim is what a standby waits",
	 test_the_ttl_in_the_claim_is_what_a_standby_waits},
	{"a deleted key leaves its holder the ttl that it had",
	 test_a_deleted_key_leaves_its_holder_the_ttl_that_it_had},
	{"the mark of who never saw the holder shortens nothing",
	 test_the_mark_of_who_never_saw_the_holder_shortens_nothing},
	{"a claim that makes no sense gets a full ttl",
	 test_a_claim_that_makes_no_sense_gets_a_full_ttl},
	{"nonsense over a claim leaves its holder the ttl that it had",
	 test_nonsense_over_a_claim_leaves_its_holder_the_ttl_that_it_had},
	{"an absurd ttl is waited for an hour at most",
	 test_an_absurd_ttl_is_waited_for_an_hour_at_most},
	{"paused, nobody takes over", test_paused_nobody_takes_over},
	{"a node without its link takes nothing", test_a_node_without_its_link_takes_nothing},
	{"a sick node takes nothing", test_a_sick_node_takes_nothing},
	{"a node that does not know its health takes nothing",
	 test_a_node_that_does_not_know_its_health_takes_nothing},
	CU_TEST_INFO_NULL,
};
