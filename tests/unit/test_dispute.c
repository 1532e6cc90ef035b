/* When a stranger's VIP is free, and how often one that is held is defended. */
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

#define START 5000

/* Frames keep coming while etcd is slow: the doubt stays as old as it is, or nothing confirms it. */
static void test_a_doubt_is_as_old_as_its_first_claim(void)
{
	struct agent_defence defence = {0};
	(void)agent_defence_see(&defence, START);
	CU_ASSERT_TRUE(agent_defence_doubt(&defence, START));
	for (int64_t now = START + 200; now <= START + 2000; now += 200) {
		(void)agent_defence_see(&defence, now);
		CU_ASSERT_FALSE(agent_defence_doubt(&defence, now));
	}
	CU_ASSERT_TRUE(agent_defence_confirm(&defence, START + 100, START + 2000));
}

static void test_only_a_renewal_sent_since_the_doubt_confirms_it(void)
{
	struct agent_defence defence = {0};
	CU_ASSERT_FALSE(agent_defence_confirm(&defence, START, START));
	(void)agent_defence_see(&defence, START);
	CU_ASSERT_TRUE(agent_defence_doubt(&defence, START));
	CU_ASSERT_FALSE(agent_defence_confirm(&defence, START - 1, START + 10));
	CU_ASSERT_TRUE(agent_defence_confirm(&defence, START, START + 20));
	CU_ASSERT_FALSE(agent_defence_confirm(&defence, START + 30, START + 40));
}

/* When each defence comes, of a claim each 100 ms for a minute. */
static void test_a_lasting_conflict_is_answered_ever_more_rarely(void)
{
	static const int64_t expected[] = {0,     1000,  2000,  3000,  4000,  6000,
					   10000, 18000, 28000, 38000, 48000, 58000};
	struct agent_defence defence = {0};
	size_t n = 0;
	for (int64_t now = START; now < START + 60000; now += 100) {
		const int64_t due_at = agent_defence_see(&defence, now);
		if (!agent_defence_doubt(&defence, now)) {
			CU_ASSERT_TRUE(now < due_at);
			continue;
		}
		CU_ASSERT_TRUE(agent_defence_confirm(&defence, now, now));
		CU_ASSERT_TRUE(n < OO_LENGTH(expected) && now - START == expected[n]);
		n++;
	}
	CU_ASSERT_EQUAL(n, OO_LENGTH(expected));
	CU_ASSERT_EQUAL(defence.count, n);
}

static void test_after_a_quiet_minute_it_begins_anew(void)
{
	struct agent_defence defence = {0};
	int64_t now = START;
	for (int i = 0; i < 10; i++) {
		now += AGENT_DEFENCE_LAST_GAP_MS;
		(void)agent_defence_see(&defence, now);
		CU_ASSERT_TRUE(agent_defence_doubt(&defence, now));
		CU_ASSERT_TRUE(agent_defence_confirm(&defence, now, now));
	}
	now += AGENT_DEFENCE_QUIET_MS;
	(void)agent_defence_see(&defence, now);
	CU_ASSERT_TRUE(agent_defence_doubt(&defence, now));
	CU_ASSERT_TRUE(agent_defence_confirm(&defence, now, now));
	CU_ASSERT_EQUAL(defence.count, 1);
	CU_ASSERT_FALSE(agent_defence_doubt(&defence, now + AGENT_DEFENCE_FIRST_GAP_MS - 1));
	CU_ASSERT_TRUE(agent_defence_doubt(&defence, now + AGENT_DEFENCE_FIRST_GAP_MS));
}

int main(void)
{
	static const struct test tests[] = {
		TEST(three_rounds_without_an_answer_end_a_refusal),
		TEST(an_answer_begins_the_rounds_anew),
		TEST(a_round_that_could_not_be_asked_does_not_count),
		TEST(a_doubt_is_as_old_as_its_first_claim),
		TEST(only_a_renewal_sent_since_the_doubt_confirms_it),
		TEST(a_lasting_conflict_is_answered_ever_more_rarely),
		TEST(after_a_quiet_minute_it_begins_anew),
	};
	return run_tests("dispute", tests, OO_LENGTH(tests));
}
