#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "counts.h"
#include "../event/testing.h"

static uint64_t count_in(const struct oo_histogram *histogram)
{
	uint64_t n = 0;
	for (unsigned i = 0; i <= OO_HISTOGRAM_BOUNDS; i++) {
		n += histogram->counts[i];
	}
	return n;
}

static void test_a_failed_request_counts_as_one_of_its_reason(void)
{
	static const struct {
		int r;
		enum agent_failure failure;
	} table[] = {
		{-ETIMEDOUT, AGENT_FAILURE_TIMEOUT}, {-ECONNREFUSED, AGENT_FAILURE_REFUSED},
		{-EAGAIN, AGENT_FAILURE_NO_LEADER},  {-EPROTO, AGENT_FAILURE_FOREIGN},
		{-EACCES, AGENT_FAILURE_DENIED},     {-ENOSPC, AGENT_FAILURE_FULL},
		{-EINVAL, AGENT_FAILURE_OTHER},      {-E2BIG, AGENT_FAILURE_OTHER},
	};
	for (size_t i = 0; i < OO_LENGTH(table); i++) {
		struct agent_counts counts = {0}, expected = {0};
		agent_counts_request(&counts, AGENT_AFFAIR_CLAIM, table[i].r);
		expected.requests[AGENT_AFFAIR_CLAIM] = 1;
		expected.failures[AGENT_AFFAIR_CLAIM][table[i].failure] = 1;
		CU_ASSERT_EQUAL(memcmp(&counts, &expected, sizeof(counts)), 0);
	}
}

static void test_a_good_request_is_no_failure(void)
{
	struct agent_counts counts = {0}, expected = {0};
	agent_counts_request(&counts, AGENT_AFFAIR_READ, 0);
	agent_counts_request(&counts, AGENT_AFFAIR_READ, 0);
	expected.requests[AGENT_AFFAIR_READ] = 2;
	CU_ASSERT_EQUAL(memcmp(&counts, &expected, sizeof(counts)), 0);
}

/* How long nothing came is the deadline's doing, not etcd's. */
static void test_only_an_answered_renewal_has_a_duration(void)
{
	struct agent_group_counts counts = {0};
	agent_counts_renewal(&counts, OO_OUTCOME_DONE, 1500);
	agent_counts_renewal(&counts, OO_OUTCOME_REFUSED, 500);
	agent_counts_renewal(&counts, OO_OUTCOME_UNKNOWN, 1000000);
	CU_ASSERT_EQUAL(counts.renewals[OO_OUTCOME_DONE], 1);
	CU_ASSERT_EQUAL(counts.renewals[OO_OUTCOME_REFUSED], 1);
	CU_ASSERT_EQUAL(counts.renewals[OO_OUTCOME_UNKNOWN], 1);
	CU_ASSERT_EQUAL(count_in(&counts.renewal_time), 2);
	CU_ASSERT_EQUAL(counts.renewal_time.sum_us, 2000);
}

/* Handed over: down 4 ms after the decision, committed 2 ms later, and up 5 ms after that. */
static const struct agent_timeline given = {
	.detected_at = 1000,
	.claimed_at = 1000,
	.armed_at = 1002,
	.added_at = 1004,
	.announced_at = 1005,
	.given = true,
	.given_ages = {.left_ms = 6, .down_ms = 2},
};

static void test_a_promotion_counts_at_each_stage_and_as_a_gap(void)
{
	static const int64_t took_us[AGENT_STAGES] = {
		[AGENT_STAGE_DOWN] = 4000,
		[AGENT_STAGE_CLAIMED] = 8000,
		[AGENT_STAGE_ADDED] = 12000,
		[AGENT_STAGE_ANNOUNCED] = 13000,
	};
	struct agent_group_counts counts = {0};
	agent_counts_promotion(&counts, &given);
	for (int i = 0; i < AGENT_STAGES; i++) {
		CU_ASSERT_EQUAL(count_in(&counts.stages[i]), 1);
		CU_ASSERT_EQUAL(counts.stages[i].sum_us, took_us[i]);
	}
	CU_ASSERT_EQUAL(count_in(&counts.gap), 1);
	CU_ASSERT_EQUAL(counts.gap.sum_us, 9000);
}

/* As a group's first holder: nobody went down, and nobody had answered. */
static void test_what_is_not_known_of_a_promotion_is_not_counted(void)
{
	struct agent_timeline first = given;
	struct agent_group_counts counts = {0};
	first.given = false;
	agent_counts_promotion(&counts, &first);
	CU_ASSERT_EQUAL(count_in(&counts.stages[AGENT_STAGE_DOWN]), 0);
	CU_ASSERT_EQUAL(count_in(&counts.gap), 0);
	CU_ASSERT_EQUAL(count_in(&counts.stages[AGENT_STAGE_ANNOUNCED]), 1);
}

static void test_every_reason_and_affair_has_a_name_of_its_own(void)
{
	for (int i = 0; i < AGENT_FAILURES; i++) {
		const char *name = agent_failure_name((enum agent_failure)i);
		CU_ASSERT(strlen(name) > 1);
		for (int j = 0; j < i; j++) {
			CU_ASSERT_STRING_NOT_EQUAL(name, agent_failure_name((enum agent_failure)j));
		}
	}
	for (int i = 0; i < AGENT_AFFAIRS; i++) {
		CU_ASSERT(strlen(agent_affair_name((enum agent_affair)i)) > 1);
	}
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_failed_request_counts_as_one_of_its_reason),
		TEST(a_good_request_is_no_failure),
		TEST(only_an_answered_renewal_has_a_duration),
		TEST(a_promotion_counts_at_each_stage_and_as_a_gap),
		TEST(what_is_not_known_of_a_promotion_is_not_counted),
		TEST(every_reason_and_affair_has_a_name_of_its_own),
	};
	return run_tests("counts", tests, OO_LENGTH(tests));
}
