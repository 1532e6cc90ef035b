#include "base/clock.h"

#include <time.h>

static int64_t read_us(clockid_t clock)
{
	struct timespec now = {0};
	(void)clock_gettime(clock, &now); /* cannot fail for the clocks below */
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t oo_clock_now(void)
{
	return read_us(CLOCK_BOOTTIME) / 1000;
}

int64_t oo_clock_now_us(void)
{
	return read_us(CLOCK_BOOTTIME);
}

int64_t oo_clock_wall(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}
