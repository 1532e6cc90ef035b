#include "core/internal.h"

#include <assert.h>
#include <string.h>

static void on_claim_answer(struct oo_core *core, struct group *group, const struct oo_event *event)
{
	if (event->outcome == OO_OUTCOME_DONE) {
		oo_core_activate(core, group, event->pairs, OO_CAUSE_CLAIMED);
		return;
	}
	/* Refused, but our own nonce is read back: a hedged copy came first. */
	if (event->outcome == OO_OUTCOME_REFUSED &&
	    (event->pairs->claim.nonce == group->want.request.nonce ||
	     oo_core_is_ours(core, group, &event->pairs->claim))) {
		oo_core_activate(core, group, event->pairs, OO_CAUSE_READ_BACK);
		return;
	}
	oo_core_enter(core, group, OO_ROLE_STANDBY,
		      event->outcome == OO_OUTCOME_REFUSED ? OO_CAUSE_CLAIM_REFUSED
							   : OO_CAUSE_UNKNOWN);
	group->request.next_at = core->now + core->config.retry_ms;
}

/* The hold counts from the sending, never from the answer. */
static void on_renewal_answer(struct oo_core *core, struct group *group,
			      const struct oo_event *event)
{
	int64_t sent_at = group->request.sent_at;

	switch (event->outcome) {
	case OO_OUTCOME_DONE:
		group->renewed_at = sent_at;
		group->adopting = false;
		group->want.guard_until = sent_at + group->mine.claim.ttl_ms;
		group->want.hold_until = group->want.guard_until -
					 oo_core_in_proportion(core, group, core->config.margin_ms);
		group->request.next_at =
			sent_at + oo_core_in_proportion(core, group, core->config.renew_ms);
		return;
	case OO_OUTCOME_REFUSED:
		oo_core_leave(core, group, OO_CAUSE_LOST);
		return;
	case OO_OUTCOME_UNKNOWN:
		group->request.next_at = sent_at + core->config.retry_ms;
		return;
	}
}

/*
 * Unknown outcomes: who does not know whether its hand-over was carried out must write a fresh claim
 * of its own before it may hold again. Who stops does not want to: it tries again to give up.
 */
static void on_not_yielded(struct oo_core *core, struct group *group)
{
	if (!oo_core_is_ending(core, group)) {
		oo_core_enter(core, group, OO_ROLE_RECLAIMING, OO_CAUSE_UNKNOWN);
		return;
	}
	group->request.next_at = core->now + core->config.retry_ms;
}

/*
 * The target's member key is not there: our view was wrong. The next best is asked, or nobody; a
 * copy of the refused request may still be on its way, so nothing is held again without a fresh
 * claim.
 */
static void on_target_gone(struct oo_core *core, struct group *group)
{
	bool was_offered = group->target[0] != '\0';

	if (group->want.request.order != 0 && group->want.request.order != group->order.id) {
		group->request.next_at =
			core->now; /* withdrawn: nothing is wrong with the target */
		return;
	}
	oo_core_forget_member(core, group, group->target);
	group->request.next_at = core->now + (was_offered ? 0 : core->config.retry_ms);
}

/* What became of our claim: one that ends it and was not taken, only we could write. */
static enum oo_cause fate_of(const struct group *group, const struct oo_claim *claim)
{
	return claim->ends == group->mine.claim.nonce && claim->kind != OO_CLAIM_TAKEN
		       ? OO_CAUSE_YIELDED
		       : OO_CAUSE_LOST;
}

static void on_yield_answer(struct oo_core *core, struct group *group, const struct oo_event *event)
{
	if (event->outcome == OO_OUTCOME_UNKNOWN) {
		on_not_yielded(core, group);
		return;
	}
	const struct oo_claim *claim = &event->pairs->claim;
	if (event->outcome == OO_OUTCOME_DONE) {
		oo_core_enter(core, group, OO_ROLE_STANDBY, OO_CAUSE_YIELDED);
	} else if (claim->nonce == group->mine.claim.nonce) {
		on_target_gone(core, group);
	} else if (oo_core_is_ours(core, group, claim)) { /* an earlier fresh claim got through */
		oo_core_own(group, event->pairs);
		group->request.next_at = core->now;
	} else {
		oo_core_enter(core, group, OO_ROLE_STANDBY, fate_of(group, claim));
	}
}

/*
 * A holder's. What it holds by the claim of before it may keep: that has been cut to what the fresh one
 * promises; the next renewal, at once, is of the fresh one.
 */
static void on_refresh_answer(struct oo_core *core, struct group *group,
			      const struct oo_event *event)
{
	if (event->outcome == OO_OUTCOME_UNKNOWN) {
		group->request.next_at = group->request.sent_at + core->config.retry_ms;
	} else if (event->outcome == OO_OUTCOME_DONE || event->pairs->claim.nonce == group->fresh) {
		group->mine = *event->pairs;
		group->fresh = 0;
		group->n_tried = 0; /* that one is known now: lost later, it is not read back */
		group->beat = 0;
		group->request.next_at = core->now;
	} else {
		oo_core_leave(core, group, OO_CAUSE_LOST);
	}
}

static void on_reclaim_answer(struct oo_core *core, struct group *group,
			      const struct oo_event *event)
{
	if (group->want.role == OO_ROLE_ACTIVE) {
		on_refresh_answer(core, group, event);
		return;
	}
	if (event->outcome == OO_OUTCOME_UNKNOWN) {
		group->request.next_at = core->now + core->config.retry_ms;
	} else if (event->outcome == OO_OUTCOME_DONE || event->pairs->claim.nonce == group->fresh) {
		oo_core_activate(core, group, event->pairs,
				 group->adopting ? OO_CAUSE_ADOPTED : OO_CAUSE_CLAIMED);
	} else if (group->adopting) {
		oo_core_leave(core, group, OO_CAUSE_LOST);
	} else {
		oo_core_enter(core, group, OO_ROLE_STANDBY, fate_of(group, &event->pairs->claim));
	}
}

void oo_core_take_answer(struct oo_core *core, const struct oo_event *event)
{
	struct group *group = &core->groups[event->group];

	/* An answer is believed only with the number of the request that it answers. */
	if (!group->request.busy || event->seq != group->want.request.seq) {
		return;
	}
	group->request.busy = false;
	assert(event->pairs != NULL || event->outcome == OO_OUTCOME_UNKNOWN ||
	       group->want.request.op == OO_REQUEST_RENEW);
	if (event->pairs != NULL) {
		oo_core_observe_pair(core, group, group->request.noted_revision, event,
				     event->pairs);
	}
	if (event->outcome == OO_OUTCOME_REFUSED &&
	    group->want.request.op == OO_REQUEST_CLAIM) { /* only a claim asks for them */
		oo_core_observe_pause(core, 0, event);
		oo_core_observe_drain(core, 0, event);
	}
	if (event->outcome == OO_OUTCOME_REFUSED && group->want.request.op == OO_REQUEST_YIELD) {
		oo_core_observe_order(core, group, 0, event, event->orders);
	}
	switch (group->want.request.op) {
	case OO_REQUEST_CLAIM:
		on_claim_answer(core, group, event);
		return;
	case OO_REQUEST_RENEW:
		on_renewal_answer(core, group, event);
		return;
	case OO_REQUEST_YIELD:
		on_yield_answer(core, group, event);
		return;
	case OO_REQUEST_RECLAIM:
		on_reclaim_answer(core, group, event);
		return;
	case OO_REQUEST_MARK: /* what is there now has been observed */
		group->request.next_at = core->now + core->config.retry_ms;
		return;
	case OO_REQUEST_NONE:
		return;
	}
}
