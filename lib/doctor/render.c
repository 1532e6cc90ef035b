#include "doctor/render.h"

#include <string.h>

/* ---- text ---- */

#define COLUMNS 80
#define INDENT 8 /* of what is below the first line */

/* How much of text goes on a line of so many columns: whole words, at least one. */
static size_t fit(const char *text, size_t columns)
{
	size_t length = strlen(text), last = 0;
	for (size_t i = 0; i < length && (i <= columns || last == 0); i++) {
		last = text[i] == ' ' ? i : last;
	}
	return length <= columns || last == 0 ? length : last;
}

/* A sentence after a title of used columns, which has been added. */
static int add_sentence(struct oo_buffer *buffer, size_t used, const char *text)
{
	size_t length = fit(text, COLUMNS - used);
	int r = oo_buffer_add(buffer, text, length);
	while (r == 0 && text[length] != '\0') {
		text += length + strspn(text + length, " ");
		length = fit(text, COLUMNS - INDENT);
		r = oo_buffer_add_format(buffer, "\n%*s%.*s", INDENT, "", (int)length, text);
	}
	return r < 0 ? r : oo_buffer_add(buffer, "\n", 1);
}

/* Line by line and not broken: it is copied to be run. */
static int add_commands(struct oo_buffer *buffer, const char *text)
{
	int r = 0;
	while (r == 0 && *text != '\0') {
		size_t length = strcspn(text, "\n");
		const char *end = text + length;
		r = oo_buffer_add_format(buffer, "%.*s\n", (int)length, text);
		text = end + (*end != '\0');
		if (r == 0 && *text != '\0') {
			r = oo_buffer_add_format(buffer, "%*s", INDENT, "");
		}
	}
	return r;
}

static int add_ill(const struct oo_ill *ill, size_t number, struct oo_buffer *buffer)
{
	size_t before = buffer->length;
	int r = oo_buffer_add_format(buffer, "%zu. %s: ", number, oo_severity_name(ill->severity));
	r = r < 0 ? r : add_sentence(buffer, buffer->length - before, ill->what);
	r = r < 0 ? r
		  : oo_buffer_add_format(buffer, "   %s\n   why: ", oo_ailment_name(ill->ailment));
	r = r < 0 ? r : add_sentence(buffer, INDENT, oo_ailment_why(ill->ailment));
	r = r < 0 ? r : oo_buffer_add_format(buffer, "   do:  ");
	r = r < 0 ? r : add_commands(buffer, ill->fix);
	return r < 0 ? r : oo_buffer_add(buffer, "\n", 1);
}

static int add_looked(const struct oo_doctor_looked *looked, bool is_seen, struct oo_buffer *buffer)
{
	bool has_title = false;
	int r = 0;
	for (size_t i = 0; i < looked->n && r == 0; i++) {
		const char *why = looked->items[i].why;
		if ((why[0] == '\0') != is_seen) {
			continue;
		}
		r = has_title ? 0
			      : oo_buffer_add_format(buffer,
						     is_seen ? "looked at:\n" : "not seen:\n");
		has_title = true;
		size_t before = buffer->length;
		r = r < 0 ? r
			  : oo_buffer_add_format(buffer, "  %s%s", looked->items[i].what,
						 is_seen ? "" : ": ");
		r = r < 0 ? r : add_sentence(buffer, buffer->length - before, why);
	}
	return r;
}

static bool is_well(const struct oo_health_report *report)
{
	return report->n == 0 || report->items[0].severity == OO_SEVERITY_NOTE;
}

int oo_doctor_render_text(const struct oo_facts *facts, const struct oo_health_report *report,
			  struct oo_buffer *buffer)
{
	struct oo_doctor_looked looked;
	int r = 0;
	oo_doctor_look(facts, &looked);
	for (size_t i = 0; i < report->n && r == 0; i++) {
		r = add_ill(&report->items[i], i + 1, buffer);
	}
	if (r == 0 && report->n_left_out > 0) {
		r = oo_buffer_add_format(buffer, "and %zu more\n\n", report->n_left_out);
	}
	if (r == 0 && is_well(report)) {
		r = oo_buffer_add_format(buffer, "nothing wrong found\n\n");
		r = r < 0 ? r : add_looked(&looked, true, buffer);
	}
	r = r < 0 ? r : add_looked(&looked, false, buffer);
	return r < 0 ? r : oo_buffer_add_format(buffer, "(%lld ms)\n", (long long)facts->took_ms);
}

