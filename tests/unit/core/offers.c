/* What a standby makes of a release, and of an offer. */
#include "story.h"
#include "suites.h"

static void test_a_release_that_ends_the_claim_seen_last_is_taken_at_once(void)
{
	begin();
	watch_node_a();
	other_releases();
	WATCH(200);
	TRACE("[  200] standby -> acquiring: released node-a\n"
	      "[  200] ask claim n1 ends n2 epoch 8\n");
}

static void test_a_release_is_taken_by_rank(void)
{
	const struct oo_core_member better = {.node = "node-c", .priority = {200}, .eligible = 1};
	begin();
	see_members(0, &better, 1);
	watch_node_a();
	other_releases();
	WATCH(200);
	UNTIL(299);
	TRACE("");
	UNTIL(300);
	TRACE("[  300] standby -> acquiring: released node-a\n"
	      "[  300] ask claim n1 ends n2 epoch 8\n");
}

static void test_a_release_by_a_stranger_gets_a_full_ttl(void)
{
	begin();
	watch_node_a();
	other_takes("node-c", 8); /* never seen */
	other_releases();
	WATCH(200);
	UNTIL(3230);
	TRACE("");
	UNTIL(3231);
	TRACE("[ 3231] standby -> acquiring: released node-a\n"
	      "[ 3231] ask claim n1 ends n2 epoch 9\n");
}

static void test_a_release_that_was_there_before_us_gets_a_full_ttl(void)
{
	begin();
	other_takes("node-a", 7);
	other_releases();
	UNTIL(3030);
	TRACE("");
	UNTIL(3031);
	TRACE("[ 3031] standby -> acquiring: released\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n");
}

static void test_a_target_accepts_renews_and_only_then_adds_the_address(void)
{
	begin();
	watch_node_a();
	other_offers("node-b");
	WATCH(200);
	TRACE("[  200] standby -> active: offered node-a\n"
	      "[  200] ask renew n1 beat 1\n");
	ANSWER(205);
	TRACE("[  205] address up until 3050\n");
	CU_ASSERT_EQUAL(oo_core_view(story.core, 0).epoch, 8);
}

static void test_an_offer_is_accepted_in_a_pause_and_by_a_sick_node(void)
{
	begin();
	watch_node_a();
	check_result(110, OO_HEALTH_DOWN);
	STEP(120, .type = OO_EVENT_PAUSE, .revision = story.etcd.revision, .paused = true);
	other_offers("node-b");
	WATCH(200);
	TRACE("[  200] standby -> active: offered node-a\n"
	      "[  200] ask renew n1 beat 1\n");
}

static void test_an_offer_that_is_read_counts_as_one_that_is_watched(void)
{
	begin();
	watch_node_a();
	other_offers("node-b");
	UNTIL(500);
	TRACE("[  500] standby -> active: offered node-a\n"
	      "[  500] ask renew n1 beat 1\n");
}

static void test_an_offer_by_a_stranger_gets_a_full_ttl(void)
{
	begin();
	watch_node_a();
	other_takes("node-c", 8); /* never seen */
	other_offers("node-b");
	WATCH(200);
	UNTIL(3230);
	TRACE("");
	UNTIL(3231);
	TRACE("[ 3231] standby -> acquiring: holder_silent node-b\n"
	      "[ 3231] ask claim n1 ends n2 epoch 10\n");
}

static void test_an_offer_without_a_nonce_is_nobodys(void)
{
	begin();
	watch_node_a();
	other_offers("node-b");
	story.etcd.pairs[0].claim.nonce = 0;
	WATCH(200);
	TRACE("");
}

/* Nobody else would know for how long it is held. */
static void test_an_offer_without_a_ttl_is_nobodys(void)
{
	begin();
	watch_node_a();
	story.config.ttl_ms = 0;
	other_offers("node-b");
	WATCH(200);
	TRACE("");
}

static void test_an_offer_to_another_node_is_left_to_it(void)
{
	begin();
	watch_node_a();
	other_offers("node-c");
	WATCH(200);
	UNTIL(3230);
	TRACE("");
	UNTIL(3231);
	TRACE("[ 3231] standby -> acquiring: holder_silent node-c\n"
	      "[ 3231] ask claim n1 ends n2 epoch 9\n");
}

static void test_an_offer_that_comes_while_claiming_is_accepted(void)
{
	begin();
	watch_node_a();
	UNTIL(3031);
	other_offers("node-b");
	ANSWER(3040);
	TRACE("[ 3031] standby -> acquiring: holder_silent node-a\n"
	      "[ 3031] ask claim n1 ends n2 epoch 8\n"
	      "[ 3040] acquiring -> standby: claim_refused\n"
	      "[ 3040] standby -> active: offered node-a\n"
	      "[ 3040] ask renew n3 beat 1\n");
}

static void test_an_accepted_offer_that_was_taken_by_another_is_lost(void)
{
	begin();
	watch_node_a();
	other_offers("node-b");
	WATCH(200);
	other_takes("node-c", 9);
	ANSWER(210);
	UNTIL(3240);
	TRACE("[  200] standby -> active: offered node-a\n"
	      "[  200] ask renew n1 beat 1\n"
	      "[  210] active -> releasing: lost node-c\n"
	      "[  210] releasing -> standby: lost node-c\n");
}

static void test_an_offer_is_accepted_once(void)
{
	begin();
	watch_node_a();
	other_offers("node-b");
	WATCH(200);
	STEP(210, .type = OO_EVENT_ANSWER, .outcome = OO_OUTCOME_REFUSED, .revision = 99);
	TRACE("[  200] standby -> active: offered node-a\n"
	      "[  200] ask renew n1 beat 1\n"
	      "[  210] active -> releasing: lost node-b\n"
	      "[  210] releasing -> standby: lost node-b\n");
}

CU_TestInfo stories_of_offers[] = {
	{"a release that ends the claim seen last is taken at once",
	 test_a_release_that_ends_the_claim_seen_last_is_taken_at_once},
	{"a release is taken by rank", test_a_release_is_taken_by_rank},
	{"a release by a stranger gets a full ttl", test_a_release_by_a_stranger_gets_a_full_ttl},
	{"a release that was there before us gets a full ttl",
	 test_a_release_that_was_there_before_us_gets_a_full_ttl},
	{"a target accepts, renews, and only then adds the address",
	 test_a_target_accepts_renews_and_only_then_adds_the_address},
	{"an offer is accepted in a pause and by a sick node",
	 test_an_offer_is_accepted_in_a_pause_and_by_a_sick_node},
	{"an offer that is read counts as one that is watched",
	 test_an_offer_that_is_read_counts_as_one_that_is_watched},
	{"an offer by a stranger gets a full ttl", test_an_offer_by_a_stranger_gets_a_full_ttl},
	{"an offer without a nonce is nobody's", test_an_offer_without_a_nonce_is_nobodys},
	{"an offer without a ttl is nobody's", test_an_offer_without_a_ttl_is_nobodys},
	{"an offer to another node is left to it", test_an_offer_to_another_node_is_left_to_it},
	{"an offer that comes while claiming is accepted",
	 test_an_offer_that_comes_while_claiming_is_accepted},
	{"an offer is accepted once", test_an_offer_is_accepted_once},
	{"an accepted offer that was taken by another is lost",
	 test_an_accepted_offer_that_was_taken_by_another_is_lost},
	CU_TEST_INFO_NULL,
};
