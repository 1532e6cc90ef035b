/* What people read of a claim, and what it says to who is given it; and beats. */
#include "records.h"

#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"

/* A claim that is fine, and may say more. */
#define NODE "\"node\":\"node-a\","
#define NONCE "\"nonce\":\"00000000000000ab\","
#define KIND "\"kind\":\"taken\","
#define EPOCH "\"epoch\":7,"
#define TTL "\"ttl_ms\":3000"

static const char claim_text[] =
	"{\"version\":1,\"node\":\"node-a\",\"zone\":\"az-1\",\"by\":\"node-a\","
	"\"nonce\":\"00000000000000ab\",\"kind\":\"taken\",\"epoch\":7,\"ttl_ms\":3000,"
	"\"acquired_at\":\"2026-01-31T12:00:00.123Z\",\"reason\":\"no holder known to etcd\"}";

static struct oo_request new_request(enum oo_claim_kind kind, const char *node)
{
	struct oo_request request = {
		.nonce = 0xab, .kind = kind, .epoch = 7, .ttl_ms = 3000, .beat = 1};
	memcpy(request.node, node, strlen(node));
	return request;
}

static struct oo_claim read_claim(const char *text)
{
	struct oo_claim claim;
	memset(&claim, 0x5a, sizeof(claim)); /* all of it is to be set */
	oo_record_read_claim(text, strlen(text), &claim);
	return claim;
}

static void test_who_gives_away_says_why_and_for_how_long(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	struct oo_request request = new_request(OO_CLAIM_OFFERED, "node-b");
	struct oo_claim_record record = {.node = "node-a",
					 .zone = "",
					 .reason = "",
					 .request = &request,
					 .ages = {.left_ms = 7, .down_ms = 3}};
	struct oo_claim_text text;
	request.op = OO_REQUEST_YIELD;
	request.cause = OO_CAUSE_SWITCHOVER;
	oo_buffer_init(&buffer, OO_CORE_VALUE_LENGTH);
	CU_ASSERT_EQUAL_FATAL(oo_record_write_claim(&record, &buffer), 0);
	struct oo_claim claim = read_claim(buffer.data);
	oo_record_read_claim_text(&claim, &text);
	CU_ASSERT_STRING_EQUAL(text.cause, "switchover");
	CU_ASSERT_EQUAL(text.ages.left_ms, 7);
	CU_ASSERT_EQUAL(text.ages.down_ms, 3);
}

/* An agent of an earlier version, or nonsense. */
static void test_ages_that_were_not_said_are_none(void)
{
	static const char *const rows[] = {
		"{" NODE NONCE KIND EPOCH TTL "}",
		"{" NODE NONCE KIND EPOCH TTL ",\"left_ms\":-5,\"down_ms\":\"3\"}",
		"{" NODE NONCE KIND EPOCH TTL ",\"left_ms\":9e9,\"down_ms\":99999999999}",
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_claim claim = read_claim(rows[i]);
		struct oo_claim_text text;
		oo_record_read_claim_text(&claim, &text);
		CU_ASSERT_EQUAL(text.ages.left_ms, -1);
		CU_ASSERT_EQUAL(text.ages.down_ms, -1);
		CU_ASSERT_STRING_EQUAL(text.cause, "");
	}
}

static void test_people_read_zone_time_and_reason_of_a_claim(void)
{
	struct oo_claim claim = read_claim(claim_text);
	struct oo_claim_text text;
	oo_record_read_claim_text(&claim, &text);
	CU_ASSERT_STRING_EQUAL(text.zone, "az-1");
	CU_ASSERT_STRING_EQUAL(text.acquired_at, "2026-01-31T12:00:00.123Z");
	CU_ASSERT_STRING_EQUAL(text.reason, "no holder known to etcd");
}

static void test_what_people_read_of_a_strange_claim_is_empty_or_clipped(void)
{
	static const char *const empty[] = {"", "x", "[]",
					    "{\"zone\":7,\"acquired_at\":null,\"reason\":[\"x\"]}",
					    "{\"zone\":\"a\\u0000b\"}"};
	struct oo_claim_text text;
	char value[600];

	for (size_t i = 0; i < OO_LENGTH(empty); i++) {
		struct oo_claim claim = read_claim(empty[i]);
		memset(&text, 0x5a, sizeof(text));
		oo_record_read_claim_text(&claim, &text);
		CU_ASSERT_STRING_EQUAL(text.zone, "");
		CU_ASSERT_STRING_EQUAL(text.acquired_at, "");
		CU_ASSERT_STRING_EQUAL(text.reason, "");
	}
	memset(value, 'z', sizeof(value));
	memcpy(value, "{\"zone\":\"", 9);
	memcpy(value + sizeof(value) - 3, "\"}", 3);
	struct oo_claim claim = read_claim(value);
	oo_record_read_claim_text(&claim, &text);
	CU_ASSERT_EQUAL(strlen(text.zone), sizeof(text.zone) - 1);
}

static void test_a_beat_is_kept_byte_by_byte(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	struct oo_beat beat;
	oo_buffer_init(&buffer, OO_CORE_BEAT_LENGTH);
	CU_ASSERT_EQUAL(oo_record_write_beat(0xab, 12, &buffer), 0);
	CU_ASSERT_STRING_EQUAL(buffer.data, "{\"nonce\":\"00000000000000ab\",\"seq\":12}");
	oo_record_read_beat(buffer.data, buffer.length, &beat);
	CU_ASSERT_EQUAL(beat.value_length, buffer.length);
	CU_ASSERT_EQUAL(memcmp(beat.value, buffer.data, buffer.length), 0);
	CU_ASSERT_EQUAL(beat.revision, 0);
}

static void test_any_beat_fits_and_a_longer_one_is_not_kept(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	char value[OO_CORE_BEAT_LENGTH + 1] = {0};
	struct oo_beat beat;
	oo_buffer_init(&buffer, OO_CORE_BEAT_LENGTH);
	CU_ASSERT_EQUAL(oo_record_write_beat(UINT64_MAX, UINT64_MAX, &buffer), 0);
	oo_record_read_beat(value, OO_CORE_BEAT_LENGTH, &beat);
	CU_ASSERT_EQUAL(beat.value_length, OO_CORE_BEAT_LENGTH);
	oo_record_read_beat(value, OO_CORE_BEAT_LENGTH + 1, &beat);
	CU_ASSERT_EQUAL(beat.value_length, 0);
	oo_record_read_beat("", 0, &beat);
	CU_ASSERT_EQUAL(beat.value_length, 0);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(who_gives_away_says_why_and_for_how_long),
		TEST(ages_that_were_not_said_are_none),
		TEST(people_read_zone_time_and_reason_of_a_claim),
		TEST(what_people_read_of_a_strange_claim_is_empty_or_clipped),
		TEST(a_beat_is_kept_byte_by_byte),
		TEST(any_beat_fits_and_a_longer_one_is_not_kept),
	};
	return run_tests("records: texts of claims, and beats", tests, OO_LENGTH(tests));
}
