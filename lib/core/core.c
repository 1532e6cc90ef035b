#include "core/internal.h"

#include <assert.h>
#include <string.h>

/* Reads of who has a pulse are so many renew intervals apart, but two thirds of a ttl at most. */
#define SELDOM 4
#define PHASE_MS 5 /* so that not all standbys read at once when it is gone */

static void take_read(struct oo_core *core, const struct oo_event *event)
{
	if (!core->read_busy || event->seq != core->read_seq) {
		return;
	}
	core->read_busy = false;
	if (event->outcome != OO_OUTCOME_DONE) {
		core->read_at = core->now + core->config.retry_ms;
		core->seldom_at = core->read_at;
		return;
	}
	for (size_t g = 0; g < core->config.n_groups; g++) {
		struct group *group = &core->groups[g];
		oo_core_observe_pair(core, group, group->read_noted_revision, event,
				     &event->pairs[g]);
		oo_core_observe_order(core, group, group->read_noted_order_revision, event,
				      &event->orders[g]);
	}
	oo_core_observe_pause(core, core->read_noted_pause_revision, event);
	oo_core_observe_drain(core, core->read_noted_drain_revision, event);
}

static void take(struct oo_core *core, const struct oo_event *event)
{
	switch (event->type) {
	case OO_EVENT_TIME:
		break;
	case OO_EVENT_READ:
		take_read(core, event);
		break;
	case OO_EVENT_WATCH:
		oo_core_observe_watch(core, &core->groups[event->group], event);
		break;
	case OO_EVENT_PAUSE:
		oo_core_observe_pause(core, 0, event);
		break;
	case OO_EVENT_DRAIN:
		oo_core_observe_drain(core, 0, event);
		break;
	case OO_EVENT_ORDER:
		oo_core_observe_order(core, &core->groups[event->group], 0, event, event->orders);
		break;
	case OO_EVENT_ANSWER:
		oo_core_take_answer(core, event);
		break;
	case OO_EVENT_MEMBERS:
		oo_core_take_members(core, event);
		break;
	case OO_EVENT_CHECK:
		oo_core_count(&core->checks[event->index], event->health, core->now);
		break;
	case OO_EVENT_LINK:
		core->groups[event->group].link_up = event->up;
		break;
	case OO_EVENT_ADDRESS:
		core->groups[event->group].address_up = event->up;
		break;
	case OO_EVENT_DOUBT:
		core->groups[event->group].doubted = true;
		break;
	case OO_EVENT_STOP:
		if (!core->stopping) {
			core->stopping = true;
			core->stop_until = core->now + core->config.ttl_ms;
		}
		break;
	}
}

/*
 * Absent keys have no revision: who looks twice cannot tell whether somebody held and was deleted in
 * between. So nobody's wait begins with absence, but with a mark in its place.
 */
static bool should_mark(const struct oo_core *core, const struct group *group)
{
	return group->known && group->pair.claim.revision == 0 && !group->request.busy &&
	       core->now >= group->request.next_at;
}

static void settle_standby(struct oo_core *core, struct group *group)
{
	enum oo_cause cause;

	if (oo_core_is_ending(core, group)) {
		return;
	}
	if (group->known && oo_core_is_ours(core, group, &group->pair.claim)) {
		oo_core_activate(core, group, &group->pair, OO_CAUSE_READ_BACK);
	} else if (oo_core_is_offered(core, group)) {
		oo_core_activate(core, group, &group->pair, OO_CAUSE_OFFERED);
	} else if (!core->paused && core->now >= group->request.next_at &&
		   oo_core_may_serve(core, group) &&
		   core->now >= oo_core_take_at(core, group, &cause)) {
		oo_core_enter(core, group, OO_ROLE_ACQUIRING, cause);
		oo_core_send_claim(core, group, cause);
	} else if (should_mark(core, group)) {
		oo_core_send_mark(core, group);
	}
}

