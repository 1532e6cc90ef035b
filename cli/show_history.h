#ifndef OO_SHOW_HISTORY_H
#define OO_SHOW_HISTORY_H
/* The moves that etcd remembers, for people: an answer of GET /v1/history. */
#include <json-c/json.h>

#include "base/text.h"
#include "table.h"

/* Appends them, the newest last. Returns 0, -ENOMEM or -EMSGSIZE. */
int show_history(json_object *answer, const struct page *page, struct oo_buffer *out);

#endif
