#ifndef OO_CORE_H
#define OO_CORE_H
/*
 * The core: the lease protocol, roles, health counting and ranking of one agent, for all its groups.
 *
 * PURE: no clock, I/O, heap, log, or library call but memcpy and its kin and assert. It is told what
 * happened (oo_core_step) and answers with what should be so now (oo_core_want): levels, so applying
 * the same want twice is harmless and a failed driver call is simply tried again. docs/design.md
 * section 2 is the protocol, with the state table; the rules are quoted where they are obeyed.
 *
 * Every time is CLOCK_BOOTTIME ms; every duration ms. Strings are copied, never kept by pointer.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OO_CORE_NEVER INT64_MAX

#define OO_CORE_GROUPS_MAX 16
#define OO_CORE_CHECKS_MAX 256
#define OO_CORE_MEMBERS_MAX 128
#define OO_CORE_NAME_LENGTH 64 /* with the final NUL */
#define OO_CORE_VALUE_LENGTH 896
#define OO_CORE_TRIED_MAX 8
#define OO_CORE_TRANSITIONS_MAX (OO_CORE_GROUPS_MAX * 4)
#define OO_CORE_MOVES_MAX 32       /* that are remembered of a group */
#define OO_CORE_TTL_MAX_MS 3600000 /* a claim that says more is waited for this long */

/* A standby waits this much longer for each better placed one. */
#define OO_CORE_STAGGER_MS 100

enum oo_role {
	OO_ROLE_STANDBY,      /* holds nothing; watches, and takes over when it may */
	OO_ROLE_ACQUIRING,    /* a claim is under way */
	OO_ROLE_ACTIVE,       /* the claim is ours; the address is up while the hold lasts */
	OO_ROLE_RELEASING,    /* the address is being taken down */
	OO_ROLE_HANDING_OVER, /* the address is down; a release or an offer is under way */
	OO_ROLE_RECLAIMING,   /* nobody knows whose claim it is until a fresh one of ours is in */
};
#define OO_ROLES 6

enum oo_cause {
	OO_CAUSE_NONE,
	OO_CAUSE_HOLDER_SILENT, /* the same claim and beat for a ttl; number: for how long, ms */
	OO_CAUSE_RELEASED,      /* the holder gave it up */
	OO_CAUSE_OFFERED,       /* the holder handed it to us; peer: who */
	OO_CAUSE_ABSENT, /* no claim was there, and none has come for a ttl since that was marked */
	OO_CAUSE_READ_BACK,     /* a claim of ours whose answer was lost is in etcd */
	OO_CAUSE_CLAIMED,       /* our claim went through */
	OO_CAUSE_CLAIM_REFUSED, /* somebody or something was faster */
	OO_CAUSE_UNKNOWN,       /* etcd did not say whether the request was carried out */
	OO_CAUSE_LOST,          /* etcd shows another claim, or none; peer: whose */
	OO_CAUSE_CHECK_DOWN, /* a required check is down and another node is better; check: which */
	OO_CAUSE_LINK_DOWN,  /* the interface of the addresses has no link */
	OO_CAUSE_STOPPING,   /* the agent was told to stop */
	OO_CAUSE_ADDRESS_DOWN, /* the address is gone, the claim may go too */
	OO_CAUSE_YIELDED,      /* released or handed over; peer: to whom */
	OO_CAUSE_GAVE_UP,      /* stopping, and etcd did not answer in time */
	OO_CAUSE_TARGET_GONE,  /* whom it was offered to has left, and nobody else is better */
	OO_CAUSE_ADOPTED,      /* an earlier agent of this node held it when it ended */
	OO_CAUSE_SWITCHOVER,   /* an operator asked for it; peer: to whom */
	OO_CAUSE_DRAINED,      /* an operator has drained this node, and another is eligible */
	OO_CAUSE_WITHDRAWN,    /* the operator's order no longer stands */
	OO_CAUSE_FAILBACK,     /* another node ranks better, and has for long enough; peer: which */
};
#define OO_CAUSES 22

enum oo_claim_kind {
	OO_CLAIM_TAKEN,
	OO_CLAIM_OFFERED,  /* written by a holder for another node, which renews it at once */
	OO_CLAIM_RELEASED, /* nobody's */
};

/*
 * Whose zone comes first where somebody is chosen to follow a holder, among the equally healthy. It is
 * relative to that holder, so it never is a gain: nothing fails back for it.
 */
