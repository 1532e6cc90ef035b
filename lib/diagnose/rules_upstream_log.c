/* What only nginx's log tells: the Document Server answers us, and not the proxy. */
#include "base/text.h"
#include "diagnose/upstream.h"

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
	struct oo_finding *finding = oo_upstream_say(
		rules, is_stale ? OO_FAULT_UPSTREAM_NAME_STALE : OO_FAULT_PROXY_RELOAD_NEEDED,
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
		struct oo_finding *finding = oo_upstream_say(
			rules, logged[i].cause,
			line->age_ms >= 0 && line->age_ms < 60000 ? OO_CONFIDENCE_CERTAIN
								  : OO_CONFIDENCE_LIKELY,
			logged[i].summary);
		oo_rule_ground_line(finding, rules, meaning);
		oo_upstream_ground_pass(finding, oo_seen_pass(rules->seen));
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
		oo_upstream_say(rules, OO_FAULT_UPSTREAM_PORTS_EXHAUSTED, OO_CONFIDENCE_CERTAIN,
				"no local ports left for connections to the upstream");
	oo_rule_ground(finding, "%u %% of ip_local_port_range are in use",
		       rules->seen->host.local_ports_used_percent);
	oo_rule_remedy(finding, "ss -s; widen net.ipv4.ip_local_port_range; keepalive in the "
				"upstream block");
}

/* Of what nginx was refused by, nothing listens there, and the Document Server does elsewhere. */
static bool is_unlistened(const struct oo_evidence *seen, const struct oo_endpoint_text *at)
{
	if (seen->listeners_look != OO_LOOK_SEEN || seen->is_docker ||
	    oo_seen_listener(seen, at) != NULL) {
		return false;
	}
	for (size_t i = 0; i < seen->n_lines; i++) {
		const struct oo_log_line *line = &seen->lines[i];
		struct oo_endpoint_text other = {0};
		if (oo_log_meaning(line->source, line->text) == OO_LOG_MEANING_UPSTREAM_REFUSED &&
		    oo_log_upstream(line->text, &other) && oo_seen_listener(seen, &other) != NULL) {
			return false; /* another peer of the same upstream is rejected */
		}
	}
	return true;
}

/* Refused as nobody is there: on this node at that address, or on another that has none. */
static void refused_elsewhere(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	enum oo_log_meaning meaning = OO_LOG_MEANING_NONE;
	const struct oo_log_line *line = oo_seen_upstream_line(seen, &meaning);
	struct oo_endpoint_text at = {0}, here = oo_seen_docservice_at(seen);
	if (meaning != OO_LOG_MEANING_UPSTREAM_REFUSED || !oo_seen_gateway_error(seen) ||
	    !oo_log_upstream(line->text, &at) || !oo_seen_docservice_answers(seen)) {
		return;
	}
	bool is_local = oo_seen_is_local(seen, at.host);
	if (is_local && !is_unlistened(seen, &at)) {
		return;
	}
	struct oo_finding *finding = oo_upstream_say(
		rules, OO_FAULT_UPSTREAM_WRONG_PORT,
		is_local ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		is_local ? "upstream wrong address: the proxy goes to one of this node where "
			   "nobody listens"
			 : "upstream wrong host: the proxy goes to another one, which refuses; "
			   "the Document Server answers here");
	oo_rule_ground_line(finding, rules, meaning);
	oo_upstream_ground_pass(finding, oo_seen_pass(seen));
	oo_rule_remedy(finding,
		       "let it go to %s:%u (getent ahosts shows where a name leads), then: nginx "
		       "-t && systemctl restart nginx",
		       here.host, (unsigned)here.port);
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
			  !(is_local && oo_seen_nobody_on(seen, at.port)) &&
			  !oo_rule_has(rules, OO_FAULT_UPSTREAM_WRONG_PORT);
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
	struct oo_finding *finding = oo_upstream_say(
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

static const struct oo_rule table[] = {
	{BEHIND_PROXY, old_peer},          {BEHIND_PROXY, ports_exhausted}, {BEHIND_PROXY, by_log},
	{BEHIND_PROXY, refused_elsewhere}, {BEHIND_PROXY, network},
};
const struct oo_rule_table oo_rules_upstream_log = OO_RULE_TABLE(table);
