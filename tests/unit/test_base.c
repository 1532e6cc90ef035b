#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/error.h"
#include "base/text.h"
#include "event/testing.h"

static void test_durations_in_every_unit_are_read(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{"0s", 0},       {"500ms", 500},         {"3s", 3000},   {"2m", 120000},
		{"1h", 3600000}, {"1.5s", 1500},         {"0.001s", 1},  {"0.5h", 1800000},
		{"1.50s", 1500}, {"8760h", 31536000000}, {"007s", 7000}, {"31536000s", 31536000000},
	};
	for (size_t i = 0; i < OO_LENGTH(good); i++) {
		int64_t ms = -7;
		CU_ASSERT_EQUAL(oo_duration_parse(good[i].text, &ms), 0);
		CU_ASSERT_EQUAL(ms, good[i].ms);
	}
}

static void test_bad_durations_are_refused_and_leave_the_output_alone(void)
{
	static const struct {
		const char *text;
		int r;
	} bad[] = {
		{"", -EINVAL},
		{"3", -EINVAL},
		{"s", -EINVAL},
		{" 3s", -EINVAL},
		{"3s ", -EINVAL},
		{"3 s", -EINVAL},
		{"-3s", -EINVAL},
		{"+3s", -EINVAL},
		{".5s", -EINVAL},
		{"1.s", -EINVAL},
		{"1.5.5s", -EINVAL},
		{"3S", -EINVAL},
		{"3sec", -EINVAL},
		{"3d", -EINVAL},
		{"0x3s", -EINVAL},
		{"1e3s", -EINVAL},
		{"0.5ms", -EINVAL},
		{"1.0001s", -EINVAL},
		{"8761h", -ERANGE},
		{"31536001s", -ERANGE},
		{"8760.001h", -ERANGE},
		{"99999999999999999999999s", -ERANGE},
		{"0.00000000000000000000001s", -ERANGE},
		{"9223372036854775807ms", -ERANGE},
	};
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		int64_t ms = -7;
		CU_ASSERT_EQUAL(oo_duration_parse(bad[i].text, &ms), bad[i].r);
		CU_ASSERT_EQUAL(ms, -7);
	}
}

static void test_a_duration_is_shown_in_the_largest_unit_that_loses_nothing(void)
{
	static const struct {
		int64_t ms;
		const char *text;
	} shown[] = {
		{0, "0s"},        {1, "1ms"},
		{999, "999ms"},   {1000, "1s"},
		{1500, "1500ms"}, {60000, "1m"},
		{90000, "90s"},   {3600000, "1h"},
		{-500, "-500ms"}, {INT64_MAX, "9223372036854775807ms"},
	};
	for (size_t i = 0; i < OO_LENGTH(shown); i++) {
		char buffer[OO_DURATION_LENGTH];
		CU_ASSERT_STRING_EQUAL(oo_duration_format(shown[i].ms, buffer), shown[i].text);
	}
}

static void test_an_error_says_what_failed_and_why(void)
{
	struct oo_err err;
	CU_ASSERT_EQUAL(oo_fail(&err, ENOENT, "open %s", "/x"), -ENOENT);
	CU_ASSERT_STRING_EQUAL(err.text, "open /x: No such file or directory");
	CU_ASSERT_EQUAL(oo_fail_text(&err, EINVAL, "port %d: too big", 70000), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, "port 70000: too big");
}

static void test_an_error_may_go_nowhere(void)
{
	CU_ASSERT_EQUAL(oo_fail(NULL, ENOENT, "open"), -ENOENT);
	CU_ASSERT_EQUAL(oo_fail_text(NULL, EINVAL, "bad"), -EINVAL);
	oo_err_wrap(NULL, "context");
}

static void test_wrapping_puts_the_context_before(void)
{
	struct oo_err err = {"refused"};
	oo_err_wrap(&err, "node %s", "a");
	oo_err_wrap(&err, "etcd");
	CU_ASSERT_STRING_EQUAL(err.text, "etcd: node a: refused");
}

