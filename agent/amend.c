#include "amend.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "diagnosis.h"
#include "etcd/etcd.h"
#include "records.h"
#include "store.h"

#define DEADLINE_MS 2000
#define RECORD_BYTES_MAX (64 << 10)
#define AGAIN_MS 500
#define TRIES_MAX 10
/* A hand-over longer ago than that had another cause. */
#define HANDED_OVER_MS 30000

/* One group's record. */
struct record {
	char key[AGENT_KEY_LENGTH];
	unsigned tries_left;          /* 0: it is done, or given up */
	int64_t revision;             /* of the claim that it is about */
	struct agent_verdict verdict; /* that it has, or gets */
};

struct agent_amend {
	struct agent *agent;
	struct record records[OO_CORE_GROUPS_MAX];
	struct oo_timer timer;
	struct oo_etcd_request *request; /* under way, for records[current]; NULL: none */
	unsigned current;
	int64_t asked_revision, asked_at; /* what it was about when that was asked */
};

/* Whether the VIPs of a group left this node by its own offer, just now, as it was ill. */
static bool was_handed_over(const struct agent *agent, unsigned group)
{
	struct oo_core_view view = oo_core_view(agent->core, group);
	const struct oo_claim *claim = &view.pair->claim;
	struct oo_claim_text text;

	if (!view.known || view.eligible != OO_HEALTH_DOWN || claim->kind != OO_CLAIM_OFFERED ||
	    oo_text_equal(claim->node, agent->config->node.name) ||
	    oo_clock_now() - view.role_since > HANDED_OVER_MS) {
		return false;
	}
	oo_record_read_claim_text(claim, &text);
	return oo_text_equal(text.by, agent->config->node.name);
}

static struct json_object *new_diagnosis(const struct agent_verdict *verdict)
{
	char at[32];
	struct json_object *object = json_object_new_object();
	oo_record_time(oo_clock_wall() - (oo_clock_now() - verdict->at), at);
	json_object_object_add(object, "at", json_object_new_string(at));
	json_object_object_add(object, "cause", json_object_new_string(verdict->fault));
	json_object_object_add(object, "layer", json_object_new_string(verdict->layer));
	json_object_object_add(object, "confidence", json_object_new_string(verdict->confidence));
	json_object_object_add(object, "summary", json_object_new_string(verdict->summary));
	json_object_object_add(object, "remedy", json_object_new_string(verdict->remedy));
	return object;
}

static struct oo_etcd_call call(struct agent_amend *amend, oo_etcd_fn *done)
{
	return (struct oo_etcd_call){
		.deadline = oo_clock_now() + DEADLINE_MS, .done = done, .user = amend};
}

static void on_written(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct agent_amend *amend = user;
	(void)err; /* tried again */
	amend->request = NULL;
	struct record *record = &amend->records[amend->current];
	if (r == 0 && answer->succeeded && amend->asked_revision == record->revision &&
	    amend->asked_at == record->verdict.at) {
		record->tries_left = 0;
	}
	oo_timer_set(&amend->timer, oo_clock_now() + AGAIN_MS);
}

/* Puts the record back with the diagnosis in it, if it still is what was read. */
static int write_amended(struct agent_amend *amend, const struct oo_etcd_kv *kv)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer value;
	oo_buffer_init(&value, RECORD_BYTES_MAX);
	int r = oo_record_add(kv->value, "diagnosis",
			      new_diagnosis(&amend->records[amend->current].verdict), &value);
	if (r < 0) {
		return r;
	}
	const struct oo_etcd_compare same = {.key = kv->key,
					     .target = OO_ETCD_TARGET_MOD,
					     .relation = OO_ETCD_EQUAL,
					     .number = kv->mod_revision};
	const struct oo_etcd_op op = {.type = OO_ETCD_OP_PUT,
				      .key = kv->key,
				      .value = value.data,
				      .value_length = value.length};
	const struct oo_etcd_txn txn = {
		.compare = &same, .n_compare = 1, .success = &op, .n_success = 1};
	struct oo_etcd_call etcd_call = call(amend, on_written);
	return oo_etcd_txn(agent_store_etcd(amend->agent->store), &txn, &etcd_call,
			   &amend->request);
}

static void on_read(void *user, int r, const struct oo_etcd_answer *answer,
		    const struct oo_err *err)
{
	struct agent_amend *amend = user;
	(void)err; /* tried again */
	amend->request = NULL;
	const struct record *record = &amend->records[amend->current];
	if (r < 0 || answer->n_results != 1 || answer->results[0].n_kvs != 1 ||
	    amend->asked_revision != record->revision ||
	    write_amended(amend, &answer->results[0].kvs[0]) < 0) {
		oo_timer_set(&amend->timer, oo_clock_now() + AGAIN_MS);
	}
}

static void on_timer(struct oo_timer *timer)
{
	struct agent_amend *amend = oo_container_of(timer, struct agent_amend, timer);
	struct oo_etcd_call etcd_call = call(amend, on_read);

	if (amend->request != NULL) {
		return; /* its answer sets the timer */
	}
	for (unsigned g = 0; g < amend->agent->core_config.n_groups; g++) {
		struct record *record = &amend->records[g];
		const struct oo_etcd_op op = {.type = OO_ETCD_OP_RANGE, .key = record->key};
		if (record->tries_left == 0) {
			continue;
		}
		record->tries_left--;
		amend->current = g;
		amend->asked_revision = record->revision;
		amend->asked_at = record->verdict.at;
		if (oo_etcd_run(agent_store_etcd(amend->agent->store), &op, &etcd_call,
				&amend->request) < 0) {
			oo_timer_set(&amend->timer, oo_clock_now() + AGAIN_MS);
		}
		return;
	}
}

void agent_amend_apply(struct agent_amend *amend, const struct agent_verdict *verdict)
{
	for (unsigned g = 0; g < amend->agent->core_config.n_groups; g++) {
		struct record *record = &amend->records[g];
		int64_t revision = oo_core_view(amend->agent->core, g).pair->claim.revision;
		if ((revision == record->revision && verdict->at == record->verdict.at) ||
		    !was_handed_over(amend->agent, g)) {
			continue;
		}
		agent_store_key(amend->agent->store, record->key, "history/%016" PRId64, revision);
		record->revision = revision;
		record->verdict = *verdict;
		record->tries_left = TRIES_MAX;
		oo_timer_set(&amend->timer, 0);
	}
}

int agent_amend_new(struct agent *agent, struct agent_amend **ret_amend, struct oo_err *err)
{
	struct agent_amend *amend = calloc(1, sizeof(*amend));
	if (amend == NULL) {
		return oo_fail(err, ENOMEM, "history");
	}
	amend->agent = agent;
	int r = oo_timer_init(&amend->timer, agent->event, on_timer);
	if (r < 0) {
		free(amend);
		return oo_fail(err, -r, "timer");
	}
	*ret_amend = amend;
	return 0;
}

void agent_amend_free(struct agent_amend *amend)
{
	if (amend == NULL) {
		return;
	}
	if (amend->request != NULL) {
		oo_etcd_cancel(amend->request);
	}
	oo_timer_done(&amend->timer);
	free(amend);
}
