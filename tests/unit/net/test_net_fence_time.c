/*
 * When the kernel closes, and what packets meet while the fence is armed or put up again. In
 * namespaces. With an argument N: N trials of 700 ms, for the figures of net/fence.h.
 */
#include <signal.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_net_fence_lab.h"

#define LONG_MS 60000
#define FLOOD_MS 700
/* Later than its deadline, and earlier by so much, must no answer be asked for or be missing. */
#define LATE_US 5000
#define EARLY_US 120000
#define AFTER_MS 20 /* of the deadline: watched on */

/* What was seen of one way to ask: us from the deadline to the last that was answered. */
struct seen {
	int64_t least;
	int64_t most;
	int64_t sum;
};

/* One row a probe, one column a family. */
struct table {
	struct seen seen[PROBES][2];
	int trials;
};

static const char *const vip_of[] = {VIP4, VIP6};

static void run_trial(struct lab *lab, struct table *table, int64_t length_ms)
{
	int64_t last_us[PROBES][2] = {{0}};
	const int64_t until = oo_clock_now() + length_ms;
	fence_open(lab, VIP4, until);
	fence_open(lab, VIP6, until);
	while (oo_clock_now() < until + AFTER_MS) {
		for (unsigned at = 0; at < PROBES * 2; at++) {
			const enum probe probe = (enum probe)(at / 2);
			const int64_t asked_us = oo_clock_now_us();
			lab_ask(lab, probe, vip_of[at % 2]);
			if (lab_answered(lab, probe, vip_of[at % 2]) > 0) {
				last_us[probe][at % 2] = asked_us;
			}
		}
	}
	for (unsigned at = 0; at < PROBES * 2; at++) {
		struct seen *seen = &table->seen[at / 2][at % 2];
		const int64_t off = last_us[at / 2][at % 2] - until * 1000;
		seen->least = table->trials == 0 || off < seen->least ? off : seen->least;
		seen->most = table->trials == 0 || off > seen->most ? off : seen->most;
		seen->sum += off;
	}
	table->trials++;
}

static void show(const struct table *table)
{
	static const char *const names[PROBES][2] = {
		{"ARP", "ND"}, {"ICMP", "ICMPv6"}, {"TCP", "TCP over IPv6"}};
	printf("\n  last answered, ms from the deadline (%d trials): least, mean, most\n",
	       table->trials);
	for (unsigned at = 0; at < PROBES * 2; at++) {
		const struct seen *seen = &table->seen[at / 2][at % 2];
		printf("  %-14s %7.2f %7.2f %7.2f\n", names[at / 2][at % 2],
		       (double)seen->least / 1e3, (double)seen->sum / 1e3 / table->trials,
		       (double)seen->most / 1e3);
	}
}

static void run_trials(int trials, int64_t length_ms)
{
	OO_AUTO(lab_done) struct lab lab;
	struct table table = {.trials = 0};
	lab_init(&lab);
	fence_up(&lab, false);
	for (int i = 0; i < trials; i++) {
		run_trial(&lab, &table, length_ms + i % 8); /* over the phases of a tick */
	}
	show(&table);
	for (unsigned at = 0; at < PROBES * 2; at++) {
		CU_ASSERT_TRUE(table.seen[at / 2][at % 2].most <= LATE_US);
		CU_ASSERT_TRUE(table.seen[at / 2][at % 2].least >= -EARLY_US);
	}
}

static int trials_wanted = 8;
static int64_t length_wanted_ms = 150;

static void test_the_last_answer_of_every_kind_is_just_before_the_deadline(void)
{
	run_trials(trials_wanted, length_wanted_ms);
}

/* Another process, on another CPU where there is one, that asks without a pause. */
struct flood {
	struct shared {
		atomic_bool over;
		atomic_uint asked;
		atomic_uint answered;
	} * shared;
	pid_t child;
};

static void ask_without_a_pause(struct lab *lab, struct shared *shared)
{
	cpu_set_t mine;
	cpu_set_t others;
	CPU_ZERO(&others);
	sched_getaffinity(0, sizeof(mine), &mine);
	for (size_t i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &mine)) {
			CPU_SET(i, &others);
		}
	}
	(void)sched_setaffinity(0, sizeof(others), &others); /* fails where there is one CPU only */
	while (!shared->over) {
		for (unsigned i = 0; i < 2; i++) {
			lab_ask(lab, PROBE_ECHO, vip_of[i]);
			shared->asked++;
			shared->answered += lab_answered(lab, PROBE_ECHO, vip_of[i]);
		}
	}
}