enum oo_zones {
	OO_ZONES_ANY,
	OO_ZONES_STAY,   /* the holder's */
	OO_ZONES_SPREAD, /* every other one */
};

/*
 * The leader key as etcd has it. value is compared byte by byte; it is opaque here, and empty when it
 * was too long to keep (then its revision alone is compared).
 * revision  its mod_revision (etcd mvccpb.KeyValue); 0: the key is absent, and all else is zero.
 * nonce     names this claim; 0 for a value that is none of ours to understand.
 * ends      nonce of the claim that this one followed, 0 if none.
 * chosen    an operator has put this tenure where it is: it does not fail back.
 * zone      of node; empty: not known, or nobody's.
 */
struct oo_claim {
	int64_t revision;
	uint64_t nonce, ends, epoch;
	enum oo_claim_kind kind;
	int64_t ttl_ms;
	bool chosen;
	char node[OO_CORE_NAME_LENGTH]; /* holder, or whom it is offered to; empty: released */
	char zone[OO_CORE_NAME_LENGTH];
	uint16_t value_length;
	char value[OO_CORE_VALUE_LENGTH];
};

/* The beat key: what the holder writes at every renewal. revision 0: absent. */
#define OO_CORE_BEAT_LENGTH 128
struct oo_beat {
	int64_t revision;
	uint16_t value_length;
	char value[OO_CORE_BEAT_LENGTH];
};

/* Both keys at one revision of etcd. */
struct oo_pair {
	struct oo_claim claim;
	struct oo_beat beat;
};

enum oo_health {
	OO_HEALTH_UNKNOWN, /* not known yet, or our own failure: neither takes nor gives up for it */
	OO_HEALTH_UP,
	OO_HEALTH_DOWN,
};

struct oo_core_check {
	unsigned rise, fall; /* consecutive results that turn it; at least 1 */
	int inherits;        /* index of the same check before a reload, -1: starts unknown */
	bool optional;       /* down, it lowers the rank and no more; else it is required */
	bool shared;         /* of something that all nodes use */
	int64_t notice_ms;   /* of a shared one: whoever it fails for has noticed after so long */
};

struct oo_core_group {
	bool checks[OO_CORE_CHECKS_MAX]; /* those that count for it */
	uint16_t priority;
	bool preferred; /* this node is of the zone that comes before others */
	enum oo_zones zones;
	/*
	 * Whether what is held goes to a node that ranks better: once that one has been seen so, and
	 * eligible, for stable_ms, and this tenure is delay_ms old.
	 */
	bool failback;
	int64_t failback_delay_ms, failback_stable_ms;
};

/*
 * Of one agent. renew, margin: for its own ttl; a claim with another ttl gets them in proportion.
 * flap_moves  from so many moves of a group within flap_window_ms on, the next one of a living holder for
 *             health or failback is damped; at most OO_CORE_MOVES_MAX; 0: never.
 */
struct oo_core_config {
	char node[OO_CORE_NAME_LENGTH];
	char zone[OO_CORE_NAME_LENGTH]; /* empty: not known; likewise of a member */
	int64_t ttl_ms, renew_ms, margin_ms;
	unsigned flap_moves;
	int64_t flap_window_ms;
	int64_t retry_ms; /* between tries that failed */
	size_t n_groups, n_checks;
	struct oo_core_group groups[OO_CORE_GROUPS_MAX];
	struct oo_core_check checks[OO_CORE_CHECKS_MAX];
};

struct oo_core_member {
	char node[OO_CORE_NAME_LENGTH], zone[OO_CORE_NAME_LENGTH];
	uint16_t priority[OO_CORE_GROUPS_MAX];
	uint32_t preferred;                  /* bit g: of the zone that group g prefers */
	uint32_t eligible;                   /* bit g: for group g */
	uint16_t ailing[OO_CORE_GROUPS_MAX]; /* optional checks of group g that are down */
	uint32_t stranded; /* bit g: eligible for group g but for shared checks that are down */
	bool fails[OO_CORE_CHECKS_MAX]; /* the check that is our i-th, shared, is down there */
};

/*
 * What an operator wants of a group's holder: to hand over.
 * id        names it; 0: there is none.
 * from      of whom it is wanted: whoever holds when it is another one leaves it alone.
 * target    to whom; empty: to the best.
 * valid_ms  it is not carried out any more so long after it was first seen.
 */
struct oo_order {
	uint64_t id;
	char from[OO_CORE_NAME_LENGTH], target[OO_CORE_NAME_LENGTH];
	int64_t valid_ms;
};

