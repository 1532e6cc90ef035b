#include "rival.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "dispute.h"
#include "journal.h"
#include "net/rival.h"
#include "notices.h"
#include "vips.h"

#define ASK_AGAIN_MS 300 /* three times: a stranger who has left has its VIP for about 1 s more */
/* A port of a switch may not forward at once after its link came up: asked each ASK_AGAIN_MS so long. */
#define RETURN_MS 1000
#define ANSWER_MS                                                                                  \
	100 /* for answers where that is not so, and no claim's round trip leaves time for them */
#define REPEAT_MS 50 /* a defence is announced twice: once is lost too easily */

enum verdict {
	VERDICT_NONE, /* nothing is known against it */
	VERDICT_ASKED,
	VERDICT_TAKEN, /* by a stranger: not added */
};

struct vip {
	enum verdict verdict;
	struct agent_refusal refusal; /* while it is taken */
	uint64_t conflicts;
	bool contested; /* since it was last announced in defence */
	bool repeat;    /* that announcement, once */
	int64_t at;
	uint8_t mac[OO_MAC_LENGTH];
};

/* Owned by its part. */
struct agent_rival {
	struct agent_part *part;
	unsigned group;
	struct oo_rival *socket;      /* owned */
	struct vip *vips;             /* owned; as the part's list */
	struct oo_address *available; /* owned; those that no stranger has */
	bool *chosen;                 /* owned; room for a question */
	struct oo_timer ask_timer;
	struct oo_timer doubt_timer;
	struct oo_timer repeat_timer;
	struct agent_defence defence;
	int ifindex; /* 0: the interface is gone, or could not be listened to yet */
	bool deaf;   /* that was said */
	uint8_t mac[OO_MAC_LENGTH];
	bool asking, holding;
	bool lost;        /* the interface went before there was a verdict */
	int64_t judge_at; /* no verdict sooner: the answers are on their way */
	bool linked;      /* the interface has had carrier since it was last asked again */
	size_t latest;    /* the VIP that a conflict was last about */
};

/* "office: 10.0.0.100 is in use by 52:54:00:12:34:56 on eth0: not added", without the group. */
static void explain(const struct agent_rival *rival, size_t k, char *text, size_t size)
{
	const char *address = agent_part_text(rival->part, k);
	char mac[OO_MAC_TEXT_LENGTH];
	snprintf(text, size, "%.*s is in use by %s on %s: not added", (int)strcspn(address, "/"),
		 address, oo_mac_format(rival->vips[k].mac, mac), rival->part->interface);
}

static bool is_any(const struct agent_rival *rival, enum verdict verdict)
{
	for (size_t k = 0; k < rival->part->n; k++) {
		if (rival->vips[k].verdict == verdict) {
			return true;
		}
	}
	return false;
}

static void refuse(struct agent_rival *rival, size_t k, const uint8_t mac[static OO_MAC_LENGTH])
{
	char text[OO_ERR_LENGTH];
	memcpy(rival->vips[k].mac, mac, OO_MAC_LENGTH);
	rival->vips[k].verdict = VERDICT_TAKEN;
	rival->vips[k].refusal = (struct agent_refusal){0};
	explain(rival, k, text, sizeof(text));
	agent_say(OO_LOG_ERROR,
		  &(struct agent_said){.message = AGENT_MESSAGE_ADDRESS_IN_USE,
				       .group = rival->part->config->name},
		  "%s: %s until it is gone from there; find that host by its MAC in the switches' "
		  "tables, and take the address off it",
		  rival->part->config->name, text);
	agent_notices_say(rival->part->agent, &(struct agent_notice){.grade = "P0",
								     .name = "address_in_use",
								     .group = rival->group,
								     .text = text});
}

static bool has_carrier(const struct agent_rival *rival)
{
	const struct oo_link *link = &rival->part->link;
	return link->exists && link->up && link->carrier;
}

static void ask_silent(struct agent_rival *rival)
{
	const int64_t again_at = oo_clock_now() + ASK_AGAIN_MS;
	for (size_t k = 0; k < rival->part->n; k++) {
		rival->chosen[k] = rival->vips[k].verdict == VERDICT_ASKED &&
				   oo_rival_answer(rival->socket, k) == NULL;
	}
	oo_rival_probe(rival->socket, rival->chosen);
	oo_timer_set(&rival->ask_timer, again_at < rival->judge_at ? again_at : rival->judge_at);
}

/* Who was asked on an interface that went could not answer: again, now that it is back. */
static void ask_anew(struct agent_rival *rival, int64_t answer_ms)
{
	rival->lost = false;
	rival->judge_at = oo_clock_now() + answer_ms;
	ask_silent(rival);
}

