#include "config/reader.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define PATH_LENGTH 128
#define VALUE_LENGTH 80 /* of a value in a message; the rest is cut */

struct oo_config_memory {
	struct oo_config_memory *next;
	max_align_t data[];
};

bool config_is_full(const struct config_reader *reader)
{
	return reader->n_problems == OO_CONFIG_PROBLEMS || reader->out_of_memory;
}

static struct fy_node *key_of(struct fy_node *mapping, struct fy_node *value)
{
	void *position = NULL;
	struct fy_node_pair *pair;

	while ((pair = fy_node_mapping_iterate(mapping, &position)) != NULL) {
		if (fy_node_pair_value(pair) == value) {
			return fy_node_pair_key(pair);
		}
	}
	return NULL;
}

static struct fy_node *first_of(struct fy_node *node)
{
	void *position = NULL;

	if (fy_node_is_mapping(node)) {
		struct fy_node_pair *pair = fy_node_mapping_iterate(node, &position);
		return pair != NULL ? fy_node_pair_key(pair) : NULL;
	}
	return fy_node_is_sequence(node) ? fy_node_sequence_iterate(node, &position) : NULL;
}

/* The line of a single value; 0 for a list, a mapping, nothing. */
static int own_line(struct fy_node *node)
{
	struct fy_token *token = node != NULL ? fy_node_get_scalar_token(node) : NULL;
	const struct fy_mark *mark = token != NULL ? fy_token_start_mark(token) : NULL;
	return mark != NULL ? mark->line + 1 : 0;
}

int config_line(struct fy_node *node)
{
	int line = own_line(node);

	while (line == 0 && node != NULL) {
		struct fy_node *parent = fy_node_get_parent(node);
		line = parent != NULL && fy_node_is_mapping(parent) ? own_line(key_of(parent, node))
								    : own_line(first_of(node));
		node = parent;
	}
	return line != 0 ? line : 1;
}

/* Writes the node's place as "groups[0].vips[1]"; libfyaml's is "/groups/0/vips/1". */
static void write_path(struct fy_node *node, char path[static PATH_LENGTH])
{
	OO_AUTO(oo_free) char *slashed = fy_node_get_path(node);
	size_t length = 0;
	bool in_index = false;

	for (const char *c = slashed != NULL ? slashed : ""; *c != '\0' && length + 3 < PATH_LENGTH;
	     c++) {
		if (*c != '/') {
			path[length++] = *c;
			continue;
		}
		if (in_index) {
			path[length++] = ']';
		}
		in_index = c[1] >= '0' && c[1] <= '9';
		if (in_index) {
			path[length++] = '[';
		} else if (length > 0 && c[1] != '\0') {
			path[length++] = '.';
		}
	}
	if (in_index) {
		path[length++] = ']';
	}
	path[length] = '\0';
}

