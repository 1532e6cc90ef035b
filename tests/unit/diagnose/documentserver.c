/* A Document Server that listens, and does not serve. And the converter. */
#include <string.h>

#include "base/text.h"
#include "node.h"

static void hang(struct oo_evidence *seen)
{
	node_direct_fails(seen, OO_CHECK_REASON_SILENT);
	node_proxied_fails(seen, OO_CHECK_REASON_SILENT);
}

STORY(test_silent_index_is_hung, DOCSERVICE_HUNG, CERTAIN)
{
	hang(seen);
}

static void test_hung_is_said_as_it_was_seen(void)
{
	struct oo_evidence *seen = node_healthy();
	hang(seen);
	CU_ASSERT_STRING_EQUAL(
		node_verdict(seen)->findings[0].summary,
		"Document Server hung: index.html silent, healthcheck silent; port 8000 accepts");
	CU_ASSERT_EQUAL(node_verdict(seen)->n_findings, 1);
	CU_ASSERT_EQUAL(node_verdict(seen)->first_broken, OO_LAYER_DOCUMENT_SERVER);
}

static void test_stopped_process_is_to_be_continued(void)
{
	struct oo_evidence *seen = node_healthy();
	hang(seen);
	seen->processes[OO_PROGRAM_DOCSERVICE].n_stopped = 1;
	const struct oo_finding *finding = node_find(seen, OO_FAULT_DOCSERVICE_HUNG);
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_STRING_EQUAL(finding->remedy, "kill -CONT 800");
}

STORY(test_whole_core_is_busy_not_hung, DOCSERVICE_BUSY, CERTAIN)
{
	hang(seen);
	seen->processes[OO_PROGRAM_DOCSERVICE].cpu_percent = 100;
}

STORY(test_gateway_timeout_of_a_hung_one_is_its_own, DOCSERVICE_HUNG, CERTAIN)
{
	hang(seen);
	node_proxied(seen, 504);
	seen->proxy.passes[0].read_timeout_ms = 1000;
}

STORY(test_full_queue_is_hung_not_firewalled, DOCSERVICE_HUNG, CERTAIN)
{
	node_direct_fails(seen, OO_CHECK_REASON_CONNECT_TIMEOUT);
	node_proxied(seen, 504);
	node_listener(seen, 8000)->queued = 512;
}

STORY(test_dropped_connections_to_a_listener_are_a_firewalls, UPSTREAM_FIREWALL_DROP, CERTAIN)
{
	node_direct_fails(seen, OO_CHECK_REASON_CONNECT_TIMEOUT);
	node_proxied(seen, 504);
}

STORY(test_refused_by_a_listener_is_a_firewall, UPSTREAM_FIREWALL_REJECT, CERTAIN)
{
	node_direct_fails(seen, OO_CHECK_REASON_REFUSED);
	node_proxied(seen, 502);
}

STORY(test_drained_is_seen_through_true, DOCSERVICE_DRAINED, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_DIRECT_INACTIVE, 200, "{\"shutdown\": true}");
}

STORY(test_old_version_without_that_path_is_not_drained, NONE, NONE)
{
	node_answers(seen, OO_EXCHANGE_DIRECT_INACTIVE, 404, "Cannot GET /internal");
}

STORY(test_used_up_descriptors_are_counted, DOCSERVICE_DESCRIPTORS_EXHAUSTED, CERTAIN)
{
	hang(seen);
	seen->processes[OO_PROGRAM_DOCSERVICE].descriptors = 1024;
}

STORY(test_ip_filter_is_not_the_proxys_deny, DOCSERVICE_IP_FILTER, CERTAIN)
{
	node_proxied(seen, 403);
	node_answers(seen, OO_EXCHANGE_DIRECT_HEALTH, 403, "");
	seen->documentserver.ip_filter = true;
}

STORY(test_deny_of_the_proxy_is_not_the_ip_filter, URL_FORBIDDEN, CERTAIN)
{
	node_proxied(seen, 403);
	node_logs(seen, OO_LOG_SOURCE_PROXY, "access forbidden by rule, client: 10.0.0.9");
}

STORY(test_own_secret_refused_is_a_mismatch, TOKEN_MISMATCH, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_PROXY_COMMAND, 200, "{\"error\":6}");
}

STORY(test_unsigned_request_refused_is_as_it_should, NONE, NONE)
{
	node_answers(seen, OO_EXCHANGE_PROXY_COMMAND, 200, "{\"error\":6}");
	seen->documentserver.secret_look = OO_LOOK_DENIED;
}

