#include "node.h"

#include <CUnit/Basic.h>

int main(void)
{
#define SUITE(name, tests) {name, NULL, NULL, NULL, NULL, tests}
	CU_SuiteInfo suites[] = {
		SUITE("etcd access", tests_of_etcd_access),
		SUITE("etcd state", tests_of_etcd_state),
		SUITE("host", tests_of_host),
		SUITE("network", tests_of_network),
		SUITE("cluster", tests_of_cluster),
		SUITE("report", tests_of_report),
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
