#include "core/internal.h"

#include <string.h>

/* rise and fall count consecutive results; an unknown one breaks the row and changes nothing. */
void oo_core_count(struct check *check, enum oo_health result)
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
	if (check->streak >= (result == OO_HEALTH_UP ? check->config.rise : check->config.fall)) {
		check->health = result;
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
 * Eligible (UP) when the link and all required checks are up. One that is down makes the node DOWN;
 * one that is only unknown leaves it UNKNOWN: it takes nothing, but gives nothing up for that.
 */
enum oo_health oo_core_eligible(const struct oo_core *core, const struct group *group,
				int *ret_check)
{
	enum oo_health health = OO_HEALTH_UP;
	*ret_check = -1;
	if (!group->link_up) {
		return OO_HEALTH_DOWN;
	}
	for (size_t i = 0; i < core->config.n_checks; i++) {
		if (!is_required(core, group, i) || core->checks[i].health == OO_HEALTH_UP) {
			continue;
		}
		if (core->checks[i].health == OO_HEALTH_DOWN) {
			*ret_check = (int)i;
			return OO_HEALTH_DOWN;
		}
		if (health == OO_HEALTH_UP) {
			health = OO_HEALTH_UNKNOWN;
			*ret_check = (int)i;
		}
	}
	return health;
}

/* The healthiest first, then by priority, then by name: the same order on every node. */
static bool is_better(const struct oo_core_member *one, const struct oo_core_member *other,
		      unsigned g)
{
	if (one->ailing[g] != other->ailing[g]) {
		return one->ailing[g] < other->ailing[g];
	}
	return one->priority != other->priority ? one->priority > other->priority
						: strcmp(one->node, other->node) < 0;
}

/* This node, as others see it if they are up to date. */
static struct oo_core_member self(const struct oo_core *core, const struct group *group)
{
	struct oo_core_member self = {.priority = core->config.priority};
	memcpy(self.node, core->config.node, sizeof(self.node));
	self.ailing[oo_core_group_index(core, group)] = (uint16_t)oo_core_ailing(core, group);
	return self;
}

static bool is_candidate(const struct oo_core *core, const struct group *group,
			 const struct oo_core_member *member)
{
	return (member->eligible & 1u << oo_core_group_index(core, group)) != 0 &&
	       strcmp(member->node, core->config.node) != 0;
}

/* How many eligible standbys come before this node; the silent holder is none of them. */
unsigned oo_core_rank(const struct oo_core *core, const struct group *group)
{
	const struct oo_core_member here = self(core, group);
	unsigned rank = 0;
	for (size_t i = 0; i < core->n_members; i++) {
		const struct oo_core_member *member = &core->members[i];
		if (is_candidate(core, group, member) &&
		    strcmp(member->node, group->pair.claim.node) != 0 &&
		    is_better(member, &here, oo_core_group_index(core, group))) {
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
		}
	}
}

/* The best eligible node but this one; NULL when there is none. */
const struct oo_core_member *oo_core_best_other(const struct oo_core *core,
						const struct group *group)
{
	const struct oo_core_member *best = NULL;
	for (size_t i = 0; i < core->n_members; i++) {
		const struct oo_core_member *member = &core->members[i];
		if (is_candidate(core, group, member) &&
		    (best == NULL || is_better(member, best, oo_core_group_index(core, group)))) {
			best = member;
		}
	}
	return best;
}
