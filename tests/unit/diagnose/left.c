/* What no other rule has a word for; and what looks alike, and is somebody else's. */
#include <string.h>

#include "base/text.h"
#include "node.h"

#define REFUSED "connect() failed (111: Connection refused) while connecting to upstream"

static void goes_to(struct oo_evidence *seen, const char *host)
{
	oo_text_clip(seen->proxy.passes[0].peers[0].host, OO_NAME_LENGTH, host);
}

STORY(test_proxy_that_is_closed_for_maintenance, PROXY_BY_ITSELF, LIKELY)
{
	node_proxied(seen, 503);
}

STORY(test_proxy_that_closes_without_a_word, PROXY_BY_ITSELF, LIKELY)
{
	node_proxied_fails(seen, OO_CHECK_REASON_CLOSED);
}

STORY(test_other_server_that_answers_for_it, PROXY_BY_ITSELF, POSSIBLE)
{
	node_answers(seen, OO_EXCHANGE_PROXY_HEALTH, 200, "<html>Welcome to nginx!");
}

static void test_login_service_that_is_down_is_not_the_upstream(void)
{
	struct oo_evidence *seen = node_healthy();
	node_proxied(seen, 500);
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY,
			"[error] 7#7: *1 " REFUSED
			", client: 10.0.0.9, request: \"GET / HTTP/1.1\", "
			"subrequest: \"/_auth\", upstream: \"http://127.0.0.1:4180/_auth\"");
	(void)node_logs(
		seen, OO_LOG_SOURCE_PROXY,
		"[error] 7#7: *1 auth request unexpected status: 502 while sending to client");
	node_first(seen, OO_FAULT_PROXY_BY_ITSELF, OO_CONFIDENCE_LIKELY);
	CU_ASSERT_PTR_NULL(node_find(seen, OO_FAULT_PROXY_RELOAD_NEEDED));
	CU_ASSERT_PTR_NULL(node_find(seen, OO_FAULT_UPSTREAM_FIREWALL_REJECT));
}

static void test_other_site_that_is_down_is_not_the_upstream(void)
{
	struct oo_evidence *seen = node_healthy();
	struct oo_proxy_pass *other = &seen->proxy.passes[seen->proxy.n_passes++];
	*other = (struct oo_proxy_pass){.line = 3, .n_peers = 1};
	oo_text_clip(other->peers[0].host, OO_NAME_LENGTH, "127.0.0.1");
	other->peers[0].port = 3001;
	node_proxied(seen, 503);
	node_proxy_logs(seen, REFUSED, "http://127.0.0.1:3001");
	node_first(seen, OO_FAULT_PROXY_BY_ITSELF, OO_CONFIDENCE_LIKELY);
}

STORY(test_redirect_of_a_proxy_with_tls_is_no_answer_of_its_own, NONE, NONE)
{
	node_answers(seen, OO_EXCHANGE_PROXY_HEALTH, 301, "");
	oo_text_clip(seen->exchanges[OO_EXCHANGE_PROXY_HEALTH].location, OO_EVIDENCE_TEXT,
		     "https://office.example/healthcheck");
	seen->proxy.has_tls_listen = true;
}

static void test_error_page_elsewhere_is_no_redirect_loop(void)
{
	struct oo_evidence *seen = node_healthy();
	node_docservice_gone(seen, "inactive/dead");
	node_answers(seen, OO_EXCHANGE_PROXY_HEALTH, 302, "");
	oo_text_clip(seen->exchanges[OO_EXCHANGE_PROXY_HEALTH].location, OO_EVIDENCE_TEXT,
		     "https://status.example/");
	node_first(seen, OO_FAULT_DOCSERVICE_STOPPED, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_PTR_NULL(node_find(seen, OO_FAULT_REDIRECT_LOOP));
}

STORY(test_document_server_that_answers_errors, DOCSERVICE_FAILING, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_DIRECT_INDEX, 500, "error");
	node_answers(seen, OO_EXCHANGE_DIRECT_HEALTH, 500, "error");
	node_proxied(seen, 500);
}

/* nginx passes its word on, so it gets through: a refusal in its log is of a moment before. */
STORY(test_errors_passed_on_are_believed_over_the_log, DOCSERVICE_FAILING, CERTAIN)
{
	test_document_server_that_answers_errors_happens(seen);
	node_answers(seen, OO_EXCHANGE_PROXY_HEALTH, 500, "error");
	node_proxy_logs(seen,
			"connect() failed (111: Connection refused) while connecting to upstream",
			"http://127.0.0.1:8000");
	CU_ASSERT_PTR_NULL(node_find(seen, OO_FAULT_UPSTREAM_FIREWALL_REJECT));
}

