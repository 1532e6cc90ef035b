#ifndef OO_AGENT_REPAIR_H
#define OO_AGENT_REPAIR_H
/*
 * Local repair: restarts what the diagnosis blames, if the configuration names it and repair_policy.h
 * has nothing against it. Attempts are remembered by this process only.
 */
#include "agent.h"

struct agent_repair;
struct json_object;

int agent_repair_new(struct agent *agent, struct agent_repair **ret_repair, struct oo_err *err);
/* NULL is accepted. What has been told to systemd or Docker stays told. */
void agent_repair_free(struct agent_repair *repair);

/* After each step of the core: begins an attempt if there is to be one now. */
void agent_repair_apply(struct agent_repair *repair);
/* No attempt is under way that would leave a service stopped if this process ended. */
bool agent_repair_is_quiet(const struct agent_repair *repair);

/* For the status (docs/api.md); NULL: `repair:` is not configured. The caller's to put. */
struct json_object *agent_repair_new_status(const struct agent_repair *repair);

#endif
