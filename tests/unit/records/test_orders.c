/* What operators write into etcd: pauses and drains, and orders to switch over. */
#include "records.h"

#include <errno.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"

#define ID "\"id\":\"00000000000000ab\","
#define FROM "\"from\":\"node-a\","
#define TARGET "\"target\":\"node-b\","
#define VALID "\"valid_ms\":5000"

static struct oo_order read_order(const char *value, int64_t lease)
{
	struct oo_order order;
	struct oo_order_text text;
	memset(&order, 0x5a, sizeof(order)); /* all of it is to be set */
	oo_record_read_order(value, lease, &order, &text);
	return order;
}

static void test_an_order_reads_back(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	const struct oo_order order = {
		.id = 0xab, .from = "node-a", .target = "node-b", .valid_ms = 5000};
	const struct oo_order_text by = {.by = "root@node-c", .at = "2026-01-31T12:00:00.123Z"};
	struct oo_order back;
	struct oo_order_text text;
	oo_buffer_init(&buffer, 4096);
	CU_ASSERT_EQUAL_FATAL(oo_record_write_order(&order, &by, &buffer), 0);
	CU_ASSERT_STRING_EQUAL(buffer.data,
			       "{\"version\":1," ID FROM TARGET "\"by\":\"root@node-c\","
			       "\"at\":\"2026-01-31T12:00:00.123Z\"," VALID "}");
	oo_record_read_order(buffer.data, 0xab, &back, &text);
	CU_ASSERT_EQUAL(back.id, 0xab);
	CU_ASSERT_EQUAL(back.valid_ms, 5000);
	CU_ASSERT_STRING_EQUAL(back.from, "node-a");
	CU_ASSERT_STRING_EQUAL(back.target, "node-b");
	CU_ASSERT_STRING_EQUAL(text.by, "root@node-c");
	CU_ASSERT_STRING_EQUAL(text.at, "2026-01-31T12:00:00.123Z");
}

static void test_an_order_to_the_best_names_no_target(void)
{
	struct oo_order order = read_order("{" ID FROM "\"target\":\"\"," VALID "}", 0xab);
	CU_ASSERT_EQUAL(order.id, 0xab);
	CU_ASSERT_STRING_EQUAL(order.target, "");
}

/* Its lease is what makes it vanish, and what the offer compares. */
static void test_an_order_without_its_own_lease_is_none(void)
{
	static const int64_t leases[] = {0, 0xac, -0xab};
	for (size_t i = 0; i < OO_LENGTH(leases); i++) {
		CU_ASSERT_EQUAL(read_order("{" ID FROM TARGET VALID "}", leases[i]).id, 0);
	}
	CU_ASSERT_EQUAL(read_order("{" ID FROM TARGET VALID "}", 0xab).id, 0xab);
}

static void test_an_order_with_one_thing_wrong_is_none(void)
{
	static const char *const rows[] = {
		"",
		"yes",
		"[]",
		"{" FROM TARGET VALID "}",
		"{" ID TARGET VALID "}",
		"{" ID FROM VALID "}",
		"{" ID FROM TARGET "\"version\":1}",
		"{" ID "\"from\":\"\"," TARGET VALID "}",
		"{" ID "\"from\":\"a b\"," TARGET VALID "}",
		"{" ID FROM "\"target\":7," VALID "}",
		"{" ID FROM "\"target\":\"../x\"," VALID "}",
		"{" ID FROM TARGET "\"valid_ms\":0}",
		"{" ID FROM TARGET "\"valid_ms\":-1}",
		"{" ID FROM TARGET "\"valid_ms\":600001}",
		"{" ID FROM TARGET "\"valid_ms\":\"5000\"}",
		"{\"id\":171," FROM TARGET VALID "}",
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_order order = read_order(rows[i], 0xab);
		CU_ASSERT_EQUAL(order.id, 0);
		CU_ASSERT_STRING_EQUAL(order.from, "");
	}
}

static void test_a_decree_reads_back_in_any_script(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	const struct oo_decree decree = {.by = "root@node-a",
					 .at = "2026-01-31T12:00:00.123Z",
					 .reason = "\"内核\" \\ upgrade"};
	struct oo_decree back;
	oo_buffer_init(&buffer, 4096);
	CU_ASSERT_EQUAL_FATAL(oo_record_write_decree(&decree, &buffer), 0);
	oo_record_read_decree(buffer.data, &back);
	CU_ASSERT_STRING_EQUAL(back.by, decree.by);
	CU_ASSERT_STRING_EQUAL(back.at, decree.at);
	CU_ASSERT_STRING_EQUAL(back.reason, decree.reason);
}

static void test_a_decree_is_one_line(void)
{
	struct oo_decree decree;
	oo_record_read_decree("{\"by\":\"a\\nooha-agent: b\",\"reason\":\"\\u001b[2J\\u007f\"}",
			      &decree);
	CU_ASSERT_STRING_EQUAL(decree.by, "a ooha-agent: b");
	CU_ASSERT_STRING_EQUAL(decree.reason, " [2J ");
}

static void test_what_does_not_fit_is_not_written(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	const struct oo_order order = {.id = 1, .from = "node-a", .valid_ms = 1};
	oo_buffer_init(&buffer, 40);
	CU_ASSERT_EQUAL(oo_record_write_order(&order, &(struct oo_order_text){.by = ""}, &buffer),
			-EMSGSIZE);
	CU_ASSERT_EQUAL(buffer.length, 0);
	CU_ASSERT_EQUAL(oo_record_write_decree(&(struct oo_decree){.by = "somebody else"}, &buffer),
			-EMSGSIZE);
	CU_ASSERT_EQUAL(buffer.length, 0);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(an_order_reads_back),
		TEST(an_order_to_the_best_names_no_target),
		TEST(an_order_without_its_own_lease_is_none),
		TEST(an_order_with_one_thing_wrong_is_none),
		TEST(a_decree_reads_back_in_any_script),
		TEST(a_decree_is_one_line),
		TEST(what_does_not_fit_is_not_written),
	};
	return run_tests("orders", tests, OO_LENGTH(tests));
}
