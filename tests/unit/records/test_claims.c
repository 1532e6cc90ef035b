/* Claims: what we write into etcd, and what we make of what others wrote there. */
#include "records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "../event/testing.h"

#define NAME_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define NOON INT64_C(1769860800123) /* 2026-01-31T12:00:00.123Z */

/* The members of a claim that is fine, to be put together with one that is not. */
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

/* The text of the claim; "" and a failed test when it is not written. */
static const char *write_claim(const struct oo_request *request, const char *zone,
			       const char *reason, struct oo_buffer *buffer)
{
	struct oo_claim_record record = {.node = "node-a",
					 .zone = zone,
					 .reason = reason,
					 .acquired_at = NOON,
					 .request = request};
	oo_buffer_init(buffer, OO_CORE_VALUE_LENGTH);
	CU_ASSERT_EQUAL_FATAL(oo_record_write_claim(&record, buffer), 0);
	return buffer->data;
}

static struct oo_claim read_claim(const char *text)
{
	struct oo_claim claim;
	memset(&claim, 0x5a, sizeof(claim)); /* all of it is to be set */
	oo_record_read_claim(text, strlen(text), &claim);
	return claim;
}

static bool is_strangers(const struct oo_claim *claim)
{
	return claim->nonce == 0 && claim->ends == 0 && claim->epoch == 0 && claim->ttl_ms == 0 &&
	       claim->kind == OO_CLAIM_TAKEN && claim->node[0] == '\0';
}

static void test_a_claim_is_one_line_of_json(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	struct oo_request request = new_request(OO_CLAIM_TAKEN, "node-a");
	const char *text = write_claim(&request, "az-1", "no holder known to etcd", &buffer);
	CU_ASSERT_STRING_EQUAL(text, claim_text);
}

/* A released claim is nobody's, wherever it was written; a name too long for a zone is cut. */
static void test_the_zone_of_a_claim_is_its_holders(void)
{
	CU_ASSERT_STRING_EQUAL(read_claim("{" NODE NONCE KIND EPOCH TTL "}").zone, "");
	CU_ASSERT_STRING_EQUAL(read_claim("{" NODE NONCE KIND EPOCH TTL ",\"zone\":7}").zone, "");
	CU_ASSERT_STRING_EQUAL(
		read_claim("{" NODE NONCE EPOCH TTL ",\"kind\":\"offered\",\"zone\":\"b\"}").zone,
		"b");
	struct oo_claim released = read_claim("{\"node\":\"\",\"zone\":\"az-1\"," NONCE EPOCH TTL
					      ",\"kind\":\"released\"}");
	CU_ASSERT_EQUAL(released.kind, OO_CLAIM_RELEASED);
	CU_ASSERT_STRING_EQUAL(released.zone, "");
	struct oo_claim longer =
		read_claim("{" NODE NONCE KIND EPOCH TTL ",\"zone\":\"" NAME_63 "x\"}");
	CU_ASSERT_STRING_EQUAL(longer.zone, NAME_63);
}

static void test_a_claim_reads_back(void)
{
	struct oo_claim claim = read_claim(claim_text);
	CU_ASSERT_STRING_EQUAL(claim.zone, "az-1");
	CU_ASSERT_EQUAL(claim.nonce, 0xab);
	CU_ASSERT_EQUAL(claim.ends, 0);
	CU_ASSERT_EQUAL(claim.epoch, 7);
	CU_ASSERT_EQUAL(claim.ttl_ms, 3000);
	CU_ASSERT_EQUAL(claim.kind, OO_CLAIM_TAKEN);
	CU_ASSERT_STRING_EQUAL(claim.node, "node-a");
	CU_ASSERT_EQUAL(claim.revision, 0);
	CU_ASSERT_EQUAL(claim.value_length, strlen(claim_text));
	CU_ASSERT_NSTRING_EQUAL(claim.value, claim_text, strlen(claim_text));
}

