/* A Document Server that is not on this node: what the proxy passes to, asked as the proxy does. */
#include <string.h>

#include "base/text.h"
#include "diagnose/rule.h"

static const struct oo_exchange *upstream(const struct oo_rules *rules)
{
	return &rules->seen->exchanges[OO_EXCHANGE_UPSTREAM];
}

/* Nothing of it is here: no process, no unit, nobody on its port. */
static bool is_remote(const struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_process *process = &seen->processes[OO_PROGRAM_DOCSERVICE];
	const struct oo_proxy_pass *pass = oo_seen_pass(seen);
	return pass != NULL && oo_seen_tried(upstream(rules)) && !oo_seen_is_running(process) &&
	       process->unit_look != OO_LOOK_SEEN &&
	       oo_seen_listener_on(seen, oo_seen_docservice_at(seen).port) == NULL &&
	       !oo_seen_is_local(seen, pass->peers[0].host);
}

struct means {
	enum oo_check_reason reason;
	enum oo_fault cause;
	enum oo_confidence confidence;
	const char *what; /* "upstream HOST ..." */
};

static const struct means causes[] = {
	{OO_CHECK_REASON_NAME_NOT_RESOLVED, OO_FAULT_UPSTREAM_NAME_NOT_RESOLVED,
	 OO_CONFIDENCE_CERTAIN, "has a name that does not resolve"},
	{OO_CHECK_REASON_REFUSED, OO_FAULT_DOCSERVICE_STOPPED, OO_CONFIDENCE_LIKELY,
	 "refuses: its Document Server is stopped"},
	{OO_CHECK_REASON_UNREACHABLE, OO_FAULT_UPSTREAM_NO_ROUTE, OO_CONFIDENCE_CERTAIN,
	 "is not reached: no route, or the host is off"},
	{OO_CHECK_REASON_CONNECT_TIMEOUT, OO_FAULT_UPSTREAM_FIREWALL_DROP, OO_CONFIDENCE_LIKELY,
	 "does not answer a connection attempt: a firewall drops, or the host is off"},
	{OO_CHECK_REASON_SILENT, OO_FAULT_DOCSERVICE_HUNG, OO_CONFIDENCE_LIKELY,
	 "accepts, and is silent"},
	{OO_CHECK_REASON_CLOSED, OO_FAULT_UPSTREAM_CLOSES_EARLY, OO_CONFIDENCE_CERTAIN,
	 "closes without an answer"},
	{OO_CHECK_REASON_RESET, OO_FAULT_UPSTREAM_CLOSES_EARLY, OO_CONFIDENCE_CERTAIN,
	 "resets without an answer"},
	{OO_CHECK_REASON_TLS, OO_FAULT_UPSTREAM_SPEAKS_PLAIN, OO_CONFIDENCE_LIKELY,
	 "does not speak TLS as the proxy asks it to"},
	{OO_CHECK_REASON_PROTOCOL, OO_FAULT_UPSTREAM_NOT_HTTP, OO_CONFIDENCE_CERTAIN,
	 "does not speak HTTP"},
};

static void remote(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_exchange *proxied = oo_seen_proxied(seen);
	if (!is_remote(rules) || oo_seen_true(proxied) || oo_seen_false(proxied)) {
		return;
	}
	const struct oo_proxy_pass *pass = oo_seen_pass(seen);
	oo_rule_explain(rules, OO_EXCHANGES_DIRECT); /* nobody is to answer there */
	for (size_t i = 0; i < OO_LENGTH(causes); i++) {
		if (upstream(rules)->status != 0 || upstream(rules)->reason != causes[i].reason) {
			continue;
		}
		struct oo_finding *finding = oo_rule_say(
			rules, causes[i].cause, causes[i].confidence, "upstream %s:%u %s",
			pass->peers[0].host, (unsigned)pass->peers[0].port, causes[i].what);
		oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_UPSTREAM);
		oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(seen));
		oo_rule_ground(finding, "%s:%d: proxy_pass %s", pass->file, pass->line,
			       pass->target);
		oo_rule_remedy(finding,
			       "on %s: systemctl status ds-docservice; from here: ip route "
			       "get %s; nft list ruleset",
			       pass->peers[0].host, pass->peers[0].host);
		oo_rule_explain_behind_proxy(rules);
	}
}

static const struct oo_rule table[] = {
	{0, remote},
};
const struct oo_rule_table oo_rules_remote = OO_RULE_TABLE(table);
