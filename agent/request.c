#include "store_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "presence.h"
#include "story.h"

/* One of the core's requests, written as a txn. Everything points into this structure or the core. */
struct draft {
	char leader[AGENT_KEY_LENGTH], beat[AGENT_KEY_LENGTH];
	char pause[AGENT_KEY_LENGTH], member[AGENT_KEY_LENGTH];
	char drain[AGENT_KEY_LENGTH], target_drain[AGENT_KEY_LENGTH], order[AGENT_KEY_LENGTH];
	struct oo_buffer leader_value, beat_value;
	struct oo_etcd_compare compare[6];
	size_t n_compare;
	struct oo_etcd_op success[5], failure[5];
	size_t n_success;
};

static void done_draft(struct draft *draft)
{
	oo_buffer_done(&draft->leader_value);
	oo_buffer_done(&draft->beat_value);
}

static void compare(struct draft *draft, const struct oo_etcd_compare *compare)
{
	assert(draft->n_compare < OO_LENGTH(draft->compare));
	draft->compare[draft->n_compare++] = *compare;
}

static void expect_value(struct draft *draft, const char *key, const char *value, size_t length)
{
	compare(draft, &(struct oo_etcd_compare){.key = key,
						 .target = OO_ETCD_TARGET_VALUE,
						 .relation = OO_ETCD_EQUAL,
						 .value = value,
						 .value_length = length});
}

static void expect_revision(struct draft *draft, const char *key, int64_t revision)
{
	compare(draft, &(struct oo_etcd_compare){.key = key,
						 .target = OO_ETCD_TARGET_MOD,
						 .relation = OO_ETCD_EQUAL,
						 .number = revision});
}

static void expect_presence(struct draft *draft, const char *key)
{
	compare(draft, &(struct oo_etcd_compare){.key = key,
						 .target = OO_ETCD_TARGET_CREATE,
						 .relation = OO_ETCD_GREATER});
}

static void expect_pair(struct draft *draft, const struct oo_pair *pair)
{
	expect_revision(draft, draft->leader, pair->claim.revision);
	expect_revision(draft, draft->beat, pair->beat.revision);
	if (pair->claim.value_length > 0) {
		expect_value(draft, draft->leader, pair->claim.value, pair->claim.value_length);
	}
	if (pair->beat.value_length > 0) {
		expect_value(draft, draft->beat, pair->beat.value, pair->beat.value_length);
	}
	expect_revision(draft, draft->pause, 0);
	expect_revision(draft, draft->drain, 0);
}

/* The order that is carried out: the lease that its key is attached to is its id, and nobody else's. */
static void expect_order(struct draft *draft, uint64_t order)
{
	compare(draft, &(struct oo_etcd_compare){.key = draft->order,
						 .target = OO_ETCD_TARGET_LEASE,
						 .relation = OO_ETCD_EQUAL,
						 .number = (int64_t)order});
}

static void put(struct draft *draft, const char *key, const struct oo_buffer *value)
{
	draft->success[draft->n_success++] = (struct oo_etcd_op){.type = OO_ETCD_OP_PUT,
								 .key = key,
								 .value = value->data,
								 .value_length = value->length};
}

static struct oo_etcd_op range(const char *key)
{
	return (struct oo_etcd_op){.type = OO_ETCD_OP_RANGE, .key = key};
}

/* The zone of a claim is that of the node it names; nobody's for a released one. */
static const char *zone_of(const struct agent_store *store, const char *node)
{
	if (oo_text_equal(node, store->agent->config->node.name)) {
		return store->agent->config->node.zone;
	}
	for (size_t i = 0; i < store->n_members; i++) {
		if (oo_text_equal(node, store->members[i].member.node)) {
			return store->members[i].member.zone;
		}
	}
	return "";
}

