#ifndef OO_PRINTABLE_H
#define OO_PRINTABLE_H
/*
 * Texts from elsewhere, made fit for a terminal: no control character gets through, and widths are
 * known. What is a character, and how wide, is the locale's word (LC_CTYPE; setlocale(3)).
 */
#include <stddef.h>

#include "base/text.h"

/*
 * Copies what fits of text. Line breaks and tabs become spaces; what is not printable (controls,
 * bytes that are no character, marks without a width such as those that turn the direction of
 * writing) is shown as \xNN; spaces at the end are dropped. Returns target, always terminated.
 */
char *printable_copy(char *target, size_t size, const char *text);

/* Terminal columns that a printable text takes. */
int printable_width(const char *text);

/* Bytes of the longest start of a printable text that takes at most so many columns. */
size_t printable_fit(const char *text, int columns);

/*
 * The same, cut after a word where there is one. Where not one character fits it is all of text: let
 * the terminal wrap.
 */
size_t printable_fit_words(const char *text, int columns);

/*
 * Appends JSON as it is, but for DEL and the controls of ISO 6429 (U+0080 to U+009F), which JSON
 * lets stand in strings and terminals obey: they become \u escapes, which say the same.
 * Returns as oo_buffer_add.
 */
int printable_add_json(struct oo_buffer *buffer, const char *json);

#endif
