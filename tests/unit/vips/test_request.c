/* What each of the core's requests compares and puts in etcd: all that the protocol rests on there. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "etcd/etcd.h"
#include "store_internal.h"
#include "story.h"

static struct oo_config config = {.node = {.name = "node-a", .zone = "az-1"}};
static struct agent agent = {.config = &config, .group_names = {"office"}};
static struct agent_store store = {.agent = &agent};
static char asked[1024];
static uint64_t by_order; /* the order that the request carries out */
static struct oo_etcd_call under_way;
static struct oo_event told;
static struct oo_order told_order;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	size_t length = strlen(asked);
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(asked + length, sizeof(asked) - length, format, arguments);
	va_end(arguments);
}

/* -- the rest of the agent */

int oo_etcd_txn(struct oo_etcd *etcd, const struct oo_etcd_txn *txn,
		const struct oo_etcd_call *call, struct oo_etcd_request **ret_request)
{
	static const char *const targets[] = {
		[OO_ETCD_TARGET_VALUE] = "value",
		[OO_ETCD_TARGET_MOD] = "mod",
		[OO_ETCD_TARGET_CREATE] = "create",
		[OO_ETCD_TARGET_LEASE] = "lease",
	};
	(void)etcd;
	(void)ret_request;
	under_way = *call;
	asked[0] = '\0';
	for (size_t i = 0; i < txn->n_compare; i++) {
		const struct oo_etcd_compare *one = &txn->compare[i];
		say("%s %s %s ", one->key, targets[one->target],
		    one->relation == OO_ETCD_GREATER ? ">" : "=");
		if (one->target == OO_ETCD_TARGET_VALUE) {
			say("%.*s; ", (int)one->value_length, one->value);
		} else {
			say("%lld; ", (long long)one->number);
		}
	}
	say("then");
	for (size_t i = 0; i < txn->n_success; i++) {
		if (txn->success[i].type == OO_ETCD_OP_PUT) {
			say(" put %s", txn->success[i].key);
		} else if (txn->success[i].type == OO_ETCD_OP_DELETE) {
			say(" delete %s", txn->success[i].key);
		}
	}
	return 0;
}

void agent_store_key(const struct agent_store *of, char key[static AGENT_KEY_LENGTH],
		     const char *format, ...)
{
	va_list arguments;
	(void)of;
	va_start(arguments, format);
	(void)vsnprintf(key, AGENT_KEY_LENGTH, format, arguments);
	va_end(arguments);
}

void agent_store_doubt(const struct agent_store *of, struct oo_claim *claim)
{
	(void)of;
	(void)claim;
}

void agent_store_note(struct agent_store *of, enum agent_affair affair, int r,
		      const struct oo_err *err)
{
	(void)of;
	(void)affair;
	(void)r;
	(void)err;
}

const char *agent_story_reason(const struct agent_story *story, unsigned group)
{
	(void)story;
	(void)group;
	return "";
}

struct oo_claim_ages agent_story_ages(const struct agent_story *story, unsigned group)
{
	(void)story;
	(void)group;
	return (struct oo_claim_ages){.left_ms = 3, .down_ms = 1};
}

void agent_tell(struct agent *of, const struct oo_event *event)
{
	(void)of;
	told = *event;
	told_order = event->orders == NULL ? (struct oo_order){0} : *event->orders;
}

/* -- what is asked */

static const char *ask(enum oo_request_op op, enum oo_claim_kind kind, const char *node)
{
	static const struct oo_pair pair = {
		.claim = {.revision = 7, .value = "CLAIM", .value_length = 5},
		.beat = {.revision = 9, .value = "BEAT", .value_length = 4},
	};
	struct oo_request request = {.op = op,
				     .kind = kind,
				     .nonce = 1,
				     .ttl_ms = 3000,
				     .order = by_order,
				     .expect = &pair};
	(void)snprintf(request.node, sizeof(request.node), "%s", node);
	memset(store.calls, 0, sizeof(store.calls));
	CU_ASSERT_EQUAL(agent_store_send(&store, 0, &request), 0);
	return asked;
}

#define LEADER "groups/office/leader"
#define BEAT "groups/office/beat"
#define BOTH "then put " LEADER " put " BEAT

static void test_a_claim_compares_the_whole_pair_and_that_nobody_paused_or_drained_us(void)
{
	CU_ASSERT_STRING_EQUAL(ask(OO_REQUEST_CLAIM, OO_CLAIM_TAKEN, "node-a"),
			       LEADER " mod = 7; " BEAT " mod = 9; " LEADER " value = CLAIM; " BEAT
				      " value = BEAT; pause mod = 0; drain/node-a mod = 0; " BOTH);
}

