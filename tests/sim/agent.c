/* What an agent does around its core: news in, wants out. */
#include "sim.h"

#include <string.h>

static int node_of(const struct sim *sim, const char *name)
{
	for (unsigned i = 0; i < sim->n_agents; i++) {
		if (strcmp(name, sim_node((int)i)) == 0) {
			return (int)i;
		}
	}
	return -1;
}

static uint64_t value_of(const char *value, uint16_t length)
{
	uint64_t number = 0;
	if (length == sizeof(number)) {
		memcpy(&number, value, sizeof(number));
	}
	return number;
}

static void send_request(struct sim *sim, unsigned index, unsigned group)
{
	struct sim_agent *agent = &sim->agents[index];
	const struct oo_request *request = &oo_core_want(agent->core, group)->request;
	const struct oo_pair *expect = request->expect;
	int node = node_of(sim, request->node);

	if (request->op == OO_REQUEST_YIELD && request->kind == OO_CLAIM_OFFERED) {
		sim_judge_offer(sim, index, group, node);
	}
	sim_wire_send(sim,
		      &(struct sim_request){
			      .kind = SIM_TXN,
			      .op = request->op,
			      .agent = (uint8_t)index,
			      .group = (uint8_t)group,
			      .node = (int8_t)node,
			      .claim_kind = (uint8_t)request->kind,
			      .incarnation = agent->incarnation,
			      .seq = request->seq,
			      .nonce = request->nonce,
			      .ends = request->ends,
			      .epoch = request->epoch,
			      .beat = request->beat,
			      .order = request->order,
			      .chosen = request->chosen,
			      .by_order = request->op == OO_REQUEST_YIELD &&
					  request->cause == OO_CAUSE_SWITCHOVER,
			      .ttl_ms = request->ttl_ms,
			      .sent_at_ms = sim_local_ms(sim, agent),
			      .expect = {.claim = {.revision = expect->claim.revision,
						   .value = value_of(expect->claim.value,
								     expect->claim.value_length)},
					 .beat = {.revision = expect->beat.revision,
						  .value = value_of(expect->beat.value,
								    expect->beat.value_length)}},
		      });
}

static struct sim_member member_of(const struct sim *sim, const struct sim_agent *agent)
{
	struct sim_member member;
	unsigned streak;

	memset(&member, 0, sizeof(member)); /* compared byte by byte */
	member.present = true;
	for (unsigned g = 0; g < sim->n_groups; g++) {
		struct oo_core_view view = oo_core_view(agent->core, g);
		if (view.eligible == OO_HEALTH_UP && !agent->stopping) {
			member.eligible |= 1u << g;
		}
		if (view.stranded && !agent->stopping) {
			member.stranded |= 1u << g;
		}
		member.ailing[g] = (uint16_t)view.ailing;
		member.priority[g] = agent->config.groups[g].priority;
		member.preferred |= agent->config.groups[g].preferred ? 1u << g : 0;
	}
	member.fails =
		oo_core_check_health(agent->core, SIM_CHECK_SHARED, &streak) == OO_HEALTH_DOWN;
	return member;
}

static void publish(struct sim *sim, unsigned index)
{
	struct sim_agent *agent = &sim->agents[index];
	struct sim_member member = member_of(sim, agent);

	if (agent->publishing || memcmp(&member, &agent->published, sizeof(member)) == 0) {
		return;
	}
	agent->publishing = true;
	sim_wire_send(sim, &(struct sim_request){.kind = SIM_MEMBER,
						 .agent = (uint8_t)index,
						 .incarnation = agent->incarnation,
						 .member = member});
}

static void plan_wake(struct sim *sim, unsigned index)
{
	struct sim_agent *agent = &sim->agents[index];
	int64_t wake_at = sim_true_time(agent, oo_core_wake_at(agent->core));

	if (wake_at < agent->wake_at) {
		agent->wake_at = wake_at;
		sim_push(sim, wake_at,
			 (struct sim_event){.type = SIM_WAKE,
					    .agent = (uint8_t)index,
					    .id = agent->incarnation});
	}
}

static void leave_well(struct sim *sim, unsigned index)
{
	TELL(sim, "%s: has stopped", sim_node((int)index));
	for (unsigned g = 0; g < sim->n_groups; g++) {
		sim_kernel_remove(sim, index, g);
	}
	sim_etcd_drop_member(sim, index);
	sim_life_end(sim, index);
}

