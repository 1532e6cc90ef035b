/* Local repair as the agent does it: a policy of its own (test_repair_policy.c), services that are
 * made up here, and what is said and kept of each attempt. */
#include "repair.h"

#include <errno.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../event/await.h"
#include "../event/testing.h"
#include "base/cleanup.h"
#include "history.h"
#include "notices.h"
#include "repair_policy.h"
#include "store.h"

static struct oo_config config;
static struct agent agent;
static struct agent_repair *repair;
static struct agent_verdict verdict;
static bool known;
static struct oo_core_view view;
static struct oo_want want;
static struct agent_known_member members[2];
static bool paused;
static unsigned n_looks, n_leaving;

/* -- the rest of the agent */

struct oo_core_view oo_core_view(const struct oo_core *core, unsigned group)
{
	(void)core;
	(void)group;
	return view;
}

const struct oo_want *oo_core_want(const struct oo_core *core, unsigned group)
{
	(void)core;
	(void)group;
	return &want;
}

const struct agent_known_member *agent_store_members(const struct agent_store *store, size_t *ret_n)
{
	(void)store;
	*ret_n = OO_LENGTH(members);
	return members;
}

const struct oo_decree *agent_store_pause(const struct agent_store *store)
{
	static const struct oo_decree pause = {.by = "somebody"};
	(void)store;
	return paused ? &pause : NULL;
}

const struct agent_verdict *agent_diagnosis_verdict(const struct agent_diagnosis *diagnosis)
{
	(void)diagnosis;
	return known ? &verdict : NULL;
}

bool agent_diagnosis_look(struct agent_diagnosis *diagnosis, bool turned)
{
	(void)diagnosis;
	n_looks += turned;
	return n_looks > 1; /* the first time it has just looked */
}

void agent_notices_say(struct agent *to, const struct agent_notice *notice)
{
	(void)to;
	(void)notice;
}

void agent_check_leaving(struct agent *of)
{
	(void)of;
	n_leaving++;
}

static unsigned n_kept;
static char kept[1024];

void agent_history_write_repair(struct agent *of, const struct agent_history_repair *entry)
{
	(void)of;
	n_kept++;
	snprintf(kept, sizeof(kept), "%s: %s: %s: %s (%u)", entry->fault, entry->reason,
		 entry->commands, entry->error, entry->attempt);
}

/* -- the services */

struct oo_service_job {
	struct oo_service_setup setup;
};
static struct oo_service_job job;
static bool is_ordered; /* job is under way */
static char orders[1024];
static const char *refuses; /* the command that cannot even be begun */

int oo_service_run(const struct oo_service_setup *setup, const struct oo_service_order *order,
		   struct oo_service_job **ret_job, struct oo_err *err)
{
	char command[OO_SERVICE_COMMAND_LENGTH];
	size_t length = strlen(orders);
	CU_ASSERT_FALSE_FATAL(is_ordered);
	oo_service_command(order, command);
	snprintf(orders + length, sizeof(orders) - length, "%s%s", length == 0 ? "" : ", ",
		 command);
	if (refuses != NULL && strcmp(command, refuses) == 0) {
		return oo_fail_text(err, ENOENT, "no bus");
	}
	job.setup = *setup;
	*ret_job = &job;
	is_ordered = true;
	return 0;
}

void oo_service_cancel(struct oo_service_job *of)
{
	is_ordered = is_ordered && of == NULL;
}

void oo_service_command(const struct oo_service_order *order,
			char text[static OO_SERVICE_COMMAND_LENGTH])
{
	static const char *const acts[] = {"start", "stop", "restart"};
	snprintf(text, OO_SERVICE_COMMAND_LENGTH, "%s %s", acts[order->act],
		 order->unit != NULL ? order->unit : order->container);
}

static void answer(int r, const char *text)
{
	struct oo_err err;
	snprintf(err.text, sizeof(err.text), "%s", text);
	CU_ASSERT_FATAL(is_ordered);
	is_ordered = false;
	job.setup.done(job.setup.user, r, &err);
}

static void expect_orders(const char *expected)
{
	CU_ASSERT_STRING_EQUAL(orders, expected);
	if (strcmp(orders, expected) != 0) {
		printf("\n     got: %s\nexpected: %s\n", orders, expected);
	}
	orders[0] = '\0';
}

static void find(const char *fault)
{
	verdict = (struct agent_verdict){.at = oo_clock_now(), .n_findings = 1};
	oo_text_clip(verdict.fault, sizeof(verdict.fault), fault);
	oo_text_clip(verdict.summary, sizeof(verdict.summary), "it hangs");
	oo_text_clip(verdict.findings[0].fault, sizeof(verdict.findings[0].fault), fault);
	oo_text_clip(verdict.findings[0].confidence, sizeof(verdict.findings[0].confidence),
		     "certain");
}

