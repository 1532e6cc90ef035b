#include "collect/log_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"

#define KEY_LENGTH 160
#define NGINX_TIME "%Y/%m/%d %H:%M:%S "
#define SERVER_TIME "[%Y-%m-%dT%H:%M:%S"
#define ID_LENGTH 8 /* so many hexadecimal digits in a row are a number of some kind */

/* A line, while the one after it may still belong to it. */
struct entry {
	char text[OO_EVIDENCE_TEXT];
	int64_t at_ms; /* 0: it has no time */
	bool is_told;  /* an error or a warning */
};

/* ---- Lines alike ---- */

/* "client: 10.0.0.7" and all behind it but the upstream's address is another each time. */
static const char *find_upstream(const char *text)
{
	const char *upstream = strstr(text, ", upstream: \"");
	return upstream != NULL ? upstream + 2 : NULL;
}

static size_t add_key(char *key, size_t n, const char *text, const char *end)
{
	while (text < end && n + 1 < KEY_LENGTH) {
		size_t digits = strspn(text, "0123456789abcdefABCDEF");
		size_t numbers = strspn(text, "0123456789");
		size_t skip = digits >= ID_LENGTH ? digits : numbers;
		key[n++] = skip > 0 ? '#' : *text;
		text += skip > 0 ? skip : 1;
	}
	key[n] = '\0';
	return n;
}

/* What two lines must share to be one. */
static void make_key(const char *text, char key[static KEY_LENGTH])
{
	const char *client = strstr(text, ", client: ");
	const char *upstream = find_upstream(text);
	const char *message = strstr(text, " nodeJS - "); /* before it: tenant, document, user */
	size_t level = strcspn(text, "]");
	size_t n = 0;
	if (message != NULL && text[level] == ']') {
		n = add_key(key, n, text, text + level);
		text = message;
	}
	n = add_key(key, n, text, client != NULL ? client : text + strlen(text));
	if (upstream != NULL) {
		size_t scheme = strcspn(upstream, "/");
		size_t length = scheme + 2 < strlen(upstream)
					? scheme + 2 + strcspn(upstream + scheme + 2, "/\"")
					: strlen(upstream);
		(void)add_key(key, n, upstream, upstream + length);
	}
}

static struct oo_log_line *find_alike(struct oo_log_lines *lines,
				      const struct oo_log_origin *origin, const char *text)
{
	char key[KEY_LENGTH], other[KEY_LENGTH];
	make_key(text, key);
	for (size_t i = 0; i < lines->n; i++) {
		make_key(lines->lines[i].text, other);
		if (oo_text_equal(key, other) &&
		    oo_text_equal(lines->lines[i].file, origin->file)) {
			return &lines->lines[i];
		}
	}
	return NULL;
}

static bool is_newer(int64_t age_ms, int64_t other_ms)
{
	return age_ms >= 0 && (other_ms < 0 || age_ms <= other_ms);
}

/* Puts a line where it belongs among capacity; what falls off the end is the oldest. */
static void insert(struct oo_log_line *lines, size_t *n, size_t capacity,
		   const struct oo_log_line *line)
{
	size_t at = 0;
	while (at < *n && !is_newer(line->age_ms, lines[at].age_ms)) {
		at++;
	}
	if (at == capacity) {
		return;
	}
	size_t kept = *n < capacity ? *n : capacity - 1;
	memmove(&lines[at + 1], &lines[at], (kept - at) * sizeof(lines[0]));
	lines[at] = *line;
	*n = kept + 1;
}

void oo_log_text_add(struct oo_log_lines *lines, const struct oo_log_origin *origin,
		     const char *text, int64_t at_ms)
{
	struct oo_log_line line = {.source = origin->source, .age_ms = -1, .n = 1};
	struct oo_log_line *alike = find_alike(lines, origin, text);
	oo_text_clip(line.file, sizeof(line.file), origin->file);
	oo_text_clip(line.text, sizeof(line.text), text);
	if (at_ms > 0) {
		line.age_ms = origin->now_ms > at_ms ? origin->now_ms - at_ms : 0;
	}
	line.since_start = at_ms == 0 || at_ms >= origin->started_at_ms;
	if (alike == NULL) {
		insert(lines->lines, &lines->n, OO_LENGTH(lines->lines), &line);
		return;
	}
	unsigned n = alike->n + 1;
	if (!is_newer(line.age_ms, alike->age_ms)) {
		alike->n = n;
		return;
	}
	size_t behind = (size_t)(lines->lines + lines->n - alike) - 1;
	memmove(alike, alike + 1, behind * sizeof(*alike));
	lines->n--;
	line.n = n;
	insert(lines->lines, &lines->n, OO_LENGTH(lines->lines), &line);
}

void oo_log_text_give(const struct oo_log_lines *lines, struct oo_evidence *evidence)
{
	for (size_t i = 0; i < lines->n; i++) {
		insert(evidence->lines, &evidence->n_lines, OO_LENGTH(evidence->lines),
		       &lines->lines[i]);
	}
}

/* ---- Times and levels ---- */

static int64_t local_ms(const char *text, const char *format, const char **ret_rest)
{
	struct tm parts = {.tm_isdst = -1};
	*ret_rest = strptime(text, format, &parts);
	time_t at = *ret_rest != NULL ? mktime(&parts) : -1;
	return at > 0 ? (int64_t)at * 1000 : 0;
}