static void apply(struct sim *sim, unsigned index)
{
	struct sim_agent *agent = &sim->agents[index];
	size_t n;
	const struct oo_transition *transitions = oo_core_transitions(agent->core, &n);

	for (size_t i = 0; i < n; i++) {
		sim_judge_transition(sim, index, &transitions[i]);
		sim_tempt(sim, index, 100);
	}
	for (unsigned g = 0; g < sim->n_groups; g++) {
		sim_address_apply(sim, index, g);
		uint64_t seq = oo_core_want(agent->core, g)->request.seq;
		if (seq != agent->request_seq[g]) {
			agent->request_seq[g] = seq;
			send_request(sim, index, g);
		}
	}
	if (oo_core_read_seq(agent->core) != agent->read_seq) {
		agent->read_seq = oo_core_read_seq(agent->core);
		sim_wire_send(sim, &(struct sim_request){.kind = SIM_READ,
							 .agent = (uint8_t)index,
							 .incarnation = agent->incarnation,
							 .seq = agent->read_seq});
	}
	plan_wake(sim, index);
	if (oo_core_is_stopped(agent->core)) {
		leave_well(sim, index);
	}
}

/* For the judge: what of the shared check this agent knows, and since when. */
static void note_failure(struct sim *sim, struct sim_agent *agent)
{
	unsigned streak;
	bool down = oo_core_check_health(agent->core, SIM_CHECK_SHARED, &streak) == OO_HEALTH_DOWN;
	if (!down) {
		agent->failed_at_ms = 0;
	} else if (agent->failed_at_ms == 0) {
		agent->failed_at_ms = sim_local_ms(sim, agent);
	}
}

void sim_agent_tell(struct sim *sim, unsigned index, const struct oo_event *event)
{
	struct sim_agent *agent = &sim->agents[index];
	if (agent->alive) {
		oo_core_step(agent->core, sim_local_ms(sim, agent), event);
		note_failure(sim, agent);
		sim_gain_note(sim, index);
		sim_life_note(sim, index); /* on disk before anything comes up by it */
		apply(sim, index);
	}
	if (agent->alive && (event->type == OO_EVENT_CHECK || event->type == OO_EVENT_LINK ||
			     event->type == OO_EVENT_MEMBERS || event->type == OO_EVENT_STOP ||
			     event->type == OO_EVENT_READ || event->type == OO_EVENT_DRAIN)) {
		publish(sim, index);
	}
}

static void tell_members(struct sim *sim, unsigned index, const struct sim_store *store)
{
	struct sim_agent *agent = &sim->agents[index];

	agent->n_view = 0;
	for (unsigned g = 0; g < sim->n_groups; g++) {
		if (agent->refused[g]) {
			agent->retold_ms[g] = sim_local_ms(sim, agent);
		}
	}
	memset(agent->refused, 0, sizeof(agent->refused));
	for (unsigned i = 0; i < sim->n_agents; i++) {
		if (store->members[i].present) {
			struct oo_core_member *member = &agent->view[agent->n_view++];
			*member = (struct oo_core_member){.eligible = store->members[i].eligible,
							  .preferred = store->members[i].preferred,
							  .stranded = store->members[i].stranded};
			memcpy(member->priority, store->members[i].priority,
			       sizeof(store->members[i].priority));
			member->fails[SIM_CHECK_SHARED] = store->members[i].fails;
			memcpy(member->node, sim_node((int)i), sizeof("node-a"));
			memcpy(member->zone, sim->agents[i].file.zone, sizeof(member->zone));
			memcpy(member->ailing, store->members[i].ailing,
			       sizeof(store->members[i].ailing));
		}
	}
	agent->published = store->members[index];
	sim_agent_tell(sim, index,
		       &(struct oo_event){.type = OO_EVENT_MEMBERS,
					  .members = agent->view,
					  .n_members = agent->n_view});
}

static void take_watch(struct sim *sim, unsigned index, const struct sim_parcel *parcel)
{
	struct oo_pair *pair = &sim->scratch[0];

	if ((parcel->news & SIM_NEWS_MEMBERS) != 0) {
		tell_members(sim, index, &parcel->store);
	}
	if ((parcel->news & SIM_NEWS_PAUSE) != 0) {
		sim_agent_tell(sim, index,
			       &(struct oo_event){.type = OO_EVENT_PAUSE,
						  .revision = parcel->store.revision,
						  .paused = parcel->store.paused});
	}
	if ((parcel->news & SIM_NEWS_DRAIN) != 0) {
		sim_agent_tell(sim, index,
			       &(struct oo_event){.type = OO_EVENT_DRAIN,
						  .revision = parcel->store.revision,
						  .drained = parcel->store.drained[index]});
	}
	if ((parcel->news & SIM_NEWS_ORDER) != 0) {
		struct oo_order order = sim_order(&parcel->store.orders[parcel->group]);
		sim_agent_tell(sim, index,
			       &(struct oo_event){.type = OO_EVENT_ORDER,
						  .group = parcel->group,
						  .revision = parcel->store.revision,
						  .orders = &order});
	}
	if ((parcel->news & (SIM_NEWS_CLAIM | SIM_NEWS_BEAT)) != 0) {
		bool claim = (parcel->news & SIM_NEWS_CLAIM) != 0;
		bool beat = (parcel->news & SIM_NEWS_BEAT) != 0;
		sim_fill_pair(pair, &parcel->store.pairs[parcel->group]);
		sim_agent_tell(sim, index,
			       &(struct oo_event){.type = OO_EVENT_WATCH,
						  .group = parcel->group,
						  .revision = parcel->store.revision,
						  .claim = claim ? &pair->claim : NULL,
						  .beat = beat ? &pair->beat : NULL});
	}
}

