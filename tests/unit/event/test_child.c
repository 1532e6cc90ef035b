#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "event/child.h"
#include "event/timer.h"

#include "await.h"
#include "testing.h"

static sd_event *event;

/* A kill(2) of ours, so that a process can be made to outlive SIGKILL. */
static bool kill_is_lost;

int kill(pid_t pid, int signal_number)
{
	if (kill_is_lost && signal_number == SIGKILL) {
		return 0;
	}
	return (int)syscall(SYS_kill, pid, signal_number);
}

/* A child, and what came of it: its lines are joined by '|'. */
struct ran {
	struct oo_child *child;
	struct oo_buffer lines;
	size_t n_lines, longest;
	bool said, done;
	int times;
	struct oo_child_result result;
};

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

static void ran_done(struct ran *ran)
{
	oo_buffer_done(&ran->lines);
}

static struct oo_child_spec spec_of(const char *const *argv, struct ran *ran)
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

static void start(const struct oo_child_spec *spec)
{
	struct ran *ran = spec->user;
	struct oo_err err = {""};
	CU_ASSERT_EQUAL_FATAL(oo_child_start(event, spec, &ran->child, &err), 0);
	CU_ASSERT_FALSE(ran->done);
}

/* Runs a line of shell to its end. */
static void run(const char *script, struct ran *ran)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct oo_child_spec spec = spec_of(argv, ran);
	start(&spec);
	CU_ASSERT(await(event, &ran->done));
	settle(event);
	CU_ASSERT_EQUAL(ran->times, 1);
}

/* Starts a line of shell with limits of its own. */
static void start_limited(const char *script, int64_t timeout_ms, int64_t grace_ms, struct ran *ran)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct oo_child_spec spec = spec_of(argv, ran);
	spec.timeout_ms = timeout_ms;
	spec.grace_ms = grace_ms;
	start(&spec);
}

/* Orphans come to us (PR_SET_CHILD_SUBREAPER): waits for the one and returns what ended it. */
static int signal_that_ended(pid_t orphan)
{
	int64_t until = oo_clock_now() + AWAIT_MS;
	int status = 0;
	while (waitpid(orphan, &status, WNOHANG) != orphan && oo_clock_now() < until) {
		sd_event_run(event, 1000);
	}
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static bool await_gone(pid_t pid)
{
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (kill(pid, 0) == 0 && oo_clock_now() < until) {
		sd_event_run(event, 1000);
	}
	return kill(pid, 0) < 0 && errno == ESRCH;
}

static void on_nothing(struct oo_timer *timer)
{
	(void)timer;
}

static void set_up(void)
{
	struct oo_timer timer;
	event = new_loop();
	/* the loop's own descriptor for timers comes with the first, and stays */
	CU_ASSERT_EQUAL_FATAL(oo_timer_init(&timer, event, on_nothing), 0);
	oo_timer_set(&timer, 0);
	settle(event);
	oo_timer_done(&timer);
}

static void tear_down(void)
{
	event = sd_event_unref(event);
}

static void test_exit_codes_and_signals_come_back(void)
{
	static const struct {
		const char *script;
		enum oo_child_end end;
		int code;
		const char *text;
	} cases[] = {
		{"true", OO_CHILD_END_EXITED, 0, "exit code 0"},
		{"exit 3", OO_CHILD_END_EXITED, 3, "exit code 3"},
		{"exit 255", OO_CHILD_END_EXITED, 255, "exit code 255"},
		{"kill -SEGV $$", OO_CHILD_END_SIGNALLED, SIGSEGV, "killed by SIGSEGV"},
		{"kill -KILL $$", OO_CHILD_END_SIGNALLED, SIGKILL, "killed by SIGKILL"},
		{"kill -40 $$", OO_CHILD_END_SIGNALLED, 40, "killed by signal 40"},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		char text[OO_CHILD_RESULT_LENGTH];
		OO_AUTO(ran_done) struct ran ran;
		run(cases[i].script, &ran);
		CU_ASSERT_EQUAL(ran.result.end, cases[i].end);
		CU_ASSERT_EQUAL(ran.result.code, cases[i].code);
		CU_ASSERT_STRING_EQUAL(oo_child_result_format(&ran.result, text), cases[i].text);
	}
}

static void test_what_cannot_be_started_says_why(void)
{
	static const struct {
		const char *path;
		int r;
		const char *text;
	} cases[] = {
		{"/nonexistent/hook", -ENOENT, "/nonexistent/hook: No such file or directory"},
		{"/etc/passwd", -EACCES, "/etc/passwd: Permission denied"},
		{"/tmp", -EACCES, "/tmp: Permission denied"},
	};
	int before = count_fds();
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		const char *argv[] = {cases[i].path, NULL};
		OO_AUTO(ran_done) struct ran ran;
		struct oo_err err = {""};
		struct oo_child_spec spec = spec_of(argv, &ran);
		CU_ASSERT_EQUAL(oo_child_start(event, &spec, &ran.child, &err), cases[i].r);
		CU_ASSERT_STRING_EQUAL(err.text, cases[i].text);
		CU_ASSERT_PTR_NULL(ran.child);
		settle(event);
		CU_ASSERT_EQUAL(ran.times, 0);
	}
	CU_ASSERT_EQUAL(count_fds(), before);
}

