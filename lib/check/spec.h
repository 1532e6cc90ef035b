#ifndef OO_CHECK_SPEC_H
#define OO_CHECK_SPEC_H
/*
 * What can be asked of a check: pure data, so that the configuration can be read straight into it.
 * One structure a kind; docs/checks/ says what each asks. A number that is 0 and a text that is
 * NULL is not asked for, unless something else is said.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OO_CHECK_RANGES 8
#define OO_CHECK_WORDS 32

enum oo_check_type {
	OO_CHECK_TYPE_NONE = 0,
	OO_CHECK_TYPE_HTTP,
	OO_CHECK_TYPE_TCP,
	OO_CHECK_TYPE_EXEC,
	OO_CHECK_TYPE_FILE,
	OO_CHECK_TYPE_DISK,
	OO_CHECK_TYPE_PROCESS,
	OO_CHECK_TYPE_UNIT,
	OO_CHECK_TYPE_CONTAINER,
	OO_CHECK_TYPE_LINK,
	OO_CHECK_TYPE_GATEWAY,
	OO_CHECK_TYPE_AMQP,
	OO_CHECK_TYPE_POSTGRES,
	OO_CHECK_TYPE_END, /* how many there are */
};

/* Of each phase, ms, counted from its beginning; 0: the run's timeout alone. */
struct oo_check_limits {
	int64_t name_ms;       /* name lookup */
	int64_t connect_ms;    /* TCP handshake */
	int64_t tls_ms;        /* TLS handshake */
	int64_t first_byte_ms; /* from then to the first byte of the answer */
};

/* A name, or an address (IPv6 without brackets); NULL where it is not given. */
struct oo_check_address {
	const char *host;
	uint16_t port; /* 1 to 65535 */
};

struct oo_check_texts {
	const char *const *items;
	size_t n;
};

struct oo_check_tls {
	bool unverified;         /* whoever answers is believed */
	const char *ca_file;     /* PEM; NULL: the system's */
	const char *server_name; /* asked for and verified; NULL: the host */
	int days_left;           /* of the certificate, at least */
};

struct oo_check_range {
	int least, most;
};

/* What an answer must be; all that is given must be so. */
struct oo_check_expect {
	struct oo_check_range statuses[OO_CHECK_RANGES]; /* 100 to 599 */
	size_t n_statuses;                               /* at least 1 */
	const char *body;                                /* all of it, but white space around it */
	const char *contains;
	const char *regex;        /* POSIX extended */
	const char *json_pointer; /* RFC 6901; with json_value */
	const char *json_value;   /* a string's content, or as JSON is written */
};

/* HTTP/1.1 on a fresh connection; no proxy. */
struct oo_check_http {
	const char *url;               /* http:// or https://, without user or password */
	const char *method;            /* NULL: GET */
	struct oo_check_texts headers; /* "Name: value" */
	const char *host;              /* the header; NULL: that of the URL, or tls.server_name */
	const char *body;              /* sent */
	bool follow;                   /* redirects, at most OO_CHECK_REDIRECTS */
	struct oo_check_tls tls;
	const char *jwt_secret_file; /* signs body (JSON, or {}) as the payload of a JWT */
	const char *jwt_header;      /* that carries it; NULL: Authorization */
	struct oo_check_expect expect;
};

struct oo_check_tcp {
	struct oo_check_address address;
	bool uses_tls;
	struct oo_check_tls tls;
	const char *send;
	const char *expect; /* to be found in what comes */
};

/* Exit code 0 is up, 3 unknown, any other down. */
struct oo_check_exec {
	struct oo_check_texts command; /* an absolute path, then words; at most OO_CHECK_WORDS */
	const char *user;              /* who runs it; NULL: who we are */
};

struct oo_check_file {
	const char *path;
	int64_t age_ms; /* since it was last changed, at most */
	const char *contains;
};

/* Both: what is left is at least so much. */
struct oo_check_room {
	uint64_t least;
	int percent;
};

struct oo_check_disk {
	const char *path; /* a directory of the file system */
	struct oo_check_room free;
	struct oo_check_room free_inodes;
	bool writable;    /* write a file there, sync and remove it */
	const char *user; /* who looks; NULL: who we are */
};

/* By name, by pid file, or the one of the pid file has the name. */
struct oo_check_process {
	const char *process_name; /* at most 15 bytes: the kernel cuts it (proc(5), comm) */
	const char *pid_file;
	int least, most; /* by name alone: how many; most 0: any number */
};

/* A unit of systemd's. */
struct oo_check_unit {
	const char *unit; /* with its suffix: "nginx.service" */
	int restarts;     /* that systemd has made since it was started by hand, at most */
};

/* A container of Docker's or Podman's. */
struct oo_check_container {
	const char *container; /* its name or id; letters, digits, . _ - */
	const char *socket;    /* of the API */
	int restarts;          /* that its restart policy has made, at most */
};

struct oo_check_link {
	const char *interface;
	int speed_mbit; /* at least */
};

/* Does the address answer to ARP, or neighbour solicitation? */
struct oo_check_gateway {
	const char *address;
	const char *interface;
};

/* A broker of AMQP 0-9-1, and a queue of it. */
struct oo_check_amqp {
	struct oo_check_address address;
	bool uses_tls;
	struct oo_check_tls tls;
	const char *user;
	const char *password_file;    /* NULL: the password is guest */
	const char *password_pointer; /* where it is in that file, of JSON; NULL: it is all of it */
	const char *vhost;
	const char *queue; /* NULL: being let in is enough */
	int consumers;     /* of the queue, at least */
	bool publishes;    /* an empty message to nobody: an alarm for memory or disk shows then */
};

/* A database of PostgreSQL's, without TLS. */
struct oo_check_postgres {
	struct oo_check_address address;
	const char *user;
	const char *password_file;
	const char *password_pointer; /* as of amqp */
	const char *database;
	bool read_only;               /* a standby will do */
	struct oo_check_texts tables; /* names with nothing in them to escape */
	int connections;              /* left for ordinary users, at least */
};

struct oo_check_spec {
	const char *name;
	enum oo_check_type type;
	int64_t interval_ms;      /* from start to start; a run that takes longer delays the next */
	int64_t fast_interval_ms; /* the same while changing (oo_check_set_changing); 0: no other */
	int64_t timeout_ms;       /* of a whole run, counted from its start */
	int64_t grace_ms;         /* from oo_check_new on, down is unknown until it was up once */
	struct oo_check_limits limits;
	union {
		struct oo_check_http http;
		struct oo_check_tcp tcp;
		struct oo_check_exec exec;
		struct oo_check_file file;
		struct oo_check_disk disk;
		struct oo_check_process process;
		struct oo_check_unit unit;
		struct oo_check_container container;
		struct oo_check_link link;
		struct oo_check_gateway gateway;
		struct oo_check_amqp amqp;
		struct oo_check_postgres postgres;
	};
};

/* As in the configuration: "http", "tcp", ...; "none" of NONE. */
const char *oo_check_type_name(enum oo_check_type type);

#endif
