#ifndef OO_AGENT_DIAGNOSIS_H
#define OO_AGENT_DIAGNOSIS_H
/*
 * Why this node's checks fail: when a required one does, a process of its own (ooha-agent
 * --diagnose) collects the evidence while it is fresh, before anything is restarted, and says which
 * layer broke. What it says is shown and kept with the transition; nothing is decided by it.
 */
#include "agent.h"
#include "records.h"

struct agent_diagnosis;

#define AGENT_FINDINGS 8

/* One of the causes that were found. */
struct agent_finding {
	char fault[48], confidence[16]; /* oo_fault_name, oo_confidence_name */
	bool harmless;                  /* it breaks nothing yet */
};

/* What was found out last; texts of strangers are in them. */
struct agent_verdict {
	int64_t at; /* CLOCK_BOOTTIME ms */
	struct agent_finding
		findings[AGENT_FINDINGS]; /* strongest first: what follows is of that one */
	size_t n_findings;
	bool database_answers;
	char fault[48], layer[24], confidence[16];
	char summary[OO_REASON_LENGTH];
	char remedy[256];
};

int agent_diagnosis_new(struct agent *agent, struct agent_diagnosis **ret_diagnosis,
			struct oo_err *err);
/* NULL is accepted. */
void agent_diagnosis_free(struct agent_diagnosis *diagnosis);

/*
 * A required check has failed. Looks, unless it does, or has not long ago.
 * turned  it counts as down from now on: what was seen before may not be all.
 * Returns whether it has begun to.
 */
bool agent_diagnosis_look(struct agent_diagnosis *diagnosis, bool turned);
/* All required checks are up, as counted and as last seen: what was found out is over. */
void agent_diagnosis_forget(struct agent_diagnosis *diagnosis);
/* Whether there is anything to forget. */
bool agent_diagnosis_is_open(const struct agent_diagnosis *diagnosis);
/* After each step of the core: completes the history. */
void agent_diagnosis_apply(struct agent_diagnosis *diagnosis);

/* NULL: nothing is known. Valid until the next turn of the loop. */
const struct agent_verdict *agent_diagnosis_verdict(const struct agent_diagnosis *diagnosis);

#endif
