/*
 * Whether a holder that lives may move: to a node that ranks better (failback), and not too often
 * (damping). All is timed by this node's own clock: what it has seen, and since when.
 */
#include "core/internal.h"

#include <string.h>

/* How long a target must have been eligible at the first move that is damped; doubled at each further. */
#define DAMPING_MS 10000
#define DAMPING_MAX_MS 300000

static struct standing standing_of(const struct oo_core *core, const char *node, size_t hint)
{
	struct standing none;

	if (hint < core->n_members && strcmp(core->members[hint].node, node) == 0) {
		return core->standings[hint];
	}
	for (size_t i = 0; i < core->n_members; i++) {
		if (strcmp(core->members[i].node, node) == 0) {
			return core->standings[i];
		}
	}
	for (size_t g = 0; g < OO_CORE_GROUPS_MAX; g++) {
		none.eligible_at[g] = OO_CORE_NEVER;
		none.better_at[g] = OO_CORE_NEVER;
	}
	return none;
}

/* Told anew is not begun anew: who stays keeps its times. */
void oo_core_take_members(struct oo_core *core, const struct oo_event *event)
{
	struct standing standings[OO_CORE_MEMBERS_MAX];
	const size_t n =
		event->n_members < OO_CORE_MEMBERS_MAX ? event->n_members : OO_CORE_MEMBERS_MAX;

	for (size_t i = 0; i < n; i++) {
		standings[i] = standing_of(core, event->members[i].node, i);
	}
	if (n > 0) {
		memcpy(core->members, event->members, sizeof(core->members[0]) * n);
		memcpy(core->standings, standings, sizeof(core->standings[0]) * n);
	}
	core->n_members = n;
}

static void note(int64_t *since, bool fact, int64_t now)
{
	if (!fact) {
		*since = OO_CORE_NEVER;
	} else if (*since == OO_CORE_NEVER) {
		*since = now;
	}
}

/* How many moves were seen within the window. */
unsigned oo_core_moves(const struct oo_core *core, const struct group *group)
{
	unsigned n = 0;
	for (unsigned i = 0; i < group->n_moves; i++) {
		n += core->now - group->moves[i] < core->config.flap_window_ms;
	}
	return n;
}

static int64_t damping(const struct oo_core *core, const struct group *group)
{
	const unsigned n = oo_core_moves(core, group);
	int64_t damping_ms = DAMPING_MS;

	if (core->config.flap_moves == 0 || n < core->config.flap_moves) {
		return 0;
	}
	for (unsigned i = core->config.flap_moves; i < n && damping_ms < DAMPING_MAX_MS; i++) {
		damping_ms *= 2;
	}
	return damping_ms < DAMPING_MAX_MS ? damping_ms : DAMPING_MAX_MS;
}

void oo_core_note_standings(struct oo_core *core, struct group *group)
{
	const struct oo_core_member here = oo_core_self(core, group);
	const unsigned g = oo_core_group_index(core, group);

	group->damping_ms = damping(core, group);
	group->ready_at = OO_CORE_NEVER;
	for (size_t i = 0; i < core->n_members; i++) {
		const struct oo_core_member *member = &core->members[i];
		struct standing *standing = &core->standings[i];
		const bool eligible = oo_core_is_candidate(core, group, member);
		note(&standing->eligible_at[g], eligible, core->now);
		note(&standing->better_at[g], eligible && oo_core_outranks(member, &here, g),
		     core->now);
		if (eligible && standing->eligible_at[g] + group->damping_ms < group->ready_at) {
			group->ready_at = standing->eligible_at[g] + group->damping_ms;
		}
	}
}

static void add_move(struct group *group, int64_t at)
{
	if (group->n_moves == OO_CORE_MOVES_MAX) {
		group->n_moves--;
		memmove(group->moves, group->moves + 1, sizeof(group->moves[0]) * group->n_moves);
	}
	group->moves[group->n_moves++] = at;
}

/* A claim was seen: of another node than the last that was somebody's is a move. */
void oo_core_note_holder(struct oo_core *core, struct group *group)
{
	const char *node = group->pair.claim.node;

	if (node[0] == '\0' || strcmp(node, group->holder) == 0) {
		return;
	}
	if (group->holder[0] != '\0') {
		add_move(group, core->now);
	}
	memcpy(group->holder, node, sizeof(group->holder));
}

static const struct standing *standing(const struct oo_core *core,
				       const struct oo_core_member *member)
{
	return &core->standings[member - core->members];
}

static bool is_ready(const struct oo_core *core, const struct group *group,
		     const struct oo_core_member *member)
{
	const unsigned g = oo_core_group_index(core, group);
	return oo_core_is_candidate(core, group, member) &&
	       core->now - standing(core, member)->eligible_at[g] >= group->damping_ms;
}

/* From when on it may be gone back to; NEVER: it is no better than this node. */
static int64_t gain_at(const struct oo_core *core, const struct group *group,
		       const struct oo_core_member *member)
{
	const unsigned g = oo_core_group_index(core, group);
	const struct standing *its = standing(core, member);

	if (!oo_core_is_candidate(core, group, member) || its->better_at[g] == OO_CORE_NEVER) {
		return OO_CORE_NEVER;
	}
	return oo_core_later(its->better_at[g] + core->config.groups[g].failback_stable_ms,
			     its->eligible_at[g] + group->damping_ms);
}

static bool is_gain(const struct oo_core *core, const struct group *group,
		    const struct oo_core_member *member)
{
	return core->now >= gain_at(core, group, member);
}

/* The best that has been eligible for long enough; NULL: nobody has. */
const struct oo_core_member *oo_core_best_ready(const struct oo_core *core,
						const struct group *group)
{
	return oo_core_best(core, group, is_ready, core->config.zone);
}

/*
 * The best of those that what is held may go back to; NULL: there is none. Wherever this node is: who is
 * chosen by that could be no better than the one that it goes back to next.
 */
const struct oo_core_member *oo_core_best_gain(const struct oo_core *core,
					       const struct group *group)
{
	return oo_core_best(core, group, is_gain, "");
}

/*
 * When a holder may hand over for no more than a better node; OO_CORE_NEVER: not as things are. Where an
 * operator has put it, it stays.
 */
int64_t oo_core_failback_at(const struct oo_core *core, const struct group *group)
{
	const struct oo_core_group *config = &core->config.groups[oo_core_group_index(core, group)];
	int64_t at = OO_CORE_NEVER;
	int check;

	if (!config->failback || core->paused || group->mine.claim.chosen ||
	    oo_core_eligible(core, group, &check) != OO_HEALTH_UP) {
		return OO_CORE_NEVER;
	}
	for (size_t i = 0; i < core->n_members; i++) {
		const int64_t its = gain_at(core, group, &core->members[i]);
		at = its < at ? its : at;
	}
	return oo_core_later(at, group->role_since + config->failback_delay_ms);
}
