/* What goes wrong in a storm, and how it heals. */
#include "sim.h"

#include <string.h>

/* As short as a stutter, as long as a reboot, or until some deadline to the ms. */
static int64_t a_while(struct sim *sim)
{
	int64_t ttl = sim->ttl_ms * SIM_MS;

	switch (sim_random(sim) % 4) {
	case 0:
		return sim_between(sim, 10 * SIM_MS, ttl / 3);
	case 1:
		return sim_between(sim, ttl / 3, 3 * ttl);
	default:
		return sim_edge(sim, 2 * ttl) - sim->now;
	}
}

static void freeze(struct sim *sim, unsigned index)
{
	struct sim_agent *agent = &sim->agents[index];
	int64_t until = sim->now + a_while(sim);
	if (agent->alive) {
		/* frozen already, it does not thaw sooner: what came to it waits for that end */
		agent->frozen_until = until > agent->frozen_until ? until : agent->frozen_until;
		sim->counts[SIM_COUNT_FREEZES]++;
		TELL(sim, "%s: is frozen until %.6f", sim_node((int)index),
		     (double)agent->frozen_until / 1e6);
	}
}

static void kill_agent(struct sim *sim, unsigned index)
{
	if (sim->agents[index].alive) {
		sim->counts[SIM_COUNT_KILLS]++;
		TELL(sim, "%s: is killed", sim_node((int)index));
		sim_life_end(sim, index);
		if (sim_chance(sim, 200)) {
			sim->counts[SIM_COUNT_REBOOTS]++;
			TELL(sim, "%s: is booted", sim_node((int)index));
			sim_life_reboot(sim, index);
		}
	}
}

static void stop(struct sim *sim, unsigned index)
{
	if (sim->agents[index].alive && !sim->agents[index].stopping) {
		sim->counts[SIM_COUNT_STOPS]++;
		TELL(sim, "%s: is told to stop", sim_node((int)index));
		sim_push(sim, sim->now,
			 (struct sim_event){.type = SIM_STOP,
					    .agent = (uint8_t)index,
					    .id = sim->agents[index].incarnation});
	}
}

static void cut(struct sim *sim, unsigned index)
{
	struct sim_agent *agent = &sim->agents[index];
	int64_t until = sim->now + a_while(sim);

	sim->counts[SIM_COUNT_CUTS]++;
	if (sim_chance(sim, 700)) {
		agent->cut_until = until;
	} else {
		agent->deaf_until = until; /* what it sends arrives, no answer does */
	}
	agent->watch_from = until;
	TELL(sim, "%s: is %s until %.6f", sim_node((int)index),
	     agent->cut_until == until ? "cut off" : "deaf", (double)until / 1e6);
}

bool sim_is_same_zone(const struct sim *sim, unsigned one, unsigned other)
{
	return strcmp(sim->agents[one].file.zone, sim->agents[other].file.zone) == 0;
}

static void take_etcd_down(struct sim *sim, int64_t duration)
{
	if (sim->now + duration > sim->etcd_down_until) {
		sim->etcd_down_until = sim->now + duration;
	}
	for (unsigned i = 0; i < sim->n_agents; i++) {
		sim->agents[i].watch_from =
			sim->etcd_down_until + sim_between(sim, 0, sim->ttl_ms * SIM_MS);
	}
	TELL(sim, "etcd: is down until %.6f", (double)sim->etcd_down_until / 1e6);
}

/* A member of etcd has gone: perhaps its leader, and one that agents watch. */
static void lose_member(struct sim *sim)
{
	if (sim_chance(sim, 333)) {
		take_etcd_down(sim, sim_between(sim, 200, 1900) * SIM_MS);
	}
	for (unsigned i = 0; i < sim->n_agents; i++) {
		int64_t again_at = sim->now + sim_between(sim, 0, sim->ttl_ms * SIM_MS);
		if (sim_chance(sim, 333) && again_at > sim->agents[i].watch_from) {
			sim->agents[i].watch_from = again_at;
		}
	}
}

/* Two of three without the others: nobody has a majority. */
static void cut_member(struct sim *sim, unsigned zone, int64_t until)
{
	for (unsigned i = 0; i < SIM_ZONES; i++) {
		const int64_t both_until =
			until < sim->zone_cut_until[i] ? until : sim->zone_cut_until[i];
		if (i != zone && both_until > sim->now) {
			take_etcd_down(sim, both_until - sim->now);
		}
	}
	if (until > sim->zone_cut_until[zone]) {
		sim->zone_cut_until[zone] = until;
	}
}

