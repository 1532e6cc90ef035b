/* Between proxy and Document Server. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "node.h"

#define PASS(seen) (&(seen)->proxy.passes[0])
#define HERE "http://127.0.0.1:8000"

STORY(test_proxy_that_goes_to_another_port, UPSTREAM_WRONG_PORT, CERTAIN)
{
	PASS(seen)->peers[0].port = 8080;
	node_proxied(seen, 502);
	node_proxy_logs(seen,
			"connect() failed (111: Connection refused) while connecting to upstream",
			"http://127.0.0.1:8080");
}

STORY(test_proxy_that_goes_to_another_program, UPSTREAM_WRONG_PORT, CERTAIN)
{
	PASS(seen)->peers[0].port = 3000;
	node_proxied(seen, 404);
}

STORY(test_document_server_that_listens_on_another_port, UPSTREAM_WRONG_PORT, CERTAIN)
{
	node_listener(seen, 8000)->at.port = 8001;
	node_direct_fails(seen, OO_CHECK_REASON_REFUSED);
	node_proxied(seen, 502);
}

STORY(test_document_server_that_listens_on_another_address, UPSTREAM_WRONG_PORT, CERTAIN)
{
	oo_text_clip(node_listener(seen, 8000)->at.host, OO_NAME_LENGTH, "::1");
	node_direct_fails(seen, OO_CHECK_REASON_REFUSED);
	node_proxied(seen, 502);
}

STORY(test_peer_that_only_speaks_tls, UPSTREAM_SPEAKS_TLS, CERTAIN)
{
	node_direct_fails(seen, OO_CHECK_REASON_CLOSED);
	node_answers(seen, OO_EXCHANGE_DIRECT_TLS, 200, "true");
	node_proxied(seen, 502);
	node_proxy_logs(seen,
			"upstream prematurely closed connection while reading response "
			"header from upstream",
			HERE);
}

STORY(test_peer_that_says_it_wants_tls, UPSTREAM_SPEAKS_TLS, CERTAIN)
{
	node_answers(seen, OO_EXCHANGE_DIRECT_INDEX, 400,
		     "<center>The plain HTTP request was sent to HTTPS port</center>");
	node_answers(seen, OO_EXCHANGE_DIRECT_HEALTH, 400, "<html>");
	node_proxied(seen, 400);
}

STORY(test_peer_that_speaks_tls_as_it_is_asked, NONE, NONE)
{
	PASS(seen)->tls = true;
	node_answers(seen, OO_EXCHANGE_DIRECT_TLS, 200, "true");
	node_direct_fails(seen, OO_CHECK_REASON_CLOSED);
}

STORY(test_plain_peer_that_is_asked_over_tls, UPSTREAM_SPEAKS_PLAIN, CERTAIN)
{
	PASS(seen)->tls = true;
	node_proxied(seen, 502);
	node_proxy_logs(seen,
			"SSL_do_handshake() failed (SSL: error:0A00010B:SSL "
			"routines::wrong version number) while SSL handshaking to upstream",
			"https://127.0.0.1:8000");
}

STORY(test_peer_that_closes_without_a_word, UPSTREAM_CLOSES_EARLY, CERTAIN)
{
	node_direct_fails(seen, OO_CHECK_REASON_CLOSED);
	node_proxied(seen, 502);
}

STORY(test_peer_that_resets_behind_the_proxy_only, UPSTREAM_CLOSES_EARLY, LIKELY)
{
	node_proxied(seen, 502);
	node_proxy_logs(seen,
			"recv() failed (104: Connection reset by peer) while reading "
			"response header from upstream",
			HERE);
}

STORY(test_peer_that_is_no_web_server, UPSTREAM_NOT_HTTP, CERTAIN)
{
	node_direct_fails(seen, OO_CHECK_REASON_PROTOCOL);
	node_proxied_fails(seen, OO_CHECK_REASON_PROTOCOL);
}

STORY(test_header_that_does_not_fit, UPSTREAM_HEADER_TOO_BIG, CERTAIN)
{
	node_proxied(seen, 502);
	node_proxy_logs(seen,
			"upstream sent too big header while reading response header from "
			"upstream",
			HERE);
}

static void test_newest_line_decides(void)
{
	struct oo_evidence *seen = node_healthy();
	node_proxied(seen, 502);
	node_proxy_logs(seen, "upstream sent too big header while reading", HERE);
	seen->lines[0].age_ms = 300000;
	node_proxy_logs(seen,
			"connect() to 127.0.0.1:8000 failed (13: Permission denied) while "
			"connecting to upstream",
			HERE);
	node_first(seen, OO_FAULT_UPSTREAM_PERMISSION, OO_CONFIDENCE_CERTAIN);
}

STORY(test_old_line_of_a_proxy_that_serves_is_nothing, NONE, NONE)
{
	node_proxy_logs(seen, "upstream sent too big header while reading", HERE);
}

STORY(test_proxy_that_may_not_connect, UPSTREAM_PERMISSION, CERTAIN)
{
	node_proxied(seen, 502);
	node_proxy_logs(seen,
			"connect() to [::1]:8000 failed (13: Permission denied) while "
			"connecting to upstream",
			"http://[::1]:8000");
}

STORY(test_proxy_that_alone_is_rejected, UPSTREAM_FIREWALL_REJECT, CERTAIN)
{
	node_proxied(seen, 502);
	node_proxy_logs(seen,
			"connect() failed (111: Connection refused) while connecting to upstream",
			HERE);
}

STORY(test_proxy_that_alone_is_dropped, UPSTREAM_FIREWALL_DROP, CERTAIN)
{
	node_proxied(seen, 504);
	node_proxy_logs(seen,
			"upstream timed out (110: Connection timed out) while connecting to "
			"upstream",
			HERE);
}

STORY(test_upstream_without_a_route, UPSTREAM_NO_ROUTE, CERTAIN)
{
	oo_text_clip(PASS(seen)->peers[0].host, OO_NAME_LENGTH, "198.51.100.7");
	node_proxied(seen, 502);
	node_proxy_logs(seen,
			"connect() failed (113: No route to host) while connecting to upstream",
			"http://198.51.100.7:8000");
}

STORY(test_reject_of_both_families_is_no_permission, UPSTREAM_FIREWALL_REJECT, CERTAIN)
{
	node_proxied(seen, 502);
	node_proxy_logs(seen, "connect() failed (113: No route to host) while connecting", HERE);
	node_proxy_logs(seen,
			"connect() to [::1]:8000 failed (13: Permission denied) while "
			"connecting to upstream",
			"http://[::1]:8000");
	seen->lines[1].age_ms = 900;
}

STORY(test_upstream_elsewhere_that_is_dropped, UPSTREAM_FIREWALL_DROP, CERTAIN)
{
	oo_text_clip(PASS(seen)->peers[0].host, OO_NAME_LENGTH, "198.51.100.7");
	node_fails(seen, OO_EXCHANGE_UPSTREAM, OO_CHECK_REASON_CONNECT_TIMEOUT);
	node_proxied_fails(seen, OO_CHECK_REASON_SILENT);
}

STORY(test_silence_through_the_proxy_is_never_nothing, UPSTREAM_FIREWALL_DROP, POSSIBLE)
{
	node_proxied_fails(seen, OO_CHECK_REASON_SILENT);
}

STORY(test_no_ports_left_for_the_proxy, UPSTREAM_PORTS_EXHAUSTED, CERTAIN)
{
	node_proxied(seen, 502);
	node_proxy_logs(seen,
			"connect() to 127.0.0.1:8000 failed (99: Cannot assign requested "
			"address) while connecting to upstream",
			HERE);
}

STORY(test_no_ports_left_without_a_log, UPSTREAM_PORTS_EXHAUSTED, CERTAIN)
{
	node_proxied(seen, 502);
	seen->host.local_ports_used_percent = 99;
}

static struct oo_evidence_lookup *lookup(struct oo_evidence *seen, const char *name,
					 enum oo_look look)
{
	struct oo_evidence_lookup *one = &seen->lookups[seen->n_lookups++];
	one->look = look;
	oo_text_clip(one->name, sizeof(one->name), name);
	oo_text_clip(one->asked_by, sizeof(one->asked_by), "nginx upstream docservice");
	oo_text_clip(PASS(seen)->peers[0].host, OO_NAME_LENGTH, name);
	return one;
}

STORY(test_upstream_name_that_is_gone_stops_the_proxy, UPSTREAM_NAME_NOT_RESOLVED, CERTAIN)
{
	(void)lookup(seen, "ds.example", OO_LOOK_ABSENT);
	node_proxied_fails(seen, OO_CHECK_REASON_REFUSED);
	node_fails(seen, OO_EXCHANGE_PROXY_STATIC, OO_CHECK_REASON_REFUSED);
	node_gone(seen, OO_PROGRAM_PROXY, "failed/failed");
	node_unlisten(seen, 80);
	seen->proxy_test.passed = false;
	oo_text_clip(seen->proxy_test.error, OO_EVIDENCE_TEXT,
		     "host not found in upstream \"ds.example\" in /etc/nginx/nginx.conf:5");
}

static void test_name_that_nginx_still_remembers_is_a_warning(void)
{
	struct oo_evidence *seen = node_healthy();
	(void)lookup(seen, "ds.example", OO_LOOK_ABSENT);
	node_first(seen, OO_FAULT_UPSTREAM_NAME_NOT_RESOLVED, OO_CONFIDENCE_CERTAIN);
	CU_ASSERT_EQUAL(node_verdict(seen)->first_broken, OO_LAYER_END);
}

STORY(test_name_that_has_moved_on_is_stale, UPSTREAM_NAME_STALE, CERTAIN)
{
	struct oo_evidence_lookup *one = lookup(seen, "ds.example", OO_LOOK_SEEN);
	one->n_addresses = 1;
	oo_text_clip(one->addresses[0], OO_NAME_LENGTH, "127.0.0.1");
	node_proxied(seen, 502);
	node_proxy_logs(seen,
			"connect() failed (111: Connection refused) while connecting to upstream",
			"http://192.0.2.77:8000");
}

STORY(test_proxy_that_has_not_read_its_files, PROXY_RELOAD_NEEDED, CERTAIN)
{
	node_proxied(seen, 502);
	node_proxy_logs(seen,
			"connect() failed (111: Connection refused) while connecting to upstream",
			"http://127.0.0.1:8999");
}

STORY(test_answer_slower_than_the_proxy_waits, UPSTREAM_READ_TIMEOUT_SHORT, CERTAIN)
{
	PASS(seen)->read_timeout_ms = 1000;
	seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH].times.total_us = 1800000;
	node_proxied(seen, 504);
}

STORY(test_answer_slower_than_we_wait, UPSTREAM_READ_TIMEOUT_SHORT, LIKELY)
{
	PASS(seen)->read_timeout_ms = 1000;
	node_health_silent(seen);
	node_proxied(seen, 504);
}

STORY(test_upgrade_that_is_dropped, WEBSOCKET_NOT_PASSED, CERTAIN)
{
	PASS(seen)->upgrades = false;
	node_answers(seen, OO_EXCHANGE_PROXY_EDITOR, 400, "{\"code\":3}");
}

STORY(test_upgrade_that_the_document_server_refuses, NONE, NONE)
{
	node_answers(seen, OO_EXCHANGE_DIRECT_EDITOR, 400, "{\"code\":3}");
	node_answers(seen, OO_EXCHANGE_PROXY_EDITOR, 400, "{\"code\":3}");
}

STORY(test_host_that_is_not_the_users, WRONG_HOST, LIKELY)
{
	oo_text_clip(PASS(seen)->host_header, OO_NAME_LENGTH, "docs.internal");
	PASS(seen)->forwarded_host_header[0] = '\0';
}

STORY(test_host_of_our_own_with_the_users_forwarded, NONE, NONE)
{
	oo_text_clip(PASS(seen)->host_header, OO_NAME_LENGTH, "docs.internal");
}

STORY(test_gateway_error_without_a_log_is_possible_only, UPSTREAM_FIREWALL_REJECT, POSSIBLE)
{
	node_proxied(seen, 502);
	seen->logs_look[OO_LOG_SOURCE_PROXY] = OO_LOOK_DENIED;
}

STORY(test_changed_files_are_a_reason_where_none_else_is, PROXY_RELOAD_NEEDED, LIKELY)
{
	node_proxied(seen, 502);
	seen->proxy_test.changed_since_start = true;
}

STORY(test_changed_files_alone_are_nothing, NONE, NONE)
{
	seen->proxy_test.changed_since_start = true;
}

/* The Document Server is another host's; nothing of it is here. */
static void move_away(struct oo_evidence *seen)
{
	oo_text_clip(PASS(seen)->peers[0].host, OO_NAME_LENGTH, "198.51.100.7");
	node_gone(seen, OO_PROGRAM_DOCSERVICE, "");
	seen->processes[OO_PROGRAM_DOCSERVICE].unit_look = OO_LOOK_ABSENT;
	node_unlisten(seen, 8000);
	node_direct_fails(seen, OO_CHECK_REASON_REFUSED);
	node_answers(seen, OO_EXCHANGE_UPSTREAM, 200, "true");
}

