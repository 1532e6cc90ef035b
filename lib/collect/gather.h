#ifndef OO_GATHER_H
#define OO_GATHER_H
/*
 * What the collectors and the one who runs them (collect.c) know of each other. A new collector is
 * a file with one struct oo_collector and a row in collect.c's table. Private to the module.
 *
 * They are started in the table's order, all on one loop, and each writes its own part of the
 * evidence as soon as it has something: whatever is not there when the time is up stays as it is,
 * so it has to say OO_LOOK_LATE before it waits, not after. Small files of /proc and /etc are read
 * in start; what may hang is asked over the loop, or by a process of its own (event/child.h,
 * oo_gather_check). Who leaves something to be finished from the loop holds the gather until then.
 */
#include <stdint.h>
#include <systemd/sd-event.h>

#include "collect/collect.h"
#include "documentserver/settings.h"
#include "event/transfer.h"

struct oo_gather_check;
struct oo_collect_vips;
struct oo_collect_processes;
struct oo_collect_exchanges;

struct oo_gather {
	sd_event *event;
	struct oo_transfers *transfers;
	const struct oo_collect_subject *subject; /* never NULL; its members may be */
	struct oo_evidence *evidence;             /* all zero at the start */
	int64_t began_at;                         /* CLOCK_BOOTTIME ms */
	int64_t deadline;                         /* the loop ends then; all stop before it */

	/* What an early collector leaves for the later ones. */
	char proxy_config[OO_TEXT_LENGTH];    /* nginx.conf: of the running master, else as
						   configured, else the package's; by processes.c */
	int64_t started_at_s[OO_PROGRAM_END]; /* the oldest process of each, seconds since 1970;
						   0: not known; by processes.c */
	struct oo_settings settings;          /* wiped at the end */
	struct oo_endpoint_text docservice;   /* where it should listen; by places.c */
	struct oo_endpoint_text proxy;        /* where it answers on this node, without TLS */

	/* collect.c's and gather.c's own */
	unsigned held;
	struct oo_gather_check *checks;
	struct oo_collect_vips *vips;           /* vips.c's; NULL while it does not run */
	struct oo_collect_processes *processes; /* processes.c's, the same */
	struct oo_collect_exchanges *exchanges; /* exchanges.c's, the same */
};

struct oo_collector {
	/* Returns the collector's state, for stop; NULL: it holds nothing. */
	void *(*start)(struct oo_gather *gather);
	/* Ends what is under way, says so in the evidence, frees state. NULL: nothing is held. */
	void (*stop)(struct oo_gather *gather, void *state);
};

extern const struct oo_collector oo_collect_processes, oo_collect_places, oo_collect_sockets,
	oo_collect_exchanges, oo_collect_host, oo_collect_lookups, oo_collect_vips,
	oo_collect_agent, oo_collect_configuration, oo_collect_dependencies, oo_collect_units,
	oo_collect_disks, oo_collect_journal, oo_collect_certificates, oo_collect_logs,
	oo_collect_proxy_test;

/* Something will still come from the loop; and now it has. The last one ends the gathering. */
void oo_gather_hold(struct oo_gather *gather);
void oo_gather_release(struct oo_gather *gather);

/*
 * Takes the owner of the Document Server's port for its process, where none was known by name and
 * this one looks like it: node, or something of the package's. By sockets.c.
 */
void oo_gather_adopt_docservice(struct oo_gather *gather, pid_t pid);

/* Asks the first VIP that is known, unless it was asked before. By exchanges.c and agent.c. */
void oo_gather_ask_vip(struct oo_gather *gather);

/* Ms until the deadline; at least 1. */
int64_t oo_gather_left_ms(const struct oo_gather *gather);

/* Copies what fits into an array of the evidence. */
#define OO_GATHER_SAY(target, text) oo_text_clip((target), sizeof(target), (text))

/*
 * Splits a URL; without a port it is the scheme's. path is cut to size.
 * Returns whether text is a URL; NULL is none.
 */
bool oo_gather_url_split(const char *text, struct oo_endpoint_text *ret_at, char *path,
			 size_t size);

/* Runs from the loop, once. result: ret_result, filled. The gather is still held. */
typedef void oo_gather_check_fn(struct oo_gather *gather, const struct oo_check_result *result);

/*
 * Runs a check of check/ once. What spec points to must live until the gathering ends; its name and
 * interval_ms are set here, its timeout_ms is cut to the time there is.
 * ret_result  in the evidence; as it is until the check has ended.
 * done        may be NULL.
 * Returns 0, or oo_check_new's error with *ret_result saying OO_CHECK_REASON_LOCAL.
 */
int oo_gather_check(struct oo_gather *gather, const struct oo_check_spec *spec,
		    struct oo_check_result *ret_result, oo_gather_check_fn *done);
/* Ends them all: for collect.c. */
void oo_gather_end_checks(struct oo_gather *gather);

#endif
