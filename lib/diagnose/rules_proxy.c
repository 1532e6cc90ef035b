/* The proxy itself: running, listening, accepting, and allowed to. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "diagnose/rule.h"

#define USED_PERCENT 95

static const struct oo_process *proxy(const struct oo_rules *rules)
{
	return &rules->seen->processes[OO_PROGRAM_PROXY];
}

static const struct oo_exchange *health(const struct oo_rules *rules)
{
	return &rules->seen->exchanges[OO_EXCHANGE_PROXY_HEALTH];
}

/* Nobody gets as far as an answer of nginx's. */
static bool is_unreached(const struct oo_rules *rules)
{
	const struct oo_exchange *asked = health(rules);
	return oo_seen_tried(asked) ? asked->status == 0 : oo_seen_is_gone(proxy(rules));
}

static void explain(struct oo_rules *rules)
{
	oo_rule_explain(rules, OO_EXCHANGES_PROXIED | OO_EXCHANGE_BIT(PROXY_STATIC));
}

static void ground(const struct oo_rules *rules, struct oo_finding *finding)
{
	const struct oo_process *process = proxy(rules);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_PROXY_HEALTH);
	if (oo_seen_is_gone(process)) {
		oo_rule_ground(finding, "there is no process of nginx");
	} else if (oo_seen_is_running(process)) {
		oo_rule_ground(finding, "nginx runs: pid %d, %u workers, %u of them leaving",
			       process->pid, process->n, process->n_leaving);
	}
	if (process->unit_look == OO_LOOK_SEEN) {
		oo_rule_ground(finding, "unit %s: %s, result %s", process->unit,
			       process->unit_state, process->unit_result);
	}
}

/* Its port is somebody else's, who answers there in its place. */
static void port_taken(struct oo_rules *rules)
{
	struct oo_endpoint_text at = oo_seen_proxy_at(rules->seen);
	const struct oo_listener *listener = oo_seen_listener_on(rules->seen, at.port);
	const struct oo_log_line *line = oo_seen_line(rules->seen, OO_LOG_MEANING_PROXY_PORT_TAKEN);
	bool is_other = listener != NULL && listener->process[0] != '\0' &&
			strstr(listener->process, "nginx") == NULL &&
			strstr(listener->process, "openresty") == NULL &&
			strstr(listener->process, "angie") == NULL;
	bool is_gone = oo_seen_is_gone(proxy(rules));
	if (rules->seen->is_docker || oo_seen_true(oo_seen_proxied(rules->seen)) ||
	    listener == NULL || (!is_other && line == NULL) || (!is_gone && !is_other) ||
	    (!is_gone && line == NULL)) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_PROXY_PORT_TAKEN,
		is_other ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
		"proxy port taken: %s (pid %d) has port %u",
		is_other ? listener->process : "another process", listener->pid, (unsigned)at.port);
	oo_rule_ground(finding, "%s (pid %d) listens on %s port %u", listener->process,
		       listener->pid, listener->at.host, (unsigned)at.port);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_PORT_TAKEN);
	ground(rules, finding);
	oo_rule_remedy(finding,
		       "ss -ltnp 'sport = :%u'; stop that one, then: systemctl start nginx",
		       (unsigned)at.port);
	explain(rules);
}

/* nginx -t: it does not start with this; one that runs goes on with what it has read before. */
static void config_broken(struct oo_rules *rules)
{
	const struct oo_proxy_test *test = &rules->seen->proxy_test;
	bool is_ours = !rules->seen->is_root && strstr(test->error, "(13: ") != NULL;
	bool is_down = is_unreached(rules) && !oo_seen_is_running(proxy(rules));
	if (test->look != OO_LOOK_SEEN || test->passed || is_ours ||
	    strstr(test->error, "host not found in upstream") != NULL) {
		return;
	}
	bool is_address = strstr(test->error, "(99: ") != NULL;
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_PROXY_CONFIG_BROKEN, OO_CONFIDENCE_CERTAIN,
		"proxy configuration broken: nginx %s: %s",
		is_down ? "does not start" : "runs, and will not start again", test->error);
	oo_rule_ground(finding, "nginx -t: %s", test->error);
	ground(rules, finding);
	oo_rule_remedy(finding, is_address ? "listen on all addresses, or: sysctl -w "
					     "net.ipv4.ip_nonlocal_bind=1; then: systemctl restart "
					     "nginx"
				: strstr(test->error, "cache_tag") != NULL
					? "documentserver-flush-cache.sh, then: systemctl start "
					  "nginx"
					: "correct it; nginx -t && systemctl reload-or-restart "
					  "nginx");
	if (is_down) {
		explain(rules);
	} else {
		finding->weight = OO_WEIGHT_WARNING;
	}
}

