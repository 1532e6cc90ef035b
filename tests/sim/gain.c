/* Moves of a holder that lives: never without a gain, never against an operator, not too often. */
#include "sim.h"

#include <string.h>

#define DAMPING_MS 10000
#define DAMPING_MAX_MS 300000

static int index_of(const struct sim *sim, const char *node)
{
	for (unsigned i = 0; i < sim->n_agents; i++) {
		if (strcmp(node, sim_node((int)i)) == 0) {
			return (int)i;
		}
	}
	return -1;
}

/* Health, zone, priority; never the name. */
static bool outranks(const struct sim_member *one, const struct sim_member *other, unsigned g)
{
	const int zone = (int)(one->preferred >> g & 1) - (int)(other->preferred >> g & 1);
	if (one->ailing[g] != other->ailing[g]) {
		return one->ailing[g] < other->ailing[g];
	}
	return zone != 0 ? zone > 0 : one->priority[g] > other->priority[g];
}

static struct sim_member as_member(const struct oo_core_member *from)
{
	struct sim_member member = {.preferred = from->preferred, .eligible = from->eligible};
	memcpy(member.ailing, from->ailing, sizeof(member.ailing));
	memcpy(member.priority, from->priority, sizeof(member.priority));
	return member;
}

static void note(int64_t *since_ms, bool fact, int64_t now_ms)
{
	*since_ms = !fact ? 0 : *since_ms == 0 ? now_ms : *since_ms;
}

/* Since when the others are what this agent has been told, compared with what it is itself. */
void sim_gain_note(struct sim *sim, unsigned index)
{
	struct sim_agent *agent = &sim->agents[index];
	const int64_t now_ms = sim_local_ms(sim, agent);

	for (unsigned g = 0; g < sim->n_groups; g++) {
		struct sim_member self = {0};
		bool eligible[SIM_AGENTS_MAX] = {false}, better[SIM_AGENTS_MAX] = {false};
		self.ailing[g] = (uint16_t)oo_core_view(agent->core, g).ailing;
		self.priority[g] = agent->config.groups[g].priority;
		self.preferred = agent->config.groups[g].preferred ? 1u << g : 0;
		for (size_t i = 0; i < agent->n_view; i++) {
			const struct sim_member member = as_member(&agent->view[i]);
			const int node = index_of(sim, agent->view[i].node);
			eligible[node] = (member.eligible & 1u << g) != 0;
			better[node] = eligible[node] && outranks(&member, &self, g);
		}
		bool any = false;
		for (unsigned i = 0; i < sim->n_agents; i++) {
			note(&agent->eligible_at_ms[i][g], eligible[i], now_ms);
			note(&agent->better_at_ms[i][g], better[i], now_ms);
			any = any || (eligible[i] && i != index);
		}
		note(&agent->relief_at_ms[g], any, now_ms);
	}
}

/* About to be carried out. A fresh claim leaves the tenure where it is, and as it is. */
void sim_gain_claim(struct sim *sim, const struct sim_request *request)
{
	if (request->op != OO_REQUEST_RECLAIM) {
		sim->judge.placed[request->group] =
			request->by_order && request->claim_kind == OO_CLAIM_OFFERED;
	}
}

static bool is_damped_cause(enum oo_cause cause)
{
	return cause == OO_CAUSE_CHECK_DOWN || cause == OO_CAUSE_LINK_DOWN ||
	       cause == OO_CAUSE_FAILBACK;
}

/*
 * Between two moves away it came back: so many moves at least this agent has seen, however it counts.
 * Longer than the window ago is none. (It was seen some time after the holder began to leave.)
 */
static void judge_damping(struct sim *sim, unsigned index, unsigned group, int node)
{
	const struct sim_agent *agent = &sim->agents[index];
	const int64_t now_ms = sim_local_ms(sim, agent);
	unsigned n = 0;
	int64_t needed_ms = DAMPING_MS;

	for (unsigned i = 0; i < SIM_MOVES && i < agent->n_moved[group]; i++) {
		n += now_ms - agent->moved_at_ms[group][i] < SIM_FLAP_WINDOW_MS ? 2 : 0;
	}
	if (sim->flap_moves == 0 || n < sim->flap_moves) {
		return;
	}
	for (unsigned i = sim->flap_moves; i < n && needed_ms < DAMPING_MAX_MS; i++) {
		needed_ms *= 2;
	}
	needed_ms = needed_ms < DAMPING_MAX_MS ? needed_ms : DAMPING_MAX_MS;
	sim->counts[SIM_COUNT_DAMPED]++;
	if (agent->eligible_at_ms[node][group] == 0 ||
	    now_ms - agent->eligible_at_ms[node][group] < needed_ms) {
		sim_fail(sim, "%s gives group %u to %s, though it has moved %u times",
			 sim_node((int)index), group, sim_node(node), n);
	}
}

