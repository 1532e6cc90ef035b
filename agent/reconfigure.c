#include "reconfigure.h"

#include "api/api.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "compare.h"
#include "checks.h"
#include "etcd/etcd.h"
#include "gate.h"
#include "guard.h"
#include "hooks.h"
#include "neighbours.h"
#include "net/address.h"
#include "notices.h"
#include "presence.h"
#include "store.h"
#include "story.h"
#include "vips.h"

/* What is made for the new configuration, while the agent runs with the one before. */
struct draft {
	struct agent *agent;
	struct oo_config *before;
	struct agent_checks *checks;
	struct agent_neighbours *neighbours;
	struct agent_vips *vips[OO_CORE_GROUPS_MAX]; /* of the groups below */
	bool other_vips[OO_CORE_GROUPS_MAX];         /* it is new, or has others than before */
	bool any_other_vips, other_api;
	bool api_changes; /* from then on */
};

static bool is_new(const struct draft *draft, size_t group)
{
	return group >= draft->before->n_groups;
}

static void compare(struct draft *draft)
{
	const struct oo_config *next = draft->agent->config;

	for (size_t g = 0; g < next->n_groups; g++) {
		draft->other_vips[g] =
			is_new(draft, g) ||
			agent_compare_is_other_vips(&draft->before->groups[g], &next->groups[g]);
		draft->any_other_vips = draft->any_other_vips || draft->other_vips[g];
	}
	/* none, where that of before could not be put back: whatever is configured is another one */
	draft->other_api =
		draft->agent->api == NULL || agent_compare_is_other_api(draft->before, next);
}

static int make_vips(struct draft *draft, struct oo_err *err)
{
	int r = 0;
	for (unsigned g = 0; r == 0 && g < draft->agent->config->n_groups; g++) {
		r = draft->other_vips[g] ? agent_vips_new(draft->agent, g, &draft->vips[g], err)
					 : 0;
	}
	return r;
}

/* The agent's for the draft's, and back. */
static void swap_vips(struct draft *draft)
{
	for (size_t g = 0; g < OO_CORE_GROUPS_MAX; g++) {
		struct agent_vips *before = draft->agent->vips[g];
		if (draft->other_vips[g]) {
			draft->agent->vips[g] = draft->vips[g];
			draft->vips[g] = before;
		}
	}
}

/* The fence of the VIPs that the agent has by now. */
static int change_fence(struct agent *agent, struct oo_err *err)
{
	OO_AUTO(oo_free) struct oo_address *list = NULL;
	size_t n = 0;

	int r = agent_gather_vips(agent, &list, &n, err);
	return r < 0 ? r
		     : agent_guard_set_vips(agent, &(struct oo_address_set){.list = list, .n = n},
					    err);
}

static void free_draft(struct draft *draft)
{
	agent_checks_free(draft->checks);
	agent_neighbours_free(draft->neighbours);
	for (size_t g = 0; g < OO_CORE_GROUPS_MAX; g++) {
		agent_vips_free(draft->vips[g]);
	}
}

/* A renewed certificate may have the name of the one before: the files are always read. */
static int change_api(const struct draft *draft, const struct oo_config_api *api,
		      struct oo_err *err)
{
	const struct oo_api_tls tls = {api->tls.cert_file, api->tls.key_file};

	if (draft->other_api) {
		return agent_make_api(draft->agent, err);
	}
	return tls.cert_file == NULL ? 0 : oo_api_set_tls(draft->agent->api, &tls, err);
}

static int prepare_vips(struct draft *draft, struct oo_err *err)
{
	if (!draft->any_other_vips) {
		return 0;
	}
	int r = agent_neighbours_new(draft->agent, &draft->neighbours, err);
	return r < 0 ? r : make_vips(draft, err);
}

static int put_vips(struct draft *draft, struct oo_err *err)
{
	if (!draft->any_other_vips) {
		return 0;
	}
	swap_vips(draft);
	int r = change_fence(draft->agent, err);
	if (r < 0) {
		swap_vips(draft);
	}
	return r;
}

/* All that can fail; the last two change what is outside: nothing may fail behind them. */
static int prepare(struct draft *draft, struct oo_err *err)
{
	struct agent *agent = draft->agent;

	compare(draft);
	int r = agent_guard_check_lease(agent->guard, &agent->config->lease, err);
	r = r < 0 ? r : agent_checks_new(agent, &draft->checks, err);
	r = r < 0 ? r : prepare_vips(draft, err);
	if (r < 0) {
		return r;
	}
	draft->api_changes = true;
	r = change_api(draft, &agent->config->api, err);
	return r < 0 ? r : put_vips(draft, err);
}

