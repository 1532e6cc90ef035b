#include "agent.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>

#include "api/api.h"
#include "asked.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "change.h"
#include "checks.h"
#include "diagnosis.h"
#include "ending.h"
#include "events.h"
#include "gate.h"
#include "guard.h"
#include "hooks.h"
#include "neighbours.h"
#include "net/address.h"
#include "past.h"
#include "notices.h"
#include "presence.h"
#include "profile.h"
#include "reload.h"
#include "repair.h"
#include "routes.h"
#include "store.h"
#include "story.h"
#include "switchover.h"
#include "tenure.h"
#include "trim.h"
#include "vips.h"

/* Failed requests are tried again after this share of renew. */
#define RETRY_SHARE 5

static void notify(struct agent *agent)
{
	char text[sizeof(agent->notified)];
	size_t length = 0;

	for (unsigned g = 0; g < agent->core_config.n_groups && length < sizeof(text); g++) {
		const char *holder = oo_core_view(agent->core, g).pair->claim.node;
		int n = snprintf(text + length, sizeof(text) - length, "%s%s: %s, %s holds",
				 g == 0 ? "" : "; ", agent->group_names[g],
				 oo_role_name(oo_core_want(agent->core, g)->role),
				 holder[0] == '\0' ? "nobody" : holder);
		length += n > 0 ? (size_t)n : 0;
	}
	if (!oo_text_equal(text, agent->notified)) {
		memcpy(agent->notified, text, sizeof(text));
		(void)sd_notifyf(0, "STATUS=%s", text); /* nobody to notify is fine */
	}
}

void agent_check_leaving(struct agent *agent)
{
	agent_ending_check(agent->ending);
	agent_reload_check(agent->reload);
	if (!agent->leaving && oo_core_is_stopped(agent->core)) {
		agent->leaving = true;
		agent_presence_leave(agent->presence);
	}
	if (agent->leaving && agent_presence_is_gone(agent->presence) &&
	    agent_story_is_quiet(agent->story) && agent_repair_is_quiet(agent->repair)) {
		sd_event_exit(agent->event, 0);
	}
}

static void apply(struct agent *agent)
{
	agent_tenure_apply(agent->tenure); /* on disk before anything comes up by it */
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		struct oo_want want = agent_gate_want(agent->gates, g);
		agent_vips_apply(agent->vips[g], &want);
	}
	agent_store_apply(agent->store);
	agent_presence_apply(agent->presence);
	agent_switchovers_apply(agent->switchovers);
	agent_diagnosis_apply(agent->diagnosis);
	agent_repair_apply(agent->repair);
}

/* What applying itself has brought about: addresses that are up or down now, unsent requests. */
static bool next_report(struct agent *agent, struct oo_event *ret_event)
{
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		bool up = agent_vips_is_up(agent->vips[g]);
		const struct oo_want *want = oo_core_want(agent->core, g);
		if (want->address || want->keep) {
			agent->told_up[g] = true; /* counts as up until it is reported down */
		} else if (up != agent->told_up[g]) {
			agent->told_up[g] = up;
			*ret_event =
				(struct oo_event){.type = OO_EVENT_ADDRESS, .group = g, .up = up};
			return true;
		}
	}
	return agent_store_take_unsent(agent->store, ret_event);
}

void agent_tell(struct agent *agent, const struct oo_event *event)
{
	struct oo_event report;

	assert(!agent->telling);
	agent->telling = true;
	do {
		oo_core_step(agent->core, oo_clock_now(), event);
		if (event->type == OO_EVENT_CHECK) {
			agent_checks_tell(agent->checks, event->index);
		}
		agent_story_tell(agent->story);
		apply(agent);
		event = &report;
	} while (next_report(agent, &report));
	oo_timer_set(&agent->wake, oo_core_wake_at(agent->core));
	agent->telling = false;
	notify(agent);
	agent_notices_look(agent->notices);
	agent_check_leaving(agent);
}

static void on_wake(struct oo_timer *timer)
{
	struct agent *agent = oo_container_of(timer, struct agent, wake);
	agent_tell(agent, &(struct oo_event){.type = OO_EVENT_TIME});
}

static void on_link(void *user, const struct oo_link *link)
{
	struct agent *agent = user;
	for (size_t g = 0; g < agent->core_config.n_groups; g++) {
		agent_vips_on_link(agent->vips[g], link);
	}
}

