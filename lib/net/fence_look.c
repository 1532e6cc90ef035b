#include "net/fence_look.h"

#include <errno.h>

#include "base/cleanup.h"
#include "net/fence_read.h"

int oo_fence_look(const char *name, const struct oo_address *vips, size_t n, int64_t *ret_left_ms,
		  struct oo_err *err)
{
	struct oo_fence_vip list[OO_FENCE_LOOK_VIPS] = {0};
	uint64_t fingerprint;
	OO_AUTO(oo_fence_kernel_close) struct oo_fence_kernel kernel = {0};
	if (n > OO_FENCE_LOOK_VIPS) {
		return oo_fail_text(err, E2BIG, "look at the fence of more than %d VIPs",
				    OO_FENCE_LOOK_VIPS);
	}
	for (size_t i = 0; i < n; i++) {
		list[i].address = vips[i];
	}
	int r = oo_fence_kernel_open(&kernel, oo_fence_batch_capacity(0), err);
	if (r == 0) {
		r = oo_fence_read_fingerprint(&kernel, name, &fingerprint, err);
	}
	if (r == 0) {
		r = oo_fence_read_held(&kernel, name, list, n, err);
	}
	for (size_t i = 0; i < n && r == 0; i++) {
		ret_left_ms[i] = list[i].left_ms;
	}
	return r;
}
