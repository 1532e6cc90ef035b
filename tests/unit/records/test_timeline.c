/* What a move took, put together from two nodes. */
#include "timeline.h"

#include "../event/testing.h"
#include "base/cleanup.h"

static void test_a_hand_over_counts_from_the_decision_of_who_left(void)
{
	/* decided 9 ms, down 4 ms before the offer was sent; seen at 1000, renewed in 3 */
	const struct agent_timeline line = {.detected_at = 1000,
					    .claimed_at = 1000,
					    .armed_at = 1003,
					    .added_at = 1004,
					    .announced_at = 1005,
					    .given = true,
					    .given_ages = {.left_ms = 9, .down_ms = 4}};
	struct agent_timeline_parts parts = agent_timeline_parts(&line);
	CU_ASSERT_EQUAL(parts.down_ms, 5);
	CU_ASSERT_EQUAL(parts.claimed_ms, 12);
	CU_ASSERT_EQUAL(parts.added_ms, 16);
	CU_ASSERT_EQUAL(parts.announced_ms, 17);
	CU_ASSERT_EQUAL(parts.gap_ms,
			12); /* 4, the commit of the offer as that of the renewal, 5 */
}

static void test_the_gap_of_a_takeover_counts_from_the_last_beat(void)
{
	const struct agent_timeline line = {.detected_at = 5000,
					    .claimed_at = 5004,
					    .armed_at = 5008,
					    .added_at = 5009,
					    .announced_at = 5010,
					    .silent_ms = 3031,
					    .given_ages = {-1, -1}};
	struct agent_timeline_parts parts = agent_timeline_parts(&line);
	CU_ASSERT_EQUAL(parts.down_ms, -1);
	CU_ASSERT_EQUAL(parts.claimed_ms, 4);
	CU_ASSERT_EQUAL(parts.announced_ms, 10);
	CU_ASSERT_EQUAL(parts.gap_ms, 3041);
}

/* An agent of an earlier version, or one whose VIPs were never up. */
static void test_what_was_not_said_is_not_guessed(void)
{
	struct agent_timeline line = {.detected_at = 1000,
				      .claimed_at = 1000,
				      .armed_at = 1003,
				      .added_at = 1004,
				      .announced_at = 1005,
				      .given = true,
				      .given_ages = {-1, -1}};
	struct agent_timeline_parts parts = agent_timeline_parts(&line);
	CU_ASSERT_EQUAL(parts.down_ms, -1);
	CU_ASSERT_EQUAL(parts.claimed_ms, 0);
	CU_ASSERT_EQUAL(parts.announced_ms, 5);
	CU_ASSERT_EQUAL(parts.gap_ms, -1);
	line.given_ages.left_ms = 9;
	parts = agent_timeline_parts(&line);
	CU_ASSERT_EQUAL(parts.claimed_ms, 12);
	CU_ASSERT_EQUAL(parts.gap_ms, -1);
}

/* Its hold had lapsed before: nobody was answered for longer than it was leaving. */
static void test_a_gap_may_begin_before_the_decision(void)
{
	const struct agent_timeline line = {.detected_at = 1000,
					    .claimed_at = 1000,
					    .armed_at = 1003,
					    .added_at = 1004,
					    .announced_at = 1005,
					    .given = true,
					    .given_ages = {.left_ms = 9, .down_ms = 400}};
	struct agent_timeline_parts parts = agent_timeline_parts(&line);
	CU_ASSERT_EQUAL(parts.down_ms, -1);
	CU_ASSERT_EQUAL(parts.gap_ms, 408);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_hand_over_counts_from_the_decision_of_who_left),
		TEST(the_gap_of_a_takeover_counts_from_the_last_beat),
		TEST(what_was_not_said_is_not_guessed),
		TEST(a_gap_may_begin_before_the_decision),
	};
	return run_tests("timeline", tests, OO_LENGTH(tests));
}
