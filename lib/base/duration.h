#ifndef OO_DURATION_H
#define OO_DURATION_H
/* Durations as people write them: 500ms, 3s, 2m, 1h. */
#include <stddef.h>
#include <stdint.h>

#define OO_DURATION_LENGTH 24

/*
 * Reads "<number><unit>", unit one of ms, s, m, h; the number may have a fraction ("1.5s"), the
 * whole must come to a whole number of ms and to at most a year.
 * Returns 0, -EINVAL (not of that form) or -ERANGE.
 */
int oo_duration_parse(const char *text, int64_t *ret_ms);

/* Writes ms in the largest unit that loses nothing: 500ms, 3s, 2m. Returns buffer. */
const char *oo_duration_format(int64_t ms, char buffer[static OO_DURATION_LENGTH]);

#endif
