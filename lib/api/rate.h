#ifndef OO_API_RATE_H
#define OO_API_RATE_H
/*
 * How much of something there may be in a time. What is taken is paid for by waiting: the debt
 * shrinks by a us each us, and as much as a burst may be owed without a wait. Pure.
 */
#include <stdint.h>

struct oo_rate {
	int64_t paid_at_us; /* when all that was taken is paid for; zeroed: nothing was */
};

/* Takes what costs cost_us. Returns for how many us nothing more may be taken; 0: for none. */
static inline int64_t oo_rate_take(struct oo_rate *rate, int64_t now_us, int64_t cost_us,
				   int64_t burst_us)
{
	if (rate->paid_at_us < now_us) {
		rate->paid_at_us = now_us;
	}
	rate->paid_at_us += cost_us;
	int64_t owed_us = rate->paid_at_us - now_us;
	return owed_us > burst_us ? owed_us - burst_us : 0;
}

#endif
