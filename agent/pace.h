#ifndef OO_AGENT_PACE_H
#define OO_AGENT_PACE_H
/*
 * How long etcd takes to answer, against what the lease leaves a renewal: nobody who writes a ttl knows how
 * far apart etcd's members are. Pure, but for agent_pace_tell.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

#define AGENT_PACE_SAMPLES 5
#define AGENT_PACE_LENGTH 320

struct agent_pace {
	int64_t took_us[AGENT_PACE_SAMPLES]; /* of the latest answers; a ring */
	size_t n;                            /* ever */
	bool is_tight;
};

/*
 * A request that a majority of etcd had to see was answered after took_us. Tight, from AGENT_PACE_SAMPLES
 * answers on: half of them took more than half of the time that a renewal has. No longer so: more than
 * two fifths. Returns whether that has changed.
 */
bool agent_pace_note(struct agent_pace *pace, const struct oo_config_lease *lease, int64_t took_us);

/* The arithmetic, and the ttl that would do. Returns text. */
const char *agent_pace_explain(const struct agent_pace *pace, const struct oo_config_lease *lease,
			       char text[static AGENT_PACE_LENGTH]);

/* Notes it, and logs where it gets tight, and where that is over. */
void agent_pace_tell(struct agent_pace *pace, const struct oo_config_lease *lease, int64_t took_us);

#endif
