#ifndef OO_SIM_H
#define OO_SIM_H
/*
 * A whole cluster in one process: the real core, several of it, against a simulated etcd, network,
 * kernel and clocks. Everything that happens follows from the seed.
 *
 *   main.c    options; runs seeds, and tells the story of one that failed
 *   run.c     one seed's life: storms and calms, and what every event does
 *   chaos.c   what goes wrong in a storm, and how it heals
 *   operator.c  switchovers, withdrawn ones too, pauses and drains
 *   agent.c   what an agent does around its core: wants into requests and addresses
 *   life.c    how an agent begins and ends, and what it leaves for the next one
 *   address.c what an agent does to addresses, in its own time
 *   wire.c    requests, answers and watch events on their way: late, lost, doubled, out of order
 *   etcd.c    the store: linearizable, sometimes down, wiped or restored
 *   kernel.c  addresses with a deadline of their own
 *   judge.c   what must hold, whatever happens
 *   gain.c    likewise, of moves to a better node, and of too many moves
 *   rank.c    likewise, of who comes first where somebody follows a holder
 *   queue.c, dice.c, story.c
 *
 * Times are true time in us, but for what carries _ms: an agent's own clock, which drifts.
 */
#include "core/core.h"

#define SIM_AGENTS_MAX 5
#define SIM_GROUPS_MAX 2
#define SIM_CHECKS 3
#define SIM_CHECK_SHARED 1   /* in every second seed */
#define SIM_CHECK_OPTIONAL 2 /* the last of them */
#define SIM_NOTICE_MS 1000   /* results of a flipped check come within 900 ms */
#define SIM_MOVES 8
#define SIM_ZONES 3 /* each with a member of etcd */
#define SIM_FLAP_WINDOW_MS 60000
#define SIM_START_TTLS 2 /* one that has ended is back after so many ttls at most */
#define SIM_HOOKS_TTLS 2 /* what blocking hooks take at most, whatever is left of the hold */
#define SIM_NEVER INT64_MAX
#define SIM_SECOND INT64_C(1000000)
#define SIM_MS INT64_C(1000)

/* The longest that anything stays on its way; a calm waits for it. */
#define SIM_DELAY_MAX (6 * SIM_SECOND)
/* Two clocks differ by less than the protocol's drift allowance of 1 %. */
#define SIM_DRIFT_PPM_MAX 4500

enum sim_event_type {
	SIM_WAKE,     /* of an agent's core */
	SIM_ARRIVE,   /* a copy of request id reaches etcd */
	SIM_ANSWER,   /* parcel id reaches its agent */
	SIM_DEADLINE, /* request id is given up */
	SIM_WATCH,    /* parcel id reaches agent */
	SIM_EXPIRE,   /* the kernel's deadline of an address */
	SIM_REPORT,   /* the agent sees the state of an address */
	SIM_OPERATE,  /* the agent's add (id odd) or removal of an address reaches the kernel */
	SIM_CHECK,    /* a check result of the agent */
	SIM_LINK,     /* the agent sees the state of a link */
	SIM_RIVAL,    /* the agent sees another host answer for a VIP */
	SIM_RELOAD,   /* the agent reads its configuration anew */
	SIM_RETIRE,   /* a group is to leave the agent's configuration */
	SIM_STOP,     /* the agent is told to stop */
	SIM_PUBLISH,  /* the agent tries again to write its member key */
	SIM_PRESENCE, /* etcd looks whether the agent's presence has run out */
	SIM_START,    /* a dead agent starts */
	SIM_CHAOS,    /* something goes wrong */
	SIM_OPERATOR, /* a person does something */
	SIM_WITHDRAW, /* the time of order id is over */
	SIM_STRIKE,   /* likewise, with this agent */
	SIM_CALM,     /* everything heals */
	SIM_SETTLED,  /* by now all must be well */
	SIM_STORM,    /* the calm ends */
	SIM_DAWN,     /* the zone that was cut off in a calm has been replaced by now */
};

struct sim_event {
	int64_t at;
	uint64_t order; /* of two at the same time the older comes first */
	uint8_t type, agent, group;
	uint32_t id;
};

