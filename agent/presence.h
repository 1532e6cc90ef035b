#ifndef OO_AGENT_PRESENCE_H
#define OO_AGENT_PRESENCE_H
/* Our member key: written on change only, attached to a real etcd lease, so it vanishes with us. */
#include "agent.h"

struct agent_presence;

int agent_presence_new(struct agent *agent, struct agent_presence **ret_presence,
		       struct oo_err *err);
void agent_presence_free(struct agent_presence *presence);

/* The lease that our key is attached to; 0: none granted. */
int64_t agent_presence_lease(const struct agent_presence *presence);
/* The mod_revision that our key has if it says what it should. */
int64_t agent_presence_revision(const struct agent_presence *presence);
/* Writes the key if what it should say has changed. */
void agent_presence_apply(struct agent_presence *presence);
/* The configuration is another one: the key is written anew with the next step. */
void agent_presence_reload(struct agent_presence *presence, bool other_ttl);
/* A read at a revision has shown our key as it was written, or not: one that is gone is written again,
 * and so is one that an earlier writing of ours has come over late. */
void agent_presence_on_read(struct agent_presence *presence, bool shown, int64_t revision);
/*
 * Revokes the lease; agent_check_leaving is called when that has ended, one way or the other. While
 * etcd is in trouble that is not waited for: the lease runs out by itself.
 */
void agent_presence_leave(struct agent_presence *presence);
bool agent_presence_is_gone(const struct agent_presence *presence);

#endif
