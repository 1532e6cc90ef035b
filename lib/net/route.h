#ifndef OO_ROUTE_H
#define OO_ROUTE_H
/*
 * Routes to single addresses of this host, for a routing daemon to export (rtnetlink(7)): to a host, by the
 * interface that the address is on, with scope link and the address as preferred source.
 *
 * The preferred source is what withdraws the route of an agent that is dead: when the kernel ends the
 * address (address.h), it takes along the IPv4 routes of table main that prefer it (fib_sync_down_addr), and reports
 * that as any other withdrawal; from other tables it does not. IPv6 has no such rule: the route stays, without its
 * preferred source, and RTA_EXPIRES is looked at by the collector of garbage only, each 30 s by default. (Linux 6.18)
 */
#include "net/address.h"

struct oo_route {
	struct oo_address address; /* its prefix does not count */
	uint32_t table;
	uint8_t protocol;
	uint32_t metric;
};

/* Borrowed for the call. */
struct oo_route_set {
	int ifindex;
	const struct oo_route *list;
	size_t n;
};

/*
 * Makes sure that all of set are there; the addresses have to be on this host before.
 * replace  puts them in place of what has the same destination, table and metric; else such a route
 *          counts as being there, and nothing is reported to anybody if it is.
 * All are tried; the first failure is reported, with its address.
 * Returns 0, -EPERM (needs CAP_NET_ADMIN), -ENODEV (no such interface), -ENETDOWN (it is down), -EINVAL (the address is
 * not here), -ENOMEM, -ETIMEDOUT, or another -errno of the kernel.
 */
int oo_net_routes_add(struct oo_net *net, const struct oo_route_set *set, bool replace,
		      struct oo_err *err);
/*
 * Makes sure that none of set is there, of whatever metric and by whatever interface: what has the destination,
 * table and protocol. Being gone already is success. All are tried; the first failure is reported.
 * Returns 0, -EPERM, -ENOMEM, -ETIMEDOUT, or another -errno of the kernel.
 */
int oo_net_routes_remove(struct oo_net *net, const struct oo_route_set *set, struct oo_err *err);

#endif
