#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int oo_fail(struct oo_err *err, int error_number, const char *format, ...)
{
	if (err == NULL) {
		return -error_number;
	}
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	if (length >= 0 && (size_t)length < sizeof(err->text)) {
		snprintf(err->text + length, sizeof(err->text) - (size_t)length, ": %s",
			 strerror(error_number));
	}
	return -error_number;
}

int oo_fail_text(struct oo_err *err, int error_number, const char *format, ...)
{
	if (err == NULL) {
		return -error_number;
	}
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	return -error_number;
}

void oo_err_wrap(struct oo_err *err, const char *format, ...)
{
	if (err == NULL) {
		return;
	}
	struct oo_err inner = *err;
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	if (length >= 0 && (size_t)length < sizeof(err->text)) {
		snprintf(err->text + length, sizeof(err->text) - (size_t)length, ": %.*s",
			 (int)(sizeof(err->text) - (size_t)length - 3), inner.text);
	}
}