void sim_cut_zone(struct sim *sim, unsigned index, int64_t until)
{
	TELL(sim, "%s and all of its zone: cut off until %.6f", sim_node((int)index),
	     (double)until / 1e6);
	for (unsigned i = 0; i < sim->n_agents; i++) {
		if (sim_is_same_zone(sim, i, index)) {
			sim->agents[i].cut_until = until;
			sim->agents[i].watch_from = until;
		}
	}
	cut_member(sim, index % SIM_ZONES, until);
}

static void cut_zone(struct sim *sim, unsigned index)
{
	sim->counts[SIM_COUNT_ZONES]++;
	sim_cut_zone(sim, index, sim->now + a_while(sim));
	lose_member(sim);
}

/* At one moment, and each is back when it is. */
static void black_out(struct sim *sim, unsigned index)
{
	sim->counts[SIM_COUNT_BLACKOUTS]++;
	TELL(sim, "%s and all of its zone: no power", sim_node((int)index));
	for (unsigned i = 0; i < sim->n_agents; i++) {
		if (sim_is_same_zone(sim, i, index) && sim->agents[i].alive) {
			sim_life_end(sim, i);
			sim_life_reboot(sim, i);
		}
	}
	lose_member(sim);
}

static void break_watch(struct sim *sim, unsigned index)
{
	sim->counts[SIM_COUNT_WATCHES]++;
	sim->agents[index].watch_from = sim->now + a_while(sim);
	sim->agents[index].lag = sim_chance(sim, 500) ? sim_between(sim, 0, SIM_SECOND) : 0;
}

/*
 * Assumed: restoring a whole etcd takes longer than a ttl, and so does wiping it while agents with
 * different ttls run. And what was sent to an etcd before it was restored never reaches it: the
 * connections have ended with its members. (A late copy of a renewal could else write the very value
 * at the very revision that somebody had seen before.)
 */
static void lose_data(struct sim *sim, bool wipe)
{
	int64_t ttl = (sim->mixed_ttl ? 2 : 1) * sim->ttl_ms * SIM_MS;
	int64_t least = ttl + ttl / 100 + 10 * SIM_MS;

	if (!wipe && !sim->has_saved) {
		return;
	}
	sim->counts[wipe ? SIM_COUNT_WIPES : SIM_COUNT_RESTORES]++;
	int64_t duration = sim_chance(sim, 500) ? least : sim_between(sim, least, 2 * least);
	take_etcd_down(sim, wipe && !sim->mixed_ttl ? sim_between(sim, 0, duration) : duration);
	sim->etcd_lost_until = sim->etcd_down_until;
	sim->etcd_restored_at = wipe ? sim->etcd_restored_at : sim->now;
	sim_etcd_lose_data(sim, wipe);
	TELL(sim, "etcd: is %s, revision %lld", wipe ? "wiped" : "restored",
	     (long long)sim->store.revision);
}

/* Assumed: nobody deletes keys by hand while agents with different ttls run. */
static void write_by_hand(struct sim *sim)
{
	unsigned group = (unsigned)(sim_random(sim) % sim->n_groups);

	if (sim_etcd_is_down(sim) || sim->mixed_ttl) {
		return;
	}
	sim->counts[SIM_COUNT_DELETIONS]++;
	if (sim_chance(sim, 300)) {
		TELL(sim, "etcd: nonsense is written over the claim of group %u", group);
		sim_etcd_write_nonsense(sim, group);
		return;
	}
	bool claim = sim_chance(sim, 800);
	TELL(sim, "etcd: the %s of group %u is deleted by hand", claim ? "claim" : "beat", group);
	sim_etcd_delete_by_hand(sim, group, claim, !claim || sim_chance(sim, 500));
}

static void see_link(struct sim *sim, unsigned index, unsigned group)
{
	sim_push(sim, sim->now,
		 (struct sim_event){
			 .type = SIM_LINK, .agent = (uint8_t)index, .group = (uint8_t)group});
}

static void flip_link(struct sim *sim, unsigned index)
{
	unsigned group = (unsigned)(sim_random(sim) % sim->n_groups);
	struct sim_agent *agent = &sim->agents[index];

	sim->counts[SIM_COUNT_LINKS]++;
	agent->link[group] = !agent->link[group];
	TELL(sim, "%s: link of group %u is %s", sim_node((int)index), group,
	     agent->link[group] ? "up" : "down");
	see_link(sim, index, group);
}

