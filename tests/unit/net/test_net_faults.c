/*
 * Every fallible call fails once (wrapped at link time): nothing leaks, outputs stay untouched, the
 * reason is told, and what comes after works. Then the faults that no kernel here shows by itself.
 */
#include <dirent.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netlink/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/timer.h"
#include "harness.h"
#include "net/announce.h"
#include "net/rival.h"
#include "net/sockets.h"

static int fail_in;         /* that many calls from now one fails; 0: none does */
static bool fired;          /* one did */
static int full_sends;      /* that many sendto fail with EAGAIN */
static int silent_receives; /* that many nl_recvmsgs meet no answer */
static int diag_error;      /* what the kernel answers to the next SOCK_DESTROY */

static void fault_arm(int nth)
{
	fail_in = nth;
	fired = false;
}

static bool fails(void)
{
	if (fail_in == 0 || --fail_in > 0) {
		return false;
	}
	fired = true;
	errno = EIO;
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

WRAP(int, -1, socket, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, -1, setsockopt, (int fd, int level, int option, const void *value, socklen_t length),
     (fd, level, option, value, length))
WRAP(int, -1, bind, (int fd, const struct sockaddr *here, socklen_t length), (fd, here, length))
WRAP(void *, NULL, calloc, (size_t n, size_t size), (n, size))
WRAP(struct nl_sock *, NULL, nl_socket_alloc, (void), ())
WRAP(int, -NLE_FAILURE, nl_connect, (struct nl_sock * socket, int protocol), (socket, protocol))
WRAP(int, -NLE_FAILURE, nl_socket_set_nonblocking, (const struct nl_sock *socket), (socket))
WRAP(int, -EIO, sd_event_add_io,
     (sd_event * event, sd_event_source **source, int fd, uint32_t events,
      sd_event_io_handler_t callback, void *user),
     (event, source, fd, events, callback, user))
WRAP(int, -EIO, sd_event_add_time,
     (sd_event * event, sd_event_source **source, clockid_t clock, uint64_t at, uint64_t accuracy,
      sd_event_time_handler_t callback, void *user),
     (event, source, clock, at, accuracy, callback, user))
WRAP(struct mnl_socket *, NULL, mnl_socket_open2, (int bus, int flags), (bus, flags))
WRAP(int, -1, mnl_socket_bind, (struct mnl_socket * diag, unsigned groups, pid_t pid),
     (diag, groups, pid))
WRAP(ssize_t, -1, mnl_socket_sendto, (const struct mnl_socket *diag, const void *data, size_t n),
     (diag, data, n))

int __real_nl_recvmsgs(struct nl_sock *socket, struct nl_cb *callbacks);
int __wrap_nl_recvmsgs(struct nl_sock *socket, struct nl_cb *callbacks);
int __wrap_nl_recvmsgs(struct nl_sock *socket, struct nl_cb *callbacks)
{
	if (silent_receives > 0) {
		silent_receives--;
		return -NLE_AGAIN;
	}
	return __real_nl_recvmsgs(socket, callbacks);
}

ssize_t __real_sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *to,
		      socklen_t to_length);
ssize_t __wrap_sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *to,
		      socklen_t to_length);
ssize_t __wrap_sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *to,
		      socklen_t to_length)
{
	if (full_sends > 0) {
		full_sends--;
		errno = full_sends % 2 == 0 ? EAGAIN : ENOBUFS;
		return -1;
	}
	return __real_sendto(fd, data, n, flags, to, to_length);
}

