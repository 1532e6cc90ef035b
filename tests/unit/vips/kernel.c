#include "kernel.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "evidence.h"
#include "gate.h"
#include "guard.h"
#include "net/announce.h"
#include "net/sockets.h"
#include "notices.h"
#include "rival.h"
#include "story.h"

struct kernel kernel;

/* -- the kernel */

static void note(const char *what)
{
	if (strlen(kernel.trace) + strlen(what) < sizeof(kernel.trace)) {
		strcat(kernel.trace, what);
	}
}

static size_t find(const struct oo_address *address, int ifindex)
{
	for (size_t i = 0; i < kernel.n; i++) {
		if (oo_address_equal(&kernel.has[i].address, address) &&
		    (ifindex == 0 || kernel.has[i].ifindex == ifindex)) {
			return i;
		}
	}
	return kernel.n;
}

static void take(const struct oo_address *address, int ifindex)
{
	size_t i = find(address, ifindex);
	if (i < kernel.n) {
		kernel.has[i] = kernel.has[--kernel.n];
	}
}

void kernel_take(const char *text)
{
	struct oo_address address;
	if (oo_address_parse(text, &address, NULL) == 0) {
		take(&address, 0);
	}
}

bool kernel_has(const char *text)
{
	struct oo_address address;
	return oo_address_parse(text, &address, NULL) == 0 && find(&address, 0) < kernel.n;
}

int oo_net_link(struct oo_net *net, const char *name, struct oo_link *ret_link, struct oo_err *err)
{
	(void)net;
	if (oo_text_equal(name, "lo")) {
		*ret_link = (struct oo_link){.index = KERNEL_LO,
					     .name = "lo",
					     .exists = true,
					     .up = true,
					     .carrier = true};
		return 0;
	}
	int index = name[3] - '0' + 1;
	*ret_link = (struct oo_link){.index = index,
				     .exists = kernel.exists[index - 1],
				     .up = kernel.exists[index - 1],
				     .carrier = kernel.exists[index - 1],
				     .mac_length = OO_MAC_LENGTH};
	snprintf(ret_link->name, sizeof(ret_link->name), "%s", name);
	return kernel.exists[index - 1] ? 0 : oo_fail(err, ENODEV, "%s", name);
}

int oo_net_addresses_add(struct oo_net *net, const struct oo_address_set *set, uint32_t valid_s,
			 struct oo_err *err)
{
	int r = 0;
	(void)net;
	(void)valid_s;
	for (size_t i = 0; i < set->n; i++) {
		if (set->list[i].family == kernel.refuses_family) {
			r = r < 0 ? r : oo_fail(err, EACCES, "cannot add");
		} else if (find(&set->list[i], set->ifindex) == kernel.n) {
			kernel.has[kernel.n].address = set->list[i];
			kernel.has[kernel.n++].ifindex = set->ifindex;
		}
	}
	return r;
}

int oo_net_addresses_remove(struct oo_net *net, const struct oo_address_set *set,
			    struct oo_err *err)
{
	(void)net;
	kernel.n_removals++;
	note("address ");
	if (kernel.refuses_removal != 0) {
		return oo_fail(err, kernel.refuses_removal, "cannot remove");
	}
	for (size_t i = 0; i < set->n; i++) {
		take(&set->list[i], set->ifindex);
	}
	return 0;
}

int oo_net_addresses_present(struct oo_net *net, const struct oo_address_set *set,
			     bool *ret_present, struct oo_err *err)
{
	(void)net;
	(void)err;
	kernel.n_dumps++;
	for (size_t i = 0; i < set->n; i++) {
		ret_present[i] = find(&set->list[i], set->ifindex) < kernel.n;
	}
	return 0;
}

int oo_sockets_reset_all(const struct oo_address *list, size_t n, unsigned *ret_count,
			 struct oo_err *err)
{
	(void)list;
	(void)n;
	(void)err;
	note("reset ");
	*ret_count = 0;
	return 0;
}

/* -- routes */

static size_t find_route(const struct oo_address *address, uint32_t metric)
{
	size_t i = 0;
	while (i < kernel.n_routes && (!oo_address_equal(&kernel.routes[i].address, address) ||
				       (metric != 0 && kernel.routes[i].metric != metric))) {
		i++;
	}
	return i;
}

bool kernel_has_route(const char *text, uint32_t metric)
{
	struct oo_address address;
	return oo_address_parse(text, &address, NULL) == 0 &&
	       find_route(&address, metric) < kernel.n_routes;
}

void kernel_take_routes(void)
{
	kernel.n_routes = 0;
}

int oo_net_routes_add(struct oo_net *net, const struct oo_route_set *set, bool replace,
		      struct oo_err *err)
{
	(void)net;
	for (size_t i = 0; i < set->n; i++) {
		const struct oo_route *route = &set->list[i];
		if (kernel.refuses_routes) {
			return oo_fail(err, EPERM, "cannot add the route");
		}
		/* the address that it prefers is there before */
		CU_ASSERT(find(&route->address, set->ifindex) < kernel.n);
		if (find_route(&route->address, route->metric) == kernel.n_routes) {
			kernel.routes[kernel.n_routes++] = *route;
			kernel.n_route_changes++;
		} else {
			kernel.n_route_changes += replace;
		}
	}
	return 0;
}

