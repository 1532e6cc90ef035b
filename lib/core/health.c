#include "core/internal.h"

#include <string.h>

/* rise and fall count consecutive results; an unknown one breaks the row and changes nothing. */
void oo_core_count(struct check *check, enum oo_health result, int64_t now)
{
	if (result == OO_HEALTH_UNKNOWN || result != check->last) {
		check->streak = 0;
	}
	check->last = result;
	if (result == OO_HEALTH_UNKNOWN) {
		return;
	}
	if (check->streak < UINT32_MAX) {
		check->streak++;
	}
	if (check->health != result &&
	    check->streak >= (result == OO_HEALTH_UP ? check->config.rise : check->config.fall)) {
		check->health = result;
		check->turned_at = now;
	}
}

static bool counts(const struct oo_core *core, const struct group *group, size_t check)
{
	return core->config.groups[oo_core_group_index(core, group)].checks[check];
}

static bool is_required(const struct oo_core *core, const struct group *group, size_t check)
{
	return counts(core, group, check) && !core->checks[check].config.optional;
}

/* How many optional checks are down here: they make a node worse than others, not unfit. */
unsigned oo_core_ailing(const struct oo_core *core, const struct group *group)
{
	unsigned n = 0;
	for (size_t i = 0; i < core->config.n_checks; i++) {
		n += counts(core, group, i) && core->checks[i].config.optional &&
		     core->checks[i].health == OO_HEALTH_DOWN;
	}
	return n;
}

/*
 * Eligible (UP) when the link and all required checks are up, and nobody has drained the node. One that
 * is down makes the node DOWN; one that is only unknown leaves it UNKNOWN: it takes nothing, but gives
 * nothing up for that. So does etcd that has never said whether the node is drained.
 * ret_check  why not; a shared one only where there is no other that is down.
 */
enum oo_health oo_core_eligible(const struct oo_core *core, const struct group *group,
				int *ret_check)
{
	enum oo_health health = core->drain_revision == 0 ? OO_HEALTH_UNKNOWN : OO_HEALTH_UP;
	*ret_check = -1;
	if (!group->link_up || core->drained || group->retired) {
		return OO_HEALTH_DOWN;
	}
	for (size_t i = 0; i < core->config.n_checks; i++) {
		if (!is_required(core, group, i) || core->checks[i].health == OO_HEALTH_UP) {
			continue;
		}
		if (core->checks[i].health == OO_HEALTH_DOWN && !core->checks[i].config.shared) {
			*ret_check = (int)i;
			return OO_HEALTH_DOWN;
		}
		if (core->checks[i].health == OO_HEALTH_DOWN && health != OO_HEALTH_DOWN) {
			health = OO_HEALTH_DOWN;
			*ret_check = (int)i;
		}
		if (health == OO_HEALTH_UP) {
			health = OO_HEALTH_UNKNOWN;
			*ret_check = (int)i;
		}
	}
	return health;
}

/* Whether it would be eligible but for what all nodes share: all else is known to be well. */
bool oo_core_is_stranded(const struct oo_core *core, const struct group *group)
{
	bool any = false;
	for (size_t i = 0; i < core->config.n_checks; i++) {
		const struct check *check = &core->checks[i];
		if (!is_required(core, group, i) || check->health == OO_HEALTH_UP) {
			continue;
		}
		if (!check->config.shared || check->health != OO_HEALTH_DOWN) {
			return false;
		}
		any = true;
	}
	return any && group->link_up && !core->drained && !group->retired;
}

/* The healthiest first, then those of the preferred zone, then by priority: whoever holds. */
bool oo_core_outranks(const struct oo_core_member *one, const struct oo_core_member *other,
		      unsigned g)
{
	const bool preferred = (one->preferred & 1u << g) != 0;
	if (one->ailing[g] != other->ailing[g]) {
		return one->ailing[g] < other->ailing[g];
	}
	if (preferred != ((other->preferred & 1u << g) != 0)) {
		return preferred;
	}
	return one->priority[g] > other->priority[g];
}

/*
 * Whether member comes first after a holder in zone, by where it is. A zone that is not known is neither
 * the same nor another one.
 */
