/* The proxy itself, and its certificate. */
#include <string.h>

#include "base/text.h"
#include "node.h"

static void unreach(struct oo_evidence *seen, enum oo_check_reason reason)
{
	node_proxied_fails(seen, reason);
	node_fails(seen, OO_EXCHANGE_PROXY_STATIC, reason);
}

static void end(struct oo_evidence *seen, const char *unit_state)
{
	unreach(seen, OO_CHECK_REASON_REFUSED);
	node_unlisten(seen, 80);
	node_gone(seen, OO_PROGRAM_PROXY, unit_state);
}

static void test_stopped_proxy_leaves_the_rest_fine(void)
{
	struct oo_evidence *seen = node_healthy();
	end(seen, "inactive/dead");
	node_first(seen, OO_FAULT_PROXY_STOPPED, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_EQUAL(node_verdict(seen)->n_findings, 1);
	CU_ASSERT_EQUAL(node_verdict(seen)->chain[OO_LAYER_DOCUMENT_SERVER], OO_LAYER_STATE_FINE);
}

STORY(test_stopped_proxy_is_seen_without_rights_too, PROXY_STOPPED, LIKELY)
{
	end(seen, "");
	seen->processes[OO_PROGRAM_PROXY].look = OO_LOOK_DENIED;
	seen->processes[OO_PROGRAM_PROXY].unit_look = OO_LOOK_NONE;
}

STORY(test_proxy_that_ends_its_last_connections_is_stopped, PROXY_STOPPED, CERTAIN)
{
	unreach(seen, OO_CHECK_REASON_REFUSED);
	node_unlisten(seen, 80);
	seen->processes[OO_PROGRAM_PROXY].n_leaving = 1;
}

STORY(test_proxy_killed_by_a_signal_crashed, PROXY_CRASHED, CERTAIN)
{
	end(seen, "failed/failed");
	oo_text_clip(seen->processes[OO_PROGRAM_PROXY].unit_result, OO_EVIDENCE_NAME, "core-dump");
}

static const char died[] = "[alert] worker process 4711 exited on signal 11";

STORY(test_workers_that_die_again_and_again_crashed_though_we_slip_through, PROXY_CRASHED, CERTAIN)
{
	node_logs(seen, OO_LOG_SOURCE_PROXY, died)->n = 2;
}

STORY(test_worker_that_died_once_is_past, NONE, NONE)
{
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY, died);
}

STORY(test_workers_that_died_minutes_ago_are_past, NONE, NONE)
{
	struct oo_log_line *line = node_logs(seen, OO_LOG_SOURCE_PROXY, died);
	line->n = 2;
	line->age_ms = 500000;
}

STORY(test_configuration_that_keeps_it_from_starting, PROXY_CONFIG_BROKEN, CERTAIN)
{
	end(seen, "failed/failed");
	seen->proxy_test.passed = false;
	oo_text_clip(seen->proxy_test.error, OO_EVIDENCE_TEXT,
		     "unknown \"cache_tag\" variable in /etc/nginx/nginx.conf:3");
}

static void test_configuration_broken_under_a_running_proxy_is_a_warning(void)
{
	struct oo_evidence *seen = node_healthy();
	seen->proxy_test.passed = false;
	oo_text_clip(seen->proxy_test.error, OO_EVIDENCE_TEXT, "unexpected \"}\"");
	node_first(seen, OO_FAULT_PROXY_CONFIG_BROKEN, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_EQUAL(node_verdict(seen)->first_broken, OO_LAYER_END);
}

STORY(test_test_that_a_plain_user_may_not_make_proves_nothing, NONE, NONE)
{
	seen->is_root = false;
	seen->proxy_test.passed = false;
	oo_text_clip(seen->proxy_test.error, OO_EVIDENCE_TEXT,
		     "open() \"/run/nginx.pid\" failed (13: Permission denied)");
}

STORY(test_port_that_another_program_has, PROXY_PORT_TAKEN, CERTAIN)
{
	node_gone(seen, OO_PROGRAM_PROXY, "failed/failed");
	oo_text_clip(node_listener(seen, 80)->process, OO_EVIDENCE_NAME, "apache2");
	node_proxied(seen, 404);
	node_answers(seen, OO_EXCHANGE_PROXY_STATIC, 404, "");
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY,
			"[emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)");
}

STORY(test_proxy_that_listens_on_another_port, PROXY_LISTENS_ELSEWHERE, CERTAIN)
{
	unreach(seen, OO_CHECK_REASON_REFUSED);
	node_listener(seen, 80)->at.port = 8888;
}

