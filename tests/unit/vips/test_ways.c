/* How the network is told of VIPs: by a route, and by what takes its time; on a kernel that is made up. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "kernel.h"
#include "part.h"
#include "vips.h"
#include "way.h"

#define SOON_US 10000 /* more than what goes is left so for */
#define TEN_S 10000
#define MARGIN_MS 150
#define ANNOUNCED "10.0.0.100/24"
#define ROUTED "203.0.113.7/32"

static struct oo_config_vip list[] = {
	{.address = ANNOUNCED, .interface = "eth0"},
	{.address = ROUTED,
	 .mode = OO_MODE_ROUTE,
	 .interface = "lo",
	 .table = OO_CONFIG_TABLE_MAIN,
	 .protocol = 79,
	 .metric = 100},
};
static struct oo_config_group groups[] = {{.name = "office", .vips = list, .n_vips = 2}};
static struct oo_config config = {
	.groups = groups, .n_groups = 1, .lease = {.ttl_ms = 3000, .margin_ms = MARGIN_MS}};
static struct oo_config_group next_groups[3];
static struct oo_config next_configs[3];
static size_t n_reloads;
static struct agent agent;
static struct agent_vips *vips;
static int64_t hold_until;

static void set_up(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.exists[0] = kernel.exists[1] = true;
	groups[0].vips = list;
	n_reloads = 0;
	agent = (struct agent){.config = &config, .core_config = {.n_groups = 1}};
	CU_ASSERT_EQUAL_FATAL(sd_event_new(&agent.event), 0);
	CU_ASSERT_EQUAL_FATAL(agent_vips_new(&agent, 0, &vips, NULL), 0);
}

static void tear_down(void)
{
	agent_vips_free(vips);
	sd_event_unref(agent.event);
}

static void hold(void)
{
	hold_until = oo_clock_now() + TEN_S;
	agent_vips_apply(vips, &(struct oo_want){.role = OO_ROLE_ACTIVE,
						 .address = true,
						 .hold_until = hold_until,
						 .guard_until = hold_until});
}

static void leave(void)
{
	kernel.trace[0] = '\0';
	agent_vips_apply(vips, &(struct oo_want){.role = OO_ROLE_RELEASING,
						 .graceful = true,
						 .hold_until = hold_until,
						 .guard_until = hold_until});
}

static void lose(void)
{
	kernel.trace[0] = '\0';
	agent_vips_apply(vips, &(struct oo_want){.role = OO_ROLE_STANDBY});
}

static void turn(void)
{
	while (sd_event_run(agent.event, SOON_US) > 0) {
	}
}

/* Only VIP number i of the list. */
static void use_only(size_t i)
{
	agent_vips_free(vips);
	groups[0].vips = &list[i];
	groups[0].n_vips = 1;
	CU_ASSERT_EQUAL_FATAL(agent_vips_new(&agent, 0, &vips, NULL), 0);
	groups[0].n_vips = 2; /* for the next test */
}

static void test_a_route_comes_with_the_address_and_both_modes_are_told(void)
{
	hold();
	CU_ASSERT_TRUE(kernel_has(ANNOUNCED));
	CU_ASSERT_TRUE(kernel_has(ROUTED));
	CU_ASSERT_TRUE(kernel_has_route(ROUTED, 100));
	CU_ASSERT_EQUAL(kernel.n_routes, 1);
	CU_ASSERT_EQUAL(kernel.n_announced[0], 1);
	CU_ASSERT_EQUAL(kernel.n_ups, 1);
	for (size_t i = 0; i < 2; i++) {
		const struct agent_vip_state state = agent_vips_state(vips, i);
		CU_ASSERT_TRUE(state.up && state.way.told);
		CU_ASSERT_EQUAL(state.mode, list[i].mode);
		CU_ASSERT_STRING_EQUAL(state.way.error, "");
	}
}

static void test_the_old_path_goes_before_all_else(void)
{
	use_only(1);
	hold();
	leave();
	CU_ASSERT_STRING_EQUAL(kernel.trace, "route fence reset address ");
	CU_ASSERT_EQUAL(kernel.n_routes, 0);
	CU_ASSERT_FALSE(agent_vips_is_up(vips));
	hold();
	lose(); /* no time for connections */
	CU_ASSERT_STRING_EQUAL(kernel.trace, "route fence address ");
	CU_ASSERT_EQUAL(kernel.n_routes, 0);
}

static void test_a_route_is_left_alone_while_it_is_there(void)
{
	hold();
	const unsigned n = kernel.n_route_changes;
	hold();
	agent_vips_rearm(vips);
	CU_ASSERT_EQUAL(kernel.n_route_changes, n);
	kernel_take_routes();
	agent_vips_rearm(vips);
	CU_ASSERT_TRUE(kernel_has_route(ROUTED, 100));
	CU_ASSERT_EQUAL(kernel.n_ups, 1); /* people are told once */
}

