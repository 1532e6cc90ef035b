/* One seed's life: storms and calms. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define PRESENCE_LOOK (SIM_SECOND / 2)
#define PRESENCE_TTL (5 * SIM_SECOND)

void sim_init(struct sim *sim)
{
	memset(sim, 0, sizeof(*sim));
	sim_queue_init(&sim->queue);
	for (unsigned i = 0; i < SIM_AGENTS_MAX; i++) {
		sim->agents[i].room = malloc(oo_core_size());
	}
}

void sim_done(struct sim *sim)
{
	sim_queue_done(&sim->queue);
	for (unsigned i = 0; i < SIM_AGENTS_MAX; i++) {
		free(sim->agents[i].room);
	}
	free(sim->requests);
	free(sim->parcels);
	free(sim->free_requests);
	free(sim->free_parcels);
}

void sim_set_ttl(struct oo_core_config *config, int64_t ttl_ms)
{
	config->ttl_ms = ttl_ms;
	config->renew_ms = ttl_ms / 6;
	config->margin_ms = ttl_ms / 20 > 100 ? ttl_ms / 20 : 100;
	config->retry_ms = ttl_ms / 30;
}

/* In some seeds that of node-b is not known. */
static const char *sim_zone(const struct sim *sim, unsigned index)
{
	static const char *const names[SIM_ZONES] = {"az-1", "az-2", "az-3"};
	return sim->seed / 64 % 2 == 1 && index == 1 ? "" : names[index % SIM_ZONES];
}

static void init_agent(struct sim *sim, unsigned index)
{
	struct sim_agent *agent = &sim->agents[index];
	struct oo_core_config *config = &agent->file;
	int64_t ttl_ms = sim->mixed_ttl && index == 0 ? 2 * sim->ttl_ms : sim->ttl_ms;
	int64_t drift = sim_chance(sim, 500)
				? SIM_DRIFT_PPM_MAX
				: sim_between(sim, -SIM_DRIFT_PPM_MAX, SIM_DRIFT_PPM_MAX);
	void *room = agent->room;

	memset(agent, 0, sizeof(*agent));
	agent->room = room;
	agent->ppm = sim_chance(sim, 500) ? drift : -drift;
	agent->offset = sim_between(sim, 0, 1000 * SIM_SECOND);
	*config = (struct oo_core_config){
		.flap_moves = sim->flap_moves,
		.flap_window_ms = SIM_FLAP_WINDOW_MS,
		.n_groups = sim->n_groups,
		.n_checks = SIM_CHECKS,
	};
	sim_set_ttl(config, ttl_ms);
	memcpy(config->node, sim_node((int)index), sizeof("node-a"));
	memcpy(config->zone, sim_zone(sim, index), strlen(sim_zone(sim, index)));
	for (unsigned i = 0; i < SIM_CHECKS; i++) {
		config->checks[i] = (struct oo_core_check){.rise = (unsigned)sim_between(sim, 1, 2),
							   .fall = (unsigned)sim_between(sim, 1, 3),
							   .inherits = -1,
							   .optional = i == SIM_CHECK_OPTIONAL,
							   .shared = i == SIM_CHECK_SHARED &&
								     sim->seed / 2 % 2 == 0,
							   .notice_ms = SIM_NOTICE_MS};
		agent->health[i] = OO_HEALTH_UP;
	}
	for (unsigned g = 0; g < sim->n_groups; g++) {
		config->groups[g].checks[0] = g == 0;
		config->groups[g].checks[1] = true;
		config->groups[g].checks[SIM_CHECK_OPTIONAL] = true;
		config->groups[g].preferred = sim_chance(sim, 300);
		config->groups[g].zones = sim->zones[g];
		config->groups[g].failback = sim->failback;
		config->groups[g].failback_delay_ms = sim->failback_delay_ms;
		config->groups[g].failback_stable_ms = sim->failback_stable_ms;
		config->groups[g].priority =
			sim_chance(sim, 500) ? 100 : (uint16_t)sim_between(sim, 1, 200);
		agent->link[g] = true;
	}
	agent->config = *config;
}