static void flip_check(struct sim *sim, unsigned index)
{
	unsigned check = (unsigned)(sim_random(sim) % SIM_CHECKS);
	static const enum oo_health faces[] = {OO_HEALTH_UP, OO_HEALTH_UP, OO_HEALTH_DOWN,
					       OO_HEALTH_DOWN, OO_HEALTH_UNKNOWN};

	sim->counts[SIM_COUNT_CHECKS]++;
	sim->agents[index].health[check] = faces[sim_random(sim) % 5];
	TELL(sim, "%s: check %u is now %d (1 up, 2 down)", sim_node((int)index), check,
	     (int)sim->agents[index].health[check]);
	sim_agent_plan_checks(sim, index, check);
}

/* What all share fails, or is over: each notices in its own time. */
static void flip_shared(struct sim *sim)
{
	bool down = sim_chance(sim, 600);

	sim->counts[SIM_COUNT_SHARED]++;
	TELL(sim, "what all share is %s", down ? "down" : "up");
	for (unsigned i = 0; i < sim->n_agents; i++) {
		sim->agents[i].health[SIM_CHECK_SHARED] = down ? OO_HEALTH_DOWN : OO_HEALTH_UP;
		sim_agent_plan_checks(sim, i, SIM_CHECK_SHARED);
	}
}

static void remove_address(struct sim *sim)
{
	unsigned group = (unsigned)(sim_random(sim) % sim->n_groups);
	for (unsigned i = 0; i < sim->n_agents; i++) {
		if (sim->agents[i].addresses[group].up) {
			sim->counts[SIM_COUNT_ADDRESSES]++;
			TELL(sim, "%s: somebody removes the address", sim_node((int)i));
			sim_kernel_remove(sim, i, group);
		}
	}
}

/* Some frames, real or forged: that the claim is confirmed more often must never do harm. */
static void see_rival(struct sim *sim, unsigned index)
{
	int64_t at = sim->now;

	sim->counts[SIM_COUNT_RIVALS]++;
	TELL(sim, "%s: sees frames of another host with the address", sim_node((int)index));
	for (int64_t n = sim_between(sim, 1, 5); n > 0; n--) {
		uint8_t group = (uint8_t)(sim_random(sim) % sim->n_groups);
		sim_push(sim, at,
			 (struct sim_event){
				 .type = SIM_RIVAL, .agent = (uint8_t)index, .group = group});
		at += sim_between(sim, 0, 300 * SIM_MS);
	}
}

/* While agents have different ttls each may come to have the other one. */
static void reload(struct sim *sim, unsigned index)
{
	struct oo_core_config *config = &sim->agents[index].file;

	sim->counts[SIM_COUNT_RELOADS]++;
	for (unsigned g = 0; g < sim->n_groups; g++) {
		config->groups[g].priority = (uint16_t)sim_between(sim, 1, 200);
	}
	if (sim->mixed_ttl) {
		sim_set_ttl(config, config->ttl_ms == sim->ttl_ms ? 2 * sim->ttl_ms : sim->ttl_ms);
	}
	TELL(sim, "%s: reloads, ttl is %d ms", sim_node((int)index), (int)config->ttl_ms);
	sim_push(sim, sim->now, (struct sim_event){.type = SIM_RELOAD, .agent = (uint8_t)index});
}

/* It leaves the configuration, and comes back. */
static void retire(struct sim *sim, unsigned index)
{
	unsigned group = (unsigned)(sim_random(sim) % sim->n_groups);

	sim->counts[SIM_COUNT_RETIREMENTS]++;
	TELL(sim, "%s: gives group %u up for good", sim_node((int)index), group);
	sim_push(sim, sim->now,
		 (struct sim_event){
			 .type = SIM_RETIRE, .agent = (uint8_t)index, .group = (uint8_t)group});
	sim_push(sim, sim->now + a_while(sim),
		 (struct sim_event){.type = SIM_RELOAD, .agent = (uint8_t)index});
}

/* Whoever holds is hit more often than others. */
static unsigned victim(struct sim *sim)
{
	unsigned group = (unsigned)(sim_random(sim) % sim->n_groups);
	int holder = sim->store.pairs[group].claim.node;

	if (holder >= 0 && sim_chance(sim, 400)) {
		return (unsigned)holder;
	}
	return (unsigned)(sim_random(sim) % sim->n_agents);
}

