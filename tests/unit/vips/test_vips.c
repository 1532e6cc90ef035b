/* The VIPs of a group: kept, put back and removed while parts of them fail. */
#include "vips.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "kernel.h"

#define SOON_US 10000 /* more than what goes is left so for */
#define TEN_S 10000

static struct oo_config_vip list[] = {
	{.address = "10.0.0.100/24", .interface = "eth0"},
	{.address = "fd00::100/64", .interface = "eth0"},
	{.address = "10.0.1.100/24", .interface = "eth1"},
};
static struct oo_config_group groups[] = {
	{.name = "office", .vips = list, .n_vips = OO_LENGTH(list)},
};
static struct oo_config config = {.groups = groups, .n_groups = OO_LENGTH(groups)};
static struct agent agent;
static struct agent_vips *vips;
static FILE *log_file;
static int log_fd, real_fd;

/* What was logged since it was last asked. */
static const char *logged(void)
{
	static char text[4096];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	CU_ASSERT_EQUAL(ftruncate(log_fd, 0), 0);
	CU_ASSERT_EQUAL(lseek(log_fd, 0, SEEK_SET), 0);
	return text;
}

static void set_up(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.exists[0] = kernel.exists[1] = true;
	agent = (struct agent){.config = &config, .core_config = {.n_groups = 1}};
	CU_ASSERT_EQUAL_FATAL(sd_event_new(&agent.event), 0);
	CU_ASSERT_EQUAL_FATAL(agent_vips_new(&agent, 0, &vips, NULL), 0);
	log_file = tmpfile();
	CU_ASSERT_PTR_NOT_NULL_FATAL(log_file);
	log_fd = fileno(log_file);
	real_fd = dup(STDERR_FILENO);
	dup2(log_fd, STDERR_FILENO);
}

static void tear_down(void)
{
	dup2(real_fd, STDERR_FILENO);
	close(real_fd);
	fclose(log_file);
	agent_vips_free(vips);
	sd_event_unref(agent.event);
}

static void hold(void)
{
	const int64_t until = oo_clock_now() + TEN_S;
	agent_vips_apply(vips, &(struct oo_want){.role = OO_ROLE_ACTIVE,
						 .address = true,
						 .hold_until = until,
						 .guard_until = until});
}

static void drop(void)
{
	agent_vips_apply(vips, &(struct oo_want){.role = OO_ROLE_STANDBY});
}

/* All that is due. */
static void turn(void)
{
	while (sd_event_run(agent.event, SOON_US) > 0) {
	}
}

/* By the agent's own timers. */
static void wait_until_gone(const char *address)
{
	const int64_t until = oo_clock_now() + TEN_S;
	while (kernel_has(address) && oo_clock_now() < until) {
		CU_ASSERT(sd_event_run(agent.event, 1000000) >= 0);
	}
	CU_ASSERT_FALSE(kernel_has(address));
}

/* Somebody deletes VIP number i, and the kernel reports it. */
static void take(size_t i)
{
	struct oo_address address;
	kernel_take(list[i].address);
	CU_ASSERT_EQUAL_FATAL(oo_address_parse(list[i].address, &address, NULL), 0);
	agent_vips_on_address(vips, list[i].interface[3] - '0' + 1, &address, false);
	turn();
}

static void test_what_is_kept_stays_when_one_of_it_is_taken(void)
{
	hold();
	agent_vips_free(vips);
	CU_ASSERT_EQUAL_FATAL(agent_vips_new(&agent, 0, &vips, NULL), 0);
	CU_ASSERT_EQUAL(agent_vips_find(vips, true, NULL), 0);
	agent_vips_apply(vips, &(struct oo_want){.role = OO_ROLE_RECLAIMING, .keep = true});
	logged();
	take(0);
	CU_ASSERT_FALSE(kernel_has(list[0].address));
	CU_ASSERT_TRUE(kernel_has(list[1].address));
	CU_ASSERT_TRUE(kernel_has(list[2].address));
	CU_ASSERT_EQUAL(kernel.n_closed, 0);
	CU_ASSERT_STRING_EQUAL(logged(), "");
	hold();
	CU_ASSERT_TRUE(kernel_has(list[0].address));
	drop();
	CU_ASSERT_EQUAL(kernel.n, 0);
}

static void test_one_that_cannot_be_added_keeps_no_other_silent(void)
{
	kernel.refuses_family = AF_INET6;
	hold();
	CU_ASSERT_EQUAL(kernel.n_announced[0], 1);
	CU_ASSERT_EQUAL(kernel.n_announced[1], 1);
	CU_ASSERT_EQUAL(kernel.n_ups, 1);
	CU_ASSERT_TRUE(agent_vips_state(vips, 0).up);
	CU_ASSERT_FALSE(agent_vips_state(vips, 1).up);
	CU_ASSERT_STRING_NOT_EQUAL(agent_vips_state(vips, 1).error, "");
	kernel.refuses_family = 0;
	agent_vips_retry(vips);
	turn();
	CU_ASSERT_EQUAL(kernel.n_announced[0], 2);
	CU_ASSERT_EQUAL(kernel.n_ups, 2);
	CU_ASSERT_STRING_EQUAL(agent_vips_state(vips, 1).error, "");
}

