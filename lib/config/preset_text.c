/* A preset's checks as text. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/preset.h"

static struct preset_value *begin_value(struct preset *preset, const char *key, const char *origin)
{
	struct preset_check *check = &preset->checks[preset->n - 1];
	assert(check->n < PRESET_VALUES);
	struct preset_value *value = &check->values[check->n++];
	value->key = key;
	oo_text_clip(value->origin, sizeof(value->origin), origin);
	return value;
}

void preset_begin(struct preset *preset, const char *name, const char *type)
{
	assert(preset->n < PRESET_CHECKS);
	preset->checks[preset->n++] = (struct preset_check){.n = 0};
	preset_add(preset, "name", "preset", "%s", name);
	preset_add(preset, "type", "preset", "%s", type);
}

void preset_add(struct preset *preset, const char *key, const char *origin, const char *format, ...)
{
	struct preset_value *value = begin_value(preset, key, origin);
	va_list arguments;
	va_start(arguments, format);
	int n = vsnprintf(value->text, sizeof(value->text), format, arguments);
	va_end(arguments);
	assert(n > 0 && (size_t)n < sizeof(value->text));
}

/* In single quotes nothing means anything, but a quote, which is doubled (YAML 1.2, 7.3.2). */
void preset_add_text(struct preset *preset, const char *key, const char *origin, const char *text)
{
	struct preset_value *value = begin_value(preset, key, origin);
	size_t n = 0;

	value->text[n++] = '\'';
	for (; *text != '\0' && n + 3 < sizeof(value->text); text++) {
		if (*text == '\'') {
			value->text[n++] = '\'';
		}
		value->text[n++] = (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text;
	}
	value->text[n++] = '\'';
	value->text[n] = '\0';
}

int preset_write_line(const struct preset_check *check, struct oo_buffer *buffer)
{
	int r = oo_buffer_add_format(buffer, "{");
	for (size_t i = 0; i < check->n && r == 0; i++) {
		r = oo_buffer_add_format(buffer, "%s%s: %s", i > 0 ? ", " : "",
					 check->values[i].key, check->values[i].text);
	}
	return r < 0 ? r : oo_buffer_add_format(buffer, "}");
}
