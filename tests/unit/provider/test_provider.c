/* How one VIP is kept at a provider: what is run, when, and what is made of it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../event/await.h"
#include "../event/testing.h"
#include "../hook/scratch.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "provider/provider.h"

#define LONG_MS 60000

/*
 * The program notes each call in `calls`, and two at a time as OVERLAP. What a verb does is in a file of
 * its name; without one, status says what is in `answer`.
 */
#define PROGRAM                                                                                    \
	"cd \"$(dirname \"$0\")\"\n"                                                               \
	"[ ! -e running ] || ! grep -qs '^State:.[^ZX]' \"/proc/$(cat running)/status\" || "       \
	"echo OVERLAP >>calls\n"                                                                   \
	"echo $$ >running\n"                                                                       \
	"cat >input\n"                                                                             \
	"epoch=$(sed 's/.*\"epoch\":\\([0-9]*\\).*/\\1/' input)\n"                                 \
	"echo \"$1 $epoch\" >>calls\n"                                                             \
	"if [ -e \"$1.do\" ]; then . \"./$1.do\"; elif [ \"$1\" = status ]; then cat answer; fi\n" \
	"r=$?\n"                                                                                   \
	"rm -f running\n"                                                                          \
	"exit $r\n"

static sd_event *event;
static struct oo_provider *provider;
static struct oo_buffer said;
static char program[PATH_MAX];

static void on_log(void *user, enum oo_log_level level, const char *line)
{
	(void)user;
	if (level < OO_LOG_DEBUG) {
		CU_ASSERT_EQUAL(oo_buffer_add_format(&said, "%d %s|", (int)level, line), 0);
	}
}

static void on_changed(void *user)
{
	(void)user;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(scratch_at(name).text, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT(fputs(text, file) >= 0);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

/* What a file has, its lines joined by '|'. */
static const char *read_file(const char *name)
{
	static char text[4096];
	FILE *file = fopen(scratch_at(name).text, "r");
	text[0] = '\0';
	if (file != NULL) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		(void)fclose(file);
	}
	for (char *newline = text; (newline = strchr(newline, '\n')) != NULL;) {
		*newline = '|';
	}
	return text;
}

/* Until the calls are these; each wait for it ends within a tick of the loop. */
static bool await_calls(const char *calls)
{
	const int64_t until = oo_clock_now() + AWAIT_MS;
	while (strcmp(read_file("calls"), calls) != 0 && oo_clock_now() < until) {
		(void)sd_event_run(event, 10000);
	}
	CU_ASSERT_STRING_EQUAL(read_file("calls"), calls);
	return strcmp(read_file("calls"), calls) == 0;
}

static bool await_state(enum oo_provider_state state)
{
	const int64_t until = oo_clock_now() + AWAIT_MS;
	while (oo_provider_view(provider).state != state && oo_clock_now() < until) {
		(void)sd_event_run(event, 10000);
	}
	CU_ASSERT_STRING_EQUAL(oo_provider_state_name(oo_provider_view(provider).state),
			       oo_provider_state_name(state));
	return oo_provider_view(provider).state == state;
}

static void pass(int64_t ms)
{
	const int64_t until = oo_clock_now() + ms;
	while (oo_clock_now() < until) {
		(void)sd_event_run(event, 10000);
	}
}

static void make(int64_t ask_ms, int64_t timeout_ms)
{
	const struct oo_provider_vip vip = {.run = program,
					    .cluster = "office",
					    .group = "main",
					    .node = "node-a",
					    .zone = "az-1",
					    .address = "203.0.113.7",
					    .family = "ipv4",
					    .interface = "",
					    .settings = "{}",
					    .prefix = 32};
	const struct oo_provider_options options = {
		.timeout_ms = timeout_ms,
		.again = {.least_ms = 20, .most_ms = 100},
		.ask = {.least_ms = ask_ms, .most_ms = ask_ms},
		.log = on_log,
		.changed = on_changed,
	};
	oo_provider_free(provider);
	provider = NULL;
	CU_ASSERT_EQUAL_FATAL(oo_provider_new(event, &vip, &options, &provider, NULL), 0);
}

static void set_up(void)
{
	event = new_loop();
	oo_buffer_init(&said, 65536);
	scratch_hook("move", PROGRAM);
	oo_text_clip(program, sizeof(program), scratch_at("move").text);
	write_file("answer", "{\"holder\":\"here\",\"epoch\":5}\n");
	make(LONG_MS, LONG_MS);
}

static void tear_down(void)
{
	oo_provider_free(provider);
	provider = NULL;
	settle(event);
	sd_event_unref(event);
	oo_buffer_done(&said);
	scratch_empty();
}

static const char *what_was_said(void)
{
	return said.data != NULL ? said.data : "";
}

static void up(void)
{
	oo_provider_up(provider, 5, oo_clock_now() + LONG_MS);
}

static void test_moves_and_believes_it_when_status_says_so(void)
{
	up();
	CU_ASSERT_EQUAL(oo_provider_view(provider).state, OO_PROVIDER_MOVING);
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "up 5|status 5|");
	CU_ASSERT_PTR_NOT_NULL(strstr(read_file("input"), "\"verb\":\"status\""));
	CU_ASSERT_STRING_EQUAL(what_was_said(), "5 confirmed to be here|");
	CU_ASSERT(oo_provider_view(provider).confirmed_at > 0);
	up();
	pass(100);
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "up 5|status 5|");
}

