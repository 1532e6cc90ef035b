/* Routes to VIPs are added, put back, replaced and removed, as ip(8) sees it. In network namespaces. */
#include "net/route.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../support/faults.h"
#include "base/cleanup.h"
#include "harness.h"

#define CALLS (FAULT_MEMORY | FAULT_CALLS)
#define MAIN 254
#define OURS 79
#define FOUR "203.0.113.7"
#define SIX "fd00::7"

/* Two VIPs on lo, which have no routes yet. */
struct fixture {
	sd_event *event;    /* owned */
	struct oo_net *net; /* owned */
	struct oo_address addresses[2];
	struct oo_route routes[2];
	struct oo_route_set set;
};

static void fixture_init(struct fixture *fixture)
{
	*fixture = (struct fixture){.event = NULL};
	CU_ASSERT_FATAL(sd_event_new(&fixture->event) >= 0);
	CU_ASSERT_FATAL(oo_net_new(fixture->event, &(struct oo_net_callbacks){0}, NULL,
				   &fixture->net, NULL) == 0);
	fixture->addresses[0] = address_of(FOUR);
	fixture->addresses[1] = address_of(SIX);
	for (size_t i = 0; i < 2; i++) {
		fixture->routes[i] = (struct oo_route){.address = fixture->addresses[i],
						       .table = MAIN,
						       .protocol = OURS,
						       .metric = 100};
	}
	fixture->set = (struct oo_route_set){
		.ifindex = (int)if_nametoindex("lo"), .list = fixture->routes, .n = 2};
	CU_ASSERT_EQUAL_FATAL(oo_net_addresses_add(fixture->net,
						   &(struct oo_address_set){fixture->set.ifindex,
									    fixture->addresses, 2},
						   60, NULL),
			      0);
}

static void fixture_done(struct fixture *fixture)
{
	oo_net_free(fixture->net);
	sd_event_unref(fixture->event);
}

static int add(struct fixture *fixture, bool replace)
{
	struct oo_err err = {""};
	int r = oo_net_routes_add(fixture->net, &fixture->set, replace, &err);
	EXPECT_TEXT(err.text, "");
	return r;
}

static int remove_all(struct fixture *fixture)
{
	struct oo_err err = {""};
	int r = oo_net_routes_remove(fixture->net, &fixture->set, &err);
	EXPECT_TEXT(err.text, "");
	return r;
}

static void expect_routes(const char *table, bool are_there)
{
	EXPECT_TEXT(ip_shows("-4 route show table %s proto 79", table),
		    are_there ? FOUR " dev lo scope link src " FOUR " metric 100 \n" : "");
	if (are_there) {
		EXPECT_CONTAINS(ip_shows("-6 route show table %s proto 79", table),
				SIX " dev lo src " SIX " metric 100");
	} else {
		EXPECT_TEXT(ip_shows("-6 route show table %s proto 79", table), "");
	}
}

static void test_routes_of_both_families_are_added_and_removed(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	CU_ASSERT_EQUAL(add(&fixture, true), 0);
	expect_routes("main", true);
	CU_ASSERT_EQUAL(remove_all(&fixture), 0);
	expect_routes("main", false);
	CU_ASSERT_EQUAL(remove_all(&fixture), 0); /* gone already is success */
	fixture_done(&fixture);
}

static void test_another_table_is_made_and_left_empty(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	fixture.routes[0].table = fixture.routes[1].table = 1001;
	CU_ASSERT_EQUAL(remove_all(&fixture), 0); /* there is no such table */
	CU_ASSERT_EQUAL(add(&fixture, false), 0);
	expect_routes("1001", true);
	expect_routes("main", false);
	CU_ASSERT_EQUAL(remove_all(&fixture), 0);
	EXPECT_TEXT(ip_shows("-4 route show table all proto 79"), "");
	EXPECT_TEXT(ip_shows("-6 route show table all proto 79"), "");
	fixture_done(&fixture);
}

/* `ip monitor` would show it: what a routing daemon hears of. */
static void test_what_is_there_is_left_alone_unless_it_is_to_be_replaced(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	ip("route add unreachable " FOUR " proto 98 metric 100");
	CU_ASSERT_EQUAL(add(&fixture, false), 0);
	EXPECT_CONTAINS(ip_shows("-4 route show"), "unreachable " FOUR " proto 98 metric 100");
	CU_ASSERT_EQUAL(add(&fixture, true), 0);
	expect_routes("main", true);
	EXPECT_TEXT(ip_shows("-4 route show proto 98"), "");
	CU_ASSERT_EQUAL(add(&fixture, true), 0); /* and once only */
	expect_routes("main", true);
	fixture_done(&fixture);
}

/* Of an agent with another metric before; what others have put there is theirs. */
static void test_all_of_ours_are_removed_and_no_others(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	ip("route add " FOUR " dev lo proto 79 scope link metric 7");
	ip("route add " FOUR " dev lo proto 79 scope link metric 8");
	ip("route add " FOUR " dev lo proto 98 scope link metric 9");
	ip("-6 route add " SIX " dev lo proto 79 metric 7");
	ip("-6 route add " SIX " dev lo proto 98 metric 9");
	CU_ASSERT_EQUAL(add(&fixture, true), 0);
	CU_ASSERT_EQUAL(remove_all(&fixture), 0);
	expect_routes("main", false);
	EXPECT_CONTAINS(ip_shows("-4 route show proto 98"), FOUR);
	EXPECT_CONTAINS(ip_shows("-6 route show proto 98"), SIX);
	fixture_done(&fixture);
}

