#ifndef OO_AGENT_DISPUTE_H
#define OO_AGENT_DISPUTE_H
/*
 * How long another host counts as having a VIP. Pure.
 */
#include <stdbool.h>

/* RFC 5227 1.1, PROBE_NUM: one probe, or its answer, is lost too easily. */
#define AGENT_REFUSAL_ROUNDS 3

/* Of a VIP that a stranger has. */
struct agent_refusal {
	unsigned silent; /* rounds in a row that nobody has answered */
};

/*
 * A round of asking is over.
 * asked  the probe has left, and the link was there for an answer all the time.
 * Returns whether nobody has the VIP any more.
 */
bool agent_refusal_is_over(struct agent_refusal *refusal, bool asked, bool answered);

#endif
