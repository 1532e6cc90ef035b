/* Addresses are added, re-armed, removed and found, as ip(8) sees it. In network namespaces. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "harness.h"

static void unref_event(sd_event **event)
{
	sd_event_unref(*event);
}

static void free_net(struct oo_net **net)
{
	oo_net_free(*net);
}

/* Opens net in the namespace that we are in. */
#define OPEN_NET(net)                                                                              \
	OO_AUTO(unref_event) sd_event *event = NULL;                                               \
	OO_AUTO(free_net) struct oo_net *net = NULL;                                               \
	CU_ASSERT_FATAL(sd_event_new(&event) >= 0);                                                \
	CU_ASSERT_FATAL(oo_net_new(event, &(struct oo_net_callbacks){0}, NULL, &net, NULL) == 0)

static int index_of(const char *name)
{
	return (int)if_nametoindex(name);
}

static void test_both_families_are_added_with_a_lifetime_and_their_flags(void)
{
	make_veth(-1);
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.100"), address_of("fd00::100/64")};
	const struct oo_address_set set = {index_of("eth0"), list, 2};
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 30, &err), 0);
	EXPECT_TEXT(err.text, "");
	EXPECT_CONTAINS(ip_shows("-4 -o address show dev eth0"),
			"inet 10.0.0.100/32 scope global dynamic noprefixroute eth0:vip\\       "
			"valid_lft 30sec preferred_lft 30sec");
	EXPECT_CONTAINS(
		ip_shows("-6 -o address show dev eth0 to fd00::/8"),
		"inet6 fd00::100/64 scope global nodad deprecated dynamic noprefixroute \\       "
		"valid_lft 30sec preferred_lft 0sec");
}

static void test_no_prefix_route_comes_with_an_address(void)
{
	make_veth(-1);
	ip("address add 10.0.0.1/24 dev eth0");
	ip("address add fd00::1/64 dev eth0 nodad");
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.100/24"), address_of("fd00::100/64"),
					  address_of("10.9.0.100/24"), address_of("fd09::100/64")};
	const struct oo_address_set set = {index_of("eth0"), list, 4};
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 30, NULL), 0);
	EXPECT_TEXT(ip_shows("-4 route show"),
		    "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1 \n");
	EXPECT_TEXT(ip_shows("-6 route show fd09::/16"), "");
	CU_ASSERT_EQUAL(oo_net_addresses_remove(net, &set, NULL), 0);
	EXPECT_TEXT(ip_shows("-4 route show"),
		    "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1 \n");
	EXPECT_CONTAINS(ip_shows("-6 route show"), "fd00::/64 dev eth0");
}

static void test_a_label_that_would_be_too_long_is_left_out(void)
{
	ip("link add enx0123456789ab type veth peer name peer");
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.100")};
	const struct oo_address_set set = {index_of("enx0123456789ab"), list, 1};
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 30, NULL), 0);
	EXPECT_CONTAINS(ip_shows("-4 -o address show"),
			" dynamic noprefixroute enx0123456789ab\\ ");
}

static void test_rearming_restarts_the_lifetime_and_adds_nothing(void)
{
	make_veth(-1);
	ip("address add 10.0.0.1/24 dev eth0");
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.100/24"), address_of("fd00::100/64")};
	const struct oo_address_set set = {index_of("eth0"), list, 2};
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 30, NULL), 0);
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 900, NULL), 0);
	EXPECT_TEXT(ip_shows("-4 -o address show dev eth0 to 10.0.0.100 | cut -d' ' -f7-"),
		    "10.0.0.100/24 scope global secondary dynamic noprefixroute eth0:vip\\       "
		    "valid_lft 900sec preferred_lft 900sec\n");
	EXPECT_TEXT(ip_shows("-6 -o address show dev eth0 to fd00::100 | cut -d' ' -f7-"),
		    "fd00::100/64 scope global nodad deprecated dynamic noprefixroute \\       "
		    "valid_lft 900sec preferred_lft 0sec\n");
}

