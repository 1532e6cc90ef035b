#include "hooks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "journal.h"

_Static_assert(AGENT_HOOK_NOTIFY + 1 == AGENT_HOOKS, "each is counted");

struct agent_hooks {
	struct agent *agent;
	struct oo_hooks *moves;   /* promoted, demoted */
	struct oo_hooks *notices; /* what only informs */
};

const char *agent_hook_name(enum agent_hook hook)
{
	switch (hook) {
	case AGENT_HOOK_PRE_PROMOTE:
		return "pre_promote";
	case AGENT_HOOK_PROMOTED:
		return "promoted";
	case AGENT_HOOK_PRE_DEMOTE:
		return "pre_demote";
	case AGENT_HOOK_DEMOTED:
		return "demoted";
	case AGENT_HOOK_ELIGIBLE:
		return "eligible";
	case AGENT_HOOK_INELIGIBLE:
		return "ineligible";
	case AGENT_HOOK_DEGRADED:
		return "degraded";
	case AGENT_HOOK_NOTIFY:
		return "notify";
	}
	return "?";
}

const struct oo_config_texts *agent_hooks_paths(const struct agent *agent, enum agent_hook hook)
{
	const struct oo_config_hooks *hooks = &agent->config->hooks;

	switch (hook) {
	case AGENT_HOOK_PRE_PROMOTE:
		return &hooks->pre_promote;
	case AGENT_HOOK_PROMOTED:
		return &hooks->promoted;
	case AGENT_HOOK_PRE_DEMOTE:
		return &hooks->pre_demote;
	case AGENT_HOOK_DEMOTED:
		return &hooks->demoted;
	case AGENT_HOOK_ELIGIBLE:
		return &hooks->eligible;
	case AGENT_HOOK_INELIGIBLE:
		return &hooks->ineligible;
	case AGENT_HOOK_DEGRADED:
		return &hooks->degraded;
	case AGENT_HOOK_NOTIFY:
		break;
	}
	return &hooks->notify;
}

static bool is_a_move(enum agent_hook hook)
{
	return hook == AGENT_HOOK_PROMOTED || hook == AGENT_HOOK_DEMOTED;
}

/* All VIPs of a group: "10.0.0.100/24 fd00::100/64". */
static int list_vips(const struct oo_config_group *group, struct oo_buffer *buffer)
{
	for (size_t i = 0; i < group->n_vips; i++) {
		int r = oo_buffer_add_format(buffer, "%s%s", i == 0 ? "" : " ",
					     group->vips[i].address);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

int agent_hooks_run_in(struct agent *agent, struct oo_hooks *runner,
		       const struct agent_hook_event *event, oo_hooks_done_fn *done, void *user)
{
	const struct oo_config *config = agent->config;
	const struct oo_config_texts *paths = agent_hooks_paths(agent, event->hook);
	const struct oo_config_group *group =
		event->group == AGENT_NO_GROUP ? NULL : &config->groups[event->group];
	OO_AUTO(oo_buffer_done) struct oo_buffer vips;
	oo_buffer_init(&vips, 1 << 20);

	int r = group == NULL ? 0 : list_vips(group, &vips);
	const struct oo_hooks_event queued = {
		.paths = paths->items,
		.n_paths = paths->n,
		.environment = {.event = agent_hook_name(event->hook),
				.group = group == NULL ? NULL : group->name,
				.node = config->node.name,
				.peer = event->peer,
				.reason = event->reason,
				.vips = vips.data,
				.cluster = config->cluster,
				.grade = event->grade,
				.notice = event->notice,
				.state = event->state,
				.text = event->text,
				.epoch = event->epoch},
		.done = done,
		.user = user,
		.counts = &agent->counts.hooks[event->hook],
	};
	return r < 0 ? r : oo_hooks_run(runner, &queued);
}

static void on_done(void *user, int ran, int failed)
{
	struct agent_hooks *hooks = user;
	(void)ran;
	(void)failed; /* each has been said */
	agent_check_leaving(hooks->agent);
}

void agent_hooks_run(struct agent_hooks *hooks, const struct agent_hook_event *event)
{
	struct agent *agent = hooks->agent;
	struct oo_hooks *runner = is_a_move(event->hook) ? hooks->moves : hooks->notices;

	if (agent_hooks_paths(agent, event->hook)->n == 0) {
		return;
	}
	int r = agent_hooks_run_in(agent, runner, event, on_done, hooks);
	if (r < 0) {
		agent_say(OO_LOG_ERROR,
			  &(struct agent_said){.message = AGENT_MESSAGE_HOOK,
					       .cause = agent_hook_name(event->hook)},
			  "%s: %s hooks not run: %s",
			  event->group == AGENT_NO_GROUP ? "node"
							 : agent->group_names[event->group],
			  agent_hook_name(event->hook), strerror(-r));
	}
}

bool agent_hooks_is_quiet(const struct agent_hooks *hooks)
{
	return oo_hooks_pending(hooks->moves) == 0 && oo_hooks_pending(hooks->notices) == 0;
}

void agent_hooks_set_timeout(struct agent_hooks *hooks, int64_t timeout_ms)
{
	oo_hooks_set_timeout(hooks->moves, timeout_ms);
	oo_hooks_set_timeout(hooks->notices, timeout_ms);
}

static void on_line(void *user, enum oo_log_level level, const char *hook, const char *line)
{
	(void)user;
	agent_say(level, &(struct agent_said){.message = AGENT_MESSAGE_HOOK}, "hook %s: %s", hook,
		  line);
}

int agent_hooks_new(struct agent *agent, struct agent_hooks **ret_hooks, struct oo_err *err)
{
	struct agent_hooks *hooks = calloc(1, sizeof(*hooks));
	if (hooks == NULL) {
		return oo_fail(err, ENOMEM, "hooks");
	}
	hooks->agent = agent;
	const struct oo_hooks_options options = {
		.timeout_ms = agent->config->hooks.timeout_ms, .log = on_line, .user = hooks};
	int r = oo_hooks_new(agent->event, &options, &hooks->moves, err);
	r = r < 0 ? r : oo_hooks_new(agent->event, &options, &hooks->notices, err);
	if (r < 0) {
		agent_hooks_free(hooks);
		return r;
	}
	*ret_hooks = hooks;
	return 0;
}

void agent_hooks_free(struct agent_hooks *hooks)
{
	if (hooks != NULL) {
		oo_hooks_free(hooks->moves);
		oo_hooks_free(hooks->notices);
		free(hooks);
	}
}
