#ifndef OO_AGENT_DISPUTE_H
#define OO_AGENT_DISPUTE_H
/*
 * How long another host counts as having a VIP, and how often one that is held is defended against
 * it. Pure.
 */
#include <stdbool.h>
#include <stdint.h>

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

/*
 * At once, and then no sooner than these. RFC 5227 2.4(c) wants 10 s, so that two hosts that both
 * defend do not fill the link; the first ones come sooner, for clients that follow the other host.
 */
#define AGENT_DEFENCE_QUICK 5           /* so many ... */
#define AGENT_DEFENCE_FIRST_GAP_MS 1000 /* ... that far apart; then it doubles with each ... */
#define AGENT_DEFENCE_LAST_GAP_MS 10000 /* ... up to this */
/* After so long without a foreign claim it all begins anew. */
#define AGENT_DEFENCE_QUIET_MS 60000

/* Of what is held; zeroed, it is not in doubt. Times are CLOCK_BOOTTIME ms. */
struct agent_defence {
	int64_t doubted_at; /* since when etcd is asked whose claim it is; 0: it is not */
	int64_t next_at;    /* no doubt sooner */
	int64_t gap_ms;
	int64_t seen_at;
	uint64_t count; /* defences since the last quiet time */
};

/* A foreign claim was seen. Returns when to doubt, maybe in the past. */
int64_t agent_defence_see(struct agent_defence *defence, int64_t now);
/* Returns whether etcd is to be asked now; not while an answer is awaited. */
bool agent_defence_doubt(struct agent_defence *defence, int64_t now);
/* A renewal that was sent at sent_at has succeeded. Returns whether to defend now. */
bool agent_defence_confirm(struct agent_defence *defence, int64_t sent_at, int64_t now);

#endif
