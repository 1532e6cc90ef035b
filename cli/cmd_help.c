#include <stdio.h>
#include <string.h>

#include "command.h"
#include "output.h"

#define NAME_COLUMN 14

static void print_commands(const char *begin)
{
	for (size_t i = 0; commands[i] != NULL; i++) {
		if (strncmp(commands[i]->name, begin, strlen(begin)) == 0) {
			printf("  %-*s %s\n", NAME_COLUMN, commands[i]->name, commands[i]->help);
		}
	}
}

enum outcome help_print_of(const char *first)
{
	char begin[NAME_COLUMN];
	snprintf(begin, sizeof(begin), "%s ", first);
	printf("commands:\n");
	print_commands(begin);
	printf("\nooha %s COMMAND --help says what it does, and how it is used.\n", first);
	return output_flush(OUTCOME_FINE);
}

enum outcome help_print(void)
{
	printf("usage: ooha [--socket PATH] COMMAND [OPTION...]\n\ncommands:\n");
	print_commands("");
	printf("\n"
	       "ooha COMMAND --help says what a command does, and how it is used.\n"
	       "\noptions:\n"
	       "  --socket PATH  ask the agent there, not on " DEFAULT_SOCKET "\n"
	       "  --help         show this\n"
	       "  --version      show the version\n"
	       "\nexit codes:\n"
	       "  0  done; of status: fine\n"
	       "  1  refused or not carried out; of status: degraded; of diagnose and doctor:\n"
	       "     warnings; of checks: one is not up; of config diff: there is a difference\n"
	       "  2  of status, diagnose and doctor: critical, users feel it or soon will\n"
	       "  3  unknown: the agent cannot be reached or understood\n"
	       " 64  the command line is wrong\n"
	       " 74  the output could not be written\n"
	       " 78  a configuration file is wrong\n"
	       "\nColour is used on a terminal, unless NO_COLOR is set. See also: man ooha\n");
	return output_flush(OUTCOME_FINE);
}

static enum outcome run(struct settings *settings, int argc, char **argv)
{
	enum outcome outcome = command_parse(&command_help, settings, NULL, argc, argv);
	return outcome == OUTCOME_GO_ON ? help_print() : outcome;
}

const struct command command_help = {
	.name = "help",
	.run = run,
	.help = "show this",
};
