/* A group that has moved too often: what is left for health waits for a target that is stable. */
#include "story.h"
#include "suites.h"

static const struct oo_core_member other = {.node = "node-a", .priority = {50}, .eligible = 1};
static const struct oo_core_member sick = {.node = "node-a", .priority = {50}};

static bool holds(void)
{
	return oo_core_want(story.core, 0)->role == OO_ROLE_ACTIVE;
}

/* It has moved n times by 2010, when node-b is offered it; it has it up from 2030 on. */
static void hold_after(unsigned n, bool failback)
{
	static const char *const nodes[] = {"node-a", "node-c"};
	struct oo_core_config config = story_config();
	config.flap_moves = 4;
	config.flap_window_ms = 60000;
	config.groups[0].failback = failback;
	begin_with(&config);
	other_takes(nodes[0], 7);
	UNTIL(20);
	for (unsigned i = 1; i < n; i++) {
		UNTIL(20 + 50 * i);
		other_takes(nodes[i % 2], 7 + i);
		WATCH(story.now);
	}
	UNTIL(2009);
	other_offers("node-b");
	WATCH(2010);
	ANSWER(2020);
	STEP(2030, .type = OO_EVENT_ADDRESS, .up = true);
	CU_ASSERT(holds());
	story_forget_trace();
}

static void test_the_first_moves_are_not_damped(void)
{
	hold_after(3, false);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).moves, 3);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).damping_ms, 0);
	see_members(2040, &other, 1);
	check_result(2050, OO_HEALTH_DOWN);
	CU_ASSERT_FALSE(holds());
}

static void test_from_the_nth_on_a_sick_holder_waits_for_a_stable_target(void)
{
	hold_after(4, false);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).moves, 4);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).damping_ms, 10000);
	see_members(2040, &other, 1);
	check_result(2050, OO_HEALTH_DOWN);
	renew_until(11900);
	CU_ASSERT(holds());
	CU_ASSERT_STRING_EQUAL(oo_core_view(story.core, 0).next, "node-a");
	renew_until(13000);
	CU_ASSERT_FALSE(holds());
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).role_since, 12040);
}

static void test_a_target_that_falls_ill_begins_anew(void)
{
	hold_after(4, false);
	see_members(2040, &other, 1);
	check_result(2050, OO_HEALTH_DOWN);
	renew_until(9000);
	see_members(story.now, &sick, 1);
	see_members(story.now, &other, 1);
	renew_until(18900);
	CU_ASSERT(holds());
	renew_until(20000);
	CU_ASSERT_FALSE(holds());
}

/* It has been eligible all along. */
static void test_a_target_that_is_stable_is_moved_to_at_once(void)
{
	hold_after(4, false);
	see_members(2040, &other, 1);
	renew_until(12500);
	CU_ASSERT(holds());
	check_result(story.now, OO_HEALTH_DOWN);
	CU_ASSERT_FALSE(holds());
}

/* The best has just come, the other one is stable. */
static void test_a_stable_target_is_better_than_the_best(void)
{
	const struct oo_core_member both[] = {other,
					      {.node = "node-c", .priority = {300}, .eligible = 1}};
	hold_after(4, false);
	see_members(2040, &other, 1);
	renew_until(12500);
	see_members(story.now, both, 2);
	check_result(story.now, OO_HEALTH_DOWN);
	CU_ASSERT_FALSE(holds());
	STEP(story.now, .type = OO_EVENT_ADDRESS, .up = false);
	CU_ASSERT_EQUAL(story.sent[0].request.op, OO_REQUEST_YIELD);
	CU_ASSERT_STRING_EQUAL(story.sent[0].request.node, "node-a");
}

static void test_each_further_move_doubles_the_wait_up_to_five_minutes(void)
{
	static const int64_t waits[] = {0,     0,     0,      0,      10000, 20000,
					40000, 80000, 160000, 300000, 300000};
	for (unsigned n = 1; n < sizeof(waits) / sizeof(waits[0]); n++) {
		hold_after(n, false);
		CU_ASSERT_EQUAL(oo_core_view(story.core, 0).damping_ms, waits[n]);
	}
}

static void test_moves_are_forgotten_after_the_window(void)
{
	hold_after(4, false);
	renew_until(61000);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).moves, 1); /* seen at 2010 */
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).damping_ms, 0);
}

static void test_failback_is_damped_too(void)
{
	const struct oo_core_member better = {.node = "node-a", .priority = {200}, .eligible = 1};
	hold_after(4, true);
	see_members(2040, &better, 1);
	renew_until(11900);
	CU_ASSERT(holds());
	renew_until(13000);
	CU_ASSERT_FALSE(holds());
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).role_since, 12040);
}

static void test_an_operator_is_never_damped(void)
{
	hold_after(4, false);
	see_members(2040, &other, 1);
	order(2050, 7, "node-a");
	ANSWER(2060);
	CU_ASSERT_FALSE(holds());
	hold_after(4, false);
	see_members(2040, &other, 1);
	drain(2050, true);
	CU_ASSERT_FALSE(holds());
	STEP(2060, .type = OO_EVENT_ADDRESS, .up = false);
	CU_ASSERT_STRING_EQUAL(story.sent[0].request.node, "node-a");
	hold_after(4, false);
	see_members(2040, &other, 1);
	STEP(2050, .type = OO_EVENT_STOP);
	STEP(2060, .type = OO_EVENT_ADDRESS, .up = false);
	CU_ASSERT_STRING_EQUAL(story.sent[0].request.node, "node-a");
}

/* Nobody holds: whoever may takes. */
static void test_a_takeover_from_a_silent_holder_is_never_damped(void)
{
	struct oo_core_config config = story_config();
	config.flap_moves = 1;
	config.flap_window_ms = 60000;
	begin_with(&config);
	other_takes("node-c", 6);
	UNTIL(50);
	other_takes("node-a", 7);
	UNTIL(3600);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).damping_ms, 10000);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_ACQUIRING);
}

CU_TestInfo stories_of_damping[] = {
	{"the first moves are not damped", test_the_first_moves_are_not_damped},
	{"from the nth on a sick holder waits for a stable target",
	 test_from_the_nth_on_a_sick_holder_waits_for_a_stable_target},
	{"a target that falls ill begins anew", test_a_target_that_falls_ill_begins_anew},
	{"a target that is stable is moved to at once",
	 test_a_target_that_is_stable_is_moved_to_at_once},
	{"a stable target is better than the best", test_a_stable_target_is_better_than_the_best},
	{"each further move doubles the wait, up to five minutes",
	 test_each_further_move_doubles_the_wait_up_to_five_minutes},
	{"moves are forgotten after the window", test_moves_are_forgotten_after_the_window},
	{"failback is damped, too", test_failback_is_damped_too},
	{"an operator is never damped", test_an_operator_is_never_damped},
	{"a takeover from a silent holder is never damped",
	 test_a_takeover_from_a_silent_holder_is_never_damped},
	CU_TEST_INFO_NULL,
};