/* What net/route.h says of the kernel: by this a dead agent's path is withdrawn. */
static void test_the_kernel_takes_the_ipv4_route_along_with_its_address_in_main_alone(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	CU_ASSERT_EQUAL(add(&fixture, true), 0);
	fixture.routes[0].table = fixture.routes[1].table = 1001;
	CU_ASSERT_EQUAL(add(&fixture, true), 0);
	const struct oo_address_set set = {fixture.set.ifindex, fixture.addresses, 2};
	CU_ASSERT_EQUAL(oo_net_addresses_remove(fixture.net, &set, NULL), 0);
	EXPECT_TEXT(ip_shows("-4 route show table main proto 79"), "");
	EXPECT_CONTAINS(ip_shows("-4 route show table 1001 proto 79"), FOUR);
	EXPECT_CONTAINS(ip_shows("-6 route show table main proto 79"), SIX);
	fixture_done(&fixture);
}

static void test_a_lifetime_that_ends_withdraws_the_ipv4_route(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	const struct oo_address_set set = {fixture.set.ifindex, fixture.addresses, 2};
	CU_ASSERT_EQUAL(oo_net_addresses_add(fixture.net, &set, 1, NULL), 0);
	CU_ASSERT_EQUAL(add(&fixture, true), 0);
	CU_ASSERT(AWAIT(fixture.event, *ip_shows("-4 route show proto 79") == '\0', 10000));
	fixture_done(&fixture);
}

static void test_why_a_route_is_refused_is_told(void)
{
	struct fixture fixture;
	struct oo_err err = {""};
	fixture_init(&fixture);
	fixture.routes[0].address = address_of("203.0.113.9"); /* is not here */
	fixture.set.n = 1;
	CU_ASSERT_EQUAL(oo_net_routes_add(fixture.net, &fixture.set, true, &err), -EINVAL);
	EXPECT_TEXT(err.text, "add the route to 203.0.113.9/32 in table 254: Invalid argument");
	fixture.routes[0].address = fixture.addresses[0];
	fixture.set.ifindex = 9999;
	CU_ASSERT_EQUAL(oo_net_routes_add(fixture.net, &fixture.set, true, &err), -ENODEV);
	EXPECT_TEXT(err.text, "add the route to 203.0.113.7/32 in table 254: No such device");
	fixture_done(&fixture);
}

/* One that is refused keeps none of the others from being tried. */
static void test_all_are_tried_however_many(void)
{
	static struct oo_route routes[150];
	struct fixture fixture;
	fixture_init(&fixture);
	for (size_t i = 0; i < OO_LENGTH(routes); i++) {
		routes[i] = fixture.routes[0];
		routes[i].metric = 1000 + (uint32_t)i;
	}
	routes[3].address = address_of("203.0.113.9");
	const struct oo_route_set set = {fixture.set.ifindex, routes, OO_LENGTH(routes)};
	CU_ASSERT_EQUAL(oo_net_routes_add(fixture.net, &set, true, NULL), -EINVAL);
	EXPECT_CONTAINS(ip_shows("-4 route show proto 79"), "metric 1000 ");
	EXPECT_CONTAINS(ip_shows("-4 route show proto 79"), "metric 1004 ");
	EXPECT_CONTAINS(ip_shows("-4 route show proto 79"), "metric 1149 ");
	fixture_done(&fixture);
}

static int try_add(void *user, struct oo_err *err)
{
	struct fixture *fixture = user;
	fault_go();
	int r = oo_net_routes_add(fixture->net, &fixture->set, true, err);
	fault_stop();
	CU_ASSERT(r < 0 || *ip_shows("-6 route show proto 79") != '\0');
	CU_ASSERT_EQUAL(oo_net_routes_remove(fixture->net, &fixture->set, NULL), 0);
	return r;
}

static int try_remove(void *user, struct oo_err *err)
{
	struct fixture *fixture = user;
	CU_ASSERT_EQUAL(oo_net_routes_add(fixture->net, &fixture->set, true, NULL), 0);
	fault_go();
	int r = oo_net_routes_remove(fixture->net, &fixture->set, err);
	fault_stop();
	CU_ASSERT(r < 0 || *ip_shows("-6 route show proto 79") == '\0');
	CU_ASSERT_EQUAL(oo_net_routes_remove(fixture->net, &fixture->set, NULL), 0);
	return r;
}

static void test_routes_are_changed_or_an_error_is_told(void)
{
	struct fixture fixture;
	fixture_init(&fixture);
	CU_ASSERT(fault_sweep(CALLS, try_add, &fixture).failed >= 3);
	CU_ASSERT(fault_sweep(CALLS, try_remove, &fixture).failed >= 3);
	fixture_done(&fixture);
}

int main(void)
{
	static const struct named_test tests[] = {
		{"routes of both families are added and removed",
		 test_routes_of_both_families_are_added_and_removed},
		{"another table is made, and left empty",
		 test_another_table_is_made_and_left_empty},
		{"what is there is left alone unless it is to be replaced",
		 test_what_is_there_is_left_alone_unless_it_is_to_be_replaced},
		{"all of ours are removed, and no others",
		 test_all_of_ours_are_removed_and_no_others},
		{"the kernel takes the IPv4 route along with its address, in main alone",
		 test_the_kernel_takes_the_ipv4_route_along_with_its_address_in_main_alone},
		{"a lifetime that ends withdraws the IPv4 route",
		 test_a_lifetime_that_ends_withdraws_the_ipv4_route},
		{"why a route is refused is told", test_why_a_route_is_refused_is_told},
		{"all are tried, however many", test_all_are_tried_however_many},
		{"routes are changed, or an error is told",
		 test_routes_are_changed_or_an_error_is_told},
	};
	return harness_run_isolated("net route", tests, OO_LENGTH(tests));
}
