/* What is told of an operator's order, and what a copy of it that is late can still do by then. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "etcd/etcd.h"
#include "past.h"
#include "store.h"
#include "switchover.h"

#define ORDERED 7 /* the revision of the claim that the order is for */

enum kind {
	KIND_NONE,
	KIND_GRANT,
	KIND_PUT,
	KIND_DELETE,
	KIND_REVOKE,
};

/* As much of etcd as there is of it here. */
static struct {
	int64_t revision, claim_revision;
	const char *holder;
	uint64_t lease, order;
} etcd;

static struct agent agent = {.group_names = {"office"}};
static struct agent_switchovers *all;
static struct oo_pair pair; /* that the agent knows of */
static uint64_t shown;      /* the order that it does */
static uint64_t id;
static enum kind asked;
static struct oo_etcd_call under_way;

/* -- the rest of the agent */

static int ask(enum kind kind, const struct oo_etcd_call *call)
{
	CU_ASSERT_EQUAL(asked, KIND_NONE);
	asked = kind;
	under_way = *call;
	return 0;
}

int oo_etcd_lease_grant(struct oo_etcd *client, int64_t lease, int64_t ttl_s,
			const struct oo_etcd_call *call, struct oo_etcd_request **ret_request)
{
	(void)client;
	(void)ttl_s;
	(void)ret_request;
	id = (uint64_t)lease;
	return ask(KIND_GRANT, call);
}

int oo_etcd_lease_revoke(struct oo_etcd *client, int64_t lease, const struct oo_etcd_call *call,
			 struct oo_etcd_request **ret_request)
{
	(void)client;
	(void)ret_request;
	CU_ASSERT_EQUAL((uint64_t)lease, id);
	return ask(KIND_REVOKE, call);
}

int oo_etcd_txn(struct oo_etcd *client, const struct oo_etcd_txn *txn,
		const struct oo_etcd_call *call, struct oo_etcd_request **ret_request)
{
	(void)client;
	(void)ret_request;
	return ask(txn->success[0].type == OO_ETCD_OP_PUT ? KIND_PUT : KIND_DELETE, call);
}

void agent_store_key(const struct agent_store *store, char key[static AGENT_KEY_LENGTH],
		     const char *format, ...)
{
	(void)store;
	(void)snprintf(key, AGENT_KEY_LENGTH, "%s", format);
}

bool oo_etcd_is_unknown(int r)
{
	return r == -ETIMEDOUT;
}

struct oo_etcd *agent_store_etcd(struct agent_store *store)
{
	(void)store;
	return NULL;
}

const struct agent_known_member *agent_store_members(const struct agent_store *store, size_t *ret_n)
{
	(void)store;
	*ret_n = 0;
	return NULL;
}

const struct oo_order_text *agent_store_order(const struct agent_store *store, unsigned group,
					      struct oo_order *ret_order)
{
	static const struct oo_order_text text;
	(void)store;
	(void)group;
	*ret_order = (struct oo_order){.id = shown};
	return shown == 0 ? NULL : &text;
}

struct json_object *agent_past_new_record(const struct agent_past *past, int64_t revision)
{
	(void)past;
	(void)revision;
	return json_object_new_object();
}

struct oo_core_view oo_core_view(const struct oo_core *core, unsigned group)
{
	(void)core;
	(void)group;
	return (struct oo_core_view){.pair = &pair};
}

/* -- etcd */

/* A copy of the order arrives there. */
static bool write_order(void)
{
	if (etcd.order != 0 || etcd.lease != id || etcd.claim_revision != ORDERED) {
		return false;
	}
	etcd.revision++;
	etcd.order = id;
	return true;
}

static bool delete_order(void)
{
	if (etcd.order != id) {
		return false;
	}
	etcd.revision++;
	etcd.order = 0;
	return true;
}

static void is_taken_by(const char *node)
{
	etcd.claim_revision = ++etcd.revision;
	etcd.holder = node;
}

/* What is under way, and not yet answered. */
static bool carry_out(enum kind kind)
{
	CU_ASSERT_EQUAL(asked, kind);
	switch (kind) {
	case KIND_GRANT:
		etcd.lease = id;
		return true;
	case KIND_REVOKE:
		etcd.lease = 0;
		(void)delete_order();
		return true;
	case KIND_PUT:
		return write_order();
	case KIND_DELETE:
		return delete_order();
	case KIND_NONE:
		break;
	}
	return false;
}

