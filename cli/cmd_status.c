#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "base/cleanup.h"
#include "command.h"
#include "output.h"
#include "screen.h"

#define STATUS_PATH "/v1/status"
#define WATCH_INTERVAL_S 1

struct options {
	bool json;
	bool watch;
};

/* One look at the agent. */
struct look {
	enum outcome outcome;
	struct oo_buffer text; /* what there is to show; empty when there is an error */
	struct oo_err err;
};

static void fill_look(const struct settings *settings, const struct options *options,
		      const struct page *page, struct look *look)
{
	look->outcome = OUTCOME_UNKNOWN;
	OO_AUTO(output_put_json) json_object *answer = ask(settings, STATUS_PATH, &look->err);
	if (answer == NULL) {
		return;
	}
	int r = options->json ? output_add_json(&look->text, answer)
			      : screen_render(answer, page, &look->text);
	if (r < 0) {
		oo_fail(&look->err, -r, "show the answer of ooha-agent");
		oo_buffer_clear(&look->text);
		return;
	}
	look->outcome = screen_outcome(answer);
}

/* Over what was there: each line clears its rest, the last everything below it. */
static void redraw(const struct look *look, int height)
{
	printf("\033[H");
	if (look->text.length == 0) {
		output_error(stdout, &look->err, "\033[K\n");
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
		output_error(stderr, &look->err, "\n");
	}
}

static enum outcome show_once(const struct settings *settings, const struct options *options)
{
	int height;
	struct page page = output_page(&height);
	struct look look = {.outcome = OUTCOME_UNKNOWN};
	oo_buffer_init(&look.text, SCREEN_BYTES_MAX);
	fill_look(settings, options, &page, &look);
	print_block(&look);
	oo_buffer_done(&look.text);
	return output_flush(look.outcome);
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
		struct page page = output_page(&height);
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
		outcome = output_flush(look.outcome);
	} while (outcome != OUTCOME_OUTPUT && sigtimedwait(&signals, NULL, &interval) < 0);
	if (terminal) {
		printf("\n"); /* the shell's prompt does not follow the ^C */
	}
	return outcome;
}

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	struct options options = {0};
	enum outcome outcome = command_parse(&command_status, settings, &options, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	return options.watch ? watch(settings, &options) : show_once(settings, &options);
}

static const struct command_option status_options[] = {
	{FLAG_INTO(options, json), .name = "json", .help = "the agent's own answer (docs/api.md)"},
	{FLAG_INTO(options, watch), .name = "watch",
	 .help = "show it again each second, until Ctrl-C"},
	{0},
};

const struct command command_status = {
	.name = "status",
	.run = run,
	.help = "show holder, addresses, members and checks",
	.more = "Shows who holds, the addresses, the members and this node's checks, the most\n"
		"important first. Exit code: 0 fine; 1 degraded: it works, and somebody should\n"
		"look; 2 critical: nobody holds, or this node must not serve; 3 unknown: the "
		"agent\n"
		"cannot be reached or understood.",
	.options = status_options,
	.example = "  ooha status          what is going on\n"
		   "  ooha status --watch  the same each second, until Ctrl-C\n",
};
