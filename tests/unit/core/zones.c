/* Who follows a holder, by where it is: in its zone (stay), or in another one (spread). */
#include "story.h"
#include "suites.h"

#include <string.h>

#define HERE 100 /* node-b's priority */

struct row {
	enum oo_zones zones;
	const char *left, *here; /* zones: of whom is followed, and of node-b */
	struct oo_core_member other;
	bool other_first;
};

static struct oo_core_config config_of(enum oo_zones zones, const char *zone)
{
	struct oo_core_config config = story_config();
	config.groups[0].zones = zones;
	memcpy(config.zone, zone, strlen(zone));
	return config;
}

#define OTHER(in, rank) .other = {.node = "node-c", .zone = in, .priority = {rank}, .eligible = 1}

/* node-a of zone left falls silent, or has released; when does node-b take it? */
static void follow_a_silent_holder(const struct row *row)
{
	struct oo_core_config config = config_of(row->zones, row->here);
	begin_with(&config);
	other_takes("node-a", 7);
	memcpy(story.etcd.pairs[0].claim.zone, row->left, strlen(row->left));
	UNTIL(20);
	see_members(30, &row->other, 1);
	int64_t take_at = oo_core_view(story.core, 0).first_seen_at + 3031 +
			  (row->other_first ? OO_CORE_STAGGER_MS : 0);
	UNTIL(take_at - 1);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_STANDBY);
	UNTIL(take_at + 1);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_ACQUIRING);
}

static void test_who_follows_a_silent_holder_is_chosen_by_its_zone(void)
{
	static const struct row rows[] = {
		{OO_ZONES_ANY, "az-1", "az-2", OTHER("az-1", 200), true},
		{OO_ZONES_ANY, "az-1", "az-1", OTHER("az-2", 50), false},
		{OO_ZONES_SPREAD, "az-1", "az-2", OTHER("az-1", 200), false},
		{OO_ZONES_SPREAD, "az-1", "az-1", OTHER("az-2", 50), true},
		{OO_ZONES_STAY, "az-1", "az-1", OTHER("az-2", 200), false},
		{OO_ZONES_STAY, "az-1", "az-2", OTHER("az-1", 50), true},
		/* two of the same kind: by rank */
		{OO_ZONES_SPREAD, "az-1", "az-2", OTHER("az-3", 200), true},
		{OO_ZONES_SPREAD, "az-1", "az-1", OTHER("az-1", 50), false},
		{OO_ZONES_STAY, "az-1", "az-2", OTHER("az-3", 200), true},
		{OO_ZONES_STAY, "az-1", "az-1", OTHER("az-1", 50), false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		follow_a_silent_holder(&rows[i]);
	}
}

static void test_a_zone_that_is_not_known_is_neither_the_same_nor_another(void)
{
	static const struct row rows[] = {
		{OO_ZONES_SPREAD, "", "az-2", OTHER("az-1", 200), true},
		{OO_ZONES_STAY, "", "az-2", OTHER("", 200), true},
		{OO_ZONES_STAY, "", "", OTHER("az-2", 50), false},
		{OO_ZONES_SPREAD, "az-1", "az-2", OTHER("", 200), false},
		{OO_ZONES_SPREAD, "az-1", "az-1", OTHER("", 50), false},
		{OO_ZONES_SPREAD, "az-1", "", OTHER("az-2", 50), true},
		{OO_ZONES_SPREAD, "az-1", "", OTHER("az-1", 200), true},
		{OO_ZONES_STAY, "az-1", "az-1", OTHER("", 200), false},
		{OO_ZONES_STAY, "az-1", "", OTHER("az-1", 50), true},
		{OO_ZONES_STAY, "az-1", "az-2", OTHER("", 200), true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		follow_a_silent_holder(&rows[i]);
	}
}

static void test_health_comes_before_zones_and_they_before_the_preferred_zone(void)
{
	struct row rows[] = {
		{OO_ZONES_SPREAD, "az-1", "az-1", OTHER("az-2", 200), false},
		{OO_ZONES_STAY, "az-1", "az-2", OTHER("az-1", 200), false},
		{OO_ZONES_SPREAD, "az-1", "az-2", OTHER("az-1", 200), false},
		{OO_ZONES_SPREAD, "az-1", "az-2", OTHER("az-3", 50), true},
	};
	rows[0].other.ailing[0] = rows[1].other.ailing[0] = 1;
	rows[2].other.preferred = rows[3].other.preferred = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		follow_a_silent_holder(&rows[i]);
	}
}

/* Nobody holds, so nobody is in its zone; the order is that of all other times. */
static void test_what_was_released_goes_by_rank_alone(void)
{
	const struct oo_core_member other = {
		.node = "node-c", .zone = "az-1", .priority = {200}, .eligible = 1};
	struct oo_core_config config = config_of(OO_ZONES_SPREAD, "az-2");
	begin_with(&config);
	watch_node_a();
	see_members(110, &other, 1);
	story_forget_trace();
	UNTIL(149);
	other_releases();
	WATCH(150);
	UNTIL(249);
	TRACE("");
	UNTIL(251);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_ACQUIRING);
}

static const struct oo_core_member others[] = {
	{.node = "node-a", .zone = "az-1", .priority = {200}, .eligible = 1},
	{.node = "node-c", .zone = "az-2", .priority = {50}, .eligible = 1},
	{.node = "node-d", .zone = "", .priority = {300}, .eligible = 1},
};

