#ifndef OO_SHOW_TOP_H
#define OO_SHOW_TOP_H
/* The picture of `ooha top`: the status, and below it what happened last, as much as there is room for. */
#include <json-c/json.h>

#include "base/text.h"
#include "table.h"

struct top_view {
	json_object *status; /* the last answer of GET /v1/status; NULL: none yet */
	json_object *events; /* the last answer of GET /v1/events; NULL: none yet */
	const char *trouble; /* why there is no newer answer; "": there is one */
	struct page page;
	int height; /* lines */
};

/* Appends at most height lines, without a line break behind the last. Returns 0, -ENOMEM or -EMSGSIZE. */
int show_top(const struct top_view *view, struct oo_buffer *out);

#endif
