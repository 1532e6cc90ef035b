/* What etcd and the other nodes do on the stage. */
#include "story.h"

#include <stdio.h>
#include <string.h>

static void put_claim(struct oo_pair *pair, struct oo_claim claim)
{
	claim.revision = story.etcd.revision;
	claim.value_length =
		(uint16_t)snprintf(claim.value, sizeof(claim.value), "%d %llx %s", (int)claim.kind,
				   (unsigned long long)claim.nonce, claim.node);
	pair->claim = claim;
}

static void put_beat(struct oo_pair *pair, uint64_t nonce, uint64_t seq)
{
	pair->beat.revision = story.etcd.revision;
	pair->beat.value_length =
		(uint16_t)snprintf(pair->beat.value, sizeof(pair->beat.value), "%llx %llu",
				   (unsigned long long)nonce, (unsigned long long)seq);
}

static bool is_equal_claim(const struct oo_claim *one, const struct oo_claim *other)
{
	return one->value_length == other->value_length &&
	       memcmp(one->value, other->value, one->value_length) == 0;
}

static bool is_equal_pair(const struct oo_pair *one, const struct oo_pair *other)
{
	return one->claim.revision == other->claim.revision &&
	       one->beat.revision == other->beat.revision &&
	       is_equal_claim(&one->claim, &other->claim) &&
	       one->beat.value_length == other->beat.value_length &&
	       memcmp(one->beat.value, other->beat.value, one->beat.value_length) == 0;
}

static bool compares(const struct story_copy *copy, const struct oo_pair *pair)
{
	switch (copy->request.op) {
	case OO_REQUEST_CLAIM:
		return is_equal_pair(pair, &copy->expect) && !story.etcd.paused &&
		       !story.etcd.drained;
	case OO_REQUEST_YIELD:
		return is_equal_claim(&pair->claim, &copy->expect.claim) &&
		       (copy->request.node[0] == '\0' ||
			(!story.etcd.member_gone && !story.etcd.target_drained)) &&
		       (copy->request.order == 0 ||
			copy->request.order == story.etcd.orders[copy->group].id);
	case OO_REQUEST_RENEW:
		return is_equal_claim(&pair->claim, &copy->expect.claim) &&
		       pair->beat.revision != 0;
	case OO_REQUEST_RECLAIM:
		return is_equal_claim(&pair->claim, &copy->expect.claim);
	case OO_REQUEST_MARK:
		return pair->claim.revision == 0;
	case OO_REQUEST_NONE:
		break;
	}
	return false;
}

bool arrive(const struct story_copy *copy)
{
	const struct oo_request *request = &copy->request;
	struct oo_pair *pair = &story.etcd.pairs[copy->group];

	if (!compares(copy, pair)) {
		return false;
	}
	story.etcd.revision++;
	if (request->op != OO_REQUEST_RENEW) {
		struct oo_claim claim = {.nonce = request->nonce,
					 .ends = request->ends,
					 .epoch = request->epoch,
					 .chosen = request->chosen,
					 .kind = request->kind,
					 .ttl_ms = request->ttl_ms};
		memcpy(claim.node, request->node, sizeof(claim.node));
		put_claim(pair, claim);
	}
	if (request->order != 0) {
		story.etcd.orders[copy->group] = (struct oo_order){0};
	}
	put_beat(pair, request->nonce, request->beat);
	return true;
}

void ANSWER_GROUP(int64_t at, unsigned group)
{
	bool done = arrive(&story.sent[group]);
	STEP(at, .type = OO_EVENT_ANSWER, .group = group,
	     .outcome = done ? OO_OUTCOME_DONE : OO_OUTCOME_REFUSED,
	     .revision = story.etcd.revision, .pairs = &story.etcd.pairs[group],
	     .orders = &story.etcd.orders[group], .paused = story.etcd.paused,
	     .drained = story.etcd.drained);
}

void ANSWER(int64_t at)
{
	ANSWER_GROUP(at, 0);
}

void LOSE_REQUEST(int64_t at)
{
	STEP(at, .type = OO_EVENT_ANSWER, .outcome = OO_OUTCOME_UNKNOWN);
}

void LOSE_ANSWER(int64_t at)
{
	(void)arrive(&story.sent[0]);
	LOSE_REQUEST(at);
}

void READ(int64_t at)
{
	STEP(at, .type = OO_EVENT_READ, .outcome = OO_OUTCOME_DONE, .revision = story.etcd.revision,
	     .pairs = story.etcd.pairs, .orders = story.etcd.orders, .paused = story.etcd.paused,
	     .drained = story.etcd.drained);
}

