#include "show_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "fields.h"
#include "moment.h"

#define TURNS_MAX 10 /* the last ones */
#define LINE_LENGTH 512

json_object *show_check_find(json_object *answer, const char *name)
{
	json_object *checks = field_array(answer, "checks");
	for (size_t i = 0; i < field_length(checks); i++) {
		json_object *check = json_object_array_get_idx(checks, i);
		if (oo_text_equal(field_text(check, "name", ""), name)) {
			return check;
		}
	}
	return NULL;
}

/* "proxy: up, 200", "proxy: down, refused: connect to 127.0.0.1:80: Connection refused" */
static int show_headline(json_object *check, const struct page *page, struct oo_buffer *out)
{
	const char *state = field_text(check, "state", "?");
	const char *reason = field_text(check, "reason", "");
	const char *seen = field_text(check, "seen", "");
	bool said = strcmp(reason, "ok") != 0 && reason[0] != '\0';
	char line[SENTENCE_BYTES];
	snprintf(line, sizeof(line), "%s: %s%s%s%s%s", field_text(check, "name", "?"), state,
		 said ? ", " : "", said ? reason : "",
		 seen[0] == '\0' ? ""
		 : said          ? ": "
				 : ", ",
		 seen);
	enum paint paint = strcmp(state, "up") == 0     ? PAINT_GOOD
			   : strcmp(state, "down") == 0 ? PAINT_BAD
							: PAINT_WARNING;
	return paint_sentence(out, page, paint, 0, line);
}

static void fact(struct table *table, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void fact(struct table *table, const char *name, const char *format, ...)
{
	char text[LINE_LENGTH];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	table_row(table, ' ');
	table_cell(table, 0, PAINT_QUIET, "%s", name);
	table_cell(table, 1, PAINT_PLAIN, "%s", text);
}

/* "connect 0.1 ms, first byte 2.1 ms, total 2.3 ms": each counted from the start. */
static void add_phases(struct table *table, json_object *check)
{
	static const struct {
		const char *field, *name;
	} phases[] = {{"name", "name"},
		      {"connect", "connect"},
		      {"tls", "tls"},
		      {"first_byte", "first byte"},
		      {"total", "total"}};
	json_object *us = field_object(check, "phases_us");
	char text[LINE_LENGTH] = "";
	size_t used = 0;
	for (size_t i = 0; i < OO_LENGTH(phases) && used < sizeof(text); i++) {
		int64_t at = field_number(us, phases[i].field);
		if (at != FIELD_NONE && at > 0) {
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "%s%s %" PRId64 ".%02" PRId64 " ms",
						 used > 0 ? ", " : "", phases[i].name, at / 1000,
						 at % 1000 / 10);
		}
	}
	if (used > 0) {
		fact(table, "reached", "%s", text);
	}
}

static int show_facts(json_object *check, const struct page *page, struct oo_buffer *out)
{
	static const struct column columns[] = {{NULL, false}, {NULL, false}};
	char one[AGE_LENGTH], other[AGE_LENGTH];
	OO_AUTO(table_done) struct table table;
	table_init(&table, columns, OO_LENGTH(columns));
	fact(&table, "kind", "%s, %s%s", field_text(check, "type", "?"),
	     field_is_true(check, "required") ? "required" : "not required",
	     field_is_true(check, "shared") ? ", of something that all nodes use" : "");
	fact(&table, "asked", "each %s, for at most %s",
	     format_took(field_number(check, "interval_ms"), one),
	     format_took(field_number(check, "timeout_ms"), other));
	fact(&table, "counts", "up after %s good results in a row, down after %s bad ones",
	     field_text(check, "rise", "?"), field_text(check, "fall", "?"));
	if (field_is_null(check, "age_ms")) {
		fact(&table, "last", "no result yet");
	} else {
		fact(&table, "last", "%s ago, took %s, %s alike in a row",
		     format_age(field_number(check, "age_ms"), one),
		     format_took(field_number(check, "took_ms"), other),
		     field_text(check, "streak", "?"));
		add_phases(&table, check);
	}
	return table_print(&table, page, out);
}

/* What the agent said when a check turned: "check NAME down: ..."; NULL: of something else. */
static const char *turn_of(json_object *event, const char *name)
{
	const char *text = field_text(event, "text", "");
	size_t length = strlen(name);
	return strncmp(text, "check ", 6) == 0 && strncmp(text + 6, name, length) == 0 &&
			       text[6 + length] == ' '
		       ? text + 6 + length + 1
		       : NULL;
}

static int show_turns(json_object *list, const char *name, const struct page *page,
		      struct oo_buffer *out)
{
	static const struct column columns[] = {
		{"TURNED (UTC)", false}, {"TO", false}, {"AS IT SAW", false}};
	OO_AUTO(table_done) struct table table;
	size_t n = 0, skipped = 0;
	table_init(&table, columns, OO_LENGTH(columns));
	for (size_t i = 0; i < field_length(list); i++) {
		n += turn_of(json_object_array_get_idx(list, i), name) != NULL;
	}
	for (size_t i = 0; i < field_length(list); i++) {
		json_object *event = json_object_array_get_idx(list, i);
		const char *turn = turn_of(event, name);
		char when[TIME_LENGTH];
		if (turn != NULL && skipped++ + TURNS_MAX >= n) {
			bool up = strncmp(turn, "up", 2) == 0;
			table_row(&table, ' ');
			table_cell(&table, 0, PAINT_PLAIN, "%s",
				   format_stamp(field_text(event, "at", "?"), when));
			table_cell(&table, 1, up ? PAINT_GOOD : PAINT_BAD, "%s",
				   up ? "up" : "down");
			const char *why = strstr(turn, ": ");
			table_cell(&table, 2, PAINT_PLAIN, "%s", why != NULL ? why + 2 : "");
		}
	}
	return table_print(&table, page, out);
}

int show_check(json_object *check, json_object *events, const struct page *page,
	       struct oo_buffer *out)
{
	int r = show_headline(check, page, out);
	r = r < 0 ? r : show_facts(check, page, out);
	return r < 0 ? r
		     : show_turns(field_array(events, "events"), field_text(check, "name", "?"),
				  page, out);
}