struct sim_queue {
	struct sim_event *heap; /* owned */
	size_t n, capacity;
	uint64_t order;
};

/* value stands for the bytes: unique to who wrote what. */
struct sim_claim {
	int64_t revision, ttl_ms;
	uint64_t nonce, ends, epoch, value;
	bool chosen;
	uint8_t kind;
	int8_t node;      /* -1: nobody */
	const char *zone; /* of node */
};

struct sim_beat {
	int64_t revision;
	uint64_t value;
};

struct sim_pair {
	struct sim_claim claim;
	struct sim_beat beat;
};

struct sim_member {
	bool present;
	uint32_t eligible;
	uint16_t ailing[SIM_GROUPS_MAX], priority[SIM_GROUPS_MAX];
	uint32_t preferred, stranded;
	bool fails; /* the shared check */
};

/* A switchover that a person wants; target -1: to the best. */
struct sim_order {
	uint64_t id; /* 0: none */
	int8_t from, target;
	int64_t valid_ms;
};

/* What etcd has. */
struct sim_store {
	int64_t revision;
	struct sim_pair pairs[SIM_GROUPS_MAX];
	struct sim_member members[SIM_AGENTS_MAX];
	struct sim_order orders[SIM_GROUPS_MAX];
	bool paused;
	bool drained[SIM_AGENTS_MAX];
};

enum sim_request_kind {
	SIM_TXN,    /* what the core asked for */
	SIM_READ,   /* likewise */
	SIM_MEMBER, /* the agent's own member key */
};

struct sim_request {
	enum sim_request_kind kind;
	enum oo_request_op op;
	uint8_t agent, group;
	int8_t node; /* of the claim to put */
	uint8_t claim_kind;
	bool answered, has_deadline;
	uint16_t references; /* events that speak of it */
	uint32_t incarnation;
	struct sim_member member; /* to put */
	uint64_t seq, nonce, ends, epoch, beat, order;
	bool by_order, chosen;
	int64_t ttl_ms, sent_at, sent_at_ms;
	struct sim_pair expect;
};

enum {
	SIM_NEWS_CLAIM = 1,
	SIM_NEWS_BEAT = 2,
	SIM_NEWS_PAUSE = 4,
	SIM_NEWS_MEMBERS = 8,
	SIM_NEWS_ORDER = 16,
	SIM_NEWS_DRAIN = 32,
};

/* What etcd sends: an answer, or a watch event. */
struct sim_parcel {
	uint16_t references;
	uint8_t group, news;
	bool done;
	uint32_t request;
	struct sim_store store; /* as it was */
};

struct sim_address {
	bool up;
	bool wanted;           /* by the agent's last want */
	bool adding, removing; /* a SIM_OPERATE of this round is queued */
	bool unhurried;        /* the removal: hooks run first */
	bool expire_queued;
	uint32_t round;
	int64_t operated_at; /* of the last that is queued: they are done in order */
	int64_t expires_at;  /* the kernel removes it, whatever becomes of the agent */
	int64_t nominal_at;  /* of a lifetime: expires_at without the kernel's delay */
	int64_t until_ms;    /* as it was armed: hold_until or guard_until */
};

/* What the tenure file says of a group. */
struct sim_tenure {
	uint64_t epoch;
	bool held;
	struct oo_claim claim;
};

