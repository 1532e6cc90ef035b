/* Whether etcd answers in time for the lease. */
#include "base/cleanup.h"
#include "event/testing.h"
#include "pace.h"

static const struct oo_config_lease second = {
	.ttl_ms = 1000, .renew_ms = 166, .margin_ms = 100, .request_timeout_ms = 132};

static unsigned note_all(struct agent_pace *pace, int64_t took_us, unsigned n)
{
	unsigned changes = 0;
	for (unsigned i = 0; i < n; i++) {
		changes += agent_pace_note(pace, &second, took_us);
	}
	return changes;
}

static void test_answers_within_half_of_a_renewals_time_are_fine(void)
{
	struct agent_pace pace = {0};
	CU_ASSERT_EQUAL(note_all(&pace, 66000, 20), 0);
	CU_ASSERT_FALSE(pace.is_tight);
}

static void test_longer_ones_are_told_once_there_are_enough(void)
{
	struct agent_pace pace = {0};
	CU_ASSERT_EQUAL(note_all(&pace, 66001, AGENT_PACE_SAMPLES - 1), 0);
	CU_ASSERT_FALSE(pace.is_tight);
	CU_ASSERT_EQUAL(note_all(&pace, 66001, 20), 1);
	CU_ASSERT_TRUE(pace.is_tight);
}

/* A connection that was made, a member that had a bad moment. */
static void test_two_of_five_are_outliers(void)
{
	struct agent_pace pace = {0};
	for (unsigned i = 0; i < 50; i++) {
		CU_ASSERT_FALSE(agent_pace_note(&pace, &second, i % 5 < 2 ? 500000 : 3000));
	}
}

static void test_it_is_over_only_with_something_to_spare(void)
{
	struct agent_pace pace = {0};
	(void)note_all(&pace, 80000, AGENT_PACE_SAMPLES);
	CU_ASSERT_EQUAL(note_all(&pace, 60000, 20), 0);
	CU_ASSERT_TRUE(pace.is_tight);
	CU_ASSERT_EQUAL(note_all(&pace, 52800, 20), 1);
	CU_ASSERT_FALSE(pace.is_tight);
}

static void test_what_is_said_has_the_arithmetic(void)
{
	char text[AGENT_PACE_LENGTH];
	struct agent_pace pace = {0};
	(void)note_all(&pace, 81500, AGENT_PACE_SAMPLES);
	CU_ASSERT_STRING_EQUAL(
		agent_pace_explain(&pace, &second, text),
		"etcd takes 82 ms to answer; a renewal has 132 ms (4/5 of renew), and ttl 1s "
		"leaves "
		"4 tries (ttl - margin = 900 ms, one each 166 ms): on all nodes a lease.ttl of "
		"1300ms or more has time to spare");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(answers_within_half_of_a_renewals_time_are_fine),
		TEST(longer_ones_are_told_once_there_are_enough),
		TEST(two_of_five_are_outliers),
		TEST(it_is_over_only_with_something_to_spare),
		TEST(what_is_said_has_the_arithmetic),
	};
	return run_tests("pace", tests, OO_LENGTH(tests));
}
