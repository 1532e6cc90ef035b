#include "ran.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#include "event/timer.h"

#include "await.h"

sd_event *ran_event;

/* A kill(2) of ours, so that a process can be made to outlive SIGKILL. */
bool ran_kill_is_lost;

int kill(pid_t pid, int signal_number)
{
	if (ran_kill_is_lost && signal_number == SIGKILL) {
		return 0;
	}
	return (int)syscall(SYS_kill, pid, signal_number);
}

static void on_line(void *user, const char *line)
{
	struct ran *ran = user;
	ran->said = true;
	ran->n_lines++;
	ran->longest = strlen(line) > ran->longest ? strlen(line) : ran->longest;
	CU_ASSERT_EQUAL(oo_buffer_add_format(&ran->lines, "%s|", line), 0);
}

static void on_done(void *user, const struct oo_child_result *result)
{
	struct ran *ran = user;
	ran->done = true;
	ran->times++;
	ran->result = *result;
}

void ran_done(struct ran *ran)
{
	oo_buffer_done(&ran->lines);
}

struct oo_child_spec ran_spec(const char *const *argv, struct ran *ran)
{
	static const char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
	*ran = (struct ran){0};
	oo_buffer_init(&ran->lines, 1000000);
	return (struct oo_child_spec){.path = argv[0],
				      .argv = argv,
				      .environment = environment,
				      .timeout_ms = AWAIT_MS,
				      .grace_ms = AWAIT_MS,
				      .line = on_line,
				      .done = on_done,
				      .user = ran};
}

void ran_start(const struct oo_child_spec *spec)
{
	struct ran *ran = spec->user;
	struct oo_err err = {""};
	CU_ASSERT_EQUAL_FATAL(oo_child_start(ran_event, spec, &ran->child, &err), 0);
	CU_ASSERT_FALSE(ran->done);
}

/* Runs a line of shell to its end. */
void ran_run(const char *script, struct ran *ran)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct oo_child_spec spec = ran_spec(argv, ran);
	ran_start(&spec);
	CU_ASSERT(await(ran_event, &ran->done));
	settle(ran_event);
	CU_ASSERT_EQUAL(ran->times, 1);
}

/* Starts a line of shell with limits of its own. */
void ran_start_limited(const char *script, int64_t timeout_ms, int64_t grace_ms, struct ran *ran)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct oo_child_spec spec = ran_spec(argv, ran);
	spec.timeout_ms = timeout_ms;
	spec.grace_ms = grace_ms;
	ran_start(&spec);
}

/* Orphans come to us (PR_SET_CHILD_SUBREAPER): waits for the one and returns what ended it. */
int ran_orphan_signal(pid_t orphan)
{
	int64_t until = oo_clock_now() + AWAIT_MS;
	int status = 0;
	while (waitpid(orphan, &status, WNOHANG) != orphan && oo_clock_now() < until) {
		sd_event_run(ran_event, 1000);
	}
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

bool ran_await_gone(pid_t pid)
{
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (kill(pid, 0) == 0 && oo_clock_now() < until) {
		sd_event_run(ran_event, 1000);
	}
	return kill(pid, 0) < 0 && errno == ESRCH;
}

static void on_nothing(struct oo_timer *timer)
{
	(void)timer;
}

void ran_set_up(void)
{
	struct oo_timer timer;
	ran_event = new_loop();
	/* the loop's own descriptor for timers comes with the first, and stays */
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&timer, ran_event, on_nothing), 0);
	oo_timer_set(&timer, 0);
	settle(ran_event);
	oo_timer_done(&timer);
}

void ran_tear_down(void)
{
	ran_event = sd_event_unref(ran_event);
}
