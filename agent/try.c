#include "try.h"

#include <stdio.h>

#include "agent.h"
#include "base/cleanup.h"
#include "etcd/etcd.h"
#include "pace.h"
#include "store.h"

#define TRY_MS 3000
#define TRIES (AGENT_PACE_SAMPLES + 1) /* the first one connects */

struct
try {
	struct agent agent; /* of it only the loop */
	const struct oo_config *config;
	struct oo_etcd *etcd; /* owned */
	struct agent_pace pace;
	int64_t until, sent_us;
	unsigned n;
};

static int ask(struct try *try);

static void on_answer(void *user, int r, const struct oo_etcd_answer *answer,
		      const struct oo_err *err)
{
	struct try *try = user;
	(void)answer;
	(void)err;
	if (r == 0 && try->n++ > 0) {
		(void)agent_pace_note(&try->pace, &try->config->lease,
				      oo_clock_now_us() - try->sent_us);
	}
	if (r < 0 || try->n == TRIES || ask(try) < 0) {
		(void)sd_event_exit(try->agent.event, 0);
	}
}

/* As a renewal it goes through a majority; a version is never below 0, so nothing is put. */
static int ask(struct try *try)
{
	char key[AGENT_KEY_LENGTH];
	snprintf(key, sizeof(key), "/ooha/%s/check", try->config->cluster);
	const struct oo_etcd_compare never = {
		.key = key, .target = OO_ETCD_TARGET_VERSION, .relation = OO_ETCD_LESS};
	const struct oo_etcd_op put = {.type = OO_ETCD_OP_PUT, .key = key, .value = ""};
	const struct oo_etcd_op look = {.type = OO_ETCD_OP_RANGE, .key = key};
	const struct oo_etcd_txn txn = {.compare = &never,
					.n_compare = 1,
					.success = &put,
					.n_success = 1,
					.failure = &look,
					.n_failure = 1};
	const struct oo_etcd_call call = {.deadline = try->until, .done = on_answer, .user = try};
	try->sent_us = oo_clock_now_us();
	return oo_etcd_txn(try->etcd, &txn, &call, NULL);
}

void agent_try_etcd(const struct oo_config *config)
{
	struct try try = {.config = config, .until = oo_clock_now() + TRY_MS};
	char text[AGENT_PACE_LENGTH];
	struct oo_err err;

	if (sd_event_new(&try.agent.event) < 0) {
		return;
	}
	if (agent_store_new_client(&try.agent, config, &try.etcd, &err) == 0 && ask(&try) == 0) {
		(void)sd_event_loop(try.agent.event);
	}
	if (try.pace.is_tight) {
		fprintf(stderr, "warning: %s\n",
			agent_pace_explain(&try.pace, &config->lease, text));
	}
	oo_etcd_free(try.etcd);
	sd_event_unref(try.agent.event);
}
