/* The agent's unit, as systemd has it with all its drop-ins. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "event/child.h"
#include "examine/work.h"

#define SYSTEMCTL "/usr/bin/systemctl"
#define BOOTED "/run/systemd/system" /* sd_booted(3) */
#define TIMEOUT_MS 2000
#define GRACE_MS 100

struct unit {
	struct oo_work *work;
	struct oo_child *child; /* NULL: not running */
	bool is_loaded;
};

/* The value of "name=value"; NULL: it is another line. */
static const char *value_of(const char *line, const char *name)
{
	size_t length = strlen(name);
	return strncmp(line, name, length) == 0 && line[length] == '=' ? line + length + 1 : NULL;
}

static void on_line(void *user, const char *line)
{
	struct unit *unit = user;
	struct oo_host_facts *host = &unit->work->facts->host;
	const char *load = value_of(line, "LoadState");
	const char *state = value_of(line, "UnitFileState");
	const char *preserve = value_of(line, "RuntimeDirectoryPreserve");
	unit->is_loaded = unit->is_loaded || (load != NULL && !oo_text_equal(load, "not-found"));
	if (state != NULL) {
		OO_WORK_SAY(host->unit_state, state);
	}
	if (preserve != NULL) {
		OO_WORK_SAY(host->unit_preserve, preserve);
	}
}

static void on_done(void *user, const struct oo_child_result *result)
{
	struct unit *unit = user;
	unit->child = NULL;
	unit->work->facts->host.unit_look = result->end != OO_CHILD_END_EXITED || result->code != 0
						    ? OO_LOOK_FAILED
					    : unit->is_loaded ? OO_LOOK_SEEN
							      : OO_LOOK_ABSENT;
	oo_work_release(unit->work);
}

static void *start(struct oo_work *work)
{
	static const char *const argv[] = {
		SYSTEMCTL, "show", "--property=LoadState,UnitFileState,RuntimeDirectoryPreserve",
		"ooha.service", NULL};
	static const char *const environment[] = {"LC_ALL=C", "SYSTEMD_COLORS=0", NULL};
	struct oo_host_facts *host = &work->facts->host;
	struct unit *unit = calloc(1, sizeof(*unit));
	if (unit == NULL) {
		return NULL;
	}
	unit->work = work;
	const struct oo_child_spec spec = {.path = SYSTEMCTL,
					   .argv = argv,
					   .environment = environment,
					   .timeout_ms = TIMEOUT_MS,
					   .grace_ms = GRACE_MS,
					   .line = on_line,
					   .done = on_done,
					   .user = unit};
	host->unit_look = OO_LOOK_ABSENT;
	if (access(BOOTED, F_OK) == 0 &&
	    oo_child_start(work->event, &spec, &unit->child, NULL) == 0) {
		host->unit_look = OO_LOOK_LATE;
		oo_work_hold(work);
	}
	return unit;
}

static void stop(void *state)
{
	struct unit *unit = state;
	oo_child_cancel(unit->child);
	free(unit);
}

const struct oo_examiner oo_examine_unit = {.start = start, .stop = stop};
