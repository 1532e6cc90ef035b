/*
 * Runs every story twice: with the core stepped only when it asked to be woken, and stepped every
 * ms. Both must tell the same: a deadline that wake_at misses shows as a difference.
 */
#include "story.h"
#include "suites.h"

#include <CUnit/Basic.h>

static int step_when_woken(void)
{
	story_steps_every_ms = false;
	return 0;
}

static int step_every_ms(void)
{
	story_steps_every_ms = true;
	return 0;
}

static int clean(void)
{
	story_end();
	return 0;
}

int main(void)
{
	CU_SuiteInfo suites[] = {
#define SUITE(name, stories)                                                                       \
	{name, step_when_woken, clean, NULL, NULL, stories},                                       \
		{name ", stepped every ms", step_every_ms, clean, NULL, NULL, stories}
		SUITE("taking", stories_of_taking),     SUITE("seeing", stories_of_seeing),
		SUITE("claiming", stories_of_claiming), SUITE("holding", stories_of_holding),
		SUITE("yielding", stories_of_yielding), SUITE("offers", stories_of_offers),
		SUITE("stopping", stories_of_stopping), SUITE("health", stories_of_health),
		SUITE("sharing", stories_of_sharing),   SUITE("groups", stories_of_groups),
		SUITE("adopting", stories_of_adopting), SUITE("reloading", stories_of_reloading),
		SUITE("orders", stories_of_orders),     SUITE("draining", stories_of_draining),
		SUITE("failback", stories_of_failback), SUITE("damping", stories_of_damping),
		SUITE("zones", stories_of_zones),       CU_SUITE_INFO_NULL,
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
