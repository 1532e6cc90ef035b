#ifndef OO_AGENT_STORE_INTERNAL_H
#define OO_AGENT_STORE_INTERNAL_H
/* Shared by store.c (reads, watch), request.c (txns), members.c and wishes.c only. */
#include "pace.h"
#include "store.h"

/* Answers that may be outstanding at once: an old request's may still come while a new one is out. */
#define CALLS_MAX (OO_CORE_GROUPS_MAX * 4)

#define RETIRED_MAX 8

struct call {
	struct agent_store *store;
	bool busy;
	unsigned group;
	uint64_t seq, nonce, order;
	enum oo_request_op op;
	int64_t sent_us; /* CLOCK_BOOTTIME */
};

/* A key of a group. */
enum agent_group_key {
	AGENT_KEY_LEADER,
	AGENT_KEY_BEAT,
	AGENT_KEY_ORDER,
};

struct agent_drain {
	char node[OO_CORE_NAME_LENGTH];
	struct oo_decree decree;
};

/* What operators have written in etcd, as last seen. */
struct agent_wishes {
	bool paused;
	struct oo_decree pause;
	struct agent_drain drains[OO_CORE_MEMBERS_MAX]; /* by name, as etcd lists them */
	size_t n_drains;
	struct oo_order orders[OO_CORE_GROUPS_MAX];
	struct oo_order_text order_texts[OO_CORE_GROUPS_MAX];
};

struct agent_store {
	struct agent *agent;
	struct oo_etcd *etcd;
	struct {
		struct oo_etcd *etcd; /* owned; NULL: none */
		int64_t until;        /* all that it was asked has been answered then */
	} retired[RETIRED_MAX];       /* of before reloads */
	struct oo_timer retired_timer;
	struct oo_etcd_watch *watch;
	bool watch_stands;
	int64_t watch_revision; /* all up to it has been told */
	int64_t read_noted;     /* watch_revision when the read at hand was sent */
	uint64_t cluster_id;
	char root[AGENT_KEY_LENGTH]; /* "/ooha/<cluster>/" */
	struct call calls[CALLS_MAX];
	uint64_t sent[OO_CORE_GROUPS_MAX]; /* the core's request that was sent last */
	bool unsent[OO_CORE_GROUPS_MAX];
	uint64_t read_sent;
	int64_t read_sent_us; /* CLOCK_BOOTTIME */
	bool read_unsent;
	struct agent_pace pace;
	struct agent_known_member members[OO_CORE_MEMBERS_MAX];
	size_t n_members;
	int64_t members_revision; /* all up to it has been looked at */
	int64_t members_whole; /* members are just what etcd has at that one; 0: to be read whole */
	int64_t members_since; /* the read at hand brings those that changed after; 0: all */
	int64_t our_revision, our_lease; /* of the key of our name as last seen; 0: there is none */
	bool shows_us;
	bool is_us;        /* the key of our name was last seen attached to our lease */
	unsigned n_others; /* reads in a row that have shown it attached to another */
	struct agent_trouble trouble;
	int64_t beat_seen; /* the highest revision of one */
	const char *asked; /* the endpoint that was told last; the client's */
	struct agent_wishes wishes;
	struct oo_pair pairs[OO_CORE_GROUPS_MAX]; /* of the read or watch message at hand */
};

/* request.c */
int agent_store_send(struct agent_store *store, unsigned group, const struct oo_request *request);
/* Fills ret_pair from the two keys' ranges; an absent key is all zero. */
void agent_store_pair(const struct agent_store *store, const struct oo_etcd_result *leader,
		      const struct oo_etcd_result *beat, struct oo_pair *ret_pair);

/*
 * members.c. An offer names a node, and is for whoever is present by that name: of two agents that were
 * given the same one, one only. An offer that is not for us becomes nobody's.
 */
void agent_store_doubt(const struct agent_store *store, struct oo_claim *claim);
/*
 * A read brings all members, or those that changed since members_since and how many there are in all;
 * what does not add up has the next read bring all. answer: that read's.
 * The next two return whether the core has to be told.
 */
bool agent_store_members_read(struct agent_store *store, const struct oo_etcd_answer *answer,
			      const struct oo_etcd_result *result);
bool agent_store_members_change(struct agent_store *store, const struct oo_etcd_event *event);

/*
 * wishes.c. The watch changes one key: false if it is none of an operator's; else the core is told. A read
 * shows all of them, by what it brought of each prefix; ret_event is told by the caller.
 * stale  older than what the watch has told: for the core to decide, and nothing to show to people.
 */
struct agent_wishes_read {
	const struct oo_etcd_result *groups, *pause, *drains;
	bool stale;
};
bool agent_store_wishes_change(struct agent_store *store, const struct oo_etcd_event *event);
void agent_store_wishes_read(struct agent_store *store, const struct agent_wishes_read *read,
			     struct oo_order ret_orders[static OO_CORE_GROUPS_MAX],
			     struct oo_event *ret_event);

/* The group that key is of, and which it is; -1: none, or one that we do not know. */
int agent_store_group_of(const struct agent_store *store, const char *key,
			 enum agent_group_key *ret_key);
/* What follows "<root><rest>" in key; NULL: another key. */
const char *agent_store_after(const struct agent_store *store, const char *key, const char *rest);

#endif
