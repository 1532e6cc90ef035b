#include "presence.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "diagnosis.h"
#include "ending.h"
#include "etcd/etcd.h"
#include "neighbours.h"
#include "profile.h"
#include "records.h"
#include "store.h"
#include "story.h"

/* The lease outlives a ttl a little, so that a node that only hiccups is not taken for gone. */
#define PRESENCE_MORE_S 2
#define RETRY_MS 500
#define DEADLINE_MS 1000

/* What the record says, as far as it changes. */
struct said {
	enum oo_health eligible[OO_CORE_GROUPS_MAX];
	int failed_check[OO_CORE_GROUPS_MAX];
	enum oo_health checks[OO_CORE_CHECKS_MAX];
	uint64_t sees;      /* the revision of what neighbours.h sees */
	uint64_t reloads;   /* of the configuration, which the rest is from */
	int64_t lease;      /* that it is attached to */
	int64_t verdict_at; /* 0: none */
	uint64_t profile;   /* the revision of what profile.h says */
};

struct agent_presence {
	struct agent *agent;
	int64_t lease; /* 0: none granted */
	int64_t wanted_lease;
	struct oo_etcd_request *request; /* under way */
	struct oo_timer timer;           /* keeps alive, or tries again */
	struct said said, saying;
	uint64_t reloads;
	bool written;
	int64_t revision; /* of the store when it was */
	unsigned missed;  /* reads in a row that did not show our key as it was written */
	int64_t retry_at; /* not before: the last request failed */
	bool other_ttl;   /* than the lease has: another is to be granted */
	bool leaving, gone;
};

static int64_t lease_ttl_s(const struct agent_presence *presence)
{
	return (presence->agent->config->lease.ttl_ms + 999) / 1000 + PRESENCE_MORE_S;
}

static void observe(const struct agent_presence *presence, struct said *ret_said)
{
	const struct agent *agent = presence->agent;
	unsigned streak;

	memset(ret_said, 0, sizeof(*ret_said));
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		struct oo_core_view view = oo_core_view(agent->core, g);
		ret_said->eligible[g] = view.eligible;
		ret_said->failed_check[g] = oo_core_is_drained(agent->core) ? -3
					    : view.link_up                  ? view.failed_check
									    : -2;
		if (agent_ending_is_stopping(agent->ending)) { /* or it is handed back to us */
			ret_said->eligible[g] = OO_HEALTH_DOWN;
		}
	}
	for (unsigned i = 0; i < agent->core_config.n_checks; i++) {
		ret_said->checks[i] = oo_core_check_health(agent->core, i, &streak);
	}
	const struct agent_verdict *verdict = agent_diagnosis_verdict(agent->diagnosis);
	ret_said->verdict_at = verdict == NULL ? 0 : verdict->at;
	ret_said->sees = agent_neighbours_revision(agent->neighbours);
	ret_said->profile = agent_profile_revision(agent->profile);
	ret_said->reloads = presence->reloads;
	ret_said->lease = presence->lease;
}

static const char *health_name(enum oo_health health)
{
	switch (health) {
	case OO_HEALTH_UNKNOWN:
		return "unknown";
	case OO_HEALTH_UP:
		return "up";
	case OO_HEALTH_DOWN:
		return "down";
	}
	return "?";
}

static void explain(const struct agent *agent, unsigned group, char text[static OO_REASON_LENGTH])
{
	if (agent_ending_is_stopping(agent->ending)) {
		snprintf(text, OO_REASON_LENGTH, "stopping");
	} else {
		agent_story_explain_health(agent, group, text);
	}
}

static struct json_object *new_eligibility(const struct agent *agent, unsigned group,
					   const struct said *said)
{
	char reason[OO_REASON_LENGTH];
	struct json_object *object = json_object_new_object();
	explain(agent, group, reason);
	json_object_object_add(object, "eligible",
			       json_object_new_boolean(said->eligible[group] == OO_HEALTH_UP));
	json_object_object_add(object, "reason",
			       reason[0] == '\0' ? NULL : json_object_new_string(reason));
	json_object_object_add(object, "stranded",
			       json_object_new_boolean(oo_core_view(agent->core, group).stranded));
	json_object_object_add(object, "ailing",
			       json_object_new_int((int)oo_core_view(agent->core, group).ailing));
	json_object_object_add(object, "priority",
			       json_object_new_int(agent->config->groups[group].priority));
	return object;
}

static void add_groups(struct json_object *object, const struct agent *agent,
		       const struct said *said)
{
	struct json_object *groups = json_object_new_object();
	bool eligible = true;
	char reason[OO_REASON_LENGTH] = "";

	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		if (said->eligible[g] != OO_HEALTH_UP && eligible) {
			eligible = false;
			explain(agent, g, reason);
		}
		json_object_object_add(groups, agent->group_names[g],
				       new_eligibility(agent, g, said));
	}
	json_object_object_add(object, "eligible", json_object_new_boolean(eligible));
	json_object_object_add(object, "reason", eligible ? NULL : json_object_new_string(reason));
	json_object_object_add(object, "groups", groups);
}

