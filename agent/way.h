#ifndef OO_AGENT_WAY_H
#define OO_AGENT_WAY_H
/*
 * How the network is told who has the VIPs of a part: one driver for each mode of the configuration
 * (way_arp.c, way_route.c, way_provider.c). part.c calls them, and has the fence, the addresses and the
 * connections to itself; the core knows nothing of any of it.
 *
 * Everything is a level: up and confirm are called again at each arming (some times within a ttl) for as long as
 * the VIPs are held, down until it is done. Nothing blocks. A driver that takes time answers -EINPROGRESS and calls
 * agent_vips_retry(part->agent->vips[part->group]) when there is news; it is asked again then.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"

struct agent_part;

/* Of one VIP, for people. */
struct agent_way_state {
	bool told;       /* the network knows that this node has it */
	int64_t told_at; /* last; 0: never */
	uint64_t times;
	char error[OO_ERR_LENGTH]; /* why it is not told, or not told that it is gone; "" */
	/* Of mode provider: the name of its state (provider/provider.h); NULL: of another mode. */
	const char *provider;
	uint64_t runs, failures, repairs;
};

struct agent_way {
	/*
	 * Told of on the link of its interface: others there may have it (rival.h), see it (neighbours.h), and
	 * a lost carrier takes it away.
	 */
	bool on_link;
	/* down may answer -EINPROGRESS: all else of the group waits for it. */
	bool takes_time;
	/* Once, before all else. part has no VIPs yet, but room for those of its configuration. */
	int (*open)(struct agent_part *part, struct oo_err *err);
	/* Also of what is half-made. Tells nobody. */
	void (*close)(struct agent_part *part);
	/*
	 * Tells of the first n of part->spoken, which are on this node, and of no others any more.
	 * hold_until  not true any more from then on, unless it is called again.
	 * Returns 0: told; -EINPROGRESS: being told; or -errno, to be tried again soon.
	 */
	int (*up)(struct agent_part *part, size_t n, int64_t hold_until, struct oo_err *err);
	/* As many are here as when the last up returned 0: sees to it that they stay told. Returns as up. */
	int (*confirm)(struct agent_part *part, int64_t hold_until, struct oo_err *err);
	/*
	 * Takes it all back, before anything else of the VIPs goes; also when nothing is told.
	 * until  it may take so long; 0, or past: no time: what runs is ended, and the answer not -EINPROGRESS.
	 * Returns 0: gone, or given up; -EINPROGRESS; or -errno: still told, to be tried again while the rest
	 * goes on.
	 */
	int (*down)(struct agent_part *part, int64_t until, struct oo_err *err);
	/* The VIPs went without its doing and are to come back: nothing is said of them until up, nor taken back. */
	void (*hush)(struct agent_part *part);
	/* Somebody asks for it to be told once more, at once. */
	void (*repeat)(const struct agent_part *part);
	/* After a reload VIP number k of part is not configured any more, or otherwise: takes it back, at once. */
	void (*drop)(struct agent_part *part, size_t k);
	/* Goes on from what before is at, which is closed then; their VIPs may differ. */
	void (*inherit)(struct agent_part *part, struct agent_part *before);
	/*
	 * At the start: what an earlier agent has told. adopt: may stay as it is, if it is of these VIPs; else is
	 * taken back. Returns 0 or -errno.
	 */
	int (*find)(struct agent_part *part, bool adopt, struct oo_err *err);
	/* What to say of VIP number k. ret_state is zeroed. */
	void (*read)(const struct agent_part *part, size_t k, struct agent_way_state *ret_state);
};

extern const struct agent_way agent_way_arp, agent_way_provider, agent_way_route;

#endif