struct sim_agent {
	struct oo_core *core;
	void *room;                         /* owned */
	struct oo_core_config file, config; /* as written, and as last read */
	bool alive, stopping;
	uint32_t incarnation;
	int64_t ppm, offset; /* of its clock */
	int64_t frozen_until, cut_until, deaf_until, watch_from, watch_last_at, lag;
	int64_t heard_at; /* etcd heard of it */
	int64_t wake_at;  /* of the earliest SIM_WAKE that is queued */
	uint64_t read_seq, request_seq[SIM_GROUPS_MAX];
	unsigned reads;
	struct sim_address addresses[SIM_GROUPS_MAX];
	bool link[SIM_GROUPS_MAX];
	enum oo_health health[SIM_CHECKS]; /* the truth */
	struct oo_core_member view[SIM_AGENTS_MAX];
	size_t n_view;
	int64_t failed_at_ms;                 /* the shared check turned down; 0: it is not */
	int64_t relief_at_ms[SIM_GROUPS_MAX]; /* another eligible node is seen since; 0: none */
	/* The others: eligible, and better than this one, since; 0: not so. */
	int64_t eligible_at_ms[SIM_AGENTS_MAX][SIM_GROUPS_MAX];
	int64_t better_at_ms[SIM_AGENTS_MAX][SIM_GROUPS_MAX];
	int64_t active_at_ms[SIM_GROUPS_MAX];
	enum oo_cause leaving[SIM_GROUPS_MAX];
	int64_t left_at_ms[SIM_GROUPS_MAX];
	int64_t moved_at_ms[SIM_GROUPS_MAX][SIM_MOVES]; /* away, for health or failback; a ring */
	unsigned n_moved[SIM_GROUPS_MAX];
	bool refused[SIM_GROUPS_MAX];      /* an offer, since the view was told: somebody is gone */
	int64_t retold_ms[SIM_GROUPS_MAX]; /* the view after that; who was gone is seen since */
	struct sim_tenure tenures[SIM_GROUPS_MAX];
	bool has_tenures;
	struct sim_member published;
	bool publishing;
};

/* What the judge knows for itself. */
struct sim_judge {
	int64_t until[SIM_AGENTS_MAX]
		     [SIM_GROUPS_MAX];  /* sent + ttl of the newest renewal carried out */
	uint64_t epoch[SIM_GROUPS_MAX]; /* the highest of this era */
	unsigned up[SIM_GROUPS_MAX];
	int64_t earliest;            /* of until, of all that are up */
	bool settled;                /* since then nothing may move */
	int64_t damped_at;           /* a failback of which nobody knows when it was to come */
	unsigned dark;               /* an agent of the zone that was cut off in the calm */
	bool placed[SIM_GROUPS_MAX]; /* an operator has put the tenure where it is */
};

enum sim_count {
	SIM_COUNT_FREEZES,
	SIM_COUNT_KILLS,
	SIM_COUNT_REBOOTS,
	SIM_COUNT_STOPS,
	SIM_COUNT_CUTS,
	SIM_COUNT_ZONES,
	SIM_COUNT_BLACKOUTS,
	SIM_COUNT_NIGHTS,
	SIM_COUNT_OUTAGES,
	SIM_COUNT_WIPES,
	SIM_COUNT_RESTORES,
	SIM_COUNT_DELETIONS,
	SIM_COUNT_LINKS,
	SIM_COUNT_CHECKS,
	SIM_COUNT_SHARED,
	SIM_COUNT_PAUSES,
	SIM_COUNT_WATCHES,
	SIM_COUNT_ADDRESSES,
	SIM_COUNT_RIVALS,
	SIM_COUNT_RELOADS,
	SIM_COUNT_RETIREMENTS,
	SIM_COUNT_ORDERS,
	SIM_COUNT_DRAINS,
	SIM_COUNT_TAKEOVERS, /* before: faults; from here on: what they led to */
	SIM_COUNT_HANDOVERS,
	SIM_COUNT_SWITCHOVERS,
	SIM_COUNT_WITHDRAWN,
	SIM_COUNT_FAILBACKS,
	SIM_COUNT_DAMPED,
	SIM_COUNT_STRANDED,
	SIM_COUNT_ADOPTIONS,
	SIM_COUNT_READ_BACKS,
	SIM_COUNT_FRESH_CLAIMS,
	SIM_COUNT_OTHER_TTLS,
	SIM_COUNT_LOST,
	SIM_COUNT_LAPSED,
	SIM_COUNT_EXPIRED,
	SIM_COUNT_CALMS,
	SIM_COUNTS,
};

struct sim_options {
	bool telling; /* keep the story */
	bool all;     /* print the whole of it, as it happens */
};

