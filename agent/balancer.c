#include "balancer.h"

#include <json-c/json.h>
#include <stdio.h>

#include "agent.h"
#include "asked.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "status.h"
#include "story.h"
#include "vips.h"

/* The answer for one group. No: reason says why. */
typedef bool judge_fn(const struct agent *agent, unsigned group,
		      char reason[static OO_REASON_LENGTH]);

/* The groups that are asked about. */
struct scope {
	const char *name; /* NULL: all */
	unsigned first, end;
};

static void add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, text != NULL ? json_object_new_string(text) : NULL);
}

static void refuse_group(const struct agent *agent, struct oo_api_answer *answer)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer names;
	oo_buffer_init(&names, OO_ERR_LENGTH);
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		(void)oo_buffer_add_format(&names, " %s", agent->group_names[g]);
	}
	oo_api_refuse(answer, 404, "this node has no such group: it has%s",
		      names.data != NULL ? names.data : " none");
}

/* False: refused, as there is no such group. */
static bool find_scope(const struct agent *agent, const struct oo_api_request *request,
		       struct oo_api_answer *answer, struct scope *ret_scope)
{
	const char *name = oo_api_parameter(request, "group");
	*ret_scope = (struct scope){.name = name, .end = agent->core_config.n_groups};
	for (unsigned g = 0; name != NULL && g < agent->core_config.n_groups; g++) {
		if (oo_text_equal(name, agent->group_names[g])) {
			ret_scope->first = g;
			ret_scope->end = g + 1;
			return true;
		}
	}
	if (name != NULL) {
		refuse_group(agent, answer);
	}
	return name == NULL;
}

/* fact is the name that yes and no go by. */
static void answer_for(const struct agent *agent, const struct oo_api_request *request,
		       struct oo_api_answer *answer, const char *fact, judge_fn *judge)
{
	struct scope scope;
	char reason[OO_REASON_LENGTH] = "";
	if (!find_scope(agent, request, answer, &scope)) {
		return;
	}
	unsigned g = scope.first;
	while (g < scope.end && judge(agent, g, reason)) {
		g++;
	}
	bool yes = g == scope.end;
	char text[OO_CORE_NAME_LENGTH + OO_REASON_LENGTH + 2];
	snprintf(text, sizeof(text), "%s: %s", yes ? "" : agent->group_names[g], reason);
	struct json_object *object = json_object_new_object();
	add_text(object, "node", agent->config->node.name);
	add_text(object, "group", scope.name);
	json_object_object_add(object, fact, json_object_new_boolean(yes));
	add_text(object, "reason", yes ? NULL : text);
	answer->status = yes ? 200 : 503;
	agent_asked_answer(answer, object);
}

static bool is_leader(const struct agent *agent, unsigned group,
		      char reason[static OO_REASON_LENGTH])
{
	struct oo_core_view view = oo_core_view(agent->core, group);
	const char *holder = view.known ? view.pair->claim.node : "";
	if (oo_core_want(agent->core, group)->address && agent_vips_is_up(agent->vips[group])) {
		return true;
	}
	if (oo_text_equal(holder, agent->config->node.name)) {
		snprintf(reason, OO_REASON_LENGTH, "held here, but its addresses are not up");
	} else if (holder[0] != '\0') {
		snprintf(reason, OO_REASON_LENGTH, "%s holds it", holder);
	} else {
		snprintf(reason, OO_REASON_LENGTH, "no holder is known");
	}
	return false;
}

static bool is_healthy(const struct agent *agent, unsigned group,
		       char reason[static OO_REASON_LENGTH])
{
	agent_story_explain_health(agent, group, reason);
	return oo_core_view(agent->core, group).eligible == OO_HEALTH_UP;
}

/* Whatever the group, this agent takes and keeps it through etcd. */
static bool can_work(const struct agent *agent, char reason[static OO_REASON_LENGTH])
{
	if (agent->leaving) {
		snprintf(reason, OO_REASON_LENGTH, "the agent is stopping");
	} else if (!agent_status_is_connected(agent)) {
		snprintf(reason, OO_REASON_LENGTH, "etcd does not answer");
	} else {
		return true;
	}
	return false;
}

static bool is_ready(const struct agent *agent, unsigned group,
		     char reason[static OO_REASON_LENGTH])
{
	if (!can_work(agent, reason)) {
		return false;
	}
	agent_story_explain_health(agent, group, reason);
	return oo_core_view(agent->core, group).eligible != OO_HEALTH_UNKNOWN;
}

static bool is_standby(const struct agent *agent, unsigned group,
		       char reason[static OO_REASON_LENGTH])
{
	enum oo_role role = oo_core_want(agent->core, group)->role;
	if (role != OO_ROLE_STANDBY) {
		snprintf(reason, OO_REASON_LENGTH, "the role here is %s", oo_role_name(role));
		return false;
	}
	return can_work(agent, reason) && is_healthy(agent, group, reason);
}

void agent_balancer_answer_leader(void *user, const struct oo_api_request *request,
				  struct oo_api_answer *answer)
{
	answer_for(user, request, answer, "leader", is_leader);
}

void agent_balancer_answer_standby(void *user, const struct oo_api_request *request,
				   struct oo_api_answer *answer)
{
	answer_for(user, request, answer, "standby", is_standby);
}

void agent_balancer_answer_health(void *user, const struct oo_api_request *request,
				  struct oo_api_answer *answer)
{
	answer_for(user, request, answer, "healthy", is_healthy);
}

void agent_balancer_answer_ready(void *user, const struct oo_api_request *request,
				 struct oo_api_answer *answer)
{
	answer_for(user, request, answer, "ready", is_ready);
}

void agent_balancer_answer_live(void *user, const struct oo_api_request *request,
				struct oo_api_answer *answer)
{
	const struct agent *agent = user;
	struct json_object *object = json_object_new_object();
	(void)request;
	add_text(object, "node", agent->config->node.name);
	json_object_object_add(object, "live", json_object_new_boolean(true));
	agent_asked_answer(answer, object);
}
