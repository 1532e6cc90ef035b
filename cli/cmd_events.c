#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "ask.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "command.h"
#include "fields.h"
#include "output.h"
#include "printable.h"
#include "show_events.h"

#define SHOWN_DEFAULT 20
#define SHOWN_MAX 512
#define POLL_MS 250
#define PATH_LENGTH 96
#define STARTED_LENGTH 64

struct options {
	bool json, follow;
	int64_t n;
};

/* What has been shown of which agent's life. */
struct place {
	int64_t after;
	char started_at[STARTED_LENGTH];
	char day[SHOW_DAY_LENGTH]; /* of the last one shown */
	bool is_lost;              /* the agent, and that was said */
};

/* One event a line: to be read as they come. */
static int add_json_line(struct oo_buffer *text, json_object *event)
{
	const char *json = json_object_to_json_string_ext(event, JSON_C_TO_STRING_NOSLASHESCAPE);
	int r = json != NULL ? printable_add_json(text, json) : -ENOMEM;
	return r < 0 ? r : oo_buffer_add(text, "\n", 1);
}

static enum outcome show(const struct options *options, struct place *place, json_object *answer)
{
	struct page page = output_page(NULL);
	json_object *events = field_array(answer, "events");
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	int r = 0;
	oo_buffer_init(&text, ASK_BYTES_MAX);
	for (size_t i = 0; i < field_length(events) && r == 0; i++) {
		json_object *event = json_object_array_get_idx(events, i);
		r = options->json ? add_json_line(&text, event)
				  : show_event(event, &page, place->day, &text);
	}
	return output_end(&text, r, OUTCOME_FINE);
}

/* Another agent answers than before: it counts from one again. */
static bool is_another(struct place *place, json_object *answer)
{
	const char *started_at = field_text(answer, "started_at", "");
	bool is_first = place->started_at[0] == '\0';
	bool is_same = oo_text_equal(place->started_at, started_at);
	oo_text_clip(place->started_at, sizeof(place->started_at), started_at);
	return !is_first && !is_same;
}

/* Shows what is new. */
static enum outcome look(const struct settings *settings, const struct options *options,
			 struct place *place)
{
	char path[PATH_LENGTH];
	struct oo_err err;
	snprintf(path, sizeof(path), "/v1/events?after=%" PRId64 "&n=%" PRId64, place->after,
		 place->started_at[0] == '\0' ? options->n : SHOWN_MAX);
	OO_AUTO(output_put_json) json_object *answer = ask(settings, path, &err);
	if (answer == NULL) {
		if (!place->is_lost) {
			output_error(stderr, &err, options->follow ? "; waiting for it\n" : "\n");
		}
		place->is_lost = true;
		return OUTCOME_UNKNOWN;
	}
	place->is_lost = false;
	if (is_another(place, answer)) {
		place->after = 0;
		return look(settings, options, place);
	}
	int64_t last = field_number(answer, "last");
	place->after = last != FIELD_NONE ? last : place->after;
	return show(options, place, answer);
}

/* Until Ctrl-C. */
static enum outcome follow(const struct settings *settings, const struct options *options)
{
	const struct timespec interval = {.tv_nsec = POLL_MS * 1000000L};
	struct place place = {0};
	enum outcome outcome;
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL); /* they are taken below, between two looks */
	do {
		outcome = look(settings, options, &place);
	} while (outcome != OUTCOME_OUTPUT && sigtimedwait(&signals, NULL, &interval) < 0);
	return outcome;
}

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	struct options options = {.n = SHOWN_DEFAULT};
	struct place place = {0};
	enum outcome outcome = command_parse(&command_events, settings, &options, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	return options.follow ? follow(settings, &options) : look(settings, &options, &place);
}

static const struct command_option events_options[] = {
	{FLAG_INTO(options, follow), .name = "follow", .letter = 'f',
	 .help = "go on as they happen, until Ctrl-C"},
	{NUMBER_INTO(options, n), .name = "number", .letter = 'n', .argument = "N", .least = 1,
	 .most = SHOWN_MAX, .help = "the last N events (20)"},
	{FLAG_INTO(options, json), .name = "json", .help = "one object a line (docs/api.md)"},
	{0},
};

const struct command command_events = {
	.name = "events",
	.run = run,
	.help = "show what happened on this node, and follow it",
	.more = "Shows what this node's agent said of roles, checks, etcd, addresses, conflicts,\n"
		"hooks and operators, the newest last; it keeps the last 512 since it started. "
		"The\n"
		"journal has more: journalctl -t ooha-agent. Times are UTC.",
	.options = events_options,
	.example = "  ooha events -n 100   the last 100\n"
		   "  ooha events -f       the last ones, and those to come\n",
};