static void answer_txn(struct sim *sim, const struct sim_request *request,
		       const struct sim_parcel *parcel)
{
	struct oo_event event = {.type = OO_EVENT_ANSWER,
				 .group = request->group,
				 .seq = request->seq,
				 .outcome = OO_OUTCOME_UNKNOWN};
	struct oo_order order;

	if (parcel != NULL) {
		event.outcome = parcel->done ? OO_OUTCOME_DONE : OO_OUTCOME_REFUSED;
		sim->agents[request->agent].refused[request->group] |=
			!parcel->done && request->op == OO_REQUEST_YIELD;
		event.revision = parcel->store.revision;
		event.paused = parcel->store.paused && request->op == OO_REQUEST_CLAIM;
		event.drained =
			parcel->store.drained[request->agent] && request->op == OO_REQUEST_CLAIM;
		order = sim_order(&parcel->store.orders[request->group]);
		event.orders = &order;
		if (request->op != OO_REQUEST_RENEW || !sim->renewals_read_nothing) {
			sim_fill_pair(&sim->scratch[0], &parcel->store.pairs[request->group]);
			event.pairs = sim->scratch;
		}
	}
	sim_agent_tell(sim, request->agent, &event);
}

static void answer_read(struct sim *sim, const struct sim_request *request,
			const struct sim_parcel *parcel)
{
	struct sim_agent *agent = &sim->agents[request->agent];
	struct oo_event event = {
		.type = OO_EVENT_READ, .seq = request->seq, .outcome = OO_OUTCOME_UNKNOWN};
	struct oo_order orders[SIM_GROUPS_MAX];

	if (parcel != NULL) {
		event.outcome = OO_OUTCOME_DONE;
		event.revision = parcel->store.revision;
		event.paused = parcel->store.paused;
		event.drained = parcel->store.drained[request->agent];
		event.pairs = sim->scratch;
		event.orders = orders;
		for (unsigned g = 0; g < sim->n_groups; g++) {
			orders[g] = sim_order(&parcel->store.orders[g]);
			sim_fill_pair(&sim->scratch[g], &parcel->store.pairs[g]);
		}
	}
	sim_agent_tell(sim, request->agent, &event);
	if (parcel != NULL && agent->reads++ % 4 == 0) { /* every few seconds, and at a start */
		tell_members(sim, request->agent, &parcel->store);
	}
}

/* parcel: the answer; NULL: none came in time. */
static void take_answer(struct sim *sim, uint32_t id, const struct sim_parcel *parcel)
{
	struct sim_request *request = &sim->requests[id];
	struct sim_agent *agent = &sim->agents[request->agent];

	if (request->answered || !agent->alive || request->incarnation != agent->incarnation) {
		return;
	}
	request->answered = true;
	switch (request->kind) {
	case SIM_TXN:
		answer_txn(sim, request, parcel);
		return;
	case SIM_READ:
		answer_read(sim, request, parcel);
		return;
	case SIM_MEMBER:
		agent->publishing = false;
		if (parcel != NULL) {
			agent->published = request->member;
			publish(sim, request->agent);
		} else {
			sim_push(sim, sim->now + 200 * SIM_MS,
				 (struct sim_event){.type = SIM_PUBLISH, .agent = request->agent});
		}
		return;
	}
}

/* The level, as the agent sees it at that moment. */
void sim_agent_report(struct sim *sim, unsigned index, unsigned group)
{
	int64_t at = sim->now + sim_between(sim, 10, sim->calm ? 1000 : 20000);
	sim_push(sim, at,
		 (struct sim_event){
			 .type = SIM_REPORT, .agent = (uint8_t)index, .group = (uint8_t)group});
}