/* With diag_error set an acknowledgement (not a dump) is turned into that error. */
ssize_t __real_mnl_socket_recvfrom(const struct mnl_socket *diag, void *buffer, size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *diag, void *buffer, size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *diag, void *buffer, size_t size)
{
	struct nlmsghdr *header = buffer;
	if (fails()) {
		return -1;
	}
	ssize_t length = __real_mnl_socket_recvfrom(diag, buffer, size);
	if (length > 0 && header->nlmsg_type == NLMSG_ERROR && diag_error != 0) {
		((struct nlmsgerr *)mnl_nlmsg_get_payload(header))->error = -diag_error;
		diag_error = 0;
	}
	return length;
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

/* One call under test: returns its r; *ret_touched: an output was set though it failed. */
typedef int swept_fn(sd_event *event, bool *ret_touched, struct oo_err *err);

static int open_net(sd_event *event, bool *ret_touched, struct oo_err *err)
{
	struct oo_net *net = NULL;
	int r = oo_net_new(event, &(struct oo_net_callbacks){0}, NULL, &net, err);
	*ret_touched = r < 0 && net != NULL;
	oo_net_free(net);
	return r;
}

static int open_announcer(sd_event *event, bool *ret_touched, struct oo_err *err)
{
	struct oo_announcer *announcer = NULL;
	int r = oo_announcer_new(event, &announcer, err);
	*ret_touched = r < 0 && announcer != NULL;
	oo_announcer_free(announcer);
	return r;
}

static int open_rival(sd_event *event, bool *ret_touched, struct oo_err *err)
{
	const struct oo_link loopback = {.index = 1, .name = "lo", .mac_length = OO_MAC_LENGTH};
	const struct oo_address list[] = {{.family = AF_INET, .bytes = {10, 0, 0, 1}},
					  {.family = AF_INET6, .bytes = {0xfd, [15] = 1}}};
	const struct oo_rival_options options = {.link = &loopback, .list = list, .n = 2};
	struct oo_rival *rival = NULL;
	int r = oo_rival_new(event, &options, &rival, err);
	*ret_touched = r < 0 && rival != NULL;
	oo_rival_free(rival);
	return r;
}

static int reset_sockets(sd_event *event, bool *ret_touched, struct oo_err *err)
{
	const struct oo_address address = {.family = AF_INET, .bytes = {10, 0, 0, 1}};
	unsigned count;
	(void)event;
	*ret_touched = false;
	return oo_sockets_reset(&address, &count, err);
}

static int list_addresses(sd_event *event, bool *ret_touched, struct oo_err *err)
{
	const struct oo_address address = {.family = AF_INET, .bytes = {10, 0, 0, 1}};
	const struct oo_address_set set = {0, &address, 1};
	struct oo_net *net = NULL;
	bool present = true;
	int armed = fail_in;
	fail_in = 0;
	CU_ASSERT_EQUAL_FATAL(oo_net_new(event, &(struct oo_net_callbacks){0}, NULL, &net, NULL),
			      0);
	fail_in = armed;
	int r = oo_net_addresses_present(net, &set, &present, err);
	*ret_touched = r < 0 && !present;
	oo_net_free(net);
	return r;
}

static void sweep(swept_fn *swept, int at_least)
{
	sd_event *event = NULL;
	int failures = 0;
	CU_ASSERT_FATAL(sd_event_new(&event) >= 0);
	/* the loop keeps the timerfd of its first timer: that is no leak */
	struct oo_timer first;
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&first, event, NULL), 0);
	oo_timer_done(&first);
	for (int nth = 1;; nth++) {
		struct oo_err err = {""};
		bool touched = false;
		const int before = open_fds();
		fault_arm(nth);
		const int r = swept(event, &touched, &err);
		fail_in = 0;
		CU_ASSERT_EQUAL(open_fds(), before);
		if (!fired) {
			CU_ASSERT_EQUAL(r, 0);
			break; /* nothing left to fail */
		}
		CU_ASSERT_FALSE(touched);
		CU_ASSERT_EQUAL(r < 0, err.text[0] != '\0');
		failures += r < 0;
	}
	/* some failures are gone without, such as of a bigger buffer */
	CU_ASSERT_TRUE(failures >= at_least);
	sd_event_unref(event);
}

static void test_opening_the_netlink_handle_survives_every_failure(void)
{
	sweep(open_net, 6);
}

static void test_opening_the_rivals_sockets_survives_every_failure(void)
{
	sweep(open_rival, 15);
}

static void test_opening_the_announcer_survives_every_failure(void)
{
	sweep(open_announcer, 3);
}

static void test_resetting_sockets_survives_every_failure(void)
{
	sweep(reset_sockets, 6);
}

static void test_listing_addresses_survives_every_failure(void)
{
	sweep(list_addresses, 1);
}

/* A late answer must not be taken for that of the next request. */
static void test_a_missed_answer_is_told_and_the_next_request_works(void)
{
	struct oo_err err = {""};
	sd_event *event = NULL;
	struct oo_net *net = NULL;
	make_veth(-1);
	const struct oo_address address = address_of("10.0.0.100");
	const struct oo_address_set set = {(int)if_nametoindex("eth0"), &address, 1};
	CU_ASSERT_FATAL(sd_event_new(&event) >= 0);
	CU_ASSERT_FATAL(oo_net_new(event, &(struct oo_net_callbacks){0}, NULL, &net, NULL) == 0);
	silent_receives = 1;
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 30, &err), -ETIMEDOUT);
	EXPECT_TEXT(err.text,
		    "add addresses: netlink request: the kernel did not answer within 1 s");
	ip("address del 10.0.0.100/32 dev eth0");
	ip("link set eth0 down");
	ip("link del eth0");
	/* the answer to the addition, which went well, would be this one's */
	ip("link add eth0 index %d type veth peer name peer", set.ifindex);
	ip("link set eth0 address 02:00:00:00:00:01");
	struct oo_link link = {.index = -7};
	CU_ASSERT_EQUAL(oo_net_link(net, "eth9", &link, &err), -ENODEV);
	CU_ASSERT_EQUAL(oo_net_link(net, "eth0", &link, &err), 0);
	CU_ASSERT_EQUAL(link.mac[5], 1);
	oo_net_free(net);
	sd_event_unref(event);
}

