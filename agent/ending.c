#include "ending.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "compare.h"
#include "journal.h"
#include "story.h"
#include "vips.h"

/* systemd answers within a few ms; a stop should not wait long for one that does not. */
#define ASK_MS 200
#define SERVICE "org.freedesktop.systemd1"
#define PROPERTIES "org.freedesktop.DBus.Properties"

enum step {
	STEP_NONE,
	STEP_ASKING,  /* systemd, which job it is */
	STEP_KEEPING, /* a restart: ends as soon as nothing is half done */
	STEP_STOPPING,
};

struct agent_ending {
	struct agent *agent;
	enum step step;
	int signal;
	sd_bus *bus;           /* NULL: not asking */
	sd_bus_slot *question; /* under way */
	struct oo_timer timer; /* ends the asking, or the waiting */
	bool waited;           /* long enough for groups to come to rest */
};

static void hang_up(struct agent_ending *ending)
{
	ending->question = sd_bus_slot_unref(ending->question);
	ending->bus = sd_bus_close_unref(ending->bus);
	oo_timer_set(&ending->timer, OO_NEVER);
}

/* why: may be empty. */
static void stop(struct agent_ending *ending, const char *why)
{
	hang_up(ending);
	ending->step = STEP_STOPPING;
	agent_say(OO_LOG_INFO, &(struct agent_said){.message = AGENT_MESSAGE_STOPPING},
		  "stopping: %s%s%s", strsignal(ending->signal), why[0] == '\0' ? "" : ", ", why);
	agent_tell(ending->agent, &(struct oo_event){.type = OO_EVENT_STOP});
}

bool agent_ending_is_stopping(const struct agent_ending *ending)
{
	return ending->step == STEP_STOPPING;
}

/* Bit g: group g is not just watched. */
static uint32_t held(const struct agent *agent)
{
	uint32_t groups = 0;
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		if (oo_core_want(agent->core, g)->role != OO_ROLE_STANDBY) {
			groups |= 1u << g;
		}
	}
	return groups;
}

/* Whether no group is on its way from one node to another. */
static bool is_at_rest(const struct agent_ending *ending)
{
	const struct agent *agent = ending->agent;
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		const struct oo_want *want = oo_core_want(agent->core, g);
		/* an active one whose VIPs cannot be up, refused or lapsed, does not change by waiting */
		if (want->role != OO_ROLE_STANDBY && want->role != OO_ROLE_ACTIVE) {
			return false;
		}
	}
	return true;
}

static void end_kept(struct agent *agent)
{
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		agent_vips_rearm(agent->vips[g]);
	}
	sd_event_exit(agent->event, 0);
}

bool agent_ending_try_keep(struct agent_ending *ending)
{
	if (ending->step != STEP_NONE || !agent_story_is_quiet(ending->agent->story) ||
	    !is_at_rest(ending)) {
		return false;
	}
	end_kept(ending->agent);
	return true;
}

void agent_ending_check(struct agent_ending *ending)
{
	if (ending->step != STEP_KEEPING || !agent_story_is_quiet(ending->agent->story) ||
	    !(ending->waited || is_at_rest(ending))) {
		return;
	}
	if (held(ending->agent) == 0) {
		stop(ending, "a restart with nothing to keep");
		return;
	}
	end_kept(ending->agent);
}

/* A file that is wrong keeps the next agent from starting; one of other groups, from adopting. */
static int check_next(const struct agent *agent, struct oo_err *err)
{
	struct oo_config *next = NULL;
	int r = oo_config_load(agent->config_path, &next, err);
	if (r == 0 && !agent_compare_is_adoptable(agent->config, next, held(agent))) {
		r = oo_fail_text(err, EINVAL, "%s: cluster, node or groups have changed",
				 agent->config_path);
	}
	oo_config_free(next);
	return r;
}

static void keep(struct agent_ending *ending)
{
	struct agent *agent = ending->agent;
	struct oo_err err;

	if (check_next(agent, &err) < 0) {
		oo_log(OO_LOG_WARNING, "the next agent could not adopt: %s", err.text);
		stop(ending, "a restart that cannot keep");
		return;
	}
	hang_up(ending);
	ending->step = STEP_KEEPING;
	agent_say(OO_LOG_INFO,
		  &(struct agent_said){.message = AGENT_MESSAGE_STOPPING, .cause = "restart"},
		  "restarting: the next agent goes on");
	oo_timer_set(&ending->timer, oo_clock_now() + agent->config->lease.ttl_ms);
	agent_ending_check(ending);
}

/* The one answer to a property asked for; type of what is in its variant. Returns -errno. */
static int open_answer(sd_bus_message *message, const char *type)
{
	const sd_bus_error *error = sd_bus_message_get_error(message);
	return error != NULL ? -sd_bus_error_get_errno(error)
			     : sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, type);
}