static void test_a_child_without_a_deadline_is_refused(void)
{
	const char *argv[] = {"/bin/true", NULL};
	OO_AUTO(ran_done) struct ran ran;
	struct oo_child_spec spec = spec_of(argv, &ran);
	spec.timeout_ms = 0;
	CU_ASSERT_EQUAL(oo_child_start(event, &spec, &ran.child, NULL), -EINVAL);
	spec.timeout_ms = 1;
	spec.grace_ms = -1;
	CU_ASSERT_EQUAL(oo_child_start(event, &spec, &ran.child, NULL), -EINVAL);
}

static void test_arguments_and_environment_are_exactly_those_given(void)
{
	const char *argv[] = {"name", "-c", "echo \"$0,$1,$2\"; env", "zero", "a b", "$HOME", NULL};
	const char *environment[] = {"PATH=/usr/bin:/bin", "A=1 2", "B=", NULL};
	OO_AUTO(ran_done) struct ran ran;
	struct oo_child_spec spec = spec_of(argv, &ran);
	CU_ASSERT_EQUAL(setenv("OURS", "secret", 1), 0);
	spec.path = "/bin/sh";
	spec.environment = environment;
	start(&spec);
	CU_ASSERT(await(event, &ran.done));
	CU_ASSERT_PTR_NOT_NULL(strstr(ran.lines.data, "zero,a b,$HOME|"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ran.lines.data, "|A=1 2|"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ran.lines.data, "|B=|"));
	CU_ASSERT_PTR_NULL(strstr(ran.lines.data, "OURS"));
}

static void test_a_child_gets_nothing_of_ours_but_its_output(void)
{
	OO_AUTO(oo_close) int ours = open("/dev/null", O_RDONLY); /* not CLOEXEC */
	OO_AUTO(ran_done) struct ran ran, input, directory;
	CU_ASSERT(ours > 2);
	run("exec ls /proc/self/fd", &ran);
	CU_ASSERT_STRING_EQUAL(ran.lines.data, "0|1|2|3|"); /* 3: what ls lists */
	run("cat; readlink /proc/self/fd/0", &input);
	CU_ASSERT_STRING_EQUAL(input.lines.data, "/dev/null|");
	run("pwd -P", &directory);
	CU_ASSERT_STRING_EQUAL(directory.lines.data, "/|");
}

static void test_a_child_has_default_signals_and_a_session_of_its_own(void)
{
	OO_AUTO(ran_done) struct ran ran, session;
	sigset_t blocked, old;
	sigfillset(&blocked);
	sigprocmask(SIG_BLOCK, &blocked, &old);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	const char *argv[] = {"/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status", NULL};
	struct oo_child_spec spec = spec_of(argv, &ran);
	start(&spec);
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	CU_ASSERT(await(event, &ran.done));
	CU_ASSERT_STRING_EQUAL(ran.lines.data,
			       "SigBlk:\t0000000000000000|SigIgn:\t0000000000000000|");

	run("read pid name state parent group session rest < /proc/$$/stat;"
	    "[ $pid = $$ ] && [ $group = $$ ] && [ $session = $$ ]",
	    &session);
	CU_ASSERT_EQUAL(session.result.code, 0);
}

