#include <getopt.h>
#include <stdio.h>

#include "ask.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "command.h"
#include "config/config.h"
#include "fields.h"
#include "output.h"
#include "printable.h"
#include "screen_tables.h"
#include "show_check.h"

#define EXPLAINED_BYTES 1048576
#define NAME_LENGTH 256
#define CHECKS_PATH "/v1/checks"
#define EVENTS_PATH "/v1/events"

struct options {
	bool json, explain;
	const char *config_path;
};

static enum outcome explain(const char *path)
{
	struct oo_err err;
	OO_AUTO(oo_buffer_done) struct oo_buffer buffer;
	oo_buffer_init(&buffer, EXPLAINED_BYTES);

	if (oo_config_explain(path, &buffer, &err) < 0) {
		output_error(stderr, &err, "\n");
		return OUTCOME_UNKNOWN;
	}
	fputs(buffer.data, stdout);
	return output_flush(OUTCOME_FINE);
}

/* What there is, for who has mistyped one. */
static void print_names(json_object *answer, const char *name)
{
	char shown[NAME_LENGTH];
	json_object *checks = field_array(answer, "checks");
	fprintf(stderr, "ooha checks: no check '%s' on this node; there are:",
		printable_copy(shown, sizeof(shown), name));
	for (size_t i = 0; i < field_length(checks); i++) {
		const char *one = field_text(json_object_array_get_idx(checks, i), "name", "?");
		fprintf(stderr, " %s", printable_copy(shown, sizeof(shown), one));
	}
	fprintf(stderr, "%s\n", field_length(checks) == 0 ? " none" : "");
}

static enum outcome outcome_of(json_object *check)
{
	return oo_text_equal(field_text(check, "state", ""), "up") ? OUTCOME_FINE
								   : OUTCOME_DEGRADED;
}

static enum outcome outcome_of_all(json_object *answer)
{
	json_object *checks = field_array(answer, "checks");
	enum outcome outcome = OUTCOME_FINE;
	for (size_t i = 0; i < field_length(checks) && outcome == OUTCOME_FINE; i++) {
		outcome = outcome_of(json_object_array_get_idx(checks, i));
	}
	return outcome;
}

static enum outcome show_all(const struct options *options, json_object *answer)
{
	struct page page = output_page(NULL);
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, ASK_BYTES_MAX);
	int r = options->json ? output_add_json(&text, answer)
			      : print_checks_in_full(answer, &page, &text);
	if (r == 0 && text.length == 0) {
		r = oo_buffer_add_format(&text, "no checks are configured\n");
	}
	return output_end(&text, r, outcome_of_all(answer));
}

static enum outcome show_one(const struct settings *settings, const struct options *options,
			     json_object *answer, const char *name)
{
	struct page page = output_page(NULL);
	struct oo_err err;
	json_object *check = show_check_find(answer, name);
	if (check == NULL) {
		print_names(answer, name);
		return OUTCOME_USAGE;
	}
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, ASK_BYTES_MAX);
	if (options->json) {
		return output_end(&text, output_add_json(&text, check), outcome_of(check));
	}
	/* without them its last turns are left out */
	OO_AUTO(output_put_json) json_object *events = ask(settings, EVENTS_PATH, &err);
	return output_end(&text, show_check(check, events, &page, &text), outcome_of(check));
}

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	struct options options = {.config_path = NULL};
	struct oo_err err;
	enum outcome outcome = command_parse(&command_checks, settings, &options, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	if (options.explain) {
		return explain(options.config_path != NULL ? options.config_path : DEFAULT_CONFIG);
	}
	if (options.config_path != NULL) {
		fprintf(stderr, "ooha checks: --config goes with --explain: the agent's own checks "
				"are those of the file that it has read\n");
		command_usage(&command_checks);
		return OUTCOME_USAGE;
	}
	OO_AUTO(output_put_json) json_object *answer = ask(settings, CHECKS_PATH, &err);
	if (answer == NULL) {
		output_error(stderr, &err, "\n");
		return OUTCOME_UNKNOWN;
	}
	return optind < argc ? show_one(settings, &options, answer, argv[optind])
			     : show_all(&options, answer);
}

static const struct command_option checks_options[] = {
	{FLAG_INTO(options, json), .name = "json", .help = "the agent's own answer (docs/api.md)"},
	{FLAG_INTO(options, explain), .name = "explain",
	 .help = "what the presets stand for on this node, and why"},
	{TEXT_INTO(options, config_path), .name = "config", .argument = "FILE",
	 .help = "explain that one, not " DEFAULT_CONFIG},
	{0},
};

const struct command command_checks = {
	.name = "checks",
	.operands = "[NAME]",
	.operands_max = 1,
	.run = run,
	.help = "show this node's checks, or one in full with its last turns",
	.more = "Shows what this node's checks see; with NAME one of them in full: how often it "
		"is\n"
		"asked, how far the last one came and when, and its last turns. Exit code: 0 up,\n"
		"1 one is down or not known yet, 3 the agent cannot be reached. With --explain\n"
		"the checks that the presets of the configuration stand for, without the agent.",
	.options = checks_options,
	.example = "  ooha checks            all of them\n"
		   "  ooha checks proxy      one, and when it last turned\n"
		   "  ooha checks --explain  what a preset has become on this node\n",
};
