#include <stdio.h>

#include "command.h"

enum outcome cmd_version(struct settings *settings, int argc, char **argv)
{
	(void)settings;
	(void)argc;
	(void)argv;
	printf("ooha %s\n", OO_VERSION);
	return OUTCOME_FINE;
}
