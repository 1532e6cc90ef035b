#ifndef OO_TIMER_H
#define OO_TIMER_H
/*
 * A one-shot timer on sd-event, absolute, on CLOCK_BOOTTIME, with 1 us accuracy (sd-event's default
 * of 250 ms would let a hold outlast its deadline). Embedded in its owner; find the owner in the
 * callback with oo_container_of.
 */
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"

struct oo_timer;
struct oo_timers;
typedef void oo_timer_fn(struct oo_timer *timer);

struct oo_timer {
	sd_event_source *source; /* owned; a priority set here holds */
	sd_event_source *soon;   /* owned; NULL until a past time is first asked for */
	oo_timer_fn *expired;
	struct oo_timers *timers; /* NULL: its sources are its own; else there are none */
	int64_t at;               /* among others: armed for */
	struct oo_timer *next, **link;
};

/* Makes an unarmed timer. Returns 0 or -errno of sd_event_add_time(3). */
int oo_timer_init(struct oo_timer *timer, sd_event *event, oo_timer_fn *expired);
/*
 * Makes an unarmed timer among others, which share one event source: those that are due together
 * fire in one turn of the loop, in no order, and arming one is only noting it down.
 */
void oo_timer_init_among(struct oo_timer *timer, struct oo_timers *timers, oo_timer_fn *expired);
/* Disarms and frees; a zeroed timer is accepted. */
void oo_timer_done(struct oo_timer *timer);

/*
 * Arms (or re-arms) for the time at, CLOCK_BOOTTIME ms; OO_NEVER disarms; a past time fires at the
 * next turn of the loop. The callback runs from the loop, once per arming; not once it is over.
 */
void oo_timer_set(struct oo_timer *timer, int64_t at);

/* What timers are among. Returns 0, -ENOMEM or sd-event's error. */
int oo_timers_new(sd_event *event, struct oo_timers **ret_timers, struct oo_err *err);
/* After all that are among them; not in a callback of theirs. NULL is accepted. */
void oo_timers_free(struct oo_timers *timers);

#endif
