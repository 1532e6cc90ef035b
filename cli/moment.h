#ifndef OO_MOMENT_H
#define OO_MOMENT_H
/* Times and durations as the screen shows them. */
#include <stdint.h>

#define AGE_LENGTH 32
#define TIME_LENGTH 64

/* 0.4 s, 1m 5s, 2h 0m, 3d 4h; FIELD_NONE is "-", and what is negative 0.0 s. Returns buffer. */
const char *format_age(int64_t ms, char buffer[static AGE_LENGTH]);

/* As format_age, but 3 ms below a second. */
const char *format_took(int64_t ms, char buffer[static AGE_LENGTH]);

/* "2026-01-31T12:00:00.123Z" as "2026-01-31 12:00:00 UTC"; what is not of that form as it is. */
const char *format_time(const char *iso, char buffer[static TIME_LENGTH]);

/* The same without " UTC", for where a title says that. */
const char *format_stamp(const char *iso, char buffer[static TIME_LENGTH]);

/* ms from one such time to another, whole seconds; FIELD_NONE when either is not of that form. */
int64_t time_between(const char *from, const char *to);

#endif