/*
 * Etcd shows another claim than ours, or none. Older than our claim is nothing that was seen. A fresh
 * one of ours may be seen before its answer comes.
 */
static bool is_lost(const struct group *group)
{
	const uint64_t nonce = group->pair.claim.nonce;
	return group->known && nonce != group->mine.claim.nonce &&
	       (nonce == 0 || nonce != group->fresh);
}

/* The claim says what others have to wait for. No more is begun once the hold has lapsed: first things first. */
static bool should_refresh(const struct oo_core *core, const struct group *group)
{
	return group->fresh != 0 || (core->now < group->want.hold_until &&
				     group->mine.claim.ttl_ms != core->config.ttl_ms);
}

/* While etcd is silent nothing could be handed over. */
static bool is_heard(const struct oo_core *core, const struct group *group)
{
	return group->renewed_at != 0 &&
	       core->now - group->renewed_at <=
		       2 * oo_core_in_proportion(core, group, core->config.renew_ms);
}

/* Never move without a gain: away only once there is an eligible standby. */
static bool should_leave_for_health(const struct oo_core *core, const struct group *group,
				    enum oo_cause *ret_why)
{
	int check;
	if (core->paused || oo_core_eligible(core, group, &check) != OO_HEALTH_DOWN ||
	    core->now < oo_core_leave_at(core, group)) {
		return false;
	}
	*ret_why = core->drained    ? OO_CAUSE_DRAINED
		   : group->link_up ? OO_CAUSE_CHECK_DOWN
				    : OO_CAUSE_LINK_DOWN;
	return true;
}

/*
 * The order may be an old one, withdrawn while we did not run: nothing goes down for it before etcd has
 * answered a renewal that was sent after it was seen.
 */
static bool should_leave_by_order(const struct oo_core *core, const struct group *group)
{
	return oo_core_ordered(core, group) != NULL && is_heard(core, group) &&
	       group->renewed_at >= group->order_seen_at;
}

static bool should_fail_back(const struct oo_core *core, const struct group *group)
{
	return is_heard(core, group) && core->now >= oo_core_failback_at(core, group);
}

static void settle_active(struct oo_core *core, struct group *group)
{
	enum oo_cause why;

	if (is_lost(group)) {
		oo_core_leave(core, group, OO_CAUSE_LOST);
	} else if (oo_core_is_ending(core, group)) {
		oo_core_leave(core, group, OO_CAUSE_STOPPING);
	} else if (should_leave_by_order(core, group)) {
		oo_core_leave(core, group,
			      OO_CAUSE_SWITCHOVER); /* also paused: a person wants it */
	} else if (is_heard(core, group) && should_leave_for_health(core, group, &why)) {
		oo_core_leave(core, group, why);
	} else if (should_fail_back(core, group)) {
		oo_core_leave(core, group, OO_CAUSE_FAILBACK);
	} else if (!group->request.busy &&
		   (group->doubted || core->now >= group->request.next_at)) {
		if (should_refresh(core, group)) {
			oo_core_send_refresh(core, group);
		} else {
			oo_core_send_renewal(core, group);
		}
	}
}

static void settle_releasing(struct oo_core *core, struct group *group)
{
	if (group->address_up) {
		return;
	}
	if (group->leaving == OO_CAUSE_LOST) {
		oo_core_enter(core, group, OO_ROLE_STANDBY, OO_CAUSE_LOST);
	} else {
		oo_core_enter(core, group, OO_ROLE_HANDING_OVER, OO_CAUSE_ADDRESS_DOWN);
	}
}

static enum oo_cause why_kept(const struct oo_core *core, const struct group *group)
{
	return group->leaving == OO_CAUSE_SWITCHOVER && !oo_core_order_stands(core, group)
		       ? OO_CAUSE_WITHDRAWN
		       : OO_CAUSE_TARGET_GONE;
}

