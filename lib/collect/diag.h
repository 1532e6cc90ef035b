#ifndef OO_DIAG_H
#define OO_DIAG_H
/*
 * TCP sockets of this network namespace, as the kernel lists them (sock_diag(7)). Private to the
 * module.
 */
#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include "diagnose/evidence.h"

/* A socket in the list. at: its own end; port in host order. */
struct oo_diag_socket {
	struct oo_endpoint_text at;
	uint16_t peer_port; /* in host order */
	uint8_t state;      /* TCP_LISTEN, TCP_CLOSE_WAIT, ... */
	uint32_t queued;    /* listeners: waiting to be accepted; others: bytes to be read */
	uint32_t backlog;   /* listeners: how many may wait; others: bytes to be sent */
	uint32_t inode;     /* 0: nobody has it open */
	bool v6only;
};

typedef void oo_diag_fn(void *user, const struct oo_diag_socket *socket);

/* Reads one message of the list. Returns whether it is a socket of TCP over IPv4 or IPv6. */
bool oo_diag_parse(const struct nlmsghdr *header, struct oo_diag_socket *ret_socket);

/*
 * Calls found for each socket in one of the states (bits 1 << TCP_...). The kernel answers at once.
 * Returns 0 or -errno: -ENOENT where the kernel has no CONFIG_INET_TCP_DIAG.
 */
int oo_diag_list(uint32_t states, oo_diag_fn *found, void *user);

#endif
