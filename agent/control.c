#include "control.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "asked.h"
#include "base/cleanup.h"
#include "body.h"
#include "members_text.h"
#include "records.h"
#include "status.h"
#include "store.h"
#include "switchover.h"

#define ID_LENGTH 24

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

/* The only group there is, or the one named; false after a refusal. */
static bool choose_group(const struct agent *agent, const char *name, unsigned *ret_group,
			 struct oo_api_answer *answer)
{
	char all[AGENT_MEMBERS_TEXT] = "";
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		if (oo_text_equal(agent->group_names[g], name) ||
		    (name[0] == '\0' && agent->core_config.n_groups == 1)) {
			*ret_group = g;
			return true;
		}
		size_t length = strlen(all);
		(void)snprintf(all + length, sizeof(all) - length, "%s%s", g == 0 ? "" : ", ",
			       agent->group_names[g]);
	}
	if (name[0] == '\0') {
		oo_api_refuse(answer, 400, "say which group: %s", all);
	} else {
		oo_api_refuse(answer, 400, "no group '%.64s'; there is %s", name, all);
	}
	return false;
}

/* -- switchover */

static bool check_target(const struct agent *agent, unsigned group, const struct oo_order *order,
			 struct oo_api_answer *answer)
{
	const struct agent_known_member *known = agent_members_find(agent, order->target);
	const struct oo_decree *drain = agent_store_drain(agent->store, order->target);
	char others[AGENT_MEMBERS_TEXT];

	agent_members_describe(agent, group, order->from, others);
	if (oo_text_equal(order->target, order->from)) {
		oo_api_refuse(answer, 409, "%s holds %s already; %s", order->target,
			      agent->group_names[group], others);
	} else if (known == NULL) {
		char all[AGENT_MEMBERS_TEXT];
		agent_members_list(agent, all);
		oo_api_refuse(answer, 409, "no node '%.64s' is present; present are: %s",
			      order->target, all);
	} else if (drain != NULL) {
		oo_api_refuse(answer, 409, "%s is drained by %s: %s (ooha undrain %s); %s",
			      order->target, agent_body_named(drain->by), drain->reason,
			      order->target, others);
	} else if (!agent_members_is_eligible(agent, known, group)) {
		oo_api_refuse(answer, 409, "%s is not eligible for %s: %s; %s", order->target,
			      agent->group_names[group], known->member.reason, others);
	} else if (oo_clock_now() - known->seen_at > agent->config->lease.ttl_ms) {
		oo_api_refuse(answer, 409, "%s was last seen %.1f s ago; %s", order->target,
			      (double)(oo_clock_now() - known->seen_at) / 1000, others);
	} else {
		return true;
	}
	return false;
}

/* Whether it could be carried out, as far as is known here; false after a refusal. */
static bool check_order(const struct agent *agent, unsigned group, struct oo_order *order,
			struct oo_api_answer *answer)
{
	const char *name = agent->group_names[group];
	struct oo_order there;
	const struct oo_order_text *text = agent_store_order(agent->store, group, &there);
	char others[AGENT_MEMBERS_TEXT];

	oo_text_clip(order->from, sizeof(order->from), agent_status_holder(agent, group));
	if (order->from[0] == '\0') {
		oo_api_refuse(answer, 409,
			      "nobody holds %s: there is nothing to switch over; see ooha status",
			      name);
		return false;
	}
	if (text != NULL) {
		oo_api_refuse(answer, 409,
			      "%s has asked for a switchover of %s to %s at %s: wait for that one",
			      agent_body_named(text->by), name,
			      there.target[0] == '\0' ? "the best" : there.target, text->at);
		return false;
	}
	if (order->target[0] != '\0') {
		return check_target(agent, group, order, answer);
	}
	if (agent_members_count_eligible(agent, group, order->from) == 0) {
		agent_members_describe(agent, group, order->from, others);
		oo_api_refuse(answer, 409, "%s stays on %s: %s", name, order->from, others);
		return false;
	}
	return true;
}

static bool read_deadline(struct json_object *body, int64_t *ret_ms, struct oo_api_answer *answer)
{
	struct json_object *member;
	*ret_ms = AGENT_SWITCHOVER_DEFAULT_MS;
	if (json_object_object_get_ex(body, "deadline_ms", &member) && member != NULL) {
		*ret_ms = json_object_get_int64(member);
	}
	if (*ret_ms < AGENT_SWITCHOVER_MIN_MS || *ret_ms > AGENT_SWITCHOVER_MAX_MS) {
		oo_api_refuse(answer, 400, "deadline_ms must be %d to %d", AGENT_SWITCHOVER_MIN_MS,
			      AGENT_SWITCHOVER_MAX_MS);
		return false;
	}
	return true;
}

void agent_control_switch_over(void *user, const struct oo_api_request *request,
			       struct oo_api_answer *answer)
{
	static const struct agent_field fields[] = {{"group", json_type_string},
						    {"to", json_type_string},
						    {"deadline_ms", json_type_int},
						    {"dry_run", json_type_boolean},
						    {NULL, json_type_null}};
	struct agent *agent = user;
	char by[OO_BY_LENGTH], text[ID_LENGTH];
	struct oo_order order = {0};
	unsigned group;
	uint64_t id;

	OO_AUTO(put_json) struct json_object *body = agent_body_read(request, fields, answer);
	if (body == NULL || !choose_group(agent, agent_body_text(body, "group"), &group, answer) ||
	    !read_deadline(body, &order.valid_ms, answer) || !agent_body_has_etcd(agent, answer)) {
		return;
	}
	oo_text_clip(order.target, sizeof(order.target), agent_body_text(body, "to"));
	if (!check_order(agent, group, &order, answer)) {
		return;
	}
	struct json_object *object = json_object_new_object();
	json_object_object_add(object, "group", json_object_new_string(agent->group_names[group]));
	json_object_object_add(object, "from", json_object_new_string(order.from));
	if (agent_body_flag(body, "dry_run")) {
		agent_asked_answer(answer, object);
		return;
	}
	agent_asked_by(request, agent->config->node.name, by, sizeof(by));
	int r = agent_switchover_begin(agent->switchovers, group, &order, by, &id);
	if (r < 0) {
		json_object_put(object);
		agent_body_refuse(answer, r);
		return;
	}
	snprintf(text, sizeof(text), "%016" PRIx64, id);
	json_object_object_add(object, "id", json_object_new_string(text));
	agent_body_accept(answer, object);
}

void agent_control_look(void *user, const struct oo_api_request *request,
			struct oo_api_answer *answer)
{
	const struct agent *agent = user;
	agent_body_answer(
		answer, agent_switchover_new_answer(agent->switchovers, agent_body_id(request, 16)),
		"switchover");
}

void agent_control_withdraw(void *user, const struct oo_api_request *request,
			    struct oo_api_answer *answer)
{
	struct agent *agent = user;
	char by[OO_BY_LENGTH];
	agent_asked_by(request, agent->config->node.name, by, sizeof(by));
	(void)agent_switchover_withdraw(agent->switchovers, agent_body_id(request, 16), by);
	agent_control_look(user, request, answer);
}
