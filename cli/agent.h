#ifndef OO_CLI_AGENT_H
#define OO_CLI_AGENT_H
/* Asks the agent, over its unix socket; blocks, for at most AGENT_TIMEOUT_MS. */
#include "base/error.h"
#include "base/text.h"

#define AGENT_TIMEOUT_MS 5000
#define AGENT_ANSWER_BYTES_MAX (8 << 20)

/* One question. */
struct agent_question {
	const char *method; /* "GET", "POST", "DELETE" */
	const char *path;   /* with its query */
	const char *body;   /* JSON; NULL: none. Of a POST only */
};

/*
 * Asks it. A SIGINT or SIGTERM that the caller has blocked ends the wait within a second or so.
 * body        appended to; on failure it holds whatever came.
 * ret_status  the answer's HTTP status, whatever it is.
 * err         says what to look at.
 * Returns 0, or -ENOENT (no socket), -EACCES, -ECONNREFUSED, -ETIMEDOUT, -EINTR, -ENAMETOOLONG (of the
 * socket's path), -ENOMEM, -EIO (else).
 */
int agent_ask(const char *socket_path, const struct agent_question *question,
	      struct oo_buffer *body, long *ret_status, struct oo_err *err);

/*
 * GET path. A SIGINT or SIGTERM that the caller has blocked ends the wait within a second or so.
 * body  appended to; on failure it holds whatever came.
 * err   says what to look at. It may quote the agent: fit for a terminal only through printable.h.
 * Returns 0, or -ENOENT (no socket), -EACCES, -ECONNREFUSED, -ETIMEDOUT, -EINTR, -EPROTO (not 200),
 * -ENAMETOOLONG (of the socket's path), -ENOMEM, -EIO (else).
 */
int agent_get(const char *socket_path, const char *path, struct oo_buffer *body,
	      struct oo_err *err);

#endif
