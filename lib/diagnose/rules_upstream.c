/* Between proxy and Document Server, which answers us: where the proxy goes to, and in what way. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "diagnose/rule.h"

#define BEHIND_PROXY                                                                               \
	(OO_EXCHANGE_BIT(PROXY_HEALTH) | OO_EXCHANGE_BIT(PROXY_TLS) | OO_EXCHANGE_BIT(USER))

static const struct oo_exchange *direct(const struct oo_rules *rules)
{
	return &rules->seen->exchanges[OO_EXCHANGE_DIRECT_INDEX];
}

static struct oo_finding *say(struct oo_rules *rules, enum oo_fault cause,
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

static void ground_pass(struct oo_finding *finding, const struct oo_proxy_pass *pass)
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
	struct oo_finding *finding = say(rules, OO_FAULT_UPSTREAM_SPEAKS_TLS, OO_CONFIDENCE_CERTAIN,
					 "upstream speaks TLS: the proxy asks it in plain HTTP");
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_TLS);
	ground_pass(finding, pass);
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
	struct oo_finding *finding =
		say(rules, OO_FAULT_UPSTREAM_NOT_HTTP,
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
	bool is_logged = meaning == OO_LOG_MEANING_UPSTREAM_CLOSED_EARLY &&
			 oo_seen_gateway_status(rules->seen) == 502;
	if (is_tls_meant(rules) || oo_seen_true(oo_seen_proxied(rules->seen)) ||
	    (!is_direct && !is_logged)) {
		return;
	}
	struct oo_finding *finding = say(
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
	ground_pass(finding, pass);
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
	ground_pass(finding, oo_seen_pass(seen));
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
		say(rules, OO_FAULT_UPSTREAM_SPEAKS_PLAIN, OO_CONFIDENCE_CERTAIN,
		    "upstream speaks plain HTTP: the proxy asks it over TLS");
	ground_pass(finding, pass);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_UPSTREAM_NOT_TLS);
	oo_rule_remedy(finding, "proxy_pass http://... there, then: nginx -t && nginx -s reload");
}

/* ---- what only nginx's log tells: the Document Server answers us, and not the proxy ---- */

static bool is_peer_known(const struct oo_proxy_pass *pass, const struct oo_evidence *seen,
			  const struct oo_endpoint_text *at)
{
	for (size_t i = 0; i < pass->n_peers; i++) {
		const struct oo_evidence_lookup *lookup = oo_seen_lookup(seen, pass->peers[i].host);
		bool is_same_host =
			oo_text_equal(pass->peers[i].host, at->host) ||
			(oo_seen_is_loopback(pass->peers[i].host) && oo_seen_is_loopback(at->host));
		for (size_t j = 0; lookup != NULL && j < lookup->n_addresses; j++) {
			is_same_host =
				is_same_host || oo_text_equal(lookup->addresses[j], at->host);
		}
		if (is_same_host && pass->peers[i].port == at->port) {
			return true;
		}
	}
	return pass->n_peers == 0;
}

/*
 * The proxy connects to what neither its files nor the name service say now: files that were
 * changed since, or a name that has moved on (nginx looks upstreams up once, when it starts).
 */
static void old_peer(struct oo_rules *rules)
{
	const struct oo_proxy_pass *pass = oo_seen_pass(rules->seen);
	enum oo_log_meaning meaning = OO_LOG_MEANING_NONE;
	const struct oo_log_line *line = oo_seen_upstream_line(rules->seen, &meaning);
	struct oo_endpoint_text at = {0};
	if (pass == NULL || line == NULL || !oo_seen_gateway_error(rules->seen) ||
	    !oo_log_upstream(line->text, &at) || is_peer_known(pass, rules->seen, &at) ||
	    !oo_seen_docservice_answers(rules->seen)) {
		return;
	}
	const struct oo_evidence_lookup *lookup = oo_seen_lookup(rules->seen, pass->peers[0].host);
	bool is_stale =
		lookup != NULL && lookup->look == OO_LOOK_SEEN && pass->peers[0].port == at.port;
	struct oo_finding *finding =
		say(rules, is_stale ? OO_FAULT_UPSTREAM_NAME_STALE : OO_FAULT_PROXY_RELOAD_NEEDED,
		    OO_CONFIDENCE_CERTAIN,
		    is_stale ? "upstream name stale: nginx goes on with an address that the name "
			       "no longer has"
			     : "proxy reload needed: nginx runs with another configuration than "
			       "its files have");
	finding->weight = OO_WEIGHT_OUTAGE;
	oo_rule_ground(finding, "nginx's log: %s", line->text);
	oo_rule_ground(finding, "%s is now %s, port %u", pass->peers[0].host,
		       lookup != NULL ? lookup->addresses[0] : pass->peers[0].host,
		       (unsigned)pass->peers[0].port);
	oo_rule_remedy(finding, "nginx -t && nginx -s reload");
}

struct logged {
	enum oo_log_meaning meaning;
	enum oo_fault cause;
	const char *summary;
	const char *remedy;
};