static void settle_handing_over(struct oo_core *core, struct group *group)
{
	if (oo_core_is_ending(core, group) && core->now >= core->stop_until) {
		oo_core_enter(core, group, OO_ROLE_STANDBY, OO_CAUSE_GAVE_UP);
	} else if (!group->request.busy && core->now >= group->request.next_at) {
		if (oo_core_is_ending(core,
				      group)) { /* not only to whom an operator would have it go */
			group->leaving = OO_CAUSE_STOPPING;
		}
		oo_core_choose_target(core, group); /* hooks had their time: look again */
		if (group->target[0] == '\0' && !oo_core_is_ending(core, group)) {
			oo_core_enter(core, group, OO_ROLE_RECLAIMING, why_kept(core, group));
		} else {
			oo_core_send_yield(core, group);
		}
	}
}

static void settle_reclaiming(struct oo_core *core, struct group *group)
{
	if (oo_core_is_ending(core, group) && group->adopting) {
		oo_core_leave(core, group, OO_CAUSE_STOPPING);
	} else if (oo_core_is_ending(core, group)) {
		group->leaving = OO_CAUSE_STOPPING;
		oo_core_choose_target(core, group);
		oo_core_enter(core, group, OO_ROLE_HANDING_OVER, OO_CAUSE_STOPPING);
	} else if (!group->request.busy && core->now >= group->request.next_at) {
		oo_core_send_reclaim(core, group);
	}
}

static void settle_once(struct oo_core *core, struct group *group)
{
	switch (group->want.role) {
	case OO_ROLE_STANDBY:
		settle_standby(core, group);
		return;
	case OO_ROLE_ACQUIRING:
		return; /* the answer decides */
	case OO_ROLE_ACTIVE:
		settle_active(core, group);
		return;
	case OO_ROLE_RELEASING:
		settle_releasing(core, group);
		return;
	case OO_ROLE_HANDING_OVER:
		settle_handing_over(core, group);
		return;
	case OO_ROLE_RECLAIMING:
		settle_reclaiming(core, group);
		return;
	}
}

static void note_relief(const struct oo_core *core, struct group *group)
{
	if (oo_core_best_other(core, group) == NULL) {
		group->relief_at = OO_CORE_NEVER;
	} else if (group->relief_at == OO_CORE_NEVER) {
		group->relief_at = core->now;
	}
}

/* Until nothing moves any more: each role waits for something from outside, so this ends. */
static void settle(struct oo_core *core, struct group *group)
{
	enum oo_role before;
	oo_core_note_standings(core, group);
	note_relief(core, group);
	do {
		before = group->want.role;
		settle_once(core, group);
	} while (group->want.role != before);
	group->want.address =
		group->want.role == OO_ROLE_ACTIVE && core->now < group->want.hold_until;
	group->want.keep = group->adopting;
	group->want.graceful = group->want.role == OO_ROLE_RELEASING &&
			       group->leaving != OO_CAUSE_LOST && !is_lost(group) &&
			       core->now < group->want.hold_until;
	/* "Not reported yet" is not "gone": who adds it may be at it right now. */
	group->address_up = group->address_up || group->want.address || group->want.keep;
}

static void sooner(int64_t *wake_at, int64_t at)
{
	if (at < *wake_at) {
		*wake_at = at;
	}
}

static int64_t wake_of(const struct oo_core *core, const struct group *group)
{
	int64_t wake_at = OO_CORE_NEVER;
	enum oo_cause cause;

	switch (group->want.role) {
	case OO_ROLE_STANDBY:
		if (!oo_core_is_ending(core, group) && !core->paused &&
		    oo_core_may_serve(core, group)) {
			sooner(&wake_at, oo_core_later(oo_core_take_at(core, group, &cause),
						       group->request.next_at));
		}
		break;
	case OO_ROLE_ACTIVE:
		if (group->want.address) {
			sooner(&wake_at, group->want.hold_until);
		}
		if (oo_core_leave_at(core, group) > core->now) {
			sooner(&wake_at, oo_core_leave_at(core, group));
		}
		if (oo_core_failback_at(core, group) > core->now) {
			sooner(&wake_at, oo_core_failback_at(core, group));
		}
		break;
	case OO_ROLE_RELEASING:
		if (group->want.graceful) {
			sooner(&wake_at, group->want.hold_until);
		}
		break;
	case OO_ROLE_ACQUIRING:
	case OO_ROLE_HANDING_OVER:
	case OO_ROLE_RECLAIMING:
		break;
	}
	if (!group->request.busy && group->want.role != OO_ROLE_STANDBY &&
	    group->want.role != OO_ROLE_RELEASING) {
		sooner(&wake_at, group->request.next_at);
	}
	return wake_at;
}