/* "2026/11/22 15:08:08 [error] 12#12: *1 connect() failed ...". Returns whether it is one. */
static bool read_nginx(char *line, struct entry *entry)
{
	static const char *const told[] = {"[warn]", "[error]", "[crit]", "[alert]", "[emerg]"};
	const char *rest;
	entry->at_ms = local_ms(line, NGINX_TIME, &rest);
	if (entry->at_ms == 0) {
		return false;
	}
	entry->is_told = false;
	for (size_t i = 0; i < OO_LENGTH(told); i++) {
		entry->is_told = entry->is_told || strncmp(rest, told[i], strlen(told[i])) == 0;
	}
	const char *upstream = find_upstream(rest);
	char *client = strstr(line, ", client: ");
	if (strlen(rest) >= sizeof(entry->text) && upstream != NULL && client != NULL) {
		*client = '\0'; /* a long request must not hide where it went */
		(void)snprintf(entry->text, sizeof(entry->text), "%.200s, ... %s", rest, upstream);
		return true;
	}
	oo_text_clip(entry->text, sizeof(entry->text), rest);
	return true;
}

/* "[2026-11-22T15:08:08.483] [ERROR] [tenant] [document] [user] nodeJS - text" */
static bool read_server(char *line, struct entry *entry)
{
	static const char *const told[] = {"[WARN]", "[ERROR]", "[FATAL]"};
	const char *rest;
	entry->at_ms = local_ms(line, SERVER_TIME, &rest);
	const char *end = entry->at_ms != 0 ? strchr(rest, ']') : NULL;
	if (end == NULL) {
		return false;
	}
	rest = end + 1 + strspn(end + 1, " ");
	entry->is_told = false;
	for (size_t i = 0; i < OO_LENGTH(told); i++) {
		entry->is_told = entry->is_told || strncmp(rest, told[i], strlen(told[i])) == 0;
	}
	oo_text_clip(entry->text, sizeof(entry->text), rest);
	return true;
}

/* ---- A whole text ---- */

struct reading {
	struct oo_log_lines *lines;
	const struct oo_log_origin *origin;
	struct entry entry; /* the last one begun */
	bool has_entry;
	const char *last_timed; /* line; NULL: none has a time */
	int64_t untimed_at_ms;  /* when a line without a time was written */
};

static const char *format_of(enum oo_log_source source)
{
	return source == OO_LOG_SOURCE_PROXY ? NGINX_TIME : SERVER_TIME;
}

/*
 * What has no time follows what has one, and is as old; behind the last of these it is as old as
 * the file: what dies at each start, before it has a log, writes such lines for days.
 */
static const char *find_last_timed(const char *text, const char *format)
{
	const char *line = text + strlen(text), *rest;
	while (line > text) {
		const char *newline = memrchr(text, '\n', (size_t)(line - 1 - text));
		line = newline != NULL ? newline + 1 : text;
		if (local_ms(line, format, &rest) != 0) {
			return line;
		}
	}
	return NULL;
}

static void finish(struct reading *reading, bool is_last)
{
	int64_t at_ms = reading->entry.at_ms != 0 ? reading->entry.at_ms : reading->untimed_at_ms;
	bool is_recent = at_ms >= reading->origin->now_ms - OO_EVIDENCE_LOG_MS;
	if (reading->has_entry && is_recent && (reading->entry.is_told || is_last)) {
		oo_log_text_add(reading->lines, reading->origin, reading->entry.text, at_ms);
	}
	reading->has_entry = false;
}

/* A stack trace, or the errors inside one: of these, what they say. */
static void take_continuation(struct reading *reading, const char *line)
{
	char *text = reading->entry.text;
	size_t length = strlen(text);
	line += strspn(line, " \t");
	if (!reading->has_entry || strncmp(line, "at ", 3) == 0 || strstr(line, "rror: ") == NULL ||
	    length + 4 >= sizeof(reading->entry.text)) {
		return;
	}
	(void)snprintf(text + length, sizeof(reading->entry.text) - length, "; ");
	oo_text_clip(text + length + 2, sizeof(reading->entry.text) - length - 2, line);
}

static void take_line(struct reading *reading, char *line)
{
	struct entry entry = {.is_told = true}; /* what no level was given to was not meant to be */
	bool is_nginx = reading->origin->source == OO_LOG_SOURCE_PROXY;
	bool is_timed = is_nginx ? read_nginx(line, &entry) : read_server(line, &entry);
	if (!is_timed &&
	    (is_nginx || isspace((unsigned char)line[0]) || line[0] == '\0' || line[0] == '}')) {
		take_continuation(reading, line);
		return;
	}
	if (!is_timed) {
		oo_text_clip(entry.text, sizeof(entry.text), line);
	}
	finish(reading, false);
	reading->entry = entry;
	reading->has_entry = true;
	if (line == reading->last_timed) {
		reading->untimed_at_ms = reading->origin->changed_at_ms;
	} else if (is_timed) {
		reading->untimed_at_ms = entry.at_ms;
	}
}

void oo_log_text_take(struct oo_log_lines *lines, const struct oo_log_origin *origin, char *text)
{
	struct reading reading = {.lines = lines, .origin = origin};
	reading.last_timed = find_last_timed(text, format_of(origin->source));
	reading.untimed_at_ms = reading.last_timed == NULL ? origin->changed_at_ms : 0;
	while (text != NULL) {
		char *line = strsep(&text, "\n");
		if (text != NULL || line[0] != '\0') {
			take_line(&reading, line);
		}
	}
	finish(&reading, true);
}