/* Once: each call tries again. */
static void warn_deaf(struct agent_rival *rival, const struct oo_err *err)
{
	if (!rival->deaf) {
		rival->deaf = true;
		oo_log(OO_LOG_WARNING, "%s: other hosts that have its VIPs are not seen: %s",
		       rival->part->config->name, err->text);
	}
}

static void follow_link(struct agent_rival *rival)
{
	const struct oo_link *link = &rival->part->link;
	struct oo_err err;

	rival->linked = rival->linked && has_carrier(rival);
	if (!link->exists) {
		rival->ifindex = 0; /* it may come back with the same one */
		rival->lost = is_any(rival, VERDICT_ASKED);
		return;
	}
	if (link->index != rival->ifindex || memcmp(link->mac, rival->mac, OO_MAC_LENGTH) != 0) {
		if (oo_rival_set_link(rival->socket, link, &err) < 0) {
			warn_deaf(rival, &err);
			return;
		}
		rival->deaf = false;
		rival->ifindex = link->index;
		memcpy(rival->mac, link->mac, OO_MAC_LENGTH);
	}
	if (rival->lost && has_carrier(rival)) {
		ask_anew(rival, RETURN_MS);
	}
}

static void judge(struct agent_rival *rival)
{
	if (!is_any(rival, VERDICT_ASKED) || rival->lost || oo_clock_now() < rival->judge_at) {
		return;
	}
	oo_rival_look(rival->socket);
	for (size_t k = 0; k < rival->part->n; k++) {
		const uint8_t *mac = oo_rival_answer(rival->socket, k);
		if (rival->vips[k].verdict == VERDICT_ASKED && mac != NULL) {
			refuse(rival, k, mac);
		} else if (rival->vips[k].verdict == VERDICT_ASKED) {
			rival->vips[k].verdict = VERDICT_NONE;
		}
	}
	if (is_any(rival, VERDICT_TAKEN)) {
		rival->linked = false; /* there was no round yet */
		oo_timer_set(&rival->ask_timer, 0);
	}
}

size_t agent_rival_select(struct agent_rival *rival, const struct oo_address **ret_list)
{
	size_t n = 0;
	follow_link(rival); /* the core may not have heard of it yet */
	judge(rival);
	for (size_t k = 0; k < rival->part->n; k++) {
		if (rival->vips[k].verdict == VERDICT_NONE) {
			rival->available[n++] = rival->part->list[k];
		}
	}
	*ret_list = rival->available;
	return n;
}

/* Whether the round that is over has shown that nobody has it any more. */
static bool is_free(struct agent_rival *rival, size_t k)
{
	return agent_refusal_is_over(&rival->vips[k].refusal,
				     rival->linked && oo_rival_is_asked(rival->socket, k),
				     oo_rival_answer(rival->socket, k) != NULL);
}

/* A round is over: some may be free. Asks for the rest. */
static void on_ask_time(struct oo_timer *timer)
{
	struct agent_rival *rival = oo_container_of(timer, struct agent_rival, ask_timer);
	bool freed = is_any(rival, VERDICT_ASKED);

	if (freed && !rival->lost && oo_clock_now() < rival->judge_at) {
		ask_silent(rival);
		return;
	}
	judge(rival);
	oo_rival_look(rival->socket);
	for (size_t k = 0; k < rival->part->n; k++) {
		struct vip *vip = &rival->vips[k];
		if (vip->verdict == VERDICT_TAKEN && is_free(rival, k)) {
			vip->verdict = VERDICT_NONE;
			freed = true;
			agent_say(OO_LOG_NOTICE,
				  &(struct agent_said){.message = AGENT_MESSAGE_ADDRESS_FREE,
						       .group = rival->part->config->name},
				  "%s: nobody else has %s any more", rival->part->config->name,
				  agent_part_text(rival->part, k));
		}
		rival->chosen[k] = vip->verdict == VERDICT_TAKEN;
	}
	if (is_any(rival, VERDICT_TAKEN)) {
		rival->linked = has_carrier(rival);
		oo_rival_probe(rival->socket, rival->chosen);
		oo_timer_set(&rival->ask_timer, oo_clock_now() + ASK_AGAIN_MS);
	}
	if (freed) {
		rival->part->placed = rival->part->whole = false; /* there is more to add */
		agent_vips_retry(rival->part->agent->vips[rival->group]);
	}
}

static void doubt(struct agent_rival *rival)
{
	if (agent_defence_doubt(&rival->defence, oo_clock_now())) {
		agent_tell(rival->part->agent,
			   &(struct oo_event){.type = OO_EVENT_DOUBT, .group = rival->group});
	}
}

static void on_doubt_time(struct oo_timer *timer)
{
	struct agent_rival *rival = oo_container_of(timer, struct agent_rival, doubt_timer);
	bool contested = false;
	for (size_t k = 0; k < rival->part->n; k++) {
		contested = contested || rival->vips[k].contested;
	}
	if (rival->holding && contested) {
		doubt(rival);
	}
}

