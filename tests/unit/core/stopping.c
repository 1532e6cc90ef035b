/* An agent that is told to stop gives up what it holds, and says when it may exit. */
#include "story.h"
#include "suites.h"

static const struct oo_core_member standby = {.node = "node-c", .priority = {9}, .eligible = 1};

static void stop_active(const struct oo_core_member *members, size_t n)
{
	begin();
	become_active();
	see_members(3050, members, n);
	STEP(3100, .type = OO_EVENT_STOP);
}

static void test_a_standby_stops_at_once(void)
{
	begin();
	watch_node_a();
	CU_ASSERT_FALSE(oo_core_is_stopped(story.core));
	STEP(200, .type = OO_EVENT_STOP);
	CU_ASSERT(oo_core_is_stopped(story.core));
	UNTIL(9000);
	TRACE("");
}

static void test_stopping_hands_over_to_a_standby(void)
{
	stop_active(&standby, 1);
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	CU_ASSERT_FALSE(oo_core_is_stopped(story.core));
	ANSWER(3120);
	TRACE("[ 3100] active -> releasing: stopping node-c\n"
	      "[ 3100] address down, gracefully\n"
	      "[ 3110] releasing -> handing_over: address_down\n"
	      "[ 3110] ask offer n2 to node-c ends n1 epoch 2\n"
	      "[ 3120] handing_over -> standby: yielded node-c\n");
	CU_ASSERT(oo_core_is_stopped(story.core));
}

static void test_stopping_without_a_standby_releases(void)
{
	stop_active(NULL, 0);
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	ANSWER(3120);
	UNTIL(9000);
	TRACE("[ 3100] active -> releasing: stopping\n"
	      "[ 3100] address down, gracefully\n"
	      "[ 3110] releasing -> handing_over: address_down\n"
	      "[ 3110] ask release n2 ends n1 epoch 1\n"
	      "[ 3120] handing_over -> standby: yielded\n");
}

static void test_stopping_hands_over_even_in_a_pause(void)
{
	begin();
	become_active();
	see_members(3050, &standby, 1);
	story.etcd.paused = true;
	STEP(3060, .type = OO_EVENT_PAUSE, .revision = story.etcd.revision, .paused = true);
	STEP(3100, .type = OO_EVENT_STOP);
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	ANSWER(3120);
	TRACE("[ 3100] active -> releasing: stopping node-c\n"
	      "[ 3100] address down, gracefully\n"
	      "[ 3110] releasing -> handing_over: address_down\n"
	      "[ 3110] ask offer n2 to node-c ends n1 epoch 2\n"
	      "[ 3120] handing_over -> standby: yielded node-c\n");
}

static void test_stopping_with_etcd_dead_gives_up_after_a_ttl(void)
{
	stop_active(&standby, 1);
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	LOSE_REQUEST(4000);
	UNTIL(4100);
	LOSE_REQUEST(5000);
	UNTIL(6099);
	CU_ASSERT_FALSE(oo_core_is_stopped(story.core));
	UNTIL(6100);
	TRACE("[ 3100] active -> releasing: stopping node-c\n"
	      "[ 3100] address down, gracefully\n"
	      "[ 3110] releasing -> handing_over: address_down\n"
	      "[ 3110] ask offer n2 to node-c ends n1 epoch 2\n"
	      "[ 4100] ask offer n3 to node-c ends n1 epoch 2\n"
	      "[ 5100] ask offer n4 to node-c ends n1 epoch 2\n"
	      "[ 6100] handing_over -> standby: gave_up\n");
	CU_ASSERT(oo_core_is_stopped(story.core));
}

static void test_stopping_with_an_address_that_will_not_go_ends_after_a_ttl(void)
{
	stop_active(&standby, 1);
	UNTIL(6099);
	CU_ASSERT_FALSE(oo_core_is_stopped(story.core));
	UNTIL(6100);
	CU_ASSERT(oo_core_is_stopped(story.core));
}

static void test_a_lost_answer_of_the_hand_over_is_asked_again_and_understood(void)
{
	stop_active(&standby, 1);
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	LOSE_ANSWER(3500);
	UNTIL(3600);
	ANSWER(3610);
	TRACE("[ 3100] active -> releasing: stopping node-c\n"
	      "[ 3100] address down, gracefully\n"
	      "[ 3110] releasing -> handing_over: address_down\n"
	      "[ 3110] ask offer n2 to node-c ends n1 epoch 2\n"
	      "[ 3600] ask offer n3 to node-c ends n1 epoch 3\n"
	      "[ 3610] handing_over -> standby: yielded node-c\n");
}

