#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "fields.h"
#include "printable.h"
#include "show_config.h"

#define PATH_LENGTH 256
#define LONG 18 /* of a value: it gets a line of its own, so that the key stays whole */
#define NOTE_INDENT 4

struct diff {
	struct table table;
	size_t n;
	bool takes_restart;
};

/* What tells an item of a list from the others: its name, a VIP's address; NULL: its place. */
static const char *identity(json_object *item)
{
	return field_text(item, "name", field_text(item, "address", NULL));
}

static const char *text_of(json_object *value)
{
	const char *text =
		value == NULL
			? ""
			: json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE);
	if (json_object_is_type(value, json_type_string)) {
		text = json_object_get_string(value);
	} else if (json_object_is_type(value, json_type_boolean)) {
		text = json_object_get_boolean(value) ? "yes" : "no";
	}
	return text != NULL ? text : "?";
}

static void add_row(struct diff *diff, const char *path, json_object *runs, json_object *next)
{
	enum { KEY, RUNS, NEXT, TAKES };
	bool fixed = oo_config_is_fixed(path);
	bool is_whole = json_object_is_type(runs != NULL ? runs : next, json_type_object);
	table_row(&diff->table, runs == NULL ? '+' : next == NULL ? '-' : ' ');
	table_cell(&diff->table, KEY, PAINT_PLAIN, "%s", path);
	bool is_long = strlen(text_of(runs)) > LONG || strlen(text_of(next)) > LONG;
	if (!is_whole && is_long) {
		table_note(&diff->table, PAINT_PLAIN, "%s%s", runs != NULL ? "runs  " : "",
			   text_of(runs));
		table_note(&diff->table, PAINT_PLAIN, "%s%s", next != NULL ? "file  " : "",
			   text_of(next));
	} else if (!is_whole) {
		table_cell(&diff->table, RUNS, PAINT_PLAIN, "%s", text_of(runs));
		table_cell(&diff->table, NEXT, PAINT_PLAIN, "%s", text_of(next));
	}
	table_cell(&diff->table, TAKES, fixed ? PAINT_WARNING : PAINT_PLAIN, "%s",
		   fixed ? "a restart" : "a reload");
	diff->takes_restart = diff->takes_restart || fixed;
	diff->n++;
}

static json_object *find_item(json_object *list, const char *name, size_t i)
{
	for (size_t k = 0; name != NULL && k < field_length(list); k++) {
		json_object *item = json_object_array_get_idx(list, k);
		const char *its = identity(item);
		if (its != NULL && oo_text_equal(its, name)) {
			return item;
		}
	}
	return name == NULL && i < field_length(list) ? json_object_array_get_idx(list, i) : NULL;
}

static void compare(struct diff *diff, const char *path, json_object *runs, json_object *next);

static void compare_items(struct diff *diff, const char *path, json_object *runs, json_object *next)
{
	char one[PATH_LENGTH];
	for (size_t i = 0; i < field_length(runs); i++) {
		json_object *item = json_object_array_get_idx(runs, i);
		const char *name = identity(item);
		snprintf(one, sizeof(one), "%s[%s]", path, name != NULL ? name : "?");
		compare(diff, one, item, find_item(next, name, i));
	}
	for (size_t i = 0; i < field_length(next); i++) {
		json_object *item = json_object_array_get_idx(next, i);
		const char *name = identity(item);
		if (find_item(runs, name, i) == NULL) {
			snprintf(one, sizeof(one), "%s[%s]", path, name != NULL ? name : "?");
			compare(diff, one, NULL, item);
		}
	}
}

static void compare_keys(struct diff *diff, const char *path, json_object *runs, json_object *next)
{
	char one[PATH_LENGTH];
	const char *dot = path[0] == '\0' ? "" : ".";
	json_object_iter entry;
	json_object_object_foreachC(runs, entry)
	{
		json_object *other = NULL;
		(void)json_object_object_get_ex(next, entry.key, &other);
		snprintf(one, sizeof(one), "%s%s%s", path, dot, entry.key);
		compare(diff, one, entry.val, other);
	}
	json_object_object_foreachC(next, entry)
	{
		if (!json_object_object_get_ex(runs, entry.key, NULL)) {
			snprintf(one, sizeof(one), "%s%s%s", path, dot, entry.key);
			compare(diff, one, NULL, entry.val);
		}
	}
}

static bool is_list_of_mappings(json_object *value)
{
	return json_object_is_type(value, json_type_array) && field_length(value) > 0 &&
	       json_object_is_type(json_object_array_get_idx(value, 0), json_type_object);
}

/* NULL: it is not there. */
static void compare(struct diff *diff, const char *path, json_object *runs, json_object *next)
{
	if (json_object_equal(runs, next)) {
		return;
	}
	if (json_object_is_type(runs, json_type_object) &&
	    json_object_is_type(next, json_type_object)) {
		compare_keys(diff, path, runs, next);
	} else if (is_list_of_mappings(runs) || is_list_of_mappings(next)) {
		compare_items(diff, path, runs, next);
	} else {
		add_row(diff, path, runs, next);
	}
}

int show_config_diff(json_object *runs, json_object *next, const struct page *page,
		     struct oo_buffer *out, size_t *ret_n)
{
	static const struct column columns[] = {
		{"KEY", false}, {"RUNS", false}, {"FILE", false}, {"TAKES", false}};
	struct diff diff = {0};
	table_init(&diff.table, columns, OO_LENGTH(columns));
	diff.table.note_indent = NOTE_INDENT;
	compare(&diff, "", runs, next);
	int r = table_print(&diff.table, page, out);
	table_done(&diff.table);
	*ret_n = diff.n;
	if (r < 0) {
		return r;
	}
	return diff.n == 0 ? oo_buffer_add_format(out, "no difference\n")
	       : diff.takes_restart
		       ? oo_buffer_add_format(out, "\nneeds a restart: systemctl restart ooha\n")
		       : oo_buffer_add_format(out, "\na reload is enough: systemctl reload ooha\n");
}
