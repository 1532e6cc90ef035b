#ifndef OO_COMMAND_H
#define OO_COMMAND_H
/* The commands of ooha: one file each, one row each in the table of main.c. */
#include <stddef.h>

/* Exit codes, by the convention of monitoring plugins; usage and output as in sysexits.h. */
enum outcome {
	OUTCOME_FINE = 0,
	OUTCOME_DEGRADED = 1,
	OUTCOME_CRITICAL = 2, /* no holder, or this node must not serve */
	OUTCOME_UNKNOWN = 3,  /* the agent cannot be reached, or says what is not understood */
	OUTCOME_USAGE = 64,
	OUTCOME_OUTPUT = 74, /* what there was to say could not be written */
};

#define DEFAULT_SOCKET "/run/ooha/ooha.sock"

struct settings {
	const char *socket_path;
};

struct command {
	const char *name;
	const char *arguments;
	/* argv[0] is the command's name. Returns an outcome. */
	enum outcome (*run)(struct settings *settings, int argc, char **argv);
	const char *help;
};

extern const struct command commands[];
extern const size_t n_commands;

enum outcome cmd_status(struct settings *settings, int argc, char **argv);
enum outcome cmd_diagnose(struct settings *settings, int argc, char **argv);
enum outcome cmd_doctor(struct settings *settings, int argc, char **argv);
enum outcome cmd_checks(struct settings *settings, int argc, char **argv);
enum outcome cmd_version(struct settings *settings, int argc, char **argv);
enum outcome cmd_help(struct settings *settings, int argc, char **argv);

#endif
