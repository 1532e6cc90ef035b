#ifndef OO_SUITES_H
#define OO_SUITES_H
/* The suites of stories, one file each; a table ends with CU_TEST_INFO_NULL. */
#include <CUnit/CUnit.h>

extern CU_TestInfo stories_of_taking[];
extern CU_TestInfo stories_of_seeing[];
extern CU_TestInfo stories_of_holding[];
extern CU_TestInfo stories_of_claiming[];
extern CU_TestInfo stories_of_yielding[];
extern CU_TestInfo stories_of_offers[];
extern CU_TestInfo stories_of_stopping[];
extern CU_TestInfo stories_of_adopting[];
extern CU_TestInfo stories_of_health[];
extern CU_TestInfo stories_of_groups[];
extern CU_TestInfo stories_of_sharing[];
extern CU_TestInfo stories_of_reloading[];
extern CU_TestInfo stories_of_orders[];
extern CU_TestInfo stories_of_draining[];
extern CU_TestInfo stories_of_failback[];
extern CU_TestInfo stories_of_damping[];
extern CU_TestInfo stories_of_zones[];

#endif
