/* What must hold after every event, whatever happened. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sim_fail(struct sim *sim, const char *format, ...)
{
	va_list arguments;

	if (sim->failed) {
		return;
	}
	sim->failed = true;
	va_start(arguments, format);
	(void)vsnprintf(sim->failure, sizeof(sim->failure), format, arguments);
	va_end(arguments);
	TELL(sim, "FAILED: %s", sim->failure);
}

/* etcd lost its data or somebody wrote by hand: epochs are compared anew from here. */
void sim_judge_era(struct sim *sim, unsigned group)
{
	sim->judge.epoch[group] = 0;
	sim->judge.placed[group] = false;
}

/* Epochs grow from tenure to tenure; a fresh claim and a release keep the one that they end. */
void sim_judge_claim(struct sim *sim, const struct sim_request *request)
{
	uint64_t *epoch = &sim->judge.epoch[request->group];
	bool same_tenure =
		request->op == OO_REQUEST_RECLAIM || request->claim_kind == OO_CLAIM_RELEASED;

	if (request->epoch == 0 ||
	    (same_tenure ? request->epoch < *epoch : request->epoch <= *epoch)) {
		sim_fail(sim, "epoch %llu of group %u after epoch %llu",
			 (unsigned long long)request->epoch, request->group,
			 (unsigned long long)*epoch);
	}
	if (request->epoch > *epoch) {
		*epoch = request->epoch;
	}
}

/* Carried out by etcd: whoever sent it may have the address up until sent + ttl, by its clock. */
void sim_judge_renewal(struct sim *sim, const struct sim_request *request)
{
	const struct sim_agent *agent = &sim->agents[request->agent];
	int64_t until = sim_true_time(agent, request->sent_at_ms +
						     sim->store.pairs[request->group].claim.ttl_ms);
	int64_t *known = &sim->judge.until[request->agent][request->group];

	if (until > *known) {
		*known = until;
		sim_judge_address(sim, request->agent, request->group);
	}
}

/*
 * Carried out: from now on others wait for the ttl of this claim, whatever was promised under the one of
 * before. (The agent's clock is up to a ms ahead of what it shows.)
 */
void sim_judge_fresh_claim(struct sim *sim, const struct sim_request *request)
{
	const struct sim_agent *agent = &sim->agents[request->agent];
	int64_t until = sim_true_time(agent, sim_local_ms(sim, agent) + 1 + request->ttl_ms);
	int64_t *known = &sim->judge.until[request->agent][request->group];

	if (until < *known) {
		sim->counts[SIM_COUNT_OTHER_TTLS]++;
		*known = until;
		sim_judge_address(sim, request->agent, request->group);
	}
}

/* Nothing moves by an order that was withdrawn, is another's, or names somebody else. */
void sim_judge_yield(struct sim *sim, const struct sim_request *request)
{
	const struct sim_order *order = &sim->store.orders[request->group];

	if (!request->by_order) {
		return;
	}
	sim->counts[SIM_COUNT_SWITCHOVERS]++;
	if (order->id == 0 || order->from != (int8_t)request->agent ||
	    (order->target >= 0 && order->target != request->node)) {
		sim_fail(sim, "%s gives group %u to %s by an order that does not stand",
			 sim_node(request->agent), request->group, sim_node(request->node));
	}
}

/* An address has gone up or down, or its deadline has moved. */
void sim_judge_address(struct sim *sim, unsigned agent, unsigned group)
{
	struct sim_judge *judge = &sim->judge;

	judge->earliest = SIM_NEVER;
	memset(judge->up, 0, sizeof(judge->up));
	for (unsigned i = 0; i < sim->n_agents; i++) {
		for (unsigned g = 0; g < sim->n_groups; g++) {
			if (!sim->agents[i].addresses[g].up) {
				continue;
			}
			judge->up[g]++;
			if (judge->until[i][g] < judge->earliest) {
				judge->earliest = judge->until[i][g];
			}
		}
	}
	if (judge->up[group] > 1) {
		sim_fail(sim, "two nodes have the address of group %u, the second is %s", group,
			 sim_node((int)agent));
	}
	sim_judge_time(sim);
}

