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
	while (sd_event_run(agent.event, 0) > 0) {
	}
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

int main(void)
{
	static const struct test tests[] = {
		TEST(what_is_kept_stays_when_one_of_it_is_taken),
	};
	return run_tests_in("vips", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
