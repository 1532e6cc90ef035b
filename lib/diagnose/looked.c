#include "diagnose/looked.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "diagnose/seen.h"

static const char *why(enum oo_look look)
{
	switch (look) {
	case OO_LOOK_DENIED:
		return "not for this user: run it as root";
	case OO_LOOK_LATE:
		return "no answer in time";
	case OO_LOOK_FAILED:
		return "could not be read";
	case OO_LOOK_ABSENT:
	case OO_LOOK_NONE:
	case OO_LOOK_SEEN:
		return "";
	}
	return "";
}

/* Nothing is said of what does not apply here. */
static void add(struct oo_looked *looked, enum oo_look look, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void add(struct oo_looked *looked, enum oo_look look, const char *format, ...)
{
	char text[OO_EVIDENCE_TEXT * 2];
	va_list arguments;
	if (look == OO_LOOK_NONE || looked->n == OO_LOOKED_MAX) {
		return;
	}
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	oo_text_clip(looked->items[looked->n].what, OO_LOOKED_LENGTH, text);
	oo_text_clip(looked->items[looked->n].why, OO_LOOKED_LENGTH, why(look));
	looked->n++;
}

static void add_exchanges(struct oo_looked *looked, const struct oo_evidence *evidence)
{
	for (size_t i = 0; i < OO_EXCHANGE_END; i++) {
		const struct oo_exchange *exchange = &evidence->exchanges[i];
		char outcome[64];
		if (oo_seen_tried(exchange)) {
			add(looked, OO_LOOK_SEEN, "%s: %s", exchange->url,
			    oo_seen_outcome(exchange, outcome));
		} else {
			add(looked,
			    exchange->look == OO_LOOK_ABSENT ? OO_LOOK_NONE : exchange->look, "%s",
			    exchange->url);
		}
	}
}

static void add_processes(struct oo_looked *looked, const struct oo_evidence *evidence)
{
	static const char *const names[OO_PROGRAM_END] = {
		[OO_PROGRAM_PROXY] = "nginx",         [OO_PROGRAM_DOCSERVICE] = "Document Server",
		[OO_PROGRAM_CONVERTER] = "converter", [OO_PROGRAM_DATABASE] = "database",
		[OO_PROGRAM_BROKER] = "broker",
	};
	for (size_t i = 0; i < OO_PROGRAM_END; i++) {
		const struct oo_process *process = &evidence->processes[i];
		if (process->look == OO_LOOK_SEEN) {
			add(looked, process->look, "processes of %s: %u", names[i], process->n);
		} else if (process->look == OO_LOOK_ABSENT) {
			add(looked, process->look, "processes of %s: none", names[i]);
		} else {
			add(looked, process->look, "processes of %s", names[i]);
		}
		add(looked, process->unit_look, "unit %s: %s",
		    process->unit[0] != '\0' ? process->unit : names[i], process->unit_state);
	}
}

static void add_dependencies(struct oo_looked *looked, const struct oo_evidence *evidence)
{
	static const char *const names[OO_DEPENDENCY_END] = {
		[OO_DEPENDENCY_DATABASE] = "database",
		[OO_DEPENDENCY_BROKER] = "broker",
		[OO_DEPENDENCY_CACHE] = "cache",
	};
	for (size_t i = 0; i < OO_DEPENDENCY_END; i++) {
		const struct oo_dependency *dependency = &evidence->dependencies[i];
		const struct oo_check_result *result =
			dependency->works.reason != OO_CHECK_REASON_NONE ? &dependency->works
									 : &dependency->connect;
		add(looked, dependency->look, "%s %s:%u: %s", names[i], dependency->at.host,
		    (unsigned)dependency->at.port, oo_check_reason_name(result->reason));
	}
}

static void add_logs(struct oo_looked *looked, const struct oo_evidence *evidence)
{
	static const char *const names[OO_LOG_SOURCE_END] = {
		[OO_LOG_SOURCE_PROXY] = "nginx's error log",
		[OO_LOG_SOURCE_DOCSERVICE] = "Document Server's log",
		[OO_LOG_SOURCE_CONVERTER] = "converter's log",
		[OO_LOG_SOURCE_JOURNAL] = "journal",
	};
	for (size_t i = 0; i < OO_LOG_SOURCE_END; i++) {
		add(looked, evidence->logs_look[i], "%s", names[i]);
	}
}

void oo_looked_list(const struct oo_evidence *evidence, struct oo_looked *ret_looked)
{
	ret_looked->n = 0;
	add_exchanges(ret_looked, evidence);
	add(ret_looked, evidence->listeners_look, "listening sockets: %zu", evidence->n_listeners);
	add_processes(ret_looked, evidence);
	add(ret_looked, evidence->proxy.look, "nginx's configuration%s%s",
	    evidence->proxy.path[0] != '\0' ? ": " : "", evidence->proxy.path);
	add(ret_looked, evidence->proxy_test.look, "nginx -t");
	add(ret_looked, evidence->documentserver.config_look, "Document Server's configuration");
	add(ret_looked, evidence->documentserver.secret_look, "JWT secret");
	add_dependencies(ret_looked, evidence);
	add_logs(ret_looked, evidence);
	for (size_t i = 0; i < evidence->n_certificates; i++) {
		add(ret_looked, evidence->certificates[i].look, "certificate %s",
		    evidence->certificates[i].path);
	}
	for (size_t i = 0; i < evidence->n_disks; i++) {
		add(ret_looked, OO_LOOK_SEEN, "%s %s: %s", evidence->disks[i].what,
		    evidence->disks[i].path,
		    oo_check_reason_name(evidence->disks[i].result.reason));
	}
	add(ret_looked, evidence->host.look, "memory, descriptors, queues of the host");
	add(ret_looked, evidence->agent.look, "agent");
	for (size_t i = 0; i < evidence->n_vips; i++) {
		add(ret_looked, OO_LOOK_SEEN, "VIP %s: %s", evidence->vips[i].address,
		    evidence->vips[i].is_here ? "here" : "not here");
	}
}
