#ifndef OO_ACCESS_H
#define OO_ACCESS_H
/* Clients of the configured etcd, and a write that writes nothing. Private to the module. */
#include "etcd/etcd.h"
#include "examine/work.h"

/* A client of n of the configured endpoints from the one of that index on. Returns as oo_etcd_new. */
int oo_access_open(const struct oo_work *work, size_t index, size_t n, struct oo_etcd **ret_etcd,
		   struct oo_err *err);

/*
 * Sends a txn that goes through consensus and needs every right that a put needs, and puts nothing:
 * its condition is never so. Returns as oo_etcd_txn.
 */
int oo_access_try_write(const struct oo_work *work, struct oo_etcd *etcd, oo_etcd_fn *done,
			void *user);

#endif
