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

static enum paint paint_of(const char *level)
{
	return strcmp(level, "error") == 0     ? PAINT_BAD
	       : strcmp(level, "warning") == 0 ? PAINT_WARNING
	       : strcmp(level, "info") == 0    ? PAINT_QUIET
					       : PAINT_PLAIN;
}

int show_event(json_object *event, const struct page *page, struct oo_buffer *out)
{
	char stamp[TIME_LENGTH], when[TIME_LENGTH], kind[LABEL_LENGTH], line[LINE_LENGTH];
	const char *group = field_text(event, "group", "");
	printable_copy(when, sizeof(when), format_stamp(field_text(event, "at", "?"), stamp));
	printable_copy(kind, sizeof(kind), field_text(event, "kind", "?"));
	int left = KIND_COLUMN - printable_width(kind);
	left = left > 0 ? left : 0;
	snprintf(line, sizeof(line), "%s  %s%*s  ", when, kind, left, "");
	int indent = printable_width(line);
	int r = paint_add(out, page, PAINT_QUIET, line, strlen(line));
	snprintf(line, sizeof(line), "%s%s%s", group, group[0] == '\0' ? "" : ": ",
		 field_text(event, "text", "?"));
	return r < 0 ? r
		     : paint_sentence(out, page, paint_of(field_text(event, "level", "")), indent,
				      line);
}
