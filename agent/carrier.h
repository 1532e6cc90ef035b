#ifndef OO_AGENT_CARRIER_H
#define OO_AGENT_CARRIER_H
/*
 * Whether an interface counts as having link: a flapping cable must not make the VIP flap. Pure.
 */
#include <stdbool.h>
#include <stdint.h>

/* Longer than a switch port needs to come back from a glitch; short beside any ttl. */
#define AGENT_CARRIER_DOWN_MS 300
/* Each loss starts it anew, so what flaps faster than this stays down. */
#define AGENT_CARRIER_UP_MS 1000

struct agent_carrier {
	bool known;
	bool counts;        /* the interface has link, as far as it matters to others */
	bool seen;          /* it has carrier now */
	int64_t changed_at; /* since when that is so, CLOCK_BOOTTIME ms */
};

/*
 * What the kernel says at now. The first news count at once, and so does usable being false.
 * usable  the interface is there, and its administrator wants it up.
 */
void agent_carrier_see(struct agent_carrier *carrier, bool usable, bool has_carrier, int64_t now);
/* Time has passed: what has lasted long enough counts. */
void agent_carrier_settle(struct agent_carrier *carrier, int64_t now);
/* When to settle it; OO_NEVER: there is nothing to wait for. */
int64_t agent_carrier_due_at(const struct agent_carrier *carrier);

#endif
