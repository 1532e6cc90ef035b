#ifndef OO_CHECK_SPEC_H
#define OO_CHECK_SPEC_H
/*
 * What can be asked of a check: pure data, so that the configuration can be read straight into it.
 * One structure a kind; docs/checks.md says what each asks.
 */
#include <stdint.h>

enum oo_check_type {
	OO_CHECK_TYPE_NONE = 0,
	OO_CHECK_TYPE_HTTP, /* HTTP/1.1, fresh connection; no proxy */
	OO_CHECK_TYPE_TCP,  /* a connection can be opened */
	OO_CHECK_TYPE_END,  /* how many there are */
};

/* Of each phase, ms, counted from its beginning; 0: the run's timeout alone. */
struct oo_check_limits {
	int64_t name_ms;       /* name lookup */
	int64_t connect_ms;    /* TCP handshake */
	int64_t tls_ms;        /* TLS handshake */
	int64_t first_byte_ms; /* from then to the first byte of the answer */
};

struct oo_check_http {
	const char *url;         /* http:// or https://, without user or password */
	int expect_status;       /* 100 to 599 */
	const char *expect_body; /* all of it, white space at both ends aside; NULL: any */
};

/* A name, or an address (IPv6 without brackets); NULL where it is not given. */
struct oo_check_address {
	const char *host;
	uint16_t port; /* 1 to 65535 */
};

struct oo_check_tcp {
	struct oo_check_address address;
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
	};
};

/* As in the configuration: "http", "tcp", ...; "none" of NONE. */
const char *oo_check_type_name(enum oo_check_type type);

#endif
