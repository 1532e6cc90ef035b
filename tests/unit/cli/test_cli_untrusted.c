#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "fields.h"
#include "moment.h"
#include "printable.h"
#include "screens.h"

/* Every line keeps to the width, and no byte of it is a control. */
static void check_lines(const char *screen, int width)
{
	while (*screen != '\0') {
		char line[1024];
		size_t length = strcspn(screen, "\n");
		CU_ASSERT_TRUE(length < sizeof(line));
		CU_ASSERT_EQUAL_FATAL(screen[length], '\n');
		snprintf(line, sizeof(line), "%.*s", (int)length, screen);
		for (size_t i = 0; line[i] != '\0'; i++) {
			CU_ASSERT_TRUE((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
		}
		CU_ASSERT_TRUE(printable_width(line) <= width);
		CU_ASSERT_TRUE(length == 0 || screen[length - 1] != ' ');
		screen += length + 1;
	}
}

static void test_no_line_is_longer_than_the_page(void)
{
	for (int width = 60; width < 300; width++) {
		OO_AUTO(oo_free)
		char *screen = render(long_answer(), &(struct page){.width = width});
		check_lines(screen, width);
	}
}

static void test_a_page_too_narrow_for_anything_still_shows_something(void)
{
	for (int width = 1; width < 60; width++) {
		OO_AUTO(oo_free)
		char *screen = render(long_answer(), &(struct page){.width = width});
		CU_ASSERT_PTR_NOT_NULL(strstr(screen, "DEGRADED"));
	}
}

/* Puts text in place of every string. */
static void poison(json_object *object, const char *text)
{
	if (json_object_is_type(object, json_type_object)) {
		json_object_iter field;
		json_object_object_foreachC(object, field)
		{
			if (json_object_is_type(field.val, json_type_string) &&
			    strcmp(field.key, "state") != 0 && strcmp(field.key, "role") != 0) {
				json_object_set_string(field.val, text);
			}
			poison(field.val, text);
		}
	} else if (json_object_is_type(object, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(object); i++) {
			poison(json_object_array_get_idx(object, i), text);
		}
	}
}

static void test_no_text_of_the_agent_reaches_the_terminal_as_a_control(void)
{
	static const char *const texts[] = {
		"\033[2J\033[31mred\007",
		"\x9b"
		"31m",
		"\xc2\x9b"
		"31m",
		"\xe2\x80\xae"
		"drawkcab",
		"a\r\nb\tc\x7f",
		"\xff\xfe\xc3",
		"%s%n%5000d",
		"\xe2\x80\x8b\xcc\x81",
	};
	for (size_t i = 0; i < OO_LENGTH(texts); i++) {
		json_object *status =
			answer("/state", "\"degraded\"", "/problems", "[\"x\"]", "/paused",
			       "{\"by\":\"x\",\"at\":\"x\",\"reason\":\"x\"}", NULL);
		poison(status, texts[i]);
		json_object_array_put_idx(json_object_object_get(status, "problems"), 0,
					  json_object_new_string(texts[i]));
		OO_AUTO(oo_free) char *screen = render(status, PAGE_80);
		check_lines(screen, 80);
		CU_ASSERT_PTR_NULL(strstr(screen, "\xc2\x9b"));
		CU_ASSERT_PTR_NULL(strstr(screen, "\xe2\x80\xae"));
		CU_ASSERT_PTR_NULL(strstr(screen, "\xff"));
	}
}

static void test_what_is_not_printable_is_shown_in_hex(void)
{
	static const char *const cases[][2] = {
		{"plain", "plain"},
		{"\033[31m", "\\x1b[31m"},
		{"a\r\n\tb", "a   b"},
		{"end \n", "end"},
		{"\x7f", "\\x7f"},
		{"\xc2\x9b", "\\xc2\\x9b"},
		{"\xe2\x80\xae", "\\xe2\\x80\\xae"},
		{"\xc3", "\\xc3"},
		{"\xc3(", "\\xc3("},
		{"\xd1\x83\xd0\xb7\xd0\xb5\xd0\xbb", "\xd1\x83\xd0\xb7\xd0\xb5\xd0\xbb"},
		{"\xe7\xaf\x80", "\xe7\xaf\x80"},
	};
	char copy[64];
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		CU_ASSERT_STRING_EQUAL(printable_copy(copy, sizeof(copy), cases[i][0]),
				       cases[i][1]);
	}
	CU_ASSERT_EQUAL(printable_width("\xd1\x83\xd0\xb7\xd0\xb5\xd0\xbb"), 4);
	CU_ASSERT_EQUAL(printable_width("\xe7\xaf\x80"), 2); /* a wide character */
	CU_ASSERT_EQUAL(printable_fit("\xe7\xaf\x80\xe7\xaf\x80", 3), 3);
	CU_ASSERT_STRING_EQUAL(printable_copy(copy, 4, "ab\033"), "ab"); /* whole or not at all */
}

static void test_a_locale_without_utf8_gets_ascii_only(void)
{
	char copy[64];
	CU_ASSERT_PTR_NOT_NULL_FATAL(setlocale(LC_CTYPE, "C"));
	printable_copy(copy, sizeof(copy), "\xd1\x83 a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(setlocale(LC_CTYPE, "C.UTF-8"));
	CU_ASSERT_STRING_EQUAL(copy, "\\xd1\\x83 a");
}

/* Puts value in place of the nth field, counted through the whole; false when there are fewer. */
static bool replace_nth(json_object *object, int *n, json_object *value, bool remove)
{
	if (json_object_is_type(object, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(object); i++) {
			if ((*n)-- == 0) {
				json_object_array_put_idx(object, i, json_object_get(value));
				return true;
			}
			if (replace_nth(json_object_array_get_idx(object, i), n, value, remove)) {
				return true;
			}
		}
	}
	if (json_object_is_type(object, json_type_object)) {
		json_object_iter field;
		json_object_object_foreachC(object, field)
		{
			if ((*n)-- == 0) {
				if (remove) {
					json_object_object_del(object, field.key);
				} else {
					json_object_object_add(object, field.key,
							       json_object_get(value));
				}
				return true;
			}
			if (replace_nth(field.val, n, value, remove)) {
				return true;
			}
		}
	}
	return false;
}

static void test_any_field_may_be_missing_or_of_any_type(void)
{
	static const char *const values[] = {
		"null",
		"true",
		"\"x\"",
		"\"\"",
		"-1",
		"-9223372036854775808",
		"9223372036854775807",
		"1e300",
		"[]",
		"[null]",
		"[[]]",
		"{}",
		"{\"x\":null}",
	};
	int rendered = 0;
	for (size_t i = 0; i < OO_LENGTH(values) + 1; i++) {
		bool remove = i == OO_LENGTH(values);
		json_object *value = remove || i == 0 ? NULL : parse(values[i]);
		for (int n = 0;; n++) {
			int counted = n;
			json_object *status = parse(ANSWER_FINE);
			if (!replace_nth(status, &counted, value, remove)) {
				json_object_put(status);
				break;
			}
			OO_AUTO(oo_free) char *screen = render(status, PAGE_80);
			check_lines(screen, 80);
			rendered++;
		}
		json_object_put(value);
	}
	CU_ASSERT_TRUE(rendered > 1000);
}

static void test_durations_are_shown_in_two_units_at_most(void)
{
	static const struct {
		int64_t ms;
		const char *age;
		const char *took;
	} cases[] = {
		{FIELD_NONE, "-", "-"},
		{-5000, "0.0 s", "0 ms"}, /* two hosts' clocks differ */
		{0, "0.0 s", "0 ms"},
		{999, "0.9 s", "999 ms"},
		{1000, "1.0 s", "1.0 s"},
		{59999, "59.9 s", "59.9 s"},
		{60000, "1m 0s", "1m 0s"},
		{3599999, "59m 59s", "59m 59s"},
		{3600000, "1h 0m", "1h 0m"},
		{86399999, "23h 59m", "23h 59m"},
		{86400000, "1d 0h", "1d 0h"},
		{INT64_MAX, "106751991167d 7h", "106751991167d 7h"},
	};
	char buffer[AGE_LENGTH];
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		CU_ASSERT_STRING_EQUAL(format_age(cases[i].ms, buffer), cases[i].age);
		CU_ASSERT_STRING_EQUAL(format_took(cases[i].ms, buffer), cases[i].took);
	}
}

static void test_times_are_read_as_the_agent_writes_them(void)
{
	char buffer[TIME_LENGTH];
	CU_ASSERT_STRING_EQUAL(format_time("2026-01-31T12:00:00.123Z", buffer),
			       "2026-01-31 12:00:00 UTC");
	CU_ASSERT_STRING_EQUAL(format_time("2026-01-31T12:00:00Z", buffer),
			       "2026-01-31 12:00:00 UTC");
	CU_ASSERT_STRING_EQUAL(format_time("2026-01-31T12:00:00+02:00", buffer),
			       "2026-01-31T12:00:00+02:00");
	CU_ASSERT_STRING_EQUAL(format_time("yesterday", buffer), "yesterday");
	CU_ASSERT_EQUAL(time_between("2026-01-31T11:58:59Z", "2026-02-01T12:00:00.5Z"), 86461000);
	CU_ASSERT_EQUAL(time_between("", "2026-02-01T12:00:00Z"), FIELD_NONE);
	CU_ASSERT_EQUAL(time_between("2026-02-01T12:00:00Z", "soon"), FIELD_NONE);
}

static void test_the_outcome_is_the_states(void)
{
	static const struct {
		const char *state;
		enum outcome outcome;
	} cases[] = {
		{"\"fine\"", OUTCOME_FINE},         {"\"degraded\"", OUTCOME_DEGRADED},
		{"\"critical\"", OUTCOME_CRITICAL}, {"\"splendid\"", OUTCOME_UNKNOWN},
		{"null", OUTCOME_UNKNOWN},          {"0", OUTCOME_UNKNOWN},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		json_object *status = answer("/state", cases[i].state, NULL);
		CU_ASSERT_EQUAL(screen_outcome(status), cases[i].outcome);
		json_object_put(status);
	}
	CU_ASSERT_EQUAL(screen_outcome(NULL), OUTCOME_UNKNOWN);
}

static void test_a_screen_that_exceeds_its_limit_is_an_error(void)
{
	for (size_t limit = 0; limit < 500; limit += 7) {
		struct oo_buffer out;
		json_object *status = long_answer();
		oo_buffer_init(&out, limit);
		CU_ASSERT_EQUAL(screen_render(status, PAGE_80, &out), -EMSGSIZE);
		oo_buffer_done(&out);
		json_object_put(status);
	}
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"no line is longer than the page", test_no_line_is_longer_than_the_page},
		{"a page too narrow for anything still shows something",
		 test_a_page_too_narrow_for_anything_still_shows_something},
		{"no text of the agent reaches the terminal as a control",
		 test_no_text_of_the_agent_reaches_the_terminal_as_a_control},
		{"what is not printable is shown in hex",
		 test_what_is_not_printable_is_shown_in_hex},
		{"a locale without utf8 gets ascii only",
		 test_a_locale_without_utf8_gets_ascii_only},
		{"any field may be missing or of any type",
		 test_any_field_may_be_missing_or_of_any_type},
		{"durations are shown in two units at most",
		 test_durations_are_shown_in_two_units_at_most},
		{"times are read as the agent writes them",
		 test_times_are_read_as_the_agent_writes_them},
		{"the outcome is the states", test_the_outcome_is_the_states},
		{"a screen that exceeds its limit is an error",
		 test_a_screen_that_exceeds_its_limit_is_an_error},
		CU_TEST_INFO_NULL,
	};
	return run_suite("ooha's screens of what it cannot trust", tests);
}
