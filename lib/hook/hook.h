#ifndef OO_HOOK_H
#define OO_HOOK_H
/*
 * Hooks: programs of the administrator's that run at an event. Events queue up strictly in order,
 * the hooks of an event run one at a time, each in its own process group with a deadline.
 *
 * A path is a program, or a directory whose executable files are run in byte order of their names
 * (only [A-Za-z0-9_.-], no dotfiles, no leavings of dpkg: run-parts(8)). A path that ends in "/" or
 * ".d" is meant to be a directory, and may be missing; any other must exist.
 *
 * A hook runs only if nobody but root and our own user could have changed it: it, each directory of
 * its path and of each symbolic link on the way are owned by one of the two and not writable by
 * group or others. That is looked at right before each run.
 */
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/log.h"
#include "hook/counts.h"

/* Events that may wait, the running one counted. */
#define OO_HOOKS_QUEUE_MAX 64
/* Hooks taken from one directory, and paths of one event. */
#define OO_HOOKS_LIST_MAX 256
/* From SIGTERM to SIGKILL. */
#define OO_HOOKS_GRACE_MS 1000

struct oo_hooks;

/*
 * A line for the log: of a hook's output (info), why a hook failed or was refused (warning), what
 * was passed over in a directory (debug). hook: its path. Must not free the runner.
 */
typedef void oo_hooks_log_fn(void *user, enum oo_log_level level, const char *hook,
			     const char *line);
/*
 * An event's hooks are through; runs from the loop. ran: hooks started; failed: refused, not
 * started, exit code other than 0, killed or timed out. The runner may be freed in it.
 */
typedef void oo_hooks_done_fn(void *user, int ran, int failed);

/* Becomes OOHA_EVENT ... OOHA_TEXT; a NULL becomes an empty value. */
struct oo_hook_environment {
	const char *event;
	const char *group;
	const char *node;
	const char *peer;
	const char *reason;
	const char *vips;
	const char *cluster;
	const char *grade, *notice, *state, *text; /* of a notice; else empty */
	uint64_t epoch;
};

struct oo_hooks_options {
	int64_t timeout_ms; /* of each hook */
	oo_hooks_log_fn *log;
	void *user;
};

struct oo_hooks_event {
	const char *const *paths; /* absolute */
	size_t n_paths;
	struct oo_hook_environment environment;
	oo_hooks_done_fn *done; /* or NULL */
	void *user;
	struct oo_hook_counts *counts; /* added to; must outlive the runner. NULL: nowhere */
};

/* Returns 0, -EINVAL (timeout_ms not positive), -ENOMEM or sd-event's error. Keeps event. */
int oo_hooks_new(sd_event *event, const struct oo_hooks_options *options,
		 struct oo_hooks **ret_hooks, struct oo_err *err);
/* Kills a running hook, forgets what is queued; no done will run. NULL is accepted. */
void oo_hooks_free(struct oo_hooks *hooks);

/* For hooks that start from now on; positive. */
void oo_hooks_set_timeout(struct oo_hooks *hooks, int64_t timeout_ms);

/*
 * Queues an event; it is copied. Nothing runs inside this call.
 * Returns 0, -ENOBUFS (OO_HOOKS_QUEUE_MAX reached: nothing queued), -E2BIG (more paths than
 * OO_HOOKS_LIST_MAX), -ENAMETOOLONG (a path of PATH_MAX or more) or -ENOMEM.
 */
int oo_hooks_run(struct oo_hooks *hooks, const struct oo_hooks_event *event);
/* Events queued or running. */
size_t oo_hooks_pending(const struct oo_hooks *hooks);

/*
 * Looks at paths as a run would, without running anything: for checking a configuration.
 * Returns 0, or -EPERM, -ENOENT, ... with the first thing that is wrong in err.
 */
int oo_hooks_verify(const char *const *paths, size_t n_paths, struct oo_err *err);

#endif
