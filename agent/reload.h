#ifndef OO_AGENT_RELOAD_H
#define OO_AGENT_RELOAD_H
/*
 * SIGHUP: checks, hooks and repair are taken over from the file; a change of anything else is said
 * to need a restart, and a wrong file changes nothing.
 */
#include "agent.h"

void agent_reload(struct agent *agent);

/* Whether an agent that starts with next can adopt all that one with now holds. */
bool agent_reload_is_adoptable(const struct oo_config *now, const struct oo_config *next);

#endif
