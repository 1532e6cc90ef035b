/* How a child ends, and what goes with it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/child.h"

#include "await.h"
#include "ran.h"
#include "testing.h"

static void test_a_child_past_its_deadline_is_asked_to_end_first(void)
{
	OO_AUTO(ran_done) struct ran ran;
	char text[OO_CHILD_RESULT_LENGTH];
	int64_t started_at = oo_clock_now();
	ran_start_limited("trap 'echo bye; exit 0' TERM; echo up; while :; do :; done", 200,
			  AWAIT_MS, &ran);
	CU_ASSERT(await(ran_event, &ran.done));
	CU_ASSERT(oo_clock_now() - started_at >= 200);
	CU_ASSERT_STRING_EQUAL(ran.lines.data, "up|bye|");
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_TIMED_OUT);
	CU_ASSERT_STRING_EQUAL(oo_child_result_format(&ran.result, text), "timed out");
}

static void test_a_group_that_ignores_term_is_killed_whole(void)
{
	OO_AUTO(ran_done) struct ran ran;
	int64_t started_at = oo_clock_now();
	ran_start_limited("trap '' TERM; sleep 1000 & echo $!; wait; wait", 300, 200, &ran);
	CU_ASSERT(await(ran_event, &ran.done));
	CU_ASSERT(oo_clock_now() - started_at >= 500);
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_TIMED_OUT);
	CU_ASSERT_EQUAL_FATAL(ran.n_lines, 1);
	CU_ASSERT_EQUAL(ran_orphan_signal(atoi(ran.lines.data)), SIGKILL);
}

/* The leader goes at SIGTERM, the grandchild ignores it and has the pipe. */
static void test_a_grandchild_that_ignores_term_goes_with_the_leader(void)
{
	OO_AUTO(ran_done) struct ran ran;
	ran_start_limited("(trap '' TERM; exec sleep 1000) & echo $!; wait", 300, AWAIT_MS, &ran);
	CU_ASSERT(await(ran_event, &ran.done));
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_TIMED_OUT);
	CU_ASSERT_EQUAL_FATAL(ran.n_lines, 1);
	CU_ASSERT_EQUAL(ran_orphan_signal(atoi(ran.lines.data)), SIGKILL);
}

static void test_what_a_child_leaves_behind_is_killed(void)
{
	OO_AUTO(ran_done) struct ran ran;
	ran_run("sleep 1000 & echo $!", &ran);
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_EXITED);
	CU_ASSERT_EQUAL_FATAL(ran.n_lines, 1);
	CU_ASSERT_EQUAL(ran_orphan_signal(atoi(ran.lines.data)), SIGKILL);
}

static void test_an_escaped_grandchild_with_the_pipe_holds_up_nothing(void)
{
	OO_AUTO(ran_done) struct ran ran;
	ran_run("setsid sh -c 'while :; do echo noise; done' & p=$!;"
		"while read pid name state parent group session rest < /proc/$p/stat;"
		" [ $session != $p ]; do :; done; echo >&2; exec echo $p",
		&ran);
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_EXITED);
	/* it was started in the group's session, and is a session of its own now: ours to end */
	const char *last = ran.lines.data;
	pid_t orphan = 0;
	for (; last != NULL && *last != '\0'; last = strchr(last, '|') + 1) {
		orphan = atoi(last) > 0 ? atoi(last) : orphan;
	}
	CU_ASSERT_FATAL(orphan > 1);
	(void)kill(orphan, SIGKILL);
	CU_ASSERT(ran_orphan_signal(orphan) != 0);
}

static void test_cancel_kills_the_group_and_silences_it(void)
{
	OO_AUTO(ran_done) struct ran ran;
	int before = count_fds();
	ran_start_limited("trap '' TERM; sleep 1000 & echo $$; echo $!; wait; wait", AWAIT_MS,
			  AWAIT_MS, &ran);
	while (ran.n_lines < 2 && await(ran_event, &ran.said)) {
		ran.said = false;
	}
	pid_t leader = atoi(ran.lines.data), other = atoi(strchr(ran.lines.data, '|') + 1);
	oo_child_cancel(ran.child);
	CU_ASSERT(ran_await_gone(leader)); /* reaped by the loop: a zombie would still be there */
	CU_ASSERT_EQUAL(ran_orphan_signal(other), SIGKILL);
	CU_ASSERT_EQUAL(ran.times, 0);
	CU_ASSERT_EQUAL(ran.n_lines, 2);
	CU_ASSERT_EQUAL(count_fds(), before);
	oo_child_cancel(NULL);
}

