#include <stdio.h>

#include "act.h"
#include "base/cleanup.h"
#include "command.h"
#include "output.h"

#define PATH "/v1/pause"

struct options {
	const char *reason;
	bool yes;
};

static enum outcome run_pause(struct settings *settings, int argc, char **argv)
{
	struct options options = {0};
	OO_AUTO(output_put_json) json_object *answer = NULL;
	OO_AUTO(output_put_json) json_object *body = NULL;
	enum outcome outcome = command_parse(&command_pause, settings, &options, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	if (!act_confirm(options.yes,
			 "Pause the cluster? Until ooha resume nobody takes over, even "
			 "if the holder dies.")) {
		return OUTCOME_DEGRADED;
	}
	body = json_object_new_object();
	act_add_text(body, "reason", options.reason);
	outcome = act_and_wait(settings, PATH, body, &answer);
	if (outcome == OUTCOME_FINE) {
		output_say("paused: nothing moves for health, and nobody takes over, until ooha "
			   "resume");
	}
	return output_flush(outcome);
}

static enum outcome run_resume(struct settings *settings, int argc, char **argv)
{
	OO_AUTO(output_put_json) json_object *answer = NULL;
	enum outcome outcome = command_parse(&command_resume, settings, NULL, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	outcome = act_and_wait(settings, PATH, NULL, &answer);
	if (outcome == OUTCOME_FINE) {
		printf("resumed: the cluster looks after itself again\n");
	}
	return output_flush(outcome);
}

static const struct command_option pause_options[] = {
	{TEXT_INTO(options, reason), .name = "reason", .letter = 'r', .argument = "TEXT",
	 .help = "what for; everybody sees it in ooha status"},
	{FLAG_INTO(options, yes), .name = "yes", .letter = 'y', .help = "do not ask"},
	{0},
};

const struct command command_pause = {
	.name = "pause",
	.run = run_pause,
	.help = "freeze the whole cluster: no move for health, no takeover",
	.more = "Whoever holds goes on renewing, and still lets go when it cannot: if the holder\n"
		"dies while paused, nobody serves. ooha switchover and stopping an agent move\n"
		"what they are told to even then. For root and the group ooha-admin. Exit code: 0\n"
		"done, 1 refused, 3 the agent cannot be reached.",
	.options = pause_options,
	.example = "  ooha pause --reason 'switch firmware'\n",
};

static const struct command_option resume_options[] = {
	{0},
};

const struct command command_resume = {
	.name = "resume",
	.run = run_resume,
	.help = "end a pause",
	.more = "What has to move does so at once. For root and the group ooha-admin. Exit code: "
		"0\n"
		"done, 1 refused, 3 the agent cannot be reached.",
	.options = resume_options,
	.example = "  ooha resume\n",
};
