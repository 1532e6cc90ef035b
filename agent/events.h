#ifndef OO_AGENT_EVENTS_H
#define OO_AGENT_EVENTS_H
/*
 * The last AGENT_EVENTS_MAX things that happened, for GET /v1/events. They are the lines of the log, as
 * it has one line a change: nothing is told of that is not logged, and nothing logged is left out (but
 * what is for debugging).
 */
#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define AGENT_EVENTS_MAX 512

struct agent;
struct agent_events;

/* Listens to the log from now on. group_names may be filled in later. Returns 0 or -ENOMEM. */
int agent_events_new(const struct agent *agent, struct agent_events **ret_events,
		     struct oo_err *err);
/* NULL is accepted. */
void agent_events_free(struct agent_events *events);

/*
 * {"started_at", "first", "last", "events"}: the last n of those whose seq is beyond after, oldest first. seq
 * counts from 1, anew with each agent: started_at tells them apart. 0 of first, last: there are none.
 */
struct json_object *agent_events_new_answer(const struct agent_events *events, int64_t after,
					    size_t n);

#endif
