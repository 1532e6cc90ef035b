/* A Document Server that somebody listens for: hung, busy, not it, or refusing by itself. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "diagnose/rule.h"

#define BUSY_PERCENT 85
#define USED_PERCENT 95
#define SLOW_US 200000 /* index.html takes 1 ms */

static const struct oo_process *docservice(const struct oo_rules *rules)
{
	return &rules->seen->processes[OO_PROGRAM_DOCSERVICE];
}

static const struct oo_exchange *direct_index(const struct oo_rules *rules)
{
	return &rules->seen->exchanges[OO_EXCHANGE_DIRECT_INDEX];
}

static void explain(struct oo_rules *rules)
{
	oo_rule_explain(rules, OO_EXCHANGES_DIRECT);
	oo_rule_explain_behind_proxy(rules);
}

/* Names that its processes go by, and those who hold a container's port on the host. */
static bool may_be_docservice(const char *process)
{
	static const char *const names[] = {"docservice",  "node",         "MainThread",
					    "docker-pr",   "rootlessport", "conmon",
					    "slirp4netns", "pasta",        "systemd"};
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		if (strncmp(process, names[i], strlen(names[i])) == 0) {
			return true;
		}
	}
	return process[0] == '\0';
}

static void port_taken(struct oo_rules *rules)
{
	const struct oo_process *process = docservice(rules);
	struct oo_endpoint_text at = oo_seen_docservice_at(rules->seen);
	const struct oo_listener *listener = oo_seen_listener_on(rules->seen, at.port);
	const struct oo_log_line *line = oo_seen_line(rules->seen, OO_LOG_MEANING_PORT_TAKEN);
	bool is_own = listener != NULL && listener->pid != 0 && listener->pid == process->pid;
	if (line != NULL && oo_seen_came_up_since(rules->seen, line)) {
		line = NULL;
	}
	if (listener == NULL || is_own || oo_seen_docservice_answers(rules->seen) ||
	    oo_seen_true(oo_seen_proxied(rules->seen))) {
		return;
	}
	bool is_other = listener->pid != 0 && !may_be_docservice(listener->process);
	bool runs_beside = oo_seen_is_running(process) && is_other;
	if (!is_other && line == NULL) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_DOCSERVICE_PORT_TAKEN,
		line != NULL && (is_other || oo_seen_is_gone(process)) ? OO_CONFIDENCE_CERTAIN
								       : OO_CONFIDENCE_LIKELY,
		"Document Server's port %u is taken by %s (pid %d)", (unsigned)at.port,
		is_other ? listener->process : "another process", listener->pid);
	oo_rule_ground(finding, "%s (pid %d) listens on %s port %u",
		       is_other ? listener->process : "somebody", listener->pid, listener->at.host,
		       (unsigned)at.port);
	oo_rule_ground(finding, "Document Server's own process: %s; unit %s",
		       runs_beside ? "another one" : "none", process->unit_state);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PORT_TAKEN);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_rule_remedy(finding,
		       "ss -ltnp 'sport = :%u'; stop that one, then: systemctl restart "
		       "ds-docservice",
		       (unsigned)at.port);
	if (finding->confidence == OO_CONFIDENCE_CERTAIN) {
		explain(rules);
		oo_rule_explain(rules, OO_EXCHANGES_PROXIED);
	}
}