void sim_judge_time(struct sim *sim)
{
	if (sim->now > sim->judge.earliest) {
		sim_fail(sim, "an address is up %.3f ms after sent + ttl",
			 (double)(sim->now - sim->judge.earliest) / 1e3);
	}
}

static bool is_eligible(const struct oo_core_member *member, unsigned group)
{
	return (member->eligible & 1u << group) != 0;
}

/* Who is not eligible takes only what would else have nobody, and lacks only what all share. */
static void judge_take(struct sim *sim, unsigned index, unsigned group)
{
	const struct sim_agent *agent = &sim->agents[index];
	struct oo_core_view view = oo_core_view(agent->core, group);

	if (oo_core_is_drained(agent->core) || oo_core_is_paused(agent->core)) {
		sim_fail(sim, "%s takes group %u, which it knows it must not", sim_node((int)index),
			 group);
	}
	if (view.eligible == OO_HEALTH_UP) {
		return;
	}
	sim->counts[SIM_COUNT_STRANDED]++;
	if (!view.stranded) {
		sim_fail(sim, "%s takes group %u, but is not fit to", sim_node((int)index), group);
	}
	for (size_t i = 0; i < agent->n_view && !agent->refused[group]; i++) {
		if (is_eligible(&agent->view[i], group) &&
		    strcmp(agent->view[i].node, view.pair->claim.node) != 0 &&
		    strcmp(agent->view[i].node, sim_node((int)index)) != 0) {
			sim_fail(sim, "%s takes group %u, though %s is eligible",
				 sim_node((int)index), group, agent->view[i].node);
		}
	}
}

/* For what all share nobody leaves before both nodes had time to notice. */
static void judge_leave(struct sim *sim, unsigned index, unsigned group)
{
	const struct sim_agent *agent = &sim->agents[index];
	int64_t now_ms = sim_local_ms(sim, agent), since_ms = agent->failed_at_ms;

	if (!oo_core_view(agent->core, group).stranded) {
		return;
	}
	if (agent->relief_at_ms[group] > since_ms) {
		since_ms = agent->relief_at_ms[group];
	}
	if (now_ms - since_ms < SIM_NOTICE_MS) {
		sim_fail(sim, "%s gives group %u away %d ms after what all share has failed",
			 sim_node((int)index), group, (int)(now_ms - since_ms));
	}
}

void sim_judge_transition(struct sim *sim, unsigned agent, const struct oo_transition *transition)
{
	TELL(sim, "%s: group %u %s -> %s: %s%s%s", sim_node((int)agent), transition->group,
	     oo_role_name(transition->from), oo_role_name(transition->to),
	     oo_cause_name(transition->cause), transition->peer[0] != '\0' ? " " : "",
	     transition->peer);
	sim_gain_transition(sim, agent, transition);
	if (sim->judge.settled) {
		sim_fail(sim, "%s moves though all is well: %s -> %s: %s", sim_node((int)agent),
			 oo_role_name(transition->from), oo_role_name(transition->to),
			 oo_cause_name(transition->cause));
	}
	if ((transition->cause == OO_CAUSE_CHECK_DOWN || transition->cause == OO_CAUSE_LINK_DOWN) &&
	    oo_core_view(sim->agents[agent].core, transition->group).eligible != OO_HEALTH_DOWN) {
		sim_fail(sim, "%s gives group %u away though it is not sick", sim_node((int)agent),
			 transition->group);
	}
	if (transition->to == OO_ROLE_ACQUIRING) {
		judge_take(sim, agent, transition->group);
		sim_rank_take(sim, agent, transition);
	}
	if (transition->cause == OO_CAUSE_DRAINED && !oo_core_is_drained(sim->agents[agent].core)) {
		sim_fail(sim, "%s gives group %u away though nobody has drained it",
			 sim_node((int)agent), transition->group);
	}
	if ((transition->cause == OO_CAUSE_DRAINED || transition->cause == OO_CAUSE_CHECK_DOWN ||
	     transition->cause == OO_CAUSE_LINK_DOWN || transition->cause == OO_CAUSE_FAILBACK) &&
	    oo_core_is_paused(sim->agents[agent].core)) {
		sim_fail(sim, "%s gives group %u away in a pause", sim_node((int)agent),
			 transition->group);
	}
	if (transition->cause == OO_CAUSE_CHECK_DOWN) {
		judge_leave(sim, agent, transition->group);
	}
	if (transition->to == OO_ROLE_ACTIVE) {
		sim->counts[SIM_COUNT_TAKEOVERS] += transition->from == OO_ROLE_ACQUIRING;
		sim->counts[SIM_COUNT_HANDOVERS] += transition->cause == OO_CAUSE_OFFERED;
		sim->counts[SIM_COUNT_READ_BACKS] += transition->cause == OO_CAUSE_READ_BACK;
		sim->counts[SIM_COUNT_FRESH_CLAIMS] += transition->from == OO_ROLE_RECLAIMING;
	}
	sim->counts[SIM_COUNT_LOST] +=
		transition->from == OO_ROLE_ACTIVE && transition->cause == OO_CAUSE_LOST;
}

