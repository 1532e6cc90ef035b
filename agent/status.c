#include "status.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "checks.h"
#include "damping.h"
#include "diagnosis.h"
#include "guard.h"
#include "neighbours.h"
#include "reload.h"
#include "repair.h"
#include "status_fields.h"
#include "store.h"
#include "story.h"
#include "vips.h"

#define SCHEMA_VERSION 1
/* Somebody should look while another host may still be at it. */
#define CONFLICT_COUNTS_FOR_MS 60000

enum state {
	STATE_FINE,
	STATE_DEGRADED,
	STATE_CRITICAL,
};

/* The verdict on the whole: what is wrong, and how bad it is. */
struct verdict {
	enum state state;
	struct json_object *problems; /* owned by the document */
	struct json_object *lesser;   /* owned: what goes behind those that are critical */
};

static void complain(struct verdict *verdict, enum state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void complain(struct verdict *verdict, enum state state, const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	json_object_array_add(state == STATE_CRITICAL ? verdict->problems : verdict->lesser,
			      json_object_new_string(text));
	if (state > verdict->state) {
		verdict->state = state;
	}
}

/* The headline of people's screens is the first: it must be why the state is what it is. */
static void end_problems(struct verdict *verdict)
{
	for (size_t i = 0; i < json_object_array_length(verdict->lesser); i++) {
		struct json_object *text = json_object_array_get_idx(verdict->lesser, i);
		json_object_array_add(verdict->problems, json_object_get(text));
	}
	json_object_put(verdict->lesser);
}

static struct json_object *new_agent(const struct agent *agent)
{
	struct json_object *object = json_object_new_object();
	add_text(object, "version", OO_VERSION);
	add_text(object, "node", agent->config->node.name);
	json_object_object_add(object, "zone", json_object_new_string(agent->config->node.zone));
	add_number(object, "priority", agent->config->node.priority);
	add_text(object, "cluster", agent->config->cluster);
	add_number(object, "pid", getpid());
	add_age(object, "uptime_ms", agent->started_at);
	add_bool(object, "fence", agent_guard_has_fence(agent->guard));
	add_number(object, "fence_repairs", (int64_t)agent_guard_repairs(agent->guard));
	return object;
}

bool agent_status_is_connected(const struct agent *agent)
{
	int64_t answered_at = oo_etcd_answered_at(agent_store_etcd(agent->store));
	return agent_store_trouble(agent->store)[0] == '\0' && answered_at != 0 &&
	       oo_clock_now() - answered_at < agent->config->lease.ttl_ms;
}

static struct json_object *new_etcd(const struct agent *agent, struct verdict *verdict)
{
	const struct oo_etcd *etcd = agent_store_etcd(agent->store);
	const char *trouble = agent_store_trouble(agent->store);
	bool connected = agent_status_is_connected(agent);
	struct json_object *object = json_object_new_object();

	add_bool(object, "connected", connected);
	add_text(object, "endpoint", oo_etcd_endpoint(etcd));
	add_age(object, "answered_ms", oo_etcd_answered_at(etcd));
	add_text(object, "error", trouble);
	if (!connected) {
		complain(verdict, STATE_CRITICAL, "etcd: %s",
			 trouble[0] == '\0' ? "no answer" : trouble);
	}
	return object;
}

static struct json_object *new_decree(const struct oo_decree *decree)
{
	if (decree == NULL) {
		return NULL;
	}
	struct json_object *object = json_object_new_object();
	add_text(object, "by", decree->by);
	add_text(object, "at", decree->at);
	add_text(object, "reason", decree->reason);
	return object;
}

static struct json_object *new_pause(const struct agent *agent, struct verdict *verdict)
{
	const struct oo_decree *pause = agent_store_pause(agent->store);
	if (pause == NULL) {
		return NULL;
	}
	complain(verdict, STATE_DEGRADED,
		 "paused by %s: nothing moves for health, nobody takes over%s%s", pause->by,
		 pause->reason[0] == '\0' ? "" : ": ", pause->reason);
	return new_decree(pause);
}

/* A switchover that has been asked for and not been carried out yet; null: none. */
static struct json_object *new_order(const struct agent *agent, unsigned group)
{
	struct oo_order order;
	const struct oo_order_text *text = agent_store_order(agent->store, group, &order);
	if (text == NULL) {
		return NULL;
	}
	struct json_object *object = json_object_new_object();
	add_text(object, "from", order.from);
	add_text(object, "to", order.target);
	add_text(object, "by", text->by);
	add_text(object, "at", text->at);
	return object;
}

const char *agent_status_holder(const struct agent *agent, unsigned group)
{
	struct oo_core_view view = oo_core_view(agent->core, group);
	const struct oo_claim *claim = &view.pair->claim;
	if (!view.known || claim->revision == 0) {
		return "";
	}
	bool silent = oo_core_want(agent->core, group)->role != OO_ROLE_ACTIVE &&
		      claim->ttl_ms != 0 && oo_clock_now() - view.first_seen_at > claim->ttl_ms;
	return silent ? "" : claim->node;
}

static void judge_vips(const struct agent *agent, unsigned group, struct verdict *verdict)
{
	const struct agent_vips *vips = agent->vips[group];
	for (size_t i = 0; i < agent_vips_count(vips); i++) {
		struct agent_vip_state state = agent_vips_state(vips, i);
		if (state.rival.error[0] != '\0') {
			complain(verdict, STATE_CRITICAL, "%s: %s", agent->group_names[group],
				 state.rival.error);
		} else if (state.up && state.way.error[0] != '\0') {
			complain(verdict, STATE_DEGRADED, "%s: %s: %s", agent->group_names[group],
				 state.address, state.way.error);
		} else if (state.up && state.rival.at != 0 &&
			   oo_clock_now() - state.rival.at < CONFLICT_COUNTS_FOR_MS) {
			complain(verdict, STATE_DEGRADED, "%s: another host, %s, claims %s on %s",
				 agent->group_names[group], state.rival.mac, state.address,
				 state.interface);
		}
	}
}

static void judge_group(const struct agent *agent, unsigned group, struct verdict *verdict)
{
	const char *name = agent->group_names[group];
	struct oo_core_view view = oo_core_view(agent->core, group);
	const struct oo_want *want = oo_core_want(agent->core, group);
	char reason[OO_REASON_LENGTH];

	agent_story_explain_health(agent, group, reason);
	if (agent_status_holder(agent, group)[0] == '\0') {
		complain(verdict, STATE_CRITICAL, "%s: no node holds the VIPs", name);
	}
	if (view.shared_check >= 0) {
		complain(verdict, STATE_DEGRADED,
			 "%s: degraded: shared %s: every node that could serve fails it, too (%s)",
			 name, agent->config->checks[view.shared_check].spec.name, reason);
	} else if (view.degraded) {
		complain(verdict, STATE_DEGRADED,
			 "%s: this node holds although it must not serve (%s): no node is better",
			 name, reason);
	} else if (oo_core_is_drained(agent->core)) {
		complain(verdict, STATE_DEGRADED, "%s: this node takes nothing: %s", name, reason);
	} else if (view.eligible == OO_HEALTH_DOWN) {
		complain(verdict, STATE_CRITICAL, "%s: this node must not serve: %s", name, reason);
	} else if (view.eligible == OO_HEALTH_UNKNOWN) {
		complain(verdict, STATE_DEGRADED, "%s: this node may not take over: %s", name,
			 reason);
	}
	agent_neighbours_explain(agent->neighbours, group, reason, sizeof(reason));
	if (reason[0] != '\0') {
		complain(verdict, STATE_DEGRADED, "%s: %s", name, reason);
	}
	if (agent_damping_explain(agent, group, reason)[0] != '\0') {
		complain(verdict, STATE_DEGRADED, "%s: %s", name, reason);
	}
	if (want->role == OO_ROLE_ACTIVE && !agent_vips_is_up(agent->vips[group])) {
		complain(verdict, STATE_CRITICAL,
			 "%s: the lease is this node's, but its VIPs are down: %s", name,
			 want->address ? "see the VIPs' errors"
				       : "no renewal has succeeded in time");
	}
	if (view.pair->claim.ttl_ms != 0 &&
	    view.pair->claim.ttl_ms != agent->config->lease.ttl_ms) {
		complain(verdict, STATE_DEGRADED,
			 "%s: the holder's ttl is %lld ms, this node's configuration says %lld ms",
			 name, (long long)view.pair->claim.ttl_ms,
			 (long long)agent->config->lease.ttl_ms);
	}
}

static struct json_object *new_group(const struct agent *agent, unsigned group)
{
	struct oo_core_view view = oo_core_view(agent->core, group);
	const struct oo_want *want = oo_core_want(agent->core, group);
	const char *holder = view.known ? view.pair->claim.node : "";
	static const char *const kinds[] = {"taken", "offered", "released"};
	struct oo_claim_text text;
	char reason[OO_REASON_LENGTH];
	struct json_object *object = json_object_new_object();

	oo_record_read_claim_text(&view.pair->claim, &text);
	agent_story_explain_health(agent, group, reason);
	add_text(object, "name", agent->group_names[group]);
	add_text(object, "role", oo_role_name(want->role));
	add_text(object, "cause", agent_story_reason(agent->story, group));
	add_age(object, "since_ms", view.role_since);
	add_text(object, "holder", holder);
	add_text(object, "holder_zone", text.zone);
	add_text(object, "zones", agent->config->groups[group].zones);
	add_bool(object, "holder_is_self", oo_text_equal(holder, agent->config->node.name));
	add_text(object, "kind",
		 view.pair->claim.revision == 0 ? "" : kinds[view.pair->claim.kind]);
	add_number(object, "epoch", (int64_t)view.epoch);
	add_number(object, "ttl_ms", view.pair->claim.ttl_ms);
	add_text(object, "acquired_at", text.acquired_at);
	json_object_object_add(object, "hold_left_ms",
			       want->role == OO_ROLE_ACTIVE && want->address
				       ? json_object_new_int64(want->hold_until - oo_clock_now())
				       : NULL);
	add_age(object, "silent_ms", view.known ? view.first_seen_at : 0);
	add_bool(object, "degraded", view.degraded);
	add_bool(object, "eligible", view.eligible == OO_HEALTH_UP);
	add_text(object, "reason", reason);
	add_number(object, "ailing", view.ailing);
	add_text(object, "shared",
		 view.shared_check < 0 ? "" : agent->config->checks[view.shared_check].spec.name);
	add_text(object, "damped", agent_damping_explain(agent, group, reason));
	json_object_object_add(object, "switchover", new_order(agent, group));
	json_object_object_add(object, "vips", agent_status_new_vips(agent, group));
	return object;
}

static struct json_object *new_groups(const struct agent *agent, struct verdict *verdict)
{
	struct json_object *array = json_object_new_array();
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		judge_vips(agent, g, verdict);
		judge_group(agent, g, verdict);
		json_object_array_add(array, new_group(agent, g));
	}
	return array;
}