STORY(test_document_server_that_says_something_else, DOCSERVICE_FAILING, POSSIBLE)
{
	node_answers(seen, OO_EXCHANGE_DIRECT_INDEX, 200, "<html>It works!");
	node_answers(seen, OO_EXCHANGE_DIRECT_HEALTH, 404, "<html>");
	node_proxied(seen, 200);
}

STORY(test_answers_that_break_off, UPSTREAM_CLOSES_EARLY, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_DIRECT_INDEX, 200, "<html>");
	seen->exchanges[OO_EXCHANGE_DIRECT_INDEX].reason = OO_CHECK_REASON_CLOSED;
	node_answers(seen, OO_EXCHANGE_DIRECT_HEALTH, 200, "<html>");
	seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH].reason = OO_CHECK_REASON_CLOSED;
	node_proxied_fails(seen, OO_CHECK_REASON_CLOSED);
}

STORY(test_address_of_this_node_that_nobody_listens_on, UPSTREAM_WRONG_PORT, CERTAIN)
{
	oo_text_clip(node_listener(seen, 8000)->at.host, OO_NAME_LENGTH, "127.0.0.1");
	goes_to(seen, "::1");
	node_proxied(seen, 502);
	node_proxy_logs(seen, REFUSED, "http://[::1]:8000");
}

/* nginx tries the other address of localhost as well, where somebody listens: that one decides. */
STORY(test_reject_beside_an_address_that_nobody_listens_on, UPSTREAM_FIREWALL_REJECT, LIKELY)
{
	oo_text_clip(node_listener(seen, 8000)->at.host, OO_NAME_LENGTH, "127.0.0.1");
	node_proxied(seen, 502);
	node_proxy_logs(seen, REFUSED, "http://127.0.0.1:8000");
	seen->lines[0].age_ms = 2000;
	node_proxy_logs(seen, REFUSED, "http://[::1]:8000");
}

/* A short request may slip through between two deaths. */
STORY(test_request_that_dies_with_its_worker, PROXY_CRASHED, CERTAIN)
{
	node_fails(seen, OO_EXCHANGE_PROXY_HEALTH, OO_CHECK_REASON_CLOSED);
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY,
			"[alert] 700#700: worker process 701 exited on signal 11");
}

/* The line of the moment when it ended is not the last word on who refuses now. */
STORY(test_address_that_refuses_now_does_not_close_early, UPSTREAM_WRONG_PORT, CERTAIN)
{
	oo_text_clip(node_listener(seen, 8000)->at.host, OO_NAME_LENGTH, "127.0.0.1");
	goes_to(seen, "198.51.100.7");
	oo_text_clip(seen->host.addresses[seen->host.n_addresses++], OO_EVIDENCE_NAME,
		     "198.51.100.7");
	node_proxied(seen, 502);
	node_fails(seen, OO_EXCHANGE_UPSTREAM, OO_CHECK_REASON_REFUSED);
	node_proxy_logs(seen,
			"upstream prematurely closed connection while reading response header from "
			"upstream",
			"http://198.51.100.7:8000");
}

STORY(test_other_host_that_refuses, UPSTREAM_WRONG_PORT, LIKELY)
{
	node_proxied(seen, 502);
	goes_to(seen, "198.51.100.7");
	node_proxy_logs(seen, REFUSED, "http://198.51.100.7:8000");
}