static void test_a_route_comes_back_with_its_address(void)
{
	struct oo_address address;
	hold();
	kernel_take(ROUTED);
	kernel_take_routes(); /* as the kernel does */
	CU_ASSERT_EQUAL_FATAL(oo_address_parse(ROUTED, &address, NULL), 0);
	agent_vips_on_address(vips, KERNEL_LO, &address, false);
	turn();
	CU_ASSERT_TRUE(kernel_has(ROUTED));
	CU_ASSERT_TRUE(kernel_has_route(ROUTED, 100));
	CU_ASSERT_EQUAL(agent_vips_state(vips, 1).repairs, 1);
}

/* As of IPv6, where the kernel takes no route along. */
static void test_a_route_that_outlived_its_address_is_removed(void)
{
	struct oo_address address;
	use_only(1);
	hold();
	kernel_take(ROUTED);
	CU_ASSERT_EQUAL_FATAL(oo_address_parse(ROUTED, &address, NULL), 0);
	kernel.refuses_family = AF_INET; /* it cannot be put back */
	agent_vips_on_address(vips, KERNEL_LO, &address, false);
	turn();
	CU_ASSERT_TRUE(agent_vips_is_up(vips));
	lose();
	CU_ASSERT_EQUAL(kernel.n_routes, 0);
	CU_ASSERT_FALSE(agent_vips_is_up(vips));
}

static void test_what_could_be_added_stays_told_while_another_is_refused(void)
{
	struct oo_config_vip both[] = {list[1], list[1]};
	both[1].address = "2001:db8::7/128";
	agent_vips_free(vips);
	groups[0].vips = both;
	CU_ASSERT_EQUAL_FATAL(agent_vips_new(&agent, 0, &vips, NULL), 0);
	kernel.refuses_family = AF_INET6;
	hold();
	CU_ASSERT_TRUE(kernel_has_route(ROUTED, 100));
	kernel_take_routes();
	agent_vips_rearm(vips);
	CU_ASSERT_TRUE(kernel_has_route(ROUTED, 100));
	lose();
	CU_ASSERT_EQUAL(kernel.n_routes, 0);
}

static void leave_behind(void)
{
	hold();
	agent_vips_free(vips);
	CU_ASSERT_EQUAL_FATAL(agent_vips_new(&agent, 0, &vips, NULL), 0);
}

static void test_what_an_earlier_agent_left_is_removed_or_adopted(void)
{
	leave_behind();
	const unsigned n = kernel.n_route_changes;
	CU_ASSERT_EQUAL(agent_vips_find(vips, true, NULL), 0);
	CU_ASSERT_EQUAL(kernel.n_route_changes, n);
	CU_ASSERT_TRUE(kernel_has_route(ROUTED, 100));
	agent_vips_free(vips);
	CU_ASSERT_EQUAL_FATAL(agent_vips_new(&agent, 0, &vips, NULL), 0);
	kernel.trace[0] = '\0';
	CU_ASSERT_EQUAL(agent_vips_find(vips, false, NULL), 0);
	CU_ASSERT_EQUAL(kernel.n_routes, 0);
	CU_ASSERT_FALSE(kernel_has(ROUTED));
}

/* The tenure was lost in the meantime, and the kernel had ended the address, but not the route. */
static void test_a_route_that_outlived_its_agent_is_removed_by_who_adopts(void)
{
	use_only(1);
	hold();
	use_only(1);
	kernel_take(ROUTED);
	CU_ASSERT_EQUAL(agent_vips_find(vips, true, NULL), 0);
	CU_ASSERT_EQUAL(kernel.n_routes, 1);
	agent_vips_apply(vips, &(struct oo_want){.role = OO_ROLE_RECLAIMING, .keep = true});
	lose();
	CU_ASSERT_EQUAL(kernel.n_routes, 0);
	CU_ASSERT_FALSE(agent_vips_is_up(vips));
}

static void test_a_route_that_is_refused_is_told_and_tried_again(void)
{
	kernel.refuses_routes = true;
	hold();
	struct agent_vip_state state = agent_vips_state(vips, 1);
	CU_ASSERT_FALSE(state.way.told);
	CU_ASSERT_STRING_EQUAL(state.way.error, "cannot add the route: Operation not permitted");
	CU_ASSERT_TRUE(agent_vips_state(vips, 0).way.told); /* the other does not feel it */
	kernel.refuses_routes = false;
	const int64_t until = oo_clock_now() + TEN_S;
	while (kernel.n_routes == 0 && oo_clock_now() < until) {
		CU_ASSERT(sd_event_run(agent.event, 1000000) >= 0);
	}
	state = agent_vips_state(vips, 1);
	CU_ASSERT_TRUE(state.way.told);
	CU_ASSERT_STRING_EQUAL(state.way.error, "");
}

