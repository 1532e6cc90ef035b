/* Answers, from bytes that etcd 3.4.23 sent; variants of 3.6 are marked. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/decode.h"
#include "run.h"

#define HEADER                                                                                     \
	"\"header\":{\"cluster_id\":\"324952591200643719\","                                       \
	"\"member_id\":\"13319814642761637952\",\"revision\":\"4\",\"raft_term\":\"2\"}"

#define DECODED(name, kind, bytes)                                                                 \
	OO_AUTO(oo_etcd_decoded_done) struct oo_etcd_decoded name = {0};                           \
	struct oo_etcd_failure name##_failure = {.text = ""};                                      \
	CU_ASSERT_EQUAL_FATAL(                                                                     \
		oo_etcd_decode(kind, 200, bytes, strlen(bytes), &name, &name##_failure), 0)

static void test_the_header_names_cluster_member_and_revision(void)
{
	DECODED(put, OO_ETCD_KIND_PUT, "{" HEADER "}");
	CU_ASSERT_EQUAL(put.answer.cluster_id, 324952591200643719u);
	CU_ASSERT_EQUAL(put.answer.member_id, 13319814642761637952u); /* beyond int64 */
	CU_ASSERT_EQUAL(put.answer.revision, 4);
	CU_ASSERT_EQUAL(put.answer.n_results, 1);
	CU_ASSERT_EQUAL(put.answer.results[0].n_kvs, 0);
}

static void test_a_txn_that_held_brings_the_results_of_its_branch(void)
{
	DECODED(txn, OO_ETCD_KIND_TXN,
		"{" HEADER ",\"succeeded\":true,\"responses\":["
		"{\"response_put\":{\"header\":{\"revision\":\"3\"}}},"
		"{\"response_delete_range\":{\"header\":{\"revision\":\"3\"},\"deleted\":\"1\"}},"
		"{\"response_range\":{\"header\":{\"revision\":\"3\"}}}]}");
	CU_ASSERT_TRUE(txn.answer.succeeded);
	CU_ASSERT_EQUAL_FATAL(txn.answer.n_results, 3);
	CU_ASSERT_EQUAL(txn.answer.results[1].deleted, 1);
	CU_ASSERT_EQUAL(txn.answer.results[2].count, 0);
}

static void test_a_txn_that_did_not_hold_has_no_succeeded_member(void)
{
	DECODED(txn, OO_ETCD_KIND_TXN,
		"{" HEADER ",\"responses\":[{\"response_range\":{\"header\":{\"revision\":\"2\"},"
		"\"kvs\":[{\"key\":\"aw==\",\"create_revision\":\"2\",\"mod_revision\":\"3\","
		"\"version\":\"1\",\"value\":\"dg==\",\"lease\":\"77\"}],\"count\":\"1\"}},"
		"{\"response_delete_range\":{\"header\":{\"revision\":\"2\"}}}]}");
	CU_ASSERT_FALSE(txn.answer.succeeded);
	CU_ASSERT_EQUAL_FATAL(txn.answer.n_results, 2);
	CU_ASSERT_EQUAL_FATAL(txn.answer.results[0].n_kvs, 1);
	const struct oo_etcd_kv *kv = &txn.answer.results[0].kvs[0];
	CU_ASSERT_STRING_EQUAL(kv->key, "k");
	CU_ASSERT_STRING_EQUAL(kv->value, "v");
	CU_ASSERT_EQUAL(kv->value_length, 1);
	CU_ASSERT_EQUAL(kv->create_revision, 2);
	CU_ASSERT_EQUAL(kv->mod_revision, 3);
	CU_ASSERT_EQUAL(kv->version, 1);
	CU_ASSERT_EQUAL(kv->lease, 77);
	CU_ASSERT_EQUAL(txn.answer.results[0].count, 1);
	CU_ASSERT_EQUAL(txn.answer.results[1].deleted, 0);
}

