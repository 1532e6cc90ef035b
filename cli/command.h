#ifndef OO_COMMAND_H
#define OO_COMMAND_H
/*
 * The commands of ooha: one file each with its struct command, one row each in the table of main.c.
 * Help, what is said of a wrong command line, completion and the check of the man page go by that
 * structure alone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes, by the convention of monitoring plugins; usage and output as in sysexits.h. */
enum outcome {
	OUTCOME_GO_ON = -1, /* no exit code: of command_parse */
	OUTCOME_FINE = 0,
	OUTCOME_DEGRADED = 1, /* of a command that changes something: it was refused */
	OUTCOME_CRITICAL = 2, /* no holder, or this node must not serve */
	OUTCOME_UNKNOWN = 3,  /* the agent cannot be reached, or says what is not understood */
	OUTCOME_USAGE = 64,
	OUTCOME_OUTPUT = 74, /* what there was to say could not be written */
	OUTCOME_CONFIG = 78, /* a configuration file is wrong; ooha-agent's own code for it */
};

#define DEFAULT_SOCKET "/run/ooha/ooha.sock"
#define DEFAULT_CONFIG "/etc/ooha/ooha.yaml"

struct settings {
	const char *socket_path;
};

enum option_kind {
	OPTION_END,
	OPTION_FLAG,   /* bool: it was given */
	OPTION_TEXT,   /* const char *: of argv */
	OPTION_NUMBER, /* int64_t: least to most */
};

/* An option, and where its value goes in the command's own structure. */
struct command_option {
	enum option_kind kind;
	const char *name; /* --name */
	char letter;      /* -l besides; 0: none */
	const char
		*argument; /* as help names it: FILE, PATH, N, GROUP, NODE, ...; NULL of a flag */
	size_t offset;
	int64_t least, most;
	const char *help; /* one line */
};

#define FLAG_INTO(structure, member)                                                               \
	.kind = OPTION_FLAG, .offset = offsetof(struct structure, member)
#define TEXT_INTO(structure, member)                                                               \
	.kind = OPTION_TEXT, .offset = offsetof(struct structure, member)
#define NUMBER_INTO(structure, member)                                                             \
	.kind = OPTION_NUMBER, .offset = offsetof(struct structure, member)

struct command {
	const char *name;     /* "status"; "config show" for two words */
	const char *operands; /* as help names them: "[NAME]"; NULL: none */
	int operands_min, operands_max;
	/* argv[0] is the command's name. Returns an outcome. */
	enum outcome (*run)(struct settings *settings, int argc, char **argv);
	const char *help;                     /* one line, for the list of commands */
	const char *more;                     /* sentences for its own help; NULL: none */
	const struct command_option *options; /* ended by OPTION_END; besides --socket and --help */
	const char *example;                  /* command lines with what they are for */
};

/*
 * Reads a command's options into target, its structure; --socket goes to settings. What is left are
 * the operands, argv[optind] and on, as many as the command takes.
 * Returns OUTCOME_GO_ON; OUTCOME_FINE when help was asked for, and printed; or OUTCOME_USAGE after
 * saying what is wrong.
 */
enum outcome command_parse(const struct command *command, struct settings *settings, void *target,
			   int argc, char **argv);
/* "usage: ooha status [--json] [--watch] [--socket PATH]" and a line break, to standard error. */
void command_usage(const struct command *command);

/* The table; in the order of help. Ended by NULL. */
extern const struct command *const commands[];

extern const struct command command_checks;
extern const struct command command_completion;
extern const struct command command_config_check;
extern const struct command command_config_diff;
extern const struct command command_config_show;
extern const struct command command_diagnose;
extern const struct command command_drain;
extern const struct command command_doctor;
extern const struct command command_events;
extern const struct command command_help;
extern const struct command command_history;
extern const struct command command_members;
extern const struct command command_pause;
extern const struct command command_resume;
extern const struct command command_status;
extern const struct command command_switchover;
extern const struct command command_top;
extern const struct command command_undrain;
extern const struct command command_version;
extern const struct command command_vip_announce;

/* The list of commands. */
enum outcome help_print(void);
/* Of those that begin with a word that is none by itself: "config". */
enum outcome help_print_of(const char *first);

#endif
