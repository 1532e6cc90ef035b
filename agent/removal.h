#ifndef OO_AGENT_REMOVAL_H
#define OO_AGENT_REMOVAL_H
/* VIPs that somebody else took off their interface: counted, and the suspect named. */
#include "part.h"

struct agent_removal {
	size_t n;     /* VIPs of the part */
	size_t first; /* of those */
};

/* By the last look at part, some of its VIPs are gone. Before the repair. */
struct agent_removal agent_removal_count(struct agent_part *part);
/* Who did it, and whether they are back: after the repair. The log has a line at most each 10 s. */
void agent_removal_say(struct agent_part *part, const struct agent_removal *removal);

#endif
