#ifndef OO_CHECK_H
#define OO_CHECK_H
/*
 * Health checks that run themselves: once at once, then every interval at the same phase of it, each
 * run ending in one result. A check does not count (rise, fall); whoever gets the results does.
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "check/spec.h"

#define OO_CHECK_SEEN_LENGTH 128
/* A longer answer is wrong where a body is expected, and no longer read where none is. */
#define OO_CHECK_BODY_MAX 65536

struct oo_check;
struct oo_timers;
struct oo_transfers;

enum oo_check_state {
	OO_CHECK_STATE_UNKNOWN = 0, /* nothing can be said: not run yet, or our own failure */
	OO_CHECK_STATE_UP,
	OO_CHECK_STATE_DOWN,
};

/*
 * Why. The state follows from it: OK is up, NONE and LOCAL are unknown, all others are down (or
 * unknown during grace). Two causes are two reasons where a person has to do something else.
 */
enum oo_check_reason {
	OO_CHECK_REASON_NONE = 0,          /* not run yet */
	OO_CHECK_REASON_OK,                /* as expected */
	OO_CHECK_REASON_NAME_NOT_RESOLVED, /* no such name, or no name server answered in time */
	OO_CHECK_REASON_REFUSED,           /* nobody listens */
	OO_CHECK_REASON_UNREACHABLE,       /* no route, host or network down */
	OO_CHECK_REASON_CONNECT_TIMEOUT,   /* no answer to the connection attempt */
	OO_CHECK_REASON_TLS,               /* the handshake failed */
	OO_CHECK_REASON_CERTIFICATE,       /* not trusted, for another name, or expired, or soon */
	OO_CHECK_REASON_SILENT,            /* connected, then not one byte until the timeout */
	OO_CHECK_REASON_SLOW,              /* an answer began and was not over by the timeout */
	OO_CHECK_REASON_RESET,             /* the peer reset the connection */
	OO_CHECK_REASON_CLOSED,            /* the peer closed before its answer was whole */
	OO_CHECK_REASON_PROTOCOL,          /* what came is not the protocol */
	OO_CHECK_REASON_STATUS,            /* another HTTP status than expected */
	OO_CHECK_REASON_REDIRECTS,         /* redirected again and again */
	OO_CHECK_REASON_BODY,              /* another body than expected */
	OO_CHECK_REASON_CONTENT,           /* another answer, or content of a file, than expected */
	OO_CHECK_REASON_DENIED,            /* not for this user: a file, or a login */
	OO_CHECK_REASON_MISSING,           /* what should be there is not */
	OO_CHECK_REASON_STALE,             /* not changed for too long */
	OO_CHECK_REASON_FULL,              /* too little left: of space, inodes, connections */
	OO_CHECK_REASON_READ_ONLY,         /* it cannot be written to by anybody */
	OO_CHECK_REASON_STORAGE, /* the file system fails: input and output errors, a stale mount */
	OO_CHECK_REASON_HUNG,    /* the file system does not answer */
	OO_CHECK_REASON_FAILED,  /* a program said so, by its exit code or its death */
	OO_CHECK_REASON_STOPPED, /* it does not run, or is set down */
	OO_CHECK_REASON_CRASHED, /* it died; nobody starts it again */
	OO_CHECK_REASON_RESTARTING,    /* it dies and is started, again and again */
	OO_CHECK_REASON_OUT_OF_MEMORY, /* the kernel killed it for want of memory */
	OO_CHECK_REASON_STARTING,      /* not ready yet */
	OO_CHECK_REASON_UNHEALTHY,     /* its own health check fails */
	OO_CHECK_REASON_TOO_MANY,      /* more run than should */
	OO_CHECK_REASON_NO_CONSUMERS,  /* nobody takes what is put into the queue */
	OO_CHECK_REASON_NO_CARRIER,    /* no cable, or nobody at the other end */
	OO_CHECK_REASON_DEGRADED,      /* it works, but slower than it should */
	OO_CHECK_REASON_LOCAL, /* we could not check: no memory, descriptors, ports, rights */
	OO_CHECK_REASON_END,   /* how many there are */
};

/* How long each phase took, us; 0 when it was not finished. total is always set. */
struct oo_check_times {
	int64_t name_us;       /* name lookup */
	int64_t connect_us;    /* TCP handshake */
	int64_t tls_us;        /* TLS handshake */
	int64_t first_byte_us; /* from then to the first byte of the answer */
	int64_t total_us;
};

struct oo_check_result {
	enum oo_check_state state;
	enum oo_check_reason reason;
	char seen[OO_CHECK_SEEN_LENGTH]; /* `200`, `502`, `body "false"`, `Connection refused` */
	int http_status;                 /* 0: none came */
	int64_t certificate_end_s;       /* of the peer, since the epoch; 0: none was shown */
	struct oo_check_times times;
	int64_t at; /* CLOCK_BOOTTIME ms of the run's end */
};

/* One run's result; runs from the loop. The check may be freed in it. */
typedef void oo_check_fn(void *user, const struct oo_check *check,
			 const struct oo_check_result *result);

/* What a check runs with; all of it must outlive the check, and may be shared. */
struct oo_check_setup {
	sd_event *event;
	struct oo_transfers *transfers;
	oo_check_fn *done;
	void *user;
	int64_t phase_ms; /* at what time of its interval a run starts, by CLOCK_BOOTTIME; 0 or more */
	struct oo_timers *timers; /* begins in one turn of the loop with others; NULL: alone */
};

/*
 * Makes a check; the first run starts at the next turn of the loop. Runs never overlap.
 * spec  copied; what it points to is not, and must outlive the check.
 * Returns 0, -EINVAL (err says which value and what would be right), -ENOMEM or sd-event's error.
 */
int oo_check_new(const struct oo_check_setup *setup, const struct oo_check_spec *spec,
		 struct oo_check **ret_check, struct oo_err *err);
/* Cancels a run that is under way: done will not run again. NULL is accepted. */
void oo_check_free(struct oo_check *check);

/* Starts the next run at the next turn of the loop; no more than that if one is under way. */
void oo_check_run_now(struct oo_check *check);

/* Whether what is counted is not yet what was seen: runs are fast_interval apart as long. */
void oo_check_set_changing(struct oo_check *check, bool changing);

/* The check's own copy of its spec; valid as long as the check. */
const struct oo_check_spec *oo_check_get_spec(const struct oo_check *check);

/* "unknown", "up", "down" */
const char *oo_check_state_name(enum oo_check_state state);
/* "ok", "refused", "connect timeout", ... */
const char *oo_check_reason_name(enum oo_check_reason reason);

#endif