static struct json_object *new_holds(const struct agent *agent, const char *node)
{
	struct json_object *array = json_object_new_array();
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		if (oo_text_equal(agent_status_holder(agent, g), node)) {
			json_object_array_add(array, json_object_new_string(agent->group_names[g]));
		}
	}
	return array;
}

static struct json_object *new_member(const struct agent *agent,
				      const struct agent_known_member *known)
{
	const struct oo_member *member = &known->member;
	struct json_object *object = json_object_new_object();
	struct json_object *groups = json_object_new_object();

	add_text(object, "node", member->node);
	json_object_object_add(object, "zone", json_object_new_string(member->zone));
	add_number(object, "priority", member->priority);
	add_bool(object, "eligible", member->eligible);
	add_text(object, "reason", member->reason);
	add_bool(object, "self", oo_text_equal(member->node, agent->config->node.name));
	json_object_object_add(object, "holds", new_holds(agent, member->node));
	add_age(object, "seen_ms", known->seen_at);
	json_object_object_add(object, "drained",
			       new_decree(agent_store_drain(agent->store, member->node)));
	add_text(object, "agent_version", member->agent_version);
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		struct json_object *one = json_object_new_object();
		bool eligible = (member->groups & 1u << g) != 0;
		add_bool(one, "eligible", eligible);
		add_text(one, "reason", eligible ? "" : member->reason);
		add_number(one, "ailing", member->ailing[g]);
		add_number(one, "priority", member->group_priority[g]);
		json_object_object_add(groups, agent->group_names[g], one);
	}
	json_object_object_add(object, "groups", groups);
	return object;
}

