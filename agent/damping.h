#ifndef OO_AGENT_DAMPING_H
#define OO_AGENT_DAMPING_H
/* What people are told of a group that has moved too often: its next move waits (core/core.h). */
#include "records.h"

struct agent;

/* "damped: 5 moves in 10m; ...", or "" unless this node holds it and it is so. Returns text. */
const char *agent_damping_explain(const struct agent *agent, unsigned group,
				  char text[static OO_REASON_LENGTH]);
/* Logs it where it begins and where it is over. */
void agent_damping_tell(struct agent *agent, unsigned group);

#endif
