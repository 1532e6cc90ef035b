/* Who is preferred for a group, and when it goes back there. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "file.h"

#define HEAD                                                                                       \
	"cluster: office\n"                                                                        \
	"node: {name: node-a, zone: az-1, priority: 7}\n"                                          \
	"etcd: {endpoints: [\"http://10.0.1.11:2379\"]}\n"
/* A group whose mapping is still open. */
#define OPEN(name, address) "  - {name: " name ", vips: [{address: " address ", interface: eth0}]"

static void test_a_group_has_the_nodes_priority_unless_it_says_one(void)
{
	struct oo_config *config = file_load(HEAD "groups:\n"            /* */
					     OPEN("g", "10.0.0.1") "}\n" /* */
					     OPEN("h", "10.0.0.2") ", priority: 0}\n" OPEN(
						     "i", "10.0.0.3") ", priority: 1000}\n");
	CU_ASSERT_EQUAL(config->groups[0].priority, 7);
	CU_ASSERT_EQUAL(config->groups[1].priority, 0);
	CU_ASSERT_EQUAL(config->groups[2].priority, 1000);
	oo_config_free(config);
}

static void test_a_group_prefers_the_nodes_of_its_zone(void)
{
	struct oo_config *config = file_load(HEAD "groups:\n" OPEN("g", "10.0.0.1") "}\n" /* */
					     OPEN("h", "10.0.0.2") ", prefer_zone: az-1}\n");
	CU_ASSERT_STRING_EQUAL(config->groups[0].prefer_zone, "");
	CU_ASSERT_FALSE(oo_config_prefers(&config->groups[0], "az-1"));
	CU_ASSERT_FALSE(oo_config_prefers(&config->groups[0], ""));
	CU_ASSERT(oo_config_prefers(&config->groups[1], "az-1"));
	CU_ASSERT_FALSE(oo_config_prefers(&config->groups[1], "az-2"));
	CU_ASSERT_FALSE(oo_config_prefers(&config->groups[1], ""));
	oo_config_free(config);
}

static void test_a_group_goes_by_zones_if_it_says_so(void)
{
	struct oo_config *config = file_load(
		HEAD "groups:\n" OPEN("g", "10.0.0.1") "}\n" /* */
		OPEN("h", "10.0.0.2") ", zones: stay}\n"     /* */
		OPEN("i", "10.0.0.3") ", zones: spread}\n" OPEN("j", "10.0.0.4") ", zones: any}\n");
	CU_ASSERT_STRING_EQUAL(config->groups[0].zones, "any");
	CU_ASSERT_STRING_EQUAL(config->groups[1].zones, "stay");
	CU_ASSERT_STRING_EQUAL(config->groups[2].zones, "spread");
	CU_ASSERT_STRING_EQUAL(config->groups[3].zones, "any");
	oo_config_free(config);
}

static void test_nothing_fails_back_unless_it_is_wanted(void)
{
	struct oo_config *config = file_load(LEAST);
	CU_ASSERT_STRING_EQUAL(config->failback.mode, "never");
	CU_ASSERT_STRING_EQUAL(config->groups[0].failback.mode, "never");
	CU_ASSERT_EQUAL(config->groups[0].failback.delay_ms, 60000);
	CU_ASSERT_EQUAL(config->groups[0].failback.stable_ms, 30000);
	CU_ASSERT_EQUAL(config->flap.moves, 4);
	CU_ASSERT_EQUAL(config->flap.window_ms, 600000);
	oo_config_free(config);
}

static void test_what_a_group_does_not_say_of_failback_is_as_for_all(void)
{
	static const struct {
		const char *mode;
		int64_t delay_ms, stable_ms;
	} wanted[] = {{"auto", 5000, 4000}, {"never", 5000, 4000}, {"auto", 0, 60000}};
	struct oo_config *config =
		file_load(HEAD "failback: {mode: auto, delay: 5s, stable: 4s}\n"
			       "flap: {moves: 0, window: 1h}\n"
			       "groups:\n" OPEN("g", "10.0.0.1") "}\n"         /* */
			  OPEN("h", "10.0.0.2") ", failback: {mode: never}}\n" /* */
			  OPEN("i", "10.0.0.3") ", failback: {delay: 0s, stable: 1m}}\n");
	for (size_t g = 0; g < OO_LENGTH(wanted); g++) {
		const struct oo_config_failback *failback = &config->groups[g].failback;
		CU_ASSERT_STRING_EQUAL(failback->mode, wanted[g].mode);
		CU_ASSERT_EQUAL(failback->delay_ms, wanted[g].delay_ms);
		CU_ASSERT_EQUAL(failback->stable_ms, wanted[g].stable_ms);
	}
	CU_ASSERT_EQUAL(config->flap.moves, 0);
	CU_ASSERT_EQUAL(config->flap.window_ms, 3600000);
	oo_config_free(config);
}

static void test_what_cannot_be_is_refused(void)
{
	static const struct file_row rows[] = {
		{HEAD "groups:\n" OPEN("g", "10.0.0.1") ", priority: 1001}\n",
		 "5: groups[0].priority: '1001': out of range; 0 to 1000 are possible"},
		{HEAD "groups:\n" OPEN("g", "10.0.0.1") ", failback: auto}\n",
		 "5: groups[0].failback: 'auto': a single value where a mapping is expected; known "
		 "here: mode, delay, stable"},
		{HEAD "groups:\n" OPEN("g", "10.0.0.1") ", zones: near}\n",
		 "5: groups[0].zones: 'near': none of them; possible are any, stay, spread"},
		{"cluster: office\nnode: {name: node-a}\n"
		 "etcd: {endpoints: [\"http://10.0.1.11:2379\"]}\ngroups:\n" OPEN(
			 "g", "10.0.0.1") ", zones: any}\n" OPEN("h",
								 "10.0.0.2") ", zones: stay}\n",
		 "6: groups[1].zones: 'stay': goes by zones, and this node has none; give "
		 "node.zone "
		 "as well"},
		{LEAST "failback: {mode: always}\n",
		 "4: failback.mode: 'always': none of them; possible are never, auto"},
		{LEAST "failback: {stable: 25h}\n",
		 "4: failback.stable: '25h': out of range; 0s to 24h are possible"},
		{LEAST "flap: {moves: 33}\n",
		 "4: flap.moves: '33': out of range; 0 to 32 are possible"},
		{LEAST "flap: {window: 59s}\n",
		 "4: flap.window: '59s': out of range; 1m to 24h are possible"},
	};
	world_set_host_name("node-a");
	file_refuse_all(rows, OO_LENGTH(rows));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a group has the node's priority unless it says one",
		 test_a_group_has_the_nodes_priority_unless_it_says_one},
		{"a group prefers the nodes of its zone",
		 test_a_group_prefers_the_nodes_of_its_zone},
		{"a group goes by zones if it says so", test_a_group_goes_by_zones_if_it_says_so},
		{"nothing fails back unless it is wanted",
		 test_nothing_fails_back_unless_it_is_wanted},
		{"what a group does not say of failback is as for all",
		 test_what_a_group_does_not_say_of_failback_is_as_for_all},
		{"what cannot be is refused", test_what_cannot_be_is_refused},
		CU_TEST_INFO_NULL,
	};
	return file_run("groups", tests);
}
