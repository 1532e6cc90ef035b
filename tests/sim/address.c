/* What an agent does to addresses: adds and removes them, in its own time. */
#include "sim.h"

/* Adds and removals reach the kernel in the order in which they were sent. */
static void operate(struct sim *sim, unsigned index, unsigned group, bool add, int64_t delay)
{
	struct sim_address *address = &sim->agents[index].addresses[group];
	int64_t at = sim->now + delay +
		     sim_between(sim, 50, sim->calm || sim_chance(sim, 500) ? 1000 : 20000);

	if (at > address->operated_at) {
		address->operated_at = at;
	}
	sim_push(sim, address->operated_at,
		 (struct sim_event){.type = SIM_OPERATE,
				    .agent = (uint8_t)index,
				    .group = (uint8_t)group,
				    .id = address->round << 1 | (add ? 1 : 0)});
}

static void apply_up(struct sim *sim, unsigned index, unsigned group)
{
	struct sim_address *address = &sim->agents[index].addresses[group];

	address->wanted = true;
	if (address->removing) { /* not any more */
		address->removing = false;
		address->adding = false;
		address->operated_at = 0;
		address->round++;
	}
	if (address->up) {
		sim_kernel_arm(sim, index, group);
	} else if (!address->adding) {
		address->adding = true;
		operate(sim, index, group, true, 0);
	}
}

static void apply_down(struct sim *sim, unsigned index, unsigned group, const struct oo_want *want)
{
	struct sim_address *address = &sim->agents[index].addresses[group];
	bool hurry = address->removing && address->unhurried && !want->graceful;

	if (want->keep || (!address->wanted && !hurry)) {
		return;
	}
	sim->counts[SIM_COUNT_LAPSED] += want->role == OO_ROLE_ACTIVE;
	if (hurry) {
		address->adding = false;
		address->operated_at = 0;
		address->round++;
	}
	address->wanted = false;
	address->removing = true;
	address->unhurried = want->graceful;
	operate(sim, index, group, false,
		want->graceful && sim_chance(sim, 500)
			? sim_between(sim, 0, SIM_HOOKS_TTLS * sim->ttl_ms * SIM_MS)
			: 0);
}

/* Down, at once or with time for hooks; up again at any moment. */
void sim_address_apply(struct sim *sim, unsigned index, unsigned group)
{
	const struct oo_want *want = oo_core_want(sim->agents[index].core, group);
	if (want->address) {
		apply_up(sim, index, group);
	} else {
		apply_down(sim, index, group, want);
	}
}

void sim_address_operate(struct sim *sim, const struct sim_event *event)
{
	struct sim_address *address = &sim->agents[event->agent].addresses[event->group];

	if (!sim->agents[event->agent].alive || event->id >> 1 != address->round) {
		return;
	}
	if ((event->id & 1) != 0) {
		address->adding = false;
		sim_kernel_arm(sim, event->agent, event->group);
		sim_agent_report(sim, event->agent, event->group);
	} else {
		address->removing = false;
		sim_kernel_remove(sim, event->agent, event->group);
	}
}
