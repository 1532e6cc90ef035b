#include <CUnit/Basic.h>
#include <errno.h>
#include <stdarg.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "asked.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "fixture.h"

static const struct oo_api_route route = {
	.method = "POST", .path = "/v1/pause", .change = true, .parameters = {"node"}};

static void test_an_object_is_read(void)
{
	static const char *const bodies[] = {"{\"to\": \"node-b\"}", " {\"to\": \"node-b\"}\n"};
	for (size_t i = 0; i < OO_LENGTH(bodies); i++) {
		struct oo_api_answer answer = {.status = 200};
		struct json_object *object = NULL;
		const struct oo_api_request request = {.body = bodies[i],
						       .body_length = strlen(bodies[i])};
		CU_ASSERT_EQUAL_FATAL(agent_asked_read(&request, &answer, &object), 0);
		CU_ASSERT_STRING_EQUAL(json_object_get_string(json_object_object_get(object, "to")),
				       "node-b");
		json_object_put(object);
	}
}

static void test_no_body_is_an_empty_object(void)
{
	struct oo_api_answer answer = {.status = 200};
	struct json_object *object = NULL;
	CU_ASSERT_EQUAL_FATAL(
		agent_asked_read(&(struct oo_api_request){.body = ""}, &answer, &object), 0);
	CU_ASSERT_EQUAL(json_object_object_length(object), 0);
	json_object_put(object);
}

static void test_anything_else_is_refused_with_the_place(void)
{
	static const struct {
		const char *body;
		size_t length;
		const char *error;
	} bad[] = {
		{"[]", 2, "the body is no JSON object, such as {}"},
		{"null", 4, "the body is no JSON object, such as {}"},
		{"5", 1, "the body is no JSON object, such as {}"},
		{" ", 1, "the body is no JSON: at byte 1: unexpected end of data"},
		{"{", 1, "the body is no JSON: at byte 1: unexpected end of data"},
		{"{} x", 4, "the body is no JSON: at byte 3: unexpected character"},
		{"{}\0{}", 5, "the body is no JSON: at byte 2: something follows the object"},
		{"{\"a\": 1,}", 9, "the body is no JSON: at byte 8: unexpected character"},
		{"{\"a\": \"\xff\"}", 10, "the body is no JSON: at byte 7: invalid utf-8 string"},
		{"{a: 1}", 6,
		 "the body is no JSON: at byte 1: quoted object property name expected"},
		{"{\"a\":[[[[[[[[1]]]]]]]]}", 23,
		 "the body is no JSON: at byte 12: nesting too deep"},
	};
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		struct oo_api_answer answer = {.status = 200};
		struct json_object *object = NULL;
		char wanted[128];
		const struct oo_api_request request = {.body = bad[i].body,
						       .body_length = bad[i].length};
		CU_ASSERT_EQUAL(agent_asked_read(&request, &answer, &object), -EINVAL);
		CU_ASSERT_PTR_NULL(object);
		CU_ASSERT_EQUAL(answer.status, 400);
		snprintf(wanted, sizeof(wanted), "{\"error\": \"%s\"}\n", bad[i].error);
		CU_ASSERT_STRING_EQUAL(answer.body.data, wanted);
		if (strcmp(answer.body.data, wanted) != 0) {
			fprintf(stderr, "\ngot: %swanted: %s", answer.body.data, wanted);
		}
		oo_buffer_done(&answer.body);
	}
}

static void test_who_asks_is_the_user_at_the_node(void)
{
	char who[OO_ASKED_BY_LENGTH];
	agent_asked_by(&(struct oo_api_request){.peer = {.known = true, .user = "alice"}}, "node-a",
		       who, sizeof(who));
	CU_ASSERT_STRING_EQUAL(who, "alice@node-a");
}

/* What agent_asked_log said last. */
static char logged[512];

bool oo_log_wants(enum oo_log_level level)
{
	return level != OO_LOG_DEBUG;
}

void oo_log_line(const char *file, enum oo_log_level level, const char *const *fields,
		 const char *format, ...)
{
	(void)file;
	(void)fields;
	va_list arguments;
	int n = snprintf(logged, sizeof(logged), "<%d>", (int)level);
	va_start(arguments, format);
	vsnprintf(logged + n, sizeof(logged) - (size_t)n, format, arguments);
	va_end(arguments);
}

static void test_a_change_is_logged_in_one_line_with_who(void)
{
	const struct oo_api_request request = {.route = &route,
					       .values = {"node-b\n\x1b[2J"},
					       .body = "{\n\"reason\": \"me\"}",
					       .body_length = 17,
					       .peer = {.uid = 1000, .pid = 42, .user = "alice"}};
	agent_asked_log(NULL, &request, 202);
	CU_ASSERT_STRING_EQUAL(logged, "<5>alice (uid 1000, pid 42) asked POST "
				       "/v1/pause?node=node-b  [2J { \"reason\": \"me\"}: 202");
	agent_asked_log(NULL, &request, 403);
	CU_ASSERT_EQUAL(strncmp(logged, "<4>alice", 8), 0);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"an object is read", test_an_object_is_read},
		{"no body is an empty object", test_no_body_is_an_empty_object},
		{"anything else is refused, with the place",
		 test_anything_else_is_refused_with_the_place},
		{"who asks is the user at the node", test_who_asks_is_the_user_at_the_node},
		{"a change is logged in one line, with who",
		 test_a_change_is_logged_in_one_line_with_who},
		CU_TEST_INFO_NULL,
	};
	return run_suite("what was asked", tests);
}