STORY(test_proxy_that_listens_on_another_address, PROXY_LISTENS_ELSEWHERE, CERTAIN)
{
	unreach(seen, OO_CHECK_REASON_REFUSED);
	oo_text_clip(node_listener(seen, 80)->at.host, OO_NAME_LENGTH, "192.0.2.10");
}

STORY(test_listening_proxy_that_refuses_is_firewalled, PROXY_FIREWALL_REJECT, CERTAIN)
{
	unreach(seen, OO_CHECK_REASON_REFUSED);
}

STORY(test_listening_proxy_that_nobody_reaches_is_firewalled, PROXY_FIREWALL_DROP, CERTAIN)
{
	unreach(seen, OO_CHECK_REASON_CONNECT_TIMEOUT);
}

STORY(test_listening_proxy_with_a_full_queue_is_hung, PROXY_HUNG, CERTAIN)
{
	unreach(seen, OO_CHECK_REASON_CONNECT_TIMEOUT);
	node_listener(seen, 80)->queued = 511;
}

STORY(test_proxy_silent_even_with_its_own_files_is_hung, PROXY_HUNG, CERTAIN)
{
	unreach(seen, OO_CHECK_REASON_SILENT);
}

STORY(test_proxy_master_stopped_alone_is_nothing, NONE, NONE)
{
	seen->processes[OO_PROGRAM_PROXY].n_stopped = 1;
}

STORY(test_no_connections_left_in_the_proxy, PROXY_CONNECTIONS_EXHAUSTED, CERTAIN)
{
	unreach(seen, OO_CHECK_REASON_CLOSED);
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY, "[alert] 768 worker_connections are not enough");
}

STORY(test_no_descriptors_left_in_the_proxy, PROXY_DESCRIPTORS_EXHAUSTED, CERTAIN)
{
	unreach(seen, OO_CHECK_REASON_SILENT);
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY,
			"[crit] accept4() failed (24: Too many open files)");
}

STORY(test_no_descriptors_for_upstreams_is_a_500, PROXY_DESCRIPTORS_EXHAUSTED, CERTAIN)
{
	node_proxied(seen, 500);
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY,
			"[alert] socket() failed (24: Too many open files) while connecting to "
			"upstream");
}

STORY(test_connections_that_were_used_up_before_are_past, PROXY_HUNG, CERTAIN)
{
	unreach(seen, OO_CHECK_REASON_SILENT);
	node_logs(seen, OO_LOG_SOURCE_PROXY, "[alert] 768 worker_connections are not enough")
		->age_ms = 500000;
}

STORY(test_failed_start_before_a_good_test_is_past, PROXY_STOPPED, CERTAIN)
{
	end(seen, "inactive/dead");
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY, "[emerg] unexpected end of ds.conf:3");
}

static void show(struct oo_evidence *seen, enum oo_trust trust, int64_t days)
{
	node_answers(seen, OO_EXCHANGE_PROXY_TLS, 200, "true");
	seen->exchanges[OO_EXCHANGE_PROXY_TLS].trust = trust;
	seen->exchanges[OO_EXCHANGE_PROXY_TLS].certificate_days_left = days;
	oo_text_clip(seen->exchanges[OO_EXCHANGE_PROXY_TLS].certificate, OO_EVIDENCE_TEXT,
		     "CN=office.example");
}

STORY(test_expired_certificate, CERTIFICATE_EXPIRED, CERTAIN)
{
	show(seen, OO_TRUST_EXPIRED, -3);
}

static void test_renewed_file_is_to_be_read(void)
{
	struct oo_evidence *seen = node_healthy();
	show(seen, OO_TRUST_EXPIRED, -3);
	seen->n_certificates = 1;
	seen->certificates[0] = (struct oo_certificate){
		.look = OO_LOOK_SEEN, .days_left = 80, .is_key_its_own = true};
	const struct oo_finding *finding = node_find(seen, OO_FAULT_CERTIFICATE_EXPIRED);
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_STRING_EQUAL(finding->remedy, "nginx -t && nginx -s reload");
}

STORY(test_expired_file_that_nobody_asked_for, CERTIFICATE_EXPIRED, CERTAIN)
{
	seen->n_certificates = 1;
	seen->certificates[0] = (struct oo_certificate){
		.look = OO_LOOK_SEEN, .days_left = -2, .is_key_its_own = true};
}

