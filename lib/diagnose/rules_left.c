/* What is left when all others have had their say: a request that goes wrong is never nothing. */
#include <string.h>

#include "base/text.h"
#include "diagnose/rule.h"

static bool is_error(const struct oo_exchange *exchange)
{
	return oo_seen_answered(exchange) && exchange->status >= 500;
}

/* Its own words, and not those of somebody before it: an error, or half an answer. */
static void failing(struct oo_rules *rules)
{
	const struct oo_exchange *index = &rules->seen->exchanges[OO_EXCHANGE_DIRECT_INDEX];
	const struct oo_exchange *health = &rules->seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH];
	const struct oo_exchange *bad = is_error(index) ? index : health;
	char command[OO_RULE_COMMAND];
	if (!is_error(bad) || oo_seen_true(oo_seen_proxied(rules->seen)) ||
	    oo_rule_has_outage(rules, OO_LAYER_DOCUMENT_SERVER, OO_LAYER_STORAGE)) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_DOCSERVICE_FAILING, OO_CONFIDENCE_CERTAIN,
			    "Document Server fails: it answers %d by itself", bad->status);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_HEALTH);
	oo_rule_remedy(finding, "its own log says why: %s",
		       oo_rule_log_command(rules->seen, OO_PROGRAM_DOCSERVICE, command));
	oo_rule_explain(rules, OO_EXCHANGES_DIRECT);
	oo_rule_explain_behind_proxy(rules);
}

/* The status line came, and then not what it promised. */
static void breaks_off(struct oo_rules *rules)
{
	const struct oo_exchange *index = &rules->seen->exchanges[OO_EXCHANGE_DIRECT_INDEX];
	bool is_half = oo_seen_answered(index) && (index->reason == OO_CHECK_REASON_CLOSED ||
						   index->reason == OO_CHECK_REASON_RESET);
	if (!is_half || oo_seen_true(oo_seen_proxied(rules->seen))) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_UPSTREAM_CLOSES_EARLY, OO_CONFIDENCE_CERTAIN,
		"upstream closes early: the Document Server's answers break off in the middle");
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(rules->seen));
	oo_rule_remedy(finding, "the last lines of its out.log; ss -ltnp 'sport = :%u'",
		       (unsigned)oo_seen_docservice_at(rules->seen).port);
	oo_rule_explain(rules, OO_EXCHANGES_DIRECT | OO_EXCHANGES_PROXIED);
}

/* A server with TLS of its own sends plain requests there: that is as it should be. */
static bool is_sent_to_tls(const struct oo_rules *rules, const struct oo_exchange *exchange)
{
	return oo_seen_redirect(exchange) && strncmp(exchange->location, "https://", 8) == 0 &&
	       (rules->seen->proxy.has_tls_listen || rules->seen->proxy.look != OO_LOOK_SEEN);
}

/*
 * The Document Server is well, and what the proxy says is not from it: nginx itself says 503
 * (return, limit_req, limit_conn), 500 (auth_request, its own files) and 444 (no answer at all),
 * and another server {} of it whatever that has.
 */
static void by_itself(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_exchange *proxied = oo_seen_proxied(seen);
	bool is_own = proxied->status == 503 || proxied->status == 500 || oo_seen_cut_off(proxied);
	bool has_said =
		oo_seen_answered(proxied) || oo_seen_cut_off(proxied); /* silence is not its own */
	if (!has_said || oo_seen_true(proxied) || oo_seen_false(proxied) ||
	    !oo_seen_true(&seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH]) ||
	    is_sent_to_tls(rules, proxied) ||
	    oo_rule_has_outage(rules, OO_LAYER_CLIENT, OO_LAYER_PROXY)) {
		return;
	}
	char outcome[64];
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_PROXY_BY_ITSELF,
		is_own ? OO_CONFIDENCE_LIKELY : OO_CONFIDENCE_POSSIBLE,
		"proxy answers by itself: %s, without asking the Document Server, which is well",
		oo_seen_cut_off(proxied) ? "it closes without a word"
					 : oo_seen_outcome(proxied, outcome));
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(seen));
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_HEALTH);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_AUTH_REQUEST);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_LIMIT);
	oo_rule_remedy(finding, "nginx -T | grep -nE 'return|auth_request|limit_(req|conn)|"
				"server_name|default_server|error_page'; its error log");
}

/* A temporary file is [crit] to nginx, a page that may not be read an [error] (ngx_file.c). */
static void temporary_denied(struct oo_rules *rules)
{
	const struct oo_log_line *line =
		oo_seen_line(rules->seen, OO_LOG_MEANING_PROXY_FILE_DENIED);
	if (line == NULL || !oo_seen_is_recent(line) || strstr(line->text, "[crit]") == NULL) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_PROXY_BY_ITSELF, OO_CONFIDENCE_LIKELY,
			    "proxy answers by itself: it may not write its temporary files, what "
			    "is larger than its buffers fails (uploads: 500)");
	finding->weight = OO_WEIGHT_PART;
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_FILE_DENIED);
	oo_rule_remedy(finding, "namei -l on the path in that line; it belongs to nginx's user "
				"(nginx -T | grep '^user')");
}

/* Nobody had a word for it, and it is no answer of a Document Server that is well. */
static void unsaid(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_exchange *index = &seen->exchanges[OO_EXCHANGE_DIRECT_INDEX];
	const struct oo_exchange *proxied = oo_seen_proxied(seen);
	if (!oo_seen_tried(index) || oo_seen_docservice_answers(seen) || oo_seen_true(proxied) ||
	    rules->verdict->n_findings > 0) {
		return;
	}
	char outcome[64];
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_DOCSERVICE_FAILING, OO_CONFIDENCE_POSSIBLE,
			    "Document Server fails: %s where it should say that it functions",
			    oo_seen_outcome(index, outcome));
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(seen));
	oo_rule_remedy(finding, "curl -i %s; ss -ltnp 'sport = :%u'", index->url,
		       (unsigned)oo_seen_docservice_at(seen).port);
}

#define INDEX OO_EXCHANGE_BIT(DIRECT_INDEX)
#define THROUGH (OO_EXCHANGE_BIT(PROXY_HEALTH) | OO_EXCHANGE_BIT(PROXY_TLS))

static const struct oo_rule table[] = {
	{INDEX, breaks_off},   {INDEX, failing}, {THROUGH, by_itself},
	{0, temporary_denied}, {0, unsaid},
};
const struct oo_rule_table oo_rules_left = OO_RULE_TABLE(table);
