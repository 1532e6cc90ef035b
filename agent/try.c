#include "try.h"

#include <stdio.h>

#include "agent.h"
#include "base/cleanup.h"
#include "etcd/etcd.h"
#include "pace.h"
#include "store.h"

#define TRY_MS 3000
#define TRIES (AGENT_PACE_SAMPLES + 1) /* the first one connects */

struct trial {
	struct agent agent; /* of it only the loop */
	const struct oo_config *config;
	struct oo_etcd *etcd; /* owned */
	struct agent_pace pace;
	int64_t until, sent_us;
	unsigned n;
};

static int ask(struct trial *trial);

static void on_answer(void *user, int r, const struct oo_etcd_answer *answer,
		      const struct oo_err *err)
{
	struct trial *trial = user;
	(void)answer;
	(void)err;
	if (r == 0 && trial->n++ > 0) {
		(void)agent_pace_note(&trial->pace, &trial->config->lease,
				      oo_clock_now_us() - trial->sent_us);
	}
	if (r < 0 || trial->n == TRIES || ask(trial) < 0) {
		(void)sd_event_exit(trial->agent.event, 0);
	}
}

static int ask(struct trial *trial)
{
	char key[AGENT_KEY_LENGTH];
	const struct oo_etcd_call call = {
		.deadline = trial->until, .done = on_answer, .user = trial};

	snprintf(key, sizeof(key), "/ooha/%s/check", trial->config->cluster);
	trial->sent_us = oo_clock_now_us();
	return oo_etcd_try(trial->etcd, key, &call, NULL);
}

void agent_try_etcd(const struct oo_config *config)
{
	struct trial trial = {.config = config, .until = oo_clock_now() + TRY_MS};
	char text[AGENT_PACE_LENGTH];
	struct oo_err err;

	if (sd_event_new(&trial.agent.event) < 0) {
		return;
	}
	if (agent_store_new_client(&trial.agent, config, &trial.etcd, &err) == 0 &&
	    ask(&trial) == 0) {
		(void)sd_event_loop(trial.agent.event);
	}
	if (trial.pace.is_tight) {
		fprintf(stderr, "warning: %s\n",
			agent_pace_explain(&trial.pace, &config->lease, text));
	}
	oo_etcd_free(trial.etcd);
	sd_event_unref(trial.agent.event);
}
