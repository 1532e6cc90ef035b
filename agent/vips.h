#ifndef OO_AGENT_VIPS_H
#define OO_AGENT_VIPS_H
/*
 * The VIPs of one group on this node: up, re-armed and announced while the core wants it, down
 * otherwise. At every renewal the kernel is told the new deadline (guard.h).
 */
#include "agent.h"
#include "net/address.h"
#include "rival.h"
#include "way.h"

struct agent_part;
struct agent_vips;

struct agent_vip_state {
	const char *address, *interface; /* interface: "": on none */
	enum oo_mode mode;
	bool up;
	struct agent_way_state way; /* whether the network is told */
	uint64_t repairs;
	const char *removed_by; /* who took it off its interface last, presumably; "": nobody did */
	struct agent_rival_state rival;
	const char *error; /* "" if none; the stranger's is in rival, the way's in way */
};

int agent_vips_new(struct agent *agent, unsigned group, struct agent_vips **ret_vips,
		   struct oo_err *err);
void agent_vips_free(struct agent_vips *vips);

/*
 * After a reload that changes the group's VIPs: vips, new and made for these, go on from what before
 * is at. Those that are held stay as they are; one that was taken out is reset and taken down, one that
 * was put in is asked for, put up and announced, soon. before is to be freed then.
 */
void agent_vips_replace(struct agent_vips *vips, struct agent_vips *before);
/* The same VIPs in a new configuration's memory. */
void agent_vips_set_config(struct agent_vips *vips, const struct oo_config_group *config);

/* Makes it so; on failure tries again by itself. */
void agent_vips_apply(struct agent_vips *vips, const struct oo_want *want);
/* Soon, from the loop: there may be more to add. */
void agent_vips_retry(struct agent_vips *vips);
/* Arms what is up anew, for as long as the hold allows: nobody will, for a while. */
void agent_vips_rearm(struct agent_vips *vips);
/* Whether any of them may be on this node. */
bool agent_vips_is_up(const struct agent_vips *vips);
/* All of its interfaces have; a carrier that was lost or has come back counts when it has lasted. */
bool agent_vips_has_link(const struct agent_vips *vips);
/* Which interface has none, and why: "eth0 has no carrier"; "" while all have. */
void agent_vips_explain_link(const struct agent_vips *vips, char *text, size_t size);
/*
 * Looks for what an earlier agent left: adopts it, or removes it if no tenure covers it; said in the log.
 * Returns 0, or -errno of asking or removing: what this needs is missing now, not at a promotion.
 */
int agent_vips_find(struct agent_vips *vips, bool adopt, struct oo_err *err);

/* Copies all addresses into list, which has room for agent_vips_count; returns how many. */
size_t agent_vips_list(const struct agent_vips *vips, struct oo_address *list);
size_t agent_vips_count(const struct agent_vips *vips);
/* By mode and interface, as part.h has them; what they say of links and VIPs is of now. */
const struct agent_part *agent_vips_parts(const struct agent_vips *vips, size_t *ret_n);
/* The part that VIP number i of the configuration is in, as its number *ret_k. */
const struct agent_part *agent_vips_part(const struct agent_vips *vips, size_t i, size_t *ret_k);
/* The part that has address, as its number *ret_k; NULL: none has. */
const struct agent_part *agent_vips_having(const struct agent_vips *vips,
					   const struct oo_address *address, size_t *ret_k);
struct agent_vip_state agent_vips_state(const struct agent_vips *vips, size_t i);

/* From the kernel; what does not concern this group is passed over. */
void agent_vips_on_link(struct agent_vips *vips, const struct oo_link *link);
void agent_vips_on_address(struct agent_vips *vips, int ifindex, const struct oo_address *address,
			   bool present);
void agent_vips_on_resync(struct agent_vips *vips);

#endif
