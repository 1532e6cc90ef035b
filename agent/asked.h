#ifndef OO_AGENT_ASKED_H
#define OO_AGENT_ASKED_H
/* What routes have in common: who asks, and the JSON that is asked and answered with. */
#include <stddef.h>

#include "api/api.h"

struct json_object;

#define OO_ASKED_BY_LENGTH 192 /* a user, "@" and a node, whole */

/* "alice@node-a": for a claim, a pause, a log. Cut to what fits. */
void agent_asked_by(const struct oo_api_request *request, const char *node, char *who, size_t size);

/*
 * The body as a JSON object, the caller's to put; no body is an empty one.
 * Returns 0, or -EINVAL with answer refused (400: where it is no JSON, or that it is no object).
 */
int agent_asked_read(const struct oo_api_request *request, struct oo_api_answer *answer,
		     struct json_object **ret_object);

/* Answers with object as JSON, and puts it. */
void agent_asked_answer(struct oo_api_answer *answer, struct json_object *object);

/* Logs one change that was asked for, with who asked (oo_api_options.changed). */
void agent_asked_log(void *user, const struct oo_api_request *request, unsigned status);

#endif