struct sim {
	uint64_t seed, random;
	int64_t now;
	struct sim_options options;
	struct sim_queue queue;
	/* Of this seed. */
	unsigned n_agents, n_groups;
	bool fence, fence_at_hold, renewals_read_nothing, mixed_ttl;
	bool failback;
	bool by_zones;
	enum oo_zones zones[SIM_GROUPS_MAX];
	int64_t zone_cut_until[SIM_ZONES];
	unsigned flap_moves;
	int64_t failback_delay_ms, failback_stable_ms;
	int64_t ttl_ms, timeout, hedge_after, storm_pace;
	int64_t loss_permille, late_permille, spite_permille;
	unsigned faults; /* bit: this one happens */

	struct sim_agent agents[SIM_AGENTS_MAX];
	struct sim_store store, saved;
	bool has_saved, calm;
	int64_t etcd_down_until, etcd_lost_until, etcd_restored_at;
	uint64_t values, orders;
	struct sim_judge judge;
	struct sim_request *requests; /* owned, both; with lists of the free ones */
	struct sim_parcel *parcels;
	uint32_t *free_requests, *free_parcels;
	size_t n_free_requests, n_free_parcels;
	struct oo_pair scratch[SIM_GROUPS_MAX];

	uint64_t counts[SIM_COUNTS];
	uint64_t events;
	int64_t slowest_calm; /* the longest that all took to be well */
	int64_t well_at, calm_at, looked_at;
	bool failed;
	char failure[256];
};

/* queue.c */
void sim_queue_init(struct sim_queue *queue);
void sim_queue_done(struct sim_queue *queue);
void sim_queue_clear(struct sim_queue *queue);
void sim_push(struct sim *sim, int64_t at, struct sim_event event);
bool sim_pop(struct sim *sim, struct sim_event *ret_event);

/* dice.c */
uint64_t sim_random(struct sim *sim);
int64_t sim_between(struct sim *sim, int64_t least, int64_t most);
bool sim_chance(struct sim *sim, int64_t permille);
/* How long something is on its way. */
int64_t sim_delay(struct sim *sim);
/* The same for what matters most: often past the deadline of the request. */
int64_t sim_spite(struct sim *sim);
/* A moment just before, at or just after a deadline of somebody, at most most from now. */
int64_t sim_edge(struct sim *sim, int64_t most);

/* story.c: TELL costs nothing unless the story is kept. */
#define TELL(sim, ...)                                                                             \
	do {                                                                                       \
		if ((sim)->options.telling) {                                                      \
			sim_tell(sim, __VA_ARGS__);                                                \
		}                                                                                  \
	} while (0)
