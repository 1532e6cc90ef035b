/*
 * Mode route: a route of ours to each VIP, with a protocol number of our own, that a routing daemon of this
 * host exports while it is there. What the address takes along when its lifetime ends is in net/route.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "net/route.h"
#include "part.h"
#include "way.h"

struct routes {
	struct oo_route *list; /* owned; room for those of one request */
	int64_t told_at;
	uint64_t times;
	char error[OO_ERR_LENGTH];
};

static struct oo_route route_of(const struct agent_part *part, size_t k)
{
	const struct oo_config_vip *vip = &part->config->vips[part->index[k]];
	return (struct oo_route){.address = part->list[k],
				 .table = (uint32_t)vip->table,
				 .protocol = (uint8_t)vip->protocol,
				 .metric = (uint32_t)vip->metric};
}

/* Those that are here, or those that are not. */
static struct oo_route_set select_routes(const struct agent_part *part, bool present)
{
	const struct routes *routes = part->way_state;
	struct oo_route_set set = {.ifindex = part->link.index, .list = routes->list};
	for (size_t k = 0; k < part->n; k++) {
		if (part->present[k] == present) {
			routes->list[set.n++] = route_of(part, k);
		}
	}
	return set;
}

static int note(struct routes *routes, int r, const struct oo_err *err)
{
	oo_text_clip(routes->error, sizeof(routes->error), r < 0 ? err->text : "");
	return r;
}

static int open_routes(struct agent_part *part, struct oo_err *err)
{
	struct routes *routes = calloc(1, sizeof(*routes));
	part->way_state = routes;
	if (routes != NULL) {
		routes->list = calloc(part->config->n_vips, sizeof(*routes->list));
	}
	return routes == NULL || routes->list == NULL ? oo_fail(err, ENOMEM, "routes") : 0;
}

static void close_routes(struct agent_part *part)
{
	struct routes *routes = part->way_state;
	if (routes != NULL) {
		free(routes->list);
		free(routes);
	}
}

/* Adds those that are here. replace: whatever is in their place. */
static int add(const struct agent_part *part, bool replace, struct oo_err *err)
{
	struct routes *routes = part->way_state;
	const struct oo_route_set set = select_routes(part, true);
	struct oo_err why;
	int r = oo_net_routes_add(part->agent->net, &set, replace, &why);
	if (r < 0 && err != NULL) {
		*err = why;
	}
	return note(routes, r, &why);
}

static int up(struct agent_part *part, size_t n, int64_t hold_until, struct oo_err *err)
{
	struct routes *routes = part->way_state;
	if (oo_clock_now() >= hold_until) {
		return oo_fail_text(err, ETIME, "no route added: the hold ended meanwhile");
	}
	const struct oo_route_set gone = select_routes(part, false);
	int r = oo_net_routes_remove(part->agent->net, &gone, err);
	r = r < 0 ? r : add(part, true, err);
	if (r == 0) {
		routes->told_at = oo_clock_now();
		routes->times += n;
	}
	return r;
}

/* One that somebody took away comes back with the next renewal; one that is there is left alone. */
static int confirm(struct agent_part *part, int64_t hold_until, struct oo_err *err)
{
	(void)hold_until; /* the address that it prefers has its lifetime */
	return add(part, false, err);
}

static int down(struct agent_part *part, int64_t until, struct oo_err *err)
{
	struct routes *routes = part->way_state;
	struct oo_route_set set = {.list = routes->list};
	struct oo_err why;

	(void)until; /* it takes no time */
	while (set.n < part->n) {
		routes->list[set.n] = route_of(part, set.n);
		set.n++;
	}
	int r = oo_net_routes_remove(part->agent->net, &set, &why);
	if (r < 0 && err != NULL) {
		*err = why;
	}
	return note(routes, r, &why);
}

/* The kernel has taken it along, or it is put in anew with its address. */
static void hush(struct agent_part *part)
{
	(void)part;
}

static void repeat(const struct agent_part *part)
{
	(void)add(part, true, NULL); /* said in the status */
}

static void drop(struct agent_part *part, size_t k)
{
	const struct oo_route route = route_of(part, k);
	const struct oo_route_set set = {.list = &route, .n = 1};
	struct oo_err err;
	if (oo_net_routes_remove(part->agent->net, &set, &err) < 0) {
		oo_log(OO_LOG_ERROR, "%s: %s", part->config->name, err.text);
	}
}

static void inherit(struct agent_part *part, struct agent_part *before)
{
	struct routes *routes = part->way_state;
	const struct routes *of_before = before->way_state;
	routes->told_at = of_before->told_at;
	routes->times = of_before->times;
}

/* What is adopted is replaced by itself at the first arming. */
static int find(struct agent_part *part, bool adopt, struct oo_err *err)
{
	return adopt ? 0 : down(part, 0, err);
}

static void read_state(const struct agent_part *part, size_t k, struct agent_way_state *ret_state)
{
	const struct routes *routes = part->way_state;
	ret_state->told = part->n_announced > 0 && part->present[k];
	ret_state->told_at = routes->told_at;
	ret_state->times = routes->times;
	oo_text_clip(ret_state->error, sizeof(ret_state->error), routes->error);
}

const struct agent_way agent_way_route = {
	.open = open_routes,
	.close = close_routes,
	.up = up,
	.confirm = confirm,
	.down = down,
	.hush = hush,
	.repeat = repeat,
	.drop = drop,
	.inherit = inherit,
	.find = find,
	.read = read_state,
};
