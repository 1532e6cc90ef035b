#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>

#include "act.h"
#include "base/cleanup.h"
#include "command.h"
#include "fields.h"
#include "output.h"
#include "printable.h"

#define PATH "/v1/drain"
#define TEXT_LENGTH 1000

struct options {
	const char *reason;
	bool yes, force;
};

/* What follows from it that is not plain. */
static void print_notes(json_object *answer)
{
	json_object *notes = field_array(answer, "notes");
	for (size_t i = 0; i < field_length(notes); i++) {
		json_object *note = json_object_array_get_idx(notes, i);
		output_say("note: %s", json_object_get_string(note));
	}
}

static const char *node_of(json_object *answer, char text[static TEXT_LENGTH])
{
	return printable_copy(text, TEXT_LENGTH, field_text(answer, "node", "the node"));
}

static enum outcome run_drain(struct settings *settings, int argc, char **argv)
{
	struct options options = {0};
	char text[TEXT_LENGTH];
	OO_AUTO(output_put_json) json_object *answer = NULL;
	OO_AUTO(output_put_json) json_object *body = NULL;
	enum outcome outcome = command_parse(&command_drain, settings, &options, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	const char *node = optind < argc ? argv[optind] : NULL;
	if (!act_confirm(options.yes,
			 "Drain %s? It gives up what it holds, and takes nothing until "
			 "ooha undrain.",
			 node == NULL ? "this node" : node)) {
		return OUTCOME_DEGRADED;
	}
	body = json_object_new_object();
	act_add_text(body, "node", node);
	act_add_text(body, "reason", options.reason);
	json_object_object_add(body, "force", json_object_new_boolean(options.force));
	outcome = act_and_wait(settings, PATH, body, &answer);
	if (outcome == OUTCOME_FINE) {
		output_say("%s is drained: it gives up what it holds, and takes nothing until ooha "
			   "undrain",
			   node_of(answer, text));
		print_notes(answer);
	}
	return output_flush(outcome);
}

static enum outcome run_undrain(struct settings *settings, int argc, char **argv)
{
	char path[TEXT_LENGTH], text[TEXT_LENGTH];
	OO_AUTO(output_put_json) json_object *answer = NULL;
	enum outcome outcome = command_parse(&command_undrain, settings, NULL, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	const char *node = optind < argc ? argv[optind] : NULL;
	char *escaped = node == NULL ? NULL : curl_easy_escape(NULL, node, 0);
	snprintf(path, sizeof(path), "%s%s%s", PATH,
		 escaped == NULL ? "" : "?node=", escaped == NULL ? "" : escaped);
	curl_free(escaped);
	outcome = act_and_wait(settings, path, NULL, &answer);
	if (outcome == OUTCOME_FINE) {
		output_say("%s is no longer drained", node_of(answer, text));
	}
	return output_flush(outcome);
}

static const struct command_option drain_options[] = {
	{TEXT_INTO(options, reason), .name = "reason", .letter = 'r', .argument = "TEXT",
	 .help = "what for; everybody sees it in ooha status"},
	{FLAG_INTO(options, force), .name = "force",
	 .help = "also where nobody could relieve it, or when it is down"},
	{FLAG_INTO(options, yes), .name = "yes", .letter = 'y', .help = "do not ask"},
	{0},
};

const struct command command_drain = {
	.name = "drain",
	.operands = "[NODE]",
	.operands_max = 1,
	.run = run_drain,
	.help = "take a node out of service: it gives up what it holds",
	.more = "This node, or another one. It stays so over restarts of the agent and of the\n"
		"machine. Refused where it holds a group that nobody else could take; with\n"
		"--force it is drained all the same, and keeps that group, degraded, until\n"
		"another node is eligible. For root and the group ooha-admin. Exit code: 0 done,\n"
		"1 refused, 3 the agent cannot be reached.",
	.options = drain_options,
	.example = "  ooha drain --reason 'kernel upgrade'  this node\n"
		   "  ooha drain node-b --yes               another one, without a question\n",
};

static const struct command_option undrain_options[] = {
	{0},
};

const struct command command_undrain = {
	.name = "undrain",
	.operands = "[NODE]",
	.operands_max = 1,
	.run = run_undrain,
	.help = "let a drained node take part again",
	.more = "This node, or another one. Nothing moves back but by failback. For root and the "
		"group\n"
		"ooha-admin. Exit code: 0 done, 1 refused, 3 the agent cannot be reached.",
	.options = undrain_options,
	.example = "  ooha undrain         this node\n"
		   "  ooha undrain node-b  another one\n",
};
