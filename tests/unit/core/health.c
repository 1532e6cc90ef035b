/* Counting results, eligibility, and what a reload keeps. */
#include <stdlib.h>
#include <string.h>

#include "story.h"
#include "suites.h"

static enum oo_health state(void)
{
	unsigned streak;
	return oo_core_check_health(story.core, 0, &streak);
}

static unsigned streak(void)
{
	unsigned n;
	(void)oo_core_check_health(story.core, 0, &n);
	return n;
}

static struct oo_core_config counting(unsigned rise, unsigned fall)
{
	struct oo_core_config config = story_config();
	config.checks[0].rise = rise;
	config.checks[0].fall = fall;
	return config;
}

static void test_rise_and_fall_count_equal_results_in_a_row(void)
{
	struct oo_core_config config = counting(2, 3);
	begin_with(&config); /* one up already */
	CU_ASSERT_EQUAL(state(), OO_HEALTH_UNKNOWN);
	check_result(1, OO_HEALTH_UP);
	CU_ASSERT_EQUAL(state(), OO_HEALTH_UP);
	check_result(2, OO_HEALTH_DOWN);
	check_result(3, OO_HEALTH_DOWN);
	check_result(4, OO_HEALTH_UP);
	check_result(5, OO_HEALTH_DOWN);
	check_result(6, OO_HEALTH_DOWN);
	CU_ASSERT_EQUAL(state(), OO_HEALTH_UP);
	check_result(7, OO_HEALTH_DOWN);
	CU_ASSERT_EQUAL(state(), OO_HEALTH_DOWN);
	CU_ASSERT_EQUAL(streak(), 3);
	check_result(8, OO_HEALTH_UP);
	CU_ASSERT_EQUAL(state(), OO_HEALTH_DOWN);
	check_result(9, OO_HEALTH_UP);
	CU_ASSERT_EQUAL(state(), OO_HEALTH_UP);
}

static void test_an_unknown_result_breaks_the_row_and_changes_nothing(void)
{
	struct oo_core_config config = counting(1, 2);
	begin_with(&config);
	check_result(1, OO_HEALTH_DOWN);
	check_result(2, OO_HEALTH_UNKNOWN);
	CU_ASSERT_EQUAL(streak(), 0);
	check_result(3, OO_HEALTH_DOWN);
	CU_ASSERT_EQUAL(state(), OO_HEALTH_UP);
	check_result(4, OO_HEALTH_DOWN);
	CU_ASSERT_EQUAL(state(), OO_HEALTH_DOWN);
	check_result(5, OO_HEALTH_UNKNOWN);
	CU_ASSERT_EQUAL(state(), OO_HEALTH_DOWN);
}

static void test_a_holder_that_does_not_know_its_health_keeps_it(void)
{
	const struct oo_core_member other = {.node = "node-a", .priority = 1, .eligible = 1};
	struct oo_core_config config = story_config();
	begin();
	become_active();
	see_members(3050, &other, 1);
	config.n_checks = 2; /* a check was added: nobody knows it yet */
	config.groups[0].checks[1] = true;
	config.checks[0].inherits = 0;
	config.checks[1] = (struct oo_core_check){.rise = 1, .fall = 1, .inherits = -1};
	oo_core_set_config(story.core, &config);
	STEP(3060, .type = OO_EVENT_TIME);
	struct oo_core_view view = oo_core_view(story.core, 0);
	CU_ASSERT_EQUAL(view.eligible, OO_HEALTH_UNKNOWN);
	CU_ASSERT_EQUAL(view.failed_check, 1);
	CU_ASSERT_FALSE(view.degraded);
	TRACE("");
	STEP(3070, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_DOWN);
	TRACE("[ 3070] active -> releasing: check_down node-a, check 1\n"
	      "[ 3070] address down, gracefully\n");
}

static void test_a_check_that_is_not_required_moves_nothing(void)
{
	const struct oo_core_member other = {.node = "node-a", .priority = 1, .eligible = 1};
	struct oo_core_config config = story_config();
	config.n_checks = 2;
	config.checks[1] = config.checks[0];
	begin_with(&config);
	become_active();
	see_members(3050, &other, 1);
	STEP(3070, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_DOWN);
	TRACE("");
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).eligible, OO_HEALTH_UP);
}