static int write_values(struct agent_store *store, struct draft *draft, unsigned group,
			const struct oo_request *request)
{
	if (request->op != OO_REQUEST_RENEW) {
		struct oo_claim_record record = {
			.node = store->agent->config->node.name,
			.zone = zone_of(store, request->node),
			.reason = request->op == OO_REQUEST_MARK
					  ? "there was no claim"
					  : agent_story_reason(store->agent->story, group),
			.acquired_at = oo_clock_wall(),
			.request = request,
			.ages = agent_story_ages(store->agent->story, group),
		};
		int r = oo_record_write_claim(&record, &draft->leader_value);
		if (r < 0) {
			return r;
		}
	}
	return oo_record_write_beat(request->nonce, request->beat, &draft->beat_value);
}

static int write_draft(struct agent_store *store, struct draft *draft, unsigned group,
		       const struct oo_request *request)
{
	const char *name = store->agent->group_names[group];
	agent_store_key(store, draft->leader, "groups/%s/leader", name);
	agent_store_key(store, draft->beat, "groups/%s/beat", name);
	agent_store_key(store, draft->pause, "pause");
	agent_store_key(store, draft->drain, "drain/%s", store->agent->config->node.name);
	agent_store_key(store, draft->order, "groups/%s/request", name);
	oo_buffer_init(&draft->leader_value, OO_CORE_VALUE_LENGTH);
	oo_buffer_init(&draft->beat_value, OO_CORE_BEAT_LENGTH);
	int r = write_values(store, draft, group, request);
	if (r < 0) {
		return r;
	}
	if (request->op == OO_REQUEST_CLAIM) {
		expect_pair(draft, request->expect);
	} else if (request->op == OO_REQUEST_MARK) {
		expect_revision(draft, draft->leader, 0);
	} else {
		expect_value(draft, draft->leader, request->expect->claim.value,
			     request->expect->claim.value_length);
	}
	if (request->op == OO_REQUEST_RENEW) {
		expect_presence(draft, draft->beat);
	}
	if (request->op == OO_REQUEST_YIELD && request->node[0] != '\0') {
		agent_store_key(store, draft->member, "members/%s", request->node);
		agent_store_key(store, draft->target_drain, "drain/%s", request->node);
		expect_presence(draft, draft->member);
		expect_revision(draft, draft->target_drain, 0);
	}
	if (request->order != 0) {
		expect_order(draft, request->order);
	}
	if (request->op != OO_REQUEST_RENEW) {
		put(draft, draft->leader, &draft->leader_value);
	}
	put(draft, draft->beat, &draft->beat_value);
	if (request->op != OO_REQUEST_RENEW) {
		draft->success[draft->n_success++] = range(draft->leader);
		draft->success[draft->n_success++] = range(draft->beat);
	}
	if (request->order != 0) { /* carried out: once */
		draft->success[draft->n_success++] =
			(struct oo_etcd_op){.type = OO_ETCD_OP_DELETE, .key = draft->order};
	}
	draft->failure[0] = range(draft->leader);
	draft->failure[1] = range(draft->beat);
	draft->failure[2] = range(draft->pause);
	draft->failure[3] = range(draft->drain);
	draft->failure[4] = range(draft->order);
	return 0;
}

void agent_store_pair(const struct agent_store *store, const struct oo_etcd_result *leader,
		      const struct oo_etcd_result *beat, struct oo_pair *ret_pair)
{
	ret_pair->claim = (struct oo_claim){0};
	ret_pair->beat = (struct oo_beat){0};
	if (leader->n_kvs > 0) {
		oo_record_read_claim(leader->kvs[0].value, leader->kvs[0].value_length,
				     &ret_pair->claim);
		agent_store_doubt(store, &ret_pair->claim);
		ret_pair->claim.revision = leader->kvs[0].mod_revision;
	}
	if (beat->n_kvs > 0) {
		oo_record_read_beat(beat->kvs[0].value, beat->kvs[0].value_length, &ret_pair->beat);
		ret_pair->beat.revision = beat->kvs[0].mod_revision;
	}
}