static void undo(struct draft *draft)
{
	struct agent *agent = draft->agent;
	struct oo_err err;

	agent->config = draft->before;
	if (draft->api_changes && change_api(draft, &draft->before->api, &err) < 0) {
		oo_log(OO_LOG_ERROR, "the API is not as it was: %s; reload again", err.text);
	}
	free_draft(draft);
}

/* A check of the same name and kind keeps what has been counted. */
static int find_check(const struct oo_config *config, const struct oo_config_check *check)
{
	for (size_t i = 0; i < config->n_checks; i++) {
		if (oo_text_equal(config->checks[i].spec.name, check->spec.name) &&
		    config->checks[i].spec.type == check->spec.type) {
			return (int)i;
		}
	}
	return -1;
}

static void put_core_config(struct draft *draft)
{
	struct agent *agent = draft->agent;

	agent_core_config(agent->config, &agent->core_config);
	for (size_t i = 0; i < agent->config->n_checks; i++) {
		agent->core_config.checks[i].inherits =
			find_check(draft->before, &agent->config->checks[i]);
	}
	agent_checks_inherit(draft->checks, agent->checks, &agent->core_config);
	oo_core_set_config(agent->core, &agent->core_config);
}

/* What stands in the way of a group that is not held is removed, as at a start. */
static void clear(const struct agent *agent, unsigned group)
{
	const struct oo_want *want = oo_core_want(agent->core, group);
	struct oo_err err;

	if (!want->address && !want->keep && !agent_vips_is_up(agent->vips[group]) &&
	    agent_vips_find(agent->vips[group], false, &err) < 0) {
		oo_log(OO_LOG_ERROR, "%s: %s", agent->group_names[group], err.text);
	}
}

static void put_groups(struct draft *draft)
{
	struct agent *agent = draft->agent;

	for (unsigned g = 0; g < agent->config->n_groups; g++) {
		agent->group_names[g] = agent->config->groups[g].name;
		if (!draft->other_vips[g]) {
			agent_vips_set_config(agent->vips[g], &agent->config->groups[g]);
			continue;
		}
		if (is_new(draft, g)) {
			agent_story_start(agent->story, g, false);
			agent_gate_start(agent->gates, g, false);
			agent_notices_start(agent->notices, g, false);
		} else {
			agent_vips_replace(agent->vips[g], draft->vips[g]);
		}
		clear(agent, g);
	}
}

/* Checks, hooks and VIPs point into their configuration: the one before goes last. */
static void commit(struct draft *draft, struct oo_etcd *etcd)
{
	struct agent *agent = draft->agent;
	const struct oo_config *now = agent->config;
	struct agent_checks *checks = agent->checks;
	struct agent_neighbours *neighbours = agent->neighbours;

	put_core_config(draft);
	put_groups(draft);
	agent->checks = draft->checks;
	draft->checks = checks;
	if (draft->any_other_vips) {
		agent->neighbours = draft->neighbours;
		draft->neighbours = neighbours;
	}
	agent_hooks_set_timeout(agent->hooks, now->hooks.timeout_ms);
	agent_guard_set_lease(agent->guard, &now->lease);
	agent_store_reload(agent->store, etcd, draft->before);
	agent_presence_reload(agent->presence, now->lease.ttl_ms != draft->before->lease.ttl_ms);
}

/* The news that come with it; each is a step. */
static void tell(struct agent *agent, size_t n_groups_before)
{
	for (unsigned g = (unsigned)n_groups_before; g < agent->config->n_groups; g++) {
		agent_gate_tell_link(agent, g);
	}
	agent_store_members_tell(agent->store); /* by the new names */
	agent_gates_forgive(agent->gates);
}

int agent_reconfigure(struct agent *agent, struct oo_config *next, struct oo_etcd *etcd,
		      struct oo_err *err)
{
	struct draft draft = {.agent = agent, .before = agent->config};
	const size_t n_groups_before = agent->config->n_groups;

	agent->config = next;
	int r = prepare(&draft, err);
	if (r < 0) {
		undo(&draft);
		return r;
	}
	commit(&draft, etcd);
	free_draft(&draft);
	oo_config_free(draft.before);
	tell(agent, n_groups_before);
	return 0;
}
