#ifndef OO_NEIGHBOUR_H
#define OO_NEIGHBOUR_H
/*
 * Where this host's kernel would send a packet for an address: its ARP and neighbour discovery table
 * (rtnetlink(7), RTM_GETNEIGH).
 */
#include "net/address.h"

struct oo_neighbour {
	bool known; /* there is a MAC for it, be it an old one; resolving or failed is none */
	uint8_t mac[OO_MAC_LENGTH]; /* zero unless known */
};

/*
 * Looks all of set up: one dump of the table. As oo_net_addresses_present, it waits for the kernel.
 * set->ifindex    the interface; 0 finds nothing.
 * ret_neighbours  set->n of them, in the order of set->list.
 * Returns 0, -ENOMEM, -ETIMEDOUT, or another -errno of the kernel. Needs no privilege.
 */
int oo_net_neighbours(struct oo_net *net, const struct oo_address_set *set,
		      struct oo_neighbour *ret_neighbours, struct oo_err *err);

#endif
