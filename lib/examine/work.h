#ifndef OO_EXAMINE_WORK_H
#define OO_EXAMINE_WORK_H
/*
 * What the examiners and the one who runs them (examine.c) know of each other. A new examiner is a
 * file with one struct oo_examiner and a row in examine.c's table. They all start on one loop, and
 * each writes its own part of the facts as soon as it has something: what is not there when the time
 * is up stays as it is, so it says OO_LOOK_LATE before it waits. Who leaves something to be finished
 * from the loop holds the work until then. Private to the module.
 */
#include <stdint.h>
#include <systemd/sd-event.h>

#include "event/transfer.h"
#include "examine/examine.h"
#include "net/address.h"

struct oo_work {
	sd_event *event;
	struct oo_transfers *transfers;
	struct oo_net *net;
	const struct oo_config *config; /* never NULL */
	bool is_local;
	struct oo_facts *facts; /* all zero at the start */
	int64_t deadline;       /* CLOCK_BOOTTIME ms; the loop ends then */
	unsigned held;
};

struct oo_examiner {
	/* Returns the examiner's state, for stop; NULL: it holds nothing. */
	void *(*start)(struct oo_work *work);
	/* Ends what is under way, frees state. NULL: nothing is held. */
	void (*stop)(void *state);
};

extern const struct oo_examiner oo_examine_vips, oo_examine_etcd, oo_examine_endpoints,
	oo_examine_host, oo_examine_unit, oo_examine_files;

/* Something will still come from the loop; and now it has. The last one ends the work. */
void oo_work_hold(struct oo_work *work);
void oo_work_release(struct oo_work *work);

/* Ms from now until so much before the deadline; at least 1. */
int64_t oo_work_left_ms(const struct oo_work *work);

/* Copies what fits into an array of the facts, as one line of printable ASCII or UTF-8. */
#define OO_WORK_SAY(target, text) oo_text_clip((target), sizeof(target), (text))

/* "/ooha/<cluster>/" and rest. */
void oo_work_key(const struct oo_work *work, char key[static OO_TEXT_LENGTH], const char *rest);

/* A number of /proc/sys; 0 where it cannot be read. */
unsigned oo_work_sysctl(const char *format, const char *name);

/* The beginning of a file, NUL-terminated. Returns its length; 0: unreadable or empty. */
size_t oo_work_read(const char *path, char *text, size_t size);

#endif
