#ifndef OO_AGENT_COUNTS_H
#define OO_AGENT_COUNTS_H
/*
 * What is counted since the agent started, for GET /metrics (metrics.c). In place in struct agent, all
 * zero at first; whoever has news counts it here. Pure data.
 */
#include "core/core.h"
#include "hook/counts.h"
#include "metrics/histogram.h"
#include "timeline.h"
#include "trouble.h"

/* Why a request to etcd failed; the whole list. */
enum agent_failure {
	AGENT_FAILURE_TIMEOUT,   /* no answer, or none that says what became of it */
	AGENT_FAILURE_REFUSED,   /* nobody listens */
	AGENT_FAILURE_NO_LEADER, /* etcd has no quorum, or too much to do */
	AGENT_FAILURE_FOREIGN,   /* what answers is no etcd */
	AGENT_FAILURE_DENIED,    /* no rights, or no login */
	AGENT_FAILURE_FULL,      /* etcd has no space left */
	AGENT_FAILURE_OTHER,
};
#define AGENT_FAILURES 7
#define AGENT_HOOKS 8

/* What a promotion comes to in turn; the whole list. */
enum agent_stage {
	AGENT_STAGE_DOWN, /* the addresses are gone from the node that left */
	AGENT_STAGE_CLAIMED,
	AGENT_STAGE_ADDED,
	AGENT_STAGE_ANNOUNCED,
};
#define AGENT_STAGES 4

struct agent_group_counts {
	uint64_t renewals[3];             /* by enum oo_outcome */
	struct oo_histogram renewal_time; /* of those that were answered */
	uint64_t transitions[OO_CAUSES];
	struct oo_histogram stages[AGENT_STAGES]; /* since detection, of promotions of this node */
	struct oo_histogram gap;
	uint64_t conflicts; /* foreign claims on a VIP that was held here */
	uint64_t repairs;   /* VIPs put back that somebody else had removed */
};

struct agent_counts {
	int64_t started_at_wall; /* ms since the epoch */
	struct agent_group_counts groups[OO_CORE_GROUPS_MAX];
	uint64_t requests[AGENT_AFFAIRS];
	uint64_t failures[AGENT_AFFAIRS][AGENT_FAILURES];
	struct oo_hook_counts hooks[AGENT_HOOKS]; /* by enum agent_hook */
};

/* r: as the client says it (etcd/etcd.h), 0 or negative. */
void agent_counts_request(struct agent_counts *counts, enum agent_affair affair, int r);
void agent_counts_renewal(struct agent_group_counts *counts, enum oo_outcome outcome,
			  int64_t took_us);

/* What is not known of it is not counted. */
void agent_counts_promotion(struct agent_group_counts *counts, const struct agent_timeline *line);

/* "read", "claim", "presence" */
const char *agent_affair_name(enum agent_affair affair);
/* "timeout", "refused", "no_leader", ... */
const char *agent_failure_name(enum agent_failure failure);
/* "down", "claimed", "added", "announced" */
const char *agent_stage_name(enum agent_stage stage);

#endif
