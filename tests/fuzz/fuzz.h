#ifndef OO_FUZZ_H
#define OO_FUZZ_H
/*
 * What the fuzz targets share. A target is run by libFuzzer with bytes of its choosing, some ten
 * thousand times a second: nothing in it touches a file, waits, or is kept from one run to the next.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

/* Ends the run as a finding unless condition holds. Not assert: it must be there in any build. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_finding(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_finding(const char *file, int line, const char *what);

/* The text of an error is there, short enough, and one printable line. */
void fuzz_check_text(const char *text, size_t size);

/* The bytes that are not taken yet. Past the end everything is zero. */
struct fuzz_input {
	const uint8_t *data;
	size_t length;
};

uint8_t fuzz_take_byte(struct fuzz_input *input);
uint64_t fuzz_take_number(struct fuzz_input *input);
/* Up to a NUL, a line feed or the end, copied; cut to what fits. */
void fuzz_take_line(struct fuzz_input *input, char *target, size_t size);

/* "text" as JSON, with everything escaped that has to be. */
void fuzz_add_json_text(struct oo_buffer *buffer, const char *text, size_t length);

#endif
