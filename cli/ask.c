#include "ask.h"

#include <errno.h>

#include "base/cleanup.h"
#include "fields.h"
#include "output.h"

json_object *ask(const struct settings *settings, const char *path, struct oo_err *err)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer body;
	oo_buffer_init(&body, AGENT_ANSWER_BYTES_MAX);
	if (agent_get(settings->socket_path, path, &body, err) < 0) {
		return NULL;
	}
	json_object *answer = body.length > 0 ? json_tokener_parse(body.data) : NULL;
	if (!json_object_is_type(answer, json_type_object)) {
		json_object_put(answer);
		oo_fail_text(err, EPROTO, "what answers on %s is not ooha-agent: no JSON",
			     settings->socket_path);
		return NULL;
	}
	return answer;
}

enum outcome ask_change(const struct settings *settings, const struct agent_question *question,
			json_object **ret_answer)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer body;
	struct oo_err err = {0};
	long status = 0;
	*ret_answer = NULL;
	oo_buffer_init(&body, AGENT_ANSWER_BYTES_MAX);
	if (agent_ask(settings->socket_path, question, &body, &status, &err) < 0) {
		output_error(stderr, &err, "\n");
		return OUTCOME_UNKNOWN;
	}
	json_object *answer = body.length > 0 ? json_tokener_parse(body.data) : NULL;
	*ret_answer = answer;
	if (status >= 200 && status < 300 && json_object_is_type(answer, json_type_object)) {
		return OUTCOME_FINE;
	}
	bool is_refusal = status >= 400 && status < 500;
	(void)oo_fail_text(&err, EPROTO, "%s%s", is_refusal ? "refused: " : "not done: ",
			   field_text(answer, "error", "ooha-agent gave no reason"));
	output_error(stderr, &err, "\n");
	return is_refusal ? OUTCOME_DEGRADED : OUTCOME_UNKNOWN;
}

enum outcome ask_and_show(const struct settings *settings, const char *path, ask_render_fn *render)
{
	struct page page = output_page(NULL);
	struct oo_err err = {0};
	OO_AUTO(output_put_json) json_object *answer = ask(settings, path, &err);
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, ASK_BYTES_MAX);
	if (answer == NULL) {
		output_error(stderr, &err, "\n");
		return OUTCOME_UNKNOWN;
	}
	int r = render != NULL ? render(answer, &page, &text) : output_add_json(&text, answer);
	return output_end(&text, r, OUTCOME_FINE);
}
