#include <CUnit/Basic.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"
#include "answers.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "fake_agent.h"

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})
/* More than it takes, as tests run on busy machines and under sanitizers. */
#define DIAGNOSIS_MS 6000
#define SMALL(state) "{\"state\":\"" state "\",\"problems\":[\"because\"]}"

static bool contains(const char *text, const char *part)
{
	bool found = strstr(text, part) != NULL;
	if (!found) {
		fprintf(stderr, "\nnot in it: %s\n%.2000s\n", part, text);
	}
	return found;
}

static void test_the_exit_code_is_the_state(void)
{
	static const struct {
		const char *body;
		int code;
		const char *shown;
	} cases[] = {
		{SMALL("fine"), 0, "fine\n"},
		{SMALL("degraded"), 1, "DEGRADED: because\n"},
		{SMALL("critical"), 2, "CRITICAL: because\n"},
		{SMALL("splendid"), 3, "UNKNOWN STATE: because\n"},
		{ANSWER_FINE, 0, "office: node-a holds, fine\n\n  GROUP "},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		struct place place;
		struct run run;
		place_init(&place);
		pid_t agent = fake_agent_start(
			&place, &(struct manners){.status = "200 OK", .body = cases[i].body});
		run_program(&run, ARGUMENTS("--socket", place.socket_path, "status"));
		CU_ASSERT_EQUAL(run.code, cases[i].code);
		CU_ASSERT_TRUE(contains(run.out, cases[i].shown));
		CU_ASSERT_STRING_EQUAL(run.err, "");
		run_program(&run, ARGUMENTS("status", "--json", "--socket", place.socket_path));
		CU_ASSERT_EQUAL(run.code, cases[i].code);
		fake_agent_stop(agent);
		place_done(&place);
	}
}

/* The message is before, the socket's path, and after. */
static void expect_unreachable(const struct place *place, const char *before, const char *after)
{
	struct run run;
	char wanted[512];
	snprintf(wanted, sizeof(wanted), "ooha: %s%s%s\n", before, place->socket_path, after);
	run_program(&run, ARGUMENTS("--socket", place->socket_path, "status"));
	CU_ASSERT_EQUAL(run.code, 3);
	CU_ASSERT_STRING_EQUAL(run.out, "");
	CU_ASSERT_STRING_EQUAL(run.err, wanted);
	if (strcmp(run.err, wanted) != 0) {
		fprintf(stderr, "\ngot:    %swanted: %s", run.err, wanted);
	}
}

static void test_a_missing_socket_says_what_to_look_at(void)
{
	struct place place;
	place_init(&place);
	expect_unreachable(&place, "no socket at ",
			   ": is ooha-agent running? see: systemctl status ooha");
	place_done(&place);
}

static void test_a_socket_that_nobody_answers_on_says_so(void)
{
	struct place place;
	place_init(&place);
	pid_t agent = fake_agent_start(&place, &(struct manners){.status = "200 OK", .body = "{}"});
	fake_agent_stop(agent);
	expect_unreachable(
		&place, "nobody answers on ",
		": ooha-agent has ended and left its socket behind; see: systemctl status ooha");
	place_done(&place);
}

/* Root may open everything, so it becomes another user; who runs this as one is one already. */
static void test_a_forbidden_socket_says_who_may(void)
{
	struct place place;
	struct oo_buffer body;
	struct oo_err err = {0};
	char wanted[sizeof(err.text)];
	place_init(&place);
	oo_buffer_init(&body, OUTPUT_MAX);
	pid_t agent = fake_agent_start(&place, &(struct manners){.status = "200 OK", .body = "{}"});
	bool root = geteuid() == 0;
	CU_ASSERT_EQUAL(chmod(place.directory, 0755), 0);
	CU_ASSERT_EQUAL(chmod(place.socket_path, root ? 0600 : 0), 0);
	CU_ASSERT_EQUAL_FATAL(root ? seteuid(65534) : 0, 0);
	CU_ASSERT_EQUAL(agent_get(place.socket_path, "/v1/status", &body, &err), -EACCES);
	CU_ASSERT_EQUAL_FATAL(root ? seteuid(0) : 0, 0);
	snprintf(wanted, sizeof(wanted),
		 "permission denied on %s: you need to be root or in group ooha",
		 place.socket_path);
	CU_ASSERT_STRING_EQUAL(err.text, wanted);
	fake_agent_stop(agent);
	oo_buffer_done(&body);
	place_done(&place);
}

