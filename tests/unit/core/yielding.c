/* A holder that gives the lease away for health, and what can become of that. */
#include "story.h"
#include "suites.h"

static const struct oo_core_member others[] = {
	{.node = "node-a", .priority = {50}, .eligible = 1},
	{.node = "node-c", .priority = {100}, .eligible = 1},
};

/* Active with n1, sick, the address down, the offer under way: n2 offers it to node-c. */
static void offer_to_node_c(void)
{
	begin();
	see_members(0, others, 2);
	become_active();
	check_result(3200, OO_HEALTH_DOWN);
	STEP(3210, .type = OO_EVENT_ADDRESS, .up = false);
}

#define TOLD_SO_FAR                                                                                \
	"[ 3200] active -> releasing: check_down node-c, check 0\n"                                \
	"[ 3200] address down, gracefully\n"                                                       \
	"[ 3210] releasing -> handing_over: address_down\n"                                        \
	"[ 3210] ask offer n2 to node-c ends n1 epoch 2\n"

static void test_a_sick_holder_drops_the_address_before_it_offers(void)
{
	offer_to_node_c();
	ANSWER(3220);
	TRACE(TOLD_SO_FAR "[ 3220] handing_over -> standby: yielded node-c\n");
}

static void test_a_holder_without_its_link_gives_the_lease_away(void)
{
	begin();
	see_members(0, others, 2);
	become_active();
	STEP(3200, .type = OO_EVENT_LINK, .up = false);
	TRACE("[ 3200] active -> releasing: link_down node-c\n"
	      "[ 3200] address down, gracefully\n");
}

static void test_nobody_better_and_the_sick_holder_keeps_it_degraded(void)
{
	const struct oo_core_member sick = {.node = "node-a", .priority = {100}, .eligible = 0};
	const struct oo_core_member well = {.node = "node-a", .priority = {100}, .eligible = 1};
	begin();
	become_active();
	see_members(3050, &sick, 1);
	check_result(3200, OO_HEALTH_DOWN);
	TRACE("");
	CU_ASSERT(oo_core_view(story.core, 0).degraded);
	see_members(3300, &well, 1);
	TRACE("[ 3300] active -> releasing: check_down node-a, check 0\n"
	      "[ 3300] address down, gracefully\n");
}

static void test_sick_while_etcd_is_silent_the_holder_keeps_it(void)
{
	begin();
	become_active(); /* the newest renewal is of 3033 */
	see_members(3050, others, 2);
	UNTIL(3533);
	LOSE_REQUEST(4034);
	check_result(4035, OO_HEALTH_DOWN);
	TRACE("[ 3533] ask renew n1 beat 2\n"
	      "[ 4034] ask renew n1 beat 3\n");
	ANSWER(4040); /* etcd is back */
	TRACE("[ 4040] active -> releasing: check_down node-c, check 0\n"
	      "[ 4040] address down, gracefully\n");
}

static void test_paused_a_sick_holder_keeps_it_and_goes_on_renewing(void)
{
	begin();
	become_active();
	see_members(3050, others, 2);
	story.etcd.paused = true;
	STEP(3060, .type = OO_EVENT_PAUSE, .revision = story.etcd.revision, .paused = true);
	check_result(3200, OO_HEALTH_DOWN);
	UNTIL(3533);
	ANSWER(3540);
	TRACE("[ 3533] ask renew n1 beat 2\n");
	STEP(3600, .type = OO_EVENT_PAUSE, .revision = story.etcd.revision, .paused = false);
	TRACE("[ 3600] active -> releasing: check_down node-c, check 0\n"
	      "[ 3600] address down, gracefully\n");
}

static void test_there_is_time_to_be_graceful_only_while_the_hold_lasts(void)
{
	begin();
	become_active(); /* until 5883 */
	see_members(3050, others, 2);
	check_result(3200, OO_HEALTH_DOWN);
	CU_ASSERT(oo_core_want(story.core, 0)->graceful);
	UNTIL(5882);
	CU_ASSERT(oo_core_want(story.core, 0)->graceful);
	UNTIL(5883);
	CU_ASSERT_FALSE(oo_core_want(story.core, 0)->graceful);
}

static void test_a_lease_lost_while_the_address_goes_down_leaves_no_time_to_be_graceful(void)
{
	begin();
	become_active();
	see_members(3050, others, 2);
	check_result(3200, OO_HEALTH_DOWN);
	other_takes("node-a", 2);
	WATCH(3300);
	CU_ASSERT_FALSE(oo_core_want(story.core, 0)->graceful);
}

