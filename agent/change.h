#ifndef OO_AGENT_CHANGE_H
#define OO_AGENT_CHANGE_H
/* Pauses and drains that this node's agent was asked for: one key in etcd, put or deleted. */
#include <json-c/json.h>

#include "agent.h"
#include "records.h"

#define AGENT_CHANGES_MAX 16 /* that are remembered */

struct agent_changes;

int agent_changes_new(struct agent *agent, struct agent_changes **ret_changes, struct oo_err *err);
/* After the store: answers may be under way. NULL is accepted. */
void agent_changes_free(struct agent_changes *changes);

/*
 * Begins one: puts decree under key, which must not be there; NULL: deletes key, which must be there.
 * ret_id names it.
 * Returns 0, -EBUSY (AGENT_CHANGES_MAX are under way), or -errno.
 */
int agent_change_begin(struct agent_changes *changes, const char *key,
		       const struct oo_decree *decree, uint64_t *ret_id);
/* {"id", "state": "waiting", "done", "refused" or "failed", "error"}; NULL: no such. */
struct json_object *agent_change_new_answer(const struct agent_changes *changes, uint64_t id);

#endif
