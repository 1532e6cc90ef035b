#ifndef OO_TEST_ETCD_RUN_H
#define OO_TEST_ETCD_RUN_H
/* The main of a test program: one suite, from a table. */
#include <CUnit/Basic.h>

struct oo_test {
	const char *name;
	void (*run)(void);
};
#define OO_TEST(function)                                                                          \
	{                                                                                          \
#function, function                                                                \
	}

/* Returns what main is to return: nonzero on a failure, or when nothing ran. */
static inline int run_tests(const char *suite_name, const struct oo_test *tests, size_t n)
{
	CU_initialize_registry();
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
	for (size_t i = 0; i < n; i++) {
		CU_add_test(suite, tests[i].name, tests[i].run);
	}
	CU_basic_run_tests();
	bool bad = CU_get_number_of_failures() != 0 || CU_get_number_of_tests_run() == 0;
	CU_cleanup_registry();
	return bad;
}

#endif