STORY(test_queue_overflowing_now_is_busy, DOCSERVICE_BUSY, LIKELY)
{
	node_listener(seen, 8000)->queued = 300;
	seen->host.listen_overflows_now = 4;
}

STORY(test_converter_that_is_gone_is_stopped, CONVERTER_STOPPED, CERTAIN)
{
	node_gone(seen, OO_PROGRAM_CONVERTER, "inactive/dead");
	node_result(&seen->dependencies[OO_DEPENDENCY_BROKER].consumers,
		    OO_CHECK_REASON_NO_CONSUMERS, "0 consumers, 4 messages");
}

STORY(test_converter_elsewhere_serves_as_well, NONE, NONE)
{
	node_gone(seen, OO_PROGRAM_CONVERTER, "");
}

STORY(test_converter_that_takes_nothing_is_not_stopped, CONVERTER_NOT_CONSUMING, CERTAIN)
{
	node_result(&seen->dependencies[OO_DEPENDENCY_BROKER].consumers,
		    OO_CHECK_REASON_NO_CONSUMERS, "0 consumers, 4 messages");
}

STORY(test_converter_in_state_t_does_no_work, CONVERTER_NOT_CONSUMING, CERTAIN)
{
	seen->processes[OO_PROGRAM_CONVERTER].n_stopped = 2;
}

STORY(test_failing_conversions_are_told_by_the_log, CONVERTER_FAILING, LIKELY)
{
	(void)node_logs(seen, OO_LOG_SOURCE_CONVERTER,
			"[ERROR] nodeJS - ExitCode (code=127;signal=null;error:-80)");
}

STORY(test_container_seen_through_the_proxy_only, DOCSERVICE_STOPPED, POSSIBLE)
{
	node_docservice_gone(seen, "running");
	seen->is_docker = true;
	seen->processes[OO_PROGRAM_DOCSERVICE].look = OO_LOOK_NONE;
	for (int i = OO_EXCHANGE_DIRECT_HEALTH; i <= OO_EXCHANGE_DIRECT_TLS; i++) {
		seen->exchanges[i] = (struct oo_exchange){.look = OO_LOOK_NONE};
	}
	node_unlisten(seen, 5432);
	seen->proxy = (struct oo_proxy_config){.look = OO_LOOK_ABSENT};
}

static void test_healthy_container_is_healthy(void)
{
	struct oo_evidence *seen = node_healthy();
	seen->is_docker = true;
	node_unlisten(seen, 8000);
	node_unlisten(seen, 5432);
	node_direct_fails(seen, OO_CHECK_REASON_REFUSED);
	node_result(&seen->dependencies[OO_DEPENDENCY_DATABASE].connect, OO_CHECK_REASON_REFUSED,
		    "Connection refused");
	for (int i = 0; i < OO_PROGRAM_END; i++) {
		seen->processes[i] = (struct oo_process){.look = OO_LOOK_NONE};
	}
	node_first(seen, OO_FAULT_NONE, OO_CONFIDENCE_NONE);
}

CU_TestInfo tests_of_documentserver[] = {
	TOLD(test_silent_index_is_hung),
	TOLD(test_hung_is_said_as_it_was_seen),
	TOLD(test_stopped_process_is_to_be_continued),
	TOLD(test_whole_core_is_busy_not_hung),
	TOLD(test_gateway_timeout_of_a_hung_one_is_its_own),
	TOLD(test_full_queue_is_hung_not_firewalled),
	TOLD(test_dropped_connections_to_a_listener_are_a_firewalls),
	TOLD(test_refused_by_a_listener_is_a_firewall),
	TOLD(test_drained_is_seen_through_true),
	TOLD(test_old_version_without_that_path_is_not_drained),
	TOLD(test_used_up_descriptors_are_counted),
	TOLD(test_ip_filter_is_not_the_proxys_deny),
	TOLD(test_deny_of_the_proxy_is_not_the_ip_filter),
	TOLD(test_own_secret_refused_is_a_mismatch),
	TOLD(test_unsigned_request_refused_is_as_it_should),
	TOLD(test_queue_overflowing_now_is_busy),
	TOLD(test_converter_that_is_gone_is_stopped),
	TOLD(test_converter_elsewhere_serves_as_well),
	TOLD(test_converter_that_takes_nothing_is_not_stopped),
	TOLD(test_converter_in_state_t_does_no_work),
	TOLD(test_failing_conversions_are_told_by_the_log),
	TOLD(test_container_seen_through_the_proxy_only),
	TOLD(test_healthy_container_is_healthy),
	CU_TEST_INFO_NULL,
};