static void judge_failback(struct sim *sim, unsigned index, unsigned group, int node)
{
	const struct sim_agent *agent = &sim->agents[index];
	const int64_t now_ms = sim_local_ms(sim, agent);
	const int64_t better_at_ms = agent->better_at_ms[node][group];

	sim->counts[SIM_COUNT_FAILBACKS]++;
	if (!sim->failback || better_at_ms == 0 ||
	    now_ms - better_at_ms < sim->failback_stable_ms ||
	    now_ms - agent->active_at_ms[group] < sim->failback_delay_ms) {
		sim_fail(sim, "%s gives group %u back to %s, which is no gain, or too early",
			 sim_node((int)index), group, sim_node(node));
	}
	if (oo_core_view(agent->core, group).eligible != OO_HEALTH_UP) {
		sim_fail(sim, "%s gives group %u back, but is not fine", sim_node((int)index),
			 group);
	}
	if (sim->judge.placed[group] && sim->store.pairs[group].claim.node == (int8_t)index) {
		sim_fail(sim, "%s gives group %u back, where a person had put it",
			 sim_node((int)index), group);
	}
}

/*
 * Only what an agent has seen with another counts as moved: what was released to nobody, or is gone from
 * there by the time that this is told, may come back to it without having been away.
 */
static bool sees_holder(const struct sim_agent *agent, const struct oo_transition *transition)
{
	const struct oo_claim *claim = &oo_core_view(agent->core, transition->group).pair->claim;
	return transition->peer[0] != '\0' && strcmp(claim->node, transition->peer) == 0;
}

void sim_gain_transition(struct sim *sim, unsigned index, const struct oo_transition *transition)
{
	struct sim_agent *agent = &sim->agents[index];
	const unsigned g = transition->group;

	if (transition->to == OO_ROLE_ACTIVE) {
		agent->active_at_ms[g] = sim_local_ms(sim, agent);
	}
	if (transition->from == OO_ROLE_ACTIVE) {
		agent->leaving[g] = transition->cause;
		agent->left_at_ms[g] = sim_local_ms(sim, agent);
	}
	if (transition->from == OO_ROLE_ACTIVE && is_damped_cause(transition->cause)) {
		judge_damping(sim, index, g, index_of(sim, transition->peer));
	}
	if (transition->cause == OO_CAUSE_FAILBACK) {
		judge_failback(sim, index, g, index_of(sim, transition->peer));
		if (sim->flap_moves != 0) {
			sim->judge.settled = false;
			sim->judge.damped_at = sim->now;
		}
	}
	if (transition->cause == OO_CAUSE_YIELDED && is_damped_cause(agent->leaving[g]) &&
	    sees_holder(agent, transition)) {
		agent->moved_at_ms[g][agent->n_moved[g]++ % SIM_MOVES] = agent->left_at_ms[g];
	}
}

void sim_gain_offer(struct sim *sim, unsigned index, unsigned group, int node)
{
	const struct sim_agent *agent = &sim->agents[index];
	const enum oo_cause cause = oo_core_want(agent->core, group)->request.cause;

	if (is_damped_cause(cause)) {
		judge_damping(sim, index, group, node);
	}
	if (cause == OO_CAUSE_FAILBACK && agent->better_at_ms[node][group] == 0) {
		sim_fail(sim, "%s offers group %u to %s, which is no better", sim_node((int)index),
			 group, sim_node(node));
	}
}

bool sim_gain_is_best(const struct sim *sim)
{
	for (unsigned g = 0; g < sim->n_groups; g++) {
		const struct sim_claim *claim = &sim->store.pairs[g].claim;
		for (unsigned i = 0; i < sim->n_agents && claim->node >= 0; i++) {
			if (sim->failback && sim->flap_moves == 0 && !claim->chosen &&
			    (sim->store.members[i].eligible & 1u << g) != 0 &&
			    outranks(&sim->store.members[i], &sim->store.members[claim->node], g)) {
				return false;
			}
		}
	}
	return true;
}
