#ifndef OO_AGENT_GUARD_H
#define OO_AGENT_GUARD_H
/*
 * How the kernel keeps the deadline of a hold when the agent cannot (docs/design.md section 2). With
 * nf_tables the fence guards, in ms, and the addresses' lifetime only clears up behind it; without, the
 * lifetime alone guards, in whole seconds and up to one late.
 */
#include "agent.h"
#include "net/address.h"

struct agent_guard;

/*
 * vips: every VIP of the agent. keep: some of them are adopted, and may go on being answered for.
 * Returns 0, -EINVAL (no nf_tables, and a ttl that the lifetime alone cannot guard: err has the arithmetic),
 * or what oo_fence_new returns.
 */
int agent_guard_new(struct agent *agent, const struct oo_address_set *vips, bool keep,
		    struct agent_guard **ret_guard, struct oo_err *err);
/* remove: none of the VIPs is on this host any more. NULL is accepted. */
void agent_guard_free(struct agent_guard *guard, bool remove);

/*
 * After a reload: these are the VIPs now; what is held of them stays so. Returns 0, or what oo_fence_new
 * returns: nothing has changed.
 */
int agent_guard_set_vips(struct agent *agent, const struct oo_address_set *vips,
			 struct oo_err *err);
/* Whether it can keep the deadlines of such a lease. Returns 0 or -EINVAL with the arithmetic. */
int agent_guard_check_lease(const struct agent_guard *guard, const struct oo_config_lease *lease,
			    struct oo_err *err);
void agent_guard_set_lease(struct agent_guard *guard, const struct oo_config_lease *lease);

/* Lets them be answered for until hold_until. Before they come up. */
int agent_guard_open(struct agent_guard *guard, const struct oo_address_set *vips,
		     int64_t hold_until, struct oo_err *err);
/* Nothing that is new comes in from now on. */
int agent_guard_close(struct agent_guard *guard, const struct oo_address_set *vips,
		      struct oo_err *err);

/* The lifetime to arm an address with now, and when again between renewals: lifetime.h. */
uint32_t agent_guard_lifetime_s(const struct agent_guard *guard, int64_t guard_until, int64_t now);
int64_t agent_guard_rearm_at(const struct agent_guard *guard, int64_t guard_until, int64_t now,
			     int64_t armed_until);

bool agent_guard_has_fence(const struct agent_guard *guard);
/* How often somebody changed the fence and it was put back. */
uint64_t agent_guard_repairs(const struct agent_guard *guard);

#endif
