#ifndef OO_AGENT_DOUBTS_H
#define OO_AGENT_DOUBTS_H
/*
 * Which nodes send a VIP's packets somewhere else than to this one, that holds it: announced to again
 * for a while, then told once. Pure. Each look is begin, note for each that is wrong, end.
 */
#include "records.h"

/* Nodes and VIPs that are kept apart; what is beyond them is announced to for as long, but not told. */
#define AGENT_DOUBTS_MAX 64
/* So long announcements may help; then somebody has to look. */
#define AGENT_DOUBTS_PATIENCE_MS 30000

enum agent_doubt_news {
	AGENT_DOUBT_NOTHING,
	AGENT_DOUBT_PERSISTS, /* announcements did not help */
	AGENT_DOUBT_OVER,     /* of one that was told to persist */
};

struct agent_doubt {
	char node[OO_CORE_NAME_LENGTH];
	struct oo_sight sight;
	int64_t since;
	bool persists;
	bool stands; /* noted since begin */
	enum agent_doubt_news news;
};

struct agent_doubts {
	struct agent_doubt list[AGENT_DOUBTS_MAX];
	size_t n;
	bool more;          /* there was no room for one */
	int64_t more_since; /* that is so; 0: it is not */
};

void agent_doubts_begin(struct agent_doubts *doubts);
/* node sees an address at a MAC that is not ours; now: CLOCK_BOOTTIME ms. */
void agent_doubts_note(struct agent_doubts *doubts, const char *node, const struct oo_sight *sight,
		       int64_t now);
/*
 * Sets the news of each; those that are over are still in the list until the next begin.
 * Returns whether to announce again.
 */
bool agent_doubts_end(struct agent_doubts *doubts, int64_t now);

#endif
