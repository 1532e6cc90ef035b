/* What is held goes back to a node that ranks better, if that is configured. */
#include "story.h"
#include "suites.h"

static const struct oo_core_member better = {.node = "node-a", .priority = {200}, .eligible = 1};
static const struct oo_core_member equal = {.node = "node-a", .priority = {100}, .eligible = 1};
static const struct oo_core_member gone = {.node = "node-a", .priority = {200}};

/* delay and stable as given; node-b holds since 3033. */
static void hold(int64_t delay_ms, int64_t stable_ms)
{
	struct oo_core_config config = story_config();
	config.groups[0].failback = true;
	config.groups[0].failback_delay_ms = delay_ms;
	config.groups[0].failback_stable_ms = stable_ms;
	begin_with(&config);
	become_active();
}

static bool holds(void)
{
	return oo_core_want(story.core, 0)->role == OO_ROLE_ACTIVE;
}

static void test_a_better_node_takes_back_once_it_has_been_stable(void)
{
	hold(0, 1777); /* a moment at which nothing else is due */
	see_members(3100, &better, 1);
	renew_until(4860);
	CU_ASSERT(holds());
	story_forget_trace();
	renew_until(5000);
	TRACE("[ 4877] active -> releasing: failback node-a\n"
	      "[ 4877] address down, gracefully\n");
}

static void test_a_tenure_has_its_time_before_it_fails_back(void)
{
	hold(3777, 1000);
	see_members(3040, &better, 1);
	renew_until(6800);
	CU_ASSERT(holds());
	story_forget_trace();
	renew_until(7000);
	TRACE("[ 6810] active -> releasing: failback node-a\n"
	      "[ 6810] address down, gracefully\n");
}

static void test_without_failback_nobody_moves_to_a_better_node(void)
{
	begin();
	become_active();
	see_members(3100, &better, 1);
	renew_until(9000);
	CU_ASSERT(holds());
}

/* It comes first by its name alone: that is no gain. */
static void test_an_equal_node_takes_nothing_back(void)
{
	hold(0, 0);
	see_members(3100, &equal, 1);
	renew_until(6000);
	CU_ASSERT(holds());
}

static void test_stable_is_without_a_break(void)
{
	hold(0, 2000);
	see_members(3100, &better, 1);
	renew_until(4000);
	see_members(story.now, &gone, 1);
	see_members(story.now, &better, 1);
	int64_t back_at = story.now;
	renew_until(5900);
	CU_ASSERT(holds());
	renew_until(7000);
	CU_ASSERT_FALSE(holds());
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).role_since, back_at + 2000);
}

/* Its record was written anew, another node has joined before it: its time goes on. */
static void test_who_is_told_of_again_keeps_its_time(void)
{
	const struct oo_core_member more[] = {{.node = "node-0"}, better};
	hold(0, 2000);
	see_members(3100, &better, 1);
	renew_until(4000);
	see_members(story.now, more, 2);
	renew_until(6000);
	CU_ASSERT_FALSE(holds());
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).role_since, 5100);
}

/* As long as it was no better it did not count, however long it has been eligible. */
static void test_stable_counts_from_when_it_ranked_better(void)
{
	hold(0, 2000);
	see_members(3100, &equal, 1);
	renew_until(6000);
	see_members(story.now, &better, 1);
	int64_t better_at = story.now;
	renew_until(9000);
	CU_ASSERT_FALSE(holds());
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).role_since, better_at + 2000);
}

static void test_paused_nothing_fails_back(void)
{
	hold(0, 1000);
	story.etcd.paused = true;
	STEP(3090, .type = OO_EVENT_PAUSE, .revision = ++story.etcd.revision, .paused = true);
	see_members(3100, &better, 1);
	renew_until(6000);
	CU_ASSERT(holds());
}

static void test_a_holder_that_is_not_known_to_be_fine_does_not_fail_back(void)
{
	struct oo_core_config config = story_config();
	config.groups[0].failback = true;
	config.n_checks = 2;
	config.checks[1] = config.checks[0];
	config.groups[0].checks[1] = true;
	begin_with(&config);
	STEP(0, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_UP);
	become_active();
	config.checks[0].inherits = 0; /* a reload: the second check is another one, not run yet */
	oo_core_set_config(story.core, &config);
	see_members(3100, &better, 1);
	renew_until(5000);
	CU_ASSERT(holds());
	STEP(story.now, .type = OO_EVENT_CHECK, .index = 1, .health = OO_HEALTH_UP);
	CU_ASSERT_FALSE(holds());
}

static void test_nothing_fails_back_while_etcd_is_silent(void)
{
	hold(0, 2000);
	see_members(3100, &better, 1);
	UNTIL(5500); /* the last answer was at 3035 */
	CU_ASSERT(holds());
}

