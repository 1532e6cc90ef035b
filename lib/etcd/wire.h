#ifndef OO_ETCD_WIRE_H
#define OO_ETCD_WIRE_H
/*
 * One HTTP exchange with one member, on libcurl. Easy handles are kept and used again, so that
 * connections stay open and memory stays low.
 */
#include <curl/curl.h>

#include "base/text.h"
#include "etcd/etcd.h"
#include "etcd/failure.h"
#include "event/transfer.h"

#define OO_ETCD_WIRES_KEPT 4

struct oo_etcd_wire;

/* The exchange is over, from the loop. wire stays the user's until given back. */
typedef void oo_etcd_wire_fn(struct oo_etcd_wire *wire, CURLcode code, void *user);
/* Bytes were added to wire->answer. Runs inside of curl: only take note of it. */
typedef void oo_etcd_arrived_fn(void *user);

/* Open while an exchange is under way and until it is given back. */
struct oo_etcd_wire {
	struct oo_etcd_wires *wires;
	CURL *easy;
	struct curl_slist *headers;
	struct oo_buffer answer;
	bool running;
	char error[CURL_ERROR_SIZE];
	oo_etcd_wire_fn *done;
	oo_etcd_arrived_fn *arrived;
	void *user;
	struct oo_etcd_wire *next; /* of those kept */
};

struct oo_etcd_wires {
	struct oo_transfers *transfers;
	char *ca_file, *cert_file, *key_file; /* owned; or NULL */
	struct oo_etcd_wire *kept;
	size_t n_kept;
};

/* What to send. Copied, but for body, which must stay until the wire is given back. */
struct oo_etcd_send {
	const char *url;  /* of the endpoint */
	const char *path; /* "/v3/kv/txn" */
	const char *body;
	size_t body_length;
	const char *token;  /* NULL: none */
	bool needs_leader;  /* refused at once by a member that knows of no leader */
	int64_t timeout_ms; /* 0: a stream, without end */
	int64_t connect_timeout_ms;
	oo_etcd_wire_fn *done;
	oo_etcd_arrived_fn *arrived; /* or NULL */
	void *user;
};

int oo_etcd_wires_init(struct oo_etcd_wires *wires, sd_event *event,
		       const struct oo_etcd_options *options, struct oo_err *err);
/* Every wire must have been given back. */
void oo_etcd_wires_done(struct oo_etcd_wires *wires);

/* Returns 0 or -ENOMEM; done runs only after 0, and never inside. */
int oo_etcd_wires_send(struct oo_etcd_wires *wires, const struct oo_etcd_send *send,
		       struct oo_etcd_wire **ret_wire);
/* Ends the exchange if it runs (done will not) and takes the wire back. NULL is accepted. */
void oo_etcd_wire_give(struct oo_etcd_wire *wire);

long oo_etcd_wire_status(const struct oo_etcd_wire *wire);
/* Whether any of the request may have reached the member. */
bool oo_etcd_wire_was_sent(const struct oo_etcd_wire *wire);
/* What it means that the exchange ended with code (not CURLE_OK): see oo_etcd_failure_from_broken. */
void oo_etcd_wire_failure(const struct oo_etcd_wire *wire, CURLcode code,
			  struct oo_etcd_failure *ret_failure);

#endif
