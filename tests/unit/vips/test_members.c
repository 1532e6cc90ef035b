/* The members as reads that bring only what has changed, and the watch, tell of them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "journal.h"
#include "presence.h"
#include "store_internal.h"

#define CLUSTER 5
#define OURS 77 /* the lease */

static struct oo_config config = {.node = {.name = "node-a", .zone = "az-1"}};
static struct agent agent = {.config = &config, .group_names = {"office"}};
static struct agent_store store;

/* -- the rest of the agent */

int64_t agent_presence_lease(const struct agent_presence *presence)
{
	(void)presence;
	return OURS;
}

int64_t agent_presence_revision(const struct agent_presence *presence)
{
	(void)presence;
	return 1;
}

void agent_say_line(const char *file, enum oo_log_level level, const struct agent_said *said,
		    const char *format, ...)
{
	(void)file;
	(void)level;
	(void)said;
	(void)format;
}

void agent_tell(struct agent *about, const struct oo_event *event)
{
	(void)about;
	(void)event;
}

/* -- etcd */

static struct oo_etcd_kv kvs[OO_CORE_MEMBERS_MAX + 1];
static char keys[OO_CORE_MEMBERS_MAX + 1][64], values[OO_CORE_MEMBERS_MAX + 1][128];
static size_t n_kvs;

static void add(const char *node, int64_t revision)
{
	snprintf(keys[n_kvs], sizeof(keys[0]), "/ooha/test/members/%s", node);
	snprintf(values[n_kvs], sizeof(values[0]),
		 "{\"version\":1,\"node\":\"%s\",\"eligible\":true}", node);
	kvs[n_kvs] = (struct oo_etcd_kv){.key = keys[n_kvs],
					 .value = values[n_kvs],
					 .value_length = strlen(values[n_kvs]),
					 .mod_revision = revision,
					 .lease = oo_text_equal(node, "node-a") ? OURS : 1};
	n_kvs++;
}

/* A read that was sent now brings what was added; etcd has count in all. */
static bool read_shows(int64_t revision, int64_t count)
{
	const struct oo_etcd_result result = {.kvs = kvs, .n_kvs = n_kvs, .count = count};
	const struct oo_etcd_answer answer = {.cluster_id = CLUSTER, .revision = revision};
	bool changed = agent_store_members_read(&store, &answer, &result);
	n_kvs = 0;
	store.cluster_id = CLUSTER;
	return changed;
}

static bool watch_shows(const char *node, int64_t revision, bool deleted)
{
	n_kvs = 0;
	add(node, revision);
	const struct oo_etcd_event event = {.deleted = deleted, .kv = kvs[0]};
	n_kvs = 0;
	return agent_store_members_change(&store, &event);
}

static void send_read(void)
{
	store.members_since = store.members_whole;
}

static void begin(void)
{
	store = (struct agent_store){.agent = &agent, .root = "/ooha/test/"};
	n_kvs = 0;
	send_read();
	add("node-a", 1);
	add("node-b", 2);
	CU_ASSERT_TRUE(read_shows(10, 2));
	CU_ASSERT_EQUAL(store.members_whole, 10);
}

static bool has(const char *node, int64_t revision)
{
	for (size_t i = 0; i < store.n_members; i++) {
		if (oo_text_equal(store.members[i].member.node, node)) {
			return store.members[i].member.mod_revision == revision;
		}
	}
	return false;
}

static void test_who_is_not_told_of_is_there_still_if_nobody_is_missing(void)
{
	begin();
	send_read();
	CU_ASSERT_FALSE(read_shows(20, 2));
	CU_ASSERT_EQUAL(store.n_members, 2);
	CU_ASSERT_EQUAL(store.members_whole, 20);
	CU_ASSERT_TRUE(store.is_us);
	CU_ASSERT_TRUE(store.shows_us);
}

static void test_what_has_changed_and_what_is_new_is_taken(void)
{
	begin();
	send_read();
	add("node-b", 15);
	add("node-c", 16);
	CU_ASSERT_TRUE(read_shows(20, 3));
	CU_ASSERT_TRUE(has("node-a", 1) && has("node-b", 15) && has("node-c", 16));
	CU_ASSERT_EQUAL(store.members_whole, 20);
}

/* Were they counted alone, node-b would stay a member for ever. */
static void test_one_that_cannot_be_read_does_not_stand_for_one_that_is_gone(void)
{
	begin();
	send_read();
	add("node-c", 16);
	snprintf(values[0], sizeof(values[0]), "of a later version");
	kvs[0].value_length = strlen(values[0]);
	(void)read_shows(20, 2);
	CU_ASSERT_EQUAL(store.members_whole, 0);
	send_read();
	add("node-a", 1);
	CU_ASSERT_TRUE(read_shows(21, 2));
	CU_ASSERT_EQUAL(store.n_members, 1);
}

