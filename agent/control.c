#include "control.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asked.h"
#include "base/cleanup.h"
#include "change.h"
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

/* What may be in a body, and of which type. */
struct field {
	const char *name;
	enum json_type type;
};

static const char *const type_names[] = {
	[json_type_boolean] = "true or false",
	[json_type_int] = "a whole number",
	[json_type_string] = "a text",
};

static const struct field *find_field(const struct field *fields, const char *name)
{
	while (fields->name != NULL && !oo_text_equal(fields->name, name)) {
		fields++;
	}
	return fields->name == NULL ? NULL : fields;
}

/* A mistyped field never means "none". fields ends with a NULL. NULL after a refusal. */
static struct json_object *read_body(const struct oo_api_request *request,
				     const struct field *fields, struct oo_api_answer *answer)
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
		const struct field *field = find_field(fields, name);
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

static const char *text_of(struct json_object *body, const char *name)
{
	struct json_object *member;
	return json_object_object_get_ex(body, name, &member) && member != NULL
		       ? json_object_get_string(member)
		       : "";
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

/* Nothing can be asked of etcd; false after a refusal. */
static bool has_etcd(const struct agent *agent, struct oo_api_answer *answer)
{
	const char *trouble = agent_store_trouble(agent->store);
	if (trouble[0] != '\0' || !oo_core_view(agent->core, 0).known) {
		oo_api_refuse(answer, 503, "etcd: %s",
			      trouble[0] == '\0' ? "it has not answered yet" : trouble);
		return false;
	}
	return true;
}

static const char *named(const char *text)
{
	return text[0] == '\0' ? "somebody" : text;
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
			      order->target, named(drain->by), drain->reason, order->target, others);
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
			      named(text->by), name,
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

static void refuse_errno(struct oo_api_answer *answer, int r)
{
	if (r == -EBUSY) {
		oo_api_refuse(answer, 503, "too much is under way: wait for it");
	} else {
		oo_api_refuse(answer, 500, "%s", strerror(-r));
	}
}

static void accept(struct oo_api_answer *answer, struct json_object *object)
{
	answer->status = 202;
	agent_asked_answer(answer, object);
}

void agent_control_switch_over(void *user, const struct oo_api_request *request,
			       struct oo_api_answer *answer)
{
	static const struct field fields[] = {{"group", json_type_string},
					      {"to", json_type_string},
					      {"deadline_ms", json_type_int},
					      {"dry_run", json_type_boolean},
					      {NULL, json_type_null}};
	struct agent *agent = user;
	char by[OO_BY_LENGTH], text[ID_LENGTH];
	struct oo_order order = {0};
	struct json_object *dry;
	unsigned group;
	uint64_t id;

	OO_AUTO(put_json) struct json_object *body = read_body(request, fields, answer);
	if (body == NULL || !choose_group(agent, text_of(body, "group"), &group, answer) ||
	    !read_deadline(body, &order.valid_ms, answer) || !has_etcd(agent, answer)) {
		return;
	}
	oo_text_clip(order.target, sizeof(order.target), text_of(body, "to"));
	if (!check_order(agent, group, &order, answer)) {
		return;
	}
	struct json_object *object = json_object_new_object();
	json_object_object_add(object, "group", json_object_new_string(agent->group_names[group]));
	json_object_object_add(object, "from", json_object_new_string(order.from));
	if (json_object_object_get_ex(body, "dry_run", &dry) && json_object_get_boolean(dry)) {
		agent_asked_answer(answer, object);
		return;
	}
	agent_asked_by(request, agent->config->node.name, by, sizeof(by));
	int r = agent_switchover_begin(agent->switchovers, group, &order, by, &id);
	if (r < 0) {
		json_object_put(object);
		refuse_errno(answer, r);
		return;
	}
	snprintf(text, sizeof(text), "%016" PRIx64, id);
	json_object_object_add(object, "id", json_object_new_string(text));
	accept(answer, object);
}

/* The number that the parameter id is; 0 is nobody's. */
static uint64_t read_id(const struct oo_api_request *request, int base)
{
	const char *text = oo_api_parameter(request, "id");
	if (text == NULL || text[0] == '\0' || strlen(text) > 16 ||
	    strspn(text, "0123456789abcdef") != strlen(text)) {
		return 0;
	}
	return strtoull(text, NULL, base);
}

static void answer_found(struct oo_api_answer *answer, struct json_object *object, const char *what)
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

void agent_control_look(void *user, const struct oo_api_request *request,
			struct oo_api_answer *answer)
{
	const struct agent *agent = user;
	answer_found(answer, agent_switchover_new_answer(agent->switchovers, read_id(request, 16)),
		     "switchover");
}

void agent_control_withdraw(void *user, const struct oo_api_request *request,
			    struct oo_api_answer *answer)
{
	struct agent *agent = user;
	char by[OO_BY_LENGTH];
	agent_asked_by(request, agent->config->node.name, by, sizeof(by));
	(void)agent_switchover_withdraw(agent->switchovers, read_id(request, 16), by);
	agent_control_look(user, request, answer);
}

/* -- pause and drain */

/* Writes key, or deletes it, and says by which id to ask what has become of it. */
static void change(struct agent *agent, const char *key, const struct oo_decree *decree,
		   struct json_object *object, struct oo_api_answer *answer)
{
	char text[ID_LENGTH];
	uint64_t id;
	int r = agent_change_begin(agent->changes, key, decree, &id);
	if (r < 0) {
		json_object_put(object);
		refuse_errno(answer, r);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64, id);
	json_object_object_add(object, "id", json_object_new_string(text));
	accept(answer, object);
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
	static const struct field fields[] = {{"reason", json_type_string}, {NULL, json_type_null}};
	struct agent *agent = user;
	const struct oo_decree *pause = agent_store_pause(agent->store);
	struct oo_decree decree;
	char key[AGENT_KEY_LENGTH];

	OO_AUTO(put_json) struct json_object *body = read_body(request, fields, answer);
	if (body == NULL || !has_etcd(agent, answer)) {
		return;
	}
	if (pause != NULL) {
		oo_api_refuse(answer, 409, "paused already, by %s at %s: %s", named(pause->by),
			      pause->at, pause->reason);
	} else if (make_decree(agent, request, text_of(body, "reason"), &decree, answer)) {
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

	if (!has_etcd(agent, answer)) {
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
		oo_api_refuse(answer, 409, "%s is drained already, by %s at %s: %s", node,
			      named(drain->by), drain->at, drain->reason);
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
	static const struct field fields[] = {{"node", json_type_string},
					      {"reason", json_type_string},
					      {"force", json_type_boolean},
					      {NULL, json_type_null}};
	struct agent *agent = user;
	struct oo_decree decree;
	struct json_object *force;
	char key[AGENT_KEY_LENGTH];

	OO_AUTO(put_json) struct json_object *body = read_body(request, fields, answer);
	if (body == NULL || !has_etcd(agent, answer)) {
		return;
	}
	const char *node = text_of(body, "node");
	node = node[0] == '\0' ? agent->config->node.name : node;
	bool forced = json_object_object_get_ex(body, "force", &force) &&
		      json_object_get_boolean(force);
	if (!is_node(node)) {
		oo_api_refuse(answer, 400, "'%.64s' is no name that a node can have", node);
	} else if (check_drain(agent, node, forced, answer) &&
		   make_decree(agent, request, text_of(body, "reason"), &decree, answer)) {
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
	if (!has_etcd(agent, answer)) {
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
	answer_found(answer, agent_change_new_answer(agent->changes, read_id(request, 10)),
		     "change");
}
