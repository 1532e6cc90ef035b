#include "removal.h"

#include <inttypes.h>
#include <stdio.h>

#include "evidence.h"

#define SAY_AGAIN_MS 10000

static size_t count(struct agent_part *part, size_t *ret_first)
{
	size_t n = 0;
	for (size_t k = part->n; k-- > 0;) {
		if (agent_part_is_missing(part, k)) {
			part->repairs[k]++;
			*ret_first = k;
			n++;
		}
	}
	return n;
}

void agent_removal_note(struct agent_part *part)
{
	const int64_t now = oo_clock_now();
	struct agent_evidence evidence;
	char others[32] = "", text[AGENT_ADVICE_LENGTH];
	size_t first = 0;
	const size_t n = count(part, &first);

	/* the evidence takes ms to collect, and who fights for the address may be quick */
	if (part->removal_said_at != 0 && now - part->removal_said_at < SAY_AGAIN_MS) {
		return;
	}
	part->removal_said_at = now;
	agent_evidence_collect("", part->interface, part->link.index, &evidence);
	part->suspect = agent_suspect_find(&evidence);
	agent_suspect_explain(part->suspect, &evidence, part->interface, text);
	if (n > 1) {
		snprintf(others, sizeof(others), " and %zu more", n - 1);
	}
	oo_log(OO_LOG_WARNING,
	       "%s: %s%s taken off %s by somebody else, and put back (%" PRIu64 " so far): %s",
	       part->config->name, agent_part_text(part, first), others, part->interface,
	       part->repairs[first], text);
}
