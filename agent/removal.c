#include "removal.h"

#include <inttypes.h>
#include <stdio.h>

#include "evidence.h"
#include "journal.h"

#define SAY_AGAIN_MS 10000

struct agent_removal agent_removal_count(struct agent_part *part)
{
	struct agent_removal removal = {.n = 0};
	for (size_t k = part->n; k-- > 0;) {
		if (agent_part_is_missing(part, k)) {
			part->repairs[k]++;
			removal.first = k;
			removal.n++;
		}
	}
	return removal;
}

void agent_removal_say(struct agent_part *part, const struct agent_removal *removal)
{
	const int64_t now = oo_clock_now();
	struct agent_evidence evidence;
	char others[32] = "", text[AGENT_ADVICE_LENGTH];

	/* the evidence takes ms to collect, and who fights for the address may be quick */
	if (part->removal_said_at != 0 && now - part->removal_said_at < SAY_AGAIN_MS) {
		return;
	}
	part->removal_said_at = now;
	agent_evidence_collect("", part->interface, part->link.index, &evidence);
	part->suspect = agent_suspect_find(&evidence);
	agent_suspect_explain(part->suspect, &evidence, part->interface, text);
	if (removal->n > 1) {
		snprintf(others, sizeof(others), " and %zu more", removal->n - 1);
	}
	agent_say(OO_LOG_WARNING,
		  &(struct agent_said){.message = AGENT_MESSAGE_ADDRESS_REMOVED,
				       .group = part->config->name},
		  "%s: %s%s taken off %s by somebody else, and %s (%" PRIu64 " so far): %s",
		  part->config->name, agent_part_text(part, removal->first), others,
		  part->interface, part->placed ? "put back" : "not back yet",
		  part->repairs[removal->first], text);
}
