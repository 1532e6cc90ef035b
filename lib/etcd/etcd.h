#ifndef OO_ETCD_H
#define OO_ETCD_H
/*
 * An etcd v3 client over the JSON gateway (etcd 3.4 and later), asynchronous on sd-event.
 *
 * A call names a deadline and gets exactly one answer. Within the deadline the client asks the
 * members one after the other: at once after a refusal that another member may cure, and in
 * addition to those still asked when one is slow (call.hedge). So a request may be carried out more
 * than once, and a copy may be carried out after the answer came: write requests for which that is
 * harmless. A member that refused or was overtaken is left for later calls too, and asked again
 * after a back-off. When every member has refused once the call fails; to call again is
 * the caller's choice.
 *
 * What r says of a request that failed:
 *   outcome unknown (oo_etcd_is_unknown): at least one copy may have been carried out, now or later
 *     -ETIMEDOUT     no answer by the deadline, a connection lost after sending, or an answer of
 *                    etcd's that leaves it open (request timed out, leader changed, ...)
 *     -EPROTO        not an answer of etcd's v3 gateway; err says what came and what to set
 *   certainly not carried out
 *     -ECONNREFUSED  no member could be reached (name, TCP or TLS)
 *     -EAGAIN        no leader, only a learner, too many requests: a later call may succeed
 *     -EACCES        wrong or unreadable credentials, or a permission is missing; err says which
 *     -ENOSPC        the database is full (alarm NOSPACE): compact, defragment, disarm
 *     -EIO           alarm CORRUPT
 *     -ENOENT        put with a lease that is gone
 *     -EEXIST        lease_grant: the id is taken
 *     -E2BIG         larger than etcd's request limit (1.5 MiB by default)
 *     -ERANGE        a revision that is compacted or yet to come
 *     -EINVAL        etcd found the request wrong (err)
 *     -ENOMEM
 * error.h has the table from etcd's own codes to these.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"

/* Limits, all of them on our side; etcd's own are larger or equal. */
#define OO_ETCD_ENDPOINTS_MAX 16
#define OO_ETCD_KEY_BYTES_MAX 1024
#define OO_ETCD_OPS_MAX 128                  /* of one branch of a txn, and of its compares */
#define OO_ETCD_CALL_MAX_MS (10 * 60 * 1000) /* how far off a deadline may be */
#define OO_ETCD_REQUEST_BYTES_MAX (1u << 20)
#define OO_ETCD_ANSWER_BYTES_MAX (2u << 20) /* of one answer, and of one watch message */

struct oo_etcd;         /* a client; holds one connection pool */
struct oo_etcd_request; /* a call that has no answer yet; gone once done runs */
struct oo_etcd_watch;   /* an open watch; gone once on_end runs */

struct oo_etcd_options {
	const char *const *endpoints;         /* http(s)://host[:port], port 2379 when left out */
	size_t n_endpoints;                   /* 1 to OO_ETCD_ENDPOINTS_MAX */
	const char *username, *password_file; /* both or none; the file is read at every login */
	const char *ca_file;                  /* PEM; NULL: the system's */
	/* PEM; both or none. With auth on, etcd's gateway refuses one with a CommonName. */
	const char *cert_file, *key_file;
	/*
	 * Spreads the agents over the members: members on this host first (loopback or one of its
	 * addresses), the others by a hash of this name and their URL. NULL: as listed.
	 */
	const char *name;
	/* A hedged call asks a further member after this long; 0: when its share of time is up. */
	int64_t hedge_after_ms;
};

enum oo_etcd_target {
	OO_ETCD_TARGET_VALUE,
	OO_ETCD_TARGET_VERSION, /* 0: absent */
	OO_ETCD_TARGET_CREATE,  /* create_revision; 0: absent */
	OO_ETCD_TARGET_MOD,     /* mod_revision; 0: absent */
	OO_ETCD_TARGET_LEASE,
};

enum oo_etcd_relation {
	OO_ETCD_EQUAL,
	OO_ETCD_GREATER,
	OO_ETCD_LESS,
	OO_ETCD_NOT_EQUAL,
};

/* One condition of a txn: key's target is <relation> to the value or the number. */
struct oo_etcd_compare {
	const char *key;
	enum oo_etcd_target target;
	enum oo_etcd_relation relation;
	const char *value; /* VALUE only, value_length bytes */
	size_t value_length;
	int64_t number; /* all other targets */
};

enum oo_etcd_op_type {
	OO_ETCD_OP_RANGE,
	OO_ETCD_OP_PUT,
	OO_ETCD_OP_DELETE,
};

struct oo_etcd_op {
	enum oo_etcd_op_type type;
	const char *key;
	const char *range_end; /* RANGE, DELETE: all keys in [key, range_end); NULL: key alone */
	bool prefix;       /* RANGE, DELETE: all keys that begin with key (instead of range_end) */
	bool keys_only;    /* RANGE: without the values */
	int64_t limit;     /* RANGE: most keys to bring; 0: all */
	int64_t least_mod; /* RANGE: only keys with this mod_revision or a later one; 0: all */
	const char *value; /* PUT, value_length bytes */
	size_t value_length;
	int64_t lease; /* PUT: the lease it goes with; 0: none */
};

