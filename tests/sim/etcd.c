/* The store, and what a request does to it. */
#include "sim.h"

#include <string.h>

bool sim_etcd_is_down(const struct sim *sim)
{
	return sim->now < sim->etcd_down_until;
}

static bool is_equal_pair(const struct sim_pair *one, const struct sim_pair *other)
{
	return one->claim.value == other->claim.value &&
	       one->claim.revision == other->claim.revision &&
	       one->beat.value == other->beat.value && one->beat.revision == other->beat.revision;
}

static bool compares(const struct sim *sim, const struct sim_request *request)
{
	const struct sim_pair *pair = &sim->store.pairs[request->group];

	switch (request->op) {
	case OO_REQUEST_CLAIM:
		return is_equal_pair(pair, &request->expect) && !sim->store.paused &&
		       !sim->store.drained[request->agent];
	case OO_REQUEST_YIELD:
		return pair->claim.value == request->expect.claim.value &&
		       (request->node < 0 || (sim->store.members[request->node].present &&
					      !sim->store.drained[request->node])) &&
		       (request->order == 0 ||
			request->order == sim->store.orders[request->group].id);
	case OO_REQUEST_RENEW:
		return pair->claim.value == request->expect.claim.value && pair->beat.revision != 0;
	case OO_REQUEST_RECLAIM:
		return pair->claim.value == request->expect.claim.value;
	case OO_REQUEST_MARK:
		return pair->claim.revision == 0;
	case OO_REQUEST_NONE:
		break;
	}
	return false;
}

static void put_claim(struct sim *sim, const struct sim_request *request)
{
	sim->store.pairs[request->group].claim = (struct sim_claim){
		.revision = sim->store.revision,
		.nonce = request->nonce,
		.ends = request->ends,
		.epoch = request->epoch,
		.ttl_ms = request->ttl_ms,
		.kind = request->claim_kind,
		.chosen = request->chosen,
		.node = request->node,
		.zone = request->node >= 0 ? sim->agents[request->node].file.zone : "",
		.value = request->nonce,
	};
}

static bool carry_out_txn(struct sim *sim, const struct sim_request *request)
{
	if (!compares(sim, request)) {
		return false;
	}
	if (request->op == OO_REQUEST_YIELD) {
		sim_judge_yield(sim, request);
	}
	sim->store.revision++;
	if (request->op == OO_REQUEST_RENEW) {
		sim_judge_renewal(sim, request);
		sim_tempt(sim, request->agent, 5);
	} else {
		if (request->op != OO_REQUEST_MARK) {
			sim_judge_claim(sim, request);
		}
		sim_gain_claim(sim, request);
		put_claim(sim, request);
	}
	if (request->op == OO_REQUEST_RECLAIM) {
		sim_judge_fresh_claim(sim, request);
		sim_tempt(sim, request->agent, 100);
	}
	sim->store.pairs[request->group].beat = (struct sim_beat){
		.revision = sim->store.revision, .value = request->nonce * 31 + request->beat + 1};
	unsigned news =
		request->op == OO_REQUEST_RENEW ? SIM_NEWS_BEAT : SIM_NEWS_CLAIM | SIM_NEWS_BEAT;
	if (request->order != 0) {
		sim->store.orders[request->group] = (struct sim_order){0};
		news |= SIM_NEWS_ORDER;
	}
	sim_wire_announce(sim, request->group, news);
	return true;
}

bool sim_etcd_carry_out(struct sim *sim, const struct sim_request *request)
{
	sim->agents[request->agent].heard_at = sim->now;
	switch (request->kind) {
	case SIM_TXN:
		return carry_out_txn(sim, request);
	case SIM_MEMBER:
		sim->store.revision++;
		sim->store.members[request->agent] = request->member;
		sim_wire_announce(sim, 0, SIM_NEWS_MEMBERS);
		return true;
	case SIM_READ:
		break;
	}
	return true;
}

void sim_etcd_put_pause(struct sim *sim, bool paused)
{
	sim->store.revision++;
	sim->store.paused = paused;
	sim_wire_announce(sim, 0, SIM_NEWS_PAUSE);
}