static void begin(struct sim *sim, uint64_t seed)
{
	static const int64_t ttls[] = {500, 1000, 2000, 3000, 3000, 3000, 5000, 10000};

	sim->seed = seed;
	sim->random = seed * UINT64_C(0xd1342543de82ef95) + 1;
	sim->now = 0;
	sim_queue_clear(&sim->queue);
	sim_wire_init(sim);
	sim->n_agents = (unsigned)sim_between(sim, 3, SIM_AGENTS_MAX);
	sim->n_groups = (unsigned)sim_between(sim, 1, SIM_GROUPS_MAX);
	sim->ttl_ms = ttls[sim_random(sim) % 8];
	sim->fence = sim->ttl_ms < 3000 || seed % 2 == 0; /* a lifetime needs whole seconds */
	sim->fence_at_hold = sim_chance(sim, 500);
	sim->renewals_read_nothing = sim_chance(sim, 500);
	sim->mixed_ttl = sim_chance(sim, 250);
	sim->timeout = sim->ttl_ms * SIM_MS * 2 / 15;
	sim->hedge_after = sim->timeout / 4;
	sim->storm_pace = sim_between(sim, 200, 3000) * SIM_MS;
	sim->loss_permille = sim_chance(sim, 300) ? 0 : sim_between(sim, 1, 150);
	sim->late_permille = sim_chance(sim, 300) ? 0 : sim_between(sim, 1, 500);
	sim->spite_permille = sim_chance(sim, 300) ? 0 : sim_between(sim, 1, 600);
	sim->faults = (unsigned)(sim_random(sim) | sim_random(sim)); /* each with 3 of 4 */
	sim->failback = seed / 4 % 2 == 1;
	sim->failback_delay_ms = sim_chance(sim, 300) ? 0 : sim_between(sim, 1, 4000);
	sim->failback_stable_ms = sim_chance(sim, 300) ? 0 : sim_between(sim, 1, 4000);
	sim->flap_moves = seed / 8 % 2 == 0 ? 0 : (unsigned)sim_between(sim, 1, 4);
	sim->by_zones = seed / 16 % 2 == 1;
	for (unsigned g = 0; g < SIM_GROUPS_MAX; g++) {
		const bool stays = (seed / 32 + g) % 2 == 0;
		sim->zones[g] = !sim->by_zones ? OO_ZONES_ANY
				: stays        ? OO_ZONES_STAY
					       : OO_ZONES_SPREAD;
	}
	memset(sim->zone_cut_until, 0, sizeof(sim->zone_cut_until));
	memset(&sim->store, 0, sizeof(sim->store));
	memset(&sim->judge, 0, sizeof(sim->judge));
	sim->judge.earliest = SIM_NEVER;
	sim->store.revision = 1;
	sim->has_saved = false;
	sim->calm = false;
	sim->etcd_down_until = 0;
	sim->etcd_lost_until = 0;
	sim->etcd_restored_at = 0;
	sim->looked_at = 0;
	sim->values = 1;
	sim->orders = 0;
	sim->failed = false;
	for (unsigned i = 0; i < sim->n_agents; i++) {
		init_agent(sim, i);
		sim_push(sim, sim_between(sim, 0, SIM_SECOND),
			 (struct sim_event){.type = SIM_START, .agent = (uint8_t)i});
		sim_push(sim, sim_between(sim, 0, PRESENCE_LOOK),
			 (struct sim_event){.type = SIM_PRESENCE, .agent = (uint8_t)i});
	}
	sim_push(sim, SIM_SECOND, (struct sim_event){.type = SIM_STORM});
}

static void look_for_presence(struct sim *sim, unsigned index)
{
	if (sim->now > sim->agents[index].heard_at + PRESENCE_TTL && !sim_etcd_is_down(sim)) {
		sim_etcd_drop_member(sim, index);
	}
	sim_push(sim, sim->now + PRESENCE_LOOK,
		 (struct sim_event){.type = SIM_PRESENCE, .agent = (uint8_t)index});
}

static void start_storm(struct sim *sim)
{
	TELL(sim, "storm");
	sim->calm = false;
	sim->judge.settled = false;
	sim_push(sim, sim->now, (struct sim_event){.type = SIM_CHAOS});
	sim_push(sim, sim->now, (struct sim_event){.type = SIM_OPERATOR});
	sim_push(sim, sim->now + sim_between(sim, 5, 60) * SIM_SECOND,
		 (struct sim_event){.type = SIM_CALM});
}

static void start_calm(struct sim *sim)
{
	if (sim->now < sim->etcd_lost_until) { /* a wiped etcd is not back sooner */
		sim_push(sim, sim->etcd_lost_until, (struct sim_event){.type = SIM_CALM});
		return;
	}
	sim->counts[SIM_COUNT_CALMS]++;
	sim->calm_at = sim->now;
	sim->well_at = SIM_NEVER;
	sim_heal(sim);
	for (unsigned i = 0; i < sim->n_agents; i++) { /* who is frozen thaws when it does */
		if (sim->agents[i].frozen_until > sim->calm_at) {
			sim->calm_at = sim->agents[i].frozen_until;
		}
	}
	int64_t bound_at = sim->calm_at + sim_judge_bound(sim);
	sim_push(sim, bound_at, (struct sim_event){.type = SIM_SETTLED});
	sim_push(sim, bound_at + 3 * sim->ttl_ms * SIM_MS + (sim->by_zones ? 2 * SIM_SECOND : 0),
		 (struct sim_event){.type = SIM_STORM});
}

