/* Operators' switchovers: what a holder makes of an order, and what can become of it on the way. */
#include "story.h"
#include "suites.h"

#include <string.h>

/* node-c is the best, whatever is ordered. */
static const struct oo_core_member others[] = {
	{.node = "node-a", .priority = 50, .eligible = 1},
	{.node = "node-c", .priority = 100, .eligible = 1},
};

/* node-b holds by n1, is well, and sees both others. */
static void hold(void)
{
	begin();
	see_members(0, others, 2);
	become_active();
}

/* Seen, and etcd has answered since; the trace tells what comes of it. */
static void order_now(int64_t at, uint64_t id, const char *target)
{
	order(at, id, target);
	story_forget_trace();
	ANSWER(at);
}

/* The order is 5, the address is down, n2 offers the claim to node-a. */
static void offer_by_order(void)
{
	hold();
	order_now(3100, 5, "node-a");
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
}

#define TOLD_SO_FAR                                                                                \
	"[ 3100] active -> releasing: switchover node-a\n"                                         \
	"[ 3100] address down, gracefully\n"                                                       \
	"[ 3110] releasing -> handing_over: address_down\n"                                        \
	"[ 3110] ask offer n2 to node-a ends n1 epoch 2\n"

static void test_a_healthy_holder_hands_over_to_exactly_the_one_ordered(void)
{
	offer_by_order();
	CU_ASSERT_EQUAL(story.sent[0].request.order, 5);
	ANSWER(3120);
	TRACE(TOLD_SO_FAR "[ 3120] handing_over -> standby: yielded node-a\n");
	CU_ASSERT_EQUAL(story.etcd.orders[0].id, 0);
}

static void test_an_order_without_a_target_goes_to_the_best(void)
{
	hold();
	order_now(3100, 5, "");
	TRACE("[ 3100] active -> releasing: switchover node-c\n"
	      "[ 3100] address down, gracefully\n");
}

static void test_an_order_that_only_a_read_shows_is_carried_out(void)
{
	hold();
	order_unheard(5, "node-a");
	UNTIL(3500);
	ANSWER(3501);
	TRACE("[ 3500] ask renew n1 beat 2\n"
	      "[ 3501] active -> releasing: switchover node-a\n"
	      "[ 3501] address down, gracefully\n");
}

static void test_a_person_may_move_it_in_a_pause(void)
{
	hold();
	STEP(3060, .type = OO_EVENT_PAUSE, .revision = story.etcd.revision, .paused = true);
	order_now(3100, 5, "node-a");
	TRACE("[ 3100] active -> releasing: switchover node-a\n"
	      "[ 3100] address down, gracefully\n");
}

static void expect_kept(const char *target)
{
	order_now(3100, 5, target);
	UNTIL(3500);
	TRACE("");
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_ACTIVE);
}

static void test_an_order_to_whom_is_not_eligible_waits_for_it(void)
{
	struct oo_core_member sick = {.node = "node-a", .priority = 50};
	begin();
	become_active();
	see_members(3050, &sick, 1);
	expect_kept("node-a");
	sick.eligible = 1;
	see_members(3510, &sick, 1);
	TRACE("[ 3510] active -> releasing: switchover node-a\n"
	      "[ 3510] address down, gracefully\n");
}

static void test_an_order_to_nobody_known_is_left_alone(void)
{
	hold();
	expect_kept("node-x");
}

static void test_an_order_to_the_holder_itself_is_left_alone(void)
{
	const struct oo_core_member all[] = {
		others[0], others[1], {.node = "node-b", .priority = 1, .eligible = 1}};
	hold();
	see_members(3050, all, 3);
	expect_kept("node-b");
}

static void test_an_order_with_nobody_to_go_to_is_left_alone(void)
{
	begin();
	become_active();
	expect_kept("");
}

