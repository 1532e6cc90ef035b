#ifndef TESTING_H
#define TESTING_H
/* Runs a table of tests and says whether all of them ran and passed. */
#include <CUnit/Basic.h>

struct test {
	const char *name;
	CU_TestFunc run;
};

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, test_##name                                                                 \
	}

/* Before and after each test; either may be NULL. */
struct frame {
	CU_SetUpFunc set_up;
	CU_TearDownFunc tear_down;
};

/* Returns what main returns. */
static inline int run_tests_in(const char *suite_name, struct frame frame, const struct test *tests,
			       unsigned int n)
{
	if (CU_initialize_registry() != CUE_SUCCESS) {
		return 1;
	}
	CU_pSuite suite = CU_add_suite_with_setup_and_teardown(suite_name, NULL, NULL, frame.set_up,
							       frame.tear_down);
	for (unsigned int i = 0; i < n; i++) {
		CU_add_test(suite, tests[i].name, tests[i].run);
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	unsigned int failed = CU_get_number_of_failures(), ran = CU_get_number_of_tests_run();
	CU_cleanup_registry();
	return failed == 0 && ran == n && n > 0 ? 0 : 1;
}

static inline int run_tests(const char *suite_name, const struct test *tests, unsigned int n)
{
	return run_tests_in(suite_name, (struct frame){NULL, NULL}, tests, n);
}

#endif
