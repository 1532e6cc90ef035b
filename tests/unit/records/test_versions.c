/* Records of a later version than ours. */
#include "records.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"

static struct oo_claim read_claim(const char *text)
{
	struct oo_claim claim;
	oo_record_read_claim(text, strlen(text), &claim);
	return claim;
}

static bool is_strangers(const struct oo_claim *claim)
{
	return claim->nonce == 0 && claim->ttl_ms == 0 && claim->node[0] == '\0';
}

/* As a next version might write them: more fields, other kinds, no epoch. */
static void test_a_claim_of_the_next_version_is_one(void)
{
	static const char *const rows[] = {
		"{\"version\":2,\"node\":\"node-a\",\"nonce\":\"00000000000000ab\",\"kind\":"
		"\"lent\","
		"\"ttl_ms\":3000,\"to\":{\"node\":\"node-b\",\"until\":[1,2]},\"term\":\"7.1\"}",
		"{\"version\":3,\"node\":\"node-a\",\"nonce\":\"00000000000000ab\",\"ttl_ms\":"
		"3000}",
		"{\"version\":2,\"node\":\"node-a\",\"nonce\":\"00000000000000ab\",\"kind\":"
		"\"taken\","
		"\"epoch\":{\"era\":1,\"number\":7},\"ttl_ms\":3000,\"reason\":{\"code\":4}}",
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_claim claim = read_claim(rows[i]);
		CU_ASSERT_EQUAL(claim.nonce, 0xab);
		CU_ASSERT_EQUAL(claim.ttl_ms, 3000);
		CU_ASSERT_EQUAL(claim.kind, OO_CLAIM_TAKEN);
		CU_ASSERT_STRING_EQUAL(claim.node, "node-a");
		CU_ASSERT_EQUAL(claim.value_length, strlen(rows[i]));
	}
	struct oo_claim claim = read_claim(
		"{\"version\":2,\"node\":\"\",\"nonce\":\"00000000000000ac\",\"ends\":"
		"\"00000000000000ab\",\"kind\":\"released\",\"ttl_ms\":3000,\"epoch\":8}");
	CU_ASSERT_EQUAL(claim.kind, OO_CLAIM_RELEASED);
	CU_ASSERT_EQUAL(claim.ends, 0xab);
	CU_ASSERT_EQUAL(claim.epoch, 8);
}

static void test_a_claim_of_the_next_version_without_what_counts_is_a_strangers(void)
{
	static const char *const rows[] = {
		"{\"version\":2,\"nonce\":\"00000000000000ab\",\"kind\":\"lent\",\"ttl_ms\":3000}",
		"{\"version\":2,\"node\":\"\",\"nonce\":\"00000000000000ab\",\"kind\":\"lent\","
		"\"ttl_ms\":3000}",
		"{\"version\":2,\"node\":\"node-a\",\"kind\":\"lent\",\"ttl_ms\":3000}",
		"{\"version\":2,\"node\":\"node-a\",\"nonce\":\"00000000000000ab\",\"kind\":"
		"\"lent\"}",
		"{\"version\":\"2\",\"node\":\"node-a\",\"nonce\":\"00000000000000ab\","
		"\"kind\":\"lent\",\"ttl_ms\":3000}",
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_claim claim = read_claim(rows[i]);
		CU_ASSERT(is_strangers(&claim));
	}
}

static void test_what_is_added_to_a_record_leaves_all_else(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	oo_buffer_init(&buffer, 1024);
	CU_ASSERT_EQUAL(
		oo_record_add("{\"version\":2,\"at\":\"noon\",\"cost\":1.25,\"path\":[\"a/b\","
			      "{\"c\":null}]}",
			      "diagnosis", json_object_new_string("full"), &buffer),
		0);
	CU_ASSERT_STRING_EQUAL(buffer.data, "{\"version\":2,\"at\":\"noon\",\"cost\":1.25,"
					    "\"path\":[\"a/b\",{\"c\":null}],"
					    "\"diagnosis\":\"full\"}");
	CU_ASSERT_EQUAL(oo_record_add("[]", "diagnosis", json_object_new_string("x"), &buffer),
			-EPROTO);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_claim_of_the_next_version_is_one),
		TEST(a_claim_of_the_next_version_without_what_counts_is_a_strangers),
		TEST(what_is_added_to_a_record_leaves_all_else),
	};
	return run_tests("records: versions", tests, OO_LENGTH(tests));
}
