#ifndef OO_TEST_CLI_FAKE_AGENT_H
#define OO_TEST_CLI_FAKE_AGENT_H
/* A process that answers on a unix socket as it is told to, and runs of the program. */
#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <sys/types.h>

#define OUTPUT_MAX (64 << 10)

/* A directory of its own, and the path of a socket in it. */
struct place {
	char directory[64];
	char socket_path[96];
};

void place_init(struct place *place);
void place_done(struct place *place);

/* How the agent behaves towards every client. */
struct manners {
	const char *status; /* "200 OK"; NULL: it accepts and never answers */
	const char *body;
	bool only_once; /* it ends after one answer, and takes its socket away */
};

/* Its pid, for fake_agent_stop. */
pid_t fake_agent_start(const struct place *place, const struct manners *manners);
void fake_agent_stop(pid_t pid);

struct run {
	int code;             /* exit code; -1 when it was killed */
	char out[OUTPUT_MAX]; /* with a terminal: everything that was shown */
	char err[OUTPUT_MAX];
};

/* Where the program is; to be set by main. */
extern const char *program;

/* Runs the program to its end. arguments: with NULL at the end, without the program's name. */
void run_program(struct run *run, const char *const *arguments);
/*
 * Runs it on a terminal of 24 lines and 80 columns, and types Ctrl-C once text was shown; never,
 * when it is NULL.
 */
void run_on_terminal(struct run *run, const char *const *arguments, const char *text);
/* Runs it with its output in a pipe, and sends SIGINT once text was seen so many times. */
void run_until(struct run *run, const char *const *arguments, const char *text, int times);

#endif
