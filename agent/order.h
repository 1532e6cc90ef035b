#ifndef OO_AGENT_ORDER_H
#define OO_AGENT_ORDER_H
/* The two txns of whoever asks for a switchover: the order is written, and taken back. */
#include "agent.h"
#include "etcd/etcd.h"
#include "records.h"

/*
 * Writes it for group, if there is none, and the claim still is the one of that revision; attached to the
 * lease that is its id. A refusal reads the order that is there (one result).
 * Returns 0, or as oo_etcd_txn.
 */
int agent_order_put(struct agent *agent, unsigned group, const struct oo_order *order,
		    const struct oo_order_text *text, int64_t claim_revision,
		    const struct oo_etcd_call *call);

/*
 * Deletes that one. Success proves that it was not carried out: the holder's offer deletes it, too; only
 * the end of its lease proves that no copy of agent_order_put comes later. A refusal reads the claim
 * (first of two results).
 */
int agent_order_delete(struct agent *agent, unsigned group, uint64_t id,
		       const struct oo_etcd_call *call);

#endif