/* As many equal results as it takes, then one now and then. */
void sim_agent_plan_checks(struct sim *sim, unsigned index, unsigned check)
{
	for (unsigned i = 1; i <= 3; i++) {
		sim_push(sim, sim->now + sim_between(sim, 1, 300) * SIM_MS * i,
			 (struct sim_event){.type = SIM_CHECK,
					    .agent = (uint8_t)index,
					    .group = (uint8_t)check});
	}
}

/* The truth about its own host, as it is by now. */
static void see(struct sim *sim, const struct sim_event *event)
{
	struct sim_agent *agent = &sim->agents[event->agent];
	const struct sim_address *address = &agent->addresses[event->group];
	struct oo_event news = {.group = event->group};

	if (event->type == SIM_REPORT) {
		news.type = OO_EVENT_ADDRESS;
		news.up = address->up || address->adding;
	} else if (event->type == SIM_LINK) {
		news.type = OO_EVENT_LINK;
		news.up = agent->link[event->group];
	} else if (event->type == SIM_CHECK) {
		news.type = OO_EVENT_CHECK;
		news.index = event->group;
		news.health = agent->health[event->group];
	} else if (event->type == SIM_RIVAL) {
		news.type = OO_EVENT_DOUBT;
	} else {
		news.type = OO_EVENT_STOP;
		agent->stopping = true;
	}
	sim_agent_tell(sim, event->agent, &news);
}

/* Another priority perhaps, or another ttl; or a group that leaves. */
static void reload(struct sim *sim, const struct sim_event *event)
{
	struct sim_agent *agent = &sim->agents[event->agent];

	if (agent->alive && event->type == SIM_RETIRE) {
		oo_core_retire(agent->core, event->group);
	} else if (agent->alive) {
		agent->config = agent->file;
		for (int i = 0; i < SIM_CHECKS; i++) {
			agent->config.checks[i].inherits = i;
		}
		oo_core_set_config(agent->core, &agent->config);
	}
	if (agent->alive) {
		sim_agent_tell(sim, event->agent, &(struct oo_event){.type = OO_EVENT_TIME});
	}
	if (agent->alive) {
		publish(sim, event->agent);
	}
}

static void wake(struct sim *sim, const struct sim_event *event)
{
	struct sim_agent *agent = &sim->agents[event->agent];

	if (agent->alive && event->id == agent->incarnation && event->at >= agent->wake_at) {
		agent->wake_at = SIM_NEVER;
		sim_agent_tell(sim, event->agent, &(struct oo_event){.type = OO_EVENT_TIME});
	}
}

static void take_parcel(struct sim *sim, uint32_t parcel)
{
	uint32_t id = sim_wire_parcel(sim, parcel)->request;
	take_answer(sim, id, sim_wire_parcel(sim, parcel));
	sim_wire_release_request(sim, id);
	sim_wire_release_parcel(sim, parcel);
}

/* What comes to an agent; one that is frozen gets it when it thaws, not quite in order. */
void sim_agent_event(struct sim *sim, const struct sim_event *event)
{
	struct sim_agent *agent = &sim->agents[event->agent];

	if (agent->alive && agent->frozen_until > sim->now) {
		sim_push(sim, agent->frozen_until + sim_between(sim, 0, 3) * 300, *event);
		return;
	}
	switch ((enum sim_event_type)event->type) {
	case SIM_WAKE:
		wake(sim, event);
		return;
	case SIM_ANSWER:
		take_parcel(sim, event->id);
		return;
	case SIM_DEADLINE:
		take_answer(sim, event->id, NULL);
		sim_wire_release_request(sim, event->id);
		return;
	case SIM_WATCH:
		take_watch(sim, event->agent, sim_wire_parcel(sim, event->id));
		sim_wire_release_parcel(sim, event->id);
		return;
	case SIM_OPERATE:
		sim_address_operate(sim, event);
		return;
	case SIM_REPORT:
	case SIM_CHECK:
	case SIM_LINK:
	case SIM_RIVAL:
		see(sim, event);
		return;
	case SIM_RELOAD:
	case SIM_RETIRE:
		reload(sim, event);
		return;
	case SIM_STOP:
		if (event->id == agent->incarnation) {
			see(sim, event);
		}
		return;
	case SIM_PUBLISH:
		if (agent->alive) {
			publish(sim, event->agent);
		}
		return;
	case SIM_ARRIVE:
	case SIM_EXPIRE:
	case SIM_PRESENCE:
	case SIM_START:
	case SIM_CHAOS:
	case SIM_OPERATOR:
	case SIM_WITHDRAW:
	case SIM_STRIKE:
	case SIM_CALM:
	case SIM_SETTLED:
	case SIM_STORM:
	case SIM_DAWN:
		return; /* none of an agent's */
	}
}
