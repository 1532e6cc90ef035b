#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "command.h"
#include "show_history.h"

#define SHOWN_DEFAULT 20
#define SHOWN_MAX 1000
#define PATH_LENGTH 64

struct options {
	bool json;
	int64_t n;
};

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	struct options options = {.n = SHOWN_DEFAULT};
	char path[PATH_LENGTH];
	enum outcome outcome = command_parse(&command_history, settings, &options, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	snprintf(path, sizeof(path), "/v1/history?n=%" PRId64, options.n);
	return ask_and_show(settings, path, options.json ? NULL : show_history);
}

static const struct command_option history_options[] = {
	{NUMBER_INTO(options, n), .name = "number", .letter = 'n', .argument = "N", .least = 1,
	 .most = SHOWN_MAX, .help = "the last N moves (20)"},
	{FLAG_INTO(options, json), .name = "json", .help = "the agent's own answer (docs/api.md)"},
	{0},
};

const struct command command_history = {
	.name = "history",
	.run = run,
	.help = "show the last moves: from, to, why, and the parts of the gap",
	.more = "Shows what moved in the cluster, the newest last: the same on all nodes, as etcd\n"
		"keeps it. Times below a move count from its detection: when the addresses were\n"
		"down, when the claim was made, when they were added, and when announced. Repairs\n"
		"that a node made by itself are in it, too.",
	.options = history_options,
	.example = "  ooha history       the last moves\n"
		   "  ooha history -n 1  the last one\n",
};
