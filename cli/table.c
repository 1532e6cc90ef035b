#include "table.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "printable.h"

#define MARGIN 2     /* holds the mark */
#define GAP 2        /* between columns */
#define COLUMN_MIN 6 /* below it nothing is clipped: the line gets too long instead */
#define NOTE_INDENT_MAX 24
#define ELLIPSIS "..."

struct cell {
	char text[TABLE_TEXT_BYTES];
	enum paint paint;
};

struct row {
	char mark;
	struct cell cells[TABLE_COLUMNS_MAX];
	struct cell notes[TABLE_NOTES_MAX];
};

/* A line on its way out: spaces are owed until something follows, so that no line ends in them. */
struct line {
	struct oo_buffer *out;
	const struct page *page;
	int owed;
	int r; /* the first error */
};

static const char *const paint_codes[] = {
	[PAINT_PLAIN] = "",        [PAINT_QUIET] = "\033[2m",    [PAINT_STRONG] = "\033[1m",
	[PAINT_GOOD] = "\033[32m", [PAINT_WARNING] = "\033[33m", [PAINT_BAD] = "\033[31m",
	[PAINT_BAR] = "\033[7m",
};

void table_init(struct table *table, const struct column *columns, size_t n_columns)
{
	assert(n_columns <= TABLE_COLUMNS_MAX);
	*table = (struct table){.columns = columns, .n_columns = n_columns};
}

void table_done(struct table *table)
{
	free(table->rows);
	*table = (struct table){0};
}

void table_row(struct table *table, char mark)
{
	struct row *rows = reallocarray(table->rows, table->n_rows + 1, sizeof(*rows));
	if (rows == NULL) {
		table->failed = true;
		return;
	}
	table->rows = rows;
	rows[table->n_rows++] = (struct row){.mark = mark};
}

__attribute__((format(printf, 3, 0))) static void set_cell(struct cell *cell, enum paint paint,
							   const char *format, va_list arguments)
{
	char raw[TABLE_TEXT_BYTES];
	vsnprintf(raw, sizeof(raw), format, arguments);
	printable_copy(cell->text, sizeof(cell->text), raw);
	cell->paint = paint;
}

void table_cell(struct table *table, size_t column, enum paint paint, const char *format, ...)
{
	assert(column < table->n_columns);
	if (table->failed) {
		return;
	}
	va_list arguments;
	va_start(arguments, format);
	set_cell(&table->rows[table->n_rows - 1].cells[column], paint, format, arguments);
	va_end(arguments);
}

void table_note(struct table *table, enum paint paint, const char *format, ...)
{
	if (table->failed) {
		return;
	}
	struct cell *notes = table->rows[table->n_rows - 1].notes;
	size_t i = 0;
	while (i + 1 < TABLE_NOTES_MAX && notes[i].text[0] != '\0') {
		i++;
	}
	va_list arguments;
	va_start(arguments, format);
	set_cell(&notes[i], paint, format, arguments);
	va_end(arguments);
}

int paint_add(struct oo_buffer *out, const struct page *page, enum paint paint, const char *text,
	      size_t length)
{
	bool painted = page->colour && paint != PAINT_PLAIN;
	return oo_buffer_add_format(out, "%s%.*s%s", painted ? paint_codes[paint] : "", (int)length,
				    text, painted ? "\033[0m" : "");
}

int paint_sentence(struct oo_buffer *out, const struct page *page, enum paint paint, int indent,
		   const char *raw)
{
	char sentence[SENTENCE_BYTES];
	const char *rest = printable_copy(sentence, sizeof(sentence), raw);
	rest = *rest != '\0' ? rest : "?";
	bool first = true;
	for (;;) {
		size_t length = printable_fit_words(rest, page->width - indent);
		int r = paint_add(out, page, paint, rest, length);
		r = r < 0 ? r : oo_buffer_add(out, "\n", 1);
		rest += length + strspn(rest + length, " ");
		if (*rest == '\0' || r < 0) {
			return r;
		}
		indent += first ? 2 : 0;
		first = false;
		r = oo_buffer_add_format(out, "%*s", indent, "");
		if (r < 0) {
			return r;
		}
	}
}

/* Width of a column's content, 0 when all of it is empty; then its title does not count either. */
static int column_width(const struct table *table, size_t column)
{
	int width = 0;
	for (size_t i = 0; i < table->n_rows; i++) {
		int cell = printable_width(table->rows[i].cells[column].text);
		width = cell > width ? cell : width;
	}
	const char *title = table->columns[column].title;
	int titled = title != NULL ? printable_width(title) : 0;
	return width > 0 && titled > width ? titled : width;
}

