#ifndef OO_AGENT_JOURNAL_H
#define OO_AGENT_JOURNAL_H
/*
 * What the agent says: one line a change, with its cause, and in the journal with an id and fields that
 * programs can go by (docs/journal.md). An id stays what it is for ever; one that is no longer said is
 * not given to anything else.
 */
#include <stdint.h>

#include "base/log.h"

enum agent_message {
	AGENT_MESSAGE_STARTED,
	AGENT_MESSAGE_STOPPING,
	AGENT_MESSAGE_STOPPED,
	AGENT_MESSAGE_RELOADED,
	AGENT_MESSAGE_NOT_RELOADED,
	AGENT_MESSAGE_ROLE,
	AGENT_MESSAGE_ADDRESS_UP,
	AGENT_MESSAGE_ADDRESS_DOWN,
	AGENT_MESSAGE_ADDRESS_FAILED,
	AGENT_MESSAGE_ADDRESS_IN_USE,
	AGENT_MESSAGE_ADDRESS_FREE,
	AGENT_MESSAGE_ADDRESS_REMOVED,
	AGENT_MESSAGE_CONFLICT,
	AGENT_MESSAGE_LINK,
	AGENT_MESSAGE_CHECK,
	AGENT_MESSAGE_DEGRADED,
	AGENT_MESSAGE_NOBODY_HOLDS,
	AGENT_MESSAGE_NO_STANDBY,
	AGENT_MESSAGE_ETCD_TROUBLE,
	AGENT_MESSAGE_ETCD_BACK,
	AGENT_MESSAGE_ETCD_ASKED,
	AGENT_MESSAGE_NAME_TAKEN,
	AGENT_MESSAGE_DIAGNOSIS,
	AGENT_MESSAGE_REPAIR,
	AGENT_MESSAGE_FENCE,
	AGENT_MESSAGE_NEIGHBOUR,
	AGENT_MESSAGE_TENURE,
	AGENT_MESSAGE_HOOK,
	AGENT_MESSAGE_HOOKS,
	AGENT_MESSAGE_UNFIT,
	AGENT_MESSAGE_PAUSE,
	AGENT_MESSAGE_DRAIN,
	AGENT_MESSAGE_SWITCHOVER,
	AGENT_MESSAGE_ASKED,
	AGENT_MESSAGE_DAMPED,
	AGENT_MESSAGE_PROVIDER,
};

/* What a line is about; what is NULL, "" or 0 has no field. */
struct agent_said {
	enum agent_message message;
	const char *group;
	const char *peer;  /* the other node */
	const char *cause; /* a word of a closed list, as in the history */
	const char *check;
	const char *by; /* the operator: "user@node" */
	uint64_t epoch;
};

/* agent_say(level, &said, format, ...): as oo_log, with MESSAGE_ID, OOHA_MESSAGE and said's fields. */
#define agent_say(...) agent_say_line(__FILE_NAME__, __VA_ARGS__)
void agent_say_line(const char *file, enum oo_log_level level, const struct agent_said *said,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
