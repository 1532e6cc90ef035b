#include <CUnit/Basic.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "past.h"
#include "store.h"

#define KEYS_MAX 400

/* What the copy asks etcd for; answered by the test. */
static struct {
	int n; /* so often */
	bool keys_only, refuses;
	char key[AGENT_KEY_LENGTH];
	struct oo_etcd_call call;
} asked;

static struct agent agent;
static struct agent_past *past;

void agent_store_key(const struct agent_store *store, char key[static AGENT_KEY_LENGTH],
		     const char *format, ...)
{
	va_list arguments;
	(void)store;
	va_start(arguments, format);
	vsnprintf(key, AGENT_KEY_LENGTH, format, arguments);
	va_end(arguments);
}

struct oo_etcd *agent_store_etcd(struct agent_store *store)
{
	(void)store;
	return NULL;
}

int oo_etcd_run(struct oo_etcd *etcd, const struct oo_etcd_op *op, const struct oo_etcd_call *call,
		struct oo_etcd_request **ret_request)
{
	(void)etcd;
	(void)ret_request;
	if (asked.refuses) {
		return -ENOMEM;
	}
	CU_ASSERT_EQUAL(op->type, OO_ETCD_OP_RANGE);
	asked.n++;
	asked.keys_only = op->keys_only;
	oo_text_clip(asked.key, sizeof(asked.key), op->key);
	asked.call = *call;
	return 0;
}

static void begin(void)
{
	memset(&asked, 0, sizeof(asked));
	CU_ASSERT_EQUAL_FATAL(agent_past_new(&agent, &past, NULL), 0);
}

static void end(void)
{
	agent_past_free(past);
	past = NULL;
}

/* etcd's records from first to last, at a revision; each says its number. */
static void answer(int first, int last, int64_t revision)
{
	static struct oo_etcd_kv kvs[KEYS_MAX];
	static char keys[KEYS_MAX][32], values[KEYS_MAX][32];
	size_t n = 0;
	for (int i = first; i <= last; i++, n++) {
		snprintf(keys[n], sizeof(keys[n]), "history/%016d", i);
		snprintf(values[n], sizeof(values[n]), "{\"n\":%d}", i);
		kvs[n] = (struct oo_etcd_kv){.key = keys[n],
					     .value = values[n],
					     .value_length = strlen(values[n]),
					     .mod_revision = i};
	}
	struct oo_etcd_result result = {.kvs = kvs, .n_kvs = n};
	struct oo_etcd_answer it = {.results = &result, .n_results = 1, .revision = revision};
	asked.call.done(asked.call.user, 0, &it, NULL);
}

static void change(int number, const char *value, bool deleted)
{
	char key[32];
	snprintf(key, sizeof(key), "history/%016d", number);
	struct oo_etcd_event event = {.deleted = deleted,
				      .kv = {.key = key,
					     .value = value,
					     .value_length = strlen(value),
					     .mod_revision = 1000 + number}};
	agent_past_change(past, &event);
}

/* The numbers of the last n, as "1 2 3", and "?" behind them while not all is known. */
static void expect(size_t n, const char *wanted)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	struct json_object *object = agent_past_new_answer(past, n), *list, *error;
	oo_buffer_init(&text, 1 << 20);
	CU_ASSERT(json_object_object_get_ex(object, "history", &list));
	CU_ASSERT(json_object_object_get_ex(object, "error", &error));
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *number = NULL;
		(void)json_object_object_get_ex(json_object_array_get_idx(list, i), "n", &number);
		(void)oo_buffer_add_format(&text, "%s%s", i > 0 ? " " : "",
					   json_object_get_string(number));
	}
	(void)oo_buffer_add_format(&text, "%s", error != NULL ? "?" : "");
	CU_ASSERT_STRING_EQUAL(text.data != NULL ? text.data : "", wanted);
	json_object_put(object);
}

/* Reads records first to last, as after the start. */
static void learn(int first, int last)
{
	agent_past_keep(past, true);
	answer(first, last, last);
	if (last >= first) {
		answer(first, last, last);
	}
}

static void test_the_history_is_read_once(void)
{
	begin();
	expect(10, "?");
	agent_past_keep(past, true);
	CU_ASSERT_EQUAL(asked.n, 1);
	CU_ASSERT_TRUE(asked.keys_only);
	agent_past_keep(past, false); /* under way */
	CU_ASSERT_EQUAL(asked.n, 1);
	answer(1, 3, 3);
	CU_ASSERT_EQUAL(asked.n, 2);
	CU_ASSERT_FALSE(asked.keys_only);
	answer(1, 3, 3);
	expect(10, "1 2 3");
	expect(2, "2 3");
	expect(0, "");
	agent_past_keep(past, false);
	CU_ASSERT_EQUAL(asked.n, 2);
	end();
}

