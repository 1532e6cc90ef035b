/* When a stranger's VIP is free. */
#include "dispute.h"

#include "base/cleanup.h"
#include "event/testing.h"

static void test_three_rounds_without_an_answer_end_a_refusal(void)
{
	struct agent_refusal refusal = {0};
	CU_ASSERT_FALSE(agent_refusal_is_over(&refusal, true, false));
	CU_ASSERT_FALSE(agent_refusal_is_over(&refusal, true, false));
	CU_ASSERT_TRUE(agent_refusal_is_over(&refusal, true, false));
}

static void test_an_answer_begins_the_rounds_anew(void)
{
	struct agent_refusal refusal = {0};
	CU_ASSERT_FALSE(agent_refusal_is_over(&refusal, true, false));
	CU_ASSERT_FALSE(agent_refusal_is_over(&refusal, true, false));
	CU_ASSERT_FALSE(agent_refusal_is_over(&refusal, true, true));
	CU_ASSERT_FALSE(agent_refusal_is_over(&refusal, true, false));
	CU_ASSERT_FALSE(agent_refusal_is_over(&refusal, true, false));
}

/* No carrier, a full socket: silence says nothing then. */
static void test_a_round_that_could_not_be_asked_does_not_count(void)
{
	struct agent_refusal refusal = {0};
	for (int i = 0; i < 10; i++) {
		CU_ASSERT_FALSE(agent_refusal_is_over(&refusal, false, false));
	}
	CU_ASSERT_FALSE(agent_refusal_is_over(&refusal, true, false));
	CU_ASSERT_FALSE(agent_refusal_is_over(&refusal, false, false));
	CU_ASSERT_FALSE(agent_refusal_is_over(&refusal, true, false));
	CU_ASSERT_TRUE(agent_refusal_is_over(&refusal, true, false));
}

int main(void)
{
	static const struct test tests[] = {
		TEST(three_rounds_without_an_answer_end_a_refusal),
		TEST(an_answer_begins_the_rounds_anew),
		TEST(a_round_that_could_not_be_asked_does_not_count),
	};
	return run_tests("dispute", tests, OO_LENGTH(tests));
}
