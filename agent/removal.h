#ifndef OO_AGENT_REMOVAL_H
#define OO_AGENT_REMOVAL_H
/* VIPs that somebody else took off their interface: counted, and the suspect named. */
#include "part.h"

/*
 * By the last look at part, some of its VIPs were gone; they are back, or will be tried again. The log
 * has a line at most each 10 s.
 */
void agent_removal_note(struct agent_part *part);

#endif
