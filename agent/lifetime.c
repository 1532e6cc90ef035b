#include "lifetime.h"

#include "base/clock.h"

#define UNIT_MS 1000
#define KERNEL_LATE_MS 1000
/* What a timer may be late, the clock's rounding included: no more than the least margin of a lease. */
#define TIMER_LATE_MS 10

static uint32_t whole_seconds(int64_t ms)
{
	return ms < UNIT_MS ? 0 : (uint32_t)(ms / UNIT_MS);
}

/*
 * Unfenced, the address has to be gone by guard_until, when a standby may take over. Fenced, it only
 * has to go soon after its agent has: before a standby takes over, where whole seconds allow it.
 */
uint32_t agent_lifetime_s(const struct agent_lifetime *lifetime, int64_t guard_until, int64_t now)
{
	if (lifetime->fenced) {
		uint32_t n = whole_seconds(lifetime->ttl_ms - lifetime->renew_ms - KERNEL_LATE_MS);
		return guard_until <= now ? 0 : n > 0 ? n : 1;
	}
	/* one less: now is rounded down */
	return whole_seconds(guard_until - now - 1 - KERNEL_LATE_MS);
}

/*
 * Late enough in what is armed that a renewal on time comes first, and arms. Unfenced also when a last
 * second may be armed, so that a late renewal finds the address still up.
 */
int64_t agent_lifetime_rearm_at(const struct agent_lifetime *lifetime, int64_t guard_until,
				int64_t now, int64_t armed_until)
{
	int64_t last = lifetime->fenced ? guard_until
					: guard_until - KERNEL_LATE_MS - UNIT_MS - TIMER_LATE_MS;
	int64_t next = now + (armed_until - now) * 3 / 4;
	if (next > last) {
		next = last;
	}
	return next > now ? next : OO_NEVER;
}
