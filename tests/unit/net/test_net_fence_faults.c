/*
 * Every fallible call of the fence fails once (wrapped at link time), the way into the kernel is
 * slow, and the kernel answers what none here does by itself.
 */
#include <dirent.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test_net_fence_lab.h"

#define LONG_MS 60000

static int fail_in;      /* that many calls from now one fails; 0: none does */
static bool fired;       /* one did */
static int fault = EIO;  /* how */
static int delays_ms[4]; /* before each of the next sendings */
static unsigned sent;    /* sendings */
static bool silent;      /* the next answer does not come */
static bool overflowed;  /* the next report does not come: there were too many */
static int interrupted;  /* that many dumps are not of one moment */

/* The kernel's next answer: error about the message of that type and family; type 0: as it is. */
static struct {
	uint16_t type;
	uint8_t family;
	int error;
	uint32_t seq; /* found in what is sent */
} refusal;

static bool fails(void)
{
	if (fail_in == 0 || --fail_in > 0) {
		return false;
	}
	fired = true;
	errno = fault;
	return true;
}

/* The linker takes __real_f for f and f for __wrap_f. */
#define WRAP(type, failed, name, parameters, arguments)                                            \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return fails() ? (failed) : __real_##name arguments;                               \
	}

WRAP(void *, NULL, malloc, (size_t size), (size))
WRAP(void *, NULL, calloc, (size_t n, size_t size), (n, size))
WRAP(int, -1, setsockopt, (int fd, int level, int option, const void *value, socklen_t length),
     (fd, level, option, value, length))
WRAP(struct mnl_socket *, NULL, mnl_socket_open2, (int bus, int flags), (bus, flags))
WRAP(int, -1, mnl_socket_bind, (struct mnl_socket * nl, unsigned groups, pid_t pid),
     (nl, groups, pid))
WRAP(int, -1, mnl_socket_setsockopt,
     (const struct mnl_socket *nl, int type, void *value, socklen_t length),
     (nl, type, value, length))
WRAP(int, -EIO, sd_event_add_io,
     (sd_event * event, sd_event_source **source, int fd, uint32_t events,
      sd_event_io_handler_t callback, void *user),
     (event, source, fd, events, callback, user))

static void note_refused(const void *data, size_t n)
{
	int left = (int)n;
	for (const struct nlmsghdr *header = data; mnl_nlmsg_ok(header, left);
	     header = mnl_nlmsg_next(header, &left)) {
		const struct nfgenmsg *generic = mnl_nlmsg_get_payload(header);
		if (header->nlmsg_type == refusal.type && generic->nfgen_family == refusal.family) {
			refusal.seq = header->nlmsg_seq;
		}
	}
}

ssize_t __real_mnl_socket_sendto(const struct mnl_socket *nl, const void *data, size_t n);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *data, size_t n);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *data, size_t n)
{
	if (fails()) {
		return -1;
	}
	const int delay_ms = delays_ms[0];
	const struct timespec pause = {.tv_nsec = delay_ms * 1000000L};
	memmove(delays_ms, delays_ms + 1, sizeof(delays_ms) - sizeof(delays_ms[0]));
	if (delay_ms > 0) {
		nanosleep(&pause, NULL); /* the agent is stopped, or somebody loads a ruleset */
	}
	note_refused(data, n);
	sent++;
	return __real_mnl_socket_sendto(nl, data, n);
}

static void bend(struct nlmsghdr *header)
{
	if (header->nlmsg_type == NLMSG_DONE && interrupted > 0) {
		header->nlmsg_flags |= NLM_F_DUMP_INTR;
		interrupted--;
	}
	if (header->nlmsg_type == NLMSG_ERROR && refusal.type != 0) {
		struct nlmsgerr *answer = mnl_nlmsg_get_payload(header);
		header->nlmsg_seq = refusal.seq;
		answer->error = -refusal.error;
		refusal.type = 0;
	}
}

ssize_t __real_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buffer, size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buffer, size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *buffer, size_t size)
{
	if (fails()) {
		return -1;
	}
	if (silent || overflowed) {
		errno = silent ? EAGAIN : ENOBUFS;
		silent = false;
		overflowed = false;
		return -1;
	}
	const ssize_t got = __real_mnl_socket_recvfrom(nl, buffer, size);
	int left = (int)got;
	for (struct nlmsghdr *header = buffer; got > 0 && mnl_nlmsg_ok(header, left);
	     header = mnl_nlmsg_next(header, &left)) {
		bend(header);
	}
	return got;
}