/*
 * Until when what goes on in group is known without a read: a holder has its renewals for a pulse, a
 * standby the beats that the watch brings. Once they are missing it reads, well before it may take.
 */
static int64_t pulse_until(const struct oo_core *core, const struct group *group)
{
	const struct oo_claim *claim = &group->pair.claim;

	if (group->want.role == OO_ROLE_ACTIVE) { /* and all was looked at since it holds */
		return core->read_sent_at >= group->role_since ? OO_CORE_NEVER : core->now;
	}
	if (group->want.role != OO_ROLE_STANDBY || !group->known || claim->revision == 0 ||
	    claim->kind == OO_CLAIM_RELEASED) {
		return core->now;
	}
	return group->heard_until +
	       (int64_t)oo_core_rank(core, group) * PHASE_MS % core->config.renew_ms;
}

/* What the watch may have missed is repaired by reads that are seldom while there is a pulse. */
static int64_t read_due(const struct oo_core *core)
{
	int64_t due = core->seldom_at;

	for (size_t g = 0; g < core->config.n_groups; g++) {
		sooner(&due, pulse_until(core, &core->groups[g]));
	}
	return oo_core_later(due, core->read_at);
}

static int64_t least(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

static void send_read(struct oo_core *core)
{
	core->read_busy = true;
	core->read_seq = ++core->sequence;
	core->read_sent_at = core->now;
	core->read_at = core->now + core->config.renew_ms;
	core->seldom_at =
		core->now + least(SELDOM * core->config.renew_ms, core->config.ttl_ms * 2 / 3);
	core->read_noted_pause_revision = core->pause_revision;
	core->read_noted_drain_revision = core->drain_revision;
	for (size_t g = 0; g < core->config.n_groups; g++) {
		core->groups[g].read_noted_revision = core->groups[g].revision;
		core->groups[g].read_noted_order_revision = core->groups[g].order_revision;
	}
}

static void plan(struct oo_core *core)
{
	if (!core->read_busy && core->now >= read_due(core)) {
		send_read(core);
	}
	core->wake_at = core->read_busy ? OO_CORE_NEVER : read_due(core);
	for (size_t g = 0; g < core->config.n_groups; g++) {
		sooner(&core->wake_at, wake_of(core, &core->groups[g]));
	}
	if (core->now < core->stop_until) {
		sooner(&core->wake_at, core->stop_until);
	}
}

/* What must hold after every step, whatever came in. */
static void check_invariants(const struct oo_core *core)
{
	for (size_t g = 0; g < core->config.n_groups; g++) {
		const struct oo_want *want = &core->groups[g].want;
		assert(!want->address || want->role == OO_ROLE_ACTIVE);
		assert(!want->address || core->now < want->hold_until);
		assert(!want->address || !want->keep);
		assert(want->hold_until <= want->guard_until);
		assert(want->role != OO_ROLE_ACTIVE || core->groups[g].mine.claim.nonce != 0);
	}
	assert(core->wake_at > core->now);
}

void oo_core_step(struct oo_core *core, int64_t now, const struct oo_event *event)
{
	core->now = oo_core_later(core->now, now);
	core->n_transitions = 0;
	take(core, event);
	for (size_t g = 0; g < core->config.n_groups; g++) {
		settle(core, &core->groups[g]);
	}
	plan(core);
	check_invariants(core);
}
