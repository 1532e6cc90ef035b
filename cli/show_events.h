#ifndef OO_SHOW_EVENTS_H
#define OO_SHOW_EVENTS_H
/* What happened on the agent's node, for people: events of GET /v1/events. */
#include <json-c/json.h>

#include "base/text.h"
#include "table.h"

#define SHOW_DAY_LENGTH 11

/*
 * Appends one event, wrapped; before it its day, if it is another than day, which becomes it. "" at first.
 * Returns 0, -ENOMEM or -EMSGSIZE.
 */
int show_event(json_object *event, const struct page *page, char day[static SHOW_DAY_LENGTH],
	       struct oo_buffer *out);

#endif
