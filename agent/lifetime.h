#ifndef OO_AGENT_LIFETIME_H
#define OO_AGENT_LIFETIME_H
/*
 * How long the kernel keeps a VIP without word from the agent: whole seconds N, ended up to one late
 * (lib/net/address.h). Pure arithmetic; docs/design.md section 2 says why it is safe.
 */
#include <stdbool.h>
#include <stdint.h>

struct agent_lifetime {
	bool fenced; /* the fence guards; the lifetime only clears up behind it */
	int64_t ttl_ms, renew_ms;
};

/* N to arm with now; 0: none is safe. guard_until: sent_at + ttl of the last renewal. */
uint32_t agent_lifetime_s(const struct agent_lifetime *lifetime, int64_t guard_until, int64_t now);
/*
 * When to arm again if no renewal does it before; OO_NEVER: not before one.
 * armed_until  the earliest end of what was armed now.
 */
int64_t agent_lifetime_rearm_at(const struct agent_lifetime *lifetime, int64_t guard_until,
				int64_t now, int64_t armed_until);

#endif
