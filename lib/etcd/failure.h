#ifndef OO_ETCD_FAILURE_H
#define OO_ETCD_FAILURE_H
/*
 * What a refusal of etcd's means. The gRPC code and the text decide, never the HTTP status: the
 * same code comes with different statuses from different builds of the gateway.
 *
 *   code                      text                              remedy       r
 *   1 Canceled                                                  ask another  ETIMEDOUT
 *   2 Unknown                 context deadline exceeded, ...    ask another  ETIMEDOUT
 *   3 InvalidArgument         user name is empty,
 *                             revision of auth store is old,
 *                             revision in header is old         log in       EACCES
 *                             invalid user ID or password       give up      EACCES
 *                             request is too large              give up      E2BIG
 *                             else                              give up      EINVAL
 *   4 DeadlineExceeded                                          ask another  ETIMEDOUT
 *   5 NotFound                (leases)                          give up      ENOENT
 *   6 AlreadyExists                                             give up      EEXIST
 *   7 PermissionDenied                                          give up      EACCES
 *   8 ResourceExhausted       database space exceeded           give up      ENOSPC
 *                             too many requests, else           ask another  EAGAIN
 *   9 FailedPrecondition      lease already exists              give up      EEXIST
 *                             authentication is not enabled     give up      EOPNOTSUPP
 *                             else                              give up      EINVAL
 *   10 Aborted, 13 Internal                                     ask another  ETIMEDOUT
 *   11 OutOfRange                                               give up      ERANGE
 *   12 Unimplemented                                            give up      EPROTO
 *   14 Unavailable            request timed out, leader changed,
 *                             transport is closing, ...         ask another  ETIMEDOUT
 *   15 DataLoss                                                 give up      EIO
 *   16 Unauthenticated                                          log in       EACCES
 *   any                       no leader, not leader, not a primary
 *                             lessor, not supported for learner ask another  EAGAIN
 *
 * ETIMEDOUT: the outcome is unknown. EAGAIN: refused before anything was done (no leader is,
 * because what we send carries hasleader). EOPNOTSUPP comes to a login only: it is not needed then.
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define OO_ETCD_FAILURE_LENGTH 320

enum oo_etcd_remedy {
	OO_ETCD_GIVE_UP,
	OO_ETCD_ASK_ANOTHER, /* another member may do better, and this one should be left */
	OO_ETCD_LOG_IN,      /* get a new token, then ask again, once */
};

struct oo_etcd_failure {
	enum oo_etcd_remedy remedy;
	int r;                             /* negative, as in etcd.h */
	char text[OO_ETCD_FAILURE_LENGTH]; /* one printable line, with advice where we know some */
};

/* text: etcd's own, not trusted. */
void oo_etcd_failure_from_code(int code, const char *text, struct oo_etcd_failure *ret_failure);

/* From the cancel_reason of a watch: "rpc error: code = PermissionDenied desc = ..." or a text. */
void oo_etcd_failure_from_reason(const char *reason, struct oo_etcd_failure *ret_failure);

/* From an answer that is no JSON of etcd's: the gateway is off, a proxy, another server. */
void oo_etcd_failure_from_http(long status, const char *body, size_t length,
			       struct oo_etcd_failure *ret_failure);

/* How an exchange ended that brought no answer, as libcurl says it. */
struct oo_etcd_broken {
	CURLcode code;    /* not CURLE_OK */
	int error_number; /* CURLINFO_OS_ERRNO; 0: none */
	bool sent;        /* something may have reached the member */
	bool tls;         /* there was a TLS handshake */
	int64_t took_ms;
	const char *theirs;    /* libcurl's text, never shown whole; may be "" */
	const char *cert_file; /* ours; or NULL */
};

/* ECONNREFUSED if nothing was sent, EPROTO if the answer is too large, else ETIMEDOUT. */
void oo_etcd_failure_from_broken(const struct oo_etcd_broken *broken,
				 struct oo_etcd_failure *ret_failure);

/* In our own words. error_number is positive. */
void oo_etcd_failure_set(struct oo_etcd_failure *ret_failure, enum oo_etcd_remedy remedy,
			 int error_number, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
