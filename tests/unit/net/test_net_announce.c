/* A neighbour in another namespace learns from announcements; errors are counted, never fatal. */
#include <errno.h>
#include <linux/capability.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "harness.h"
#include "net/announce.h"

/* Here eth0, the VIP's node; in client the interface peer, which listens. */
struct fixture {
	sd_event *event;
	struct oo_net *net;
	struct oo_announcer *announcer;
	struct oo_link link;
	int node;
	int client;
	int listener;
};

static void fixture_done(struct fixture *fixture)
{
	oo_announcer_free(fixture->announcer);
	oo_net_free(fixture->net);
	sd_event_unref(fixture->event);
	oo_close(&fixture->node);
	oo_close(&fixture->client);
	oo_close(&fixture->listener);
}

static int listen_to_packets(void)
{
	const int megabytes = 32 * 1024 * 1024;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
	struct sockaddr_ll here = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ALL),
				   .sll_ifindex = (int)if_nametoindex("peer")};
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &megabytes, sizeof(megabytes)),
			0);
	return fd;
}

static void fixture_init(struct fixture *fixture)
{
	fixture->client = space_new();
	fixture->node = space_new();
	CU_ASSERT_FATAL(sd_event_new(&fixture->event) >= 0);
	CU_ASSERT_FATAL(oo_net_new(fixture->event, &(struct oo_net_callbacks){0}, NULL,
				   &fixture->net, NULL) == 0);
	CU_ASSERT_FATAL(oo_announcer_new(fixture->event, &fixture->announcer, NULL) == 0);
	make_veth(fixture->client);
	ip("link set eth0 address 02:00:00:00:00:01");
	space_enter(fixture->client);
	ip("address add 10.0.0.9/24 dev peer");
	ip("address add fd00::9/64 dev peer nodad");
	fixture->listener = listen_to_packets();
	space_enter(fixture->node);
	CU_ASSERT_TRUE(AWAIT(fixture->event,
			     oo_net_link(fixture->net, "eth0", &fixture->link, NULL) == 0 &&
				     fixture->link.carrier,
			     5000));
}

struct heard {
	int arp[3]; /* by form */
	int advertisements;
	int bad; /* announcements that are not as they should be */
};

