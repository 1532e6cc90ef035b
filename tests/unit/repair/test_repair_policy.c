/* Whether what is broken is restarted now, and why not. */
#include "repair_policy.h"

#include <stdio.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "diagnose/diagnose.h"

#define NOW 100000000
#define MINUTE 60000

static struct oo_config_repair config;
static struct agent_verdict verdict;
static int64_t ended_at[OO_CONFIG_ATTEMPTS];
static struct agent_repair_situation situation;
static struct agent_repair_plan plan;

/* A standby whose Document Server hangs, and everything may be restarted. */
static void set_up(void)
{
	config = (struct oo_config_repair){.documentserver.unit = "ds-docservice.service",
					   .converter.unit = "ds-converter.service",
					   .proxy.unit = "nginx.service",
					   .attempts = 3,
					   .window_ms = 60 * MINUTE,
					   .backoff_ms = 30000};
	verdict = (struct agent_verdict){
		.at = NOW - 1000,
		.findings = {{.fault = "document server hung", .confidence = "certain"}},
		.n_findings = 1,
	};
	situation = (struct agent_repair_situation){.config = &config,
						    .verdict = &verdict,
						    .down = true,
						    .known = true,
						    .ended_at = ended_at,
						    .now = NOW};
}

static void found(const char *fault, const char *confidence)
{
	struct agent_finding *finding = &verdict.findings[verdict.n_findings++];
	*finding = (struct agent_finding){.harmless = false};
	oo_text_clip(finding->fault, sizeof(finding->fault), fault);
	oo_text_clip(finding->confidence, sizeof(finding->confidence), confidence);
}

static void found_only(const char *fault, const char *confidence)
{
	verdict.n_findings = 0;
	found(fault, confidence);
}

/* "stop proxy, start proxy"; "": nothing. */
static void expect_steps(const char *expected)
{
	static const char *const acts[] = {"start", "stop", "restart"};
	static const char *const services[] = {"proxy", "documentserver", "converter"};
	char text[256] = "";
	agent_repair_plan(&situation, &plan);
	for (size_t i = 0; i < plan.n_steps; i++) {
		size_t length = strlen(text);
		snprintf(text + length, sizeof(text) - length, "%s%s %s", i == 0 ? "" : ", ",
			 acts[plan.steps[i].act], services[plan.steps[i].service]);
	}
	CU_ASSERT_STRING_EQUAL(text, expected);
	CU_ASSERT_EQUAL(plan.why[0] == '\0', plan.n_steps > 0);
	if (strcmp(text, expected) != 0) {
		printf("\n     got: %s (%s)\nexpected: %s\n", text, plan.why, expected);
	}
}

static void expect_refusal(const char *why)
{
	agent_repair_plan(&situation, &plan);
	CU_ASSERT_EQUAL(plan.n_steps, 0);
	CU_ASSERT_STRING_EQUAL(plan.why, why);
	if (strcmp(plan.why, why) != 0) {
		printf("\n     got: %s\nexpected: %s\n", plan.why, why);
	}
}

