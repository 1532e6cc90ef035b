#include "node.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define INDEX "Server is functioning normally. Version: 9.3.0. Build: 100"
#define PUT(target, text) oo_text_clip((target), sizeof(target), (text))

static struct oo_evidence node;
static struct oo_verdict verdict;

static const char *const urls[OO_EXCHANGE_END] = {
	[OO_EXCHANGE_PROXY_HEALTH] = "http://127.0.0.1:80/healthcheck",
	[OO_EXCHANGE_PROXY_STATIC] = "http://127.0.0.1:80/web-apps/apps/api/documents/api.js",
	[OO_EXCHANGE_PROXY_EDITOR] = "http://127.0.0.1:80/doc/ooha/c/",
	[OO_EXCHANGE_PROXY_COMMAND] = "http://127.0.0.1:80/coauthoring/CommandService.ashx",
	[OO_EXCHANGE_PROXY_TLS] = "https://127.0.0.1:443/healthcheck",
	[OO_EXCHANGE_DIRECT_HEALTH] = "http://127.0.0.1:8000/healthcheck",
	[OO_EXCHANGE_DIRECT_INDEX] = "http://127.0.0.1:8000/index.html",
	[OO_EXCHANGE_DIRECT_INFO] = "http://127.0.0.1:8000/info/info.json",
	[OO_EXCHANGE_DIRECT_INACTIVE] = "http://127.0.0.1:8000/internal/cluster/inactive",
	[OO_EXCHANGE_DIRECT_EDITOR] = "http://127.0.0.1:8000/doc/ooha/c/",
	[OO_EXCHANGE_DIRECT_TLS] = "https://127.0.0.1:8000/healthcheck",
	[OO_EXCHANGE_UPSTREAM] = "http://198.51.100.7:8000/healthcheck",
	[OO_EXCHANGE_VIP] = "http://192.0.2.10:80/healthcheck",
	[OO_EXCHANGE_USER] = "https://office.example/healthcheck",
};

static void touch(struct oo_evidence *seen, enum oo_exchange_name name)
{
	struct oo_exchange *exchange = &seen->exchanges[name];
	bool is_direct = name >= OO_EXCHANGE_DIRECT_HEALTH && name <= OO_EXCHANGE_DIRECT_TLS;
	bool is_local = name < OO_EXCHANGE_VIP;
	struct oo_exchange kept = {.trust = exchange->trust,
				   .certificate_days_left = exchange->certificate_days_left};
	*exchange = kept;
	exchange->look = OO_LOOK_SEEN;
	PUT(exchange->url, urls[name]);
	PUT(exchange->peer.host, is_local ? "127.0.0.1" : "192.0.2.10");
	exchange->peer.port = is_direct ? 8000 : name == OO_EXCHANGE_PROXY_TLS ? 443 : 80;
	exchange->times = (struct oo_check_times){.connect_us = 100, .total_us = 3000};
}

void node_answers(struct oo_evidence *seen, enum oo_exchange_name name, int status,
		  const char *body)
{
	touch(seen, name);
	seen->exchanges[name].reason = OO_CHECK_REASON_OK;
	seen->exchanges[name].status = status;
	PUT(seen->exchanges[name].body, body);
}

void node_fails(struct oo_evidence *seen, enum oo_exchange_name name, enum oo_check_reason reason)
{
	touch(seen, name);
	seen->exchanges[name].reason = reason;
}

static const enum oo_exchange_name proxied[] = {OO_EXCHANGE_PROXY_HEALTH, OO_EXCHANGE_PROXY_EDITOR,
						OO_EXCHANGE_PROXY_COMMAND};
static const enum oo_exchange_name direct[] = {OO_EXCHANGE_DIRECT_HEALTH, OO_EXCHANGE_DIRECT_INDEX,
					       OO_EXCHANGE_DIRECT_INFO, OO_EXCHANGE_DIRECT_INACTIVE,
					       OO_EXCHANGE_DIRECT_EDITOR};

void node_proxied(struct oo_evidence *seen, int status)
{
	for (size_t i = 0; i < OO_LENGTH(proxied); i++) {
		node_answers(seen, proxied[i], status, "<html>\r\n<head>");
	}
}