/* The fence is closed and the address gone all the same; the route is tried again. */
static void test_a_route_that_cannot_be_removed_keeps_nothing_else_up(void)
{
	use_only(1);
	hold();
	kernel.refuses_routes = true;
	leave();
	CU_ASSERT_STRING_EQUAL(kernel.trace, "route fence reset address ");
	CU_ASSERT_TRUE(agent_vips_is_up(vips));
	CU_ASSERT_STRING_EQUAL(agent_vips_state(vips, 0).way.error,
			       "cannot remove the route: Operation not permitted");
	kernel.refuses_routes = false;
	const int64_t until = oo_clock_now() + TEN_S;
	while (agent_vips_is_up(vips) && oo_clock_now() < until) {
		CU_ASSERT(sd_event_run(agent.event, 1000000) >= 0);
	}
	CU_ASSERT_EQUAL(kernel.n_routes, 0);
}

/* One of a reload is beside that of before, which what goes is told apart by. */
static void reload(struct oo_config_vip *next)
{
	struct agent_vips *after;
	struct oo_config_group *group = &next_groups[n_reloads];
	*group = groups[0];
	group->vips = next;
	next_configs[n_reloads] = config;
	next_configs[n_reloads].groups = group;
	agent.config = &next_configs[n_reloads++];
	CU_ASSERT_EQUAL_FATAL(agent_vips_new(&agent, 0, &after, NULL), 0);
	agent_vips_replace(after, vips);
	agent_vips_free(vips);
	vips = after;
	turn();
}

static void test_after_a_reload_only_what_is_otherwise_goes_and_comes(void)
{
	struct oo_config_vip next[] = {list[0], list[1]};
	hold();
	const unsigned n = kernel.n_route_changes;
	reload(next);
	CU_ASSERT_EQUAL(kernel.n_route_changes, n);
	CU_ASSERT_EQUAL(kernel.n_announced[0], 1);
	CU_ASSERT_TRUE(agent_vips_state(vips, 1).way.told);
	struct oo_config_vip other[] = {list[0], list[1]};
	other[1].metric = 200;
	reload(other);
	CU_ASSERT_TRUE(kernel_has_route(ROUTED, 200));
	CU_ASSERT_EQUAL(kernel.n_routes, 1);
	CU_ASSERT_EQUAL(kernel.n_announced[0], 1);
	struct oo_config_vip moved[] = {list[0], list[1]};
	moved[1].mode = OO_MODE_ARP;
	moved[1].interface = "eth1";
	reload(moved);
	CU_ASSERT_EQUAL(kernel.n_routes, 0);
	CU_ASSERT_TRUE(kernel_has(ROUTED));
	CU_ASSERT_EQUAL(kernel.n_announced[1], 1);
	lose();
	CU_ASSERT_EQUAL(kernel.n, 0);
}

/* -- a way that takes its time */

static struct {
	int answer; /* of up and down */
	unsigned n_ups, n_confirms, n_downs;
	int64_t until;
} slow;

static int slow_up(struct agent_part *part, size_t n, int64_t until, struct oo_err *err)
{
	(void)part;
	(void)n;
	slow.until = until;
	slow.n_ups++;
	return slow.answer == 0 ? 0 : oo_fail(err, -slow.answer, "slow");
}

static int slow_confirm(struct agent_part *part, int64_t until, struct oo_err *err)
{
	slow.n_confirms++;
	slow.n_ups--;
	return slow_up(part, 0, until, err);
}

static int slow_down(struct agent_part *part, int64_t until, struct oo_err *err)
{
	(void)part;
	slow.n_downs++;
	slow.until = until;
	return until == 0 || slow.answer == 0 ? 0 : oo_fail(err, -slow.answer, "slow");
}

/* The last part's way is one. */
static void make_slow(void)
{
	static struct agent_way way;
	size_t n;
	struct agent_part *part = (struct agent_part *)agent_vips_parts(vips, &n);
	part += n - 1;
	way = *part->way;
	way.up = slow_up;
	way.confirm = slow_confirm;
	way.down = slow_down;
	way.takes_time = true;
	part->way = &way;
	memset(&slow, 0, sizeof(slow));
}

static void use_slow(void)
{
	use_only(1);
	make_slow();
}