static void test_a_long_error_is_cut_and_terminated(void)
{
	char text[2 * OO_ERR_LENGTH];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	struct oo_err err;

	oo_fail(&err, ENOENT, "%s", text);
	CU_ASSERT_EQUAL(strlen(err.text), OO_ERR_LENGTH - 1);
	oo_fail_text(&err, ENOENT, "%s", text);
	CU_ASSERT_EQUAL(strlen(err.text), OO_ERR_LENGTH - 1);
	oo_err_wrap(&err, "%s", "context");
	CU_ASSERT_EQUAL(strlen(err.text), OO_ERR_LENGTH - 1);
	CU_ASSERT_EQUAL(strncmp(err.text, "context: xxx", 12), 0);

	/* each length around the end of the space, where the ": " no longer fits */
	for (size_t left = 0; left < 6; left++) {
		text[OO_ERR_LENGTH - left] = '\0';
		err = (struct oo_err){"why"};
		oo_err_wrap(&err, "%s", text);
		CU_ASSERT(strlen(err.text) < OO_ERR_LENGTH);
		oo_fail(&err, ENOENT, "%s", text);
		CU_ASSERT(strlen(err.text) < OO_ERR_LENGTH);
	}
}

static void test_a_text_is_copied_whole_or_not_at_all(void)
{
	char target[4] = "old";
	CU_ASSERT_EQUAL(oo_text_copy(target, sizeof(target), "four"), -ENAMETOOLONG);
	CU_ASSERT_STRING_EQUAL(target, "old");
	CU_ASSERT_EQUAL(oo_text_copy(target, sizeof(target), "abc"), 0);
	CU_ASSERT_STRING_EQUAL(target, "abc");
	CU_ASSERT_EQUAL(oo_text_copy(target, sizeof(target), ""), 0);
	CU_ASSERT_STRING_EQUAL(target, "");
}

static void test_a_clipped_text_is_terminated(void)
{
	char target[4];
	oo_text_clip(target, sizeof(target), "abcdef");
	CU_ASSERT_STRING_EQUAL(target, "abc");
	oo_text_clip(target, sizeof(target), "a");
	CU_ASSERT_STRING_EQUAL(target, "a");
	oo_text_clip(target, 1, "abc");
	CU_ASSERT_STRING_EQUAL(target, "");
}

static void test_a_text_is_clipped_between_characters(void)
{
	static const char euros[] = "a\xe2\x82\xac\xe2\x82\xac"; /* 1, 3 and 3 bytes */
	static const size_t kept[] = {0, 0, 1, 1, 1, 4, 4, 4, 7, 7};
	for (size_t size = 1; size < OO_LENGTH(kept); size++) {
		char target[OO_LENGTH(kept)];
		oo_text_clip(target, size, euros);
		CU_ASSERT_EQUAL(strlen(target), kept[size]);
		CU_ASSERT_NSTRING_EQUAL(target, euros, kept[size]);
	}
	char target[4];
	oo_text_clip(target, sizeof(target), "\x80\x80\x80\x80\x80"); /* no character at all */
	CU_ASSERT_STRING_EQUAL(target, "");
}

static void test_a_buffer_grows_to_its_limit_and_no_further(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	oo_buffer_init(&buffer, 1000);
	for (int i = 0; i < 100; i++) {
		CU_ASSERT_EQUAL(oo_buffer_add(&buffer, "0123456789", 10), 0);
	}
	CU_ASSERT_EQUAL(buffer.length, 1000);
	CU_ASSERT_EQUAL(buffer.data[1000], '\0');
	CU_ASSERT_EQUAL(oo_buffer_add(&buffer, "x", 1), -EMSGSIZE);
	CU_ASSERT_EQUAL(oo_buffer_add_format(&buffer, "%d", 1), -EMSGSIZE);
	CU_ASSERT_EQUAL(buffer.length, 1000);
	CU_ASSERT_EQUAL(oo_buffer_add(&buffer, "", 0), 0);

	oo_buffer_drop(&buffer, 995);
	CU_ASSERT_STRING_EQUAL(buffer.data, "56789");
	CU_ASSERT_EQUAL(oo_buffer_add_format(&buffer, "-%s", "abc"), 0);
	CU_ASSERT_STRING_EQUAL(buffer.data, "56789-abc");
	oo_buffer_clear(&buffer);
	CU_ASSERT_STRING_EQUAL(buffer.data, "");
	CU_ASSERT_EQUAL(oo_buffer_add(&buffer, "a\0b", 3), 0);
	CU_ASSERT_EQUAL(memcmp(buffer.data, "a\0b", 4), 0);
}

