#include "diagnose/rule.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/*
 * Texts of strangers are in it, such as the name of any process: they must neither begin a line, which
 * would look like ours, nor steer a terminal. Cut at a whole character.
 */
static void format_clipped(char *target, size_t size, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
static void format_clipped(char *target, size_t size, const char *format, va_list arguments)
{
	char whole[OO_EVIDENCE_TEXT * 3];
	(void)vsnprintf(whole, sizeof(whole), format, arguments);
	for (char *at = whole; *at != '\0'; at++) {
		bool is_control = (unsigned char)*at < ' ' || *at == 0x7f;
		*at = is_control ? '?' : *at;
	}
	oo_text_clip(target, size, whole);
}

static int strength(const struct oo_finding *finding)
{
	return 2 * (int)finding->weight + (int)finding->confidence;
}

static struct oo_finding *find(const struct oo_rules *rules, enum oo_fault cause)
{
	for (size_t i = 0; i < rules->verdict->n_findings; i++) {
		if (rules->verdict->findings[i].cause == cause) {
			return &rules->verdict->findings[i];
		}
	}
	return NULL;
}

/* Where a finding is to be written: the spare one if better ones have all the places. */
static struct oo_finding *place(struct oo_rules *rules, const struct oo_finding *wanted)
{
	struct oo_verdict *verdict = rules->verdict;
	struct oo_finding *other = find(rules, wanted->cause);
	if (other == NULL && verdict->n_findings < OO_DIAGNOSE_FINDINGS) {
		return &verdict->findings[verdict->n_findings++];
	}
	if (other == NULL) {
		other = &verdict->findings[0];
		for (size_t i = 1; i < verdict->n_findings; i++) {
			other = strength(&verdict->findings[i]) < strength(other)
					? &verdict->findings[i]
					: other;
		}
	}
	return strength(wanted) > strength(other) ? other : &rules->spare;
}

struct oo_finding *oo_rule_say(struct oo_rules *rules, enum oo_fault cause,
			       enum oo_confidence confidence, const char *format, ...)
{
	struct oo_finding wanted = {.cause = cause,
				    .layer = oo_fault_layer(cause),
				    .weight = oo_fault_weight(cause),
				    .confidence = confidence};
	struct oo_finding *finding = place(rules, &wanted);
	va_list arguments;
	*finding = wanted;
	va_start(arguments, format);
	format_clipped(finding->summary, sizeof(finding->summary), format, arguments);
	va_end(arguments);
	return finding;
}

void oo_rule_ground(struct oo_finding *finding, const char *format, ...)
{
	va_list arguments;
	if (finding->n_grounds == OO_DIAGNOSE_GROUNDS) {
		return;
	}
	va_start(arguments, format);
	format_clipped(finding->grounds[finding->n_grounds++], OO_EVIDENCE_TEXT, format, arguments);
	va_end(arguments);
}

void oo_rule_ground_exchange(struct oo_finding *finding, const struct oo_rules *rules,
			     enum oo_exchange_name name)
{
	const struct oo_exchange *exchange = &rules->seen->exchanges[name];
	char outcome[64];
	if (oo_seen_tried(exchange)) {
		oo_rule_ground(finding, "%s: %s%s%s", exchange->url,
			       oo_seen_outcome(exchange, outcome),
			       exchange->error[0] != '\0' ? ": " : "", exchange->error);
	}
}

void oo_rule_ground_line(struct oo_finding *finding, const struct oo_rules *rules,
			 enum oo_log_meaning meaning)
{
	const struct oo_log_line *line =
		meaning != OO_LOG_MEANING_NONE ? oo_seen_line(rules->seen, meaning) : NULL;
	if (line != NULL) {
		oo_rule_ground(finding, "%s: %s", line->file, line->text);
	}
}

void oo_rule_remedy(struct oo_finding *finding, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	format_clipped(finding->remedy, sizeof(finding->remedy), format, arguments);
	va_end(arguments);
}

void oo_rule_explain(struct oo_rules *rules, unsigned exchanges)
{
	rules->explained |= exchanges;
}

void oo_rule_explain_behind_proxy(struct oo_rules *rules)
{
	for (unsigned i = 0; i < OO_EXCHANGE_END; i++) {
		const struct oo_exchange *exchange = &rules->seen->exchanges[i];
		bool is_behind = exchange->status >= 500 || oo_seen_false(exchange) ||
				 oo_seen_silent(exchange);
		if ((OO_EXCHANGES_PROXIED & 1u << i) != 0 && is_behind) {
			oo_rule_explain(rules, 1u << i);
		}
	}
}

bool oo_rule_has(const struct oo_rules *rules, enum oo_fault cause)
{
	return find(rules, cause) != NULL;
}

bool oo_rule_has_outage(const struct oo_rules *rules, enum oo_layer from, enum oo_layer to)
{
	for (size_t i = 0; i < rules->verdict->n_findings; i++) {
		const struct oo_finding *finding = &rules->verdict->findings[i];
		if (finding->layer >= from && finding->layer <= to &&
		    finding->weight == OO_WEIGHT_OUTAGE &&
		    finding->confidence >= OO_CONFIDENCE_LIKELY) {
			return true;
		}
	}
	return false;
}

void oo_rule_rank(struct oo_verdict *verdict)
{
	for (size_t i = 1; i < verdict->n_findings; i++) {
		struct oo_finding moved = verdict->findings[i];
		size_t to = i;
		while (to > 0 && strength(&verdict->findings[to - 1]) < strength(&moved)) {
			verdict->findings[to] = verdict->findings[to - 1];
			to--;
		}
		verdict->findings[to] = moved;
	}
}

/* The package's units, and the names that supervisord has for them in the container. */
static const struct {
	const char *unit, *program;
} names[OO_PROGRAM_END] = {
	[OO_PROGRAM_PROXY] = {"nginx", "nginx"},
	[OO_PROGRAM_DOCSERVICE] = {"ds-docservice", "ds:docservice"},
	[OO_PROGRAM_CONVERTER] = {"ds-converter", "ds:converter"},
	[OO_PROGRAM_DATABASE] = {"postgresql", "postgresql"},
	[OO_PROGRAM_BROKER] = {"rabbitmq-server", "rabbitmq-server"},
};

static const char *unit_of(const struct oo_evidence *seen, enum oo_program program)
{
	const char *unit = seen->processes[program].unit;
	return unit[0] != '\0' ? unit : names[program].unit;
}

static const char *container_of(const struct oo_evidence *seen)
{
	const char *name = seen->processes[OO_PROGRAM_DOCSERVICE].unit;
	return name[0] != '\0' && strchr(name, ':') == NULL ? name : "CONTAINER";
}

const char *oo_rule_command(const struct oo_evidence *seen, enum oo_program program,
			    const char *verb, char command[static OO_RULE_COMMAND])
{
	if (seen->is_docker) {
		(void)snprintf(command, OO_RULE_COMMAND, "docker exec %s supervisorctl %s %s",
			       container_of(seen), verb, names[program].program);
	} else {
		(void)snprintf(command, OO_RULE_COMMAND, "systemctl %s %s", verb,
			       unit_of(seen, program));
	}
	return command;
}

const char *oo_rule_log_command(const struct oo_evidence *seen, enum oo_program program,
				char command[static OO_RULE_COMMAND])
{
	if (seen->is_docker) {
		(void)snprintf(command, OO_RULE_COMMAND, "docker logs --tail 50 %s",
			       container_of(seen));
	} else {
		(void)snprintf(command, OO_RULE_COMMAND, "journalctl -n 50 -u %s",
			       unit_of(seen, program));
	}
	return command;
}