static void hear(const uint8_t *frame, size_t length, const struct oo_link *link,
		 struct heard *heard)
{
	static const uint8_t all_hosts[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t all_nodes[] = {0x33, 0x33, 0, 0, 0, 1};
	const bool ours = memcmp(frame + 6, link->mac, 6) == 0;
	const unsigned protocol = frame[12] * 256u + frame[13];
	if (protocol == ETH_P_ARP && length >= 42 && memcmp(frame + 28, frame + 38, 4) == 0) {
		heard->arp[frame[21] <= 2 ? frame[21] : 0]++;
		heard->bad += !ours || memcmp(frame, all_hosts, 6) != 0;
	} else if (protocol == ETH_P_IPV6 && length == 86 && frame[54] == 136 && ours) {
		/* the kernel says its link-local address in the same way, without Override */
		heard->advertisements += frame[58] == 0x20;
		heard->bad += memcmp(frame, all_nodes, 6) != 0;
	}
}

static struct heard heard_so_far(const struct fixture *fixture)
{
	struct heard heard = {0};
	uint8_t frame[2048];
	ssize_t length;
	while ((length = recv(fixture->listener, frame, sizeof(frame), 0)) > 0) {
		hear(frame, (size_t)length, &fixture->link, &heard);
	}
	return heard;
}

static void test_the_first_round_is_out_when_start_returns(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {.node = -1, .client = -1, .listener = -1};
	fixture_init(&fixture);
	const struct oo_address list[] = {address_of("10.0.0.100/24"), address_of("fd00::100/64")};
	CU_ASSERT_EQUAL(oo_announcer_last_at(fixture.announcer), 0);
	(void)heard_so_far(&fixture);
	const int64_t before = oo_clock_now();
	CU_ASSERT_EQUAL(oo_announcer_start(fixture.announcer, &fixture.link, list, 2), 0);
	CU_ASSERT_EQUAL(oo_announcer_count(fixture.announcer), 3);
	CU_ASSERT_TRUE(oo_announcer_last_at(fixture.announcer) >= before);
	const struct heard heard = heard_so_far(&fixture);
	CU_ASSERT_EQUAL(heard.arp[OO_ARP_REQUEST], 1);
	CU_ASSERT_EQUAL(heard.arp[OO_ARP_REPLY], 1);
	CU_ASSERT_EQUAL(heard.advertisements, 1);
	CU_ASSERT_EQUAL(heard.bad, 0);
	EXPECT_TEXT(oo_announcer_last_error(fixture.announcer), "");
}

static void test_a_burst_of_five_is_followed_by_one_a_second_until_stopped(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {.node = -1, .client = -1, .listener = -1};
	fixture_init(&fixture);
	const struct oo_address list[] = {address_of("10.0.0.100/24")};
	const int64_t started_at = oo_clock_now();
	CU_ASSERT_EQUAL(oo_announcer_start(fixture.announcer, &fixture.link, list, 1), 0);
	CU_ASSERT_TRUE(AWAIT(fixture.event, oo_announcer_count(fixture.announcer) == 10, 5000));
	CU_ASSERT_TRUE(oo_clock_now() >= started_at + 200);
	CU_ASSERT_TRUE(AWAIT(fixture.event, oo_announcer_count(fixture.announcer) == 12, 5000));
	CU_ASSERT_TRUE(oo_clock_now() >= started_at + 1000);
	/* again, from the start */
	oo_announcer_burst(fixture.announcer);
	CU_ASSERT_EQUAL(oo_announcer_count(fixture.announcer), 14);
	CU_ASSERT_TRUE(AWAIT(fixture.event, oo_announcer_count(fixture.announcer) == 22, 2000));
	/* no packet, and with the announcer alone on the loop, no waking either */
	oo_net_free(oo_take_ptr(fixture.net));
	oo_announcer_stop(fixture.announcer);
	oo_announcer_burst(fixture.announcer);
	CU_ASSERT_EQUAL(sd_event_run(fixture.event, 1200000), 0);
	CU_ASSERT_EQUAL(oo_announcer_count(fixture.announcer), 22);
}

static void test_one_address_is_repeated_beside_the_schedule(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {.node = -1, .client = -1, .listener = -1};
	fixture_init(&fixture);
	const struct oo_address list[] = {address_of("10.0.0.100/24"), address_of("fd00::100/64")};
	const struct oo_address other = address_of("10.0.0.101/24");
	CU_ASSERT_EQUAL(oo_announcer_start(fixture.announcer, &fixture.link, list, 2), 0);
	CU_ASSERT_TRUE(AWAIT(fixture.event, oo_announcer_count(fixture.announcer) == 15, 5000));
	oo_announcer_repeat(fixture.announcer, &list[0]);
	CU_ASSERT_EQUAL(oo_announcer_count(fixture.announcer), 17);
	oo_announcer_repeat(fixture.announcer, &list[1]);
	CU_ASSERT_EQUAL(oo_announcer_count(fixture.announcer), 18);
	oo_announcer_repeat(fixture.announcer, &other);
	oo_announcer_stop(fixture.announcer);
	oo_announcer_repeat(fixture.announcer, &list[0]);
	CU_ASSERT_EQUAL(oo_announcer_count(fixture.announcer), 18);
}

static void expect_neighbour(const char *address, const char *mac)
{
	EXPECT_CONTAINS(ip_shows("neighbour show to %s dev peer", address), mac);
}

/* The client knows the VIP at its old holder's MAC. Each form alone has to change its mind. */
static void send_arp(const struct oo_link *link, enum oo_arp_form form, const char *address)
{
	uint8_t packet[OO_ARP_LENGTH];
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ARP),
				 .sll_ifindex = link->index,
				 .sll_halen = 6,
				 .sll_addr = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	const struct oo_address vip = address_of(address);
	OO_AUTO(oo_close) int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	oo_arp_build(form, &vip, link->mac, packet);
	CU_ASSERT_EQUAL(sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)),
			(ssize_t)sizeof(packet));
}

