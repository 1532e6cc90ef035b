/* What the kernel knows of neighbours, in namespaces. */
#include "net/neighbour.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "harness.h"
#include "net/announce.h"

static const uint8_t first_mac[] = {0x02, 0, 0, 0, 0, 0x17};
static const uint8_t second_mac[] = {0x02, 0, 0, 0, 0, 0x18};

struct fixture {
	sd_event *event;
	struct oo_net *net;
	struct oo_address list[2];
	struct oo_address_set set;
	struct oo_neighbour seen[2];
};

static void fixture_done(struct fixture *fixture)
{
	oo_net_free(fixture->net);
	sd_event_unref(fixture->event);
}

static void fixture_init(struct fixture *fixture)
{
	static const struct oo_net_callbacks callbacks = {0};
	CU_ASSERT_FATAL(sd_event_new(&fixture->event) >= 0);
	CU_ASSERT_FATAL(oo_net_new(fixture->event, &callbacks, NULL, &fixture->net, NULL) == 0);
	fixture->list[0] = address_of("10.0.0.100/24");
	fixture->list[1] = address_of("fd00::100/64");
	fixture->set = (struct oo_address_set){(int)if_nametoindex("eth0"), fixture->list, 2};
}

static bool sees(struct fixture *fixture, size_t i, const uint8_t *mac)
{
	memset(fixture->seen, 0x5a, sizeof(fixture->seen));
	CU_ASSERT_EQUAL(oo_net_neighbours(fixture->net, &fixture->set, fixture->seen, NULL), 0);
	return fixture->seen[i].known && memcmp(fixture->seen[i].mac, mac, OO_MAC_LENGTH) == 0;
}

static bool sees_none(struct fixture *fixture, size_t i)
{
	static const uint8_t zero[OO_MAC_LENGTH];
	memset(fixture->seen, 0x5a, sizeof(fixture->seen));
	CU_ASSERT_EQUAL(oo_net_neighbours(fixture->net, &fixture->set, fixture->seen, NULL), 0);
	return !fixture->seen[i].known && memcmp(fixture->seen[i].mac, zero, OO_MAC_LENGTH) == 0;
}

static void test_entries_with_a_mac_are_seen_whatever_their_state(void)
{
	static const char *const states[] = {"permanent", "reachable", "stale", "delay", "probe"};
	static const char *const addresses[] = {"10.0.0.100", "fd00::100"};
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	make_veth(-1);
	ip("address add 10.0.0.1/24 dev eth0");
	fixture_init(&fixture);
	for (size_t i = 0; i < OO_LENGTH(addresses); i++) {
		CU_ASSERT_TRUE(sees_none(&fixture, i));
		for (size_t k = 0; k < OO_LENGTH(states); k++) {
			ip("neigh replace %s lladdr 02:00:00:00:00:17 dev eth0 nud %s",
			   addresses[i], states[k]);
			CU_ASSERT_TRUE(sees(&fixture, i, first_mac));
		}
		CU_ASSERT_TRUE(i == 1 || sees_none(&fixture, 1));
	}
}

static void test_entries_without_a_usable_mac_are_none(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	make_veth(-1);
	ip("address add 10.0.0.1/24 dev eth0");
	fixture_init(&fixture);
	ip("neigh replace 10.0.0.100 lladdr 02:00:00:00:00:17 dev eth0 nud failed");
	CU_ASSERT_TRUE(sees_none(&fixture, 0));
	ip("neigh replace 10.0.0.100 dev eth0 nud incomplete");
	CU_ASSERT_TRUE(sees_none(&fixture, 0));
	ip("neigh add fd00::100 lladdr 02:00:00:00:00:17 dev eth0 nud permanent");
	ip("neigh del fd00::100 dev eth0");
	CU_ASSERT_TRUE(sees_none(&fixture, 1));
}

static void test_another_interface_and_another_address_do_not_count(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	make_veth(-1);
	fixture_init(&fixture);
	ip("neigh add 10.0.0.100 lladdr 02:00:00:00:00:17 dev peer nud permanent");
	ip("neigh add 10.0.0.101 lladdr 02:00:00:00:00:17 dev eth0 nud permanent");
	CU_ASSERT_TRUE(sees_none(&fixture, 0));
	fixture.set.ifindex = (int)if_nametoindex("peer");
	CU_ASSERT_TRUE(sees(&fixture, 0, first_mac));
	fixture.set.ifindex = 0;
	CU_ASSERT_TRUE(sees_none(&fixture, 0));
}

/* What it is for: the entry follows an announcement. */
static void test_an_announcement_changes_what_is_seen(void)
{
	OO_AUTO(fixture_done) struct fixture fixture = {0};
	OO_AUTO(oo_close) int here = space_new();
	OO_AUTO(oo_close) int other = space_new();
	struct oo_announcer *announcer = NULL;
	struct oo_link link = {.exists = true, .mac_length = OO_MAC_LENGTH};
	space_enter(here);
	make_veth(other);
	ip("address add 10.0.0.1/24 dev eth0");
	ip("address add fd00::1/64 dev eth0 nodad");
	fixture_init(&fixture);
	ip("neigh add 10.0.0.100 lladdr 02:00:00:00:00:17 dev eth0 nud stale");
	ip("neigh add fd00::100 lladdr 02:00:00:00:00:17 dev eth0 nud stale");
	space_enter(other);
	memcpy(link.mac, second_mac, sizeof(link.mac));
	link.index = (int)if_nametoindex("peer");
	CU_ASSERT_EQUAL_FATAL(oo_announcer_new(fixture.event, &announcer, NULL), 0);
	CU_ASSERT_EQUAL(oo_announcer_start(announcer, &link, fixture.list, 2), 0);
	CU_ASSERT_TRUE(AWAIT(fixture.event,
			     sees(&fixture, 0, second_mac) && sees(&fixture, 1, second_mac), 5000));
	oo_announcer_free(announcer);
}

static const struct named_test tests[] = {
	{"entries with a MAC are seen whatever their state",
	 test_entries_with_a_mac_are_seen_whatever_their_state},
	{"entries without a usable MAC are none", test_entries_without_a_usable_mac_are_none},
	{"another interface and another address do not count",
	 test_another_interface_and_another_address_do_not_count},
	{"an announcement changes what is seen", test_an_announcement_changes_what_is_seen},
};

int main(void)
{
	return harness_run_isolated("net neighbour", tests, OO_LENGTH(tests));
}
