/*
 * libFuzzer: whatever the file is, loading it ends, and what is wrong is said in one printable line.
 *	build-clang/tests/fuzz/fuzz_config -max_total_time=60 CORPUS
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/config.h"

#define PATH_BEGIN "/proc/self/fd/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void on_problem(const char *text, void *user)
{
	assert(strncmp(text, PATH_BEGIN, strlen(PATH_BEGIN)) == 0);
	for (const char *c = text; *c != '\0'; c++) {
		assert((unsigned char)*c >= 0x20 && *c != 0x7f);
	}
	(*(int *)user)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	char path[32];
	int problems = 0;
	struct oo_config *config = NULL;
	struct oo_err err = {""};

	OO_AUTO(oo_close) int fd = memfd_create("ooha.yaml", MFD_CLOEXEC);
	assert(fd >= 0 && write(fd, data, length) == (ssize_t)length);
	snprintf(path, sizeof(path), PATH_BEGIN "%d", fd);
	int checked = oo_config_check(path, on_problem, &problems);
	int loaded = oo_config_load(path, &config, &err);
	assert(checked == loaded);
	assert((loaded == 0) == (config != NULL));
	assert((loaded == 0) == (problems == 0));
	oo_config_free(config);
	return 0;
}
