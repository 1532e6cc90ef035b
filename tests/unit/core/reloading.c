/* Another configuration while it runs: other times, more groups. */
#include "story.h"
#include "suites.h"

#include <string.h>

/* As agents have it: renew a sixth, margin a twentieth. */
static void reload_with_ttl(int64_t at, int64_t ttl_ms)
{
	story.config.ttl_ms = ttl_ms;
	story.config.renew_ms = ttl_ms / 6;
	story.config.margin_ms = ttl_ms / 20;
	for (size_t i = 0; i < story.config.n_checks; i++) {
		story.config.checks[i].inherits = (int)i;
	}
	oo_core_set_config(story.core, &story.config);
	STEP(at, .type = OO_EVENT_TIME);
}

static const struct oo_want *want(void)
{
	return oo_core_want(story.core, 0);
}

static void test_a_holder_says_another_ttl_in_a_fresh_claim_and_holds_on(void)
{
	begin();
	become_active(); /* until 5883 */
	reload_with_ttl(3100, 6000);
	ANSWER(3110);
	ANSWER(3120);
	TRACE("[ 3100] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3110] ask renew n2 beat 1\n");
	CU_ASSERT_EQUAL(want()->hold_until, 3110 + 5700);
	CU_ASSERT_EQUAL(want()->guard_until, 3110 + 6000);
	CU_ASSERT_EQUAL(story.etcd.pairs[0].claim.ttl_ms, 6000);
	UNTIL(4110); /* once is enough */
	TRACE("[ 4110] ask renew n2 beat 2\n");
}

static void test_a_longer_ttl_extends_no_hold_before_it_is_renewed(void)
{
	begin();
	become_active();
	reload_with_ttl(3100, 6000);
	CU_ASSERT_EQUAL(want()->hold_until, 5883);
	LOSE_ANSWER(3200);
	CU_ASSERT_EQUAL(want()->hold_until, 5883);
	ANSWER(3210); /* refused: it is in already */
	CU_ASSERT_EQUAL(want()->hold_until, 5883);
	TRACE("[ 3100] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3200] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3210] ask renew n2 beat 1\n");
}

static void test_a_hold_ends_with_a_shorter_ttl_that_nobody_has_answered(void)
{
	begin();
	become_active();
	reload_with_ttl(3100, 1000);
	CU_ASSERT_EQUAL(want()->hold_until, 3100 + 950);
	CU_ASSERT_EQUAL(want()->guard_until, 3100 + 1000);
	LOSE_ANSWER(4000); /* carried out at 3100, as far as anybody knows */
	UNTIL(4049);
	TRACE("[ 3100] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 4000] ask reclaim n2 ends n1 epoch 1\n");
	UNTIL(4050);
	TRACE("[ 4050] address down\n");
}

static void test_a_fresh_claim_is_asked_for_again_until_it_is_known(void)
{
	begin();
	become_active();
	reload_with_ttl(3100, 2000);
	LOSE_REQUEST(3400);
	UNTIL(3500);
	ANSWER(3510);
	ANSWER(3520);
	TRACE("[ 3100] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3400] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3510] ask renew n2 beat 1\n");
	CU_ASSERT_EQUAL(want()->hold_until, 3510 + 1900);
}

static void test_a_fresh_claim_that_the_watch_shows_first_is_not_lost(void)
{
	begin();
	become_active();
	reload_with_ttl(3100, 2000);
	(void)arrive(&story.sent[0]);
	WATCH(3105);
	ANSWER(3110);
	TRACE("[ 3100] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3110] ask renew n2 beat 1\n");
}

static void test_a_holder_whose_claim_was_taken_meanwhile_has_lost_it(void)
{
	begin();
	become_active();
	other_takes("node-a", 2);
	reload_with_ttl(3100, 2000);
	ANSWER(3110);
	STEP(3120, .type = OO_EVENT_ADDRESS, .up = false);
	TRACE("[ 3100] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3110] active -> releasing: lost node-a\n"
	      "[ 3110] address down\n"
	      "[ 3120] releasing -> standby: lost node-a\n");
}

