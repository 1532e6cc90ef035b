/* Watch messages, from bytes that etcd 3.4.23 sent. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/message.h"
#include "run.h"

#define HEADER(revision)                                                                           \
	"\"header\":{\"cluster_id\":\"324952591200643719\","                                       \
	"\"member_id\":\"3319814642761637952\",\"revision\":\"" #revision                          \
	"\",\"raft_term\":\"2\"}"

#define MESSAGE(name, bytes)                                                                       \
	OO_AUTO(oo_etcd_message_done) struct oo_etcd_message name = {0};                           \
	struct oo_etcd_failure name##_failure = {.text = ""};                                      \
	CU_ASSERT_EQUAL_FATAL(                                                                     \
		oo_etcd_message_decode(bytes, strlen(bytes), &name, &name##_failure), 0)

static void test_the_first_message_says_that_the_watch_stands(void)
{
	MESSAGE(message, "{\"result\":{" HEADER(4) ",\"created\":true}}");
	CU_ASSERT_TRUE(message.created);
	CU_ASSERT_FALSE(message.canceled);
	CU_ASSERT_EQUAL(message.revision, 4);
	CU_ASSERT_EQUAL(message.n_events, 0);
	CU_ASSERT_EQUAL(message.last_revision, 0);
}

static const char events[] = "{\"result\":{" HEADER(
	9) ",\"events\":[{\"kv\":{\"key\":\"dy8x\",\"create_revision\":\"5\","
	   "\"mod_revision\":\"5\",\"version\":\"1\",\"value\":\"dg==\",\"lease\":\"7\"}},"
	   "{\"type\":\"DELETE\",\"kv\":{\"key\":\"dy8x\",\"mod_revision\":\"6\"},\"prev_"
	   "kv\":{\"key\":\"dy8x\",\"create_revision\":\"5\",\"mod_revision\":\"5\"}},"
	   "{\"type\":0,\"kv\":{\"key\":\"dwAx\",\"mod_revision\":\"7\"}}]}}";

static void test_puts_and_deletes_are_told_apart(void)
{
	MESSAGE(message, events);
	CU_ASSERT_EQUAL_FATAL(message.n_events, 2); /* the third has a NUL in its key */
	CU_ASSERT_FALSE(message.events[0].deleted);
	CU_ASSERT_STRING_EQUAL(message.events[0].kv.key, "w/1");
	CU_ASSERT_STRING_EQUAL(message.events[0].kv.value, "v");
	CU_ASSERT_EQUAL(message.events[0].kv.lease, 7);
	CU_ASSERT_TRUE(message.events[1].deleted);
	CU_ASSERT_EQUAL(message.events[1].kv.mod_revision, 6);
	CU_ASSERT_EQUAL(message.last_revision, 7);
	CU_ASSERT_EQUAL(message.revision, 9); /* ahead of the events: not where to go on from */
}

static void test_what_was_told_already_is_trimmed(void)
{
	MESSAGE(message, events);
	oo_etcd_message_trim(&message, 6);
	CU_ASSERT_EQUAL_FATAL(message.n_events, 1);
	CU_ASSERT_EQUAL(message.events[0].kv.mod_revision, 6);
	oo_etcd_message_trim(&message, 8);
	CU_ASSERT_EQUAL(message.n_events, 0);
}

static void test_a_compacted_start_is_out_of_range(void)
{
	MESSAGE(message, "{\"result\":{\"header\":{\"cluster_id\":\"1\"},\"canceled\":true,"
			 "\"compact_revision\":\"5\"}}");
	CU_ASSERT_TRUE(message.canceled);
	CU_ASSERT_EQUAL(message.compact_revision, 5);
	CU_ASSERT_EQUAL(message.failure.r, -ERANGE);
	CU_ASSERT_STRING_EQUAL(message.failure.text, "the revisions up to 5 are compacted");
}

static void test_a_refused_watch_is_created_and_canceled_at_once(void)
{
	MESSAGE(message,
		"{\"result\":{" HEADER(8) ",\"watch_id\":\"-1\",\"created\":true,\"canceled\":true,"
					  "\"cancel_reason\":\"rpc error: code = PermissionDenied "
					  "desc = etcdserver: permission denied\"}}");
	CU_ASSERT_TRUE(message.canceled);
	CU_ASSERT_EQUAL(message.failure.r, -EACCES);
	CU_ASSERT_EQUAL(message.failure.remedy, OO_ETCD_GIVE_UP);
}

static void test_a_cancel_without_a_reason_is_for_another_member(void)
{
	MESSAGE(message, "{\"result\":{" HEADER(8) ",\"canceled\":true}}");
	CU_ASSERT_EQUAL(message.failure.remedy, OO_ETCD_ASK_ANOTHER);
	CU_ASSERT_STRING_EQUAL(message.failure.text, "canceled by the member");
}

static void test_errors_in_the_stream_and_bad_messages_end_it(void)
{
	static const struct {
		const char *body;
		int error;
		const char *text;
	} rows[] = {
		{"{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no "
		 "leader\",\"http_status\":\"Service Unavailable\"}}",
		 EAGAIN, "etcdserver: no leader"},
		{"{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"transport is "
		 "closing\",\"http_status\":\"Service Unavailable\"}}",
		 ETIMEDOUT, "transport is closing"},
		/* 3.6 */
		{"{ \"error\": {\"code\":1,  \"message\":\"context canceled\"}}", ETIMEDOUT,
		 "context canceled"},
		{"{}", EPROTO, "not a watch message of etcd's: no header"},
		{"{\"result\":[]}", EPROTO, "not a watch message of etcd's: no header"},
		{"{\"result\"", EPROTO, "not a watch message of etcd's: not JSON: cut short"},
		{"{\"result\":{" HEADER(1) ",\"events\":[{\"type\":\"RENAME\"}]}}", EPROTO,
		 "not a watch message of etcd's: an event of unknown type"},
		{"{\"result\":{" HEADER(1) ",\"events\":[null]}}", EPROTO,
		 "not a watch message of etcd's: a key-value pair without a key"},
		{"{\"result\":{" HEADER(1) ",\"created\":1}}", EPROTO,
		 "not a watch message of etcd's: \"created\" is not true or false"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_etcd_message message = {0};
		struct oo_etcd_failure failure = {.text = ""};
		int r = oo_etcd_message_decode(rows[i].body, strlen(rows[i].body), &message,
					       &failure);
		CU_ASSERT_EQUAL(r, -rows[i].error);
		CU_ASSERT_EQUAL(failure.remedy, OO_ETCD_ASK_ANOTHER);
		CU_ASSERT_STRING_EQUAL(failure.text, rows[i].text);
	}
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_the_first_message_says_that_the_watch_stands),
		OO_TEST(test_puts_and_deletes_are_told_apart),
		OO_TEST(test_what_was_told_already_is_trimmed),
		OO_TEST(test_a_compacted_start_is_out_of_range),
		OO_TEST(test_a_refused_watch_is_created_and_canceled_at_once),
		OO_TEST(test_a_cancel_without_a_reason_is_for_another_member),
		OO_TEST(test_errors_in_the_stream_and_bad_messages_end_it),
	};
	return run_tests("etcd message", tests, OO_LENGTH(tests));
}
