#include "damping.h"

#include <stdio.h>

#include "agent.h"
#include "base/duration.h"
#include "journal.h"

const char *agent_damping_explain(const struct agent *agent, unsigned group,
				  char text[static OO_REASON_LENGTH])
{
	struct oo_core_view view = oo_core_view(agent->core, group);
	char window[OO_DURATION_LENGTH], stable[OO_DURATION_LENGTH];

	text[0] = '\0';
	if (view.damping_ms == 0 || oo_core_want(agent->core, group)->role != OO_ROLE_ACTIVE) {
		return text;
	}
	snprintf(text, OO_REASON_LENGTH,
		 "damped: %u moves in %s; the next one waits until %.*s has been eligible for %s",
		 view.moves, oo_duration_format(agent->config->flap.window_ms, window),
		 OO_CORE_NAME_LENGTH, view.next == NULL ? "a node" : view.next,
		 oo_duration_format(view.damping_ms, stable));
	return text;
}

void agent_damping_tell(struct agent *agent, unsigned group)
{
	const bool damped = oo_core_view(agent->core, group).damping_ms > 0;
	const bool holds = oo_core_want(agent->core, group)->role == OO_ROLE_ACTIVE;
	const struct agent_said said = {.message = AGENT_MESSAGE_DAMPED,
					.group = agent->group_names[group]};
	char text[OO_REASON_LENGTH];

	if (damped && holds && !agent->damped[group]) {
		agent->damped[group] = true;
		agent_say(OO_LOG_WARNING, &said, "%s: %s", agent->group_names[group],
			  agent_damping_explain(agent, group, text));
	} else if (!damped && agent->damped[group]) {
		agent->damped[group] = false;
		if (holds) {
			agent_say(OO_LOG_NOTICE, &said, "%s: no longer damped",
				  agent->group_names[group]);
		}
	}
}
