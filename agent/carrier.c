#include "carrier.h"

#include "base/clock.h"

int64_t agent_carrier_due_at(const struct agent_carrier *carrier)
{
	if (carrier->seen == carrier->counts) {
		return OO_NEVER;
	}
	return carrier->changed_at + (carrier->seen ? AGENT_CARRIER_UP_MS : AGENT_CARRIER_DOWN_MS);
}

void agent_carrier_settle(struct agent_carrier *carrier, int64_t now)
{
	if (now >= agent_carrier_due_at(carrier)) {
		carrier->counts = carrier->seen;
	}
}

void agent_carrier_see(struct agent_carrier *carrier, bool usable, bool has_carrier, int64_t now)
{
	const bool seen = usable && has_carrier;

	if (!carrier->known || seen != carrier->seen) {
		carrier->seen = seen;
		carrier->changed_at = now;
	}
	if (!carrier->known || !usable) {
		carrier->counts = seen;
	}
	carrier->known = true;
	agent_carrier_settle(carrier, now);
}
