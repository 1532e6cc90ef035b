#include "core/internal.h"

#include <assert.h>
#include <string.h>

size_t oo_core_size(void)
{
	return sizeof(struct oo_core);
}

static void check_config(const struct oo_core_config *config)
{
	assert(config->n_groups >= 1 && config->n_groups <= OO_CORE_GROUPS_MAX);
	assert(config->n_checks <= OO_CORE_CHECKS_MAX);
	assert(config->renew_ms > 0 && config->retry_ms > 0);
	assert(config->ttl_ms > config->margin_ms + config->renew_ms);
	assert(config->ttl_ms <= OO_CORE_TTL_MAX_MS);
	assert(config->flap_moves <= OO_CORE_MOVES_MAX);
}

struct oo_core *oo_core_init(void *room, const struct oo_core_config *config, uint64_t seed)
{
	struct oo_core *core = room;

	check_config(config);
	memset(core, 0, sizeof(*core));
	core->config = *config;
	core->random = seed;
	core->wake_at = 0;
	for (size_t i = 0; i < config->n_checks; i++) {
		core->checks[i].config = config->checks[i];
	}
	for (size_t g = 0; g < OO_CORE_GROUPS_MAX; g++) {
		core->groups[g].relief_at = OO_CORE_NEVER;
	}
	return core;
}

void oo_core_adopt(struct oo_core *core, unsigned index, uint64_t epoch,
		   const struct oo_claim *claim)
{
	struct group *group = &core->groups[index];

	assert(group->want.role == OO_ROLE_STANDBY && !group->known);
	group->epoch_seen = epoch;
	if (claim != NULL) {
		assert(claim->nonce != 0 && strcmp(claim->node, core->config.node) == 0);
		oo_core_own(group, &(struct oo_pair){.claim = *claim});
		group->adopting = true;
		group->address_up = true;
		group->ttl_seen = claim->ttl_ms;
		oo_core_enter(core, group, OO_ROLE_RECLAIMING, OO_CAUSE_ADOPTED);
	}
}

void oo_core_set_config(struct oo_core *core, const struct oo_core_config *config)
{
	struct check checks[OO_CORE_CHECKS_MAX] = {0};

	check_config(config);
	assert(config->n_groups >= core->config.n_groups);
	assert(strcmp(config->node, core->config.node) == 0);
	for (size_t i = 0; i < config->n_checks; i++) {
		if (config->checks[i].inherits >= 0) {
			checks[i] = core->checks[config->checks[i].inherits];
		}
		checks[i].config = config->checks[i];
	}
	memcpy(core->checks, checks, sizeof(core->checks));
	core->config = *config;
	for (size_t g = 0; g < config->n_groups; g++) {
		struct group *group = &core->groups[g];
		group->retired = false;
		if (group->want.role == OO_ROLE_ACTIVE &&
		    group->mine.claim.ttl_ms != config->ttl_ms) {
			group->request.next_at = core->now; /* the fresh claim is due */
		}
	}
}

void oo_core_retire(struct oo_core *core, unsigned group)
{
	core->groups[group].retired = true;
	if (!core->stopping) {
		core->stop_until = core->now + core->config.ttl_ms;
	}
}

bool oo_core_is_retired(const struct oo_core *core, unsigned group)
{
	return core->groups[group].retired && core->groups[group].want.role == OO_ROLE_STANDBY &&
	       !core->groups[group].address_up;
}

bool oo_core_count_again(struct oo_core *core, unsigned index, enum oo_health health)
{
	struct check *check = &core->checks[index];

	if (health != OO_HEALTH_UP || check->health != health || check->last != health) {
		return false;
	}
	oo_core_count(check, health, core->now);
	return true;
}

const struct oo_want *oo_core_want(const struct oo_core *core, unsigned group)
{
	return &core->groups[group].want;
}

uint64_t oo_core_read_seq(const struct oo_core *core)
{
	return core->read_seq;
}

int64_t oo_core_wake_at(const struct oo_core *core)
{
	return core->wake_at;
}

bool oo_core_is_stopped(const struct oo_core *core)
{
	if (!core->stopping) {
		return false;
	}
	for (size_t g = 0; g < core->config.n_groups; g++) {
		const struct group *group = &core->groups[g];
		if (group->want.role != OO_ROLE_STANDBY || group->address_up) {
			return core->now >= core->stop_until;
		}
	}
	return true;
}

bool oo_core_is_paused(const struct oo_core *core)
{
	return core->paused;
}

bool oo_core_is_drained(const struct oo_core *core)
{
	return core->drained;
}

const struct oo_transition *oo_core_transitions(const struct oo_core *core, size_t *ret_n)
{
	*ret_n = core->n_transitions;
	return core->transitions;
}

struct oo_core_view oo_core_view(const struct oo_core *core, unsigned index)
{
	const struct group *group = &core->groups[index];
	struct oo_core_view view = {
		.pair = &group->pair,
		.known = group->known,
		.first_seen_at = group->first_seen_at,
		.role_since = group->role_since,
		.cause = group->cause,
		.link_up = group->link_up,
		.order = &group->order,
		.epoch = group->epoch_seen,
	};
	view.eligible = oo_core_eligible(core, group, &view.failed_check);
	view.ailing = oo_core_ailing(core, group);
	view.stranded = view.eligible == OO_HEALTH_DOWN && oo_core_is_stranded(core, group);
	view.shared_check = view.stranded ? oo_core_shared_check(core, group) : -1;
	if (group->want.role != OO_ROLE_STANDBY && group->want.role != OO_ROLE_ACQUIRING) {
		view.mine = &group->mine.claim;
	}
	const struct oo_core_member *next = oo_core_best_other(core, group);
	view.next = next == NULL ? NULL : next->node;
	view.moves = oo_core_moves(core, group);
	view.damping_ms = group->damping_ms;
	view.degraded = group->want.role == OO_ROLE_ACTIVE && view.eligible == OO_HEALTH_DOWN;
	return view;
}

enum oo_health oo_core_check_health(const struct oo_core *core, unsigned index,
				    unsigned *ret_streak)
{
	*ret_streak = core->checks[index].streak;
	return core->checks[index].health;
}
