#ifndef OO_AGENT_MEMBERS_TEXT_H
#define OO_AGENT_MEMBERS_TEXT_H
/* The members in words, for refusals that say what would be right. */
#include "agent.h"
#include "store.h"

#define AGENT_MEMBERS_TEXT 512

/* NULL: no such node is present. */
const struct agent_known_member *agent_members_find(const struct agent *agent, const char *node);
/* Whether node is eligible for group, as it says itself; and nobody has drained it meanwhile. */
bool agent_members_is_eligible(const struct agent *agent, const struct agent_known_member *known,
			       unsigned group);
/* How many other nodes than except are. */
size_t agent_members_count_eligible(const struct agent *agent, unsigned group, const char *except);
/* "eligible are: node-b, node-c" without except; or "none is: node-b: check proxy down, ..." */
void agent_members_describe(const struct agent *agent, unsigned group, const char *except,
			    char text[static AGENT_MEMBERS_TEXT]);
/* "node-a, node-b" */
void agent_members_list(const struct agent *agent, char text[static AGENT_MEMBERS_TEXT]);

#endif
