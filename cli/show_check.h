#ifndef OO_SHOW_CHECK_H
#define OO_SHOW_CHECK_H
/* One check in full, for people. */
#include <json-c/json.h>

#include "base/text.h"
#include "table.h"

/*
 * check   of GET /v1/checks.
 * events  the answer of GET /v1/events, for its last turns; NULL: not known.
 * Returns 0, -ENOMEM or -EMSGSIZE.
 */
int show_check(json_object *check, json_object *events, const struct page *page,
	       struct oo_buffer *out);

/* The check of that name in an answer with "checks"; NULL: none. */
json_object *show_check_find(json_object *answer, const char *name);

#endif
