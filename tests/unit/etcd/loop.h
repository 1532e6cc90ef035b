#ifndef OO_TEST_ETCD_LOOP_H
#define OO_TEST_ETCD_LOOP_H
/* Running the loop until something is so, and boxes that keep what callbacks told. */
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "etcd/etcd.h"

/* One loop for the whole test program. */
sd_event *loop_get(void);
void loop_free(void);

/* Runs the loop until *condition, at most timeout_ms. Returns *condition. */
bool loop_until(const bool *condition, int64_t timeout_ms);
/* Until *counter is at least least. */
bool loop_until_count(const unsigned *counter, unsigned least, int64_t timeout_ms);
/* Runs the loop for whatever is due now, without waiting. */
void loop_turn(void);

/* The answer of one call. */
struct box {
	bool done;
	unsigned calls; /* of the callback: must be 1 */
	int r;
	struct oo_err err;
	bool succeeded;
	uint64_t cluster_id;
	int64_t revision, lease_id, lease_ttl_s, count, deleted;
	size_t n_results, n_kvs, n_members;
	struct {
		char key[64], value[64];
		int64_t mod_revision;
	} kv; /* the first one */
	char version[32];
	int64_t took_ms;
	int64_t started_at;
};
oo_etcd_fn box_fill;

/* A call that ends in box, which is emptied. */
struct oo_etcd_call box_call(struct box *box, int64_t timeout_ms, bool hedge);
/* Runs the loop until box is filled; fails the test if it is not. */
void box_wait(struct box *box);

/* What a watch told. */
struct view {
	unsigned messages; /* also those without events */
	unsigned events, deletes;
	int64_t revision;
	char last_key[64], last_value[64];
	bool ended;
	unsigned ends;
	int r;
	int64_t compact_revision;
	struct oo_err err;
};
oo_etcd_events_fn view_events;
oo_etcd_end_fn view_end;

/* Opens a watch on all keys that begin with prefix, told to view, which is emptied. */
struct oo_etcd_watch *view_open(struct oo_etcd *etcd, const char *prefix, int64_t start_revision,
				struct view *view);

/* A client of endpoints (ended by NULL), in the order given. */
struct oo_etcd *client_new(const char *const *endpoints, int64_t hedge_after_ms);
/* Puts or reads one key. */
void client_put(struct oo_etcd *etcd, const char *key, const char *value, struct box *box);
/* Puts again and again, with pauses, as an owner would, until the answer is r. */
void client_put_until(struct oo_etcd *etcd, const char *key, const char *value, int r,
		      struct box *box);
void client_get(struct oo_etcd *etcd, const char *key, struct box *box);

#endif