static void test_address_is_up_also_while_another_interface_is_gone(void)
{
	const struct oo_link gone = {.index = 2, .name = "eth1"};
	agent_vips_on_link(vips, &gone);
	hold();
	CU_ASSERT_EQUAL(kernel.n_announced[0], 2);
	CU_ASSERT_EQUAL(kernel.n_ups, 1);
	agent_vips_rearm(vips);
	CU_ASSERT_EQUAL(kernel.n_ups, 1);
	logged();
	take(0);
	CU_ASSERT_TRUE(kernel_has(list[0].address));
	const char *text = logged();
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "10.0.0.100/24 taken off eth0 by somebody else"));
	CU_ASSERT_PTR_NULL(strstr(text, "ran out"));
}

static void test_many_that_go_at_once_are_looked_for_once(void)
{
	struct oo_address address;
	hold();
	const unsigned n_dumps = kernel.n_dumps;
	for (size_t i = 0; i < OO_LENGTH(list); i++) {
		kernel_take(list[i].address);
	}
	for (size_t i = 0; i < OO_LENGTH(list); i++) {
		CU_ASSERT_EQUAL(oo_address_parse(list[i].address, &address, NULL), 0);
		agent_vips_on_address(vips, list[i].interface[3] - '0' + 1, &address, false);
	}
	turn();
	CU_ASSERT_EQUAL(kernel.n, OO_LENGTH(list));
	CU_ASSERT_EQUAL(kernel.n_dumps - n_dumps, 2); /* interfaces */
	CU_ASSERT_EQUAL(agent_vips_state(vips, 0).repairs, 1);
	CU_ASSERT_EQUAL(agent_vips_state(vips, 1).repairs, 1);
}

static void test_who_removes_in_rounds_comes_to_an_end(void)
{
	hold();
	take(0);
	CU_ASSERT_TRUE(kernel_has(list[0].address));
	const int64_t began = oo_clock_now();
	take(0);
	while (!kernel_has(list[0].address) && oo_clock_now() < began + TEN_S) {
		CU_ASSERT(sd_event_run(agent.event, 1000000) >= 0);
	}
	CU_ASSERT(oo_clock_now() - began >= 20);
	CU_ASSERT_EQUAL(agent_vips_state(vips, 0).repairs, 2);
}

static void test_what_cannot_be_put_back_is_not_said_to_be_back(void)
{
	hold();
	kernel.refuses_family = AF_INET;
	take(0);
	CU_ASSERT_PTR_NOT_NULL(strstr(logged(), "by somebody else, and not back yet"));
	tear_down();
	set_up();
	hold();
	take(0);
	CU_ASSERT_PTR_NOT_NULL(strstr(logged(), "by somebody else, and put back (1 so far)"));
}

static void test_own_removal_that_failed_in_part_is_blamed_on_nobody(void)
{
	hold();
	kernel.refuses_removal = EPERM;
	drop();
	logged();
	take(0);
	CU_ASSERT_STRING_EQUAL(logged(), "");
	CU_ASSERT_EQUAL(agent_vips_state(vips, 0).repairs, 0);
}

static void test_what_stays_on_a_renamed_interface_is_taken_off_when_that_can_be(void)
{
	const struct oo_link renamed = {.index = 1, .name = "lan0", .exists = true, .up = true};
	hold();
	kernel.refuses_removal = EPERM;
	agent_vips_on_link(vips, &renamed);
	CU_ASSERT_TRUE(kernel_has(list[0].address));
	kernel.refuses_removal = 0;
	wait_until_gone(list[0].address);
	CU_ASSERT_FALSE(kernel_has(list[1].address));
	CU_ASSERT_TRUE(kernel_has(list[2].address));
}

static void test_what_stays_on_a_renamed_interface_goes_with_the_hold(void)
{
	const struct oo_link other = {.index = 9, .name = "eth0", .exists = true};
	hold();
	kernel.refuses_removal = EPERM;
	agent_vips_on_link(vips, &other);
	kernel.refuses_removal = 0;
	drop();
	CU_ASSERT_EQUAL(kernel.n, 0);
}

