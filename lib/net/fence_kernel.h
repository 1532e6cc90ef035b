#ifndef OO_FENCE_KERNEL_H
#define OO_FENCE_KERNEL_H
/* Inside lib/net: requests of the fence to nf_tables. */
#include <libmnl/libmnl.h>

#include "base/error.h"
#include "net/fence_batch.h"

/* Owned by its struct oo_fence. */
struct oo_fence_kernel {
	struct mnl_socket *requests; /* owned */
	uint32_t seq;                /* the next message's */
};

/* send_bytes  the longest batch. Returns 0, -EOPNOTSUPP (no nfnetlink) or -errno. */
int oo_fence_kernel_open(struct oo_fence_kernel *kernel, size_t send_bytes, struct oo_err *err);
/* A zeroed one is accepted. */
void oo_fence_kernel_close(struct oo_fence_kernel *kernel);

/*
 * Sends a batch that began with kernel->seq and has its outcome. The text of err says which part was
 * refused.
 * Returns 0, -ENOENT (there are no such tables; err is left alone), -EPERM (needs CAP_NET_ADMIN),
 * -ETIMEDOUT (no answer within 1 s) or another -errno; then nothing has changed.
 */
int oo_fence_kernel_commit(struct oo_fence_kernel *kernel, const struct oo_fence_batch *batch,
			   struct oo_err *err);

/*
 * As oo_fence_kernel_commit for a batch that creates the tables: what is missing then is missing in
 * the kernel. Returns -EOPNOTSUPP for that, with a text that says what it is.
 */
int oo_fence_kernel_create(struct oo_fence_kernel *kernel, const struct oo_fence_batch *batch,
			   struct oo_err *err);

/* Objects of one kind and family. Borrowed for the call. */
struct oo_fence_dump {
	uint16_t type; /* NFT_MSG_GET*; its answers are NFT_MSG_NEW* */
	uint8_t family;
	const char *name;            /* of the table; the kernel may add others' objects */
	const char *set;             /* of elements; else NULL */
	void (*restart)(void *user); /* forget what was handled: it comes again */
	mnl_cb_t handle;             /* its result does not count */
	void *user;
};

/*
 * Reads what was at one moment, if need be in several tries.
 * Returns 0, -ENOENT (no such table or set; err is left alone), -EINTR (always changing), or another -errno.
 */
int oo_fence_kernel_dump(struct oo_fence_kernel *kernel, const struct oo_fence_dump *dump,
			 struct oo_err *err);

/* The first attribute of that number behind the struct nfgenmsg of an nf_tables message, or NULL. */
const struct nlattr *oo_fence_attribute(const struct nlmsghdr *header, uint16_t number);

/* The nf_tables message is about the table of that family and name, or something in it. */
bool oo_fence_is_of(const struct nlmsghdr *header, uint8_t family, const char *name);

#endif
