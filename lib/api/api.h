#ifndef OO_API_H
#define OO_API_H
/*
 * The agent's HTTP interface, on the loop: a unix socket for everything, and optionally a TCP
 * address for those routes that are marked for it. Answers are JSON and are made on the spot by the
 * route's function; requests carry no body. Each of the two listeners holds its own connections, so
 * that strangers on TCP never keep the operator out, and both run after all else that is due.
 */
#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/text.h"

#define OO_API_CONNECTIONS_MAX 64           /* a listener; further clients wait to be accepted */
#define OO_API_IDLE_S 10                    /* a connection silent for so long is closed */
#define OO_API_REQUEST_BYTES_MAX (16 << 10) /* request line and headers, and the answer's headers */
#define OO_API_ANSWER_BYTES_MAX (4 << 20)   /* an answer's body */

struct oo_api;

struct oo_api_answer {
	unsigned status;       /* HTTP status code; 200 unless the route says otherwise */
	struct oo_buffer body; /* empty on entry, its limit is OO_API_ANSWER_BYTES_MAX */
	const char *type;      /* of body; NULL: JSON */
};

struct oo_api_route {
	const char *method; /* "GET" answers HEAD too */
	const char *path;   /* whole and exact: "/v1/status" */
	bool tcp;           /* reachable on the TCP listener too */
	/*
	 * Fills in the answer; runs from the loop, and must neither block nor free the api. A body
	 * left empty (out of memory) becomes a 500.
	 */
	void (*answer)(void *user, struct oo_api_answer *answer);
};

struct oo_api_options {
	const char *socket_path;           /* made with mode 0660, in a directory that exists */
	const char *listen;                /* "127.0.0.1:8009", "[::1]:8009"; NULL: no TCP */
	const struct oo_api_route *routes; /* not copied: must outlive the api */
	size_t n_routes;
	void *user; /* for the routes */
};

/*
 * Listens, and answers from the loop from then on. options may go after the call, routes and what
 * their strings point to may not.
 * A socket file that nobody answers on is replaced.
 * Returns 0, or
 * -EADDRINUSE    another agent answers on socket_path, or another program on listen;
 * -ENOENT        the directory of socket_path does not exist;
 * -EEXIST        socket_path is there and is no socket: left alone;
 * -ENAMETOOLONG  socket_path is longer than a socket address can say (unix(7));
 * -EINVAL        listen is not an address and a port;
 * -ENOMEM, or what socket(2), bind(2), listen(2), chmod(2) or sd-event said.
 */
int oo_api_new(sd_event *event, const struct oo_api_options *options, struct oo_api **ret_api,
	       struct oo_err *err);

/* Closes every connection and removes the socket file, if it still is ours. NULL is accepted. */
void oo_api_free(struct oo_api *api);

#endif