static void test_an_agent_that_is_stuck_is_given_up_on(void)
{
	struct place place;
	place_init(&place);
	pid_t agent = fake_agent_start(&place, &(struct manners){.status = NULL});
	expect_unreachable(
		&place, "no answer on ",
		" within 5 s: ooha-agent is stopped or stuck; see: systemctl status ooha");
	fake_agent_stop(agent);
	place_done(&place);
}

static void test_what_does_not_answer_like_an_agent_is_unknown(void)
{
	static const char *const bodies[] = {"", "<html>", "[]", "{\"state\":"};
	for (size_t i = 0; i < OO_LENGTH(bodies); i++) {
		struct place place;
		place_init(&place);
		pid_t agent = fake_agent_start(
			&place, &(struct manners){.status = "200 OK", .body = bodies[i]});
		expect_unreachable(&place, "what answers on ", " is not ooha-agent: no JSON");
		fake_agent_stop(agent);
		place_done(&place);
	}
}

static void test_a_refusal_is_quoted_without_its_controls(void)
{
	struct place place;
	struct run run;
	place_init(&place);
	pid_t agent = fake_agent_start(
		&place, &(struct manners){.status = "404 Not Found",
					  .body = "{\"error\":\"no such \\u001b[31mpath\"}"});
	run_program(&run, ARGUMENTS("--socket", place.socket_path, "status"));
	CU_ASSERT_EQUAL(run.code, 3);
	CU_ASSERT_STRING_EQUAL(
		run.err,
		"ooha: ooha-agent answers GET /v1/status with 404: no such \\x1b[31mpath\n");
	fake_agent_stop(agent);
	place_done(&place);
}

static void test_a_socket_path_too_long_is_said(void)
{
	struct run run;
	char path[200];
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	run_program(&run, ARGUMENTS("--socket", path, "status"));
	CU_ASSERT_EQUAL(run.code, 3);
	CU_ASSERT_TRUE(contains(run.err, "aaa: the path is longer than 107 characters\n"));
}

static void test_json_is_the_agents_own_pretty_and_without_controls(void)
{
	struct place place;
	struct run run;
	place_init(&place);
	pid_t agent = fake_agent_start(
		&place,
		&(struct manners){
			.status = "200 OK",
			.body = "{\"state\":\"fine\",\"a\":[1.50,\"b/c\",\"\\u001b\x7f\xc2\x9b"
				"31m\xc2\xa9\xc2\"],\"new\":{\"field\":null}}"});
	run_program(&run, ARGUMENTS("--socket", place.socket_path, "status", "--json"));
	CU_ASSERT_EQUAL(run.code, 0);
	CU_ASSERT_STRING_EQUAL(run.out, "{\n"
					"  \"state\": \"fine\",\n"
					"  \"a\": [\n"
					"    1.50,\n"
					"    \"b/c\",\n"
					"    \"\\u001b\\u007f\\u009b31m\xc2\xa9\xc2\"\n"
					"  ],\n"
					"  \"new\": {\n"
					"    \"field\": null\n"
					"  }\n"
					"}\n");
	if (run.code != 0 || strstr(run.out, "\\u009b") == NULL) {
		fprintf(stderr, "\n%s\n", run.out);
	}
	fake_agent_stop(agent);
	place_done(&place);
}