static void add_checks(struct json_object *object, const struct agent *agent,
		       const struct said *said)
{
	struct json_object *checks = json_object_new_object();
	for (unsigned i = 0; i < agent->core_config.n_checks; i++) {
		json_object_object_add(checks, agent->config->checks[i].spec.name,
				       json_object_new_string(health_name(said->checks[i])));
	}
	json_object_object_add(object, "checks", checks);
}

/* By name: another node's list of checks may be in another order. */
static void add_shared_down(struct json_object *object, const struct agent *agent,
			    const struct said *said)
{
	struct json_object *names = json_object_new_array();
	for (unsigned i = 0; i < agent->core_config.n_checks; i++) {
		const struct oo_config_check *check = &agent->config->checks[i];
		if (check->shared && said->checks[i] == OO_HEALTH_DOWN &&
		    json_object_array_length(names) < OO_MEMBER_FAILS_MAX) {
			json_object_array_add(names, json_object_new_string(check->spec.name));
		}
	}
	json_object_object_add(object, "shared_down", names);
}

static struct json_object *new_record(const struct agent *agent, const struct said *said)
{
	const struct oo_config_api *api = &agent->config->api;
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "version", json_object_new_int(OO_RECORD_VERSION));
	json_object_object_add(object, "node", json_object_new_string(agent->config->node.name));
	json_object_object_add(object, "zone", json_object_new_string(agent->config->node.zone));
	json_object_object_add(object, "priority",
			       json_object_new_int(agent->config->node.priority));
	add_groups(object, agent, said);
	add_checks(object, agent, said);
	add_shared_down(object, agent, said);
	json_object_object_add(object, "sees", agent_neighbours_new_sees(agent->neighbours));
	json_object_object_add(object, "agent_version", json_object_new_string(OO_VERSION));
	json_object_object_add(object, "config", agent_profile_get(agent->profile));
	if (api->listen.host != NULL) {
		char address[80];
		bool v6 = strchr(api->listen.host, ':') != NULL;
		snprintf(address, sizeof(address), v6 ? "[%s]:%u" : "%s:%u", api->listen.host,
			 (unsigned)api->listen.port);
		json_object_object_add(object, "api", json_object_new_string(address));
	}
	return object;
}

static void retry_later(struct agent_presence *presence)
{
	presence->retry_at = oo_clock_now() + RETRY_MS;
	oo_timer_set(&presence->timer, presence->retry_at);
}

static struct oo_etcd_call call(struct agent_presence *presence, oo_etcd_fn *done)
{
	return (struct oo_etcd_call){
		.deadline = oo_clock_now() + DEADLINE_MS, .done = done, .user = presence};
}

static void lose_lease(struct agent_presence *presence)
{
	presence->lease = 0;
	presence->wanted_lease = 0;
	presence->written = false;
}

static void on_put(void *user, int r, const struct oo_etcd_answer *answer, const struct oo_err *err)
{
	struct agent_presence *presence = user;
	presence->request = NULL;
	if (r == -ENOENT) {
		lose_lease(presence);
	} else {
		agent_store_note(presence->agent->store, AGENT_AFFAIR_PRESENCE, r, err);
	}
	presence->written = r == 0;
	presence->said = presence->saying;
	if (r == 0) {
		presence->revision = answer->revision;
		agent_presence_apply(presence);
	} else {
		retry_later(presence);
	}
}

static void put(struct agent_presence *presence, const struct said *saying)
{
	char key[AGENT_KEY_LENGTH];
	struct json_object *object = new_record(presence->agent, saying);
	const char *value = json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE);
	agent_store_key(presence->agent->store, key, "members/%s",
			presence->agent->config->node.name);
	struct oo_etcd_op op = {.type = OO_ETCD_OP_PUT,
				.key = key,
				.value = value,
				.value_length = value == NULL ? 0 : strlen(value),
				.lease = presence->lease};
	struct oo_etcd_call etcd_call = call(presence, on_put);

	presence->saying = *saying;
	if (value == NULL || oo_etcd_run(agent_store_etcd(presence->agent->store), &op, &etcd_call,
					 &presence->request) < 0) {
		retry_later(presence);
	}
	json_object_put(object);
}

static void on_grant(void *user, int r, const struct oo_etcd_answer *answer,
		     const struct oo_err *err)
{
	struct agent_presence *presence = user;
	(void)answer;
	presence->request = NULL;
	if (r < 0) {
		agent_store_note(presence->agent->store, AGENT_AFFAIR_PRESENCE, r, err);
		retry_later(presence); /* the same id again: a grant that did get through is one */
		return;
	}
	presence->lease = presence->wanted_lease;
	presence->other_ttl = presence->lease == 0;
	oo_timer_set(&presence->timer, oo_clock_now() + lease_ttl_s(presence) * 1000 / 3);
	agent_presence_apply(presence);
}

