/* How hooks run: in which order, with what, and what is heard of them. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../event/await.h"
#include "../event/testing.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "hook/hook.h"

#include "scratch.h"

static sd_event *event;
static struct oo_hooks *hooks;

/* What was said, as "name: line|"; and how events ended, as "ran/failed|". */
static struct oo_buffer output, warnings, debug, ends;
static bool done;
static int n_done, wanted;
static struct oo_hook_counts counts;

static void on_log(void *user, enum oo_log_level level, const char *hook, const char *line)
{
	struct oo_buffer *buffer = level == OO_LOG_INFO      ? &output
				   : level == OO_LOG_WARNING ? &warnings
							     : &debug;
	CU_ASSERT_PTR_EQUAL(user, &output);
	CU_ASSERT(level == OO_LOG_INFO || level == OO_LOG_WARNING || level == OO_LOG_DEBUG);
	CU_ASSERT_EQUAL(hook[0], '/');
	CU_ASSERT_PTR_NULL(strstr(hook, "//"));
	CU_ASSERT_EQUAL(oo_buffer_add_format(buffer, "%s: %s|", strrchr(hook, '/') + 1, line), 0);
}

static void on_done(void *user, int ran, int failed)
{
	CU_ASSERT_PTR_EQUAL(user, &ends);
	CU_ASSERT_EQUAL(oo_buffer_add_format(&ends, "%d/%d|", ran, failed), 0);
	done = ++n_done == wanted;
}

static const char *text_of(const struct oo_buffer *buffer)
{
	return buffer->data != NULL ? buffer->data : "";
}

static void start(int64_t timeout_ms)
{
	struct oo_hooks_options options = {
		.timeout_ms = timeout_ms, .log = on_log, .user = &output};
	oo_hooks_free(hooks);
	hooks = NULL;
	CU_ASSERT_EQUAL_FATAL(oo_hooks_new(event, &options, &hooks, NULL), 0);
}

static void set_up(void)
{
	scratch_empty();
	event = new_loop();
	oo_buffer_init(&output, 1000000);
	oo_buffer_init(&warnings, 1000000);
	oo_buffer_init(&debug, 1000000);
	oo_buffer_init(&ends, 1000000);
	n_done = 0;
	counts = (struct oo_hook_counts){0};
	start(AWAIT_MS);
}

static void tear_down(void)
{
	oo_hooks_free(hooks);
	hooks = NULL;
	oo_buffer_done(&output);
	oo_buffer_done(&warnings);
	oo_buffer_done(&debug);
	oo_buffer_done(&ends);
	event = sd_event_unref(event);
}

/* Queues an event of that name with the one path. */
static int queue(const char *name, const char *path)
{
	struct oo_hooks_event queued = {.paths = &path,
					.n_paths = 1,
					.environment = {.event = name},
					.done = on_done,
					.user = &ends,
					.counts = &counts};
	return oo_hooks_run(hooks, &queued);
}

static void await_done(int n)
{
	wanted = n;
	done = n_done == n;
	CU_ASSERT(await(event, &done));
	if (hooks == NULL || oo_hooks_pending(hooks) == 0) {
		settle(event);
		CU_ASSERT_EQUAL(n_done, n); /* and no more than that */
	}
}

static void run(const char *name)
{
	struct scratch_path path = scratch_at(name);
	CU_ASSERT_EQUAL(queue("promoted", path.text), 0);
	await_done(n_done + 1);
}

static void test_a_directory_runs_in_byte_order_of_the_names(void)
{
	static const char *const names[] = {"a", "B", "2-x", "10-x", "10_x", "10.x", "A", "b"};
	char name[32];
	scratch_directory("x.d");
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		snprintf(name, sizeof(name), "x.d/%s", names[i]);
		scratch_hook(name, "echo here");
	}
	run("x.d");
	CU_ASSERT_STRING_EQUAL(text_of(&output),
			       "10-x: here|10.x: here|10_x: here|2-x: here|A: here|B: here|"
			       "a: here|b: here|");
	CU_ASSERT_STRING_EQUAL(text_of(&ends), "8/0|");
}