static void save(struct sim *sim)
{
	sim->saved = sim->store;
	sim->has_saved = true;
}

static void happen(struct sim *sim, unsigned fault, unsigned index)
{
	switch (fault) {
	case 0:
	case 1:
		freeze(sim, index);
		return;
	case 2:
		if (sim->by_zones && sim_chance(sim, 200)) {
			black_out(sim, index);
		} else {
			kill_agent(sim, index);
		}
		return;
	case 3:
		stop(sim, index);
		return;
	case 4:
	case 5:
		if (sim->by_zones && sim_chance(sim, 300)) {
			cut_zone(sim, index);
		} else {
			cut(sim, index);
		}
		return;
	case 6:
		take_etcd_down(sim, a_while(sim));
		sim->counts[SIM_COUNT_OUTAGES]++;
		return;
	case 7:
		save(sim);
		return;
	case 8:
		lose_data(sim, sim_chance(sim, 400));
		return;
	case 9:
		write_by_hand(sim);
		return;
	case 10:
		flip_link(sim, index);
		return;
	case 11:
	case 12:
		if (sim_chance(sim, 300)) {
			flip_shared(sim);
		} else {
			flip_check(sim, index);
		}
		return;
	case 13:
		break_watch(sim, index);
		return;
	case 14:
		if (sim_chance(sim, 300)) {
			remove_address(sim);
		} else if (sim_chance(sim, 500)) {
			see_rival(sim, index);
		} else if (sim_chance(sim, 700)) {
			reload(sim, index);
		} else {
			retire(sim, index);
		}
		return;
	default:
		sim_operator_pause_or_resume(sim);
		return;
	}
}

/* Not every fault in every seed: some hide behind others. */
void sim_chaos(struct sim *sim)
{
	unsigned fault = (unsigned)(sim_random(sim) % 16);

	if ((sim->faults & 1u << fault) != 0 && (fault != 8 || sim_chance(sim, 400))) {
		happen(sim, fault, victim(sim));
	}
	sim_push(sim, sim->now + sim_between(sim, 1, 2 * sim->storm_pace),
		 (struct sim_event){.type = SIM_CHAOS});
}

void sim_tempt(struct sim *sim, unsigned agent, int64_t permille)
{
	if (!sim->calm && sim_chance(sim, permille)) {
		sim_push(sim, sim->now + sim_between(sim, 0, 30 * SIM_MS),
			 (struct sim_event){.type = SIM_STRIKE, .agent = (uint8_t)agent});
	}
}

void sim_strike(struct sim *sim, unsigned agent)
{
	static const uint8_t personal[] = {0, 2, 3, 4, 10, 11, 13, 14};
	unsigned fault = personal[sim_random(sim) % sizeof(personal)];

	if ((sim->faults & 1u << fault) != 0) {
		happen(sim, fault, agent);
	}
}

static void heal_agent(struct sim *sim, unsigned index)
{
	struct sim_agent *agent = &sim->agents[index];

	agent->cut_until = 0;
	agent->deaf_until = 0;
	agent->watch_from = sim->now;
	agent->lag = 0;
	for (unsigned g = 0; g < sim->n_groups; g++) {
		agent->link[g] = true;
	}
	for (unsigned i = 0; i < SIM_CHECKS; i++) {
		agent->health[i] = OO_HEALTH_UP;
	}
	if (!agent->alive) {
		sim_life_start(sim, index);
		return;
	}
	for (unsigned g = 0; g < sim->n_groups; g++) {
		see_link(sim, index, g);
	}
	sim_push(sim, sim->now, (struct sim_event){.type = SIM_RELOAD, .agent = (uint8_t)index});
	for (unsigned i = 0; i < SIM_CHECKS; i++) {
		sim_agent_plan_checks(sim, index, i);
	}
}

void sim_heal(struct sim *sim)
{
	TELL(sim, "calm: everything heals");
	sim->calm = true;
	sim->etcd_down_until = 0;
	memset(sim->zone_cut_until, 0, sizeof(sim->zone_cut_until));
	sim_operator_go_home(sim);
	for (unsigned i = 0; i < sim->n_agents; i++) {
		heal_agent(sim, i);
	}
}