static bool suits(const struct oo_core *core, const struct group *group,
		  const struct oo_core_member *member, const char *zone)
{
	const enum oo_zones zones = core->config.groups[oo_core_group_index(core, group)].zones;

	if (zones == OO_ZONES_ANY || zone[0] == '\0' || member->zone[0] == '\0') {
		return false;
	}
	return (strcmp(member->zone, zone) == 0) == (zones == OO_ZONES_STAY);
}

/*
 * Who follows a holder in zone: of the equally healthy first those whose zone suits, then by rank, at
 * last by name: the same order on every node.
 */
static bool is_better(const struct oo_core *core, const struct group *group,
		      const struct oo_core_member *one, const struct oo_core_member *other,
		      const char *zone)
{
	const unsigned g = oo_core_group_index(core, group);
	const bool one_suits = suits(core, group, one, zone);

	if (one->ailing[g] == other->ailing[g] && one_suits != suits(core, group, other, zone)) {
		return one_suits;
	}
	return oo_core_outranks(one, other, g) ||
	       (!oo_core_outranks(other, one, g) && strcmp(one->node, other->node) < 0);
}

/* This node, as others see it if they are up to date. */
struct oo_core_member oo_core_self(const struct oo_core *core, const struct group *group)
{
	const unsigned g = oo_core_group_index(core, group);
	struct oo_core_member self = {0};
	memcpy(self.node, core->config.node, sizeof(self.node));
	memcpy(self.zone, core->config.zone, sizeof(self.zone));
	self.priority[g] = core->config.groups[g].priority;
	self.preferred = core->config.groups[g].preferred ? 1u << g : 0;
	self.ailing[g] = (uint16_t)oo_core_ailing(core, group);
	return self;
}

bool oo_core_is_candidate(const struct oo_core *core, const struct group *group,
			  const struct oo_core_member *member)
{
	return (member->eligible & 1u << oo_core_group_index(core, group)) != 0 &&
	       strcmp(member->node, core->config.node) != 0;
}

/* Whether member is stranded as this node is. */
static bool is_fellow(const struct oo_core *core, const struct group *group,
		      const struct oo_core_member *member)
{
	return (member->stranded & 1u << oo_core_group_index(core, group)) != 0 &&
	       strcmp(member->node, core->config.node) != 0;
}

/*
 * How many standbys come before this node, eligible ones or, if it is stranded, such as it is; the
 * silent holder is none of them.
 */
unsigned oo_core_rank(const struct oo_core *core, const struct group *group)
{
	const bool stranded = oo_core_is_stranded(core, group);
	const struct oo_core_member here = oo_core_self(core, group);
	unsigned rank = 0;
	for (size_t i = 0; i < core->n_members; i++) {
		const struct oo_core_member *member = &core->members[i];
		if ((stranded ? is_fellow : oo_core_is_candidate)(core, group, member) &&
		    strcmp(member->node, group->pair.claim.node) != 0 &&
		    is_better(core, group, member, &here, group->pair.claim.zone)) {
			rank++;
		}
	}
	return rank;
}

/* The view of node was wrong: no candidate for group before it is told of again. */
void oo_core_forget_member(struct oo_core *core, const struct group *group, const char *node)
{
	for (size_t i = 0; i < core->n_members; i++) {
		if (strcmp(core->members[i].node, node) == 0) {
			core->members[i].eligible &= ~(1u << oo_core_group_index(core, group));
			core->members[i].stranded &= ~(1u << oo_core_group_index(core, group));
		}
	}
}

const struct oo_core_member *oo_core_best(const struct oo_core *core, const struct group *group,
					  oo_core_fits_fn *fits, const char *zone)
{
	const struct oo_core_member *best = NULL;
	for (size_t i = 0; i < core->n_members; i++) {
		const struct oo_core_member *member = &core->members[i];
		if (fits(core, group, member) &&
		    (best == NULL || is_better(core, group, member, best, zone))) {
			best = member;
		}
	}
	return best;
}

/* The best eligible node but this one, after this one; NULL when there is none. */
const struct oo_core_member *oo_core_best_other(const struct oo_core *core,
						const struct group *group)
{
	return oo_core_best(core, group, oo_core_is_candidate, core->config.zone);
}

