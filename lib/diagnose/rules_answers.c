/* What database and broker say of themselves, to us or in the Document Server's log. */
#include <string.h>

#include "base/text.h"
#include "diagnose/dependency.h"

/* A cause that an answer to us shows, or, where we could not ask, a line in a log. */
struct shown {
	enum oo_dependency_name name;
	enum oo_check_reason reason;
	const char *word; /* that must be in what was said; NULL: none */
	enum oo_log_meaning line;
	enum oo_fault cause;
	const char *how;
	const char *remedy;
};

#define DATABASE OO_DEPENDENCY_DATABASE
#define BROKER OO_DEPENDENCY_BROKER

static const struct shown shown[] = {
	{DATABASE, OO_CHECK_REASON_DENIED, NULL, OO_LOG_MEANING_DATABASE_LOGIN,
	 OO_FAULT_DATABASE_LOGIN, "refuses the login",
	 "make user, password and pg_hba.conf there, and local.json's services.CoAuthoring.sql "
	 "agree; then: systemctl restart ds-docservice ds-converter"},
	{DATABASE, OO_CHECK_REASON_FULL, NULL, OO_LOG_MEANING_DATABASE_CONNECTIONS,
	 OO_FAULT_DATABASE_CONNECTIONS_EXHAUSTED, "has no connections left",
	 "psql -c 'select usename, state, count(*) from pg_stat_activity group by 1, 2'; end what "
	 "is idle, or raise max_connections or the role's limit"},
	{DATABASE, OO_CHECK_REASON_READ_ONLY, NULL, OO_LOG_MEANING_DATABASE_READ_ONLY,
	 OO_FAULT_DATABASE_READ_ONLY, "is read only",
	 "point local.json at the primary, or promote this one: select pg_promote(); otherwise: "
	 "show default_transaction_read_only"},
	{DATABASE, OO_CHECK_REASON_MISSING, NULL, OO_LOG_MEANING_SCHEMA, OO_FAULT_DATABASE_SCHEMA,
	 "lacks the database, a table or a column",
	 "psql -d onlyoffice -f /var/www/onlyoffice/documentserver/server/schema/postgresql/"
	 "createdb.sql; then: systemctl restart ds-docservice ds-converter"},
	{DATABASE, OO_CHECK_REASON_STARTING, NULL, OO_LOG_MEANING_DATABASE_STARTING,
	 OO_FAULT_DATABASE_STARTING, "takes no connections yet: it is starting up, or recovers",
	 "wait; its own log tells of the recovery: tail /var/log/postgresql/*.log"},
	{DATABASE, OO_CHECK_REASON_FAILED, NULL, OO_LOG_MEANING_NONE, OO_FAULT_DATABASE_FAILING,
	 "refuses to work", "as it says; its own log has more: tail /var/log/postgresql/*.log"},
	{BROKER, OO_CHECK_REASON_DENIED, NULL, OO_LOG_MEANING_BROKER_LOGIN, OO_FAULT_BROKER_LOGIN,
	 "refuses the login",
	 "make rabbitmqctl list_users, list_permissions and local.json's rabbitmq.url agree; then: "
	 "systemctl restart ds-docservice ds-converter"},
	{BROKER, OO_CHECK_REASON_UNHEALTHY, NULL, OO_LOG_MEANING_BROKER_ALARM,
	 OO_FAULT_BROKER_ALARM, "blocks publishers: an alarm for memory or disk",
	 "rabbitmq-diagnostics alarms; free memory or disk there"},
	{BROKER, OO_CHECK_REASON_FULL, NULL, OO_LOG_MEANING_BROKER_ALARM, OO_FAULT_BROKER_ALARM,
	 "blocks publishers: an alarm for memory or disk",
	 "rabbitmq-diagnostics alarms; free memory or disk there"},
	{BROKER, OO_CHECK_REASON_OK, "blocked", OO_LOG_MEANING_NONE, OO_FAULT_BROKER_ALARM,
	 "blocks publishers: an alarm for memory or disk",
	 "rabbitmq-diagnostics alarms; free memory or disk there"},
	{BROKER, OO_CHECK_REASON_CLOSED, "frame_max", OO_LOG_MEANING_BROKER_FRAME_MAX,
	 OO_FAULT_BROKER_FRAME_MAX, "demands larger frames than this Document Server offers",
	 "upgrade the Document Server (amqplib 0.10.7 or newer), or go back below RabbitMQ 4.1"},
};