static void test_what_an_operator_has_chosen_reads_back(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	struct oo_request request = new_request(OO_CLAIM_TAKEN, "node-a");
	CU_ASSERT_FALSE(read_claim(claim_text).chosen);
	request.chosen = true;
	struct oo_claim claim = read_claim(write_claim(&request, "az-1", "", &buffer));
	CU_ASSERT(claim.chosen);
	CU_ASSERT_EQUAL(claim.nonce, 0xab);
}

static void test_every_kind_of_claim_reads_back(void)
{
	static const struct {
		enum oo_claim_kind kind;
		const char *node;
	} rows[] = {
		{OO_CLAIM_TAKEN, "node-a"}, {OO_CLAIM_OFFERED, NAME_63}, {OO_CLAIM_RELEASED, ""}};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
		struct oo_request request = new_request(rows[i].kind, rows[i].node);
		request.nonce = UINT64_MAX;
		request.ends = 0x8000000000000001;
		request.epoch = INT64_MAX;
		struct oo_claim claim = read_claim(write_claim(&request, "", "", &buffer));
		CU_ASSERT_EQUAL(claim.kind, rows[i].kind);
		CU_ASSERT_STRING_EQUAL(claim.node, rows[i].node);
		CU_ASSERT_EQUAL(claim.nonce, request.nonce);
		CU_ASSERT_EQUAL(claim.ends, request.ends);
		CU_ASSERT_EQUAL(claim.epoch, request.epoch);
		CU_ASSERT_EQUAL(claim.ttl_ms, request.ttl_ms);
	}
}

static void test_a_claim_ends_another_only_if_it_says_so(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	struct oo_request request = new_request(OO_CLAIM_RELEASED, "");
	request.ends = 0xcd;
	const char *text = write_claim(&request, "", "stopping", &buffer);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"nonce\":\"00000000000000ab\","
					    "\"ends\":\"00000000000000cd\","
					    "\"kind\":\"released\""));
	CU_ASSERT_PTR_NULL(strstr(claim_text, "ends"));
}

