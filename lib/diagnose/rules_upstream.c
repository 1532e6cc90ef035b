/* Between proxy and Document Server, which answers us: where the proxy goes to, and in what way. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "diagnose/upstream.h"

static const struct oo_exchange *direct(const struct oo_rules *rules)
{
	return &rules->seen->exchanges[OO_EXCHANGE_DIRECT_INDEX];
}

struct oo_finding *oo_upstream_say(struct oo_rules *rules, enum oo_fault cause,
				   enum oo_confidence confidence, const char *summary)
{
	struct oo_finding *finding = oo_rule_say(rules, cause, confidence, "%s", summary);
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(rules->seen));
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	if (confidence >= OO_CONFIDENCE_LIKELY) {
		oo_rule_explain_behind_proxy(rules);
	}
	return finding;
}

void oo_upstream_ground_pass(struct oo_finding *finding, const struct oo_proxy_pass *pass)
{
	if (pass != NULL) {
		oo_rule_ground(finding, "%s:%d: proxy_pass %s", pass->file, pass->line,
			       pass->target);
	}
}

/* ---- what the Document Server's own port shows ---- */

/* It speaks TLS there, and the proxy plain HTTP. */
static void speaks_tls(struct oo_rules *rules)
{
	const struct oo_exchange *tls = &rules->seen->exchanges[OO_EXCHANGE_DIRECT_TLS];
	const struct oo_exchange *plain = direct(rules);
	const struct oo_proxy_pass *pass = oo_seen_pass(rules->seen);
	bool is_told = strstr(plain->body, "HTTP request was sent to HTTPS port") != NULL ||
		       strncmp(plain->body, "\x15\x03", 2) == 0;
	bool is_plain_http = oo_seen_answered(plain) && !is_told;
	if ((pass != NULL && pass->tls) || is_plain_http || (!is_told && !oo_seen_answered(tls)) ||
	    oo_seen_true(oo_seen_proxied(rules->seen))) {
		return;
	}
	struct oo_finding *finding =
		oo_upstream_say(rules, OO_FAULT_UPSTREAM_SPEAKS_TLS, OO_CONFIDENCE_CERTAIN,
				"upstream speaks TLS: the proxy asks it in plain HTTP");
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_TLS);
	oo_upstream_ground_pass(finding, pass);
	oo_rule_remedy(finding, "proxy_pass https://... or take TLS off there; nginx -t && "
				"nginx -s reload");
	oo_rule_explain(rules, OO_EXCHANGES_DIRECT | OO_EXCHANGES_PROXIED);
}

/* The proxy asks over TLS, and is answered so: what plain requests get means nothing. */
static bool is_tls_meant(const struct oo_rules *rules)
{
	const struct oo_proxy_pass *pass = oo_seen_pass(rules->seen);
	return pass != NULL && pass->tls &&
	       oo_seen_answered(&rules->seen->exchanges[OO_EXCHANGE_DIRECT_TLS]);
}

/* As HTTP/0.9 would be: nginx takes what has no status line for a body. */
static void not_http(struct oo_rules *rules)
{
	const struct oo_exchange *plain = direct(rules);
	enum oo_log_meaning meaning = OO_LOG_MEANING_NONE;
	(void)oo_seen_upstream_line(rules->seen, &meaning);
	bool is_direct = oo_seen_tried(plain) && plain->status == 0 &&
			 plain->reason == OO_CHECK_REASON_PROTOCOL;
	bool is_logged = meaning == OO_LOG_MEANING_UPSTREAM_NOT_HTTP && !oo_seen_answered(plain);
	if (is_tls_meant(rules) || oo_seen_true(oo_seen_proxied(rules->seen)) ||
	    (!is_direct && !is_logged)) {
		return;
	}
	struct oo_finding *finding = oo_upstream_say(
		rules, OO_FAULT_UPSTREAM_NOT_HTTP,
		is_direct ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		"upstream not HTTP: what answers for the Document Server speaks something "
		"else");
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_UPSTREAM_NOT_HTTP);
	oo_rule_remedy(finding, "ss -ltnp 'sport = :%u' shows who it is",
		       (unsigned)oo_seen_docservice_at(rules->seen).port);
	oo_rule_explain(rules, OO_EXCHANGES_DIRECT | OO_EXCHANGES_PROXIED);
}

