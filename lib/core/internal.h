#ifndef OO_CORE_INTERNAL_H
#define OO_CORE_INTERNAL_H
/* The core's state, shared by its own files only. */
#include "core/core.h"

struct check {
	struct oo_core_check config;
	enum oo_health health;
	enum oo_health last; /* of the latest result */
	unsigned streak;     /* equal results in a row */
	int64_t turned_at;   /* when health last changed */
};

struct request_state {
	bool busy;
	int64_t sent_at;        /* of the latest */
	int64_t noted_revision; /* the newest that we had seen when it was sent */
	int64_t next_at;        /* not before */
};

struct group {
	struct oo_want want;
	struct request_state request;
	int64_t role_since;
	enum oo_cause cause;

	/* What etcd was last seen to have, and since when by our own clock. */
	bool known;
	struct oo_pair pair;
	int64_t revision;
	int64_t first_seen_at;
	int64_t heard_until; /* the watch has told of the holder, and goes for a pulse until then */
	bool witnessed;      /* the claim ends the very claim that we last saw */
	uint64_t last_nonce; /* of the last claim seen */
	char previous[OO_CORE_NAME_LENGTH]; /* whose claim was seen before this one */
	uint64_t epoch_seen;
	int64_t ttl_seen; /* of the last claim seen that said one */

	/* Our claim, while the role is not standby or acquiring. */
	struct oo_pair mine;
	uint64_t beat;
	uint64_t tried[OO_CORE_TRIED_MAX]; /* a ring: nonces whose fate is unknown */
	unsigned n_tried;
	uint64_t fresh;     /* nonce of the fresh claim that is to replace mine; 0: none yet */
	int64_t renewed_at; /* when the last renewal that succeeded was sent; 0: none of this claim */
	bool doubted;       /* since before the next renewal: it is due at once */

	/* Why releasing: LOST, CHECK_DOWN, LINK_DOWN, STOPPING, SWITCHOVER, DRAINED or FAILBACK. */
	enum oo_cause leaving;
	char target[OO_CORE_NAME_LENGTH]; /* whom it is handed to; empty: released */
	bool adopting; /* since the start: the address of the agent before us may still be up */
	bool retired;  /* to be given up, and not to be taken: it leaves the configuration */
	bool address_up, link_up;
	int64_t relief_at;  /* since when there is another eligible node; NEVER: there is none */
	int64_t ready_at;   /* since or from when one has been eligible for long enough; likewise */
	int64_t damping_ms; /* how long that is */
	int64_t moves
		[OO_CORE_MOVES_MAX]; /* when the holder's node was seen to change, oldest first */
	unsigned n_moves;
	char holder[OO_CORE_NAME_LENGTH]; /* the last that was seen; empty: none yet */
	int64_t read_noted_revision;

	struct oo_order order;
	int64_t order_revision, read_noted_order_revision; /* as pause_revision */
	int64_t order_seen_at;
};

/* Since when a member has been seen so without a break; NEVER: it is not. By group. */
struct standing {
	int64_t eligible_at[OO_CORE_GROUPS_MAX];
	int64_t better_at[OO_CORE_GROUPS_MAX]; /* eligible, and better than this node */
};

struct oo_core {
	struct oo_core_config config;
	struct group groups[OO_CORE_GROUPS_MAX];
	struct check checks[OO_CORE_CHECKS_MAX];
	struct oo_core_member members[OO_CORE_MEMBERS_MAX];
	struct standing standings[OO_CORE_MEMBERS_MAX]; /* of members, in their order */
	size_t n_members;
	uint64_t random;
	uint64_t sequence;
	bool paused, stopping;
	int64_t pause_revision; /* at which paused was so */
	int64_t read_noted_pause_revision;
	bool drained;
	int64_t drain_revision, read_noted_drain_revision; /* likewise; 0: nobody has said yet */
	int64_t stop_until;
	int64_t now;
	uint64_t read_seq;
	bool read_busy;
	int64_t read_sent_at;
	int64_t read_at, seldom_at; /* the next read: not before, and while there is a pulse */
	int64_t wake_at;
	struct oo_transition transitions[OO_CORE_TRANSITIONS_MAX];
	size_t n_transitions;
};

/* observe.c: what etcd shows, and when it may be taken from somebody else. */
void oo_core_observe_pair(struct oo_core *core, struct group *group, int64_t noted,
			  const struct oo_event *event, const struct oo_pair *pair);
void oo_core_observe_watch(struct oo_core *core, struct group *group, const struct oo_event *event);
void oo_core_observe_pause(struct oo_core *core, int64_t noted, const struct oo_event *event);
void oo_core_observe_drain(struct oo_core *core, int64_t noted, const struct oo_event *event);
void oo_core_observe_order(struct oo_core *core, struct group *group, int64_t noted,
			   const struct oo_event *event, const struct oo_order *order);