static void test_one_not_found_for_all_is_no_dropped_upgrade(void)
{
	struct oo_evidence *seen = node_healthy();
	node_proxied(seen, 404);
	node_first(seen, OO_FAULT_URL_NOT_FOUND, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_PTR_NULL(node_find(seen, OO_FAULT_WEBSOCKET_NOT_PASSED));
}

static void kill_it(struct oo_evidence *seen, int64_t killed_ms_ago, int64_t last_word_ms_ago)
{
	node_docservice_gone(seen, "");
	node_logs(seen, OO_LOG_SOURCE_JOURNAL,
		  "Out of memory: Killed process 77 (docservice) total-vm:9000kB")
		->age_ms = killed_ms_ago;
	node_logs(seen, OO_LOG_SOURCE_DOCSERVICE, "[ERROR] nodeJS - something else")->age_ms =
		last_word_ms_ago;
}

STORY(test_kill_of_an_earlier_life_is_not_to_blame, DOCSERVICE_STOPPED, CERTAIN)
{
	kill_it(seen, 60000, 5000);
}

STORY(test_word_from_the_moment_of_the_kill_is_no_later_life, DOCSERVICE_OUT_OF_MEMORY, CERTAIN)
{
	kill_it(seen, 60000, 59500);
}

static void test_database_that_answers_with_an_error(void)
{
	struct oo_evidence *seen = node_healthy();
	node_false(seen);
	node_result(&seen->dependencies[OO_DEPENDENCY_DATABASE].works, OO_CHECK_REASON_FAILED,
		    "out of memory (53200)");
	node_first(seen, OO_FAULT_DATABASE_FAILING, OO_CONFIDENCE_CERTAIN);
}

static void test_stranger_on_the_database_port_is_not_a_database_that_hangs(void)
{
	struct oo_evidence *seen = node_healthy();
	node_false(seen);
	oo_text_clip(node_listener(seen, 5432)->process, OO_NAME_LENGTH, "pgbouncer");
	node_result(&seen->dependencies[OO_DEPENDENCY_DATABASE].works, OO_CHECK_REASON_SILENT,
		    "connected, no answer");
	node_first(seen, OO_FAULT_DATABASE_UNREACHABLE, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_PTR_NULL(node_find(seen, OO_FAULT_DATABASE_HUNG));
	const struct oo_finding *first = &node_verdict(seen)->findings[0];
	CU_ASSERT_PTR_NOT_NULL(strstr(first->summary, "pgbouncer has its port"));
	CU_ASSERT_PTR_NULL(strstr(first->remedy, "systemctl restart"));
}

/* Whoever may not see other users' processes does not know who listens. */
static void test_unknown_listener_on_the_database_port_is_no_stranger(void)
{
	struct oo_evidence *seen = node_healthy();
	node_false(seen);
	node_listener(seen, 5432)->process[0] = '\0';
	node_result(&seen->dependencies[OO_DEPENDENCY_DATABASE].works, OO_CHECK_REASON_SILENT,
		    "connected, no answer");
	node_first(seen, OO_FAULT_DATABASE_HUNG, OO_CONFIDENCE_CERTAIN);
}

static void test_stranger_on_the_broker_port_is_no_firewall(void)
{
	struct oo_evidence *seen = node_healthy();
	node_false(seen);
	oo_text_clip(node_listener(seen, 5672)->process, OO_NAME_LENGTH, "epmd");
	node_result(&seen->dependencies[OO_DEPENDENCY_BROKER].works, OO_CHECK_REASON_CLOSED,
		    "closed without a word");
	node_first(seen, OO_FAULT_BROKER_UNREACHABLE, OO_CONFIDENCE_CERTAIN);
	const struct oo_finding *first = &node_verdict(seen)->findings[0];
	for (size_t i = 0; i < first->n_grounds; i++) {
		CU_ASSERT_PTR_NULL(strstr(first->grounds[i], "firewall"));
	}
}

/* Its own address is no other host, though nobody listens on it. */
static void test_upstream_by_an_address_of_this_node(void)
{
	struct oo_evidence *seen = node_healthy();
	goes_to(seen, "192.0.2.77");
	node_docservice_gone(seen, "");
	seen->processes[OO_PROGRAM_DOCSERVICE].unit_look = OO_LOOK_NONE;
	node_fails(seen, OO_EXCHANGE_UPSTREAM, OO_CHECK_REASON_REFUSED);
	node_first(seen, OO_FAULT_DOCSERVICE_STOPPED, OO_CONFIDENCE_LIKELY); /* the look-alike */
	oo_text_clip(seen->host.addresses[seen->host.n_addresses++], OO_EVIDENCE_NAME,
		     "192.0.2.77");
	node_first(seen, OO_FAULT_DOCSERVICE_STOPPED, OO_CONFIDENCE_CERTAIN);
}

static void test_loopback_that_is_down_is_no_firewall(void)
{
	struct oo_evidence *seen = node_healthy();
	node_direct_fails(seen, OO_CHECK_REASON_CONNECT_TIMEOUT);
	node_proxied_fails(seen, OO_CHECK_REASON_CONNECT_TIMEOUT);
	node_fails(seen, OO_EXCHANGE_PROXY_STATIC, OO_CHECK_REASON_CONNECT_TIMEOUT);
	for (size_t i = 0; i < OO_DEPENDENCY_CACHE; i++) {
		node_result(&seen->dependencies[i].connect, OO_CHECK_REASON_CONNECT_TIMEOUT, "");
	}
	CU_ASSERT_PTR_NOT_NULL(node_find(seen, OO_FAULT_PROXY_FIREWALL_DROP));
	seen->host.loopback_down = true;
	node_first(seen, OO_FAULT_LOOPBACK_DOWN, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_EQUAL(node_verdict(seen)->n_findings, 1);
}

static void freeze(struct oo_evidence *seen)
{
	node_direct_fails(seen, OO_CHECK_REASON_SILENT);
	node_proxied_fails(seen, OO_CHECK_REASON_SILENT);
	seen->processes[OO_PROGRAM_DOCSERVICE].n_frozen = 1;
}

static void test_frozen_document_server_is_to_be_thawed(void)
{
	struct oo_evidence *seen = node_healthy();
	freeze(seen);
	node_first(seen, OO_FAULT_DOCSERVICE_HUNG, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_PTR_NOT_NULL(strstr(node_verdict(seen)->findings[0].remedy, "thaw"));
	seen->processes[OO_PROGRAM_DOCSERVICE].n_frozen = 0;
	seen->processes[OO_PROGRAM_DOCSERVICE].n_blocked = 1;
	node_first(seen, OO_FAULT_DOCSERVICE_HUNG, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_PTR_NULL(strstr(node_verdict(seen)->findings[0].remedy, "thaw"));
}

static void test_database_on_another_port_is_said_where_it_listens(void)
{
	struct oo_evidence *seen = node_healthy();
	node_false(seen);
	seen->dependencies[OO_DEPENDENCY_DATABASE].at.port = 5433;
	node_result(&seen->dependencies[OO_DEPENDENCY_DATABASE].connect, OO_CHECK_REASON_REFUSED,
		    "Connection refused");
	node_first(seen, OO_FAULT_DATABASE_UNREACHABLE, OO_CONFIDENCE_CERTAIN);
	const struct oo_finding *first = &node_verdict(seen)->findings[0];
	CU_ASSERT_PTR_NOT_NULL(strstr(first->grounds[first->n_grounds - 1], "port 5432"));
}

STORY(test_temporary_files_that_may_not_be_written, PROXY_BY_ITSELF, LIKELY)
{
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY,
			"[crit] 7#7: *9 open() \"/var/lib/nginx/body/0000000001\" failed (13: "
			"Permission denied), request: \"POST /upload/1 HTTP/1.1\"");
}

STORY(test_page_that_may_not_be_read_is_no_temporary_file, NONE, NONE)
{
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY,
			"[error] 7#7: *9 open() \"/var/www/secret\" failed (13: Permission "
			"denied), request: \"GET /secret HTTP/1.1\"");
}

CU_TestInfo tests_of_left[] = {
	TOLD(test_proxy_that_is_closed_for_maintenance),
	TOLD(test_proxy_that_closes_without_a_word),
	TOLD(test_other_server_that_answers_for_it),
	TOLD(test_login_service_that_is_down_is_not_the_upstream),
	TOLD(test_other_site_that_is_down_is_not_the_upstream),
	TOLD(test_redirect_of_a_proxy_with_tls_is_no_answer_of_its_own),
	TOLD(test_error_page_elsewhere_is_no_redirect_loop),
	TOLD(test_document_server_that_answers_errors),
	TOLD(test_errors_passed_on_are_believed_over_the_log),
	TOLD(test_document_server_that_says_something_else),
	TOLD(test_answers_that_break_off),
	TOLD(test_address_of_this_node_that_nobody_listens_on),
	TOLD(test_reject_beside_an_address_that_nobody_listens_on),
	TOLD(test_address_that_refuses_now_does_not_close_early),
	TOLD(test_request_that_dies_with_its_worker),
	TOLD(test_other_host_that_refuses),
	TOLD(test_one_not_found_for_all_is_no_dropped_upgrade),
	TOLD(test_kill_of_an_earlier_life_is_not_to_blame),
	TOLD(test_word_from_the_moment_of_the_kill_is_no_later_life),
	TOLD(test_database_that_answers_with_an_error),
	TOLD(test_stranger_on_the_database_port_is_not_a_database_that_hangs),
	TOLD(test_unknown_listener_on_the_database_port_is_no_stranger),
	TOLD(test_stranger_on_the_broker_port_is_no_firewall),
	TOLD(test_temporary_files_that_may_not_be_written),
	TOLD(test_page_that_may_not_be_read_is_no_temporary_file),
	TOLD(test_upstream_by_an_address_of_this_node),
	TOLD(test_loopback_that_is_down_is_no_firewall),
	TOLD(test_frozen_document_server_is_to_be_thawed),
	TOLD(test_database_on_another_port_is_said_where_it_listens),
	CU_TEST_INFO_NULL,
};