static void grant(struct agent_presence *presence)
{
	while (presence->wanted_lease <= 0) {
		if (getrandom(&presence->wanted_lease, sizeof(presence->wanted_lease), 0) < 0) {
			retry_later(presence);
			return;
		}
		presence->wanted_lease &= INT64_MAX;
	}
	struct oo_etcd_call etcd_call = call(presence, on_grant);
	if (oo_etcd_lease_grant(agent_store_etcd(presence->agent->store), presence->wanted_lease,
				lease_ttl_s(presence), &etcd_call, &presence->request) < 0) {
		retry_later(presence);
	}
}

static void on_renewed(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct agent_presence *presence = user;
	presence->request = NULL;
	if (r < 0 || presence->written) { /* a lease alone is no presence */
		agent_store_note(presence->agent->store, AGENT_AFFAIR_PRESENCE, r, err);
	}
	if (r == 0 && answer->lease_ttl_s <= 0) {
		lose_lease(presence);
	} else if (r < 0) {
		retry_later(presence);
	} else {
		oo_timer_set(&presence->timer, oo_clock_now() + lease_ttl_s(presence) * 1000 / 3);
	}
	agent_presence_apply(presence);
}

static void on_timer(struct oo_timer *timer)
{
	struct agent_presence *presence = oo_container_of(timer, struct agent_presence, timer);
	struct oo_etcd_call etcd_call = call(presence, on_renewed);

	if (presence->request != NULL || presence->leaving) {
		if (!presence->leaving) {
			retry_later(presence);
		}
		return;
	}
	if (presence->lease == 0) {
		agent_presence_apply(presence);
	} else if (oo_etcd_lease_renew(agent_store_etcd(presence->agent->store), presence->lease,
				       &etcd_call, &presence->request) < 0) {
		retry_later(presence);
	}
}

void agent_presence_apply(struct agent_presence *presence)
{
	struct said said;

	if (presence->leaving || presence->request != NULL || oo_clock_now() < presence->retry_at) {
		return;
	}
	if (presence->lease == 0 || presence->other_ttl) {
		grant(presence);
		return;
	}
	observe(presence, &said);
	if (!presence->written || memcmp(&said, &presence->said, sizeof(said)) != 0) {
		put(presence, &said);
	}
}

void agent_presence_reload(struct agent_presence *presence, bool other_ttl)
{
	presence->reloads++;
	if (other_ttl) { /* the key goes over to a new lease; the old one runs out with nothing in it */
		presence->other_ttl = true;
		presence->wanted_lease = 0;
	}
}

void agent_presence_on_read(struct agent_presence *presence, bool shown, int64_t revision)
{
	/* Else it may have been on its way while the key was written. */
	bool certain = presence->request == NULL && revision >= presence->revision;
	presence->missed = shown || !presence->written ? 0 : presence->missed + 1;
	if (presence->missed >= 2 || (presence->missed > 0 && certain)) {
		presence->missed = 0;
		presence->written = false;
		agent_presence_apply(presence);
	}
}

static void on_revoked(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct agent_presence *presence = user;
	(void)r; /* what is left of it runs out by itself */
	(void)answer;
	(void)err;
	presence->request = NULL;
	presence->gone = true;
	agent_check_leaving(presence->agent);
}

void agent_presence_leave(struct agent_presence *presence)
{
	struct oo_etcd_call etcd_call = call(presence, on_revoked);

	if (presence->leaving) {
		return;
	}
	presence->leaving = true;
	presence->gone = agent_store_trouble(presence->agent->store)[0] != '\0';
	if (presence->request != NULL) {
		oo_etcd_cancel(presence->request);
		presence->request = NULL;
	}
	if (presence->wanted_lease == 0 ||
	    oo_etcd_lease_revoke(agent_store_etcd(presence->agent->store), presence->wanted_lease,
				 &etcd_call, &presence->request) < 0) {
		presence->gone = true;
	}
}

int64_t agent_presence_lease(const struct agent_presence *presence)
{
	return presence->lease;
}

int64_t agent_presence_revision(const struct agent_presence *presence)
{
	return presence->revision;
}

bool agent_presence_is_gone(const struct agent_presence *presence)
{
	return presence->gone;
}

int agent_presence_new(struct agent *agent, struct agent_presence **ret_presence,
		       struct oo_err *err)
{
	struct agent_presence *presence = calloc(1, sizeof(*presence));
	if (presence == NULL) {
		return oo_fail(err, ENOMEM, "presence");
	}
	presence->agent = agent;
	int r = oo_timer_init(&presence->timer, agent->event, on_timer);
	if (r < 0) {
		free(presence);
		return oo_fail(err, -r, "presence timer");
	}
	*ret_presence = presence;
	return 0;
}

void agent_presence_free(struct agent_presence *presence)
{
	if (presence == NULL) {
		return;
	}
	if (presence->request != NULL) {
		oo_etcd_cancel(presence->request);
	}
	oo_timer_done(&presence->timer);
	free(presence);
}
