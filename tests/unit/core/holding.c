/* A holder and its hold: renewed, lapsed, lost. */
#include "story.h"
#include "suites.h"

#include <string.h>

static void test_the_hold_counts_from_the_sending(void)
{
	begin();
	become_active(); /* asked at 3033 */
	UNTIL(3533);
	ANSWER(3900);
	const struct oo_want *want = oo_core_want(story.core, 0);
	CU_ASSERT_EQUAL(want->hold_until, 3533 + 2850);
	CU_ASSERT_EQUAL(want->guard_until, 3533 + 3000);
	TRACE("[ 3533] ask renew n1 beat 2\n");
	UNTIL(4033); /* and so does the next renewal */
	TRACE("[ 4033] ask renew n1 beat 3\n");
}

static void test_a_lapsed_hold_drops_the_address_and_a_later_renewal_brings_it_back(void)
{
	begin();
	become_active(); /* until 5883 */
	UNTIL(3533);
	LOSE_REQUEST(4000);
	UNTIL(5882);
	TRACE("[ 3533] ask renew n1 beat 2\n"
	      "[ 4000] ask renew n1 beat 3\n");
	UNTIL(5883);
	TRACE("[ 5883] address down\n");
	STEP(5884, .type = OO_EVENT_ADDRESS, .up = false);
	LOSE_REQUEST(6000);
	ANSWER(6010);
	TRACE("[ 6000] ask renew n1 beat 4\n"
	      "[ 6010] address up until 8850\n");
}

static void test_a_renewal_whose_answer_comes_after_its_hold_brings_nothing_up(void)
{
	begin();
	become_active();
	UNTIL(3533);
	UNTIL(6000);
	STEP(6001, .type = OO_EVENT_ADDRESS, .up = false);
	story_forget_trace();
	ANSWER(3533 + 2850);
	TRACE("[ 6383] ask renew n1 beat 3\n");
}

static void test_a_failed_renewal_is_asked_again_after_retry(void)
{
	begin();
	become_active();
	UNTIL(3533);
	LOSE_REQUEST(3534);
	UNTIL(3632);
	TRACE("[ 3533] ask renew n1 beat 2\n");
	UNTIL(3633);
	TRACE("[ 3633] ask renew n1 beat 3\n");
}

static void test_doubt_has_the_claim_confirmed_at_once(void)
{
	begin();
	become_active();
	STEP(3200, .type = OO_EVENT_DOUBT);
	TRACE("[ 3200] ask renew n1 beat 2\n");
	ANSWER(3201);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->hold_until, 3200 + 2850);
	UNTIL(3700);
	TRACE("[ 3700] ask renew n1 beat 3\n");
}

/* What is under way was sent before: it may have been carried out before the rival's claim. */
static void test_doubt_during_a_renewal_has_another_one_follow(void)
{
	begin();
	become_active();
	UNTIL(3533);
	STEP(3534, .type = OO_EVENT_DOUBT);
	ANSWER(3536);
	TRACE("[ 3533] ask renew n1 beat 2\n"
	      "[ 3536] ask renew n1 beat 3\n");
	other_takes("node-c", 2);
	ANSWER(3537);
	TRACE("[ 3537] active -> releasing: lost node-c\n"
	      "[ 3537] address down\n");
}

static void test_doubt_is_nothing_to_who_holds_nothing(void)
{
	begin();
	watch_node_a();
	STEP(200, .type = OO_EVENT_DOUBT);
	UNTIL(1000);
	TRACE("");
}

static void test_a_late_answer_to_an_older_renewal_extends_nothing(void)
{
	begin();
	become_active();
	UNTIL(3533);
	uint64_t old = story.sent[0].request.seq;
	LOSE_ANSWER(4000);
	STEP(4001, .type = OO_EVENT_ANSWER, .seq = old, .outcome = OO_OUTCOME_DONE,
	     .revision = story.etcd.revision, .pairs = story.etcd.pairs);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->hold_until, 5883);
}

