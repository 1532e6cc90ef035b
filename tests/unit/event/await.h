#ifndef AWAIT_H
#define AWAIT_H
/* Runs the loop until something has come true, for as long as a test is ready to wait. */
#include <dirent.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/clock.h"

#define AWAIT_MS 20000

/* Returns whether *condition came true. */
static inline bool await(sd_event *event, const bool *condition)
{
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (!*condition && oo_clock_now() < until) {
		if (sd_event_run(event, (uint64_t)(until - oo_clock_now()) * 1000) < 0) {
			return false;
		}
	}
	return *condition;
}

/* Runs the loop as long as there is something to do right now. */
static inline void settle(sd_event *event)
{
	while (sd_event_run(event, 0) > 0) {
	}
}

static inline sd_event *new_loop(void)
{
	sd_event *event = NULL;
	return sd_event_new(&event) < 0 ? NULL : event;
}

/* How many descriptors this process has open. */
static inline int count_fds(void)
{
	int n = 0;
	DIR *directory = opendir("/proc/self/fd");
	while (directory != NULL && readdir(directory) != NULL) {
		n++;
	}
	closedir(directory);
	return n;
}

#endif
