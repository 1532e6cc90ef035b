#include "node.h"

#include <CUnit/Basic.h>

int main(void)
{
#define SUITE(name, tests) {name, NULL, NULL, NULL, NULL, tests}
	CU_SuiteInfo suites[] = {
		SUITE("rules", tests_of_rules),
		SUITE("start", tests_of_start),
		SUITE("document server", tests_of_documentserver),
		SUITE("dependency", tests_of_dependency),
		SUITE("upstream", tests_of_upstream),
		SUITE("proxy", tests_of_proxy),
		SUITE("request", tests_of_request),
		SUITE("left", tests_of_left),
		SUITE("log", tests_of_log),
		SUITE("render", tests_of_render),
		CU_SUITE_INFO_NULL,
	};

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		return 1;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	(void)CU_basic_run_tests();
	bool good = CU_get_number_of_tests_run() > 0 && CU_get_number_of_failures() == 0 &&
		    CU_get_number_of_tests_failed() == 0;
	CU_cleanup_registry();
	return good ? 0 : 1;
}
