#include "guard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal.h"
#include "lifetime.h"
#include "net/fence.h"

struct agent_guard {
	struct oo_fence *fence; /* NULL: the kernel has no nf_tables */
	struct agent_lifetime lifetime;
	uint64_t repairs;
};

static void on_lost(void *user)
{
	struct agent_guard *guard = user;
	struct oo_err err;

	guard->repairs++;
	if (oo_fence_restore(guard->fence, &err) < 0) {
		agent_say(OO_LOG_ERROR, &(struct agent_said){.message = AGENT_MESSAGE_FENCE},
			  "fence: somebody changed it and it cannot be put back: %s", err.text);
	} else {
		agent_say(OO_LOG_WARNING, &(struct agent_said){.message = AGENT_MESSAGE_FENCE},
			  "fence: somebody changed the packet filter (time %" PRIu64
			  "): put back; a ruleset that is loaded with 'flush ruleset' does that",
			  guard->repairs);
	}
}

/* why: what the kernel has not. */
static int do_without_fence(const struct oo_config_lease *lease, const struct oo_err *why,
			    struct oo_err *err)
{
	int r = oo_config_check_unfenced(lease, err);
	if (r < 0) {
		oo_err_wrap(err, "no fence: %s", why->text);
		return r;
	}
	agent_say(OO_LOG_WARNING, &(struct agent_said){.message = AGENT_MESSAGE_FENCE},
		  "no fence, addresses' lifetimes alone guard: %s", why->text);
	return 0;
}

static int make_fence(struct agent *agent, struct agent_guard *guard,
		      const struct oo_address_set *vips, bool keep, struct oo_err *err)
{
	char name[OO_FENCE_NAME_LENGTH];
	snprintf(name, sizeof(name), "ooha-%s", agent->config->cluster);
	struct oo_fence_options options = {.name = name,
					   .vips = vips->list,
					   .n = vips->n,
					   .keep = keep,
					   .lost = on_lost,
					   .user = guard};
	return oo_fence_new(agent->event, &options, &guard->fence, err);
}

int agent_guard_new(struct agent *agent, const struct oo_address_set *vips, bool keep,
		    struct agent_guard **ret_guard, struct oo_err *err)
{
	struct agent_guard *guard = calloc(1, sizeof(*guard));
	if (guard == NULL) {
		return oo_fail(err, ENOMEM, "guard");
	}
	struct oo_err why;
	int r = make_fence(agent, guard, vips, keep, &why);
	if (r == -EOPNOTSUPP) {
		r = do_without_fence(&agent->config->lease, &why, err);
	} else if (r < 0) {
		*err = why;
	}
	if (r < 0) {
		free(guard);
		return r;
	}
	agent_guard_set_lease(guard, &agent->config->lease);
	*ret_guard = guard;
	return 0;
}

/* The tables are replaced in one transaction, with what is open in them: nothing closes in between. */
int agent_guard_set_vips(struct agent *agent, const struct oo_address_set *vips, struct oo_err *err)
{
	struct agent_guard *guard = agent->guard;
	struct oo_fence *before = guard->fence;
	if (before == NULL) {
		return 0;
	}
	int r = make_fence(agent, guard, vips, true, err);
	if (r < 0) {
		guard->fence = before;
		return r;
	}
	oo_fence_free(before, false);
	return 0;
}

int agent_guard_check_lease(const struct agent_guard *guard, const struct oo_config_lease *lease,
			    struct oo_err *err)
{
	return guard->fence != NULL ? 0 : oo_config_check_unfenced(lease, err);
}

void agent_guard_set_lease(struct agent_guard *guard, const struct oo_config_lease *lease)
{
	guard->lifetime = (struct agent_lifetime){.fenced = guard->fence != NULL,
						  .ttl_ms = lease->ttl_ms,
						  .renew_ms = lease->renew_ms};
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

uint32_t agent_guard_lifetime_s(const struct agent_guard *guard, int64_t guard_until, int64_t now)
{
	return agent_lifetime_s(&guard->lifetime, guard_until, now);
}

int64_t agent_guard_rearm_at(const struct agent_guard *guard, int64_t guard_until, int64_t now,
			     int64_t armed_until)
{
	return agent_lifetime_rearm_at(&guard->lifetime, guard_until, now, armed_until);
}

bool agent_guard_has_fence(const struct agent_guard *guard)
{
	return guard->fence != NULL;
}

uint64_t agent_guard_repairs(const struct agent_guard *guard)
{
	return guard->repairs;
}