static int ask(struct agent_ending *ending, const char *path, const char *interface,
	       const char *property, sd_bus_message_handler_t answered)
{
	ending->question = sd_bus_slot_unref(ending->question);
	return sd_bus_call_method_async(ending->bus, &ending->question, SERVICE, path, PROPERTIES,
					"Get", answered, ending, "ss", interface, property);
}

static void stop_unknown(struct agent_ending *ending, int r)
{
	char why[160];
	snprintf(why, sizeof(why), "systemd does not say what for: %s", strerror(-r));
	stop(ending, why);
}

static int on_job_type(sd_bus_message *message, void *user, sd_bus_error *ret_error)
{
	struct agent_ending *ending = user;
	const char *type;
	char why[80];
	(void)ret_error;

	int r = open_answer(message, "s");
	r = r < 0 ? r : sd_bus_message_read(message, "s", &type);
	if (r < 0) {
		stop_unknown(ending, r);
	} else if (oo_text_equal(type, "restart")) { /* what try-restart is, too, once it runs */
		keep(ending);
	} else {
		snprintf(why, sizeof(why), "systemd's %s job", type);
		stop(ending, why);
	}
	return 0;
}

static int on_job(sd_bus_message *message, void *user, sd_bus_error *ret_error)
{
	struct agent_ending *ending = user;
	const char *path;
	uint32_t id;
	(void)ret_error;

	int r = open_answer(message, "(uo)");
	r = r < 0 ? r : sd_bus_message_read(message, "(uo)", &id, &path);
	if (r >= 0 && id == 0) {
		stop(ending, "no job of systemd's");
		return 0;
	}
	r = r < 0 ? r : ask(ending, path, SERVICE ".Job", "JobType", on_job_type);
	if (r < 0) {
		stop_unknown(ending, r);
	}
	return 0;
}

/* Its variable has the number of the process that systemd itself has started. */
static bool is_a_service(void)
{
	char pid[24];
	const char *started = getenv("SYSTEMD_EXEC_PID");
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	return started != NULL && oo_text_equal(started, pid);
}

/* Systemd before 248 does not set it: then a restart costs a hand-over, and that has to be told. */
static const char *why_not_asked(void)
{
	return getenv("INVOCATION_ID") != NULL && getenv("SYSTEMD_EXEC_PID") == NULL
		       ? "systemd is not asked what for: it has set no SYSTEMD_EXEC_PID (248 does)"
		       : "";
}

static int ask_systemd(struct agent_ending *ending)
{
	OO_AUTO(oo_free) char *unit = NULL;
	OO_AUTO(oo_free) char *path = NULL;

	int r = sd_pid_get_unit(0, &unit);
	r = r < 0 ? r : sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);
	r = r < 0 ? r : sd_bus_open_system(&ending->bus);
	r = r < 0 ? r
		  : sd_bus_attach_event(ending->bus, ending->agent->event,
					SD_EVENT_PRIORITY_NORMAL);
	return r < 0 ? r : ask(ending, path, SERVICE ".Unit", "Job", on_job);
}

void agent_ending_on_signal(struct agent_ending *ending, int number)
{
	bool again = ending->step != STEP_NONE;

	ending->signal = number;
	(void)sd_notify(0, "STOPPING=1");
	if (number != SIGTERM || again || !is_a_service()) {
		stop(ending, number == SIGTERM && !again ? why_not_asked() : "");
		return;
	}
	ending->step = STEP_ASKING;
	oo_timer_set(&ending->timer, oo_clock_now() + ASK_MS);
	int r = ask_systemd(ending);
	if (r < 0) {
		stop_unknown(ending, r);
	}
}

static void on_timer(struct oo_timer *timer)
{
	struct agent_ending *ending = oo_container_of(timer, struct agent_ending, timer);
	if (ending->step == STEP_ASKING) {
		stop_unknown(ending, -ETIMEDOUT);
	} else {
		ending->waited = true;
		agent_ending_check(ending);
	}
}

int agent_ending_new(struct agent *agent, struct agent_ending **ret_ending, struct oo_err *err)
{
	struct agent_ending *ending = calloc(1, sizeof(*ending));
	if (ending == NULL) {
		return oo_fail(err, ENOMEM, "ending");
	}
	ending->agent = agent;
	int r = oo_timer_init(&ending->timer, agent->event, on_timer);
	if (r < 0) {
		free(ending);
		return oo_fail(err, -r, "timer");
	}
	*ret_ending = ending;
	return 0;
}

void agent_ending_free(struct agent_ending *ending)
{
	if (ending != NULL) {
		hang_up(ending);
		oo_timer_done(&ending->timer);
		free(ending);
	}
}