static void test_a_late_answer_after_the_role_has_changed_arms_nothing(void)
{
	begin();
	become_active();
	UNTIL(3533);
	struct story_copy renewal = story.sent[0];
	other_takes("node-c", 2);
	WATCH(3600);
	STEP(3601, .type = OO_EVENT_ADDRESS, .up = false);
	STEP(3602, .type = OO_EVENT_ANSWER, .seq = renewal.request.seq, .outcome = OO_OUTCOME_DONE,
	     .revision = story.etcd.revision, .pairs = &renewal.expect);
	UNTIL(3700);
	TRACE("[ 3533] ask renew n1 beat 2\n"
	      "[ 3600] active -> releasing: lost node-c\n"
	      "[ 3600] address down\n"
	      "[ 3601] releasing -> standby: lost node-c\n");
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->hold_until, 5883);
}

static void test_a_lost_claim_drops_the_address_at_once_and_is_standby_once_it_is_down(void)
{
	begin();
	become_active();
	UNTIL(3533);
	other_takes("node-c", 2);
	ANSWER(3540);
	UNTIL(4000);
	TRACE("[ 3533] ask renew n1 beat 2\n"
	      "[ 3540] active -> releasing: lost node-c\n"
	      "[ 3540] address down\n");
	STEP(4001, .type = OO_EVENT_ADDRESS, .up = false);
	TRACE("[ 4001] releasing -> standby: lost node-c\n");
}

static void test_a_refused_renewal_that_read_nothing_is_a_lost_claim(void)
{
	begin();
	become_active();
	UNTIL(3533);
	STEP(3540, .type = OO_EVENT_ANSWER, .outcome = OO_OUTCOME_REFUSED, .revision = 99);
	TRACE("[ 3533] ask renew n1 beat 2\n"
	      "[ 3540] active -> releasing: lost node-b\n"
	      "[ 3540] address down\n");
}

static void test_a_claim_that_is_not_in_a_restored_etcd_is_lost(void)
{
	begin();
	story.etcd.revision = 100;
	become_active();
	story.etcd.revision = 50;
	other_takes("node-c", 1);
	UNTIL(3500);
	TRACE("[ 3500] active -> releasing: lost node-c\n"
	      "[ 3500] address down\n");
}

static void test_deleted_keys_are_a_lost_claim(void)
{
	begin();
	become_active();
	keys_vanish();
	WATCH(3100);
	TRACE("[ 3100] active -> releasing: lost\n"
	      "[ 3100] address down\n");
}

/*
 * Absence has no revision: were the beat written again, and deleted again, who saw neither would take
 * the second absence for the first, and that for a ttl of silence.
 */
static void test_a_deleted_beat_is_a_lost_claim(void)
{
	begin();
	become_active();
	memset(&story.etcd.pairs[0].beat, 0, sizeof(story.etcd.pairs[0].beat));
	story.etcd.revision++;
	UNTIL(3533);
	ANSWER(3540);
	TRACE("[ 3533] ask renew n1 beat 2\n"
	      "[ 3540] active -> releasing: lost node-b\n"
	      "[ 3540] address down\n");
	CU_ASSERT_EQUAL(story.etcd.pairs[0].beat.revision, 0);
	STEP(3541, .type = OO_EVENT_ADDRESS, .up = false);
	UNTIL(3540 + 3031);
	TRACE("[ 3541] releasing -> standby: lost node-b\n"
	      "[ 6531] standby -> acquiring: holder_silent node-b\n" /* seen at 3500 */
	      "[ 6531] ask claim n2 ends n1 epoch 2\n");
}

static void test_a_read_that_shows_another_claim_is_a_lost_claim(void)
{
	begin();
	become_active();
	other_takes("node-c", 2);
	UNTIL(3501);
	TRACE("[ 3500] active -> releasing: lost node-c\n"
	      "[ 3500] address down\n");
}

static void test_a_read_from_before_the_claim_is_no_loss(void)
{
	begin();
	watch_node_a();
	UNTIL(2999);
	story.reads_hang = true;
	UNTIL(3031); /* a read is under way since 3000 */
	struct oo_pair before = story.etcd.pairs[0];
	ANSWER(3033);
	STEP(3034, .type = OO_EVENT_READ, .outcome = OO_OUTCOME_DONE,
	     .revision = before.claim.revision, .pairs = &before);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_ACTIVE);
}

