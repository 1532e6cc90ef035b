#ifndef OO_PROVIDER_H
#define OO_PROVIDER_H
/*
 * One VIP at a provider: a program moves it (docs/providers.md). What is wanted is a level; the program
 * is run until `status` has said that it is so, and asked again every so often while it is wanted. Never
 * are there two runs at a time; what runs for something that is not wanted any more is killed first.
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/log.h"

struct oo_provider;

enum oo_provider_state {
	OO_PROVIDER_IDLE = 0,  /* nothing is wanted */
	OO_PROVIDER_MOVING,    /* wanted, and not said to be here yet */
	OO_PROVIDER_CONFIRMED, /* `status` has said that it is here */
	OO_PROVIDER_FENCED,  /* the provider knows a newer epoch: it is only asked for its status */
	OO_PROVIDER_LEAVING, /* down runs */
};

/* Whom it is for. */
struct oo_provider_vip {
	const char *run; /* absolute */
	const char *cluster, *group, *node, *zone;
	const char *address;   /* without its prefix */
	const char *family;    /* "ipv4", "ipv6" */
	const char *interface; /* "": none */
	const char *settings;  /* JSON, an object */
	unsigned prefix;
};

/* How long to wait, in ms; each wait is twice as long as the one before it, up to most. */
struct oo_provider_pace {
	int64_t least_ms, most_ms;
};

struct oo_provider_options {
	int64_t timeout_ms; /* of a run; then TERM, and KILL after OO_PROVIDER_GRACE_MS */
	struct oo_provider_pace again; /* after what has failed */
	struct oo_provider_pace ask;   /* when it was said to be here, or to be fenced */
	/* A line for the log; what has failed OO_PROVIDER_TROUBLE times in a row is an error. Must not call back. */
	void (*log)(void *user, enum oo_log_level level, const char *line);
	/* The state is another, or down is through; from the loop. The provider may be freed in it. */
	void (*changed)(void *user);
	void *user;
};

/* What a late call of a past holder has moved is found soon after a promotion, and within half a minute. */
#define OO_PROVIDER_AGAIN ((struct oo_provider_pace){.least_ms = 200, .most_ms = 10000})
#define OO_PROVIDER_ASK ((struct oo_provider_pace){.least_ms = 1000, .most_ms = 30000})
#define OO_PROVIDER_GRACE_MS 500
#define OO_PROVIDER_TROUBLE 3
/* For less it is not worth starting anything. */
#define OO_PROVIDER_LEAST_MS 20

struct oo_provider_view {
	enum oo_provider_state state;
	bool running;
	int64_t confirmed_at; /* `status` has last said so; 0: never in this tenure */
	uint64_t runs, failures;
	uint64_t moves;    /* how often it has become confirmed */
	uint64_t repairs;  /* how often it had gone elsewhere after it was here */
	const char *error; /* of the last run that failed, until one succeeds; "" */
};

/* Returns 0, -ENOMEM or sd-event's error. vip and options are copied, with their texts. */
int oo_provider_new(sd_event *event, const struct oo_provider_vip *vip,
		    const struct oo_provider_options *options, struct oo_provider **ret_provider,
		    struct oo_err *err);
/* Kills what runs. NULL is accepted. */
void oo_provider_free(struct oo_provider *provider);

/* An earlier agent may have moved it here: the next up asks first. */
void oo_provider_adopt(struct oo_provider *provider);

/*
 * Wants it here; to be called at each renewal. Nothing runs inside this call.
 * hold_until  CLOCK_BOOTTIME ms: unless it is called again by then, what runs is killed and nothing is
 *             wanted any more.
 */
void oo_provider_up(struct oo_provider *provider, uint64_t epoch, int64_t hold_until);
/*
 * Gives it away, once; what fails is said and given up.
 * until  CLOCK_BOOTTIME ms: what runs then is killed.
 * Returns -EINPROGRESS, with changed to be called; or 0: through, there is nothing to give away, or no time.
 */
int oo_provider_down(struct oo_provider *provider, int64_t until);
/* Wants nothing any more, neither here nor away: kills what runs. */
void oo_provider_stop(struct oo_provider *provider);
/* Asks for its status now, if it is wanted here and nothing runs. */
void oo_provider_ask(struct oo_provider *provider);

struct oo_provider_view oo_provider_view(const struct oo_provider *provider);
/* "idle", "moving", "confirmed", "fenced", "leaving" */
const char *oo_provider_state_name(enum oo_provider_state state);

#endif
