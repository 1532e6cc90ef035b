#include "routes.h"

#include <json-c/json.h>

#include "asked.h"
#include "balancer.h"
#include "base/cleanup.h"
#include "metrics.h"
#include "records.h"
#include "status.h"

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

#define BALANCER(where, function)                                                                  \
	{                                                                                          \
		.method = "GET", .path = (where), .tcp = true, .parameters = {"group"},            \
		.answer = (function)                                                               \
	}
const struct oo_api_route agent_routes[] = {
	{.method = "GET", .path = "/v1/status", .answer = answer_status},
	{.method = "GET", .path = "/v1/checks", .answer = answer_checks},
	BALANCER("/leader", agent_balancer_answer_leader),
	BALANCER("/standby", agent_balancer_answer_standby),
	BALANCER("/health", agent_balancer_answer_health),
	BALANCER("/ready", agent_balancer_answer_ready),
	{.method = "GET", .path = "/live", .tcp = true, .answer = agent_balancer_answer_live},
	{.method = "GET", .path = "/metrics", .tcp = true, .answer = agent_metrics_answer},
};
const size_t agent_n_routes = OO_LENGTH(agent_routes);