/*
 * If all compares hold, success is carried out, else failure. A txn without any op is refused here
 * (-EINVAL): members answer it from their own, possibly stale, store.
 */
struct oo_etcd_txn {
	const struct oo_etcd_compare *compare;
	size_t n_compare;
	const struct oo_etcd_op *success;
	size_t n_success;
	const struct oo_etcd_op *failure;
	size_t n_failure;
};

/* A key as etcd has it. Keys with a NUL byte in them are none of ours: left out of answers. */
struct oo_etcd_kv {
	const char *key;
	const char *value; /* value_length bytes, a NUL behind them; never NULL */
	size_t value_length;
	int64_t create_revision, mod_revision, version;
	int64_t lease; /* 0: none */
};

/* What one op brought. */
struct oo_etcd_result {
	const struct oo_etcd_kv *kvs; /* RANGE */
	size_t n_kvs;
	int64_t count;   /* RANGE: keys in the range, also beyond the limit or before least_mod */
	int64_t deleted; /* DELETE */
};

struct oo_etcd_member {
	uint64_t id;
	const char *name; /* "" until the member has started once */
	const char *const *client_urls;
	size_t n_client_urls;
	bool is_learner;
};

struct oo_etcd_alarm {
	uint64_t member_id;
	const char *name; /* "NOSPACE", "CORRUPT" */
};

/* One member's view of itself (Maintenance.Status). */
struct oo_etcd_status {
	const char *version;
	int64_t db_size_bytes, db_size_in_use_bytes;
	uint64_t leader_id; /* 0: it knows of none */
	uint64_t raft_term;
	bool is_learner;
	const char *const *errors;
	size_t n_errors;
};

/* Everything points into the answer itself, which is valid during the callback only. */
struct oo_etcd_answer {
	uint64_t cluster_id, member_id;
	int64_t revision; /* of the store; 0 in answers that carry none (members, status of 3.4) */
	bool succeeded;   /* txn: which branch was taken */
	const struct oo_etcd_result
		*results; /* txn: of the branch taken, in its order; single op: one */
	size_t n_results;
	int64_t lease_id;
	/*
	 * grant, renew: may be more than asked for; 0 from lease_renew: the lease is gone.
	 * lease_look: seconds left, negative: gone.
	 */
	int64_t lease_ttl_s;
	const struct oo_etcd_member *members;
	size_t n_members;
	const struct oo_etcd_alarm *alarms;
	size_t n_alarms;
	const struct oo_etcd_status *status; /* of oo_etcd_status_get only, else NULL */
};

/*
 * The one answer of a call; runs from the loop, never inside the call. It may start and cancel
 * other calls and watches, but not free the client.
 * r       0: the cluster answered (txn: see succeeded); else as listed above.
 * answer  NULL unless r is 0.
 * err     NULL if r is 0; names each member asked and what it said.
 */
typedef void oo_etcd_fn(void *user, int r, const struct oo_etcd_answer *answer,
			const struct oo_err *err);

struct oo_etcd_call {
	int64_t deadline; /* CLOCK_BOOTTIME ms; past it the answer is -ETIMEDOUT */
	bool hedge;       /* ask a further member after hedge_after_ms */
	oo_etcd_fn *done; /* may be NULL: nobody wants to know */
	void *user;
};

/*
 * Makes a client; nothing is sent yet. All of options is copied.
 * Returns 0, or with err saying which option is wrong and what would be right: -EINVAL, -ENOENT or
 * -EACCES (a file cannot be read), -ENOMEM.
 */
int oo_etcd_new(sd_event *event, const struct oo_etcd_options *options, struct oo_etcd **ret_etcd,
		struct oo_err *err);
/* Cancels every call and watch; no callback runs. Not from inside a callback. NULL is accepted. */
void oo_etcd_free(struct oo_etcd *etcd);

/* password_file may hold another password: one that was refused is not waited out, but tried anew. */
void oo_etcd_reload(struct oo_etcd *etcd);
/* As the option of that name, for calls from now on. */
void oo_etcd_set_hedge_after(struct oo_etcd *etcd, int64_t hedge_after_ms);

/*
 * The calls. Everything given is copied. ret_request may be NULL; it is set only on success.
 * Return 0, -EINVAL (cannot be asked: no key, too many ops, a deadline too far off), -E2BIG (beyond
 * OO_ETCD_REQUEST_BYTES_MAX) or -ENOMEM; done runs only after 0.
 */
int oo_etcd_txn(struct oo_etcd *etcd, const struct oo_etcd_txn *txn,
		const struct oo_etcd_call *call, struct oo_etcd_request **ret_request);
/* One op by itself, linearizable; answer->results[0]. */
int oo_etcd_run(struct oo_etcd *etcd, const struct oo_etcd_op *op, const struct oo_etcd_call *call,
		struct oo_etcd_request **ret_request);