STORY(test_file_that_we_may_not_read_is_not_expired, NONE, NONE)
{
	seen->n_certificates = 1;
	seen->certificates[0] = (struct oo_certificate){.look = OO_LOOK_DENIED, .days_left = -2};
}

STORY(test_key_of_another_certificate, PROXY_CONFIG_BROKEN, CERTAIN)
{
	seen->n_certificates = 1;
	seen->certificates[0] = (struct oo_certificate){.look = OO_LOOK_SEEN, .days_left = 80};
}

STORY(test_failed_start_is_told_by_the_log_alone, PROXY_CONFIG_BROKEN, LIKELY)
{
	end(seen, "");
	seen->proxy_test = (struct oo_proxy_test){.look = OO_LOOK_NONE};
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY,
			"[emerg] bind() to 192.0.2.10:80 failed (99: Cannot assign requested "
			"address)");
}

STORY(test_certificate_of_tomorrow, CERTIFICATE_NOT_YET_VALID, CERTAIN)
{
	show(seen, OO_TRUST_NOT_YET, 90);
}

STORY(test_chain_without_its_middle, CERTIFICATE_CHAIN, LIKELY)
{
	show(seen, OO_TRUST_CHAIN, 90);
}

STORY(test_certificate_for_another_name_than_an_address_is_nothing, NONE, NONE)
{
	show(seen, OO_TRUST_OTHER_NAME, 90);
}

STORY(test_certificate_for_another_name_than_the_users, CERTIFICATE_OTHER_NAME, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_USER, 200, "true");
	seen->exchanges[OO_EXCHANGE_USER].trust = OO_TRUST_OTHER_NAME;
}

static void test_certificate_that_expires_soon_is_a_warning(void)
{
	struct oo_evidence *seen = node_healthy();
	show(seen, OO_TRUST_GOOD, 13);
	node_first(seen, OO_FAULT_CERTIFICATE_EXPIRES_SOON, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_EQUAL(node_verdict(seen)->first_broken, OO_LAYER_END);
}

STORY(test_certificate_with_time_left_is_nothing, NONE, NONE)
{
	show(seen, OO_TRUST_GOOD, 14);
}

CU_TestInfo tests_of_proxy[] = {
	TOLD(test_stopped_proxy_leaves_the_rest_fine),
	TOLD(test_stopped_proxy_is_seen_without_rights_too),
	TOLD(test_proxy_that_ends_its_last_connections_is_stopped),
	TOLD(test_proxy_killed_by_a_signal_crashed),
	TOLD(test_workers_that_die_again_and_again_crashed_though_we_slip_through),
	TOLD(test_worker_that_died_once_is_past),
	TOLD(test_workers_that_died_minutes_ago_are_past),
	TOLD(test_configuration_that_keeps_it_from_starting),
	TOLD(test_configuration_broken_under_a_running_proxy_is_a_warning),
	TOLD(test_test_that_a_plain_user_may_not_make_proves_nothing),
	TOLD(test_port_that_another_program_has),
	TOLD(test_proxy_that_listens_on_another_port),
	TOLD(test_proxy_that_listens_on_another_address),
	TOLD(test_listening_proxy_that_refuses_is_firewalled),
	TOLD(test_listening_proxy_that_nobody_reaches_is_firewalled),
	TOLD(test_listening_proxy_with_a_full_queue_is_hung),
	TOLD(test_proxy_silent_even_with_its_own_files_is_hung),
	TOLD(test_proxy_master_stopped_alone_is_nothing),
	TOLD(test_no_connections_left_in_the_proxy),
	TOLD(test_no_descriptors_left_in_the_proxy),
	TOLD(test_no_descriptors_for_upstreams_is_a_500),
	TOLD(test_connections_that_were_used_up_before_are_past),
	TOLD(test_failed_start_before_a_good_test_is_past),
	TOLD(test_expired_certificate),
	TOLD(test_renewed_file_is_to_be_read),
	TOLD(test_expired_file_that_nobody_asked_for),
	TOLD(test_file_that_we_may_not_read_is_not_expired),
	TOLD(test_key_of_another_certificate),
	TOLD(test_failed_start_is_told_by_the_log_alone),
	TOLD(test_certificate_of_tomorrow),
	TOLD(test_chain_without_its_middle),
	TOLD(test_certificate_for_another_name_than_an_address_is_nothing),
	TOLD(test_certificate_for_another_name_than_the_users),
	TOLD(test_certificate_that_expires_soon_is_a_warning),
	TOLD(test_certificate_with_time_left_is_nothing),
	CU_TEST_INFO_NULL,
};
