#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST 256

int oo_text_copy(char *target, size_t size, const char *text)
{
	size_t length = strlen(text);
	if (length >= size) {
		return -ENAMETOOLONG;
	}
	memcpy(target, text, length + 1);
	return 0;
}

void oo_text_clip(char *target, size_t size, const char *text)
{
	size_t length = strnlen(text, size - 1);
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
		length--; /* RFC 3629: all bytes of a character but its first are 10xxxxxx */
	}
	memmove(target, text, length);
	target[length] = '\0';
}

bool oo_text_equal(const char *one, const char *other)
{
	return strcmp(one, other) == 0;
}

void oo_buffer_init(struct oo_buffer *buffer, size_t limit_bytes)
{
	*buffer = (struct oo_buffer){.limit_bytes = limit_bytes};
}

void oo_buffer_done(struct oo_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct oo_buffer){.limit_bytes = buffer->limit_bytes};
}

static int reserve(struct oo_buffer *buffer, size_t length)
{
	if (length > buffer->limit_bytes - buffer->length) {
		return -EMSGSIZE;
	}
	size_t needed = buffer->length + length + 1;
	if (needed <= buffer->capacity) {
		return 0;
	}
	size_t capacity = buffer->capacity != 0 ? buffer->capacity : BUFFER_FIRST;
	while (capacity < needed) {
		capacity *= 2;
	}
	char *data = realloc(buffer->data, capacity);
	if (data == NULL) {
		return -ENOMEM;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

int oo_buffer_add(struct oo_buffer *buffer, const void *data, size_t length)
{
	int r = reserve(buffer, length);
	if (r < 0) {
		return r;
	}
	if (length > 0) {
		memcpy(buffer->data + buffer->length, data, length);
	}
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
	return 0;
}

int oo_buffer_add_format(struct oo_buffer *buffer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0) {
		return -EINVAL;
	}
	int r = reserve(buffer, (size_t)length);
	if (r < 0) {
		return r;
	}
	va_start(arguments, format);
	vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buffer->length += (size_t)length;
	return 0;
}

static int add_json_character(struct oo_buffer *buffer, char c)
{
	if (c == '"' || c == '\\') {
		return oo_buffer_add(buffer, (const char[]){'\\', c}, 2);
	}
	return (unsigned char)c < 0x20 ? oo_buffer_add_format(buffer, "\\u%04x", (unsigned)c)
				       : oo_buffer_add(buffer, &c, 1);
}

int oo_buffer_add_json(struct oo_buffer *buffer, const char *text, size_t length)
{
	int r = oo_buffer_add(buffer, "\"", 1);
	for (size_t i = 0; r == 0 && i < length; i++) {
		r = add_json_character(buffer, text[i]);
	}
	return r < 0 ? r : oo_buffer_add(buffer, "\"", 1);
}

void oo_buffer_drop(struct oo_buffer *buffer, size_t n)
{
	assert(n <= buffer->length);
	if (n > 0) {
		buffer->length -= n;
		memmove(buffer->data, buffer->data + n, buffer->length + 1);
	}
}

void oo_buffer_clear(struct oo_buffer *buffer)
{
	oo_buffer_drop(buffer, buffer->length);
}
