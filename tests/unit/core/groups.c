/* Several groups in one core. */
#include "story.h"
#include "suites.h"

#include <stdlib.h>

static struct oo_core_config two_groups(void)
{
	struct oo_core_config config = story_config();
	config.n_groups = 2;
	config.n_checks = 2;
	config.groups[1].checks[0] = false;
	config.groups[1].checks[1] = true;
	config.checks[1] = config.checks[0];
	return config;
}

static void begin_with_two_groups(void)
{
	struct oo_core_config config = two_groups();
	begin_with(&config);
	STEP(0, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_UP);
}

static void test_each_group_is_taken_for_itself(void)
{
	begin_with_two_groups();
	other_takes("node-a", 7); /* the first group only */
	UNTIL(2000);
	other_renews();
	UNTIL(3031);
	ANSWER_GROUP(3040, 1);
	ANSWER_GROUP(3050, 1);
	TRACE("[ 3031] second group: standby -> acquiring: absent\n"
	      "[ 3031] second group: ask claim n1 ends mark epoch 1\n"
	      "[ 3040] second group: acquiring -> active: claimed\n"
	      "[ 3040] second group: ask renew n1 beat 1\n"
	      "[ 3050] second group: address up until 5890\n");
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_STANDBY);
}

static void hold_both(void)
{
	begin_with_two_groups();
	UNTIL(3031);
	for (unsigned g = 0; g < 2; g++) {
		ANSWER_GROUP(3033, g);
		ANSWER_GROUP(3035, g);
		STEP(3036, .type = OO_EVENT_ADDRESS, .group = g, .up = true);
	}
	story_forget_trace();
}

static void test_a_check_moves_only_the_groups_that_require_it(void)
{
	const struct oo_core_member other = {.node = "node-a", .priority = 1, .eligible = 3};
	hold_both();
	see_members(3050, &other, 1);
	STEP(3060, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_DOWN);
	TRACE("[ 3060] second group: active -> releasing: check_down node-a, check 1\n"
	      "[ 3060] second group: address down, gracefully\n");
}

static void test_a_link_moves_only_its_group(void)
{
	const struct oo_core_member other = {.node = "node-a", .priority = 1, .eligible = 3};
	hold_both();
	see_members(3050, &other, 1);
	STEP(3060, .type = OO_EVENT_LINK, .group = 1, .up = false);
	TRACE("[ 3060] second group: active -> releasing: link_down node-a\n"
	      "[ 3060] second group: address down, gracefully\n");
}

static void test_stopping_waits_for_every_group(void)
{
	hold_both();
	STEP(3100, .type = OO_EVENT_STOP);
	STEP(3110, .type = OO_EVENT_ADDRESS, .group = 0, .up = false);
	ANSWER_GROUP(3120, 0);
	CU_ASSERT_FALSE(oo_core_is_stopped(story.core));
	STEP(3130, .type = OO_EVENT_ADDRESS, .group = 1, .up = false);
	CU_ASSERT_FALSE(oo_core_is_stopped(story.core));
	ANSWER_GROUP(3140, 1);
	CU_ASSERT(oo_core_is_stopped(story.core));
}

/* All groups of a full agent move in one step, and each is told of. */
static void test_no_transition_of_a_step_is_dropped(void)
{
	struct oo_core_config config = story_config();
	config.n_groups = OO_CORE_GROUPS_MAX;
	struct oo_core *core = oo_core_init(malloc(oo_core_size()), &config, 1);
	struct oo_pair silent[OO_CORE_GROUPS_MAX] = {0};
	const struct oo_order none[OO_CORE_GROUPS_MAX] = {0};
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(core);
	for (unsigned g = 0; g < OO_CORE_GROUPS_MAX; g++) {
		silent[g].claim = (struct oo_claim){
			.revision = 1, .nonce = 5, .ttl_ms = config.ttl_ms, .node = "node-a"};
		oo_core_step(core, 0,
			     &(struct oo_event){.type = OO_EVENT_LINK, .group = g, .up = true});
	}
	for (int64_t now = 1; now < 3031; now += 100) {
		oo_core_step(core, now, &(struct oo_event){.type = OO_EVENT_TIME});
		oo_core_step(core, now,
			     &(struct oo_event){.type = OO_EVENT_READ,
						.seq = oo_core_read_seq(core),
						.outcome = OO_OUTCOME_DONE,
						.revision = 1,
						.pairs = silent,
						.orders = none});
	}
	oo_core_step(core, 3050,
		     &(struct oo_event){.type = OO_EVENT_CHECK, .health = OO_HEALTH_UP});
	(void)oo_core_transitions(core, &n);
	CU_ASSERT_EQUAL(n, OO_CORE_GROUPS_MAX);
	free(core);
}

CU_TestInfo stories_of_groups[] = {
	{"each group is taken for itself", test_each_group_is_taken_for_itself},
	{"a check moves only the groups that require it",
	 test_a_check_moves_only_the_groups_that_require_it},
	{"a link moves only its group", test_a_link_moves_only_its_group},
	{"stopping waits for every group", test_stopping_waits_for_every_group},
	{"no transition of a step is dropped", test_no_transition_of_a_step_is_dropped},
	CU_TEST_INFO_NULL,
};