void order_unheard(uint64_t id, const char *target)
{
	story.etcd.revision++;
	story.etcd.orders[0] = (struct oo_order){.id = id, .from = "node-b", .valid_ms = 5000};
	(void)snprintf(story.etcd.orders[0].target, OO_CORE_NAME_LENGTH, "%s", target);
	if (id == 0) {
		story.etcd.orders[0] = (struct oo_order){0};
	}
}

void order(int64_t at, uint64_t id, const char *target)
{
	order_unheard(id, target);
	STEP(at, .type = OO_EVENT_ORDER, .revision = story.etcd.revision,
	     .orders = story.etcd.orders);
}

void drain(int64_t at, bool drained)
{
	story.etcd.revision++;
	story.etcd.drained = drained;
	STEP(at, .type = OO_EVENT_DRAIN, .revision = story.etcd.revision, .drained = drained);
}

void WATCH(int64_t at)
{
	const struct oo_pair *pair = &story.etcd.pairs[0];
	STEP(at, .type = OO_EVENT_WATCH, .revision = story.etcd.revision, .claim = &pair->claim,
	     .beat = &pair->beat);
}

void WATCH_BEAT(int64_t at)
{
	STEP(at, .type = OO_EVENT_WATCH, .revision = story.etcd.revision,
	     .beat = &story.etcd.pairs[0].beat);
}

static void other_claims(const char *node, struct oo_claim claim)
{
	story.etcd.revision++;
	claim.nonce = 1000 + ++story.etcd.nonces;
	claim.ttl_ms = story.config.ttl_ms;
	(void)snprintf(claim.node, sizeof(claim.node), "%s", node);
	put_claim(&story.etcd.pairs[0], claim);
	put_beat(&story.etcd.pairs[0], claim.nonce, 0);
}

void other_takes(const char *node, uint64_t epoch)
{
	const struct oo_claim *before = &story.etcd.pairs[0].claim;
	other_claims(node, (struct oo_claim){.ends = before->nonce, .epoch = epoch});
}

void other_marks(void)
{
	other_claims("", (struct oo_claim){.kind = OO_CLAIM_RELEASED});
}

void other_renews(void)
{
	story.etcd.revision++;
	put_beat(&story.etcd.pairs[0], story.etcd.pairs[0].claim.nonce,
		 (uint64_t)story.etcd.revision);
}

void other_offers(const char *target)
{
	const struct oo_claim *before = &story.etcd.pairs[0].claim;
	other_claims(target, (struct oo_claim){.ends = before->nonce,
					       .epoch = before->epoch + 1,
					       .kind = OO_CLAIM_OFFERED});
}

void other_releases(void)
{
	const struct oo_claim *before = &story.etcd.pairs[0].claim;
	other_claims("", (struct oo_claim){.ends = before->nonce,
					   .epoch = before->epoch,
					   .kind = OO_CLAIM_RELEASED});
}

void keys_vanish(void)
{
	story.etcd.revision++;
	memset(&story.etcd.pairs[0], 0, sizeof(story.etcd.pairs[0]));
}

void see_members(int64_t at, const struct oo_core_member *members, size_t n)
{
	STEP(at, .type = OO_EVENT_MEMBERS, .members = members, .n_members = n);
}

void check_result(int64_t at, enum oo_health health)
{
	STEP(at, .type = OO_EVENT_CHECK, .health = health);
}

void become_active(void)
{
	UNTIL(3031);
	ANSWER(3033);
	ANSWER(3035);
	STEP(3036, .type = OO_EVENT_ADDRESS, .up = true);
	story_forget_trace();
}

void watch_node_a(void)
{
	other_takes("node-a", 7);
	UNTIL(100);
	story_forget_trace();
}

void renew_until(int64_t at)
{
	uint64_t seq = oo_core_want(story.core, 0)->request.seq;
	while (story.now < at && oo_core_want(story.core, 0)->role == OO_ROLE_ACTIVE) {
		int64_t wake_at = oo_core_wake_at(story.core);
		UNTIL(wake_at < at ? wake_at : at); /* no sooner: each steps it */
		if (oo_core_want(story.core, 0)->request.seq != seq &&
		    story.sent[0].request.op == OO_REQUEST_RENEW) {
			seq = oo_core_want(story.core, 0)->request.seq;
			int64_t then = story.now + 10;
			UNTIL(then);
			story_forget_trace();
			ANSWER(then);
		}
	}
}
