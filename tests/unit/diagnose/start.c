/* A Document Server that does not listen, and why. */
#include <string.h>

#include "base/text.h"
#include "node.h"

#define DOCSERVICE OO_LOG_SOURCE_DOCSERVICE

STORY(test_inactive_unit_is_stopped, DOCSERVICE_STOPPED, CERTAIN)
{
	node_docservice_gone(seen, "inactive/dead");
}

STORY(test_stopped_is_seen_without_rights_too, DOCSERVICE_STOPPED, LIKELY)
{
	node_docservice_gone(seen, "");
	seen->is_root = false;
	seen->processes[OO_PROGRAM_DOCSERVICE].look = OO_LOOK_DENIED;
	seen->processes[OO_PROGRAM_DOCSERVICE].unit_look = OO_LOOK_DENIED;
	seen->listeners_look = OO_LOOK_DENIED;
}

STORY(test_unit_that_waits_for_its_restart_crashes, DOCSERVICE_CRASHING, CERTAIN)
{
	node_docservice_gone(seen, "activating/auto-restart");
}

STORY(test_clean_exit_after_an_exception_is_a_crash, DOCSERVICE_CRASHING, LIKELY)
{
	node_docservice_gone(seen, "inactive/dead");
	(void)node_logs(seen, DOCSERVICE, "[ERROR] nodeJS - uncaughtException: TypeError: x");
}

STORY(test_old_exception_of_one_that_serves_is_nothing, NONE, NONE)
{
	(void)node_logs(seen, DOCSERVICE, "[ERROR] nodeJS - uncaughtException: TypeError: x");
}

STORY(test_killed_for_memory_is_not_just_stopped, DOCSERVICE_OUT_OF_MEMORY, CERTAIN)
{
	node_docservice_gone(seen, "activating/auto-restart");
	(void)node_logs(seen, OO_LOG_SOURCE_JOURNAL,
			"kernel: Out of memory: Killed process 800 (docservice) total-vm:9GB");
}

STORY(test_other_killed_process_is_not_its_memory, DOCSERVICE_STOPPED, CERTAIN)
{
	node_docservice_gone(seen, "inactive/dead");
	(void)node_logs(seen, OO_LOG_SOURCE_JOURNAL,
			"kernel: Out of memory: Killed process 4 (firefox) total-vm:9GB");
}

STORY(test_killed_before_it_came_up_again_is_past, DOCSERVICE_STOPPED, CERTAIN)
{
	node_docservice_gone(seen, "inactive/dead");
	node_logs(seen, OO_LOG_SOURCE_JOURNAL, "Out of memory: Killed process 8 (docservice)")
		->age_ms = 400000;
	node_logs(seen, DOCSERVICE, "Express server listening on port 8000")->age_ms = 300000;
}

STORY(test_exception_before_it_came_up_again_is_past, DOCSERVICE_STOPPED, CERTAIN)
{
	node_docservice_gone(seen, "inactive/dead");
	node_logs(seen, DOCSERVICE, "uncaughtException: TypeError: x")->age_ms = 400000;
	node_logs(seen, DOCSERVICE, "Express server listening on port 8000")->age_ms = 300000;
}

STORY(test_killed_before_this_process_is_not_why_it_is_mute, DOCSERVICE_NEVER_LISTENING, CERTAIN)
{
	node_docservice_mute(seen, 100000);
	node_logs(seen, OO_LOG_SOURCE_JOURNAL, "Out of memory: Killed process 8 (docservice)")
		->age_ms = 200000;
	(void)node_logs(seen, DOCSERVICE, "nodeJS - getTableColumns error: Error: x");
}

STORY(test_killed_while_this_process_lived_is_of_another, NONE, NONE)
{
	(void)node_logs(seen, OO_LOG_SOURCE_JOURNAL,
			"Out of memory: Killed process 8 (docservice)");
}

STORY(test_heap_of_node_is_memory_too, DOCSERVICE_OUT_OF_MEMORY, CERTAIN)
{
	node_docservice_gone(seen, "inactive/dead");
	(void)node_logs(
		seen, DOCSERVICE,
		"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of "
		"memory");
}

