#ifndef OO_CHILD_H
#define OO_CHILD_H
/*
 * A child process with a deadline, on the loop. No shell; a session and process group of its own;
 * standard input is a text or /dev/null, output and errors come back line by line; no other descriptor
 * of ours is passed on; signal mask and dispositions are the defaults; the working directory is "/".
 * SIGCHLD need not be blocked, but must not be ignored (pidfd_open(2), waitid(2)).
 */
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"

/* A longer line comes in pieces of at most this, the NUL counted. */
#define OO_CHILD_LINE_LENGTH 1024
/* What is printed past this is read and dropped, after one line that says so. */
#define OO_CHILD_OUTPUT_MAX 65536
#define OO_CHILD_RESULT_LENGTH 64

struct oo_child;

enum oo_child_end {
	OO_CHILD_END_UNKNOWN = 0, /* it is gone, but somebody else took its status */
	OO_CHILD_END_EXITED,
	OO_CHILD_END_SIGNALLED,
	OO_CHILD_END_TIMED_OUT, /* stopped by us, whatever its status was */
};

struct oo_child_result {
	enum oo_child_end end;
	int code; /* exited: the exit code; signalled: the signal; else 0 */
};

/*
 * One line of output, without its newline, control characters shown as '?'. Runs from the loop;
 * must not cancel the child.
 */
typedef void oo_child_line_fn(void *user, const char *line);
/* The one answer; runs from the loop, after the last line. The handle is gone already. */
typedef void oo_child_done_fn(void *user, const struct oo_child_result *result);

struct oo_child_spec {
	const char *path;               /* absolute; executed as it is, not searched for */
	const char *const *argv;        /* ended by NULL */
	const char *const *environment; /* the whole of it: NAME=value, ended by NULL */
	const char *input;              /* what it can read; NULL: nothing */
	int64_t timeout_ms;             /* then SIGTERM to the process group */
	int64_t grace_ms;               /* and that much later SIGKILL to the group */
	oo_child_line_fn *line;
	oo_child_done_fn *done;
	void *user;
};

/*
 * Starts a child; spec is copied from, not kept. The child is over when the process that was
 * started is: what is left of its group is killed then, and whoever has the pipe is not waited for.
 * ret_child  valid until done runs or oo_child_cancel is called.
 * Returns 0, or -errno with done never to run: of execve(2) (-ENOENT, -EACCES, -ENOEXEC, ...),
 * -EMFILE, -ENOMEM, -EAGAIN (too many processes), -EINVAL (timeout_ms not positive, grace_ms
 * negative) or -ECHILD (SIGCHLD is ignored).
 */
int oo_child_start(sd_event *event, const struct oo_child_spec *spec, struct oo_child **ret_child,
		   struct oo_err *err);
/* Kills the whole group at once; neither line nor done will run. NULL is accepted. */
void oo_child_cancel(struct oo_child *child);

/* Says it for people: "exit code 3", "killed by SIGSEGV", "timed out". Returns buffer. */
const char *oo_child_result_format(const struct oo_child_result *result,
				   char buffer[static OO_CHILD_RESULT_LENGTH]);

#endif
