#ifndef OO_OUTPUT_H
#define OO_OUTPUT_H
/* Where a command's answer goes: standard output, a terminal or not. */
#include <json-c/json.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "command.h"
#include "table.h"

/*
 * What standard output is: its width (80 when it is no terminal), and whether to paint: on a terminal
 * only, not with NO_COLOR or on a dumb one.
 * ret_height  lines of the terminal, 0: no terminal; may be NULL.
 */
struct page output_page(int *ret_height);

/* Appends the answer as it is, but for what a terminal would obey. Returns as oo_buffer_add. */
int output_add_json(struct oo_buffer *text, json_object *answer);

/* "ooha: ...", without what a terminal would obey. */
void output_error(FILE *file, const struct oo_err *err, const char *end);

/* A sentence of any origin, wrapped to the page, to standard output. */
void output_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes what there is. Returns outcome, or OUTCOME_OUTPUT after saying why it could not be written. */
enum outcome output_flush(enum outcome outcome);
/* The same with text, without the empty line that it may begin with. */
enum outcome output_write(const struct oo_buffer *text, enum outcome outcome);
/* The same, where text was made with r: 0, or OUTCOME_UNKNOWN after saying why there is none. */
enum outcome output_end(const struct oo_buffer *text, int r, enum outcome outcome);

/* For OO_AUTO. */
void output_put_json(json_object **object);

#endif
