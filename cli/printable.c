#include "printable.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define ESCAPE_LENGTH 4 /* \xNN */

/* The character at text: its bytes, at least 1, and its columns, 0 when it must not be printed. */
static size_t look_at(const char *text, int *ret_columns)
{
	wchar_t character;
	mbstate_t state = {0};
	size_t length = mbrtowc(&character, text, strlen(text), &state);
	if (length == 0 || length > MB_LEN_MAX) { /* no character: (size_t)-1 or -2 */
		*ret_columns = 0;
		return 1;
	}
	int columns = wcwidth(character);
	*ret_columns = columns > 0 ? columns : 0;
	return length;
}

static size_t escape(char *target, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		sprintf(target + i * ESCAPE_LENGTH, "\\x%02x", (unsigned char)bytes[i]);
	}
	return length * ESCAPE_LENGTH;
}

char *printable_copy(char *target, size_t size, const char *text)
{
	size_t used = 0;
	while (*text != '\0') {
		int columns;
		size_t length = look_at(text, &columns);
		bool is_space = strchr("\t\n\v\f\r", *text) != NULL;
		size_t needed = columns > 0 || is_space ? length : length * ESCAPE_LENGTH;
		if (used + needed >= size) {
			break;
		}
		if (is_space) {
			target[used] = ' ';
		} else if (columns > 0) {
			memcpy(target + used, text, length);
		} else {
			(void)escape(target + used, text, length);
		}
		used += needed;
		text += length;
	}
	while (used > 0 && target[used - 1] == ' ') {
		used--;
	}
	target[used] = '\0';
	return target;
}

int printable_width(const char *text)
{
	int width = 0;
	while (*text != '\0') {
		int columns;
		text += look_at(text, &columns);
		width += columns;
	}
	return width;
}

size_t printable_fit(const char *text, int columns)
{
	const char *end = text;
	while (*end != '\0') {
		int taken;
		size_t length = look_at(end, &taken);
		if (taken > columns) {
			break;
		}
		columns -= taken;
		end += length;
	}
	return (size_t)(end - text);
}

size_t printable_fit_words(const char *text, int columns)
{
	size_t fit = printable_fit(text, columns);
	if (fit == 0) {
		return strlen(text); /* no room for a single character: let the terminal wrap */
	}
	if (text[fit] == '\0' || text[fit] == ' ') {
		return fit;
	}
	size_t words = fit;
	while (words > 0 && text[words - 1] != ' ') {
		words--;
	}
	while (words > 0 && text[words - 1] == ' ') {
		words--;
	}
	return words > 0 ? words : fit;
}

int printable_add_json(struct oo_buffer *buffer, const char *json)
{
	int r = 0;
	while (r == 0 && *json != '\0') {
		const unsigned char *bytes = (const unsigned char *)json;
		if (bytes[0] == 0x7f) {
			r = oo_buffer_add_format(buffer, "\\u007f");
			json += 1;
		} else if (bytes[0] == 0xc2 && bytes[1] >= 0x80 && bytes[1] <= 0x9f) {
			r = oo_buffer_add_format(buffer, "\\u%04x", bytes[1]);
			json += 2;
		} else {
			size_t plain = 1 + strcspn(json + 1, "\x7f\xc2");
			r = oo_buffer_add(buffer, json, plain);
			json += plain;
		}
	}
	return r;
}
