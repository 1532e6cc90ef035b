#include "core/internal.h"

#include <string.h>

static uint64_t draw_nonce(struct oo_core *core)
{
	uint64_t x;
	do { /* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators) */
		core->random += UINT64_C(0x9e3779b97f4a7c15);
		x = core->random;
		x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
		x ^= x >> 31;
	} while (x == 0);
	return x;
}

static void remember_tried(struct group *group, uint64_t nonce)
{
	if (group->n_tried == OO_CORE_TRIED_MAX) {
		group->n_tried--;
		memmove(group->tried, group->tried + 1, sizeof(group->tried[0]) * group->n_tried);
	}
	group->tried[group->n_tried++] = nonce;
}

/* One new request; the caller has filled in what it says. A deadline counts from this moment. */
static void ask(struct oo_core *core, struct group *group, const struct oo_request *request)
{
	group->want.request = *request;
	group->want.request.seq = ++core->sequence;
	group->request.busy = true;
	group->request.sent_at = core->now;
	group->request.noted_revision = group->revision;
}

void oo_core_send_claim(struct oo_core *core, struct group *group, enum oo_cause cause)
{
	struct oo_request request = {
		.op = OO_REQUEST_CLAIM,
		.nonce = draw_nonce(core),
		.ends = group->pair.claim.nonce,
		.epoch = group->epoch_seen + 1,
		.kind = OO_CLAIM_TAKEN,
		.ttl_ms = core->config.ttl_ms,
		.cause = cause,
		.expect = &group->pair,
	};
	memcpy(request.node, core->config.node, sizeof(request.node));
	remember_tried(group, request.nonce);
	ask(core, group, &request);
}

/* Nobody's tenure: no epoch of its own, and no nonce that anybody waits for. */
void oo_core_send_mark(struct oo_core *core, struct group *group)
{
	ask(core, group,
	    &(struct oo_request){
		    .op = OO_REQUEST_MARK,
		    .nonce = draw_nonce(core),
		    .epoch = group->epoch_seen,
		    .kind = OO_CLAIM_RELEASED,
		    .ttl_ms = oo_core_ttl(core, group),
		    .cause = OO_CAUSE_ABSENT,
		    .expect = &group->pair,
	    });
}

void oo_core_send_renewal(struct oo_core *core, struct group *group)
{
	group->doubted = false;
	ask(core, group,
	    &(struct oo_request){
		    .op = OO_REQUEST_RENEW,
		    .nonce = group->mine.claim.nonce,
		    .beat = ++group->beat,
		    .expect = &group->mine,
	    });
}

/* The new holder's tenure gets an epoch of its own; a released claim is nobody's tenure. */
void oo_core_send_yield(struct oo_core *core, struct group *group)
{
	bool offer = group->target[0] != '\0';
	struct oo_request request = {
		.op = OO_REQUEST_YIELD,
		.nonce = draw_nonce(core),
		.ends = group->mine.claim.nonce,
		.epoch = offer ? group->epoch_seen + 1 : group->mine.claim.epoch,
		.kind = offer ? OO_CLAIM_OFFERED : OO_CLAIM_RELEASED,
		.ttl_ms = group->mine.claim.ttl_ms,
		.order = group->leaving == OO_CAUSE_SWITCHOVER ? group->order.id : 0,
		.chosen = group->leaving == OO_CAUSE_SWITCHOVER,
		.cause = group->leaving,
		.expect = &group->mine,
	};
	memcpy(request.node, group->target, sizeof(request.node));
	ask(core, group, &request);
}

/* The same nonce until its fate is known: copies of one fresh claim do no harm to each other. */
static void send_fresh(struct oo_core *core, struct group *group, int64_t ttl_ms)
{
	if (group->fresh == 0) {
		group->fresh = draw_nonce(core);
		remember_tried(group, group->fresh);
	}
	struct oo_request request = {
		.op = OO_REQUEST_RECLAIM,
		.nonce = group->fresh,
		.ends = group->mine.claim.nonce,
		.epoch = group->mine.claim.epoch,
		.chosen = group->mine.claim.chosen,
		.kind = OO_CLAIM_TAKEN,
		.ttl_ms = ttl_ms,
		.cause = group->leaving,
		.expect = &group->mine,
	};
	memcpy(request.node, core->config.node, sizeof(request.node));
	ask(core, group, &request);
}

void oo_core_send_reclaim(struct oo_core *core, struct group *group)
{
	send_fresh(core, group, group->mine.claim.ttl_ms); /* the same tenure */
}

/*
 * The same tenure with the ttl of a new configuration. From the moment at which it is carried out, and
 * that may be this one, others wait for no longer than it says: nothing that was promised under the
 * claim of before may outlast that, whether it is ever answered or not.
 */
void oo_core_send_refresh(struct oo_core *core, struct group *group)
{
	const int64_t guard_until = core->now + core->config.ttl_ms;
	const int64_t hold_until = guard_until - core->config.margin_ms;

	if (group->want.guard_until > guard_until) {
		group->want.guard_until = guard_until;
	}
	if (group->want.hold_until > hold_until) {
		group->want.hold_until = hold_until;
	}
	group->doubted = false; /* its answer tells as well, and a renewal follows */
	send_fresh(core, group, core->config.ttl_ms);
}
