#ifndef OO_AGENT_STORE_H
#define OO_AGENT_STORE_H
/*
 * etcd, as the core wants it: its requests become txns, its reads one linearizable txn over all our
 * keys, and the watch becomes news. Also knows the members and what operators have written, for people.
 */
#include "agent.h"
#include "etcd/etcd.h"
#include "records.h"
#include "trouble.h"

#define AGENT_KEY_LENGTH 256

struct agent_known_member {
	struct oo_member member;
	int64_t seen_at; /* when a read or an event last showed its key */
};

struct agent_store;

int agent_store_new(struct agent *agent, struct agent_store **ret_store, struct oo_err *err);
void agent_store_free(struct agent_store *store);

/* The client that config asks for; nothing is sent yet. Returns what oo_etcd_new does. */
int agent_store_new_client(struct agent *agent, const struct oo_config *config,
			   struct oo_etcd **ret_etcd, struct oo_err *err);
/* Of the etcd that answers; 0: none has yet. */
uint64_t agent_store_cluster_id(const struct agent_store *store);
/* Whether another client may be put in: those of before are kept until all is answered. */
bool agent_store_has_room(const struct agent_store *store);
/*
 * After a reload: takes etcd, if not NULL, over for all that is asked from now on, and what else has
 * changed since before.
 */
void agent_store_reload(struct agent_store *store, struct oo_etcd *etcd,
			const struct oo_config *before);

/* Sends what the core asks for and has not been sent yet. */
void agent_store_apply(struct agent_store *store);
/* A request that could not even be sent still gets its answer: true with news in ret_event. */
bool agent_store_take_unsent(struct agent_store *store, struct oo_event *ret_event);

/* How a request of affair ended; trouble is said when it begins and when it is over. */
void agent_store_note(struct agent_store *store, enum agent_affair affair, int r,
		      const struct oo_err *err);
/* What is wrong with etcd, "" if nothing. */
const char *agent_store_trouble(const struct agent_store *store);

struct oo_etcd *agent_store_etcd(struct agent_store *store);
/* "/ooha/<cluster>/" and what format says. */
void agent_store_key(const struct agent_store *store, char key[static AGENT_KEY_LENGTH],
		     const char *format, ...) __attribute__((format(printf, 3, 4)));
const struct agent_known_member *agent_store_members(const struct agent_store *store,
						     size_t *ret_n);
/* Tells the core of the members, anew after a reload: its checks have other numbers now. */
void agent_store_members_tell(struct agent_store *store);
/* What operators have written. NULL: node is not drained, group has no order. */
const struct oo_decree *agent_store_drain(const struct agent_store *store, const char *node);
const struct oo_order_text *agent_store_order(const struct agent_store *store, unsigned group,
					      struct oo_order *ret_order);
/* In words, for a log and a claim: why this node takes nothing; why group goes to node peer. */
void agent_store_explain_drain(const struct agent_store *store, char text[static OO_REASON_LENGTH]);
void agent_store_explain_order(const struct agent_store *store, unsigned group, const char *peer,
			       char text[static OO_REASON_LENGTH]);
/* NULL when nobody has paused. */
const struct oo_decree *agent_store_pause(const struct agent_store *store);
#endif
