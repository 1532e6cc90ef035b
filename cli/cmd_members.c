#include "ask.h"
#include "command.h"
#include "screen_tables.h"

struct options {
	bool json;
};

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	struct options options = {0};
	enum outcome outcome = command_parse(&command_members, settings, &options, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	return ask_and_show(settings, "/v1/members", options.json ? NULL : print_members_in_full);
}

static const struct command_option members_options[] = {
	{FLAG_INTO(options, json), .name = "json", .help = "the agent's own answer (docs/api.md)"},
	{0},
};

const struct command command_members = {
	.name = "members",
	.run = run,
	.help = "show the cluster's nodes, what they hold and whether they could",
	.more = "Shows every node whose agent is present, in its own words: what it holds, "
		"whether\n"
		"it may hold, and if not why. > marks this node. A node whose agent is down is "
		"not\n"
		"in the list.",
	.options = members_options,
	.example = "  ooha members         who is there\n"
		   "  ooha members --json  the same for programs\n",
};
