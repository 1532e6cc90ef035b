/* Checks of what all nodes use: when they move somebody, and who serves while they are down. */
#include "story.h"
#include "suites.h"

#define NOTICE_MS 250
#define SHARED(at, state) STEP(at, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_##state)

static const struct oo_core_member well = {.node = "node-a", .priority = 1, .eligible = 1};
static const struct oo_core_member stranded = {
	.node = "node-a", .priority = 1, .stranded = 1, .fails = {[1] = true}};
static const struct oo_core_member sick = {.node = "node-d", .priority = 1};
static const struct oo_core_member ourselves = {.node = "node-b", .priority = 100, .stranded = 1};

/* The second check is shared; all is well. */
static void begin_sharing(void)
{
	struct oo_core_config config = story_config();
	config.n_checks = 3;
	config.checks[0].notice_ms = NOTICE_MS; /* means nothing: it is not shared */
	config.groups[0].checks[1] = true;
	config.checks[1] = (struct oo_core_check){
		.rise = 1, .fall = 1, .inherits = -1, .shared = true, .notice_ms = NOTICE_MS};
	config.checks[2] = config.checks[1];
	begin_with(&config);
	SHARED(0, UP);
}

static int shared_check(void)
{
	return oo_core_view(story.core, 0).shared_check;
}

#define LEAVES(at)                                                                                 \
	"[ " #at "] active -> releasing: check_down node-a, check 1\n"                             \
	"[ " #at "] address down, gracefully\n"

static void test_a_holder_waits_whether_the_others_notice_it_too(void)
{
	begin_sharing();
	become_active();
	see_members(3050, &well, 1);
	SHARED(3200, DOWN);
	UNTIL(3449);
	TRACE("");
	UNTIL(3450);
	TRACE(LEAVES(3450));
}

static void test_what_the_others_have_too_moves_nobody(void)
{
	begin_sharing();
	become_active();
	see_members(3050, &well, 1);
	SHARED(3200, DOWN);
	CU_ASSERT_EQUAL(shared_check(), -1);
	see_members(3440, &stranded, 1);
	CU_ASSERT_EQUAL(shared_check(), 1);
	CU_ASSERT_TRUE(oo_core_view(story.core, 0).degraded);
	UNTIL(3530);
	TRACE("");
}

static void test_who_recovers_first_is_not_moved_to_before_the_holder_had_time_to(void)
{
	begin_sharing();
	become_active();
	see_members(3050, &stranded, 1);
	SHARED(3051, DOWN);
	see_members(3280, &well, 1);
	CU_ASSERT_EQUAL(shared_check(), -1);
	UNTIL(3400);
	SHARED(3401, UP);
	UNTIL(3530);
	TRACE("");
}

static void test_a_holder_that_does_not_recover_with_the_others_moves(void)
{
	begin_sharing();
	become_active();
	see_members(3050, &stranded, 1);
	SHARED(3051, DOWN);
	see_members(3280, &well, 1);
	UNTIL(3529);
	TRACE("");
	UNTIL(3530);
	TRACE(LEAVES(3530));
}

static void test_a_check_of_its_own_moves_a_holder_at_once(void)
{
	begin_sharing();
	become_active();
	see_members(3050, &well, 1);
	SHARED(3200, DOWN);
	STEP(3210, .type = OO_EVENT_CHECK, .index = 0, .health = OO_HEALTH_DOWN);
	TRACE("[ 3210] active -> releasing: check_down node-a, check 0\n"
	      "[ 3210] address down, gracefully\n");
}

static void test_a_lost_link_moves_a_holder_at_once(void)
{
	begin_sharing();
	become_active();
	see_members(3050, &well, 1);
	SHARED(3200, DOWN);
	STEP(3210, .type = OO_EVENT_LINK, .up = false);
	TRACE("[ 3210] active -> releasing: link_down node-a\n"
	      "[ 3210] address down, gracefully\n");
}

static void test_a_check_that_fails_on_no_other_node_is_not_called_shared(void)
{
	begin_sharing();
	SHARED(1, DOWN);
	CU_ASSERT_EQUAL(shared_check(), -1); /* nobody to compare with */
	see_members(2, &sick, 1);
	CU_ASSERT_EQUAL(shared_check(), -1); /* worse off, for another reason */
	struct oo_core_member other = stranded;
	other.fails[1] = false;
	other.fails[2] = true;
	see_members(3, &other, 1);
	CU_ASSERT_EQUAL(shared_check(), -1); /* it lacks something else */
	const struct oo_core_member both[] = {stranded, sick, ourselves};
	see_members(4, both, 3);
	CU_ASSERT_EQUAL(shared_check(), 1);
	STEP(5, .type = OO_EVENT_CHECK, .index = 0, .health = OO_HEALTH_UNKNOWN);
	CU_ASSERT_EQUAL(shared_check(), 1);
	STEP(6, .type = OO_EVENT_CHECK, .index = 0, .health = OO_HEALTH_DOWN);
	CU_ASSERT_EQUAL(shared_check(), -1); /* more is wrong here */
}