enum oo_request_op {
	OO_REQUEST_NONE,
	/* if both keys are still *expect, nothing is paused, and we are not drained: put claim, beat */
	OO_REQUEST_CLAIM,
	OO_REQUEST_RENEW, /* if the claim's value is expect->claim's, and the beat exists: put beat */
	/*
	 * If the claim's value is that (and node's member key exists, and node is not drained, unless
	 * empty; and the order of that number stands, unless 0): put claim and beat, delete the order.
	 */
	OO_REQUEST_YIELD,
	OO_REQUEST_RECLAIM, /* if the claim's value is that: put claim and beat */
	OO_REQUEST_MARK, /* if there is no claim: put a released one that ends nothing, and a beat */
};

/*
 * What the core wants asked of etcd. A new seq asks for one new request, sent at once (its deadline
 * counts from the step that made it) and answered exactly once by OO_EVENT_ANSWER.
 * expect  points into the core, valid until the next step.
 */
struct oo_request {
	uint64_t seq;
	enum oo_request_op op;
	uint64_t nonce, ends, epoch, beat;
	uint64_t order; /* that a yield carries out; 0: none */
	bool chosen;
	enum oo_claim_kind kind;
	int64_t ttl_ms;
	char node[OO_CORE_NAME_LENGTH];
	enum oo_cause cause;
	const struct oo_pair *expect;
};

enum oo_outcome {
	OO_OUTCOME_UNKNOWN, /* no answer: neither success nor failure */
	OO_OUTCOME_DONE,
	OO_OUTCOME_REFUSED, /* a compare failed; pair is what was read back in the same txn */
};

enum oo_event_type {
	OO_EVENT_TIME,
	/* answer to want.read_seq: seq, outcome (DONE or UNKNOWN), revision, pairs, orders, paused, drained */
	OO_EVENT_READ,
	OO_EVENT_WATCH, /* group, revision, claim and beat (NULL: unchanged) */
	OO_EVENT_PAUSE, /* revision, paused: the watch saw it */
	OO_EVENT_DRAIN, /* revision, drained: likewise, of this node */
	OO_EVENT_ORDER, /* group, revision, orders: likewise */
	/*
	 * group, seq, outcome, revision, pairs (NULL: not read); of a claim paused and drained, of a
	 * yield orders
	 */
	OO_EVENT_ANSWER,
	OO_EVENT_MEMBERS, /* members, n_members: all that are present, this node or not */
	OO_EVENT_CHECK,   /* index, health: one result */
	OO_EVENT_LINK,    /* group, up */
	OO_EVENT_ADDRESS, /* group, up: some VIP of the group is on this node; see oo_want.address */
	OO_EVENT_DOUBT, /* group: another host answers for a VIP; a holder confirms its claim at once */
	OO_EVENT_STOP, /* hand over or release everything */
};

/* News. Pointers are read during the step and not kept. */
struct oo_event {
	enum oo_event_type type;
	unsigned group, index;
	uint64_t seq;
	enum oo_outcome outcome;
	int64_t revision;            /* header.revision of the answer or of the watch event */
	const struct oo_pair *pairs; /* READ: one a group; ANSWER: one */
	const struct oo_order
		*orders; /* READ: one a group; ORDER, refused ANSWER to a yield: one */
	const struct oo_claim *claim;
	const struct oo_beat *beat;
	bool paused, drained, up;
	enum oo_health health;
	const struct oo_core_member *members;
	size_t n_members;
};

/* What should be true now, for one group. */
struct oo_want {
	enum oo_role role;
	/*
	 * The VIPs are up; else they are down. While they are wanted they count as up, whatever is
	 * reported: one may just be on its way. Afterwards nothing is given away before an
	 * OO_EVENT_ADDRESS says that none is left. So whenever this turns false the agent reports,
	 * once it has seen to it, and also when there was nothing to remove.
	 */
	bool address;
	/*
	 * Neither add nor remove, nor re-arm: what an earlier agent left is ours until the kernel's own
	 * deadline, unless the claim turns out to be lost. address is false meanwhile.
	 */
	bool keep;
	bool graceful;      /* down: there is time for hooks and to reset connections first */
	int64_t hold_until; /* the address is ours no longer from then on */
	int64_t guard_until; /* nobody may be answered from then on, whatever becomes of us: sent_at + ttl */
	struct oo_request request;
};

struct oo_transition {
	unsigned group;
	enum oo_role from, to;
	enum oo_cause cause;
	int64_t at, number;
	int check;
	uint64_t epoch;
	char peer[OO_CORE_NAME_LENGTH];
};

