/* Links and addresses are reported as they change, a lapsed lifetime included. In namespaces. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "harness.h"

struct fixture {
	sd_event *event;
	struct oo_net *net;
	struct oo_link link; /* the last report of eth0 */
	int link_went;
	struct oo_address watched;
	int watched_ifindex;
	int came;
	int went;
	int resyncs;
};

static void on_link(void *user, const struct oo_link *link)
{
	struct fixture *fixture = user;
	if (strcmp(link->name, "eth0") == 0) {
		fixture->link = *link;
		fixture->link_went += link->exists ? 0 : 1;
	}
}

static void on_address(void *user, int ifindex, const struct oo_address *address, bool present)
{
	struct fixture *fixture = user;
	if (oo_address_equal(address, &fixture->watched)) {
		fixture->watched_ifindex = ifindex;
		fixture->watched.prefix = address->prefix;
		fixture->came += present ? 1 : 0;
		fixture->went += present ? 0 : 1;
	}
}

static void on_resync(void *user)
{
	struct fixture *fixture = user;
	fixture->resyncs++;
}

static void fixture_done(struct fixture *fixture)
{
	oo_net_free(fixture->net);
	sd_event_unref(fixture->event);
}

static void fixture_init(struct fixture *fixture)
{
	static const struct oo_net_callbacks callbacks = {
		.link = on_link, .address = on_address, .resync = on_resync};
	CU_ASSERT_FATAL(sd_event_new(&fixture->event) >= 0);
	CU_ASSERT_FATAL(oo_net_new(fixture->event, &callbacks, fixture, &fixture->net, NULL) == 0);
}

static void test_a_link_is_described(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	struct oo_link link;
	static const uint8_t mac[] = {0x02, 0, 0, 0, 0, 0x17};
	make_veth(-1);
	ip("link set eth0 address 02:00:00:00:00:17 mtu 1400");
	fixture_init(&fixture);
	CU_ASSERT_EQUAL(oo_net_link(fixture.net, "eth0", &link, NULL), 0);
	CU_ASSERT_EQUAL(link.index, (int)if_nametoindex("eth0"));
	EXPECT_TEXT(link.name, "eth0");
	CU_ASSERT_EQUAL(link.mac_length, OO_MAC_LENGTH);
	CU_ASSERT_EQUAL(memcmp(link.mac, mac, sizeof(mac)), 0);
	CU_ASSERT_EQUAL(link.mtu, 1400);
	CU_ASSERT_TRUE(link.exists && link.up);
	ip("link set eth0 down");
	CU_ASSERT_EQUAL(oo_net_link(fixture.net, "eth0", &link, NULL), 0);
	CU_ASSERT_TRUE(link.exists && !link.up && !link.carrier);
}

static void test_a_link_without_a_mac_has_none(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	struct oo_link link;
	ip("tuntap add eth0 mode tun");
	fixture_init(&fixture);
	CU_ASSERT_EQUAL(oo_net_link(fixture.net, "eth0", &link, NULL), 0);
	CU_ASSERT_EQUAL(link.mac_length, 0);
	CU_ASSERT_EQUAL(oo_net_link(fixture.net, "lo", &link, NULL), 0);
	CU_ASSERT_EQUAL(link.mac_length, OO_MAC_LENGTH);
}

static void test_carrier_down_and_mac_and_removal_are_reported(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	fixture_init(&fixture);
	make_veth(-1);
	CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.link.up && fixture.link.carrier, 5000));
	CU_ASSERT_TRUE(fixture.link.exists);
	ip("link set peer down");
	CU_ASSERT_TRUE(AWAIT(fixture.event, !fixture.link.carrier, 5000));
	CU_ASSERT_TRUE(fixture.link.up);
	ip("link set peer up");
	CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.link.carrier, 5000));
	ip("link set eth0 address 02:00:00:00:00:17");
	CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.link.mac[5] == 0x17, 5000));
	ip("link set eth0 down");
	CU_ASSERT_TRUE(AWAIT(fixture.event, !fixture.link.up, 5000));
	ip("link del eth0");
	CU_ASSERT_TRUE(AWAIT(fixture.event, !fixture.link.exists, 5000));
}

/* The kernel says RTM_DELLINK of family AF_BRIDGE then: the link itself stays. */
static void test_leaving_a_bridge_is_not_leaving_the_host(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	make_veth(-1);
	ip("link add bridge0 type bridge");
	ip("link set eth0 master bridge0");
	fixture_init(&fixture);
	ip("link set eth0 nomaster");
	ip("link set eth0 mtu 1234");
	CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.link.mtu == 1234, 5000));
	CU_ASSERT_EQUAL(fixture.link_went, 0);
}