static bool was_said(const struct oo_check_result *result, const struct shown *one)
{
	return result->reason == one->reason &&
	       (one->word == NULL || strstr(result->seen, one->word) != NULL);
}

static bool was_asked(const struct oo_dependency *dependency)
{
	return dependency->works.state != OO_CHECK_STATE_UNKNOWN;
}

/* Health checks do not tell of these: what we see does not contradict "true". */
static bool is_hidden(enum oo_fault cause)
{
	return cause == OO_FAULT_DATABASE_READ_ONLY || cause == OO_FAULT_DATABASE_SCHEMA ||
	       cause == OO_FAULT_BROKER_ALARM;
}

/* Our login, table and transaction are as the Document Server's: seen itself. */
static void say_told(struct oo_rules *rules, const struct shown *one,
		     const struct oo_check_result *result)
{
	struct oo_dependency_look look = oo_dependency_look(rules, one->name);
	bool is_true = oo_seen_healthy(rules->seen);
	struct oo_finding *finding =
		oo_dependency_say(rules, &look, one->cause, OO_CONFIDENCE_CERTAIN, one->how);
	if (is_true && is_hidden(one->cause) && finding != &rules->spare) {
		finding->confidence = OO_CONFIDENCE_CERTAIN;
		finding->weight = oo_fault_weight(one->cause);
	}
	oo_rule_ground(finding, "%s", result->seen);
	oo_rule_ground_line(finding, rules, one->line);
	if (is_true && is_hidden(one->cause)) {
		oo_rule_ground(finding, "/healthcheck says true: it does not tell of this");
	}
	oo_rule_remedy(finding, "%s", one->remedy);
}

static void told(struct oo_rules *rules)
{
	for (size_t i = 0; i < OO_LENGTH(shown); i++) {
		const struct oo_dependency *dependency = &rules->seen->dependencies[shown[i].name];
		const struct oo_check_result *results[] = {&dependency->works, &dependency->table,
							   &dependency->writable,
							   &dependency->consumers};
		for (size_t j = 0; j < OO_LENGTH(results); j++) {
			if (dependency->look == OO_LOOK_SEEN && was_said(results[j], &shown[i])) {
				say_told(rules, &shown[i], results[j]);
			}
		}
	}
}

/* Where we could not log in, or are told that all is well, while the Document Server is not. */
static void told_to_it(struct oo_rules *rules)
{
	for (size_t i = 0; i < OO_LENGTH(shown); i++) {
		const struct shown *one = &shown[i];
		const struct oo_log_line *line = oo_seen_line(rules->seen, one->line);
		struct oo_dependency_look look = oo_dependency_look(rules, one->name);
		bool is_over = one->line == OO_LOG_MEANING_NONE || was_asked(look.dependency) ||
			       oo_rule_has(rules, one->cause);
		if (line == NULL || is_over || !oo_seen_is_recent(line) ||
		    (oo_seen_healthy(rules->seen) && !is_hidden(one->cause))) {
			continue;
		}
		struct oo_finding *finding =
			oo_dependency_say(rules, &look, one->cause, OO_CONFIDENCE_LIKELY, one->how);
		oo_rule_ground_line(finding, rules, one->line);
		oo_rule_remedy(finding, "%s", one->remedy);
	}
}

/* The Document Server cannot start with an old amqplib on a new broker: its word, not ours. */
static void frame_max(struct oo_rules *rules)
{
	struct oo_dependency_look look = oo_dependency_look(rules, BROKER);
	if (oo_seen_line_since_start(rules->seen, OO_LOG_MEANING_BROKER_FRAME_MAX) == NULL ||
	    oo_seen_healthy(rules->seen)) {
		return;
	}
	struct oo_finding *finding =
		oo_dependency_say(rules, &look, OO_FAULT_BROKER_FRAME_MAX, OO_CONFIDENCE_CERTAIN,
				  "demands larger frames than this Document Server offers");
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_BROKER_FRAME_MAX);
	oo_rule_remedy(finding, "upgrade the Document Server (amqplib 0.10.7 or newer), or go back "
				"below RabbitMQ 4.1");
	oo_rule_explain(rules, OO_EXCHANGES_DIRECT);
	oo_rule_explain_behind_proxy(rules);
}