static void test_tries_again_until_it_succeeds_and_says_each_trouble_once(void)
{
	write_file("up.do", "echo no way >&2; [ $(wc -l <calls) -ge 3 ]");
	up();
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "up 5|up 5|up 5|status 5|");
	CU_ASSERT_STRING_EQUAL(what_was_said(), "6 no way|4 up: no way|6 no way|6 no way|"
						"5 confirmed to be here|");
	CU_ASSERT_EQUAL(oo_provider_view(provider).failures, 2);
	CU_ASSERT_STRING_EQUAL(oo_provider_view(provider).error, "");
}

static void test_trouble_of_a_past_tenure_is_said_anew(void)
{
	write_file("up.do", "echo no such thing; exit 1\n");
	up();
	CU_ASSERT(await_calls("up 5|up 5|up 5|up 5|"));
	oo_provider_up(provider, 6, oo_clock_now() + LONG_MS);
	CU_ASSERT_STRING_EQUAL(oo_provider_view(provider).error, "");
	const size_t length = strlen(what_was_said());
	CU_ASSERT(await_calls("up 5|up 5|up 5|up 5|up 6|up 6|"));
	CU_ASSERT_PTR_NOT_NULL(strstr(what_was_said() + length, "4 up: no such thing|"));
}

static void test_status_that_says_otherwise_is_another_try(void)
{
	write_file("status.do", "if [ $(wc -l <calls) -ge 4 ]; then cat answer; else "
				"echo '{\"holder\":\"nobody\"}'; fi");
	up();
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "up 5|status 5|up 5|status 5|");
	CU_ASSERT_STRING_EQUAL(what_was_said(), "4 up has ended well, but status says nobody|"
						"5 confirmed to be here|");
}

static void test_what_a_late_call_has_taken_is_brought_back(void)
{
	make(50, LONG_MS);
	up();
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	write_file("status.do", "echo '{\"holder\":\"elsewhere\",\"epoch\":4}'");
	CU_ASSERT(await_state(OO_PROVIDER_MOVING));
	write_file("status.do", "cat answer");
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	CU_ASSERT_EQUAL(oo_provider_view(provider).repairs, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(
		what_was_said(), "4 was here, and is elsewhere now (epoch 4 there): moved again|"));
	CU_ASSERT_PTR_NOT_NULL(strstr(read_file("calls"), "status 5|up 5|status 5|"));
}