static int open_fds(void)
{
	int n = 0;
	DIR *fds = opendir("/proc/self/fd");
	while (fds != NULL && readdir(fds) != NULL) {
		n++;
	}
	closedir(fds);
	return n;
}

static int try_new(struct lab *lab, bool keep, struct oo_err *err)
{
	const struct oo_address vips[] = {address_of(VIP4), address_of(VIP6)};
	const struct oo_fence_options options = {
		.name = FENCE, .vips = vips, .n = OO_LENGTH(vips), .keep = keep};
	struct oo_fence *fence = NULL;
	int r = oo_fence_new(lab->event, &options, &fence, err);
	CU_ASSERT_EQUAL(r == 0, fence != NULL);
	oo_fence_free(fence, false);
	return r;
}

/* Sweeps the failures of a new fence. Returns how many of them were told. */
static int sweep_new(struct lab *lab, bool keep)
{
	int failures = 0;
	for (int nth = 1;; nth++) {
		struct oo_err err = {""};
		const int before = open_fds();
		fail_in = nth;
		fired = false;
		const int r = try_new(lab, keep, &err);
		fail_in = 0;
		CU_ASSERT_EQUAL(open_fds(), before);
		if (!fired) {
			CU_ASSERT_EQUAL(r, 0);
			return failures;
		}
		CU_ASSERT_EQUAL(r < 0, err.text[0] != '\0');
		failures += r < 0 ? 1 : 0;
	}
}

static void test_putting_up_survives_every_failure(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	/* not told: bigger buffers, and the fingerprint */
	CU_ASSERT_TRUE(sweep_new(&lab, false) >= 12);
	CU_ASSERT_TRUE(sweep_new(&lab, true) >= 16);
}

static void test_a_failed_arming_leaves_what_was_before(void)
{
	OO_AUTO(lab_done) struct lab lab;
	const struct oo_address vips[] = {address_of(VIP4), address_of(VIP6)};
	struct oo_err err = {""};
	lab_init(&lab);
	fence_up(&lab, false);
	const int64_t until = oo_clock_now() + LONG_MS;
	fence_open(&lab, VIP4, until);
	fail_in = 1;
	CU_ASSERT_EQUAL(oo_fence_open_until(lab.fence, vips, 2, until + 1000, &err), -EIO);
	EXPECT_TEXT(err.text, "nf_tables, the transaction: Input/output error");
	CU_ASSERT_EQUAL(oo_fence_until(lab.fence, &vips[0]), until);
	CU_ASSERT_EQUAL(oo_fence_until(lab.fence, &vips[1]), 0);
	fail_in = 1;
	CU_ASSERT_EQUAL(oo_fence_close(lab.fence, vips, 2, NULL), -EIO);
	CU_ASSERT_EQUAL(oo_fence_until(lab.fence, &vips[0]), until);
	CU_ASSERT_EQUAL(answers_of(&lab, VIP4), ALL_ANSWER);
	CU_ASSERT_EQUAL(answers_of(&lab, VIP6), 0);
	bool intact = false;
	fail_in = 1;
	CU_ASSERT_EQUAL(oo_fence_check(lab.fence, &intact, &err), -EIO);
	EXPECT_TEXT(err.text, "nf_tables, read table " FENCE ": Input/output error");
}

/* Opens VIP4 for 600 ms on a slow way. Returns the last time it answered, from the deadline. */
static int64_t last_answer_when_slow(struct lab *lab)
{
	const int64_t until = oo_clock_now() + 600;
	int64_t last_at = 0;
	fence_open(lab, VIP4, until);
	while (oo_clock_now() < until + 150) {
		const int64_t asked_at = oo_clock_now();
		last_at = answers(lab, PROBE_ECHO, VIP4) ? asked_at : last_at;
	}
	return last_at - until;
}

static void test_a_slow_way_into_the_kernel_does_not_move_the_deadline(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	sent = 0;
	delays_ms[0] = 100; /* once */
	int64_t off = last_answer_when_slow(&lab);
	CU_ASSERT_TRUE(off <= 0 && off > -300);
	CU_ASSERT_TRUE(sent >= 2);
	sent = 0;
	delays_ms[0] = 60; /* always: the second time it is allowed for */
	delays_ms[1] = 60;
	delays_ms[2] = 60;
	off = last_answer_when_slow(&lab);
	delays_ms[0] = 0;
	CU_ASSERT_TRUE(off <= OO_FENCE_LATE_MS && off > -300);
	CU_ASSERT_TRUE(sent >= 2);
}

