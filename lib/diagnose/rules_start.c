/* A Document Server that does not listen where it should: not there, dying, or never ready. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "diagnose/rule.h"

/* From its start until it listens; the package takes 2 to 10 s, more on a busy node. */
#define START_MS 30000
/* Restart=always with RestartSec=30: one that dies at once is never older than this. */
#define CRASH_AGE_MS 60000

static const struct oo_process *docservice(const struct oo_rules *rules)
{
	return &rules->seen->processes[OO_PROGRAM_DOCSERVICE];
}

/*
 * Nothing of it is behind the proxy, and nobody answers where it should listen. Somebody who
 * accepts there is another rule's.
 */
static bool is_down(const struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_exchange *proxied = oo_seen_proxied(seen);
	const struct oo_exchange *index = &seen->exchanges[OO_EXCHANGE_DIRECT_INDEX];
	const struct oo_exchange *health = &seen->exchanges[OO_EXCHANGE_DIRECT_HEALTH];
	uint16_t port = oo_seen_docservice_at(seen).port;
	if (oo_seen_true(proxied) || oo_seen_false(proxied)) {
		return false;
	}
	if (!oo_seen_tried(index) && !oo_seen_tried(health)) {
		return !seen->is_docker && oo_seen_nobody_on(seen, port);
	}
	return (oo_seen_refused(index) || oo_seen_refused(health)) &&
	       oo_seen_listener_on(seen, port) == NULL;
}

/* Everything direct, and what is behind the proxy, failed by this. */
static void explain(struct oo_rules *rules)
{
	oo_rule_explain(rules, OO_EXCHANGES_DIRECT);
	oo_rule_explain_behind_proxy(rules);
}

static void ground(struct oo_rules *rules, struct oo_finding *finding)
{
	const struct oo_process *process = docservice(rules);
	if (oo_seen_is_running(process)) {
		uint16_t port = oo_seen_docservice_at(rules->seen).port;
		oo_rule_ground(finding, "process %d is alive%s", process->pid,
			       oo_seen_nobody_on(rules->seen, port)
				       ? ", and nobody listens on its port"
				       : "");
	} else if (oo_seen_is_gone(process)) {
		oo_rule_ground(finding, "there is no process of it");
	}
	if (process->unit_look == OO_LOOK_SEEN) {
		oo_rule_ground(finding, "unit %s: %s, result %s, restarted %u times", process->unit,
			       process->unit_state, process->unit_result, process->unit_restarts);
	}
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
	oo_rule_ground_exchange(finding, rules, oo_seen_proxied_name(rules->seen));
}

static void config_broken(struct oo_rules *rules)
{
	const struct oo_document_server *server = &rules->seen->documentserver;
	bool is_down_now = is_down(rules);
	const struct oo_log_line *line =
		oo_seen_line_since_start(rules->seen, OO_LOG_MEANING_CONFIG);
	bool is_seen = server->config_look != OO_LOOK_NONE &&
		       server->config_look != OO_LOOK_DENIED && server->config_error[0] != '\0';
	if (!is_seen && (line == NULL || !is_down_now)) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_DOCSERVICE_CONFIG_BROKEN,
			    is_seen ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
			    "Document Server's configuration broken: %s",
			    is_seen ? server->config_error : line->text);
	char command[OO_RULE_COMMAND];
	oo_rule_ground(finding, "%s: %s", server->config_path,
		       is_seen ? server->config_error : "it says so");
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_CONFIG);
	oo_rule_remedy(finding, "correct %s (python3 -m json.tool FILE says where), then: %s",
		       server->config_path,
		       oo_rule_command(rules->seen, OO_PROGRAM_DOCSERVICE, "restart", command));
	if (!is_down_now) {
		finding->weight = OO_WEIGHT_WARNING; /* it runs with what it read before */
		return;
	}
	ground(rules, finding);
	explain(rules);
}

/* Of whom the kernel's line speaks: "Killed process 123 (docservice)", or its unit's cgroup. */
static const struct oo_log_line *killed_line(const struct oo_rules *rules)
{
	static const char *const of[] = {"docservice", "(node)"};
	for (size_t i = 0; i < rules->seen->n_lines; i++) {
		const struct oo_log_line *line = &rules->seen->lines[i];
		enum oo_log_meaning meaning = oo_log_meaning(line->source, line->text);
		for (size_t j = 0; j < OO_LENGTH(of); j++) {
			if (meaning == OO_LOG_MEANING_OUT_OF_MEMORY &&
			    strstr(line->text, of[j]) != NULL &&
			    !oo_seen_lived_since(rules->seen, line)) {
				return line;
			}
		}
	}
	const struct oo_log_line *heap = oo_seen_line(rules->seen, OO_LOG_MEANING_HEAP);
	return heap != NULL && !oo_seen_came_up_since(rules->seen, heap) ? heap : NULL;
}

