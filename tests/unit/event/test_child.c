/* What a child gets, and what comes back of it. */
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
		ran_run(cases[i].script, &ran);
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
		struct oo_child_spec spec = ran_spec(argv, &ran);
		CU_ASSERT_EQUAL(oo_child_start(ran_event, &spec, &ran.child, &err), cases[i].r);
		CU_ASSERT_STRING_EQUAL(err.text, cases[i].text);
		CU_ASSERT_PTR_NULL(ran.child);
		settle(ran_event);
		CU_ASSERT_EQUAL(ran.times, 0);
	}
	CU_ASSERT_EQUAL(count_fds(), before);
}

static void test_a_child_without_a_deadline_is_refused(void)
{
	const char *argv[] = {"/bin/true", NULL};
	OO_AUTO(ran_done) struct ran ran;
	struct oo_child_spec spec = ran_spec(argv, &ran);
	spec.timeout_ms = 0;
	CU_ASSERT_EQUAL(oo_child_start(ran_event, &spec, &ran.child, NULL), -EINVAL);
	spec.timeout_ms = 1;
	spec.grace_ms = -1;
	CU_ASSERT_EQUAL(oo_child_start(ran_event, &spec, &ran.child, NULL), -EINVAL);
}

static void test_arguments_and_environment_are_exactly_those_given(void)
{
	const char *argv[] = {"name", "-c", "echo \"$0,$1,$2\"; env", "zero", "a b", "$HOME", NULL};
	const char *environment[] = {"PATH=/usr/bin:/bin", "A=1 2", "B=", NULL};
	OO_AUTO(ran_done) struct ran ran;
	struct oo_child_spec spec = ran_spec(argv, &ran);
	CU_ASSERT_EQUAL(setenv("OURS", "secret", 1), 0);
	spec.path = "/bin/sh";
	spec.environment = environment;
	ran_start(&spec);
	CU_ASSERT(await(ran_event, &ran.done));
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
	ran_run("exec ls /proc/self/fd", &ran);
	CU_ASSERT_STRING_EQUAL(ran.lines.data, "0|1|2|3|"); /* 3: what ls lists */
	ran_run("cat; readlink /proc/self/fd/0", &input);
	CU_ASSERT_STRING_EQUAL(input.lines.data, "/dev/null|");
	ran_run("pwd -P", &directory);
	CU_ASSERT_STRING_EQUAL(directory.lines.data, "/|");
}

static void test_a_child_reads_what_it_is_given_and_no_more(void)
{
	const char *argv[] = {"/bin/sh", "-c",
			      "cat | wc -c; head -c 3 /proc/self/fd/0; ls /proc/self/fd", NULL};
	OO_AUTO(ran_done) struct ran ran;
	char input[200001]; /* more than a pipe takes */
	struct oo_child_spec spec = ran_spec(argv, &ran);
	int before = count_fds();
	memset(input, 'x', sizeof(input) - 1);
	input[sizeof(input) - 1] = '\0';
	spec.input = input;
	ran_start(&spec);
	memset(input, 'y', sizeof(input) - 1); /* it is copied */
	CU_ASSERT(await(ran_event, &ran.done));
	CU_ASSERT_STRING_EQUAL(ran.lines.data, "200000|xxx0|1|2|3|");
	settle(ran_event);
	CU_ASSERT_EQUAL(count_fds(), before);
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
	struct oo_child_spec spec = ran_spec(argv, &ran);
	ran_start(&spec);
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	CU_ASSERT(await(ran_event, &ran.done));
	CU_ASSERT_STRING_EQUAL(ran.lines.data,
			       "SigBlk:\t0000000000000000|SigIgn:\t0000000000000000|");

	ran_run("read pid name state parent group session rest < /proc/$$/stat;"
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
		ran_run(cases[i].script, &ran);
		CU_ASSERT_STRING_EQUAL(ran.lines.length > 0 ? ran.lines.data : "", cases[i].lines);
		CU_ASSERT_EQUAL(ran.result.code, 0);
	}
}

static void test_a_long_line_comes_in_pieces(void)
{
	OO_AUTO(ran_done) struct ran ran, exact;
	ran_run("printf '%03000d\\nend\\n' 0", &ran);
	CU_ASSERT_EQUAL(ran.n_lines, 4);
	CU_ASSERT_EQUAL(ran.longest, OO_CHILD_LINE_LENGTH - 1);
	CU_ASSERT_EQUAL(ran.lines.length, 3000 + 3 + 4);
	ran_run("printf '%01023d\\n\\nend\\n' 0", &exact); /* no empty piece, but the empty line */
	CU_ASSERT_EQUAL(exact.n_lines, 3);
}

static void test_output_past_the_limit_is_dropped_with_a_note_and_holds_nobody_up(void)
{
	OO_AUTO(ran_done) struct ran ran;
	ran_run("i=0; while [ $i -lt 3000 ]; do printf '%099d\\n' $i; i=$((i + 1)); done; exit 7",
		&ran);
	CU_ASSERT_EQUAL(ran.result.code, 7);
	CU_ASSERT_EQUAL(ran.n_lines, 65536 / 100 + 2);
	const char *note = strstr(ran.lines.data, "|(");
	CU_ASSERT_PTR_NOT_NULL_FATAL(note);
	CU_ASSERT_STRING_EQUAL(note, "|(output truncated after 65536 bytes)|");
}

/* It ends before the loop looks: all of it is still in the pipe then. */
static void test_what_was_written_right_before_the_end_is_not_lost(void)
{
	OO_AUTO(ran_done) struct ran ran;
	siginfo_t info;
	ran_start_limited("printf '%0999d\\n' $(seq 50)", AWAIT_MS, AWAIT_MS, &ran);
	CU_ASSERT_EQUAL(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	CU_ASSERT(await(ran_event, &ran.done));
	CU_ASSERT_EQUAL(ran.n_lines, 50);
}

static void test_a_child_that_closes_its_output_costs_no_turns(void)
{
	OO_AUTO(ran_done) struct ran ran;
	int turns = 0;
	int64_t until = oo_clock_now() + AWAIT_MS;
	ran_start_limited("exec >&- 2>&-; sleep 0.2", AWAIT_MS, AWAIT_MS, &ran);
	while (!ran.done && oo_clock_now() < until) {
		sd_event_run(ran_event, 1000000);
		turns++;
	}
	CU_ASSERT(ran.done);
	CU_ASSERT(turns < 10);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(exit_codes_and_signals_come_back),
		TEST(what_cannot_be_started_says_why),
		TEST(a_child_without_a_deadline_is_refused),
		TEST(arguments_and_environment_are_exactly_those_given),
		TEST(a_child_gets_nothing_of_ours_but_its_output),
		TEST(a_child_reads_what_it_is_given_and_no_more),
		TEST(a_child_has_default_signals_and_a_session_of_its_own),
		TEST(output_comes_by_lines_however_it_was_written),
		TEST(a_long_line_comes_in_pieces),
		TEST(output_past_the_limit_is_dropped_with_a_note_and_holds_nobody_up),
		TEST(what_was_written_right_before_the_end_is_not_lost),
		TEST(a_child_that_closes_its_output_costs_no_turns),
	};
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return run_tests_in("child", (struct frame){ran_set_up, ran_tear_down}, tests,
			    OO_LENGTH(tests));
}