static void test_none_is_known_to_be_none(void)
{
	begin();
	learn(1, 0);
	expect(10, "");
	CU_ASSERT_EQUAL(asked.n, 1);
	end();
}

static void test_only_the_last_are_asked_for(void)
{
	begin();
	agent_past_keep(past, true);
	answer(1, 300, 300);
	CU_ASSERT_STRING_EQUAL(asked.key, "history/0000000000000045");
	answer(45, 300, 300);
	expect(1, "300");
	end();
}

static void test_the_watch_goes_on_with_it(void)
{
	begin();
	learn(1, 3);
	change(4, "{\"n\":4}", false);
	change(1, "", true);
	change(9, "", true); /* never seen */
	expect(10, "2 3 4");
	change(3, "{\"n\":33}", false);
	expect(10, "2 33 4");
	end();
}

static void test_what_the_watch_told_is_newer_than_a_read(void)
{
	begin();
	agent_past_keep(past, true);
	answer(1, 3, 3);
	change(4, "{\"n\":4}", false);
	answer(1, 3, 3);
	expect(10, "1 2 3 4");
	end();
}

static void test_a_new_watch_reads_anew_and_forgets_what_is_gone(void)
{
	begin();
	learn(1, 4);
	agent_past_keep(past, true);
	expect(10, "1 2 3 4?");
	CU_ASSERT_EQUAL(asked.n, 3);
	answer(3, 6, 6);
	answer(3, 6, 6);
	expect(10, "3 4 5 6");
	end();
}

static void test_the_oldest_go_at_the_limit(void)
{
	begin();
	learn(1, AGENT_PAST_MAX);
	change(AGENT_PAST_MAX + 1, "{\"n\":257}", false);
	change(0, "{\"n\":0}", false); /* older than all */
	struct json_object *object = agent_past_new_answer(past, 1000), *list, *number;
	(void)json_object_object_get_ex(object, "history", &list);
	CU_ASSERT_EQUAL(json_object_array_length(list), AGENT_PAST_MAX);
	(void)json_object_object_get_ex(json_object_array_get_idx(list, 0), "n", &number);
	CU_ASSERT_EQUAL(json_object_get_int(number), 2);
	json_object_put(object);
	expect(1, "257");
	end();
}

static void test_a_failure_is_tried_again_with_the_next_read(void)
{
	begin();
	asked.refuses = true;
	agent_past_keep(past, true);
	asked.refuses = false;
	agent_past_keep(past, false);
	CU_ASSERT_EQUAL(asked.n, 1);
	asked.call.done(asked.call.user, -ETIMEDOUT, NULL, &(struct oo_err){{0}});
	expect(10, "?");
	agent_past_keep(past, false);
	CU_ASSERT_EQUAL(asked.n, 2);
	answer(1, 2, 2);
	asked.call.done(asked.call.user, -ETIMEDOUT, NULL, &(struct oo_err){{0}});
	agent_past_keep(past, false);
	CU_ASSERT_EQUAL(asked.n, 4);
	CU_ASSERT_TRUE(asked.keys_only);
	end();
}

static void test_what_is_no_record_is_passed_over(void)
{
	char large[AGENT_PAST_RECORD_BYTES_MAX + 100];
	begin();
	learn(1, 1);
	memset(large, ' ', sizeof(large) - 1);
	large[0] = '{';
	large[sizeof(large) - 2] = '}';
	large[sizeof(large) - 1] = '\0';
	change(2, large, false);
	change(3, "[]", false);
	change(4, "{\"n\":", false);
	change(5, "{\"n\":\"\xff\"}", false);
	change(6, "[[[[[[[[[[[[1]]]]]]]]]]]]", false);
	change(7, "{\"n\":7}", false);
	expect(10, "1 7");
	end();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the history is read once", test_the_history_is_read_once},
		{"none is known to be none", test_none_is_known_to_be_none},
		{"only the last are asked for", test_only_the_last_are_asked_for},
		{"the watch goes on with it", test_the_watch_goes_on_with_it},
		{"what the watch told is newer than a read",
		 test_what_the_watch_told_is_newer_than_a_read},
		{"a new watch reads anew and forgets what is gone",
		 test_a_new_watch_reads_anew_and_forgets_what_is_gone},
		{"the oldest go at the limit", test_the_oldest_go_at_the_limit},
		{"a failure is tried again with the next read",
		 test_a_failure_is_tried_again_with_the_next_read},
		{"what is no record is passed over", test_what_is_no_record_is_passed_over},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"the past", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		return 1;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	int failed = CU_get_number_of_tests_run() == 0 || CU_get_number_of_failures() > 0;
	CU_cleanup_registry();
	return failed;
}