int oo_net_routes_remove(struct oo_net *net, const struct oo_route_set *set, struct oo_err *err)
{
	(void)net;
	if (set->n > 0) {
		note("route ");
	}
	if (kernel.refuses_routes && set->n > 0) {
		return oo_fail(err, EPERM, "cannot remove the route");
	}
	for (size_t i = 0; i < set->n; i++) {
		size_t k;
		while ((k = find_route(&set->list[i].address, 0)) < kernel.n_routes) {
			kernel.routes[k] = kernel.routes[--kernel.n_routes];
			kernel.n_route_changes++;
		}
	}
	return 0;
}

/* -- announcers: one a link, made in the links' order */

struct oo_announcer {
	int ifindex;
};

int oo_announcer_new(sd_event *event, struct oo_announcer **ret_announcer, struct oo_err *err)
{
	(void)event;
	*ret_announcer = calloc(1, sizeof(**ret_announcer));
	return *ret_announcer == NULL ? oo_fail(err, ENOMEM, "announcer") : 0;
}

void oo_announcer_free(struct oo_announcer *announcer)
{
	free(announcer);
}

int oo_announcer_start(struct oo_announcer *announcer, const struct oo_link *link,
		       const struct oo_address *list, size_t n)
{
	(void)list;
	announcer->ifindex = link->index;
	kernel.n_announced[link->index - 1] = n;
	return 0;
}

void oo_announcer_stop(struct oo_announcer *announcer)
{
	if (announcer->ifindex != 0) {
		kernel.n_announced[announcer->ifindex - 1] = 0;
	}
}

void oo_announcer_burst(struct oo_announcer *announcer)
{
	(void)announcer;
}

int64_t oo_announcer_last_at(const struct oo_announcer *announcer)
{
	(void)announcer;
	return 0;
}

uint64_t oo_announcer_count(const struct oo_announcer *announcer)
{
	(void)announcer;
	return 0;
}

/* -- the guard */

int agent_guard_open(struct agent_guard *guard, const struct oo_address_set *vips,
		     int64_t hold_until, struct oo_err *err)
{
	(void)guard;
	(void)vips;
	(void)hold_until;
	(void)err;
	return 0;
}

int agent_guard_close(struct agent_guard *guard, const struct oo_address_set *vips,
		      struct oo_err *err)
{
	(void)guard;
	(void)vips;
	(void)err;
	kernel.n_closed++;
	note("fence ");
	return 0;
}

uint32_t agent_guard_lifetime_s(const struct agent_guard *guard, int64_t guard_until, int64_t now)
{
	(void)guard;
	return guard_until > now ? 10 : 0;
}

int64_t agent_guard_rearm_at(const struct agent_guard *guard, int64_t guard_until, int64_t now,
			     int64_t armed_until)
{
	(void)guard;
	(void)guard_until;
	(void)now;
	(void)armed_until;
	return OO_NEVER;
}

/* -- nobody else has them */

struct agent_rival {
	const struct agent_part *part;
};

int agent_rival_new(struct agent_part *part, unsigned group, struct agent_rival **ret_rival,
		    struct oo_err *err)
{
	(void)group;
	*ret_rival = calloc(1, sizeof(**ret_rival));
	if (*ret_rival == NULL) {
		return oo_fail(err, ENOMEM, "rival");
	}
	(*ret_rival)->part = part;
	return 0;
}

void agent_rival_free(struct agent_rival *rival)
{
	free(rival);
}

void agent_rival_apply(struct agent_rival *rival, const struct oo_want *want)
{
	(void)rival;
	(void)want;
}

size_t agent_rival_select(struct agent_rival *rival, const struct oo_address **ret_list)
{
	*ret_list = rival->part->list;
	return rival->part->n;
}

bool agent_rival_withholds(const struct agent_rival *rival, size_t k)
{
	(void)rival;
	(void)k;
	return false;
}

void agent_rival_inherit(struct agent_rival *rival, const struct agent_rival *before, bool held)
{
	(void)rival;
	(void)before;
	kernel.n_inherited += held;
}

struct agent_rival_state agent_rival_state(const struct agent_rival *rival, size_t k)
{
	(void)rival;
	(void)k;
	return (struct agent_rival_state){.conflicts = 0};
}

/* -- the rest of the agent */

void agent_story_address_up(struct agent_story *story, unsigned group, int64_t armed_at)
{
	(void)story;
	(void)group;
	(void)armed_at;
	kernel.n_ups++;
}

void agent_tell(struct agent *agent, const struct oo_event *event)
{
	(void)agent;
	(void)event;
	kernel.n_told++;
}

void agent_gate_tell_link(struct agent *agent, unsigned group)
{
	(void)agent;
	(void)group;
	kernel.n_told++;
}

struct oo_core_view oo_core_view(const struct oo_core *core, unsigned group)
{
	static const struct oo_claim mine = {.epoch = 7};
	(void)core;
	(void)group;
	return (struct oo_core_view){.mine = &mine, .epoch = 8};
}

void agent_notices_say(struct agent *agent, const struct agent_notice *notice)
{
	(void)agent;
	(void)notice;
}

void agent_evidence_collect(const char *root, const char *interface, int ifindex,
			    struct agent_evidence *ret_evidence)
{
	(void)root;
	(void)interface;
	(void)ifindex;
	*ret_evidence = (struct agent_evidence){.network_file = ""};
}
