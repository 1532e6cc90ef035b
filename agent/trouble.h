#ifndef OO_AGENT_TROUBLE_H
#define OO_AGENT_TROUBLE_H
/*
 * Trouble with etcd: what is to be said of it, and when, so that the log has a line when it begins
 * and one when it is over, not one a try. Reads may succeed while writes are refused (rights, a full
 * database), so each affair has its own. Pure.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum agent_affair {
	AGENT_AFFAIR_READ,
	AGENT_AFFAIR_CLAIM, /* renewals, too */
	AGENT_AFFAIR_PRESENCE,
};
#define AGENT_AFFAIRS 3

struct agent_trouble {
	unsigned kinds[AGENT_AFFAIRS]; /* 0: none, else one bit */
	char texts[AGENT_AFFAIRS][OO_ERR_LENGTH];
	int64_t failed_at[AGENT_AFFAIRS];
	unsigned said; /* kinds that have been said since all was well */
	int64_t since;
};

/*
 * An affair failed with r (etcd/etcd.h) at now, CLOCK_BOOTTIME ms. Returns whether err is to be said:
 * once for each kind of trouble, no answer, a wrong answer, a refusal, no space.
 */
bool agent_trouble_begin(struct agent_trouble *trouble, enum agent_affair affair, int r,
			 const struct oo_err *err, int64_t now);
/*
 * An affair succeeded. Returns whether that ends all trouble, which then lasted from since on. A
 * refusal of another affair counts for a minute: what is no longer tried may no longer be so.
 */
bool agent_trouble_end(struct agent_trouble *trouble, enum agent_affair affair, int64_t now);
/*
 * Somebody else's write was seen: etcd has space. Returns as agent_trouble_end does. Who is standby
 * writes nothing for long, and would go on saying what was true when it last tried.
 */
bool agent_trouble_end_full(struct agent_trouble *trouble);
/* The latest of what is wrong now; "" when all is well. */
const char *agent_trouble_text(const struct agent_trouble *trouble);

#endif
