#ifndef OO_CHECK_KIND_H
#define OO_CHECK_KIND_H
/*
 * What the runner (check.c) and the kinds know of each other. A new kind is a file with one struct
 * oo_check_kind, a row in kinds.c, its structure in spec.h with its name in spec.c, its keys in
 * config/check_keys.c and a page in docs/checks. Private to the module.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "check/check.h"

/* A check as its kind sees it. */
struct oo_check_run {
	const struct oo_check_setup *setup;
	const struct oo_check_spec *spec;
	void *state;      /* the kind's: zeroed when the check is made, kept from run to run */
	int64_t began_us; /* of this run: CLOCK_BOOTTIME us */
	struct oo_check_result result; /* of this run: all zero when it starts */
};

/* A run's life: start; then oo_check_run_finish or expire; then stop, whatever came before. */
struct oo_check_kind {
	size_t state_size;
	/* Is the spec possible? 0 or -EINVAL. NULL: always. */
	int (*verify)(const struct oo_check_spec *spec, struct oo_err *err);
	/*
	 * Begins a run. Returns 0 (under way: oo_check_run_finish is called later, from the loop),
	 * OO_CHECK_FINISHED (run->result says it already) or -errno (nothing can be said).
	 */
	int (*start)(struct oo_check_run *run);
	/* The run's deadline, or its phase's, has passed: fills run->result. NULL: never waits. */
	void (*expire)(struct oo_check_run *run);
	/* Ends what is under way and frees what a run holds. NULL: nothing is held. */
	void (*stop)(struct oo_check_run *run);
	/* Frees what the check holds between runs; after stop. NULL: nothing. */
	void (*done)(struct oo_check_run *run);
};

#define OO_CHECK_FINISHED 1

/* The kind of a type; NULL for OO_CHECK_TYPE_NONE. */
const struct oo_check_kind *oo_check_kind(enum oo_check_type type);

extern const struct oo_check_kind oo_check_http, oo_check_tcp, oo_check_exec, oo_check_file,
	oo_check_disk, oo_check_process, oo_check_link, oo_check_gateway, oo_check_unit,
	oo_check_container, oo_check_amqp, oo_check_postgres;

/* Ends the run with run->result: the last thing that a kind does in a callback. */
void oo_check_run_finish(struct oo_check_run *run);
/* A phase begins: it expires in limit_ms (0: no limit of its own), and with the run at the latest.
 */
void oo_check_run_enter(struct oo_check_run *run, int64_t limit_ms);
/* Sets the reason, and what was seen: cut to the space there is, anything but text shown as '?'. */
void oo_check_run_say(struct oo_check_run *run, enum oo_check_reason reason, const char *format,
		      ...) __attribute__((format(printf, 3, 4)));
/* The same with strerror(3) of a positive number. */
void oo_check_run_say_errno(struct oo_check_run *run, enum oo_check_reason reason,
			    int error_number);

/* What an answer of that reason means. */
enum oo_check_state oo_check_reason_state(enum oo_check_reason reason);

#endif
