#include <CUnit/Basic.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "events.h"

/* An agent with one group, and the events that it keeps; what it logs goes to nobody. */
static struct agent agent = {.core_config = {.n_groups = 1}, .group_names = {"office"}};
static struct agent_events *events;

static void begin(void)
{
	oo_log_open("test", (enum oo_log_level) - 1);
	CU_ASSERT_EQUAL_FATAL(agent_events_new(&agent, &events, NULL), 0);
}

static void end(void)
{
	agent_events_free(events);
	events = NULL;
}

/* Which are answered, as "2 3 4 last 4". */
static void expect(int64_t after, size_t n, const char *wanted)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	struct json_object *answer = agent_events_new_answer(events, after, n), *list, *last;
	oo_buffer_init(&text, 1 << 20);
	CU_ASSERT(json_object_object_get_ex(answer, "events", &list));
	CU_ASSERT(json_object_object_get_ex(answer, "last", &last));
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *seq;
		(void)json_object_object_get_ex(json_object_array_get_idx(list, i), "seq", &seq);
		(void)oo_buffer_add_format(&text, "%s ", json_object_get_string(seq));
	}
	(void)oo_buffer_add_format(&text, "last %s", json_object_get_string(last));
	CU_ASSERT_STRING_EQUAL(text.data, wanted);
	json_object_put(answer);
}

/* The last one's field, "null" for none. */
static void expect_field(const char *name, const char *wanted)
{
	struct json_object *answer = agent_events_new_answer(events, 0, 1), *list, *field;
	(void)json_object_object_get_ex(answer, "events", &list);
	CU_ASSERT_EQUAL_FATAL(json_object_array_length(list), 1);
	CU_ASSERT(json_object_object_get_ex(json_object_array_get_idx(list, 0), name, &field));
	const char *text = json_object_get_string(field);
	CU_ASSERT_STRING_EQUAL(text != NULL ? text : "null", wanted);
	json_object_put(answer);
}

static void test_nothing_has_happened_at_first(void)
{
	begin();
	expect(0, 10, "last 0");
	end();
}

static void test_what_is_logged_is_an_event(void)
{
	begin();
	oo_log(OO_LOG_NOTICE, "one");
	oo_log(OO_LOG_DEBUG, "below the surface");
	oo_log(OO_LOG_INFO, "two");
	oo_log(OO_LOG_ERROR, "three");
	expect(0, 10, "1 2 3 last 3");
	expect_field("text", "three");
	expect_field("level", "error");
	end();
	oo_log(OO_LOG_ERROR, "nobody listens any more");
}

static void test_only_what_is_new_and_the_last_of_it(void)
{
	begin();
	for (int i = 0; i < 5; i++) {
		oo_log(OO_LOG_NOTICE, "line %d", i);
	}
	expect(0, 10, "1 2 3 4 5 last 5");
	expect(3, 10, "4 5 last 5");
	expect(5, 10, "last 5");
	expect(500, 10, "last 5"); /* of an agent before */
	expect(0, 2, "4 5 last 5");
	expect(0, 0, "last 5");
	end();
}

static void test_the_oldest_go(void)
{
	begin();
	for (int i = 0; i < AGENT_EVENTS_MAX + 3; i++) {
		oo_log(OO_LOG_NOTICE, "line %d", i);
	}
	expect(AGENT_EVENTS_MAX, 10, "513 514 515 last 515");
	struct json_object *answer = agent_events_new_answer(events, 0, 1000), *list, *first;
	(void)json_object_object_get_ex(answer, "events", &list);
	(void)json_object_object_get_ex(answer, "first", &first);
	CU_ASSERT_EQUAL(json_object_array_length(list), AGENT_EVENTS_MAX);
	CU_ASSERT_EQUAL(json_object_get_int(first), 4);
	json_object_put(answer);
	end();
}

static void test_a_groups_name_has_a_place_of_its_own(void)
{
	begin();
	oo_log(OO_LOG_NOTICE, "office: address up");
	expect_field("group", "office");
	expect_field("text", "address up");
	oo_log(OO_LOG_NOTICE, "officer: of another name");
	expect_field("group", "null");
	expect_field("text", "officer: of another name");
	end();
}

static void test_the_kind_goes_by_what_is_said(void)
{
	const char *const fields[] = {"OOHA_GROUP=office", "OOHA_MESSAGE=degraded", NULL};
	const char *const strange[] = {"OOHA_MESSAGE=new", NULL};
	begin();
	oo_log(OO_LOG_NOTICE, "of no part that is known");
	expect_field("kind", "agent");
	oo_log_line("history.c", OO_LOG_NOTICE, NULL, "by its part");
	expect_field("kind", "etcd");
	oo_log_line("history.c", OO_LOG_NOTICE, fields, "by its message");
	expect_field("kind", "health");
	oo_log_line("history.c", OO_LOG_NOTICE, strange, "by a message of another version");
	expect_field("kind", "agent");
	end();
}

static void test_long_lines_are_cut_at_a_character(void)
{
	char line[1024] = "";
	begin();
	for (int i = 0; i < 400; i++) {
		strcat(line, "\xc3\xa4");
	}
	oo_log(OO_LOG_NOTICE, "x%s", line);
	struct json_object *answer = agent_events_new_answer(events, 0, 1), *list, *text;
	(void)json_object_object_get_ex(answer, "events", &list);
	(void)json_object_object_get_ex(json_object_array_get_idx(list, 0), "text", &text);
	int length = json_object_get_string_len(text);
	CU_ASSERT(length > 300 && length < 800 && length % 2 == 1);
	json_object_put(answer);
	end();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"nothing has happened at first", test_nothing_has_happened_at_first},
		{"what is logged is an event", test_what_is_logged_is_an_event},
		{"only what is new and the last of it", test_only_what_is_new_and_the_last_of_it},
		{"the oldest go", test_the_oldest_go},
		{"a groups name has a place of its own", test_a_groups_name_has_a_place_of_its_own},
		{"the kind goes by what is said", test_the_kind_goes_by_what_is_said},
		{"long lines are cut at a character", test_long_lines_are_cut_at_a_character},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"events", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		return 1;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	int failed = CU_get_number_of_tests_run() == 0 || CU_get_number_of_failures() > 0;
	CU_cleanup_registry();
	return failed;
}