/* A standby whose required check is down for a Document Server that hangs. */
static void set_up(void)
{
	static const struct oo_pair pair = {.claim = {.revision = 7}};
	config = (struct oo_config){.node = {.name = "node-a"},
				    .repair = {.documentserver.unit = "ds.service",
					       .proxy.unit = "nginx.service",
					       .container_socket = "/run/docker.sock",
					       .attempts = 2,
					       .window_ms = 3600000,
					       .backoff_ms = 1000}};
	agent = (struct agent){
		.config = &config, .core_config = {.n_groups = 1}, .event = new_loop()};
	view = (struct oo_core_view){.pair = &pair,
				     .known = true,
				     .eligible = OO_HEALTH_DOWN,
				     .failed_check = 0,
				     .link_up = true};
	want = (struct oo_want){.role = OO_ROLE_STANDBY};
	memset(members, 0, sizeof(members));
	snprintf(members[0].member.node, OO_CORE_NAME_LENGTH, "node-a");
	snprintf(members[1].member.node, OO_CORE_NAME_LENGTH, "node-b");
	members[0].member.groups = 1;
	find("document server hung");
	known = true;
	paused = is_ordered = false;
	refuses = NULL;
	n_looks = n_leaving = n_kept = 0;
	orders[0] = kept[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(agent_repair_new(&agent, &repair, NULL), 0);
}

static void tear_down(void)
{
	agent_repair_free(repair);
	agent.event = sd_event_unref(agent.event);
}

static void apply(void)
{
	agent_repair_apply(repair);
	settle(agent.event);
}

/* pointer: of JSON. */
static void expect_status(const char *pointer, const char *expected)
{
	struct json_object *object = agent_repair_new_status(repair), *value = NULL;
	CU_ASSERT_EQUAL(json_pointer_get(object, pointer, &value), 0);
	const char *text = value == NULL ? "null" : json_object_get_string(value);
	CU_ASSERT_STRING_EQUAL(text, expected);
	if (strcmp(text, expected) != 0) {
		printf("\n%s: got %s, expected %s\n", pointer, text, expected);
	}
	json_object_put(object);
}

static void test_without_configuration_nothing_is_ever_done(void)
{
	config.repair = (struct oo_config_repair){.attempts = 0};
	apply();
	expect_orders("");
	CU_ASSERT_PTR_NULL(agent_repair_new_status(repair));
}

static void test_what_is_blamed_is_restarted_once_and_kept(void)
{
	apply();
	apply(); /* a level: it is under way already */
	expect_orders("restart ds.service");
	expect_status("/running", "true");
	expect_status("/last/took_ms", "null");
	CU_ASSERT(agent_repair_is_quiet(repair)); /* systemd goes on without us */
	answer(0, "");
	settle(agent.event);
	CU_ASSERT_EQUAL(n_kept, 1);
	CU_ASSERT_STRING_EQUAL(kept, "document server hung: it hangs: restart ds.service:  (1)");
	expect_status("/running", "false");
	expect_status("/attempts", "1");
	expect_status("/waits_for", "backs off for 1s after attempt 1");
	expect_status("/last/error", "null");
	expect_status("/last/commands", "restart ds.service");
	expect_orders("");
}

static void test_nothing_is_done_before_the_diagnosis_is_in_or_once_all_is_well(void)
{
	known = false;
	apply();
	known = true;
	view.eligible = OO_HEALTH_UP;
	view.failed_check = -1;
	apply();
	view.eligible = OO_HEALTH_DOWN; /* the link */
	apply();
	agent.leaving = true;
	view.failed_check = 0;
	apply();
	expect_orders("");
	agent.leaving = false;
	apply();
	expect_orders("restart ds.service");
}

static void test_a_holder_hands_over_first(void)
{
	want.role = OO_ROLE_ACTIVE;
	members[1].member.groups = 1;
	apply();
	expect_orders("");
	expect_status("/waits_for",
		      "holds the VIP and node-b is eligible: it is handed over first");
	members[1].member.groups = 0; /* nobody else can serve: only the node itself is left */
	apply();
	expect_orders("restart ds.service");
	answer(0, "");
}

static void test_a_vip_that_is_on_its_way_counts_as_held(void)
{
	members[1].member.groups = 1;
	want.role = OO_ROLE_HANDING_OVER;
	apply();
	expect_orders("");
	want.role = OO_ROLE_STANDBY;
	apply();
	expect_orders("restart ds.service");
}

static void test_a_pause_and_an_etcd_that_was_never_read_forbid_it(void)
{
	paused = true;
	apply();
	paused = false;
	view.known = false;
	apply();
	expect_orders("");
}

static void find_both(void)
{
	find("document server hung");
	verdict.n_findings = 2;
	oo_text_clip(verdict.findings[1].fault, sizeof(verdict.findings[1].fault), "proxy hung");
	oo_text_clip(verdict.findings[1].confidence, sizeof(verdict.findings[1].confidence),
		     "likely");
}

static void test_several_go_step_by_step(void)
{
	find_both();
	apply();
	CU_ASSERT_FALSE(agent_repair_is_quiet(repair)); /* the proxy would stay stopped */
	for (int i = 0; i < 4; i++) {
		answer(0, "");
	}
	CU_ASSERT(agent_repair_is_quiet(repair));
	CU_ASSERT(n_leaving > 0);
	expect_orders("stop nginx.service, stop ds.service, start ds.service, "
		      "start nginx.service");
	CU_ASSERT_STRING_EQUAL(kept, "document server hung: it hangs: stop nginx.service && stop "
				     "ds.service && start ds.service && start nginx.service:  "
				     "(1)");
}

static void test_what_was_stopped_is_started_whatever_fails(void)
{
	find_both();
	apply();
	answer(0, "");
	answer(-EACCES, "not allowed");
	answer(-EIO, "it failed");
	answer(0, "");
	expect_orders("stop nginx.service, stop ds.service, start ds.service, "
		      "start nginx.service");
	CU_ASSERT_PTR_NOT_NULL(strstr(kept, ": not allowed (1)")); /* the first error */
	expect_status("/last/error", "not allowed");
}

static void test_the_first_that_cannot_be_stopped_leaves_the_others_alone(void)
{
	find_both();
	refuses = "stop nginx.service";
	apply();
	answer(0, "");
	expect_orders("stop nginx.service, start nginx.service");
}

static void test_an_attempt_that_cannot_begin_counts(void)
{
	refuses = "restart ds.service";
	apply();
	CU_ASSERT_EQUAL(n_kept, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(kept, "no bus"));
	expect_status("/attempts", "1");
	expect_orders("restart ds.service");
	apply();
	expect_orders("");
}

static void test_it_is_tried_again_after_the_backoff_on_new_evidence_until_it_is_enough(void)
{
	int64_t until = oo_clock_now() + AWAIT_MS;
	config.repair.backoff_ms = 50;
	apply();
	answer(0, "");
	while (n_looks == 0 && oo_clock_now() < until) { /* its timer alone brings it back */
		CU_ASSERT_FATAL(sd_event_run(agent.event, 100000) >= 0);
	}
	for (int i = 0; i < 3; i++) {
		apply();
	}
	CU_ASSERT_EQUAL(n_looks, 2); /* until it was done, and no more */
	expect_orders("restart ds.service");
	verdict.at = oo_clock_now();
	apply();
	expect_orders("restart ds.service");
	answer(-ETIMEDOUT, "no end");
	settle(agent.event);
	expect_status("/waits_for", "backs off for 100ms after attempt 2");
	n_looks = 0;
	while (n_looks == 0 && oo_clock_now() < until) {
		CU_ASSERT_FATAL(sd_event_run(agent.event, 100000) >= 0);
	}
	verdict.at = oo_clock_now();
	apply();
	expect_status("/waits_for", "2 attempts within 1h: somebody has to look");
	CU_ASSERT_EQUAL(n_kept, 2);
	verdict.at = oo_clock_now();
	apply();
	expect_orders("");
}

static void test_what_is_under_way_outlives_a_reload_that_names_nothing(void)
{
	find_both();
	apply();
	config.repair = (struct oo_config_repair){.attempts = 0};
	for (int i = 0; i < 4; i++) {
		answer(0, "");
	}
	expect_orders("stop nginx.service, stop ds.service, start ds.service, "
		      "start nginx.service");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(without_configuration_nothing_is_ever_done),
		TEST(what_is_blamed_is_restarted_once_and_kept),
		TEST(nothing_is_done_before_the_diagnosis_is_in_or_once_all_is_well),
		TEST(a_holder_hands_over_first),
		TEST(a_vip_that_is_on_its_way_counts_as_held),
		TEST(a_pause_and_an_etcd_that_was_never_read_forbid_it),
		TEST(several_go_step_by_step),
		TEST(what_was_stopped_is_started_whatever_fails),
		TEST(the_first_that_cannot_be_stopped_leaves_the_others_alone),
		TEST(an_attempt_that_cannot_begin_counts),
		TEST(it_is_tried_again_after_the_backoff_on_new_evidence_until_it_is_enough),
		TEST(what_is_under_way_outlives_a_reload_that_names_nothing),
	};
	oo_log_open("test", OO_LOG_ERROR);
	return run_tests_in("repair", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