static void test_an_address_that_is_wanted_counts_as_up_before_it_is_reported(void)
{
	begin();
	UNTIL(3031);
	ANSWER(3033);
	ANSWER(3035); /* the address is being added: nothing is reported yet */
	story_forget_trace();
	STEP(3036, .type = OO_EVENT_STOP);
	TRACE("[ 3036] active -> releasing: stopping\n"
	      "[ 3036] address down, gracefully\n");
	STEP(3040, .type = OO_EVENT_ADDRESS, .up = false);
	TRACE("[ 3040] releasing -> handing_over: address_down\n"
	      "[ 3040] ask release n2 ends n1 epoch 1\n");
}

static void test_an_address_that_somebody_removed_counts_as_up_while_it_is_wanted(void)
{
	begin();
	become_active();
	STEP(3100, .type = OO_EVENT_ADDRESS, .up = false); /* it is being put back */
	STEP(3101, .type = OO_EVENT_STOP);
	TRACE("[ 3101] active -> releasing: stopping\n"
	      "[ 3101] address down, gracefully\n");
}

static void test_the_ttl_of_the_claim_is_what_the_holder_holds_for(void)
{
	begin();
	other_takes("node-a", 7);
	story.config.ttl_ms = 6000; /* node-a's; ours is 3000 */
	other_offers("node-b");
	other_takes("node-a", 8);
	UNTIL(100);
	other_offers("node-b");
	WATCH(200);
	ANSWER(201);
	const struct oo_want *want = oo_core_want(story.core, 0);
	CU_ASSERT_EQUAL(want->guard_until, 200 + 6000);
	CU_ASSERT_EQUAL(want->hold_until, 200 + 6000 - 300);
	story_forget_trace();
	UNTIL(1199);
	TRACE("");
	UNTIL(1200);
	TRACE("[ 1200] ask reclaim n2 ends n1 epoch 9\n"); /* with its own, once it holds */
}

CU_TestInfo stories_of_holding[] = {
	{"the hold counts from the sending", test_the_hold_counts_from_the_sending},
	{"a lapsed hold drops the address, a later renewal brings it back",
	 test_a_lapsed_hold_drops_the_address_and_a_later_renewal_brings_it_back},
	{"a renewal whose answer comes after its hold brings nothing up",
	 test_a_renewal_whose_answer_comes_after_its_hold_brings_nothing_up},
	{"a failed renewal is asked again after retry",
	 test_a_failed_renewal_is_asked_again_after_retry},
	{"doubt has the claim confirmed at once", test_doubt_has_the_claim_confirmed_at_once},
	{"doubt during a renewal has another one follow",
	 test_doubt_during_a_renewal_has_another_one_follow},
	{"doubt is nothing to who holds nothing", test_doubt_is_nothing_to_who_holds_nothing},
	{"a late answer to an older renewal extends nothing",
	 test_a_late_answer_to_an_older_renewal_extends_nothing},
	{"a late answer after the role has changed arms nothing",
	 test_a_late_answer_after_the_role_has_changed_arms_nothing},
	{"a lost claim drops the address at once, standby once it is down",
	 test_a_lost_claim_drops_the_address_at_once_and_is_standby_once_it_is_down},
	{"a refused renewal that read nothing is a lost claim",
	 test_a_refused_renewal_that_read_nothing_is_a_lost_claim},
	{"a claim that is not in a restored etcd is lost",
	 test_a_claim_that_is_not_in_a_restored_etcd_is_lost},
	{"deleted keys are a lost claim", test_deleted_keys_are_a_lost_claim},
	{"a deleted beat is a lost claim", test_a_deleted_beat_is_a_lost_claim},
	{"a read that shows another claim is a lost claim",
	 test_a_read_that_shows_another_claim_is_a_lost_claim},
	{"a read from before the claim is no loss", test_a_read_from_before_the_claim_is_no_loss},
	{"an address that is wanted counts as up before it is reported",
	 test_an_address_that_is_wanted_counts_as_up_before_it_is_reported},
	{"an address that somebody removed counts as up while it is wanted",
	 test_an_address_that_somebody_removed_counts_as_up_while_it_is_wanted},
	{"the ttl of the claim is what the holder holds for",
	 test_the_ttl_of_the_claim_is_what_the_holder_holds_for},
	CU_TEST_INFO_NULL,
};