/* Who claims one VIP often claims others right after it: they belong to the same defence. */
static void on_repeat_time(struct oo_timer *timer)
{
	struct agent_rival *rival = oo_container_of(timer, struct agent_rival, repeat_timer);
	for (size_t k = 0; k < rival->part->n; k++) {
		struct vip *vip = &rival->vips[k];
		if (vip->repeat || vip->contested) {
			vip->repeat = false;
			vip->contested = false;
			oo_announcer_repeat(rival->part->announcer, &rival->part->list[k]);
		}
	}
}

static void on_seen(void *user, const struct oo_rival_report *report)
{
	struct agent_rival *rival = user;
	struct vip *vip = &rival->vips[report->index];
	const int64_t now = oo_clock_now();

	if (!rival->holding || !rival->part->up || vip->verdict != VERDICT_NONE) {
		return;
	}
	/* The kernel defends the address. Switches ask like this all the time, to track hosts. */
	if (report->kind == OO_FRAME_ARP_PROBE || report->kind == OO_FRAME_DAD) {
		char mac[OO_MAC_TEXT_LENGTH];
		oo_log(OO_LOG_DEBUG, "%s: %s asks whether %s is free", rival->part->config->name,
		       oo_mac_format(report->mac, mac),
		       agent_part_text(rival->part, report->index));
		return;
	}
	vip->contested = true;
	vip->conflicts += report->count;
	rival->part->agent->counts.groups[rival->group].conflicts += report->count;
	vip->at = now;
	memcpy(vip->mac, report->mac, OO_MAC_LENGTH);
	rival->latest = report->index;
	const int64_t doubt_at = agent_defence_see(&rival->defence, now);
	if (now < doubt_at) {
		oo_timer_set(&rival->doubt_timer, doubt_at);
	} else {
		doubt(rival);
	}
}

static void announce_contested(struct agent_rival *rival)
{
	for (size_t k = 0; k < rival->part->n; k++) {
		struct vip *vip = &rival->vips[k];
		if (vip->contested) {
			vip->contested = false;
			vip->repeat = true;
			oo_announcer_repeat(rival->part->announcer, &rival->part->list[k]);
		}
	}
	oo_timer_set(&rival->repeat_timer, oo_clock_now() + REPEAT_MS);
}

/* Told the first time, then at the 2nd, 4th, 8th ... */
static void defend(struct agent_rival *rival)
{
	const uint64_t count = rival->defence.count;
	const struct agent_part *part = rival->part;
	const struct vip *vip = &rival->vips[rival->latest];
	char address[64], mac[OO_MAC_TEXT_LENGTH], text[OO_ERR_LENGTH];

	announce_contested(rival);
	if ((count & (count - 1)) != 0) {
		return;
	}
	oo_text_clip(address, sizeof(address), agent_part_text(part, rival->latest));
	address[strcspn(address, "/")] = '\0';
	snprintf(text, sizeof(text), "another host, %s, claims %s on %s",
		 oo_mac_format(vip->mac, mac), address, part->interface);
	agent_say(OO_LOG_WARNING,
		  &(struct agent_said){.message = AGENT_MESSAGE_CONFLICT,
				       .group = part->config->name},
		  "%s: %s (%" PRIu64 " times so far): the claim in etcd is ours, announced again; "
		  "find it by that MAC in the switches' tables, and take the address off it",
		  part->config->name, text, vip->conflicts);
	agent_notices_say(part->agent, &(struct agent_notice){.grade = "P0",
							      .name = "conflict",
							      .group = rival->group,
							      .text = text});
}

/* Whether it is so since a renewal that was sent after the doubt arose. */
static bool is_confirmed(struct agent_rival *rival, const struct oo_want *want)
{
	const struct oo_claim *mine = oo_core_view(rival->part->agent->core, rival->group).mine;
	return mine != NULL &&
	       agent_defence_confirm(&rival->defence, want->guard_until - mine->ttl_ms,
				     oo_clock_now());
}

static void forget(struct agent_rival *rival)
{
	for (size_t k = 0; k < rival->part->n; k++) {
		rival->vips[k].verdict = VERDICT_NONE;
		rival->vips[k].contested = false;
		rival->vips[k].repeat = false;
	}
	rival->judge_at = 0;
	rival->lost = false;
	rival->defence = (struct agent_defence){0};
	oo_timer_set(&rival->ask_timer, OO_NEVER);
	oo_timer_set(&rival->doubt_timer, OO_NEVER);
	oo_timer_set(&rival->repeat_timer, OO_NEVER);
}

