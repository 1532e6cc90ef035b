/* What unit and container checks say, in systemd's words. */
#include <stdbool.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "collect/units.h"

static struct oo_check_result result_of(enum oo_check_reason reason, const char *seen)
{
	struct oo_check_result result = {.reason = reason};
	oo_text_clip(result.seen, sizeof(result.seen), seen);
	return result;
}

static void test_unit_is_told_by_its_states_and_its_end(void)
{
	static const struct {
		enum oo_check_reason reason;
		const char *seen, *state, *result;
		unsigned restarts;
		bool out_of_memory;
	} cases[] = {
		{OO_CHECK_REASON_OK, "active (running), 2 restarts", "active/running", "success", 2,
		 false},
		{OO_CHECK_REASON_STOPPED, "inactive (dead), 0 restarts", "inactive/dead", "success",
		 0, false},
		{OO_CHECK_REASON_CRASHED, "failed (failed), 5 restarts, exit code 1, exit-code",
		 "failed/failed", "exit-code", 5, false},
		{OO_CHECK_REASON_RESTARTING, "activating (auto-restart), 7 restarts, exit code 1",
		 "activating/auto-restart", "success", 7, false},
		{OO_CHECK_REASON_OUT_OF_MEMORY,
		 "failed (failed), 0 restarts, killed by SIGKILL, oom-kill", "failed/failed",
		 "oom-kill", 0, true},
		{OO_CHECK_REASON_PROTOCOL, "something else", "something else", "", 0, false},
		{OO_CHECK_REASON_PROTOCOL, "", "", "", 0, false},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		struct oo_process process = {.look = OO_LOOK_NONE};
		struct oo_check_result result = result_of(cases[i].reason, cases[i].seen);
		oo_unit_read(&result, &process);
		CU_ASSERT_STRING_EQUAL(process.unit_state, cases[i].state);
		CU_ASSERT_STRING_EQUAL(process.unit_result, cases[i].result);
		CU_ASSERT_EQUAL(process.unit_restarts, cases[i].restarts);
		CU_ASSERT_EQUAL(process.out_of_memory, cases[i].out_of_memory);
	}
}

static void test_container_is_told_in_the_same_words(void)
{
	struct oo_process process = {.look = OO_LOOK_NONE};
	struct oo_check_result result =
		result_of(OO_CHECK_REASON_OK, "running, healthy, 3 restarts");
	oo_unit_read_container(&result, &process);
	CU_ASSERT_STRING_EQUAL(process.unit_state, "active/running");
	CU_ASSERT_EQUAL(process.unit_restarts, 3);
	result = result_of(OO_CHECK_REASON_OUT_OF_MEMORY, "exited: killed for want of memory");
	oo_unit_read_container(&result, &process);
	CU_ASSERT_STRING_EQUAL(process.unit_state, "failed/failed");
	CU_ASSERT_STRING_EQUAL(process.unit_result, "oom-kill");
	CU_ASSERT_TRUE(process.out_of_memory);
}

static void test_what_is_not_about_the_unit_is_no_look_at_it(void)
{
	CU_ASSERT_EQUAL(oo_unit_look(OO_CHECK_REASON_OK), OO_LOOK_SEEN);
	CU_ASSERT_EQUAL(oo_unit_look(OO_CHECK_REASON_CRASHED), OO_LOOK_SEEN);
	CU_ASSERT_EQUAL(oo_unit_look(OO_CHECK_REASON_MISSING), OO_LOOK_ABSENT);
	CU_ASSERT_EQUAL(oo_unit_look(OO_CHECK_REASON_LOCAL), OO_LOOK_ABSENT);
	CU_ASSERT_EQUAL(oo_unit_look(OO_CHECK_REASON_DENIED), OO_LOOK_DENIED);
	CU_ASSERT_EQUAL(oo_unit_look(OO_CHECK_REASON_NONE), OO_LOOK_LATE);
	CU_ASSERT_EQUAL(oo_unit_look(OO_CHECK_REASON_SILENT), OO_LOOK_LATE);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(unit_is_told_by_its_states_and_its_end),
		TEST(container_is_told_in_the_same_words),
		TEST(what_is_not_about_the_unit_is_no_look_at_it),
	};
	return run_tests("units", tests, OO_LENGTH(tests));
}