/* Who has fewer optional checks down is better; so is the zone that is preferred, before priority. */
static void test_health_then_zone_then_priority_is_a_gain(void)
{
	static const struct {
		struct oo_core_member member;
		bool moves;
	} rows[] = {
		{{.node = "node-a", .eligible = 1, .priority = {101}}, true},
		{{.node = "node-a", .eligible = 1, .priority = {99}}, false},
		{{.node = "node-a", .eligible = 1, .priority = {1}, .preferred = 1}, true},
		{{.node = "node-a", .eligible = 1, .priority = {1}, .preferred = 2}, false},
		{{.node = "node-a", .eligible = 1, .priority = {200}, .ailing = {1}}, false},
		{{.node = "node-a", .eligible = 1, .preferred = 1, .ailing = {1}}, false},
		{{.node = "node-a", .priority = {200}, .preferred = 1}, false},
		{{.node = "node-b", .eligible = 1, .priority = {200}}, false}, /* ourselves */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		hold(0, 0);
		see_members(3100, &rows[i].member, 1);
		CU_ASSERT_EQUAL(holds(), !rows[i].moves);
	}
}

/* A person has put it here: written into the claim, and into each fresh one of the tenure. */
static void test_what_an_operator_has_put_here_stays_here(void)
{
	hold(0, 0);
	story.etcd.pairs[0].claim.chosen = true;
	story.etcd.revision++;
	struct oo_claim chosen = story.etcd.pairs[0].claim;
	struct oo_core_config config = story.config;
	begin_without_news(&config);
	story.etcd.pairs[0].claim = chosen;
	story.etcd.pairs[0].beat.revision = chosen.revision;
	oo_core_adopt(story.core, 0, chosen.epoch, &chosen);
	raise_curtain();
	UNTIL(10);
	CU_ASSERT(story.sent[0].request.op == OO_REQUEST_RECLAIM);
	CU_ASSERT(story.sent[0].request.chosen);
	ANSWER(20);
	ANSWER(30);
	CU_ASSERT(oo_core_view(story.core, 0).mine->chosen);
	story.now = 40;
	see_members(40, &better, 1);
	renew_until(3000);
	CU_ASSERT(holds());
}

static void test_a_switchover_is_told_as_one(void)
{
	hold(0, 0);
	see_members(3100, &equal, 1);
	order(3110, 7, "node-a");
	ANSWER(3115); /* the renewal that it takes */
	STEP(3120, .type = OO_EVENT_ADDRESS, .up = false);
	CU_ASSERT_EQUAL(story.sent[0].request.op, OO_REQUEST_YIELD);
	CU_ASSERT(story.sent[0].request.chosen);
}

static void test_what_fails_back_is_nobodys_choice(void)
{
	hold(0, 0);
	see_members(3100, &better, 1);
	STEP(3120, .type = OO_EVENT_ADDRESS, .up = false);
	CU_ASSERT_EQUAL(story.sent[0].request.op, OO_REQUEST_YIELD);
	CU_ASSERT_STRING_EQUAL(story.sent[0].request.node, "node-a");
	CU_ASSERT_FALSE(story.sent[0].request.chosen);
}

/* While the address went down it fell ill, and the one that is left is no better. */
static void test_what_has_no_gain_any_more_is_kept(void)
{
	const struct oo_core_member left[] = {gone,
					      {.node = "node-c", .priority = {50}, .eligible = 1}};
	hold(0, 0);
	see_members(3100, &better, 1);
	story_forget_trace();
	see_members(3110, left, 2);
	STEP(3120, .type = OO_EVENT_ADDRESS, .up = false);
	TRACE("[ 3120] releasing -> handing_over: address_down\n"
	      "[ 3120] handing_over -> reclaiming: target_gone\n"
	      "[ 3120] ask reclaim n2 ends n1 epoch 1\n");
}

CU_TestInfo stories_of_failback[] = {
	{"a better node takes back once it has been stable",
	 test_a_better_node_takes_back_once_it_has_been_stable},
	{"a tenure has its time before it fails back",
	 test_a_tenure_has_its_time_before_it_fails_back},
	{"without failback nobody moves to a better node",
	 test_without_failback_nobody_moves_to_a_better_node},
	{"an equal node takes nothing back", test_an_equal_node_takes_nothing_back},
	{"stable is without a break", test_stable_is_without_a_break},
	{"who is told of again keeps its time", test_who_is_told_of_again_keeps_its_time},
	{"stable counts from when it ranked better", test_stable_counts_from_when_it_ranked_better},
	{"paused nothing fails back", test_paused_nothing_fails_back},
	{"a holder that is not known to be fine does not fail back",
	 test_a_holder_that_is_not_known_to_be_fine_does_not_fail_back},
	{"nothing fails back while etcd is silent", test_nothing_fails_back_while_etcd_is_silent},
	{"health, then zone, then priority is a gain",
	 test_health_then_zone_then_priority_is_a_gain},
	{"what an operator has put here stays here", test_what_an_operator_has_put_here_stays_here},
	{"a switchover is told as one", test_a_switchover_is_told_as_one},
	{"what fails back is nobody's choice", test_what_fails_back_is_nobodys_choice},
	{"what has no gain any more is kept", test_what_has_no_gain_any_more_is_kept},
	CU_TEST_INFO_NULL,
};
