#include "check/check.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "check/run.h"
#include "event/timer.h"

struct oo_check {
	struct oo_check_setup setup;
	struct oo_check_spec spec;             /* its strings are those below */
	char *name, *url, *host, *expect_body; /* owned */
	struct oo_timer timer;                 /* the run's deadline, or the next run's start */
	bool running;
	int64_t started_at, started_us;
	struct oo_check_run run;
};

static void finish(struct oo_check *check, struct oo_check_result *result)
{
	int64_t next_at = check->started_at + check->spec.interval_ms;
	result->at = oo_clock_now();
	result->times.total_us = oo_clock_now_us() - check->started_us;
	switch (result->reason) {
	case OO_CHECK_REASON_OK:
		result->state = OO_CHECK_STATE_UP;
		break;
	case OO_CHECK_REASON_NONE:
	case OO_CHECK_REASON_LOCAL:
		result->state = OO_CHECK_STATE_UNKNOWN;
		break;
	case OO_CHECK_REASON_NAME_NOT_RESOLVED:
	case OO_CHECK_REASON_REFUSED:
	case OO_CHECK_REASON_UNREACHABLE:
	case OO_CHECK_REASON_CONNECT_TIMEOUT:
	case OO_CHECK_REASON_TLS:
	case OO_CHECK_REASON_SILENT:
	case OO_CHECK_REASON_SLOW:
	case OO_CHECK_REASON_RESET:
	case OO_CHECK_REASON_CLOSED:
	case OO_CHECK_REASON_PROTOCOL:
	case OO_CHECK_REASON_STATUS:
	case OO_CHECK_REASON_BODY:
		result->state = OO_CHECK_STATE_DOWN;
		break;
	}
	oo_check_run_end(&check->run);
	check->running = false;
	oo_timer_set(&check->timer, next_at);                /* at once if it is past */
	check->setup.done(check->setup.user, check, result); /* may free check */
}

static void on_transferred(CURL *easy, CURLcode code, void *user)
{
	struct oo_check *check = user;
	struct oo_check_result result;
	(void)easy;
	oo_check_run_judge(&check->run, &check->spec, code, &result);
	finish(check, &result);
}

static void on_deadline(struct oo_check *check)
{
	oo_transfers_cancel(check->setup.transfers, check->run.easy);
	on_transferred(check->run.easy, CURLE_OPERATION_TIMEDOUT, check);
}

static void start(struct oo_check *check)
{
	check->running = true;
	check->started_at = oo_clock_now();
	check->started_us = oo_clock_now_us();
	int r = oo_check_run_begin(&check->run, &check->spec);
	if (r == 0) {
		r = oo_transfers_start(check->setup.transfers, check->run.easy, on_transferred,
				       check);
	}
	if (r < 0) {
		struct oo_check_result result = {0};
		oo_check_run_judge_local(-r, &result);
		finish(check, &result);
		return;
	}
	oo_timer_set(&check->timer, check->started_at + check->spec.timeout_ms);
}

static void on_timer(struct oo_timer *timer)
{
	struct oo_check *check = oo_container_of(timer, struct oo_check, timer);
	if (check->running) {
		on_deadline(check);
	} else {
		start(check);
	}
}

static int verify_kind(const struct oo_check_spec *spec, struct oo_err *err)
{
	switch (spec->type) {
	case OO_CHECK_TYPE_HTTP:
		return oo_check_http_verify(spec, err);
	case OO_CHECK_TYPE_TCP:
		return oo_check_tcp_verify(spec, err);
	case OO_CHECK_TYPE_NONE:
		break;
	}
	return oo_fail_text(err, EINVAL, "type: must be http or tcp");
}

static int verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	if (spec->name == NULL || spec->name[0] == '\0') {
		return oo_fail_text(err, EINVAL, "check: must have a name");
	}
	int r = 0;
	if (spec->interval_ms <= 0) {
		r = oo_fail_text(err, EINVAL, "interval: must be positive");
	} else if (spec->timeout_ms <= 0) {
		r = oo_fail_text(err, EINVAL, "timeout: must be positive");
	} else {
		r = verify_kind(spec, err);
	}
	if (r < 0) {
		oo_err_wrap(err, "check %s", spec->name);
	}
	return r;
}

/* Copies text that may be NULL. Returns false when memory is out. */
static bool copy(const char *text, char **ret_copy)
{
	*ret_copy = text != NULL ? strdup(text) : NULL;
	return text == NULL || *ret_copy != NULL;
}

static bool copy_spec(struct oo_check *check, const struct oo_check_spec *spec)
{
	check->spec = *spec;
	if (!copy(spec->name, &check->name) || !copy(spec->url, &check->url) ||
	    !copy(spec->host, &check->host) || !copy(spec->expect_body, &check->expect_body)) {
		return false;
	}
	check->spec.name = check->name;
	check->spec.url = check->url;
	check->spec.host = check->host;
	check->spec.expect_body = check->expect_body;
	return true;
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
	OO_AUTO(free_pointer) struct oo_check *check = calloc(1, sizeof(*check));
	if (check == NULL || !copy_spec(check, spec)) {
		return oo_fail(err, ENOMEM, "check %s", spec->name);
	}
	check->setup = *setup;
	r = oo_timer_init(&check->timer, setup->event, on_timer);
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
	if (check->running) {
		oo_transfers_cancel(check->setup.transfers, check->run.easy);
		oo_check_run_end(&check->run);
	}
	oo_timer_done(&check->timer);
	free(check->name);
	free(check->url);
	free(check->host);
	free(check->expect_body);
	free(check);
}

void oo_check_run_now(struct oo_check *check)
{
	if (!check->running) {
		oo_timer_set(&check->timer, 0);
	}
}

const struct oo_check_spec *oo_check_get_spec(const struct oo_check *check)
{
	return &check->spec;
}

const char *oo_check_state_name(enum oo_check_state state)
{
	switch (state) {
	case OO_CHECK_STATE_UNKNOWN:
		return "unknown";
	case OO_CHECK_STATE_UP:
		return "up";
	case OO_CHECK_STATE_DOWN:
		return "down";
	}
	return "unknown";
}

const char *oo_check_reason_name(enum oo_check_reason reason)
{
	static const char *const names[] = {
		[OO_CHECK_REASON_NONE] = "not run yet",
		[OO_CHECK_REASON_OK] = "ok",
		[OO_CHECK_REASON_NAME_NOT_RESOLVED] = "name not resolved",
		[OO_CHECK_REASON_REFUSED] = "refused",
		[OO_CHECK_REASON_UNREACHABLE] = "unreachable",
		[OO_CHECK_REASON_CONNECT_TIMEOUT] = "connect timeout",
		[OO_CHECK_REASON_TLS] = "tls",
		[OO_CHECK_REASON_SILENT] = "silent",
		[OO_CHECK_REASON_SLOW] = "slow",
		[OO_CHECK_REASON_RESET] = "reset",
		[OO_CHECK_REASON_CLOSED] = "closed",
		[OO_CHECK_REASON_PROTOCOL] = "protocol",
		[OO_CHECK_REASON_STATUS] = "status",
		[OO_CHECK_REASON_BODY] = "body",
		[OO_CHECK_REASON_LOCAL] = "local",
	};
	assert(reason < OO_LENGTH(names));
	return names[reason];
}
