#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "file.h"

static void count(const char *text, void *user)
{
	CU_ASSERT_STRING_EQUAL(text, FILE_NAME ": out of memory");
	(*(int *)user)++;
}

static int open_files(void)
{
	int n = 0;
	DIR *directory = opendir("/proc/self/fd");

	CU_ASSERT_PTR_NOT_NULL_FATAL(directory);
	while (readdir(directory) != NULL) {
		n++;
	}
	closedir(directory);
	return n;
}

static const char text[] =
	LEAST "node: {name: a, zone: b}\nlease: {ttl: 4s}\n"
	      "checks: [{name: c, type: tcp, address: 'a:1'}, {name: d, type: http, url: http://a, "
	      "expect: {body: x}}]\nhooks: {promoted: [/a]}\napi: {listen: '127.0.0.1:1'}\n";

static void test_every_lack_of_memory_is_an_error_that_leaves_nothing(void)
{
	int nth = 1;

	file_write(FILE_NAME, text, strlen(text), 0600);
	int before = open_files();
	for (;; nth++) {
		struct oo_config *config = NULL;
		struct oo_err err = {""};
		world_fail_allocation(nth);
		int r = oo_config_load(FILE_NAME, &config, &err);
		if (!world_has_failed()) {
			world_fail_allocation(0);
			CU_ASSERT_EQUAL(r, 0);
			oo_config_free(config);
			break; /* nothing left to fail */
		}
		CU_ASSERT_EQUAL(r, -ENOMEM);
		CU_ASSERT_PTR_NULL(config);
		CU_ASSERT_STRING_EQUAL(err.text, FILE_NAME ": out of memory");
	}
	CU_ASSERT(nth > 15);
	CU_ASSERT_EQUAL(open_files(), before);
}

static void test_a_check_without_memory_says_only_that(void)
{
	file_write(FILE_NAME, text, strlen(text), 0600);
	for (int nth = 1; nth <= 10; nth++) {
		int said = 0;
		world_fail_allocation(nth);
		CU_ASSERT_EQUAL(oo_config_check(FILE_NAME, count, &said), -ENOMEM);
		world_fail_allocation(0);
		CU_ASSERT_EQUAL(said, 1);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"every lack of memory is an error that leaves nothing",
		 test_every_lack_of_memory_is_an_error_that_leaves_nothing},
		{"a check without memory says only that",
		 test_a_check_without_memory_says_only_that},
		CU_TEST_INFO_NULL,
	};
	return file_run("config faults", tests);
}
