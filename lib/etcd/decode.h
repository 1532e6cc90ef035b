#ifndef OO_ETCD_DECODE_H
#define OO_ETCD_DECODE_H
/* Answers of unary requests: bytes in, struct oo_etcd_answer out. Nothing in them is trusted. */
#include "etcd/arena.h"
#include "etcd/etcd.h"
#include "etcd/failure.h"
#include "etcd/json.h"

/* What can be asked. request.c has the table of paths. */
enum oo_etcd_kind {
	OO_ETCD_KIND_RANGE,
	OO_ETCD_KIND_PUT,
	OO_ETCD_KIND_DELETE,
	OO_ETCD_KIND_TXN,
	OO_ETCD_KIND_GRANT,
	OO_ETCD_KIND_RENEW,
	OO_ETCD_KIND_REVOKE,
	OO_ETCD_KIND_LOOK,
	OO_ETCD_KIND_MEMBERS,
	OO_ETCD_KIND_STATUS,
	OO_ETCD_KIND_ALARMS,
	OO_ETCD_KIND_LOGIN,
};

struct oo_etcd_decoded {
	struct oo_etcd_answer answer; /* points into arena */
	const char *token;            /* LOGIN only */
	struct oo_etcd_arena arena;
};

/* For OO_AUTO, and after every decode. A zeroed one is accepted. */
void oo_etcd_decoded_done(struct oo_etcd_decoded *decoded);

/*
 * Reads the answer to a request of that kind.
 * status   HTTP's, for what is not JSON only.
 * Returns 0, or a negative number with failure saying what etcd refused or what is wrong.
 */
int oo_etcd_decode(enum oo_etcd_kind kind, long status, const char *body, size_t length,
		   struct oo_etcd_decoded *ret_decoded, struct oo_etcd_failure *failure);

/* Reads an answer that is a refusal by its HTTP status: etcd's error, or what else stands there. */
void oo_etcd_decode_refusal(long status, const char *body, size_t length,
			    struct oo_etcd_failure *ret_failure);

/* Shared with message.c. */

/* Whether object is one of etcd's four shapes of an error; fills failure if so. */
bool oo_etcd_decode_error(json_object *object, struct oo_etcd_failure *failure);
int oo_etcd_decode_header(json_object *object, struct oo_etcd_answer *answer, struct oo_err *err);
/* *ret_usable is false for a key with a NUL byte in it, which no C string can tell from another. */
int oo_etcd_decode_kv(json_object *object, struct oo_etcd_arena *arena, struct oo_etcd_kv *ret_kv,
		      bool *ret_usable, struct oo_err *err);

#endif