static void closes_early(struct oo_rules *rules)
{
	const struct oo_exchange *plain = direct(rules);
	const struct oo_exchange *health = &rules->seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH];
	enum oo_log_meaning meaning = OO_LOG_MEANING_NONE;
	(void)oo_seen_upstream_line(rules->seen, &meaning);
	bool is_direct = oo_seen_cut_off(plain) || oo_seen_cut_off(health);
	/* where it does not even listen now, that line is of the moment when it went */
	bool is_logged = meaning == OO_LOG_MEANING_UPSTREAM_CLOSED_EARLY &&
			 oo_seen_gateway_status(rules->seen) == 502 &&
			 !oo_seen_refused(&rules->seen->exchanges[OO_EXCHANGE_UPSTREAM]);
	if (is_tls_meant(rules) || oo_seen_true(oo_seen_proxied(rules->seen)) ||
	    (!is_direct && !is_logged)) {
		return;
	}
	struct oo_finding *finding = oo_upstream_say(
		rules, OO_FAULT_UPSTREAM_CLOSES_EARLY,
		is_direct ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		"upstream closes early: connections to the Document Server end without an answer");
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_HEALTH);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_UPSTREAM_CLOSED_EARLY);
	oo_rule_remedy(finding,
		       "the last lines of /var/log/onlyoffice/documentserver/docservice/"
		       "out.log; ss -ltnp 'sport = :%u'",
		       (unsigned)oo_seen_docservice_at(rules->seen).port);
	oo_rule_explain(rules, OO_EXCHANGES_DIRECT);
	oo_rule_explain_behind_proxy(rules);
}

/* ---- where the proxy goes ---- */

/* An upstream's name that is not there: nginx does not start with it, or answers 502 (resolver). */
static void not_resolved(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_evidence_lookup *gone = NULL;
	enum oo_log_meaning meaning = OO_LOG_MEANING_NONE;
	(void)oo_seen_upstream_line(seen, &meaning);
	for (size_t i = 0; i < seen->n_lookups; i++) {
		if (seen->lookups[i].look == OO_LOOK_ABSENT &&
		    strstr(seen->lookups[i].asked_by, "nginx") != NULL) {
			gone = &seen->lookups[i];
		}
	}
	bool is_tested = seen->proxy_test.look == OO_LOOK_SEEN && !seen->proxy_test.passed &&
			 strstr(seen->proxy_test.error, "host not found in upstream") != NULL;
	bool is_logged = meaning == OO_LOG_MEANING_UPSTREAM_NOT_RESOLVED &&
			 oo_seen_gateway_error(rules->seen);
	if (gone == NULL && !is_tested && !is_logged) {
		return;
	}
	bool is_fine = oo_seen_true(oo_seen_proxied(seen));
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_UPSTREAM_NAME_NOT_RESOLVED,
		oo_rule_has(rules, OO_FAULT_NAME_SERVICE_DOWN) ? OO_CONFIDENCE_POSSIBLE
							       : OO_CONFIDENCE_CERTAIN,
		"upstream name not resolved: %s%s",
		gone != NULL ? gone->name
		: is_tested  ? seen->proxy_test.error
			     : "see nginx's log",
		is_fine ? ": nginx lives on what it knew, and will not start again" : "");
	finding->weight = is_fine ? OO_WEIGHT_WARNING : finding->weight;
	if (gone != NULL) {
		oo_rule_ground(finding, "%s (%s): no such name", gone->name, gone->asked_by);
	}
	if (is_tested) {
		oo_rule_ground(finding, "nginx -t: %s", seen->proxy_test.error);
	}
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_UPSTREAM_NOT_RESOLVED);
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(seen));
	oo_rule_remedy(finding,
		       "getent hosts %s; correct the name server, /etc/hosts or the "
		       "configuration, then: nginx -t && systemctl restart nginx",
		       gone != NULL ? gone->name : "NAME");
	if (!is_fine) {
		oo_rule_explain(rules, OO_EXCHANGES_PROXIED | OO_EXCHANGE_BIT(PROXY_STATIC));
	}
}

