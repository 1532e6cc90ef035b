/* The converter: without it nothing opens or is saved, and /healthcheck says true. */
#include "diagnose/rule.h"

static const struct oo_process *converter(const struct oo_rules *rules)
{
	return &rules->seen->processes[OO_PROGRAM_CONVERTER];
}

static const struct oo_check_result *consumers(const struct oo_rules *rules)
{
	return &rules->seen->dependencies[OO_DEPENDENCY_BROKER].consumers;
}

static bool nobody_consumes(const struct oo_rules *rules)
{
	return consumers(rules)->reason == OO_CHECK_REASON_NO_CONSUMERS ||
	       consumers(rules)->reason == OO_CHECK_REASON_MISSING; /* not even the queue */
}

static void ground(const struct oo_rules *rules, struct oo_finding *finding)
{
	const struct oo_process *process = converter(rules);
	if (consumers(rules)->reason != OO_CHECK_REASON_NONE) {
		oo_rule_ground(finding, "queue of the converter: %s: %s",
			       oo_check_reason_name(consumers(rules)->reason),
			       consumers(rules)->seen);
	}
	if (process->unit_look == OO_LOOK_SEEN) {
		oo_rule_ground(finding, "unit %s: %s, result %s", process->unit,
			       process->unit_state, process->unit_result);
	}
	if (oo_seen_healthy(rules->seen)) {
		oo_rule_ground(finding, "/healthcheck says true: it does not tell of this");
	}
}

static void stopped(struct oo_rules *rules)
{
	const struct oo_process *process = converter(rules);
	/* one that is elsewhere, as in a container of its own, consumes as well */
	bool somebody_consumes = consumers(rules)->reason == OO_CHECK_REASON_OK;
	bool is_gone = oo_seen_is_gone(process);
	bool is_unknown = !is_gone && !oo_seen_is_running(process);
	char command[OO_RULE_COMMAND];
	if (somebody_consumes || (!is_gone && !(is_unknown && nobody_consumes(rules)))) {
		return;
	}
	bool is_sure = is_gone && (nobody_consumes(rules) || process->unit_look == OO_LOOK_SEEN);
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_CONVERTER_STOPPED,
			    is_sure ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
			    "converter stopped: documents do not open, nor are they saved");
	if (is_gone) {
		oo_rule_ground(finding, "there is no process of it");
	}
	ground(rules, finding);
	oo_rule_remedy(finding, "%s",
		       oo_rule_command(rules->seen, OO_PROGRAM_CONVERTER, "restart", command));
}

static void not_consuming(struct oo_rules *rules)
{
	const struct oo_process *process = converter(rules);
	bool is_stopped = oo_seen_is_running(process) && process->n_stopped > 0;
	bool is_broker_down = oo_rule_has_outage(rules, OO_LAYER_BROKER, OO_LAYER_BROKER);
	char command[OO_RULE_COMMAND];
	if (!oo_seen_is_running(process) || is_broker_down ||
	    (!is_stopped && !nobody_consumes(rules))) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_CONVERTER_NOT_CONSUMING, OO_CONFIDENCE_CERTAIN,
			    "converter runs and does no work: %s",
			    is_stopped ? "it is stopped (state T)" : "nobody takes from its queue");
	ground(rules, finding);
	if (is_stopped) {
		oo_rule_ground(finding, "%u of its %u processes are stopped (state T)",
			       process->n_stopped, process->n);
		oo_rule_remedy(finding, "kill -CONT %d", process->pid);
		return;
	}
	oo_rule_remedy(finding, "%s",
		       oo_rule_command(rules->seen, OO_PROGRAM_CONVERTER, "restart", command));
}

static void failing(struct oo_rules *rules)
{
	const struct oo_log_line *line =
		oo_seen_line(rules->seen, OO_LOG_MEANING_CONVERSION_FAILED);
	if (line == NULL || oo_rule_has(rules, OO_FAULT_CONVERTER_STOPPED)) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_CONVERTER_FAILING, OO_CONFIDENCE_LIKELY,
			    "converter fails: %u conversions ended with an error", line->n);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_CONVERSION_FAILED);
	oo_rule_remedy(finding, "tail -50 /var/log/onlyoffice/documentserver/converter/out.log; "
				"one broken document alone is no fault of the node");
}

static const struct oo_rule table[] = {
	{0, stopped},
	{0, not_consuming},
	{0, failing},
};
const struct oo_rule_table oo_rules_converter = OO_RULE_TABLE(table);