STORY(test_container_killed_for_memory_says_so, DOCSERVICE_OUT_OF_MEMORY, CERTAIN)
{
	node_docservice_gone(seen, "exited");
	seen->is_docker = true;
	seen->processes[OO_PROGRAM_DOCSERVICE].out_of_memory = true;
}

STORY(test_broken_json_keeps_it_from_starting, DOCSERVICE_CONFIG_BROKEN, CERTAIN)
{
	node_docservice_gone(seen, "activating/auto-restart");
	oo_text_clip(seen->documentserver.config_error, OO_EVIDENCE_TEXT,
		     "local.json:12: unexpected character");
}

STORY(test_broken_json_of_one_that_runs_is_a_warning, DOCSERVICE_CONFIG_BROKEN, CERTAIN)
{
	oo_text_clip(seen->documentserver.config_error, OO_EVIDENCE_TEXT,
		     "local.json:12: unexpected character");
}

static void test_warning_does_not_break_the_chain(void)
{
	struct oo_evidence *seen = node_healthy();
	oo_text_clip(seen->documentserver.config_error, OO_EVIDENCE_TEXT, "local.json:12: what");
	CU_ASSERT_EQUAL(node_verdict(seen)->first_broken, OO_LAYER_END);
}

STORY(test_started_without_database_never_listens, DOCSERVICE_NEVER_LISTENING, CERTAIN)
{
	node_docservice_mute(seen, 300000);
	(void)node_logs(seen, DOCSERVICE,
			"[ERROR] nodeJS - getTableColumns error: Error: connect ECONNREFUSED "
			"127.0.0.1:5432");
}

STORY(test_mute_for_long_never_listens_without_a_log, DOCSERVICE_NEVER_LISTENING, LIKELY)
{
	node_docservice_mute(seen, 300000);
	seen->logs_look[DOCSERVICE] = OO_LOOK_DENIED;
}

STORY(test_young_process_is_starting, DOCSERVICE_STARTING, LIKELY)
{
	node_docservice_mute(seen, 4000);
}

STORY(test_young_process_with_an_old_error_is_starting, DOCSERVICE_STARTING, LIKELY)
{
	node_docservice_mute(seen, 4000);
	node_logs(seen, DOCSERVICE, "nodeJS - getTableColumns error: x")->since_start = false;
}

