#ifndef OO_AGENT_TIMELINE_H
#define OO_AGENT_TIMELINE_H
/*
 * What a move took, from the decision to the first announcement: the part of the node that left is what
 * its claim says, the rest is by the clock of the node that was promoted. Pure.
 */
#include "records.h"

/* CLOCK_BOOTTIME ms of this node; 0: not yet. */
struct agent_timeline {
	int64_t detected_at; /* the takeover or hand-over was noticed here */
	int64_t claimed_at;  /* the claim is ours */
	int64_t armed_at;    /* the first renewal of it has been confirmed */
	int64_t added_at;    /* VIPs are up */
	int64_t announced_at;
	int64_t silent_ms; /* of a holder that was silent: for how long; 0: none was */
	bool given;        /* handed over or released, and seen at once */
	struct oo_claim_ages given_ages; /* by whoever gave it */
};

/*
 * ms since it was detected: the decision to leave by the node that gave it, or that the silence had
 * lasted. For the commit of the claim that gave it, on its way from node to node, stands that of our first
 * renewal, which is the same way. -1: not known.
 * gap_ms  how long nobody answered for the VIPs: from down to announced; of a silent holder at most, as
 *         it counts from the last beat that was seen.
 */
struct agent_timeline_parts {
	int64_t down_ms, claimed_ms, added_ms, announced_ms;
	int64_t gap_ms;
};

struct agent_timeline_parts agent_timeline_parts(const struct agent_timeline *line);

#endif
