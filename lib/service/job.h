#ifndef OO_SERVICE_JOB_H
#define OO_SERVICE_JOB_H
/* What an order (service.c) and its two ways (unit.c, container.c) share. Private to the module. */
#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "base/text.h"
#include "event/timer.h"
#include "service/service.h"

struct oo_service_job {
	struct oo_service_setup setup;
	enum oo_service_act act;
	bool is_unit;
	char name[OO_SERVICE_NAME_LENGTH]; /* of the unit or container */
	char socket[OO_SERVICE_SOCKET_LENGTH];
	int64_t timeout_ms;
	struct oo_timer deadline;
	/* unit.c */
	sd_bus *bus;                 /* owned */
	sd_bus_slot *match, *asking; /* owned */
	char *path;                  /* owned: of systemd's job; NULL: not queued yet */
	/* container.c */
	CURL *easy; /* owned; in the pool while is_running */
	bool is_running;
	struct oo_buffer answer;
};

/* Ends the job with its answer: nothing may touch it afterwards. format: as oo_fail_text. */
void oo_service_finish(struct oo_service_job *job, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Begin; end frees what was begun, however far it came. */
int oo_service_unit_begin(struct oo_service_job *job, struct oo_err *err);
void oo_service_unit_end(struct oo_service_job *job);
int oo_service_container_begin(struct oo_service_job *job, struct oo_err *err);
void oo_service_container_end(struct oo_service_job *job);

#endif