static void test_either_arp_form_alone_moves_a_neighbours_entry(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {.node = -1, .client = -1, .listener = -1};
	fixture_init(&fixture);
	space_enter(fixture.client);
	ip("neighbour add 10.0.0.100 lladdr 02:00:00:00:00:99 dev peer nud reachable");
	ip("neighbour add 10.0.0.101 lladdr 02:00:00:00:00:99 dev peer nud reachable");
	space_enter(fixture.node);
	send_arp(&fixture.link, OO_ARP_REQUEST, "10.0.0.100");
	send_arp(&fixture.link, OO_ARP_REPLY, "10.0.0.101");
	space_enter(fixture.client);
	expect_neighbour("10.0.0.100", "lladdr 02:00:00:00:00:01");
	expect_neighbour("10.0.0.101", "lladdr 02:00:00:00:00:01");
	space_enter(fixture.node);
}

static void test_an_announcement_moves_the_neighbours_entries_of_both_families(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {.node = -1, .client = -1, .listener = -1};
	fixture_init(&fixture);
	const struct oo_address list[] = {address_of("10.0.0.100/24"), address_of("fd00::100/64")};
	space_enter(fixture.client);
	ip("neighbour add 10.0.0.100 lladdr 02:00:00:00:00:99 dev peer nud reachable");
	ip("neighbour add fd00::100 lladdr 02:00:00:00:00:99 dev peer nud reachable");
	space_enter(fixture.node);
	CU_ASSERT_EQUAL(oo_announcer_start(fixture.announcer, &fixture.link, list, 2), 0);
	space_enter(fixture.client);
	expect_neighbour("10.0.0.100", "lladdr 02:00:00:00:00:01");
	expect_neighbour("fd00::100", "lladdr 02:00:00:00:00:01");
	space_enter(fixture.node);
	/* the interface gets another MAC */
	ip("link set eth0 address 02:00:00:00:00:02");
	CU_ASSERT_EQUAL(oo_net_link(fixture.net, "eth0", &fixture.link, NULL), 0);
	CU_ASSERT_EQUAL(oo_announcer_start(fixture.announcer, &fixture.link, list, 2), 0);
	space_enter(fixture.client);
	expect_neighbour("10.0.0.100", "lladdr 02:00:00:00:00:02");
	expect_neighbour("fd00::100", "lladdr 02:00:00:00:00:02");
	space_enter(fixture.node);
}

static void test_errors_are_counted_and_told_and_not_the_end(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {.node = -1, .client = -1, .listener = -1};
	fixture_init(&fixture);
	const struct oo_address list[] = {address_of("10.0.0.100/24")};
	ip("link set eth0 down");
	CU_ASSERT_EQUAL(oo_announcer_start(fixture.announcer, &fixture.link, list, 1), 0);
	CU_ASSERT_EQUAL(oo_announcer_error_count(fixture.announcer), 2);
	CU_ASSERT_EQUAL(oo_announcer_count(fixture.announcer), 0);
	EXPECT_TEXT(oo_announcer_last_error(fixture.announcer),
		    "announce on eth0: Network is down");
	ip("link set eth0 up");
	CU_ASSERT_TRUE(AWAIT(fixture.event, oo_announcer_count(fixture.announcer) > 0, 5000));
	struct oo_link without_mac = fixture.link;
	without_mac.mac_length = 0;
	const uint64_t sent = oo_announcer_count(fixture.announcer);
	CU_ASSERT_EQUAL(oo_announcer_start(fixture.announcer, &without_mac, list, 1), 0);
	CU_ASSERT_EQUAL(oo_announcer_count(fixture.announcer), sent);
	EXPECT_TEXT(oo_announcer_last_error(fixture.announcer),
		    "announce on eth0: the interface has no Ethernet address");
	ip("link del eth0");
	CU_ASSERT_EQUAL(oo_announcer_start(fixture.announcer, &fixture.link, list, 1), 0);
	EXPECT_TEXT(oo_announcer_last_error(fixture.announcer),
		    "announce on eth0: No such device or address");
	/* nothing to announce takes the place of what was */
	oo_net_free(oo_take_ptr(fixture.net));
	CU_ASSERT_EQUAL(oo_announcer_start(fixture.announcer, &fixture.link, NULL, 0), 0);
	CU_ASSERT_EQUAL(sd_event_run(fixture.event, 100000), 0);
}

