#include "harness.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void isolate(void)
{
	close(space_new());
}

static int run(const char *suite_name, CU_SetUpFunc set_up, const struct named_test *tests,
	       size_t n)
{
	if (CU_initialize_registry() != CUE_SUCCESS) {
		return EXIT_FAILURE;
	}
	CU_pSuite suite =
		CU_add_suite_with_setup_and_teardown(suite_name, NULL, NULL, set_up, NULL);
	for (size_t i = 0; suite != NULL && i < n; i++) {
		CU_add_test(suite, tests[i].name, tests[i].run);
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	const bool failed = CU_get_number_of_failures() > 0 || CU_get_number_of_tests_run() != n;
	CU_cleanup_registry();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int harness_run(const char *suite, const struct named_test *tests, size_t n)
{
	return run(suite, NULL, tests, n);
}

int harness_run_isolated(const char *suite, const struct named_test *tests, size_t n)
{
	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr,
			"\n*** SKIPPED: %s: NOTHING WAS TESTED, network namespaces need root (%s) "
			"***\n\n",
			suite, strerror(errno));
		return SKIPPED;
	}
	return run(suite, isolate, tests, n);
}

int space_new(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		perror("unshare");
		abort();
	}
	ip("link set lo up");
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

void space_enter(int space)
{
	if (setns(space, CLONE_NEWNET) < 0) {
		perror("setns");
		abort();
	}
}

__attribute__((format(printf, 1, 0))) static FILE *run_ip(const char *format, va_list arguments)
{
	char command[1024] = "ip ";
	vsnprintf(command + 3, sizeof(command) - 3, format, arguments);
	FILE *output = popen(command, "re");
	if (output == NULL) {
		perror(command);
		abort();
	}
	return output;
}

static char shown[65536];

static void read_all(FILE *output)
{
	size_t length = fread(shown, 1, sizeof(shown) - 1, output);
	shown[length] = '\0';
}

void ip(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	FILE *output = run_ip(format, arguments);
	va_end(arguments);
	read_all(output);
	if (pclose(output) != 0) {
		fprintf(stderr, "failed: ip %s\n", format);
		abort();
	}
}

const char *ip_shows(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	FILE *output = run_ip(format, arguments);
	va_end(arguments);
	read_all(output);
	CU_ASSERT_EQUAL(pclose(output), 0);
	return shown;
}

void make_veth(int other)
{
	if (other < 0) {
		ip("link add eth0 type veth peer name peer");
		ip("link set peer up");
	} else {
		int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		ip("link add eth0 type veth peer name peer netns /proc/%d/fd/%d", getpid(), other);
		space_enter(other);
		ip("link set peer up");
		space_enter(here);
		close(here);
	}
	ip("link set eth0 up");
}

struct oo_address address_of(const char *text)
{
	struct oo_address address = {0};
	struct oo_err err = {""};
	int r = oo_address_parse(text, &address, &err);
	CU_ASSERT_EQUAL(r, 0);
	if (r < 0) {
		printf("\n  %s\n", err.text);
	}
	return address;
}
