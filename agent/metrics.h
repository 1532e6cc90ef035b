#ifndef OO_AGENT_METRICS_H
#define OO_AGENT_METRICS_H
/* GET /metrics (docs/monitoring.md): what is so now, and what was counted (counts.h). */
#include "agent.h"
#include "api/api.h"
#include "metrics/metrics.h"

/* The route; user is the agent. */
void agent_metrics_answer(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer);

/* metrics_groups.c */
void agent_metrics_groups(struct oo_metrics *metrics, const struct agent *agent);
/* metrics_process.c: the process_... metrics that every exporter has. */
void agent_metrics_process(struct oo_metrics *metrics, int64_t started_at_wall);

#endif