/* The configuration is another one: these VIPs instead. */
static void reload(const struct oo_config_vip *now, size_t n)
{
	static struct oo_config_vip other_list[OO_LENGTH(list)];
	static struct oo_config_group other_groups[] = {{.name = "office", .vips = other_list}};
	static struct oo_config other = {.groups = other_groups, .n_groups = 1};
	struct agent_vips *before = vips;

	memcpy(other_list, now, n * sizeof(*now));
	other_groups[0].n_vips = n;
	agent.config = &other;
	CU_ASSERT_EQUAL_FATAL(agent_vips_new(&agent, 0, &vips, NULL), 0);
	agent_vips_replace(vips, before);
	agent_vips_free(before);
}

static void test_a_reload_adds_and_removes_what_differs_and_touches_nothing_else(void)
{
	const struct oo_config_vip other[] = {
		{.address = "10.0.0.101/24", .interface = "eth0"},
		{.address = "10.0.0.100/24", .interface = "eth0"},
	};
	hold();
	take(0); /* and put back: that is remembered */
	logged();
	reload(other, OO_LENGTH(other));
	CU_ASSERT_EQUAL(kernel.n, 1); /* at once */
	CU_ASSERT_TRUE(kernel_has("10.0.0.100/24"));
	CU_ASSERT_EQUAL(kernel.n_announced[0], 1);
	CU_ASSERT_EQUAL(kernel.n_announced[1], 0);
	CU_ASSERT_EQUAL(kernel.n_closed, 0);
	CU_ASSERT_EQUAL(kernel.n_inherited, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(logged(), "10.0.1.100/24 is not configured any more"));
	turn();
	CU_ASSERT_TRUE(kernel_has("10.0.0.101/24"));
	CU_ASSERT_EQUAL(kernel.n_announced[0], 2);
	CU_ASSERT_EQUAL(agent_vips_state(vips, 1).repairs, 1);
	drop();
	CU_ASSERT_EQUAL(kernel.n, 0);
}

static void test_a_reload_that_only_removes_goes_on_announcing_the_rest(void)
{
	hold();
	CU_ASSERT_EQUAL(kernel.n_announced[0], 2);
	reload(list, 1);
	CU_ASSERT_EQUAL(kernel.n_announced[0], 1);
	turn();
	CU_ASSERT_EQUAL(kernel.n_ups, 1);
	CU_ASSERT_EQUAL(kernel.n, 1);
}

static void test_a_reload_of_what_is_not_held_puts_nothing_up(void)
{
	reload(list, 1);
	turn();
	CU_ASSERT_EQUAL(kernel.n, 0);
	hold();
	CU_ASSERT_EQUAL(kernel.n, 1);
}

/* The core has yet to be woken, and the kernel would still be told of a deadline that is to come. */
static void come_too_late(void)
{
	agent_vips_apply(vips, &(struct oo_want){.role = OO_ROLE_ACTIVE,
						 .address = true,
						 .hold_until = oo_clock_now() - 1,
						 .guard_until = oo_clock_now() + TEN_S});
}

static void test_nothing_is_put_up_once_the_hold_is_over(void)
{
	come_too_late();
	turn();
	CU_ASSERT_EQUAL(kernel.n, 0);
}

static void test_a_reload_gives_no_hold_more_time(void)
{
	come_too_late();
	reload(list, 1);
	turn();
	CU_ASSERT_EQUAL(kernel.n, 0);
}

static void test_an_address_that_cannot_be_removed_holds_up_no_reload(void)
{
	hold();
	kernel.refuses_removal = EPERM;
	reload(list, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(logged(), "stays until its lifetime ends"));
	kernel.refuses_removal = 0;
	drop();
	CU_ASSERT_EQUAL(kernel.n, 1); /* nobody arms it any more */
}

int main(void)
{
	static const struct test tests[] = {
		TEST(what_is_kept_stays_when_one_of_it_is_taken),
		TEST(one_that_cannot_be_added_keeps_no_other_silent),
		TEST(address_is_up_also_while_another_interface_is_gone),
		TEST(many_that_go_at_once_are_looked_for_once),
		TEST(who_removes_in_rounds_comes_to_an_end),
		TEST(what_cannot_be_put_back_is_not_said_to_be_back),
		TEST(own_removal_that_failed_in_part_is_blamed_on_nobody),
		TEST(what_stays_on_a_renamed_interface_is_taken_off_when_that_can_be),
		TEST(what_stays_on_a_renamed_interface_goes_with_the_hold),
		TEST(a_reload_adds_and_removes_what_differs_and_touches_nothing_else),
		TEST(a_reload_that_only_removes_goes_on_announcing_the_rest),
		TEST(a_reload_of_what_is_not_held_puts_nothing_up),
		TEST(nothing_is_put_up_once_the_hold_is_over),
		TEST(a_reload_gives_no_hold_more_time),
		TEST(an_address_that_cannot_be_removed_holds_up_no_reload),
	};
	return run_tests_in("vips", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
