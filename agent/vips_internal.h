#ifndef OO_AGENT_VIPS_INTERNAL_H
#define OO_AGENT_VIPS_INTERNAL_H
/* Shared by vips.c and vips_reload.c only. */
#include "vips.h"

/* Of a VIP, by its number in the configuration: number k of part. */
struct place {
	struct agent_part *part;
	size_t k;
};

struct agent_vips {
	struct agent *agent;
	unsigned group;
	const struct oo_config_group *config;
	struct agent_part *parts; /* owned */
	size_t n_parts;
	struct place *places;       /* owned; as many as config has VIPs */
	struct oo_timer timer;      /* re-arms between renewals, or tries again */
	struct oo_timer gone_timer; /* some were reported to be gone */
	struct oo_timer link_timer; /* a carrier will have lasted long enough to count */
	bool wanted, graceful, kept;
	bool lapsed;    /* down although the claim is ours */
	bool said_link; /* that all interfaces have link */
	int64_t hold_until, guard_until;
	int64_t repaired_at;       /* what somebody had removed; 0: never */
	char error[OO_ERR_LENGTH]; /* said once; "" when all is well */
};

/* The part of that mode on interface; NULL: there is none. */
struct agent_part *agent_vips_find_part(const struct agent_vips *vips, enum oo_mode mode,
					const char *interface);

#endif
