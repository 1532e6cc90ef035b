/* What is told of a switchover, by what etcd answers: moved, refused, or withdrawn and proven to be. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "etcd/etcd.h"
#include "past.h"
#include "store.h"
#include "switchover.h"

enum asked {
	ASKED_NOTHING,
	ASKED_GRANT,
	ASKED_PUT,
	ASKED_DELETE,
	ASKED_REVOKE,
};

static struct oo_config config = {.node = {.name = "node-c"}};
static struct agent agent = {
	.config = &config, .group_names = {"office"}, .core_config = {.n_groups = 1}};
static struct agent_switchovers *switchovers;
static enum asked asked;
static unsigned n_asked;
static struct oo_etcd_call under_way;
static char asked_text[800];
static struct oo_order shown;            /* by the store */
static struct agent_known_member member; /* the target */
static const char *report;               /* of the new holder; NULL: none yet */
static uint64_t id;

/* -- the rest of the agent */

int oo_etcd_lease_grant(struct oo_etcd *etcd, int64_t lease, int64_t ttl_s,
			const struct oo_etcd_call *call, struct oo_etcd_request **ret_request)
{
	(void)etcd;
	(void)lease;
	(void)ret_request;
	asked = ASKED_GRANT;
	n_asked++;
	under_way = *call;
	snprintf(asked_text, sizeof(asked_text), "%lld s", (long long)ttl_s);
	return 0;
}

int oo_etcd_lease_revoke(struct oo_etcd *etcd, int64_t lease, const struct oo_etcd_call *call,
			 struct oo_etcd_request **ret_request)
{
	(void)etcd;
	(void)ret_request;
	CU_ASSERT_EQUAL((uint64_t)lease, id);
	asked = ASKED_REVOKE;
	n_asked++;
	under_way = *call;
	return 0;
}

int oo_etcd_txn(struct oo_etcd *etcd, const struct oo_etcd_txn *txn,
		const struct oo_etcd_call *call, struct oo_etcd_request **ret_request)
{
	(void)etcd;
	(void)ret_request;
	for (size_t i = 0; i < txn->n_compare; i++) {
		CU_ASSERT_EQUAL(txn->compare[i].relation, OO_ETCD_EQUAL);
	}
	asked = txn->success[0].type == OO_ETCD_OP_PUT ? ASKED_PUT : ASKED_DELETE;
	n_asked++;
	under_way = *call;
	snprintf(asked_text, sizeof(asked_text), "%s %s %d %lld; %d %lld; lease %d",
		 txn->success[0].key, txn->compare[0].key, (int)txn->compare[0].target,
		 (long long)(txn->compare[0].number == (int64_t)id ? 1 : txn->compare[0].number),
		 txn->n_compare > 1 ? (int)txn->compare[1].target : -1,
		 txn->n_compare > 1 ? (long long)txn->compare[1].number : -1,
		 txn->success[0].lease == (int64_t)id);
	return 0;
}

struct oo_etcd *agent_store_etcd(struct agent_store *store)
{
	(void)store;
	return NULL;
}

void agent_store_key(const struct agent_store *store, char key[static AGENT_KEY_LENGTH],
		     const char *format, ...)
{
	va_list arguments;
	(void)store;
	va_start(arguments, format);
	(void)vsnprintf(key, AGENT_KEY_LENGTH, format, arguments);
	va_end(arguments);
}

const struct oo_order_text *agent_store_order(const struct agent_store *store, unsigned group,
					      struct oo_order *ret_order)
{
	static const struct oo_order_text text = {.by = "root@node-c"};
	(void)store;
	(void)group;
	*ret_order = shown;
	return shown.id == 0 ? NULL : &text;
}

const struct agent_known_member *agent_store_members(const struct agent_store *store, size_t *ret_n)
{
	(void)store;
	*ret_n = 1;
	return &member;
}

struct json_object *agent_past_new_record(const struct agent_past *past, int64_t revision)
{
	(void)past;
	return report == NULL || revision != 20 ? NULL : json_tokener_parse(report);
}

bool oo_etcd_is_unknown(int r)
{
	return r == -ETIMEDOUT;
}

/* -- the stage */