/* Of a second and a half: what is left is still worth having. */
static void test_a_stop_of_the_agent_does_not_use_up_what_is_left(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	delays_ms[0] = 900;
	fence_open(&lab, VIP4, oo_clock_now() + 1500);
	CU_ASSERT_EQUAL(answers_of(&lab, VIP4), ALL_ANSWER);
}

static void test_an_arming_that_passes_its_own_deadline_closes(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	delays_ms[0] = 150;
	fence_open(&lab, VIP4, oo_clock_now() + 100);
	CU_ASSERT_EQUAL(answers_of(&lab, VIP4), 0);
}

static void test_a_way_that_gets_slower_and_slower_closes(void)
{
	OO_AUTO(lab_done) struct lab lab;
	const struct oo_address vips[] = {address_of(VIP4), address_of(VIP6)};
	struct oo_err err = {""};
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	delays_ms[0] = 40;
	delays_ms[1] = 120; /* 2 * 40 are allowed for, and OO_FENCE_LATE_MS */
	delays_ms[2] = 300; /* 200 at most */
	const int64_t until = oo_clock_now() + LONG_MS;
	CU_ASSERT_EQUAL(oo_fence_open_until(lab.fence, vips, 1, until, &err), -ETIME);
	EXPECT_TEXT(err.text, "the fence could not be armed in time: it is closed");
	CU_ASSERT_EQUAL(answers_of(&lab, VIP4), 0);
	CU_ASSERT_EQUAL(answers_of(&lab, VIP6), 0);
	CU_ASSERT_EQUAL(oo_fence_until(lab.fence, &vips[0]), 0);
	CU_ASSERT_EQUAL(oo_fence_until(lab.fence, &vips[1]), 0);
}

static void test_closing_may_take_its_time(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	sent = 0;
	delays_ms[0] = 100;
	fence_close(&lab, VIP4);
	CU_ASSERT_EQUAL(sent, 1);
	CU_ASSERT_EQUAL(answers_of(&lab, VIP4), 0);
}

#define NFT(type) (NFNL_SUBSYS_NFTABLES << 8 | (type))
#define INET 1
#define ARP 3

static const struct {
	uint16_t type;
	uint8_t family;
	int error;
	int result;
	const char *text;
} refusals[] = {
	{NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, EOPNOTSUPP, EOPNOTSUPP,
	 "nf_tables, the transaction: the kernel has no CONFIG_NF_TABLES (module nf_tables)"},
	{NFT(NFT_MSG_NEWTABLE), INET, EAFNOSUPPORT, EOPNOTSUPP,
	 "nf_tables, a table: the kernel has no CONFIG_NF_TABLES_INET"},
	{NFT(NFT_MSG_NEWTABLE), ARP, EAFNOSUPPORT, EOPNOTSUPP,
	 "nf_tables, a table: the kernel has no CONFIG_NF_TABLES_ARP"},
	{NFT(NFT_MSG_NEWCHAIN), ARP, ENOENT, EOPNOTSUPP,
	 "nf_tables, a chain: the kernel has no CONFIG_NF_TABLES_ARP"},
	{NFT(NFT_MSG_NEWRULE), INET, ENOENT, EOPNOTSUPP,
	 "nf_tables, a rule: the kernel has no CONFIG_NFT_FIB_INET (module nft_fib_inet)"},
	{NFT(NFT_MSG_NEWSET), INET, ENOMEM, ENOMEM, "nf_tables, a set: Cannot allocate memory"},
	{NFT(NFT_MSG_NEWSETELEM), INET, ENFILE, ENFILE,
	 "nf_tables, an element: Too many open files in system"},
	{NFT(NFT_MSG_DELTABLE), ARP, EBUSY, EBUSY,
	 "nf_tables, the tables before: Device or resource busy"},
	{NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, EPERM, EPERM,
	 "nf_tables, the transaction (needs CAP_NET_ADMIN): Operation not permitted"},
};

