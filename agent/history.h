#ifndef OO_AGENT_HISTORY_H
#define OO_AGENT_HISTORY_H
/*
 * The history in etcd: one record a promotion, under history/<revision of the claim>, written by the
 * node that was promoted, trimmed to the last AGENT_HISTORY_MAX a group.
 */
#include <inttypes.h>

#include "agent.h"
#include "timeline.h"

#define AGENT_HISTORY_MAX 100
/* For agent_store_key: of a promotion, by the revision of its claim. */
#define AGENT_HISTORY_KEY "history/%016" PRId64

struct agent_history_entry {
	unsigned group;
	const char *from; /* node, or "" */
	const char *cause, *reason;
	struct agent_timeline timeline;
};

/* An attempt of this node to repair itself (repair.h); texts are not NULL. */
struct agent_history_repair {
	const char *fault, *reason;
	const char *commands; /* as a person would have typed them */
	const char *error;    /* "": they were carried out */
	int64_t took_ms;
	unsigned attempt;
};
#define AGENT_COMMANDS_LENGTH 512

/* Asks etcd to keep it; a failure is nobody's loss but the record's. */
void agent_history_write(struct agent *agent, const struct agent_history_entry *entry);
/* The same, under history/<revision of the newest claim>-<node>-<wall ms>: right after it. */
void agent_history_write_repair(struct agent *agent, const struct agent_history_repair *entry);

#endif
