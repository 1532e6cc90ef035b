#ifndef OO_AGENT_CHECKS_H
#define OO_AGENT_CHECKS_H
/* The configured checks, running; their latest results. */
#include "agent.h"
#include "check/check.h"

struct agent_checks;

int agent_checks_new(struct agent *agent, struct agent_checks **ret_checks, struct oo_err *err);
/* Check index goes on from what before knew of its check number from. */
void agent_checks_inherit(struct agent_checks *checks, unsigned index,
			  const struct agent_checks *before, unsigned from);
void agent_checks_free(struct agent_checks *checks);
/* Logs which checks have turned in the core's last step. */
void agent_checks_tell(struct agent_checks *checks);
/* Of the configuration's check index; state unknown and at 0 before the first run. */
const struct oo_check_result *agent_checks_result(const struct agent_checks *checks,
						  unsigned index);

#endif
