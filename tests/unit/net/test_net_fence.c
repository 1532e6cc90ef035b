/* What a fence keeps out and lets through, as a client on the link sees it. In namespaces. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/announce.h"
#include "net/sockets.h"
#include "test_net_fence_lab.h"

#define WAIT_MS 5000
#define LONG_MS 60000
/* A deadline is kept at most that much late: a timer tick of the kernel, and the asking itself. */
#define LATE_MS 8

static void expect(struct lab *lab, unsigned vip4, unsigned vip6)
{
	CU_ASSERT_EQUAL(answers_of(lab, VIP4), vip4);
	CU_ASSERT_EQUAL(answers_of(lab, VIP6), vip6);
	CU_ASSERT_EQUAL(answers_of(lab, OWN4), ALL_ANSWER);
	CU_ASSERT_EQUAL(answers_of(lab, OWN6), ALL_ANSWER);
}

static void test_without_a_fence_everything_answers(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	expect(&lab, ALL_ANSWER, ALL_ANSWER);
}

static void test_a_new_fence_is_closed_for_the_vips_alone(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	expect(&lab, 0, 0);
}

static void test_an_open_vip_answers_and_the_other_does_not(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	expect(&lab, ALL_ANSWER, 0);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	expect(&lab, ALL_ANSWER, ALL_ANSWER);
}

static void test_a_closed_vip_is_closed_at_once(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	fence_close(&lab, VIP4);
	expect(&lab, 0, ALL_ANSWER);
	fence_close(&lab, VIP4); /* closed already */
	fence_close(&lab, VIP6);
	expect(&lab, 0, 0);
}

static void test_a_deadline_in_the_past_closes(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	fence_open(&lab, VIP4, oo_clock_now() - 1);
	expect(&lab, 0, 0);
	fence_open(&lab, VIP4, oo_clock_now() + OO_FENCE_LEAST_MS - 1);
	expect(&lab, 0, 0);
	const struct oo_address vip = address_of(VIP4);
	CU_ASSERT_EQUAL(oo_fence_until(lab.fence, &vip), 0);
}

/* Arming one tells the kernel all that is held; it would round 1 ms up to its next tick. */
static void test_a_vip_with_next_to_nothing_left_is_not_armed_again(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	const int64_t until = oo_clock_now() + 100;
	fence_open(&lab, VIP4, until);
	while (oo_clock_now() < until - 2) {
	}
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	CU_ASSERT_FALSE(answers(&lab, PROBE_ECHO, VIP4));
	expect(&lab, 0, ALL_ANSWER);
}

/* Nobody but the kernel does anything from the arming on. */
static void test_the_deadline_closes_everything(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	const int64_t until = oo_clock_now() + 200;
	int64_t last_at = 0;
	fence_open(&lab, VIP4, until);
	fence_open(&lab, VIP6, until);
	expect(&lab, ALL_ANSWER, ALL_ANSWER);
	while (oo_clock_now() <= until + LATE_MS) {
		const int64_t asked_at = oo_clock_now();
		if (answers_of(&lab, VIP4) != 0 || answers_of(&lab, VIP6) != 0) {
			last_at = asked_at;
		}
	}
	CU_ASSERT_TRUE(last_at > until - 150);
	CU_ASSERT_TRUE(last_at <= until + LATE_MS);
	expect(&lab, 0, 0);
}

static int be_agent(int64_t until, int signal)
{
	const struct oo_address vips[] = {address_of(VIP4), address_of(VIP6)};
	const struct oo_fence_options options = {.name = FENCE, .vips = vips, .n = OO_LENGTH(vips)};
	sd_event *event = NULL;
	struct oo_fence *fence = NULL;
	return sd_event_new(&event) < 0 || oo_fence_new(event, &options, &fence, NULL) < 0 ||
	       oo_fence_open_until(fence, vips, 1, until, NULL) < 0 || raise(signal) != 0;
}

/* Another process is the agent: it opens VIP4 up to until and has signal done to it. */
static void expect_closed_after(int signal)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	int status = 0;
	int64_t last_at = 0;
	const int64_t until = oo_clock_now() + 300;
	fflush(stdout);
	const pid_t agent = fork();
	if (agent == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to outlive a test that is ended */
		_exit(be_agent(until, signal));
	}
	CU_ASSERT_EQUAL(waitpid(agent, &status, WUNTRACED), agent);
	CU_ASSERT_TRUE(WIFSTOPPED(status) || WIFSIGNALED(status));
	expect(&lab, ALL_ANSWER, 0);
	while (oo_clock_now() <= until + LATE_MS) {
		const int64_t asked_at = oo_clock_now();
		last_at = answers_of(&lab, VIP4) != 0 ? asked_at : last_at;
	}
	CU_ASSERT_TRUE(last_at > until - 150 && last_at <= until);
	expect(&lab, 0, 0);
	if (WIFSTOPPED(status)) {
		CU_ASSERT_EQUAL(kill(agent, SIGKILL), 0);
		CU_ASSERT_EQUAL(waitpid(agent, NULL, 0), agent);
	}
}

