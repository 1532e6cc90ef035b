#ifndef OO_CHECK_WIRE_H
#define OO_CHECK_WIRE_H
/* Numbers and texts in network byte order, read with a limit and written to a buffer. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* What is left to read; bad once something was not there, and reads 0 from then on. */
struct oo_check_reader {
	const unsigned char *data;
	size_t length;
	bool bad;
};

static inline const unsigned char *oo_check_read_bytes(struct oo_check_reader *reader, size_t n)
{
	const unsigned char *data = reader->data;
	if (reader->bad || n > reader->length) {
		reader->bad = true;
		return NULL;
	}
	reader->data += n;
	reader->length -= n;
	return data;
}

/* n: 1 to 4 bytes. */
static inline uint32_t oo_check_read_number(struct oo_check_reader *reader, size_t n)
{
	uint32_t number = 0;
	const unsigned char *data = oo_check_read_bytes(reader, n);
	for (size_t i = 0; data != NULL && i < n; i++) {
		number = number << 8 | data[i];
	}
	return number;
}

static inline int oo_check_write_number(struct oo_buffer *buffer, uint32_t number, size_t n)
{
	unsigned char data[4];
	for (size_t i = 0; i < n; i++) {
		data[i] = (unsigned char)(number >> 8 * (n - 1 - i));
	}
	return oo_buffer_add(buffer, data, n);
}

/* A text after its length in n bytes. */
static inline int oo_check_write_text(struct oo_buffer *buffer, const char *text, size_t n)
{
	int r = oo_check_write_number(buffer, (uint32_t)strlen(text), n);
	return r < 0 ? r : oo_buffer_add(buffer, text, strlen(text));
}

#endif
