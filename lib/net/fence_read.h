#ifndef OO_FENCE_READ_H
#define OO_FENCE_READ_H
/* Inside lib/net: what the kernel has of a fence's tables. */
#include "net/fence_kernel.h"

/*
 * A number that stays as it is while the tables called name, their chains, rules and sets, and the
 * VIPs in them are neither changed nor deleted.
 * Returns 0, -ENOENT (a set is missing; err is left alone) or another -errno.
 */
int oo_fence_read_fingerprint(struct oo_fence_kernel *kernel, const char *name,
			      uint64_t *ret_fingerprint, struct oo_err *err);

/*
 * Fills left_ms of each of vips: what the kernel has left of the VIP's time, rounded down; 0 when
 * it is not held, or for ever, or there are no such tables.
 * Returns 0 or -errno.
 */
int oo_fence_read_held(struct oo_fence_kernel *kernel, const char *name, struct oo_fence_vip *vips,
		       size_t n, struct oo_err *err);

#endif
