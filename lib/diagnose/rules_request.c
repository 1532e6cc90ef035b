/* The request itself: the URL that was given, and what nginx refuses others. */
#include <string.h>

#include "base/text.h"
#include "diagnose/rule.h"

static const struct oo_exchange *user(const struct oo_rules *rules)
{
	return &rules->seen->exchanges[OO_EXCHANGE_USER];
}

static void name_not_resolved(struct oo_rules *rules)
{
	const struct oo_exchange *asked = user(rules);
	if (!oo_seen_tried(asked) || asked->reason != OO_CHECK_REASON_NAME_NOT_RESOLVED) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_USER_NAME_NOT_RESOLVED,
			    oo_rule_has(rules, OO_FAULT_NAME_SERVICE_DOWN) ? OO_CONFIDENCE_POSSIBLE
									   : OO_CONFIDENCE_CERTAIN,
			    "user's name not resolved: %s", asked->url);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_USER);
	oo_rule_remedy(finding, "getent hosts NAME here and at the user's; add it to the DNS, with "
				"the VIP for an address");
	oo_rule_explain(rules, OO_EXCHANGE_BIT(USER));
}

static bool is_vip(const struct oo_evidence *seen, const char *address)
{
	for (size_t i = 0; i < seen->n_vips; i++) {
		if (oo_text_equal(seen->vips[i].address, address)) {
			return true;
		}
	}
	return false;
}

/* All is well here, what the user gets is not, and it does not come from here. */
static void points_elsewhere(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_exchange *asked = user(rules);
	const char *address = asked->peer.host;
	bool is_bad = oo_seen_tried(asked) &&
		      (asked->status == 0 || asked->status >= 500 || asked->status == 404);
	if (!is_bad || address[0] == '\0' || seen->n_vips == 0 || is_vip(seen, address) ||
	    oo_seen_is_local(seen, address) || !oo_seen_true(oo_seen_proxied(seen))) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_NAME_POINTS_ELSEWHERE, OO_CONFIDENCE_LIKELY,
			    "the user's name leads to %s, which is no VIP", address);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_USER);
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(seen));
	oo_rule_ground(finding, "the first VIP is %s", seen->vips[0].address);
	oo_rule_remedy(finding, "let the DNS name lead to %s; an old entry lives for its TTL",
		       seen->vips[0].address);
	oo_rule_explain(rules, OO_EXCHANGE_BIT(USER));
}

static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://");
	host = host != NULL ? host + strlen("://") : url;
	return host + strcspn(host, "/?");
}

/* Sent to https with all else as it was: a site of another path is no loop, wherever it is. */
static bool is_sent_to_tls(const struct oo_exchange *exchange)
{
	return oo_seen_redirect(exchange) && strncmp(exchange->location, "https://", 8) == 0 &&
	       oo_text_equal(path_of(exchange->location), path_of(exchange->url));
}

/* https is asked for, and answered with "ask for https": who takes TLS off does not tell. */
static void redirect_loop(struct oo_rules *rules)
{
	const struct oo_exchange *asked = user(rules);
	const struct oo_exchange *tls = &rules->seen->exchanges[OO_EXCHANGE_PROXY_TLS];
	const struct oo_exchange *plain = &rules->seen->exchanges[OO_EXCHANGE_PROXY_HEALTH];
	const struct oo_proxy_pass *pass = oo_seen_pass(rules->seen);
	bool loops = oo_seen_tried(asked) &&
		     (asked->loops || asked->reason == OO_CHECK_REASON_REDIRECTS);
	bool is_tls_sent_to_tls = is_sent_to_tls(tls);
	/* this nginx has no TLS of its own: whoever has sends plain requests, and is sent back */
	bool is_sent_out = is_sent_to_tls(plain) && rules->seen->proxy.look == OO_LOOK_SEEN &&
			   !rules->seen->proxy.has_tls_listen;
	if (!loops && !is_tls_sent_to_tls && !is_sent_out) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_REDIRECT_LOOP, loops ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		"redirect loop: the request came by https, and is sent to https again");
	oo_rule_ground_exchange(finding, rules,
				loops                ? OO_EXCHANGE_USER
				: is_tls_sent_to_tls ? OO_EXCHANGE_PROXY_TLS
						     : OO_EXCHANGE_PROXY_HEALTH);
	oo_rule_ground(finding, "Location: %s",
		       loops                ? asked->location
		       : is_tls_sent_to_tls ? tls->location
					    : plain->location);
	if (pass != NULL) {
		oo_rule_ground(finding, "%s:%d sets X-Forwarded-Proto to \"%s\"", pass->file,
			       pass->line, pass->proto_header);
	}
	oo_rule_remedy(finding, "let whoever takes TLS off send X-Forwarded-Proto: https, and this "
				"proxy decide by it, not by $scheme");
	oo_rule_explain(rules, OO_EXCHANGE_BIT(USER) | OO_EXCHANGE_BIT(VIP));
}