static void out_of_memory(struct oo_rules *rules)
{
	const struct oo_process *process = docservice(rules);
	const struct oo_log_line *line = killed_line(rules);
	bool is_told = process->out_of_memory || strstr(process->unit_result, "oom") != NULL;
	bool runs = oo_seen_is_running(process);
	bool is_down_now = is_down(rules) && !runs; /* who runs has come after who was killed */
	bool is_of_other = runs && line != NULL && process->age_ms > line->age_ms;
	char command[OO_RULE_COMMAND];
	if ((!is_told && line == NULL) || is_of_other) {
		return;
	}
	/* its unit knows how it ended; without it, a line of some minutes ago may be another end */
	bool is_sure = is_told || oo_seen_is_recent(line);
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_DOCSERVICE_OUT_OF_MEMORY,
			    is_sure && is_down_now ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
			    "Document Server out of memory: it was killed%s",
			    is_down_now ? "" : ", and runs again");
	if (line != NULL) {
		oo_rule_ground(finding, "%s: %s", line->file, line->text);
	}
	ground(rules, finding);
	oo_rule_remedy(finding, "give it more memory, then: %s",
		       oo_rule_command(rules->seen, OO_PROGRAM_DOCSERVICE, "restart", command));
	if (is_down_now) {
		explain(rules);
	} else {
		finding->weight = OO_WEIGHT_WARNING;
	}
}

/* It dies by itself: what its last words were is the reason that is shown. */
static void crashing(struct oo_rules *rules)
{
	const struct oo_process *process = docservice(rules);
	static const enum oo_log_meaning words[] = {OO_LOG_MEANING_EXCEPTION,
						    OO_LOG_MEANING_SEGFAULT};
	const struct oo_log_line *exception = oo_seen_line(rules->seen, OO_LOG_MEANING_EXCEPTION);
	bool has_words = exception != NULL && !oo_seen_came_up_since(rules->seen, exception);
	bool is_young = oo_seen_is_running(process) && process->age_ms >= 0 &&
			process->age_ms < CRASH_AGE_MS && process->unit_restarts >= 2;
	bool is_gone = oo_seen_is_gone(process);
	bool was_killed = strstr(process->unit_result, "signal") != NULL ||
			  strstr(process->unit_result, "core-dump") != NULL ||
			  strstr(process->unit_result, "exit-code") != NULL;
	bool crashes = oo_seen_unit_crashes(process) || (is_gone && (has_words || was_killed)) ||
		       (is_young && has_words);
	char command[OO_RULE_COMMAND];
	if (!is_down(rules) || !crashes) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_DOCSERVICE_CRASHING,
		oo_seen_unit_crashes(process) ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		"Document Server crashes: unit %s, restarted %u times",
		process->unit_state[0] != '\0' ? process->unit_state : "not known",
		process->unit_restarts);
	for (size_t i = 0; i < OO_LENGTH(words); i++) {
		oo_rule_ground_line(finding, rules, words[i]);
	}
	ground(rules, finding);
	oo_rule_remedy(finding, "its last words: %s",
		       oo_rule_log_command(rules->seen, OO_PROGRAM_DOCSERVICE, command));
	explain(rules);
}

static void stopped(struct oo_rules *rules)
{
	const struct oo_process *process = docservice(rules);
	char command[OO_RULE_COMMAND];
	if (!is_down(rules) || oo_seen_is_running(process)) {
		return;
	}
	/* without a look at processes, nobody on its port is nearly as good */
	bool is_seen = oo_seen_is_gone(process) || strstr(process->unit_state, "inactive") != NULL;
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_DOCSERVICE_STOPPED,
			    is_seen ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
			    "Document Server stopped: nobody listens on port %u",
			    (unsigned)oo_seen_docservice_at(rules->seen).port);
	ground(rules, finding);
	oo_rule_remedy(finding, "%s",
		       oo_rule_command(rules->seen, OO_PROGRAM_DOCSERVICE, "start", command));
	explain(rules);
}

