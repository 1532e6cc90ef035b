/* Pauses and drains. */
#include "control.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "asked.h"
#include "base/cleanup.h"
#include "body.h"
#include "change.h"
#include "members_text.h"
#include "records.h"
#include "status.h"
#include "store.h"

#define ID_LENGTH 24

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

/* Writes key, or deletes it, and says by which id to ask what has become of it. */
static void change(struct agent *agent, const char *key, const struct oo_decree *decree,
		   struct json_object *object, struct oo_api_answer *answer)
{
	char text[ID_LENGTH];
	uint64_t id;
	int r = agent_change_begin(agent->changes, key, decree, &id);
	if (r < 0) {
		json_object_put(object);
		agent_body_refuse(answer, r);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64, id);
	json_object_object_add(object, "id", json_object_new_string(text));
	agent_body_accept(answer, object);
}

/* A decree of whoever asks; false after a refusal. */
static bool make_decree(const struct agent *agent, const struct oo_api_request *request,
			const char *reason, struct oo_decree *ret_decree,
			struct oo_api_answer *answer)
{
	if (strlen(reason) >= sizeof(ret_decree->reason)) {
		oo_api_refuse(answer, 400, "reason must be shorter than %zu bytes",
			      sizeof(ret_decree->reason));
		return false;
	}
	agent_asked_by(request, agent->config->node.name, ret_decree->by, sizeof(ret_decree->by));
	oo_record_time(oo_clock_wall(), ret_decree->at);
	oo_text_clip(ret_decree->reason, sizeof(ret_decree->reason), reason);
	return true;
}

void agent_control_pause(void *user, const struct oo_api_request *request,
			 struct oo_api_answer *answer)
{
	static const struct agent_field fields[] = {{"reason", json_type_string},
						    {NULL, json_type_null}};
	struct agent *agent = user;
	const struct oo_decree *pause = agent_store_pause(agent->store);
	struct oo_decree decree;
	char key[AGENT_KEY_LENGTH];

	OO_AUTO(put_json) struct json_object *body = agent_body_read(request, fields, answer);
	if (body == NULL || !agent_body_has_etcd(agent, answer)) {
		return;
	}
	if (pause != NULL) {
		oo_api_refuse(answer, 409, "paused already, by %s at %s%s%s",
			      agent_body_named(pause->by), pause->at,
			      pause->reason[0] == '\0' ? "" : ": ", pause->reason);
	} else if (make_decree(agent, request, agent_body_text(body, "reason"), &decree, answer)) {
		agent_store_key(agent->store, key, "pause");
		change(agent, key, &decree, json_object_new_object(), answer);
	}
}

void agent_control_resume(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	struct agent *agent = user;
	char key[AGENT_KEY_LENGTH];
	(void)request;

	if (!agent_body_has_etcd(agent, answer)) {
		return;
	}
	if (agent_store_pause(agent->store) == NULL) {
		oo_api_refuse(answer, 409, "nothing is paused");
		return;
	}
	agent_store_key(agent->store, key, "pause");
	change(agent, key, NULL, json_object_new_object(), answer);
}

/* The form that a node's name has; else it would be another key. */
static bool is_node(const char *text)
{
	static const char inner[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-";
	return text[0] != '\0' && strlen(text) < OO_CORE_NAME_LENGTH &&
	       strspn(text, inner) == strlen(text);
}

/* Draining must not leave a group on a node that nobody can relieve; false after a refusal. */
static bool check_relief(const struct agent *agent, const char *node, struct oo_api_answer *answer)
{
	char others[AGENT_MEMBERS_TEXT];
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		if (oo_text_equal(agent_status_holder(agent, g), node) &&
		    agent_members_count_eligible(agent, g, node) == 0) {
			agent_members_describe(agent, g, node, others);
			oo_api_refuse(answer, 409,
				      "%s holds %s, and could give it to nobody: %s; with --force "
				      "it is drained all the same, and keeps %s, degraded, until "
				      "another node is eligible",
				      node, agent->group_names[g], others, agent->group_names[g]);
			return false;
		}
	}
	return true;
}