/* nginx says it of whoever sent it: we do not send as much. */
static void body_too_large(struct oo_rules *rules)
{
	const struct oo_log_line *line =
		oo_seen_line(rules->seen, OO_LOG_MEANING_PROXY_BODY_TOO_LARGE);
	const struct oo_proxy_pass *pass = oo_seen_pass(rules->seen);
	bool is_too_large = user(rules)->status == 413;
	if (line == NULL && !is_too_large) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_BODY_TOO_LARGE,
		is_too_large || oo_seen_is_recent(line) ? OO_CONFIDENCE_CERTAIN
							: OO_CONFIDENCE_LIKELY,
		"body too large (413): the proxy takes no more than client_max_body_size");
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_USER);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_BODY_TOO_LARGE);
	if (pass != NULL) {
		oo_rule_ground(finding, "client_max_body_size is %llu bytes",
			       (unsigned long long)pass->body_max_bytes);
	}
	oo_rule_remedy(finding,
		       "raise client_max_body_size (nginx) and maxDownloadBytes, "
		       "uploadLimit (local.json), then reload nginx, restart ds-docservice");
	oo_rule_explain(rules, OO_EXCHANGE_BIT(USER));
}

/* api.js is what every integration loads first; the proxy has it on its own disk. */
static void files_missing(struct oo_rules *rules)
{
	const struct oo_exchange *files = &rules->seen->exchanges[OO_EXCHANGE_PROXY_STATIC];
	bool is_gone = files->status == 404;
	if (!oo_seen_answered(files) || (!is_gone && files->status != 403) ||
	    !oo_seen_true(oo_seen_proxied(rules->seen))) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_FONTS_OR_FILES_MISSING, OO_CONFIDENCE_CERTAIN,
			    "the proxy's own files %s: editors cannot load api.js",
			    is_gone ? "are missing" : "may not be read");
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_PROXY_STATIC);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_FILE_MISSING);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_FILE_DENIED);
	oo_rule_remedy(finding,
		       "ls -l /var/www/onlyoffice/documentserver/web-apps/apps/api/"
		       "documents/api.js; apt install --reinstall onlyoffice-documentserver");
}

struct told {
	int status;
	enum oo_fault cause;
	const char *summary;
	const char *remedy;
};

static const struct told told[] = {
	{401, OO_FAULT_URL_UNAUTHORIZED, "unauthorized (401): a login is demanded before the proxy",
	 "the Document Server itself never asks for one: look at auth_basic and auth_request"},
	{403, OO_FAULT_URL_FORBIDDEN, "forbidden (403)",
	 "nginx's deny rules and the IP filter; under /cache/files the links' signature: "
	 "secure_link_secret and storage.fs.secretString must be one on all nodes; /info and "
	 "/internal are for 127.0.0.1 only"},
	{404, OO_FAULT_URL_NOT_FOUND, "not found (404): no such path, or another server{} answers",
	 "compare the path, and server_name with the name in the URL; /welcome and /example are "
	 "not always installed"},
	{410, OO_FAULT_LINK_EXPIRED, "link expired (410): the time of a signed link is over",
	 "open the document anew; look at the nodes' clocks (timedatectl)"},
};

/* "/" leads there; it is the example package's, which need not be installed. */
static bool is_welcome(const struct oo_exchange *asked)
{
	return strstr(asked->location, "/welcome") != NULL ||
	       strstr(asked->url, "/welcome") != NULL ||
	       strstr(asked->location, "/example") != NULL ||
	       strstr(asked->url, "/example/") != NULL;
}

/* The URL's own status; without one, the same of our health check through the proxy. */
static void status(struct oo_rules *rules)
{
	const struct oo_exchange *proxied = oo_seen_proxied(rules->seen);
	bool is_user = oo_seen_answered(user(rules));
	const struct oo_exchange *asked = is_user ? user(rules) : proxied;
	for (size_t i = 0; i < OO_LENGTH(told); i++) {
		if (!oo_seen_answered(asked) || asked->status != told[i].status ||
		    (asked->status == 404 && is_welcome(asked))) {
			continue;
		}
		struct oo_finding *finding =
			oo_rule_say(rules, told[i].cause, OO_CONFIDENCE_CERTAIN, "%s: %s",
				    told[i].summary, asked->url);
		finding->weight = is_user ? finding->weight : OO_WEIGHT_OUTAGE;
		oo_rule_ground_exchange(finding, rules,
					is_user ? OO_EXCHANGE_USER
						: oo_seen_proxied_name(rules->seen));
		oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_HEALTH);
		if (told[i].status == 403) {
			oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_FORBIDDEN);
		}
		oo_rule_remedy(finding, "%s", told[i].remedy);
	}
}

#define USER OO_EXCHANGE_BIT(USER)

static const struct oo_rule table[] = {
	{USER, name_not_resolved},
	{USER, points_elsewhere},
	{0, redirect_loop},
	{0, files_missing},
	{USER | OO_EXCHANGE_BIT(PROXY_HEALTH), status},
	{0, body_too_large}, /* may be of an earlier request, of somebody else */
};
const struct oo_rule_table oo_rules_request = OO_RULE_TABLE(table);
