#ifndef OO_ETCD_CLIENT_H
#define OO_ETCD_CLIENT_H
/* What the client's files share: client.c, calls.c, request.c, login.c, watch.c. */
#include "base/text.h"
#include "etcd/decode.h"
#include "etcd/endpoint.h"
#include "etcd/etcd.h"
#include "etcd/wire.h"
#include "event/timer.h"

#define OO_ETCD_CONNECT_MS 500    /* under 1 s: one SYN, then another member */
#define OO_ETCD_BLAME_AFTER_MS 50 /* a member silent for less is not called sick */

/* The token, and how to get it. In place in struct oo_etcd. */
struct oo_etcd_login {
	char *username, *password_file;  /* owned; NULL: no login is configured */
	char *token;                     /* owned; NULL: none yet, or refused */
	unsigned generation;             /* of the token: which one a refusal is about */
	bool needless;                   /* etcd said that authentication is off */
	struct oo_etcd_request *running; /* the login under way */
	int64_t renew_at;                /* when a good token is renewed beside the calls */
	int64_t again_at;                /* not before that after a failure */
	int r;                           /* the failure; told to who asks before again_at */
	struct oo_err err;
};

struct oo_etcd {
	sd_event *event; /* referenced */
	struct oo_etcd_wires wires;
	struct oo_etcd_endpoints endpoints;
	struct oo_etcd_login login;
	int64_t hedge_after_ms;
	struct oo_etcd_request *requests;
	struct oo_etcd_watch *watches;
	unsigned calling; /* callbacks of the user's that are on the stack */
	int64_t answered_at;
	struct oo_err trouble;
	struct oo_err moved; /* why the member in use is no longer the one before */
};

/* A request to be made. */
struct oo_etcd_ask {
	enum oo_etcd_kind kind;
	struct oo_buffer *body;      /* taken over on success */
	int64_t hedge_after_ms;      /* 0: when its share of the time is up */
	int64_t lease_id, ttl_s;     /* GRANT */
	size_t n_success, n_failure; /* TXN: the results that each branch must bring */
};

int oo_etcd_request_new(struct oo_etcd *etcd, const struct oo_etcd_ask *ask,
			const struct oo_etcd_call *call, struct oo_etcd_request **ret_request);
void oo_etcd_request_free_all(struct oo_etcd *etcd);

/* Calls fn's user; nobody may free the client meanwhile. */
#define OO_ETCD_TELL(etcd, call)                                                                   \
	do {                                                                                       \
		struct oo_etcd *told = (etcd);                                                     \
		told->calling++;                                                                   \
		call;                                                                              \
		told->calling--;                                                                   \
	} while (0)

/* The member at endpoint i failed: it is left, and so end the watches on it. why: one line. */
void oo_etcd_blame(struct oo_etcd *etcd, size_t i, const char *why);

/* login.c */

enum oo_etcd_login_state {
	OO_ETCD_LOGIN_READY,  /* go: with login.token, or without if that is NULL */
	OO_ETCD_LOGIN_WAIT,   /* wake up is called on who waits */
	OO_ETCD_LOGIN_FAILED, /* login.r and login.err say why */
};
/* Starts a login where one is needed. */
enum oo_etcd_login_state oo_etcd_login_ask(struct oo_etcd *etcd, int64_t now);
/* etcd refused the token of that generation. Returns false when no login is configured. */
bool oo_etcd_login_refused(struct oo_etcd *etcd, unsigned generation);
void oo_etcd_login_done(struct oo_etcd_login *login);

/* The login ended: who waits for it goes on, or fails with login.r. */
void oo_etcd_request_wake_all(struct oo_etcd *etcd, bool logged_in);
void oo_etcd_watch_wake_all(struct oo_etcd *etcd, bool logged_in);

/* watch.c */
void oo_etcd_watch_leave(struct oo_etcd *etcd, size_t endpoint, const char *why);
void oo_etcd_watch_free_all(struct oo_etcd *etcd);

#endif
