#ifndef OO_AGENT_AMEND_H
#define OO_AGENT_AMEND_H
/*
 * Completes the history: why VIPs left this node is often found out only when they are gone, and the
 * record is the next holder's. Its record of the claim that this node wrote to hand them over gets
 * a "diagnosis".
 */
#include "agent.h"

struct agent_amend;
struct agent_verdict;

int agent_amend_new(struct agent *agent, struct agent_amend **ret_amend, struct oo_err *err);
/* NULL is accepted. */
void agent_amend_free(struct agent_amend *amend);

/*
 * To be called whenever something has changed: adds verdict, which is copied, once to the record of
 * each group that was handed over because this node was ill. Tried for some seconds: the record may
 * not be there yet. A failure is nobody's loss but the record's.
 */
void agent_amend_apply(struct agent_amend *amend, const struct agent_verdict *verdict);

#endif
