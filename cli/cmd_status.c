#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "base/cleanup.h"
#include "command.h"
#include "printable.h"
#include "screen.h"

#define STATUS_PATH "/v1/status"
#define WATCH_INTERVAL_S 1
#define WIDTH_DEFAULT 80
#define WIDTH_MAX 1000

struct options {
	bool json;
	bool watch;
	bool help;
};

/* One look at the agent. */
struct look {
	enum outcome outcome;
	struct oo_buffer text; /* what there is to show; empty when there is an error */
	struct oo_err err;
};

static void put_json(json_object **object)
{
	json_object_put(*object);
}

static struct page measure_page(int *ret_height)
{
	struct page page = {.width = WIDTH_DEFAULT};
	struct winsize size = {0};
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	*ret_height = 0;
	if (isatty(STDOUT_FILENO) == 1) {
		page.colour = (no_color == NULL || no_color[0] == '\0') &&
			      (terminal == NULL || strcmp(terminal, "dumb") != 0);
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
			page.width = size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
			*ret_height = size.ws_row;
		}
	}
	return page;
}

/* The answer as it is, but for what a terminal would obey. */
static int add_json(struct oo_buffer *text, json_object *answer)
{
	const char *json = json_object_to_json_string_ext(
		answer,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
	int r = json != NULL ? printable_add_json(text, json) : -ENOMEM;
	return r == 0 ? oo_buffer_add(text, "\n", 1) : r;
}

static void fill_look(const struct settings *settings, const struct options *options,
		      const struct page *page, struct look *look)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer body;
	oo_buffer_init(&body, AGENT_ANSWER_BYTES_MAX);
	look->outcome = OUTCOME_UNKNOWN;
	if (agent_get(settings->socket_path, STATUS_PATH, &body, &look->err) < 0) {
		return;
	}
	OO_AUTO(put_json)
	json_object *answer = body.length > 0 ? json_tokener_parse(body.data) : NULL;
	if (!json_object_is_type(answer, json_type_object)) {
		oo_fail_text(&look->err, EPROTO, "what answers on %s is not ooha-agent: no JSON",
			     settings->socket_path);
		return;
	}
	int r = options->json ? add_json(&look->text, answer)
			      : screen_render(answer, page, &look->text);
	if (r < 0) {
		oo_fail(&look->err, -r, "show the answer of ooha-agent");
		oo_buffer_clear(&look->text);
		return;
	}
	look->outcome = screen_outcome(answer);
}

static void print_error(FILE *file, const struct oo_err *err, const char *end)
{
	char text[sizeof(err->text)];
	fprintf(file, "ooha: %s%s", printable_copy(text, sizeof(text), err->text), end);
}

/* Over what was there: each line clears its rest, the last everything below it. */
static void redraw(const struct look *look, int height)
{
	printf("\033[H");
	if (look->text.length == 0) {
		print_error(stdout, &look->err, "\033[K\n");
	}
	const char *line = look->text.length > 0 ? look->text.data : "";
	for (int n = 1; *line != '\0' && (height == 0 || n < height); n++) {
		size_t length = strcspn(line, "\n");
		printf("%.*s\033[K\n", (int)length, line);
		line += length + (line[length] == '\n' ? 1 : 0);
	}
	printf("\033[J");
}

static void print_block(const struct look *look)
{
	if (look->text.length > 0) {
		fwrite(look->text.data, 1, look->text.length, stdout);
	} else {
		print_error(stderr, &look->err, "\n");
	}
}

static enum outcome flush_output(enum outcome outcome)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("ooha: standard output");
		return OUTCOME_OUTPUT;
	}
	return outcome;
}

static enum outcome show_once(const struct settings *settings, const struct options *options)
{
	int height;
	struct page page = measure_page(&height);
	struct look look = {.outcome = OUTCOME_UNKNOWN};
	oo_buffer_init(&look.text, SCREEN_BYTES_MAX);
	fill_look(settings, options, &page, &look);
	print_block(&look);
	oo_buffer_done(&look.text);
	return flush_output(look.outcome);
}

static enum outcome watch(const struct settings *settings, const struct options *options)
{
	const struct timespec interval = {.tv_sec = WATCH_INTERVAL_S};
	bool terminal = isatty(STDOUT_FILENO) == 1;
	bool first = true;
	enum outcome outcome;
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL); /* they are taken below, between two looks */
	if (terminal) {
		printf("\033[2J");
		(void)fflush(stdout); /* whether it can be written, the first look will tell */
	}
	do {
		int height;
		struct page page = measure_page(&height);
		struct look look = {.outcome = OUTCOME_UNKNOWN};
		oo_buffer_init(&look.text, SCREEN_BYTES_MAX);
		fill_look(settings, options, &page, &look);
		if (terminal) {
			redraw(&look, height);
		} else {
			printf("%s", first ? "" : "\n");
			print_block(&look);
		}
		first = false;
		oo_buffer_done(&look.text);
		outcome = flush_output(look.outcome);
	} while (outcome != OUTCOME_OUTPUT && sigtimedwait(&signals, NULL, &interval) < 0);
	if (terminal) {
		printf("\n"); /* the shell's prompt does not follow the ^C */
	}
	return outcome;
}

static bool parse_options(struct settings *settings, struct options *options, int argc, char **argv)
{
	static const struct option long_options[] = {
		{"json", no_argument, NULL, 'j'},
		{"watch", no_argument, NULL, 'w'},
		{"socket", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	char name[] = "ooha status"; /* how getopt's own messages begin */
	int option;
	argv[0] = name;
	optind = 0; /* main has used it */
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 'j':
			options->json = true;
			break;
		case 'w':
			options->watch = true;
			break;
		case 's':
			settings->socket_path = optarg;
			break;
		case 'h':
			options->help = true;
			break;
		default:
			return false; /* getopt has said what is wrong */
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument '%s'\n", argv[0], argv[optind]);
	}
	return optind == argc;
}

enum outcome cmd_status(struct settings *settings, int argc, char **argv)
{
	struct options options = {0};
	if (!parse_options(settings, &options, argc, argv)) {
		fprintf(stderr, "usage: ooha status [--json] [--watch] [--socket PATH]\n");
		return OUTCOME_USAGE;
	}
	if (options.help) {
		return cmd_help(settings, argc, argv);
	}
	return options.watch ? watch(settings, &options) : show_once(settings, &options);
}