static void test_a_hold_that_lapses_later_is_not_graceful_because_the_last_move_was(void)
{
	offer_to_node_c();
	story.etcd.member_gone = true;
	see_members(3212, NULL, 0);
	ANSWER(3220); /* refused: fresh claim, and on */
	ANSWER(3230);
	ANSWER(3240);
	STEP(3241, .type = OO_EVENT_ADDRESS, .up = true);
	story_forget_trace();
	UNTIL(3730);
	LOSE_REQUEST(3800);
	UNTIL(6080);
	TRACE("[ 3730] ask renew n3 beat 2\n"
	      "[ 3830] ask renew n3 beat 3\n"
	      "[ 6080] address down\n");
}

static void test_an_unknown_hand_over_is_followed_by_a_fresh_claim_before_anything_is_held(void)
{
	offer_to_node_c();
	struct story_copy offer = story.sent[0];
	see_members(3300, NULL, 0);
	LOSE_REQUEST(3600);
	ANSWER(3610);
	ANSWER(3620);
	TRACE(TOLD_SO_FAR "[ 3600] handing_over -> reclaiming: outcome_unknown\n"
			  "[ 3600] ask reclaim n3 ends n1 epoch 1\n"
			  "[ 3610] reclaiming -> active: claimed\n"
			  "[ 3610] ask renew n3 beat 1\n"
			  "[ 3620] address up until 6460\n");
	CU_ASSERT_FALSE(arrive(&offer));
}

static void test_a_lost_fresh_claim_is_asked_again_with_the_same_nonce(void)
{
	offer_to_node_c();
	see_members(3300, NULL, 0);
	LOSE_REQUEST(3600);
	LOSE_ANSWER(4000);
	UNTIL(4100);
	ANSWER(4110); /* refused, and reads itself back */
	TRACE(TOLD_SO_FAR "[ 3600] handing_over -> reclaiming: outcome_unknown\n"
			  "[ 3600] ask reclaim n3 ends n1 epoch 1\n"
			  "[ 4100] ask reclaim n3 ends n1 epoch 1\n"
			  "[ 4110] reclaiming -> active: claimed\n"
			  "[ 4110] ask renew n3 beat 1\n");
}

static void test_a_fresh_claim_that_finds_the_offer_carried_out_is_given_up(void)
{
	offer_to_node_c();
	LOSE_ANSWER(3600);
	ANSWER(3610);
	TRACE(TOLD_SO_FAR "[ 3600] handing_over -> reclaiming: outcome_unknown\n"
			  "[ 3600] ask reclaim n3 ends n1 epoch 1\n"
			  "[ 3610] reclaiming -> standby: yielded node-c\n");
}

static void test_a_fresh_claim_that_finds_a_stranger_is_given_up(void)
{
	offer_to_node_c();
	LOSE_REQUEST(3600);
	other_takes("node-a", 9);
	ANSWER(3610);
	TRACE(TOLD_SO_FAR "[ 3600] handing_over -> reclaiming: outcome_unknown\n"
			  "[ 3600] ask reclaim n3 ends n1 epoch 1\n"
			  "[ 3610] reclaiming -> standby: lost node-a\n");
}

static void test_a_fresh_claim_keeps_the_ttl_of_its_tenure(void)
{
	begin();
	story.config.ttl_ms = 6000; /* node-a's; ours is 3000 */
	watch_node_a();
	other_offers("node-b");
	WATCH(200);
	ANSWER(201);
	STEP(202, .type = OO_EVENT_ADDRESS, .up = true);
	see_members(300, others, 2);
	check_result(301, OO_HEALTH_DOWN);
	STEP(302, .type = OO_EVENT_ADDRESS, .up = false);
	LOSE_REQUEST(700);
	CU_ASSERT_EQUAL(story.sent[0].request.op, OO_REQUEST_RECLAIM);
	CU_ASSERT_EQUAL(story.sent[0].request.ttl_ms, 6000);
}

static void test_the_hedged_copy_of_a_hand_over_counts_as_the_hand_over(void)
{
	offer_to_node_c();
	CU_ASSERT(arrive(&story.sent[0]));
	ANSWER(3220); /* the other copy: refused, but what is there ends our claim */
	TRACE(TOLD_SO_FAR "[ 3220] handing_over -> standby: yielded node-c\n");
}

static void test_a_hand_over_that_finds_a_stranger_has_lost_the_lease(void)
{
	offer_to_node_c();
	other_takes("node-a", 9);
	ANSWER(3220);
	TRACE(TOLD_SO_FAR "[ 3220] handing_over -> standby: lost node-a\n");
}

static void test_a_target_that_is_gone_makes_way_for_the_next_best(void)
{
	offer_to_node_c();
	story.etcd.member_gone = true;
	ANSWER(3220);
	story.etcd.member_gone = false;
	ANSWER(3230);
	TRACE(TOLD_SO_FAR "[ 3220] ask offer n3 to node-a ends n1 epoch 2\n"
			  "[ 3230] handing_over -> standby: yielded node-a\n");
}

