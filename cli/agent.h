#ifndef OO_CLI_AGENT_H
#define OO_CLI_AGENT_H
/* Asks the agent, over its unix socket; blocks, for at most AGENT_TIMEOUT_MS. */
#include "base/error.h"
#include "base/text.h"

#define AGENT_TIMEOUT_MS 5000
#define AGENT_ANSWER_BYTES_MAX (8 << 20)

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