static void test_a_wrong_command_line_is_told_apart_from_a_state(void)
{
	static const struct {
		const char *arguments[4];
		const char *message;
	} cases[] = {
		{{"diagnose", "--jsn"},
		 "ooha diagnose: unrecognized option '--jsn'\n"
		 "usage: ooha diagnose [--json] [--config FILE] [--socket PATH] [URL]\n"},
		{{"diagnose", "docs.example.com"},
		 "ooha diagnose: the URL must be as http://host/path or https://host/path\n"},
		{{"diagnose", "ftp://docs.example.com/"},
		 "ooha diagnose: the URL must be as http://host/path or https://host/path\n"},
		{{"diagnose", "http://"},
		 "ooha diagnose: the URL must be as http://host/path or https://host/path\n"},
		{{"diagnose", "https://me:secret@docs.example.com/"},
		 "ooha diagnose: the URL must not have a user or password in it\n"},
		{{"diagnose", "http://a/", "http://b/"},
		 "ooha diagnose: unexpected argument 'http://b/'\n"},
		{{"diagnose", "--config"},
		 "ooha diagnose: option '--config' requires an argument\n"},
		{{"checks", "--explian"},
		 "ooha checks: unrecognized option '--explian'\n"
		 "usage: ooha checks [--json] [--explain] [--config FILE] [--socket PATH] "
		 "[NAME]\n"},
		{{"checks", "--config", "x"}, "ooha checks: --config goes with --explain: "},
		{{"events", "-n", "0"},
		 "ooha events: --number: '0' is not a number from 1 to 512\n"
		 "usage: ooha events [-f] [-n N] [--json] [--socket PATH]\n"},
		{{"history", "-n", "1x"},
		 "ooha history: --number: '1x' is not a number from 1 to 1000\n"},
		{{"history", "-n"}, "ooha history: option requires an argument -- 'n'\nusage: "},
		{{NULL}, "usage: ooha [--socket PATH] COMMAND; see: ooha --help\n"},
		{{"stauts"},
		 "ooha: no command 'stauts'; did you mean 'status'? there are: status "},
		{{"--colour", "status"}, "unrecognized option '--colour'\nsee: ooha --help\n"},
		{{"--socket"}, "option '--socket' requires an argument\nsee: ooha --help\n"},
		{{"status", "--jsn"},
		 "ooha status: unrecognized option '--jsn'\n"
		 "usage: ooha status [--json] [--watch] [--socket PATH]\n"},
		{{"status", "office"},
		 "ooha status: unexpected argument 'office'\n"
		 "usage: ooha status [--json] [--watch] [--socket PATH]\n"},
	};
	struct run run;
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		run_program(&run, cases[i].arguments);
		CU_ASSERT_EQUAL(run.code, 64);
		CU_ASSERT_TRUE(contains(run.err, cases[i].message));
		CU_ASSERT_STRING_EQUAL(run.out, "");
	}
}

/* Whatever there is on this machine, an agent that never answers is not waited for. */
static void test_a_diagnosis_ends_in_time_and_goes_on_without_a_configuration(void)
{
	struct place place;
	struct run run;
	place_init(&place);
	pid_t agent = fake_agent_start(&place, &(struct manners){.status = NULL});
	int64_t began_at = oo_clock_now();
	run_program(&run, ARGUMENTS("--socket", place.socket_path, "diagnose", "--json", "--config",
				    "/\033[31mnowhere"));
	CU_ASSERT(oo_clock_now() - began_at < DIAGNOSIS_MS);
	CU_ASSERT(run.code >= 0 && run.code <= 2);
	CU_ASSERT_TRUE(contains(run.err, "ooha: going on without the configuration: "
					 "/\\x1b[31mnowhere: cannot be read: No such file"));
	json_object *verdict = json_tokener_parse(run.out);
	CU_ASSERT(json_object_is_type(verdict, json_type_object));
	json_object_put(verdict);
	run_program(&run, ARGUMENTS("--socket", place.socket_path, "diagnose"));
	CU_ASSERT_TRUE(contains(run.out, "client ["));
	fake_agent_stop(agent);
	place_done(&place);
}

static void test_presets_of_a_file_that_is_not_there_are_unknown(void)
{
	struct run run;
	run_program(&run, ARGUMENTS("checks", "--explain", "--config", "/\033[31mnowhere"));
	CU_ASSERT_EQUAL(run.code, 3);
	CU_ASSERT_STRING_EQUAL(
		run.err, "ooha: /\\x1b[31mnowhere: cannot be read: No such file or directory\n");
}

static void test_help_and_version_are_always_there(void)
{
	struct run run;
	run_program(&run, ARGUMENTS("--version"));
	CU_ASSERT_EQUAL(run.code, 0);
	CU_ASSERT_STRING_EQUAL(run.out, "ooha " OO_VERSION "\n");
	run_program(&run, ARGUMENTS("version"));
	CU_ASSERT_STRING_EQUAL(run.out, "ooha " OO_VERSION "\n");
	char help[OUTPUT_MAX];
	run_program(&run, ARGUMENTS("--help"));
	CU_ASSERT_EQUAL(run.code, 0);
	CU_ASSERT_TRUE(contains(run.out, "\n  status "));
	oo_text_clip(help, sizeof(help), run.out);
	run_program(&run, ARGUMENTS("help"));
	CU_ASSERT_STRING_EQUAL(run.out, help);
}

