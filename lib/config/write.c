#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "config/writer.h"

#define HIDDEN "***"
#define VALUE_LENGTH 1200 /* an address, a header's name, a set of statuses */

int config_write_text(struct config_writer *writer, const char *text)
{
	return text == NULL ? CONFIG_OMITTED : oo_buffer_add_json(writer->out, text, strlen(text));
}

static int write_text(struct config_writer *writer, const struct config_key *key, const void *value)
{
	const char *const *text = value;
	return config_write_text(writer, *text != NULL && key->secret ? HIDDEN : *text);
}

/* A header's name is none. */
static int write_header(struct config_writer *writer, const struct config_key *key,
			const void *value)
{
	char text[VALUE_LENGTH];
	const char *const *header = value;
	(void)key;
	snprintf(text, sizeof(text), "%.*s: " HIDDEN, (int)strcspn(*header, ":"), *header);
	return config_write_text(writer, text);
}

/* 0 is not given, where it cannot be. */
static int write_number(struct config_writer *writer, const struct config_key *key,
			const void *value)
{
	int number;
	memcpy(&number, value, sizeof(number));
	return number == 0 && key->least > 0 ? CONFIG_OMITTED
					     : oo_buffer_add_format(writer->out, "%d", number);
}

static int write_duration(struct config_writer *writer, const struct config_key *key,
			  const void *value)
{
	int64_t ms;
	char text[OO_DURATION_LENGTH];
	memcpy(&ms, value, sizeof(ms));
	return ms == 0 && key->least > 0 ? CONFIG_OMITTED
					 : config_write_text(writer, oo_duration_format(ms, text));
}

static int write_flag(struct config_writer *writer, const struct config_key *key, const void *value)
{
	const bool *fact = value;
	bool given = key->parse == config_parse_denied ? !*fact : *fact;
	return oo_buffer_add_format(writer->out, "%s", given ? "true" : "false");
}

static int write_host(struct config_writer *writer, const char *host, unsigned port)
{
	char text[VALUE_LENGTH];
	if (host == NULL) {
		return CONFIG_OMITTED;
	}
	bool brackets = strchr(host, ':') != NULL;
	snprintf(text, sizeof(text), brackets ? "[%s]:%u" : "%s:%u", host, port);
	return config_write_text(writer, text);
}

static int write_address(struct config_writer *writer, const struct config_key *key,
			 const void *value)
{
	const struct oo_check_address *address = value;
	(void)key;
	return write_host(writer, address->host, address->port);
}

static int write_listen(struct config_writer *writer, const struct config_key *key,
			const void *value)
{
	const struct oo_config_address *address = value;
	(void)key;
	return write_host(writer, address->host, address->port);
}

/* "200-299,301" */
static int write_statuses(struct config_writer *writer, const struct config_key *key,
			  const void *value)
{
	char text[VALUE_LENGTH] = "";
	const struct oo_check_expect *expect = value;
	size_t used = 0;
	(void)key;
	for (size_t i = 0; i < expect->n_statuses && used < sizeof(text); i++) {
		const struct oo_check_range *range = &expect->statuses[i];
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 range->least == range->most ? "%s%d" : "%s%d-%d",
					 i > 0 ? "," : "", range->least, range->most);
	}
	return config_write_text(writer, text);
}

/* In the largest unit that loses nothing. */
static int write_size(struct config_writer *writer, const struct config_key *key, const void *value)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	const struct oo_check_room *room = value;
	char text[VALUE_LENGTH];
	size_t unit = 0;
	uint64_t n = room->least >> 10;
	(void)key;
	while (unit + 1 < OO_LENGTH(units) && n > 0 && n % 1024 == 0) {
		n >>= 10;
		unit++;
	}
	if (room->least == 0) {
		snprintf(text, sizeof(text), "%d%%", room->percent);
	} else {
		snprintf(text, sizeof(text), "%" PRIu64 "%s", n, units[unit]);
	}
	return config_write_text(writer, text);
}

static int write_count(struct config_writer *writer, const struct config_key *key,
		       const void *value)
{
	const struct oo_check_room *room = value;
	char text[VALUE_LENGTH];
	(void)key;
	if (room->least == 0) {
		snprintf(text, sizeof(text), "%d%%", room->percent);
	} else {
		snprintf(text, sizeof(text), "%" PRIu64, room->least);
	}
	return config_write_text(writer, text);
}