/* A reason in quotes and backslashes takes twice its room, names and numbers their longest. */
static void test_the_longest_claim_fits_what_the_core_keeps(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	char reason[OO_REASON_LENGTH];
	struct oo_request request = new_request(OO_CLAIM_RELEASED, NAME_63);
	struct oo_claim_record record = {.node = NAME_63,
					 .zone = NAME_63,
					 .reason = reason,
					 .acquired_at = NOON,
					 .request = &request,
					 .ages = {INT64_MAX, INT64_MAX}};
	request.chosen = true;
	request.op = OO_REQUEST_YIELD;
	request.cause = OO_CAUSE_CLAIM_REFUSED; /* the longest name */
	memset(reason, '"', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	request.ends = UINT64_MAX;
	request.epoch = INT64_MAX;
	request.ttl_ms = OO_RECORD_TTL_MAX_MS;
	oo_buffer_init(&buffer, OO_CORE_VALUE_LENGTH);
	CU_ASSERT_EQUAL(oo_record_write_claim(&record, &buffer), 0);
}

/* A check's words, cut in the middle of a character: etcd takes them, and nobody could read the claim. */
static void test_a_claim_reads_back_whatever_its_reason_is(void)
{
	static const char *const reasons[] = {"check proxy down: \xc3", "\xff\xfe", "\x01\n\x7f"};
	for (size_t i = 0; i < OO_LENGTH(reasons); i++) {
		OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
		struct oo_request request = new_request(OO_CLAIM_TAKEN, "node-a");
		struct oo_claim claim = read_claim(write_claim(&request, "", reasons[i], &buffer));
		CU_ASSERT_EQUAL(claim.nonce, 0xab);
	}
}

static void test_a_claim_beyond_the_limit_is_not_written(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	struct oo_request request = new_request(OO_CLAIM_TAKEN, "node-a");
	struct oo_claim_record record = {
		.node = "node-a", .zone = "az-1", .reason = "", .request = &request};
	oo_buffer_init(&buffer, 64);
	CU_ASSERT_EQUAL(oo_record_write_claim(&record, &buffer), -EMSGSIZE);
	CU_ASSERT_EQUAL(buffer.length, 0);
}

static void test_a_value_that_is_not_ours_is_a_strangers_claim(void)
{
	static const char *const rows[] = {
		"",
		" ",
		"x",
		"null",
		"true",
		"7",
		"\"taken\"",
		"[]",
		"[{" NODE NONCE KIND EPOCH TTL "}]",
		"{}",
		"{",
		"{\"node\"",
		"{" NODE NONCE KIND EPOCH TTL,                  /* truncated */
		"{" NODE NONCE KIND EPOCH "\"ttl_ms\":3000,\"", /* truncated later */
		"{" NODE NONCE KIND EPOCH TTL "}{}",            /* more than one */
		"{" NODE NONCE KIND EPOCH TTL "}x",
		"{" NODE NONCE KIND EPOCH TTL ",\"reason\":\"\xff\xfe\"}", /* not UTF-8 */
		"{" NODE NONCE KIND EPOCH TTL ",\"reason\":\"\xc3\"}",
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_claim claim = read_claim(rows[i]);
		CU_ASSERT(is_strangers(&claim));
		CU_ASSERT_EQUAL(claim.value_length, strlen(rows[i]));
		CU_ASSERT_NSTRING_EQUAL(claim.value, rows[i], strlen(rows[i]));
	}
}

static void test_a_claim_with_one_thing_wrong_is_a_strangers(void)
{
	static const char *const rows[] = {
		/* kind */
		"{" NODE NONCE EPOCH TTL "}",
		"{" NODE NONCE "\"kind\":\"stolen\"," EPOCH TTL "}",
		"{" NODE NONCE "\"kind\":\"Taken\"," EPOCH TTL "}",
		"{" NODE NONCE "\"kind\":\"\"," EPOCH TTL "}",
		"{" NODE NONCE "\"kind\":0," EPOCH TTL "}",
		"{" NODE NONCE "\"kind\":\"?\"," EPOCH TTL "}",
		"{" NODE NONCE "\"kind\":\"taken\\u0000\"," EPOCH TTL "}",
		/* node: a released claim is nobody's, any other somebody's */
		"{" NODE NONCE "\"kind\":\"released\"," EPOCH TTL "}",
		"{" NONCE KIND EPOCH TTL "}",
		"{\"node\":\"\"," NONCE KIND EPOCH TTL "}",
		"{\"node\":\"\"," NONCE "\"kind\":\"offered\"," EPOCH TTL "}",
		"{\"node\":7," NONCE KIND EPOCH TTL "}",
		"{\"node\":null," NONCE KIND EPOCH TTL "}",
		"{\"node\":{\"node\":\"node-a\"}," NONCE KIND EPOCH TTL "}",
		"{\"node\":\"" NAME_63 "l\"," NONCE KIND EPOCH TTL "}",
		"{\"node\":\"node-a\\u0000\"," NONCE KIND EPOCH TTL "}",
		"{\"node\":\"\\u0000\"," NONCE "\"kind\":\"released\"," EPOCH TTL "}",
		"{\"node\":\"node a\"," NONCE KIND EPOCH TTL "}",
		"{\"node\":\"a\\nooha-agent: stopped\"," NONCE KIND EPOCH TTL "}",
		"{\"node\":\"\\u001b[2J\"," NONCE KIND EPOCH TTL "}",
		"{\"node\":\"../a\"," NONCE KIND EPOCH TTL "}",
		/* nonce */
		"{" NODE KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":171," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":\"ab\"," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":\"00000000000000abc\"," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":\"00000000000000ab \"," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":\"0000000000000000\"," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":\"0x000000000000ab\"," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":\" 00000000000000ab\"," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":\" 0000000000000ab\"," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":\"-0000000000000ab\"," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":\"+0000000000000ab\"," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":\"00000000000000ag\"," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":\"00000000000000AB\"," KIND EPOCH TTL "}",
		"{" NODE "\"nonce\":[\"00000000000000ab\"]," KIND EPOCH TTL "}",
		/* epoch */
		"{" NODE NONCE KIND TTL "}",
		"{" NODE NONCE KIND "\"epoch\":-1," TTL "}",
		"{" NODE NONCE KIND "\"epoch\":\"7\"," TTL "}",
		"{" NODE NONCE KIND "\"epoch\":7.5," TTL "}",
		"{" NODE NONCE KIND "\"epoch\":null," TTL "}",
		/* ttl */
		"{" NODE NONCE KIND "\"epoch\":7}",
		"{" NODE NONCE KIND EPOCH "\"ttl_ms\":0}",
		"{" NODE NONCE KIND EPOCH "\"ttl_ms\":499}",
		"{" NODE NONCE KIND EPOCH "\"ttl_ms\":600001}",
		"{" NODE NONCE KIND EPOCH "\"ttl_ms\":-3000}",
		"{" NODE NONCE KIND EPOCH "\"ttl_ms\":9223372036854775807}",
		"{" NODE NONCE KIND EPOCH "\"ttl_ms\":-9223372036854775809}",
		"{" NODE NONCE KIND EPOCH "\"ttl_ms\":3000.0}",
		"{" NODE NONCE KIND EPOCH "\"ttl_ms\":NaN}",
		"{" NODE NONCE KIND EPOCH "\"ttl_ms\":\"3000\"}",
		"{" NODE NONCE KIND EPOCH "\"ttl_ms\":true}",
	};
	struct oo_claim fine = read_claim("{" NODE NONCE KIND EPOCH TTL "}");
	CU_ASSERT_EQUAL_FATAL(fine.nonce, 0xab);
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_claim claim = read_claim(rows[i]);
		bool strangers = is_strangers(&claim);
		CU_ASSERT(strangers);
		if (!strangers) {
			printf("\n    taken for a claim: %s", rows[i]);
		}
		CU_ASSERT_EQUAL(claim.value_length, strlen(rows[i]));
	}
}

