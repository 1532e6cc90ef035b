/* Names, log lines, and a verdict that is written down. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "diagnose/log_meaning.h"
#include "diagnose/render.h"
#include "node.h"

static void test_every_fault_has_a_name_of_its_own(void)
{
	for (enum oo_fault one = OO_FAULT_NONE; one < OO_FAULT_END; one++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(oo_fault_name(one));
		CU_ASSERT(oo_fault_name(one)[0] != '\0');
		for (enum oo_fault other = OO_FAULT_NONE; other < one; other++) {
			CU_ASSERT_STRING_NOT_EQUAL(oo_fault_name(one), oo_fault_name(other));
		}
	}
}

static void test_healthy_node_has_nothing_wrong(void)
{
	const struct oo_verdict *verdict = node_verdict(node_healthy());
	CU_ASSERT_EQUAL(verdict->n_findings, 0);
	CU_ASSERT_EQUAL(verdict->first_broken, OO_LAYER_END);
	CU_ASSERT_EQUAL(verdict->chain[OO_LAYER_PROXY], OO_LAYER_STATE_FINE);
	CU_ASSERT_EQUAL(verdict->chain[OO_LAYER_STORAGE], OO_LAYER_STATE_FINE);
}

static void test_nothing_that_was_not_looked_at_is_evidence(void)
{
	OO_AUTO(oo_free) struct oo_evidence *nothing = calloc(1, sizeof(*nothing));
	CU_ASSERT_PTR_NOT_NULL_FATAL(nothing);
	node_first(nothing, OO_FAULT_NONE, OO_CONFIDENCE_NONE);
	CU_ASSERT_EQUAL(node_verdict(nothing)->chain[OO_LAYER_DATABASE], OO_LAYER_STATE_UNKNOWN);
}

static void test_strangers_words_neither_begin_a_line_nor_steer_a_terminal(void)
{
	struct oo_evidence *seen = node_healthy();
	struct oo_listener *listener = node_listener(seen, 8000);
	listener->pid = 666;
	node_gone(seen, OO_PROGRAM_DOCSERVICE, "activating/auto-restart");
	node_direct_fails(seen, OO_CHECK_REASON_REFUSED);
	node_answers(seen, OO_EXCHANGE_DIRECT_INDEX, 404, "File not found");
	node_proxied(seen, 404);
	oo_text_clip(listener->process, sizeof(listener->process), "x\033[2J\n1. y\177");
	const struct oo_finding *finding = node_find(seen, OO_FAULT_DOCSERVICE_PORT_TAKEN);
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->summary, "x?[2J?1. y?"));
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->grounds[0], "x?[2J?1. y?"));
}

static void test_what_is_behind_a_broken_link_is_not_judged(void)
{
	struct oo_evidence *seen = node_healthy();
	node_docservice_gone(seen, "inactive/dead");
	seen->dependencies[OO_DEPENDENCY_DATABASE].look = OO_LOOK_DENIED;
	node_result(&seen->dependencies[OO_DEPENDENCY_DATABASE].works, OO_CHECK_REASON_NONE, "");
	CU_ASSERT_EQUAL(node_verdict(seen)->chain[OO_LAYER_DATABASE], OO_LAYER_STATE_BEHIND);
	CU_ASSERT_EQUAL(node_verdict(seen)->chain[OO_LAYER_BROKER], OO_LAYER_STATE_FINE);
}

static const struct {
	enum oo_log_source source;
	const char *text;
	enum oo_log_meaning meaning;
} lines[] = {
	{OO_LOG_SOURCE_PROXY,
	 "connect() failed (111: Connection refused) while connecting to upstream",
	 OO_LOG_MEANING_UPSTREAM_REFUSED},
	{OO_LOG_SOURCE_PROXY,
	 "connect() to unix:/run/ds.sock failed (2: No such file or directory) while connecting to "
	 "upstream",
	 OO_LOG_MEANING_UPSTREAM_NO_SOCKET},
	{OO_LOG_SOURCE_PROXY,
	 "upstream timed out (110: Connection timed out) while reading response header from "
	 "upstream",
	 OO_LOG_MEANING_UPSTREAM_READ_TIMEOUT},
	{OO_LOG_SOURCE_PROXY,
	 "upstream timed out (110: Connection timed out) while connecting to upstream",
	 OO_LOG_MEANING_UPSTREAM_CONNECT_TIMEOUT},
	{OO_LOG_SOURCE_PROXY, "ds.example could not be resolved (3: Host not found)",
	 OO_LOG_MEANING_UPSTREAM_NOT_RESOLVED},
	{OO_LOG_SOURCE_PROXY, "socket() failed (24: Too many open files) while connecting",
	 OO_LOG_MEANING_PROXY_DESCRIPTORS},
	{OO_LOG_SOURCE_PROXY,
	 "bind() to 192.0.2.10:80 failed (99: Cannot assign requested address)",
	 OO_LOG_MEANING_PROXY_BIND_ABSENT},
	{OO_LOG_SOURCE_PROXY,
	 "peer closed connection in SSL handshake while SSL handshaking to "
	 "upstream",
	 OO_LOG_MEANING_UPSTREAM_TLS_FAILED},
	{OO_LOG_SOURCE_PROXY, "peer closed connection in SSL handshake, client: 10.0.0.9",
	 OO_LOG_MEANING_NONE},
	{OO_LOG_SOURCE_DOCSERVICE, "error: sorry, too many clients already",
	 OO_LOG_MEANING_DATABASE_CONNECTIONS},
	{OO_LOG_SOURCE_DOCSERVICE, "relation \"task_result\" does not exist",
	 OO_LOG_MEANING_SCHEMA},
	{OO_LOG_SOURCE_DOCSERVICE, "connect() failed (111: not nginx's log)", OO_LOG_MEANING_NONE},
	{OO_LOG_SOURCE_JOURNAL, "kernel: nf_conntrack: nf_conntrack: table full, dropping packet",
	 OO_LOG_MEANING_CONNTRACK_FULL},
	{OO_LOG_SOURCE_JOURNAL, "", OO_LOG_MEANING_NONE},
};

static void test_log_lines_mean_what_their_programs_mean(void)
{
	for (size_t i = 0; i < OO_LENGTH(lines); i++) {
		CU_ASSERT_EQUAL(oo_log_meaning(lines[i].source, lines[i].text), lines[i].meaning);
	}
}

static void test_upstream_of_a_line_is_read(void)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} good[] = {
		{"upstream: \"http://127.0.0.1:8000/healthcheck\", host", "127.0.0.1", 8000},
		{"upstream: \"https://[2001:db8::7]:8443/x\"", "2001:db8::7", 8443},
		{"upstream: \"http://[::1]/x\"", "::1", 80},
		{"upstream: \"http://ds/", "ds", 80},
	};
	static const char *const bad[] = {"",
					  "upstream: ",
					  "upstream: \"http://",
					  "http://a:1/",
					  "upstream: \"http://[::1",
					  "upstream: \"http:///x\""};
	for (size_t i = 0; i < OO_LENGTH(good); i++) {
		struct oo_endpoint_text at = {.port = 1};
		CU_ASSERT_TRUE(oo_log_upstream(good[i].text, &at));
		CU_ASSERT_STRING_EQUAL(at.host, good[i].host);
		CU_ASSERT_EQUAL(at.port, good[i].port);
	}
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		struct oo_endpoint_text at = {.port = 1};
		CU_ASSERT_FALSE(oo_log_upstream(bad[i], &at));
		CU_ASSERT_EQUAL(at.port, 1);
	}
}

static char *written(struct oo_evidence *seen, struct oo_buffer *buffer, bool is_json)
{
	const struct oo_verdict *verdict = node_verdict(seen);
	oo_buffer_init(buffer, 1 << 20);
	int r = is_json ? oo_render_json(seen, verdict, buffer)
			: oo_render_text(seen, verdict, buffer);
	CU_ASSERT_EQUAL_FATAL(r, 0);
	return buffer->data;
}

static void test_text_shows_where_the_chain_breaks(void)
{
	struct oo_evidence *seen = node_healthy();
	node_docservice_gone(seen, "inactive/dead");
	struct oo_buffer buffer;
	const char *text = written(seen, &buffer, false);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "proxy [ok] -> Document Server [XX BROKEN HERE XX]"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "1. Document Server stopped"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "do:   systemctl start ds-docservice.service"));
	oo_buffer_done(&buffer);
}

static void test_text_of_a_healthy_node_says_what_was_looked_at(void)
{
	struct oo_evidence *seen = node_healthy();
	seen->logs_look[OO_LOG_SOURCE_JOURNAL] = OO_LOOK_DENIED;
	struct oo_buffer buffer;
	const char *text = written(seen, &buffer, false);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "nothing wrong found\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "  http://127.0.0.1:8000/index.html: 200\n"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text, "not seen:\n  journal: not for this user: run it as root\n"));
	oo_buffer_done(&buffer);
}

static void test_json_has_the_verdict(void)
{
	struct oo_evidence *seen = node_healthy();
	node_docservice_gone(seen, "inactive/dead");
	struct oo_buffer buffer;
	struct json_object *whole = json_tokener_parse(written(seen, &buffer, true));
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	struct json_object *findings = json_object_object_get(whole, "findings");
	struct json_object *first = json_object_array_get_idx(findings, 0);
	CU_ASSERT_STRING_EQUAL(json_object_get_string(json_object_object_get(first, "cause")),
			       "document server stopped");
	CU_ASSERT_STRING_EQUAL(
		json_object_get_string(json_object_object_get(whole, "first_broken")),
		"Document Server");
	CU_ASSERT_EQUAL(json_object_array_length(json_object_object_get(whole, "chain")),
			OO_LAYER_END);
	json_object_put(whole);
	oo_buffer_done(&buffer);
}

static void test_json_of_a_healthy_node_is_null_where_nothing_broke(void)
{
	struct oo_buffer buffer;
	const char *text = written(node_healthy(), &buffer, true);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"first_broken\":null"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"verdict\":\"nothing wrong found\""));
	oo_buffer_done(&buffer);
}

static void test_json_is_utf8_whatever_was_seen(void)
{
	struct oo_evidence *seen = node_healthy();
	node_false(seen);
	(void)node_logs(seen, OO_LOG_SOURCE_DOCSERVICE,
			"healthCheck error Error: pubsub \xff\xc0\xaf \xed\xa0\x80 \xe2\x82");
	struct oo_buffer buffer;
	const char *text = written(seen, &buffer, true);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "pubsub \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "));
	for (size_t i = 0; i < buffer.length; i++) {
		CU_ASSERT_FALSE((unsigned char)text[i] == 0xff || (unsigned char)text[i] == 0xc0);
	}
	oo_buffer_done(&buffer);
}

CU_TestInfo tests_of_log[] = {
	TOLD(test_log_lines_mean_what_their_programs_mean),
	TOLD(test_upstream_of_a_line_is_read),
	CU_TEST_INFO_NULL,
};

CU_TestInfo tests_of_rules[] = {
	TOLD(test_every_fault_has_a_name_of_its_own),
	TOLD(test_healthy_node_has_nothing_wrong),
	TOLD(test_nothing_that_was_not_looked_at_is_evidence),
	TOLD(test_strangers_words_neither_begin_a_line_nor_steer_a_terminal),
	TOLD(test_what_is_behind_a_broken_link_is_not_judged),
	CU_TEST_INFO_NULL,
};

CU_TestInfo tests_of_render[] = {
	TOLD(test_text_shows_where_the_chain_breaks),
	TOLD(test_text_of_a_healthy_node_says_what_was_looked_at),
	TOLD(test_json_has_the_verdict),
	TOLD(test_json_of_a_healthy_node_is_null_where_nothing_broke),
	TOLD(test_json_is_utf8_whatever_was_seen),
	CU_TEST_INFO_NULL,
};