static void test_a_copy_of_a_fresh_claim_that_comes_late_does_no_harm(void)
{
	begin();
	become_active();
	reload_with_ttl(3100, 1000);
	const struct story_copy late = story.sent[0];
	LOSE_REQUEST(3200);
	reload_with_ttl(3200, 3000); /* back again: but a copy may still be on its way */
	CU_ASSERT_EQUAL(want()->hold_until, 3100 + 950);
	CU_ASSERT_TRUE(arrive(&late));
	ANSWER(3310);
	ANSWER(3320);
	CU_ASSERT_EQUAL(want()->hold_until, 3100 + 950);
	ANSWER(3330);
	CU_ASSERT_EQUAL(want()->hold_until, 3320 + 2850);
	TRACE("[ 3100] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3200] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3310] ask reclaim n3 ends n2 epoch 1\n"
	      "[ 3320] ask renew n3 beat 1\n");
}

/* A doubt wants an answer at once, not one try after another. */
static void test_a_doubt_does_not_hurry_a_fresh_claim_that_fails(void)
{
	begin();
	become_active();
	reload_with_ttl(3100, 2000);
	STEP(3110, .type = OO_EVENT_DOUBT);
	LOSE_REQUEST(3120);
	LOSE_REQUEST(3201);
	STEP(3202, .type = OO_EVENT_TIME);
	UNTIL(3300);
	TRACE("[ 3100] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3120] ask reclaim n2 ends n1 epoch 1\n"
	      "[ 3220] ask reclaim n2 ends n1 epoch 1\n");
}

/* Its fate is known once it is ours: it is no claim that may yet be read back. */
static void test_a_fresh_claim_whose_beat_is_deleted_is_lost_for_good(void)
{
	begin();
	become_active();
	reload_with_ttl(3100, 2000);
	ANSWER(3110);
	ANSWER(3120);
	story.etcd.pairs[0].beat = (struct oo_beat){0};
	story.etcd.revision++;
	UNTIL(3500);
	ANSWER(3510);
	STEP(3520, .type = OO_EVENT_ADDRESS, .up = false);
	UNTIL(4500);
	CU_ASSERT_EQUAL(want()->role, OO_ROLE_STANDBY);
	CU_ASSERT_FALSE(want()->address);
}

static void test_a_hold_that_has_lapsed_is_renewed_first(void)
{
	begin();
	become_active();
	UNTIL(3533);
	LOSE_REQUEST(5890);
	STEP(5891, .type = OO_EVENT_ADDRESS, .up = false);
	story_forget_trace();
	reload_with_ttl(5892, 2000); /* what is under way is a renewal, and brings it back up */
	ANSWER(5900);
	UNTIL(6389);
	TRACE("[ 5900] address up until 8740\n"
	      "[ 6389] ask reclaim n2 ends n1 epoch 1\n");
}

static void test_a_standby_takes_its_own_ttl_at_its_next_claim(void)
{
	begin();
	watch_node_a(); /* since 0; node-a said 3 s */
	reload_with_ttl(200, 6000);
	UNTIL(3030);
	TRACE("");
	UNTIL(3031);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n");
	CU_ASSERT_EQUAL(want()->request.ttl_ms, 6000);
}

static void test_a_group_that_is_added_begins_as_a_standby(void)
{
	begin();
	become_active();
	story.config.n_groups = 2;
	reload_with_ttl(3100, 3000);
	STEP(3100, .type = OO_EVENT_LINK, .group = 1, .up = true);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 1)->role, OO_ROLE_STANDBY);
	CU_ASSERT_TRUE(want()->address);
	UNTIL(7000);
	CU_ASSERT_TRUE(oo_core_view(story.core, 1).known);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 1)->role, OO_ROLE_ACQUIRING);
}

static void retire(int64_t at)
{
	oo_core_retire(story.core, 0);
	STEP(at, .type = OO_EVENT_TIME);
}