/* As config_broken, where nginx -t could not be asked: its own last words. */
static void config_by_log(struct oo_rules *rules)
{
	static const enum oo_log_meaning words[] = {OO_LOG_MEANING_PROXY_BIND_ABSENT,
						    OO_LOG_MEANING_PROXY_BIND_DENIED,
						    OO_LOG_MEANING_PROXY_CONFIG};
	bool is_tested = rules->seen->proxy_test.look == OO_LOOK_SEEN;
	if (!oo_seen_is_gone(proxy(rules)) || is_tested) {
		return;
	}
	for (size_t i = 0; i < OO_LENGTH(words); i++) {
		const struct oo_log_line *line = oo_seen_line(rules->seen, words[i]);
		if (line == NULL) {
			continue;
		}
		struct oo_finding *finding =
			oo_rule_say(rules, OO_FAULT_PROXY_CONFIG_BROKEN, OO_CONFIDENCE_LIKELY,
				    "proxy configuration broken: nginx does not start");
		oo_rule_ground_line(finding, rules, words[i]);
		ground(rules, finding);
		oo_rule_remedy(finding, "nginx -t; correct it, then: systemctl start nginx");
		explain(rules);
		return;
	}
}

static void crashed(struct oo_rules *rules)
{
	const struct oo_process *process = proxy(rules);
	bool is_gone = oo_seen_is_gone(process) && is_unreached(rules);
	bool was_killed = strstr(process->unit_result, "signal") != NULL ||
			  strstr(process->unit_result, "core-dump") != NULL ||
			  strstr(process->unit_result, "oom") != NULL || process->out_of_memory;
	const struct oo_log_line *died =
		oo_seen_line(rules->seen, OO_LOG_MEANING_PROXY_WORKER_DIED);
	bool is_all = !oo_seen_answered(&rules->seen->exchanges[OO_EXCHANGE_PROXY_STATIC]);
	/* one of our requests was with a worker when it died, the next with another */
	bool is_cut_off = died != NULL && oo_seen_cut_off(health(rules)) &&
			  (is_all || oo_seen_is_recent(died));
	/* our requests are short and may slip through; an editor's connection goes each time */
	bool is_again = died != NULL && died->n > 1 && oo_seen_is_recent(died);
	bool is_worker = oo_seen_is_running(process) && died != NULL && (is_cut_off || is_again);
	if (!is_worker && (!is_gone || !(was_killed || oo_seen_unit_crashes(process)))) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_PROXY_CRASHED, OO_CONFIDENCE_CERTAIN, "proxy crashed: %s",
		is_worker ? "nginx's workers die" : process->unit_result);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_WORKER_DIED);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_SEGFAULT);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_OUT_OF_MEMORY);
	ground(rules, finding);
	oo_rule_remedy(finding, "journalctl -n 50 -u nginx; systemctl restart nginx");
	if (is_worker && !is_cut_off) {
		finding->weight = OO_WEIGHT_PART;
	} else {
		explain(rules);
	}
}

static void stopped(struct oo_rules *rules)
{
	const struct oo_process *process = proxy(rules);
	struct oo_endpoint_text at = oo_seen_proxy_at(rules->seen);
	bool is_leaving = oo_seen_is_running(process) && process->n_leaving > 0 &&
			  process->n_leaving >= process->n;
	bool is_gone = oo_seen_is_gone(process) || is_leaving;
	/* a listener that is not nginx's, and does not answer, is no proxy of ours either */
	bool is_unseen = !oo_seen_is_running(process) && oo_seen_refused(health(rules)) &&
			 oo_seen_listener_on(rules->seen, at.port) == NULL;
	char command[OO_RULE_COMMAND];
	if (!is_unreached(rules) || (!is_gone && !is_unseen)) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_PROXY_STOPPED,
			    is_gone ? OO_CONFIDENCE_CERTAIN : OO_CONFIDENCE_LIKELY,
			    is_leaving ? "proxy stopped: nginx only ends its last connections"
				       : "proxy stopped: nobody listens on port %u",
			    (unsigned)at.port);
	ground(rules, finding);
	oo_rule_remedy(finding, "%s",
		       oo_rule_command(rules->seen, OO_PROGRAM_PROXY, "start", command));
	explain(rules);
}

