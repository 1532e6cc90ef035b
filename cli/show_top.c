#include "show_top.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "fields.h"
#include "moment.h"
#include "printable.h"
#include "screen.h"
#include "show_events.h"

#define LINE_LENGTH 1024
#define BYTES_MAX (4 << 20)
#define EVENTS_LEAST 2 /* fewer are not worth their title */
#define FRAME 2        /* lines: the bar above, the keys below */
#define INDENT 2
#define TITLE "  LATELY (UTC)"
#define LATELY 2 /* lines: an empty one, the title of the events */

/* One line as wide as the page: left at its begin, right at its end. */
static int add_bar(const struct top_view *view, enum paint paint, const char *left,
		   const char *right, struct oo_buffer *out)
{
	char shown_left[LINE_LENGTH], shown_right[LINE_LENGTH];
	printable_copy(shown_right, sizeof(shown_right), right);
	printable_copy(shown_left, sizeof(shown_left), left);
	int room = view->page.width - printable_width(shown_right) - 3;
	room = room > 0 ? room : 0;
	shown_left[printable_fit(shown_left, room)] = '\0';
	OO_AUTO(oo_buffer_done) struct oo_buffer line;
	oo_buffer_init(&line, BYTES_MAX);
	int r = oo_buffer_add_format(&line, " %s%*s %s ", shown_left,
				     room - printable_width(shown_left), "", shown_right);
	return r < 0 ? r
		     : paint_add(out, &view->page, paint, line.data,
				 printable_fit(line.data, view->page.width));
}

static int add_title(const struct top_view *view, struct oo_buffer *out)
{
	char left[LINE_LENGTH], right[LINE_LENGTH], when[TIME_LENGTH];
	json_object *agent = field_object(view->status, "agent");
	snprintf(left, sizeof(left), "ooha  %s", field_text(agent, "cluster", ""));
	snprintf(right, sizeof(right), "%s  %s", field_text(agent, "node", ""),
		 view->status != NULL ? format_time(field_text(view->status, "now", ""), when)
				      : "");
	int r = add_bar(view, PAINT_BAR, left, right, out);
	return r < 0 ? r : oo_buffer_add(out, "\n", 1);
}

static int count_lines(const char *text)
{
	int n = 0;
	for (; text != NULL && *text != '\0'; text++) {
		n += *text == '\n' ? 1 : 0;
	}
	return n;
}

/* The first lines of text. */
static int add_first_lines(struct oo_buffer *out, const char *text, int n)
{
	const char *end = text;
	while (end != NULL && *end != '\0' && n > 0) {
		end += strcspn(end, "\n") + 1;
		n--;
	}
	return end != NULL ? oo_buffer_add(out, text, (size_t)(end - text)) : 0;
}

/* The last lines of text, but none that goes on with what is above it. */
static const char *last_lines(const char *text, int n)
{
	int left = count_lines(text);
	while (*text != '\0' && (left > n || *text == ' ')) {
		text += strcspn(text, "\n") + 1;
		left--;
	}
	return text;
}

static int render_body(const struct top_view *view, struct oo_buffer *out)
{
	int r = 0;
	if (view->trouble[0] != '\0') {
		r = paint_sentence(out, &view->page, PAINT_BAD, 0, view->trouble);
		r = r < 0 || view->status == NULL ? r : oo_buffer_add(out, "\n", 1);
	}
	return r < 0 || view->status == NULL ? r : screen_render(view->status, &view->page, out);
}

/* Each line of text two columns further in, as tables are. */
static int add_indented(struct oo_buffer *out, const char *text)
{
	int r = 0;
	while (r == 0 && *text != '\0') {
		size_t length = strcspn(text, "\n");
		r = oo_buffer_add_format(out, "%*s%.*s\n", INDENT, "", (int)length, text);
		text += length + (text[length] != '\0' ? 1 : 0);
	}
	return r;
}

/* Of so many lines, with the title and the empty line above it. */
static int add_events(const struct top_view *view, int room, struct oo_buffer *out)
{
	const struct page page = {.width = view->page.width - INDENT, .colour = view->page.colour};
	char day[SHOW_DAY_LENGTH] = "";
	json_object *list = field_array(view->events, "events");
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, BYTES_MAX);
	int r = 0;
	for (size_t i = 0; i < field_length(list) && r == 0; i++) {
		r = show_event(json_object_array_get_idx(list, i), &page, day, &text);
	}
	if (r < 0 || text.length == 0) {
		return r;
	}
	r = oo_buffer_add(out, "\n", 1);
	r = r < 0 ? r : paint_add(out, &view->page, PAINT_QUIET, TITLE, strlen(TITLE));
	r = r < 0 ? r : oo_buffer_add(out, "\n", 1);
	return r < 0 ? r : add_indented(out, last_lines(text.data, room - LATELY));
}

int show_top(const struct top_view *view, struct oo_buffer *out)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer body;
	oo_buffer_init(&body, BYTES_MAX);
	int r = add_title(view, out);
	r = r < 0 ? r : render_body(view, &body);
	int room = view->height - FRAME, n = count_lines(body.data);
	bool is_cut = n > room;
	r = r < 0 ? r : add_first_lines(out, body.data, is_cut ? room : n);
	room -= is_cut ? room : n;
	if (r == 0 && room >= LATELY + EVENTS_LEAST) {
		r = add_events(view, room, out);
	}
	/* the keys are on the last line, wherever the rest ends */
	for (int line = count_lines(out->data); r == 0 && line < view->height - 1; line++) {
		r = oo_buffer_add(out, "\n", 1);
	}
	return r < 0 ? r
		     : add_bar(view, PAINT_QUIET, "q quit",
			       is_cut ? "there is more: make the window higher" : "", out);
}