/* Two checks, the second optional; node-b holds. */
static void begin_with_an_optional_check(void)
{
	struct oo_core_config config = story_config();
	config.n_checks = 2;
	config.groups[0].checks[1] = true;
	config.checks[1] =
		(struct oo_core_check){.rise = 1, .fall = 1, .inherits = -1, .optional = true};
	begin_with(&config);
}

static void test_an_optional_check_lowers_the_rank_and_moves_nothing(void)
{
	const struct oo_core_member other = {.node = "node-a", .priority = 200, .eligible = 1};
	begin_with_an_optional_check();
	become_active();
	see_members(3050, &other, 1);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).ailing, 0);
	STEP(3070, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_DOWN);
	TRACE("");
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).eligible, OO_HEALTH_UP);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).ailing, 1);
	STEP(3080, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_UNKNOWN);
	STEP(3090, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_UP);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).ailing, 0);
}

static void test_an_optional_check_of_another_group_is_none_of_ours(void)
{
	begin_with_an_optional_check();
	story.config.groups[0].checks[1] = false;
	oo_core_set_config(story.core, &story.config);
	STEP(1, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_DOWN);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).ailing, 0);
}

static void test_the_healthiest_is_handed_the_lease_first_then_by_priority(void)
{
	const struct oo_core_member others[] = {
		{.node = "node-a", .priority = 300, .eligible = 1, .ailing = {2}},
		{.node = "node-c", .priority = 100, .eligible = 1, .ailing = {1}},
		{.node = "node-d", .priority = 200, .eligible = 1, .ailing = {1}},
	};
	begin();
	see_members(0, others, 3);
	become_active();
	check_result(3200, OO_HEALTH_DOWN);
	TRACE("[ 3200] active -> releasing: check_down node-d, check 0\n"
	      "[ 3200] address down, gracefully\n");
}

static void test_a_standby_with_an_optional_check_down_lets_healthier_ones_first(void)
{
	const struct oo_core_member others[] = {
		{.node = "node-c", .priority = 1, .eligible = 1},
		{.node = "node-d", .priority = 1, .eligible = 1, .ailing = {2}},
	};
	begin_with_an_optional_check();
	watch_node_a();
	see_members(1, others, 2);
	STEP(2, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_DOWN);
	UNTIL(3131);
	TRACE("[ 3131] standby -> acquiring: holder_silent node-a\n"
	      "[ 3131] ask claim n1 ends n2 epoch 8\n");
}

static void test_set_config_inherits_state_and_row(void)
{
	struct oo_core_config config = counting(1, 3);
	begin_with(&config);
	check_result(1, OO_HEALTH_DOWN);
	check_result(2, OO_HEALTH_DOWN);

	config.n_checks = 2;
	config.checks[1] = (struct oo_core_check){.rise = 1, .fall = 3, .inherits = 0};
	config.checks[0] = (struct oo_core_check){.rise = 1, .fall = 1, .inherits = -1};
	config.groups[0].checks[0] = false;
	config.groups[0].checks[1] = true;
	oo_core_set_config(story.core, &config);
	READ(3); /* nobody has drained it */
	unsigned row;
	CU_ASSERT_EQUAL(state(), OO_HEALTH_UNKNOWN);
	CU_ASSERT_EQUAL(oo_core_check_health(story.core, 1, &row), OO_HEALTH_UP);
	CU_ASSERT_EQUAL(row, 2);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).eligible, OO_HEALTH_UP);
	STEP(4, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_DOWN);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).eligible, OO_HEALTH_DOWN);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).failed_check, 1);
}

static void test_the_link_makes_a_node_ineligible_whatever_the_checks_say(void)
{
	begin();
	STEP(1, .type = OO_EVENT_LINK, .up = false);
	struct oo_core_view view = oo_core_view(story.core, 0);
	CU_ASSERT_EQUAL(view.eligible, OO_HEALTH_DOWN);
	CU_ASSERT_EQUAL(view.failed_check, -1);
	CU_ASSERT_FALSE(view.link_up);
}

