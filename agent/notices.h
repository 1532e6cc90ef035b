#ifndef OO_AGENT_NOTICES_H
#define OO_AGENT_NOTICES_H
/*
 * What people are to be told of, by the hooks of `notify`, in three grades: P0 nobody serves, or two do;
 * P1 it moved, or the next fault will be felt; P2 to be seen to by day. docs/hooks.md has the table.
 * Also runs the hooks of eligible, ineligible and degraded, which follow the same levels.
 */
#include "agent.h"
#include "hooks.h"

struct agent_notice {
	const char *grade; /* "P0" */
	const char *name;  /* "moved" */
	unsigned group;    /* or AGENT_NO_GROUP */
	const char *state; /* "begun", "over"; NULL: it happened, and that is all */
	const char *text;  /* without the group's name */
};

struct agent_notices;

int agent_notices_new(struct agent *agent, struct agent_notices **ret_notices, struct oo_err *err);
void agent_notices_free(struct agent_notices *notices);
/* Once, at the start. adopted: the agent before us has told that we are eligible. */
void agent_notices_start(struct agent_notices *notices, unsigned group, bool adopted);

/* Something has happened. */
void agent_notices_say(struct agent *agent, const struct agent_notice *notice);
/* Looks at how things are; after each step of the core. */
void agent_notices_look(struct agent_notices *notices);

#endif