static void on_address(void *user, int ifindex, const struct oo_address *address, bool present)
{
	struct agent *agent = user;
	for (size_t g = 0; g < agent->core_config.n_groups; g++) {
		agent_vips_on_address(agent->vips[g], ifindex, address, present);
	}
}

static void on_resync(void *user)
{
	struct agent *agent = user;
	for (size_t g = 0; g < agent->core_config.n_groups; g++) {
		agent_vips_on_resync(agent->vips[g]);
	}
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	struct agent *agent = user;
	(void)source;
	agent_ending_on_signal(agent->ending, (int)info->ssi_signo);
	return 0;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	(void)source;
	(void)info;
	agent_reload(((struct agent *)user)->reload);
	return 0;
}

static int take_signals(struct agent *agent, struct oo_err *err)
{
	static const struct {
		int number;
		sd_event_signal_handler_t handler;
	} signals[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_hangup}};
	sigset_t mask;

	sigemptyset(&mask);
	for (size_t i = 0; i < OO_LENGTH(signals); i++) {
		sigaddset(&mask, signals[i].number);
	}
	(void)sigprocmask(SIG_BLOCK, &mask, NULL); /* cannot fail with these arguments */
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < OO_LENGTH(signals); i++) {
		int r = sd_event_add_signal(agent->event, NULL, signals[i].number,
					    signals[i].handler, agent);
		if (r < 0) {
			return oo_fail(err, -r, "signal %d", signals[i].number);
		}
	}
	return 0;
}

static enum oo_zones zones_of(const struct oo_config_group *group)
{
	return oo_text_equal(group->zones, "stay")     ? OO_ZONES_STAY
	       : oo_text_equal(group->zones, "spread") ? OO_ZONES_SPREAD
						       : OO_ZONES_ANY;
}

static void core_group_config(const struct oo_config *config, const struct oo_config_group *group,
			      struct oo_core_group *ret_group)
{
	memcpy(ret_group->checks, group->checks, sizeof(ret_group->checks));
	ret_group->priority = (uint16_t)group->priority;
	ret_group->preferred = oo_config_prefers(group, config->node.zone);
	ret_group->zones = zones_of(group);
	ret_group->failback = oo_text_equal(group->failback.mode, "auto");
	ret_group->failback_delay_ms = group->failback.delay_ms;
	ret_group->failback_stable_ms = group->failback.stable_ms;
}

void agent_core_config(const struct oo_config *config, struct oo_core_config *ret_config)
{
	*ret_config = (struct oo_core_config){
		.ttl_ms = config->lease.ttl_ms,
		.renew_ms = config->lease.renew_ms,
		.margin_ms = config->lease.margin_ms,
		.retry_ms = config->lease.renew_ms / RETRY_SHARE,
		.flap_moves = (unsigned)config->flap.moves,
		.flap_window_ms = config->flap.window_ms,
		.n_groups = config->n_groups,
		.n_checks = config->n_checks,
	};
	oo_text_clip(ret_config->node, sizeof(ret_config->node), config->node.name);
	oo_text_clip(ret_config->zone, sizeof(ret_config->zone), config->node.zone);
	for (size_t g = 0; g < config->n_groups; g++) {
		core_group_config(config, &config->groups[g], &ret_config->groups[g]);
	}
	for (size_t i = 0; i < config->n_checks; i++) {
		ret_config->checks[i] = (struct oo_core_check){
			.rise = (unsigned)config->checks[i].rise,
			.fall = (unsigned)config->checks[i].fall,
			.inherits = -1,
			.optional = config->checks[i].optional,
			.shared = config->checks[i].shared,
			.notice_ms = oo_config_check_notice_ms(&config->checks[i]),
		};
	}
}

static int make_core(struct agent *agent, struct oo_err *err)
{
	uint64_t seed;
	void *room = malloc(oo_core_size());

	if (room == NULL) {
		return oo_fail(err, ENOMEM, "core");
	}
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
		free(room);
		return oo_fail(err, errno, "random numbers");
	}
	agent_core_config(agent->config, &agent->core_config);
	for (size_t g = 0; g < agent->config->n_groups; g++) {
		agent->group_names[g] = agent->config->groups[g].name;
	}
	agent->core = oo_core_init(room, &agent->core_config, seed);
	return 0;
}

