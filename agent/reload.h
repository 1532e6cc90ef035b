#ifndef OO_AGENT_RELOAD_H
#define OO_AGENT_RELOAD_H
/*
 * SIGHUP: the file is read anew, and all of it taken over without a gap but cluster, node name and
 * runtime directory, which take a restart. Groups that are gone are given up first; then the agent starts
 * anew in the same process, and adopts what it holds of the others. Another etcd is tried first: what cannot be asked with
 * the new endpoints and credentials, or is another cluster, is not taken over. What is wrong changes
 * nothing, and is said in the log and the status.
 */
#include "agent.h"

struct agent_reload;

/* Returns 0, -ENOMEM or -errno of the event loop. */
int agent_reload_new(struct agent *agent, struct agent_reload **ret_reload, struct oo_err *err);
/* NULL is accepted. */
void agent_reload_free(struct agent_reload *reload);

/* Begins anew, if one is under way. */
void agent_reload(struct agent_reload *reload);

/* A group that is to be given up may have been, and with it what stood in the way of a reload. */
void agent_reload_check(struct agent_reload *reload);

/* Why the last one changed nothing; "" if it did. */
const char *agent_reload_problem(const struct agent_reload *reload);

#endif
