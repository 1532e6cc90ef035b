#include "net/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "net/netlink.h"

#define SAME_MAX 16 /* routes to one destination that differ in their metric alone */

/* What is done with each route of a set. */
enum verb {
	VERB_ENSURE,
	VERB_REPLACE,
	VERB_REMOVE,
};

static void put_route(struct rtnl_route **route)
{
	rtnl_route_put(*route);
}

static void put_nl_addr(struct nl_addr **address)
{
	nl_addr_put(*address);
}

static int add_next_hop(struct rtnl_route *route, int ifindex)
{
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	if (hop == NULL) {
		return -NLE_NOMEM;
	}
	rtnl_route_nh_set_ifindex(hop, ifindex);
	rtnl_route_add_nexthop(route, hop); /* owns it from now on */
	return 0;
}

/* What a route is found by; added to, what it is. NULL: no memory. */
static struct rtnl_route *new_route(const struct oo_route_set *set, size_t i, enum verb verb)
{
	const struct oo_route *from = &set->list[i];
	const struct oo_address *address = &from->address;
	const size_t length = address->family == AF_INET ? 4 : 16;
	OO_AUTO(put_nl_addr)
	struct nl_addr *target = nl_addr_build(address->family, address->bytes, length);
	OO_AUTO(put_route) struct rtnl_route *route = rtnl_route_alloc();
	if (target == NULL || route == NULL) {
		return NULL;
	}
	rtnl_route_set_table(route, from->table);
	rtnl_route_set_protocol(route, from->protocol);
	rtnl_route_set_scope(route, RT_SCOPE_LINK);
	if (rtnl_route_set_family(route, (uint8_t)address->family) < 0 ||
	    rtnl_route_set_type(route, RTN_UNICAST) < 0 || rtnl_route_set_dst(route, target) < 0) {
		return NULL;
	}
	if (verb == VERB_REMOVE) {
		return oo_take_ptr(route);
	}
	rtnl_route_set_priority(route, from->metric);
	if (rtnl_route_set_pref_src(route, target) < 0 || add_next_hop(route, set->ifindex) < 0) {
		return NULL;
	}
	return oo_take_ptr(route);
}

static struct nl_msg *build(const struct oo_route_set *set, size_t i, enum verb verb)
{
	struct nl_msg *message = NULL;
	OO_AUTO(put_route) struct rtnl_route *route = new_route(set, i, verb);
	if (route == NULL) {
		return NULL;
	}
	int r = verb == VERB_REMOVE ? rtnl_route_build_del_request(route, 0, &message)
				    : rtnl_route_build_add_request(
					      route,
					      NLM_F_CREATE | (verb == VERB_REPLACE ? NLM_F_REPLACE
										   : NLM_F_EXCL),
					      &message);
	return r < 0 ? NULL : message;
}

static int fail(const struct oo_route *route, enum verb verb, int r, struct oo_err *err)
{
	char text[OO_ADDRESS_LENGTH];
	return oo_fail_text(err, -r, "%s the route to %s in table %u: %s%s",
			    verb == VERB_REMOVE ? "remove" : "add",
			    oo_address_format(&route->address, text), route->table, strerror(-r),
			    r == -EPERM ? " (needs CAP_NET_ADMIN)" : "");
}

/* Whether result means that it is as it should be. */
static bool is_done(enum verb verb, int result)
{
	return result == 0 || (verb == VERB_ENSURE && result == -EEXIST) ||
	       (verb == VERB_REMOVE && result == -ESRCH);
}

/*
 * Does it to at most a batch from number i on. *ret_again: whether some were removed, so that there may
 * be others like them.
 */
static int change_batch(struct oo_net *net, const struct oo_route_set *set, size_t i,
			enum verb verb, bool *ret_again, struct oo_err *err)
{
	OO_AUTO(oo_netlink_batch_done) struct oo_netlink_batch batch = {0};

	while (i + batch.n < set->n && batch.n < OO_NETLINK_BATCH_MAX) {
		struct nl_msg *message = build(set, i + batch.n, verb);
		if (message == NULL) {
			return fail(&set->list[i + batch.n], verb, -ENOMEM, err);
		}
		batch.messages[batch.n++] = message;
	}
	int r = oo_netlink_send(net, &batch, err);
	*ret_again = false;
	for (size_t j = 0; r == 0 && j < batch.n; j++) {
		*ret_again = *ret_again || (verb == VERB_REMOVE && batch.results[j] == 0);
		if (!is_done(verb, batch.results[j])) {
			r = fail(&set->list[i + j], verb, batch.results[j], err);
		}
	}
	return r;
}

static int change(struct oo_net *net, const struct oo_route_set *set, enum verb verb,
		  struct oo_err *err)
{
	int first = 0;

	for (size_t i = 0; i < set->n; i += OO_NETLINK_BATCH_MAX) {
		bool again = true;
		int r = 0;
		for (int round = 0; again && r == 0 && round < SAME_MAX; round++) {
			r = change_batch(net, set, i, verb, &again, first < 0 ? NULL : err);
		}
		first = first < 0 ? first : r;
	}
	return first;
}

int oo_net_routes_add(struct oo_net *net, const struct oo_route_set *set, bool replace,
		      struct oo_err *err)
{
	return change(net, set, replace ? VERB_REPLACE : VERB_ENSURE, err);
}

int oo_net_routes_remove(struct oo_net *net, const struct oo_route_set *set, struct oo_err *err)
{
	return change(net, set, VERB_REMOVE, err);
}