void sim_tell(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_story_clear(void);
void sim_story_print(void);
const char *sim_node(int node); /* "node-a"; "nobody" for -1 */

/* etcd.c */
bool sim_etcd_is_down(const struct sim *sim);
bool sim_etcd_carry_out(struct sim *sim, const struct sim_request *request);
void sim_etcd_put_pause(struct sim *sim, bool paused);
void sim_etcd_put_order(struct sim *sim, unsigned group, const struct sim_order *order);
void sim_etcd_put_drain(struct sim *sim, unsigned agent, bool drained);
void sim_etcd_delete_by_hand(struct sim *sim, unsigned group, bool claim, bool beat);
void sim_etcd_write_nonsense(struct sim *sim, unsigned group);
void sim_etcd_drop_member(struct sim *sim, unsigned agent);
void sim_etcd_lose_data(struct sim *sim, bool wipe);
void sim_fill_claim(struct oo_claim *claim, const struct sim_claim *from);
void sim_fill_pair(struct oo_pair *pair, const struct sim_pair *from);
struct oo_order sim_order(const struct sim_order *from);

/* wire.c */
void sim_wire_init(struct sim *sim);
void sim_wire_send(struct sim *sim, const struct sim_request *request);
void sim_wire_arrive(struct sim *sim, uint32_t id);
struct sim_parcel *sim_wire_parcel(struct sim *sim, uint32_t id);
void sim_wire_release_parcel(struct sim *sim, uint32_t id);
void sim_wire_release_request(struct sim *sim, uint32_t id);
void sim_wire_announce(struct sim *sim, unsigned group, unsigned news);

/* kernel.c */
int64_t sim_local_ms(const struct sim *sim, const struct sim_agent *agent);
/* The first moment at which the agent's clock shows ms. */
int64_t sim_true_time(const struct sim_agent *agent, int64_t ms);
void sim_kernel_arm(struct sim *sim, unsigned agent, unsigned group);
void sim_kernel_remove(struct sim *sim, unsigned agent, unsigned group);
void sim_kernel_expire(struct sim *sim, unsigned agent, unsigned group);

/* agent.c */
void sim_agent_tell(struct sim *sim, unsigned index, const struct oo_event *event);
void sim_agent_event(struct sim *sim, const struct sim_event *event);
void sim_agent_report(struct sim *sim, unsigned index, unsigned group);
void sim_agent_plan_checks(struct sim *sim, unsigned index, unsigned check);

/* address.c */
void sim_address_apply(struct sim *sim, unsigned index, unsigned group);
void sim_address_operate(struct sim *sim, const struct sim_event *event);

/* run.c: renew and the rest go with it, as the configuration's defaults. */
void sim_set_ttl(struct oo_core_config *config, int64_t ttl_ms);

/* life.c: an agent that ended is started again by itself, soon. */
void sim_life_start(struct sim *sim, unsigned index);
void sim_life_end(struct sim *sim, unsigned index);
/* After an end: takes the addresses, and the file with the tenures, along. */
void sim_life_reboot(struct sim *sim, unsigned index);
void sim_life_note(struct sim *sim, unsigned index);

/* chaos.c */
void sim_chaos(struct sim *sim);
/* Maybe something goes wrong with agent in a moment, now that it is in the middle of something. */
void sim_tempt(struct sim *sim, unsigned agent, int64_t permille);
void sim_strike(struct sim *sim, unsigned agent);
void sim_heal(struct sim *sim);
/* The zone of agent loses all others: each of its agents, and its member of etcd. */
void sim_cut_zone(struct sim *sim, unsigned agent, int64_t until);
bool sim_is_same_zone(const struct sim *sim, unsigned one, unsigned other);

/* operator.c */
void sim_operator(struct sim *sim);
void sim_operator_pause_or_resume(struct sim *sim);
/* If it still stands. */
void sim_operator_withdraw(struct sim *sim, unsigned group, uint64_t id);
void sim_operator_go_home(struct sim *sim);

/* judge.c */
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_judge_era(struct sim *sim, unsigned group);
void sim_judge_claim(struct sim *sim, const struct sim_request *request);
void sim_judge_renewal(struct sim *sim, const struct sim_request *request);
void sim_judge_fresh_claim(struct sim *sim, const struct sim_request *request);
/* Before etcd carries it out. */
void sim_judge_yield(struct sim *sim, const struct sim_request *request);
void sim_judge_address(struct sim *sim, unsigned agent, unsigned group);
void sim_judge_time(struct sim *sim);
void sim_judge_transition(struct sim *sim, unsigned agent, const struct oo_transition *transition);
void sim_judge_offer(struct sim *sim, unsigned agent, unsigned group, int node);
bool sim_judge_is_well(const struct sim *sim);
/* All must be well this long after the last fault has healed. */
int64_t sim_judge_bound(const struct sim *sim);

/* gain.c */
void sim_gain_note(struct sim *sim, unsigned agent);
void sim_gain_claim(struct sim *sim, const struct sim_request *request);
void sim_gain_transition(struct sim *sim, unsigned agent, const struct oo_transition *transition);
void sim_gain_offer(struct sim *sim, unsigned agent, unsigned group, int node);
/* Whether each group is on the best node, where nothing keeps it from going there. */
bool sim_gain_is_best(const struct sim *sim);

/* rank.c */
void sim_rank_take(struct sim *sim, unsigned agent, const struct oo_transition *transition);
void sim_rank_offer(struct sim *sim, unsigned agent, unsigned group, int node);

/* run.c */
void sim_init(struct sim *sim);
void sim_done(struct sim *sim);
/* Lives one seed for as long; sim->failed says how it ended. Counts are added up over seeds. */
void sim_run(struct sim *sim, uint64_t seed, int64_t duration);

#endif
