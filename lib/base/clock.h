#ifndef OO_CLOCK_H
#define OO_CLOCK_H
/* The two clocks. Deadlines are CLOCK_BOOTTIME (it counts suspend); wall time is only shown. */
#include <stdint.h>

#define OO_NEVER INT64_MAX

/* CLOCK_BOOTTIME in ms (clock_gettime(2)). Never fails on Linux. */
int64_t oo_clock_now(void);
/* CLOCK_BOOTTIME in us, for phase timings. */
int64_t oo_clock_now_us(void);
/* CLOCK_REALTIME in ms since the epoch, for people to read. */
int64_t oo_clock_wall(void);

#endif
