#ifndef OO_NETLINK_H
#define OO_NETLINK_H
/* Inside lib/net: the rtnetlink handle, and many requests sent as one. */
#include <netlink/addr.h>
#include <netlink/netlink.h>

#include "net/address.h"

/* Messages of one sendmsg(2); their acknowledgements fit into the socket's buffer. */
#define OO_NETLINK_BATCH_MAX 64

/* Owned by whoever called oo_net_new. */
struct oo_net {
	struct nl_sock *requests; /* owned; NULL after an answer was missed, see oo_netlink_open */
	struct nl_sock *reports;  /* owned */
	sd_event_source *source;  /* owned */
	struct oo_net_callbacks callbacks;
	void *user;
};

/* Requests that go out together. Zeroed when empty; done frees the messages. */
struct oo_netlink_batch {
	struct nl_msg *messages[OO_NETLINK_BATCH_MAX]; /* owned */
	int results[OO_NETLINK_BATCH_MAX];             /* of each, 0 or -errno, after a send */
	size_t n;
	size_t answered;
	uint32_t first_seq;
};

void oo_netlink_batch_done(struct oo_netlink_batch *batch);

/*
 * Makes sure that there is a socket for requests. One whose answer was missed is closed
 * (oo_netlink_failed), so that a late answer is never taken for that of a later request.
 */
int oo_netlink_open(struct oo_net *net, struct oo_err *err);

/* Says that libnl failed with -NLE_*; closes the socket for requests. Returns -errno. */
int oo_netlink_failed(struct oo_net *net, int nl_error, struct oo_err *err, const char *what);

/* Sends all of batch in one go and waits for every answer. Returns 0 (see results) or -errno. */
int oo_netlink_send(struct oo_net *net, struct oo_netlink_batch *batch, struct oo_err *err);

/* The address of family and length that libnl holds. Returns false for other families. */
bool oo_netlink_address(struct nl_addr *local, int prefix, struct oo_address *ret_address);

#endif
