#include "reload.h"

#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "api/api.h"
#include "base/text.h"
#include "checks.h"
#include "etcd/etcd.h"
#include "gate.h"
#include "hooks.h"
#include "journal.h"
#include "store.h"
#include "story.h"
#include "vips.h"

static bool is_same(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other : oo_text_equal(one, other);
}

static bool is_same_list(const struct oo_config_texts *one, const struct oo_config_texts *other)
{
	for (size_t i = 0; i < one->n && one->n == other->n; i++) {
		if (!oo_text_equal(one->items[i], other->items[i])) {
			return false;
		}
	}
	return one->n == other->n;
}

static bool is_same_group(const struct oo_config_group *one, const struct oo_config_group *other)
{
	for (size_t i = 0; i < one->n_vips && one->n_vips == other->n_vips; i++) {
		if (!oo_text_equal(one->vips[i].address, other->vips[i].address) ||
		    !oo_text_equal(one->vips[i].interface, other->vips[i].interface)) {
			return false;
		}
	}
	return one->n_vips == other->n_vips && oo_text_equal(one->name, other->name);
}

static bool is_same_etcd(const struct oo_config_etcd *one, const struct oo_config_etcd *other)
{
	return is_same_list(&one->endpoints, &other->endpoints) &&
	       is_same(one->username, other->username) &&
	       is_same(one->password_file, other->password_file) &&
	       is_same(one->ca_file, other->ca_file) && is_same(one->cert_file, other->cert_file) &&
	       is_same(one->key_file, other->key_file);
}

/* What the tenure file is found and recognized by. */
static bool is_same_tenure(const struct oo_config *one, const struct oo_config *other)
{
	return oo_text_equal(one->cluster, other->cluster) &&
	       oo_text_equal(one->node.name, other->node.name) &&
	       oo_text_equal(one->runtime_directory, other->runtime_directory);
}

static bool is_same_node(const struct oo_config *one, const struct oo_config *other)
{
	return is_same_tenure(one, other) && oo_text_equal(one->node.zone, other->node.zone) &&
	       one->node.priority == other->node.priority;
}

static bool has_group(const struct oo_config *config, const struct oo_config_group *group)
{
	for (size_t g = 0; g < config->n_groups; g++) {
		if (is_same_group(&config->groups[g], group)) {
			return true;
		}
	}
	return false;
}

bool agent_reload_is_adoptable(const struct oo_config *now, const struct oo_config *next)
{
	bool all = is_same_tenure(now, next);
	for (size_t g = 0; all && g < now->n_groups; g++) {
		all = has_group(next, &now->groups[g]);
	}
	return all;
}

static bool is_same_api(const struct oo_config_api *one, const struct oo_config_api *other)
{
	return oo_text_equal(one->socket, other->socket) &&
	       is_same(one->listen.host, other->listen.host) &&
	       one->listen.port == other->listen.port &&
	       (one->tls.cert_file == NULL) == (other->tls.cert_file == NULL);
}

/* The first thing that only a restart can change; NULL if there is none. */
static const char *find_fixed_change(const struct oo_config *now, const struct oo_config *next)
{
	if (!is_same_node(now, next)) {
		return "cluster, node or runtime_directory";
	}
	if (!is_same_etcd(&now->etcd, &next->etcd)) {
		return "etcd";
	}
	if (now->lease.ttl_ms != next->lease.ttl_ms ||
	    now->lease.renew_ms != next->lease.renew_ms ||
	    now->lease.margin_ms != next->lease.margin_ms) {
		return "lease";
	}
	if (!is_same_api(&now->api, &next->api)) {
		return "api";
	}
	for (size_t g = 0; g < now->n_groups && now->n_groups == next->n_groups; g++) {
		if (!is_same_group(&now->groups[g], &next->groups[g])) {
			return "groups";
		}
	}
	return now->n_groups == next->n_groups ? NULL : "groups";
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

/* Checks and hooks point into their configuration: the old one lives until both are replaced. */
static int take_over(struct agent *agent, struct oo_config *next, struct oo_err *err)
{
	struct oo_config *before = agent->config;
	struct agent_checks *checks;
	struct oo_core_config core_config;

	agent_core_config(next, &core_config);
	for (size_t i = 0; i < next->n_checks; i++) {
		core_config.checks[i].inherits = find_check(before, &next->checks[i]);
	}
	agent->config = next;
	int r = agent_checks_new(agent, &checks, err);
	if (r < 0) {
		agent->config = before;
		return r;
	}
	agent_checks_inherit(checks, agent->checks, &core_config);
	agent_checks_free(agent->checks);
	agent->checks = checks;
	agent_hooks_set_timeout(agent->hooks, next->hooks.timeout_ms);
	for (size_t g = 0; g < next->n_groups; g++) {
		agent->group_names[g] = next->groups[g].name;
		agent_vips_set_config(agent->vips[g], &next->groups[g]);
	}
	agent->core_config = core_config;
	oo_core_set_checks(agent->core, &core_config);
	oo_config_free(before);
	agent_store_members_tell(agent->store); /* by the new names; steps, too */
	agent_gates_forgive(agent->gates);
	return 0;
}

/* A renewed certificate has the same name as the old one: the files are always read. */
static int renew_tls(struct agent *agent, const struct oo_config_api *api, struct oo_err *err)
{
	const struct oo_api_tls tls = {api->tls.cert_file, api->tls.key_file};
	return tls.cert_file == NULL ? 0 : oo_api_set_tls(agent->api, &tls, err);
}

void agent_reload(struct agent *agent)
{
	struct oo_config *next = NULL;
	struct oo_err err;

	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)oo_clock_now_us());
	int r = oo_config_load(agent->config_path, &next, &err);
	if (r < 0) {
		agent_say(OO_LOG_ERROR, &(struct agent_said){.message = AGENT_MESSAGE_NOT_RELOADED},
			  "not reloaded: %s", err.text);
	} else {
		const char *fixed = find_fixed_change(agent->config, next);
		if (fixed != NULL) {
			agent_say(OO_LOG_ERROR,
				  &(struct agent_said){.message = AGENT_MESSAGE_NOT_RELOADED},
				  "not reloaded: %s: '%s' has changed, which takes a restart",
				  agent->config_path, fixed);
			oo_config_free(next);
		} else if (renew_tls(agent, &next->api, &err) < 0 ||
			   take_over(agent, next, &err) < 0) {
			agent_say(OO_LOG_ERROR,
				  &(struct agent_said){.message = AGENT_MESSAGE_NOT_RELOADED},
				  "not reloaded: %s", err.text);
			oo_config_free(next);
		} else {
			oo_etcd_reload(agent_store_etcd(agent->store));
			agent_say(OO_LOG_INFO,
				  &(struct agent_said){.message = AGENT_MESSAGE_RELOADED},
				  "reloaded %s", agent->config_path);
		}
	}
	(void)sd_notify(0, "READY=1");
}
