#ifndef OO_CONFIG_READER_H
#define OO_CONFIG_READER_H
/*
 * What one loading has in hand: where it reads, what it has found wrong, what it has allocated.
 * Private to lib/config.
 *
 * Parsing goes on after a problem, so that all can be shown at once. A function that says what is
 * wrong returns false, to be returned in turn; its caller adds nothing to it.
 */
#include <libfyaml.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "config/config.h"

struct config_problem {
	int line; /* from 1; 0: the file as a whole */
	struct oo_err err;
};

struct config_reader {
	const char *path;                                   /* borrowed */
	struct oo_config *config;                           /* being filled; borrowed */
	struct config_problem problems[OO_CONFIG_PROBLEMS]; /* by line */
	size_t n_problems;
	bool out_of_memory;
};

/* No more problems are taken: going on is of no use. */
bool config_is_full(const struct config_reader *reader);

/*
 * Says what is wrong with the value at node: its line, its path, the value itself if it is a single
 * one. The format says the rest: "what is wrong; what would be right". Returns false.
 */
bool config_wrong(struct config_reader *reader, struct fy_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same without the value: there is none, or it may be a secret. */
bool config_wrong_unshown(struct config_reader *reader, struct fy_node *node, const char *format,
			  ...) __attribute__((format(printf, 3, 4)));
/* Says what is wrong with a key of mapping that has no value, or not its place there. */
bool config_wrong_key(struct config_reader *reader, struct fy_node *mapping, const char *key,
		      int line, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Says what is wrong at a line (0: with the file). */
bool config_wrong_line(struct config_reader *reader, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The line, from 1, that a person would look at: a single value's own, else its key's, else (an
 * item of a list) that of the first thing in it.
 */
int config_line(struct fy_node *node);

/* Zeroed memory that lives as long as the configuration. NULL: noted in the reader. */
void *config_allocate(struct config_reader *reader, size_t n, size_t size);
/* Copies text there; target is a const char **. False: noted in the reader. */
bool config_set_text(struct config_reader *reader, const char *text, void *target);

#endif
