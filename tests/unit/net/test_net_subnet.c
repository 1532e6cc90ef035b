/*
 * Primary and secondary: a VIP beside the node's own address of the same subnet, whichever comes
 * first or goes first, with the kernel's promote_secondaries on and off.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "harness.h"

struct fixture {
	sd_event *event;
	struct oo_net *net;
	struct oo_address vip;
	struct oo_address_set set;
};

static void fixture_done(struct fixture *fixture)
{
	oo_net_free(fixture->net);
	sd_event_unref(fixture->event);
}

static void fixture_init(struct fixture *fixture, bool promote)
{
	make_veth(-1);
	CU_ASSERT_EQUAL_FATAL(
		system(promote ? "echo 1 > /proc/sys/net/ipv4/conf/eth0/promote_secondaries"
			       : "echo 0 > /proc/sys/net/ipv4/conf/eth0/promote_secondaries"),
		0);
	CU_ASSERT_FATAL(sd_event_new(&fixture->event) >= 0);
	CU_ASSERT_FATAL(oo_net_new(fixture->event, &(struct oo_net_callbacks){0}, NULL,
				   &fixture->net, NULL) == 0);
	fixture->vip = address_of("10.0.0.100/24");
	fixture->set = (struct oo_address_set){(int)if_nametoindex("eth0"), &fixture->vip, 1};
}

static void arm(struct fixture *fixture)
{
	CU_ASSERT_EQUAL(oo_net_addresses_add(fixture->net, &fixture->set, 30, NULL), 0);
}

static void take_down(struct fixture *fixture)
{
	CU_ASSERT_EQUAL(oo_net_addresses_remove(fixture->net, &fixture->set, NULL), 0);
}

/* "10.0.0.1/24 primary" and so on, in the kernel's order. */
static const char *addresses(void)
{
	return ip_shows(
		"-4 -o address show dev eth0 | "
		"sed -E 's/.*inet ([^ ]+) .*(secondary).*/\\1 \\2/; s/.*inet ([^ ]+) .*/\\1/'");
}

static void test_a_vip_beside_an_own_address_is_its_secondary(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	fixture_init(&fixture, false);
	ip("address add 10.0.0.1/24 dev eth0");
	arm(&fixture);
	EXPECT_TEXT(addresses(), "10.0.0.1/24\n10.0.0.100/24 secondary\n");
	take_down(&fixture);
	EXPECT_TEXT(addresses(), "10.0.0.1/24\n");
}

static void test_a_vip_before_the_own_address_takes_nothing_along(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	fixture_init(&fixture, false);
	arm(&fixture);
	ip("address add 10.0.0.1/24 dev eth0");
	ip("address add 10.0.0.2/24 dev eth0");
	EXPECT_TEXT(addresses(), "10.0.0.100/32\n10.0.0.1/24\n10.0.0.2/24 secondary\n");
	arm(&fixture);
	EXPECT_TEXT(addresses(), "10.0.0.100/32\n10.0.0.1/24\n10.0.0.2/24 secondary\n");
	take_down(&fixture);
	EXPECT_TEXT(addresses(), "10.0.0.1/24\n10.0.0.2/24 secondary\n");
}

/* What the header says of the kernel: a DHCP client that replaces the address does this. */
static void test_without_promotion_the_vip_goes_with_the_primary_and_returns_alone(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	fixture_init(&fixture, false);
	ip("address add 10.0.0.1/24 dev eth0");
	arm(&fixture);
	ip("address del 10.0.0.1/24 dev eth0");
	EXPECT_TEXT(addresses(), "");
	arm(&fixture);
	ip("address add 10.0.0.1/24 dev eth0");
	EXPECT_TEXT(addresses(), "10.0.0.100/32\n10.0.0.1/24\n");
	take_down(&fixture);
	EXPECT_TEXT(addresses(), "10.0.0.1/24\n");
}

static void test_with_promotion_nobody_goes_with_anybody(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	fixture_init(&fixture, true);
	ip("address add 10.0.0.1/24 dev eth0");
	arm(&fixture);
	ip("address del 10.0.0.1/24 dev eth0");
	EXPECT_TEXT(addresses(), "10.0.0.100/24\n");
	ip("address add 10.0.0.1/24 dev eth0");
	arm(&fixture);
	EXPECT_TEXT(addresses(), "10.0.0.100/24\n10.0.0.1/24 secondary\n");
	take_down(&fixture);
	EXPECT_TEXT(addresses(), "10.0.0.1/24\n");
}

static void test_another_subnets_addresses_do_not_count(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	fixture_init(&fixture, false);
	ip("address add 10.0.1.1/24 dev eth0");
	ip("address add 10.0.0.1/25 dev eth0");
	ip("address add 10.0.0.2/24 dev peer");
	arm(&fixture);
	EXPECT_TEXT(addresses(), "10.0.1.1/24\n10.0.0.1/25\n10.0.0.100/32\n");
}

/* Connections that this host opens must not come from the VIP: they would break when it leaves. */
static void test_the_vip_is_no_source_of_new_connections(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	fixture_init(&fixture, false);
	const struct oo_address vips[] = {address_of("10.0.0.100/24"), address_of("fd00::100"),
					  address_of("10.0.0.101")};
	fixture.set.list = vips;
	fixture.set.n = OO_LENGTH(vips);
	arm(&fixture);
	ip("address add 10.0.0.1/24 dev eth0");
	/* a worse match for the destination than the VIP is, which is deprecated */
	ip("address add fd00:0:0:0:f000::1/64 dev eth0 nodad");
	ip("route add default via 10.0.0.254");
	arm(&fixture);
	EXPECT_CONTAINS(ip_shows("route get 10.0.0.7"), " src 10.0.0.1 ");
	EXPECT_CONTAINS(ip_shows("route get 192.0.2.1"), " src 10.0.0.1 ");
	EXPECT_CONTAINS(ip_shows("route get fd00::101"), " src fd00::f000:0:0:1 ");
}

static const struct named_test tests[] = {
	{"a VIP beside an own address is its secondary",
	 test_a_vip_beside_an_own_address_is_its_secondary},
	{"a VIP before the own address takes nothing along",
	 test_a_vip_before_the_own_address_takes_nothing_along},
	{"without promotion the VIP goes with the primary and returns alone",
	 test_without_promotion_the_vip_goes_with_the_primary_and_returns_alone},
	{"with promotion nobody goes with anybody", test_with_promotion_nobody_goes_with_anybody},
	{"another subnet's addresses do not count", test_another_subnets_addresses_do_not_count},
	{"the VIP is no source of new connections", test_the_vip_is_no_source_of_new_connections},
};

int main(void)
{
	return harness_run_isolated("net subnet", tests, OO_LENGTH(tests));
}