static void test_own_record_of_an_older_epoch_is_written_anew(void)
{
	write_file("answer", "{\"holder\":\"here\",\"epoch\":4}\n");
	write_file("up.do",
		   "[ $(wc -l <calls) = 1 ] || echo '{\"holder\":\"here\",\"epoch\":5}' >answer");
	oo_provider_adopt(provider);
	up();
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "status 5|up 5|status 5|");
}

static void test_adoption_asks_before_it_moves(void)
{
	oo_provider_adopt(provider);
	up();
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "status 5|");
}

static void test_fenced_is_not_tried_again_but_asked(void)
{
	make(50, LONG_MS);
	write_file("up.do", "echo 'fenced: epoch 6' >&2; exit 2");
	write_file("answer", "{\"holder\":\"elsewhere\",\"epoch\":6}\n");
	up();
	CU_ASSERT(await_state(OO_PROVIDER_FENCED));
	CU_ASSERT_STRING_EQUAL(oo_provider_view(provider).error, "fenced: epoch 6");
	CU_ASSERT(await_calls("up 5|status 5|status 5|"));
	CU_ASSERT_PTR_NOT_NULL(strstr(what_was_said(), "3 fenced: epoch 6|"));
	unlink(scratch_at("up.do").text);
	write_file("status.do", "echo '{\"holder\":\"nobody\",\"epoch\":0}'");
	CU_ASSERT(await_state(OO_PROVIDER_MOVING)); /* somebody has removed the newer epoch */
	unlink(scratch_at("status.do").text);
	write_file("answer", "{\"holder\":\"here\",\"epoch\":5}\n");
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
}

static void test_status_of_a_newer_epoch_fences(void)
{
	make(50, LONG_MS);
	up();
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	write_file("status.do", "echo '{\"holder\":\"elsewhere\",\"epoch\":6}'");
	CU_ASSERT(await_state(OO_PROVIDER_FENCED));
	CU_ASSERT_STRING_EQUAL(oo_provider_view(provider).error,
			       "fenced: elsewhere, epoch 6, and ours is 5");
	CU_ASSERT_PTR_NULL(strstr(read_file("calls"), "status 5|up 5"));
}

static void test_silence_of_the_provider_takes_nothing_back(void)
{
	make(50, LONG_MS);
	up();
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	write_file("status.do", "echo no route >&2; exit 1");
	const uint64_t failures = oo_provider_view(provider).failures;
	while (oo_provider_view(provider).failures < failures + 2) {
		(void)sd_event_run(event, 10000);
	}
	CU_ASSERT_EQUAL(oo_provider_view(provider).state, OO_PROVIDER_CONFIRMED);
	CU_ASSERT_STRING_EQUAL(oo_provider_view(provider).error, "status: no route");
	CU_ASSERT_STRING_EQUAL(what_was_said(), "5 confirmed to be here|4 status: no route|");
	while (oo_provider_view(provider).failures < failures + OO_PROVIDER_TROUBLE + 1) {
		(void)sd_event_run(event, 10000);
	}
	CU_ASSERT_STRING_EQUAL(what_was_said(), "5 confirmed to be here|4 status: no route|"
						"3 status: no route|");
}

static pid_t await_running(void)
{
	const int64_t until = oo_clock_now() + AWAIT_MS;
	while (atoi(read_file("sleeper")) == 0 && oo_clock_now() < until) {
		(void)sd_event_run(event, 10000);
	}
	CU_ASSERT(atoi(read_file("sleeper")) > 0);
	return atoi(read_file("sleeper"));
}

/* A zombie is nobody who does anything any more. */
static bool is_gone(pid_t pid)
{
	char path[64], state = 'Z';
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "r");
	if (file != NULL) {
		CU_ASSERT(fscanf(file, "%*d (%*[^)]) %c", &state) == 1 || ferror(file) != 0);
		(void)fclose(file);
	}
	return state == 'Z' || state == 'X';
}