static void test_an_order_that_was_meant_for_another_holder_is_left_alone(void)
{
	hold();
	order_unheard(5, "node-a");
	memcpy(story.etcd.orders[0].from, "node-c", sizeof("node-c"));
	STEP(3100, .type = OO_EVENT_ORDER, .revision = story.etcd.revision,
	     .orders = story.etcd.orders);
	ANSWER(3101);
	UNTIL(3500);
	TRACE("[ 3100] ask renew n1 beat 2\n");
}

static void test_a_standby_does_nothing_for_an_order(void)
{
	begin();
	see_members(0, others, 2);
	watch_node_a();
	order(200, 5, "node-c");
	UNTIL(3000);
	TRACE("");
}

/* Whoever waits for it has given it up by then. */
static void test_an_order_is_not_carried_out_after_its_time(void)
{
	struct oo_core_member late[2];
	memcpy(late, others, sizeof(late));
	late[0].eligible = 0;
	begin();
	see_members(0, late, 2);
	become_active();
	order(3100, 5, "node-a");
	for (int64_t at = 3100; at < 8100; at += 502) {
		UNTIL(at);
		ANSWER(at + 2);
	}
	story_forget_trace();
	see_members(8100, others, 2);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_ACTIVE);
	ANSWER(8101);
	order_now(8101, 6, "node-a");
	TRACE("[ 8101] active -> releasing: switchover node-a\n"
	      "[ 8101] address down, gracefully\n");
}

static void test_while_etcd_is_silent_an_order_waits(void)
{
	hold(); /* the newest renewal is of 3033 */
	UNTIL(3533);
	LOSE_REQUEST(4034);
	order(4035, 5, "node-a");
	TRACE("[ 3533] ask renew n1 beat 2\n"
	      "[ 4034] ask renew n1 beat 3\n");
	ANSWER(4036); /* to what was asked before it was seen */
	ANSWER(4040);
	TRACE("[ 4036] ask renew n1 beat 4\n"
	      "[ 4040] active -> releasing: switchover node-a\n"
	      "[ 4040] address down, gracefully\n");
}

/* It stands since etcd was well, and can be carried out only now that etcd is not. */
static void test_an_order_that_waited_does_not_move_it_while_etcd_is_silent(void)
{
	struct oo_core_member sick = {.node = "node-a", .priority = 50};
	begin();
	become_active();
	see_members(3050, &sick, 1);
	order_now(3100, 5, "node-a");
	UNTIL(3600);
	LOSE_REQUEST(4100);
	sick.eligible = 1;
	see_members(4101, &sick, 1);
	TRACE("[ 3600] ask renew n1 beat 3\n"
	      "[ 4100] ask renew n1 beat 4\n");
}

static void test_an_older_event_does_not_bring_an_order_back(void)
{
	hold();
	order_unheard(5, "node-a");
	const struct oo_order gone = story.etcd.orders[0];
	int64_t then = story.etcd.revision;
	order_unheard(0, "");
	UNTIL(3510);
	READ(3510);
	STEP(3511, .type = OO_EVENT_ORDER, .revision = then, .orders = &gone);
	TRACE("");
}

static void test_the_same_order_seen_again_is_no_new_one(void)
{
	hold();
	expect_kept("node-x"); /* first seen at 3100 */
	order(6000, 5, "node-x");
	see_members(7999, others, 2);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).order->id, 5);
	const struct oo_core_member x = {.node = "node-x", .eligible = 1};
	story_forget_trace();
	see_members(8101, &x, 1);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_ACTIVE);
}

/* A holder that did not run finds the order, and then that it is gone: nothing may go down for it. */
static void test_an_order_that_is_gone_before_etcd_answers_moves_nothing(void)
{
	hold();
	order(3100, 5, "node-a");
	order(3100, 0, "");
	ANSWER(3110);
	TRACE("[ 3100] ask renew n1 beat 2\n");
}

