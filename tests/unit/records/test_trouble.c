/* Trouble with etcd is said when it begins and when it is over, however often it is tried. */
#include "trouble.h"

#include <errno.h>

#include "../event/testing.h"
#include "base/cleanup.h"

static bool fails(struct agent_trouble *trouble, enum agent_affair affair, int error_number,
		  const char *text)
{
	struct oo_err err;
	int r = oo_fail_text(&err, error_number, "%s", text);
	return agent_trouble_begin(trouble, affair, r, &err, 1000);
}

static void test_all_is_well_at_first_and_stays_so(void)
{
	struct agent_trouble trouble = {0};
	CU_ASSERT_STRING_EQUAL(agent_trouble_text(&trouble), "");
	for (int i = 0; i < AGENT_AFFAIRS; i++) {
		CU_ASSERT_FALSE(agent_trouble_end(&trouble, (enum agent_affair)i, 1000));
	}
	CU_ASSERT_STRING_EQUAL(agent_trouble_text(&trouble), "");
}

static void test_an_etcd_that_is_silent_is_said_once_for_all_affairs(void)
{
	static const int silent[] = {ECONNREFUSED, ETIMEDOUT, EAGAIN};
	struct agent_trouble trouble = {0};
	CU_ASSERT_TRUE(fails(&trouble, AGENT_AFFAIR_CLAIM, ETIMEDOUT, "no answer"));
	for (size_t i = 0; i < 30; i++) {
		enum agent_affair affair = (enum agent_affair)(i % AGENT_AFFAIRS);
		CU_ASSERT_FALSE(fails(&trouble, affair, silent[i / 10], "down"));
	}
	CU_ASSERT_STRING_EQUAL(agent_trouble_text(&trouble), "down");
}

static void test_whatever_succeeds_ends_a_silence_for_all_and_once(void)
{
	struct agent_trouble trouble = {0};
	fails(&trouble, AGENT_AFFAIR_READ, ETIMEDOUT, "no answer");
	fails(&trouble, AGENT_AFFAIR_CLAIM, EPROTO, "a page");
	CU_ASSERT_TRUE(agent_trouble_end(&trouble, AGENT_AFFAIR_PRESENCE, 1000));
	CU_ASSERT_EQUAL(trouble.since, 1000);
	CU_ASSERT_STRING_EQUAL(agent_trouble_text(&trouble), "");
	CU_ASSERT_FALSE(agent_trouble_end(&trouble, AGENT_AFFAIR_READ, 1000));
	CU_ASSERT_TRUE(fails(&trouble, AGENT_AFFAIR_READ, ETIMEDOUT, "no answer"));
}

static void test_reads_that_succeed_do_not_end_refused_writes(void)
{
	struct agent_trouble trouble = {0};
	for (int i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(fails(&trouble, AGENT_AFFAIR_CLAIM, EACCES, "denied"), i == 0);
		CU_ASSERT_FALSE(agent_trouble_end(&trouble, AGENT_AFFAIR_READ, 1000));
		CU_ASSERT_STRING_EQUAL(agent_trouble_text(&trouble), "denied");
	}
	CU_ASSERT_FALSE(fails(&trouble, AGENT_AFFAIR_PRESENCE, E2BIG, "too big"));
	CU_ASSERT_FALSE(agent_trouble_end(&trouble, AGENT_AFFAIR_CLAIM, 1000));
	CU_ASSERT_STRING_EQUAL(agent_trouble_text(&trouble), "too big");
	CU_ASSERT_TRUE(agent_trouble_end(&trouble, AGENT_AFFAIR_PRESENCE, 1000));
	CU_ASSERT_STRING_EQUAL(agent_trouble_text(&trouble), "");
}

static void test_a_refusal_that_is_not_repeated_is_forgotten_after_a_minute(void)
{
	struct agent_trouble trouble = {0};
	fails(&trouble, AGENT_AFFAIR_CLAIM, ENOSPC, "full");
	CU_ASSERT_FALSE(agent_trouble_end(&trouble, AGENT_AFFAIR_READ, 61000));
	CU_ASSERT_STRING_EQUAL(agent_trouble_text(&trouble), "full");
	CU_ASSERT_TRUE(agent_trouble_end(&trouble, AGENT_AFFAIR_READ, 61001));
	CU_ASSERT_STRING_EQUAL(agent_trouble_text(&trouble), "");
}

static void test_a_write_of_somebody_else_ends_a_lack_of_space_and_nothing_else(void)
{
	struct agent_trouble trouble = {0};
	CU_ASSERT_FALSE(agent_trouble_end_full(&trouble));
	fails(&trouble, AGENT_AFFAIR_CLAIM, ENOSPC, "full");
	fails(&trouble, AGENT_AFFAIR_PRESENCE, EACCES, "denied");
	CU_ASSERT_FALSE(agent_trouble_end(&trouble, AGENT_AFFAIR_READ, 1000));
	CU_ASSERT_FALSE(agent_trouble_end_full(&trouble));
	CU_ASSERT_STRING_EQUAL(agent_trouble_text(&trouble), "denied");
	CU_ASSERT_TRUE(agent_trouble_end(&trouble, AGENT_AFFAIR_PRESENCE, 1000));
	fails(&trouble, AGENT_AFFAIR_CLAIM, ENOSPC, "full");
	CU_ASSERT_FALSE(agent_trouble_end(&trouble, AGENT_AFFAIR_READ, 1000));
	CU_ASSERT_TRUE(agent_trouble_end_full(&trouble));
	CU_ASSERT_STRING_EQUAL(agent_trouble_text(&trouble), "");
}

static void test_each_kind_of_trouble_is_said_once(void)
{
	static const int kinds[] = {ECONNREFUSED, EPROTO, EACCES, ENOSPC};
	struct agent_trouble trouble = {0};
	for (int i = 0; i < 30; i++) {
		int kind = i % (int)OO_LENGTH(kinds);
		CU_ASSERT_EQUAL(fails(&trouble, AGENT_AFFAIR_READ, kinds[kind], "x"), i == kind);
	}
}

static void test_the_time_is_that_of_the_first_failure(void)
{
	struct agent_trouble trouble = {0};
	struct oo_err err = {"x"};
	for (int64_t now = 5; now < 50; now++) {
		agent_trouble_begin(&trouble, AGENT_AFFAIR_READ, now < 20 ? -EACCES : -EAGAIN, &err,
				    now);
	}
	CU_ASSERT_EQUAL(trouble.since, 5);
	agent_trouble_end(&trouble, AGENT_AFFAIR_READ, 1000);
	agent_trouble_begin(&trouble, AGENT_AFFAIR_READ, -EACCES, &err, 60);
	CU_ASSERT_EQUAL(trouble.since, 60);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(all_is_well_at_first_and_stays_so),
		TEST(an_etcd_that_is_silent_is_said_once_for_all_affairs),
		TEST(whatever_succeeds_ends_a_silence_for_all_and_once),
		TEST(reads_that_succeed_do_not_end_refused_writes),
		TEST(a_refusal_that_is_not_repeated_is_forgotten_after_a_minute),
		TEST(a_write_of_somebody_else_ends_a_lack_of_space_and_nothing_else),
		TEST(each_kind_of_trouble_is_said_once),
		TEST(the_time_is_that_of_the_first_failure),
	};
	return run_tests("records: trouble", tests, OO_LENGTH(tests));
}
