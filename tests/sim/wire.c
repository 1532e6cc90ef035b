/* What is on its way, between agents and etcd: late, lost, doubled and out of order. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define REQUESTS_MAX 8192
#define PARCELS_MAX 16384

void sim_wire_init(struct sim *sim)
{
	if (sim->requests == NULL) {
		sim->requests = malloc(REQUESTS_MAX * sizeof(sim->requests[0]));
		sim->parcels = malloc(PARCELS_MAX * sizeof(sim->parcels[0]));
		sim->free_requests = malloc(REQUESTS_MAX * sizeof(sim->free_requests[0]));
		sim->free_parcels = malloc(PARCELS_MAX * sizeof(sim->free_parcels[0]));
	}
	for (uint32_t i = 0; i < REQUESTS_MAX; i++) {
		sim->free_requests[i] = REQUESTS_MAX - 1 - i;
	}
	for (uint32_t i = 0; i < PARCELS_MAX; i++) {
		sim->free_parcels[i] = PARCELS_MAX - 1 - i;
	}
	sim->n_free_requests = REQUESTS_MAX;
	sim->n_free_parcels = PARCELS_MAX;
}

struct sim_parcel *sim_wire_parcel(struct sim *sim, uint32_t id)
{
	return &sim->parcels[id];
}

void sim_wire_release_parcel(struct sim *sim, uint32_t id)
{
	if (--sim->parcels[id].references == 0) {
		sim->free_parcels[sim->n_free_parcels++] = id;
	}
}

void sim_wire_release_request(struct sim *sim, uint32_t id)
{
	if (--sim->requests[id].references == 0) {
		sim->free_requests[sim->n_free_requests++] = id;
	}
}

static uint32_t new_parcel(struct sim *sim)
{
	if (sim->n_free_parcels == 0) {
		abort();
	}
	uint32_t id = sim->free_parcels[--sim->n_free_parcels];
	struct sim_parcel *parcel = &sim->parcels[id];
	parcel->references = 0;
	parcel->news = 0;
	parcel->group = 0;
	parcel->done = false;
	parcel->store = sim->store;
	return id;
}

static void push_of_request(struct sim *sim, int64_t at, enum sim_event_type type, uint32_t id)
{
	sim->requests[id].references++;
	sim_push(sim, at,
		 (struct sim_event){
			 .type = (uint8_t)type, .agent = sim->requests[id].agent, .id = id});
}

/* The agent gives up by itself; not queued while it is sure to be answered in time. */
static void need_deadline(struct sim *sim, uint32_t id)
{
	struct sim_request *request = &sim->requests[id];
	if (!request->has_deadline) {
		request->has_deadline = true;
		push_of_request(sim, request->sent_at + sim->timeout, SIM_DEADLINE, id);
	}
}

/* A lost or late renewal is commonplace; of claims and hand-overs there are few. */
static int64_t delay_of(struct sim *sim, const struct sim_request *request)
{
	bool precious = request->kind == SIM_TXN && request->op != OO_REQUEST_RENEW;
	return precious ? sim_spite(sim) : sim_delay(sim);
}

static void send_copy(struct sim *sim, uint32_t id, int64_t at)
{
	const struct sim_agent *agent = &sim->agents[sim->requests[id].agent];
	if (agent->cut_until > at || (!sim->calm && sim_chance(sim, sim->loss_permille))) {
		return;
	}
	push_of_request(sim, at + delay_of(sim, &sim->requests[id]), SIM_ARRIVE, id);
}

void sim_wire_send(struct sim *sim, const struct sim_request *request)
{
	if (sim->n_free_requests == 0) {
		abort();
	}
	uint32_t id = sim->free_requests[--sim->n_free_requests];
	sim->requests[id] = *request;
	sim->requests[id].references = 1; /* ours, in here */
	sim->requests[id].sent_at = sim->now;
	send_copy(sim, id, sim->now);
	if (!sim->calm || sim->agents[request->agent].cut_until > sim->now) {
		need_deadline(sim, id);
		if (sim_chance(sim, 300)) { /* hedged: no answer within a short while */
			send_copy(sim, id, sim->now + sim->hedge_after);
		}
		if (sim_chance(sim, 50)) {
			send_copy(sim, id, sim->now);
		}
	}
	sim_wire_release_request(sim, id);
}