static const struct {
	enum oo_zones zones;
	const char *here, *target;
} choices[] = {
	{OO_ZONES_ANY, "az-2", "node-d"},    {OO_ZONES_STAY, "az-2", "node-c"},
	{OO_ZONES_SPREAD, "az-2", "node-a"}, {OO_ZONES_STAY, "az-1", "node-a"},
	{OO_ZONES_SPREAD, "az-1", "node-c"}, {OO_ZONES_STAY, "az-3", "node-d"},
	{OO_ZONES_SPREAD, "az-3", "node-a"}, {OO_ZONES_SPREAD, "", "node-d"},
	{OO_ZONES_STAY, "", "node-d"},
};
#define CHOICES (sizeof(choices) / sizeof(choices[0]))

static void hold(enum oo_zones zones, const char *here)
{
	struct oo_core_config config = config_of(zones, here);
	begin_with(&config);
	become_active();
	see_members(3100, others, 3);
}

static void expect_offer_to(const char *target)
{
	STEP(3120, .type = OO_EVENT_ADDRESS, .up = false);
	CU_ASSERT_EQUAL(story.sent[0].request.op, OO_REQUEST_YIELD);
	CU_ASSERT_STRING_EQUAL(story.sent[0].request.node, target);
}

static void test_a_sick_holder_goes_by_zones(void)
{
	for (size_t i = 0; i < CHOICES; i++) {
		hold(choices[i].zones, choices[i].here);
		CU_ASSERT_STRING_EQUAL(oo_core_view(story.core, 0).next, choices[i].target);
		check_result(3110, OO_HEALTH_DOWN);
		expect_offer_to(choices[i].target);
	}
}

static void test_a_holder_that_stops_goes_by_zones(void)
{
	for (size_t i = 0; i < CHOICES; i++) {
		hold(choices[i].zones, choices[i].here);
		STEP(3110, .type = OO_EVENT_STOP);
		expect_offer_to(choices[i].target);
	}
}

static void test_a_holder_that_is_ordered_to_the_best_goes_by_zones(void)
{
	for (size_t i = 0; i < CHOICES; i++) {
		hold(choices[i].zones, choices[i].here);
		order(3105, 7, "");
		ANSWER(3110); /* the renewal that it takes */
		expect_offer_to(choices[i].target);
	}
}

static void test_a_zone_that_was_reloaded_counts_at_once(void)
{
	hold(OO_ZONES_STAY, "az-1");
	struct oo_core_config config = config_of(OO_ZONES_STAY, "az-2");
	oo_core_set_config(story.core, &config);
	CU_ASSERT_STRING_EQUAL(oo_core_view(story.core, 0).next, "node-c");
}

static void fail_back(enum oo_zones zones, const struct oo_core_member *members, size_t n)
{
	struct oo_core_config config = config_of(zones, "az-2");
	config.groups[0].failback = true;
	begin_with(&config);
	become_active();
	see_members(3100, members, n);
	renew_until(6000);
}

/* It would come first, if the holder had to be left: that is no gain, else it came back at once. */
static void test_nothing_fails_back_for_a_zone(void)
{
	static const struct oo_core_member near = {
		.node = "node-a", .zone = "az-2", .priority = {HERE}, .eligible = 1};
	static const struct oo_core_member far = {
		.node = "node-a", .zone = "az-1", .priority = {HERE}, .eligible = 1};
	fail_back(OO_ZONES_STAY, &near, 1);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_ACTIVE);
	fail_back(OO_ZONES_SPREAD, &far, 1);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_ACTIVE);
}

/* Else it went from one to the next, the best at last. */
static void test_what_fails_back_goes_to_the_best_wherever_it_is(void)
{
	static const struct oo_core_member gains[] = {
		{.node = "node-a", .zone = "az-1", .priority = {200}, .eligible = 1},
		{.node = "node-c", .zone = "az-2", .priority = {150}, .eligible = 1},
	};
	fail_back(OO_ZONES_STAY, gains, 2);
	CU_ASSERT_EQUAL(oo_core_want(story.core, 0)->role, OO_ROLE_RELEASING);
	expect_offer_to("node-a");
}

CU_TestInfo stories_of_zones[] = {
	{"who follows a silent holder is chosen by its zone",
	 test_who_follows_a_silent_holder_is_chosen_by_its_zone},
	{"a zone that is not known is neither the same nor another",
	 test_a_zone_that_is_not_known_is_neither_the_same_nor_another},
	{"health comes before zones, and they before the preferred zone",
	 test_health_comes_before_zones_and_they_before_the_preferred_zone},
	{"what was released goes by rank alone", test_what_was_released_goes_by_rank_alone},
	{"a sick holder goes by zones", test_a_sick_holder_goes_by_zones},
	{"a holder that stops goes by zones", test_a_holder_that_stops_goes_by_zones},
	{"a holder that is ordered to the best goes by zones",
	 test_a_holder_that_is_ordered_to_the_best_goes_by_zones},
	{"a zone that was reloaded counts at once", test_a_zone_that_was_reloaded_counts_at_once},
	{"nothing fails back for a zone", test_nothing_fails_back_for_a_zone},
	{"what fails back goes to the best, wherever it is",
	 test_what_fails_back_goes_to_the_best_wherever_it_is},
	CU_TEST_INFO_NULL,
};