STORY(test_document_server_elsewhere_that_answers, NONE, NONE)
{
	move_away(seen);
}

STORY(test_document_server_elsewhere_that_refuses, DOCSERVICE_STOPPED, LIKELY)
{
	move_away(seen);
	node_fails(seen, OO_EXCHANGE_UPSTREAM, OO_CHECK_REASON_REFUSED);
	node_proxied(seen, 502);
}

STORY(test_document_server_elsewhere_without_a_route, UPSTREAM_NO_ROUTE, CERTAIN)
{
	move_away(seen);
	node_fails(seen, OO_EXCHANGE_UPSTREAM, OO_CHECK_REASON_UNREACHABLE);
	node_proxied(seen, 502);
}

STORY(test_proxy_that_goes_to_another_host, UPSTREAM_WRONG_PORT, CERTAIN)
{
	oo_text_clip(PASS(seen)->peers[0].host, OO_NAME_LENGTH, "198.51.100.7");
	node_fails(seen, OO_EXCHANGE_UPSTREAM, OO_CHECK_REASON_REFUSED);
	node_proxied(seen, 502);
}

CU_TestInfo tests_of_upstream[] = {
	TOLD(test_proxy_that_goes_to_another_port),
	TOLD(test_proxy_that_goes_to_another_program),
	TOLD(test_proxy_that_goes_to_another_host),
	TOLD(test_document_server_elsewhere_that_answers),
	TOLD(test_document_server_elsewhere_that_refuses),
	TOLD(test_document_server_elsewhere_without_a_route),
	TOLD(test_document_server_that_listens_on_another_port),
	TOLD(test_document_server_that_listens_on_another_address),
	TOLD(test_peer_that_only_speaks_tls),
	TOLD(test_peer_that_says_it_wants_tls),
	TOLD(test_peer_that_speaks_tls_as_it_is_asked),
	TOLD(test_plain_peer_that_is_asked_over_tls),
	TOLD(test_peer_that_closes_without_a_word),
	TOLD(test_peer_that_resets_behind_the_proxy_only),
	TOLD(test_peer_that_is_no_web_server),
	TOLD(test_header_that_does_not_fit),
	TOLD(test_newest_line_decides),
	TOLD(test_old_line_of_a_proxy_that_serves_is_nothing),
	TOLD(test_proxy_that_may_not_connect),
	TOLD(test_proxy_that_alone_is_rejected),
	TOLD(test_proxy_that_alone_is_dropped),
	TOLD(test_upstream_without_a_route),
	TOLD(test_reject_of_both_families_is_no_permission),
	TOLD(test_upstream_elsewhere_that_is_dropped),
	TOLD(test_silence_through_the_proxy_is_never_nothing),
	TOLD(test_no_ports_left_for_the_proxy),
	TOLD(test_no_ports_left_without_a_log),
	TOLD(test_upstream_name_that_is_gone_stops_the_proxy),
	TOLD(test_name_that_nginx_still_remembers_is_a_warning),
	TOLD(test_name_that_has_moved_on_is_stale),
	TOLD(test_proxy_that_has_not_read_its_files),
	TOLD(test_answer_slower_than_the_proxy_waits),
	TOLD(test_answer_slower_than_we_wait),
	TOLD(test_upgrade_that_is_dropped),
	TOLD(test_upgrade_that_the_document_server_refuses),
	TOLD(test_host_that_is_not_the_users),
	TOLD(test_host_of_our_own_with_the_users_forwarded),
	TOLD(test_gateway_error_without_a_log_is_possible_only),
	TOLD(test_changed_files_are_a_reason_where_none_else_is),
	TOLD(test_changed_files_alone_are_nothing),
	CU_TEST_INFO_NULL,
};
