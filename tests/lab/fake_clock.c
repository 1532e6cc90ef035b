/*
 * Loaded before a program (LD_PRELOAD), says what its kernel would of a clock: LAB_CLOCK is "good",
 * "unsynchronised" or "fast" (by 1 %). The clock itself goes on as it does.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

int adjtimex(struct timex *clock)
{
	const char *kind = getenv("LAB_CLOCK");
	if (kind == NULL) {
		abort(); /* a test that plants nothing would prove nothing */
	}
	bool is_synchronised = strcmp(kind, "unsynchronised") != 0;
	*clock = (struct timex){.tick = strcmp(kind, "fast") == 0 ? 10100 : 10000,
				.status = is_synchronised ? STA_PLL : STA_UNSYNC};
	return is_synchronised ? TIME_OK : TIME_ERROR;
}