static bool read_refusal(const struct oo_etcd_answer *answer, struct oo_order *order,
			 struct oo_event *event)
{
	const struct oo_etcd_result *results = answer->results;
	struct oo_order_text text;

	if (answer->n_results != 5) {
		return false;
	}
	event->outcome = OO_OUTCOME_REFUSED;
	event->paused = results[2].n_kvs > 0;
	event->drained = results[3].n_kvs > 0;
	*order = (struct oo_order){0};
	if (results[4].n_kvs > 0) {
		oo_record_read_order(results[4].kvs[0].value, results[4].kvs[0].lease, order,
				     &text);
	}
	event->orders = order;
	return true;
}

/* A renewal that succeeded reads nothing. */
static bool read_answer(const struct call *call, const struct oo_etcd_answer *answer,
			struct oo_pair *pair, struct oo_order *order, struct oo_event *event)
{
	event->revision = answer->revision;
	if (answer->succeeded) {
		event->outcome = OO_OUTCOME_DONE;
		if (call->op == OO_REQUEST_RENEW) {
			return answer->n_results == 1;
		}
		if (answer->n_results != (call->order == 0 ? 4 : 5) ||
		    answer->results[2].n_kvs != 1) {
			return false;
		}
		agent_store_pair(call->store, &answer->results[2], &answer->results[3], pair);
		if (pair->claim.nonce != call->nonce) {
			return false; /* what was put is not what is read: believe neither */
		}
	} else if (read_refusal(answer, order, event)) {
		agent_store_pair(call->store, &answer->results[0], &answer->results[1], pair);
	} else {
		return false;
	}
	event->pairs = pair;
	return true;
}

static void on_answer(void *user, int r, const struct oo_etcd_answer *answer,
		      const struct oo_err *err)
{
	struct call *call = user;
	struct agent_store *store = call->store;
	struct oo_pair pair;
	struct oo_order order;
	struct oo_event event = {.type = OO_EVENT_ANSWER, .group = call->group, .seq = call->seq};

	if (r == 0 && !read_answer(call, answer, &pair, &order, &event)) {
		event.outcome = OO_OUTCOME_UNKNOWN;
		event.pairs = NULL;
	}
	call->busy = false;
	if (call->op == OO_REQUEST_RENEW) {
		agent_counts_renewal(&store->agent->counts.groups[call->group], event.outcome,
				     oo_clock_now_us() - call->sent_us);
	}
	if (r == 0) {
		agent_pace_tell(&store->pace, &store->agent->config->lease,
				oo_clock_now_us() - call->sent_us);
	}
	agent_store_note(store, AGENT_AFFAIR_CLAIM, r, err);
	agent_tell(store->agent, &event);
}

static struct call *free_call(struct agent_store *store)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		if (!store->calls[i].busy) {
			return &store->calls[i];
		}
	}
	return NULL;
}

int agent_store_send(struct agent_store *store, unsigned group, const struct oo_request *request)
{
	OO_AUTO(done_draft) struct draft draft = {0};
	struct call *call = free_call(store);
	if (call == NULL) {
		return -EBUSY;
	}
	int r = write_draft(store, &draft, group, request);
	if (r < 0) {
		return r;
	}
	*call = (struct call){.store = store,
			      .group = group,
			      .seq = request->seq,
			      .nonce = request->nonce,
			      .order = request->order,
			      .op = request->op,
			      .sent_us = oo_clock_now_us()};
	struct oo_etcd_txn txn = {
		.compare = draft.compare,
		.n_compare = draft.n_compare,
		.success = draft.success,
		.n_success = draft.n_success,
		.failure = draft.failure,
		.n_failure = OO_LENGTH(draft.failure),
	};
	struct oo_etcd_call etcd_call = {
		.deadline = oo_clock_now() + store->agent->config->lease.request_timeout_ms,
		.hedge = true,
		.done = on_answer,
		.user = call,
	};
	r = oo_etcd_txn(store->etcd, &txn, &etcd_call, NULL);
	call->busy = r == 0;
	return r;
}