static void test_paths_run_in_the_order_given(void)
{
	scratch_directory("x.d");
	scratch_hook("x.d/z", "echo 2");
	scratch_hook("one", "echo 1");
	scratch_hook("three", "echo 3");
	struct scratch_path one = scratch_at("one"), two = scratch_at("x.d/"),
			    three = scratch_at("three");
	const char *paths[] = {one.text, two.text, three.text};
	struct oo_hooks_event queued = {
		.paths = paths, .n_paths = 3, .done = on_done, .user = &ends};
	CU_ASSERT_EQUAL(oo_hooks_run(hooks, &queued), 0);
	await_done(1);
	CU_ASSERT_STRING_EQUAL(text_of(&output), "one: 1|z: 2|three: 3|");
}

static void test_events_run_one_after_another_and_hooks_one_at_a_time(void)
{
	scratch_directory("x.d");
	scratch_hook("x.d/1", "echo $OOHA_EVENT begins; sleep 0.1; echo ends");
	scratch_hook("x.d/2", "echo begins; sleep 0.02; echo ends");
	struct scratch_path path = scratch_at("x.d");
	CU_ASSERT_EQUAL(queue("promoted", path.text), 0);
	CU_ASSERT_EQUAL(queue("demoted", path.text), 0);
	CU_ASSERT_EQUAL(oo_hooks_pending(hooks), 2);
	CU_ASSERT_STRING_EQUAL(text_of(&output), ""); /* nothing inside run */
	await_done(1);
	CU_ASSERT_EQUAL(oo_hooks_pending(hooks), 1);
	await_done(2);
	CU_ASSERT_EQUAL(oo_hooks_pending(hooks), 0);
	CU_ASSERT_STRING_EQUAL(text_of(&output), "1: promoted begins|1: ends|2: begins|2: ends|"
						 "1: demoted begins|1: ends|2: begins|2: ends|");
}

static void test_the_environment_is_exactly_that_of_the_event(void)
{
	scratch_link("env", "/usr/bin/env");
	struct scratch_path path = scratch_at("env");
	const char *paths[] = {path.text};
	char reason[] = "probe http: \"502\" (3 of 3)";
	struct oo_hooks_event queued = {.paths = paths,
					.n_paths = 1,
					.environment = {.event = "promoted",
							.group = "office",
							.node = "node-a",
							.peer = NULL,
							.reason = reason,
							.vips = "10.0.0.100/24 fd00::1/64",
							.cluster = "c",
							.grade = "P1",
							.notice = "moved",
							.text = "it's; $moved",
							.epoch = UINT64_MAX},
					.done = on_done,
					.user = &ends};
	setenv("SECRET", "ours", 1);
	CU_ASSERT_EQUAL(oo_hooks_run(hooks, &queued), 0);
	memset(reason, 'x', sizeof(reason) - 1); /* it was copied */
	await_done(1);
	CU_ASSERT_STRING_EQUAL(
		text_of(&output),
		"env: PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|"
		"env: OOHA_EVENT=promoted|env: OOHA_GROUP=office|env: OOHA_NODE=node-a|"
		"env: OOHA_PEER=|env: OOHA_REASON=probe http: \"502\" (3 of 3)|"
		"env: OOHA_EPOCH=18446744073709551615|"
		"env: OOHA_VIPS=10.0.0.100/24 fd00::1/64|env: OOHA_CLUSTER=c|"
		"env: OOHA_GRADE=P1|env: OOHA_NOTICE=moved|env: OOHA_STATE=|"
		"env: OOHA_TEXT=it's; $moved|");
}

static void test_a_script_knows_its_own_name(void)
{
	char expected[PATH_MAX + 32];
	scratch_hook("script", "echo $0");
	run("script");
	snprintf(expected, sizeof(expected), "script: %s|", scratch_at("script").text);
	CU_ASSERT_STRING_EQUAL(text_of(&output), expected);
}

