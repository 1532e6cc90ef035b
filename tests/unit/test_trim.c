/* What is given back, and what must not be. */
#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trim.h"

#define PAGES 256

/* A file of PAGES, each full of its number, mapped to be read and written by us alone. */
static unsigned char *map_file(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	FILE *file = tmpfile();
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	for (int page = 0; page < PAGES; page++) {
		for (size_t i = 0; i < size; i++) {
			fputc(page, file);
		}
	}
	CU_ASSERT_EQUAL_FATAL(fflush(file), 0);
	void *start =
		mmap(NULL, PAGES * size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(file), 0);
	fclose(file);
	CU_ASSERT_FATAL(start != MAP_FAILED);
	return start;
}

/* How many of the file's pages are there; all were touched. */
static int resident_after_trim(unsigned char *start, bool read_only)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	unsigned long total = 0;
	char line[512];
	int found = -1;

	for (int page = 0; page < PAGES; page++) {
		total += *(volatile unsigned char *)(start + (size_t)page * size);
	}
	CU_ASSERT_TRUE(total > 0);
	CU_ASSERT_EQUAL(mprotect(start, PAGES * size, PROT_READ | (read_only ? 0 : PROT_WRITE)), 0);
	agent_trim_now();
	FILE *maps = fopen("/proc/self/smaps", "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(maps);
	for (bool here = false; found < 0 && fgets(line, sizeof(line), maps) != NULL;) {
		unsigned long from;
		unsigned long to;
		unsigned long kb;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			here = from == (unsigned long)start;
		} else if (here && sscanf(line, "Rss: %lu", &kb) == 1) {
			found = (int)(kb * 1024 / size);
		}
	}
	fclose(maps);
	return found;
}

static void done_with(unsigned char *start)
{
	CU_ASSERT_EQUAL(munmap(start, PAGES * (size_t)sysconf(_SC_PAGESIZE)), 0);
}

static void test_pages_of_files_that_were_only_read_are_given_back_and_come_again(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *start = map_file();
	CU_ASSERT_EQUAL(resident_after_trim(start, true), 0);
	CU_ASSERT_EQUAL(start[77 * size], 77);
	done_with(start);
}

/* As those of libraries that the dynamic linker has relocated, and protected then. */
static void test_a_mapping_with_changed_pages_is_left_alone(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *start = map_file();
	start[5 * size] = 200;
	CU_ASSERT_EQUAL(resident_after_trim(start, true), PAGES);
	CU_ASSERT_EQUAL(start[5 * size], 200);
	done_with(start);
}

static void test_what_may_be_written_to_is_left_alone(void)
{
	unsigned char *start = map_file();
	CU_ASSERT_EQUAL(resident_after_trim(start, false), PAGES);
	done_with(start);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"pages of files that were only read are given back, and come again",
		 test_pages_of_files_that_were_only_read_are_given_back_and_come_again},
		{"a mapping with changed pages is left alone",
		 test_a_mapping_with_changed_pages_is_left_alone},
		{"what may be written to is left alone", test_what_may_be_written_to_is_left_alone},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"trim", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		return EXIT_FAILURE;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	bool good = CU_get_number_of_failures() == 0 && CU_get_number_of_tests_run() > 0;
	CU_cleanup_registry();
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
