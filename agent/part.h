#ifndef OO_AGENT_PART_H
#define OO_AGENT_PART_H
/*
 * A group's VIPs of one mode on one interface: added, told of, looked for and removed together, under the
 * guard. It decides nothing; vips.c does.
 */
#include "agent.h"
#include "carrier.h"
#include "net/address.h"
#include "net/announce.h"
#include "suspect.h"
#include "way.h"

struct agent_rival;

struct agent_part {
	struct agent *agent;
	const struct oo_config_group *config;
	unsigned group;
	enum oo_mode mode;
	const struct agent_way *way;
	void *way_state;       /* the way's */
	const char *interface; /* in config; "": none, so nothing is put anywhere */
	struct oo_link link;
	struct agent_carrier carrier; /* of link */
	struct oo_address *list;      /* owned */
	size_t *index;                /* owned; of each, its place in the configuration */
	bool *present;                /* owned; of each, what the last look or addition has shown */
	struct oo_address *spoken;    /* owned; scratch: those to announce */
	uint64_t *repairs;            /* owned; of each, how often it was put back */
	size_t n;
	int64_t removal_said_at;    /* that somebody removed some; 0: never */
	enum agent_suspect suspect; /* of that */
	bool stray;                 /* some may be on an interface that is not this one any more */
	bool up;                    /* some of them may be on this node */
	bool placed;                /* all of them are here that no stranger has */
	bool whole;                 /* and told of */
	size_t n_announced;         /* told of; 0: none; less than there should be: unless whole */
	int64_t added_at;           /* the last addition that was needed succeeded */
	int64_t down_at;            /* last taken down: nobody is answered since */
	int64_t armed_until;        /* the earliest that the kernel may take them down by itself */
	int64_t hold_until;         /* as of the last addition */
	bool gone_reported;         /* some, by the kernel; to be looked at */
	struct oo_announcer *announcer; /* the way's; NULL: not of mode arp */
	struct agent_rival
		*rival; /* owned; made when all VIPs are in; NULL: nobody is on its link */
};

/*
 * Makes an empty one for VIPs like vip, with room for all of its group; done frees it, also half-made.
 * Returns 0, -ENOMEM, or what oo_net_link and the way's open return.
 */
int agent_part_open(struct agent_part *part, struct agent *agent, unsigned group,
		    const struct oo_config_vip *vip, struct oo_err *err);
void agent_part_done(struct agent_part *part);
/* Puts VIP number index of the configuration into it. Returns what oo_address_parse does. */
int agent_part_take(struct agent_part *part, size_t index, struct oo_err *err);
/* The number of address in part; part->n: it is not there. */
size_t agent_part_find_vip(const struct agent_part *part, const struct oo_address *address);
/* The number in part of what is VIP number k of other, told of in the same way; part->n: it is not there. */
size_t agent_part_find_same(const struct agent_part *part, const struct agent_part *other,
			    size_t k);
/* Takes those down that next (NULL: none) does not have any more, with their connections. */
void agent_part_drop(struct agent_part *part, const struct agent_part *next);
/* Goes on from what before, on the same interface, is at; that is only to be freed any more. */
void agent_part_inherit(struct agent_part *part, struct agent_part *before);
/* The same VIPs in a new configuration's memory. */
void agent_part_set_config(struct agent_part *part, const struct oo_config_group *config);

/* Of n parts: when the last of them was up, and when the first of them was taken down; 0: never. */
int64_t agent_part_all_added_at(const struct agent_part *parts, size_t n);
int64_t agent_part_any_down_at(const struct agent_part *parts, size_t n);
/* As the configuration writes it. */
const char *agent_part_text(const struct agent_part *part, size_t k);

/*
 * Adds what is missing, re-arms what is there, and tells of it; if some cannot be added, of those that could.
 * Returns 0 (also while the way is still telling), -ENODEV (the interface is gone), -ETIME (the hold ended
 * before it could be announced), or -errno of the guard, the kernel, or the way.
 */
int agent_part_add(struct agent_part *part, uint32_t valid_s, int64_t hold_until,
		   struct oo_err *err);
/* Tells of those that are there, by the last look or addition, and of no others. As the way's up. */
int agent_part_announce(struct agent_part *part, struct oo_err *err);
/* Not another announcement. */
void agent_part_hush(struct agent_part *part);
/*
 * Of n parts, takes back what was told in ways that take time, which they have until then; 0: none.
 * Returns whether one of them is at it still, and tells when it goes on.
 */
bool agent_part_is_any_leaving(struct agent_part *parts, size_t n, int64_t until);
/* Meanwhile n parts stay here, by lifetimes within guard_until. Returns when it is to be called again. */
int64_t agent_part_keep_armed(struct agent_part *parts, size_t n, int64_t guard_until);
/*
 * Takes back what was told, then removes them.
 * until  graceful: connections are reset; 0: they are not.
 * Returns 0, or -errno of the way, the guard or the kernel.
 */
int agent_part_remove(struct agent_part *part, int64_t until, struct oo_err *err);

/* Asks the kernel which are on ifindex; 0: on any interface. Returns 0 or -errno. */
int agent_part_look(const struct agent_part *part, int ifindex, struct oo_err *err);
/* By the last look. */
bool agent_part_is_any_present(const struct agent_part *part);
/* By the last look, VIP number k is not there, and no stranger is why. */
bool agent_part_is_missing(const struct agent_part *part, size_t k);
bool agent_part_is_any_missing(const struct agent_part *part);
/* Looks for what an earlier agent left, and adopts or removes it; said in the log. 0 or -errno. */
int agent_part_find(struct agent_part *part, bool adopt, struct oo_err *err);

#endif