/* Nobody counts that far; what somebody wrote by hand must not make our own claims unreadable. */
static void test_an_epoch_beyond_all_counting_is_the_largest_there_is(void)
{
	static const char *const rows[] = {
		"{" NODE NONCE KIND "\"epoch\":9223372036854775807," TTL "}",
		"{" NODE NONCE KIND "\"epoch\":9223372036854775808," TTL "}",
		"{" NODE NONCE KIND "\"epoch\":18446744073709551615," TTL "}",
		"{" NODE NONCE KIND "\"epoch\":99999999999999999999999," TTL "}",
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_claim claim = read_claim(rows[i]);
		CU_ASSERT_EQUAL(claim.nonce, 0xab);
		CU_ASSERT_EQUAL(claim.epoch, INT64_MAX);
	}
}

static void test_the_ends_of_a_claim_are_of_the_form_of_a_nonce_or_none(void)
{
	struct oo_claim claim =
		read_claim("{\"ends\":\"00000000000000cd\"," NODE NONCE KIND EPOCH TTL "}");
	CU_ASSERT_EQUAL(claim.ends, 0xcd);
	claim = read_claim("{\"ends\":\"cd\"," NODE NONCE KIND EPOCH TTL "}");
	CU_ASSERT_EQUAL(claim.nonce, 0xab);
	CU_ASSERT_EQUAL(claim.ends, 0);
}

static void test_a_claim_cut_off_anywhere_is_a_strangers(void)
{
	for (size_t length = 0; length < strlen(claim_text); length++) {
		/* of the very size, so that the sanitizer sees a read behind it */
		OO_AUTO(oo_free) char *cut = malloc(length + 1);
		struct oo_claim claim = {.nonce = 1};
		CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
		memcpy(cut, claim_text, length);
		cut[length] = '\0'; /* as etcd's values have it */
		oo_record_read_claim(cut, length, &claim);
		CU_ASSERT(is_strangers(&claim));
		CU_ASSERT_EQUAL(claim.value_length, length);
	}
}

