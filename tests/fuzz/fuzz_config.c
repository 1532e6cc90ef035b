/*
 * Whatever the configuration file is, loading it ends, and what is wrong is said in one printable
 * line that begins with the file and, where there is one, the line. What is right can be written, and
 * reads as the same again.
 */
#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "file.h"
#include "fuzz.h"

#define PATH "/ooha/ooha.yaml"

/*
 * The reader takes room for the largest file there may be, and giving that back to the kernel each time
 * is twenty times the work of reading: here it is always the same, with what is not read out of bounds.
 */
#define ROOM_BYTES (1024 * 1024 + 1)
static char room[ROOM_BYTES];

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void __real_free(void *pointer);
void __wrap_free(void *pointer);

void *__wrap_malloc(size_t size)
{
	return size == ROOM_BYTES ? room : __real_malloc(size);
}

void __wrap_free(void *pointer)
{
	if (pointer != room) {
		__real_free(pointer);
	}
}

static void check_problem(const char *text)
{
	FUZZ_CHECK(strncmp(text, PATH ":", strlen(PATH ":")) == 0);
	fuzz_check_text(text, OO_ERR_LENGTH);
}

static void on_problem(const char *text, void *user)
{
	check_problem(text);
	(*(int *)user)++;
}

static void set_file(const void *data, size_t length)
{
	fuzz_file_set(PATH, data, length);
	ASAN_UNPOISON_MEMORY_REGION(room, length);
	ASAN_POISON_MEMORY_REGION(room + length, ROOM_BYTES - length);
}

/* What is written is a configuration, and says the same. */
static void check_written(const struct oo_config *config)
{
	struct oo_config *again = NULL;
	struct oo_buffer once, twice;
	struct oo_err err = {""};

	oo_buffer_init(&once, ROOM_BYTES - 1);
	oo_buffer_init(&twice, ROOM_BYTES - 1);
	if (oo_config_write(config, &once) == 0) {
		set_file(once.data, once.length);
		FUZZ_CHECK(oo_config_load(PATH, &again, &err) == 0);
		FUZZ_CHECK(oo_config_write(again, &twice) == 0);
		FUZZ_CHECK(strcmp(once.data, twice.data) == 0);
	}
	oo_config_free(again);
	oo_buffer_done(&once);
	oo_buffer_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	int problems = 0;
	struct oo_config *config = NULL;
	struct oo_err err = {""};

	set_file(data, length);
	if (length % 16 == 0) { /* one in many, as it takes twice the time */
		int checked = oo_config_check(PATH, on_problem, &problems);
		FUZZ_CHECK((checked == 0) == (problems == 0));
	}
	int loaded = oo_config_load(PATH, &config, &err);
	FUZZ_CHECK((loaded == 0) == (config != NULL));
	if (loaded < 0) {
		check_problem(err.text);
		FUZZ_CHECK(length % 16 != 0 || problems > 0);
	} else {
		FUZZ_CHECK(problems == 0 && config->n_groups > 0);
		check_written(config);
	}
	oo_config_free(config);
	fuzz_file_done();
	return 0;
}
