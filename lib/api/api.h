#ifndef OO_API_H
#define OO_API_H
/*
 * The agent's HTTP interface, on the loop: a unix socket for everything, and optionally a TCP
 * address for those routes that are marked for it. An answer is made on the spot by the route's
 * function. What a request may hold is bounded here, and who may change something is decided here:
 * a route marked so is never on TCP, and is for root and the members of one group. Each of the two
 * listeners holds its own connections, so that strangers on TCP never keep the operator out, and
 * both run after all else that is due.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/text.h"

#define OO_API_CONNECTIONS_MAX 64           /* a listener (16 with TLS); more wait to be accepted */
#define OO_API_IDLE_S 10                    /* a connection silent for so long is closed */
#define OO_API_REQUEST_BYTES_MAX (16 << 10) /* request line and headers, and the answer's headers */
#define OO_API_BODY_BYTES_MAX (16 << 10)    /* a request's body */
#define OO_API_ANSWER_BYTES_MAX (4 << 20)   /* an answer's body */
#define OO_API_PARAMETERS_MAX 4             /* of a route's query */
#define OO_API_USER_LENGTH 64

struct oo_api;

/* Who asks, as the kernel recorded it when the connection was made (unix(7), SO_PEERCRED). */
struct oo_api_peer {
	bool known; /* false on TCP; then all else is zero, and user "" */
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char user[OO_API_USER_LENGTH]; /* uid's name in /etc/passwd, or its number */
};

/* Lives until the route's function returns. */
struct oo_api_request {
	const struct oo_api_route *route;
	const char *values[OO_API_PARAMETERS_MAX]; /* see oo_api_parameter */
	const char *body;   /* never NULL; "" for none. A NUL follows, and others may be in it */
	size_t body_length; /* at most OO_API_BODY_BYTES_MAX */
	struct oo_api_peer peer;
};

struct oo_api_answer {
	unsigned status;          /* HTTP status code; 200 unless the route says otherwise */
	struct oo_buffer body;    /* text; empty on entry, its limit is OO_API_ANSWER_BYTES_MAX */
	const char *content_type; /* static; "application/json" unless the route says otherwise */
};

struct oo_api_route {
	const char *method; /* "GET" (answers HEAD too), "POST" (alone may have a body), "DELETE" */
	const char *path;   /* whole and exact: "/v1/status" */
	bool tcp;           /* reachable on the TCP listener too; answers OPTIONS as a GET then */
	bool change;        /* for those who may change something; never with tcp or "GET" */
	/* Names of the query; any other, or one given twice, is refused. NULL behind the last. */
	const char *parameters[OO_API_PARAMETERS_MAX];
	/*
	 * Fills in the answer; runs from the loop, and must neither block nor free the api. A body
	 * left empty (out of memory) becomes a 500.
	 */
	void (*answer)(void *user, const struct oo_api_request *request,
		       struct oo_api_answer *answer);
};

/* PEM files. */
struct oo_api_tls {
	const char *cert_file; /* the certificate, and behind it those that sign it */
	const char *key_file;  /* its key, without a password */
};

struct oo_api_options {
	const char *socket_path;           /* made with mode 0660, in a directory that exists */
	const char *socket_group;          /* the socket's group, if there is one of that name */
	const char *change_group;          /* whose members may change something, as root may */
	const char *listen;                /* "127.0.0.1:8009", "[::1]:8009"; NULL: no TCP */
	const struct oo_api_tls *tls;      /* of the TCP listener; NULL: plain HTTP */
	const struct oo_api_route *routes; /* not copied: must outlive the api */
	size_t n_routes;
	/* A change was asked for and answered, or refused for want of rights (403). NULL: unused. */
	void (*changed)(void *user, const struct oo_api_request *request, unsigned status);
	void *user; /* for the routes and for changed */
};

/*
 * Listens, and answers from the loop from then on. options may go after the call, routes,
 * change_group and what their strings point to may not. Groups are looked for in /etc/group:
 * anything else could block.
 * A socket file that nobody answers on is replaced.
 * Returns 0, or
 * -EADDRINUSE    another agent answers on socket_path, or another program on listen;
 * -ENOENT        the directory of socket_path does not exist;
 * -EEXIST        socket_path is there and is no socket: left alone;
 * -ENAMETOOLONG  socket_path is longer than a socket address can say (unix(7));
 * -EINVAL        listen is not an address and a port;
 * -ENOMEM, or what socket(2), bind(2), listen(2), chmod(2) or sd-event said;
 * with tls, the errors of oo_api_set_tls.
 */
int oo_api_new(sd_event *event, const struct oo_api_options *options, struct oo_api **ret_api,
	       struct oo_err *err);

/*
 * Reads the files anew; who connects from now on gets what is in them. Connections of before are
 * closed. On failure nothing has changed. Only for an api that was made with tls and listens on TCP.
 * Returns 0, -ENOMEM, or
 * -EINVAL  a file holds no certificate or no key, or the two do not belong together;
 * or what open(2) and read(2) said of them.
 */
int oo_api_set_tls(struct oo_api *api, const struct oo_api_tls *tls, struct oo_err *err);

/* Closes every connection and removes the socket file, if it still is ours. NULL is accepted. */
void oo_api_free(struct oo_api *api);

/*
 * The value of a parameter that the route declares, decoded: printable ASCII, perhaps empty. NULL
 * when it was not given.
 */
const char *oo_api_parameter(const struct oo_api_request *request, const char *name);

/* Makes the answer {"error": "..."} with that status, in place of what it held. */
void oo_api_refuse(struct oo_api_answer *answer, unsigned status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
