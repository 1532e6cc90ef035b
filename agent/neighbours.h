#ifndef OO_AGENT_NEIGHBOURS_H
#define OO_AGENT_NEIGHBOURS_H
/*
 * Do the other nodes send a VIP's packets to its holder? Each second an agent looks where its kernel
 * would send those for VIPs that it has not, and says so in its member key; who holds them announces
 * again until all agree, or says who does not (doubts.h). Nodes of other subnets see nothing, and
 * count as nothing.
 */
#include "agent.h"

struct agent_neighbours;
struct json_object;

int agent_neighbours_new(struct agent *agent, struct agent_neighbours **ret_neighbours,
			 struct oo_err *err);
void agent_neighbours_free(struct agent_neighbours *neighbours);

/* Grows whenever what this node sees has changed: once a second at most. */
uint64_t agent_neighbours_revision(const struct agent_neighbours *neighbours);
/* What it sees, {"10.0.0.100": "02:00:00:00:00:17"}. The caller owns it. */
struct json_object *agent_neighbours_new_sees(const struct agent_neighbours *neighbours);

/*
 * What others see VIP number i of group at: [{node, mac, agrees}], agrees null unless this node holds
 * it. The caller owns it.
 */
struct json_object *agent_neighbours_new_list(const struct agent *agent, unsigned group, size_t i);
/* Who does not follow although it was announced to for long, as a sentence; "" if nobody. */
void agent_neighbours_explain(const struct agent_neighbours *neighbours, unsigned group, char *text,
			      size_t size);

#endif