bool oo_core_is_ours(const struct oo_core *core, const struct group *group,
		     const struct oo_claim *claim);
bool oo_core_is_offered(const struct oo_core *core, const struct group *group);
int64_t oo_core_ttl(const struct oo_core *core, const struct group *group);
int64_t oo_core_take_at(const struct oo_core *core, const struct group *group,
			enum oo_cause *ret_cause);

/* health.c: counting, eligibility, ranking. */
void oo_core_count(struct check *check, enum oo_health result, int64_t now);
enum oo_health oo_core_eligible(const struct oo_core *core, const struct group *group,
				int *ret_check);
unsigned oo_core_ailing(const struct oo_core *core, const struct group *group);
bool oo_core_is_stranded(const struct oo_core *core, const struct group *group);
int oo_core_shared_check(const struct oo_core *core, const struct group *group);
bool oo_core_may_serve(const struct oo_core *core, const struct group *group);
int64_t oo_core_leave_at(const struct oo_core *core, const struct group *group);
unsigned oo_core_rank(const struct oo_core *core, const struct group *group);
const struct oo_core_member *oo_core_best_other(const struct oo_core *core,
						const struct group *group);
bool oo_core_order_stands(const struct oo_core *core, const struct group *group);
const struct oo_core_member *oo_core_ordered(const struct oo_core *core, const struct group *group);
/* Whether member may be chosen for group. */
typedef bool oo_core_fits_fn(const struct oo_core *core, const struct group *group,
			     const struct oo_core_member *member);
/* zone: of the holder that is left; empty: nobody's. */
const struct oo_core_member *oo_core_best(const struct oo_core *core, const struct group *group,
					  oo_core_fits_fn *fits, const char *zone);
bool oo_core_is_candidate(const struct oo_core *core, const struct group *group,
			  const struct oo_core_member *member);
bool oo_core_outranks(const struct oo_core_member *one, const struct oo_core_member *other,
		      unsigned g);
struct oo_core_member oo_core_self(const struct oo_core *core, const struct group *group);
void oo_core_forget_member(struct oo_core *core, const struct group *group, const char *node);

/* moving.c: for how long others have been fit, and whether a holder may move to one of them. */
void oo_core_take_members(struct oo_core *core, const struct oo_event *event);
void oo_core_note_standings(struct oo_core *core, struct group *group);
void oo_core_note_holder(struct oo_core *core, struct group *group);
unsigned oo_core_moves(const struct oo_core *core, const struct group *group);
const struct oo_core_member *oo_core_best_ready(const struct oo_core *core,
						const struct group *group);
const struct oo_core_member *oo_core_best_gain(const struct oo_core *core,
					       const struct group *group);
int64_t oo_core_failback_at(const struct oo_core *core, const struct group *group);

/* roles.c: the one door between roles, and what goes with it. */
void oo_core_enter(struct oo_core *core, struct group *group, enum oo_role role,
		   enum oo_cause cause);
void oo_core_own(struct group *group, const struct oo_pair *pair);
void oo_core_activate(struct oo_core *core, struct group *group, const struct oo_pair *pair,
		      enum oo_cause cause);
void oo_core_choose_target(struct oo_core *core, struct group *group);
void oo_core_leave(struct oo_core *core, struct group *group, enum oo_cause why);

/* request.c: what is asked of etcd. */
void oo_core_send_claim(struct oo_core *core, struct group *group, enum oo_cause cause);
void oo_core_send_mark(struct oo_core *core, struct group *group);
void oo_core_send_renewal(struct oo_core *core, struct group *group);
void oo_core_send_yield(struct oo_core *core, struct group *group);
void oo_core_send_reclaim(struct oo_core *core, struct group *group);
void oo_core_send_refresh(struct oo_core *core, struct group *group);

/* answer.c: what etcd answered. */
void oo_core_take_answer(struct oo_core *core, const struct oo_event *event);

/* The agent ends, or has no more to do with group: it is given up, whoever gets it. */
static inline bool oo_core_is_ending(const struct oo_core *core, const struct group *group)
{
	return core->stopping || group->retired;
}

/* A ttl that came with the claim gets renew and margin in proportion. */
static inline int64_t oo_core_in_proportion(const struct oo_core *core, const struct group *group,
					    int64_t ms)
{
	return ms * group->mine.claim.ttl_ms / core->config.ttl_ms;
}

static inline int64_t oo_core_later(int64_t one, int64_t other)
{
	return one > other ? one : other;
}

static inline unsigned oo_core_group_index(const struct oo_core *core, const struct group *group)
{
	return (unsigned)(group - core->groups);
}

#endif