int agent_gather_vips(const struct agent *agent, struct oo_address **ret_list, size_t *ret_n,
		      struct oo_err *err)
{
	size_t n = 0;

	for (unsigned g = 0; g < agent->config->n_groups; g++) {
		n += agent_vips_count(agent->vips[g]);
	}
	struct oo_address *list = calloc(n, sizeof(*list));
	if (list == NULL) {
		return oo_fail(err, ENOMEM, "addresses");
	}
	*ret_list = list;
	*ret_n = n;
	for (size_t g = 0; g < agent->config->n_groups; g++) {
		list += agent_vips_list(agent->vips[g], list);
	}
	return 0;
}

static int make_guard(struct agent *agent, struct oo_err *err)
{
	OO_AUTO(oo_free) struct oo_address *list = NULL;
	size_t n = 0;
	bool keep = false;

	for (unsigned g = 0; g < agent->config->n_groups; g++) {
		keep = keep || agent_tenure_is_adopted(agent->tenure, g);
	}
	int r = agent_gather_vips(agent, &list, &n, err);
	return r < 0 ? r
		     : agent_guard_new(agent, &(struct oo_address_set){.list = list, .n = n}, keep,
				       &agent->guard, err);
}

static int make_net(struct agent *agent, struct oo_err *err)
{
	static const struct oo_net_callbacks callbacks = {
		.link = on_link, .address = on_address, .resync = on_resync};
	int r = oo_net_new(agent->event, &callbacks, agent, &agent->net, err);
	r = r < 0 ? r : oo_net_check_rights(agent->net, err);
	for (unsigned g = 0; r == 0 && g < agent->config->n_groups; g++) {
		r = agent_vips_new(agent, g, &agent->vips[g], err);
	}
	r = r < 0 ? r : make_guard(agent, err);
	for (unsigned g = 0; r == 0 && g < agent->config->n_groups; g++) {
		r = agent_vips_find(agent->vips[g], agent_tenure_is_adopted(agent->tenure, g), err);
	}
	agent->looked = r == 0;
	return r;
}

int agent_make_api(struct agent *agent, struct oo_err *err)
{
	const struct oo_config_api *config = &agent->config->api;
	char listen[80];
	const struct oo_api_tls tls = {config->tls.cert_file, config->tls.key_file};
	struct oo_api_options options = {
		.socket_path = config->socket,
		.socket_group = "ooha",
		.change_group = "ooha-admin",
		.routes = agent_routes,
		.n_routes = agent_n_routes,
		.changed = agent_asked_log,
		.user = agent,
	};
	if (config->listen.host != NULL) {
		bool v6 = strchr(config->listen.host, ':') != NULL;
		snprintf(listen, sizeof(listen), v6 ? "[%s]:%u" : "%s:%u", config->listen.host,
			 (unsigned)config->listen.port);
		options.listen = listen;
		options.tls = tls.cert_file != NULL ? &tls : NULL;
	}
	oo_api_free(agent->api); /* of before a reload: it may have the same places */
	agent->api = NULL;
	return oo_api_new(agent->event, &options, &agent->api, err);
}

static int exit_code(int r)
{
	switch (-r) {
	case EPERM:
	case EACCES:
		return OO_EXIT_NO_PERMISSION;
	case EADDRINUSE:
	case EEXIST:
		return OO_EXIT_BUSY;
	case EINVAL:
		return OO_EXIT_CONFIG;
	case ENOENT:
	case ENODEV:
	case EADDRNOTAVAIL:
		return OO_EXIT_UNAVAILABLE;
	default: /* errno is not an enum of ours */
		return OO_EXIT_SOFTWARE;
	}
}

