#include "body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "asked.h"
#include "base/cleanup.h"
#include "store.h"

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

static const char *const type_names[] = {
	[json_type_boolean] = "true or false",
	[json_type_int] = "a whole number",
	[json_type_string] = "a text",
};

static const struct agent_field *find_field(const struct agent_field *fields, const char *name)
{
	while (fields->name != NULL && !oo_text_equal(fields->name, name)) {
		fields++;
	}
	return fields->name == NULL ? NULL : fields;
}

struct json_object *agent_body_read(const struct oo_api_request *request,
				    const struct agent_field *fields, struct oo_api_answer *answer)
{
	OO_AUTO(put_json) struct json_object *body = NULL;
	if (agent_asked_read(request, answer, &body) < 0) {
		return NULL;
	}
	const struct json_object_iterator end = json_object_iter_end(body);
	for (struct json_object_iterator at = json_object_iter_begin(body);
	     !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		const char *name = json_object_iter_peek_name(&at);
		struct json_object *value = json_object_iter_peek_value(&at);
		const struct agent_field *field = find_field(fields, name);
		if (field == NULL) {
			oo_api_refuse(answer, 400, "the body must not have '%.60s'", name);
			return NULL;
		}
		if (value != NULL && !json_object_is_type(value, field->type)) {
			oo_api_refuse(answer, 400, "%s must be %s", name, type_names[field->type]);
			return NULL;
		}
	}
	return json_object_get(body);
}

const char *agent_body_text(struct json_object *body, const char *name)
{
	struct json_object *member;
	return json_object_object_get_ex(body, name, &member) && member != NULL
		       ? json_object_get_string(member)
		       : "";
}

bool agent_body_has_etcd(const struct agent *agent, struct oo_api_answer *answer)
{
	const char *trouble = agent_store_trouble(agent->store);
	if (trouble[0] != '\0' || !oo_core_view(agent->core, 0).known) {
		oo_api_refuse(answer, 503, "etcd: %s",
			      trouble[0] == '\0' ? "it has not answered yet" : trouble);
		return false;
	}
	return true;
}

const char *agent_body_named(const char *text)
{
	return text[0] == '\0' ? "somebody" : text;
}

void agent_body_refuse(struct oo_api_answer *answer, int r)
{
	if (r == -EBUSY) {
		oo_api_refuse(answer, 503, "too much is under way: wait for it");
	} else {
		oo_api_refuse(answer, 500, "%s", strerror(-r));
	}
}

void agent_body_accept(struct oo_api_answer *answer, struct json_object *object)
{
	answer->status = 202;
	agent_asked_answer(answer, object);
}

uint64_t agent_body_id(const struct oo_api_request *request, int base)
{
	const char *text = oo_api_parameter(request, "id");
	if (text == NULL || text[0] == '\0' || strlen(text) > 16 ||
	    strspn(text, "0123456789abcdef") != strlen(text)) {
		return 0;
	}
	return strtoull(text, NULL, base);
}

void agent_body_answer(struct oo_api_answer *answer, struct json_object *object, const char *what)
{
	if (object == NULL) {
		oo_api_refuse(answer, 404,
			      "no such %s: this node's agent was not asked for it, or has been "
			      "restarted since; see ooha history",
			      what);
	} else {
		agent_asked_answer(answer, object);
	}
}

bool agent_body_flag(struct json_object *body, const char *name)
{
	struct json_object *member;
	return json_object_object_get_ex(body, name, &member) && member != NULL &&
	       json_object_get_boolean(member);
}