/* It runs, and nobody listens where it is asked. */
static void listens_elsewhere(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	struct oo_endpoint_text at = oo_seen_proxy_at(seen);
	const struct oo_listener *listener = oo_seen_listener_on(seen, at.port);
	if (!oo_seen_is_running(proxy(rules)) || !oo_seen_refused(health(rules)) ||
	    seen->listeners_look != OO_LOOK_SEEN || oo_seen_listener(seen, &at) != NULL ||
	    seen->is_docker) {
		return;
	}
	for (size_t i = 0; i < seen->n_listeners && listener == NULL; i++) {
		bool is_own = strstr(seen->listeners[i].process, "nginx") != NULL;
		listener = is_own ? &seen->listeners[i] : NULL;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, OO_FAULT_PROXY_LISTENS_ELSEWHERE, OO_CONFIDENCE_CERTAIN,
		"proxy listens elsewhere: nobody on %s port %u, but on %s port %u", at.host,
		(unsigned)at.port, listener != NULL ? listener->at.host : "no address",
		listener != NULL ? (unsigned)listener->at.port : 0);
	ground(rules, finding);
	oo_rule_remedy(finding,
		       "correct listen in nginx's files (%s), then: nginx -t && nginx -s "
		       "reload",
		       seen->proxy.path);
	explain(rules);
}

/* The socket table has it, and a connection does not get there. */
static void firewall(struct oo_rules *rules)
{
	const struct oo_evidence *seen = rules->seen;
	const struct oo_exchange *vip = &seen->exchanges[OO_EXCHANGE_VIP];
	struct oo_endpoint_text at = oo_seen_proxy_at(seen);
	bool is_local_fine = oo_seen_answered(health(rules));
	bool is_vip_here = seen->n_vips > 0 && seen->vips[0].is_here && !seen->vips[0].is_fenced &&
			   seen->vips[0].is_listened_on;
	const struct oo_exchange *asked = is_local_fine && is_vip_here ? vip : health(rules);
	const struct oo_listener *listener =
		oo_seen_listener(seen, asked->peer.port != 0 ? &asked->peer : &at);
	bool is_rejected = oo_seen_refused(asked) || oo_seen_unreachable(asked);
	bool is_dropped = oo_seen_connect_timeout(asked);
	if (listener == NULL || oo_seen_backlog_full(listener) || (!is_rejected && !is_dropped) ||
	    oo_rule_has(rules, OO_FAULT_LOOPBACK_DOWN)) {
		return;
	}
	struct oo_finding *finding = oo_rule_say(
		rules, is_rejected ? OO_FAULT_PROXY_FIREWALL_REJECT : OO_FAULT_PROXY_FIREWALL_DROP,
		OO_CONFIDENCE_CERTAIN,
		"a firewall %s connections to the proxy's port %u, which listens",
		is_rejected ? "rejects" : "drops", (unsigned)listener->at.port);
	oo_rule_ground(finding, "%s (pid %d) listens on %s port %u, %u wait in its queue of %u",
		       listener->process, listener->pid, listener->at.host,
		       (unsigned)listener->at.port, listener->queued, listener->backlog);
	oo_rule_ground_exchange(finding, rules,
				asked == vip ? OO_EXCHANGE_VIP : OO_EXCHANGE_PROXY_HEALTH);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_CONNTRACK_FULL);
	if (seen->host.conntrack_used_percent >= USED_PERCENT) {
		oo_rule_ground(finding, "the connection tracking table is %u %% full",
			       seen->host.conntrack_used_percent);
	}
	oo_rule_remedy(finding, "nft list ruleset; iptables-save; allow tcp port %u",
		       (unsigned)listener->at.port);
	explain(rules);
}

/* What a request gets when its connection, or the one to the upstream, cannot be made. */
static bool is_starved(const struct oo_rules *rules, const struct oo_log_line *line)
{
	const struct oo_exchange *asked = oo_seen_proxied(rules->seen);
	return oo_seen_is_recent(line) &&
	       (asked->status >= 500 || oo_seen_silent(asked) || oo_seen_cut_off(asked) ||
		oo_seen_connect_timeout(asked));
}

