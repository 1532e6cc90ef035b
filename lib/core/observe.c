#include "core/internal.h"

#include <string.h>

/* After so many renew intervals without a beat the watch is no pulse any more. */
#define PULSE 2

/* Drift allowance 1 % of ttl, and a ms for two clock readings that are both rounded down. */
static int64_t silence_needed(int64_t ttl_ms)
{
	return ttl_ms + ttl_ms / 100 + 1;
}

/* "There was no claim": written so that the wait has a revision to begin from (see settle_standby). */
static bool is_mark(const struct oo_claim *claim)
{
	return claim->kind == OO_CLAIM_RELEASED && claim->ends == 0;
}

static int64_t longer(int64_t one, int64_t other)
{
	return one > other ? one : other;
}

/*
 * A claim's ttl holds for whoever watches it. Where there is none to read, whoever wrote the last
 * one that was seen may hold for that long still; and whoever was never seen has our own.
 */
int64_t oo_core_ttl(const struct oo_core *core, const struct group *group)
{
	const struct oo_claim *claim = &group->pair.claim;
	int64_t ttl_ms = claim->ttl_ms < OO_CORE_TTL_MAX_MS ? claim->ttl_ms : OO_CORE_TTL_MAX_MS;
	if (ttl_ms > 0 && !is_mark(claim)) {
		return ttl_ms;
	}
	return longer(ttl_ms, longer(core->config.ttl_ms, group->ttl_seen));
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
	oo_core_note_holder(core, group);
	if (claim->epoch > group->epoch_seen) {
		group->epoch_seen = claim->epoch;
	}
	if (claim->ttl_ms > 0 && !is_mark(claim)) {
		group->ttl_seen = oo_core_ttl(core, group);
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
	if (changed) {
		group->heard_until = core->now + PULSE * core->config.renew_ms;
	}
	settle_pair(core, group, changed);
}

/*
 * The watch and reads overtake each other: the newer one counts, unless etcd was restored. known: the
 * revision of what is known, which becomes event's.
 */
static bool is_news(int64_t *known, int64_t noted, const struct oo_event *event)
{
	if (event->revision < *known && event->revision >= noted) {
		return false;
	}
	*known = event->revision;
	return true;
}

void oo_core_observe_pause(struct oo_core *core, int64_t noted, const struct oo_event *event)
{
	if (is_news(&core->pause_revision, noted, event)) {
		core->paused = event->paused;
	}
}

void oo_core_observe_drain(struct oo_core *core, int64_t noted, const struct oo_event *event)
{
	if (is_news(&core->drain_revision, noted, event)) {
		core->drained = event->drained;
	}
}

void oo_core_observe_order(struct oo_core *core, struct group *group, int64_t noted,
			   const struct oo_event *event, const struct oo_order *order)
{
	if (!is_news(&group->order_revision, noted, event) || order->id == group->order.id) {
		return;
	}
	group->order = *order;
	group->order_seen_at = core->now;
	group->doubted = group->doubted || order->id != 0; /* ask now whether we still hold */
}

/*
 * Whether claim is one that we wrote, or tried to write, for ourselves. It compared the very pair that
 * we had seen, so however late it came, nobody held in between.
 */
bool oo_core_is_ours(const struct oo_core *core, const struct group *group,
		     const struct oo_claim *claim)
{
	if (claim->nonce == 0 || strcmp(claim->node, core->config.node) != 0) {
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

	if (!group->known || claim->revision == 0) {
		return OO_CORE_NEVER;
	}
	if (claim->kind == OO_CLAIM_RELEASED && group->witnessed) {
		*ret_cause = OO_CAUSE_RELEASED;
		return group->first_seen_at + stagger;
	}
	*ret_cause = claim->kind != OO_CLAIM_RELEASED ? OO_CAUSE_HOLDER_SILENT
		     : is_mark(claim)                 ? OO_CAUSE_ABSENT
						      : OO_CAUSE_RELEASED;
	return group->first_seen_at + silence_needed(oo_core_ttl(core, group)) + stagger;
}
