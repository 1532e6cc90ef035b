#include <CUnit/Basic.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "config/config.h"
#include "lifetime.h"

#define KERNEL_LATE_MS 1000
#define RENEWALS 3 /* that are answered; after them etcd is silent */
#define TTL_LEAST_MS 500
#define TTL_MOST_MS 10000

/* How one holder's renewals go: sent on time from 0 on, each answered after elapsed_ms. */
struct world {
	struct agent_lifetime lifetime;
	struct oo_config_lease lease;
	int64_t elapsed_ms[RENEWALS];
	int64_t timer_late_ms;
};

struct arming {
	int64_t at, until; /* the kernel removes from until to until + KERNEL_LATE_MS */
	int64_t guard_until;
};

/*
 * Called at each arming with the one before it (NULL: the first), and with next NULL at the end, when
 * nothing arms any more.
 */
typedef void look_fn(const struct world *world, const struct arming *last,
		     const struct arming *next);

static int failures, looks;

static void expect(bool is_so, const struct world *world, const char *what)
{
	looks++;
	if (!is_so && failures++ == 0) {
		printf("\n    ttl %" PRId64 ", renew %" PRId64 ", answers after %" PRId64
		       ", %" PRId64 ", timers %" PRId64 " late: %s ",
		       world->lease.ttl_ms, world->lease.renew_ms, world->elapsed_ms[0],
		       world->elapsed_ms[1], world->timer_late_ms, what);
	}
}

/* As agent/vips.c arms: at each answer, and at the times that it is told. */
static void play(const struct world *world, look_fn *look)
{
	struct arming last = {.at = OO_NEVER};
	int64_t guard_until = 0, timer_at = OO_NEVER, answer_at = world->elapsed_ms[0];

	for (int k = 0; answer_at != OO_NEVER || timer_at != OO_NEVER;) {
		int64_t now = answer_at <= timer_at ? answer_at : timer_at;
		if (now == answer_at) {
			guard_until = k * world->lease.renew_ms + world->lease.ttl_ms;
			k++;
			answer_at = k < RENEWALS ? k * world->lease.renew_ms + world->elapsed_ms[k]
						 : OO_NEVER;
		} else {
			timer_at = OO_NEVER;
		}
		uint32_t n = agent_lifetime_s(&world->lifetime, guard_until, now);
		if (n == 0) {
			continue;
		}
		struct arming next = {
			.at = now, .until = now + n * INT64_C(1000), .guard_until = guard_until};
		look(world, last.at == OO_NEVER ? NULL : &last, &next);
		last = next;
		timer_at = agent_lifetime_rearm_at(&world->lifetime, guard_until, now, next.until);
		timer_at += timer_at == OO_NEVER ? 0 : world->timer_late_ms;
	}
	look(world, last.at == OO_NEVER ? NULL : &last, NULL);
}

/* Each way in which answers are slow and timers late. */
static void play_lease(bool fenced, const struct oo_config_lease *lease, look_fn *look)
{
	const int64_t slowest = lease->request_timeout_ms;
	const struct {
		int64_t elapsed_ms[RENEWALS], timer_late_ms;
	} ways[] = {
		{{0, 0, 0}, 0}, {{0, slowest, slowest}, 9},     {{slowest, 0, slowest}, 0},
		{{1, 1, 1}, 9}, {{slowest / 2, 7, slowest}, 3}, {{slowest, slowest, 0}, 1},
	};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct world world = {.lifetime = {.fenced = fenced,
						   .ttl_ms = lease->ttl_ms,
						   .renew_ms = lease->renew_ms},
				      .lease = *lease,
				      .timer_late_ms = ways[i].timer_late_ms};
		for (int k = 0; k < RENEWALS; k++) {
			world.elapsed_ms[k] = ways[i].elapsed_ms[k];
		}
		play(&world, look);
	}
}

/* Every ttl, with the default renew, the shortest, and the longest that rule 1 allows. */
static void play_all(bool fenced, look_fn *look)
{
	failures = 0;
	looks = 0;
	for (int64_t ttl = TTL_LEAST_MS; ttl <= TTL_MOST_MS; ttl++) {
		int64_t margin = ttl / 20 > 100 ? ttl / 20 : 100;
		const struct {
			int64_t renew, margin;
		} leases[] = {{ttl / 6, margin}, {50, margin}, {((ttl - 10) * 5 - 1) / 9, 10}};
		for (size_t i = 0; i < sizeof(leases) / sizeof(leases[0]); i++) {
			const struct oo_config_lease lease = {.ttl_ms = ttl,
							      .renew_ms = leases[i].renew,
							      .margin_ms = leases[i].margin,
							      .request_timeout_ms =
								      leases[i].renew * 4 / 5};
			play_lease(fenced, &lease, look);
		}
	}
	CU_ASSERT_EQUAL(failures, 0);
	CU_ASSERT(looks > TTL_MOST_MS - TTL_LEAST_MS);
}

/* now may be all but 1 ms later than the clock says. */
static void look_for_overrun(const struct world *world, const struct arming *last,
			     const struct arming *next)
{
	(void)last;
	expect(next == NULL || next->at + 1 + (next->until - next->at) + KERNEL_LATE_MS <=
				       next->guard_until,
	       world, "the address may outlive guard_until");
}

static void test_unfenced_no_address_outlives_guard_until(void)
{
	play_all(false, look_for_overrun);
}

