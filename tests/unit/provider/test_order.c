/* What a provider's program is told, and which of its answers are believed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "provider/order.h"

static void test_order_is_what_the_contract_says(void)
{
	const struct oo_provider_vip vip = {.run = "/x",
					    .cluster = "office",
					    .group = "ma\"in",
					    .node = "node-a",
					    .zone = "",
					    .address = "2001:db8::7",
					    .family = "ipv6",
					    .interface = "eth0",
					    .settings = "{\"ttl\":\"5s\"}",
					    .prefix = 128};
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	oo_buffer_init(&buffer, 1000);
	CU_ASSERT_EQUAL(oo_provider_order_write(&vip, OO_PROVIDER_STATUS, 57, 2500, &buffer), 0);
	CU_ASSERT_STRING_EQUAL(
		buffer.data,
		"{\"version\":1,\"verb\":\"status\",\"cluster\":\"office\",\"group\":\"ma\\\"in\","
		"\"node\":\"node-a\",\"zone\":\"\",\"address\":\"2001:db8::7\",\"family\":\"ipv6\","
		"\"interface\":\"eth0\",\"prefix\":128,\"epoch\":57,\"deadline_ms\":2500,"
		"\"settings\":{\"ttl\":\"5s\"}}\n");
	buffer.limit_bytes = buffer.length + 10;
	CU_ASSERT_EQUAL(oo_provider_order_write(&vip, OO_PROVIDER_UP, 57, 2500, &buffer),
			-EMSGSIZE);
}

static void test_answers_are_read(void)
{
	static const struct {
		const char *line, *holder;
		uint64_t epoch;
	} cases[] = {
		{"{\"holder\": \"here\", \"epoch\": 57}", "here", 57},
		{"{\"holder\":\"elsewhere\",\"epoch\":0,\"who\":\"node-b\"}", "elsewhere", 0},
		{"{\"epoch\":9223372036854775807,\"holder\":\"nobody\"}", "nobody", INT64_MAX},
		{"{\"holder\":\"here\"}", "here", 0},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		struct oo_provider_answer answer = {.holder = NULL};
		CU_ASSERT_EQUAL(oo_provider_answer_read(cases[i].line, &answer, NULL), 0);
		CU_ASSERT_STRING_EQUAL(answer.holder, cases[i].holder);
		CU_ASSERT_EQUAL(answer.here, strcmp(cases[i].holder, "here") == 0);
		CU_ASSERT_EQUAL(answer.epoch, cases[i].epoch);
	}
}

static void test_bad_answers_say_what_is_wrong(void)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{"", "no JSON object: "},
		{"{\"holder\":", "no JSON object: {\"holder\":"},
		{"[\"here\"]", "no JSON object: [\"here\"]"},
		{"{}", "holder is to be here, elsewhere or nobody: {}"},
		{"{\"holder\":1}", "holder is to be here, elsewhere or nobody: {\"holder\":1}"},
		{"{\"holder\":\"Here\"}",
		 "holder is to be here, elsewhere or nobody: {\"holder\":\"Here\"}"},
		{"{\"holder\":\"here\",\"epoch\":\"57\"}",
		 "epoch is to be a number: {\"holder\":\"here\",\"epoch\":\"57\"}"},
		{"{\"holder\":\"here\",\"epoch\":-1}",
		 "epoch is to be a number: {\"holder\":\"here\",\"epoch\":-1}"},
		{"{\"holder\":\"here\",\"epoch\":5.5}",
		 "epoch is to be a number: {\"holder\":\"here\",\"epoch\":5.5}"},
		{"{\"holder\":\"here\",\"epoch\":null}",
		 "epoch is to be a number: {\"holder\":\"here\",\"epoch\":null}"},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		struct oo_provider_answer answer = {.epoch = 7};
		struct oo_err err = {""};
		CU_ASSERT_EQUAL(oo_provider_answer_read(cases[i].line, &answer, &err), -EBADMSG);
		CU_ASSERT_STRING_EQUAL(err.text, cases[i].text);
		CU_ASSERT_EQUAL(answer.epoch, 7);
	}
}

static void test_environment_is_ours_but_for_what_is_systemds(void)
{
	unsigned kept = 0;
	CU_ASSERT_EQUAL(setenv("NOTIFY_SOCKET", "/run/x", 1), 0);
	CU_ASSERT_EQUAL(setenv("WATCHDOG_USEC", "1", 1), 0);
	CU_ASSERT_EQUAL(setenv("LISTEN_FDS", "1", 1), 0);
	CU_ASSERT_EQUAL(setenv("AWS_REGION", "eu-central-1", 1), 0);
	OO_AUTO(oo_free) const char **environment = oo_provider_environment();
	CU_ASSERT_PTR_NOT_NULL_FATAL(environment);
	for (size_t i = 0; environment[i] != NULL; i++) {
		CU_ASSERT_PTR_NULL(strstr(environment[i], "NOTIFY_SOCKET"));
		CU_ASSERT_PTR_NULL(strstr(environment[i], "WATCHDOG_USEC"));
		CU_ASSERT_PTR_NULL(strstr(environment[i], "LISTEN_FDS"));
		kept += strcmp(environment[i], "AWS_REGION=eu-central-1") == 0;
	}
	CU_ASSERT_EQUAL(kept, 1);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(order_is_what_the_contract_says),
		TEST(answers_are_read),
		TEST(bad_answers_say_what_is_wrong),
		TEST(environment_is_ours_but_for_what_is_systemds),
	};
	return run_tests("provider order", tests, OO_LENGTH(tests));
}