static int total_width(const int *widths, size_t n)
{
	int total = MARGIN - GAP;
	for (size_t i = 0; i < n; i++) {
		total += widths[i] > 0 ? widths[i] + GAP : 0;
	}
	return total;
}

/* Takes from the widest column, one at a time, until the page's width is kept. */
static void fit_columns(int *widths, size_t n, int width)
{
	while (total_width(widths, n) > width) {
		size_t widest = 0;
		for (size_t i = 1; i < n; i++) {
			widest = widths[i] >= widths[widest] ? i : widest;
		}
		if (widths[widest] <= COLUMN_MIN) {
			return;
		}
		widths[widest]--;
	}
}

static void line_add(struct line *line, enum paint paint, const char *text, size_t length)
{
	if (length == 0 || line->r < 0) {
		return;
	}
	line->r = oo_buffer_add_format(line->out, "%*s", line->owed, "");
	line->owed = 0;
	if (line->r == 0) {
		line->r = paint_add(line->out, line->page, paint, text, length);
	}
}

/* One text in so many columns: clipped, or padded on the side that alignment wants. */
static void line_field(struct line *line, int width, bool right, const struct cell *cell)
{
	char clipped[TABLE_TEXT_BYTES + sizeof(ELLIPSIS)];
	const char *text = cell->text;
	int taken = printable_width(text);
	if (taken > width) {
		size_t fit = printable_fit(text, width - (int)strlen(ELLIPSIS));
		memcpy(clipped, text, fit);
		strcpy(clipped + fit, ELLIPSIS);
		text = clipped;
		taken = printable_width(text);
	}
	line->owed += right ? width - taken : 0;
	line_add(line, cell->paint, text, strlen(text));
	line->owed += right ? 0 : width - taken;
}

static void line_end(struct line *line)
{
	line->owed = 0;
	if (line->r == 0) {
		line->r = oo_buffer_add(line->out, "\n", 1);
	}
}

static void print_titles(const struct table *table, const int *widths, struct line *line)
{
	line->owed = MARGIN;
	for (size_t i = 0; i < table->n_columns; i++) {
		if (widths[i] > 0) {
			struct cell title = {.paint = PAINT_QUIET};
			oo_text_clip(title.text, sizeof(title.text), table->columns[i].title);
			line_field(line, widths[i], table->columns[i].right, &title);
			line->owed += GAP;
		}
	}
	line_end(line);
}

/* From the second column on; from a fixed one where the first is so wide that little room is left. */
static void print_note(const struct cell *note, int indent, struct line *line)
{
	line->r = line->r < 0 ? line->r : oo_buffer_add_format(line->out, "%*s", indent, "");
	line->r = line->r < 0
			  ? line->r
			  : paint_sentence(line->out, line->page, note->paint, indent, note->text);
}

static void print_row(const struct table *table, const struct row *row, const int *widths,
		      struct line *line)
{
	line->owed = MARGIN;
	if (row->mark != ' ') {
		line->owed = 0;
		line_add(line, PAINT_STRONG, &row->mark, 1);
		line->owed = MARGIN - 1;
	}
	for (size_t i = 0; i < table->n_columns; i++) {
		if (widths[i] > 0) {
			line_field(line, widths[i], table->columns[i].right, &row->cells[i]);
			line->owed += GAP;
		}
	}
	line_end(line);
	int indent = table->note_indent > 0 ? table->note_indent : MARGIN + widths[0] + GAP;
	indent = indent > NOTE_INDENT_MAX ? NOTE_INDENT_MAX : indent;
	for (size_t i = 0; i < TABLE_NOTES_MAX && row->notes[i].text[0] != '\0'; i++) {
		print_note(&row->notes[i], indent, line);
	}
}

int table_print(const struct table *table, const struct page *page, struct oo_buffer *out)
{
	int widths[TABLE_COLUMNS_MAX];
	struct line line = {.out = out, .page = page};
	if (table->failed) {
		return -ENOMEM;
	}
	if (table->n_rows == 0) {
		return 0;
	}
	for (size_t i = 0; i < table->n_columns; i++) {
		widths[i] = column_width(table, i);
	}
	fit_columns(widths, table->n_columns, page->width);
	line_end(&line);
	if (table->columns[0].title != NULL) {
		print_titles(table, widths, &line);
	}
	for (size_t i = 0; i < table->n_rows; i++) {
		print_row(table, &table->rows[i], widths, &line);
	}
	return line.r;
}