#define MANY 1000

static void test_a_thousand_addresses_are_all_announced_over_some_turns(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {.node = -1, .client = -1, .listener = -1};
	static struct oo_address list[MANY];
	fixture_init(&fixture);
	for (unsigned i = 0; i < MANY; i++) {
		list[i] = i % 2 == 0 ? address_of("10.0.8.0") : address_of("fd00::1:0");
		list[i].bytes[i % 2 == 0 ? 2 : 14] += (uint8_t)(i / 256);
		list[i].bytes[i % 2 == 0 ? 3 : 15] += (uint8_t)i;
	}
	(void)heard_so_far(&fixture);
	const int64_t started_at = oo_clock_now_us();
	CU_ASSERT_EQUAL(oo_announcer_start(fixture.announcer, &fixture.link, list, MANY), 0);
	/* no longer than a turn's share inside the call */
	CU_ASSERT_EQUAL(oo_announcer_count(fixture.announcer), 96);
	CU_ASSERT_TRUE(AWAIT(fixture.event, oo_announcer_count(fixture.announcer) >= 1500, 5000));
	printf("\n  %d addresses: a round took %.1f ms\n", MANY,
	       (double)(oo_clock_now_us() - started_at) / 1e3);
	oo_announcer_stop(fixture.announcer);
	const struct heard heard = heard_so_far(&fixture);
	CU_ASSERT_TRUE(heard.arp[OO_ARP_REQUEST] >= MANY / 2);
	CU_ASSERT_TRUE(heard.arp[OO_ARP_REPLY] >= MANY / 2);
	CU_ASSERT_TRUE(heard.advertisements >= MANY / 2);
	CU_ASSERT_EQUAL(oo_announcer_error_count(fixture.announcer), 0);
}

static int without_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}, {0}};
	struct oo_announcer *announcer = NULL;
	struct oo_err err = {""};
	sd_event *event = NULL;
	const bool as_wanted =
		sd_event_new(&event) >= 0 && syscall(SYS_capset, &header, none) == 0 &&
		oo_announcer_new(event, &announcer, &err) == -EPERM && announcer == NULL &&
		strcmp(err.text, "packet socket (needs CAP_NET_RAW): Operation not permitted") == 0;
	if (!as_wanted) {
		printf("\n  got: %s\n", err.text);
	}
	sd_event_unref(event);
	return as_wanted ? 0 : 1;
}

static void test_a_missing_capability_is_named(void)
{
	int status = -1;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		_exit(without_capabilities());
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
}

static const struct named_test tests[] = {
	{"the first round is out when start returns",
	 test_the_first_round_is_out_when_start_returns},
	{"a burst of five is followed by one a second until stopped",
	 test_a_burst_of_five_is_followed_by_one_a_second_until_stopped},
	{"one address is repeated beside the schedule",
	 test_one_address_is_repeated_beside_the_schedule},
	{"either ARP form alone moves a neighbour's entry",
	 test_either_arp_form_alone_moves_a_neighbours_entry},
	{"an announcement moves the neighbour's entries of both families",
	 test_an_announcement_moves_the_neighbours_entries_of_both_families},
	{"errors are counted and told and not the end",
	 test_errors_are_counted_and_told_and_not_the_end},
	{"a thousand addresses are all announced over some turns",
	 test_a_thousand_addresses_are_all_announced_over_some_turns},
	{"a missing capability is named", test_a_missing_capability_is_named},
};

int main(void)
{
	return harness_run_isolated("net announce", tests, OO_LENGTH(tests));
}