static void answer(bool succeeded)
{
	char text[200], order[200];
	(void)snprintf(text, sizeof(text),
		       "{\"version\":1,\"node\":\"%s\",\"nonce\":\"0000000000000001\",\"ends\":"
		       "\"0000000000000000\",\"kind\":\"taken\",\"epoch\":1,\"ttl_ms\":3000}",
		       etcd.holder);
	(void)snprintf(order, sizeof(order),
		       "{\"version\":1,\"id\":\"%016llx\",\"from\":\"node-a\",\"target\":\"\","
		       "\"by\":\"\",\"at\":\"\",\"valid_ms\":5000}",
		       (unsigned long long)etcd.order);
	const struct oo_etcd_kv claim_kv = {
		.value = text, .value_length = strlen(text), .mod_revision = etcd.claim_revision};
	const struct oo_etcd_kv order_kv = {
		.value = order, .value_length = strlen(order), .lease = (int64_t)etcd.order};
	const struct oo_etcd_result there = {.kvs = &order_kv, .n_kvs = etcd.order != 0};
	const struct oo_etcd_result of_deletion[] = {{.kvs = &claim_kv, .n_kvs = 1}, there};
	const struct oo_etcd_answer all_of_it = {
		.revision = etcd.revision,
		.succeeded = succeeded,
		.results = asked == KIND_PUT ? &there : of_deletion,
		.n_results = asked == KIND_PUT ? 1 : 2,
	};
	asked = KIND_NONE;
	under_way.done(under_way.user, 0, &all_of_it, NULL);
}

static void lose_answer(void)
{
	struct oo_err err;
	asked = KIND_NONE;
	under_way.done(under_way.user, oo_fail(&err, ETIMEDOUT, "etcd"), NULL, &err);
}

/* -- what is asked and told */

static void run(void)
{
	while (sd_event_run(agent.event, 10000) > 0) {
	}
}

static void set_up(void)
{
	struct oo_err err;
	memset(&etcd, 0, sizeof(etcd));
	etcd.holder = "node-a";
	etcd.revision = etcd.claim_revision = pair.claim.revision = ORDERED;
	(void)snprintf(pair.claim.node, sizeof(pair.claim.node), "node-a");
	shown = 0;
	asked = KIND_NONE;
	CU_ASSERT_EQUAL_FATAL(sd_event_new(&agent.event), 0);
	CU_ASSERT_EQUAL_FATAL(agent_switchovers_new(&agent, &all, &err), 0);
}

static void tear_down(void)
{
	agent_switchovers_free(all);
	agent.event = sd_event_unref(agent.event);
}

/* The lease is there, and the order on its way. */
static void begin(void)
{
	const struct oo_order order = {.from = "node-a", .target = "node-b", .valid_ms = 5000};
	uint64_t begun;
	CU_ASSERT_EQUAL_FATAL(agent_switchover_begin(all, 0, &order, "root@node-c", &begun), 0);
	answer(carry_out(KIND_GRANT));
}

static void begin_and_show(void)
{
	begin();
	answer(carry_out(KIND_PUT));
	shown = id;
	run();
}

static void expect(const char *state)
{
	struct json_object *object = agent_switchover_new_answer(all, id), *field = NULL;
	CU_ASSERT_PTR_NOT_NULL_FATAL(object);
	CU_ASSERT(json_object_object_get_ex(object, "state", &field));
	CU_ASSERT_STRING_EQUAL(json_object_get_string(field), state);
	json_object_put(object);
}

static void test_a_late_copy_of_what_was_withdrawn_is_not_written(void)
{
	begin_and_show();
	CU_ASSERT_EQUAL(agent_switchover_withdraw(all, id, "root"), 0);
	run();
	answer(carry_out(KIND_DELETE));
	expect("waiting"); /* a copy could still be */
	run();
	answer(carry_out(KIND_REVOKE));
	run();
	answer(carry_out(KIND_DELETE));
	expect("withdrawn");
	CU_ASSERT_FALSE(write_order());
}