/* Index answers, health does not: one of these, and the log says which. */
static void by_its_word(struct oo_rules *rules)
{
	static const struct {
		enum oo_log_meaning line;
		enum oo_dependency_name name;
		enum oo_fault cause;
		const char *how;
	} words[] = {
		{OO_LOG_MEANING_CACHE_FAILED, OO_DEPENDENCY_CACHE, OO_FAULT_CACHE_STOPPED,
		 "fails, as the Document Server says"},
		{OO_LOG_MEANING_BROKER_REFUSED, BROKER, OO_FAULT_BROKER_STOPPED,
		 "refuses the Document Server"},
		{OO_LOG_MEANING_BROKER_HUNG, BROKER, OO_FAULT_BROKER_HUNG,
		 "hung: its heartbeats do not come"},
		{OO_LOG_MEANING_BROKER_FAILED, BROKER, OO_FAULT_BROKER_UNREACHABLE,
		 "fails, as the Document Server says"},
		{OO_LOG_MEANING_DATABASE_REFUSED, DATABASE, OO_FAULT_DATABASE_STOPPED,
		 "refuses the Document Server"},
		{OO_LOG_MEANING_DATABASE_HUNG, DATABASE, OO_FAULT_DATABASE_HUNG,
		 "hung: no answer in 60 s"},
		{OO_LOG_MEANING_DATABASE_UNREACHABLE, DATABASE, OO_FAULT_DATABASE_UNREACHABLE,
		 "unreachable for the Document Server"},
	};
	const struct oo_exchange *direct = &rules->seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH];
	const struct oo_exchange *health =
		oo_seen_tried(direct) ? direct : oo_seen_proxied(rules->seen);
	const struct oo_log_line *best = NULL;
	size_t found = 0;
	if (!oo_seen_false(health) &&
	    (!oo_seen_silent(health) || !oo_seen_docservice_answers(rules->seen))) {
		return;
	}
	for (size_t i = 0; i < OO_LENGTH(words); i++) {
		const struct oo_log_line *line = oo_seen_line(rules->seen, words[i].line);
		if (line != NULL &&
		    (best == NULL || (line->age_ms >= 0 && line->age_ms < best->age_ms))) {
			best = line;
			found = i;
		}
	}
	if (best == NULL) {
		return;
	}
	struct oo_dependency_look look = oo_dependency_look(rules, words[found].name);
	struct oo_finding *finding = oo_dependency_say(rules, &look, words[found].cause,
						       OO_CONFIDENCE_LIKELY, words[found].how);
	oo_rule_ground_line(finding, rules, words[found].line);
	oo_dependency_remedy_restart(rules, &look, finding);
}

/* Nobody says which: what is left. */
static void by_what_is_left(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_exchange *direct = &seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH];
	const struct oo_exchange *health = oo_seen_tried(direct) ? direct : oo_seen_proxied(seen);
	bool is_database_fine = seen->dependencies[DATABASE].works.reason == OO_CHECK_REASON_OK;
	struct oo_dependency_look look =
		oo_dependency_look(rules, is_database_fine ? BROKER : DATABASE);
	bool is_hung = oo_seen_silent(health) && oo_seen_docservice_answers(seen);
	if (!oo_seen_false(health) && !is_hung) {
		return;
	}
	enum oo_fault hung = is_database_fine ? OO_FAULT_BROKER_HUNG : OO_FAULT_DATABASE_HUNG;
	enum oo_fault gone =
		is_database_fine ? OO_FAULT_BROKER_UNREACHABLE : OO_FAULT_DATABASE_UNREACHABLE;
	struct oo_finding *finding = oo_rule_say(
		rules, is_hung ? hung : gone, OO_CONFIDENCE_POSSIBLE,
		"something that the Document Server needs %s: database, broker or cache; the %s "
		"is the first that was not seen to work",
		is_hung ? "hangs" : "fails", look.what);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_HEALTH);
	oo_rule_remedy(finding, "grep -a 'healthCheck error' "
				"/var/log/onlyoffice/documentserver/docservice/out.log | tail -3");
}

static const struct oo_rule table[] = {
	{0, told},
	{0, told_to_it},
	{OO_EXCHANGES_DIRECT, frame_max},
	{OO_EXCHANGE_BIT(DIRECT_HEALTH), by_its_word},
	{OO_EXCHANGE_BIT(DIRECT_HEALTH), by_what_is_left},
};
const struct oo_rule_table oo_rules_answers = OO_RULE_TABLE(table);
