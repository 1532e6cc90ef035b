/* The dice, biased to the edges. */
#include "sim.h"

uint64_t sim_random(struct sim *sim)
{
	uint64_t x = sim->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

int64_t sim_between(struct sim *sim, int64_t least, int64_t most)
{
	return least + (int64_t)((sim_random(sim) >> 32) * (uint64_t)(most - least + 1) >> 32);
}

bool sim_chance(struct sim *sim, int64_t permille)
{
	return sim_between(sim, 0, 999) < permille;
}

/* A deadline of somebody's, in true time: the hold, the promise, the next that it plans. */
static int64_t deadline(struct sim *sim)
{
	const struct sim_agent *agent = &sim->agents[sim_random(sim) % sim->n_agents];
	unsigned group = (unsigned)(sim_random(sim) % sim->n_groups);

	if (!agent->alive) {
		return agent->addresses[group].expires_at;
	}
	const struct oo_want *want = oo_core_want(agent->core, group);
	switch (sim_random(sim) % 4) {
	case 0:
		return sim_true_time(agent, want->hold_until);
	case 1:
		return sim_true_time(agent, want->guard_until);
	case 2:
		return sim_true_time(agent, oo_core_wake_at(agent->core));
	default:
		return sim_true_time(agent, oo_core_view(agent->core, group).first_seen_at +
						    sim->ttl_ms + sim->ttl_ms / 100 + 1);
	}
}

int64_t sim_edge(struct sim *sim, int64_t most)
{
	static const int64_t around[] = {-2000, -1000, -1, 0, 1, 1000, 2000, 5000};
	int64_t deadline_at = deadline(sim);
	int64_t offset = around[sim_random(sim) % 8];
	int64_t at = deadline_at == OO_CORE_NEVER ? OO_CORE_NEVER : deadline_at + offset;

	if (at <= sim->now || at > sim->now + most) {
		return sim->now + sim_between(sim, 0, most);
	}
	return at;
}

int64_t sim_delay(struct sim *sim)
{
	if (sim->calm || !sim_chance(sim, sim->late_permille)) {
		return sim_between(sim, 200, sim->calm ? 3000 : 10000);
	}
	switch (sim_random(sim) % 8) {
	case 0:
	case 1:
	case 2:
		return sim_between(sim, 10000, sim->timeout / 2);
	case 3:
	case 4:
		return sim_between(sim, sim->timeout / 2, sim->timeout);
	case 5:
		return sim_between(sim, sim->timeout, SIM_DELAY_MAX);
	default:
		return sim_edge(sim, SIM_DELAY_MAX) - sim->now;
	}
}

int64_t sim_spite(struct sim *sim)
{
	if (sim->calm || !sim_chance(sim, sim->spite_permille)) {
		return sim_delay(sim);
	}
	return sim_chance(sim, 500) ? sim_between(sim, sim->timeout, 4 * sim->timeout)
				    : sim_edge(sim, SIM_DELAY_MAX) - sim->now;
}
