#ifndef OO_ADDRESSES_H
#define OO_ADDRESSES_H
/*
 * Addresses coming and going in several network namespaces, in the order in which the kernel made
 * the changes.
 *
 * One socket hears all namespaces (NETLINK_LISTEN_ALL_NSID), so there is one queue. The kernel
 * sends a notification while it holds the lock that every address change in every namespace takes
 * (RTNL), so the queue's order is the order of the changes: no clock is compared, and being
 * scheduled late can neither turn two events round nor hide that two addresses were there at once.
 * What is late is only the time stamp, which is that of reading (tens of us, more under load).
 * One exception: an IPv6 address is announced when duplicate address detection is over, with
 * IFA_F_NODAD from a work queue right after it was added; it may be seen that much later.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define ADDRESSES_NODES_MAX 8

struct addresses {
	int fd;                            /* all events; readable when there is one; owned */
	int dump_fds[ADDRESSES_NODES_MAX]; /* one inside each namespace, owned */
	unsigned n_nodes;
};

struct addresses_event {
	int64_t at_us; /* CLOCK_BOOTTIME when it was read */
	unsigned node; /* index in the order of addresses_add */
	int family;
	unsigned ifindex;
	unsigned char bytes[16]; /* as in struct tool_address */
	bool up;
};

typedef void addresses_fn(const struct addresses_event *event, void *user);

/*
 * Opens the listening socket. The calling process moves into a network namespace of its own, where
 * it numbers the others as it likes. Returns 0 or -errno with err.
 */
int addresses_open(struct addresses *addresses, struct oo_err *err);

/* For OO_AUTO. */
void addresses_close(struct addresses *addresses);

/*
 * Listens to one more namespace.
 * path  of the namespace, /run/netns/NAME.
 * Returns 0, -E2BIG past ADDRESSES_NODES_MAX, or -errno with err.
 */
int addresses_add(struct addresses *addresses, const char *path, struct oo_err *err);

/*
 * Reads what has come, without waiting.
 * found  may be NULL, then events are dropped.
 * Returns the number of events, -ENOBUFS when the kernel dropped some (the history has a hole and
 * cannot be judged), or another -errno.
 */
int addresses_read(struct addresses *addresses, addresses_fn *found, void *user);

/* Reports each address that is in any of the namespaces now, as up. Waits for the kernel, up to
 * 2 s a namespace. Returns 0 or -errno. */
int addresses_dump(struct addresses *addresses, addresses_fn *found, void *user);

#endif