static void test_database_that_is_still_down_comes_before_the_restart(void)
{
	struct oo_evidence *seen = node_healthy();
	node_docservice_mute(seen, 300000);
	(void)node_logs(seen, DOCSERVICE, "nodeJS - getTableColumns error: Error: x");
	node_gone(seen, OO_PROGRAM_DATABASE, "inactive/dead");
	node_unlisten(seen, 5432);
	node_result(&seen->dependencies[OO_DEPENDENCY_DATABASE].connect, OO_CHECK_REASON_REFUSED,
		    "Connection refused");
	node_first(seen, OO_FAULT_DATABASE_STOPPED, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_PTR_NOT_NULL(node_find(seen, OO_FAULT_DOCSERVICE_NEVER_LISTENING));
}

STORY(test_start_that_failed_on_the_schema_names_the_schema, DATABASE_SCHEMA, CERTAIN)
{
	node_docservice_mute(seen, 300000);
	(void)node_logs(seen, DOCSERVICE, "DB table \"doc_changes\" does not exist");
	node_result(&seen->dependencies[OO_DEPENDENCY_DATABASE].works, OO_CHECK_REASON_MISSING,
		    "no table doc_changes");
}

static void start_without_broker(struct oo_evidence *seen)
{
	node_docservice_mute(seen, 300000);
	(void)node_logs(seen, DOCSERVICE,
			"nodeJS - [AMQP] Error: connect ECONNREFUSED 127.0.0.1:5672");
}

static void test_broker_that_is_down_is_one_finding_not_two(void)
{
	struct oo_evidence *seen = node_healthy();
	start_without_broker(seen);
	node_gone(seen, OO_PROGRAM_BROKER, "inactive/dead");
	node_unlisten(seen, 5672);
	node_result(&seen->dependencies[OO_DEPENDENCY_BROKER].connect, OO_CHECK_REASON_REFUSED,
		    "Connection refused");
	node_first(seen, OO_FAULT_BROKER_STOPPED, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_EQUAL(node_verdict(seen)->n_findings, 1);
}

STORY(test_broker_that_we_cannot_see_is_waited_for, DOCSERVICE_WAITS_FOR_BROKER, LIKELY)
{
	start_without_broker(seen);
	seen->dependencies[OO_DEPENDENCY_BROKER].look = OO_LOOK_DENIED;
}

STORY(test_broker_with_larger_frames_is_told_by_the_log, BROKER_FRAME_MAX, CERTAIN)
{
	node_docservice_mute(seen, 300000);
	(void)node_logs(seen, DOCSERVICE,
			"[AMQP] conn error Error: negotiated frame_max = 4096 is lower than the "
			"minimum allowed value (8192)");
}

STORY(test_stopped_before_it_listened_is_hung, DOCSERVICE_HUNG, CERTAIN)
{
	node_docservice_mute(seen, 300000);
	seen->processes[OO_PROGRAM_DOCSERVICE].n_stopped = 1;
}

static void take_port(struct oo_evidence *seen)
{
	struct oo_listener *listener = node_listener(seen, 8000);
	listener->pid = 4711;
	oo_text_clip(listener->process, sizeof(listener->process), "python3");
	node_gone(seen, OO_PROGRAM_DOCSERVICE, "activating/auto-restart");
	node_direct_fails(seen, OO_CHECK_REASON_REFUSED);
	node_answers(seen, OO_EXCHANGE_DIRECT_INDEX, 404, "File not found");
	node_answers(seen, OO_EXCHANGE_DIRECT_HEALTH, 404, "File not found");
	node_proxied(seen, 404);
}

STORY(test_port_of_another_process_is_taken, DOCSERVICE_PORT_TAKEN, CERTAIN)
{
	take_port(seen);
	(void)node_logs(seen, DOCSERVICE,
			"uncaughtException: Error: listen EADDRINUSE: address already in use "
			":::8000");
}

STORY(test_own_listener_of_another_name_is_not_taken, NONE, NONE)
{
	oo_text_clip(node_listener(seen, 8000)->process, OO_EVIDENCE_NAME, "MainThread");
}

CU_TestInfo tests_of_start[] = {
	TOLD(test_inactive_unit_is_stopped),
	TOLD(test_stopped_is_seen_without_rights_too),
	TOLD(test_unit_that_waits_for_its_restart_crashes),
	TOLD(test_clean_exit_after_an_exception_is_a_crash),
	TOLD(test_old_exception_of_one_that_serves_is_nothing),
	TOLD(test_killed_for_memory_is_not_just_stopped),
	TOLD(test_other_killed_process_is_not_its_memory),
	TOLD(test_killed_before_it_came_up_again_is_past),
	TOLD(test_exception_before_it_came_up_again_is_past),
	TOLD(test_killed_before_this_process_is_not_why_it_is_mute),
	TOLD(test_killed_while_this_process_lived_is_of_another),
	TOLD(test_heap_of_node_is_memory_too),
	TOLD(test_container_killed_for_memory_says_so),
	TOLD(test_broken_json_keeps_it_from_starting),
	TOLD(test_broken_json_of_one_that_runs_is_a_warning),
	TOLD(test_warning_does_not_break_the_chain),
	TOLD(test_started_without_database_never_listens),
	TOLD(test_mute_for_long_never_listens_without_a_log),
	TOLD(test_young_process_is_starting),
	TOLD(test_young_process_with_an_old_error_is_starting),
	TOLD(test_database_that_is_still_down_comes_before_the_restart),
	TOLD(test_start_that_failed_on_the_schema_names_the_schema),
	TOLD(test_broker_that_is_down_is_one_finding_not_two),
	TOLD(test_broker_that_we_cannot_see_is_waited_for),
	TOLD(test_broker_with_larger_frames_is_told_by_the_log),
	TOLD(test_stopped_before_it_listened_is_hung),
	TOLD(test_port_of_another_process_is_taken),
	TOLD(test_own_listener_of_another_name_is_not_taken),
	CU_TEST_INFO_NULL,
};
