#include "metrics.h"

#include "checks.h"
#include "etcd/etcd.h"
#include "guard.h"
#include "hooks.h"
#include "reload.h"
#include "status.h"
#include "store.h"
#include "story.h"

static void add_failures(struct oo_metrics *metrics, const struct agent *agent)
{
	oo_metrics_family(metrics, "ooha_etcd_requests_total", OO_METRICS_COUNTER,
			  "Requests to etcd that have ended.");
	for (enum agent_affair affair = 0; affair < AGENT_AFFAIRS; affair++) {
		oo_metrics_add(metrics, (int64_t)agent->counts.requests[affair], "request",
			       agent_affair_name(affair), NULL);
	}
	oo_metrics_family(metrics, "ooha_etcd_request_failures_total", OO_METRICS_COUNTER,
			  "Requests to etcd that have failed, by reason.");
	for (enum agent_affair affair = 0; affair < AGENT_AFFAIRS; affair++) {
		for (enum agent_failure reason = 0; reason < AGENT_FAILURES; reason++) {
			oo_metrics_add(metrics, (int64_t)agent->counts.failures[affair][reason],
				       "request", agent_affair_name(affair), "reason",
				       agent_failure_name(reason), NULL);
		}
	}
}

static void add_etcd(struct oo_metrics *metrics, const struct agent *agent)
{
	const struct oo_etcd *etcd = agent_store_etcd(agent->store);
	int64_t answered_at = oo_etcd_answered_at(etcd);
	const char *endpoint;
	bool failing;

	oo_metrics_family(metrics, "ooha_etcd_connected", OO_METRICS_GAUGE,
			  "1 while etcd answers this node in time, with a quorum.");
	oo_metrics_add(metrics, agent_status_is_connected(agent), NULL);
	oo_metrics_family(metrics, "ooha_etcd_answer_age_seconds", OO_METRICS_GAUGE,
			  "Time since etcd last answered.");
	if (answered_at != 0) {
		oo_metrics_add_us(metrics, (oo_clock_now() - answered_at) * 1000, NULL);
	}
	oo_metrics_family(
		metrics, "ooha_etcd_endpoint_failing", OO_METRICS_GAUGE,
		"1 if the endpoint failed when this node asked it last, in the last minutes.");
	for (size_t i = 0; (endpoint = oo_etcd_endpoint_state(etcd, i, &failing)) != NULL; i++) {
		oo_metrics_add(metrics, failing, "endpoint", endpoint, NULL);
	}
	add_failures(metrics, agent);
}

static void add_hooks(struct oo_metrics *metrics, const struct agent *agent)
{
	oo_metrics_family(metrics, "ooha_hook_duration_seconds", OO_METRICS_SUMMARY,
			  "Hooks that ran, and for how long.");
	for (enum agent_hook hook = 0; hook < AGENT_HOOKS; hook++) {
		oo_metrics_add_summary(metrics, agent->counts.hooks[hook].ran,
				       agent->counts.hooks[hook].took_us, "event",
				       agent_hook_name(hook), NULL);
	}
	oo_metrics_family(metrics, "ooha_hook_failures_total", OO_METRICS_COUNTER,
			  "Hooks that failed: refused, not started, exit code not 0, timed out.");
	for (enum agent_hook hook = 0; hook < AGENT_HOOKS; hook++) {
		oo_metrics_add(metrics, (int64_t)agent->counts.hooks[hook].failed, "event",
			       agent_hook_name(hook), NULL);
	}
}

static const char *check_name(const struct agent *agent, unsigned index)
{
	return agent->config->checks[index].spec.name;
}

static void add_check_states(struct oo_metrics *metrics, const struct agent *agent)
{
	oo_metrics_family(metrics, "ooha_check_up", OO_METRICS_GAUGE,
			  "1 while the check counts as up, 0 while it is down or not known yet.");
	for (unsigned i = 0; i < agent->core_config.n_checks; i++) {
		const struct oo_config_check *config = &agent->config->checks[i];
		unsigned streak;
		oo_metrics_add(
			metrics, oo_core_check_health(agent->core, i, &streak) == OO_HEALTH_UP,
			"check", config->spec.name, "type", oo_check_type_name(config->spec.type),
			"required", config->optional ? "false" : "true", NULL);
	}
	oo_metrics_family(metrics, "ooha_check_reason", OO_METRICS_GAUGE,
			  "1 for the reason of the check's last result, from a closed list.");
	for (unsigned i = 0; i < agent->core_config.n_checks; i++) {
		enum oo_check_reason reason = agent_checks_result(agent->checks, i)->reason;
		oo_metrics_add(metrics, 1, "check", check_name(agent, i), "reason",
			       oo_check_reason_name(reason), NULL);
	}
}