static void test_what_is_no_hook_in_a_directory_is_passed_over_and_said(void)
{
	static const char *const names[] = {"x.d/.hidden", "x.d/tilde~",     "x.d/sp ace",
					    "x.d/umläut",  "x.d/a.dpkg-old", "x.d/a.dpkg-dist",
					    "x.d/#auto#",  "x.d/semi;colon"};
	scratch_directory("x.d");
	scratch_directory("x.d/sub");
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		scratch_hook(names[i], "echo must not run");
	}
	scratch_hook("x.d/plain", "echo must not run");
	scratch_mode("x.d/plain", 0644);
	scratch_hook("x.d/good", "echo good");
	run("x.d");
	CU_ASSERT_STRING_EQUAL(text_of(&output), "good: good|");
	CU_ASSERT_STRING_EQUAL(text_of(&warnings), "");
	CU_ASSERT_STRING_EQUAL(text_of(&ends), "1/0|");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text_of(&debug), "x.d: tilde~ passed over: its name is not a hook's|"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&debug), "x.d: sub passed over: not a file|"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&debug), "x.d: plain passed over: not executable|"));
	int n = 0;
	for (const char *at = text_of(&debug); (at = strchr(at, '|')) != NULL; at++) {
		n++;
	}
	CU_ASSERT_EQUAL(n, (int)OO_LENGTH(names) + 2);
}

static void test_a_failing_hook_is_said_and_the_others_run(void)
{
	scratch_directory("x.d");
	scratch_hook("x.d/1", "echo oops >&2; exit 3");
	scratch_hook("x.d/2", "kill -SEGV $$");
	scratch_hook("x.d/3", "echo fine");
	scratch_link("x.d/4", "nowhere");
	run("x.d");
	char expected[PATH_MAX + 128];
	snprintf(expected, sizeof(expected),
		 "1: exit code 3|2: killed by SIGSEGV|4: not run: %s: No such file or directory|",
		 scratch_at("x.d/nowhere").text);
	CU_ASSERT_STRING_EQUAL(text_of(&warnings), expected);
	CU_ASSERT_STRING_EQUAL(text_of(&output), "1: oops|3: fine|");
	CU_ASSERT_STRING_EQUAL(text_of(&ends), "3/3|");
	run("x.d");
	CU_ASSERT_EQUAL(counts.ran, 6); /* of both events */
	CU_ASSERT_EQUAL(counts.failed, 6);
}

static void test_a_hook_that_others_could_write_to_is_refused_and_the_others_run(void)
{
	scratch_directory("x.d");
	scratch_hook("x.d/1", "echo must not run");
	scratch_hook("x.d/2", "echo fine");
	scratch_mode("x.d/1", 0777);
	run("x.d");
	CU_ASSERT_STRING_EQUAL(text_of(&output), "2: fine|");
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&warnings), "1: refused: /"));
	CU_ASSERT_STRING_EQUAL(text_of(&ends), "1/1|");

	scratch_mode("x.d", 0777);
	run("x.d");
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&warnings), "|x.d: refused: /"));
	CU_ASSERT_STRING_EQUAL(text_of(&ends), "1/1|0/1|");
}

/* Looked at when its turn comes, not when the event was queued or the directory listed. */
static void test_a_hook_is_looked_at_right_before_it_runs(void)
{
	char script[PATH_MAX + 32];
	scratch_directory("x.d");
	snprintf(script, sizeof(script), "chmod o+w %s", scratch_at("x.d/2").text);
	scratch_hook("x.d/1", script);
	scratch_hook("x.d/2", "echo must not run");
	run("x.d");
	CU_ASSERT_STRING_EQUAL(text_of(&output), "");
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&warnings), "2: refused: "));
	CU_ASSERT_STRING_EQUAL(text_of(&ends), "1/1|");
}

