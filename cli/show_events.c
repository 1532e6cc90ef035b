#include "show_events.h"

#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "moment.h"
#include "printable.h"

/* As wide as most are, so that lines that come one by one stand below each other. */
#define KIND_COLUMN 9
#define LINE_LENGTH 2048
#define LABEL_LENGTH 48
#define DAY_DIGITS (SHOW_DAY_LENGTH - 1)

static enum paint paint_of(const char *level)
{
	return strcmp(level, "error") == 0     ? PAINT_BAD
	       : strcmp(level, "warning") == 0 ? PAINT_WARNING
	       : strcmp(level, "info") == 0    ? PAINT_QUIET
					       : PAINT_PLAIN;
}

/* "2026-01-31T12:00:00.123Z" is its day, and 12:00:00.123; what is not of that form stays whole. */
static int split_time(const char *at, char day[static SHOW_DAY_LENGTH], const char **ret_time,
		      const struct page *page, struct oo_buffer *out)
{
	char today[SHOW_DAY_LENGTH], line[LINE_LENGTH];
	*ret_time = at;
	if (strlen(at) != strlen("2026-01-31T12:00:00.123Z") || at[DAY_DIGITS] != 'T') {
		return 0;
	}
	*ret_time = at + DAY_DIGITS + 1;
	oo_text_clip(today, sizeof(today), at);
	if (oo_text_equal(today, day)) {
		return 0;
	}
	memcpy(day, today, sizeof(today));
	snprintf(line, sizeof(line), "%s, times are UTC", today);
	return paint_sentence(out, page, PAINT_QUIET, 0, line);
}

int show_event(json_object *event, const struct page *page, char day[static SHOW_DAY_LENGTH],
	       struct oo_buffer *out)
{
	char when[TIME_LENGTH], kind[LABEL_LENGTH], line[LINE_LENGTH];
	const char *time, *group = field_text(event, "group", "");
	int r = split_time(field_text(event, "at", "?"), day, &time, page, out);
	printable_copy(when, sizeof(when), time);
	when[strcspn(when, "Z")] = '\0';
	printable_copy(kind, sizeof(kind), field_text(event, "kind", "?"));
	int left = KIND_COLUMN - printable_width(kind);
	left = left > 0 ? left : 0;
	snprintf(line, sizeof(line), "%s  %s%*s  ", when, kind, left, "");
	int indent = printable_width(line);
	r = r < 0 ? r : paint_add(out, page, PAINT_QUIET, line, strlen(line));
	snprintf(line, sizeof(line), "%s%s%s", group, group[0] == '\0' ? "" : ": ",
		 field_text(event, "text", "?"));
	return r < 0 ? r
		     : paint_sentence(out, page, paint_of(field_text(event, "level", "")), indent,
				      line);
}