static void test_the_fence_of_a_killed_agent_closes(void)
{
	expect_closed_after(SIGKILL);
}

static void test_the_fence_of_a_stopped_agent_closes(void)
{
	expect_closed_after(SIGSTOP);
}

static int connect_from(const struct lab *lab, int from, const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	CU_ASSERT_EQUAL(inet_pton(AF_INET, address, &to.sin_addr), 1);
	space_enter(from);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	space_enter(lab->node);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_TRUE(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ||
		       errno == EINPROGRESS);
	return fd;
}

static bool connected_within(int fd, int wait_ms)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};
	int error = -1;
	socklen_t length = sizeof(error);
	return poll(&writable, 1, wait_ms) == 1 &&
	       getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

static void test_resets_of_old_connections_leave_a_closed_vip(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	OO_AUTO(oo_close) int client = connect_from(&lab, lab.client, VIP4);
	CU_ASSERT_TRUE(connected_within(client, WAIT_MS));
	OO_AUTO(oo_close) int server = accept4(lab.listener, NULL, NULL, SOCK_CLOEXEC);
	CU_ASSERT_TRUE(server >= 0);
	fence_close(&lab, VIP4);
	const struct oo_address vip = address_of(VIP4);
	unsigned count = 0;
	CU_ASSERT_EQUAL(oo_sockets_reset(&vip, &count, NULL), 0);
	CU_ASSERT_TRUE(count >= 1);
	struct pollfd readable = {.fd = client, .events = POLLIN};
	char byte;
	CU_ASSERT_EQUAL(poll(&readable, 1, WAIT_MS), 1);
	CU_ASSERT_EQUAL(recv(client, &byte, 1, 0), -1);
	CU_ASSERT_EQUAL(errno, ECONNRESET);
}

/* This host's own packets to its own VIP come in over lo. */
static void test_a_closed_vip_does_not_answer_its_own_host(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	OO_AUTO(oo_close) int first = connect_from(&lab, lab.node, VIP4);
	OO_AUTO(oo_close) int own = connect_from(&lab, lab.node, OWN4);
	CU_ASSERT_TRUE(connected_within(own, WAIT_MS));
	CU_ASSERT_FALSE(connected_within(first, 0));
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	OO_AUTO(oo_close) int second = connect_from(&lab, lab.node, VIP4);
	CU_ASSERT_TRUE(connected_within(second, WAIT_MS));
}

/* Docker publishes ports so: the packet does not have the VIP any more when it is delivered. */
static void test_a_closed_vip_does_not_answer_through_dnat(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	nft("table ip nat { chain prerouting { type nat hook prerouting priority dstnat;\n"
	    "ip daddr " VIP4 " tcp dport 8000 dnat to " OWN4 "; }; }");
	nft("table ip6 nat { chain prerouting { type nat hook prerouting priority dstnat;\n"
	    "ip6 daddr " VIP6 " tcp dport 8000 dnat to " OWN6 "; }; }");
	CU_ASSERT_TRUE(answers(&lab, PROBE_TCP, VIP4));
	CU_ASSERT_TRUE(answers(&lab, PROBE_TCP, VIP6));
	fence_up(&lab, false);
	CU_ASSERT_FALSE(answers(&lab, PROBE_TCP, VIP4));
	CU_ASSERT_FALSE(answers(&lab, PROBE_TCP, VIP6));
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	CU_ASSERT_TRUE(answers(&lab, PROBE_TCP, VIP4));
	CU_ASSERT_TRUE(answers(&lab, PROBE_TCP, VIP6));
}