static bool await_gone(pid_t pid)
{
	const int64_t until = oo_clock_now() + AWAIT_MS;
	while (!is_gone(pid) && oo_clock_now() < until) {
		(void)sd_event_run(event, 1000);
	}
	return is_gone(pid);
}

/* The sleeper is a child of the program. */
#define SLEEP "trap '' TERM; sleep 600 & echo $! >sleeper; wait"

static void test_end_of_the_hold_kills_what_runs(void)
{
	write_file("up.do", SLEEP);
	up();
	const pid_t pid = await_running();
	oo_provider_up(provider, 5, oo_clock_now() + 200);
	const int64_t began_at = oo_clock_now();
	CU_ASSERT(await_gone(pid));
	CU_ASSERT(oo_clock_now() - began_at < OO_PROVIDER_GRACE_MS + 5000);
	CU_ASSERT_EQUAL(oo_provider_view(provider).state, OO_PROVIDER_IDLE);
	CU_ASSERT_STRING_EQUAL(what_was_said(), "4 killed: the hold has ended|");
	pass(100);
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "up 5|");
}

static void test_renewals_let_it_go_on(void)
{
	const int64_t until = oo_clock_now() + AWAIT_MS;
	write_file("up.do", "sleep 1.5");
	while (oo_provider_view(provider).state != OO_PROVIDER_CONFIRMED &&
	       oo_clock_now() < until) {
		oo_provider_up(provider, 5, oo_clock_now() + 1000);
		pass(20);
	}
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "up 5|status 5|");
}

static void test_run_out_of_time_is_killed_and_tried_again(void)
{
	make(LONG_MS, 200);
	write_file("up.do", "[ $(wc -l <calls) -ge 2 ] || sleep 600");
	up();
	CU_ASSERT(await_calls("up 5|up 5|status 5|"));
	CU_ASSERT_PTR_NOT_NULL(strstr(what_was_said(), "4 up: timed out|"));
}

static void test_another_epoch_ends_what_runs_for_the_last(void)
{
	write_file("up.do", "[ $epoch = 6 ] || { " SLEEP "; }");
	write_file("answer", "{\"holder\":\"here\",\"epoch\":6}\n");
	up();
	const pid_t pid = await_running();
	oo_provider_up(provider, 6, oo_clock_now() + LONG_MS);
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	CU_ASSERT(is_gone(pid));
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "up 5|up 6|status 6|");
}

static void test_down_gives_away_once(void)
{
	CU_ASSERT_EQUAL(oo_provider_down(provider, oo_clock_now() + LONG_MS),
			0); /* nothing to give */
	up();
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	CU_ASSERT_EQUAL(oo_provider_down(provider, oo_clock_now() + LONG_MS), -EINPROGRESS);
	CU_ASSERT_EQUAL(oo_provider_down(provider, oo_clock_now() + LONG_MS), -EINPROGRESS);
	CU_ASSERT_EQUAL(oo_provider_view(provider).state, OO_PROVIDER_LEAVING);
	CU_ASSERT(await_state(OO_PROVIDER_IDLE));
	CU_ASSERT_EQUAL(oo_provider_down(provider, oo_clock_now() + LONG_MS), 0);
	pass(50);
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "up 5|status 5|down 5|");
}

static void test_down_ends_what_moves_it_here(void)
{
	write_file("up.do", SLEEP);
	up();
	const pid_t pid = await_running();
	CU_ASSERT_EQUAL(oo_provider_down(provider, oo_clock_now() + LONG_MS), -EINPROGRESS);
	CU_ASSERT(await_state(OO_PROVIDER_IDLE));
	CU_ASSERT(is_gone(pid));
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "up 5|down 5|");
}

static void test_down_without_time_only_ends_what_runs(void)
{
	write_file("up.do", SLEEP);
	up();
	const pid_t pid = await_running();
	CU_ASSERT_EQUAL(oo_provider_down(provider, 0), 0);
	CU_ASSERT(await_gone(pid));
	pass(50);
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "up 5|");
}