/* Someone listens there by the socket table, and yet nobody can connect. */
static void firewall(struct oo_rules *rules)
{
	const struct oo_exchange *index = direct_index(rules);
	struct oo_endpoint_text at = oo_seen_docservice_at(rules->seen);
	const struct oo_listener *listener = oo_seen_listener(rules->seen, &at);
	bool is_rejected = oo_seen_refused(index) || oo_seen_unreachable(index);
	bool is_dropped = oo_seen_connect_timeout(index);
	if (listener == NULL || oo_seen_backlog_full(listener) || (!is_rejected && !is_dropped) ||
	    oo_seen_true(oo_seen_proxied(rules->seen)) || rules->seen->is_docker ||
	    oo_rule_has(rules, OO_FAULT_LOOPBACK_DOWN)) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules,
		is_rejected ? OO_FAULT_UPSTREAM_FIREWALL_REJECT : OO_FAULT_UPSTREAM_FIREWALL_DROP,
		OO_CONFIDENCE_CERTAIN,
		"a firewall %s connections to the Document Server's port %u, which listens",
		is_rejected ? "rejects" : "drops", (unsigned)at.port);
	oo_rule_ground(finding, "%s (pid %d) listens on %s port %u, %u wait in its queue of %u",
		       listener->process, listener->pid, listener->at.host, (unsigned)at.port,
		       listener->queued, listener->backlog);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_CONNTRACK_FULL);
	oo_rule_remedy(finding, "nft list ruleset; iptables-save; allow tcp port %u on lo",
		       (unsigned)at.port);
	explain(rules);
}

/* Why its event loop does not turn, as far as its process shows. */
static void say_silent(struct oo_rules *rules, const char *what)
{
	const struct oo_process *process = docservice(rules);
	bool runs = oo_seen_is_running(process);
	bool is_stopped = runs && process->n_stopped > 0;
	bool is_blocked = runs && process->n_blocked > 0;
	bool is_busy = runs && !is_stopped && process->cpu_percent >= BUSY_PERCENT;
	char command[OO_RULE_COMMAND];
	struct oo_finding *finding = oo_rule_say(
		rules, is_busy ? OO_FAULT_DOCSERVICE_BUSY : OO_FAULT_DOCSERVICE_HUNG,
		OO_CONFIDENCE_CERTAIN, "Document Server %s: %s", is_busy ? "busy" : "hung", what);
	finding->weight = OO_WEIGHT_OUTAGE;
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_HEALTH);
	if (is_stopped) {
		oo_rule_ground(finding, "process %d is stopped (state T: SIGSTOP, a debugger)",
			       process->pid);
		oo_rule_remedy(finding, "kill -CONT %d", process->pid);
		explain(rules);
		return;
	}
	if (runs && process->n_frozen > 0) {
		oo_rule_ground(finding, "the cgroup of process %d is frozen", process->pid);
		oo_rule_remedy(finding,
			       "systemctl thaw ds-docservice; docker unpause CONTAINER; "
			       "cat /proc/%d/cgroup shows which it is",
			       process->pid);
		explain(rules);
		return;
	}
	if (is_blocked) {
		oo_rule_ground(finding, "process %d is blocked (state D: a disk, a network mount)",
			       process->pid);
	} else if (runs) {
		oo_rule_ground(finding, "process %d uses %u %% of a core", process->pid,
			       process->cpu_percent);
	}
	(void)oo_rule_command(rules->seen, OO_PROGRAM_DOCSERVICE, "restart", command);
	if (is_blocked) {
		oo_rule_remedy(finding, "%s; before: cat /proc/%d/stack; dmesg | tail", command,
			       process->pid);
	} else if (runs) {
		oo_rule_remedy(finding, "%s; before: perf top -p %d", command, process->pid);
	} else {
		oo_rule_remedy(finding, "%s", command);
	}
	explain(rules);
}

static void hung(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	struct oo_endpoint_text at = oo_seen_docservice_at(seen);
	const struct oo_listener *listener = oo_seen_listener(seen, &at);
	char what[OO_EVIDENCE_TEXT], outcome[64];
	if (oo_seen_true(oo_seen_proxied(seen)) || oo_rule_has(rules, OO_FAULT_STORAGE_HUNG)) {
		return;
	}
	if (oo_seen_silent(direct_index(rules))) {
		(void)snprintf(
			what, sizeof(what), "index.html silent, healthcheck %s; port %u accepts",
			oo_seen_outcome(&seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH], outcome),
			(unsigned)at.port);
		say_silent(rules, what);
	} else if (oo_seen_connect_timeout(direct_index(rules)) && oo_seen_backlog_full(listener)) {
		(void)snprintf(what, sizeof(what),
			       "it takes no connections: %u wait on port %u, as many as may",
			       listener->queued, (unsigned)at.port);
		say_silent(rules, what);
	}
}

