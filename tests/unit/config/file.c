#include "file.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int __real_gethostname(char *name, size_t size);
int __wrap_gethostname(char *name, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

static const char *host_name;
static int allocations_left;
static bool failed;

int __wrap_gethostname(char *name, size_t size)
{
	if (host_name == NULL) {
		return __real_gethostname(name, size);
	}
	snprintf(name, size, "%s", host_name);
	return 0;
}

static bool allocation_fails(void)
{
	if (allocations_left == 0 || --allocations_left > 0) {
		return false;
	}
	failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(n, size);
}

void world_set_host_name(const char *name)
{
	host_name = name;
}

void world_fail_allocation(int nth)
{
	allocations_left = nth;
	failed = false;
}

bool world_has_failed(void)
{
	return failed;
}

void file_write(const char *name, const void *data, size_t length, unsigned mode)
{
	(void)unlink(name); /* it may not be there */
	OO_AUTO(oo_close) int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(fd >= 0 && write(fd, data, length) == (ssize_t)length);
	CU_ASSERT_FATAL(fchmod(fd, mode) == 0);
}

struct oo_config *file_load(const char *text)
{
	struct oo_err err = {""};
	struct oo_config *config = NULL;

	file_write(FILE_NAME, text, strlen(text), 0600);
	int r = oo_config_load(FILE_NAME, &config, &err);
	if (r != 0) {
		fprintf(stderr, "\n  refused: %s\n", err.text);
	}
	CU_ASSERT_EQUAL_FATAL(r, 0);
	return config;
}

/* Standard error goes to a file until it is put back: returns what was it. */
static int divert_output(const char *name)
{
	OO_AUTO(oo_close) int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	int kept = dup(STDERR_FILENO);
	CU_ASSERT_FATAL(kept >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	return kept;
}

int file_refuse_bytes(const void *data, size_t length, const char *message)
{
	struct oo_config *const untouched = (void *)&failed;
	struct oo_config *config = untouched;
	struct oo_err err = {""};
	struct stat printed;

	file_write(FILE_NAME, data, length, 0600);
	OO_AUTO(oo_close) int kept = divert_output("printed");
	int r = oo_config_load(FILE_NAME, &config, &err);
	CU_ASSERT_FATAL(dup2(kept, STDERR_FILENO) >= 0);
	CU_ASSERT_FATAL(stat("printed", &printed) == 0);
	CU_ASSERT_EQUAL(printed.st_size, 0);
	CU_ASSERT(r < 0);
	CU_ASSERT_PTR_EQUAL(config, untouched);
	CU_ASSERT_STRING_EQUAL(err.text, message);
	if (strcmp(err.text, message) != 0) {
		fprintf(stderr, "\n  expected: %s\n       got: %s\n", message, err.text);
	}
	return r;
}

void file_refuse(const char *text, const char *message)
{
	CU_ASSERT_EQUAL(file_refuse_bytes(text, strlen(text), message), -EINVAL);
}

void file_refuse_all(const struct file_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char message[OO_ERR_LENGTH];
		snprintf(message, sizeof(message), FILE_NAME ":%s", rows[i].message);
		file_refuse(rows[i].text, message);
	}
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

int file_run(const char *suite, CU_TestInfo *tests)
{
	char directory[] = "/tmp/ooha-config-XXXXXX";
	CU_SuiteInfo suites[] = {{suite, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

	if (mkdtemp(directory) == NULL || chdir(directory) < 0 ||
	    CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		return 1;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	bool passed = CU_get_number_of_tests_run() > 0 && CU_get_number_of_failures() == 0;
	CU_cleanup_registry();
	(void)nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* litter is no failure */
	return passed ? 0 : 1;
}