static struct json_object *new_members(const struct agent *agent, struct verdict *verdict)
{
	struct json_object *array = json_object_new_array();
	size_t n, n_others = 0;
	const struct agent_known_member *members = agent_store_members(agent->store, &n);

	for (size_t i = 0; i < n; i++) {
		const struct oo_member *member = &members[i].member;
		bool self = oo_text_equal(member->node, agent->config->node.name);
		n_others += !self && member->eligible;
		if (!self && !member->eligible) {
			complain(verdict, STATE_DEGRADED, "%s is not eligible: %s", member->node,
				 member->reason);
		}
		json_object_array_add(array, new_member(agent, &members[i]));
	}
	if (n_others == 0) {
		complain(verdict, STATE_DEGRADED, "no other node could take over");
	}
	return array;
}

struct json_object *agent_status_new_members(const struct agent *agent)
{
	struct verdict verdict = {.problems = json_object_new_array(),
				  .lesser = json_object_new_array()};
	struct json_object *array = new_members(agent, &verdict);
	json_object_put(verdict.problems);
	json_object_put(verdict.lesser);
	return array;
}

static const char *health_name(enum oo_health health)
{
	static const char *const names[] = {"unknown", "up", "down"};
	return names[health];
}

static struct json_object *new_check(const struct agent *agent, unsigned index)
{
	const struct oo_config_check *config = &agent->config->checks[index];
	const struct oo_check_result *result = agent_checks_result(agent->checks, index);
	unsigned streak;
	enum oo_health health = oo_core_check_health(agent->core, index, &streak);
	struct json_object *object = json_object_new_object();
	struct json_object *phases = json_object_new_object();