/* Nothing of it can be seen but through the proxy, as in a container without a published port. */
static void unseen_behind_proxy(struct oo_rules *rules)
{
	const struct oo_exchange *proxied = oo_seen_proxied(rules->seen);
	const struct oo_exchange *files = &rules->seen->exchanges[OO_EXCHANGE_PROXY_STATIC];
	const struct oo_exchange *index = direct_index(rules);
	bool is_unseen =
		!oo_seen_tried(index) || (rules->seen->is_docker && oo_seen_refused(index));
	bool is_hung =
		proxied->status == 504 || (oo_seen_silent(proxied) && oo_seen_answered(files));
	char command[OO_RULE_COMMAND];
	if (!is_unseen || (proxied->status != 502 && !is_hung)) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, is_hung ? OO_FAULT_DOCSERVICE_HUNG : OO_FAULT_DOCSERVICE_STOPPED,
		OO_CONFIDENCE_POSSIBLE, "Document Server %s, as it seems from the proxy: %s",
		is_hung ? "hung" : "stopped", is_hung ? "no answer in time" : "502");
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(rules->seen));
	oo_rule_remedy(finding, "%s",
		       oo_rule_command(rules->seen, OO_PROGRAM_DOCSERVICE, "restart", command));
}

static void drained(struct oo_rules *rules)
{
	const struct oo_exchange *inactive = &rules->seen->exchanges[OO_EXCHANGE_DIRECT_INACTIVE];
	const char *shutdown = strstr(inactive->body, "\"shutdown\"");
	if (!oo_seen_answered(inactive) || shutdown == NULL ||
	    strncmp(shutdown + strlen("\"shutdown\"") +
			    strspn(shutdown + strlen("\"shutdown\""), " :\t"),
		    "true", 4) != 0) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_DOCSERVICE_DRAINED, OO_CONFIDENCE_CERTAIN,
		"Document Server drained: it refuses all editors, though /healthcheck says true");
	oo_rule_ground(finding, "%s: %s", inactive->url, inactive->body);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_DRAINED);
	oo_rule_remedy(finding,
		       "curl -X DELETE %s (it takes 30 s; with a shared broker it is for "
		       "all nodes)",
		       inactive->url);
	oo_rule_explain(rules, OO_EXCHANGE_BIT(DIRECT_EDITOR) | OO_EXCHANGE_BIT(PROXY_EDITOR));
}

static void descriptors(struct oo_rules *rules)
{
	const struct oo_process *process = docservice(rules);
	const struct oo_log_line *line =
		oo_seen_line_since_start(rules->seen, OO_LOG_MEANING_DESCRIPTORS);
	bool is_used_up = process->descriptors_max > 0 &&
			  (uint64_t)process->descriptors * 100 >=
				  (uint64_t)process->descriptors_max * USED_PERCENT;
	if (!oo_seen_is_running(process) || (!is_used_up && line == NULL)) {
		return;
	}
	bool is_healthy = oo_seen_healthy(rules->seen);
	if (!is_used_up && is_healthy) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_DOCSERVICE_DESCRIPTORS_EXHAUSTED,
			    is_used_up ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
			    "Document Server has used up its file descriptors: %u of %u",
			    process->descriptors, process->descriptors_max);
	finding->weight = is_healthy ? OO_WEIGHT_PART : OO_WEIGHT_OUTAGE;
	oo_rule_ground(finding, "process %d has %u of %u open", process->pid, process->descriptors,
		       process->descriptors_max);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_DESCRIPTORS);
	oo_rule_remedy(finding, "LimitNOFILE= in a drop-in (systemctl edit ds-docservice), then: "
				"systemctl restart ds-docservice");
	if (!is_healthy) {
		explain(rules);
	}
}

