#ifndef OO_AGENT_TRIM_H
#define OO_AGENT_TRIM_H
/*
 * Gives back, a few seconds after the start, what only starting needed: freed heap, and the pages of
 * libraries that were touched once (dynamic linking, TLS libraries that set themselves up): two thirds
 * of the resident memory. They are unchanged pages of files, and stay in the page cache; what is used
 * again comes back at its first use, in well under a microsecond each. Where memory is locked
 * (mlockall(2)) files' pages stay.
 */
#include "event/timer.h"

/* timer: to be oo_timer_done. Returns what oo_timer_init does. */
int agent_trim_start(struct oo_timer *timer, sd_event *event);

/* At once. It takes some ms: /proc/self/smaps is read. */
void agent_trim_now(void);

#endif