static void test_a_renewal_compares_the_claim_and_that_a_beat_is_there(void)
{
	CU_ASSERT_STRING_EQUAL(ask(OO_REQUEST_RENEW, OO_CLAIM_TAKEN, ""),
			       LEADER " value = CLAIM; " BEAT " create > 0; then put " BEAT);
}

static void test_an_offer_compares_the_claim_and_that_its_target_is_there_and_not_drained(void)
{
	CU_ASSERT_STRING_EQUAL(ask(OO_REQUEST_YIELD, OO_CLAIM_OFFERED, "node-b"),
			       LEADER " value = CLAIM; members/node-b create > 0; "
				      "drain/node-b mod = 0; " BOTH);
}

static void test_an_offer_by_order_compares_that_it_stands_and_deletes_it(void)
{
	by_order = 77;
	CU_ASSERT_STRING_EQUAL(ask(OO_REQUEST_YIELD, OO_CLAIM_OFFERED, "node-b"), LEADER
			       " value = CLAIM; members/node-b create > 0; "
			       "drain/node-b mod = 0; groups/office/request lease = 77; " BOTH
			       " delete groups/office/request");
	by_order = 0;
}

#define ORDER_77                                                                                   \
	"{\"version\":1,\"id\":\"000000000000004d\",\"from\":\"node-a\",\"target\":\"node-b\","    \
	"\"by\":\"root@node-c\",\"at\":\"\",\"valid_ms\":5000}"

/* What a refused txn reads: leader, beat, pause, drain, order. */
static void refuse(const struct oo_etcd_kv *drain, const struct oo_etcd_kv *order, size_t n)
{
	const struct oo_etcd_result results[] = {
		{.n_kvs = 0},
		{.n_kvs = 0},
		{.n_kvs = 0},
		{.kvs = drain, .n_kvs = drain != NULL},
		{.kvs = order, .n_kvs = order != NULL},
	};
	under_way.done(under_way.user, 0,
		       &(struct oo_etcd_answer){.revision = 9, .results = results, .n_results = n},
		       NULL);
}

static void test_a_refusal_tells_of_the_drain_and_of_the_order(void)
{
	const struct oo_etcd_kv drain = {.value = "{}", .value_length = 2};
	const struct oo_etcd_kv order = {.value = ORDER_77, .lease = 77};
	(void)ask(OO_REQUEST_CLAIM, OO_CLAIM_TAKEN, "node-a");
	refuse(&drain, &order, 5);
	CU_ASSERT_EQUAL(told.outcome, OO_OUTCOME_REFUSED);
	CU_ASSERT(told.drained);
	CU_ASSERT_FALSE(told.paused);
	CU_ASSERT_EQUAL(told_order.id, 77);
	CU_ASSERT_STRING_EQUAL(told_order.target, "node-b");
	(void)ask(OO_REQUEST_CLAIM, OO_CLAIM_TAKEN, "node-a");
	refuse(NULL, NULL, 5);
	CU_ASSERT_FALSE(told.drained);
	CU_ASSERT_EQUAL(told_order.id, 0);
}

static void test_an_answer_of_another_shape_is_not_believed(void)
{
	(void)ask(OO_REQUEST_CLAIM, OO_CLAIM_TAKEN, "node-a");
	refuse(NULL, NULL, 3);
	CU_ASSERT_EQUAL(told.outcome, OO_OUTCOME_UNKNOWN);
	CU_ASSERT_PTR_NULL(told.pairs);
}

static void test_a_release_compares_the_claim(void)
{
	CU_ASSERT_STRING_EQUAL(ask(OO_REQUEST_YIELD, OO_CLAIM_RELEASED, ""),
			       LEADER " value = CLAIM; " BOTH);
}

static void test_a_fresh_claim_compares_the_claim(void)
{
	CU_ASSERT_STRING_EQUAL(ask(OO_REQUEST_RECLAIM, OO_CLAIM_TAKEN, "node-a"),
			       LEADER " value = CLAIM; " BOTH);
}

static void test_a_mark_compares_that_there_is_no_claim(void)
{
	CU_ASSERT_STRING_EQUAL(ask(OO_REQUEST_MARK, OO_CLAIM_RELEASED, ""),
			       LEADER " mod = 0; " BOTH);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_claim_compares_the_whole_pair_and_that_nobody_paused_or_drained_us),
		TEST(a_renewal_compares_the_claim_and_that_a_beat_is_there),
		TEST(an_offer_compares_the_claim_and_that_its_target_is_there_and_not_drained),
		TEST(an_offer_by_order_compares_that_it_stands_and_deletes_it),
		TEST(a_refusal_tells_of_the_drain_and_of_the_order),
		TEST(an_answer_of_another_shape_is_not_believed),
		TEST(a_release_compares_the_claim),
		TEST(a_fresh_claim_compares_the_claim),
		TEST(a_mark_compares_that_there_is_no_claim),
	};
	return run_tests("requests", tests, OO_LENGTH(tests));
}