static void test_a_restart_is_for_what_it_cures(void)
{
	static const struct {
		const char *fault, *steps;
	} rows[] = {
		{"proxy stopped", "restart proxy"},
		{"proxy crashed", "restart proxy"},
		{"proxy hung", "restart proxy"},
		{"proxy descriptors exhausted", "restart proxy"},
		{"document server stopped", "restart documentserver"},
		{"document server crashing", "restart documentserver"},
		{"document server hung", "restart documentserver"},
		{"document server descriptors exhausted", "restart documentserver"},
		{"converter stopped", "restart converter"},
		{"converter not consuming", "restart converter"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		found_only(rows[i].fault, "certain");
		expect_steps(rows[i].steps);
		found_only(rows[i].fault, "likely");
		expect_steps(rows[i].steps);
	}
}

/* All faults that there are: what is not in the table above is never restarted for. */
static void test_no_other_fault_sets_off_a_restart(void)
{
	unsigned n_cured = 0;
	verdict.database_answers = true;
	for (int fault = OO_FAULT_NONE + 1; fault < OO_FAULT_END; fault++) {
		found_only(oo_fault_name((enum oo_fault)fault), "certain");
		agent_repair_plan(&situation, &plan);
		n_cured += plan.n_steps > 0;
	}
	CU_ASSERT_EQUAL(n_cured, 11); /* ten above, and what never listens */
	found_only("document server drained", "certain");
	expect_refusal("no restart cures it: document server drained");
	found_only("database stopped", "certain");
	found("document server hung", "certain"); /* the strongest decides */
	expect_refusal("no restart cures it: database stopped");
}

static void test_the_faults_that_it_knows_exist(void)
{
	size_t n = 0;
	for (const char *name; (name = agent_repair_cured(n)) != NULL; n++) {
		bool exists = false;
		for (int fault = OO_FAULT_NONE + 1; fault < OO_FAULT_END; fault++) {
			exists = exists || oo_text_equal(name, oo_fault_name((enum oo_fault)fault));
		}
		CU_ASSERT(exists);
		if (!exists) {
			printf("\nno such fault: %s\n", name);
		}
	}
	CU_ASSERT(n > 11);
	CU_ASSERT_STRING_EQUAL(oo_confidence_name(OO_CONFIDENCE_LIKELY), "likely");
	CU_ASSERT_STRING_EQUAL(oo_confidence_name(OO_CONFIDENCE_CERTAIN), "certain");
	CU_ASSERT_STRING_EQUAL(oo_weight_name(OO_WEIGHT_WARNING), "warning");
	CU_ASSERT_STRING_EQUAL(oo_layer_name(OO_LAYER_DATABASE), "database");
	CU_ASSERT_STRING_EQUAL(oo_layer_state_name(OO_LAYER_STATE_FINE), "fine");
}

static void test_what_never_listens_waits_for_its_database(void)
{
	found_only("document server never listening", "certain");
	expect_refusal("document server never listening: of no use before the database answers");
	verdict.database_answers = true;
	expect_steps("restart documentserver");
}

static void test_nothing_is_restarted_on_a_guess_or_without_evidence(void)
{
	found_only("document server hung", "possible");
	expect_refusal("not sure enough: document server hung is only possible");
	found_only("document server hung", "");
	expect_refusal("not sure enough: document server hung is only ");
	found_only("document server hung", "certain");
	verdict.findings[0].harmless = true;
	expect_refusal("no restart cures it: document server hung");
	verdict.n_findings = 0;
	expect_refusal("nothing was found");
	situation.verdict = NULL;
	expect_refusal("nothing was found that explains it");
	situation.verdict = &verdict;
	found_only("document server hung", "certain");
	situation.down = false;
	expect_refusal("no required check is down");
	situation.down = true;
	expect_steps("restart documentserver");
}

static void test_old_evidence_is_renewed_first(void)
{
	verdict.at = NOW - AGENT_REPAIR_EVIDENCE_MS;
	expect_steps("restart documentserver");
	CU_ASSERT_FALSE(plan.look);
	verdict.at--;
	expect_refusal("waits for a new diagnosis");
	CU_ASSERT(plan.look);
}

static void test_only_what_is_named_is_touched(void)
{
	config.documentserver = (struct oo_config_service){NULL, NULL};
	expect_refusal("document server hung: repair.documentserver is not configured");
	found_only("proxy stopped", "certain");
	expect_steps("restart proxy");
	config.proxy = (struct oo_config_service){NULL, NULL};
	expect_refusal("proxy stopped: repair.proxy is not configured");
	found_only("converter stopped", "certain");
	config.converter = (struct oo_config_service){NULL, "converter"};
	expect_steps("restart converter");
	found("document server hung", "certain"); /* not named: left alone */
	expect_steps("restart converter");
}

static void test_a_vip_is_handed_over_first_if_somebody_can_take_it(void)
{
	situation.holds = true;
	situation.successor = "node-b";
	expect_refusal("holds the VIP and node-b is eligible: it is handed over first");
	CU_ASSERT_EQUAL(plan.again_at, OO_NEVER);
	situation.successor = NULL; /* nobody else can serve either */
	expect_steps("restart documentserver");
	situation.holds = false;
	situation.successor = "node-b";
	expect_steps("restart documentserver");
}

static void test_nothing_is_touched_while_somebody_has_paused(void)
{
	situation.paused = true;
	expect_refusal("paused: nothing is touched");
	situation.paused = false;
	situation.known = false;
	expect_refusal("etcd has not been read yet: somebody may have paused");
}

static void test_what_still_runs_is_not_stopped_if_it_could_not_start(void)
{
	found_only("proxy hung", "certain");
	found("proxy configuration broken", "possible");
	expect_refusal("proxy hung: it might not start again: proxy configuration broken");
	found_only("document server hung", "certain");
	found("proxy configuration broken", "certain");
	expect_steps("restart documentserver");
	found("document server configuration broken", "likely");
	expect_refusal("document server hung: it might not start again: document server "
		       "configuration broken");
	found_only("converter not consuming", "certain");
	found("document server configuration broken", "likely");
	expect_refusal("converter not consuming: it might not start again: document server "
		       "configuration broken");
}

static void test_several_are_stopped_from_the_outside_in_and_started_from_the_inside_out(void)
{
	found_only("document server hung", "certain");
	found("converter stopped", "likely");
	found("proxy descriptors exhausted", "certain");
	expect_steps("stop proxy, stop documentserver, stop converter, "
		     "start converter, start documentserver, start proxy");
	found_only("proxy hung", "certain");
	found("converter stopped", "possible"); /* a guess: left alone */
	expect_steps("restart proxy");
}

static void test_what_is_one_container_is_restarted_once(void)
{
	config.documentserver = config.converter = (struct oo_config_service){NULL, "office"};
	found_only("document server hung", "certain");
	found("converter stopped", "certain");
	expect_steps("restart documentserver");
	found("proxy hung", "certain");
	expect_steps("stop proxy, stop documentserver, start documentserver, start proxy");
	config.proxy = config.converter;
	expect_steps("restart proxy");
	config.proxy = (struct oo_config_service){"office", NULL}; /* a unit is no container */
	expect_steps("stop proxy, stop documentserver, start documentserver, start proxy");
}

/* An attempt that ended ago_ms before now; they come in order. */
static void tried(int64_t ago_ms)
{
	ended_at[situation.n_attempts++] = NOW - ago_ms;
}

static void test_each_attempt_waits_twice_as_long_as_the_one_before(void)
{
	tried(29999);
	expect_refusal("backs off for 30s after attempt 1");
	CU_ASSERT_EQUAL(plan.again_at, NOW + 1);
	CU_ASSERT(plan.passes);
	ended_at[0] = NOW - 30000;
	verdict.at = NOW;
	expect_steps("restart documentserver");
	ended_at[0] = NOW - 90000;
	tried(59999);
	expect_refusal("backs off for 1m after attempt 2");
	CU_ASSERT_EQUAL(plan.again_at, NOW + 1);
	ended_at[1] = NOW - 60000;
	expect_steps("restart documentserver");
}

/* What was seen while the service was still coming up says nothing of whether it has. */
static void test_each_attempt_rests_on_a_diagnosis_from_after_the_backoff(void)
{
	tried(40000);
	verdict.at = NOW - 10001;
	expect_refusal("waits for a new diagnosis");
	CU_ASSERT(plan.look);
	verdict.at = NOW - 10000;
	expect_steps("restart documentserver");
}

static void test_there_are_so_many_attempts_within_the_window(void)
{
	tried(60 * MINUTE - 1);
	tried(30 * MINUTE);
	tried(20 * MINUTE);
	expect_refusal("3 attempts within 1h: somebody has to look");
	CU_ASSERT_FALSE(plan.passes);
	CU_ASSERT_EQUAL(plan.again_at, NOW + 1);
	CU_ASSERT_EQUAL(agent_repair_count(&situation), 3);
	ended_at[0]--; /* just out of the window */
	CU_ASSERT_EQUAL(agent_repair_count(&situation), 2);
	expect_steps("restart documentserver");
	config.attempts = 1;
	expect_refusal("1 attempt within 1h: somebody has to look");
	CU_ASSERT_EQUAL(plan.again_at, NOW + 40 * MINUTE);
}

/* The last may have helped: nobody is called before it is seen that it has not. */
static void test_nobody_is_called_before_the_last_attempt_has_been_seen_to_fail(void)
{
	config.attempts = 1;
	tried(29999);
	expect_refusal("backs off for 30s after attempt 1");
	ended_at[0] = NOW - 30001;
	verdict.at = NOW - 2;
	expect_refusal("waits for a new diagnosis");
	verdict.at = NOW - 1;
	expect_refusal("1 attempt within 1h: somebody has to look");
}

static void test_a_backoff_is_never_longer_than_the_window(void)
{
	config.attempts = OO_CONFIG_ATTEMPTS;
	config.window_ms = 5 * MINUTE;
	for (int64_t ago_ms = 10; ago_ms > 0; ago_ms--) {
		tried(ago_ms);
	}
	expect_refusal("backs off for 5m after attempt 10");
	CU_ASSERT_EQUAL(plan.again_at, NOW - 1 + 5 * MINUTE);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_restart_is_for_what_it_cures),
		TEST(no_other_fault_sets_off_a_restart),
		TEST(the_faults_that_it_knows_exist),
		TEST(what_never_listens_waits_for_its_database),
		TEST(nothing_is_restarted_on_a_guess_or_without_evidence),
		TEST(old_evidence_is_renewed_first),
		TEST(only_what_is_named_is_touched),
		TEST(a_vip_is_handed_over_first_if_somebody_can_take_it),
		TEST(nothing_is_touched_while_somebody_has_paused),
		TEST(what_still_runs_is_not_stopped_if_it_could_not_start),
		TEST(several_are_stopped_from_the_outside_in_and_started_from_the_inside_out),
		TEST(what_is_one_container_is_restarted_once),
		TEST(each_attempt_waits_twice_as_long_as_the_one_before),
		TEST(each_attempt_rests_on_a_diagnosis_from_after_the_backoff),
		TEST(there_are_so_many_attempts_within_the_window),
		TEST(nobody_is_called_before_the_last_attempt_has_been_seen_to_fail),
		TEST(a_backoff_is_never_longer_than_the_window),
	};
	return run_tests_in("repair policy", (struct frame){set_up, NULL}, tests, OO_LENGTH(tests));
}