static const char *op_name(const struct sim_request *request)
{
	switch (request->op) {
	case OO_REQUEST_CLAIM:
		return "claim";
	case OO_REQUEST_RENEW:
		return "renewal";
	case OO_REQUEST_YIELD:
		return request->node >= 0 ? "offer" : "release";
	case OO_REQUEST_RECLAIM:
		return "fresh claim";
	case OO_REQUEST_MARK:
		return "mark";
	case OO_REQUEST_NONE:
		break;
	}
	return "?";
}

void sim_wire_arrive(struct sim *sim, uint32_t id)
{
	struct sim_request *request = &sim->requests[id];
	const struct sim_agent *agent = &sim->agents[request->agent];

	if (sim_etcd_is_down(sim) || request->sent_at < sim->etcd_restored_at) {
		need_deadline(sim, id);
		return;
	}
	bool done = sim_etcd_carry_out(sim, request);
	bool late = sim->now - request->sent_at > sim->timeout;
	if (request->kind == SIM_TXN && (request->op != OO_REQUEST_RENEW || late || !done)) {
		TELL(sim, "etcd: %s %llx of %s for group %u%s, sent %.6f: %s, revision %lld",
		     op_name(request), (unsigned long long)request->nonce & 0xffff,
		     sim_node(request->agent), request->group,
		     request->node >= 0 && request->node != request->agent ? sim_node(request->node)
									   : "",
		     (double)request->sent_at / 1e6, done ? "done" : "refused",
		     (long long)sim->store.revision);
	}
	int64_t at = sim->now + delay_of(sim, request);
	if (at >= request->sent_at + sim->timeout) {
		need_deadline(sim, id);
	}
	if (agent->cut_until > sim->now || agent->deaf_until > sim->now ||
	    (!sim->calm && sim_chance(sim, sim->loss_permille))) {
		need_deadline(sim, id);
		return;
	}
	uint32_t parcel = new_parcel(sim);
	sim->parcels[parcel].references = 1;
	sim->parcels[parcel].done = done;
	sim->parcels[parcel].request = id;
	request->references++;
	sim_push(sim, at,
		 (struct sim_event){.type = SIM_ANSWER, .agent = request->agent, .id = parcel});
}

static void push_watch(struct sim *sim, unsigned agent, int64_t at, uint32_t parcel)
{
	sim->parcels[parcel].references++;
	sim_push(sim, at,
		 (struct sim_event){.type = SIM_WATCH, .agent = (uint8_t)agent, .id = parcel});
}

/* In order on each stream, with a lag of its own; sometimes the same once more, much later. */
void sim_wire_announce(struct sim *sim, unsigned group, unsigned news)
{
	uint32_t id = new_parcel(sim);
	struct sim_parcel *parcel = &sim->parcels[id];

	parcel->references = 1;
	parcel->group = (uint8_t)group;
	parcel->news = (uint8_t)news;
	for (unsigned i = 0; i < sim->n_agents; i++) {
		struct sim_agent *agent = &sim->agents[i];
		if (!agent->alive || sim->now < agent->watch_from || agent->cut_until > sim->now ||
		    agent->deaf_until > sim->now) {
			continue;
		}
		int64_t at = sim->now + sim_between(sim, 200, 3000) + (sim->calm ? 0 : agent->lag);
		if (at < agent->watch_last_at) {
			at = agent->watch_last_at;
		}
		agent->watch_last_at = at;
		push_watch(sim, i, at, id);
		if (!sim->calm && sim_chance(sim, 50)) {
			push_watch(sim, i, at + sim_delay(sim), id);
		}
	}
	sim_wire_release_parcel(sim, id);
}