/* etcd shows that node holds, by a claim of that revision. */
static void see_holder(const char *node, int64_t revision)
{
	struct oo_pair pair = {
		.claim = {.revision = revision, .nonce = (uint64_t)revision, .ttl_ms = 3000}};
	const struct oo_order none = {0};
	memcpy(pair.claim.node, node, strlen(node) + 1);
	oo_core_step(agent.core, oo_clock_now(), &(struct oo_event){.type = OO_EVENT_TIME});
	oo_core_step(agent.core, oo_clock_now() + 1000,
		     &(struct oo_event){.type = OO_EVENT_READ,
					.seq = oo_core_read_seq(agent.core),
					.outcome = OO_OUTCOME_DONE,
					.revision = revision,
					.pairs = &pair,
					.orders = &none});
}

static void run_loop(void)
{
	agent_switchovers_apply(switchovers);
	while (sd_event_run(agent.event, 0) > 0) {
	}
}

static void begin(int64_t valid_ms)
{
	static struct oo_core_config core = {.node = "node-c",
					     .ttl_ms = 3000,
					     .renew_ms = 500,
					     .margin_ms = 150,
					     .retry_ms = 100,
					     .n_groups = 1};
	struct oo_err err;
	agent_switchovers_free(switchovers);
	agent.event = sd_event_unref(agent.event);
	free(agent.core);
	CU_ASSERT_EQUAL_FATAL(sd_event_new(&agent.event), 0);
	agent.core = oo_core_init(malloc(oo_core_size()), &core, 1);
	CU_ASSERT_EQUAL_FATAL(agent_switchovers_new(&agent, &switchovers, &err), 0);
	shown = (struct oo_order){0};
	report = NULL;
	n_asked = 0;
	member = (struct agent_known_member){.member = {.node = "node-b", .groups = 1}};
	see_holder("node-a", 10);
	const struct oo_order order = {.from = "node-a", .target = "node-b", .valid_ms = valid_ms};
	CU_ASSERT_EQUAL_FATAL(agent_switchover_begin(switchovers, 0, &order, "root@node-c", &id),
			      0);
}

static void answer(const struct oo_etcd_answer *what)
{
	under_way.done(under_way.user, 0, what, NULL);
	run_loop();
}

static void fail(int r)
{
	const struct oo_err err = {.text = "no answer"};
	under_way.done(under_way.user, r, NULL, &err);
	run_loop();
}

static const struct oo_etcd_answer yes = {.succeeded = true};

/* Asked for, in etcd, and seen there. */
static void begin_and_wait(int64_t valid_ms)
{
	begin(valid_ms);
	answer(&yes);
	answer(&yes);
	shown = (struct oo_order){.id = id, .from = "node-a", .target = "node-b"};
	run_loop();
}

static void expect(const char *state, const char *error)
{
	struct json_object *told = agent_switchover_new_answer(switchovers, id), *field;
	CU_ASSERT_PTR_NOT_NULL_FATAL(told);
	CU_ASSERT(json_object_object_get_ex(told, "state", &field));
	CU_ASSERT_STRING_EQUAL(json_object_get_string(field), state);
	CU_ASSERT(json_object_object_get_ex(told, "error", &field));
	const char *text = field == NULL ? "" : json_object_get_string(field);
	if (strstr(text, error) == NULL || (error[0] == '\0') != (text[0] == '\0')) {
		CU_FAIL("the error");
		printf("\n    got '%s', not '%s'", text, error);
	}
	json_object_put(told);
}

/* A refused deletion reads the claim. */
static void refuse_deletion(const char *node, int64_t revision)
{
	char value[200];
	snprintf(value, sizeof(value),
		 "{\"node\":\"%s\",\"nonce\":\"00000000000000ab\",\"kind\":\"offered\",\"epoch\":7,"
		 "\"ttl_ms\":3000}",
		 node);
	const struct oo_etcd_kv kv = {
		.value = value, .value_length = strlen(value), .mod_revision = revision};
	const struct oo_etcd_result results[] = {{.kvs = &kv, .n_kvs = 1}, {.n_kvs = 0}};
	answer(&(struct oo_etcd_answer){.results = results, .n_results = 2});
}

/* The deletion has been answered: its lease is ended, and the claim looked at again. */
static void prove_that_nothing_moved(void)
{
	CU_ASSERT_EQUAL(asked, ASKED_REVOKE);
	answer(&yes);
	CU_ASSERT_EQUAL(asked, ASKED_DELETE);
	refuse_deletion("node-a", 10);
}

/* -- what is told */

