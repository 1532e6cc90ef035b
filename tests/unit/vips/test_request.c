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
	};
	(void)etcd;
	(void)call;
	(void)ret_request;
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

void agent_tell(struct agent *of, const struct oo_event *event)
{
	(void)of;
	(void)event;
}

/* -- what is asked */

static const char *ask(enum oo_request_op op, enum oo_claim_kind kind, const char *node)
{
	static const struct oo_pair pair = {
		.claim = {.revision = 7, .value = "CLAIM", .value_length = 5},
		.beat = {.revision = 9, .value = "BEAT", .value_length = 4},
	};
	struct oo_request request = {
		.op = op, .kind = kind, .nonce = 1, .ttl_ms = 3000, .expect = &pair};
	(void)snprintf(request.node, sizeof(request.node), "%s", node);
	memset(store.calls, 0, sizeof(store.calls));
	CU_ASSERT_EQUAL(agent_store_send(&store, 0, &request), 0);
	return asked;
}

#define LEADER "groups/office/leader"
#define BEAT "groups/office/beat"
#define BOTH "then put " LEADER " put " BEAT

static void test_a_claim_compares_the_whole_pair_and_that_nobody_paused(void)
{
	CU_ASSERT_STRING_EQUAL(ask(OO_REQUEST_CLAIM, OO_CLAIM_TAKEN, "node-a"),
			       LEADER " mod = 7; " BEAT " mod = 9; " LEADER " value = CLAIM; " BEAT
				      " value = BEAT; pause mod = 0; " BOTH);
}

static void test_a_renewal_compares_the_claim_and_that_a_beat_is_there(void)
{
	CU_ASSERT_STRING_EQUAL(ask(OO_REQUEST_RENEW, OO_CLAIM_TAKEN, ""),
			       LEADER " value = CLAIM; " BEAT " create > 0; then put " BEAT);
}

static void test_an_offer_compares_the_claim_and_that_its_target_is_there(void)
{
	CU_ASSERT_STRING_EQUAL(ask(OO_REQUEST_YIELD, OO_CLAIM_OFFERED, "node-b"),
			       LEADER " value = CLAIM; members/node-b create > 0; " BOTH);
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
		TEST(a_claim_compares_the_whole_pair_and_that_nobody_paused),
		TEST(a_renewal_compares_the_claim_and_that_a_beat_is_there),
		TEST(an_offer_compares_the_claim_and_that_its_target_is_there),
		TEST(a_release_compares_the_claim),
		TEST(a_fresh_claim_compares_the_claim),
		TEST(a_mark_compares_that_there_is_no_claim),
	};
	return run_tests("requests", tests, OO_LENGTH(tests));
}
