#include "routes.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "control.h"
#include "events.h"
#include "past.h"
#include "records.h"
#include "status.h"
#include "story.h"
#include "vips.h"

#define NUMBER_DIGITS 15 /* most of one in a query */

static void add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name,
			       text == NULL || text[0] == '\0' ? NULL
							       : json_object_new_string(text));
}

static void add_bool(struct json_object *object, const char *name, bool fact)
{
	json_object_object_add(object, name, json_object_new_boolean(fact));
}

static void answer_with(struct oo_api_answer *answer, struct json_object *object)
{
	size_t length;
	const char *text =
		json_object_to_json_string_length(object, JSON_C_TO_STRING_NOSLASHESCAPE, &length);
	if (text != NULL) {
		(void)oo_buffer_add(&answer->body, text, length); /* left empty it becomes a 500 */
	}
	json_object_put(object);
}

static void answer_status(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	(void)request;
	answer_with(answer, agent_status_new(user));
}

static void answer_checks(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	(void)request;
	char now[32];
	struct json_object *object = json_object_new_object();
	oo_record_time(oo_clock_wall(), now);
	add_text(object, "now", now);
	json_object_object_add(object, "checks", agent_status_new_checks(user));
	answer_with(answer, object);
}

static void answer_members(void *user, const struct oo_api_request *request,
			   struct oo_api_answer *answer)
{
	(void)request;
	char now[32];
	struct json_object *object = json_object_new_object();
	oo_record_time(oo_clock_wall(), now);
	add_text(object, "now", now);
	json_object_object_add(object, "members", agent_status_new_members(user));
	answer_with(answer, object);
}

/* A number of the query, fallback when it is not given. Refuses what is no such number. */
static bool read_number(const struct oo_api_request *request, const char *name, int64_t fallback,
			int64_t *ret_number, struct oo_api_answer *answer)
{
	const char *text = oo_api_parameter(request, name);
	if (text == NULL) {
		*ret_number = fallback;
		return true;
	}
	if (text[0] == '\0' || strlen(text) > NUMBER_DIGITS ||
	    strspn(text, "0123456789") != strlen(text)) {
		oo_api_refuse(answer, 400, "%s: '%.*s' is not a number", name, NUMBER_DIGITS, text);
		return false;
	}
	*ret_number = strtoll(text, NULL, 10);
	return true;
}

static void answer_history(void *user, const struct oo_api_request *request,
			   struct oo_api_answer *answer)
{
	const struct agent *agent = user;
	int64_t n;
	if (read_number(request, "n", AGENT_PAST_MAX, &n, answer)) {
		answer_with(answer, agent_past_new_answer(agent->past, (size_t)n));
	}
}

static void answer_events(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	const struct agent *agent = user;
	int64_t after, n;
	if (read_number(request, "after", 0, &after, answer) &&
	    read_number(request, "n", AGENT_EVENTS_MAX, &n, answer)) {
		answer_with(answer, agent_events_new_answer(agent->events, after, (size_t)n));
	}
}

/* 200 while this node holds every group that it is asked about: all of them. */
static void answer_leader(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	(void)request;
	const struct agent *agent = user;
	bool holds = true;
	struct json_object *object = json_object_new_object();

	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		holds = holds && oo_core_want(agent->core, g)->address &&
			agent_vips_is_up(agent->vips[g]);
	}
	add_text(object, "node", agent->config->node.name);
	add_bool(object, "leader", holds);
	answer->status = holds ? 200 : 503;
	answer_with(answer, object);
}

/* 200 while this node is fit to serve every group. */
static void answer_health(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	(void)request;
	const struct agent *agent = user;
	bool healthy = true;
	char reason[OO_REASON_LENGTH] = "";
	struct json_object *object = json_object_new_object();

	for (unsigned g = 0; g < agent->core_config.n_groups && healthy; g++) {
		healthy = oo_core_view(agent->core, g).eligible == OO_HEALTH_UP;
		agent_story_explain_health(agent, g, reason);
	}
	add_text(object, "node", agent->config->node.name);
	add_bool(object, "healthy", healthy);
	add_text(object, "reason", reason);
	answer->status = healthy ? 200 : 503;
	answer_with(answer, object);
}

const struct oo_api_route agent_routes[] = {
	{.method = "GET", .path = "/v1/status", .answer = answer_status},
	{.method = "GET", .path = "/v1/checks", .answer = answer_checks},
	{.method = "GET", .path = "/v1/members", .answer = answer_members},
	{.method = "GET", .path = "/v1/history", .parameters = {"n"}, .answer = answer_history},
	{.method = "GET",
	 .path = "/v1/events",
	 .parameters = {"after", "n"},
	 .answer = answer_events},
	{.method = "POST",
	 .path = "/v1/switchover",
	 .change = true,
	 .answer = agent_control_switch_over},
	{.method = "GET",
	 .path = "/v1/switchover",
	 .parameters = {"id"},
	 .answer = agent_control_look},
	{.method = "DELETE",
	 .path = "/v1/switchover",
	 .change = true,
	 .parameters = {"id"},
	 .answer = agent_control_withdraw},
	{.method = "POST", .path = "/v1/pause", .change = true, .answer = agent_control_pause},
	{.method = "DELETE", .path = "/v1/pause", .change = true, .answer = agent_control_resume},
	{.method = "POST", .path = "/v1/drain", .change = true, .answer = agent_control_drain},
	{.method = "DELETE",
	 .path = "/v1/drain",
	 .change = true,
	 .parameters = {"node"},
	 .answer = agent_control_undrain},
	{.method = "GET",
	 .path = "/v1/change",
	 .parameters = {"id"},
	 .answer = agent_control_change},
	{.method = "GET", .path = "/leader", .tcp = true, .answer = answer_leader},
	{.method = "GET", .path = "/health", .tcp = true, .answer = answer_health},
};
const size_t agent_n_routes = OO_LENGTH(agent_routes);