/* One line whatever the value is; cut between characters. */
static void write_value(const char *value, size_t length, char text[static VALUE_LENGTH])
{
	size_t n = 0;
	size_t i = 0;

	for (; i < length && n < VALUE_LENGTH - 6; i++) {
		unsigned char c = (unsigned char)value[i];
		if (c == '\n') {
			text[n++] = '\\';
			text[n++] = 'n';
		} else {
			text[n++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
		}
	}
	if (i < length) {
		while (n > 0 && ((unsigned char)value[i] & 0xc0) == 0x80) {
			i--;
			n--;
		}
		memcpy(text + n, "...", 3);
		n += 3;
	}
	text[n] = '\0';
}

__attribute__((format(printf, 2, 0))) static void append_list(struct oo_err *err,
							      const char *format, va_list arguments)
{
	size_t length = strlen(err->text);
	vsnprintf(err->text + length, sizeof(err->text) - length, format, arguments);
}

__attribute__((format(printf, 2, 3))) static void append(struct oo_err *err, const char *format,
							 ...)
{
	va_list arguments;
	va_start(arguments, format);
	append_list(err, format, arguments);
	va_end(arguments);
}

/* Makes room for a problem at its line and begins its text. NULL: no more are taken. */
static struct oo_err *add_problem(struct config_reader *reader, int line)
{
	if (config_is_full(reader)) {
		return NULL;
	}
	size_t i = reader->n_problems++;
	for (; i > 0 && reader->problems[i - 1].line > line; i--) {
		reader->problems[i] = reader->problems[i - 1];
	}
	reader->problems[i] = (struct config_problem){.line = line};
	append(&reader->problems[i].err, "%.255s:", reader->path);
	if (line > 0) {
		append(&reader->problems[i].err, "%d:", line);
	}
	append(&reader->problems[i].err, " ");
	return &reader->problems[i].err;
}

/* Begins a problem of the value at node. NULL as add_problem. */
static struct oo_err *add_node_problem(struct config_reader *reader, struct fy_node *node)
{
	if (config_is_full(reader)) {
		return NULL;
	}
	char path[PATH_LENGTH];
	write_path(node, path);
	struct oo_err *err = add_problem(reader, config_line(node));
	if (path[0] != '\0') {
		append(err, "%s: ", path);
	}
	return err;
}

bool config_wrong(struct config_reader *reader, struct fy_node *node, const char *format, ...)
{
	struct oo_err *err = add_node_problem(reader, node);
	if (err == NULL) {
		return false;
	}
	size_t length = 0;
	const char *value = fy_node_is_scalar(node) ? fy_node_get_scalar(node, &length) : NULL;
	if (value != NULL && !fy_node_is_alias(node)) {
		char text[VALUE_LENGTH];
		write_value(value, length, text);
		append(err, "'%s': ", text);
	}
	va_list arguments;
	va_start(arguments, format);
	append_list(err, format, arguments);
	va_end(arguments);
	return false;
}

bool config_wrong_unshown(struct config_reader *reader, struct fy_node *node, const char *format,
			  ...)
{
	struct oo_err *err = add_node_problem(reader, node);
	if (err != NULL) {
		va_list arguments;
		va_start(arguments, format);
		append_list(err, format, arguments);
		va_end(arguments);
	}
	return false;
}

bool config_wrong_key(struct config_reader *reader, struct fy_node *mapping, const char *key,
		      int line, const char *format, ...)
{
	if (config_is_full(reader)) {
		return false;
	}
	char path[PATH_LENGTH], name[VALUE_LENGTH];
	write_path(mapping, path);
	write_value(key, strlen(key), name);
	struct oo_err *err = add_problem(reader, line);
	append(err, "%s%s%s: ", path, path[0] != '\0' ? "." : "", name);
	va_list arguments;
	va_start(arguments, format);
	append_list(err, format, arguments);
	va_end(arguments);
	return false;
}

bool config_wrong_line(struct config_reader *reader, int line, const char *format, ...)
{
	struct oo_err *err = add_problem(reader, line);
	if (err != NULL) {
		va_list arguments;
		va_start(arguments, format);
		append_list(err, format, arguments);
		va_end(arguments);
	}
	return false;
}

void *config_allocate(struct config_reader *reader, size_t n, size_t size)
{
	struct oo_config_memory *memory = NULL;

	if (n <= (SIZE_MAX - sizeof(*memory)) / size) {
		memory = calloc(1, sizeof(*memory) + n * size);
	}
	if (memory == NULL) {
		reader->out_of_memory = true;
		return NULL;
	}
	memory->next = reader->config->memory;
	reader->config->memory = memory;
	return memory->data;
}

bool config_set_text(struct config_reader *reader, const char *text, void *target)
{
	size_t size = strlen(text) + 1;
	char *copy = config_allocate(reader, size, 1);
	if (copy == NULL) {
		return false;
	}
	memcpy(copy, text, size);
	memcpy(target, &copy, sizeof(copy));
	return true;
}

void oo_config_free(struct oo_config *config)
{
	if (config == NULL) {
		return;
	}
	while (config->memory != NULL) {
		struct oo_config_memory *next = config->memory->next;
		free(config->memory);
		config->memory = next;
	}
	free(config);
}
