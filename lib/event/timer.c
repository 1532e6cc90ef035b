#include "event/timer.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"

struct oo_timers {
	struct oo_timer timer; /* for the soonest, or for one that has changed its mind */
	int64_t at;            /* what it is armed for */
	struct oo_timer *first;
	struct oo_timer *following; /* to be looked at next, while those that are due fire */
	bool firing;
};

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

void oo_timer_init_among(struct oo_timer *timer, struct oo_timers *timers, oo_timer_fn *expired)
{
	*timer = (struct oo_timer){.expired = expired,
				   .timers = timers,
				   .at = OO_NEVER,
				   .next = timers->first,
				   .link = &timers->first};
	if (timer->next != NULL) {
		timer->next->link = &timer->next;
	}
	timers->first = timer;
}

static void leave(struct oo_timer *timer)
{
	if (timer->timers->following == timer) {
		timer->timers->following = timer->next;
	}
	*timer->link = timer->next;
	if (timer->next != NULL) {
		timer->next->link = timer->link;
	}
	timer->timers = NULL;
}

void oo_timer_done(struct oo_timer *timer)
{
	if (timer->timers != NULL) {
		leave(timer);
	}
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

/* One that is put off leaves the source as it is: it wakes up for nothing, once. */
static void set_among(struct oo_timers *timers, int64_t at)
{
	if (at < timers->at && !timers->firing) {
		timers->at = at;
		oo_timer_set(&timers->timer, at);
	}
}

void oo_timer_set(struct oo_timer *timer, int64_t at)
{
	if (timer->timers != NULL) {
		timer->at = at;
		set_among(timer->timers, at);
		return;
	}
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

static void fire(struct oo_timers *timers)
{
	int64_t now = oo_clock_now();
	timers->firing = true;
	for (struct oo_timer *timer = timers->first; timer != NULL; timer = timers->following) {
		timers->following = timer->next;
		if (timer->at <= now) {
			timer->at = OO_NEVER;
			timer->expired(timer); /* may be done with, as may any other */
		}
	}
	timers->firing = false;
}

static void on_soonest(struct oo_timer *timer)
{
	struct oo_timers *timers = oo_container_of(timer, struct oo_timers, timer);
	int64_t soonest = OO_NEVER;
	fire(timers);
	for (const struct oo_timer *one = timers->first; one != NULL; one = one->next) {
		soonest = one->at < soonest ? one->at : soonest;
	}
	timers->at = OO_NEVER;
	set_among(timers, soonest);
}

int oo_timers_new(sd_event *event, struct oo_timers **ret_timers, struct oo_err *err)
{
	OO_AUTO(oo_free) struct oo_timers *timers = calloc(1, sizeof(*timers));
	if (timers == NULL) {
		return oo_fail(err, ENOMEM, "timers");
	}
	timers->at = OO_NEVER;
	int r = oo_timer_init(&timers->timer, event, on_soonest);
	if (r < 0) {
		return oo_fail(err, -r, "timers on the event loop");
	}
	*ret_timers = oo_take_ptr(timers);
	return 0;
}

void oo_timers_free(struct oo_timers *timers)
{
	if (timers == NULL) {
		return;
	}
	assert(timers->first == NULL);
	oo_timer_done(&timers->timer);
	free(timers);
}
