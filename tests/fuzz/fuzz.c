#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fuzz_finding(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

void fuzz_check_text(const char *text, size_t size)
{
	size_t length = strnlen(text, size);
	FUZZ_CHECK(length > 0 && length < size);
	for (size_t i = 0; i < length; i++) {
		FUZZ_CHECK((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
	}
}

uint8_t fuzz_take_byte(struct fuzz_input *input)
{
	if (input->length == 0) {
		return 0;
	}
	input->length--;
	return *input->data++;
}

uint64_t fuzz_take_number(struct fuzz_input *input)
{
	uint64_t number = 0;
	for (size_t i = 0; i < sizeof(number); i++) {
		number = number << 8 | fuzz_take_byte(input);
	}
	return number;
}

void fuzz_take_line(struct fuzz_input *input, char *target, size_t size)
{
	size_t n = 0;
	while (input->length > 0) {
		char c = (char)fuzz_take_byte(input);
		if (c == '\0' || c == '\n') {
			break;
		}
		if (n + 1 < size) {
			target[n++] = c;
		}
	}
	target[n] = '\0';
}

void fuzz_add_json_text(struct oo_buffer *buffer, const char *text, size_t length)
{
	FUZZ_CHECK(oo_buffer_add(buffer, "\"", 1) == 0);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20 || c == '"' || c == '\\') {
			FUZZ_CHECK(oo_buffer_add_format(buffer, "\\u%04x", c) == 0);
		} else {
			FUZZ_CHECK(oo_buffer_add(buffer, text + i, 1) == 0);
		}
	}
	FUZZ_CHECK(oo_buffer_add(buffer, "\"", 1) == 0);
}
