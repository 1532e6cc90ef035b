#include "core/internal.h"

#include <string.h>

/* Drift allowance 1 % of ttl, and a ms for two clock readings that are both rounded down. */
static int64_t silence_needed(int64_t ttl_ms)
{
	return ttl_ms + ttl_ms / 100 + 1;
}

/*
 * A claim's ttl holds for whoever watches it. Where there is none to read, whoever wrote the last
 * one that was seen may hold for that long still; and whoever was never seen has our own.
 */
static int64_t ttl_of(const struct oo_core *core, const struct group *group)
{
	int64_t ttl_ms = group->pair.claim.ttl_ms;
	if (ttl_ms <= 0) {
		return core->config.ttl_ms > group->ttl_seen ? core->config.ttl_ms
							     : group->ttl_seen;
	}
	return ttl_ms < OO_CORE_TTL_MAX_MS ? ttl_ms : OO_CORE_TTL_MAX_MS;
}

/*
 * Values and revisions, both: values alone come back with a late duplicate of a renewal, revisions
 * alone come back after etcd is restored from a backup.
 */
static bool is_same_claim(const struct oo_claim *one, const struct oo_claim *other)
{
	return one->revision == other->revision && one->value_length == other->value_length &&
	       memcmp(one->value, other->value, one->value_length) == 0;
}

static bool is_same_beat(const struct oo_beat *one, const struct oo_beat *other)
{
	return one->revision == other->revision && one->value_length == other->value_length &&
	       memcmp(one->value, other->value, one->value_length) == 0;
}

static bool see_claim(struct group *group, const struct oo_claim *claim)
{
	if (is_same_claim(&group->pair.claim, claim)) {
		return false;
	}
	memcpy(group->previous, group->pair.claim.node, sizeof(group->previous));
	memcpy(&group->pair.claim, claim, offsetof(struct oo_claim, value) + claim->value_length);
	return true;
}

static bool see_beat(struct group *group, const struct oo_beat *beat)
{
	if (is_same_beat(&group->pair.beat, beat)) {
		return false;
	}
	memcpy(&group->pair.beat, beat, offsetof(struct oo_beat, value) + beat->value_length);
	return true;
}

static void forget(struct group *group)
{
	group->known = false;
	group->last_nonce = 0;
	group->absent_since = OO_CORE_NEVER;
}

static void settle_pair(struct oo_core *core, struct group *group, bool changed)
{
	const struct oo_claim *claim = &group->pair.claim;

	/* Reading the same pair again never resets the time at which it was first seen. */
	if (changed || !group->known) {
		group->witnessed =
			group->known && claim->ends != 0 && claim->ends == group->last_nonce;
		group->last_nonce = claim->nonce;
		group->first_seen_at = core->now;
		group->known = true;
	}
	if (claim->revision != 0) {
		group->absent_since = OO_CORE_NEVER;
	}
	if (claim->epoch > group->epoch_seen) {
		group->epoch_seen = claim->epoch;
	}
	if (claim->ttl_ms > 0) {
		group->ttl_seen = ttl_of(core, group);
	}
}

/*
 * Takes both keys as a linearizable answer shows them. noted: the newest revision that we had seen
 * when the question was sent. Older than what was seen is ignored (hedged reads and lagging members
 * bring it); older than what was seen *before asking* means a restored etcd: all is forgotten.
 */
void oo_core_observe_pair(struct oo_core *core, struct group *group, int64_t noted,
			  const struct oo_event *event, const struct oo_pair *pair)
{
	if (event->revision < group->revision) {
		if (event->revision >= noted) {
			return;
		}
		forget(group);
	}
	group->revision = event->revision;
	bool changed = see_claim(group, &pair->claim);
	changed = see_beat(group, &pair->beat) || changed;
	settle_pair(core, group, changed);
}

