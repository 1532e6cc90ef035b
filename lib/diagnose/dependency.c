#include "diagnose/dependency.h"

#include <string.h>

static const struct {
	const char *what;
	enum oo_program program; /* OO_PROGRAM_END: none that we know */
	const char *process;     /* how it begins */
} kinds[OO_DEPENDENCY_END] = {
	[OO_DEPENDENCY_DATABASE] = {"database", OO_PROGRAM_DATABASE, "postgres"},
	[OO_DEPENDENCY_BROKER] = {"broker", OO_PROGRAM_BROKER, "beam"},
	[OO_DEPENDENCY_CACHE] = {"cache", OO_PROGRAM_END, ""},
};

struct oo_dependency_look oo_dependency_look(const struct oo_rules *rules,
					     enum oo_dependency_name name)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_dependency *dependency = &seen->dependencies[name];
	enum oo_program program = kinds[name].program;
	bool is_here = dependency->is_local && !seen->is_docker;
	const struct oo_listener *listener =
		is_here ? oo_seen_listener(seen, &dependency->at) : NULL;
	const char *wanted = kinds[name].process;
	bool is_other = listener != NULL && listener->process[0] != '\0' &&
			strncmp(listener->process, wanted, strlen(wanted)) != 0;
	return (struct oo_dependency_look){
		.what = kinds[name].what,
		.dependency = dependency,
		.process = program != OO_PROGRAM_END ? &seen->processes[program] : NULL,
		.listener = listener,
		.program = program,
		.is_here = is_here,
		.is_other = is_other,
	};
}

static enum oo_confidence weigh(const struct oo_rules *rules, const struct oo_dependency_look *look,
				enum oo_confidence confidence)
{
	bool is_elsewhere = rules->seen->is_docker && look->dependency->is_local;
	bool is_healthy = oo_seen_healthy(rules->seen);
	if (is_healthy && (is_elsewhere || look->program == OO_PROGRAM_END)) {
		return OO_CONFIDENCE_NONE;
	}
	return is_healthy || is_elsewhere ? OO_CONFIDENCE_POSSIBLE : confidence;
}

static void ground(const struct oo_rules *rules, const struct oo_dependency_look *look,
		   struct oo_finding *finding)
{
	const struct oo_dependency *dependency = look->dependency;
	const struct oo_check_result *told = dependency->connect.reason != OO_CHECK_REASON_OK
						     ? &dependency->connect
						     : &dependency->works;
	oo_rule_ground(finding, "%s, as in %s: %s: %s", look->what, dependency->asked_by,
		       oo_check_reason_name(told->reason), told->seen);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_HEALTH);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_DIRECT_INDEX);
}

struct oo_finding *oo_dependency_say(struct oo_rules *rules, const struct oo_dependency_look *look,
				     enum oo_fault cause, enum oo_confidence confidence,
				     const char *how)
{
	const struct oo_endpoint_text *at = &look->dependency->at;
	bool is_six = strchr(at->host, ':') != NULL;
	confidence = weigh(rules, look, confidence);
	if (confidence == OO_CONFIDENCE_NONE) {
		return &rules->spare;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, cause, confidence, "%s %s (%s%s%s:%u)", look->what, how,
			    is_six ? "[" : "", at->host, is_six ? "]" : "", (unsigned)at->port);
	if (oo_seen_healthy(rules->seen)) {
		finding->weight = OO_WEIGHT_PART;
	}
	ground(rules, look, finding);
	if (confidence >= OO_CONFIDENCE_LIKELY) {
		oo_rule_explain(rules, OO_EXCHANGE_BIT(DIRECT_HEALTH));
		if (oo_seen_docservice_answers(rules->seen)) {
			oo_rule_explain_behind_proxy(rules);
		}
	}
	return finding;
}

void oo_dependency_remedy_restart(const struct oo_rules *rules,
				  const struct oo_dependency_look *look, struct oo_finding *finding)
{
	char command[OO_RULE_COMMAND];
	if (look->is_here && look->program != OO_PROGRAM_END) {
		oo_rule_remedy(finding, "%s",
			       oo_rule_command(rules->seen, look->program, "restart", command));
	} else {
		oo_rule_remedy(finding, "start it on %s; its own log there says why it went",
			       look->dependency->at.host);
	}
}