static void test_it_is_written_under_a_lease_of_its_own_while_the_holder_is_the_same(void)
{
	begin(9500);
	CU_ASSERT_EQUAL(asked, ASKED_GRANT);
	CU_ASSERT_STRING_EQUAL(asked_text, "15 s"); /* of the order, and 5 */
	answer(&yes);
	CU_ASSERT_EQUAL(asked, ASKED_PUT);
	char wanted[200];
	snprintf(wanted, sizeof(wanted),
		 "groups/office/request groups/office/request %d 0; %d 10; lease 1",
		 (int)OO_ETCD_TARGET_CREATE, (int)OO_ETCD_TARGET_MOD);
	CU_ASSERT_STRING_EQUAL(asked_text, wanted);
	answer(&yes);
	expect("waiting", "");
	CU_ASSERT_EQUAL(n_asked, 2);
}

static void test_it_has_moved_when_the_order_is_gone_and_the_claim_is_anothers(void)
{
	begin_and_wait(10000);
	shown = (struct oo_order){0};
	see_holder("node-b", 20);
	run_loop();
	expect("waiting", ""); /* for the report */
	report = "{\"gap_ms\":7,\"timeline\":{\"down_ms\":1}}";
	run_loop();
	expect("moved", "");
	struct json_object *told = agent_switchover_new_answer(switchovers, id), *gap;
	CU_ASSERT(json_object_object_get_ex(told, "gap_ms", &gap));
	CU_ASSERT_EQUAL(json_object_get_int(gap), 7);
	json_object_put(told);
	CU_ASSERT_EQUAL(n_asked, 2);
}

static void test_it_may_have_moved_before_the_order_was_ever_seen(void)
{
	begin(10000);
	answer(&yes);
	see_holder("node-b", 20);
	report = "{}";
	answer(&yes);
	refuse_deletion("node-b", 20); /* that it was carried out, etcd says */
	expect("moved", "");
}

static void test_late_it_is_withdrawn_and_that_is_told_only_when_etcd_has_said_so(void)
{
	begin_and_wait(0);
	CU_ASSERT_EQUAL(asked, ASKED_DELETE);
	char wanted[200];
	snprintf(wanted, sizeof(wanted),
		 "groups/office/request groups/office/request %d 1; -1 -1; lease 0",
		 (int)OO_ETCD_TARGET_LEASE);
	CU_ASSERT_STRING_EQUAL(asked_text, wanted);
	expect("waiting", "node-a, which holds, is no longer present");
	answer(&yes);
	prove_that_nothing_moved();
	expect("withdrawn", "node-a, which holds, is no longer present");
}

static void test_late_it_may_have_been_carried_out_all_the_same(void)
{
	begin_and_wait(0);
	refuse_deletion("node-b", 20);
	expect("waiting", "");
	report = "{}";
	run_loop();
	expect("moved", "");
}

static void test_a_deletion_that_nobody_confirms_is_asked_for_again(void)
{
	begin_and_wait(0);
	fail(-ETIMEDOUT);
	expect("waiting", "etcd does not say whether it still stands: no answer");
	CU_ASSERT_EQUAL(n_asked, 3);
	const int64_t until = oo_clock_now() + 5000;
	while (n_asked == 3 && oo_clock_now() < until) {
		(void)sd_event_run(agent.event, 100000);
	}
	CU_ASSERT_EQUAL_FATAL(n_asked, 4);
	refuse_deletion("node-a", 10); /* the first has done it */
	prove_that_nothing_moved();
	expect("withdrawn", "node-a, which holds, is no longer present");
}

static void test_an_order_of_which_nobody_knows_whether_it_was_written_is_withdrawn(void)
{
	begin(10000);
	answer(&yes);
	fail(-ETIMEDOUT);
	CU_ASSERT_EQUAL(asked, ASKED_DELETE);
	expect("waiting", "etcd: no answer");
	answer(&yes);
	prove_that_nothing_moved();
	expect("refused", "etcd: no answer");
}

static void test_an_order_that_was_surely_not_written_is_refused(void)
{
	begin(10000);
	fail(-ECONNREFUSED);
	expect("refused", "etcd: no answer");
	begin(10000);
	answer(&yes);
	fail(-ENOSPC);
	CU_ASSERT_EQUAL(asked, ASKED_PUT);
	expect("refused", "etcd: no answer");
}