static void test_a_copy_that_is_carried_out_before_the_lease_ends_has_moved_it(void)
{
	begin_and_show();
	CU_ASSERT_EQUAL(agent_switchover_withdraw(all, id, "root"), 0);
	run();
	answer(carry_out(KIND_DELETE));
	CU_ASSERT(write_order());
	CU_ASSERT(delete_order());
	is_taken_by("node-b");
	run();
	answer(carry_out(KIND_REVOKE));
	run();
	answer(carry_out(KIND_DELETE));
	run();
	expect("moved");
}

static void test_an_order_whose_answer_was_lost_is_refused_once_it_cannot_come(void)
{
	begin();
	lose_answer();
	answer(carry_out(KIND_DELETE)); /* there is none, yet */
	expect("waiting");
	run();
	answer(carry_out(KIND_REVOKE));
	run();
	answer(carry_out(KIND_DELETE));
	expect("refused");
	CU_ASSERT_FALSE(write_order());
}

static void test_an_order_beside_another_is_refused_once_it_cannot_come(void)
{
	begin();
	etcd.order = id + 1;
	answer(carry_out(KIND_PUT));
	is_taken_by("node-b"); /* by the other one */
	answer(carry_out(KIND_DELETE));
	expect("waiting");
	run();
	answer(carry_out(KIND_REVOKE));
	run();
	answer(carry_out(KIND_DELETE));
	expect("refused");
}

static void test_who_takes_over_while_it_stands_was_not_ordered_to(void)
{
	begin_and_show();
	is_taken_by("node-c");
	pair.claim.revision = etcd.claim_revision;
	(void)snprintf(pair.claim.node, sizeof(pair.claim.node), "node-c");
	agent_switchovers_apply(all);
	run();
	answer(carry_out(KIND_DELETE));
	run();
	answer(carry_out(KIND_REVOKE));
	run();
	answer(carry_out(KIND_DELETE));
	expect("refused");
}

static void test_what_is_given_up_before_it_is_written_is_withdrawn_then(void)
{
	begin();
	CU_ASSERT_EQUAL(agent_switchover_withdraw(all, id, "root"), 0);
	answer(carry_out(KIND_PUT));
	run();
	answer(carry_out(KIND_DELETE));
	run();
	answer(carry_out(KIND_REVOKE));
	run();
	answer(carry_out(KIND_DELETE));
	expect("withdrawn");
}

/* The claim is known before the watch has shown the order. */
static void test_an_order_that_was_not_seen_is_looked_for_before_it_counts_as_done(void)
{
	begin();
	answer(carry_out(KIND_PUT));
	is_taken_by("node-c");
	pair.claim.revision = etcd.claim_revision;
	(void)snprintf(pair.claim.node, sizeof(pair.claim.node), "node-c");
	run();
	answer(carry_out(KIND_DELETE));
	expect("waiting");
	CU_ASSERT_EQUAL(etcd.order, 0);
}

static void test_an_order_that_is_carried_out_has_moved_it(void)
{
	begin_and_show();
	CU_ASSERT(delete_order());
	is_taken_by("node-b");
	shown = 0;
	pair.claim.revision = etcd.claim_revision;
	(void)snprintf(pair.claim.node, sizeof(pair.claim.node), "node-b");
	agent_switchovers_apply(all);
	run();
	CU_ASSERT_EQUAL(asked, KIND_NONE);
	expect("moved");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_late_copy_of_what_was_withdrawn_is_not_written),
		TEST(a_copy_that_is_carried_out_before_the_lease_ends_has_moved_it),
		TEST(an_order_whose_answer_was_lost_is_refused_once_it_cannot_come),
		TEST(an_order_beside_another_is_refused_once_it_cannot_come),
		TEST(who_takes_over_while_it_stands_was_not_ordered_to),
		TEST(what_is_given_up_before_it_is_written_is_withdrawn_then),
		TEST(an_order_that_was_not_seen_is_looked_for_before_it_counts_as_done),
		TEST(an_order_that_is_carried_out_has_moved_it),
	};
	return run_tests_in("switchover", (struct frame){set_up, tear_down}, tests,
			    OO_LENGTH(tests));
}
