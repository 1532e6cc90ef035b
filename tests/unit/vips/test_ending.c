/* Stopped or restarted: what the agent does by what systemd answers. */
#include "ending.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "compare.h"
#include "story.h"
#include "vips.h"

static struct oo_config config = {.lease = {.ttl_ms = 60000}};
static struct agent agent;
static struct oo_want want;
static unsigned n_stops, n_rearmed;
static sd_bus_message_handler_t answered;
static void *answered_user;

/* -- systemd: a restart, asked for as its job and as that job's type */

int sd_pid_get_unit(pid_t pid, char **unit)
{
	(void)pid;
	*unit = strdup("ooha.service");
	return *unit == NULL ? -ENOMEM : 0;
}

int sd_bus_open_system(sd_bus **bus)
{
	*bus = NULL;
	return 0;
}

int sd_bus_attach_event(sd_bus *bus, sd_event *e, int priority)
{
	(void)bus;
	(void)e;
	(void)priority;
	return 0;
}

int sd_bus_call_method_async(sd_bus *bus, sd_bus_slot **slot, const char *destination,
			     const char *path, const char *interface, const char *member,
			     sd_bus_message_handler_t callback, void *userdata, const char *types,
			     ...)
{
	(void)bus;
	(void)slot;
	(void)destination;
	(void)path;
	(void)interface;
	(void)member;
	(void)types;
	answered = callback;
	answered_user = userdata;
	return 0;
}

const sd_bus_error *sd_bus_message_get_error(sd_bus_message *m)
{
	(void)m;
	return NULL;
}

int sd_bus_message_enter_container(sd_bus_message *m, char type, const char *contents)
{
	(void)m;
	(void)type;
	(void)contents;
	return 1;
}

int sd_bus_message_read(sd_bus_message *m, const char *types, ...)
{
	va_list arguments;
	(void)m;
	va_start(arguments, types);
	if (strcmp(types, "s") == 0) {
		*va_arg(arguments, const char **) = "restart";
	} else {
		*va_arg(arguments, uint32_t *) = 7;
		*va_arg(arguments, const char **) = "/job/7";
	}
	va_end(arguments);
	return 1;
}

/* -- the rest of the agent */

const struct oo_want *oo_core_want(const struct oo_core *core, unsigned group)
{
	(void)core;
	(void)group;
	return &want;
}

void agent_tell(struct agent *of, const struct oo_event *event)
{
	(void)of;
	n_stops += event->type == OO_EVENT_STOP;
}

bool agent_story_is_quiet(const struct agent_story *story)
{
	(void)story;
	return true;
}

/* They cannot be up: a stranger has them. */
bool agent_vips_is_up(const struct agent_vips *vips)
{
	(void)vips;
	return false;
}

void agent_vips_rearm(struct agent_vips *vips)
{
	(void)vips;
	n_rearmed++;
}

int oo_config_load(const char *path, struct oo_config **ret_config, struct oo_err *err)
{
	(void)path;
	(void)err;
	*ret_config = NULL;
	return 0;
}

void oo_config_free(struct oo_config *old)
{
	(void)old;
}

bool agent_compare_is_adoptable(const struct oo_config *old, const struct oo_config *new,
				uint32_t held)
{
	(void)held;
	(void)old;
	(void)new;
	return true;
}

/* -- */

static char text[4096]; /* what was logged */

/* Returns whether the loop is told to end. */
static bool terminate(void)
{
	FILE *log = tmpfile();
	CU_ASSERT_PTR_NOT_NULL_FATAL(log);
	const int real = dup(STDERR_FILENO);
	dup2(fileno(log), STDERR_FILENO);
	answered = NULL;
	agent_ending_on_signal(agent.ending, SIGTERM);
	for (int i = 0; i < 2 && answered != NULL; i++) {
		(void)answered(NULL, answered_user, NULL);
	}
	dup2(real, STDERR_FILENO);
	close(real);
	ssize_t n = pread(fileno(log), text, sizeof(text) - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	fclose(log);
	int code;
	return sd_event_get_exit_code(agent.event, &code) >= 0;
}

static void set_up(void)
{
	char pid[24];
	agent = (struct agent){.config = &config, .core_config = {.n_groups = 1}};
	n_stops = n_rearmed = 0;
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("SYSTEMD_EXEC_PID", pid, 1);
	setenv("INVOCATION_ID", "0123", 1);
	CU_ASSERT_EQUAL_FATAL(sd_event_new(&agent.event), 0);
	CU_ASSERT_EQUAL_FATAL(agent_ending_new(&agent, &agent.ending, NULL), 0);
}

static void tear_down(void)
{
	agent_ending_free(agent.ending);
	sd_event_unref(agent.event);
}

static void test_restart_does_not_wait_for_vips_that_cannot_be_up(void)
{
	want = (struct oo_want){.role = OO_ROLE_ACTIVE, .address = true};
	CU_ASSERT_TRUE(terminate());
	CU_ASSERT_EQUAL(n_rearmed, 1);
	CU_ASSERT_EQUAL(n_stops, 0);
}

static void test_restart_does_not_wait_for_a_hold_that_has_lapsed(void)
{
	want = (struct oo_want){.role = OO_ROLE_ACTIVE};
	CU_ASSERT_TRUE(terminate());
}

static void test_restart_waits_for_what_is_on_its_way(void)
{
	want = (struct oo_want){.role = OO_ROLE_RELEASING};
	CU_ASSERT_FALSE(terminate());
	CU_ASSERT_EQUAL(n_stops, 0);
}

static void test_systemd_that_is_too_old_to_be_asked_is_named(void)
{
	want = (struct oo_want){.role = OO_ROLE_ACTIVE};
	unsetenv("SYSTEMD_EXEC_PID");
	CU_ASSERT_FALSE(terminate());
	CU_ASSERT_EQUAL(n_stops, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "it has set no SYSTEMD_EXEC_PID (248 does)"));
}

static void test_agent_that_is_no_service_just_stops(void)
{
	unsetenv("SYSTEMD_EXEC_PID");
	unsetenv("INVOCATION_ID");
	CU_ASSERT_FALSE(terminate());
	CU_ASSERT_EQUAL(n_stops, 1);
	CU_ASSERT_STRING_EQUAL(text + strcspn(text, ":"), ": stopping: Terminated\n");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(restart_does_not_wait_for_vips_that_cannot_be_up),
		TEST(restart_does_not_wait_for_a_hold_that_has_lapsed),
		TEST(restart_waits_for_what_is_on_its_way),
		TEST(systemd_that_is_too_old_to_be_asked_is_named),
		TEST(agent_that_is_no_service_just_stops),
	};
	return run_tests_in("ending", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
