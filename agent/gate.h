#ifndef OO_AGENT_GATE_H
#define OO_AGENT_GATE_H
/*
 * Between what the core wants of a group's addresses and vips.c: the blocking hooks. It never makes an
 * address wanted that the core does not want, but for the time that pre_demote takes.
 *
 * pre_promote  runs once a renewal has made the addresses wanted, and before they are added. The lease
 *              is renewed meanwhile; when the hold ends, the hooks are killed and it begins anew.
 *              Failed or out of time: this node is not fit for the group for BAR_MS, so that the core
 *              hands over if another node is eligible; if none is, the addresses are added all the same.
 *              A group that nobody takes ends that time.
 * pre_demote   runs before the addresses go, if there is time: for at most
 *              min(blocking_timeout, what is left of the hold - margin), since a holder that leaves does
 *              not renew. Failed or out of time: killed, and the demotion goes on.
 */
#include "agent.h"

#define AGENT_GATE_BAR_MS 60000

struct agent_gates;

int agent_gates_new(struct agent *agent, struct agent_gates **ret_gates, struct oo_err *err);
void agent_gates_free(struct agent_gates *gates);
/* Once, at the start. adopted: the addresses are up already. */
void agent_gate_start(struct agent_gates *gates, unsigned group, bool adopted);

/* What vips.c is to make so: the core's want, as far as the hooks let it through. */
struct oo_want agent_gate_want(struct agent_gates *gates, unsigned group);

/* Whether its interfaces have link, and no pre_promote has failed lately: news for the core. */
void agent_gate_tell_link(struct agent *agent, unsigned group);
/* Why this node is not fit for group: "pre_promote: hook /etc/x: exit code 1"; "" if it is. */
const char *agent_gate_trouble(const struct agent_gates *gates, unsigned group);
/* After a reload: what made pre_promote fail may have been mended. */
void agent_gates_forgive(struct agent_gates *gates);
/* Whether pre_demote has run, and the group has come back without having gone. Once. */
bool agent_gate_take_returned(struct agent_gates *gates, unsigned group);
/* No blocking hook runs. */
bool agent_gates_is_quiet(const struct agent_gates *gates);

#endif
