#include "base/duration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define YEAR_MS (INT64_C(365) * 24 * 3600 * 1000)

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

static const struct unit *find_unit(const char *name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].name, name) == 0) {
			return &units[i];
		}
	}
	return NULL;
}

/*
 * Appends the digits at text to *value; each multiplies *scale by ten.
 * Returns where they end, or NULL when the value would pass what a year can need.
 */
static const char *read_digits(const char *text, int64_t *value, int64_t *scale)
{
	for (; *text >= '0' && *text <= '9'; text++) {
		if (*value > YEAR_MS || *scale > YEAR_MS) {
			return NULL;
		}
		*value = *value * 10 + (*text - '0');
		*scale *= 10;
	}
	return text;
}

int oo_duration_parse(const char *text, int64_t *ret_ms)
{
	int64_t value = 0, whole_scale = 1, scale = 1;

	const char *rest = read_digits(text, &value, &whole_scale);
	if (rest != NULL && *rest == '.') {
		rest = read_digits(rest + 1, &value, &scale);
		if (scale == 1) {
			return -EINVAL;
		}
	}
	if (rest == NULL) {
		return -ERANGE;
	}
	const struct unit *unit = find_unit(rest);
	if (unit == NULL || whole_scale == 1) {
		return -EINVAL;
	}
	if (value > INT64_MAX / unit->ms || value * unit->ms / scale > YEAR_MS) {
		return -ERANGE;
	}
	if (value * unit->ms % scale != 0) {
		return -EINVAL;
	}
	*ret_ms = value * unit->ms / scale;
	return 0;
}

const char *oo_duration_format(int64_t ms, char buffer[static OO_DURATION_LENGTH])
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ms % units[i].ms == 0 && (ms != 0 || units[i].ms == 1000)) {
			snprintf(buffer, OO_DURATION_LENGTH, "%" PRId64 "%s", ms / units[i].ms,
				 units[i].name);
			break;
		}
	}
	return buffer;
}