static void ask(struct agent_rival *rival)
{
	forget(rival);
	for (size_t k = 0; k < rival->part->n; k++) {
		rival->vips[k].verdict = VERDICT_ASKED;
	}
	rival->lost = !rival->part->link.exists;
	oo_rival_probe(rival->socket, NULL);
}

void agent_rival_apply(struct agent_rival *rival, const struct oo_want *want)
{
	const bool coming =
		want->role == OO_ROLE_ACQUIRING || (want->role == OO_ROLE_ACTIVE && !want->address);
	/* what is on this node already, adopted, is not asked for */
	const bool asking = coming && !rival->part->up;
	const bool began = asking && !rival->asking;

	follow_link(rival);
	rival->asking = asking;
	rival->holding = want->address;
	oo_rival_listen(rival->socket, asking || want->address);
	if (began) {
		ask(rival);
	} else if (!asking && !want->address) {
		forget(rival);
	}
	if (want->address && is_confirmed(rival, want)) {
		defend(rival);
	}
}

struct agent_rival_state agent_rival_state(const struct agent_rival *rival, size_t k)
{
	const struct vip *vip = &rival->vips[k];
	struct agent_rival_state state = {.conflicts = vip->conflicts, .at = vip->at};
	if (vip->verdict == VERDICT_TAKEN) {
		explain(rival, k, state.error, sizeof(state.error));
	}
	if (vip->conflicts > 0) {
		(void)oo_mac_format(vip->mac, state.mac);
	}
	return state;
}

bool agent_rival_withholds(const struct agent_rival *rival, size_t k)
{
	return rival->vips[k].verdict != VERDICT_NONE;
}

void agent_rival_inherit(struct agent_rival *rival, const struct agent_rival *before, bool held)
{
	for (size_t k = 0; k < rival->part->n; k++) {
		const size_t old =
			before == NULL ? 0
				       : agent_part_find_vip(before->part, &rival->part->list[k]);
		if (before != NULL && old < before->part->n) {
			rival->vips[k] = before->vips[old];
		} else if (held) {
			rival->vips[k].verdict = VERDICT_ASKED;
		}
	}
	rival->defence = before == NULL ? rival->defence : before->defence;
	rival->holding = held;
	oo_rival_listen(rival->socket, held);
	rival->lost = is_any(rival, VERDICT_ASKED) && !has_carrier(rival);
	if (is_any(rival, VERDICT_ASKED) && !rival->lost) {
		ask_anew(rival, ANSWER_MS);
	} else if (is_any(rival, VERDICT_TAKEN)) {
		oo_timer_set(&rival->ask_timer, 0);
	}
}

void agent_rival_free(struct agent_rival *rival)
{
	if (rival == NULL) {
		return;
	}
	oo_rival_free(rival->socket);
	oo_timer_done(&rival->ask_timer);
	oo_timer_done(&rival->doubt_timer);
	oo_timer_done(&rival->repeat_timer);
	free(rival->vips);
	free(rival->available);
	free(rival->chosen);
	free(rival);
}

static int open_rival(struct agent_rival *rival, struct oo_err *err)
{
	const struct agent_part *part = rival->part;
	const struct oo_rival_options options = {
		.link = &part->link,
		.list = part->list,
		.n = part->n,
		.seen = on_seen,
		.user = rival,
	};
	rival->vips = calloc(part->n, sizeof(*rival->vips));
	rival->available = calloc(part->n, sizeof(*rival->available));
	rival->chosen = calloc(part->n, sizeof(*rival->chosen));
	if (rival->vips == NULL || rival->available == NULL || rival->chosen == NULL) {
		return oo_fail(err, ENOMEM, "addresses");
	}
	int r = oo_timer_init(&rival->ask_timer, part->agent->event, on_ask_time);
	r = r < 0 ? r : oo_timer_init(&rival->doubt_timer, part->agent->event, on_doubt_time);
	r = r < 0 ? r : oo_timer_init(&rival->repeat_timer, part->agent->event, on_repeat_time);
	if (r < 0) {
		return oo_fail(err, -r, "timer");
	}
	rival->ifindex = part->link.index;
	memcpy(rival->mac, part->link.mac, OO_MAC_LENGTH);
	return oo_rival_new(part->agent->event, &options, &rival->socket, err);
}

int agent_rival_new(struct agent_part *part, unsigned group, struct agent_rival **ret_rival,
		    struct oo_err *err)
{
	struct agent_rival *rival = calloc(1, sizeof(*rival));
	if (rival == NULL) {
		return oo_fail(err, ENOMEM, "addresses");
	}
	rival->part = part;
	rival->group = group;
	int r = open_rival(rival, err);
	if (r < 0) {
		agent_rival_free(rival);
		return r;
	}
	*ret_rival = rival;
	return 0;
}
