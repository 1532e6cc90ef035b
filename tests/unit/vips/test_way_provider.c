/* A VIP that a provider's program moves, between the core's want and the kernel, which is made up. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../event/await.h"
#include "../event/testing.h"
#include "../hook/scratch.h"
#include "base/cleanup.h"
#include "kernel.h"
#include "part.h"
#include "vips.h"

#define TEN_S 10000
/* `up` waits for a file that is named go; each notes its epoch. */
#define PROGRAM                                                                                    \
	"cd \"$(dirname \"$0\")\"\n"                                                               \
	"echo \"$1 $(sed 's/.*\"epoch\":\\([0-9]*\\).*/\\1/')\" >>calls\n"                         \
	"[ \"$1\" != up ] || while [ ! -e go ]; do sleep 0.02; done\n"                             \
	"[ \"$1\" != status ] || echo '{\"holder\": \"here\", \"epoch\": 7}'\n"

static char program[PATH_MAX];
static struct oo_config_vip list[] = {{.address = "203.0.113.8/32",
				       .mode = OO_MODE_PROVIDER,
				       .interface = "",
				       .provider = {.run = program,
						    .timeout_ms = TEN_S,
						    .settings = {.json = "{}", .shown = "{}"}}}};
static struct oo_config_group groups[] = {{.name = "office", .vips = list, .n_vips = 1}};
static struct oo_config config = {.cluster = "office",
				  .node = {.name = "node-a", .zone = ""},
				  .groups = groups,
				  .n_groups = 1,
				  .lease = {.ttl_ms = 3000, .margin_ms = 150}};
static struct agent agent;
static struct agent_vips *vips;

static void set_up(void)
{
	memset(&kernel, 0, sizeof(kernel));
	scratch_hook("move", PROGRAM);
	snprintf(program, sizeof(program), "%s", scratch_at("move").text);
	agent = (struct agent){.config = &config, .core_config = {.n_groups = 1}};
	CU_ASSERT_EQUAL_FATAL(sd_event_new(&agent.event), 0);
	CU_ASSERT_EQUAL_FATAL(agent_vips_new(&agent, 0, &vips, NULL), 0);
	agent.vips[0] = vips;
}

static void tear_down(void)
{
	agent_vips_free(vips);
	settle(agent.event);
	sd_event_unref(agent.event);
	scratch_empty();
}

static void hold(void)
{
	const int64_t until = oo_clock_now() + TEN_S;
	agent_vips_apply(vips, &(struct oo_want){.role = OO_ROLE_ACTIVE,
						 .address = true,
						 .hold_until = until,
						 .guard_until = until});
}

static const char *calls(void)
{
	static char text[256];
	FILE *file = fopen(scratch_at("calls").text, "r");
	text[0] = '\0';
	if (file != NULL) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		(void)fclose(file);
	}
	return text;
}

static bool is_told(void)
{
	return agent_vips_state(vips, 0).way.told;
}

static bool is_called(void)
{
	return calls()[0] != '\0';
}

static bool is_down(void)
{
	return !agent_vips_is_up(vips);
}

static void await_that(bool (*is_so)(void))
{
	const int64_t until = oo_clock_now() + AWAIT_MS;
	while (!is_so() && oo_clock_now() < until) {
		(void)sd_event_run(agent.event, 10000);
	}
	CU_ASSERT_TRUE(is_so());
}

static void let_go(void)
{
	scratch_directory("go");
}

static void test_it_is_told_when_confirmed_with_the_epoch_of_the_own_claim(void)
{
	hold();
	await_that(is_called);
	CU_ASSERT_FALSE(is_told());
	CU_ASSERT_STRING_EQUAL(agent_vips_state(vips, 0).way.provider, "moving");
	CU_ASSERT_EQUAL(kernel.n_ups, 0);
	let_go();
	await_that(is_told);
	CU_ASSERT_STRING_EQUAL(calls(), "up 7\nstatus 7\n");
	CU_ASSERT_EQUAL(kernel.n, 0); /* on no interface */
	settle(agent.event);
	CU_ASSERT_EQUAL(kernel.n_ups, 1);
}

static void test_it_is_given_away_before_anything_else_goes(void)
{
	let_go();
	hold();
	await_that(is_told);
	kernel.trace[0] = '\0';
	agent_vips_apply(vips, &(struct oo_want){.role = OO_ROLE_RELEASING,
						 .graceful = true,
						 .hold_until = oo_clock_now() + TEN_S});
	CU_ASSERT_STRING_EQUAL(kernel.trace, "");
	CU_ASSERT_TRUE(agent_vips_is_up(vips));
	await_that(is_down);
	CU_ASSERT_STRING_EQUAL(calls(), "up 7\nstatus 7\ndown 7\n");
	CU_ASSERT_NSTRING_EQUAL(kernel.trace, "fence ", 6);
}

static void test_a_lost_claim_waits_for_no_program(void)
{
	hold();
	await_that(is_called);
	agent_vips_apply(vips, &(struct oo_want){.role = OO_ROLE_STANDBY});
	CU_ASSERT_FALSE(agent_vips_is_up(vips));
	CU_ASSERT_STRING_EQUAL(agent_vips_state(vips, 0).way.provider, "idle");
	let_go();
	settle(agent.event);
	CU_ASSERT_STRING_EQUAL(calls(), "up 7\n");
}

static void test_what_an_earlier_agent_moved_is_only_asked_for(void)
{
	CU_ASSERT_EQUAL(agent_vips_find(vips, true, NULL), 0);
	CU_ASSERT_TRUE(agent_vips_is_up(vips));
	hold();
	await_that(is_told);
	CU_ASSERT_STRING_EQUAL(calls(), "status 7\n");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(it_is_told_when_confirmed_with_the_epoch_of_the_own_claim),
		TEST(it_is_given_away_before_anything_else_goes),
		TEST(a_lost_claim_waits_for_no_program),
		TEST(what_an_earlier_agent_moved_is_only_asked_for),
	};
	if (!scratch_make()) {
		return 1;
	}
	int r = run_tests_in("way provider", (struct frame){set_up, tear_down}, tests,
			     OO_LENGTH(tests));
	scratch_remove();
	return r;
}
