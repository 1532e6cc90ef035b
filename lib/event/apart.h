#ifndef OO_APART_H
#define OO_APART_H
/*
 * Work in a process of its own: what hangs in the kernel, as on a file system that does not answer, costs
 * the work and not its caller.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Runs in the other process. Returns 0, or -errno with err. */
typedef int oo_apart_fn(const void *subject, void *room, struct oo_err *err);

struct oo_apart_task {
	oo_apart_fn *work;
	const void *subject; /* as it is now: the other process has a copy */
	void *room;          /* borrowed; as it is now, and then as the work has left it */
	size_t size;         /* of room, bytes */
	int64_t timeout_ms;
};

/*
 * Waits for the work, and no longer than timeout_ms: then it is killed, room has what it had told by then,
 * and that is no error.
 * Returns 0, what work returned, with its err, or -errno of mmap(2) or fork(2), and room is as it was.
 */
int oo_apart_run(const struct oo_apart_task *task, struct oo_err *err);

#endif