static config_write_fn write_list; /* of lists */

/* By what reads it; what is missing here is a text. */
static const struct {
	config_parse_fn *parse;
	config_write_fn *write;
} writers[] = {
	{config_parse_list, write_list},         {config_parse_number, write_number},
	{config_parse_duration, write_duration}, {config_parse_flag, write_flag},
	{config_parse_denied, write_flag},       {config_parse_address, write_address},
	{config_parse_listen, write_listen},     {config_parse_statuses, write_statuses},
	{config_parse_size, write_size},         {config_parse_count, write_count},
	{config_parse_header, write_header},
};

static int write_value(struct config_writer *writer, const struct config_key *key,
		       const void *value)
{
	config_write_fn *write = key->write;
	if (write == NULL && key->schema != NULL) {
		return config_write_section(writer, key->schema, value);
	}
	for (size_t i = 0; i < OO_LENGTH(writers) && write == NULL; i++) {
		write = writers[i].parse == key->parse ? writers[i].write : NULL;
	}
	return (write != NULL ? write : write_text)(writer, key, value);
}

static int write_list(struct config_writer *writer, const struct config_key *key, const void *value)
{
	const struct config_list *list = key->list;
	const char *items;
	size_t n;
	memcpy(&items, value, sizeof(items));
	memcpy(&n, (const char *)value + list->count_offset, sizeof(n));
	int r = oo_buffer_add(writer->out, "[", 1);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = i > 0 ? oo_buffer_add(writer->out, ",", 1) : 0;
		r = r < 0 ? r : write_value(writer, &list->item, items + i * list->size);
	}
	return r < 0 ? r : oo_buffer_add(writer->out, "]", 1);
}

static void cut_back(struct oo_buffer *buffer, size_t length)
{
	buffer->length = length;
	buffer->data[length] = '\0';
}

int config_write_section(struct config_writer *writer, const struct config_schema *schema,
			 const void *structure)
{
	struct oo_buffer *out = writer->out;
	bool is_empty = true;
	int r = oo_buffer_add(out, "{", 1);
	for (size_t i = 0; i < schema->n && r == 0; i++) {
		const struct config_key *key = &schema->keys[i];
		size_t before = out->length;
		if (key->given != NULL && !key->given(structure)) {
			continue;
		}
		r = oo_buffer_add_format(out, "%s\"%s\":", is_empty ? "" : ",", key->name);
		r = r < 0 ? r : write_value(writer, key, (const char *)structure + key->offset);
		if (r == CONFIG_OMITTED) {
			cut_back(out, before);
			r = 0;
		} else {
			is_empty = false;
		}
	}
	r = r < 0 ? r : oo_buffer_add(out, "}", 1);
	return r < 0 ? r : is_empty ? CONFIG_OMITTED : 0;
}

int oo_config_write(const struct oo_config *config, struct oo_buffer *out)
{
	struct config_writer writer = {.config = config, .out = out};
	return config_write_section(&writer, &config_root_schema, config);
}

/* The key of the next part of a path, "groups" or "groups[]"; moves path behind it. */
static const struct config_key *step(const struct config_schema *schema, const char **path)
{
	size_t length = strcspn(*path, ".[");
	for (size_t i = 0; schema != NULL && i < schema->n; i++) {
		const char *name = schema->keys[i].name;
		if (strlen(name) == length && strncmp(name, *path, length) == 0) {
			*path += length;
			*path += **path == '[' ? strcspn(*path, "]") + 1 : 0;
			*path += **path == '.' ? 1 : 0;
			return &schema->keys[i];
		}
	}
	return NULL;
}

bool oo_config_is_fixed(const char *path)
{
	const struct config_schema *schema = &config_root_schema;
	const struct config_key *key = NULL;
	bool fixed = false;
	while (*path != '\0' && (key = step(schema, &path)) != NULL) {
		fixed = fixed || key->fixed;
		schema = key->list != NULL ? key->list->item.schema : key->schema;
	}
	return fixed;
}