static void test_a_transition_says_for_how_long_the_holder_was_silent_and_the_epoch(void)
{
	size_t n;
	begin();
	watch_node_a();
	UNTIL(3031);
	const struct oo_transition *first = oo_core_transitions(story.core, &n);
	CU_ASSERT_EQUAL_FATAL(n, 1);
	CU_ASSERT_EQUAL(first->at, 3031);
	CU_ASSERT_EQUAL(first->number, 3031);
	ANSWER(3040);
	const struct oo_transition *second = oo_core_transitions(story.core, &n);
	CU_ASSERT_EQUAL_FATAL(n, 1);
	CU_ASSERT_EQUAL(second->epoch, 8);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).cause, OO_CAUSE_CLAIMED);
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).role_since, 3040);
}

/* Byte by byte: what a holder sees by the clock alone is what it sees with the result. */
static void test_an_up_like_the_last_is_counted_and_a_step_with_it_would_do_no_more(void)
{
	void *room = malloc(oo_core_size());
	CU_ASSERT_PTR_NOT_NULL_FATAL(room);
	begin();
	become_active();
	unsigned before = streak();
	memcpy(room, story.core, oo_core_size());
	CU_ASSERT(oo_core_count_again(story.core, 0, OO_HEALTH_UP));
	CU_ASSERT_EQUAL(streak(), before + 1);
	oo_core_step(story.core, story.now, &(struct oo_event){.type = OO_EVENT_TIME});
	oo_core_step(room, story.now,
		     &(struct oo_event){.type = OO_EVENT_CHECK, .health = OO_HEALTH_UP});
	CU_ASSERT_EQUAL(memcmp(room, story.core, oo_core_size()), 0);
	free(room);
}

static void test_a_result_that_may_turn_something_is_left_to_a_step(void)
{
	struct oo_core_config config = counting(2, 2);
	begin_with(&config); /* one up already */
	CU_ASSERT_FALSE(oo_core_count_again(story.core, 0, OO_HEALTH_UP));
	check_result(1, OO_HEALTH_UP);
	CU_ASSERT_FALSE(oo_core_count_again(story.core, 0, OO_HEALTH_DOWN));
	CU_ASSERT_FALSE(oo_core_count_again(story.core, 0, OO_HEALTH_UNKNOWN));
	CU_ASSERT_EQUAL(streak(), 2);
	check_result(2, OO_HEALTH_DOWN);
	CU_ASSERT_FALSE(oo_core_count_again(story.core, 0, OO_HEALTH_UP));
	check_result(3, OO_HEALTH_DOWN);
	CU_ASSERT_FALSE(oo_core_count_again(story.core, 0, OO_HEALTH_DOWN));
	CU_ASSERT_EQUAL(streak(), 2);
}

CU_TestInfo stories_of_health[] = {
	{"rise and fall count equal results in a row",
	 test_rise_and_fall_count_equal_results_in_a_row},
	{"an unknown result breaks the row and changes nothing",
	 test_an_unknown_result_breaks_the_row_and_changes_nothing},
	{"an up like the last is counted, and a step with it would do no more",
	 test_an_up_like_the_last_is_counted_and_a_step_with_it_would_do_no_more},
	{"a result that may turn something is left to a step",
	 test_a_result_that_may_turn_something_is_left_to_a_step},
	{"a holder that does not know its health keeps it",
	 test_a_holder_that_does_not_know_its_health_keeps_it},
	{"a check that is not required moves nothing",
	 test_a_check_that_is_not_required_moves_nothing},
	{"an optional check lowers the rank and moves nothing",
	 test_an_optional_check_lowers_the_rank_and_moves_nothing},
	{"an optional check of another group is none of ours",
	 test_an_optional_check_of_another_group_is_none_of_ours},
	{"the healthiest is handed the lease first, then by priority",
	 test_the_healthiest_is_handed_the_lease_first_then_by_priority},
	{"a standby with an optional check down lets healthier ones first",
	 test_a_standby_with_an_optional_check_down_lets_healthier_ones_first},
	{"set_config inherits state and row", test_set_config_inherits_state_and_row},
	{"the link makes a node ineligible whatever the checks say",
	 test_the_link_makes_a_node_ineligible_whatever_the_checks_say},
	{"a transition says for how long the holder was silent, and the epoch",
	 test_a_transition_says_for_how_long_the_holder_was_silent_and_the_epoch},
	CU_TEST_INFO_NULL,
};
