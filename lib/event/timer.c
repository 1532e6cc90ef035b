#include "event/timer.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include "base/clock.h"

static int on_time(sd_event_source *source, uint64_t usec, void *user)
{
	struct oo_timer *timer = user;
	(void)source;
	(void)usec;
	timer->expired(timer);
	return 0;
}

static int on_soon(sd_event_source *source, void *user)
{
	struct oo_timer *timer = user;
	(void)source;
	timer->expired(timer);
	return 0;
}

int oo_timer_init(struct oo_timer *timer, sd_event *event, oo_timer_fn *expired)
{
	*timer = (struct oo_timer){.expired = expired};
	int r = sd_event_add_time(event, &timer->source, CLOCK_BOOTTIME, 0, 1, on_time, timer);
	if (r < 0) {
		return r;
	}
	r = sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
	assert(r >= 0);
	return 0;
}

void oo_timer_done(struct oo_timer *timer)
{
	timer->source = sd_event_source_disable_unref(timer->source);
	timer->soon = sd_event_source_disable_unref(timer->soon);
}

/* Once the loop is over sd-event turns nothing on any more: then -ESTALE is as good as armed. */
static void expect_done(int r)
{
	assert(r >= 0 || r == -ESTALE);
}

/*
 * Arms for the next turn of the loop without the kernel's help: a timer descriptor in the past costs
 * three system calls, one of them dear on a virtual machine. False: no memory for it.
 */
static bool set_soon(struct oo_timer *timer)
{
	int64_t priority;

	if (timer->soon == NULL && sd_event_add_defer(sd_event_source_get_event(timer->source),
						      &timer->soon, on_soon, timer) < 0) {
		return false;
	}
	expect_done(sd_event_source_get_priority(timer->source, &priority));
	expect_done(sd_event_source_set_priority(timer->soon, priority));
	expect_done(sd_event_source_set_enabled(timer->soon, SD_EVENT_ONESHOT));
	return true;
}

void oo_timer_set(struct oo_timer *timer, int64_t at)
{
	bool soon = at != OO_NEVER && at <= oo_clock_now() && set_soon(timer);
	if (timer->soon != NULL && !soon) {
		expect_done(sd_event_source_set_enabled(timer->soon, SD_EVENT_OFF));
	}
	if (soon || at == OO_NEVER) {
		expect_done(sd_event_source_set_enabled(timer->source, SD_EVENT_OFF));
		return;
	}
	uint64_t usec = at <= 0 ? 0 : (uint64_t)at * 1000;
	expect_done(sd_event_source_set_time(timer->source, usec));
	expect_done(sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT));
}