static void test_a_full_socket_only_delays_a_round(void)
{
	struct oo_address list[] = {{.family = AF_INET, .bytes = {10, 0, 0, 1}, .prefix = 32},
				    {.family = AF_INET, .bytes = {10, 0, 0, 2}, .prefix = 32}};
	const struct oo_link link = {
		.index = (int)if_nametoindex("lo"), .name = "lo", .mac_length = OO_MAC_LENGTH};
	sd_event *event = NULL;
	struct oo_announcer *announcer = NULL;
	CU_ASSERT_FATAL(sd_event_new(&event) >= 0);
	CU_ASSERT_FATAL(oo_announcer_new(event, &announcer, NULL) == 0);
	full_sends = 3;
	CU_ASSERT_EQUAL(oo_announcer_start(announcer, &link, list, 2), 0);
	CU_ASSERT_EQUAL(oo_announcer_count(announcer), 0);
	CU_ASSERT_TRUE(AWAIT(event, oo_announcer_count(announcer) == 20, 5000));
	CU_ASSERT_EQUAL(oo_announcer_error_count(announcer), 0);
	/* tried at 5, 10, ... 640, 1000 ms: then it is told */
	full_sends = 9;
	oo_announcer_burst(announcer);
	CU_ASSERT_TRUE(AWAIT(event, oo_announcer_error_count(announcer) > 0, 9000));
	EXPECT_CONTAINS(oo_announcer_last_error(announcer), "announce on lo: ");
	CU_ASSERT_TRUE(AWAIT(event, oo_announcer_count(announcer) > 20, 5000));
	oo_announcer_free(announcer);
	sd_event_unref(event);
}

/* The peer may take its time to acknowledge our end. */
static bool is_in_state(int fd, int state)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	return getsockopt(fd, SOL_TCP, TCP_INFO, &info, &length) == 0 && info.tcpi_state == state;
}

/* Over lo, both ends here. Returns what oo_sockets_reset did with the answer diag_error. */
static int reset_with(int error_number, bool closed_by_us, struct oo_err *err)
{
	const struct oo_address address = address_of("10.0.0.100");
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(8000)};
	unsigned count = 0;
	memcpy(&to.sin_addr, address.bytes, sizeof(to.sin_addr));
	OO_AUTO(oo_close) int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OO_AUTO(oo_close) int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(listener, (struct sockaddr *)&to, sizeof(to)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(listener, 1), 0);
	/* from 127.0.0.1, so that only the server's end is the VIP's */
	const struct sockaddr_in from = {.sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	CU_ASSERT_EQUAL_FATAL(bind(client, (const struct sockaddr *)&from, sizeof(from)), 0);
	CU_ASSERT_EQUAL_FATAL(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
	OO_AUTO(oo_close) int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (closed_by_us) {
		CU_ASSERT_EQUAL(shutdown(server, SHUT_WR), 0);
		const int64_t until = oo_clock_now() + 5000;
		while (!is_in_state(server, TCP_FIN_WAIT2) && oo_clock_now() < until) {
			sched_yield();
		}
		CU_ASSERT_TRUE_FATAL(is_in_state(server, TCP_FIN_WAIT2));
	}
	diag_error = error_number;
	int r = oo_sockets_reset(&address, &count, err);
	CU_ASSERT_EQUAL(diag_error, 0);
	return r;
}

static void test_a_kernel_without_sock_destroy_is_told(void)
{
	struct oo_err err = {""};
	ip("address add 10.0.0.100/32 dev lo");
	CU_ASSERT_EQUAL(reset_with(EOPNOTSUPP, false, &err), -EOPNOTSUPP);
	EXPECT_TEXT(err.text, "reset TCP connections: the kernel has no CONFIG_INET_DIAG_DESTROY");
}

static void test_what_went_by_itself_or_is_an_old_kernels_orphan_is_no_failure(void)
{
	struct oo_err err = {""};
	ip("address add 10.0.0.100/32 dev lo");
	CU_ASSERT_EQUAL(reset_with(ENOENT, false, &err), 0);
	CU_ASSERT_EQUAL(reset_with(EOPNOTSUPP, true, &err), 0);
	EXPECT_TEXT(err.text, "");
}

static const struct named_test tests[] = {
	{"opening the netlink handle survives every failure",
	 test_opening_the_netlink_handle_survives_every_failure},
	{"opening the announcer survives every failure",
	 test_opening_the_announcer_survives_every_failure},
	{"opening the rivals' sockets survives every failure",
	 test_opening_the_rivals_sockets_survives_every_failure},
	{"resetting sockets survives every failure", test_resetting_sockets_survives_every_failure},
	{"listing addresses survives every failure", test_listing_addresses_survives_every_failure},
	{"a missed answer is told and the next request works",
	 test_a_missed_answer_is_told_and_the_next_request_works},
	{"a full socket only delays a round", test_a_full_socket_only_delays_a_round},
	{"a kernel without SOCK_DESTROY is told", test_a_kernel_without_sock_destroy_is_told},
	{"what went by itself, or is an old kernel's orphan, is no failure",
	 test_what_went_by_itself_or_is_an_old_kernels_orphan_is_no_failure},
};

int main(void)
{
	return harness_run_isolated("net faults", tests, OO_LENGTH(tests));
}
