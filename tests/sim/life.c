/* How an agent's life begins and ends, and what is left for the next one. */
#include "sim.h"

#include <string.h>

void sim_life_note(struct sim *sim, unsigned index)
{
	struct sim_agent *agent = &sim->agents[index];

	for (unsigned g = 0; g < sim->n_groups; g++) {
		struct sim_tenure *tenure = &agent->tenures[g];
		struct oo_core_view view = oo_core_view(agent->core, g);
		tenure->epoch = view.epoch;
		tenure->held = view.mine != NULL;
		if (view.mine != NULL && view.mine->nonce != tenure->claim.nonce) {
			tenure->claim = *view.mine;
		}
	}
	agent->has_tenures = true;
}

/* Adopts what an earlier agent held; what it did not hold is removed. */
static void take_over(struct sim *sim, unsigned index, unsigned group)
{
	struct sim_agent *agent = &sim->agents[index];
	struct sim_address *address = &agent->addresses[group];
	const struct sim_tenure *tenure = &agent->tenures[group];
	bool adopts = agent->has_tenures && tenure->held;

	address->wanted = adopts;
	address->adding = false;
	address->removing = false;
	address->operated_at = 0;
	address->round++;
	agent->request_seq[group] = 0;
	if (agent->has_tenures) {
		oo_core_adopt(agent->core, group, tenure->epoch, adopts ? &tenure->claim : NULL);
	}
	if (adopts) {
		sim->counts[SIM_COUNT_ADOPTIONS]++;
		TELL(sim, "%s: adopts group %u, its address is %s", sim_node((int)index), group,
		     address->up ? "up" : "down");
	} else {
		sim_kernel_remove(sim, index, group);
	}
}

void sim_life_start(struct sim *sim, unsigned index)
{
	struct sim_agent *agent = &sim->agents[index];

	if (agent->alive) {
		return;
	}
	agent->config = agent->file;
	agent->core = oo_core_init(agent->room, &agent->config, sim_random(sim));
	TELL(sim, "%s: starts", sim_node((int)index));
	for (unsigned g = 0; g < sim->n_groups; g++) {
		take_over(sim, index, g);
	}
	agent->alive = true;
	agent->stopping = false;
	agent->publishing = false;
	agent->incarnation++;
	agent->frozen_until = 0;
	agent->wake_at = SIM_NEVER;
	agent->read_seq = 0;
	agent->reads = 0;
	agent->n_view = 0;
	agent->failed_at_ms = 0;
	memset(agent->relief_at_ms, 0, sizeof(agent->relief_at_ms));
	memset(agent->retold_ms, 0, sizeof(agent->retold_ms));
	memset(agent->n_moved, 0, sizeof(agent->n_moved));
	agent->published = (struct sim_member){0};
	agent->heard_at = sim->now;
	agent->watch_from = sim->now;
	for (unsigned g = 0; g < sim->n_groups; g++) {
		sim_agent_tell(sim, index,
			       &(struct oo_event){
				       .type = OO_EVENT_LINK, .group = g, .up = agent->link[g]});
	}
	for (unsigned i = 0; i < SIM_CHECKS; i++) {
		sim_agent_plan_checks(sim, index, i);
	}
}

void sim_life_end(struct sim *sim, unsigned index)
{
	int64_t most =
		(sim_chance(sim, 500) ? sim->ttl_ms / 4 : SIM_START_TTLS * sim->ttl_ms) * SIM_MS;

	sim->agents[index].alive = false;
	sim->agents[index].frozen_until = 0;
	sim_push(sim, sim->now + sim_between(sim, 10 * SIM_MS, most),
		 (struct sim_event){.type = SIM_START, .agent = (uint8_t)index});
}

void sim_life_reboot(struct sim *sim, unsigned index)
{
	struct sim_agent *agent = &sim->agents[index];

	for (unsigned g = 0; g < sim->n_groups; g++) {
		if (agent->addresses[g].up) {
			sim_kernel_remove(sim, index, g);
		}
	}
	agent->has_tenures = false;
	memset(agent->tenures, 0, sizeof(agent->tenures));
}