/* What a group looks like from here, for people. */
struct oo_core_view {
	const struct oo_pair *pair;
	bool known; /* a read or an event has shown the pair */
	int64_t first_seen_at, role_since;
	enum oo_cause cause;
	enum oo_health eligible; /* UP: may take; DOWN: must not serve if another can */
	/* that makes it DOWN or UNKNOWN; -1: none, or the link, or drained, or not known whether */
	int failed_check;
	unsigned ailing; /* optional checks that are down */
	bool stranded;   /* eligible but for shared checks that are down */
	/*
	 * One of these that is down on each other present node, too, that would else be eligible (there
	 * is one): nobody could do better. -1: none.
	 */
	int shared_check;
	bool link_up;
	const struct oo_order *order; /* as last seen; id 0: none */
	const struct oo_claim *mine;  /* ours, as far as we know; NULL: none */
	bool degraded;                /* holds though ineligible: nobody is better */
	unsigned moves;               /* that were seen within flap_window_ms */
	int64_t damping_ms; /* for how long whom it goes to next must have been eligible; 0: not damped */
	const char *next; /* to whom a holder would hand over; NULL: nobody is eligible */
	uint64_t epoch;
};

struct oo_core;

/* Bytes that a core needs; the caller gives the room (aligned as for malloc). */
size_t oo_core_size(void);

/*
 * Makes a core in room. seed: from the kernel's random source, so that nonces never repeat.
 * config is copied. Asserts that it makes sense (the configuration reader has checked it).
 */
struct oo_core *oo_core_init(void *room, const struct oo_core_config *config, uint64_t seed);

/*
 * What an earlier agent of this node knew of group when it ended (the tenure file). Before the first
 * step.
 * epoch  the highest that it had seen.
 * claim  its claim, if it had one and the machine has not been booted since; else NULL. Nothing is
 *        held before a fresh claim over it, and a renewal of that, have succeeded.
 */
void oo_core_adopt(struct oo_core *core, unsigned group, uint64_t epoch,
		   const struct oo_claim *claim);

/*
 * Changes the configuration (SIGHUP), all but node. The groups of before keep their numbers; those that
 * are added behind them begin as standbys. A holder whose claim says another ttl than config writes a
 * fresh one of the same tenure, and holds on meanwhile. The caller steps afterwards.
 */
void oo_core_set_config(struct oo_core *core, const struct oo_core_config *config);

/*
 * Gives group up, as OO_EVENT_STOP does with all, and takes it no more, until the configuration is set
 * again. The caller steps afterwards.
 */
void oo_core_retire(struct oo_core *core, unsigned group);
/* It is standby, and its address is down. */
bool oo_core_is_retired(const struct oo_core *core, unsigned group);

/*
 * Takes the news, settles, plans, checks. event may be OO_EVENT_TIME at any moment; it must come no
 * later than oo_core_wake_at. now never goes back.
 */
void oo_core_step(struct oo_core *core, int64_t now, const struct oo_event *event);

/*
 * Counts a result like the ones before it of a check that is up: a step with it would change nothing
 * but its row. Returns false, with nothing done, for any other: step with OO_EVENT_CHECK.
 */
bool oo_core_count_again(struct oo_core *core, unsigned index, enum oo_health health);

const struct oo_want *oo_core_want(const struct oo_core *core, unsigned group);
/* A new number asks for one linearizable read of all groups' keys and pause. */
uint64_t oo_core_read_seq(const struct oo_core *core);
int64_t oo_core_wake_at(const struct oo_core *core);
/* All is down and given up after OO_EVENT_STOP: the agent may exit. */
bool oo_core_is_stopped(const struct oo_core *core);
bool oo_core_is_paused(const struct oo_core *core);
bool oo_core_is_drained(const struct oo_core *core);

/* The transitions of the last step, oldest first. */
const struct oo_transition *oo_core_transitions(const struct oo_core *core, size_t *ret_n);

struct oo_core_view oo_core_view(const struct oo_core *core, unsigned group);
/* Of check index: its state, and how many equal results in a row made or confirm it. */
enum oo_health oo_core_check_health(const struct oo_core *core, unsigned index,
				    unsigned *ret_streak);

/* Stable words for logs, JSON and history: "handing_over", "holder_silent". */
const char *oo_role_name(enum oo_role role);
const char *oo_cause_name(enum oo_cause cause);

#endif