/* Somebody added the VIP by hand: it must not outlive the lease. */
static void test_an_address_that_is_there_for_ever_gets_a_lifetime(void)
{
	make_veth(-1);
	ip("address add 10.0.0.100/16 dev eth0");
	ip("address add 10.0.0.100/32 dev eth0");
	ip("address add fd00::100/48 dev eth0 nodad");
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.100/24"), address_of("fd00::100/64")};
	const struct oo_address_set set = {index_of("eth0"), list, 2};
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 30, NULL), 0);
	EXPECT_TEXT(ip_shows("-o address show dev eth0 | grep -c valid_lft.30sec"), "3\n");
	EXPECT_TEXT(ip_shows("-o address show dev eth0 scope global | grep -c forever || true"),
		    "0\n");
}

static void test_an_address_is_removed_whatever_its_prefix_label_or_peer(void)
{
	make_veth(-1);
	ip("address add 10.0.0.100/16 dev eth0 label eth0:other");
	ip("address add 10.0.0.100/32 dev eth0");
	ip("address add 10.0.0.100 peer 10.7.0.1/24 dev eth0");
	ip("address add fd00::100/48 dev eth0 nodad");
	ip("address add 10.0.0.101/32 dev eth0");
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.100/24"), address_of("fd00::100/64")};
	const struct oo_address_set set = {index_of("eth0"), list, 2};
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_net_addresses_remove(net, &set, &err), 0);
	EXPECT_TEXT(err.text, "");
	EXPECT_TEXT(ip_shows("-o address show dev eth0 scope global | cut -d' ' -f7"),
		    "10.0.0.101/32\n");
}

static void test_removal_reaches_one_interface_or_with_0_all(void)
{
	make_veth(-1);
	ip("address add 10.0.0.100/32 dev eth0");
	ip("address add 10.0.0.100/32 dev peer");
	ip("address add 10.0.0.100/32 dev lo");
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.100/24")};
	struct oo_address_set set = {index_of("eth0"), list, 1};
	CU_ASSERT_EQUAL(oo_net_addresses_remove(net, &set, NULL), 0);
	EXPECT_TEXT(ip_shows("-o address show to 10.0.0.100 | cut -d' ' -f2 | sort"), "lo\npeer\n");
	set.ifindex = 0;
	CU_ASSERT_EQUAL(oo_net_addresses_remove(net, &set, NULL), 0);
	EXPECT_TEXT(ip_shows("-o address show to 10.0.0.100"), "");
}

static void test_removing_what_is_not_there_succeeds(void)
{
	make_veth(-1);
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.100/24"), address_of("fd00::100/64")};
	struct oo_address_set set = {index_of("eth0"), list, 2};
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_net_addresses_remove(net, &set, &err), 0);
	ip("link del eth0");
	CU_ASSERT_EQUAL(oo_net_addresses_remove(net, &set, &err), 0);
	EXPECT_TEXT(err.text, "");
}

static void test_presence_is_told_address_by_address(void)
{
	make_veth(-1);
	ip("address add 10.0.0.2/24 dev eth0");
	ip("address add fd00::2/48 dev peer nodad");
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.1/24"), address_of("10.0.0.2/16"),
					  address_of("fd00::1/64"), address_of("fd00::2/64")};
	struct oo_address_set set = {0, list, 4};
	bool present[] = {true, false, true, false};
	CU_ASSERT_EQUAL(oo_net_addresses_present(net, &set, present, NULL), 0);
	CU_ASSERT_TRUE(!present[0] && present[1] && !present[2] && present[3]);
	set.ifindex = index_of("eth0");
	CU_ASSERT_EQUAL(oo_net_addresses_present(net, &set, present, NULL), 0);
	CU_ASSERT_TRUE(!present[0] && present[1] && !present[2] && !present[3]);
}

static void test_no_lifetime_and_for_ever_are_refused(void)
{
	make_veth(-1);
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.100")};
	const struct oo_address_set set = {index_of("eth0"), list, 1};
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 0, &err), -EINVAL);
	EXPECT_TEXT(err.text, "a lifetime of 0 s is refused");
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, UINT32_MAX, &err), -EINVAL);
	EXPECT_TEXT(err.text, "a lifetime of for ever is refused");
	EXPECT_TEXT(ip_shows("-4 -o address show dev eth0"), "");
}