/* Not hung yet: its queue overflows while we look, or one core is all that it has. */
static void busy(struct oo_rules *rules)
{
	const struct oo_process *process = docservice(rules);
	struct oo_endpoint_text at = oo_seen_docservice_at(rules->seen);
	const struct oo_listener *listener = oo_seen_listener(rules->seen, &at);
	bool overflows = listener != NULL && listener->queued > 0 &&
			 rules->seen->host.listen_overflows_now > 0;
	bool is_loaded = oo_seen_is_running(process) && process->cpu_percent >= BUSY_PERCENT &&
			 direct_index(rules)->times.total_us >= SLOW_US;
	if (!oo_seen_docservice_answers(rules->seen) || (!overflows && !is_loaded)) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_DOCSERVICE_BUSY, OO_CONFIDENCE_LIKELY,
			    "Document Server busy: %u %% of one core, %u connections wait",
			    process->cpu_percent, listener != NULL ? listener->queued : 0);
	finding->weight = overflows ? OO_WEIGHT_PART : OO_WEIGHT_WARNING;
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_rule_ground(finding, "%llu connections were dropped from full queues while we looked",
		       (unsigned long long)rules->seen->host.listen_overflows_now);
	oo_rule_remedy(finding, "perf top -p %d; fewer users a node, or a faster one",
		       process->pid);
}

static void ip_filter(struct oo_rules *rules)
{
	const struct oo_exchange *proxied = oo_seen_proxied(rules->seen);
	const struct oo_exchange *direct = &rules->seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH];
	bool is_filtered = proxied->status == 403 || direct->status == 403;
	if (!is_filtered || (!rules->seen->documentserver.ip_filter && direct->status != 403)) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_DOCSERVICE_IP_FILTER,
			    rules->seen->documentserver.ip_filter ? OO_CONFIDENCE_CERTAIN
								  : OO_CONFIDENCE_LIKELY,
			    "Document Server's IP filter refuses requests (403)");
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_HEALTH);
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(rules->seen));
	oo_rule_ground(finding, "ipfilter.useforrequest is %s",
		       rules->seen->documentserver.ip_filter ? "on" : "not seen");
	oo_rule_remedy(finding, "allow the address in local.json: services.CoAuthoring.ipfilter."
				"rules; it looks at the last X-Forwarded-For");
	oo_rule_explain(rules, OO_EXCHANGES_PROXIED | OO_EXCHANGES_DIRECT);
}

/* Signed with local.json's secret, and yet refused: it runs with another one. */
static void token_mismatch(struct oo_rules *rules)
{
	const struct oo_exchange *command = &rules->seen->exchanges[OO_EXCHANGE_PROXY_COMMAND];
	const char *error = strstr(command->body, "\"error\"");
	const struct oo_log_line *line = oo_seen_line(rules->seen, OO_LOG_MEANING_TOKEN);
	bool is_refused = oo_seen_answered(command) && error != NULL &&
			  strncmp(error + 7 + strspn(error + 7, " :\t"), "6", 1) == 0 &&
			  rules->seen->documentserver.secret_look == OO_LOOK_SEEN;
	char command_text[OO_RULE_COMMAND];
	if (!is_refused && (line == NULL || !oo_seen_is_recent(line))) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_TOKEN_MISMATCH,
		is_refused ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		is_refused ? "token secret mismatch: the Document Server does not run with "
			     "local.json's secret"
			   : "token secret mismatch: somebody signs with another secret than "
			     "local.json's");
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_PROXY_COMMAND);
	if (is_refused) {
		oo_rule_ground(finding, "answer: %s", command->body);
	}
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_TOKEN);
	oo_rule_remedy(
		finding,
		"give %s.secret.inbox.string to the integration and to all nodes, "
		"then: %s",
		"services.CoAuthoring",
		oo_rule_command(rules->seen, OO_PROGRAM_DOCSERVICE, "restart", command_text));
}

#define READS OO_EXCHANGE_BIT(DIRECT_INDEX)

static const struct oo_rule table[] = {
	{0, descriptors}, /* whoever has none left accepts nothing, as if it hung */
	{READS, port_taken}, {READS, firewall}, {READS, hung},  {READS, unseen_behind_proxy},
	{0, drained},        {READS, busy},     {0, ip_filter}, {0, token_mismatch},
};
const struct oo_rule_table oo_rules_documentserver = OO_RULE_TABLE(table);