static void connections_exhausted(struct oo_rules *rules)
{
	const struct oo_log_line *line =
		oo_seen_line(rules->seen, OO_LOG_MEANING_PROXY_CONNECTIONS);
	if (line == NULL || !is_starved(rules, line)) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_PROXY_CONNECTIONS_EXHAUSTED, OO_CONFIDENCE_CERTAIN,
			    "proxy connections exhausted: worker_connections %u are not enough",
			    rules->seen->proxy.worker_connections);
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_CONNECTIONS);
	ground(rules, finding);
	oo_rule_remedy(finding, "raise worker_connections (an editor needs two) and "
				"worker_rlimit_nofile, then: nginx -t && nginx -s reload");
	explain(rules);
}

static void descriptors_exhausted(struct oo_rules *rules)
{
	const struct oo_process *process = proxy(rules);
	const struct oo_log_line *line =
		oo_seen_line(rules->seen, OO_LOG_MEANING_PROXY_DESCRIPTORS);
	bool is_used_up = process->descriptors_max > 0 &&
			  (uint64_t)process->descriptors * 100 >=
				  (uint64_t)process->descriptors_max * USED_PERCENT;
	bool is_fine = oo_seen_true(oo_seen_proxied(rules->seen));
	if (!is_used_up && (line == NULL || !is_starved(rules, line))) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_PROXY_DESCRIPTORS_EXHAUSTED, OO_CONFIDENCE_CERTAIN,
			    "proxy descriptors exhausted: a worker has %u of %u open",
			    process->descriptors, process->descriptors_max);
	finding->weight = is_fine ? OO_WEIGHT_PART : OO_WEIGHT_OUTAGE;
	oo_rule_ground_line(finding, rules, OO_LOG_MEANING_PROXY_DESCRIPTORS);
	ground(rules, finding);
	oo_rule_remedy(finding, "raise worker_rlimit_nofile (and LimitNOFILE= of nginx.service), "
				"then: systemctl restart nginx");
	explain(rules);
}

/* It accepts, or the kernel does for it, and then nothing comes: not even its own files. */
static void hung(struct oo_rules *rules)
{
	const struct oo_process *process = proxy(rules);
	const struct oo_exchange *files = &rules->seen->exchanges[OO_EXCHANGE_PROXY_STATIC];
	struct oo_endpoint_text at = oo_seen_proxy_at(rules->seen);
	bool is_full = oo_seen_backlog_full(oo_seen_listener(rules->seen, &at));
	bool is_silent = oo_seen_silent(health(rules)) ||
			 (is_full && oo_seen_connect_timeout(health(rules)));
	bool is_stopped = oo_seen_is_running(process) && process->n_stopped > 0;
	bool is_silent_too = oo_seen_silent(files) || oo_seen_connect_timeout(files);
	if (!is_silent || oo_seen_answered(files) || (!is_silent_too && !is_stopped)) {
		return;
	}
	struct oo_finding *finding =
		oo_rule_say(rules, OO_FAULT_PROXY_HUNG, OO_CONFIDENCE_CERTAIN,
			    "proxy hung: port %u accepts, and not even a file of its own comes",
			    (unsigned)at.port);
	ground(rules, finding);
	oo_rule_ground_exchange(finding, rules, OO_EXCHANGE_PROXY_STATIC);
	if (is_stopped) {
		oo_rule_ground(finding, "%u of its processes are stopped (state T)",
			       process->n_stopped);
		oo_rule_remedy(finding, "pkill -CONT -x nginx");
	} else {
		oo_rule_ground(finding,
			       "%u of its processes are blocked (state D), %u %% of a core",
			       process->n_blocked, process->cpu_percent);
		oo_rule_remedy(finding, "systemctl restart nginx");
	}
	explain(rules);
}

#define HEALTH OO_EXCHANGE_BIT(PROXY_HEALTH)
#define STATIC OO_EXCHANGE_BIT(PROXY_STATIC)

static const struct oo_rule table[] = {
	{0, port_taken},
	{0, config_broken},
	{HEALTH | STATIC, config_by_log},
	{HEALTH | STATIC, crashed},
	{HEALTH | STATIC, stopped},
	{HEALTH | STATIC, listens_elsewhere},
	{0, firewall},
	{HEALTH, connections_exhausted},
	{HEALTH, descriptors_exhausted},
	{HEALTH | STATIC, hung},
};
const struct oo_rule_table oo_rules_proxy = OO_RULE_TABLE(table);
