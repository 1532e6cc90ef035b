#ifndef TEST_NET_HARNESS_H
#define TEST_NET_HARNESS_H
/* What the tests of lib/net share: a runner, and network namespaces of their own. */
#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "net/address.h"

#define SKIPPED 77 /* meson: the test was skipped */

struct named_test {
	const char *name;
	void (*run)(void);
};

/* Runs all of tests; returns main's exit code. */
int harness_run(const char *suite, const struct named_test *tests, size_t n);
/* As harness_run, each test in a network namespace of its own; SKIPPED, loudly, without root. */
int harness_run_isolated(const char *suite, const struct named_test *tests, size_t n);

/* Makes a network namespace with lo up, and enters it. Returns its fd, to be closed. */
int space_new(void);
void space_enter(int space);

/* Runs ip(8) with arguments in the namespace that we are in; it has to succeed. */
void ip(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What ip(8) prints. Valid until the next call. */
const char *ip_shows(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A pair of veth: eth0 here, up; peer in namespace other (or here, below 0), up. */
void make_veth(int other);

/* Parses or fails the test. */
struct oo_address address_of(const char *text);

/* Turns the loop until condition or for at most timeout_ms; yields whether condition holds. */
#define AWAIT(event, condition, timeout_ms)                                                        \
	(__extension__({                                                                           \
		const int64_t await_until = oo_clock_now() + (timeout_ms);                         \
		while (!(condition) && oo_clock_now() < await_until) {                             \
			(void)sd_event_run((event), 5000);                                         \
		}                                                                                  \
		(condition);                                                                       \
	}))

#define EXPECT_TEXT(text, wanted)                                                                  \
	do {                                                                                       \
		const char *expect_got = (text);                                                   \
		CU_ASSERT_STRING_EQUAL(expect_got, wanted);                                        \
		if (strcmp(expect_got, wanted) != 0) {                                             \
			printf("\n  got:    %s\n  wanted: %s\n", expect_got, wanted);              \
		}                                                                                  \
	} while (0)

#define EXPECT_CONTAINS(text, wanted)                                                              \
	do {                                                                                       \
		const char *expect_got = (text);                                                   \
		CU_ASSERT_PTR_NOT_NULL(strstr(expect_got, wanted));                                \
		if (strstr(expect_got, wanted) == NULL) {                                          \
			printf("\n  got:    %s\n  wanted: %s\n", expect_got, wanted);              \
		}                                                                                  \
	} while (0)

#endif
