#ifndef OO_SHOW_EVENTS_H
#define OO_SHOW_EVENTS_H
/* What happened on the agent's node, for people: events of GET /v1/events. */
#include <json-c/json.h>

#include "base/text.h"
#include "table.h"

/* Appends one event, wrapped. Returns 0, -ENOMEM or -EMSGSIZE. */
int show_event(json_object *event, const struct page *page, struct oo_buffer *out);

#endif
