/* A claim under way: done, refused, lost, and found again. */
#include "story.h"
#include "suites.h"

static void test_a_claim_is_renewed_before_the_address_goes_up(void)
{
	begin();
	watch_node_a();
	UNTIL(3031);
	ANSWER(3040);
	ANSWER(3050);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n"
	      "[ 3040] acquiring -> active: claimed\n"
	      "[ 3040] ask renew n1 beat 1\n"
	      "[ 3050] address up until 5890\n");
}

static void test_a_refused_claim_leaves_the_faster_one_alone(void)
{
	begin();
	watch_node_a();
	UNTIL(3031);
	other_takes("node-c", 8);
	ANSWER(3040);
	UNTIL(6070);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n"
	      "[ 3040] acquiring -> standby: claim_refused\n");
	UNTIL(6071);
	TRACE("[ 6071] standby -> acquiring: holder_silent node-c\n"
	      "[ 6071] ask claim n3 ends n4 epoch 9\n");
}

static void test_a_renewal_at_the_last_moment_beats_the_claim(void)
{
	begin();
	watch_node_a();
	UNTIL(3031);
	other_renews();
	ANSWER(3032);
	UNTIL(6062);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n"
	      "[ 3032] acquiring -> standby: claim_refused\n");
}

static void test_a_claim_is_refused_by_a_pause_that_nobody_has_told_of_yet(void)
{
	begin();
	watch_node_a();
	UNTIL(3031);
	story.etcd.paused = true;
	ANSWER(3040);
	UNTIL(9000);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n"
	      "[ 3040] acquiring -> standby: claim_refused\n");
	CU_ASSERT(oo_core_is_paused(story.core));
}

static void test_a_refused_claim_that_reads_back_its_own_nonce_went_through(void)
{
	begin();
	watch_node_a();
	UNTIL(3031);
	CU_ASSERT(arrive(&story.sent[0])); /* the hedged copy */
	ANSWER(3040);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n"
	      "[ 3040] acquiring -> active: read_back\n"
	      "[ 3040] ask renew n1 beat 1\n");
}

static void test_a_claim_whose_answer_was_lost_is_known_when_it_is_read_back(void)
{
	begin();
	watch_node_a();
	UNTIL(3031);
	LOSE_ANSWER(3450);
	UNTIL(3500);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n"
	      "[ 3450] acquiring -> standby: outcome_unknown\n"
	      "[ 3500] standby -> active: read_back\n"
	      "[ 3500] ask renew n1 beat 1\n");
}

static void test_a_claim_that_was_lost_is_asked_again_with_another_nonce(void)
{
	begin();
	watch_node_a();
	UNTIL(3031);
	LOSE_REQUEST(3400);
	UNTIL(3500);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n"
	      "[ 3400] acquiring -> standby: outcome_unknown\n"
	      "[ 3500] standby -> acquiring: holder_silent node-a\n"
	      "[ 3500] ask claim n3 ends n2 epoch 8\n");
}

static void test_the_first_of_two_claims_is_known_when_the_second_is_refused(void)
{
	begin();
	watch_node_a();
	UNTIL(3031);
	struct story_copy first = story.sent[0];
	LOSE_REQUEST(3400);
	UNTIL(3500);
	CU_ASSERT(arrive(&first));
	ANSWER(3510);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n"
	      "[ 3400] acquiring -> standby: outcome_unknown\n"
	      "[ 3500] standby -> acquiring: holder_silent node-a\n"
	      "[ 3500] ask claim n3 ends n2 epoch 8\n"
	      "[ 3510] acquiring -> active: read_back\n"
	      "[ 3510] ask renew n1 beat 1\n");
}

/* Nine claims are lost; a late copy of one of them reaches etcd after all. */
static void lose_nine_claims(unsigned late)
{
	struct story_copy copies[9];
	begin();
	watch_node_a();
	UNTIL(3031);
	for (unsigned i = 0; i < 9; i++) {
		copies[i] = story.sent[0];
		LOSE_REQUEST(story.now + 1);
		UNTIL(story.now + 100);
	}
	CU_ASSERT(arrive(&copies[late]));
	LOSE_REQUEST(story.now + 1);
	story_forget_trace();
	UNTIL(4000);
}

static void test_the_newest_eight_nonces_that_were_tried_are_kept(void)
{
	lose_nine_claims(2); /* the third, of ten with the one under way */
	TRACE("[ 4000] standby -> active: read_back\n"
	      "[ 4000] ask renew n4 beat 1\n");
	lose_nine_claims(1);
	TRACE("");
}

static void test_an_answer_with_another_number_is_not_believed(void)
{
	begin();
	watch_node_a();
	UNTIL(3031);
	STEP(3040, .type = OO_EVENT_ANSWER, .seq = story.sent[0].request.seq + 1,
	     .outcome = OO_OUTCOME_DONE, .pairs = story.etcd.pairs);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n");
}

/* A claim compares the mark that it takes: it does not fit what comes later. */
static void test_a_claim_of_marked_absence_does_not_fit_later_absence(void)
{
	begin();
	UNTIL(3031);
	struct story_copy late = story.sent[0];
	LOSE_REQUEST(3450);
	other_takes("node-a", 1);
	UNTIL(3500);
	keys_vanish(); /* and node-a may still have its address up */
	CU_ASSERT_FALSE(arrive(&late));
	other_marks();
	CU_ASSERT_FALSE(arrive(&late));
}

static void test_a_first_claim_whose_answer_was_lost_is_known_when_it_is_read_back(void)
{
	begin();
	UNTIL(3031);
	LOSE_ANSWER(3450);
	UNTIL(3500);
	TRACE("[ 3031] standby -> acquiring: absent\n"
	      "[ 3031] ask claim n1 ends mark epoch 1\n"
	      "[ 3450] acquiring -> standby: outcome_unknown\n"
	      "[ 3500] standby -> active: read_back\n"
	      "[ 3500] ask renew n1 beat 1\n");
}

CU_TestInfo stories_of_claiming[] = {
	{"a claim is renewed before the address goes up",
	 test_a_claim_is_renewed_before_the_address_goes_up},
	{"a refused claim leaves the faster one alone",
	 test_a_refused_claim_leaves_the_faster_one_alone},
	{"a renewal at the last moment beats the claim",
	 test_a_renewal_at_the_last_moment_beats_the_claim},
	{"a claim is refused by a pause that nobody has told of yet",
	 test_a_claim_is_refused_by_a_pause_that_nobody_has_told_of_yet},
	{"a refused claim that reads back its own nonce went through",
	 test_a_refused_claim_that_reads_back_its_own_nonce_went_through},
	{"a claim whose answer was lost is known when it is read back",
	 test_a_claim_whose_answer_was_lost_is_known_when_it_is_read_back},
	{"a claim that was lost is asked again with another nonce",
	 test_a_claim_that_was_lost_is_asked_again_with_another_nonce},
	{"the first of two claims is known when the second is refused",
	 test_the_first_of_two_claims_is_known_when_the_second_is_refused},
	{"the newest eight nonces that were tried are kept",
	 test_the_newest_eight_nonces_that_were_tried_are_kept},
	{"an answer with another number is not believed",
	 test_an_answer_with_another_number_is_not_believed},
	{"a claim of marked absence does not fit later absence",
	 test_a_claim_of_marked_absence_does_not_fit_later_absence},
	{"a first claim whose answer was lost is known when it is read back",
	 test_a_first_claim_whose_answer_was_lost_is_known_when_it_is_read_back},
	CU_TEST_INFO_NULL,
};