/*
 * The zone of a holder loses all others, and nothing else is wrong: by dawn the others serve. (Failback
 * might give what was taken back to who is gone, while its record is still there.)
 */
static void maybe_start_night(struct sim *sim)
{
	const int holder = sim->store.pairs[0].claim.node;
	const int64_t ttl = (sim->mixed_ttl ? 2 : 1) * sim->ttl_ms * SIM_MS;
	const int64_t dawn_at = sim->now + ttl + ttl / 50 +
				(int64_t)sim->n_agents * OO_CORE_STAGGER_MS * SIM_MS +
				SIM_SECOND / 2;

	if (!sim->by_zones || sim->failback || sim_chance(sim, 500)) {
		return;
	}
	sim->counts[SIM_COUNT_NIGHTS]++;
	sim->judge.settled = false;
	sim->judge.dark = (unsigned)holder;
	sim_cut_zone(sim, (unsigned)holder, dawn_at + sim_between(sim, 0, ttl));
	sim_push(sim, dawn_at, (struct sim_event){.type = SIM_DAWN});
}

static void look_whether_served(struct sim *sim)
{
	for (unsigned g = 0; g < sim->n_groups; g++) {
		const int node = sim->store.pairs[g].claim.node;
		if (node < 0 || sim_is_same_zone(sim, (unsigned)node, sim->judge.dark) ||
		    !sim->agents[node].addresses[g].up) {
			sim_fail(sim, "group %u is not served outside the zone that is cut off", g);
		}
	}
}

static void look_whether_settled(struct sim *sim)
{
	if (sim->judge.damped_at > sim->calm_at) {
		return;
	}
	if (!sim_judge_is_well(sim)) {
		sim_fail(sim, "not well %.3f s after all was healed",
			 (double)sim_judge_bound(sim) / 1e6);
	}
	if (!sim_gain_is_best(sim)) {
		sim_fail(sim, "not on the best node after all was healed");
	}
	sim->judge.settled = true;
	if (sim->well_at - sim->calm_at > sim->slowest_calm) {
		sim->slowest_calm = sim->well_at - sim->calm_at;
	}
	maybe_start_night(sim);
}

static void happen(struct sim *sim, const struct sim_event *event)
{
	switch ((enum sim_event_type)event->type) {
	case SIM_WAKE:
	case SIM_ANSWER:
	case SIM_DEADLINE:
	case SIM_WATCH:
	case SIM_REPORT:
	case SIM_OPERATE:
	case SIM_CHECK:
	case SIM_LINK:
	case SIM_RIVAL:
	case SIM_RELOAD:
	case SIM_RETIRE:
	case SIM_STOP:
	case SIM_PUBLISH:
		sim_agent_event(sim, event);
		return;
	case SIM_ARRIVE:
		sim_wire_arrive(sim, event->id);
		sim_wire_release_request(sim, event->id);
		return;
	case SIM_EXPIRE:
		sim_kernel_expire(sim, event->agent, event->group);
		return;
	case SIM_PRESENCE:
		look_for_presence(sim, event->agent);
		return;
	case SIM_START:
		sim_life_start(sim, event->agent);
		return;
	case SIM_CHAOS:
		if (!sim->calm) {
			sim_chaos(sim);
		}
		return;
	case SIM_OPERATOR:
		if (!sim->calm) {
			sim_operator(sim);
		}
		return;
	case SIM_WITHDRAW:
		sim_operator_withdraw(sim, event->group, event->id);
		return;
	case SIM_STRIKE:
		if (!sim->calm) {
			sim_strike(sim, event->agent);
		}
		return;
	case SIM_CALM:
		start_calm(sim);
		return;
	case SIM_SETTLED:
		look_whether_settled(sim);
		return;
	case SIM_STORM:
		start_storm(sim);
		return;
	case SIM_DAWN:
		look_whether_served(sim);
		return;
	}
}

/* Since when all has been well, without a break. */
static void look_whether_well(struct sim *sim)
{
	if (!sim_judge_is_well(sim)) {
		sim->well_at = SIM_NEVER;
		if (sim->judge.settled) {
			sim_fail(sim, "no longer well, though nothing happened");
		}
	} else if (sim->well_at == SIM_NEVER) {
		sim->well_at = sim->now;
	}
}

void sim_run(struct sim *sim, uint64_t seed, int64_t duration)
{
	struct sim_event event;

	begin(sim, seed);
	while (!sim->failed && sim_pop(sim, &event) && event.at <= duration) {
		sim->now = event.at;
		sim_judge_time(sim);
		happen(sim, &event);
		sim->events++;
		if (sim->calm && sim->now >= sim->looked_at + SIM_MS) {
			sim->looked_at = sim->now;
			look_whether_well(sim);
		}
	}
}
