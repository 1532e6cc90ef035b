#include "guard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/fence.h"

/* The kernel removes an address up to this long after its lifetime (lib/net/address.h: measured). */
#define KERNEL_LATE_MS 1000

struct agent_guard {
	struct oo_config_lease lease;
	struct oo_fence *fence; /* NULL: the kernel has no nf_tables */
	uint64_t repairs;
};

static void on_lost(void *user)
{
	struct agent_guard *guard = user;
	struct oo_err err;

	guard->repairs++;
	if (oo_fence_restore(guard->fence, &err) < 0) {
		oo_log(OO_LOG_ERROR, "fence: somebody changed it and it cannot be put back: %s",
		       err.text);
	} else {
		oo_log(OO_LOG_WARNING,
		       "fence: somebody changed the packet filter (time %" PRIu64
		       "): put back; a ruleset that is loaded with 'flush ruleset' does that",
		       guard->repairs);
	}
}

/* With the lifetime alone, the slowest answer must still arm a second, and a next one must come in time. */
static int check_lifetime(const struct oo_config_lease *lease, struct oo_err *err)
{
	int64_t left = lease->ttl_ms - lease->margin_ms - lease->request_timeout_ms;
	if (left - KERNEL_LATE_MS >= 1000 && lease->renew_ms < left - KERNEL_LATE_MS) {
		return 0;
	}
	return oo_fail_text(err, EINVAL,
			    "lease.ttl: '%" PRId64
			    "ms': too short without nf_tables in the kernel: ttl - margin - "
			    "request timeout = %" PRId64
			    "ms, and with the address lifetime as the only guard it "
			    "must be at least 2000ms and more than renew (%" PRId64 "ms) + 1000ms",
			    lease->ttl_ms, left, lease->renew_ms);
}

int agent_guard_new(struct agent *agent, const struct oo_address_set *vips, bool keep,
		    struct agent_guard **ret_guard, struct oo_err *err)
{
	char name[OO_FENCE_NAME_LENGTH];
	struct agent_guard *guard = calloc(1, sizeof(*guard));
	if (guard == NULL) {
		return oo_fail(err, ENOMEM, "guard");
	}
	guard->lease = agent->config->lease;
	snprintf(name, sizeof(name), "ooha-%s", agent->config->cluster);
	struct oo_fence_options options = {.name = name,
					   .vips = vips->list,
					   .n = vips->n,
					   .keep = keep,
					   .lost = on_lost,
					   .user = guard};
	int r = oo_fence_new(agent->event, &options, &guard->fence, err);
	if (r == -EOPNOTSUPP) {
		oo_log(OO_LOG_WARNING, "no fence, addresses' lifetimes alone guard: %s", err->text);
		r = check_lifetime(&agent->config->lease, err);
	}
	if (r < 0) {
		free(guard);
		return r;
	}
	*ret_guard = guard;
	return 0;
}

void agent_guard_free(struct agent_guard *guard, bool remove)
{
	if (guard != NULL) {
		oo_fence_free(guard->fence, remove);
		free(guard);
	}
}

int agent_guard_open(struct agent_guard *guard, const struct oo_address_set *vips,
		     int64_t hold_until, struct oo_err *err)
{
	return guard->fence == NULL
		       ? 0
		       : oo_fence_open_until(guard->fence, vips->list, vips->n, hold_until, err);
}

int agent_guard_close(struct agent_guard *guard, const struct oo_address_set *vips,
		      struct oo_err *err)
{
	return guard->fence == NULL ? 0 : oo_fence_close(guard->fence, vips->list, vips->n, err);
}

/*
 * Without the fence safe is only N = floor(sent_at + ttl - now - 1 s): the kernel may be a second
 * late, and a standby may take over from sent_at + ttl on. With it the fence closes in time, and the
 * lifetime, re-armed by a timer, only has to end soon after an agent has: before a standby takes over,
 * where whole seconds allow it.
 */
uint32_t agent_guard_lifetime_s(const struct agent_guard *guard, int64_t guard_until, int64_t now)
{
	int64_t left = guard_until - now - KERNEL_LATE_MS;
	if (guard->fence != NULL) {
		int64_t ms = guard->lease.ttl_ms - guard->lease.renew_ms - KERNEL_LATE_MS;
		return guard_until <= now ? 0 : ms < 1000 ? 1 : (uint32_t)(ms / 1000);
	}
	return left < 1000 ? 0 : (uint32_t)(left / 1000);
}

/*
 * Halfway through what is armed. Without the fence also at the last moment at which a whole second may
 * be armed, so that a late renewal finds the address still up.
 */
int64_t agent_guard_rearm_at(const struct agent_guard *guard, int64_t guard_until, int64_t now,
			     int64_t armed_until)
{
	int64_t last_chance =
		guard->fence != NULL ? guard_until : guard_until - KERNEL_LATE_MS - 1000;
	int64_t next = now + (armed_until - now) / 2;
	if (next > last_chance) {
		next = last_chance;
	}
	return next > now ? next : OO_NEVER;
}

bool agent_guard_has_fence(const struct agent_guard *guard)
{
	return guard->fence != NULL;
}

uint64_t agent_guard_repairs(const struct agent_guard *guard)
{
	return guard->repairs;
}