static void test_stranded_is_who_lacks_nothing_else(void)
{
	begin_sharing();
	CU_ASSERT_FALSE(oo_core_view(story.core, 0).stranded);
	SHARED(1, DOWN);
	CU_ASSERT_TRUE(oo_core_view(story.core, 0).stranded);
	STEP(2, .type = OO_EVENT_LINK, .up = false);
	CU_ASSERT_FALSE(oo_core_view(story.core, 0).stranded);
	STEP(3, .type = OO_EVENT_LINK, .up = true);
	story.config.groups[0].checks[2] = true;
	story.config.checks[0].inherits = 0;
	story.config.checks[1].inherits = 1;
	oo_core_set_config(story.core, &story.config);
	CU_ASSERT_FALSE(oo_core_view(story.core, 0).stranded); /* one is not known yet */
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).failed_check, 1);
}

static void test_when_all_are_stranded_the_best_takes_over_from_a_dead_holder(void)
{
	const struct oo_core_member members[] = {
		{.node = "node-a", .priority = 1, .eligible = 1}, /* the silent one */
		{.node = "node-c", .priority = 300, .stranded = 1, .fails = {[1] = true}},
		sick,
		ourselves,
	};
	begin_sharing();
	watch_node_a();
	SHARED(200, DOWN);
	see_members(201, members, 4);
	UNTIL(3130);
	TRACE("");
	UNTIL(3131); /* a ttl, and after node-c */
	TRACE("[ 3131] standby -> acquiring: holder_silent node-a\n"
	      "[ 3131] ask claim n1 ends n2 epoch 8\n");
}

static void test_the_stranded_take_nothing_while_another_is_eligible(void)
{
	const struct oo_core_member members[] = {
		{.node = "node-c", .priority = 1, .eligible = 1},
		ourselves,
	};
	begin_sharing();
	watch_node_a();
	SHARED(200, DOWN);
	see_members(201, members, 2);
	UNTIL(20000);
	TRACE("");
	see_members(20001, &members[1], 1);
	TRACE("[20001] standby -> acquiring: holder_silent node-a\n"
	      "[20001] ask claim n1 ends n2 epoch 8\n");
}

static void test_the_stranded_take_nothing_before_they_know_who_is_present(void)
{
	begin_sharing();
	watch_node_a();
	SHARED(200, DOWN);
	UNTIL(20000);
	TRACE("");
}

static void test_who_has_more_wrong_takes_nothing_from_the_dead(void)
{
	begin_sharing();
	watch_node_a();
	SHARED(200, DOWN);
	STEP(201, .type = OO_EVENT_CHECK, .index = 0, .health = OO_HEALTH_DOWN);
	see_members(202, &ourselves, 1);
	UNTIL(20000);
	TRACE("");
}

CU_TestInfo stories_of_sharing[] = {
	{"a holder waits whether the others notice it too",
	 test_a_holder_waits_whether_the_others_notice_it_too},
	{"what the others have too moves nobody", test_what_the_others_have_too_moves_nobody},
	{"who recovers first is not moved to before the holder had time to",
	 test_who_recovers_first_is_not_moved_to_before_the_holder_had_time_to},
	{"a holder that does not recover with the others moves",
	 test_a_holder_that_does_not_recover_with_the_others_moves},
	{"a check of its own moves a holder at once",
	 test_a_check_of_its_own_moves_a_holder_at_once},
	{"a lost link moves a holder at once", test_a_lost_link_moves_a_holder_at_once},
	{"a check that fails on no other node is not called shared",
	 test_a_check_that_fails_on_no_other_node_is_not_called_shared},
	{"stranded is who lacks nothing else", test_stranded_is_who_lacks_nothing_else},
	{"when all are stranded the best takes over from a dead holder",
	 test_when_all_are_stranded_the_best_takes_over_from_a_dead_holder},
	{"the stranded take nothing while another is eligible",
	 test_the_stranded_take_nothing_while_another_is_eligible},
	{"the stranded take nothing before they know who is present",
	 test_the_stranded_take_nothing_before_they_know_who_is_present},
	{"who has more wrong takes nothing from the dead",
	 test_who_has_more_wrong_takes_nothing_from_the_dead},
	CU_TEST_INFO_NULL,
};
