#include "routes.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "asked.h"
#include "balancer.h"
#include "base/cleanup.h"
#include "control.h"
#include "events.h"
#include "metrics.h"
#include "part.h"
#include "past.h"
#include "records.h"
#include "status.h"
#include "vips.h"

#define NUMBER_DIGITS 15 /* most of one in a query */

static void add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name,
			       text == NULL || text[0] == '\0' ? NULL
							       : json_object_new_string(text));
}

static void answer_status(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	(void)request;
	agent_asked_answer(answer, agent_status_new(user));
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
	agent_asked_answer(answer, object);
}

static void answer_config(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	(void)request;
	const struct agent *agent = user;
	struct oo_buffer *body = &answer->body;
	int r = oo_buffer_add_format(body, "{\"file\":");
	r = r < 0 ? r : oo_buffer_add_json(body, agent->config_path, strlen(agent->config_path));
	r = r < 0 ? r : oo_buffer_add_format(body, ",\"config\":");
	r = r < 0 ? r : oo_config_write(agent->config, body);
	r = r < 0 ? r : oo_buffer_add(body, "}", 1);
	if (r < 0) {
		oo_buffer_clear(body); /* a 500 */
	}
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
	agent_asked_answer(answer, object);
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
		agent_asked_answer(answer, agent_past_new_answer(agent->past, (size_t)n));
	}
}

static void answer_events(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	const struct agent *agent = user;
	int64_t after, n;
	if (read_number(request, "after", 0, &after, answer) &&
	    read_number(request, "n", AGENT_EVENTS_MAX, &n, answer)) {
		agent_asked_answer(answer,
				   agent_events_new_answer(agent->events, after, (size_t)n));
	}
}

/* Announces anew what is up; returns of how many addresses. */
static size_t announce(const struct agent *agent, unsigned group)
{
	size_t n_parts, n = 0;
	const struct agent_part *parts = agent_vips_parts(agent->vips[group], &n_parts);
	for (size_t i = 0; i < n_parts; i++) {
		if (parts[i].n_announced > 0) {
			parts[i].way->repeat(&parts[i]);
			n += parts[i].n_announced;
		}
	}
	return n;
}

/* The group that is asked for: its number, n_groups for all. False: there is none of that name. */
static bool read_group(const struct agent *agent, struct json_object *asked, unsigned *ret_group,
		       struct oo_api_answer *answer)
{
	struct json_object *name = NULL;
	unsigned g = 0, n = agent->core_config.n_groups;
	(void)json_object_object_get_ex(asked, "group", &name);
	if (name != NULL && !json_object_is_type(name, json_type_string)) {
		oo_api_refuse(answer, 400, "group: give a group's name, or null for all");
		return false;
	}
	while (name != NULL && g < n &&
	       !oo_text_equal(agent->group_names[g], json_object_get_string(name))) {
		g++;
	}
	if (name != NULL && g == n) {
		oo_api_refuse(answer, 409, "no group '%s' in this node's configuration",
			      json_object_get_string(name));
		return false;
	}
	*ret_group = name != NULL ? g : n;
	return true;
}

static void refuse_announcing(const struct agent *agent, unsigned group,
			      struct oo_api_answer *answer)
{
	if (group == agent->core_config.n_groups) {
		oo_api_refuse(answer, 409, "%s holds no group: nothing to announce; ask the holder",
			      agent->config->node.name);
		return;
	}
	const char *holder = oo_core_view(agent->core, group).pair->claim.node;
	oo_api_refuse(answer, 409, "%s is not up on %s: %s%s", agent->group_names[group],
		      agent->config->node.name, holder[0] == '\0' ? "nobody holds it" : "ask ",
		      holder);
}

static struct json_object *announce_all(const struct agent *agent, unsigned only)
{
	struct json_object *list = json_object_new_array();
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		size_t n =
			only == g || only == agent->core_config.n_groups ? announce(agent, g) : 0;
		if (n > 0) {
			struct json_object *one = json_object_new_object();
			add_text(one, "group", agent->group_names[g]);
			json_object_object_add(one, "vips", json_object_new_uint64(n));
			json_object_array_add(list, one);
		}
	}
	return list;
}

static void answer_announce(void *user, const struct oo_api_request *request,
			    struct oo_api_answer *answer)
{
	const struct agent *agent = user;
	struct json_object *asked;
	unsigned only;
	if (agent_asked_read(request, answer, &asked) < 0) {
		return;
	}
	bool is_right = read_group(agent, asked, &only, answer);
	json_object_put(asked);
	if (!is_right) {
		return;
	}
	struct json_object *list = announce_all(agent, only);
	if (json_object_array_length(list) == 0) {
		json_object_put(list);
		refuse_announcing(agent, only, answer);
		return;
	}
	struct json_object *object = json_object_new_object();
	json_object_object_add(object, "announced", list);
	agent_asked_answer(answer, object);
}

#define BALANCER(where, function)                                                                  \
	{                                                                                          \
		.method = "GET", .path = (where), .tcp = true, .parameters = {"group"},            \
		.answer = (function)                                                               \
	}
const struct oo_api_route agent_routes[] = {
	{.method = "GET", .path = "/v1/status", .answer = answer_status},
	{.method = "GET", .path = "/v1/checks", .answer = answer_checks},
	{.method = "GET", .path = "/v1/members", .answer = answer_members},
	{.method = "GET", .path = "/v1/config", .answer = answer_config},
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
	{.method = "POST", .path = "/v1/announce", .change = true, .answer = answer_announce},
	BALANCER("/leader", agent_balancer_answer_leader),
	BALANCER("/standby", agent_balancer_answer_standby),
	BALANCER("/health", agent_balancer_answer_health),
	BALANCER("/ready", agent_balancer_answer_ready),
	{.method = "GET", .path = "/live", .tcp = true, .answer = agent_balancer_answer_live},
	{.method = "GET", .path = "/metrics", .tcp = true, .answer = agent_metrics_answer},
};
const size_t agent_n_routes = OO_LENGTH(agent_routes);
