#ifndef OO_FENCE_LOOK_H
#define OO_FENCE_LOOK_H
/* What a fence does to VIPs, for one who has not put it up and changes nothing. */
#include <stdint.h>

#include "base/error.h"
#include "net/address.h"

#define OO_FENCE_LOOK_VIPS 64

/*
 * name         of the tables (net/fence.h).
 * n            at most OO_FENCE_LOOK_VIPS.
 * ret_left_ms  n of them: how long the kernel still answers for each; 0: it drops what comes.
 * Returns 0, -ENOENT (there are no such tables: nothing is fenced), -EPERM (needs CAP_NET_ADMIN),
 * -EOPNOTSUPP (no nf_tables), -E2BIG or another -errno.
 */
int oo_fence_look(const char *name, const struct oo_address *vips, size_t n, int64_t *ret_left_ms,
		  struct oo_err *err);

#endif