static void test_one_that_is_missing_has_the_next_read_bring_all(void)
{
	begin();
	send_read();
	add("node-c", 16); /* and node-b has gone: the number is the same */
	(void)read_shows(20, 2);
	CU_ASSERT_EQUAL(store.members_whole, 0);
	send_read();
	add("node-a", 1);
	add("node-c", 16);
	CU_ASSERT_TRUE(read_shows(21, 2));
	CU_ASSERT_TRUE(has("node-a", 1) && has("node-c", 16));
	CU_ASSERT_EQUAL(store.n_members, 2);
	CU_ASSERT_EQUAL(store.members_whole, 21);
}

static void test_one_that_cannot_be_read_has_the_next_read_bring_all(void)
{
	begin();
	send_read();
	add("node-b", 15);
	kvs[0].value = "nonsense";
	CU_ASSERT_TRUE(read_shows(20, 2)); /* it is nobody now */
	CU_ASSERT_EQUAL(store.n_members, 1);
	CU_ASSERT_EQUAL(store.members_whole, 0);
}

static void test_a_restored_etcd_and_another_one_have_the_next_read_bring_all(void)
{
	begin();
	send_read();
	CU_ASSERT_FALSE(read_shows(9, 2));
	CU_ASSERT_EQUAL(store.members_whole, 0);
	begin();
	send_read();
	store.cluster_id = CLUSTER + 1;
	CU_ASSERT_FALSE(read_shows(20, 2));
	CU_ASSERT_EQUAL(store.members_whole, 0);
}

static void test_an_answer_to_before_all_was_forgotten_says_nothing(void)
{
	begin();
	send_read();
	store.members_whole = 0; /* a reload */
	CU_ASSERT_FALSE(read_shows(20, 2));
	CU_ASSERT_EQUAL(store.members_whole, 0);
}

static void test_what_a_read_has_shown_the_watch_does_not_undo(void)
{
	begin();
	CU_ASSERT_FALSE(watch_shows("node-b", 10, true));
	CU_ASSERT_TRUE(has("node-b", 2));
	CU_ASSERT_TRUE(watch_shows("node-b", 11, true));
	CU_ASSERT_EQUAL(store.n_members, 1);
}

static void test_what_the_watch_has_shown_an_older_read_does_not_undo(void)
{
	begin();
	send_read();
	CU_ASSERT_TRUE(watch_shows("node-b", 25, true));
	add("node-b", 15);
	CU_ASSERT_FALSE(read_shows(20, 2));
	CU_ASSERT_EQUAL(store.n_members, 1);
	CU_ASSERT_EQUAL(store.members_whole, 10);
	send_read();
	CU_ASSERT_FALSE(read_shows(26, 1));
	CU_ASSERT_EQUAL(store.members_whole, 26);
}

static void test_whether_the_key_of_our_name_is_ours_is_known_from_reads_and_the_watch(void)
{
	begin();
	send_read();
	add("node-a", 15);
	kvs[0].lease = OURS + 1;
	(void)read_shows(20, 2);
	CU_ASSERT_FALSE(store.is_us);
	CU_ASSERT_TRUE(store.shows_us); /* another's stays */
	CU_ASSERT_EQUAL(store.n_others, 1);
	send_read();
	(void)read_shows(21, 2);
	CU_ASSERT_EQUAL(store.n_others, 2);
	(void)watch_shows("node-a", 30, false);
	CU_ASSERT_TRUE(store.is_us);
	(void)watch_shows("node-a", 31, true);
	CU_ASSERT_FALSE(store.is_us);
	store.members_whole = 31;
	send_read();
	(void)read_shows(32, 1);
	CU_ASSERT_FALSE(store.shows_us);
}

static void test_more_than_there_is_room_for_are_read_whole_each_time(void)
{
	char node[16];
	begin();
	store.members_whole = 0;
	send_read();
	for (int i = 0; i <= OO_CORE_MEMBERS_MAX; i++) {
		snprintf(node, sizeof(node), "node-%03d", i);
		add(node, 3);
	}
	CU_ASSERT_TRUE(read_shows(20, OO_CORE_MEMBERS_MAX + 1));
	CU_ASSERT_EQUAL(store.n_members, OO_CORE_MEMBERS_MAX);
	CU_ASSERT_EQUAL(store.members_whole, 0);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(who_is_not_told_of_is_there_still_if_nobody_is_missing),
		TEST(what_has_changed_and_what_is_new_is_taken),
		TEST(one_that_cannot_be_read_does_not_stand_for_one_that_is_gone),
		TEST(one_that_is_missing_has_the_next_read_bring_all),
		TEST(one_that_cannot_be_read_has_the_next_read_bring_all),
		TEST(a_restored_etcd_and_another_one_have_the_next_read_bring_all),
		TEST(an_answer_to_before_all_was_forgotten_says_nothing),
		TEST(what_a_read_has_shown_the_watch_does_not_undo),
		TEST(what_the_watch_has_shown_an_older_read_does_not_undo),
		TEST(whether_the_key_of_our_name_is_ours_is_known_from_reads_and_the_watch),
		TEST(more_than_there_is_room_for_are_read_whole_each_time),
	};
	return run_tests("members", tests, OO_LENGTH(tests));
}