static void test_numbers_and_random_spaces_of_3_6_are_read(void)
{
	DECODED(range, OO_ETCD_KIND_RANGE,
		"{ \"header\":  {\"cluster_id\":\"1\", \"member_id\": 18446744073709551615,"
		"  \"revision\": 4}, \"kvs\": [ {\"key\": \"ZQ==\",  \"mod_revision\":3} ],"
		" \"count\":  1}\n");
	CU_ASSERT_EQUAL(range.answer.member_id, UINT64_MAX);
	CU_ASSERT_EQUAL_FATAL(range.answer.results[0].n_kvs, 1);
	CU_ASSERT_EQUAL(range.answer.results[0].kvs[0].mod_revision, 3);
	CU_ASSERT_STRING_EQUAL(range.answer.results[0].kvs[0].value, ""); /* left out when empty */
}

static void test_an_absent_key_is_an_empty_result(void)
{
	DECODED(range, OO_ETCD_KIND_RANGE, "{" HEADER "}");
	CU_ASSERT_EQUAL(range.answer.results[0].n_kvs, 0);
	CU_ASSERT_EQUAL(range.answer.results[0].count, 0);
	CU_ASSERT_PTR_NOT_NULL(range.answer.results[0].kvs);
}

static void test_a_key_with_a_nul_in_it_is_left_out(void)
{
	/* "a\0b", then "a": as C strings they would be the same key */
	DECODED(range, OO_ETCD_KIND_RANGE,
		"{" HEADER ",\"kvs\":[{\"key\":\"YQBi\",\"mod_revision\":\"1\"},"
		"{\"key\":\"YQ==\",\"mod_revision\":\"2\",\"value\":\"AAE=\"}],\"count\":\"2\"}");
	CU_ASSERT_EQUAL_FATAL(range.answer.results[0].n_kvs, 1);
	CU_ASSERT_EQUAL(range.answer.results[0].kvs[0].mod_revision, 2);
	CU_ASSERT_EQUAL(range.answer.results[0].kvs[0].value_length, 2); /* values may have one */
	CU_ASSERT_EQUAL(memcmp(range.answer.results[0].kvs[0].value, "\0\1", 3), 0);
}

static void test_a_lease_that_is_gone_has_no_ttl(void)
{
	DECODED(alive, OO_ETCD_KIND_RENEW,
		"{\"result\":{" HEADER ",\"ID\":\"77\",\"TTL\":\"2\"}}\n");
	CU_ASSERT_EQUAL(alive.answer.lease_id, 77);
	CU_ASSERT_EQUAL(alive.answer.lease_ttl_s, 2);
	DECODED(gone, OO_ETCD_KIND_RENEW, "{\"result\":{" HEADER ",\"ID\":\"999\"}}\n");
	CU_ASSERT_EQUAL(gone.answer.lease_id, 999);
	CU_ASSERT_EQUAL(gone.answer.lease_ttl_s, 0);
	DECODED(look, OO_ETCD_KIND_LOOK, "{" HEADER ",\"ID\":\"999\",\"TTL\":\"-1\"}");
	CU_ASSERT_EQUAL(look.answer.lease_ttl_s, -1);
	DECODED(grant, OO_ETCD_KIND_GRANT, "{" HEADER ",\"ID\":\"77\",\"TTL\":\"2\"}");
	CU_ASSERT_EQUAL(grant.answer.lease_ttl_s, 2);
}