static void test_cancel_works_when_the_loop_is_over(void)
{
	OO_AUTO(ran_done) struct ran ran;
	ran_start_limited("echo $$; exec sleep 1000", AWAIT_MS, AWAIT_MS, &ran);
	CU_ASSERT(await(ran_event, &ran.said));
	CU_ASSERT(sd_event_exit(ran_event, 0) >= 0);
	CU_ASSERT_EQUAL(sd_event_loop(ran_event), 0);
	oo_child_cancel(ran.child);
	CU_ASSERT_EQUAL(ran_orphan_signal(atoi(ran.lines.data)), SIGKILL);
}

static void test_a_process_that_outlives_sigkill_is_not_waited_for(void)
{
	OO_AUTO(ran_done) struct ran ran;
	ran_kill_is_lost = true;
	ran_start_limited("trap '' TERM; echo $$; while :; do sleep 0.1; done", 100, 100, &ran);
	CU_ASSERT(await(ran_event, &ran.done));
	ran_kill_is_lost = false;
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_TIMED_OUT);
	pid_t pid = atoi(ran.lines.data);
	CU_ASSERT_EQUAL_FATAL(kill(pid, 0), 0);
	(void)kill(-pid, SIGKILL);
	CU_ASSERT(ran_await_gone(pid));
}

static void test_a_status_that_somebody_else_took_is_unknown(void)
{
	OO_AUTO(ran_done) struct ran ran;
	char text[OO_CHILD_RESULT_LENGTH];
	ran_start_limited("exit 3", AWAIT_MS, AWAIT_MS, &ran);
	while (waitpid(-1, NULL, 0) > 0) {
	}
	CU_ASSERT(await(ran_event, &ran.done));
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_UNKNOWN);
	CU_ASSERT_STRING_EQUAL(oo_child_result_format(&ran.result, text),
			       "ended, nobody can say how");
}

/* The kernel would reap children by itself then, and their numbers could mean others. */
static void test_no_child_is_started_while_sigchld_is_ignored(void)
{
	const char *argv[] = {"/bin/true", NULL};
	OO_AUTO(ran_done) struct ran ran;
	struct oo_err err = {""};
	struct oo_child_spec spec = ran_spec(argv, &ran);
	signal(SIGCHLD, SIG_IGN);
	CU_ASSERT_EQUAL(oo_child_start(ran_event, &spec, &ran.child, &err), -ECHILD);
	signal(SIGCHLD, SIG_DFL);
	CU_ASSERT_STRING_EQUAL(err.text, "/bin/true: cannot be waited for, SIGCHLD is ignored");
}

static void test_a_child_works_when_our_own_standard_files_are_closed(void)
{
	OO_AUTO(ran_done) struct ran ran;
	int saved[3];
	fflush(NULL);
	for (int fd = 0; fd < 3; fd++) {
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	}
	for (int fd = 0; fd < 3; fd++) {
		close(fd);
	}
	ran_run("echo out; echo err >&2; exec readlink /proc/self/fd/0", &ran);
	for (int fd = 0; fd < 3; fd++) {
		dup2(saved[fd], fd);
		close(saved[fd]);
	}
	CU_ASSERT_STRING_EQUAL(ran.lines.data, "out|err|/dev/null|");
}

static void test_a_hundred_children_at_once_leak_nothing(void)
{
	const char *argv[] = {"/bin/true", NULL};
	static struct ran ran[100];
	int before = count_fds();
	while (waitpid(-1, NULL, WNOHANG) > 0) { /* orphans of other tests */
	}
	for (size_t i = 0; i < OO_LENGTH(ran); i++) {
		struct oo_child_spec spec = ran_spec(argv, &ran[i]);
		ran_start(&spec);
	}
	for (size_t i = 0; i < OO_LENGTH(ran); i++) {
		CU_ASSERT(await(ran_event, &ran[i].done));
		CU_ASSERT_EQUAL(ran[i].result.end, OO_CHILD_END_EXITED);
		ran_done(&ran[i]);
	}
	CU_ASSERT_EQUAL(count_fds(), before);
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
	CU_ASSERT_EQUAL(errno, ECHILD);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_child_past_its_deadline_is_asked_to_end_first),
		TEST(a_group_that_ignores_term_is_killed_whole),
		TEST(a_grandchild_that_ignores_term_goes_with_the_leader),
		TEST(what_a_child_leaves_behind_is_killed),
		TEST(an_escaped_grandchild_with_the_pipe_holds_up_nothing),
		TEST(cancel_kills_the_group_and_silences_it),
		TEST(cancel_works_when_the_loop_is_over),
		TEST(a_process_that_outlives_sigkill_is_not_waited_for),
		TEST(a_status_that_somebody_else_took_is_unknown),
		TEST(no_child_is_started_while_sigchld_is_ignored),
		TEST(a_child_works_when_our_own_standard_files_are_closed),
		TEST(a_hundred_children_at_once_leak_nothing),
	};
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return run_tests_in("child end", (struct frame){ran_set_up, ran_tear_down}, tests,
			    OO_LENGTH(tests));
}
