#include "doubts.h"

static struct agent_doubt *find(struct agent_doubts *doubts, const char *node, const char *address)
{
	for (size_t i = 0; i < doubts->n; i++) {
		struct agent_doubt *doubt = &doubts->list[i];
		if (oo_text_equal(doubt->node, node) &&
		    oo_text_equal(doubt->sight.address, address)) {
			return doubt;
		}
	}
	return NULL;
}

void agent_doubts_begin(struct agent_doubts *doubts)
{
	size_t n = 0;

	for (size_t i = 0; i < doubts->n; i++) {
		if (doubts->list[i].stands) {
			doubts->list[n] = doubts->list[i];
			doubts->list[n].stands = false;
			doubts->list[n++].news = AGENT_DOUBT_NOTHING;
		}
	}
	doubts->n = n;
	doubts->more = false;
}

void agent_doubts_note(struct agent_doubts *doubts, const char *node, const struct oo_sight *sight,
		       int64_t now)
{
	struct agent_doubt *doubt = find(doubts, node, sight->address);

	if (doubt == NULL && doubts->n == AGENT_DOUBTS_MAX) {
		doubts->more = true;
		return;
	}
	if (doubt == NULL) {
		doubt = &doubts->list[doubts->n++];
		*doubt = (struct agent_doubt){.since = now};
		oo_text_clip(doubt->node, sizeof(doubt->node), node);
	}
	doubt->sight = *sight; /* another wrong one is no new beginning */
	doubt->stands = true;
}

bool agent_doubts_end(struct agent_doubts *doubts, int64_t now)
{
	if (!doubts->more) {
		doubts->more_since = 0;
	} else if (doubts->more_since == 0) {
		doubts->more_since = now;
	}
	bool again = doubts->more && now - doubts->more_since < AGENT_DOUBTS_PATIENCE_MS;

	for (size_t i = 0; i < doubts->n; i++) {
		struct agent_doubt *doubt = &doubts->list[i];
		if (!doubt->stands) {
			doubt->news = doubt->persists ? AGENT_DOUBT_OVER : AGENT_DOUBT_NOTHING;
		} else if (!doubt->persists && now - doubt->since >= AGENT_DOUBTS_PATIENCE_MS) {
			doubt->persists = true;
			doubt->news = AGENT_DOUBT_PERSISTS;
		}
		again = again || (doubt->stands && !doubt->persists);
	}
	return again;
}