void node_proxied_fails(struct oo_evidence *seen, enum oo_check_reason reason)
{
	for (size_t i = 0; i < OO_LENGTH(proxied); i++) {
		node_fails(seen, proxied[i], reason);
	}
}

void node_direct_fails(struct oo_evidence *seen, enum oo_check_reason reason)
{
	for (size_t i = 0; i < OO_LENGTH(direct); i++) {
		node_fails(seen, direct[i], reason);
	}
}

void node_false(struct oo_evidence *seen)
{
	node_answers(seen, OO_EXCHANGE_DIRECT_HEALTH, 200, "false");
	node_answers(seen, OO_EXCHANGE_PROXY_HEALTH, 200, "false");
}

void node_health_silent(struct oo_evidence *seen)
{
	node_fails(seen, OO_EXCHANGE_DIRECT_HEALTH, OO_CHECK_REASON_SILENT);
	node_fails(seen, OO_EXCHANGE_PROXY_HEALTH, OO_CHECK_REASON_SILENT);
}

struct oo_log_line *node_logs(struct oo_evidence *seen, enum oo_log_source source, const char *text)
{
	struct oo_log_line *line = &seen->lines[seen->n_lines++];
	*line = (struct oo_log_line){.source = source, .age_ms = 1000, .n = 1, .since_start = true};
	PUT(line->file, source == OO_LOG_SOURCE_PROXY ? "nginx.error.log" : "out.log");
	PUT(line->text, text);
	return line;
}

void node_proxy_logs(struct oo_evidence *seen, const char *what, const char *upstream)
{
	char text[OO_EVIDENCE_TEXT];
	(void)snprintf(text, sizeof(text),
		       "[error] 7#7: *1 %s, client: 10.0.0.9, server: _, request: \"GET "
		       "/healthcheck HTTP/1.1\", upstream: \"%s/healthcheck\"",
		       what, upstream);
	(void)node_logs(seen, OO_LOG_SOURCE_PROXY, text);
}

struct oo_listener *node_listener(struct oo_evidence *seen, uint16_t port)
{
	for (size_t i = 0; i < seen->n_listeners; i++) {
		if (seen->listeners[i].at.port == port) {
			return &seen->listeners[i];
		}
	}
	return NULL;
}

void node_unlisten(struct oo_evidence *seen, uint16_t port)
{
	struct oo_listener *listener = node_listener(seen, port);
	*listener = seen->listeners[--seen->n_listeners];
}

void node_gone(struct oo_evidence *seen, enum oo_program program, const char *unit_state)
{
	struct oo_process *process = &seen->processes[program];
	process->look = OO_LOOK_ABSENT;
	process->pid = 0;
	process->n = 0;
	PUT(process->unit_state, unit_state);
}

void node_docservice_gone(struct oo_evidence *seen, const char *unit_state)
{
	node_gone(seen, OO_PROGRAM_DOCSERVICE, unit_state);
	node_unlisten(seen, 8000);
	node_direct_fails(seen, OO_CHECK_REASON_REFUSED);
	node_proxied(seen, 502);
}

void node_docservice_mute(struct oo_evidence *seen, int64_t age_ms)
{
	node_unlisten(seen, 8000);
	node_direct_fails(seen, OO_CHECK_REASON_REFUSED);
	node_proxied(seen, 502);
	seen->processes[OO_PROGRAM_DOCSERVICE].age_ms = age_ms;
}

void node_result(struct oo_check_result *result, enum oo_check_reason reason, const char *text)
{
	bool is_up = reason == OO_CHECK_REASON_OK;
	bool is_unknown = reason == OO_CHECK_REASON_NONE || reason == OO_CHECK_REASON_LOCAL;
	*result = (struct oo_check_result){.reason = reason,
					   .state = is_up        ? OO_CHECK_STATE_UP
						    : is_unknown ? OO_CHECK_STATE_UNKNOWN
								 : OO_CHECK_STATE_DOWN};
	PUT(result->seen, text);
}