/* Somebody has been told that nothing will move any more. */
static void test_an_order_withdrawn_while_the_address_goes_down_is_not_carried_out(void)
{
	hold();
	order_now(3100, 5, "node-a");
	order(3105, 0, "");
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	ANSWER(3120);
	TRACE("[ 3100] active -> releasing: switchover node-a\n"
	      "[ 3100] address down, gracefully\n"
	      "[ 3110] releasing -> handing_over: address_down\n"
	      "[ 3110] handing_over -> reclaiming: withdrawn\n"
	      "[ 3110] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3120] reclaiming -> active: claimed\n"
	      "[ 3120] ask renew n2 beat 1\n");
}

static void test_an_order_withdrawn_before_the_offer_comes_refuses_it(void)
{
	offer_by_order();
	order_unheard(0, "");
	ANSWER(3120);
	ANSWER(3130);
	TRACE(TOLD_SO_FAR "[ 3120] handing_over -> reclaiming: withdrawn\n"
			  "[ 3120] ask reclaim n3 ends n1 epoch 1\n"
			  "[ 3130] reclaiming -> active: claimed\n"
			  "[ 3130] ask renew n3 beat 1\n");
	order(3200, 6, "node-a"); /* nothing was wrong with node-a */
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_ACTIVE); /* not renewed yet */
	ANSWER(3200); /* to what was asked before */
	ANSWER(3210);
	TRACE("[ 3200] ask renew n3 beat 2\n"
	      "[ 3200] address up until 5980\n"
	      "[ 3210] active -> releasing: switchover node-a\n"
	      "[ 3210] address down, gracefully\n");
}

static void test_a_late_copy_of_the_offer_does_nothing_once_the_order_is_withdrawn(void)
{
	offer_by_order();
	struct story_copy copy = story.sent[0];
	order(3115, 0, "");
	LOSE_REQUEST(3120);
	CU_ASSERT_FALSE(arrive(&copy));
}

static void test_a_lost_answer_is_asked_for_again_and_the_order_is_carried_out_once(void)
{
	offer_by_order();
	LOSE_ANSWER(3200);
	ANSWER(3210);
	TRACE(TOLD_SO_FAR "[ 3200] handing_over -> reclaiming: outcome_unknown\n"
			  "[ 3200] ask reclaim n3 ends n1 epoch 1\n"
			  "[ 3210] reclaiming -> standby: yielded node-a\n");
	UNTIL(4000);
	TRACE("");
}

static void test_a_lost_request_is_tried_again_while_the_order_stands(void)
{
	offer_by_order();
	LOSE_REQUEST(3200);
	ANSWER(3210);
	ANSWER(3220);
	TRACE(TOLD_SO_FAR "[ 3200] handing_over -> reclaiming: outcome_unknown\n"
			  "[ 3200] ask reclaim n3 ends n1 epoch 1\n"
			  "[ 3210] reclaiming -> active: claimed\n"
			  "[ 3210] ask renew n3 beat 1\n"
			  "[ 3220] active -> releasing: switchover node-a\n"
			  "[ 3220] releasing -> handing_over: address_down\n"
			  "[ 3220] ask offer n4 to node-a ends n3 epoch 2\n");
}

static void test_a_target_that_has_left_is_not_replaced_by_another(void)
{
	offer_by_order();
	story.etcd.member_gone = true;
	ANSWER(3120);
	ANSWER(3130);
	TRACE(TOLD_SO_FAR "[ 3120] handing_over -> reclaiming: target_gone\n"
			  "[ 3120] ask reclaim n3 ends n1 epoch 1\n"
			  "[ 3130] reclaiming -> active: claimed\n"
			  "[ 3130] ask renew n3 beat 1\n");
	ANSWER(3140); /* the order still stands, but node-a is nobody until it is told of again */
	TRACE("[ 3140] address up until 5980\n");
}

static void test_a_target_that_was_drained_meanwhile_gets_nothing(void)
{
	offer_by_order();
	story.etcd.target_drained = true;
	ANSWER(3120);
	TRACE(TOLD_SO_FAR "[ 3120] handing_over -> reclaiming: target_gone\n"
			  "[ 3120] ask reclaim n3 ends n1 epoch 1\n");
}

