#ifndef OO_AGENT_ROUTES_H
#define OO_AGENT_ROUTES_H
/* What the HTTP interface answers (docs/api.md). */
#include "agent.h"
#include "api/api.h"

/* They take the agent as user. */
extern const struct oo_api_route agent_routes[];
extern const size_t agent_n_routes;

#endif