struct oo_vip_evidence *node_vip(struct oo_evidence *seen)
{
	struct oo_vip_evidence *vip = &seen->vips[0];
	seen->n_vips = 1;
	*vip = (struct oo_vip_evidence){.interface_up = true,
					.is_here = true,
					.is_listened_on = true,
					.answer_look = OO_LOOK_ABSENT};
	PUT(vip->address, "192.0.2.10");
	PUT(vip->interface, "eth0");
	PUT(vip->group, "office");
	PUT(vip->holder, "node-a");
	seen->agent = (struct oo_agent_evidence){.look = OO_LOOK_SEEN, .etcd_reachable = true};
	PUT(seen->agent.role, "active");
	node_answers(seen, OO_EXCHANGE_VIP, 200, "true");
	return vip;
}

static void listen_on(struct oo_evidence *seen, const char *host, uint16_t port, int pid,
		      const char *process)
{
	struct oo_listener *listener = &seen->listeners[seen->n_listeners++];
	*listener = (struct oo_listener){.pid = pid, .backlog = 511, .at = {.port = port}};
	PUT(listener->at.host, host);
	PUT(listener->process, process);
}

static void run(struct oo_evidence *seen, enum oo_program program, int pid, const char *unit)
{
	struct oo_process *process = &seen->processes[program];
	*process = (struct oo_process){.look = OO_LOOK_SEEN,
				       .pid = pid,
				       .n = 1,
				       .age_ms = 3600000,
				       .descriptors = 40,
				       .descriptors_max = 1024,
				       .unit_look = OO_LOOK_SEEN};
	PUT(process->unit, unit);
	PUT(process->unit_state, "active/running");
	PUT(process->unit_result, "success");
}

static void depend(struct oo_evidence *seen, enum oo_dependency_name name, uint16_t port,
		   const char *asked_by)
{
	struct oo_dependency *dependency = &seen->dependencies[name];
	dependency->look = OO_LOOK_SEEN;
	dependency->is_local = true;
	PUT(dependency->at.host, "127.0.0.1");
	dependency->at.port = port;
	PUT(dependency->asked_by, asked_by);
	node_result(&dependency->connect, OO_CHECK_REASON_OK, "connected");
	node_result(&dependency->works, OO_CHECK_REASON_OK, "writable, 90 connections left");
}

static void configure(struct oo_evidence *seen)
{
	struct oo_proxy_pass *pass = &seen->proxy.passes[0];
	seen->proxy.look = OO_LOOK_SEEN;
	PUT(seen->proxy.path, "/etc/nginx/nginx.conf");
	seen->proxy.worker_connections = 768;
	seen->proxy.n_passes = 1;
	*pass = (struct oo_proxy_pass){.line = 12,
				       .reaches_docservice = true,
				       .n_peers = 1,
				       .connect_timeout_ms = 60000,
				       .read_timeout_ms = 60000,
				       .buffer_bytes = 4096,
				       .upgrades = true,
				       .http11 = true,
				       .body_max_bytes = 100 << 20};
	PUT(pass->file, "/etc/nginx/includes/ds-docservice.conf");
	PUT(pass->target, "http://docservice");
	PUT(pass->upstream, "docservice");
	PUT(pass->peers[0].host, "localhost");
	pass->peers[0].port = 8000;
	PUT(pass->host_header, "$http_host");
	PUT(pass->forwarded_host_header, "$the_host");
	seen->proxy_test = (struct oo_proxy_test){.look = OO_LOOK_SEEN, .passed = true};
	seen->documentserver = (struct oo_document_server){.config_look = OO_LOOK_SEEN,
							   .port = 8000,
							   .jwt_in = true,
							   .secret_look = OO_LOOK_SEEN};
	PUT(seen->documentserver.config_path, "/etc/onlyoffice/documentserver/local.json");
	seen->n_disks = 1;
	PUT(seen->disks[0].path, "/var/lib/onlyoffice/documentserver/App_Data");
	PUT(seen->disks[0].what, "storage");
	seen->disks[0].free_percent = 50;
	seen->disks[0].free_inodes_percent = 90;
	node_result(&seen->disks[0].result, OO_CHECK_REASON_OK, "9000 MiB free (50 %)");
	seen->host = (struct oo_host){.look = OO_LOOK_SEEN,
				      .memory_total_bytes = 8ull << 30,
				      .memory_available_bytes = 4ull << 30};
}

