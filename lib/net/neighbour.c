#include "net/neighbour.h"

#include <netlink/cache.h>
#include <netlink/route/neighbour.h>
#include <linux/neighbour.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/netlink.h"

/* What is being looked up. */
struct look {
	const struct oo_address_set *set;
	struct oo_neighbour *neighbours;
};

static void free_cache(struct nl_cache **cache)
{
	nl_cache_free(*cache);
}

/* A state in which the kernel has a MAC to send to: stale ones are used, and asked about meanwhile. */
static bool has_mac(struct rtnl_neigh *neigh)
{
	const int usable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
	struct nl_addr *mac = rtnl_neigh_get_lladdr(neigh);

	return (rtnl_neigh_get_state(neigh) & usable) != 0 && mac != NULL &&
	       nl_addr_get_len(mac) == OO_MAC_LENGTH;
}

static void note(struct nl_object *object, void *user)
{
	const struct look *look = user;
	struct rtnl_neigh *neigh = (struct rtnl_neigh *)object;
	struct oo_address address;

	if (rtnl_neigh_get_ifindex(neigh) != look->set->ifindex || !has_mac(neigh) ||
	    !oo_netlink_address(rtnl_neigh_get_dst(neigh), 0, &address)) {
		return;
	}
	for (size_t i = 0; i < look->set->n; i++) {
		if (oo_address_equal(&look->set->list[i], &address)) {
			look->neighbours[i].known = true;
			memcpy(look->neighbours[i].mac,
			       nl_addr_get_binary_addr(rtnl_neigh_get_lladdr(neigh)),
			       OO_MAC_LENGTH);
		}
	}
}

int oo_net_neighbours(struct oo_net *net, const struct oo_address_set *set,
		      struct oo_neighbour *ret_neighbours, struct oo_err *err)
{
	OO_AUTO(free_cache) struct nl_cache *cache = NULL;
	struct look look = {.set = set, .neighbours = ret_neighbours};
	int r = oo_netlink_open(net, err);

	if (r < 0) {
		return r;
	}
	r = rtnl_neigh_alloc_cache(net->requests, &cache);
	if (r < 0) {
		cache = NULL;
		return oo_netlink_failed(net, r, err, "list neighbours");
	}
	memset(ret_neighbours, 0, set->n * sizeof(*ret_neighbours));
	nl_cache_foreach(cache, note, &look);
	return 0;
}
