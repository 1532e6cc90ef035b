/* Nodes that do not follow a VIP: announced to for a while, told once, told when it is over. */
#include "doubts.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "../event/testing.h"

#define START 5000
#define LATE (START + AGENT_DOUBTS_PATIENCE_MS)

static const struct oo_sight sight = {"10.0.0.100", "02:00:00:00:00:17"};
static const struct oo_sight other_sight = {"10.0.0.100", "02:00:00:00:00:18"};
static const struct oo_sight second_vip = {"10.0.0.101", "02:00:00:00:00:17"};

/* One look in which node sees what (NULL: nobody sees anything wrong). */
static bool look(struct agent_doubts *doubts, const char *node, const struct oo_sight *what,
		 int64_t now)
{
	agent_doubts_begin(doubts);
	if (what != NULL) {
		agent_doubts_note(doubts, node, what, now);
	}
	return agent_doubts_end(doubts, now);
}

static void test_without_a_doubt_nothing_is_announced_again(void)
{
	struct agent_doubts doubts = {0};
	CU_ASSERT_FALSE(look(&doubts, "node-b", NULL, START));
	CU_ASSERT_EQUAL(doubts.n, 0);
}

static void test_a_doubt_is_announced_to_for_30_s_and_then_told_once(void)
{
	struct agent_doubts doubts = {0};
	CU_ASSERT_TRUE(look(&doubts, "node-b", &sight, START));
	CU_ASSERT_TRUE(look(&doubts, "node-b", &sight, LATE - 1));
	CU_ASSERT_EQUAL(doubts.list[0].news, AGENT_DOUBT_NOTHING);
	CU_ASSERT_FALSE(look(&doubts, "node-b", &sight, LATE));
	CU_ASSERT_EQUAL(doubts.list[0].news, AGENT_DOUBT_PERSISTS);
	CU_ASSERT_STRING_EQUAL(doubts.list[0].node, "node-b");
	CU_ASSERT_STRING_EQUAL(doubts.list[0].sight.mac, sight.mac);
	CU_ASSERT_FALSE(look(&doubts, "node-b", &sight, LATE + 1000));
	CU_ASSERT_EQUAL(doubts.list[0].news, AGENT_DOUBT_NOTHING);
	CU_ASSERT_TRUE(doubts.list[0].persists);
}

static void test_one_that_was_told_is_told_when_it_is_over(void)
{
	struct agent_doubts doubts = {0};
	look(&doubts, "node-b", &sight, START);
	look(&doubts, "node-b", &sight, LATE);
	CU_ASSERT_FALSE(look(&doubts, "node-b", NULL, LATE + 1));
	CU_ASSERT_EQUAL(doubts.n, 1);
	CU_ASSERT_EQUAL(doubts.list[0].news, AGENT_DOUBT_OVER);
	CU_ASSERT_FALSE(look(&doubts, "node-b", NULL, LATE + 2));
	CU_ASSERT_EQUAL(doubts.n, 0);
	/* and a new one is a new one */
	CU_ASSERT_TRUE(look(&doubts, "node-b", &sight, LATE + 3));
	CU_ASSERT_TRUE(look(&doubts, "node-b", &sight, LATE + 4));
}

static void test_one_that_ends_in_time_is_not_told_at_all(void)
{
	struct agent_doubts doubts = {0};
	look(&doubts, "node-b", &sight, START);
	CU_ASSERT_FALSE(look(&doubts, "node-b", NULL, LATE - 1));
	CU_ASSERT_EQUAL(doubts.list[0].news, AGENT_DOUBT_NOTHING);
	CU_ASSERT_FALSE(look(&doubts, "node-b", NULL, LATE));
	CU_ASSERT_EQUAL(doubts.n, 0);
}

static void test_another_wrong_mac_is_the_same_doubt(void)
{
	struct agent_doubts doubts = {0};
	look(&doubts, "node-b", &sight, START);
	CU_ASSERT_FALSE(look(&doubts, "node-b", &other_sight, LATE));
	CU_ASSERT_EQUAL(doubts.n, 1);
	CU_ASSERT_EQUAL(doubts.list[0].news, AGENT_DOUBT_PERSISTS);
	CU_ASSERT_STRING_EQUAL(doubts.list[0].sight.mac, other_sight.mac);
}

static void test_nodes_and_vips_are_kept_apart(void)
{
	struct agent_doubts doubts = {0};
	look(&doubts, "node-b", &sight, START);
	look(&doubts, "node-b", &sight, LATE);
	agent_doubts_begin(&doubts);
	agent_doubts_note(&doubts, "node-b", &sight, LATE + 1);
	agent_doubts_note(&doubts, "node-b", &second_vip, LATE + 1);
	agent_doubts_note(&doubts, "node-c", &sight, LATE + 1);
	CU_ASSERT_TRUE(agent_doubts_end(&doubts, LATE + 1));
	CU_ASSERT_EQUAL(doubts.n, 3);
	CU_ASSERT_TRUE(doubts.list[0].persists);
	CU_ASSERT_FALSE(doubts.list[1].persists || doubts.list[2].persists);
}

static void test_more_than_there_is_room_for_are_announced_to_for_as_long(void)
{
	struct agent_doubts doubts = {0};
	for (int64_t now = START; now <= LATE + 1000; now += 1000) {
		agent_doubts_begin(&doubts);
		for (int i = 0; i < AGENT_DOUBTS_MAX + 1; i++) {
			char node[16];
			snprintf(node, sizeof(node), "node-%d", i);
			agent_doubts_note(&doubts, node, &sight, now);
		}
		CU_ASSERT_EQUAL(agent_doubts_end(&doubts, now), now < LATE);
		CU_ASSERT_EQUAL(doubts.n, AGENT_DOUBTS_MAX);
	}
}

int main(void)
{
	static const struct test tests[] = {
		TEST(without_a_doubt_nothing_is_announced_again),
		TEST(a_doubt_is_announced_to_for_30_s_and_then_told_once),
		TEST(one_that_was_told_is_told_when_it_is_over),
		TEST(one_that_ends_in_time_is_not_told_at_all),
		TEST(another_wrong_mac_is_the_same_doubt),
		TEST(nodes_and_vips_are_kept_apart),
		TEST(more_than_there_is_room_for_are_announced_to_for_as_long),
	};
	return run_tests("doubts", tests, OO_LENGTH(tests));
}
