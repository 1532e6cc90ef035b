#include "moment.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "fields.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * (int64_t)HOUR)

const char *format_age(int64_t ms, char buffer[static AGE_LENGTH])
{
	if (ms == FIELD_NONE) {
		oo_text_clip(buffer, AGE_LENGTH, "-");
		return buffer;
	}
	ms = ms > 0 ? ms : 0; /* another host's clock, or an answer of another version */
	if (ms < MINUTE) {
		snprintf(buffer, AGE_LENGTH, "%" PRId64 ".%" PRId64 " s", ms / SECOND,
			 ms % SECOND / 100);
	} else if (ms < HOUR) {
		snprintf(buffer, AGE_LENGTH, "%" PRId64 "m %" PRId64 "s", ms / MINUTE,
			 ms % MINUTE / SECOND);
	} else if (ms < DAY) {
		snprintf(buffer, AGE_LENGTH, "%" PRId64 "h %" PRId64 "m", ms / HOUR,
			 ms % HOUR / MINUTE);
	} else {
		snprintf(buffer, AGE_LENGTH, "%" PRId64 "d %" PRId64 "h", ms / DAY,
			 ms % DAY / HOUR);
	}
	return buffer;
}

const char *format_took(int64_t ms, char buffer[static AGE_LENGTH])
{
	if (ms == FIELD_NONE || ms >= SECOND) {
		return format_age(ms, buffer);
	}
	snprintf(buffer, AGE_LENGTH, "%" PRId64 " ms", ms > 0 ? ms : 0);
	return buffer;
}

/* RFC 3339, in UTC, with or without a fraction; the fraction is left out. */
static bool parse_time(const char *iso, struct tm *time)
{
	*time = (struct tm){0};
	const char *rest = strptime(iso, "%Y-%m-%dT%H:%M:%S", time);
	if (rest != NULL && *rest == '.') {
		rest += 1 + strspn(rest + 1, "0123456789");
	}
	return rest != NULL && strcmp(rest, "Z") == 0;
}

const char *format_time(const char *iso, char buffer[static TIME_LENGTH])
{
	struct tm time;
	if (!parse_time(iso, &time)) {
		oo_text_clip(buffer, TIME_LENGTH, iso);
	} else if (strftime(buffer, TIME_LENGTH, "%Y-%m-%d %H:%M:%S UTC", &time) == 0) {
		oo_text_clip(buffer, TIME_LENGTH, "?");
	}
	return buffer;
}

const char *format_stamp(const char *iso, char buffer[static TIME_LENGTH])
{
	struct tm time;
	if (!parse_time(iso, &time)) {
		oo_text_clip(buffer, TIME_LENGTH, iso);
	} else if (strftime(buffer, TIME_LENGTH, "%Y-%m-%d %H:%M:%S", &time) == 0) {
		oo_text_clip(buffer, TIME_LENGTH, "?");
	}
	return buffer;
}

int64_t time_between(const char *from, const char *to)
{
	struct tm start;
	struct tm end;
	if (!parse_time(from, &start) || !parse_time(to, &end)) {
		return FIELD_NONE;
	}
	return ((int64_t)timegm(&end) - (int64_t)timegm(&start)) * SECOND;
}
