#ifndef OO_ETCD_ENCODE_H
#define OO_ETCD_ENCODE_H
/*
 * Request bodies (rpc.proto of etcd API v3, as JSON). All append to body and return 0, -EINVAL
 * (cannot be asked: no key, no op, too many ops), -E2BIG (beyond body's limit) or -ENOMEM; after an
 * error body is of no use.
 */
#include "base/text.h"
#include "etcd/etcd.h"

/* For the range of an op or of a watch. */
struct oo_etcd_range {
	const char *key;
	const char *end; /* or NULL */
	bool prefix;
};

int oo_etcd_encode_txn(const struct oo_etcd_txn *txn, struct oo_buffer *body);
int oo_etcd_encode_op(const struct oo_etcd_op *op, struct oo_buffer *body);
int oo_etcd_encode_grant(int64_t id, int64_t ttl_s, struct oo_buffer *body);
/* keepalive, revoke, timetolive */
int oo_etcd_encode_lease(int64_t id, struct oo_buffer *body);
int oo_etcd_encode_watch(const struct oo_etcd_range *range, int64_t start_revision,
			 struct oo_buffer *body);
int oo_etcd_encode_login(const char *username, const char *password, struct oo_buffer *body);

#endif
