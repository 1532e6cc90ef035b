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
#include "show_config.h"

#define CONFIG_PATH "/v1/config"
#define LINE_LENGTH 1024

struct options {
	bool json;
};

static void free_config(struct oo_config **config)
{
	oo_config_free(*config);
}

static void print_problem(const char *text, void *user)
{
	char shown[LINE_LENGTH];
	(void)user;
	fprintf(stderr, "%s\n", printable_copy(shown, sizeof(shown), text));
}

/* The configuration of a file, as the agent would answer it; NULL after saying all that is wrong. */
static json_object *read_file(const char *path)
{
	OO_AUTO(free_config) struct oo_config *config = NULL;
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	struct oo_err err;
	oo_buffer_init(&text, ASK_BYTES_MAX);
	if (oo_config_load(path, &config, &err) < 0) {
		(void)oo_config_check(path, print_problem, NULL);
		return NULL;
	}
	json_object *object =
		oo_config_write(config, &text) == 0 ? json_tokener_parse(text.data) : NULL;
	if (object == NULL) {
		fprintf(stderr, "ooha config: out of memory\n");
	}
	return object;
}

/* What the agent runs, borrowed from *ret_answer, which is the caller's; NULL after saying why not. */
static json_object *ask_agent(const struct settings *settings, json_object **ret_answer)
{
	struct oo_err err;
	*ret_answer = ask(settings, CONFIG_PATH, &err);
	json_object *config = field_object(*ret_answer, "config");
	if (*ret_answer == NULL) {
		output_error(stderr, &err, "\n");
	} else if (config == NULL) {
		fprintf(stderr, "ooha config: the agent's answer has no configuration in it\n");
	}
	return config;
}

static enum outcome show(const struct options *options, json_object *config)
{
	struct page page = output_page(NULL);
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, ASK_BYTES_MAX);
	int r = options->json ? output_add_json(&text, config) : show_config(config, &page, &text);
	return output_end(&text, r, OUTCOME_FINE);
}

static enum outcome run_show(struct settings *settings, int argc, char **argv)
{
	struct options options = {0};
	OO_AUTO(output_put_json) json_object *owned = NULL;
	enum outcome outcome = command_parse(&command_config_show, settings, &options, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	if (optind < argc) {
		owned = read_file(argv[optind]);
		return owned != NULL ? show(&options, owned) : OUTCOME_CONFIG;
	}
	json_object *config = ask_agent(settings, &owned);
	return config != NULL ? show(&options, config) : OUTCOME_UNKNOWN;
}

static enum outcome run_check(struct settings *settings, int argc, char **argv)
{
	char shown[LINE_LENGTH];
	enum outcome outcome = command_parse(&command_config_check, settings, NULL, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	const char *path = optind < argc ? argv[optind] : DEFAULT_CONFIG;
	if (oo_config_check(path, print_problem, NULL) < 0) {
		return OUTCOME_CONFIG;
	}
	printf("%s: nothing wrong\n", printable_copy(shown, sizeof(shown), path));
	return output_flush(OUTCOME_FINE);
}

static enum outcome diff(json_object *runs, json_object *next)
{
	struct page page = output_page(NULL);
	size_t n = 0;
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, ASK_BYTES_MAX);
	int r = show_config_diff(runs, next, &page, &text, &n);
	return output_end(&text, r, n == 0 ? OUTCOME_FINE : OUTCOME_DEGRADED);
}

static enum outcome run_diff(struct settings *settings, int argc, char **argv)
{
	OO_AUTO(output_put_json) json_object *answer = NULL;
	enum outcome outcome = command_parse(&command_config_diff, settings, NULL, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	json_object *runs = ask_agent(settings, &answer);
	if (runs == NULL) {
		return OUTCOME_UNKNOWN;
	}
	const char *path =
		optind < argc ? argv[optind] : field_text(answer, "file", DEFAULT_CONFIG);
	OO_AUTO(output_put_json) json_object *next = read_file(path);
	return next != NULL ? diff(runs, next) : OUTCOME_CONFIG;
}

static const struct command_option show_options[] = {
	{FLAG_INTO(options, json), .name = "json", .help = "as JSON, which is YAML, too"},
	{0},
};

const struct command command_config_show = {
	.name = "config show",
	.operands = "[FILE]",
	.operands_max = 1,
	.run = run_show,
	.help = "show the configuration in force, or that of a file",
	.more = "Shows what the agent runs: with the defaults that were not written, and presets "
		"as\n"
		"the checks that they stand for on this node. With FILE what that would come to\n"
		"here, without the agent. What may be a secret (headers, bodies) is ***. Exit\n"
		"code: 0, 3 the agent cannot be reached, 78 the file is wrong.",
	.options = show_options,
	.example = "  ooha config show                      what the agent runs\n"
		   "  ooha config show /tmp/ooha.yaml.new   what a file would come to\n",
};

const struct command command_config_check = {
	.name = "config check",
	.operands = "[FILE]",
	.operands_max = 1,
	.run = run_check,
	.help = "say what is wrong with a configuration file",
	.more = "Says all that is wrong with FILE (" DEFAULT_CONFIG "), a line each, as\n"
		"ooha-agent --check does. Run it as the agent's user: it tries the files that are\n"
		"named. Exit code: 0 nothing wrong, 78 something is.",
	.example = "  ooha config check /tmp/ooha.yaml.new   before it is put in place\n",
};

const struct command command_config_diff = {
	.name = "config diff",
	.operands = "[FILE]",
	.operands_max = 1,
	.run = run_diff,
	.help = "show what a file would change, and what that takes",
	.more = "Compares FILE (the agent's own) with what the agent runs, key by key, and says\n"
		"whether a reload is enough. + is new, - is gone. What may be a secret (headers,\n"
		"bodies) is not compared. Exit code: 0 no difference, 1 there is one, 3 the agent\n"
		"cannot be reached, 78 the file is wrong.",
	.example = "  ooha config diff && echo nothing to reload\n",
};
