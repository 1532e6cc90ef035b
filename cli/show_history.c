#include "show_history.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "fields.h"
#include "moment.h"

#define LINE_LENGTH 256
#define NOTE_INDENT 4 /* the reasons are long */

/*
 * What the gap consists of, in ms: "detected 0, down 3, claimed 8, added 11, announced 12". Records of
 * other versions have fewer of them.
 */
static void describe_timeline(json_object *record, char *text, size_t size)
{
	static const struct {
		const char *field, *name;
	} parts[] = {{"detected_ms", "detected"},
		     {"down_ms", "down"},
		     {"claimed_ms", "claimed"},
		     {"added_ms", "added"},
		     {"announced_ms", "announced"}};
	json_object *timeline = field_object(record, "timeline");
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < OO_LENGTH(parts) && used < size; i++) {
		int64_t ms = field_number(timeline, parts[i].field);
		if (ms != FIELD_NONE) {
			used += (size_t)snprintf(text + used, size - used, "%s%s %" PRId64 " ms",
						 used > 0 ? ", " : "", parts[i].name, ms);
		}
	}
}

/* For how long nobody answered: as measured, else from detection until the addresses were added. */
static int64_t gap_of(json_object *record)
{
	json_object *timeline = field_object(record, "timeline");
	int64_t gap = field_number(record, "gap_ms");
	gap = gap != FIELD_NONE ? gap : field_number(timeline, "gap_ms");
	return gap;
}

static void fill_move(struct table *table, json_object *record)
{
	enum { WHEN, GROUP, FROM, TO, GAP, CAUSE };
	char text[LINE_LENGTH];
	int64_t gap_ms = gap_of(record);
	table_cell(table, GROUP, PAINT_PLAIN, "%s", field_text(record, "group", "?"));
	table_cell(table, FROM, PAINT_PLAIN, "%s", field_text(record, "from", "nobody"));
	table_cell(table, TO, PAINT_STRONG, "%s", field_text(record, "to", "?"));
	if (gap_ms != FIELD_NONE) {
		table_cell(table, GAP, PAINT_PLAIN, "%s", format_took(gap_ms, text));
	}
	table_cell(table, CAUSE, PAINT_PLAIN, "%s", field_text(record, "cause", "?"));
	table_note(table, PAINT_PLAIN, "%s", field_text(record, "reason", ""));
	describe_timeline(record, text, sizeof(text));
	table_note(table, PAINT_QUIET, "%s", text);
}

/* No move: a node has repaired itself, or tried to. */
static void fill_repair(struct table *table, json_object *record)
{
	enum { WHEN, GROUP, FROM, TO, GAP, CAUSE };
	char took[AGE_LENGTH];
	const char *error = field_text(record, "error", "");
	table_cell(table, GROUP, PAINT_QUIET, "-");
	table_cell(table, FROM, PAINT_PLAIN, "%s", field_text(record, "node", "?"));
	table_cell(table, CAUSE, error[0] == '\0' ? PAINT_PLAIN : PAINT_WARNING, "%s",
		   field_text(record, "cause", "?"));
	table_note(table, PAINT_PLAIN, "%s", field_text(record, "reason", ""));
	table_note(table, PAINT_QUIET, "%s, took %s%s%s", field_text(record, "commands", "?"),
		   format_took(field_number(record, "took_ms"), took),
		   error[0] == '\0' ? "" : ", failed: ", error);
}

int show_history(json_object *answer, const struct page *page, struct oo_buffer *out)
{
	static const struct column columns[] = {
		{"WHEN (UTC)", false}, {"GROUP", false}, {"FROM", false},
		{"TO", false},         {"GAP", true},    {"CAUSE", false},
	};
	OO_AUTO(table_done) struct table table;
	table_init(&table, columns, OO_LENGTH(columns));
	table.note_indent = NOTE_INDENT;
	json_object *records = field_array(answer, "history");
	for (size_t i = 0; i < field_length(records); i++) {
		json_object *record = json_object_array_get_idx(records, i);
		char when[TIME_LENGTH];
		table_row(&table, ' ');
		table_cell(&table, 0, PAINT_PLAIN, "%s",
			   format_stamp(field_text(record, "at", "?"), when));
		if (field_is_null(record, "to")) {
			fill_repair(&table, record);
		} else {
			fill_move(&table, record);
		}
	}
	if (table.n_rows == 0) {
		const char *why = field_text(answer, "error", "");
		return why[0] == '\0' ? oo_buffer_add_format(out, "no move is known yet\n")
				      : paint_sentence(out, page, PAINT_WARNING, 0, why);
	}
	return table_print(&table, page, out);
}