/* A write that changes nothing, to see what one takes: a majority and the right to write that key. */
int oo_etcd_try(struct oo_etcd *etcd, const char *key, const struct oo_etcd_call *call,
		struct oo_etcd_request **ret_request);
/*
 * id  the caller's own, random, positive: a grant that is sent twice then makes one lease. When a
 *     copy came first the answer's TTL is the one asked for (etcd may have granted more).
 */
int oo_etcd_lease_grant(struct oo_etcd *etcd, int64_t id, int64_t ttl_s,
			const struct oo_etcd_call *call, struct oo_etcd_request **ret_request);
/*
 * Keeps a lease alive. r is 0 and lease_ttl_s 0 when it is gone. Not confirmed by a quorum: a
 * success is no proof that the lease's keys are still there.
 */
int oo_etcd_lease_renew(struct oo_etcd *etcd, int64_t id, const struct oo_etcd_call *call,
			struct oo_etcd_request **ret_request);
/* A lease that is gone already counts as revoked. */
int oo_etcd_lease_revoke(struct oo_etcd *etcd, int64_t id, const struct oo_etcd_call *call,
			 struct oo_etcd_request **ret_request);
int oo_etcd_lease_look(struct oo_etcd *etcd, int64_t id, const struct oo_etcd_call *call,
		       struct oo_etcd_request **ret_request);
/* These three are answered by a member from what it knows itself, also without a leader. */
int oo_etcd_member_list(struct oo_etcd *etcd, const struct oo_etcd_call *call,
			struct oo_etcd_request **ret_request);
int oo_etcd_status_get(struct oo_etcd *etcd, const struct oo_etcd_call *call,
		       struct oo_etcd_request **ret_request);
int oo_etcd_alarm_list(struct oo_etcd *etcd, const struct oo_etcd_call *call,
		       struct oo_etcd_request **ret_request);

/* Ends a call: done will not run. What was sent may still be carried out. */
void oo_etcd_cancel(struct oo_etcd_request *request);

/* Whether a request that failed with r may have been carried out. */
bool oo_etcd_is_unknown(int r);

struct oo_etcd_event {
	bool deleted; /* kv has the key and mod_revision only */
	struct oo_etcd_kv kv;
};

/*
 * One message of a watch, in order of revision, nothing twice.
 * revision  everything up to it has been told: a watch reopened from revision + 1 misses nothing.
 * n         0: the watch stands (told once, first), or a sign of life.
 */
typedef void oo_etcd_events_fn(void *user, int64_t revision, const struct oo_etcd_event *events,
			       size_t n);
/*
 * The watch is over; told once, and the handle is gone then. Open another from the last
 * revision + 1 (when this one never stood: after a pause); after -ERANGE read everything first.
 * r  -ERANGE: start_revision (or what followed) is compacted, compact_revision says up to where;
 *    -EACCES: refused for good; anything else: the member or the connection went, err says why.
 *    Never 0.
 */
typedef void oo_etcd_end_fn(void *user, int r, int64_t compact_revision, const struct oo_err *err);

struct oo_etcd_watch_options {
	const char *key;
	const char *range_end; /* as in struct oo_etcd_op */
	bool prefix;
	int64_t start_revision; /* 0: from now on */
	oo_etcd_events_fn *on_events;
	oo_etcd_end_fn *on_end;
	void *user;
};

/*
 * Opens a watch at the member in use; it ends when the client leaves that member. Silence is no
 * proof of life: the caller's own periodic reads find a frozen member and thereby end the watch.
 * Returns 0, -EINVAL or -ENOMEM; callbacks run from the loop, as with calls.
 */
int oo_etcd_watch_open(struct oo_etcd *etcd, const struct oo_etcd_watch_options *options,
		       struct oo_etcd_watch **ret_watch);
/* Closes it; no callback runs. NULL is accepted. May be called in the watch's own on_events. */
void oo_etcd_watch_close(struct oo_etcd_watch *watch);

/* For status. The endpoint in use, never with credentials. Valid as long as the client. */
const char *oo_etcd_endpoint(const struct oo_etcd *etcd);
/*
 * Endpoint i, never with credentials; NULL: there are no more.
 * ret_failing  it failed when it was asked last, not long ago: one that is preferred is asked again and
 *              again, one that was only a stopgap may never be.
 */
const char *oo_etcd_endpoint_state(const struct oo_etcd *etcd, size_t i, bool *ret_failing);
/* Why another endpoint is in use than before, in one line; "" if it never changed. */
const char *oo_etcd_moved(const struct oo_etcd *etcd);
/* What the last call that was answered failed with, in one line; "" if it succeeded. */
const char *oo_etcd_trouble(const struct oo_etcd *etcd);
/* When the cluster last answered, CLOCK_BOOTTIME ms; 0: never. */
int64_t oo_etcd_answered_at(const struct oo_etcd *etcd);

#endif
