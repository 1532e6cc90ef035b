#include "reload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "compare.h"
#include "ending.h"
#include "etcd/etcd.h"
#include "journal.h"
#include "profile.h"
#include "reconfigure.h"
#include "store.h"

#define TRIAL_MS 3000 /* for another etcd to answer, with an election */

struct agent_reload {
	struct agent *agent;
	struct oo_config *next; /* owned; while its etcd is tried, as the next */
	struct oo_etcd *etcd;
	struct oo_timer timer; /* the trial has ended: no client may be freed in its own answer */
	struct oo_err trial;   /* what was wrong with it; "" if nothing */
	uint32_t gone;         /* bit g: group g is not in next */
	bool leaving;          /* they are being given up */
	char problem[OO_ERR_LENGTH];
};

/* Groups that were being given up: as ever, unless the next file is without them, too. */
static void keep_after_all(struct agent *agent)
{
	for (size_t i = 0; i < agent->config->n_checks; i++) {
		agent->core_config.checks[i].inherits = (int)i;
	}
	oo_core_set_config(agent->core, &agent->core_config);
}

static void drop(struct agent_reload *reload)
{
	oo_timer_set(&reload->timer, OO_NEVER);
	oo_etcd_free(reload->etcd);
	oo_config_free(reload->next);
	reload->etcd = NULL;
	reload->next = NULL;
	if (reload->leaving) {
		keep_after_all(reload->agent);
		reload->leaving = false;
	}
}

/* The one end of each reload. */
static void finish(struct agent_reload *reload, int r, const struct oo_err *err)
{
	if (r < 0) {
		agent_say(OO_LOG_ERROR, &(struct agent_said){.message = AGENT_MESSAGE_NOT_RELOADED},
			  "not reloaded: %s", err->text);
		drop(reload);
	} else {
		agent_say(OO_LOG_INFO, &(struct agent_said){.message = AGENT_MESSAGE_RELOADED},
			  "reloaded %s", reload->agent->config_path);
	}
	oo_text_clip(reload->problem, sizeof(reload->problem), r < 0 ? err->text : "");
	(void)sd_notify(0, "READY=1");
}

static void give_up(struct agent_reload *reload)
{
	struct agent *agent = reload->agent;

	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		if ((reload->gone & 1u << g) != 0) {
			oo_log(OO_LOG_NOTICE, "%s: is not configured any more: given up",
			       agent->group_names[g]);
			oo_core_retire(agent->core, g);
		}
	}
	reload->leaving = true;
	agent_tell(agent, &(struct oo_event){.type = OO_EVENT_TIME});
}

void agent_reload_check(struct agent_reload *reload)
{
	struct agent *agent = reload->agent;

	for (unsigned g = 0; reload->leaving && g < agent->core_config.n_groups; g++) {
		if ((reload->gone & 1u << g) != 0 && !oo_core_is_retired(agent->core, g)) {
			return;
		}
	}
	if (reload->leaving && agent_ending_try_keep(agent->ending)) {
		reload->leaving = false;
		agent->successor = oo_take_ptr(reload->next);
	}
}

static void put_in(struct agent_reload *reload)
{
	if (reload->gone != 0) {
		give_up(reload);
		return;
	}
	struct oo_config *next = reload->next;
	struct oo_etcd *etcd = reload->etcd;
	struct oo_err err;

	int r = agent_reconfigure(reload->agent, next, etcd, &err);
	if (r < 0) {
		oo_err_wrap(&err, "%s", reload->agent->config_path);
	} else { /* both are the agent's now */
		reload->next = NULL;
		reload->etcd = NULL;
		agent_profile_look(reload->agent->profile);
	}
	finish(reload, r, &err);
}

static void on_trial_over(struct oo_timer *timer)
{
	struct agent_reload *reload = oo_container_of(timer, struct agent_reload, timer);

	if (reload->trial.text[0] == '\0') {
		put_in(reload);
	} else {
		finish(reload, -EAGAIN, &reload->trial);
	}
}

