#ifndef CHECK_RAN_H
#define CHECK_RAN_H
/* Runs a check, on a loop of the test's own, and says what came of it. */
#include <stdio.h>
#include <string.h>

#include "../event/await.h"
#include "../event/testing.h"
#include "base/cleanup.h"
#include "check/check.h"
#include "event/transfer.h"

static sd_event *event;
static struct oo_transfers *transfers;

struct watch {
	bool done;
	struct oo_check_result result;
};

static inline void on_result(void *user, const struct oo_check *check,
			     const struct oo_check_result *result)
{
	struct watch *watch = user;
	(void)check;
	watch->done = true;
	watch->result = *result;
}

/*
 * interval and timeout are long where they are not given. A good run is followed by another, which
 * has what the first left: it sees no less.
 */
static inline struct oo_check_result run(const struct oo_check_spec *wanted)
{
	struct watch watch = {0};
	struct oo_check *check = NULL;
	struct oo_check_setup setup = {event, transfers, on_result, &watch, 0, NULL};
	struct oo_check_spec spec = *wanted;
	struct oo_err err = {""};
	spec.name = "x";
	spec.interval_ms = spec.interval_ms > 0 ? spec.interval_ms : AWAIT_MS;
	spec.timeout_ms = spec.timeout_ms > 0 ? spec.timeout_ms : AWAIT_MS;
	int r = oo_check_new(&setup, &spec, &check, &err);
	if (r < 0) {
		printf("%s\n", err.text);
	}
	CU_ASSERT_EQUAL_FATAL(r, 0);
	CU_ASSERT(await(event, &watch.done));
	if (watch.result.reason == OO_CHECK_REASON_OK) {
		watch.done = false;
		oo_check_run_now(check);
		CU_ASSERT(await(event, &watch.done));
	}
	oo_check_free(check);
	return watch.result;
}

static inline void expect(const struct oo_check_result *result, enum oo_check_reason reason,
			  const char *seen)
{
	CU_ASSERT_EQUAL(result->reason, reason);
	CU_ASSERT_STRING_EQUAL(result->seen, seen);
	if (result->reason != reason || strcmp(result->seen, seen) != 0) {
		printf("\n     got: %s (%s)\nexpected: %s (%s)\n",
		       oo_check_reason_name(result->reason), result->seen,
		       oo_check_reason_name(reason), seen);
	}
}

/* run, then expect. */
static inline void expect_run(const struct oo_check_spec *spec, enum oo_check_reason reason,
			      const char *seen)
{
	struct oo_check_result result = run(spec);
	expect(&result, reason, seen);
}

static inline void set_up(void)
{
	event = new_loop();
	transfers = NULL;
	CU_ASSERT_EQUAL_FATAL(oo_transfers_new(event, &transfers, NULL), 0);
}

static inline void tear_down(void)
{
	oo_transfers_free(transfers);
	event = sd_event_unref(event);
}

static inline int run_check_tests(const char *name, const struct test *tests, unsigned n)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return 1;
	}
	return run_tests_in(name, (struct frame){set_up, tear_down}, tests, n);
}

#endif