static const struct logged logged[] = {
	{OO_LOG_MEANING_UPSTREAM_HEADER_TOO_BIG, OO_FAULT_UPSTREAM_HEADER_TOO_BIG,
	 "upstream header too big: it does not fit into proxy_buffer_size",
	 "raise it: proxy_buffer_size 16k; proxy_buffers 8 16k; then: nginx -t && nginx -s reload"},
	{OO_LOG_MEANING_UPSTREAM_PERMISSION, OO_FAULT_UPSTREAM_PERMISSION,
	 "upstream permission denied: nginx may not connect",
	 "ausearch -m avc -ts recent; setsebool -P httpd_can_network_connect 1; aa-status; of a "
	 "unix socket: its mode and owner"},
	{OO_LOG_MEANING_UPSTREAM_NO_PORTS, OO_FAULT_UPSTREAM_PORTS_EXHAUSTED,
	 "no local ports left for connections to the upstream",
	 "ss -s; net.ipv4.ip_local_port_range; keepalive in the upstream block; also: proxy_bind"},
	{OO_LOG_MEANING_UPSTREAM_TLS_FAILED, OO_FAULT_UPSTREAM_SPEAKS_PLAIN,
	 "TLS handshake with the upstream fails",
	 "openssl s_client -connect HOST:PORT; or proxy_pass http://..."},
	{OO_LOG_MEANING_UPSTREAM_NO_SOCKET, OO_FAULT_UPSTREAM_WRONG_PORT,
	 "the upstream is a socket that does not exist",
	 "correct proxy_pass, then: nginx -t && nginx -s reload"},
};

/*
 * ICMP "administratively prohibited" is EHOSTUNREACH for IPv4 and EACCES for IPv6 (net/ipv4/icmp.c,
 * net/ipv6/icmp.c): where nginx has tried both, the one beside the other is no permission.
 */
static bool was_rejected(const struct oo_rules *rules)
{
	const struct oo_log_line *line =
		oo_seen_line(rules->seen, OO_LOG_MEANING_UPSTREAM_NO_ROUTE);
	return line != NULL && oo_seen_is_recent(line);
}

static void by_log(struct oo_rules *rules)
{
	enum oo_log_meaning meaning = OO_LOG_MEANING_NONE;
	const struct oo_log_line *line = oo_seen_upstream_line(rules->seen, &meaning);
	for (size_t i = 0; i < OO_LENGTH(logged); i++) {
		bool is_reject =
			meaning == OO_LOG_MEANING_UPSTREAM_PERMISSION && was_rejected(rules);
		if (!oo_seen_gateway_error(rules->seen) || logged[i].meaning != meaning ||
		    is_reject) {
			continue;
		}
		struct oo_finding *finding =
			say(rules, logged[i].cause,
			    line->age_ms >= 0 && line->age_ms < 60000 ? OO_CONFIDENCE_CERTAIN
								      : OO_CONFIDENCE_LIKELY,
			    logged[i].summary);
		oo_rule_ground_line(finding, rules, meaning);
		ground_pass(finding, oo_seen_pass(rules->seen));
		oo_rule_remedy(finding, "%s", logged[i].remedy);
	}
}

static void ports_exhausted(struct oo_rules *rules)
{
	if (!oo_seen_gateway_error(rules->seen) ||
	    rules->seen->host.local_ports_used_percent < 95) {
		return;
	}
	struct oo_finding *finding =
		say(rules, OO_FAULT_UPSTREAM_PORTS_EXHAUSTED, OO_CONFIDENCE_CERTAIN,
		    "no local ports left for connections to the upstream");
	oo_rule_ground(finding, "%u %% of ip_local_port_range are in use",
		       rules->seen->host.local_ports_used_percent);
	oo_rule_remedy(finding, "ss -s; widen net.ipv4.ip_local_port_range; keepalive in the "
				"upstream block");
}

/* connect() failed though somebody listens, and we get through: what is in between knows nginx. */
static void network(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	enum oo_log_meaning meaning = OO_LOG_MEANING_NONE;
	const struct oo_log_line *line = oo_seen_upstream_line(seen, &meaning);
	struct oo_endpoint_text at = {0};
	bool has_peer = line != NULL && oo_log_upstream(line->text, &at);
	bool is_local = has_peer && oo_seen_is_local(seen, at.host);
	/* refused is natural where nobody listens */
	bool is_refused = meaning == OO_LOG_MEANING_UPSTREAM_REFUSED &&
			  !(is_local && oo_seen_nobody_on(seen, at.port));
	bool is_no_route = meaning == OO_LOG_MEANING_UPSTREAM_NO_ROUTE ||
			   (meaning == OO_LOG_MEANING_UPSTREAM_PERMISSION && was_rejected(rules));
	bool is_dropped = meaning == OO_LOG_MEANING_UPSTREAM_CONNECT_TIMEOUT;
	if (!oo_seen_gateway_error(rules->seen) || (!is_refused && !is_no_route && !is_dropped)) {
		return;
	}
	enum oo_fault cause = is_dropped                 ? OO_FAULT_UPSTREAM_FIREWALL_DROP
			      : is_no_route && !is_local ? OO_FAULT_UPSTREAM_NO_ROUTE
							 : OO_FAULT_UPSTREAM_FIREWALL_REJECT;
	bool is_sure = is_no_route || (is_local && oo_seen_listener(seen, &at) != NULL);
	struct oo_finding *finding = say(
		rules, cause, is_sure ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		is_dropped ? "connections of the proxy to the upstream are dropped: a firewall, or "
			     "a host that is off"
		: is_no_route && !is_local
			? "no route from the proxy to the upstream"
			: "connections of the proxy to the upstream are rejected");
	oo_rule_ground_line(finding, rules, meaning);
	oo_rule_remedy(finding, "ip route get %s; nft list ruleset; nc -zv %s %u",
		       has_peer ? at.host : "HOST", has_peer ? at.host : "HOST", (unsigned)at.port);
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
	struct oo_finding *finding = say(
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
	ground_pass(finding, oo_seen_pass(rules->seen));
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
	{BEHIND_PROXY, old_peer},
	{BEHIND_PROXY, ports_exhausted},
	{BEHIND_PROXY, by_log},
	{BEHIND_PROXY, network},
};
const struct oo_rule_table oo_rules_upstream = OO_RULE_TABLE(table);