static bool check_drain(const struct agent *agent, const char *node, bool force,
			struct oo_api_answer *answer)
{
	const struct oo_decree *drain = agent_store_drain(agent->store, node);
	char all[AGENT_MEMBERS_TEXT];

	if (drain != NULL) {
		oo_api_refuse(answer, 409, "%s is drained already, by %s at %s%s%s", node,
			      agent_body_named(drain->by), drain->at,
			      drain->reason[0] == '\0' ? "" : ": ", drain->reason);
		return false;
	}
	if (!force && agent_members_find(agent, node) == NULL) {
		agent_members_list(agent, all);
		oo_api_refuse(answer, 409,
			      "no node '%s' is present; present are: %s; --force drains one that "
			      "is down",
			      node, all);
		return false;
	}
	return force || check_relief(agent, node, answer);
}

/* What follows from it that is not plain. */
static struct json_object *new_notes(const struct agent *agent, const char *node)
{
	struct json_object *notes = json_object_new_array();
	char text[AGENT_MEMBERS_TEXT + 200], others[AGENT_MEMBERS_TEXT];

	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		const char *name = agent->group_names[g], *holder = agent_status_holder(agent, g);
		size_t n = agent_members_count_eligible(agent, g, node);
		text[0] = '\0';
		if (oo_text_equal(holder, node) && agent_store_pause(agent->store) != NULL) {
			snprintf(text, sizeof(text),
				 "paused: %s stays on %s until ooha resume; ooha switchover moves "
				 "it now",
				 name, node);
		} else if (oo_text_equal(holder, node) && n == 0) {
			agent_members_describe(agent, g, node, others);
			snprintf(text, sizeof(text),
				 "%s stays on %s, degraded, until another node is eligible: %s",
				 name, node, others);
		} else if (n < 2) {
			snprintf(text, sizeof(text), "%s has no other standby left", name);
		}
		if (text[0] != '\0') {
			json_object_array_add(notes, json_object_new_string(text));
		}
	}
	return notes;
}

void agent_control_drain(void *user, const struct oo_api_request *request,
			 struct oo_api_answer *answer)
{
	static const struct agent_field fields[] = {{"node", json_type_string},
						    {"reason", json_type_string},
						    {"force", json_type_boolean},
						    {NULL, json_type_null}};
	struct agent *agent = user;
	struct oo_decree decree;
	char key[AGENT_KEY_LENGTH];

	OO_AUTO(put_json) struct json_object *body = agent_body_read(request, fields, answer);
	if (body == NULL || !agent_body_has_etcd(agent, answer)) {
		return;
	}
	const char *node = agent_body_text(body, "node");
	node = node[0] == '\0' ? agent->config->node.name : node;
	const bool forced = agent_body_flag(body, "force");
	if (!is_node(node)) {
		oo_api_refuse(answer, 400, "'%.64s' is no name that a node can have", node);
	} else if (check_drain(agent, node, forced, answer) &&
		   make_decree(agent, request, agent_body_text(body, "reason"), &decree, answer)) {
		struct json_object *object = json_object_new_object();
		json_object_object_add(object, "node", json_object_new_string(node));
		json_object_object_add(object, "notes", new_notes(agent, node));
		agent_store_key(agent->store, key, "drain/%s", node);
		change(agent, key, &decree, object, answer);
	}
}

void agent_control_undrain(void *user, const struct oo_api_request *request,
			   struct oo_api_answer *answer)
{
	struct agent *agent = user;
	const char *node = oo_api_parameter(request, "node");
	char key[AGENT_KEY_LENGTH];

	node = node == NULL ? agent->config->node.name : node;
	if (!agent_body_has_etcd(agent, answer)) {
		return;
	}
	if (!is_node(node) || agent_store_drain(agent->store, node) == NULL) {
		oo_api_refuse(answer, 409, "%.64s is not drained", node);
		return;
	}
	struct json_object *object = json_object_new_object();
	json_object_object_add(object, "node", json_object_new_string(node));
	agent_store_key(agent->store, key, "drain/%s", node);
	change(agent, key, NULL, object, answer);
}

void agent_control_change(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	const struct agent *agent = user;
	agent_body_answer(answer,
			  agent_change_new_answer(agent->changes, agent_body_id(request, 10)),
			  "change");
}