static void test_one_that_stands_already_is_named(void)
{
	const struct oo_etcd_kv kv = {
		.value = "{\"id\":\"00000000000000ab\",\"from\":\"node-a\",\"target\":\"node-d\","
			 "\"by\":\"ann@node-a\",\"valid_ms\":1000}",
		.lease = 0xab};
	const struct oo_etcd_result there = {.kvs = &kv, .n_kvs = 1}, none = {.n_kvs = 0};
	begin(10000);
	answer(&yes);
	answer(&(struct oo_etcd_answer){.results = &there, .n_results = 1});
	refuse_deletion("node-a", 10);
	prove_that_nothing_moved();
	expect("refused", "ann@node-a has just asked for a switchover to node-d");
	begin(10000);
	answer(&yes);
	answer(&(struct oo_etcd_answer){.results = &none, .n_results = 1});
	expect("refused", "who holds it has changed meanwhile");
}

static void test_a_takeover_by_another_node_ends_it(void)
{
	begin_and_wait(10000);
	see_holder("node-d", 20);
	run_loop();
	CU_ASSERT_EQUAL(asked, ASKED_DELETE);
	answer(&(struct oo_etcd_answer){.succeeded = true, .revision = 21});
	answer(&yes);
	refuse_deletion("node-d", 20);
	expect("refused", "node-d has taken it over meanwhile");
}

static void test_who_gives_it_up_is_named(void)
{
	begin_and_wait(10000);
	CU_ASSERT_EQUAL(agent_switchover_withdraw(switchovers, id, "ann@node-c"), 0);
	run_loop();
	answer(&yes);
	prove_that_nothing_moved();
	expect("withdrawn", "withdrawn by ann@node-c");
	CU_ASSERT_EQUAL(agent_switchover_withdraw(switchovers, id + 1, "ann@node-c"), -ENOENT);
	CU_ASSERT_PTR_NULL(agent_switchover_new_answer(switchovers, id + 1));
}

static void test_why_it_is_late_is_said_as_far_as_it_is_known(void)
{
	member.member.groups = 0;
	begin(0);
	member.member.groups = 0;
	snprintf(member.member.reason, sizeof(member.member.reason), "check proxy down");
	answer(&yes);
	answer(&yes);
	expect("waiting", "node-a, which holds, is no longer present");
	begin(0);
	snprintf(member.member.node, sizeof(member.member.node), "node-a");
	answer(&yes);
	answer(&yes);
	expect("waiting", "node-b is no longer present");
}

static void test_there_is_room_for_so_many_and_for_new_ones_when_they_are_over(void)
{
	uint64_t another;
	const struct oo_order order = {.from = "node-a", .valid_ms = 1000};
	begin(10000);
	for (int i = 1; i < AGENT_SWITCHOVERS_MAX; i++) {
		CU_ASSERT_EQUAL(agent_switchover_begin(switchovers, 0, &order, "x", &another), 0);
	}
	CU_ASSERT_EQUAL(agent_switchover_begin(switchovers, 0, &order, "x", &another), -EBUSY);
	fail(-ECONNREFUSED);
	CU_ASSERT_EQUAL(agent_switchover_begin(switchovers, 0, &order, "x", &another), 0);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(it_is_written_under_a_lease_of_its_own_while_the_holder_is_the_same),
		TEST(it_has_moved_when_the_order_is_gone_and_the_claim_is_anothers),
		TEST(it_may_have_moved_before_the_order_was_ever_seen),
		TEST(late_it_is_withdrawn_and_that_is_told_only_when_etcd_has_said_so),
		TEST(late_it_may_have_been_carried_out_all_the_same),
		TEST(a_deletion_that_nobody_confirms_is_asked_for_again),
		TEST(an_order_of_which_nobody_knows_whether_it_was_written_is_withdrawn),
		TEST(an_order_that_was_surely_not_written_is_refused),
		TEST(one_that_stands_already_is_named),
		TEST(a_takeover_by_another_node_ends_it),
		TEST(who_gives_it_up_is_named),
		TEST(why_it_is_late_is_said_as_far_as_it_is_known),
		TEST(there_is_room_for_so_many_and_for_new_ones_when_they_are_over),
	};
	int r = run_tests("switchovers", tests, OO_LENGTH(tests));
	agent_switchovers_free(switchovers);
	sd_event_unref(agent.event);
	free(agent.core);
	return r;
}
