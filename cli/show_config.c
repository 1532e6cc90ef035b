#include "show_config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "printable.h"

#define INDENT 2
#define TEXT_BYTES 4096

/* What YAML's readers, this project's one too, take as it is. */
static bool is_plain(const char *text)
{
	static const char *const words[] = {"yes", "no", "true", "false", "null", "~", "on", "off"};
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "._-/:@%+";
	size_t length = strlen(text);
	for (size_t i = 0; i < OO_LENGTH(words); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			return false;
		}
	}
	return length > 0 && strspn(text, safe) == length && strchr("-:@%", text[0]) == NULL &&
	       text[length - 1] != ':';
}

static int add_scalar(struct oo_buffer *out, json_object *value)
{
	const char *text = json_object_get_string(value);
	if (json_object_is_type(value, json_type_boolean)) {
		text = json_object_get_boolean(value) ? "yes" : "no";
	} else if (json_object_is_type(value, json_type_string) && !is_plain(text)) {
		/* JSON's strings are YAML's double-quoted ones */
		return printable_add_json(
			out, json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	return oo_buffer_add(out, text != NULL ? text : "null",
			     strlen(text != NULL ? text : "null"));
}

static bool is_of_scalars(json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *item = json_object_array_get_idx(list, i);
		if (json_object_is_type(item, json_type_object) ||
		    json_object_is_type(item, json_type_array)) {
			return false;
		}
	}
	return true;
}

/* "[a, b]" */
static int add_flow(struct oo_buffer *out, json_object *list)
{
	int r = oo_buffer_add(out, "[", 1);
	for (size_t i = 0; i < json_object_array_length(list) && r == 0; i++) {
		r = i > 0 ? oo_buffer_add(out, ", ", 2) : 0;
		r = r < 0 ? r : add_scalar(out, json_object_array_get_idx(list, i));
	}
	return r < 0 ? r : oo_buffer_add(out, "]", 1);
}

/* A list of single values goes on its key's line if it fits there. */
static int add_short(struct oo_buffer *out, json_object *list, int room, bool *ret_done)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer flow;
	oo_buffer_init(&flow, TEXT_BYTES);
	int r = add_flow(&flow, list);
	*ret_done = r == 0 && (int)flow.length <= room;
	return *ret_done ? oo_buffer_add(out, flow.data, flow.length) : 0;
}

static int add_mapping(struct oo_buffer *out, json_object *mapping, int indent, bool is_item);

static int add_list(struct oo_buffer *out, json_object *list, int indent)
{
	int r = 0;
	for (size_t i = 0; i < json_object_array_length(list) && r == 0; i++) {
		json_object *item = json_object_array_get_idx(list, i);
		r = oo_buffer_add_format(out, "%*s- ", indent, "");
		if (r == 0 && json_object_is_type(item, json_type_object)) {
			r = add_mapping(out, item, indent + INDENT, true);
		} else if (r == 0) {
			r = add_scalar(out, item);
			r = r < 0 ? r : oo_buffer_add(out, "\n", 1);
		}
	}
	return r;
}

/* After "key:", to the end of its last line. */
static int add_value(struct oo_buffer *out, json_object *value, int indent, int room)
{
	bool done = false;
	int r;
	if (json_object_is_type(value, json_type_object)) {
		r = oo_buffer_add(out, "\n", 1);
		return r < 0 ? r : add_mapping(out, value, indent + INDENT, false);
	}
	r = oo_buffer_add(out, " ", 1);
	if (r == 0 && !json_object_is_type(value, json_type_array)) {
		r = add_scalar(out, value);
		return r < 0 ? r : oo_buffer_add(out, "\n", 1);
	}
	if (r == 0 && is_of_scalars(value)) {
		r = add_short(out, value, room, &done);
	}
	if (r == 0 && !done) {
		out->data[--out->length] = '\0'; /* no space at the end of a line */
	}
	r = r < 0 ? r : oo_buffer_add(out, "\n", 1);
	return r < 0 || done ? r : add_list(out, value, indent + INDENT);
}

static int add_mapping(struct oo_buffer *out, json_object *mapping, int indent, bool is_item)
{
	int r = 0;
	bool is_first = true;
	json_object_iter entry;
	json_object_object_foreachC(mapping, entry)
	{
		int room = 80 - indent - (int)strlen(entry.key) - 2;
		if (r == 0) {
			r = oo_buffer_add_format(out, "%*s%s:", is_item && is_first ? 0 : indent,
						 "", entry.key);
		}
		r = r < 0 ? r : add_value(out, entry.val, indent, room);
		is_first = false;
	}
	return r;
}

int show_config(json_object *config, const struct page *page, struct oo_buffer *out)
{
	(void)page; /* a file has no width */
	return add_mapping(out, config, 0, false);
}
