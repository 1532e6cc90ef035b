#ifndef OO_AGENT_CHECKS_H
#define OO_AGENT_CHECKS_H
/* The configured checks, running; their latest results. */
#include "agent.h"
#include "check/check.h"

struct agent_checks;

/* Of one check, since the agent started. */
struct agent_check_counts {
	uint64_t runs, failures; /* those that found it down */
	int64_t took_us;         /* all runs together */
};

int agent_checks_new(struct agent *agent, struct agent_checks **ret_checks, struct oo_err *err);
void agent_checks_free(struct agent_checks *checks);
/* After a reload: what was last seen and said of the checks that config says are inherited. */
void agent_checks_inherit(struct agent_checks *checks, const struct agent_checks *before,
			  const struct oo_core_config *config);
/* After the core's step with a result of check index: logs whether the check has turned. */
void agent_checks_tell(struct agent_checks *checks, unsigned index);
/* Of the configuration's check index; state unknown and at 0 before the first run. */
const struct oo_check_result *agent_checks_result(const struct agent_checks *checks,
						  unsigned index);
const struct agent_check_counts *agent_checks_counts(const struct agent_checks *checks,
						     unsigned index);

#endif