static void test_a_missing_directory_is_fine_and_a_missing_program_is_not(void)
{
	run("none.d");
	run("none/");
	CU_ASSERT_STRING_EQUAL(text_of(&warnings), "");
	CU_ASSERT_STRING_EQUAL(text_of(&ends), "0/0|0/0|");
	run("none");
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&warnings), "none: not run: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&warnings), "No such file or directory|"));
	CU_ASSERT_STRING_EQUAL(text_of(&ends), "0/0|0/0|0/1|");
	scratch_hook("plain", "echo must not run");
	scratch_mode("plain", 0644);
	run("plain");
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&warnings), "/plain is not executable (chmod +x)|"));
	CU_ASSERT_STRING_EQUAL(text_of(&ends), "0/0|0/0|0/1|0/1|");
}

static void test_a_hook_past_its_deadline_goes_with_all_it_started_and_the_next_runs(void)
{
	scratch_directory("x.d");
	scratch_hook("x.d/1", "trap '' TERM; sleep 1000 & echo $!; wait; wait");
	scratch_hook("x.d/2", "echo next");
	int64_t started_at = oo_clock_now();
	start(300);
	run("x.d");
	CU_ASSERT(oo_clock_now() - started_at >= 300 + OO_HOOKS_GRACE_MS);
	CU_ASSERT(oo_clock_now() - started_at < 300 + OO_HOOKS_GRACE_MS + 3000);
	CU_ASSERT_STRING_EQUAL(text_of(&warnings), "1: timed out|");
	CU_ASSERT_STRING_EQUAL(text_of(&ends), "2/1|");
	CU_ASSERT(counts.took_us >= (300 + OO_HOOKS_GRACE_MS) * 1000);
	CU_ASSERT(counts.took_us <= (oo_clock_now() - started_at + 1) * 1000);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&output), "|2: next|"));
	int status = 0;
	pid_t orphan = atoi(text_of(&output) + strlen("1: "));
	CU_ASSERT_EQUAL(waitpid(orphan, &status, 0), orphan); /* it comes to us */
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_the_queue_has_a_limit_and_says_so(void)
{
	scratch_hook("x", "true");
	struct scratch_path path = scratch_at("x");
	for (int i = 0; i < OO_HOOKS_QUEUE_MAX; i++) {
		CU_ASSERT_EQUAL(queue("promoted", path.text), 0);
	}
	CU_ASSERT_EQUAL(queue("promoted", path.text), -ENOBUFS);
	CU_ASSERT_EQUAL(oo_hooks_pending(hooks), OO_HOOKS_QUEUE_MAX);
	await_done(1);
	CU_ASSERT_EQUAL(queue("promoted", path.text), 0);
	await_done(OO_HOOKS_QUEUE_MAX + 1);
	CU_ASSERT_EQUAL(ends.length, (OO_HOOKS_QUEUE_MAX + 1) * strlen("1/0|"));
}