static void send_udp(const struct lab *lab, const char *address, char byte)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	CU_ASSERT_EQUAL(inet_pton(AF_INET, address, &to.sin_addr), 1);
	space_enter(lab->client);
	OO_AUTO(oo_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL(sendto(fd, &byte, 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	space_enter(lab->node);
}

/* Whether a UDP server of the node's gets what is sent to the VIP, before what is sent to OWN4. */
static bool is_delivered(const struct lab *lab)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	OO_AUTO(oo_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	send_udp(lab, VIP4, 'v');
	send_udp(lab, OWN4, 'o');
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	char byte = 0;
	CU_ASSERT_EQUAL(poll(&readable, 1, WAIT_MS), 1);
	CU_ASSERT_EQUAL(recv(fd, &byte, 1, 0), 1);
	return byte == 'v';
}

/* As in a VRF: local, but not by the look of what the kernel calls local. */
static void test_a_closed_vip_of_another_routing_table_is_not_delivered(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	ip("address del " VIP4 "/24 dev eth0");
	ip("rule add to " VIP4 " lookup 100");
	ip("route add local " VIP4 " dev lo table 100");
	ip("address del " VIP6 "/64 dev eth0");
	ip("-6 rule add iif eth0 to " VIP6 " lookup 100");
	ip("-6 route add local " VIP6 " dev lo table 100");
	space_enter(lab.client);
	ip("neigh add " VIP4 " lladdr %s dev peer", mac_text(lab.node_mac));
	space_enter(lab.node);
	CU_ASSERT_TRUE(is_delivered(&lab));
	CU_ASSERT_TRUE(answers(&lab, PROBE_ECHO, VIP6));
	fence_up(&lab, false);
	CU_ASSERT_FALSE(is_delivered(&lab));
	CU_ASSERT_FALSE(answers(&lab, PROBE_ECHO, VIP6));
}

/* A standby that routes, or has containers, must not cut them off from the holder. */
static void test_packets_to_a_holder_elsewhere_are_forwarded(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	ip("address del " VIP4 "/24 dev eth0");
	ip("address del " VIP6 "/64 dev eth0");
	OO_AUTO(oo_close) int holder = space_new();
	ip("address add " VIP4 "/32 dev lo");
	ip("address add " VIP6 "/128 dev lo nodad");
	space_enter(lab.node);
	ip("link add inner type veth peer name outer netns /proc/%d/fd/%d", getpid(), holder);
	ip("link set inner up");
	ip("address add 192.168.7.1/24 dev inner");
	ip("address add fd07::1/64 dev inner nodad");
	ip("route add " VIP4 "/32 via 192.168.7.2");
	space_enter(holder);
	ip("link set outer up");
	ip("address add 192.168.7.2/24 dev outer");
	ip("address add fd07::2/64 dev outer nodad");
	ip("route add default via 192.168.7.1");
	ip("-6 route add default via fd07::1");
	space_enter(lab.node);
	ip("-6 route add " VIP6 "/128 via fd07::2");
	write_file("/proc/sys/net/ipv4/ip_forward", "1");
	write_file("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	fence_up(&lab, false);
	CU_ASSERT_TRUE(answers_soon(&lab, VIP4));
	CU_ASSERT_TRUE(answers_soon(&lab, VIP6));
}

/* Whether sending from address makes the kernel ask for a neighbour in its name. */
static bool asks_in_the_name_of(struct lab *lab, const char *address)
{
	static int last = 50; /* no neighbour is asked for twice */
	const struct oo_address from = address_of(address);
	struct sockaddr_in from4 = {.sin_family = AF_INET};
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct sockaddr_in6 from6 = {.sin6_family = AF_INET6};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	const bool ipv4 = from.family == AF_INET;
	memcpy(&from4.sin_addr, from.bytes, 4);
	memcpy(&from6.sin6_addr, from.bytes, 16);
	to4.sin_addr.s_addr = htonl(0x0a000000u + (unsigned)++last);
	memcpy(&to6.sin6_addr, from.bytes, 16);
	to6.sin6_addr.s6_addr[14] = (uint8_t)last;
	OO_AUTO(oo_close) int fd = socket(from.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL(bind(fd, ipv4 ? (struct sockaddr *)&from4 : (struct sockaddr *)&from6,
			     ipv4 ? sizeof(from4) : sizeof(from6)),
			0);
	(void)lab_claims(lab, address);
	CU_ASSERT_EQUAL(sendto(fd, "x", 1, 0,
			       ipv4 ? (struct sockaddr *)&to4 : (struct sockaddr *)&to6,
			       ipv4 ? sizeof(to4) : sizeof(to6)),
			1);
	return lab_claims(lab, address);
}

/* It would draw the VIP's traffic to us: whoever hears it believes the sender. */
static void test_no_neighbour_is_asked_in_the_name_of_a_closed_vip(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	CU_ASSERT_FALSE(asks_in_the_name_of(&lab, VIP4));
	CU_ASSERT_FALSE(asks_in_the_name_of(&lab, VIP6));
	CU_ASSERT_TRUE(asks_in_the_name_of(&lab, OWN4));
	CU_ASSERT_TRUE(asks_in_the_name_of(&lab, OWN6));
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	CU_ASSERT_TRUE(asks_in_the_name_of(&lab, VIP4));
	CU_ASSERT_TRUE(asks_in_the_name_of(&lab, VIP6));
}

/* Whether the kernel announces address by itself, as after the failover of a bond. */
static bool is_announced(struct lab *lab, const char *address, uint8_t mac)
{
	(void)lab_claims(lab, address);
	ip("link set eth0 address 02:00:00:00:00:%02x", mac);
	lab->node_mac[0] = 2;
	memset(lab->node_mac + 1, 0, 4);
	lab->node_mac[5] = mac;
	return lab_claims(lab, address);
}

static void test_the_kernel_does_not_announce_a_closed_vip(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	write_file("/proc/sys/net/ipv4/conf/eth0/arp_notify", "1");
	write_file("/proc/sys/net/ipv6/conf/eth0/ndisc_notify", "1");
	fence_up(&lab, false);
	CU_ASSERT_FALSE(is_announced(&lab, VIP4, 1));
	CU_ASSERT_TRUE(is_announced(&lab, OWN4, 2));
	CU_ASSERT_FALSE(is_announced(&lab, VIP6, 3));
	CU_ASSERT_TRUE(is_announced(&lab, OWN6, 4));
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	CU_ASSERT_TRUE(is_announced(&lab, VIP4, 5));
	CU_ASSERT_TRUE(is_announced(&lab, VIP6, 6));
}

/* One round of the announcer, from the client. We are there. */
static void announce_once(const struct lab *lab, const char *vip)
{
	struct oo_link link = {.index = (int)if_nametoindex("peer"), .mac_length = OO_MAC_LENGTH};
	const struct oo_address address = address_of(vip);
	struct oo_announcer *announcer = NULL;
	memcpy(link.mac, lab->client_mac, OO_MAC_LENGTH);
	CU_ASSERT_EQUAL_FATAL(oo_announcer_new(lab->event, &announcer, NULL), 0);
	CU_ASSERT_EQUAL(oo_announcer_start(announcer, &link, &address, 1), 0);
	CU_ASSERT_TRUE(oo_announcer_count(announcer) >= 1);
	oo_announcer_free(announcer);
}

/* Of a VIP that is elsewhere, so that this host's packets follow it. */
static void test_the_announcements_of_another_holder_come_in(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	ip("address del " VIP4 "/24 dev eth0");
	ip("address del " VIP6 "/64 dev eth0");
	ip("neigh add " VIP4 " lladdr 02:00:00:00:00:99 nud stale dev eth0");
	ip("neigh add " VIP6 " lladdr 02:00:00:00:00:99 nud stale dev eth0");
	fence_up(&lab, false);
	space_enter(lab.client);
	announce_once(&lab, VIP4);
	announce_once(&lab, VIP6);
	space_enter(lab.node);
	CU_ASSERT_PTR_NULL(strstr(ip_shows("neigh show " VIP4), "02:00:00:00:00:99"));
	CU_ASSERT_PTR_NULL(strstr(ip_shows("neigh show " VIP6), "02:00:00:00:00:99"));
}

static const struct named_test tests[] = {
	{"without a fence everything answers", test_without_a_fence_everything_answers},
	{"a new fence is closed, for the VIPs alone",
	 test_a_new_fence_is_closed_for_the_vips_alone},
	{"an open VIP answers and the other does not",
	 test_an_open_vip_answers_and_the_other_does_not},
	{"a closed VIP is closed at once", test_a_closed_vip_is_closed_at_once},
	{"a deadline in the past closes", test_a_deadline_in_the_past_closes},
	{"a VIP with next to nothing left is not armed again",
	 test_a_vip_with_next_to_nothing_left_is_not_armed_again},
	{"the deadline closes everything", test_the_deadline_closes_everything},
	{"the fence of a killed agent closes", test_the_fence_of_a_killed_agent_closes},
	{"the fence of a stopped agent closes", test_the_fence_of_a_stopped_agent_closes},
	{"resets of old connections leave a closed VIP",
	 test_resets_of_old_connections_leave_a_closed_vip},
	{"a closed VIP does not answer its own host",
	 test_a_closed_vip_does_not_answer_its_own_host},
	{"a closed VIP does not answer through DNAT",
	 test_a_closed_vip_does_not_answer_through_dnat},
	{"a closed VIP of another routing table is not delivered",
	 test_a_closed_vip_of_another_routing_table_is_not_delivered},
	{"packets to a holder elsewhere are forwarded",
	 test_packets_to_a_holder_elsewhere_are_forwarded},
	{"no neighbour is asked in the name of a closed VIP",
	 test_no_neighbour_is_asked_in_the_name_of_a_closed_vip},
	{"the kernel does not announce a closed VIP",
	 test_the_kernel_does_not_announce_a_closed_vip},
	{"the announcements of another holder come in",
	 test_the_announcements_of_another_holder_come_in},
};

int main(void)
{
	return harness_run_isolated("net fence", tests, OO_LENGTH(tests));
}