	add_text(object, "name", config->spec.name);
	add_text(object, "type", oo_check_type_name(config->spec.type));
	add_text(object, "state", health_name(health));
	add_text(object, "reason", oo_check_reason_name(result->reason));
	add_text(object, "seen", result->seen);
	add_number(object, "streak", streak);
	add_age(object, "age_ms", result->at);
	add_number(object, "took_ms", result->times.total_us / 1000);
	add_bool(object, "required", !config->optional);
	add_bool(object, "shared", config->shared);
	add_number(object, "rise", config->rise);
	add_number(object, "fall", config->fall);
	add_number(object, "interval_ms", config->spec.interval_ms);
	add_number(object, "timeout_ms", config->spec.timeout_ms);
	add_number(phases, "name", result->times.name_us);
	add_number(phases, "connect", result->times.connect_us);
	add_number(phases, "tls", result->times.tls_us);
	add_number(phases, "first_byte", result->times.first_byte_us);
	add_number(phases, "total", result->times.total_us);
	json_object_object_add(object, "phases_us", phases);
	return object;
}

struct json_object *agent_status_new_checks(const struct agent *agent)
{
	struct json_object *array = json_object_new_array();
	for (unsigned i = 0; i < agent->core_config.n_checks; i++) {
		json_object_array_add(array, new_check(agent, i));
	}
	return array;
}

static struct json_object *new_diagnosis(const struct agent *agent)
{
	const struct agent_verdict *verdict = agent_diagnosis_verdict(agent->diagnosis);
	if (verdict == NULL) {
		return NULL;
	}
	struct json_object *object = json_object_new_object();
	add_moment(object, "at", verdict->at);
	add_text(object, "cause", verdict->fault);
	add_text(object, "layer", verdict->layer);
	add_text(object, "confidence", verdict->confidence);
	add_text(object, "summary", verdict->summary);
	add_text(object, "remedy", verdict->remedy);
	return object;
}

struct json_object *agent_status_new(const struct agent *agent)
{
	static const char *const states[] = {"fine", "degraded", "critical"};
	struct verdict verdict = {.state = STATE_FINE};
	struct json_object *object = json_object_new_object();

	verdict.problems = json_object_new_array();
	verdict.lesser = json_object_new_array();
	add_number(object, "version", SCHEMA_VERSION);
	add_moment(object, "now", oo_clock_now());
	json_object_object_add(object, "agent", new_agent(agent));
	json_object_object_add(object, "state", NULL); /* its place; known only at the end */
	json_object_object_add(object, "problems", verdict.problems);
	json_object_object_add(object, "etcd", new_etcd(agent, &verdict));
	json_object_object_add(object, "paused", new_pause(agent, &verdict));
	json_object_object_add(object, "groups", new_groups(agent, &verdict));
	json_object_object_add(object, "members", new_members(agent, &verdict));
	json_object_object_add(object, "checks", agent_status_new_checks(agent));
	json_object_object_add(object, "diagnosis", new_diagnosis(agent));
	json_object_object_add(object, "repair", agent_repair_new_status(agent->repair));
	if (agent_reload_problem(agent->reload)[0] != '\0') {
		complain(&verdict, STATE_DEGRADED, "not reloaded: %s",
			 agent_reload_problem(agent->reload));
	}
	end_problems(&verdict);
	json_object_object_add(object, "state", json_object_new_string(states[verdict.state]));
	return object;
}