/* That place was asked as the proxy does, and it is not the Document Server that answered. */
static bool is_elsewhere(const struct oo_rules *rules)
{
	const struct oo_exchange *there = &rules->seen->exchanges[OO_EXCHANGE_UPSTREAM];
	return oo_seen_tried(there) && !oo_seen_true(there) && !oo_seen_false(there) &&
	       (there->status != 0 || oo_seen_refused(there));
}

static bool is_at(const struct oo_proxy_pass *pass, const struct oo_evidence *seen)
{
	struct oo_endpoint_text at = oo_seen_docservice_at(seen);
	for (size_t i = 0; i < pass->n_peers; i++) {
		if (pass->peers[i].port == at.port) {
			return true;
		}
	}
	return pass->n_peers == 0;
}

/* The Document Server answers where it should, and the proxy goes elsewhere. */
static void wrong_port(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_proxy_pass *pass = oo_seen_pass(seen);
	struct oo_endpoint_text at = oo_seen_docservice_at(seen);
	const struct oo_exchange *proxied = oo_seen_proxied(seen);
	if (pass == NULL || pass->n_peers == 0 || (is_at(pass, seen) && !is_elsewhere(rules)) ||
	    !oo_seen_docservice_answers(seen) || !oo_seen_tried(proxied) || oo_seen_true(proxied) ||
	    oo_seen_false(proxied)) {
		return;
	}
	const struct oo_endpoint_text *peer = &pass->peers[0];
	const struct oo_listener *listener =
		oo_seen_is_local(seen, peer->host) ? oo_seen_listener(seen, peer) : NULL;
	if (listener != NULL && oo_seen_refused(&seen->exchanges[OO_EXCHANGE_UPSTREAM])) {
		return; /* somebody listens there: a firewall rejects */
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_UPSTREAM_WRONG_PORT, OO_CONFIDENCE_CERTAIN,
		"upstream wrong port: the proxy goes to %s:%u, the Document Server is at %s:%u",
		peer->host, (unsigned)peer->port, at.host, (unsigned)at.port);
	oo_upstream_ground_pass(finding, pass);
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(seen));
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_UPSTREAM);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_rule_ground(finding, "on port %u of this node: %s", (unsigned)peer->port,
		       listener != NULL ? listener->process : "nobody");
	oo_rule_remedy(finding, "correct it to %s:%u in %s:%d, then: nginx -t && nginx -s reload",
		       at.host, (unsigned)at.port, pass->file, pass->line);
	oo_rule_explain(rules, OO_EXCHANGES_PROXIED);
}

/* The Document Server runs, and listens elsewhere than both proxy and settings say. */
static void listens_elsewhere(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	struct oo_endpoint_text at = oo_seen_docservice_at(seen);
	const struct oo_listener *own = oo_seen_listener_of(seen, OO_PROGRAM_DOCSERVICE);
	const struct oo_listener *there = oo_seen_listener_on(seen, at.port);
	const struct oo_listener *actual = own != NULL ? own : there;
	if (oo_seen_true(oo_seen_proxied(seen)) || actual == NULL || seen->is_docker ||
	    oo_seen_listener(seen, &at) != NULL || !oo_seen_refused(direct(rules))) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_UPSTREAM_WRONG_PORT, OO_CONFIDENCE_CERTAIN,
		"upstream wrong port: the Document Server listens on %s port %u, and is expected "
		"on %s port %u",
		actual->at.host, (unsigned)actual->at.port, at.host, (unsigned)at.port);
	oo_rule_ground(finding, "%s (pid %d) listens on %s port %u", actual->process, actual->pid,
		       actual->at.host, (unsigned)actual->at.port);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_upstream_ground_pass(finding, oo_seen_pass(seen));
	oo_rule_remedy(finding, "make services.CoAuthoring.server.port of local.json and nginx's "
				"upstream agree, then restart ds-docservice, reload nginx");
	oo_rule_explain(rules, OO_EXCHANGES_DIRECT);
	oo_rule_explain_behind_proxy(rules);
}

