#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "file.h"

#define LIFETIME "impossible: the kernel ends the VIP's lifetime in whole seconds, up to 1s late; "
#define LEFT ", and 1s must be left; with the default renew and margin ttl is at least 2450ms"

static void free_config(struct oo_config **config)
{
	oo_config_free(*config);
}

static void test_impossible_timings_are_refused_with_the_arithmetic(void)
{
	static const struct file_row rows[] = {
		{LEAST "lease: {ttl: 10s, margin: 5s}\n",
		 "4: lease.margin: '5s': impossible: margin must be less than half of ttl 10s; "
		 "make it "
		 "at most 4999ms, or leave it out"},
		{LEAST "lease:\n  renew: 1584ms\n",
		 "5: lease.renew: '1584ms': impossible: renew 1584ms + request timeout 1267ms (4/5 "
		 "of "
		 "renew) = 2851ms must be less than ttl 3s - margin 150ms = 2850ms; make renew at "
		 "most 1583ms or ttl longer"},
		{LEAST "lease:\n  ttl: 6s\n  renew: 3s\n  margin: 600ms\n",
		 "6: lease.renew: '3s': impossible: renew 3s + request timeout 2400ms (4/5 of "
		 "renew) = "
		 "5400ms must be less than ttl 6s - margin 600ms = 5400ms; make renew at most "
		 "2999ms "
		 "or ttl longer"},
		{LEAST "lease: {ttl: 500ms, margin: 250ms}\n",
		 "4: lease.margin: '250ms': impossible: margin must be less than half of ttl "
		 "500ms; "
		 "make it at most 249ms, or leave it out"},
		{LEAST "lease: {margin: 1500ms}\n",
		 "4: lease.margin: '1500ms': impossible: margin must be less than half of ttl 3s; "
		 "make it at most 1499ms, or leave it out"},
		{LEAST "lease: {ttl: 500ms, margin: 249ms, renew: 140ms}\n",
		 "4: lease.renew: '140ms': impossible: renew 140ms + request timeout 112ms (4/5 of "
		 "renew) = 252ms must be less than ttl 500ms - margin 249ms = 251ms; make renew at "
		 "most 139ms or ttl longer"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

/* What a message calls possible is taken. */
static void test_what_a_refusal_advises_is_possible(void)
{
	static const struct {
		const char *text;
		struct oo_config_lease lease;
	} rows[] = {
		{LEAST "lease: {ttl: 10s, renew: 1s, margin: 4999ms}\n", {10000, 1000, 4999, 800}},
		{LEAST "lease: {renew: 1583ms}\n", {3000, 1583, 150, 1266}},
		{LEAST "lease: {margin: 1499ms}\n", {3000, 500, 1499, 400}},
		{LEAST "lease: {ttl: 500ms}\n", {500, 83, 100, 66}},
		{LEAST "lease: {ttl: 500ms, margin: 249ms}\n", {500, 83, 249, 66}},
		{LEAST "lease: {ttl: 500ms, margin: 249ms, renew: 139ms}\n", {500, 139, 249, 111}},
		{LEAST "lease: {ttl: 10m}\n", {600000, 100000, 30000, 80000}},
		{LEAST "lease: {renew: 50ms, margin: 30ms}\n", {3000, 50, 30, 40}},
		{LEAST "lease: {}\n", {3000, 500, 150, 400}},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		OO_AUTO(free_config) struct oo_config *config = file_load(rows[i].text);
		CU_ASSERT_EQUAL(config->lease.ttl_ms, rows[i].lease.ttl_ms);
		CU_ASSERT_EQUAL(config->lease.renew_ms, rows[i].lease.renew_ms);
		CU_ASSERT_EQUAL(config->lease.margin_ms, rows[i].lease.margin_ms);
		CU_ASSERT_EQUAL(config->lease.request_timeout_ms, rows[i].lease.request_timeout_ms);
	}
}

static void test_a_lease_that_a_lifetime_cannot_guard_is_refused_with_the_arithmetic(void)
{
	static const struct {
		struct oo_config_lease lease;
		const char *message;
	} rows[] = {
		{{500, 83, 100, 66},
		 "lease.ttl: '500ms': " LIFETIME "ttl 500ms - margin 100ms - request timeout 66ms "
		 "(4/5 of renew) - 1s = -666ms" LEFT},
		{{2000, 333, 100, 266},
		 "lease.ttl: '2s': " LIFETIME "ttl 2s - margin 100ms - request timeout 266ms (4/5 "
		 "of renew) - 1s = 634ms" LEFT},
		{{2446, 407, 122, 325},
		 "lease.ttl: '2446ms': " LIFETIME "ttl 2446ms - margin 122ms - request timeout "
		 "325ms (4/5 of renew) - 1s = 999ms" LEFT},
		{{3000, 500, 1000, 400},
		 "lease.ttl: '3s': " LIFETIME "ttl 3s - margin 1s - request timeout 400ms (4/5 of "
		 "renew) - 1s = 600ms" LEFT},
		{{10000, 5000, 500, 4000},
		 "lease.renew: '5s': impossible: renew 5s + request timeout 4s (4/5 of renew) = 9s "
		 "must be less than ttl 10s - margin 500ms - 1s (how late the kernel may end the "
		 "VIP's lifetime) = 8500ms; make renew at most 4722ms or ttl longer"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_err err;
		CU_ASSERT_EQUAL(oo_config_check_unfenced(&rows[i].lease, &err), -EINVAL);
		CU_ASSERT_STRING_EQUAL(err.text, rows[i].message);
	}
	static const struct oo_config_lease good[] = {
		{2450, 408, 122, 326}, {2447, 407, 122, 325}, {10000, 4722, 500, 3777}};
	for (size_t i = 0; i < OO_LENGTH(good); i++) {
		CU_ASSERT_EQUAL(oo_config_check_unfenced(&good[i], NULL), 0);
	}
}

/* The header's inequalities, said in another way, hold for every ttl. */
static void test_every_default_timing_is_possible(void)
{
	int unfenced = 0;

	for (int64_t ttl = 500; ttl < 8000; ttl += 50) {
		char text[256];
		snprintf(text, sizeof(text), LEAST "lease: {ttl: %dms}\n", (int)ttl);
		OO_AUTO(free_config) struct oo_config *config = file_load(text);
		const struct oo_config_lease *lease = &config->lease;
		int64_t slowest = lease->request_timeout_ms;
		CU_ASSERT(lease->renew_ms >= 50);
		CU_ASSERT(lease->renew_ms + slowest < lease->ttl_ms - lease->margin_ms);
		int r = oo_config_check_unfenced(lease, NULL);
		CU_ASSERT_EQUAL(r == 0, ttl >= 2450);
		if (r == 0) {
			CU_ASSERT((lease->ttl_ms - slowest - 1000) / 1000 >= 1);
			CU_ASSERT(lease->renew_ms + slowest < lease->ttl_ms - 1000);
			unfenced++;
		}
	}
	CU_ASSERT(unfenced > 100);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"impossible timings are refused with the arithmetic",
		 test_impossible_timings_are_refused_with_the_arithmetic},
		{"what a refusal advises is possible", test_what_a_refusal_advises_is_possible},
		{"a lease that a lifetime cannot guard is refused with the arithmetic",
		 test_a_lease_that_a_lifetime_cannot_guard_is_refused_with_the_arithmetic},
		{"every default timing is possible", test_every_default_timing_is_possible},
		CU_TEST_INFO_NULL,
	};
	return file_run("config timing", tests);
}