static void test_what_the_kernel_has_not_is_said(void)
{
	OO_AUTO(lab_done) struct lab lab;
	struct oo_err err = {""};
	lab_init(&lab);
	for (size_t i = 0; i < OO_LENGTH(refusals); i++) {
		refusal.type = refusals[i].type;
		refusal.family = refusals[i].family;
		refusal.error = refusals[i].error;
		CU_ASSERT_EQUAL(try_new(&lab, false, &err), -refusals[i].result);
		EXPECT_TEXT(err.text, refusals[i].text);
	}
	fail_in = 4; /* after the memory: the socket */
	fault = EPROTONOSUPPORT;
	CU_ASSERT_EQUAL(try_new(&lab, false, &err), -EOPNOTSUPP);
	fault = EIO;
	EXPECT_TEXT(err.text, "the kernel has no CONFIG_NETFILTER_NETLINK (module nfnetlink)");
}

/* A late answer must not be taken for that of the next request. */
static void test_a_missed_answer_is_told_and_the_next_request_works(void)
{
	OO_AUTO(lab_done) struct lab lab;
	const struct oo_address vip = address_of(VIP4);
	struct oo_err err = {""};
	lab_init(&lab);
	fence_up(&lab, false);
	silent = true;
	CU_ASSERT_EQUAL(oo_fence_close(lab.fence, &vip, 1, &err), -ETIMEDOUT);
	EXPECT_TEXT(err.text, "nf_tables: the kernel did not answer within 1 s");
	CU_ASSERT_EQUAL(oo_fence_open_until(lab.fence, &vip, 1, OO_NEVER, &err), -ERANGE);
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	CU_ASSERT_EQUAL(answers_of(&lab, VIP4), ALL_ANSWER);
}

static void test_a_dump_that_changes_meanwhile_is_read_again(void)
{
	OO_AUTO(lab_done) struct lab lab;
	bool intact = false;
	struct oo_err err = {""};
	lab_init(&lab);
	fence_up(&lab, false);
	interrupted = 2;
	CU_ASSERT_EQUAL(oo_fence_check(lab.fence, &intact, &err), 0);
	CU_ASSERT_TRUE(intact);
	CU_ASSERT_EQUAL(interrupted, 0);
	interrupted = 1000;
	CU_ASSERT_EQUAL(oo_fence_check(lab.fence, &intact, &err), -EINTR);
	EXPECT_TEXT(err.text, "nf_tables, read table " FENCE ": Interrupted system call");
	interrupted = 0;
}

static void test_lost_reports_are_made_up_for_by_looking(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	nft("table ip other");
	overflowed = true;
	CU_ASSERT_TRUE(sd_event_run(lab.event, 5000000) > 0);
	CU_ASSERT_FALSE(overflowed);
	CU_ASSERT_EQUAL(lab.lost, 0); /* nothing of ours */
	while (sd_event_run(lab.event, 0) > 0) {
	}
	nft("flush ruleset");
	overflowed = true;
	CU_ASSERT_TRUE(sd_event_run(lab.event, 5000000) > 0);
	CU_ASSERT_FALSE(overflowed);
	CU_ASSERT_EQUAL(lab.lost, 1);
}

static const struct named_test tests[] = {
	{"putting up survives every failure", test_putting_up_survives_every_failure},
	{"a failed arming leaves what was before", test_a_failed_arming_leaves_what_was_before},
	{"a slow way into the kernel does not move the deadline",
	 test_a_slow_way_into_the_kernel_does_not_move_the_deadline},
	{"a stop of the agent does not use up what is left",
	 test_a_stop_of_the_agent_does_not_use_up_what_is_left},
	{"an arming that passes its own deadline closes",
	 test_an_arming_that_passes_its_own_deadline_closes},
	{"a way that gets slower and slower closes", test_a_way_that_gets_slower_and_slower_closes},
	{"closing may take its time", test_closing_may_take_its_time},
	{"what the kernel has not is said", test_what_the_kernel_has_not_is_said},
	{"a missed answer is told and the next request works",
	 test_a_missed_answer_is_told_and_the_next_request_works},
	{"a dump that changes meanwhile is read again",
	 test_a_dump_that_changes_meanwhile_is_read_again},
	{"lost reports are made up for by looking", test_lost_reports_are_made_up_for_by_looking},
};

int main(void)
{
	return harness_run_isolated("net fence faults", tests, OO_LENGTH(tests));
}
