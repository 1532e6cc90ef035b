/* Clocks that drift, and addresses that end by themselves. */
#include "sim.h"

#define MILLION INT64_C(1000000)

static int64_t local_us(const struct sim_agent *agent, int64_t at)
{
	return agent->offset + at + at * agent->ppm / MILLION;
}

int64_t sim_local_ms(const struct sim *sim, const struct sim_agent *agent)
{
	return local_us(agent, sim->now) / SIM_MS;
}

int64_t sim_true_time(const struct sim_agent *agent, int64_t ms)
{
	if (ms > SIM_NEVER / (2 * MILLION)) {
		return SIM_NEVER;
	}
	int64_t passed = ms * SIM_MS - agent->offset;
	int64_t at = passed - passed * agent->ppm / (MILLION + agent->ppm);
	while (local_us(agent, at) < ms * SIM_MS) {
		at++;
	}
	while (at > 0 && local_us(agent, at - 1) >= ms * SIM_MS) {
		at--;
	}
	return at;
}

static void put_up(struct sim *sim, unsigned agent, unsigned group, int64_t expires_at)
{
	struct sim_address *address = &sim->agents[agent].addresses[group];

	/* than what is queued, which may be from before a removal */
	const bool sooner = expires_at < address->expires_at;

	address->expires_at = expires_at;
	if (!address->expire_queued || sooner) {
		address->expire_queued = true;
		sim_push(sim, expires_at,
			 (struct sim_event){.type = SIM_EXPIRE,
					    .agent = (uint8_t)agent,
					    .group = (uint8_t)group});
	}
	if (!address->up) {
		address->up = true;
		TELL(sim, "%s: address of group %u up until %.6f", sim_node((int)agent), group,
		     (double)expires_at / 1e6);
		sim_agent_report(sim, agent, group);
	}
	sim_judge_address(sim, agent, group);
}

/* The rule: packets are dropped from the deadline on, to the ms. */
static void arm_fence(struct sim *sim, unsigned index, unsigned group, const struct oo_want *want)
{
	struct sim_agent *agent = &sim->agents[index];
	struct sim_address *address = &agent->addresses[group];
	int64_t until_ms = sim->fence_at_hold ? want->hold_until : want->guard_until;

	if (until_ms <= sim_local_ms(sim, agent) ||
	    (address->up && until_ms == address->until_ms)) {
		return;
	}
	address->until_ms = until_ms;
	put_up(sim, index, group, sim_true_time(agent, until_ms));
}

/*
 * Whole seconds, N to N + 1 s after arming: N = floor(guard_until - now - 1 s), and one ms less,
 * since the clock's reading is rounded down.
 */
static void arm_lifetime(struct sim *sim, unsigned index, unsigned group,
			 const struct oo_want *want)
{
	struct sim_agent *agent = &sim->agents[index];
	struct sim_address *address = &agent->addresses[group];
	int64_t n = (want->guard_until - sim_local_ms(sim, agent) - 1 - 1000) / 1000;
	int64_t nominal_at = sim->now + n * SIM_SECOND;
	int64_t late;

	/* what is promised may become less: the claim has another ttl now */
	bool less = address->up && want->guard_until < address->until_ms;
	if (n < 1 || (address->up && nominal_at <= address->nominal_at && !less)) {
		return;
	}
	address->until_ms = want->guard_until;
	switch (sim_random(sim) % 3) {
	case 0:
		late = sim_between(sim, 0, 20000);
		break;
	case 1:
		late = sim_between(sim, 0, SIM_SECOND);
		break;
	default:
		late = sim_between(sim, SIM_SECOND - 10000, SIM_SECOND);
	}
	int64_t lifetime = n * SIM_SECOND + late; /* by the agent's clock */
	address->nominal_at = nominal_at;
	put_up(sim, index, group,
	       sim->now + lifetime - lifetime * agent->ppm / (MILLION + agent->ppm));
}

void sim_kernel_arm(struct sim *sim, unsigned index, unsigned group)
{
	const struct oo_want *want = oo_core_want(sim->agents[index].core, group);
	if (sim->fence) {
		arm_fence(sim, index, group, want);
	} else {
		arm_lifetime(sim, index, group, want);
	}
}

void sim_kernel_remove(struct sim *sim, unsigned agent, unsigned group)
{
	struct sim_address *address = &sim->agents[agent].addresses[group];

	if (address->up) {
		sim_judge_time(sim);
		address->up = false;
		TELL(sim, "%s: address of group %u removed", sim_node((int)agent), group);
		sim_judge_address(sim, agent, group);
	}
	sim_agent_report(sim, agent, group);
}

void sim_kernel_expire(struct sim *sim, unsigned agent, unsigned group)
{
	struct sim_address *address = &sim->agents[agent].addresses[group];

	address->expire_queued = false;
	if (!address->up) {
		return;
	}
	if (address->expires_at > sim->now) { /* armed anew in the meantime */
		put_up(sim, agent, group, address->expires_at);
		return;
	}
	address->up = false;
	sim->counts[SIM_COUNT_EXPIRED]++;
	TELL(sim, "%s: the kernel ends the address of group %u", sim_node((int)agent), group);
	sim_judge_address(sim, agent, group);
	sim_agent_report(sim, agent, group);
}
