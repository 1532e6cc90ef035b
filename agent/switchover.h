#ifndef OO_AGENT_SWITCHOVER_H
#define OO_AGENT_SWITCHOVER_H
/*
 * Switchovers that this node's agent was asked for, whoever holds: each is an order in etcd
 * (groups/<group>/request), attached to a lease, that the holder carries out, or that is taken back
 * when its time is over. What is told of one is proven: the holder's offer deletes the order in its own
 * txn, so an order that we deleted was not carried out; and it never will be, since its lease is revoked
 * before anything is told: a copy that is late writes nothing.
 */
#include <json-c/json.h>

#include "agent.h"
#include "records.h"

#define AGENT_SWITCHOVERS_MAX 16 /* that are remembered; the oldest that is over makes room */
#define AGENT_SWITCHOVER_MIN_MS 1000
#define AGENT_SWITCHOVER_MAX_MS 300000
#define AGENT_SWITCHOVER_DEFAULT_MS 10000

struct agent_switchovers;

int agent_switchovers_new(struct agent *agent, struct agent_switchovers **ret_switchovers,
			  struct oo_err *err);
/* After the store: answers may be under way. NULL is accepted. */
void agent_switchovers_free(struct agent_switchovers *switchovers);
/* What etcd shows may have changed. */
void agent_switchovers_apply(struct agent_switchovers *switchovers);

/*
 * Begins one: order says from and target, and for how long; the caller has checked that it makes
 * sense. ret_id names it.
 * Returns 0, -EBUSY (AGENT_SWITCHOVERS_MAX are under way), or -errno.
 */
int agent_switchover_begin(struct agent_switchovers *switchovers, unsigned group,
			   const struct oo_order *order, const char *by, uint64_t *ret_id);
/* Gives it up, if it still can be: what came of that, agent_switchover_new_answer says. -ENOENT */
int agent_switchover_withdraw(struct agent_switchovers *switchovers, uint64_t id, const char *by);
/* {"id", "state", "group", "from", "to", "gap_ms", "timeline", "error"}; NULL: no such. */
struct json_object *agent_switchover_new_answer(const struct agent_switchovers *switchovers,
						uint64_t id);

#endif
