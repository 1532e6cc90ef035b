/* What people do to a cluster in trouble: they order switchovers and withdraw them, pause, drain. */
#include "sim.h"

void sim_operator_pause_or_resume(struct sim *sim)
{
	if (!sim_etcd_is_down(sim)) {
		sim->counts[SIM_COUNT_PAUSES]++;
		TELL(sim, "etcd: %s", sim->store.paused ? "resumed" : "paused");
		sim_etcd_put_pause(sim, !sim->store.paused);
	}
}

void sim_operator_withdraw(struct sim *sim, unsigned group, uint64_t id)
{
	if (id == 0 || sim->store.orders[group].id != id) {
		return; /* carried out, or lost with etcd's data */
	}
	if (sim_etcd_is_down(sim)) { /* nobody is told that it was, until it is */
		sim_push(sim, sim->etcd_down_until,
			 (struct sim_event){.type = SIM_WITHDRAW,
					    .group = (uint8_t)group,
					    .id = (uint32_t)id});
		return;
	}
	sim->counts[SIM_COUNT_WITHDRAWN]++;
	TELL(sim, "etcd: order %llu for group %u is withdrawn", (unsigned long long)id, group);
	sim_etcd_put_order(sim, group, &(struct sim_order){0});
}

/* Whoever holds by what etcd says is to hand over, to somebody fit for it or not. */
static void order(struct sim *sim)
{
	unsigned group = (unsigned)(sim_random(sim) % sim->n_groups);
	int holder = sim->store.pairs[group].claim.node;
	int64_t valid_ms = sim_between(sim, 1, sim_chance(sim, 500) ? sim->ttl_ms / 10 : 5000);

	if (holder < 0 || sim->store.orders[group].id != 0) {
		return;
	}
	struct sim_order order = {.id = ++sim->orders, .from = (int8_t)holder, .target = -1};
	order.valid_ms = valid_ms;
	if (sim_chance(sim, 800)) {
		order.target = (int8_t)(sim_random(sim) % sim->n_agents);
	}
	sim->counts[SIM_COUNT_ORDERS]++;
	TELL(sim, "etcd: order %llu: group %u from %s to %s", (unsigned long long)order.id, group,
	     sim_node(order.from), order.target < 0 ? "the best" : sim_node(order.target));
	sim_etcd_put_order(sim, group, &order);
	sim_push(sim, sim->now + valid_ms * SIM_MS,
		 (struct sim_event){
			 .type = SIM_WITHDRAW, .group = (uint8_t)group, .id = (uint32_t)order.id});
	sim_tempt(sim, (unsigned)holder, 200);
}

static void drain_or_undrain(struct sim *sim)
{
	unsigned index = (unsigned)(sim_random(sim) % sim->n_agents);

	sim->counts[SIM_COUNT_DRAINS] += !sim->store.drained[index];
	TELL(sim, "etcd: %s is %s", sim_node((int)index),
	     sim->store.drained[index] ? "undrained" : "drained");
	sim_etcd_put_drain(sim, index, !sim->store.drained[index]);
}

/* Nobody interferes in one seed of four. */
void sim_operator(struct sim *sim)
{
	if (sim->seed % 4 == 0) {
		return;
	}
	if (!sim_etcd_is_down(sim) && sim_chance(sim, 700)) {
		order(sim);
	} else if (!sim_etcd_is_down(sim)) {
		drain_or_undrain(sim);
	}
	sim_push(sim, sim->now + sim_between(sim, 1, 4 * sim->storm_pace),
		 (struct sim_event){.type = SIM_OPERATOR});
}

void sim_operator_go_home(struct sim *sim)
{
	if (sim->store.paused) {
		sim_etcd_put_pause(sim, false);
	}
	for (unsigned i = 0; i < sim->n_agents; i++) {
		if (sim->store.drained[i]) {
			sim_etcd_put_drain(sim, i, false);
		}
	}
	for (unsigned g = 0; g < sim->n_groups; g++) {
		sim_operator_withdraw(sim, g, sim->store.orders[g].id);
	}
}