static void flood_start(struct flood *flood, struct lab *lab)
{
	flood->shared = mmap(NULL, sizeof(*flood->shared), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(flood->shared != MAP_FAILED);
	fflush(stdout);
	flood->child = fork();
	if (flood->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to outlive a test that is ended */
		ask_without_a_pause(lab, flood->shared);
		_exit(0);
	}
	const int64_t until = oo_clock_now() + 5000;
	while (flood->shared->asked < 100 && oo_clock_now() < until) {
		sched_yield();
	}
}

/* Ends it. Returns how many of its questions were asked. */
static unsigned flood_stop(struct flood *flood, unsigned *ret_answered)
{
	int status = -1;
	flood->shared->over = true;
	CU_ASSERT_EQUAL(waitpid(flood->child, &status, 0), flood->child);
	CU_ASSERT_EQUAL(status, 0);
	const unsigned asked = flood->shared->asked;
	*ret_answered = flood->shared->answered;
	CU_ASSERT_TRUE(asked > FLOOD_MS / 2); /* one in 2 ms at least */
	munmap(flood->shared, sizeof(*flood->shared));
	return asked;
}

static void test_no_packet_is_lost_to_the_re_arming(void)
{
	OO_AUTO(lab_done) struct lab lab;
	struct flood flood;
	unsigned answered = 0;
	unsigned armed = 0;
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	flood_start(&flood, &lab);
	for (const int64_t end = oo_clock_now() + FLOOD_MS; oo_clock_now() < end; armed++) {
		fence_open(&lab, vip_of[armed % 2], oo_clock_now() + 3000);
	}
	const unsigned asked = flood_stop(&flood, &answered);
	printf("\n  armed %u times: %u packets, %u answered\n", armed, asked, answered);
	CU_ASSERT_EQUAL(answered, asked);
	CU_ASSERT_TRUE(armed > 100);
}

/* held: both VIPs are, else none is. */
static void replace_under_flood(bool held)
{
	OO_AUTO(lab_done) struct lab lab;
	struct flood flood;
	unsigned answered = 0;
	unsigned replaced = 0;
	lab_init(&lab);
	fence_up(&lab, false);
	if (held) {
		fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
		fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	}
	flood_start(&flood, &lab);
	for (const int64_t end = oo_clock_now() + FLOOD_MS; oo_clock_now() < end; replaced++) {
		fence_down(&lab, false); /* an agent that is gone, and the next one */
		fence_up(&lab, held);
		CU_ASSERT_EQUAL(oo_fence_restore(lab.fence, NULL), 0);
	}
	const unsigned asked = flood_stop(&flood, &answered);
	printf("\n  put up %u times: %u packets, %u answered\n", replaced * 2, asked, answered);
	CU_ASSERT_EQUAL(answered, held ? asked : 0);
	CU_ASSERT_TRUE(replaced > 5);
}

static void test_a_closed_fence_that_is_replaced_is_never_open(void)
{
	replace_under_flood(false);
}

static void test_an_open_fence_that_is_kept_is_never_closed(void)
{
	replace_under_flood(true);
}

#define MANY_MAX 4000

/* n VIPs, the last two of them on the node. */
static void arm_many(size_t n)
{
	OO_AUTO(lab_done) struct lab lab;
	static struct oo_address vips[MANY_MAX];
	struct oo_err err = {""};
	lab_init(&lab);
	for (unsigned i = 0; i < n; i++) {
		char text[OO_ADDRESS_LENGTH];
		snprintf(text, sizeof(text), i % 2 == 0 ? "10.1.%u.%u" : "fd00::%u:%u", 1 + i / 200,
			 1 + i % 200);
		vips[i] = address_of(text);
	}
	vips[n - 2] = address_of(VIP4);
	vips[n - 1] = address_of(VIP6);
	const struct oo_fence_options options = {.name = FENCE, .vips = vips, .n = n};
	int64_t at_us = oo_clock_now_us();
	CU_ASSERT_EQUAL(oo_fence_new(lab.event, &options, &lab.fence, &err), 0);
	EXPECT_TEXT(err.text, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(lab.fence);
	printf("\n  %zu VIPs: put up in %.1f ms, armed in", n,
	       (double)(oo_clock_now_us() - at_us) / 1e3);
	CU_ASSERT_FALSE(answers(&lab, PROBE_ECHO, VIP4) || answers(&lab, PROBE_ECHO, VIP6));
	for (int i = 0; i < 3; i++) {
		const int64_t until = oo_clock_now() + LONG_MS;
		at_us = oo_clock_now_us();
		CU_ASSERT_EQUAL(oo_fence_open_until(lab.fence, vips, n, until, &err), 0);
		printf(" %.1f ms", (double)(oo_clock_now_us() - at_us) / 1e3);
	}
	/* every element is refused, and each refusal could bring its message back */
	CU_ASSERT_EQUAL(oo_fence_open_until(lab.fence, vips, n, OO_NEVER, &err), -ERANGE);
	CU_ASSERT_TRUE(answers(&lab, PROBE_ECHO, VIP4) && answers(&lab, PROBE_ECHO, VIP6));
	CU_ASSERT_EQUAL(oo_fence_close(lab.fence, vips, n, &err), 0);
	CU_ASSERT_FALSE(answers(&lab, PROBE_ECHO, VIP4) || answers(&lab, PROBE_ECHO, VIP6));
}

static void test_thousands_of_vips_are_armed_in_one_call(void)
{
	arm_many(1000);
	arm_many(MANY_MAX);
	printf("\n");
}

/* In ms of the kernel's: 1000 is a whole number of jiffies whatever their length. */
static void test_what_is_left_is_rounded_down(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	for (int i = 0; i < 5; i++) {
		fence_open(&lab, VIP4, oo_clock_now() + 1000);
		CU_ASSERT_PTR_NULL(strstr(nft_list("ruleset"), "timeout 1s"));
		CU_ASSERT_PTR_NOT_NULL(strstr(nft_list("ruleset"), "timeout 99"));
	}
}

static const struct named_test tests[] = {
	{"the last answer of every kind is just before the deadline",
	 test_the_last_answer_of_every_kind_is_just_before_the_deadline},
	{"no packet is lost to the re-arming", test_no_packet_is_lost_to_the_re_arming},
	{"a closed fence that is replaced is never open",
	 test_a_closed_fence_that_is_replaced_is_never_open},
	{"an open fence that is kept is never closed",
	 test_an_open_fence_that_is_kept_is_never_closed},
	{"thousands of VIPs are armed in one call", test_thousands_of_vips_are_armed_in_one_call},
	{"what is left is rounded down", test_what_is_left_is_rounded_down},
};

int main(int argc, char **argv)
{
	if (argc > 1) {
		trials_wanted = atoi(argv[1]);
		length_wanted_ms = 700;
	}
	return harness_run_isolated("net fence time", tests, OO_LENGTH(tests));
}
