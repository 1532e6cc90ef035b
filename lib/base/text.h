#ifndef OO_TEXT_H
#define OO_TEXT_H
/* Strings in fixed space, and a growing buffer that has a limit. */
#include <stdbool.h>
#include <stddef.h>

/*
 * Copies text whole. size counts the final NUL.
 * Returns 0, or -ENAMETOOLONG with target untouched.
 */
int oo_text_copy(char *target, size_t size, const char *text);

/* Copies the whole characters (UTF-8) that fit, for texts that people read. Always terminated. */
void oo_text_clip(char *target, size_t size, const char *text);

bool oo_text_equal(const char *one, const char *other);

/* A growing buffer of bytes; data is NUL-terminated behind length. In place; done frees. */
struct oo_buffer {
	char *data; /* owned; NULL while empty */
	size_t length;
	size_t capacity;
	size_t limit_bytes; /* most that length may become */
};

void oo_buffer_init(struct oo_buffer *buffer, size_t limit_bytes);
void oo_buffer_done(struct oo_buffer *buffer);
/* Appends. Returns 0, -ENOMEM, or -EMSGSIZE when limit_bytes would be passed (nothing appended). */
int oo_buffer_add(struct oo_buffer *buffer, const void *data, size_t length);
int oo_buffer_add_format(struct oo_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * Appends length bytes of text (UTF-8) as a JSON string, quotes included. Unlike json-c it says so
 * when memory does not suffice, instead of leaving something out.
 */
int oo_buffer_add_json(struct oo_buffer *buffer, const char *text, size_t length);
/* Removes the first n bytes; n at most length. */
void oo_buffer_drop(struct oo_buffer *buffer, size_t n);
void oo_buffer_clear(struct oo_buffer *buffer);

#endif