static void look_for_early_end(const struct world *world, const struct arming *last,
			       const struct arming *next)
{
	if (next == NULL) {
		expect(last == NULL || last->until >= last->guard_until - 1010, world,
		       "the address ends more than 1.01 s before guard_until");
	} else if (last != NULL && next->guard_until == last->guard_until) {
		expect(next->at < last->until, world, "the timer comes after the end");
	}
}

static void test_unfenced_the_address_lasts_until_a_second_before_guard_until(void)
{
	play_all(false, look_for_early_end);
}

static void look_for_gap(const struct world *world, const struct arming *last,
			 const struct arming *next)
{
	if (oo_config_check_unfenced(&world->lease, NULL) == 0 && next != NULL) {
		expect(last != NULL || next->at == world->elapsed_ms[0], world,
		       "the first answer comes too late to arm");
		expect(last == NULL || next->at < last->until, world,
		       "the address ends before the next arming");
	}
}

static void test_unfenced_a_lease_that_is_taken_has_no_gap_between_slow_answers(void)
{
	play_all(false, look_for_gap);
}

static void look_for_hold(const struct world *world, const struct arming *last,
			  const struct arming *next)
{
	if (next == NULL) {
		expect(last != NULL && last->until >= last->guard_until - world->lease.margin_ms,
		       world, "the address ends before hold_until");
	} else {
		expect(last == NULL || next->at < last->until, world,
		       "the address ends before the next arming");
	}
}

static void test_fenced_the_address_lasts_until_hold_until_while_the_agent_runs(void)
{
	play_all(true, look_for_hold);
}

/* The agent dies right after arming, having sent its renewals on time, answered or not. */
static void look_behind_the_dead(const struct world *world, const struct arming *last,
				 const struct arming *next)
{
	const struct oo_config_lease *lease = &world->lease;
	(void)last;
	if (next == NULL) {
		return;
	}
	int64_t most = lease->ttl_ms - lease->renew_ms;
	int64_t sent_at = next->at / lease->renew_ms * lease->renew_ms;
	int64_t gone_by = next->until + KERNEL_LATE_MS;

	expect(gone_by - next->at <= (most > 2000 ? most : 2000), world,
	       "the address outlives the agent by more than ttl - renew and 2 s");
	if (lease->ttl_ms >= 2400 && lease->renew_ms == lease->ttl_ms / 6) {
		expect(gone_by <= sent_at + lease->ttl_ms, world,
		       "a standby may have the address at the same time");
	}
}

static void test_fenced_what_a_dead_agent_leaves_is_gone_when_a_standby_takes_over(void)
{
	play_all(true, look_behind_the_dead);
}

static void look_for_timer(const struct world *world, const struct arming *last,
			   const struct arming *next)
{
	const int64_t k = next == NULL ? RENEWALS : next->at / world->lease.renew_ms;
	(void)last;
	expect(k >= RENEWALS || next->at == k * world->lease.renew_ms + world->elapsed_ms[k], world,
	       "a timer arms before the renewal");
}

static void test_renewals_on_time_come_before_the_timer(void)
{
	const struct world world = {.lifetime = {.fenced = true, .ttl_ms = 3000, .renew_ms = 500},
				    .lease = {.ttl_ms = 3000, .renew_ms = 500},
				    .elapsed_ms = {5, 20, 100}};
	failures = 0;
	looks = 0;
	play(&world, look_for_timer);
	CU_ASSERT_EQUAL(failures, 0);
	CU_ASSERT(looks > RENEWALS);
}

static void test_nothing_is_armed_when_it_is_too_late(void)
{
	const struct agent_lifetime unfenced = {.ttl_ms = 3000, .renew_ms = 500};
	const struct agent_lifetime fenced = {.fenced = true, .ttl_ms = 3000, .renew_ms = 500};

	CU_ASSERT_EQUAL(agent_lifetime_s(&unfenced, 3000, 999), 1);
	CU_ASSERT_EQUAL(agent_lifetime_s(&unfenced, 3000, 1000), 0);
	CU_ASSERT_EQUAL(agent_lifetime_s(&unfenced, 3000, 9000), 0);
	CU_ASSERT_EQUAL(agent_lifetime_rearm_at(&unfenced, 3000, 990, 1990), OO_NEVER);
	CU_ASSERT_EQUAL(agent_lifetime_s(&fenced, 3000, 2999), 1);
	CU_ASSERT_EQUAL(agent_lifetime_s(&fenced, 3000, 3000), 0);
	CU_ASSERT_EQUAL(agent_lifetime_s(&fenced, 0, 9000), 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"unfenced, no address outlives guard_until",
		 test_unfenced_no_address_outlives_guard_until},
		{"unfenced, the address lasts until a second before guard_until",
		 test_unfenced_the_address_lasts_until_a_second_before_guard_until},
		{"unfenced, a lease that is taken has no gap between slow answers",
		 test_unfenced_a_lease_that_is_taken_has_no_gap_between_slow_answers},
		{"fenced, the address lasts until hold_until while the agent runs",
		 test_fenced_the_address_lasts_until_hold_until_while_the_agent_runs},
		{"fenced, what a dead agent leaves is gone when a standby takes over",
		 test_fenced_what_a_dead_agent_leaves_is_gone_when_a_standby_takes_over},
		{"renewals on time come before the timer",
		 test_renewals_on_time_come_before_the_timer},
		{"nothing is armed when it is too late", test_nothing_is_armed_when_it_is_too_late},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {{"lifetime", NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		return EXIT_FAILURE;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	bool good = CU_get_number_of_failures() == 0 && CU_get_number_of_tests_run() > 0;
	CU_cleanup_registry();
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