void sim_etcd_put_order(struct sim *sim, unsigned group, const struct sim_order *order)
{
	sim->store.revision++;
	sim->store.orders[group] = *order;
	sim_wire_announce(sim, group, SIM_NEWS_ORDER);
}

void sim_etcd_put_drain(struct sim *sim, unsigned agent, bool drained)
{
	sim->store.revision++;
	sim->store.drained[agent] = drained;
	sim_wire_announce(sim, 0, SIM_NEWS_DRAIN);
}

void sim_etcd_delete_by_hand(struct sim *sim, unsigned group, bool claim, bool beat)
{
	sim->store.revision++;
	if (claim) {
		memset(&sim->store.pairs[group].claim, 0, sizeof(sim->store.pairs[group].claim));
		sim_judge_era(sim, group);
	}
	if (beat) {
		memset(&sim->store.pairs[group].beat, 0, sizeof(sim->store.pairs[group].beat));
	}
	sim_wire_announce(sim, group, (claim ? SIM_NEWS_CLAIM : 0u) | (beat ? SIM_NEWS_BEAT : 0u));
}

void sim_etcd_write_nonsense(struct sim *sim, unsigned group)
{
	sim->store.revision++;
	sim->store.pairs[group].claim = (struct sim_claim){
		.revision = sim->store.revision, .node = -1, .value = ++sim->values};
	sim_judge_era(sim, group);
	sim_wire_announce(sim, group, SIM_NEWS_CLAIM);
}

void sim_etcd_drop_member(struct sim *sim, unsigned agent)
{
	if (sim->store.members[agent].present) {
		sim->store.revision++;
		sim->store.members[agent] = (struct sim_member){0};
		sim_wire_announce(sim, 0, SIM_NEWS_MEMBERS);
	}
}

void sim_etcd_lose_data(struct sim *sim, bool wipe)
{
	if (wipe) {
		sim->store = (struct sim_store){.revision = 1};
	} else {
		sim->store = sim->saved;
	}
	for (unsigned g = 0; g < sim->n_groups; g++) {
		sim_judge_era(sim, g);
	}
}

/* Only what the value has: the room behind it is not worth the copy. */
void sim_fill_claim(struct oo_claim *claim, const struct sim_claim *from)
{
	claim->revision = from->revision;
	claim->nonce = from->nonce;
	claim->ends = from->ends;
	claim->epoch = from->epoch;
	claim->chosen = from->chosen;
	claim->kind = (enum oo_claim_kind)from->kind;
	claim->ttl_ms = from->ttl_ms;
	memset(claim->node, 0, sizeof(claim->node));
	memset(claim->zone, 0, sizeof(claim->zone));
	if (from->revision != 0 && from->node >= 0) {
		memcpy(claim->node, sim_node(from->node), sizeof("node-a"));
		memcpy(claim->zone, from->zone, sizeof(claim->zone));
	}
	claim->value_length = from->revision != 0 ? sizeof(from->value) : 0;
	memcpy(claim->value, &from->value, sizeof(from->value));
}

static void fill_beat(struct oo_beat *beat, const struct sim_beat *from)
{
	beat->revision = from->revision;
	beat->value_length = from->revision != 0 ? sizeof(from->value) : 0;
	memcpy(beat->value, &from->value, sizeof(from->value));
}

void sim_fill_pair(struct oo_pair *pair, const struct sim_pair *from)
{
	sim_fill_claim(&pair->claim, &from->claim);
	fill_beat(&pair->beat, &from->beat);
}

struct oo_order sim_order(const struct sim_order *from)
{
	struct oo_order order = {.id = from->id, .valid_ms = from->valid_ms};
	if (from->id != 0) {
		memcpy(order.from, sim_node(from->from), sizeof("node-a"));
	}
	if (from->id != 0 && from->target >= 0) {
		memcpy(order.target, sim_node(from->target), sizeof("node-a"));
	}
	return order;
}