static void test_addresses_that_come_and_go_are_reported(void)
{
	static const struct {
		const char *vip;
		const char *added;
		uint8_t prefix;
	} families[] = {{"10.0.0.100", "10.0.0.100/20", 20}, {"fd00::100", "fd00::100/72", 72}};
	for (size_t i = 0; i < OO_LENGTH(families); i++) {
		OO_AUTO(fixture_done) struct fixture fixture = {0};
		close(space_new());
		make_veth(-1);
		fixture.watched = address_of(families[i].vip);
		fixture_init(&fixture);
		ip("address add %s dev eth0", families[i].added);
		CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.came > 0, 5000));
		CU_ASSERT_EQUAL(fixture.watched_ifindex, (int)if_nametoindex("eth0"));
		CU_ASSERT_EQUAL(fixture.watched.prefix, families[i].prefix);
		CU_ASSERT_EQUAL(fixture.went, 0);
		ip("address del %s dev eth0", families[i].added);
		CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.went > 0, 5000));
	}
}

/* Both families at once; nobody re-arms: gone within [N, N + 1 s], and what is re-armed stays. */
static void test_the_kernel_removes_what_nobody_rearms(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	make_veth(-1);
	ip("address add 10.0.0.1/24 dev eth0");
	fixture_init(&fixture);
	const struct oo_address list[] = {address_of("10.0.0.100/24"), address_of("fd00::100/64")};
	const int ifindex = (int)if_nametoindex("eth0");
	const struct oo_address_set ipv4 = {ifindex, &list[0], 1};
	const struct oo_address_set ipv6 = {ifindex, &list[1], 1};
	for (size_t i = 0; i < OO_LENGTH(list); i++) {
		fixture.watched = list[i];
		fixture.went = 0;
		const struct oo_address_set *left = i == 0 ? &ipv4 : &ipv6;
		const struct oo_address_set *kept = i == 0 ? &ipv6 : &ipv4;
		CU_ASSERT_EQUAL(oo_net_addresses_add(fixture.net, left, 1, NULL), 0);
		const int64_t armed_at = oo_clock_now();
		while (fixture.went == 0 && oo_clock_now() < armed_at + 10000) {
			CU_ASSERT_EQUAL(oo_net_addresses_add(fixture.net, kept, 1, NULL), 0);
			(void)sd_event_run(fixture.event, 100000);
		}
		const int64_t lasted_ms = oo_clock_now() - armed_at;
		printf("\n  %s, armed for 1 s: gone after %d ms\n", i == 0 ? "IPv4" : "IPv6",
		       (int)lasted_ms);
		CU_ASSERT_EQUAL(fixture.went, 1);
		CU_ASSERT_TRUE(lasted_ms >= 900);
		bool present = false;
		CU_ASSERT_EQUAL(oo_net_addresses_present(fixture.net, kept, &present, NULL), 0);
		CU_ASSERT_TRUE(present);
	}
}

static void test_an_overflow_of_reports_asks_for_a_resync(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	make_veth(-1);
	fixture_init(&fixture);
	const struct oo_address address = address_of("10.0.0.100");
	const struct oo_address_set set = {(int)if_nametoindex("eth0"), &address, 1};
	/* 8 MB hold some thousand reports: more than that, with the loop standing still */
	for (int i = 0; i < 20000; i++) {
		CU_ASSERT_EQUAL_FATAL(oo_net_addresses_add(fixture.net, &set, 30, NULL), 0);
	}
	CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.resyncs > 0, 10000));
	/* and reports go on */
	fixture.watched = address;
	while (sd_event_run(fixture.event, 0) > 0) {
	}
	fixture.came = 0;
	CU_ASSERT_EQUAL(oo_net_addresses_add(fixture.net, &set, 30, NULL), 0);
	CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.came > 0, 5000));
}

static const struct named_test tests[] = {
	{"a link is described", test_a_link_is_described},
	{"a link without a MAC has none", test_a_link_without_a_mac_has_none},
	{"carrier, down, MAC and removal are reported",
	 test_carrier_down_and_mac_and_removal_are_reported},
	{"leaving a bridge is not leaving the host", test_leaving_a_bridge_is_not_leaving_the_host},
	{"addresses that come and go are reported", test_addresses_that_come_and_go_are_reported},
	{"the kernel removes what nobody re-arms", test_the_kernel_removes_what_nobody_rearms},
	{"an overflow of reports asks for a resync", test_an_overflow_of_reports_asks_for_a_resync},
};

int main(void)
{
	return harness_run_isolated("net report", tests, OO_LENGTH(tests));
}
