#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "collect/ask.h"

#define HEADER_LENGTH 1024

void oo_ask_take_header(const char *line, size_t length, const char *name, char *target,
			size_t size)
{
	size_t name_length = strlen(name);
	if (length <= name_length || strncasecmp(line, name, name_length) != 0 ||
	    line[name_length] != ':') {
		return;
	}
	char value[HEADER_LENGTH];
	line += name_length + 1;
	length -= name_length + 1;
	while (length > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		length--;
	}
	while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL) {
		length--;
	}
	snprintf(value, sizeof(value), "%.*s", (int)length, line);
	oo_text_clip(target, size, value);
}