/* Never move without a gain: only to who is seen as eligible, and only to the healthiest. */
void sim_judge_offer(struct sim *sim, unsigned index, unsigned group, int node)
{
	const struct sim_agent *agent = &sim->agents[index];
	const struct oo_core_member *target = NULL;

	for (size_t i = 0; i < agent->n_view; i++) {
		if (strcmp(agent->view[i].node, sim_node(node)) == 0 &&
		    is_eligible(&agent->view[i], group)) {
			target = &agent->view[i];
		}
	}
	if (target == NULL) {
		sim_fail(sim, "%s offers group %u to %s, which it does not see as eligible",
			 sim_node((int)index), group, sim_node(node));
		return;
	}
	sim_gain_offer(sim, index, group, node);
	sim_rank_offer(sim, index, group, node);
	if (oo_core_want(agent->core, group)->request.order != 0 ||
	    oo_core_want(agent->core, group)->request.cause == OO_CAUSE_FAILBACK ||
	    oo_core_view(agent->core, group).damping_ms > 0) {
		return; /* a person may want it to be somebody else; who is healthier may be new */
	}
	for (size_t i = 0; i < agent->n_view; i++) {
		const struct oo_core_member *other = &agent->view[i];
		if (is_eligible(other, group) && other->ailing[group] < target->ailing[group] &&
		    strcmp(other->node, sim_node((int)index)) != 0 && !agent->refused[group]) {
			sim_fail(sim, "%s offers group %u to %s, though %s is healthier",
				 sim_node((int)index), group, target->node, other->node);
		}
	}
}

/* Each group has one holder, which etcd names, and whose address is up. */
bool sim_judge_is_well(const struct sim *sim)
{
	for (unsigned g = 0; g < sim->n_groups; g++) {
		const struct sim_claim *claim = &sim->store.pairs[g].claim;
		if (sim->judge.up[g] != 1 || claim->revision == 0 || claim->node < 0 ||
		    !sim->agents[claim->node].addresses[g].up ||
		    oo_core_want(sim->agents[claim->node].core, g)->role != OO_ROLE_ACTIVE ||
		    oo_core_view(sim->agents[claim->node].core, g).eligible != OO_HEALTH_UP) {
			return false;
		}
		for (unsigned i = 0; i < sim->n_agents; i++) {
			if ((int)i != claim->node && sim->agents[i].alive &&
			    oo_core_want(sim->agents[i].core, g)->role != OO_ROLE_STANDBY) {
				return false;
			}
		}
	}
	return true;
}

/*
 * What was on its way when the storm ended may arrive for a while and be a stranger's claim, which
 * gets its full ttl; then somebody claims, by rank, renews and has it.
 */
int64_t sim_judge_bound(const struct sim *sim)
{
	int64_t ttl = (sim->mixed_ttl ? 2 : 1) * sim->ttl_ms * SIM_MS;
	if (sim->failback) { /* twice at most: to who is best by then, and to one that was stopping */
		ttl += (sim->failback_delay_ms + sim->failback_stable_ms) * SIM_MS;
		ttl += (SIM_START_TTLS + SIM_HOOKS_TTLS) * sim->ttl_ms * SIM_MS;
	}
	return SIM_DELAY_MAX + 2 * ttl + ttl / 10 +
	       (int64_t)sim->n_agents * OO_CORE_STAGGER_MS * SIM_MS + SIM_SECOND;
}