static void test_output_comes_by_lines_however_it_was_written(void)
{
	static const struct {
		const char *script, *lines;
	} cases[] = {
		{"echo one; echo two", "one|two|"},
		{"printf a; sleep 0.05; printf b; sleep 0.05; printf 'c\\nd'", "abc|d|"},
		{"printf 'no newline'", "no newline|"},
		{"printf '\\n\\n'", "||"},
		{"true", ""},
		{"echo out; echo err >&2", "out|err|"},
		{"printf 'a\\033[31mb\\000c\\td\\r\\177e\\303\\244\\n'",
		 "a?[31mb?c\td??e\303\244|"},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		OO_AUTO(ran_done) struct ran ran;
		run(cases[i].script, &ran);
		CU_ASSERT_STRING_EQUAL(ran.lines.length > 0 ? ran.lines.data : "", cases[i].lines);
		CU_ASSERT_EQUAL(ran.result.code, 0);
	}
}

static void test_a_long_line_comes_in_pieces(void)
{
	OO_AUTO(ran_done) struct ran ran, exact;
	run("printf '%03000d\\nend\\n' 0", &ran);
	CU_ASSERT_EQUAL(ran.n_lines, 4);
	CU_ASSERT_EQUAL(ran.longest, OO_CHILD_LINE_LENGTH - 1);
	CU_ASSERT_EQUAL(ran.lines.length, 3000 + 3 + 4);
	run("printf '%01023d\\n\\nend\\n' 0", &exact); /* no empty piece, but the empty line */
	CU_ASSERT_EQUAL(exact.n_lines, 3);
}

static void test_output_past_the_limit_is_dropped_with_a_note_and_holds_nobody_up(void)
{
	OO_AUTO(ran_done) struct ran ran;
	run("i=0; while [ $i -lt 3000 ]; do printf '%099d\\n' $i; i=$((i + 1)); done; exit 7",
	    &ran);
	CU_ASSERT_EQUAL(ran.result.code, 7);
	CU_ASSERT_EQUAL(ran.n_lines, 65536 / 100 + 2);
	const char *note = strstr(ran.lines.data, "|(");
	CU_ASSERT_PTR_NOT_NULL_FATAL(note);
	CU_ASSERT_STRING_EQUAL(note, "|(output truncated after 65536 bytes)|");
}

static void test_a_child_past_its_deadline_is_asked_to_end_first(void)
{
	OO_AUTO(ran_done) struct ran ran;
	char text[OO_CHILD_RESULT_LENGTH];
	int64_t started_at = oo_clock_now();
	start_limited("trap 'echo bye; exit 0' TERM; echo up; while :; do :; done", 200, AWAIT_MS,
		      &ran);
	CU_ASSERT(await(event, &ran.done));
	CU_ASSERT(oo_clock_now() - started_at >= 200);
	CU_ASSERT_STRING_EQUAL(ran.lines.data, "up|bye|");
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_TIMED_OUT);
	CU_ASSERT_STRING_EQUAL(oo_child_result_format(&ran.result, text), "timed out");
}

static void test_a_group_that_ignores_term_is_killed_whole(void)
{
	OO_AUTO(ran_done) struct ran ran;
	int64_t started_at = oo_clock_now();
	start_limited("trap '' TERM; sleep 1000 & echo $!; wait; wait", 300, 200, &ran);
	CU_ASSERT(await(event, &ran.done));
	CU_ASSERT(oo_clock_now() - started_at >= 500);
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_TIMED_OUT);
	CU_ASSERT_EQUAL_FATAL(ran.n_lines, 1);
	CU_ASSERT_EQUAL(signal_that_ended(atoi(ran.lines.data)), SIGKILL);
}

/* The leader goes at SIGTERM, the grandchild ignores it and has the pipe. */
static void test_a_grandchild_that_ignores_term_goes_with_the_leader(void)
{
	OO_AUTO(ran_done) struct ran ran;
	start_limited("(trap '' TERM; exec sleep 1000) & echo $!; wait", 300, AWAIT_MS, &ran);
	CU_ASSERT(await(event, &ran.done));
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_TIMED_OUT);
	CU_ASSERT_EQUAL_FATAL(ran.n_lines, 1);
	CU_ASSERT_EQUAL(signal_that_ended(atoi(ran.lines.data)), SIGKILL);
}

static void test_what_a_child_leaves_behind_is_killed(void)
{
	OO_AUTO(ran_done) struct ran ran;
	run("sleep 1000 & echo $!", &ran);
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_EXITED);
	CU_ASSERT_EQUAL_FATAL(ran.n_lines, 1);
	CU_ASSERT_EQUAL(signal_that_ended(atoi(ran.lines.data)), SIGKILL);
}