static void on_tried(void *user, int r, const struct oo_etcd_answer *answer,
		     const struct oo_err *err)
{
	struct agent_reload *reload = user;
	const uint64_t known = agent_store_cluster_id(reload->agent->store);

	reload->trial.text[0] = '\0';
	if (r < 0) {
		(void)oo_fail_text(&reload->trial, EAGAIN, "%s: etcd cannot be asked like this: %s",
				   reload->agent->config_path, err->text);
	} else if (known != 0 && answer->cluster_id != known) {
		(void)oo_fail_text(&reload->trial, EINVAL,
				   "%s: etcd.endpoints: another etcd cluster (%" PRIx64
				   ", not %" PRIx64 "): stop all agents to change to it",
				   reload->agent->config_path, answer->cluster_id, known);
	}
	oo_timer_set(&reload->timer, 0);
}

/* Endpoints, login and rights in one: a read of a key of ours. */
static int try_etcd(struct agent_reload *reload, struct oo_err *err)
{
	struct agent *agent = reload->agent;
	char key[AGENT_KEY_LENGTH];

	if (!agent_store_has_room(agent->store)) {
		return oo_fail_text(err, EBUSY,
				    "etcd has changed too often in the last seconds; reload again");
	}
	int r = agent_store_new_client(agent, reload->next, &reload->etcd, err);
	agent_store_key(agent->store, key, "pause");
	const struct oo_etcd_op op = {.type = OO_ETCD_OP_RANGE, .key = key};
	const struct oo_etcd_call call = {
		.deadline = oo_clock_now() + TRIAL_MS, .done = on_tried, .user = reload};
	r = r < 0 ? r : oo_etcd_run(reload->etcd, &op, &call, NULL);
	return r < 0 && reload->etcd != NULL ? oo_fail(err, -r, "etcd") : r;
}

static int load(struct agent_reload *reload, struct oo_err *err)
{
	struct agent *agent = reload->agent;

	int r = oo_config_load(agent->config_path, &reload->next, err);
	if (r < 0) {
		return r;
	}
	r = agent_compare_align(agent->config, reload->next, &reload->gone, err);
	if (r == 0 && reload->gone != 0 &&
	    !agent_compare_is_adoptable(agent->config, reload->next, ~reload->gone)) {
		r = oo_fail_text(
			err, EINVAL,
			"groups: some are gone and others have other VIPs: take one reload "
			"for each");
	}
	if (r == 0 && agent_compare_is_other_etcd(agent->config, reload->next)) {
		r = try_etcd(reload, err);
	}
	if (r < 0) {
		oo_err_wrap(err, "%s", agent->config_path);
	}
	return r;
}

/* sd_notify(3): systemd compares the time with its own of the reload, on this very clock. */
static void notify_begin(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* never fails on Linux */
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
			 (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void agent_reload(struct agent_reload *reload)
{
	struct oo_err err;

	notify_begin();
	drop(reload);
	int r = load(reload, &err);
	if (r < 0) {
		finish(reload, r, &err);
	} else if (reload->etcd == NULL) {
		put_in(reload);
	}
}

const char *agent_reload_problem(const struct agent_reload *reload)
{
	return reload->problem;
}

int agent_reload_new(struct agent *agent, struct agent_reload **ret_reload, struct oo_err *err)
{
	struct agent_reload *reload = calloc(1, sizeof(*reload));
	if (reload == NULL) {
		return oo_fail(err, ENOMEM, "reload");
	}
	reload->agent = agent;
	int r = oo_timer_init(&reload->timer, agent->event, on_trial_over);
	if (r < 0) {
		free(reload);
		return oo_fail(err, -r, "reload's timer");
	}
	*ret_reload = reload;
	return 0;
}

void agent_reload_free(struct agent_reload *reload)
{
	if (reload != NULL) {
		drop(reload);
		oo_timer_done(&reload->timer);
		free(reload);
	}
}
