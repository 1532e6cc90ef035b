/* An agent that ended while it held is followed by another one on the same node. */
#include "story.h"
#include "suites.h"

static bool is_kept(void)
{
	return oo_core_want(story.core, 0)->keep;
}

static void test_a_tenure_is_adopted_by_a_fresh_claim_and_the_address_stays(void)
{
	begin_after_a_crash("node-b");
	TRACE("[    0] ask reclaim n1 ends n2 epoch 7\n");
	CU_ASSERT_TRUE(is_kept());
	ANSWER(2);
	TRACE("[    2] reclaiming -> active: adopted\n"
	      "[    2] ask renew n1 beat 1\n");
	CU_ASSERT_TRUE(is_kept());
	ANSWER(4);
	TRACE("[    4] address up until 2852\n");
	CU_ASSERT_FALSE(is_kept());
}

static void test_a_tenure_that_was_lost_meanwhile_takes_the_address_down_first(void)
{
	begin_after_a_crash("node-a");
	story_forget_trace();
	ANSWER(2);
	TRACE("[    2] reclaiming -> releasing: lost node-a\n");
	CU_ASSERT_FALSE(is_kept());
	CU_ASSERT_FALSE(oo_core_want(story.core, 0)->graceful);
	STEP(3, .type = OO_EVENT_ADDRESS, .up = false);
	TRACE("[    3] releasing -> standby: lost node-a\n");
}

static void test_nothing_is_held_while_etcd_does_not_confirm_the_adoption(void)
{
	begin_after_a_crash("node-b");
	story_forget_trace();
	for (int64_t at = 50; at < 5000; at += 100) {
		LOSE_REQUEST(at);
	}
	CU_ASSERT_FALSE(oo_core_want(story.core, 0)->address);
	CU_ASSERT_TRUE(is_kept()); /* the kernel's own deadline has long ended it */
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_RECLAIMING);
}

static void test_a_fresh_claim_whose_answer_was_lost_is_read_back(void)
{
	begin_after_a_crash("node-b");
	LOSE_ANSWER(2);
	UNTIL(102);
	story_forget_trace();
	ANSWER(104);
	TRACE("[  104] reclaiming -> active: adopted\n"
	      "[  104] ask renew n1 beat 1\n");
}

static void test_a_tenure_lost_after_the_fresh_claim_takes_the_address_down(void)
{
	begin_after_a_crash("node-b");
	ANSWER(2);
	story_forget_trace();
	other_takes("node-a", 9);
	ANSWER(5);
	TRACE("[    5] active -> releasing: lost node-a\n");
	CU_ASSERT_FALSE(is_kept());
}

static void test_who_is_told_to_stop_while_adopting_takes_the_address_down_before_it_releases(void)
{
	begin_after_a_crash("node-b");
	story_forget_trace();
	STEP(1, .type = OO_EVENT_STOP);
	TRACE("[    1] reclaiming -> releasing: stopping\n");
	CU_ASSERT_FALSE(is_kept());
	STEP(2, .type = OO_EVENT_ADDRESS, .up = false);
	TRACE("[    2] releasing -> handing_over: address_down\n"
	      "[    2] ask release n3 ends n2 epoch 7\n");
}

static void test_an_epoch_survives_a_wiped_etcd(void)
{
	struct oo_core_config config = story_config();
	begin_without_news(&config);
	oo_core_adopt(story.core, 0, 41, NULL);
	raise_curtain();
	UNTIL(3031);
	TRACE("[ 3031] standby -> acquiring: absent\n"
	      "[ 3031] ask claim n1 ends mark epoch 42\n");
}

CU_TestInfo stories_of_adopting[] = {
	{"a tenure is adopted by a fresh claim and the address stays",
	 test_a_tenure_is_adopted_by_a_fresh_claim_and_the_address_stays},
	{"a tenure that was lost meanwhile takes the address down first",
	 test_a_tenure_that_was_lost_meanwhile_takes_the_address_down_first},
	{"nothing is held while etcd does not confirm the adoption",
	 test_nothing_is_held_while_etcd_does_not_confirm_the_adoption},
	{"a fresh claim whose answer was lost is read back",
	 test_a_fresh_claim_whose_answer_was_lost_is_read_back},
	{"a tenure lost after the fresh claim takes the address down",
	 test_a_tenure_lost_after_the_fresh_claim_takes_the_address_down},
	{"who is told to stop while adopting takes the address down before it releases",
	 test_who_is_told_to_stop_while_adopting_takes_the_address_down_before_it_releases},
	{"an epoch survives a wiped etcd", test_an_epoch_survives_a_wiped_etcd},
	CU_TEST_INFO_NULL,
};