static void test_text_is_appended_as_json(void)
{
	static const char text[] = "a\"b\\c\n\x01\0\xc3\xa9";
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	oo_buffer_init(&buffer, 40);
	CU_ASSERT_EQUAL(oo_buffer_add_json(&buffer, text, sizeof(text) - 1), 0);
	CU_ASSERT_STRING_EQUAL(buffer.data, "\"a\\\"b\\\\c\\u000a\\u0001\\u0000\xc3\xa9\"");
	CU_ASSERT_EQUAL(oo_buffer_add_json(&buffer, text, sizeof(text) - 1), -EMSGSIZE);
}

static void test_an_empty_buffer_can_be_cleared_and_done_twice(void)
{
	struct oo_buffer buffer;
	oo_buffer_init(&buffer, 1);
	oo_buffer_clear(&buffer);
	oo_buffer_drop(&buffer, 0);
	oo_buffer_done(&buffer);
	oo_buffer_done(&buffer);
	CU_ASSERT_PTR_NULL(buffer.data);
	CU_ASSERT_EQUAL(buffer.limit_bytes, 1);
}

static void test_a_local_that_owns_is_closed_unless_it_was_taken(void)
{
	int kept, closed;
	{
		OO_AUTO(oo_close) int taken_from = open("/dev/null", O_RDONLY | O_CLOEXEC);
		OO_AUTO(oo_close) int left = open("/dev/null", O_RDONLY | O_CLOEXEC);
		closed = left;
		kept = oo_take_fd(&taken_from);
		errno = EDOM;
	}
	CU_ASSERT_EQUAL(errno, EDOM);
	CU_ASSERT_EQUAL(fcntl(closed, F_GETFD), -1);
	CU_ASSERT_EQUAL(fcntl(kept, F_GETFD), FD_CLOEXEC);
	oo_close(&kept);
	CU_ASSERT_EQUAL(kept, -1);
}

static void test_a_pointer_is_freed_unless_it_was_taken(void)
{
	char *kept; /* the leak checker sees to the one that was left */
	{
		OO_AUTO(oo_free) char *taken_from = strdup("kept");
		OO_AUTO(oo_free) char *left = strdup("left");
		CU_ASSERT_PTR_NOT_NULL(left);
		kept = oo_take_ptr(taken_from);
		CU_ASSERT_PTR_NULL(taken_from);
	}
	CU_ASSERT_STRING_EQUAL(kept, "kept");
	oo_free(&kept);
}

static void test_the_clocks_agree_about_the_unit(void)
{
	int64_t before = oo_clock_now_us();
	int64_t now = oo_clock_now();
	int64_t after = oo_clock_now_us();
	CU_ASSERT(before / 1000 <= now && now <= after / 1000);
	CU_ASSERT(oo_clock_wall() > INT64_C(1500000000000));
}

int main(void)
{
	static const struct test tests[] = {
		TEST(durations_in_every_unit_are_read),
		TEST(bad_durations_are_refused_and_leave_the_output_alone),
		TEST(a_duration_is_shown_in_the_largest_unit_that_loses_nothing),
		TEST(an_error_says_what_failed_and_why),
		TEST(an_error_may_go_nowhere),
		TEST(wrapping_puts_the_context_before),
		TEST(a_long_error_is_cut_and_terminated),
		TEST(a_text_is_copied_whole_or_not_at_all),
		TEST(a_clipped_text_is_terminated),
		TEST(a_text_is_clipped_between_characters),
		TEST(a_buffer_grows_to_its_limit_and_no_further),
		TEST(text_is_appended_as_json),
		TEST(an_empty_buffer_can_be_cleared_and_done_twice),
		TEST(a_local_that_owns_is_closed_unless_it_was_taken),
		TEST(a_pointer_is_freed_unless_it_was_taken),
		TEST(the_clocks_agree_about_the_unit),
	};
	return run_tests("base", tests, OO_LENGTH(tests));
}