static void test_a_missing_interface_is_named(void)
{
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.100")};
	const struct oo_address_set set = {4711, list, 1};
	struct oo_link link = {.index = -7};
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 30, &err), -ENODEV);
	EXPECT_TEXT(err.text, "no such interface: number 4711");
	CU_ASSERT_EQUAL(oo_net_link(net, "eth9", &link, &err), -ENODEV);
	EXPECT_TEXT(err.text, "no such interface \"eth9\"");
	CU_ASSERT_EQUAL(oo_net_link(net, "", &link, &err), -ENODEV);
	EXPECT_TEXT(err.text, "no such interface \"\"");
	CU_ASSERT_EQUAL(oo_net_link(net, "a-name-of-16-chars", &link, &err), -ENODEV);
	EXPECT_TEXT(err.text, "no such interface \"a-name-of-16-chars\"");
	CU_ASSERT_EQUAL(link.index, -7);
}

/* IPv6 switched off on an interface, the commonest way for one of a set to fail. */
static void test_one_failure_is_named_and_the_others_are_done(void)
{
	make_veth(-1);
	CU_ASSERT_EQUAL_FATAL(system("echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6"), 0);
	OPEN_NET(net);
	struct oo_address list[200];
	for (unsigned i = 0; i < OO_LENGTH(list); i++) {
		list[i] = address_of("10.0.0.0");
		list[i].bytes[3] = (uint8_t)i;
	}
	list[100] = address_of("fd00::100/64");
	list[150] = address_of("fd00::150/64");
	const struct oo_address_set set = {index_of("eth0"), list, OO_LENGTH(list)};
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 30, &err), -EACCES);
	EXPECT_TEXT(err.text, "add fd00::100/64 on interface eth0: Permission denied (is IPv6 "
			      "disabled on the interface?)");
	EXPECT_TEXT(ip_shows("-4 -o address show dev eth0 | wc -l"), "198\n");
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}, {0}};
	CU_ASSERT_EQUAL(syscall(SYS_capset, &header, none), 0);
}

static int without_capabilities(void)
{
	OPEN_NET(net);
	const struct oo_address there = address_of("10.0.0.1/24");
	const struct oo_address missing = address_of("10.0.0.100");
	const struct oo_address_set own = {index_of("eth0"), &there, 1};
	const struct oo_address_set vip = {index_of("eth0"), &missing, 1};
	struct oo_err err = {""};
	drop_capabilities();
	const bool refused =
		oo_net_addresses_add(net, &vip, 30, &err) == -EPERM &&
		strcmp(err.text, "add 10.0.0.100/32 on interface eth0: Operation not permitted "
				 "(needs CAP_NET_ADMIN)") == 0 &&
		oo_net_check_rights(net, &err) == -EPERM &&
		strcmp(err.text, "addresses cannot be changed: Operation not permitted (needs "
				 "CAP_NET_ADMIN)") == 0 &&
		oo_net_addresses_remove(net, &own, &err) == -EPERM &&
		strcmp(err.text, "remove 10.0.0.1/24 on interface eth0: Operation not permitted "
				 "(needs CAP_NET_ADMIN)") == 0;
	if (!refused) {
		printf("\n  got: %s\n", err.text);
	}
	return refused ? 0 : 1;
}

static void test_a_missing_capability_is_named(void)
{
	int status = -1;
	make_veth(-1);
	ip("address add 10.0.0.1/24 dev eth0");
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		_exit(without_capabilities());
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
}

