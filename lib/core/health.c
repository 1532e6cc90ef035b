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

/*
 * Eligible (UP) when the link and all required checks are up. One that is down makes the node DOWN;
 * one that is only unknown leaves it UNKNOWN: it takes nothing, but gives nothing up for that.
 */
enum oo_health oo_core_eligible(const struct oo_core *core, const struct group *group,
				int *ret_check)
{
	enum oo_health health = OO_HEALTH_UP;
	uint64_t required = core->config.groups[oo_core_group_index(core, group)].checks;

	*ret_check = -1;
	if (!group->link_up) {
		return OO_HEALTH_DOWN;
	}
	for (size_t i = 0; i < core->config.n_checks; i++) {
		if ((required & UINT64_C(1) << i) == 0 || core->checks[i].health == OO_HEALTH_UP) {
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

/* Priority, then name: the same order on every node. */
static bool is_better(const struct oo_core_member *one, int priority, const char *node)
{
	return one->priority != priority ? one->priority > priority : strcmp(one->node, node) < 0;
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
	unsigned rank = 0;
	for (size_t i = 0; i < core->n_members; i++) {
		const struct oo_core_member *member = &core->members[i];
		if (is_candidate(core, group, member) &&
		    strcmp(member->node, group->pair.claim.node) != 0 &&
		    is_better(member, core->config.priority, core->config.node)) {
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
		    (best == NULL || is_better(member, best->priority, best->node))) {
			best = member;
		}
	}
	return best;
}