static void test_what_cannot_be_queued_is_refused_whole(void)
{
	static const char *paths[OO_HOOKS_LIST_MAX + 1];
	static char longest[PATH_MAX + 1];
	for (size_t i = 0; i < OO_LENGTH(paths); i++) {
		paths[i] = "/nonexistent.d";
	}
	struct oo_hooks_event many = {.paths = paths, .n_paths = OO_LENGTH(paths)};
	CU_ASSERT_EQUAL(oo_hooks_run(hooks, &many), -E2BIG);
	memset(longest, '/', PATH_MAX);
	CU_ASSERT_EQUAL(queue("promoted", longest), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(oo_hooks_pending(hooks), 0);
	many.n_paths = OO_HOOKS_LIST_MAX;
	many.done = on_done;
	many.user = &ends;
	CU_ASSERT_EQUAL(oo_hooks_run(hooks, &many), 0);
	many.n_paths = 0; /* an event without hooks ends too */
	CU_ASSERT_EQUAL(oo_hooks_run(hooks, &many), 0);
	await_done(2);
	CU_ASSERT_STRING_EQUAL(text_of(&ends), "0/0|0/0|");
	struct oo_hooks_options options = {.timeout_ms = 0, .log = on_log};
	CU_ASSERT_EQUAL(oo_hooks_new(event, &options, NULL, NULL), -EINVAL);
}

static void test_a_runner_that_is_freed_kills_and_is_silent(void)
{
	scratch_hook("x", "echo $$; exec sleep 1000");
	struct scratch_path path = scratch_at("x");
	CU_ASSERT_EQUAL(queue("promoted", path.text), 0);
	CU_ASSERT_EQUAL(queue("demoted", path.text), 0);
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (output.length == 0 && oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	pid_t pid = atoi(text_of(&output) + strlen("x: "));
	CU_ASSERT_FATAL(pid > 1);
	oo_hooks_free(hooks);
	hooks = NULL;
	while (kill(pid, 0) == 0 && oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	CU_ASSERT_EQUAL(kill(pid, 0), -1);
	CU_ASSERT_EQUAL(n_done, 0);
	CU_ASSERT_EQUAL(counts.ran, 1);
	CU_ASSERT_EQUAL(counts.failed, 1);
	CU_ASSERT(counts.took_us > 0);
}

static void free_in_done(void *user, int ran, int failed)
{
	on_done(user, ran, failed);
	oo_hooks_free(hooks);
	hooks = NULL;
}

static void queue_in_done(void *user, int ran, int failed)
{
	on_done(user, ran, failed);
	CU_ASSERT_EQUAL(oo_hooks_pending(hooks), 0);
	CU_ASSERT_EQUAL(queue("again", scratch_at("x").text), 0);
}

static void test_done_may_queue_more_or_free_the_runner(void)
{
	scratch_hook("x", "echo $OOHA_EVENT");
	struct scratch_path path = scratch_at("x");
	const char *paths[] = {path.text};
	struct oo_hooks_event queued = {
		.paths = paths, .n_paths = 1, .done = queue_in_done, .user = &ends};
	CU_ASSERT_EQUAL(oo_hooks_run(hooks, &queued), 0);
	await_done(2);
	CU_ASSERT_STRING_EQUAL(text_of(&output), "x: |x: again|");
	queued.done = free_in_done;
	CU_ASSERT_EQUAL(oo_hooks_run(hooks, &queued), 0);
	CU_ASSERT_EQUAL(oo_hooks_run(hooks, &queued), 0);
	await_done(3);
	CU_ASSERT_PTR_NULL(hooks);
}

static void test_an_event_may_have_nobody_who_waits(void)
{
	scratch_hook("x", "echo ran");
	struct scratch_path path = scratch_at("x");
	const char *paths[] = {path.text};
	struct oo_hooks_event queued = {.paths = paths, .n_paths = 1};
	CU_ASSERT_EQUAL(oo_hooks_run(hooks, &queued), 0);
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (oo_hooks_pending(hooks) > 0 && oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	CU_ASSERT_STRING_EQUAL(text_of(&output), "x: ran|");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_directory_runs_in_byte_order_of_the_names),
		TEST(paths_run_in_the_order_given),
		TEST(events_run_one_after_another_and_hooks_one_at_a_time),
		TEST(the_environment_is_exactly_that_of_the_event),
		TEST(a_script_knows_its_own_name),
		TEST(what_is_no_hook_in_a_directory_is_passed_over_and_said),
		TEST(a_failing_hook_is_said_and_the_others_run),
		TEST(a_hook_that_others_could_write_to_is_refused_and_the_others_run),
		TEST(a_hook_is_looked_at_right_before_it_runs),
		TEST(a_missing_directory_is_fine_and_a_missing_program_is_not),
		TEST(a_hook_past_its_deadline_goes_with_all_it_started_and_the_next_runs),
		TEST(the_queue_has_a_limit_and_says_so),
		TEST(what_cannot_be_queued_is_refused_whole),
		TEST(a_runner_that_is_freed_kills_and_is_silent),
		TEST(done_may_queue_more_or_free_the_runner),
		TEST(an_event_may_have_nobody_who_waits),
	};
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!scratch_make()) {
		return 1;
	}
	int r = run_tests_in("hook", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
	scratch_remove();
	return r;
}
