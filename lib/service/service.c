#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/duration.h"
#include "service/job.h"

static const char *const words[] = {
	[OO_SERVICE_START] = "start",
	[OO_SERVICE_STOP] = "stop",
	[OO_SERVICE_RESTART] = "restart",
};

void oo_service_cancel(struct oo_service_job *job)
{
	if (job == NULL) {
		return;
	}
	oo_service_unit_end(job);
	oo_service_container_end(job);
	oo_timer_done(&job->deadline);
	free(job);
}

void oo_service_finish(struct oo_service_job *job, int r, const char *format, ...)
{
	oo_service_fn *done = job->setup.done;
	void *user = job->setup.user;
	struct oo_err err = {""};
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(err.text, sizeof(err.text), format, arguments); /* cut is fine */
	va_end(arguments);
	oo_service_cancel(job);
	done(user, r, &err);
}

static void on_deadline(struct oo_timer *timer)
{
	struct oo_service_job *job = oo_container_of(timer, struct oo_service_job, deadline);
	char after[OO_DURATION_LENGTH];

	oo_service_finish(job, -ETIMEDOUT, "%s: no end of it within %s", job->name,
			  oo_duration_format(job->timeout_ms, after));
}

static int begin(struct oo_service_job *job, const struct oo_service_order *order,
		 struct oo_err *err)
{
	const char *name = job->is_unit ? order->unit : order->container;
	int r = oo_text_copy(job->name, sizeof(job->name), name);
	if (r == 0 && !job->is_unit) {
		r = oo_text_copy(job->socket, sizeof(job->socket), order->socket);
	}
	r = r < 0 ? r : oo_timer_init(&job->deadline, job->setup.event, on_deadline);
	if (r < 0) {
		return oo_fail(err, -r, "%s", name);
	}
	oo_timer_set(&job->deadline, oo_clock_now() + job->timeout_ms);
	return job->is_unit ? oo_service_unit_begin(job, err)
			    : oo_service_container_begin(job, err);
}

int oo_service_run(const struct oo_service_setup *setup, const struct oo_service_order *order,
		   struct oo_service_job **ret_job, struct oo_err *err)
{
	struct oo_service_job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		return oo_fail(err, ENOMEM, "service");
	}
	job->setup = *setup;
	job->act = order->act;
	job->is_unit = order->unit != NULL;
	job->timeout_ms = order->timeout_ms;
	int r = begin(job, order, err);
	if (r < 0) {
		oo_service_cancel(job);
		return r;
	}
	*ret_job = job;
	return 0;
}

void oo_service_command(const struct oo_service_order *order,
			char text[static OO_SERVICE_COMMAND_LENGTH])
{
	if (order->unit != NULL) {
		snprintf(text, OO_SERVICE_COMMAND_LENGTH, "systemctl %s %s", words[order->act],
			 order->unit);
	} else {
		snprintf(text, OO_SERVICE_COMMAND_LENGTH, "docker %s %s", words[order->act],
			 order->container);
	}
}