static void test_stopping_with_the_target_gone_releases(void)
{
	stop_active(&standby, 1);
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	story.etcd.member_gone = true;
	ANSWER(3120);
	ANSWER(3130);
	TRACE("[ 3100] active -> releasing: stopping node-c\n"
	      "[ 3100] address down, gracefully\n"
	      "[ 3110] releasing -> handing_over: address_down\n"
	      "[ 3110] ask offer n2 to node-c ends n1 epoch 2\n"
	      "[ 3120] ask release n3 ends n1 epoch 1\n"
	      "[ 3130] handing_over -> standby: yielded\n");
}

static void test_stopping_while_claiming_gives_the_claim_back(void)
{
	begin();
	watch_node_a();
	UNTIL(3031);
	STEP(3035, .type = OO_EVENT_STOP);
	CU_ASSERT_FALSE(oo_core_is_stopped(story.core));
	ANSWER(3040);
	ANSWER(3050);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n"
	      "[ 3040] acquiring -> active: claimed\n"
	      "[ 3040] active -> releasing: stopping\n"
	      "[ 3040] releasing -> handing_over: address_down\n"
	      "[ 3040] ask release n3 ends n1 epoch 8\n"
	      "[ 3050] handing_over -> standby: yielded\n");
}

static void test_stopping_while_reclaiming_hands_over_what_got_through(void)
{
	begin();
	become_active();
	see_members(3050, &standby, 1);
	check_result(3100, OO_HEALTH_DOWN);
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	LOSE_REQUEST(3500);
	story_forget_trace();
	CU_ASSERT(arrive(&story.sent[0])); /* the fresh claim; its answer is never awaited */
	STEP(3510, .type = OO_EVENT_STOP);
	ANSWER(3520);
	ANSWER(3530);
	TRACE("[ 3510] reclaiming -> handing_over: stopping node-c\n"
	      "[ 3510] ask offer n4 to node-c ends n1 epoch 2\n"
	      "[ 3520] ask offer n5 to node-c ends n3 epoch 2\n"
	      "[ 3530] handing_over -> standby: yielded node-c\n");
}

static void test_a_lease_lost_while_stopping_needs_no_hand_over(void)
{
	stop_active(&standby, 1);
	other_takes("node-a", 2);
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	ANSWER(3120);
	TRACE("[ 3100] active -> releasing: stopping node-c\n"
	      "[ 3100] address down, gracefully\n"
	      "[ 3110] releasing -> handing_over: address_down\n"
	      "[ 3110] ask offer n2 to node-c ends n1 epoch 2\n"
	      "[ 3120] handing_over -> standby: lost node-a\n");
	CU_ASSERT(oo_core_is_stopped(story.core));
}

CU_TestInfo stories_of_stopping[] = {
	{"a standby stops at once", test_a_standby_stops_at_once},
	{"stopping hands over to a standby", test_stopping_hands_over_to_a_standby},
	{"stopping without a standby releases", test_stopping_without_a_standby_releases},
	{"stopping hands over even in a pause", test_stopping_hands_over_even_in_a_pause},
	{"stopping with etcd dead gives up after a ttl",
	 test_stopping_with_etcd_dead_gives_up_after_a_ttl},
	{"stopping with an address that will not go ends after a ttl",
	 test_stopping_with_an_address_that_will_not_go_ends_after_a_ttl},
	{"a lost answer of the hand-over is asked again and understood",
	 test_a_lost_answer_of_the_hand_over_is_asked_again_and_understood},
	{"stopping with the target gone releases", test_stopping_with_the_target_gone_releases},
	{"stopping while claiming gives the claim back",
	 test_stopping_while_claiming_gives_the_claim_back},
	{"stopping while reclaiming hands over what got through",
	 test_stopping_while_reclaiming_hands_over_what_got_through},
	{"a lease lost while stopping needs no hand-over",
	 test_a_lease_lost_while_stopping_needs_no_hand_over},
	CU_TEST_INFO_NULL,
};
