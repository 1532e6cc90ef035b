/* Who comes first where somebody follows a holder: told here once more, as one number a node. */
#include "sim.h"

#include <string.h>

/* Whether zone is what the group wants next to (stay), or away from (spread), the one that is left. */
static bool suits(const struct sim *sim, unsigned group, const char *left, const char *zone)
{
	const bool known = left[0] != '\0' && zone[0] != '\0';

	switch (sim->zones[group]) {
	case OO_ZONES_ANY:
		break;
	case OO_ZONES_STAY:
		return known && strcmp(left, zone) == 0;
	case OO_ZONES_SPREAD:
		return known && strcmp(left, zone) != 0;
	}
	return false;
}

/* Health, zone, the preferred zone, priority. */
static uint64_t worth(const struct sim *sim, unsigned group, const char *left,
		      const struct oo_core_member *member)
{
	return (uint64_t)(UINT16_MAX - member->ailing[group]) << 32 |
	       (uint64_t)suits(sim, group, left, member->zone) << 17 |
	       (uint64_t)(member->preferred >> group & 1) << 16 | member->priority[group];
}

/* At last the name. */
static bool comes_before(const struct sim *sim, unsigned group, const char *left,
			 const struct oo_core_member *one, const struct oo_core_member *other)
{
	const uint64_t its = worth(sim, group, left, one);
	const uint64_t others = worth(sim, group, left, other);
	return its != others ? its > others : strcmp(one->node, other->node) < 0;
}

static const char *zone_of(const struct sim *sim, const char *node)
{
	for (unsigned i = 0; i < sim->n_agents; i++) {
		if (strcmp(node, sim_node((int)i)) == 0) {
			return sim->agents[i].file.zone;
		}
	}
	return "";
}

static struct oo_core_member self_of(const struct sim_agent *agent, unsigned group)
{
	struct oo_core_member self = {0};
	memcpy(self.node, agent->config.node, sizeof(self.node));
	memcpy(self.zone, agent->config.zone, sizeof(self.zone));
	self.ailing[group] = (uint16_t)oo_core_view(agent->core, group).ailing;
	self.priority[group] = agent->config.groups[group].priority;
	self.preferred = agent->config.groups[group].preferred ? 1u << group : 0;
	return self;
}

/* Whoever takes what nobody holds has left each who comes first its 100 ms. */
void sim_rank_take(struct sim *sim, unsigned index, const struct oo_transition *transition)
{
	const struct sim_agent *agent = &sim->agents[index];
	const unsigned g = transition->group;
	const struct oo_core_view view = oo_core_view(agent->core, g);
	const struct oo_claim *claim = &view.pair->claim;
	const struct oo_core_member self = self_of(agent, g);
	int64_t least_ms = transition->cause == OO_CAUSE_HOLDER_SILENT ? claim->ttl_ms : 0;

	for (size_t i = 0; i < agent->n_view; i++) {
		const struct oo_core_member *member = &agent->view[i];
		const uint32_t fits = view.stranded ? member->stranded : member->eligible;
		if ((fits >> g & 1) != 0 && strcmp(member->node, self.node) != 0 &&
		    strcmp(member->node, claim->node) != 0 &&
		    comes_before(sim, g, zone_of(sim, claim->node), member, &self)) {
			least_ms += OO_CORE_STAGGER_MS;
		}
	}
	if (transition->number < least_ms && !agent->refused[g]) {
		sim_fail(sim, "%s takes group %u after %d ms, but is to wait for %d",
			 sim_node((int)index), g, (int)transition->number, (int)least_ms);
	}
}

/* Whether member is one of those that an offer for this cause may go to. */
static bool is_choice(const struct sim *sim, const struct sim_agent *agent, unsigned group,
		      const struct oo_core_member *member)
{
	const int64_t now_ms = sim_local_ms(sim, agent);
	const int node = member->node[sizeof("node-") - 1] - 'a';
	const int64_t better_at_ms = agent->better_at_ms[node][group];
	const int64_t retold_ms = agent->retold_ms[group];
	const int64_t since_ms = better_at_ms > retold_ms ? better_at_ms : retold_ms;

	if ((member->eligible >> group & 1) == 0 || agent == &sim->agents[node]) {
		return false;
	}
	return oo_core_want(agent->core, group)->request.cause != OO_CAUSE_FAILBACK ||
	       (better_at_ms != 0 && now_ms - since_ms >= sim->failback_stable_ms);
}

/* Who is handed to is the first; what fails back goes to the best, wherever it is. */
void sim_rank_offer(struct sim *sim, unsigned index, unsigned group, int node)
{
	const struct sim_agent *agent = &sim->agents[index];
	const struct oo_request *request = &oo_core_want(agent->core, group)->request;
	const char *left = request->cause == OO_CAUSE_FAILBACK ? "" : agent->config.zone;
	const struct oo_core_member *target = NULL;

	if (request->order != 0 || oo_core_view(agent->core, group).damping_ms > 0 ||
	    agent->refused[group]) {
		return; /* a person may want it to be somebody else; who comes first may be new */
	}
	for (size_t i = 0; i < agent->n_view; i++) {
		if (strcmp(agent->view[i].node, sim_node(node)) == 0) {
			target = &agent->view[i];
		}
	}
	for (size_t i = 0; i < agent->n_view && target != NULL; i++) {
		const struct oo_core_member *other = &agent->view[i];
		if (is_choice(sim, agent, group, other) &&
		    comes_before(sim, group, left, other, target)) {
			sim_fail(sim, "%s offers group %u to %s, though %s comes first",
				 sim_node((int)index), group, target->node, other->node);
		}
	}
}