static void test_a_holder_does_not_offer_again_to_a_target_that_was_gone(void)
{
	offer_to_node_c();
	story.etcd.member_gone = true;
	ANSWER(3220);
	ANSWER(3230);
	ANSWER(3240); /* nobody is left: a fresh claim, and on, degraded */
	ANSWER(3250);
	UNTIL(3700);
	TRACE(TOLD_SO_FAR "[ 3220] ask offer n3 to node-a ends n1 epoch 2\n"
			  "[ 3230] handing_over -> reclaiming: target_gone\n"
			  "[ 3230] ask reclaim n4 ends n1 epoch 1\n"
			  "[ 3240] reclaiming -> active: claimed\n"
			  "[ 3240] ask renew n4 beat 1\n"
			  "[ 3250] address up until 6090\n");
}

static void test_the_target_is_chosen_when_the_address_is_down(void)
{
	begin();
	see_members(0, others, 2);
	become_active();
	check_result(3200, OO_HEALTH_DOWN);
	see_members(3205, others, 1); /* node-c has gone while hooks ran */
	STEP(3210, .type = OO_EVENT_ADDRESS, .up = false);
	TRACE("[ 3200] active -> releasing: check_down node-c, check 0\n"
	      "[ 3200] address down, gracefully\n"
	      "[ 3210] releasing -> handing_over: address_down\n"
	      "[ 3210] ask offer n2 to node-a ends n1 epoch 2\n");
}

static void test_nobody_is_left_when_the_address_is_down_and_the_holder_takes_it_back(void)
{
	begin();
	see_members(0, others, 2);
	become_active();
	check_result(3200, OO_HEALTH_DOWN);
	see_members(3205, NULL, 0);
	STEP(3210, .type = OO_EVENT_ADDRESS, .up = false);
	ANSWER(3220);
	ANSWER(3230);
	TRACE("[ 3200] active -> releasing: check_down node-c, check 0\n"
	      "[ 3200] address down, gracefully\n"
	      "[ 3210] releasing -> handing_over: address_down\n"
	      "[ 3210] handing_over -> reclaiming: target_gone\n"
	      "[ 3210] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3220] reclaiming -> active: claimed\n"
	      "[ 3220] ask renew n2 beat 1\n"
	      "[ 3230] address up until 6070\n");
}

CU_TestInfo stories_of_yielding[] = {
	{"a sick holder drops the address before it offers",
	 test_a_sick_holder_drops_the_address_before_it_offers},
	{"a holder without its link gives the lease away",
	 test_a_holder_without_its_link_gives_the_lease_away},
	{"nobody better and the sick holder keeps it, degraded",
	 test_nobody_better_and_the_sick_holder_keeps_it_degraded},
	{"sick while etcd is silent, the holder keeps it",
	 test_sick_while_etcd_is_silent_the_holder_keeps_it},
	{"paused, a sick holder keeps it and goes on renewing",
	 test_paused_a_sick_holder_keeps_it_and_goes_on_renewing},
	{"there is time to be graceful only while the hold lasts",
	 test_there_is_time_to_be_graceful_only_while_the_hold_lasts},
	{"a lease lost while the address goes down leaves no time to be graceful",
	 test_a_lease_lost_while_the_address_goes_down_leaves_no_time_to_be_graceful},
	{"a hold that lapses later is not graceful because the last move was",
	 test_a_hold_that_lapses_later_is_not_graceful_because_the_last_move_was},
	{"an unknown hand-over is followed by a fresh claim before anything is held",
	 test_an_unknown_hand_over_is_followed_by_a_fresh_claim_before_anything_is_held},
	{"a lost fresh claim is asked again with the same nonce",
	 test_a_lost_fresh_claim_is_asked_again_with_the_same_nonce},
	{"a fresh claim that finds the offer carried out is given up",
	 test_a_fresh_claim_that_finds_the_offer_carried_out_is_given_up},
	{"a fresh claim that finds a stranger is given up",
	 test_a_fresh_claim_that_finds_a_stranger_is_given_up},
	{"a fresh claim keeps the ttl of its tenure",
	 test_a_fresh_claim_keeps_the_ttl_of_its_tenure},
	{"the hedged copy of a hand-over counts as the hand-over",
	 test_the_hedged_copy_of_a_hand_over_counts_as_the_hand_over},
	{"a hand-over that finds a stranger has lost the lease",
	 test_a_hand_over_that_finds_a_stranger_has_lost_the_lease},
	{"the target is chosen when the address is down",
	 test_the_target_is_chosen_when_the_address_is_down},
	{"nobody is left when the address is down and the holder takes it back",
	 test_nobody_is_left_when_the_address_is_down_and_the_holder_takes_it_back},
	{"a target that is gone makes way for the next best",
	 test_a_target_that_is_gone_makes_way_for_the_next_best},
	{"a holder does not offer again to a target that was gone",
	 test_a_holder_does_not_offer_again_to_a_target_that_was_gone},
	CU_TEST_INFO_NULL,
};
