#include <stdio.h>

#include "command.h"

enum outcome cmd_help(struct settings *settings, int argc, char **argv)
{
	(void)settings;
	(void)argc;
	(void)argv;
	printf("usage: ooha [--socket PATH] COMMAND [OPTION...]\n\ncommands:\n");
	for (size_t i = 0; i < n_commands; i++) {
		printf("  %-8s %-18s %s\n", commands[i].name, commands[i].arguments,
		       commands[i].help);
	}
	printf("\noptions:\n"
	       "  --socket PATH  ask the agent there, not on " DEFAULT_SOCKET "\n"
	       "  --help         show this\n"
	       "  --version      show the version\n"
	       "  --json         status: the agent's own answer (docs/api.md); diagnose: the "
	       "verdict\n"
	       "  --config FILE  diagnose: in place of /etc/ooha/ooha.yaml\n"
	       "  --watch        show it again each second, until Ctrl-C\n"
	       "\nexit codes of status:\n"
	       "  0  fine\n"
	       "  1  degraded: it works, and somebody should look\n"
	       "  2  critical: nobody holds, or this node must not serve\n"
	       "  3  unknown: the agent cannot be reached or understood\n"
	       "exit codes of diagnose:\n"
	       "  0  nothing wrong found\n"
	       "  1  something that users do not feel yet\n"
	       "  2  broken: the first finding says what\n"
	       "  3  unknown: no evidence could be collected\n"
	       "exit codes of both:\n"
	       " 64  the command line is wrong\n"
	       " 74  the output could not be written\n"
	       "\nColour is used on a terminal, unless NO_COLOR is set.\n");
	return OUTCOME_FINE;
}
