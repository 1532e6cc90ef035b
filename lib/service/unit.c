/*
 * A unit: systemd is asked for a job, and says by the signal JobRemoved how that ended
 * (org.freedesktop.systemd1(5)). It answers before the job can end, on one connection: the job's
 * path is known when its end is told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "service/job.h"

#define MANAGER "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE MANAGER ".Manager"
/* What is asked for replaces jobs of the unit that contradict it, as by systemctl. */
#define MODE "replace"
/* A bus may try to start what is not there. */
#define SPAWN_ERRORS "org.freedesktop.DBus.Error.Spawn."

static bool is_denied(const sd_bus_error *error)
{
	return sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) ||
	       sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
}

static bool is_nobody(const sd_bus_error *error)
{
	return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
	       sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
	       strncmp(error->name, SPAWN_ERRORS, strlen(SPAWN_ERRORS)) == 0;
}

static void fail(struct oo_service_job *job, sd_bus_message *message)
{
	const sd_bus_error *error = sd_bus_message_get_error(message);
	const char *said = error->message != NULL ? error->message : error->name;

	if (is_denied(error)) {
		oo_service_finish(job, -EACCES,
				  "%s: not allowed: %s; a polkit rule has to allow it to the "
				  "agent's user (docs/repair.md)",
				  job->name, said);
	} else if (sd_bus_error_has_name(error, MANAGER ".NoSuchUnit")) {
		oo_service_finish(job, -ENOENT,
				  "%s: no such unit; systemctl list-units --type=service has all",
				  job->name);
	} else if (is_nobody(error)) {
		oo_service_finish(job, -ECONNREFUSED, "%s: no systemd on the system bus",
				  job->name);
	} else {
		oo_service_finish(job, -EIO, "%s: %s", job->name, said);
	}
}

/* JobRemoved(u id, o job, s unit, s result). */
static int on_removed(sd_bus_message *message, void *user, sd_bus_error *ret_error)
{
	struct oo_service_job *job = user;
	const char *path, *result;
	(void)ret_error;

	if (job->path == NULL ||
	    sd_bus_message_read(message, "uoss", NULL, &path, NULL, &result) < 0 ||
	    !oo_text_equal(path, job->path)) {
		return 0;
	}
	if (oo_text_equal(result, "done")) {
		oo_service_finish(job, 0, "%s", "");
	} else {
		oo_service_finish(job, -EIO,
				  "%s: systemd's job has ended as \"%.32s\"; see "
				  "systemctl status %s",
				  job->name, result, job->name);
	}
	return 0;
}

static int on_match(sd_bus_message *message, void *user, sd_bus_error *ret_error)
{
	(void)ret_error;
	if (sd_bus_message_get_error(message) != NULL) {
		fail(user, message);
	}
	return 0;
}

static int on_queued(sd_bus_message *message, void *user, sd_bus_error *ret_error)
{
	struct oo_service_job *job = user;
	const char *path;
	(void)ret_error;

	if (sd_bus_message_get_error(message) != NULL) {
		fail(job, message);
	} else if (sd_bus_message_read(message, "o", &path) < 0 ||
		   (job->path = strdup(path)) == NULL) {
		oo_service_finish(job, -EPROTO, "%s: systemd's answer names no job", job->name);
	}
	return 0;
}

static const char *method_of(enum oo_service_act act)
{
	switch (act) {
	case OO_SERVICE_START:
		return "StartUnit";
	case OO_SERVICE_STOP:
		return "StopUnit";
	case OO_SERVICE_RESTART:
		return "RestartUnit";
	}
	return "";
}

int oo_service_unit_begin(struct oo_service_job *job, struct oo_err *err)
{
	int r = sd_bus_open_system(&job->bus);
	if (r >= 0) {
		r = sd_bus_attach_event(job->bus, job->setup.event, 0);
	}
	if (r >= 0) {
		r = sd_bus_match_signal_async(job->bus, &job->match, MANAGER, MANAGER_PATH,
					      MANAGER_INTERFACE, "JobRemoved", on_removed, on_match,
					      job);
	}
	if (r >= 0) { /* it need not tell those who have not subscribed; no answer is needed */
		r = sd_bus_call_method_async(job->bus, NULL, MANAGER, MANAGER_PATH,
					     MANAGER_INTERFACE, "Subscribe", NULL, NULL, "");
	}
	if (r >= 0) {
		r = sd_bus_call_method_async(job->bus, &job->asking, MANAGER, MANAGER_PATH,
					     MANAGER_INTERFACE, method_of(job->act), on_queued, job,
					     "ss", job->name, MODE);
	}
	return r < 0 ? oo_fail(err, -r, "%s: system bus", job->name) : 0;
}

void oo_service_unit_end(struct oo_service_job *job)
{
	job->match = sd_bus_slot_unref(job->match);
	job->asking = sd_bus_slot_unref(job->asking);
	job->bus = sd_bus_close_unref(job->bus);
	free(job->path);
	job->path = NULL;
}