/* A secondary is gone when its turn comes, with the primary that was removed before it. */
static void test_one_that_went_with_another_is_no_failure(void)
{
	make_veth(-1);
	ip("address add 10.0.0.100/24 dev eth0");
	ip("address add 10.0.0.101/24 dev eth0");
	CU_ASSERT_EQUAL_FATAL(system("echo 0 > /proc/sys/net/ipv4/conf/eth0/promote_secondaries"),
			      0);
	OPEN_NET(net);
	const struct oo_address list[] = {address_of("10.0.0.100/24"), address_of("10.0.0.101")};
	const struct oo_address_set set = {index_of("eth0"), list, 2};
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_net_addresses_remove(net, &set, &err), 0);
	EXPECT_TEXT(err.text, "");
	EXPECT_TEXT(ip_shows("-4 -o address show dev eth0"), "");
}

#define MANY 1000

static void test_a_thousand_addresses_come_and_go(void)
{
	make_veth(-1);
	ip("address add 10.0.0.1/16 dev eth0");
	OPEN_NET(net);
	static struct oo_address list[MANY];
	for (unsigned i = 0; i < MANY; i++) {
		list[i] = i % 2 == 0 ? address_of("10.0.8.0/16") : address_of("fd00::1:0/64");
		list[i].bytes[i % 2 == 0 ? 2 : 14] += (uint8_t)(i / 256);
		list[i].bytes[i % 2 == 0 ? 3 : 15] += (uint8_t)i;
	}
	const struct oo_address_set set = {index_of("eth0"), list, MANY};
	const int64_t started = oo_clock_now_us();
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 300, NULL), 0);
	const int64_t added = oo_clock_now_us();
	EXPECT_TEXT(ip_shows("-o address show dev eth0 | grep -c valid_lft.[23]..sec"), "1000\n");
	const int64_t again = oo_clock_now_us();
	CU_ASSERT_EQUAL(oo_net_addresses_add(net, &set, 900, NULL), 0);
	const int64_t rearmed = oo_clock_now_us();
	EXPECT_TEXT(ip_shows("-o address show dev eth0 | grep -c valid_lft.[89]..sec"), "1000\n");
	const int64_t last = oo_clock_now_us();
	CU_ASSERT_EQUAL(oo_net_addresses_remove(net, &set, NULL), 0);
	const int64_t removed = oo_clock_now_us();
	EXPECT_TEXT(ip_shows("-o address show dev eth0 scope global | cut -d' ' -f7"),
		    "10.0.0.1/16\n");
	printf("\n  %d addresses: added in %.1f ms, re-armed in %.1f ms, removed in %.1f ms\n",
	       MANY, (double)(added - started) / 1e3, (double)(rearmed - again) / 1e3,
	       (double)(removed - last) / 1e3);
}

static const struct named_test tests[] = {
	{"both families are added with a lifetime and their flags",
	 test_both_families_are_added_with_a_lifetime_and_their_flags},
	{"no prefix route comes with an address", test_no_prefix_route_comes_with_an_address},
	{"a label that would be too long is left out",
	 test_a_label_that_would_be_too_long_is_left_out},
	{"re-arming restarts the lifetime and adds nothing",
	 test_rearming_restarts_the_lifetime_and_adds_nothing},
	{"an address that is there for ever gets a lifetime",
	 test_an_address_that_is_there_for_ever_gets_a_lifetime},
	{"an address is removed whatever its prefix, label or peer",
	 test_an_address_is_removed_whatever_its_prefix_label_or_peer},
	{"removal reaches one interface, or with 0 all",
	 test_removal_reaches_one_interface_or_with_0_all},
	{"removing what is not there succeeds", test_removing_what_is_not_there_succeeds},
	{"one that went with another is no failure", test_one_that_went_with_another_is_no_failure},
	{"presence is told address by address", test_presence_is_told_address_by_address},
	{"no lifetime and for ever are refused", test_no_lifetime_and_for_ever_are_refused},
	{"a missing interface is named", test_a_missing_interface_is_named},
	{"one failure is named and the others are done",
	 test_one_failure_is_named_and_the_others_are_done},
	{"a missing capability is named", test_a_missing_capability_is_named},
	{"a thousand addresses come and go", test_a_thousand_addresses_come_and_go},
};

int main(void)
{
	return harness_run_isolated("net set", tests, OO_LENGTH(tests));
}
