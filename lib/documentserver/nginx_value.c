#include "documentserver/nginx_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *unit;
	int64_t ms;
} times[] = {
	{"ms", 1},       {"s", 1000},        {"m", 60000},        {"h", 3600000},
	{"d", 86400000}, {"w", 604800000LL}, {"M", 2592000000LL}, {"y", 31536000000LL},
};

static int64_t take_unit(const char **text)
{
	size_t length = strcspn(*text, "0123456789 ");
	for (size_t i = 0; i < OO_LENGTH(times); i++) {
		if (length == strlen(times[i].unit) && strncmp(*text, times[i].unit, length) == 0) {
			*text += length;
			return times[i].ms;
		}
	}
	return length == 0 ? 1000 : 0;
}

int oo_nginx_time(const char *text, int64_t *ret_ms)
{
	int64_t whole_ms = 0;
	if (*text == '\0') {
		return -EINVAL;
	}
	while (*text != '\0') {
		char *end;
		if (*text < '0' || *text > '9') {
			return -EINVAL;
		}
		unsigned long long number = strtoull(text, &end, 10);
		text = end;
		int64_t unit_ms = take_unit(&text);
		if (unit_ms == 0 || number > 1000000000ULL) {
			return -EINVAL;
		}
		whole_ms += (int64_t)number * unit_ms;
		if (whole_ms > 31536000000000LL) {
			return -EINVAL;
		}
		text += strspn(text, " ");
	}
	*ret_ms = whole_ms;
	return 0;
}

int oo_nginx_size(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "kKmMgG";
	char *end;
	if (*text < '0' || *text > '9') {
		return -EINVAL;
	}
	unsigned long long number = strtoull(text, &end, 10);
	int shift = 0;
	if (*end != '\0') {
		const char *unit = strchr(units, *end++);
		if (unit == NULL || *end != '\0') {
			return -EINVAL;
		}
		shift = 10 * (int)((unit - units) / 2 + 1);
	}
	if (number > UINT64_MAX >> shift) {
		return -EINVAL;
	}
	*ret_bytes = (uint64_t)number << shift;
	return 0;
}

static int read_port(const char *text, size_t length, uint16_t *ret_port)
{
	unsigned port = 0;
	if (length == 0 || length > 5) {
		return -EINVAL;
	}
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return -EINVAL;
		}
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	if (port == 0 || port > UINT16_MAX) {
		return -EINVAL;
	}
	*ret_port = (uint16_t)port;
	return 0;
}

int oo_nginx_endpoint(const char *text, uint16_t port, struct oo_endpoint_text *ret_endpoint)
{
	struct oo_endpoint_text made = {.port = port};
	size_t length = strcspn(text, "/$?");
	const char *host = text, *end = text + length, *colon = memchr(text, ':', length);
	const char *host_end = colon != NULL ? colon : end;

	if (strncmp(text, "unix:", 5) == 0) {
		return -EINVAL;
	}
	if (text[0] == '[') {
		host = text + 1;
		host_end = memchr(text, ']', length);
		if (host_end == NULL) {
			return -EINVAL;
		}
		colon = host_end + 1 < end ? host_end + 1 : NULL;
	}
	if (host_end == host || (size_t)(host_end - host) >= sizeof(made.host)) {
		return -EINVAL;
	}
	if (colon != NULL &&
	    (*colon != ':' || read_port(colon + 1, (size_t)(end - colon) - 1, &made.port) < 0)) {
		return -EINVAL;
	}
	memcpy(made.host, host, (size_t)(host_end - host));
	*ret_endpoint = made;
	return 0;
}
