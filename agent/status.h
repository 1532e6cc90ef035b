#ifndef OO_AGENT_STATUS_H
#define OO_AGENT_STATUS_H
/* The agent's state as JSON (docs/api.md), for the routes of the HTTP interface. */
#include "agent.h"
#include "api/api.h"

/* Routes take the agent as user. */
extern const struct oo_api_route agent_routes[];
extern const size_t agent_n_routes;

#endif
