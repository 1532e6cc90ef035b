#ifndef OO_SOCKETS_H
#define OO_SOCKETS_H
/*
 * Resets the TCP connections that are bound to an address that leaves this host, so that browsers
 * and websockets reconnect at once instead of hanging (sock_diag(7), SOCK_DESTROY).
 */
#include "base/error.h"
#include "net/address.h"

/*
 * Aborts every TCP connection of this network namespace whose local address is address: both ends
 * get ECONNRESET or the like, the peer by an RST, so the address must still be there. IPv4
 * connections of dual-stack listeners (local address ::ffff:10.0.0.100) are among them. Listeners
 * stay; TIME_WAIT too. It looks again until it finds none (a few times at most). Synchronous:
 * about 10 us a connection.
 * ret_count  how many were aborted; set on failure as well (0 or what was done till then).
 * Returns 0, -EPERM (needs CAP_NET_ADMIN), -EOPNOTSUPP (kernel without CONFIG_INET_DIAG_DESTROY),
 * -ENOENT (without CONFIG_INET_TCP_DIAG), -ETIMEDOUT (no answer within 1 s), -ENOMEM, or another
 * -errno.
 */
int oo_sockets_reset(const struct oo_address *address, unsigned *ret_count, struct oo_err *err);

/* The same for the n addresses of list, at the price of one: looking through all connections costs
 * about 1 ms, whatever is looked for. */
int oo_sockets_reset_all(const struct oo_address *list, size_t n, unsigned *ret_count,
			 struct oo_err *err);

#endif
