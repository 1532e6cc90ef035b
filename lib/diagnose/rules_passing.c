/* How the proxy passes requests on: limits and headers. And what is left of a gateway error. */
#include <string.h>

#include "base/text.h"
#include "diagnose/rule.h"

/* nginx's own default is 60 s; what is below this was set by somebody. */
#define SHORT_MS 20000

static void read_timeout_short(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_proxy_pass *pass = oo_seen_pass(seen);
	const struct oo_exchange *health = &seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH];
	enum oo_log_meaning meaning = OO_LOG_MEANING_NONE;
	(void)oo_seen_upstream_line(seen, &meaning);
	bool is_short =
		pass != NULL && pass->read_timeout_ms > 0 && pass->read_timeout_ms < SHORT_MS;
	bool is_slower = is_short && oo_seen_answered(health) &&
			 health->times.total_us / 1000 >= pass->read_timeout_ms * 8 / 10;
	bool is_connecting = meaning == OO_LOG_MEANING_UPSTREAM_CONNECT_TIMEOUT;
	if (oo_seen_gateway_status(rules->seen) != 504 || is_connecting ||
	    !oo_seen_docservice_answers(seen) ||
	    (!is_short && meaning != OO_LOG_MEANING_UPSTREAM_READ_TIMEOUT)) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_UPSTREAM_READ_TIMEOUT_SHORT,
		is_slower ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		"upstream read timeout short: the proxy gives up (504) before the answer comes");
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(seen));
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_HEALTH);
	oo_rule_explain_behind_proxy(rules);
	if (pass != NULL) {
		oo_rule_ground(finding, "proxy_read_timeout is %lld ms; directly it took %lld ms",
			       (long long)pass->read_timeout_ms,
			       (long long)(health->times.total_us / 1000));
		oo_rule_remedy(finding,
			       "raise proxy_read_timeout in %s (60s by default), then: "
			       "nginx -t && nginx -s reload",
			       pass->file);
	}
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_UPSTREAM_READ_TIMEOUT);
}

static bool is_upgraded(const struct oo_exchange *exchange)
{
	return oo_seen_answered(exchange) && exchange->status == 101;
}

static void websocket(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_exchange *through = &seen->exchanges[OO_EXCHANGE_PROXY_EDITOR];
	const struct oo_proxy_pass *pass = oo_seen_pass(seen);
	bool is_set = pass != NULL && !pass->upgrades;
	bool is_direct = is_upgraded(&seen->exchanges[OO_EXCHANGE_DIRECT_EDITOR]);
	bool is_login = through->status == 401 || through->status == 403; /* refused before that */
	const struct oo_exchange *proxied = oo_seen_proxied(seen);
	bool is_alike =
		!oo_seen_true(proxied) && through->status == proxied->status; /* all get it */
	if (!oo_seen_answered(through) || is_alike || is_upgraded(through) ||
	    oo_seen_redirect(through) || through->status >= 500 || is_login ||
	    (!is_direct && !is_set) || !oo_seen_healthy(seen)) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_WEBSOCKET_NOT_PASSED,
		is_direct ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		"WebSocket not passed: the proxy drops the upgrade, editors load and lose their "
		"connection");
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_PROXY_EDITOR);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_EDITOR);
	if (pass != NULL) {
		oo_rule_ground(finding, "%s:%d sends Upgrade on: %s; HTTP/1.1: %s", pass->file,
			       pass->line, pass->upgrades ? "yes" : "no",
			       pass->http11 ? "yes" : "no");
	}
	oo_rule_remedy(finding, "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
				"proxy_set_header Connection $proxy_connection; then reload nginx");
}

static bool is_of_user(const char *header)
{
	return strstr(header, "$http_host") != NULL || strstr(header, "$host") != NULL ||
	       strstr(header, "$the_host") != NULL || strstr(header, "forwarded_host") != NULL ||
	       strstr(header, "$server_name") != NULL;
}

/*
 * The Document Server makes the URLs that it gives to browsers from X-Forwarded-Host, else Host.
 * A variable that we do not know may well be the user's; nginx's default is the upstream's name.
 */
