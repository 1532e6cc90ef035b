/* Database, broker and cache alike: connecting, and whether anybody is there. */
#include <stdio.h>

#include "base/text.h"
#include "diagnose/dependency.h"

/* What its faults are called. */
struct names {
	enum oo_fault not_resolved, stopped, unreachable, hung;
};

static const struct names all_names[OO_DEPENDENCY_END] = {
	[OO_DEPENDENCY_DATABASE] = {OO_FAULT_DATABASE_NAME_NOT_RESOLVED, OO_FAULT_DATABASE_STOPPED,
				    OO_FAULT_DATABASE_UNREACHABLE, OO_FAULT_DATABASE_HUNG},
	[OO_DEPENDENCY_BROKER] = {OO_FAULT_BROKER_NAME_NOT_RESOLVED, OO_FAULT_BROKER_STOPPED,
				  OO_FAULT_BROKER_UNREACHABLE, OO_FAULT_BROKER_HUNG},
	[OO_DEPENDENCY_CACHE] = {OO_FAULT_CACHE_STOPPED, OO_FAULT_CACHE_STOPPED,
				 OO_FAULT_CACHE_STOPPED, OO_FAULT_CACHE_HUNG},
};

static void say_unreachable(struct oo_rules *rules, const struct oo_dependency_look *look,
			    enum oo_fault cause, const char *how)
{
	const struct oo_endpoint_text *at = &look->dependency->at;
	struct oo_finding *finding =
		oo_dependency_say(rules, look, cause, OO_CONFIDENCE_CERTAIN, how);
	if (look->listener != NULL) {
		bool is_connected = look->dependency->connect.reason == OO_CHECK_REASON_OK;
		oo_rule_ground(finding, "%s (pid %d) listens there%s", look->listener->process,
			       look->listener->pid,
			       is_connected ? "" : ": a firewall is in between");
	}
	oo_rule_remedy(finding, "nft list ruleset; ip route get %s; nc -zv %s %u", at->host,
		       at->host, (unsigned)at->port);
}

static void say_elsewhere(struct oo_rules *rules, const struct oo_dependency_look *look,
			  enum oo_fault cause, const struct oo_listener *own)
{
	struct oo_finding *finding =
		oo_dependency_say(rules, look, cause, OO_CONFIDENCE_CERTAIN,
				  "unreachable: it runs, and listens elsewhere");
	oo_rule_ground(finding, "%s (pid %d) listens on %s port %u", own->process, own->pid,
		       own->at.host, (unsigned)own->at.port);
	oo_rule_remedy(finding,
		       "make %s and its own listen_addresses, port agree; then: systemctl restart "
		       "ds-docservice ds-converter",
		       look->dependency->asked_by);
}

/* Refused is "nobody listens", unless somebody does: then a firewall rejects in its name. */
static void refused(struct oo_rules *rules, const struct oo_dependency_look *look,
		    const struct names *names)
{
	bool runs = look->is_here && look->process != NULL && oo_seen_is_running(look->process);
	if (look->listener != NULL) {
		say_unreachable(rules, look, names->unreachable,
				"unreachable: refused although it listens, as by a firewall");
		return;
	}
	/* RabbitMQ's distribution listens (25672) while the broker in it is stopped, or starting */
	const struct oo_listener *own =
		runs && look->program == OO_PROGRAM_DATABASE
			? oo_seen_listener_of(rules->seen, OO_PROGRAM_DATABASE)
			: NULL;
	if (own != NULL) {
		say_elsewhere(rules, look, names->unreachable, own);
		return;
	}
	struct oo_finding *finding = oo_dependency_say(
		rules, look, names->stopped,
		look->is_here && !runs ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		runs ? "does not listen: refused" : "stopped: refused");
	if (look->is_here && look->process != NULL && oo_seen_is_gone(look->process)) {
		oo_rule_ground(finding, "no process of it; unit %s %s", look->process->unit,
			       look->process->unit_state);
	}
	oo_dependency_remedy_restart(rules, look, finding);
}

static void say_hung(struct oo_rules *rules, const struct oo_dependency_look *look,
		     enum oo_fault cause, const char *how)
{
	const struct oo_process *process = look->process;
	struct oo_finding *finding =
		oo_dependency_say(rules, look, cause, OO_CONFIDENCE_CERTAIN, how);
	if (look->is_here && process != NULL && process->n_stopped > 0) {
		oo_rule_ground(finding, "%u of its processes are stopped (state T)",
			       process->n_stopped);
		oo_rule_remedy(finding, "kill -CONT %d", process->pid);
		return;
	}
	oo_dependency_remedy_restart(rules, look, finding);
}

/*
 * It connects, and who has the port is not the one that is expected: a pooler or a proxy, whose
 * server may be gone, or a stranger. To restart the right one would not help.
 */
