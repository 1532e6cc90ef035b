#ifndef OO_RIVAL_SOCKET_H
#define OO_RIVAL_SOCKET_H
/* Inside lib/net: the packet socket of one family, and the filter in it. */
#include "net/address.h"

/*
 * Opens one that hears frames of family on the interface, of the kinds in net/frame.h. Returns 0 or
 * -errno.
 */
int oo_rival_socket_open(int family, const struct oo_link *link, int *ret_fd, struct oo_err *err);
/* Hears the interface as it is now; harmless when it does already. Returns 0 or -errno. */
int oo_rival_socket_bind(int fd, int family, const struct oo_link *link, struct oo_err *err);
/* Asks who has address, whose family is that of fd. Returns 0 or -errno. */
int oo_rival_socket_ask(int fd, const struct oo_link *link, const struct oo_address *address);

#endif
