#include "core/internal.h"

#include <assert.h>
#include <string.h>

#define bit(role) (1u << (role))

/*
 * The one door between roles. Acquiring to active and back to standby by the claim's answer; active
 * never straight to standby: the address is still up. docs/design.md has the table with its causes.
 */
static const unsigned allowed[OO_ROLES] = {
	[OO_ROLE_STANDBY] = bit(OO_ROLE_ACQUIRING) | bit(OO_ROLE_ACTIVE) | bit(OO_ROLE_RECLAIMING),
	[OO_ROLE_ACQUIRING] = bit(OO_ROLE_ACTIVE) | bit(OO_ROLE_STANDBY),
	[OO_ROLE_ACTIVE] = bit(OO_ROLE_RELEASING),
	[OO_ROLE_RELEASING] = bit(OO_ROLE_HANDING_OVER) | bit(OO_ROLE_STANDBY),
	[OO_ROLE_HANDING_OVER] = bit(OO_ROLE_STANDBY) | bit(OO_ROLE_RECLAIMING),
	[OO_ROLE_RECLAIMING] = bit(OO_ROLE_ACTIVE) | bit(OO_ROLE_STANDBY) |
			       bit(OO_ROLE_HANDING_OVER) | bit(OO_ROLE_RELEASING),
};

/* Whom else the cause is about, in OO_CORE_NAME_LENGTH bytes; NULL: nobody. */
static const char *peer_of(const struct group *group, enum oo_cause cause)
{
	switch (cause) {
	case OO_CAUSE_HOLDER_SILENT:
	case OO_CAUSE_LOST:
		return group->pair.claim.node;
	case OO_CAUSE_RELEASED:
	case OO_CAUSE_OFFERED:
		return group->previous;
	case OO_CAUSE_YIELDED:
	case OO_CAUSE_CHECK_DOWN:
	case OO_CAUSE_LINK_DOWN:
	case OO_CAUSE_STOPPING:
	case OO_CAUSE_SWITCHOVER:
	case OO_CAUSE_DRAINED:
		return group->target;
	case OO_CAUSE_NONE:
	case OO_CAUSE_ABSENT:
	case OO_CAUSE_READ_BACK:
	case OO_CAUSE_CLAIMED:
	case OO_CAUSE_CLAIM_REFUSED:
	case OO_CAUSE_UNKNOWN:
	case OO_CAUSE_ADDRESS_DOWN:
	case OO_CAUSE_GAVE_UP:
	case OO_CAUSE_TARGET_GONE:
	case OO_CAUSE_ADOPTED:
	case OO_CAUSE_WITHDRAWN:
		break;
	}
	return NULL;
}

static void record(struct oo_core *core, struct group *group, enum oo_role to, enum oo_cause cause)
{
	assert(core->n_transitions < OO_CORE_TRANSITIONS_MAX);
	struct oo_transition *transition = &core->transitions[core->n_transitions++];
	*transition = (struct oo_transition){
		.group = oo_core_group_index(core, group),
		.from = group->want.role,
		.to = to,
		.cause = cause,
		.at = core->now,
		.number = core->now - group->first_seen_at,
		.check = -1,
		.epoch = group->epoch_seen,
	};
	if (cause == OO_CAUSE_CHECK_DOWN) {
		(void)oo_core_eligible(core, group,
				       &transition->check); /* only to name the check */
	}
	const char *peer = peer_of(group, cause);
	if (peer != NULL) {
		memcpy(transition->peer, peer, sizeof(transition->peer));
	}
}

void oo_core_enter(struct oo_core *core, struct group *group, enum oo_role role,
		   enum oo_cause cause)
{
	assert(allowed[group->want.role] & bit(role));
	record(core, group, role, cause);
	group->want.role = role;
	group->role_since = core->now;
	group->cause = cause;
	group->request.busy = false; /* an answer to what a past role asked is nobody's */
	group->request.next_at = core->now;
}

/* The claim in pair is ours. Nothing is held before a renewal of it has succeeded. */
void oo_core_own(struct group *group, const struct oo_pair *pair)
{
	group->mine = *pair;
	group->fresh = 0;
	group->renewed_at = 0;
	group->want.hold_until = 0;
	group->want.guard_until = 0;
}

void oo_core_activate(struct oo_core *core, struct group *group, const struct oo_pair *pair,
		      enum oo_cause cause)
{
	oo_core_own(group, pair);
	group->beat = 0;
	group->n_tried = 0;
	group->witnessed = false; /* an offer is accepted once */
	if (pair->claim.epoch > group->epoch_seen) {
		group->epoch_seen = pair->claim.epoch;
	}
	oo_core_enter(core, group, OO_ROLE_ACTIVE, cause);
}

void oo_core_choose_target(struct oo_core *core, struct group *group)
{
	const struct oo_core_member *best = group->leaving == OO_CAUSE_SWITCHOVER
						    ? oo_core_ordered(core, group)
						    : oo_core_best_other(core, group);
	memset(group->target, 0, sizeof(group->target));
	if (best != NULL) {
		memcpy(group->target, best->node, sizeof(group->target));
	}
}

void oo_core_leave(struct oo_core *core, struct group *group, enum oo_cause why)
{
	group->leaving = why;
	group->adopting = false;
	oo_core_choose_target(core, group);
	oo_core_enter(core, group, OO_ROLE_RELEASING, why);
}
