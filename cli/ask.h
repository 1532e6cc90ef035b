#ifndef OO_ASK_H
#define OO_ASK_H
/* A question to the agent, its answer as JSON, and what most commands do with it. */
#include <json-c/json.h>
#include <stdbool.h>

#include "agent.h"
#include "base/error.h"
#include "base/text.h"
#include "command.h"
#include "table.h"

/* The most that a command shows. */
#define ASK_BYTES_MAX (8 << 20)

/*
 * The object that path is answered with; to be put by the caller. NULL with err, which may quote the
 * agent (output_error).
 */
json_object *ask(const struct settings *settings, const char *path, struct oo_err *err);

/*
 * Asks the agent to change something: POST or DELETE, body is JSON or NULL. Says why when it was not
 * done.
 * ret_answer  what it answered, to be put by the caller; NULL: nothing that is understood.
 * Returns OUTCOME_FINE (done, or under way), OUTCOME_DEGRADED (refused: 4xx) or OUTCOME_UNKNOWN.
 */
enum outcome ask_change(const struct settings *settings, const struct agent_question *question,
			json_object **ret_answer);

/* Appends what there is to show of an answer. Returns 0, -ENOMEM or -EMSGSIZE. */
typedef int ask_render_fn(json_object *answer, const struct page *page, struct oo_buffer *out);

/* Asks, and shows the answer: by render, or as JSON when render is NULL. Says what goes wrong. */
enum outcome ask_and_show(const struct settings *settings, const char *path, ask_render_fn *render);

#endif