struct oo_evidence *node_healthy(void)
{
	memset(&node, 0, sizeof(node));
	node.took_ms = 300;
	node.is_root = true;
	node_answers(&node, OO_EXCHANGE_PROXY_HEALTH, 200, "true");
	node_answers(&node, OO_EXCHANGE_PROXY_STATIC, 200, "/*!");
	node_answers(&node, OO_EXCHANGE_PROXY_EDITOR, 101, "");
	node_answers(&node, OO_EXCHANGE_PROXY_COMMAND, 200, "{\"error\":0,\"version\":\"9.3\"}");
	node_answers(&node, OO_EXCHANGE_DIRECT_HEALTH, 200, "true");
	node_answers(&node, OO_EXCHANGE_DIRECT_INDEX, 200, INDEX);
	node_answers(&node, OO_EXCHANGE_DIRECT_INFO, 200, "{\"serverInfo\":{}}");
	node_answers(&node, OO_EXCHANGE_DIRECT_INACTIVE, 200, "{\"shutdown\":false}");
	node_answers(&node, OO_EXCHANGE_DIRECT_EDITOR, 101, "");
	node_fails(&node, OO_EXCHANGE_DIRECT_TLS, OO_CHECK_REASON_TLS);
	node.listeners_look = OO_LOOK_SEEN;
	listen_on(&node, "0.0.0.0", 80, 700, "nginx");
	listen_on(&node, "::", 8000, 800, "docservice");
	listen_on(&node, "127.0.0.1", 5432, 500, "postgres");
	listen_on(&node, "::", 5672, 600, "beam.smp");
	run(&node, OO_PROGRAM_PROXY, 700, "nginx.service");
	run(&node, OO_PROGRAM_DOCSERVICE, 800, "ds-docservice.service");
	run(&node, OO_PROGRAM_CONVERTER, 801, "ds-converter.service");
	run(&node, OO_PROGRAM_DATABASE, 500, "postgresql@15-main.service");
	run(&node, OO_PROGRAM_BROKER, 600, "rabbitmq-server.service");
	depend(&node, OO_DEPENDENCY_DATABASE, 5432, "local.json services.CoAuthoring.sql");
	depend(&node, OO_DEPENDENCY_BROKER, 5672, "local.json rabbitmq.url");
	node_result(&node.dependencies[OO_DEPENDENCY_BROKER].consumers, OO_CHECK_REASON_OK,
		    "1 consumers, 0 messages");
	configure(&node);
	for (size_t i = 0; i < OO_LOG_SOURCE_END; i++) {
		node.logs_look[i] = OO_LOOK_SEEN;
	}
	return &node;
}

const struct oo_verdict *node_verdict(const struct oo_evidence *seen)
{
	oo_diagnose(seen, &verdict);
	return &verdict;
}

const struct oo_finding *node_find(const struct oo_evidence *seen, enum oo_fault cause)
{
	(void)node_verdict(seen);
	for (size_t i = 0; i < verdict.n_findings; i++) {
		if (verdict.findings[i].cause == cause) {
			return &verdict.findings[i];
		}
	}
	return NULL;
}

void node_first(const struct oo_evidence *seen, enum oo_fault cause, enum oo_confidence confidence)
{
	(void)node_verdict(seen);
	const struct oo_finding *first = &verdict.findings[0];
	enum oo_fault found = verdict.n_findings > 0 ? first->cause : OO_FAULT_NONE;
	CU_ASSERT_EQUAL(found, cause);
	if (found != cause || cause == OO_FAULT_NONE) {
		for (size_t i = 0; i < verdict.n_findings; i++) {
			(void)printf("\n    found: %s: %s",
				     oo_fault_name(verdict.findings[i].cause),
				     verdict.findings[i].summary);
		}
		return;
	}
	CU_ASSERT_EQUAL(first->confidence, confidence);
	CU_ASSERT(first->n_grounds > 0);
	CU_ASSERT(first->remedy[0] != '\0');
	CU_ASSERT_EQUAL(verdict.chain[first->layer], first->weight > OO_WEIGHT_WARNING
							     ? OO_LAYER_STATE_BROKEN
							     : verdict.chain[first->layer]);
}
