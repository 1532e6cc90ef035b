#ifndef OO_AGENT_HOOKS_H
#define OO_AGENT_HOOKS_H
/*
 * Which programs run at which event, and what they are told (docs/hooks.md). Two queues: what follows
 * the addresses must not wait for a message that nobody takes.
 */
#include "agent.h"
#include "hook/hook.h"

enum agent_hook {
	AGENT_HOOK_PRE_PROMOTE,
	AGENT_HOOK_PROMOTED,
	AGENT_HOOK_PRE_DEMOTE,
	AGENT_HOOK_DEMOTED,
	AGENT_HOOK_ELIGIBLE,
	AGENT_HOOK_INELIGIBLE,
	AGENT_HOOK_DEGRADED,
	AGENT_HOOK_NOTIFY,
};

#define AGENT_NO_GROUP OO_CORE_GROUPS_MAX /* it is about the node */

/* Texts may be NULL. */
struct agent_hook_event {
	enum agent_hook hook;
	unsigned group; /* or AGENT_NO_GROUP */
	const char *peer, *reason;
	uint64_t epoch;
	const char *grade, *notice, *state, *text; /* of a notice */
};

struct agent_hooks;

int agent_hooks_new(struct agent *agent, struct agent_hooks **ret_hooks, struct oo_err *err);
void agent_hooks_free(struct agent_hooks *hooks);
void agent_hooks_set_timeout(struct agent_hooks *hooks, int64_t timeout_ms);

/* As in OOHA_EVENT and in the configuration: "pre_promote". */
const char *agent_hook_name(enum agent_hook hook);
/* What is to run at it; never NULL. */
const struct oo_config_texts *agent_hooks_paths(const struct agent *agent, enum agent_hook hook);
/* Queues what is configured for it; a failure is said in the log. */
void agent_hooks_run(struct agent_hooks *hooks, const struct agent_hook_event *event);
/* The same in a runner of the caller's, whose done runs from the loop. Returns what oo_hooks_run does. */
int agent_hooks_run_in(struct agent *agent, struct oo_hooks *runner,
		       const struct agent_hook_event *event, oo_hooks_done_fn *done, void *user);
/* Nothing is queued or runs. */
bool agent_hooks_is_quiet(const struct agent_hooks *hooks);

#endif
