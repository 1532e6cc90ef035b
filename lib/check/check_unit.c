#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/kind.h"

#define MANAGER "org.freedesktop.systemd1"
/* A bus may try to start what is not there. */
#define SPAWN_ERRORS "org.freedesktop.DBus.Error.Spawn."
#define WORD_LENGTH 32
/* Of a wait status as the unit has it: CLD_EXITED and its fellows (waitid(2)). */
#define CODE_EXITED 1

/* What systemd says of a unit (org.freedesktop.systemd1(5)). */
struct facts {
	char load[WORD_LENGTH], active[WORD_LENGTH], sub[WORD_LENGTH], result[WORD_LENGTH];
	uint32_t restarts;
	int32_t code, status;
};

struct unit {
	struct oo_check_run *run;
	sd_bus *bus;       /* owned; kept between runs while it is good */
	sd_bus_slot *slot; /* owned: the call under way */
	bool connected;    /* the bus has answered once */
	char *path;        /* owned */
	struct facts facts;
};

static void drop_bus(struct unit *unit)
{
	unit->slot = sd_bus_slot_unref(unit->slot);
	unit->bus = sd_bus_close_unref(unit->bus);
	unit->connected = false;
}

static void say_bus(struct unit *unit, int error_number)
{
	enum oo_check_reason reason = error_number == ECONNREFUSED ? OO_CHECK_REASON_REFUSED
				      : error_number == EACCES     ? OO_CHECK_REASON_DENIED
								   : OO_CHECK_REASON_LOCAL;
	oo_check_run_say(unit->run, reason, "system bus: %s", strerror(error_number));
}

/* How it ended, as `killed by signal 9 (oom-kill)`; "" when it has not. */
static void write_end(const struct facts *facts, char text[static OO_CHECK_SEEN_LENGTH])
{
	bool told = !oo_text_equal(facts->result, "success");
	text[0] = '\0';
	if (facts->code == CODE_EXITED && (facts->status != 0 || told)) {
		snprintf(text, OO_CHECK_SEEN_LENGTH, ", exit code %d", facts->status);
	} else if (facts->code > CODE_EXITED) {
		snprintf(text, OO_CHECK_SEEN_LENGTH, ", killed by SIG%s",
			 sigabbrev_np(facts->status) != NULL ? sigabbrev_np(facts->status) : "?");
	}
	if (told) {
		size_t length = strlen(text);
		snprintf(text + length, OO_CHECK_SEEN_LENGTH - length, ", %s", facts->result);
	}
}

static enum oo_check_reason reason_of(const struct unit *unit)
{
	const struct facts *facts = &unit->facts;
	uint32_t most = (uint32_t)unit->run->spec->unit.restarts;
	if (oo_text_equal(facts->load, "not-found")) {
		return OO_CHECK_REASON_MISSING;
	}
	if (oo_text_equal(facts->active, "active") || oo_text_equal(facts->active, "reloading")) {
		return most > 0 && facts->restarts > most ? OO_CHECK_REASON_RESTARTING
							  : OO_CHECK_REASON_OK;
	}
	if (oo_text_equal(facts->result, "oom-kill")) {
		return OO_CHECK_REASON_OUT_OF_MEMORY;
	}
	if (oo_text_equal(facts->sub, "auto-restart")) {
		return OO_CHECK_REASON_RESTARTING;
	}
	if (oo_text_equal(facts->active, "activating")) {
		return OO_CHECK_REASON_STARTING;
	}
	return oo_text_equal(facts->active, "failed") ? OO_CHECK_REASON_CRASHED
						      : OO_CHECK_REASON_STOPPED;
}

static void judge(struct unit *unit)
{
	const struct facts *facts = &unit->facts;
	enum oo_check_reason reason = reason_of(unit);
	char end[OO_CHECK_SEEN_LENGTH];
	if (reason == OO_CHECK_REASON_MISSING) {
		oo_check_run_say(unit->run, reason, "no such unit");
		return;
	}
	write_end(facts, end);
	oo_check_run_say(unit->run, reason, "%s (%s), %u restarts%s", facts->active, facts->sub,
			 facts->restarts, reason == OO_CHECK_REASON_OK ? "" : end);
}

/* Reads the properties that are wanted out of a{sv}; others are skipped. */
static int read_properties(sd_bus_message *message, struct facts *facts)
{
	const struct {
		const char *name, *type;
		char *text; /* WORD_LENGTH */
		void *number;
	} wanted[] = {
		{"LoadState", "s", facts->load, NULL},
		{"ActiveState", "s", facts->active, NULL},
		{"SubState", "s", facts->sub, NULL},
		{"Result", "s", facts->result, NULL},
		{"NRestarts", "u", NULL, &facts->restarts},
		{"ExecMainCode", "i", NULL, &facts->code},
		{"ExecMainStatus", "i", NULL, &facts->status},
	};
	int r = sd_bus_message_enter_container(message, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		const char *name, *text = "";
		size_t i = 0;
		r = sd_bus_message_read(message, "s", &name);
		while (r >= 0 && i < OO_LENGTH(wanted) && !oo_text_equal(wanted[i].name, name)) {
			i++;
		}
		if (r < 0) {
			return r;
		}
		if (i == OO_LENGTH(wanted)) {
			r = sd_bus_message_skip(message, "v");
		} else if (wanted[i].text != NULL) {
			r = sd_bus_message_read(message, "v", "s", &text);
			oo_text_clip(wanted[i].text, WORD_LENGTH, r < 0 ? "" : text);
		} else {
			r = sd_bus_message_read(message, "v", wanted[i].type, wanted[i].number);
		}
		if (r >= 0) {
			r = sd_bus_message_exit_container(message);
		}
	}
	return r;
}