static void test_each_command_has_help_of_its_own(void)
{
	struct run run;
	run_program(&run, ARGUMENTS("history", "--help"));
	CU_ASSERT_EQUAL(run.code, 0);
	CU_ASSERT_STRING_EQUAL(run.err, "");
	CU_ASSERT_TRUE(contains(run.out, "usage: ooha history [OPTION...]\n\nShows "));
	CU_ASSERT_TRUE(contains(run.out, "\n  -n, --number N        the last N moves (20)\n"));
	CU_ASSERT_TRUE(contains(run.out, "\nexamples:\n  ooha history "));
}

static void test_colour_is_for_terminals(void)
{
	struct place place;
	struct run run;
	place_init(&place);
	pid_t agent = fake_agent_start(
		&place, &(struct manners){.status = "200 OK", .body = SMALL("critical")});
	const char *const *arguments = ARGUMENTS("--socket", place.socket_path, "status");
	run_on_terminal(&run, arguments, NULL);
	CU_ASSERT_EQUAL(run.code, 2);
	CU_ASSERT_TRUE(contains(run.out, "\033[31mCRITICAL\033[0m: because"));
	run_program(&run, arguments);
	CU_ASSERT_STRING_EQUAL(run.out, "CRITICAL: because\n");
	setenv("NO_COLOR", "1", 1);
	run_on_terminal(&run, arguments, NULL);
	unsetenv("NO_COLOR");
	CU_ASSERT_STRING_EQUAL(run.out, "CRITICAL: because\r\n");
	fake_agent_stop(agent);
	place_done(&place);
}

static void test_watch_redraws_a_terminal_until_ctrl_c(void)
{
	struct place place;
	struct run run;
	place_init(&place);
	pid_t agent = fake_agent_start(
		&place, &(struct manners){.status = "200 OK", .body = SMALL("degraded")});
	/* the second picture begins where the first did: the first one's end is in front of it */
	run_on_terminal(&run, ARGUMENTS("--socket", place.socket_path, "status", "--watch"),
			"because\033[K\r\n\033[J\033[H\033[33mDEGRADED\033[0m: ");
	CU_ASSERT_EQUAL(run.code, 1);
	CU_ASSERT_EQUAL(strncmp(run.out, "\033[2J\033[H", strlen("\033[2J\033[H")), 0);
	fake_agent_stop(agent);
	place_done(&place);
}

static void test_watch_shows_no_more_lines_than_the_terminal_has(void)
{
	struct place place;
	struct run run;
	char body[8192] = "{\"state\":\"degraded\",\"problems\":[";
	for (int i = 0; i < 100; i++) {
		sprintf(body + strlen(body), "%s\"problem %d\"", i > 0 ? "," : "", i);
	}
	strcat(body, "]}");
	place_init(&place);
	pid_t agent = fake_agent_start(&place, &(struct manners){.status = "200 OK", .body = body});
	run_on_terminal(&run, ARGUMENTS("--socket", place.socket_path, "status", "--watch"),
			"\033[J");
	CU_ASSERT_TRUE(contains(run.out, "problem 22"));
	CU_ASSERT_PTR_NULL(strstr(run.out, "problem 23"));
	fake_agent_stop(agent);
	place_done(&place);
}

static void test_watch_into_a_pipe_prints_block_after_block(void)
{
	struct place place;
	struct run run;
	place_init(&place);
	pid_t agent = fake_agent_start(
		&place, &(struct manners){.status = "200 OK", .body = SMALL("critical")});
	run_until(&run, ARGUMENTS("--socket", place.socket_path, "status", "--watch"),
		  "CRITICAL: because\n\nCRITICAL: because\n", 1);
	CU_ASSERT_EQUAL(run.code, 2);
	CU_ASSERT_PTR_NULL(strchr(run.out, '\033'));
	fake_agent_stop(agent);
	place_done(&place);
}