static void test_members_status_and_alarms_are_read(void)
{
	DECODED(members, OO_ETCD_KIND_MEMBERS,
		"{" HEADER ",\"members\":[{\"ID\":\"13319814642761637952\",\"name\":\"n1\","
		"\"peerURLs\":[\"http://127.0.0.1:23800\"],\"clientURLs\":[\"http://a\",\"http://"
		"b\""
		"]},{\"ID\":\"5\",\"peerURLs\":[\"http://127.0.0.1:1\"],\"isLearner\":true}]}");
	CU_ASSERT_EQUAL_FATAL(members.answer.n_members, 2);
	CU_ASSERT_EQUAL(members.answer.members[0].id, 13319814642761637952u);
	CU_ASSERT_STRING_EQUAL(members.answer.members[0].name, "n1");
	CU_ASSERT_EQUAL_FATAL(members.answer.members[0].n_client_urls, 2);
	CU_ASSERT_STRING_EQUAL(members.answer.members[0].client_urls[1], "http://b");
	CU_ASSERT_STRING_EQUAL(members.answer.members[1].name, "");
	CU_ASSERT_TRUE(members.answer.members[1].is_learner);
	DECODED(status, OO_ETCD_KIND_STATUS,
		"{" HEADER ",\"version\":\"3.4.23\",\"dbSize\":\"24576\",\"leader\":"
		"\"13319814642761637952\",\"raftIndex\":\"12\",\"raftTerm\":\"2\","
		"\"raftAppliedIndex\":\"12\",\"dbSizeInUse\":\"16384\","
		"\"errors\":[\"etcdserver: no leader\"]}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(status.answer.status);
	CU_ASSERT_STRING_EQUAL(status.answer.status->version, "3.4.23");
	CU_ASSERT_EQUAL(status.answer.status->db_size_bytes, 24576);
	CU_ASSERT_EQUAL(status.answer.status->db_size_in_use_bytes, 16384);
	CU_ASSERT_EQUAL(status.answer.status->leader_id, 13319814642761637952u);
	CU_ASSERT_EQUAL_FATAL(status.answer.status->n_errors, 1);
	CU_ASSERT_STRING_EQUAL(status.answer.status->errors[0], "etcdserver: no leader");
	DECODED(none, OO_ETCD_KIND_ALARMS, "{}");
	CU_ASSERT_EQUAL(none.answer.n_alarms, 0);
	DECODED(full, OO_ETCD_KIND_ALARMS,
		"{\"alarms\":[{\"memberID\":\"7\",\"alarm\":\"NOSPACE\"}]}");
	CU_ASSERT_EQUAL_FATAL(full.answer.n_alarms, 1);
	CU_ASSERT_STRING_EQUAL(full.answer.alarms[0].name, "NOSPACE");
}

static void test_a_token_that_cannot_be_a_header_is_refused(void)
{
	DECODED(login, OO_ETCD_KIND_LOGIN, "{" HEADER ",\"token\":\"KMoLiAUgQBmdEXlO.27\"}");
	CU_ASSERT_STRING_EQUAL(login.token, "KMoLiAUgQBmdEXlO.27");
	static const char *const bad[] = {
		"{" HEADER "}",
		"{" HEADER ",\"token\":\"a\\r\\nX-Evil: 1\"}",
		"{" HEADER ",\"token\":\"a b\"}",
	};
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		struct oo_etcd_decoded decoded = {0};
		struct oo_etcd_failure failure;
		CU_ASSERT_EQUAL(oo_etcd_decode(OO_ETCD_KIND_LOGIN, 200, bad[i], strlen(bad[i]),
					       &decoded, &failure),
				-EPROTO);
		CU_ASSERT_STRING_EQUAL(failure.text,
				       "not an answer of etcd's: a login without a usable token");
	}
}