static int make_parts(struct agent *agent, struct oo_err *err)
{
	int r = agent_events_new(agent, &agent->events, err);
	r = r < 0 ? r : take_signals(agent, err);
	r = r < 0 ? r : agent_ending_new(agent, &agent->ending, err);
	r = r < 0 ? r : agent_reload_new(agent, &agent->reload, err);
	r = r < 0 ? r : make_core(agent, err);
	r = r < 0 ? r : agent_make_api(agent, err); /* first: finds an agent that runs already */
	r = r < 0 ? r : agent_tenure_new(agent, &agent->tenure, err);
	r = r < 0 ? r : make_net(agent, err);
	r = r < 0 ? r : agent_past_new(agent, &agent->past, err);
	r = r < 0 ? r : agent_switchovers_new(agent, &agent->switchovers, err);
	r = r < 0 ? r : agent_changes_new(agent, &agent->changes, err);
	r = r < 0 ? r : agent_store_new(agent, &agent->store, err);
	r = r < 0 ? r : agent_presence_new(agent, &agent->presence, err);
	r = r < 0 ? r : agent_neighbours_new(agent, &agent->neighbours, err);
	r = r < 0 ? r : agent_story_new(agent, &agent->story, err);
	r = r < 0 ? r : agent_hooks_new(agent, &agent->hooks, err);
	r = r < 0 ? r : agent_gates_new(agent, &agent->gates, err);
	r = r < 0 ? r : agent_notices_new(agent, &agent->notices, err);
	r = r < 0 ? r : oo_transfers_new(agent->event, &agent->transfers, err);
	r = r < 0 ? r : agent_profile_new(agent, &agent->profile, err);
	r = r < 0 ? r : agent_diagnosis_new(agent, &agent->diagnosis, err);
	r = r < 0 ? r : agent_repair_new(agent, &agent->repair, err);
	r = r < 0 ? r : agent_checks_new(agent, &agent->checks, err);
	return r;
}

int agent_start(struct agent *agent, int *ret_exit, struct oo_err *err)
{
	agent->started_at = oo_clock_now();
	agent->counts.started_at_wall = oo_clock_wall();
	int r = sd_event_new(&agent->event);
	if (r < 0) {
		*ret_exit = OO_EXIT_SOFTWARE;
		return oo_fail(err, -r, "event loop");
	}
	r = oo_timer_init(&agent->wake, agent->event, on_wake);
	if (r == 0) {
		/* After a freeze a hold that is over ends before anything else happens. */
		r = sd_event_source_set_priority(agent->wake.source, SD_EVENT_PRIORITY_IMPORTANT);
	}
	r = r < 0 ? r : agent_trim_start(&agent->trim, agent->event);
	r = r < 0 ? oo_fail(err, -r, "timer") : make_parts(agent, err);
	if (r < 0) {
		*ret_exit = exit_code(r);
		return r;
	}
	(void)sd_event_set_watchdog(agent->event, true); /* only if systemd asks for it */
	for (unsigned g = 0; g < agent->config->n_groups; g++) {
		const bool adopted = agent_tenure_is_adopted(agent->tenure, g);
		agent_story_start(agent->story, g, adopted);
		agent_gate_start(agent->gates, g, adopted);
		agent_notices_start(agent->notices, g, adopted);
	}
	for (unsigned g = 0; g < agent->config->n_groups; g++) {
		agent_gate_tell_link(agent, g);
	}
	(void)sd_notify(0, "READY=1");
	return 0;
}

void agent_done(struct agent *agent)
{
	agent_reload_free(agent->reload);
	oo_api_free(agent->api);
	agent_checks_free(agent->checks);
	agent_repair_free(agent->repair);
	agent_diagnosis_free(agent->diagnosis);
	agent_profile_free(agent->profile);
	oo_transfers_free(agent->transfers);
	agent_notices_free(agent->notices);
	agent_gates_free(agent->gates);
	agent_hooks_free(agent->hooks);
	agent_story_free(agent->story);
	agent_neighbours_free(agent->neighbours);
	agent_presence_free(agent->presence);
	agent_tenure_free(agent->tenure);
	agent_store_free(agent->store);
	agent_past_free(agent->past);
	agent_switchovers_free(agent->switchovers);
	agent_changes_free(agent->changes);
	bool up = false;
	for (size_t g = 0; g < OO_CORE_GROUPS_MAX; g++) {
		up = up || (agent->vips[g] != NULL && agent_vips_is_up(agent->vips[g]));
		agent_vips_free(agent->vips[g]);
	}
	agent_guard_free(agent->guard, agent->looked && !up);
	oo_net_free(agent->net);
	free(agent->core);
	oo_timer_done(&agent->wake);
	oo_timer_done(&agent->trim);
	agent_ending_free(agent->ending);
	agent_events_free(agent->events);
	sd_event_unref(agent->event);
}
