#ifndef OO_AGENT_STATUS_H
#define OO_AGENT_STATUS_H
/* The agent's state as JSON (docs/api.md); the caller's to put. */
#include "agent.h"

struct json_object;

/* Whose the VIPs are as far as anybody can say: "" when released, absent, or silent for too long. */
const char *agent_status_holder(const struct agent *agent, unsigned group);
/* All of GET /v1/status. */
struct json_object *agent_status_new(const struct agent *agent);
/* Its list of checks. */
struct json_object *agent_status_new_checks(const struct agent *agent);
/* A group's list of VIPs. */
struct json_object *agent_status_new_vips(const struct agent *agent, unsigned group);
/* Its list of members. */
struct json_object *agent_status_new_members(const struct agent *agent);

/* Whose the VIPs are as far as anybody can say: "" when released, absent, or silent for too long. */
const char *agent_status_holder(const struct agent *agent, unsigned group);
/* All that is asked of etcd succeeds, and something did not longer ago than a ttl. */
bool agent_status_is_connected(const struct agent *agent);

#endif