static void test_nul_bytes_make_a_strangers_claim_and_are_kept(void)
{
	char value[sizeof(claim_text) + 4] = {0};
	struct oo_claim claim;

	memcpy(value, claim_text, sizeof(claim_text)); /* and four NULs behind its own */
	oo_record_read_claim(value, sizeof(value), &claim);
	CU_ASSERT(is_strangers(&claim));
	CU_ASSERT_EQUAL(claim.value_length, sizeof(value));
	CU_ASSERT_EQUAL(memcmp(claim.value, value, sizeof(value)), 0);

	memset(value, 0, sizeof(value));
	oo_record_read_claim(value, sizeof(value), &claim);
	CU_ASSERT(is_strangers(&claim));
	CU_ASSERT_EQUAL(claim.value_length, sizeof(value));

	memcpy(value, claim_text, sizeof(claim_text));
	*strstr(value, "node-a") = '\0'; /* in a string */
	oo_record_read_claim(value, strlen(claim_text), &claim);
	CU_ASSERT(is_strangers(&claim));
	CU_ASSERT_EQUAL(claim.value_length, strlen(claim_text));
}

static struct oo_claim read_nested(size_t depth)
{
	static const char head[] = "{" NODE NONCE KIND EPOCH TTL ",\"x\":";
	char text[OO_CORE_VALUE_LENGTH + 1];
	memcpy(text, head, strlen(head));
	memset(text + strlen(head), '[', depth);
	memset(text + strlen(head) + depth, ']', depth);
	strcpy(text + strlen(head) + 2 * depth, "}");
	return read_claim(text);
}

static void test_deep_nesting_makes_a_strangers_claim(void)
{
	for (size_t depth = 1; depth < 300; depth++) {
		struct oo_claim claim = read_nested(depth);
		CU_ASSERT_EQUAL(is_strangers(&claim), depth > 7);
	}
}

/* A claim that is fine, in a value of length bytes. */
static char *new_padded(size_t length)
{
	char *text = malloc(length + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, ' ', length);
	memcpy(text, claim_text, strlen(claim_text) - 1);
	text[length - 1] = '}';
	text[length] = '\0';
	return text;
}

static void test_a_value_is_kept_to_the_last_byte_or_not_at_all(void)
{
	OO_AUTO(oo_free) char *fits = new_padded(OO_CORE_VALUE_LENGTH);
	OO_AUTO(oo_free) char *longer = new_padded(OO_CORE_VALUE_LENGTH + 1);
	OO_AUTO(oo_free) char *huge = new_padded(2 << 20);
	struct oo_claim claim = read_claim(fits);
	CU_ASSERT_EQUAL(claim.value_length, OO_CORE_VALUE_LENGTH);
	CU_ASSERT_EQUAL(memcmp(claim.value, fits, OO_CORE_VALUE_LENGTH), 0);
	CU_ASSERT_EQUAL(claim.nonce, 0xab);
	claim = read_claim(longer);
	CU_ASSERT_EQUAL(claim.value_length, 0);
	CU_ASSERT(is_strangers(&claim));
	claim = read_claim(huge);
	CU_ASSERT_EQUAL(claim.value_length, 0);
	CU_ASSERT(is_strangers(&claim));
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_claim_is_one_line_of_json),
		TEST(a_claim_reads_back),
		TEST(the_zone_of_a_claim_is_its_holders),
		TEST(what_an_operator_has_chosen_reads_back),
		TEST(every_kind_of_claim_reads_back),
		TEST(a_claim_ends_another_only_if_it_says_so),
		TEST(the_longest_claim_fits_what_the_core_keeps),
		TEST(a_claim_reads_back_whatever_its_reason_is),
		TEST(a_claim_beyond_the_limit_is_not_written),
		TEST(a_value_that_is_not_ours_is_a_strangers_claim),
		TEST(a_claim_with_one_thing_wrong_is_a_strangers),
		TEST(an_epoch_beyond_all_counting_is_the_largest_there_is),
		TEST(the_ends_of_a_claim_are_of_the_form_of_a_nonce_or_none),
		TEST(a_claim_cut_off_anywhere_is_a_strangers),
		TEST(nul_bytes_make_a_strangers_claim_and_are_kept),
		TEST(deep_nesting_makes_a_strangers_claim),
		TEST(a_value_is_kept_to_the_last_byte_or_not_at_all),
	};
	return run_tests("records: claims", tests, OO_LENGTH(tests));
}