/* Takes what one revision changed. Means nothing before a read has shown the whole. */
void oo_core_observe_watch(struct oo_core *core, struct group *group, const struct oo_event *event)
{
	bool changed = false;

	if (!group->known || event->revision <= group->revision) {
		return;
	}
	group->revision = event->revision;
	if (event->claim != NULL) {
		changed = see_claim(group, event->claim);
	}
	if (event->beat != NULL) {
		changed = see_beat(group, event->beat) || changed;
	}
	settle_pair(core, group, changed);
}

/*
 * Absent keys: taken only after linearizable reads at most ttl/2 apart have shown them absent for a
 * full ttl. Called for each read.
 */
void oo_core_confirm_absence(struct oo_core *core, struct group *group)
{
	if (!group->known || group->pair.claim.revision != 0) {
		return;
	}
	if (group->absent_since == OO_CORE_NEVER ||
	    core->now - group->absent_confirmed_at > core->config.ttl_ms / 2) {
		group->absent_since = core->now;
	}
	group->absent_confirmed_at = core->now;
}

/* A read that got no answer confirms nothing: absence has to be seen afresh. */
void oo_core_lose_contact(struct group *group)
{
	group->absent_since = OO_CORE_NEVER;
}

/* The watch and reads overtake each other: the newer one counts, unless etcd was restored. */
void oo_core_observe_pause(struct oo_core *core, int64_t noted, const struct oo_event *event)
{
	if (event->revision < core->pause_revision && event->revision >= noted) {
		return;
	}
	core->pause_revision = event->revision;
	core->paused = event->paused;
}

/*
 * Whether claim is one that we wrote, or tried to write, for ourselves. One that ended nothing fits
 * whenever the keys are absent: it may have come late, after a tenure that we never saw and whose
 * holder's address is still up. So it is a stranger's.
 */
bool oo_core_is_ours(const struct oo_core *core, const struct group *group,
		     const struct oo_claim *claim)
{
	if (claim->nonce == 0 || claim->ends == 0 || strcmp(claim->node, core->config.node) != 0) {
		return false;
	}
	for (unsigned i = 0; i < group->n_tried; i++) {
		if (group->tried[i] == claim->nonce) {
			return true;
		}
	}
	return false;
}

/* An offer counts at once only if it makes sense and ends the very claim that we last saw. */
bool oo_core_is_offered(const struct oo_core *core, const struct group *group)
{
	const struct oo_claim *claim = &group->pair.claim;
	return group->known && group->witnessed && claim->kind == OO_CLAIM_OFFERED &&
	       claim->nonce != 0 && claim->ttl_ms > 0 && claim->ttl_ms <= OO_CORE_TTL_MAX_MS &&
	       strcmp(claim->node, core->config.node) == 0;
}

/*
 * When this standby may try to take the lease, given what it has seen; OO_CORE_NEVER if it cannot be
 * said yet. A stranger's claim, released or not, gets its full ttl.
 */
int64_t oo_core_take_at(const struct oo_core *core, const struct group *group,
			enum oo_cause *ret_cause)
{
	const struct oo_claim *claim = &group->pair.claim;
	int64_t stagger = (int64_t)oo_core_rank(core, group) * OO_CORE_STAGGER_MS;

	if (!group->known) {
		return OO_CORE_NEVER;
	}
	if (claim->revision == 0) {
		*ret_cause = OO_CAUSE_ABSENT;
		if (group->absent_since == OO_CORE_NEVER ||
		    core->now - group->absent_confirmed_at > core->config.ttl_ms / 2) {
			return OO_CORE_NEVER;
		}
		return group->absent_since + silence_needed(ttl_of(core, group)) + stagger;
	}
	if (claim->kind == OO_CLAIM_RELEASED && group->witnessed) {
		*ret_cause = OO_CAUSE_RELEASED;
		return group->first_seen_at + stagger;
	}
	*ret_cause = claim->kind == OO_CLAIM_RELEASED ? OO_CAUSE_RELEASED : OO_CAUSE_HOLDER_SILENT;
	return group->first_seen_at + silence_needed(ttl_of(core, group)) + stagger;
}
