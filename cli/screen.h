#ifndef OO_SCREEN_H
#define OO_SCREEN_H
/*
 * What `ooha status` shows: the agent's answer to GET /v1/status (docs/api.md), as text. No input
 * but the arguments (and the locale, printable.h). The answer may be of another version, or
 * hostile: what is missing shows as "?" or not at all, what is of another type as if it were
 * missing.
 */
#include <json-c/json.h>

#include "base/text.h"
#include "command.h"
#include "table.h"

#define SCREEN_BYTES_MAX (4 << 20)

/* Appends the screen. Returns 0, -ENOMEM or -EMSGSIZE. */
int screen_render(json_object *status, const struct page *page, struct oo_buffer *out);

/* What the state is worth as an exit code; OUTCOME_UNKNOWN for a state that is not known here. */
enum outcome screen_outcome(json_object *status);

#endif