static void test_what_takes_its_time_is_asked_until_it_is_told(void)
{
	use_slow();
	slow.answer = -EINPROGRESS;
	hold();
	agent_vips_rearm(vips);
	CU_ASSERT_EQUAL(slow.n_ups, 2);
	CU_ASSERT_EQUAL(kernel.n_ups, 0);
	CU_ASSERT_STRING_EQUAL(agent_vips_state(vips, 0).error, ""); /* it is no failure */
	CU_ASSERT_TRUE(kernel_has(ROUTED));
	slow.answer = 0;
	agent_vips_retry(vips);
	turn();
	CU_ASSERT_EQUAL(slow.n_ups, 3);
	CU_ASSERT_EQUAL(kernel.n_ups, 1);
	agent_vips_rearm(vips);
	CU_ASSERT_EQUAL(slow.n_ups, 3);
	CU_ASSERT_EQUAL(slow.n_confirms, 1);
	slow.answer = -EINPROGRESS; /* it is not so any more */
	agent_vips_rearm(vips);
	agent_vips_rearm(vips);
	CU_ASSERT_EQUAL(slow.n_ups, 4);
}

static void test_what_takes_its_time_goes_first_and_before_the_hold_ends(void)
{
	use_slow();
	hold();
	slow.answer = -EINPROGRESS;
	leave();
	CU_ASSERT_STRING_EQUAL(kernel.trace, "");
	CU_ASSERT_EQUAL(slow.until, hold_until - MARGIN_MS);
	CU_ASSERT_TRUE(agent_vips_is_up(vips));
	CU_ASSERT_TRUE(kernel_has(ROUTED));
	CU_ASSERT_STRING_EQUAL(agent_vips_state(vips, 0).error, "");
	slow.answer = 0;
	agent_vips_retry(vips);
	turn();
	CU_ASSERT_STRING_EQUAL(kernel.trace, "fence reset address ");
	CU_ASSERT_FALSE(agent_vips_is_up(vips));
}

static void test_what_takes_its_time_goes_before_vips_of_other_modes(void)
{
	make_slow();
	hold();
	slow.answer = -EINPROGRESS;
	leave();
	CU_ASSERT_STRING_EQUAL(kernel.trace, "");
	CU_ASSERT_TRUE(kernel_has(ANNOUNCED));
	kernel_take(ANNOUNCED); /* as at the end of its lifetime, which is not to be reached */
	agent_vips_retry(vips);
	turn();
	CU_ASSERT_TRUE(kernel_has(ANNOUNCED));
	slow.answer = 0;
	agent_vips_retry(vips);
	turn();
	CU_ASSERT_FALSE(agent_vips_is_up(vips));
	CU_ASSERT_EQUAL(kernel.n, 0);
}

static void test_what_takes_its_time_has_none_when_the_claim_is_lost(void)
{
	use_slow();
	hold();
	slow.answer = -EINPROGRESS;
	leave();
	lose();
	CU_ASSERT_EQUAL(slow.until, 0);
	CU_ASSERT_STRING_EQUAL(kernel.trace, "fence address ");
	CU_ASSERT_FALSE(agent_vips_is_up(vips));
}

static void test_what_is_told_again_for_its_interface_ends_with_the_hold_too(void)
{
	struct oo_link link = {
		.index = KERNEL_LO, .name = "lo", .exists = true, .up = true, .carrier = true};
	use_slow();
	hold();
	slow.until = 0;
	link.mac[0] = 2;
	agent_vips_on_link(vips, &link);
	CU_ASSERT_EQUAL(slow.n_ups, 2);
	CU_ASSERT_EQUAL(slow.until, hold_until);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_route_comes_with_the_address_and_both_modes_are_told),
		TEST(the_old_path_goes_before_all_else),
		TEST(a_route_is_left_alone_while_it_is_there),
		TEST(a_route_comes_back_with_its_address),
		TEST(a_route_that_outlived_its_address_is_removed),
		TEST(what_could_be_added_stays_told_while_another_is_refused),
		TEST(what_an_earlier_agent_left_is_removed_or_adopted),
		TEST(a_route_that_outlived_its_agent_is_removed_by_who_adopts),
		TEST(a_route_that_is_refused_is_told_and_tried_again),
		TEST(a_route_that_cannot_be_removed_keeps_nothing_else_up),
		TEST(after_a_reload_only_what_is_otherwise_goes_and_comes),
		TEST(what_takes_its_time_is_asked_until_it_is_told),
		TEST(what_takes_its_time_goes_first_and_before_the_hold_ends),
		TEST(what_takes_its_time_goes_before_vips_of_other_modes),
		TEST(what_takes_its_time_has_none_when_the_claim_is_lost),
		TEST(what_is_told_again_for_its_interface_ends_with_the_hold_too),
	};
	return run_tests_in("ways", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