/* The answer is an error: of the manager, or of the bus. */
static bool is_wrong(struct unit *unit, sd_bus_message *message)
{
	const sd_bus_error *error = sd_bus_message_get_error(message);
	if (error == NULL) {
		unit->connected = true;
		return false;
	}
	int error_number = sd_bus_message_get_errno(message);
	if (sd_bus_error_has_name(error, MANAGER ".NoSuchUnit")) {
		oo_check_run_say(unit->run, OO_CHECK_REASON_MISSING, "no such unit");
	} else if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED)) {
		oo_check_run_say(unit->run, OO_CHECK_REASON_DENIED, "%s", error->message);
	} else if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
		   sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
		   strncmp(error->name, SPAWN_ERRORS, strlen(SPAWN_ERRORS)) == 0) {
		oo_check_run_say(unit->run, OO_CHECK_REASON_LOCAL, "no systemd on the bus");
	} else {
		oo_check_run_say(unit->run, OO_CHECK_REASON_LOCAL, "system bus: %s",
				 error->message != NULL ? error->message : strerror(error_number));
	}
	return true;
}

static void end(struct unit *unit)
{
	/* what failed may be the connection: the next run makes a new one */
	if (unit->run->result.reason == OO_CHECK_REASON_LOCAL ||
	    unit->run->result.reason == OO_CHECK_REASON_REFUSED) {
		drop_bus(unit);
	}
	oo_check_run_finish(unit->run);
}

static int on_service(sd_bus_message *message, void *user, sd_bus_error *ret_error)
{
	struct unit *unit = user;
	(void)ret_error;
	/* a unit that is no service has no such interface: its own state is all there is */
	if (sd_bus_message_get_error(message) == NULL) {
		(void)read_properties(message, &unit->facts); /* what is not read stays "" */
	}
	judge(unit);
	end(unit);
	return 1;
}

static int ask_for(struct unit *unit, const char *interface, sd_bus_message_handler_t handler)
{
	unit->slot = sd_bus_slot_unref(unit->slot);
	return sd_bus_call_method_async(unit->bus, &unit->slot, MANAGER, unit->path,
					"org.freedesktop.DBus.Properties", "GetAll", handler, unit,
					"s", interface);
}

static int on_unit(sd_bus_message *message, void *user, sd_bus_error *ret_error)
{
	struct unit *unit = user;
	(void)ret_error;
	if (is_wrong(unit, message)) {
		end(unit);
		return 1;
	}
	int r = read_properties(message, &unit->facts);
	if (r >= 0) {
		r = ask_for(unit, MANAGER ".Service", on_service);
	}
	if (r < 0) {
		say_bus(unit, -r);
		end(unit);
	}
	return 1;
}

/*
 * The system bus is connected to in the background; the unit's path is made, not asked for, so that
 * a unit that is not loaded is loaded and says not-found.
 */
static int start(struct oo_check_run *run)
{
	struct unit *unit = run->state;
	int r = 0;
	unit->run = run;
	unit->facts = (struct facts){.result = "success"};
	if (unit->path == NULL) {
		r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", run->spec->unit.unit,
				       &unit->path);
	}
	if (r >= 0 && unit->bus == NULL) {
		r = sd_bus_open_system(&unit->bus);
		if (r >= 0) {
			r = sd_bus_attach_event(unit->bus, run->setup->event, 0);
		}
	}
	if (r >= 0) {
		r = ask_for(unit, MANAGER ".Unit", on_unit);
	}
	if (r < 0) {
		say_bus(unit, -r);
		drop_bus(unit);
		return OO_CHECK_FINISHED;
	}
	return 0;
}

static void expire(struct oo_check_run *run)
{
	struct unit *unit = run->state;
	oo_check_run_say(run, OO_CHECK_REASON_SILENT,
			 unit->connected ? "systemd does not answer"
					 : "no answer on the system bus");
	drop_bus(unit);
}

static void stop(struct oo_check_run *run)
{
	struct unit *unit = run->state;
	unit->slot = sd_bus_slot_unref(unit->slot);
}

static void done(struct oo_check_run *run)
{
	struct unit *unit = run->state;
	drop_bus(unit);
	free(unit->path);
}

const struct oo_check_kind oo_check_unit = {
	.state_size = sizeof(struct unit),
	.start = start,
	.expire = expire,
	.stop = stop,
	.done = done,
};