static void wrong_host(struct oo_rules *rules)
{
	const struct oo_proxy_pass *pass = oo_seen_pass(rules->seen);
	if (pass == NULL || is_of_user(pass->host_header) ||
	    is_of_user(pass->forwarded_host_header)) {
		return;
	}
	const char *told = pass->forwarded_host_header[0] != '\0' ? pass->forwarded_host_header
			   : pass->host_header[0] != '\0'         ? pass->host_header
								  : "$proxy_host";
	if (told[0] == '$' && !oo_text_equal(told, "$proxy_host")) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_WRONG_HOST, OO_CONFIDENCE_LIKELY,
		"wrong Host: the Document Server is told \"%s\", and sends browsers there", told);
	oo_rule_ground(finding, "%s:%d: Host \"%s\", X-Forwarded-Host \"%s\"", pass->file,
		       pass->line, pass->host_header, pass->forwarded_host_header);
	oo_rule_remedy(finding,
		       "proxy_set_header Host $http_host; in %s, then: nginx -t && nginx "
		       "-s reload",
		       pass->file);
}

/* 5xx or silence through the proxy, all well behind it, and no log that says why. */
static void not_told(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	bool is_silent = oo_seen_silent(oo_seen_proxied(seen)) &&
			 !oo_seen_silent(&seen->exchanges[OO_EXCHANGE_PROXY_STATIC]);
	bool is_fine_behind = is_silent ? oo_seen_true(&seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH])
					: oo_seen_docservice_answers(seen);
	bool is_changed = seen->proxy_test.changed_since_start;
	int status = oo_seen_gateway_status(seen);
	/* nobody behind it was asked: by_itself */
	bool is_unasked = (status == 500 || status == 503) && !is_changed;
	if ((!oo_seen_gateway_error(seen) && !is_silent) || !is_fine_behind || is_unasked) {
		return;
	}
	enum oo_fault cause = is_changed                   ? OO_FAULT_PROXY_RELOAD_NEEDED
			      : status == 504 || is_silent ? OO_FAULT_UPSTREAM_FIREWALL_DROP
							   : OO_FAULT_UPSTREAM_FIREWALL_REJECT;
	char outcome[64];
	struct oo_finding *finding = oo_rule_say(
		rules, cause, is_changed ? OO_CONFIDENCE_LIKELY : OO_CONFIDENCE_POSSIBLE,
		is_changed ? "proxy reload needed: %s, the Document Server answers, and nginx's "
			     "files are newer than nginx"
			   : "through the proxy: %s, and the Document Server answers us: something "
			     "is between them; nginx's error log says what",
		is_silent ? "silence" : oo_seen_outcome(oo_seen_proxied(seen), outcome));
	/* who hears from it by another request has a way to it: whatever else is said comes first */
	bool has_way = seen->exchanges[OO_EXCHANGE_PROXY_EDITOR].status == 101;
	finding->weight = has_way ? OO_WEIGHT_PART : OO_WEIGHT_OUTAGE;
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(seen));
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	if (seen->logs_look[OO_LOG_SOURCE_PROXY] != OO_LOOK_SEEN) {
		oo_rule_ground(finding, "nginx's error log could not be read");
	}
	oo_rule_remedy(finding, is_changed ? "nginx -t && nginx -s reload"
					   : "tail -5 "
					     "/var/log/onlyoffice/documentserver/nginx.error.log");
}

#define BEHIND_PROXY                                                                               \
	(OO_EXCHANGE_BIT(PROXY_HEALTH) | OO_EXCHANGE_BIT(PROXY_TLS) | OO_EXCHANGE_BIT(USER))

static const struct oo_rule table[] = {
	{BEHIND_PROXY, read_timeout_short},
	{OO_EXCHANGE_BIT(PROXY_EDITOR), websocket},
	{0, wrong_host},
	{BEHIND_PROXY, not_told},
};
const struct oo_rule_table oo_rules_passing = OO_RULE_TABLE(table);
