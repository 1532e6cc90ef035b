#ifndef OO_AGENT_LINK_H
#define OO_AGENT_LINK_H
/*
 * What becomes of a group's VIPs on one interface when that goes, comes, is renamed, loses its carrier,
 * or changes its MAC or MTU. The configuration names an interface: one that has another name is not it.
 */
#include "part.h"

/* Whether link is about part's interface, be it under a name that it has just got. */
bool agent_link_concerns(const struct agent_part *part, const struct oo_link *link);
/*
 * Takes link over. VIPs go off an interface that is not theirs any more; on one that has changed they are
 * announced again, if they are there. Those that went with their interface are not put back: see
 * agent_link_wants_vips.
 */
void agent_link_take(struct agent_part *part, const struct oo_link *link);
/* There is an interface, and not all of the VIPs are on it; or some are left on another. */
bool agent_link_wants_vips(const struct agent_part *part);

/* What is wrong with it, to go behind its name; "" while it has link. */
const char *agent_link_trouble(const struct agent_part *part);

#endif
