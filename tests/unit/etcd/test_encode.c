/* Request bodies, and base64. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/base64.h"
#include "etcd/encode.h"
#include "run.h"

/* Runs encode on a new buffer called body. */
#define ENCODED(r, body, encode)                                                                   \
	OO_AUTO(oo_buffer_done) struct oo_buffer body;                                             \
	oo_buffer_init(&body, OO_ETCD_REQUEST_BYTES_MAX);                                          \
	int r = (encode)

static void check_op(const struct oo_etcd_op *op, const char *expected)
{
	ENCODED(r, body, oo_etcd_encode_op(op, &body));
	CU_ASSERT_EQUAL_FATAL(r, 0);
	CU_ASSERT_STRING_EQUAL(body.data, expected);
}

static void test_base64_matches_the_vectors_of_rfc_4648(void)
{
	static const char *const vectors[][2] = {
		{"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
		{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
		{"\xfb\xff", "+/8="},
	};
	for (size_t i = 0; i < OO_LENGTH(vectors); i++) {
		ENCODED(r, body,
			oo_etcd_base64_encode(&body, vectors[i][0], strlen(vectors[i][0])));
		CU_ASSERT_EQUAL(r, 0);
		CU_ASSERT_STRING_EQUAL(body.data, vectors[i][1]);
		char back[16] = "";
		size_t length = 0;
		CU_ASSERT_EQUAL(oo_etcd_base64_decode(body.data, body.length, back, &length), 0);
		CU_ASSERT_EQUAL(length, strlen(vectors[i][0]));
		CU_ASSERT_EQUAL(memcmp(back, vectors[i][0], length), 0);
	}
}

static void test_base64_refuses_what_no_encoder_writes(void)
{
	static const char *const bad[] = {
		"Zg",   "Zg=",  "Zg===", "=",        "====",   "Z===", "Zh==",
		"Zm9=", "Z g=", "-_8=",  "Zg==Zg==", "Zm9v\n", "Zm=v"};
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		char back[16];
		size_t length = 77;
		CU_ASSERT_EQUAL(oo_etcd_base64_decode(bad[i], strlen(bad[i]), back, &length),
				-EINVAL);
		CU_ASSERT_EQUAL(length, 77);
	}
}

static void test_base64_takes_exactly_the_64_characters(void)
{
	int n_taken = 0;
	for (int character = 0; character < 256; character++) {
		char group[4] = {'Z', 'm', '9', (char)character};
		char back[4];
		size_t length;
		OO_AUTO(oo_buffer_done) struct oo_buffer again;
		oo_buffer_init(&again, 16);
		if (oo_etcd_base64_decode(group, sizeof(group), back, &length) < 0) {
			continue;
		}
		n_taken++;
		CU_ASSERT_EQUAL_FATAL(oo_etcd_base64_encode(&again, back, length), 0);
		CU_ASSERT_EQUAL(memcmp(again.data, group, sizeof(group)), 0);
	}
	CU_ASSERT_EQUAL(n_taken, 64);
}

static void test_an_acquiring_txn_is_written_as_etcd_reads_it(void)
{
	const struct oo_etcd_compare compare[] = {
		{.key = "k", .target = OO_ETCD_TARGET_CREATE},
		{.key = "k", .target = OO_ETCD_TARGET_MOD, .relation = OO_ETCD_LESS, .number = 7},
		{.key = "k", .target = OO_ETCD_TARGET_VERSION, .relation = OO_ETCD_GREATER},
		{.key = "k",
		 .target = OO_ETCD_TARGET_LEASE,
		 .relation = OO_ETCD_NOT_EQUAL,
		 .number = INT64_MAX},
		{.key = "k", .value = "v", .value_length = 1},
	};
	const struct oo_etcd_op success[] = {
		{.type = OO_ETCD_OP_PUT, .key = "k", .value = "v", .value_length = 1, .lease = 5},
		{.type = OO_ETCD_OP_DELETE, .key = "k"},
	};
	const struct oo_etcd_op failure[] = {{.key = "k"}};
	const struct oo_etcd_txn txn = {compare, OO_LENGTH(compare), success, OO_LENGTH(success),
					failure, OO_LENGTH(failure)};
	ENCODED(r, body, oo_etcd_encode_txn(&txn, &body));
	CU_ASSERT_EQUAL_FATAL(r, 0);
	CU_ASSERT_STRING_EQUAL(
		body.data,
		"{\"compare\":["
		"{\"key\":\"aw==\",\"target\":\"CREATE\",\"result\":\"EQUAL\","
		"\"create_revision\":\"0\"},"
		"{\"key\":\"aw==\",\"target\":\"MOD\",\"result\":\"LESS\",\"mod_revision\":\"7\"},"
		"{\"key\":\"aw==\",\"target\":\"VERSION\",\"result\":\"GREATER\","
		"\"version\":\"0\"},"
		"{\"key\":\"aw==\",\"target\":\"LEASE\",\"result\":\"NOT_EQUAL\","
		"\"lease\":\"9223372036854775807\"},"
		"{\"key\":\"aw==\",\"target\":\"VALUE\",\"result\":\"EQUAL\",\"value\":\"dg==\"}],"
		"\"success\":["
		"{\"request_put\":{\"key\":\"aw==\",\"value\":\"dg==\",\"lease\":\"5\"}},"
		"{\"request_delete_range\":{\"key\":\"aw==\"}}],"
		"\"failure\":[{\"request_range\":{\"key\":\"aw==\"}}]}");
}

static void test_ops_are_written_as_etcd_reads_them(void)
{
	check_op(&(struct oo_etcd_op){.key = "a", .prefix = true},
		 "{\"key\":\"YQ==\",\"range_end\":\"Yg==\"}");
	check_op(&(struct oo_etcd_op){.key = "a", .prefix = true, .least_mod = 7},
		 "{\"key\":\"YQ==\",\"range_end\":\"Yg==\",\"min_mod_revision\":\"7\"}");
	check_op(&(struct oo_etcd_op){.key = "a", .range_end = "z", .limit = 9, .keys_only = true},
		 "{\"key\":\"YQ==\",\"range_end\":\"eg==\",\"limit\":\"9\",\"keys_only\":true}");
	check_op(&(struct oo_etcd_op){.type = OO_ETCD_OP_PUT, .key = "a"},
		 "{\"key\":\"YQ==\",\"value\":\"\"}");
	check_op(&(struct oo_etcd_op){.type = OO_ETCD_OP_DELETE, .key = "a/", .prefix = true},
		 "{\"key\":\"YS8=\",\"range_end\":\"YTA=\"}");
}

static void test_the_end_of_a_prefix_of_0xff_is_cut_or_everything(void)
{
	/* "a\xff" ends at "b"; "\xff" at etcd's "\0" */
	check_op(&(struct oo_etcd_op){.key = "a\xff", .prefix = true},
		 "{\"key\":\"Yf8=\",\"range_end\":\"Yg==\"}");
	check_op(&(struct oo_etcd_op){.key = "\xff", .prefix = true},
		 "{\"key\":\"/w==\",\"range_end\":\"AA==\"}");
}

static void test_a_prefix_of_the_longest_key_fits(void)
{
	char key[OO_ETCD_KEY_BYTES_MAX + 2];
	memset(key, 'k', sizeof(key));
	key[OO_ETCD_KEY_BYTES_MAX] = '\0';
	ENCODED(r, body,
		oo_etcd_encode_op(&(struct oo_etcd_op){.key = key, .prefix = true}, &body));
	CU_ASSERT_EQUAL(r, 0);
	key[OO_ETCD_KEY_BYTES_MAX] = 'k';
	key[OO_ETCD_KEY_BYTES_MAX + 1] = '\0';
	ENCODED(too_long, other, oo_etcd_encode_op(&(struct oo_etcd_op){.key = key}, &other));
	CU_ASSERT_EQUAL(too_long, -EINVAL);
}

static void test_a_txn_without_an_op_is_refused(void)
{
	const struct oo_etcd_compare compare = {.key = "k", .target = OO_ETCD_TARGET_MOD};
	const struct oo_etcd_txn txn = {.compare = &compare, .n_compare = 1};
	ENCODED(r, body, oo_etcd_encode_txn(&txn, &body));
	CU_ASSERT_EQUAL(r, -EINVAL);
}

static void test_what_cannot_be_asked_is_refused(void)
{
	static const struct oo_etcd_op many[OO_ETCD_OPS_MAX + 1];
	const struct oo_etcd_txn txn = {.success = many, .n_success = OO_ETCD_OPS_MAX + 1};
	ENCODED(too_many, one, oo_etcd_encode_txn(&txn, &one));
	CU_ASSERT_EQUAL(too_many, -EINVAL);
	ENCODED(no_key, two, oo_etcd_encode_op(&(struct oo_etcd_op){.key = NULL}, &two));
	CU_ASSERT_EQUAL(no_key, -EINVAL);
	ENCODED(empty_key, three, oo_etcd_encode_op(&(struct oo_etcd_op){.key = ""}, &three));
	CU_ASSERT_EQUAL(empty_key, -EINVAL);
	ENCODED(chosen_by_etcd, four, oo_etcd_encode_grant(0, 5, &four));
	CU_ASSERT_EQUAL(chosen_by_etcd, -EINVAL);
	ENCODED(no_ttl, five, oo_etcd_encode_grant(7, 0, &five));
	CU_ASSERT_EQUAL(no_ttl, -EINVAL);
	ENCODED(no_lease, six, oo_etcd_encode_lease(0, &six));
	CU_ASSERT_EQUAL(no_lease, -EINVAL);
}

static void test_a_value_beyond_the_limit_is_refused(void)
{
	char *value = calloc(1, OO_ETCD_REQUEST_BYTES_MAX);
	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	const struct oo_etcd_op op = {.type = OO_ETCD_OP_PUT,
				      .key = "k",
				      .value = value,
				      .value_length = OO_ETCD_REQUEST_BYTES_MAX};
	ENCODED(r, body, oo_etcd_encode_op(&op, &body));
	CU_ASSERT_EQUAL(r, -E2BIG);
	free(value);
}

static void test_leases_watches_and_logins_are_written_as_etcd_reads_them(void)
{
	ENCODED(grant, one, oo_etcd_encode_grant(INT64_MAX, 5, &one));
	CU_ASSERT_EQUAL_FATAL(grant, 0);
	CU_ASSERT_STRING_EQUAL(one.data, "{\"ID\":\"9223372036854775807\",\"TTL\":\"5\"}");
	ENCODED(lease, two, oo_etcd_encode_lease(77, &two));
	CU_ASSERT_EQUAL_FATAL(lease, 0);
	CU_ASSERT_STRING_EQUAL(two.data, "{\"ID\":\"77\"}");
	const struct oo_etcd_range range = {.key = "w/", .prefix = true};
	ENCODED(watch, three, oo_etcd_encode_watch(&range, 12, &three));
	CU_ASSERT_EQUAL_FATAL(watch, 0);
	CU_ASSERT_STRING_EQUAL(three.data,
			       "{\"create_request\":{\"key\":\"dy8=\",\"range_end\":\"dzA=\","
			       "\"start_revision\":\"12\",\"progress_notify\":true}}");
	ENCODED(login, four, oo_etcd_encode_login("u\"", "p\\/\n\xc3\xa9", &four));
	CU_ASSERT_EQUAL_FATAL(login, 0);
	CU_ASSERT_STRING_EQUAL(four.data,
			       "{\"name\":\"u\\\"\",\"password\":\"p\\\\/\\n\xc3\xa9\"}");
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_base64_matches_the_vectors_of_rfc_4648),
		OO_TEST(test_base64_refuses_what_no_encoder_writes),
		OO_TEST(test_base64_takes_exactly_the_64_characters),
		OO_TEST(test_an_acquiring_txn_is_written_as_etcd_reads_it),
		OO_TEST(test_ops_are_written_as_etcd_reads_them),
		OO_TEST(test_the_end_of_a_prefix_of_0xff_is_cut_or_everything),
		OO_TEST(test_a_prefix_of_the_longest_key_fits),
		OO_TEST(test_a_txn_without_an_op_is_refused),
		OO_TEST(test_what_cannot_be_asked_is_refused),
		OO_TEST(test_a_value_beyond_the_limit_is_refused),
		OO_TEST(test_leases_watches_and_logins_are_written_as_etcd_reads_them),
	};
	return run_tests("etcd encode", tests, OO_LENGTH(tests));
}
