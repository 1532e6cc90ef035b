#ifndef OO_SERVICE_H
#define OO_SERVICE_H
/*
 * Starts, stops and restarts what others manage: a unit by systemd (org.freedesktop.systemd1(5) on
 * the system bus), a container by Docker or Podman (their API on a unix socket). One order, one
 * answer, within a time.
 */
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "event/transfer.h"

#define OO_SERVICE_NAME_LENGTH 256
#define OO_SERVICE_SOCKET_LENGTH 108
#define OO_SERVICE_COMMAND_LENGTH (OO_SERVICE_NAME_LENGTH + 32)
/* What a container gets to stop in before it is killed; of units systemd knows it. */
#define OO_SERVICE_STOP_S 30

struct oo_service_job;

enum oo_service_act {
	OO_SERVICE_START = 0,
	OO_SERVICE_STOP,
	OO_SERVICE_RESTART,
};

/*
 * The one answer; runs from the loop, never inside oo_service_run. The job is gone already.
 * r  0; or with err: -EACCES (it is not allowed: err says how it would be), -ENOENT (there is no such
 *    unit or container, or no socket), -ECONNREFUSED (no bus, no systemd, no API), -EPROTO (an
 *    answer that is none), -EIO (it was tried and has failed), -ETIMEDOUT (it goes on, perhaps).
 */
typedef void oo_service_fn(void *user, int r, const struct oo_err *err);

struct oo_service_setup {
	sd_event *event;
	struct oo_transfers *transfers;
	oo_service_fn *done;
	void *user;
};

/* Fit to be sent: the configuration's parsers have seen to the names. */
struct oo_service_order {
	enum oo_service_act act;
	const char *unit;      /* "nginx.service"; NULL: a container */
	const char *container; /* its name or id */
	const char *socket;    /* of the API that knows it */
	int64_t timeout_ms;
};

/*
 * Carries out order, which is copied; setup->event and transfers have to outlive the job.
 * ret_job  valid until done runs or oo_service_cancel is called.
 * Returns 0, or -errno with err and done never to run: -ENAMETOOLONG, -ENOMEM, or of connecting.
 */
int oo_service_run(const struct oo_service_setup *setup, const struct oo_service_order *order,
		   struct oo_service_job **ret_job, struct oo_err *err);
/* done will not run; what systemd or Docker was told stays told. NULL is accepted. */
void oo_service_cancel(struct oo_service_job *job);

/* What a person would type for it: "systemctl restart nginx.service". */
void oo_service_command(const struct oo_service_order *order,
			char text[static OO_SERVICE_COMMAND_LENGTH]);

#endif