static void say_other(struct oo_rules *rules, const struct oo_dependency_look *look,
		      enum oo_fault cause, const char *does)
{
	char how[OO_EVIDENCE_TEXT];
	(void)snprintf(how, sizeof(how), "unreachable: %s has its port, and %s",
		       look->listener->process, does);
	struct oo_finding *finding =
		oo_dependency_say(rules, look, cause, OO_CONFIDENCE_CERTAIN, how);
	oo_rule_ground(finding, "%s (pid %d) listens there", look->listener->process,
		       look->listener->pid);
	oo_rule_remedy(finding,
		       "ss -ltnp 'sport = :%u'; if that one only passes on, look at what is behind "
		       "it; otherwise stop it, or correct %s",
		       (unsigned)look->dependency->at.port, look->dependency->asked_by);
}

static void not_resolved(struct oo_rules *rules, const struct oo_dependency_look *look,
			 enum oo_fault cause)
{
	const struct oo_dependency *dependency = look->dependency;
	struct oo_finding *finding = oo_dependency_say(
		rules, look, cause,
		oo_rule_has(rules, OO_FAULT_NAME_SERVICE_DOWN) ? OO_CONFIDENCE_POSSIBLE
							       : OO_CONFIDENCE_CERTAIN,
		"has a name that does not resolve");
	oo_rule_remedy(finding, "getent hosts %s; correct the name server, or the name in %s",
		       dependency->at.host, dependency->asked_by);
}

static void connection(struct oo_rules *rules, const struct oo_dependency_look *look,
		       const struct names *names)
{
	/* a full queue takes no more: the kernel drops what comes */
	bool is_full = look->listener != NULL && oo_seen_backlog_full(look->listener);
	enum oo_check_reason reason = look->dependency->connect.reason;
	if (reason == OO_CHECK_REASON_NAME_NOT_RESOLVED) {
		not_resolved(rules, look, names->not_resolved);
	} else if (reason == OO_CHECK_REASON_REFUSED) {
		refused(rules, look, names);
	} else if (reason == OO_CHECK_REASON_UNREACHABLE) {
		say_unreachable(rules, look, names->unreachable,
				"unreachable: no route, or rejected");
	} else if (reason == OO_CHECK_REASON_CONNECT_TIMEOUT && is_full) {
		say_hung(rules, look, names->hung,
			 "hung: its queue of connections is full, and it takes none");
	} else if (reason == OO_CHECK_REASON_CONNECT_TIMEOUT) {
		say_unreachable(rules, look, names->unreachable,
				"unreachable: no answer to a connection attempt");
	}
}

static void conversation(struct oo_rules *rules, const struct oo_dependency_look *look,
			 const struct names *names)
{
	enum oo_check_reason reason = look->dependency->works.reason;
	bool is_silent = reason == OO_CHECK_REASON_SILENT || reason == OO_CHECK_REASON_SLOW;
	bool is_else = reason == OO_CHECK_REASON_PROTOCOL || reason == OO_CHECK_REASON_RESET ||
		       reason == OO_CHECK_REASON_CLOSED;
	if (look->is_other && (is_silent || is_else)) {
		say_other(rules, look, names->unreachable,
			  is_silent ? "is silent" : "answers something else, or closes");
	} else if (is_silent) {
		say_hung(rules, look, names->hung, "hung: it accepts, then is silent");
	} else if (reason == OO_CHECK_REASON_STOPPED) {
		struct oo_finding *finding = oo_dependency_say(
			rules, look, names->stopped, OO_CONFIDENCE_CERTAIN, "is shutting down");
		oo_dependency_remedy_restart(rules, look, finding);
	} else if (is_else) {
		say_unreachable(rules, look, names->unreachable,
				"unreachable: what answers there is something else, or closes");
	}
}

static void look_at(struct oo_rules *rules, enum oo_dependency_name name)
{
	struct oo_dependency_look look = oo_dependency_look(rules, name);
	bool is_lost = look.is_here && oo_rule_has(rules, OO_FAULT_LOOPBACK_DOWN);
	if (look.dependency->look != OO_LOOK_SEEN || is_lost) {
		return;
	}
	if (look.dependency->connect.state == OO_CHECK_STATE_DOWN) {
		connection(rules, &look, &all_names[name]);
	} else {
		conversation(rules, &look, &all_names[name]);
	}
}

static void database(struct oo_rules *rules)
{
	look_at(rules, OO_DEPENDENCY_DATABASE);
}

static void broker(struct oo_rules *rules)
{
	look_at(rules, OO_DEPENDENCY_BROKER);
}

static void cache(struct oo_rules *rules)
{
	look_at(rules, OO_DEPENDENCY_CACHE);
}

static const struct oo_rule table[] = {
	{0, database},
	{0, broker},
	/* configured, though the community edition never asks it: only if nothing else explains */
	{OO_EXCHANGE_BIT(DIRECT_HEALTH), cache},
};
const struct oo_rule_table oo_rules_dependency = OO_RULE_TABLE(table);