static void test_down_that_takes_too_long_or_fails_is_given_up(void)
{
	write_file("down.do", SLEEP);
	up();
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	CU_ASSERT_EQUAL(oo_provider_down(provider, oo_clock_now() + 300), -EINPROGRESS);
	CU_ASSERT(await_state(OO_PROVIDER_IDLE));
	CU_ASSERT(await_gone(atoi(read_file("sleeper"))));
	CU_ASSERT_PTR_NOT_NULL(strstr(what_was_said(), "4 down: timed out: given up|"));
	write_file("down.do", "echo locked >&2; exit 1");
	up();
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	CU_ASSERT_EQUAL(oo_provider_down(provider, oo_clock_now() + LONG_MS), -EINPROGRESS);
	CU_ASSERT(await_state(OO_PROVIDER_IDLE));
	CU_ASSERT_PTR_NOT_NULL(strstr(what_was_said(), "4 down: locked: given up|"));
}

static void test_program_that_others_may_change_is_refused(void)
{
	char text[PATH_MAX + 100];
	const int64_t until = oo_clock_now() + AWAIT_MS;
	scratch_mode("move", 0777);
	up();
	while (oo_provider_view(provider).failures == 0 && oo_clock_now() < until) {
		(void)sd_event_run(event, 10000);
	}
	CU_ASSERT_STRING_EQUAL(read_file("calls"), "");
	snprintf(text, sizeof(text), "up: refused: %s is writable by others", program);
	CU_ASSERT_NSTRING_EQUAL(oo_provider_view(provider).error, text, strlen(text));
	scratch_mode("move", 0755);
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
}

static void test_answer_that_is_none_is_a_failure(void)
{
	write_file("answer", "{\"holder\":\"me\"}\n");
	up();
	CU_ASSERT(await_calls("up 5|status 5|status 5|"));
	CU_ASSERT_STRING_EQUAL(
		oo_provider_view(provider).error,
		"status: holder is to be here, elsewhere or nobody: {\"holder\":\"me\"}");
	CU_ASSERT_EQUAL(oo_provider_view(provider).state, OO_PROVIDER_MOVING);
}

static void test_asks_at_once_when_told_to(void)
{
	up();
	CU_ASSERT(await_state(OO_PROVIDER_CONFIRMED));
	oo_provider_ask(provider);
	CU_ASSERT(await_calls("up 5|status 5|status 5|"));
}

int main(void)
{
	static const struct test tests[] = {
		TEST(moves_and_believes_it_when_status_says_so),
		TEST(tries_again_until_it_succeeds_and_says_each_trouble_once),
		TEST(trouble_of_a_past_tenure_is_said_anew),
		TEST(status_that_says_otherwise_is_another_try),
		TEST(what_a_late_call_has_taken_is_brought_back),
		TEST(own_record_of_an_older_epoch_is_written_anew),
		TEST(adoption_asks_before_it_moves),
		TEST(fenced_is_not_tried_again_but_asked),
		TEST(status_of_a_newer_epoch_fences),
		TEST(silence_of_the_provider_takes_nothing_back),
		TEST(end_of_the_hold_kills_what_runs),
		TEST(renewals_let_it_go_on),
		TEST(run_out_of_time_is_killed_and_tried_again),
		TEST(another_epoch_ends_what_runs_for_the_last),
		TEST(down_gives_away_once),
		TEST(down_ends_what_moves_it_here),
		TEST(down_without_time_only_ends_what_runs),
		TEST(down_that_takes_too_long_or_fails_is_given_up),
		TEST(program_that_others_may_change_is_refused),
		TEST(answer_that_is_none_is_a_failure),
		TEST(asks_at_once_when_told_to),
	};
	if (!scratch_make()) {
		return 1;
	}
	int r = run_tests_in("provider", (struct frame){set_up, tear_down}, tests,
			     OO_LENGTH(tests));
	scratch_remove();
	return r;
}