static void add_check_runs(struct oo_metrics *metrics, const struct agent *agent)
{
	oo_metrics_family(metrics, "ooha_check_duration_seconds", OO_METRICS_SUMMARY,
			  "Runs of the check, and how long they took.");
	for (unsigned i = 0; i < agent->core_config.n_checks; i++) {
		const struct agent_check_counts *counts = agent_checks_counts(agent->checks, i);
		oo_metrics_add_summary(metrics, counts->runs, counts->took_us, "check",
				       check_name(agent, i), NULL);
	}
	oo_metrics_family(metrics, "ooha_check_failures_total", OO_METRICS_COUNTER,
			  "Runs of the check that found something down.");
	for (unsigned i = 0; i < agent->core_config.n_checks; i++) {
		oo_metrics_add(metrics, (int64_t)agent_checks_counts(agent->checks, i)->failures,
			       "check", check_name(agent, i), NULL);
	}
}

static void add_check_results(struct oo_metrics *metrics, const struct agent *agent)
{
	oo_metrics_family(metrics, "ooha_check_last_duration_seconds", OO_METRICS_GAUGE,
			  "How long the check's last run took.");
	for (unsigned i = 0; i < agent->core_config.n_checks; i++) {
		oo_metrics_add_us(metrics, agent_checks_result(agent->checks, i)->times.total_us,
				  "check", check_name(agent, i), NULL);
	}
	oo_metrics_family(metrics, "ooha_check_certificate_expiry_timestamp_seconds",
			  OO_METRICS_GAUGE,
			  "When the certificate ends that the check was shown, since the epoch.");
	for (unsigned i = 0; i < agent->core_config.n_checks; i++) {
		int64_t end_s = agent_checks_result(agent->checks, i)->certificate_end_s;
		if (end_s > 0) {
			oo_metrics_add(metrics, end_s, "check", check_name(agent, i), NULL);
		}
	}
}

static void add_agent(struct oo_metrics *metrics, const struct agent *agent)
{
	oo_metrics_family(metrics, "ooha_build_info", OO_METRICS_GAUGE,
			  "Always 1; the labels say what runs.");
	oo_metrics_add(metrics, 1, "version", OO_VERSION, NULL);
	oo_metrics_family(metrics, "ooha_config_last_reload_successful", OO_METRICS_GAUGE,
			  "0 if the last reload changed nothing, because something is wrong.");
	oo_metrics_add(metrics, agent_reload_problem(agent->reload)[0] == '\0', NULL);
	oo_metrics_family(metrics, "ooha_fence_available", OO_METRICS_GAUGE,
			  "1 if the kernel has nf_tables, and keeps the end of a hold in ms.");
	oo_metrics_add(metrics, agent_guard_has_fence(agent->guard), NULL);
	oo_metrics_family(metrics, "ooha_fence_repairs_total", OO_METRICS_COUNTER,
			  "How often somebody changed the fence and it was put back.");
	oo_metrics_add(metrics, (int64_t)agent_guard_repairs(agent->guard), NULL);
	oo_metrics_family(metrics, "ooha_paused", OO_METRICS_GAUGE,
			  "1 while a pause is in force: nothing moves, nobody takes over.");
	oo_metrics_add(metrics, oo_core_is_paused(agent->core), NULL);
	oo_metrics_family(
		metrics, "ooha_drained", OO_METRICS_GAUGE,
		"1 while this node is drained: it takes nothing, and gives up what it holds.");
	oo_metrics_add(metrics, agent_store_drain(agent->store, agent->config->node.name) != NULL,
		       NULL);
	size_t n_members;
	(void)agent_store_members(agent->store, &n_members);
	oo_metrics_family(metrics, "ooha_members", OO_METRICS_GAUGE,
			  "Agents of the cluster that are present, this one too.");
	oo_metrics_add(metrics, (int64_t)n_members, NULL);
}

void agent_metrics_answer(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	const struct agent *agent = user;
	struct oo_metrics metrics;
	(void)request;

	oo_metrics_begin(&metrics, &answer->body, "cluster", agent->config->cluster, "node",
			 agent->config->node.name, NULL);
	add_agent(&metrics, agent);
	add_etcd(&metrics, agent);
	agent_metrics_groups(&metrics, agent);
	add_check_states(&metrics, agent);
	add_check_runs(&metrics, agent);
	add_check_results(&metrics, agent);
	add_hooks(&metrics, agent);
	agent_metrics_process(&metrics, agent->counts.started_at_wall);
	if (oo_metrics_end(&metrics) == 0) { /* else left empty: it becomes a 500 */
		answer->content_type = OO_METRICS_CONTENT_TYPE;
	}
}