/* It tries again each second, and listens as soon as it has one: nothing to do but the broker. */
static void waits_for_broker(struct oo_rules *rules)
{
	bool is_told =
		oo_seen_line_since_start(rules->seen, OO_LOG_MEANING_BROKER_REFUSED) != NULL ||
		oo_seen_line_since_start(rules->seen, OO_LOG_MEANING_BROKER_FAILED) != NULL ||
		oo_seen_line_since_start(rules->seen, OO_LOG_MEANING_BROKER_LOGIN) != NULL;
	bool is_broker_down = oo_rule_has_outage(rules, OO_LAYER_BROKER, OO_LAYER_BROKER);
	bool has_failed =
		oo_seen_line_since_start(rules->seen, OO_LOG_MEANING_START_FAILED) != NULL;
	if (!is_down(rules) || !oo_seen_is_running(docservice(rules)) || has_failed ||
	    (!is_told && !is_broker_down)) {
		return;
	}
	explain(rules);
	if (is_broker_down) {
		return; /* said already: one thing to do, one finding */
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_DOCSERVICE_WAITS_FOR_BROKER, OO_CONFIDENCE_LIKELY,
		"Document Server waits for its broker: it runs, and does not listen yet");
	ground(rules, finding);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_BROKER_REFUSED);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_BROKER_LOGIN);
	oo_rule_remedy(finding, "start the broker that local.json's rabbitmq.url names; it listens "
				"by itself then");
}

/* Its look at the tables failed, or never came back: it lives on, and never listens. */
static void never_listening(struct oo_rules *rules)
{
	static const enum oo_log_meaning words[] = {
		OO_LOG_MEANING_START_FAILED, OO_LOG_MEANING_SCHEMA, OO_LOG_MEANING_DATABASE_LOGIN};
	const struct oo_process *process = docservice(rules);
	bool is_told = false;
	char command[OO_RULE_COMMAND];
	for (size_t i = 0; i < OO_LENGTH(words); i++) {
		is_told = is_told || oo_seen_line_since_start(rules->seen, words[i]) != NULL;
	}
	bool is_old = process->age_ms >= START_MS;
	if (!is_down(rules) || !oo_seen_is_running(process) || process->n_stopped > 0 ||
	    oo_seen_listener_of(rules->seen, OO_PROGRAM_DOCSERVICE) != NULL ||
	    (!is_told && !is_old)) {
		return;
	}
	bool is_database_down = oo_rule_has_outage(rules, OO_LAYER_DATABASE, OO_LAYER_DATABASE);
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_DOCSERVICE_NEVER_LISTENING,
		is_told ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		"Document Server never listening: it started without its database, and tries no "
		"second time");
	for (size_t i = 0; i < OO_LENGTH(words); i++) {
		oo_rule_ground_line(finding, rules, words[i]);
	}
	ground(rules, finding);
	oo_rule_remedy(finding, "%s%s", is_database_down ? "once the database answers: " : "",
		       oo_rule_command(rules->seen, OO_PROGRAM_DOCSERVICE, "restart", command));
	explain(rules);
}

static void starting(struct oo_rules *rules)
{
	const struct oo_process *process = docservice(rules);
	if (!is_down(rules) || !oo_seen_is_running(process) || process->n_stopped > 0 ||
	    process->age_ms < 0 || process->age_ms >= START_MS) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_DOCSERVICE_STARTING, OO_CONFIDENCE_LIKELY,
			    "Document Server is starting: %d s old, not listening yet",
			    (int)(process->age_ms / 1000));
	ground(rules, finding);
	oo_rule_remedy(finding, "wait; if it still does not listen after 30 s, ask again");
	explain(rules);
}

static void stopped_before_listening(struct oo_rules *rules)
{
	const struct oo_process *process = docservice(rules);
	if (!is_down(rules) || !oo_seen_is_running(process) || process->n_stopped == 0) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_DOCSERVICE_HUNG, OO_CONFIDENCE_CERTAIN,
			    "Document Server hung: its process is stopped (state T)");
	ground(rules, finding);
	oo_rule_remedy(finding, "kill -CONT %d", process->pid);
	explain(rules);
}

#define READS (OO_EXCHANGE_BIT(DIRECT_INDEX))

static const struct oo_rule table[] = {
	{0, config_broken},
	{0, out_of_memory},
	{READS, crashing},
	{READS, stopped},
	{READS, stopped_before_listening},
	{READS, waits_for_broker},
	{READS, never_listening},
	{READS, starting},
};
const struct oo_rule_table oo_rules_start = OO_RULE_TABLE(table);