static void test_whoever_stops_meanwhile_hands_over_whatever_was_ordered(void)
{
	offer_by_order();
	STEP(3115, .type = OO_EVENT_STOP);
	order_unheard(0, "");
	ANSWER(3120); /* refused: it was withdrawn */
	ANSWER(3130);
	TRACE(TOLD_SO_FAR "[ 3120] ask offer n3 to node-c ends n1 epoch 2\n"
			  "[ 3130] handing_over -> standby: yielded node-c\n");
}

static void test_a_new_holder_keeps_what_it_was_given(void)
{
	begin();
	see_members(0, others, 2); /* node-c is better */
	watch_node_a();
	other_offers("node-b");
	WATCH(200);
	ANSWER(210);
	UNTIL(709);
	TRACE("[  200] standby -> active: offered node-a\n"
	      "[  200] ask renew n1 beat 1\n"
	      "[  210] address up until 3050\n"
	      "[  700] ask renew n1 beat 2\n");
}

CU_TestInfo stories_of_orders[] = {
	{"a healthy holder hands over to exactly the one ordered",
	 test_a_healthy_holder_hands_over_to_exactly_the_one_ordered},
	{"an order without a target goes to the best",
	 test_an_order_without_a_target_goes_to_the_best},
	{"an order that only a read shows is carried out",
	 test_an_order_that_only_a_read_shows_is_carried_out},
	{"a person may move it in a pause", test_a_person_may_move_it_in_a_pause},
	{"an order to whom is not eligible waits for it",
	 test_an_order_to_whom_is_not_eligible_waits_for_it},
	{"an order to nobody known is left alone", test_an_order_to_nobody_known_is_left_alone},
	{"an order to the holder itself is left alone",
	 test_an_order_to_the_holder_itself_is_left_alone},
	{"an order with nobody to go to is left alone",
	 test_an_order_with_nobody_to_go_to_is_left_alone},
	{"an order that was meant for another holder is left alone",
	 test_an_order_that_was_meant_for_another_holder_is_left_alone},
	{"a standby does nothing for an order", test_a_standby_does_nothing_for_an_order},
	{"an order is not carried out after its time",
	 test_an_order_is_not_carried_out_after_its_time},
	{"while etcd is silent an order waits", test_while_etcd_is_silent_an_order_waits},
	{"an order that waited does not move it while etcd is silent",
	 test_an_order_that_waited_does_not_move_it_while_etcd_is_silent},
	{"an older event does not bring an order back",
	 test_an_older_event_does_not_bring_an_order_back},
	{"the same order seen again is no new one", test_the_same_order_seen_again_is_no_new_one},
	{"an order that is gone before etcd answers moves nothing",
	 test_an_order_that_is_gone_before_etcd_answers_moves_nothing},
	{"an order withdrawn while the address goes down is not carried out",
	 test_an_order_withdrawn_while_the_address_goes_down_is_not_carried_out},
	{"an order withdrawn before the offer comes refuses it",
	 test_an_order_withdrawn_before_the_offer_comes_refuses_it},
	{"a late copy of the offer does nothing once the order is withdrawn",
	 test_a_late_copy_of_the_offer_does_nothing_once_the_order_is_withdrawn},
	{"a lost answer is asked for again and the order is carried out once",
	 test_a_lost_answer_is_asked_for_again_and_the_order_is_carried_out_once},
	{"a lost request is tried again while the order stands",
	 test_a_lost_request_is_tried_again_while_the_order_stands},
	{"a target that has left is not replaced by another",
	 test_a_target_that_has_left_is_not_replaced_by_another},
	{"a target that was drained meanwhile gets nothing",
	 test_a_target_that_was_drained_meanwhile_gets_nothing},
	{"whoever stops meanwhile hands over whatever was ordered",
	 test_whoever_stops_meanwhile_hands_over_whatever_was_ordered},
	{"a new holder keeps what it was given", test_a_new_holder_keeps_what_it_was_given},
	CU_TEST_INFO_NULL,
};
