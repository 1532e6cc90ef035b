#include <stdio.h>

#include "command.h"
#include "output.h"

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	enum outcome outcome = command_parse(&command_version, settings, NULL, argc, argv);
	if (outcome != OUTCOME_GO_ON) {
		return outcome;
	}
	printf("ooha %s\n", OO_VERSION);
	return output_flush(OUTCOME_FINE);
}

const struct command command_version = {
	.name = "version",
	.run = run,
	.help = "show the version",
};