/* Whether an operator wants this node to give group away; not whether it can. */
bool oo_core_order_stands(const struct oo_core *core, const struct group *group)
{
	const struct oo_order *order = &group->order;
	return order->id != 0 && strcmp(order->from, core->config.node) == 0 &&
	       core->now - group->order_seen_at < order->valid_ms;
}

/* To whom it goes by the order that stands; NULL: there is none, or nobody eligible to go to. */
const struct oo_core_member *oo_core_ordered(const struct oo_core *core, const struct group *group)
{
	const char *target = group->order.target;

	if (!oo_core_order_stands(core, group)) {
		return NULL;
	}
	if (target[0] == '\0') {
		return oo_core_best_other(core, group);
	}
	for (size_t i = 0; i < core->n_members; i++) {
		if (oo_core_is_candidate(core, group, &core->members[i]) &&
		    strcmp(core->members[i].node, target) == 0) {
			return &core->members[i];
		}
	}
	return NULL;
}

/* Whether check is down on all that are stranded, and there is another one. */
static bool is_everywhere(const struct oo_core *core, const struct group *group, size_t check)
{
	bool any = false;
	for (size_t i = 0; i < core->n_members; i++) {
		if (is_fellow(core, group, &core->members[i])) {
			any = true;
			if (!core->members[i].fails[check]) {
				return false;
			}
		}
	}
	return any;
}

/* The shared check that keeps all from being eligible who else would be; -1: none. */
int oo_core_shared_check(const struct oo_core *core, const struct group *group)
{
	if (!oo_core_is_stranded(core, group) || oo_core_best_other(core, group) != NULL) {
		return -1;
	}
	for (size_t i = 0; i < core->config.n_checks; i++) {
		if (is_required(core, group, i) && core->checks[i].health == OO_HEALTH_DOWN &&
		    is_everywhere(core, group, i)) {
			return (int)i;
		}
	}
	return -1;
}

/*
 * Whether this node may take what nobody holds: when it is eligible; or when it lacks only what all
 * share, and no present node but the silent holder is eligible. Who does not even see itself among the
 * members does not know who is present.
 */
bool oo_core_may_serve(const struct oo_core *core, const struct group *group)
{
	int check;
	bool seen = false;

	if (oo_core_eligible(core, group, &check) == OO_HEALTH_UP) {
		return true;
	}
	if (!oo_core_is_stranded(core, group)) {
		return false;
	}
	for (size_t i = 0; i < core->n_members; i++) {
		const struct oo_core_member *member = &core->members[i];
		if (oo_core_is_candidate(core, group, member) &&
		    strcmp(member->node, group->pair.claim.node) != 0) {
			return false;
		}
		seen = seen || strcmp(member->node, core->config.node) == 0;
	}
	return seen;
}

/*
 * When what is wrong is a reason to leave. What only this node has is one at once. What all share is one
 * when it has been down for so long, and another node eligible for so long, that the other would have
 * noticed it if it were down there, and this node if it were over.
 */
static int64_t reason_at(const struct oo_core *core, const struct group *group)
{
	int64_t leave_at = OO_CORE_NEVER;

	if (!group->link_up || core->drained || group->relief_at == OO_CORE_NEVER) {
		return group->relief_at;
	}
	for (size_t i = 0; i < core->config.n_checks; i++) {
		const struct check *check = &core->checks[i];
		if (!is_required(core, group, i) || check->health != OO_HEALTH_DOWN) {
			continue;
		}
		if (!check->config.shared) {
			return group->relief_at;
		}
		int64_t at =
			oo_core_later(check->turned_at, group->relief_at) + check->config.notice_ms;
		leave_at = at < leave_at ? at : leave_at;
	}
	return leave_at;
}

/* When a holder that is DOWN may leave for that. An operator's drain is never damped. */
int64_t oo_core_leave_at(const struct oo_core *core, const struct group *group)
{
	const int64_t at = reason_at(core, group);
	return core->drained || group->damping_ms == 0 ? at : oo_core_later(at, group->ready_at);
}
