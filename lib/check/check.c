#include "check/check.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "check/kind.h"
#include "event/timer.h"

struct oo_check {
	struct oo_check_setup setup;
	struct oo_check_spec spec;
	const struct oo_check_kind *kind;
	struct oo_timer timer; /* the run's deadline, or the next run's start */
	bool running, changing, has_been_up;
	int64_t made_at, started_at;
	int64_t expires_at; /* of the run */
	struct oo_check_run run;
	max_align_t state[]; /* the kind's */
};

static struct oo_check *check_of(struct oo_check_run *run)
{
	return oo_container_of(run, struct oo_check, run);
}

/*
 * When its phase comes next: an interval later, or sooner after a run that did not begin in phase, such
 * as the first. But not sooner than half an interval: then half way to the time after that.
 */
static void time_next(struct oo_check *check)
{
	const struct oo_check_spec *spec = &check->spec;
	bool fast = check->changing && spec->fast_interval_ms > 0;
	int64_t interval_ms = fast ? spec->fast_interval_ms : spec->interval_ms;
	int64_t phase_ms = check->setup.phase_ms % interval_ms;
	int64_t left_ms = interval_ms - (check->started_at + interval_ms - phase_ms) % interval_ms;
	if (left_ms < interval_ms / 2) {
		left_ms = (left_ms + interval_ms) / 2;
	}
	oo_timer_set(&check->timer, check->started_at + left_ms); /* at once if it is past */
}

static void expire_at(struct oo_check *check, int64_t at)
{
	if (check->expires_at != at) { /* most phases end with the run */
		check->expires_at = at;
		oo_timer_set(&check->timer, at);
	}
}

static void stop(struct oo_check *check)
{
	if (check->running && check->kind->stop != NULL) {
		check->kind->stop(&check->run);
	}
	check->running = false;
}

/* Down counts for nothing while the service may still be starting. */
static enum oo_check_state state_of(struct oo_check *check, const struct oo_check_result *result)
{
	enum oo_check_state state = oo_check_reason_state(result->reason);
	bool graced = !check->has_been_up && result->at - check->made_at < check->spec.grace_ms;
	check->has_been_up = check->has_been_up || state == OO_CHECK_STATE_UP;
	return state == OO_CHECK_STATE_DOWN && graced ? OO_CHECK_STATE_UNKNOWN : state;
}

void oo_check_run_finish(struct oo_check_run *run)
{
	struct oo_check *check = check_of(run);
	struct oo_check_result result = run->result;

	assert(check->running);
	result.at = oo_clock_now();
	result.times.total_us = oo_clock_now_us() - run->began_us;
	result.state = state_of(check, &result);
	stop(check);
	time_next(check);
	check->setup.done(check->setup.user, check, &result); /* may free check */
}

static void start(struct oo_check *check)
{
	struct oo_check_run *run = &check->run;
	check->running = true;
	check->started_at = oo_clock_now();
	run->began_us = oo_clock_now_us();
	run->result = (struct oo_check_result){0};
	check->expires_at = 0;
	expire_at(check, check->started_at + check->spec.timeout_ms);
	int r = check->kind->start(run);
	if (r < 0) {
		oo_check_run_say_errno(run, OO_CHECK_REASON_LOCAL, -r);
	}
	if (r != 0) {
		oo_check_run_finish(run);
	}
}

static void on_timer(struct oo_timer *timer)
{
	struct oo_check *check = oo_container_of(timer, struct oo_check, timer);
	if (check->running) {
		check->kind->expire(&check->run);
		oo_check_run_finish(&check->run);
	} else {
		start(check);
	}
}

void oo_check_run_enter(struct oo_check_run *run, int64_t limit_ms)
{
	struct oo_check *check = check_of(run);
	int64_t until = check->started_at + check->spec.timeout_ms;
	int64_t limit_until = oo_clock_now() + limit_ms;
	expire_at(check, limit_ms > 0 && limit_until < until ? limit_until : until);
}

static void say(struct oo_check_run *run, enum oo_check_reason reason, const char *text)
{
	run->result.reason = reason;
	oo_text_clip(run->result.seen, sizeof(run->result.seen), text);
	for (char *c = run->result.seen; *c != '\0'; c++) {
		*c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
	}
}

void oo_check_run_say(struct oo_check_run *run, enum oo_check_reason reason, const char *format,
		      ...)
{
	char text[2 * OO_CHECK_SEEN_LENGTH];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments); /* cut is fine */
	va_end(arguments);
	say(run, reason, text);
}

void oo_check_run_say_errno(struct oo_check_run *run, enum oo_check_reason reason, int error_number)
{
	say(run, reason, strerror(error_number));
}

static int verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	const struct oo_check_kind *kind = oo_check_kind(spec->type);
	if (spec->name == NULL || spec->name[0] == '\0') {
		return oo_fail_text(err, EINVAL, "check: must have a name");
	}
	int r = 0;
	if (spec->interval_ms <= 0) {
		r = oo_fail_text(err, EINVAL, "interval: must be positive");
	} else if (spec->timeout_ms <= 0) {
		r = oo_fail_text(err, EINVAL, "timeout: must be positive");
	} else if (kind == NULL) {
		r = oo_fail_text(err, EINVAL, "type: must be given");
	} else if (kind->verify != NULL) {
		r = kind->verify(spec, err);
	}
	if (r < 0) {
		oo_err_wrap(err, "check %s", spec->name);
	}
	return r;
}

static void free_pointer(struct oo_check **check)
{
	oo_check_free(*check);
}

int oo_check_new(const struct oo_check_setup *setup, const struct oo_check_spec *spec,
		 struct oo_check **ret_check, struct oo_err *err)
{
	int r = verify(spec, err);
	if (r < 0) {
		return r;
	}
	const struct oo_check_kind *kind = oo_check_kind(spec->type);
	OO_AUTO(free_pointer)
	struct oo_check *check = calloc(1, sizeof(*check) + kind->state_size);
	if (check == NULL) {
		return oo_fail(err, ENOMEM, "check %s", spec->name);
	}
	check->setup = *setup;
	check->spec = *spec;
	check->kind = kind;
	check->made_at = oo_clock_now();
	check->run = (struct oo_check_run){
		.setup = &check->setup, .spec = &check->spec, .state = check->state};
	if (setup->timers != NULL) {
		oo_timer_init_among(&check->timer, setup->timers, on_timer);
	} else {
		r = oo_timer_init(&check->timer, setup->event, on_timer);
	}
	if (r < 0) {
		return oo_fail(err, -r, "check %s on the event loop", spec->name);
	}
	oo_timer_set(&check->timer, 0);
	*ret_check = oo_take_ptr(check);
	return 0;
}

void oo_check_free(struct oo_check *check)
{
	if (check == NULL) {
		return;
	}
	stop(check);
	if (check->kind->done != NULL) {
		check->kind->done(&check->run);
	}
	oo_timer_done(&check->timer);
	free(check);
}

void oo_check_run_now(struct oo_check *check)
{
	if (!check->running) {
		oo_timer_set(&check->timer, 0);
	}
}

void oo_check_set_changing(struct oo_check *check, bool changing)
{
	bool differs = check->changing != changing;
	check->changing = changing;
	if (differs && !check->running && check->started_at != 0) {
		time_next(check);
	}
}

const struct oo_check_spec *oo_check_get_spec(const struct oo_check *check)
{
	return &check->spec;
}