static void test_a_group_that_leaves_is_given_up_though_nobody_is_better(void)
{
	begin();
	become_active();
	retire(3100);
	CU_ASSERT_FALSE(oo_core_is_retired(story.core, 0));
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	ANSWER(3120);
	TRACE("[ 3100] active -> releasing: stopping\n"
	      "[ 3100] address down, gracefully\n"
	      "[ 3110] releasing -> handing_over: address_down\n"
	      "[ 3110] ask release n2 ends n1 epoch 1\n"
	      "[ 3120] handing_over -> standby: yielded\n");
	CU_ASSERT_TRUE(oo_core_is_retired(story.core, 0));
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).eligible, OO_HEALTH_DOWN);
	UNTIL(20000);
	TRACE(""); /* and not taken any more */
}

static void test_a_group_that_leaves_is_handed_over(void)
{
	const struct oo_core_member members[] = {{.node = "node-a", .eligible = 1}};
	begin();
	become_active();
	see_members(3050, members, 1);
	retire(3100);
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	TRACE("[ 3100] active -> releasing: stopping node-a\n"
	      "[ 3100] address down, gracefully\n"
	      "[ 3110] releasing -> handing_over: address_down\n"
	      "[ 3110] ask offer n2 to node-a ends n1 epoch 2\n");
}

static void test_a_group_that_leaves_is_not_waited_for_for_ever(void)
{
	begin();
	become_active();
	retire(3100);
	STEP(3110, .type = OO_EVENT_ADDRESS, .up = false);
	story.reads_hang = true;
	UNTIL(6032);
	CU_ASSERT_FALSE(oo_core_is_retired(story.core, 0));
	UNTIL(6100);
	CU_ASSERT_TRUE(oo_core_is_retired(story.core, 0));
	story_forget_trace();
}

static void test_a_group_that_comes_back_is_taken_again(void)
{
	begin();
	retire(100);
	UNTIL(9000);
	TRACE("");
	reload_with_ttl(9000, 3000);
	UNTIL(12500);
	CU_ASSERT_EQUAL(want()->role, OO_ROLE_ACQUIRING);
	story_forget_trace();
}

CU_TestInfo stories_of_reloading[] = {
	{"a group that leaves is given up though nobody is better",
	 test_a_group_that_leaves_is_given_up_though_nobody_is_better},
	{"a group that leaves is handed over", test_a_group_that_leaves_is_handed_over},
	{"a group that leaves is not waited for for ever",
	 test_a_group_that_leaves_is_not_waited_for_for_ever},
	{"a group that comes back is taken again", test_a_group_that_comes_back_is_taken_again},
	{"a holder says another ttl in a fresh claim and holds on",
	 test_a_holder_says_another_ttl_in_a_fresh_claim_and_holds_on},
	{"a longer ttl extends no hold before it is renewed",
	 test_a_longer_ttl_extends_no_hold_before_it_is_renewed},
	{"a hold ends with a shorter ttl that nobody has answered",
	 test_a_hold_ends_with_a_shorter_ttl_that_nobody_has_answered},
	{"a fresh claim is asked for again until it is known",
	 test_a_fresh_claim_is_asked_for_again_until_it_is_known},
	{"a fresh claim that the watch shows first is not lost",
	 test_a_fresh_claim_that_the_watch_shows_first_is_not_lost},
	{"a holder whose claim was taken meanwhile has lost it",
	 test_a_holder_whose_claim_was_taken_meanwhile_has_lost_it},
	{"a copy of a fresh claim that comes late does no harm",
	 test_a_copy_of_a_fresh_claim_that_comes_late_does_no_harm},
	{"a doubt does not hurry a fresh claim that fails",
	 test_a_doubt_does_not_hurry_a_fresh_claim_that_fails},
	{"a fresh claim whose beat is deleted is lost for good",
	 test_a_fresh_claim_whose_beat_is_deleted_is_lost_for_good},
	{"a hold that has lapsed is renewed first", test_a_hold_that_has_lapsed_is_renewed_first},
	{"a standby takes its own ttl at its next claim",
	 test_a_standby_takes_its_own_ttl_at_its_next_claim},
	{"a group that is added begins as a standby",
	 test_a_group_that_is_added_begins_as_a_standby},
	CU_TEST_INFO_NULL,
};