static void test_watch_outlives_the_agent_and_ends_with_the_last_state(void)
{
	struct place place;
	struct run run;
	place_init(&place);
	pid_t agent = fake_agent_start(
		&place,
		&(struct manners){.status = "200 OK", .body = SMALL("fine"), .only_once = true});
	run_on_terminal(&run, ARGUMENTS("--socket", place.socket_path, "status", "--watch"),
			"is ooha-agent running?");
	CU_ASSERT_EQUAL(run.code, 3);
	CU_ASSERT_TRUE(contains(run.out, "fine"));
	fake_agent_stop(agent);
	place_done(&place);
}

static void test_ctrl_c_does_not_wait_for_an_agent_that_is_stuck(void)
{
	struct place place;
	struct run run;
	place_init(&place);
	pid_t agent = fake_agent_start(&place, &(struct manners){.status = NULL});
	int64_t started = oo_clock_now();
	run_on_terminal(&run, ARGUMENTS("--socket", place.socket_path, "status", "--watch"),
			"\033[2J");
	CU_ASSERT_EQUAL(run.code, 3);
	CU_ASSERT_TRUE(oo_clock_now() - started < 4000);
	fake_agent_stop(agent);
	place_done(&place);
}

static void test_output_that_cannot_be_written_is_an_error(void)
{
	struct place place;
	struct run run;
	char command[512];
	place_init(&place);
	pid_t agent = fake_agent_start(
		&place, &(struct manners){.status = "200 OK", .body = SMALL("fine")});
	snprintf(command, sizeof(command), "exec %s --socket %s status >/dev/full", program,
		 place.socket_path);
	const char *ooha = program;
	program = "/bin/sh";
	run_program(&run, ARGUMENTS("-c", command));
	program = ooha;
	CU_ASSERT_EQUAL(run.code, 74);
	CU_ASSERT_STRING_EQUAL(run.err, "ooha: standard output: No space left on device\n");
	fake_agent_stop(agent);
	place_done(&place);
}

int main(int argc, char **argv)
{
	static CU_TestInfo tests[] = {
		{"the exit code is the state", test_the_exit_code_is_the_state},
		{"a missing socket says what to look at",
		 test_a_missing_socket_says_what_to_look_at},
		{"a socket that nobody answers on says so",
		 test_a_socket_that_nobody_answers_on_says_so},
		{"a forbidden socket says who may", test_a_forbidden_socket_says_who_may},
		{"an agent that is stuck is given up on",
		 test_an_agent_that_is_stuck_is_given_up_on},
		{"what does not answer like an agent is unknown",
		 test_what_does_not_answer_like_an_agent_is_unknown},
		{"a refusal is quoted without its controls",
		 test_a_refusal_is_quoted_without_its_controls},
		{"a socket path too long is said", test_a_socket_path_too_long_is_said},
		{"json is the agents own pretty and without controls",
		 test_json_is_the_agents_own_pretty_and_without_controls},
		{"a wrong command line is told apart from a state",
		 test_a_wrong_command_line_is_told_apart_from_a_state},
		{"a diagnosis ends in time and goes on without a configuration",
		 test_a_diagnosis_ends_in_time_and_goes_on_without_a_configuration},
		{"presets of a file that is not there are unknown",
		 test_presets_of_a_file_that_is_not_there_are_unknown},
		{"help and version are always there", test_help_and_version_are_always_there},
		{"each command has help of its own", test_each_command_has_help_of_its_own},
		{"colour is for terminals", test_colour_is_for_terminals},
		{"watch redraws a terminal until ctrl c",
		 test_watch_redraws_a_terminal_until_ctrl_c},
		{"watch shows no more lines than the terminal has",
		 test_watch_shows_no_more_lines_than_the_terminal_has},
		{"watch into a pipe prints block after block",
		 test_watch_into_a_pipe_prints_block_after_block},
		{"watch outlives the agent and ends with the last state",
		 test_watch_outlives_the_agent_and_ends_with_the_last_state},
		{"ctrl c does not wait for an agent that is stuck",
		 test_ctrl_c_does_not_wait_for_an_agent_that_is_stuck},
		{"output that cannot be written is an error",
		 test_output_that_cannot_be_written_is_an_error},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"ooha", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};
	if (argc != 2 || CU_initialize_registry() != CUE_SUCCESS ||
	    CU_register_suites(suites) != CUE_SUCCESS) {
		return 1;
	}
	program = argv[1];
	unsetenv("NO_COLOR");
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	int failed = CU_get_number_of_tests_run() == 0 || CU_get_number_of_failures() > 0;
	CU_cleanup_registry();
	return failed;
}