/* The proxy asks over TLS what speaks plain HTTP. */
static void speaks_plain(struct oo_rules *rules)
{
	const struct oo_proxy_pass *pass = oo_seen_pass(rules->seen);
	enum oo_log_meaning meaning = OO_LOG_MEANING_NONE;
	(void)oo_seen_upstream_line(rules->seen, &meaning);
	bool is_set = pass != NULL && pass->tls && oo_seen_docservice_answers(rules->seen) &&
		      is_at(pass, rules->seen) && !is_tls_meant(rules);
	bool is_logged = meaning == OO_LOG_MEANING_UPSTREAM_NOT_TLS;
	if (!oo_seen_gateway_error(rules->seen) || (!is_set && !is_logged)) {
		return;
	}
	struct oo_finding *finding =
		oo_upstream_say(rules, OO_FAULT_UPSTREAM_SPEAKS_PLAIN, OO_CONFIDENCE_CERTAIN,
				"upstream speaks plain HTTP: the proxy asks it over TLS");
	oo_upstream_ground_pass(finding, pass);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_UPSTREAM_NOT_TLS);
	oo_rule_remedy(finding, "proxy_pass http://... there, then: nginx -t && nginx -s reload");
}

/* The proxy goes to another host, which is not reached; the one here is not asked by it. */
static void unreached(struct oo_rules *rules)
{
	const struct oo_exchange *there = &rules->seen->exchanges[OO_EXCHANGE_UPSTREAM];
	const struct oo_exchange *proxied = oo_seen_proxied(rules->seen);
	bool is_dropped = oo_seen_connect_timeout(there);
	bool is_silent = oo_seen_silent(there);
	if (oo_seen_true(proxied) || oo_seen_false(proxied) || !oo_seen_tried(proxied) ||
	    (!is_dropped && !is_silent && !oo_seen_unreachable(there))) {
		return;
	}
	struct oo_finding *finding = oo_upstream_say(
		rules,
		is_dropped  ? OO_FAULT_UPSTREAM_FIREWALL_DROP
		: is_silent ? OO_FAULT_DOCSERVICE_HUNG
			    : OO_FAULT_UPSTREAM_NO_ROUTE,
		is_silent ? OO_CONFIDENCE_LIKELY : OO_CONFIDENCE_CERTAIN,
		is_dropped  ? "connections to the upstream are dropped: a firewall, or a host that "
			      "is off"
		: is_silent ? "upstream hung: it accepts, and is silent"
			    : "no route to the upstream, or rejected");
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_UPSTREAM);
	oo_upstream_ground_pass(finding, oo_seen_pass(rules->seen));
	oo_rule_remedy(finding, "ip route get %s; nft list ruleset; or correct proxy_pass",
		       there->peer.host);
}

static const struct oo_rule table[] = {
	{0, not_resolved},
	{OO_EXCHANGE_BIT(DIRECT_INDEX), speaks_tls},
	{OO_EXCHANGE_BIT(DIRECT_INDEX), not_http},
	{OO_EXCHANGE_BIT(DIRECT_INDEX), closes_early},
	{OO_EXCHANGE_BIT(DIRECT_INDEX), listens_elsewhere},
	{BEHIND_PROXY, wrong_port},
	{BEHIND_PROXY, unreached},
	{BEHIND_PROXY, speaks_plain},
};
const struct oo_rule_table oo_rules_upstream = OO_RULE_TABLE(table);