static void test_an_escaped_grandchild_with_the_pipe_holds_up_nothing(void)
{
	OO_AUTO(ran_done) struct ran ran;
	run("setsid sh -c 'while :; do echo noise; done' & p=$!;"
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
	CU_ASSERT(signal_that_ended(orphan) != 0);
}

static void test_cancel_kills_the_group_and_silences_it(void)
{
	OO_AUTO(ran_done) struct ran ran;
	int before = count_fds();
	start_limited("trap '' TERM; sleep 1000 & echo $$; echo $!; wait; wait", AWAIT_MS, AWAIT_MS,
		      &ran);
	while (ran.n_lines < 2 && await(event, &ran.said)) {
		ran.said = false;
	}
	pid_t leader = atoi(ran.lines.data), other = atoi(strchr(ran.lines.data, '|') + 1);
	oo_child_cancel(ran.child);
	CU_ASSERT(await_gone(leader)); /* reaped by the loop: a zombie would still be there */
	CU_ASSERT_EQUAL(signal_that_ended(other), SIGKILL);
	CU_ASSERT_EQUAL(ran.times, 0);
	CU_ASSERT_EQUAL(ran.n_lines, 2);
	CU_ASSERT_EQUAL(count_fds(), before);
	oo_child_cancel(NULL);
}

static void test_cancel_works_when_the_loop_is_over(void)
{
	OO_AUTO(ran_done) struct ran ran;
	start_limited("echo $$; exec sleep 1000", AWAIT_MS, AWAIT_MS, &ran);
	CU_ASSERT(await(event, &ran.said));
	CU_ASSERT(sd_event_exit(event, 0) >= 0);
	CU_ASSERT_EQUAL(sd_event_loop(event), 0);
	oo_child_cancel(ran.child);
	CU_ASSERT_EQUAL(signal_that_ended(atoi(ran.lines.data)), SIGKILL);
}

static void test_a_process_that_outlives_sigkill_is_not_waited_for(void)
{
	OO_AUTO(ran_done) struct ran ran;
	kill_is_lost = true;
	start_limited("trap '' TERM; echo $$; while :; do sleep 0.1; done", 100, 100, &ran);
	CU_ASSERT(await(event, &ran.done));
	kill_is_lost = false;
	CU_ASSERT_EQUAL(ran.result.end, OO_CHILD_END_TIMED_OUT);
	pid_t pid = atoi(ran.lines.data);
	CU_ASSERT_EQUAL_FATAL(kill(pid, 0), 0);
	(void)kill(-pid, SIGKILL);
	CU_ASSERT(await_gone(pid));
}

static void test_a_status_that_somebody_else_took_is_unknown(void)
{
	OO_AUTO(ran_done) struct ran ran;
	char text[OO_CHILD_RESULT_LENGTH];
	start_limited("exit 3", AWAIT_MS, AWAIT_MS, &ran);
	while (waitpid(-1, NULL, 0) > 0) {
	}
	CU_ASSERT(await(event, &ran.done));
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
	struct oo_child_spec spec = spec_of(argv, &ran);
	signal(SIGCHLD, SIG_IGN);
	CU_ASSERT_EQUAL(oo_child_start(event, &spec, &ran.child, &err), -ECHILD);
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
	run("echo out; echo err >&2; exec readlink /proc/self/fd/0", &ran);
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
		struct oo_child_spec spec = spec_of(argv, &ran[i]);
		start(&spec);
	}
	for (size_t i = 0; i < OO_LENGTH(ran); i++) {
		CU_ASSERT(await(event, &ran[i].done));
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
		TEST(exit_codes_and_signals_come_back),
		TEST(what_cannot_be_started_says_why),
		TEST(a_child_without_a_deadline_is_refused),
		TEST(arguments_and_environment_are_exactly_those_given),
		TEST(a_child_gets_nothing_of_ours_but_its_output),
		TEST(a_child_has_default_signals_and_a_session_of_its_own),
		TEST(output_comes_by_lines_however_it_was_written),
		TEST(a_long_line_comes_in_pieces),
		TEST(output_past_the_limit_is_dropped_with_a_note_and_holds_nobody_up),
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
	return run_tests_in("child", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
