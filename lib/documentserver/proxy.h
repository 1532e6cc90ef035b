#ifndef OO_PROXY_H
#define OO_PROXY_H
/*
 * Reads nginx's configuration as far as it matters to a Document Server behind it: what listens,
 * where requests go and with which limits. The files only; nginx is not asked, so that a broken
 * configuration, or one whose names do not resolve, can be read as well.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OO_TEXT_LENGTH 256
#define OO_NAME_LENGTH 64
#define OO_PROXY_PEERS 4 /* servers of one upstream */
#define OO_PROXY_LISTENS 16
#define OO_PROXY_PASSES 64
#define OO_PROXY_LOGS 8

enum oo_look {
	OO_LOOK_NONE = 0, /* nobody looked: does not apply here, or the time was up before */
	OO_LOOK_SEEN,
	OO_LOOK_ABSENT, /* looked, and it is not there */
	OO_LOOK_DENIED, /* not for this user */
	OO_LOOK_LATE,   /* no answer within the time */
	OO_LOOK_FAILED, /* could not be read for another reason */
};

/* A host (IPv6 without brackets) and port: "127.0.0.1", 8000. Port 0: none. */
struct oo_endpoint_text {
	char host[OO_NAME_LENGTH];
	uint16_t port;
};

/* What a location hands its requests to. */
struct oo_proxy_pass {
	char file[OO_TEXT_LENGTH]; /* of the directive */
	int line;
	char server_name[OO_NAME_LENGTH];
	char location[OO_NAME_LENGTH];
	char target[OO_TEXT_LENGTH];   /* as written: "http://docservice" */
	bool tls;                      /* https:// */
	bool is_variable;              /* contains a $: peers are not known */
	bool reaches_docservice;       /* the editor's and the health check's requests take it */
	char upstream[OO_NAME_LENGTH]; /* block that target names; "": none */
	struct oo_endpoint_text peers[OO_PROXY_PEERS]; /* as written: host may be a name */
	size_t n_peers;
	int64_t connect_timeout_ms; /* as in force there; nginx's default 60 s */
	int64_t read_timeout_ms;
	uint64_t buffer_bytes; /* proxy_buffer_size: what a response header must fit into */
	bool upgrades;         /* sends Upgrade and Connection on: WebSocket */
	bool http11;           /* proxy_http_version 1.1 */
	char host_header[OO_NAME_LENGTH]; /* that proxy_set_header Host sets; "": nginx's default */
	char proto_header[OO_NAME_LENGTH];          /* that X-Forwarded-Proto is set to; "" */
	char forwarded_host_header[OO_NAME_LENGTH]; /* that X-Forwarded-Host is set to; "" */
	uint64_t body_max_bytes;                    /* client_max_body_size; 0: any */
	bool redirects_to_https;                    /* a redirect in force before it */
};

struct oo_proxy_config {
	enum oo_look look; /* of the files */
	char path[OO_TEXT_LENGTH];
	char error[OO_TEXT_LENGTH]; /* what our reader stumbled over; "" */
	int64_t changed_at_s;       /* the newest file's, seconds since 1970 */
	char error_logs[OO_PROXY_LOGS]
		       [OO_TEXT_LENGTH]; /* error_log's files; nginx's own if none is named */
	size_t n_error_logs;
	char certificates[OO_PROXY_LOGS][OO_TEXT_LENGTH]; /* ssl_certificate's files */
	char keys[OO_PROXY_LOGS][OO_TEXT_LENGTH];         /* ssl_certificate_key's, one each */
	size_t n_certificates;
	struct oo_endpoint_text listens[OO_PROXY_LISTENS]; /* host "" is any */
	bool listens_tls[OO_PROXY_LISTENS];                /* of each */
	size_t n_listens;
	bool has_tls_listen;
	uint16_t tls_port;           /* of the first listen with ssl; 0: there is none */
	unsigned worker_connections; /* 512 by default */
	struct oo_proxy_pass passes[OO_PROXY_PASSES];
	size_t n_passes;
};

/*
 * path  "/etc/nginx/nginx.conf"; includes are followed as nginx does (globs, relative to its
 *       folder). What is too long or too much is left out and said in ret_proxy->error.
 * Returns 0, or -ENOMEM; a file that is missing or wrong is no error: ret_proxy->look and error
 * tell, with what could be read.
 */
int oo_proxy_read(const char *path, struct oo_proxy_config *ret_proxy);

#endif
