#ifndef OO_AGENT_RECONFIGURE_H
#define OO_AGENT_RECONFIGURE_H
/*
 * Puts another configuration into an agent that runs, and perhaps holds, without a gap: all that can fail
 * is made beside what runs, then put in its place.
 */
#include "agent.h"

struct oo_etcd;

/*
 * next  aligned (compare.h); the agent's on success.
 * etcd  the client for it, the agent's on success; NULL: the one there is goes on.
 * Returns 0, or what could not be made: everything is as it was then.
 */
int agent_reconfigure(struct agent *agent, struct oo_config *next, struct oo_etcd *etcd,
		      struct oo_err *err);

#endif
