#ifndef OO_TABLE_H
#define OO_TABLE_H
/*
 * A table for a terminal: columns as wide as they must be, the widest ones clipped until the whole
 * fits, columns without content left out. Texts may come from anywhere (printable.h).
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define TABLE_COLUMNS_MAX 8
#define TABLE_NOTES_MAX 3
#define TABLE_TEXT_BYTES 512 /* of a cell or a note; longer ones are cut */

#define SENTENCE_BYTES 2048 /* of one sentence; longer ones are cut */

enum paint {
	PAINT_PLAIN,
	PAINT_QUIET,
	PAINT_STRONG,
	PAINT_GOOD,
	PAINT_WARNING,
	PAINT_BAD,
	PAINT_BAR, /* a line above all else */
};

/* What a page is made for. */
struct page {
	int width; /* columns of the terminal */
	bool colour;
};

struct column {
	const char *title; /* NULL in the first: no line of titles */
	bool right;        /* numbers */
};

struct row;

/* In place; done frees. */
struct table {
	const struct column *columns; /* the caller's */
	size_t n_columns;
	struct row *rows; /* owned */
	size_t n_rows;
	int note_indent; /* where notes begin; 0: below the second column */
	bool failed;     /* memory ran out: printing says so */
};

void table_init(struct table *table, const struct column *columns, size_t n_columns);
void table_done(struct table *table);

/* Starts a row; cells and note fill it. mark: one character for the margin, ' ' for none. */
void table_row(struct table *table, char mark);
void table_cell(struct table *table, size_t column, enum paint paint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/*
 * A sentence under the row, from its second column to the edge, wrapped; up to TABLE_NOTES_MAX of them,
 * one below the other. An empty one is none.
 */
void table_note(struct table *table, enum paint paint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends an empty line and the table, if it has rows. Returns 0, -ENOMEM or -EMSGSIZE. */
int table_print(const struct table *table, const struct page *page, struct oo_buffer *out);

/* Appends text in paint. Returns 0, -ENOMEM or -EMSGSIZE. */
int paint_add(struct oo_buffer *out, const struct page *page, enum paint paint, const char *text,
	      size_t length);
/*
 * Appends a sentence of any origin, from column indent on, where out is, and the end of its line. It is
 * wrapped at words; its further lines are set in by two more, so that the next sentence shows as one.
 */
int paint_sentence(struct oo_buffer *out, const struct page *page, enum paint paint, int indent,
		   const char *raw);

#endif