/* ---- JSON ---- */

/* How many bytes of text are one character of UTF-8 (RFC 3629), surrogates let pass; 0: none are. */
static size_t character(const char *text)
{
	unsigned char first = (unsigned char)text[0];
	size_t length = first < 0x80                     ? 1
			: first >= 0xc2 && first <= 0xdf ? 2
			: (first & 0xf0) == 0xe0         ? 3
			: first >= 0xf0 && first <= 0xf4 ? 4
							 : 0;
	for (size_t i = 1; i < length; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return length;
}

/* As a JSON string, with U+FFFD in place of what is no character. */
static int put_text(struct oo_buffer *buffer, const char *text)
{
	char clean[3 * OO_DOCTOR_FIX];
	size_t used = 0;
	while (*text != '\0' && used + 4 < sizeof(clean)) {
		size_t length = character(text);
		memcpy(clean + used, length > 0 ? text : "\xef\xbf\xbd", length > 0 ? length : 3);
		used += length > 0 ? length : 3;
		text += length > 0 ? length : 1;
	}
	return oo_buffer_add_json(buffer, clean, used);
}

/* "name":"text"; before: what separates it from the one before. */
static int put(struct oo_buffer *buffer, const char *before, const char *name, const char *text)
{
	int r = oo_buffer_add_format(buffer, "%s\"%s\":", before, name);
	return r < 0 ? r : put_text(buffer, text);
}

static int put_ill(const struct oo_ill *ill, struct oo_buffer *buffer)
{
	int r = put(buffer, "{", "severity", oo_severity_name(ill->severity));
	r = r < 0 ? r : put(buffer, ",", "id", oo_ailment_name(ill->ailment));
	r = r < 0 ? r : put(buffer, ",", "what", ill->what);
	r = r < 0 ? r : put(buffer, ",", "why", oo_ailment_why(ill->ailment));
	r = r < 0 ? r : put(buffer, ",", "fix", ill->fix);
	return r < 0 ? r : oo_buffer_add(buffer, "}", 1);
}

static int put_looked(const struct oo_doctor_looked *looked, struct oo_buffer *buffer)
{
	const char *before = "";
	int r = oo_buffer_add_format(buffer, "],\"looked_at\":[");
	for (size_t i = 0; i < looked->n && r == 0; i++) {
		const char *what = looked->items[i].what;
		if (looked->items[i].why[0] == '\0') {
			r = oo_buffer_add_format(buffer, "%s", before);
			r = r < 0 ? r : oo_buffer_add_json(buffer, what, strlen(what));
			before = ",";
		}
	}
	before = "";
	r = r < 0 ? r : oo_buffer_add_format(buffer, "],\"not_seen\":[");
	for (size_t i = 0; i < looked->n && r == 0; i++) {
		if (looked->items[i].why[0] != '\0') {
			r = oo_buffer_add_format(buffer, "%s", before);
			r = r < 0 ? r : put(buffer, "{", "what", looked->items[i].what);
			r = r < 0 ? r : put(buffer, ",", "why", looked->items[i].why);
			r = r < 0 ? r : oo_buffer_add(buffer, "}", 1);
			before = ",";
		}
	}
	return r;
}

int oo_doctor_render_json(const struct oo_facts *facts, const struct oo_health_report *report,
			  struct oo_buffer *buffer)
{
	struct oo_doctor_looked looked;
	oo_doctor_look(facts, &looked);
	int r = put(buffer, "{", "verdict",
		    report->n == 0 ? "well" : oo_severity_name(report->items[0].severity));
	r = r < 0 ? r : oo_buffer_add_format(buffer, ",\"findings\":[");
	for (size_t i = 0; i < report->n && r == 0; i++) {
		r = i == 0 ? 0 : oo_buffer_add(buffer, ",", 1);
		r = r < 0 ? r : put_ill(&report->items[i], buffer);
	}
	r = r < 0 ? r : put_looked(&looked, buffer);
	return r < 0 ? r
		     : oo_buffer_add_format(buffer, "],\"left_out\":%zu,\"took_ms\":%lld}\n",
					    report->n_left_out, (long long)facts->took_ms);
}