static void test_bad_answers_are_refused_with_the_place(void)
{
	static const struct {
		enum oo_etcd_kind kind;
		const char *text, *error;
	} rows[] = {
		{OO_ETCD_KIND_RANGE, "", "not JSON: cut short"},
		{OO_ETCD_KIND_RANGE, "{" HEADER, "not JSON: cut short"},
		{OO_ETCD_KIND_RANGE, "{" HEADER ",\"count\":'1'}",
		 "not JSON: unexpected character"},
		{OO_ETCD_KIND_RANGE, "{x", "not JSON: quoted object property name expected"},
		{OO_ETCD_KIND_RANGE, "{}", "no header"},
		{OO_ETCD_KIND_RANGE, "{\"header\":5}garbage",
		 "not JSON: more follows the first value"},
		{OO_ETCD_KIND_RANGE, "{\"header\":{\"revision\":\"4x\"}}",
		 "\"revision\" is not an int64"},
		{OO_ETCD_KIND_RANGE, "{\"header\":{\"revision\":\" 4\"}}",
		 "\"revision\" is not an int64"},
		{OO_ETCD_KIND_RANGE, "{\"header\":{\"revision\":\"-\"}}",
		 "\"revision\" is not an int64"},
		{OO_ETCD_KIND_RANGE, "{\"header\":{\"revision\":\"9223372036854775808\"}}",
		 "\"revision\" is not an int64"},
		{OO_ETCD_KIND_RANGE, "{\"header\":{\"revision\":4.5}}",
		 "\"revision\" is not an int64"},
		{OO_ETCD_KIND_RANGE, "{\"header\":{\"cluster_id\":\"-1\"}}",
		 "\"cluster_id\" is not a uint64"},
		{OO_ETCD_KIND_RANGE, "{" HEADER ",\"kvs\":{}}", "\"kvs\" is not an array"},
		{OO_ETCD_KIND_RANGE, "{" HEADER ",\"kvs\":[5]}", "a key-value pair without a key"},
		{OO_ETCD_KIND_RANGE, "{" HEADER ",\"kvs\":[{\"key\":\"a\"}]}",
		 "\"key\" is not base64"},
		{OO_ETCD_KIND_RANGE, "{" HEADER ",\"kvs\":[{\"key\":\"aw==\",\"value\":1}]}",
		 "\"value\" is not a string"},
		{OO_ETCD_KIND_TXN, "{" HEADER ",\"succeeded\":\"true\"}",
		 "\"succeeded\" is not true or false"},
		{OO_ETCD_KIND_TXN, "{" HEADER ",\"responses\":[{}]}",
		 "a txn's response of no known kind"},
		{OO_ETCD_KIND_MEMBERS, "{" HEADER ",\"members\":[{\"clientURLs\":[null]}]}",
		 "\"clientURLs\" has more than strings"},
		{OO_ETCD_KIND_RANGE, "{\"a\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}",
		 "not JSON: nesting too deep"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_etcd_decoded decoded = {.token = "untouched"};
		struct oo_etcd_failure failure = {.text = ""};
		int r = oo_etcd_decode(rows[i].kind, 200, rows[i].text, strlen(rows[i].text),
				       &decoded, &failure);
		CU_ASSERT_EQUAL(r, -EPROTO);
		CU_ASSERT_EQUAL(failure.remedy, OO_ETCD_ASK_ANOTHER);
		CU_ASSERT_EQUAL(strncmp(failure.text, "not an answer of etcd's: ", 25), 0);
		CU_ASSERT_STRING_EQUAL(failure.text + 25, rows[i].error);
		CU_ASSERT_STRING_EQUAL(decoded.token, "untouched");
	}
}

/* Every beginning of an answer, and every answer with one byte gone wrong. */
static void test_damaged_answers_never_crash(void)
{
	static const char good[] =
		"{" HEADER ",\"responses\":[{\"response_range\":{\"header\":{\"revision\":\"2\"},"
		"\"kvs\":[{\"key\":\"aw==\",\"mod_revision\":\"3\",\"value\":\"dg==\"}]}}]}";
	static const char bytes[] = {'\0', '"', '}', '5', '\xff'};
	size_t refused = 0;
	for (size_t i = 0; i < strlen(good); i++) {
		for (size_t j = 0; j <= OO_LENGTH(bytes); j++) {
			size_t length = j == 0 ? i : strlen(good);
			char *damaged = malloc(length + 1);
			CU_ASSERT_PTR_NOT_NULL_FATAL(damaged);
			memcpy(damaged, good, length);
			if (j > 0) {
				damaged[i] = bytes[j - 1];
			}
			struct oo_etcd_decoded decoded = {0};
			struct oo_etcd_failure failure;
			refused += oo_etcd_decode(OO_ETCD_KIND_TXN, 200, damaged, length, &decoded,
						  &failure) < 0;
			oo_etcd_decoded_done(&decoded);
			free(damaged);
		}
	}
	CU_ASSERT_TRUE(refused > strlen(good));
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_the_header_names_cluster_member_and_revision),
		OO_TEST(test_a_txn_that_held_brings_the_results_of_its_branch),
		OO_TEST(test_a_txn_that_did_not_hold_has_no_succeeded_member),
		OO_TEST(test_numbers_and_random_spaces_of_3_6_are_read),
		OO_TEST(test_an_absent_key_is_an_empty_result),
		OO_TEST(test_a_key_with_a_nul_in_it_is_left_out),
		OO_TEST(test_a_lease_that_is_gone_has_no_ttl),
		OO_TEST(test_members_status_and_alarms_are_read),
		OO_TEST(test_a_token_that_cannot_be_a_header_is_refused),
		OO_TEST(test_bad_answers_are_refused_with_the_place),
		OO_TEST(test_damaged_answers_never_crash),
	};
	return run_tests("etcd decode", tests, OO_LENGTH(tests));
}
