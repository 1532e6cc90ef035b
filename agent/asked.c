#include "asked.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "journal.h"

#define DEPTH_MAX 8
#define SHOWN_LENGTH 300 /* of what was asked, in the log */

void agent_asked_by(const struct oo_api_request *request, const char *node, char *who, size_t size)
{
	char text[OO_API_USER_LENGTH + 256];
	snprintf(text, sizeof(text), "%s@%s", request->peer.user, node);
	oo_text_clip(who, size, text);
}

int agent_asked_read(const struct oo_api_request *request, struct oo_api_answer *answer,
		     struct json_object **ret_object)
{
	if (request->body_length == 0) {
		*ret_object = json_object_new_object();
		return 0;
	}
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	if (tokener == NULL) {
		oo_api_refuse(answer, 500, "out of memory");
		return -EINVAL;
	}
	/* the NUL behind it ends a number or a word, which json-c else waits for */
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *object =
		json_tokener_parse_ex(tokener, request->body, (int)request->body_length + 1);
	enum json_tokener_error error = json_tokener_get_error(tokener);
	size_t end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (error == json_tokener_success && end >= request->body_length &&
	    json_object_is_type(object, json_type_object)) {
		*ret_object = object;
		return 0;
	}
	json_object_put(object);
	if (error == json_tokener_success && end >= request->body_length) {
		oo_api_refuse(answer, 400, "the body is no JSON object, such as {}");
	} else {
		oo_api_refuse(answer, 400, "the body is no JSON: at byte %zu: %s", end,
			      error == json_tokener_success ? "something follows the object"
							    : json_tokener_error_desc(error));
	}
	return -EINVAL;
}

void agent_asked_answer(struct oo_api_answer *answer, struct json_object *object)
{
	size_t length;
	const char *text =
		json_object_to_json_string_length(object, JSON_C_TO_STRING_NOSLASHESCAPE, &length);
	if (text != NULL) {
		(void)oo_buffer_add(&answer->body, text, length); /* left empty it becomes a 500 */
	}
	json_object_put(object);
}

/* What was asked, in one line that a terminal can show. */
static void show(const struct oo_api_request *request, char text[static SHOWN_LENGTH])
{
	OO_AUTO(oo_buffer_done) struct oo_buffer whole;
	oo_buffer_init(&whole, 4 * OO_API_BODY_BYTES_MAX);
	const struct oo_api_route *route = request->route;
	/* without memory the line is shorter */
	(void)oo_buffer_add_format(&whole, "%s %s", route->method, route->path);
	const char *separator = "?";
	for (size_t i = 0; i < OO_API_PARAMETERS_MAX; i++) {
		if (request->values[i] != NULL) {
			(void)oo_buffer_add_format(&whole, "%s%s=%s", separator,
						   route->parameters[i], request->values[i]);
			separator = "&";
		}
	}
	if (request->body_length > 0) {
		(void)oo_buffer_add_format(&whole, " %s", request->body);
	}
	oo_text_clip(text, SHOWN_LENGTH, whole.data != NULL ? whole.data : "");
	for (char *c = text; *c != '\0'; c++) {
		*c = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
	}
}

void agent_asked_log(void *user, const struct oo_api_request *request, unsigned status)
{
	(void)user;
	char asked[SHOWN_LENGTH];
	show(request, asked);
	agent_say(status == 403 ? OO_LOG_WARNING : OO_LOG_NOTICE,
		  &(struct agent_said){.message = AGENT_MESSAGE_ASKED, .by = request->peer.user},
		  "%s (uid %u, pid %d) asked %s: %u", request->peer.user,
		  (unsigned)request->peer.uid, (int)request->peer.pid, asked, status);
}
