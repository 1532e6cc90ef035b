#ifndef OO_AGENT_BODY_H
#define OO_AGENT_BODY_H
/* What operators' requests have in common: fields of a body, ids, and refusals. */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent.h"
#include "api/api.h"

/* What may be in a body, and of which type. */
struct agent_field {
	const char *name;
	enum json_type type;
};

/*
 * The body, for the caller to put; fields ends with a NULL. A field that is not among them, or of another
 * type, is refused: one that is mistyped never means "none". NULL after a refusal.
 */
struct json_object *agent_body_read(const struct oo_api_request *request,
				    const struct agent_field *fields, struct oo_api_answer *answer);
/* "", false: not given, or null. */
const char *agent_body_text(struct json_object *body, const char *name);
bool agent_body_flag(struct json_object *body, const char *name);
/* The number that the parameter id is; 0 is nobody's. */
uint64_t agent_body_id(const struct oo_api_request *request, int base);
/* "somebody" for "". */
const char *agent_body_named(const char *text);

/* Whether anything can be asked of etcd; false after a refusal. */
bool agent_body_has_etcd(const struct agent *agent, struct oo_api_answer *answer);
/* For what failed with r, negative, before it was asked. */
void agent_body_refuse(struct oo_api_answer *answer, int r);
/* 202 with object, which is put. */
void agent_body_accept(struct oo_api_answer *answer, struct json_object *object);
/* 200 with object, which is put; 404 when it is NULL. */
void agent_body_answer(struct oo_api_answer *answer, struct json_object *object, const char *what);

#endif
