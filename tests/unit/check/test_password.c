/* Where passwords of checks are read from. */
#include <CUnit/Basic.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "check/secret.h"

/* Reads from a file of that content; returns what oo_check_password_read does. */
static int read_from(const char *content, const char *pointer,
		     char password[static OO_CHECK_SECRET_LENGTH])
{
	char path[] = "/tmp/oo-check-password-XXXXXX";
	int fd = mkstemp(path);
	CU_ASSERT_FATAL(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
	close(fd);
	int r = oo_check_password_read(path, pointer, password);
	unlink(path);
	return r;
}

static void test_a_password_is_all_of_a_file_or_a_place_in_one_of_json(void)
{
	static const struct {
		const char *content, *pointer, *password;
	} rows[] = {
		{"geheim\n", NULL, "geheim"},
		{"{\"a\": \"b\"}", NULL, "{\"a\": \"b\"}"},
		{"{\"a\": {\"b\": \"geheim\"}}", "/a/b", "geheim"},
		{"{\"a\": \"\"}", "/a", ""},
		{"{\"url\": \"amqp://guest:s%40fe:x@10.0.0.1:5672/v\"}", "/url", "s@fe:x"},
		{"{\"url\": \"amqps://u:p@[::1]\"}", "/url", "p"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		char password[OO_CHECK_SECRET_LENGTH];
		CU_ASSERT_EQUAL_FATAL(read_from(rows[i].content, rows[i].pointer, password), 0);
		CU_ASSERT_STRING_EQUAL(password, rows[i].password);
	}
}

static void test_what_is_not_there_is_an_error(void)
{
	static const struct {
		const char *content, *pointer;
		int r;
	} rows[] = {
		{"geheim", "/a", -EBADMSG},
		{"{\"a\": \"b\"", "/a", -EBADMSG},
		{"", "/a", -EBADMSG},
		{"{\"a\": 7}", "/a", -ENOENT},
		{"{\"a\": {}}", "/a", -ENOENT},
		{"{\"a\": \"b\"}", "/b", -ENOENT},
		{"{\"a\": \"amqp://host\"}", "/a", -ENOENT},
		{"{\"a\": \"://\"}", "/a", -ENOENT},
	};
	char password[OO_CHECK_SECRET_LENGTH] = "untouched";
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		CU_ASSERT_EQUAL(read_from(rows[i].content, rows[i].pointer, password), rows[i].r);
		CU_ASSERT_STRING_EQUAL(password, "untouched");
	}
	CU_ASSERT_EQUAL(oo_check_password_read("/nonexistent", "/a", password), -ENOENT);
}

static void test_a_password_that_is_too_long_is_none(void)
{
	static char content[OO_CHECK_SECRET_LENGTH + 64];
	char password[OO_CHECK_SECRET_LENGTH] = "untouched";
	strcpy(content, "{\"a\": \"");
	memset(content + strlen(content), 'x', OO_CHECK_SECRET_LENGTH);
	strcat(content, "\"}");
	CU_ASSERT_EQUAL(read_from(content, "/a", password), -EFBIG);
	CU_ASSERT_STRING_EQUAL(password, "untouched");
}

#define TEST(name)                                                                                 \
	{                                                                                          \
		.pName = #name, .pTestFunc = test_##name                                           \
	}

int main(void)
{
	CU_TestInfo tests[] = {
		TEST(a_password_is_all_of_a_file_or_a_place_in_one_of_json),
		TEST(what_is_not_there_is_an_error),
		TEST(a_password_that_is_too_long_is_none),
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{.pName = "passwords of checks", .pTests = tests},
				 CU_SUITE_INFO_NULL};
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		return 1;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	(void)CU_basic_run_tests();
	bool good = CU_get_number_of_tests_run() > 0 && CU_get_number_of_failures() == 0;
	CU_cleanup_registry();
	return good ? 0 : 1;
}
