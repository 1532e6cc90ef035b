/* A preset's checks for people, with where each value came from. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/document.h"
#include "config/preset.h"

#define COLUMN 56 /* of the origins */

/* The file as it is, and with its presets put in. */
struct explained {
	struct config_reader *reader;
	struct fy_node *written, *applied; /* their lists of checks */
};

static struct fy_node *value_of(struct fy_node *mapping, const char *key)
{
	return mapping != NULL && fy_node_is_mapping(mapping)
		       ? fy_node_mapping_lookup_value_by_simple_key(mapping, key, strlen(key))
		       : NULL;
}

static struct fy_node *find_check(struct fy_node *checks, const char *name)
{
	void *position = NULL;
	struct fy_node *item;
	while ((item = fy_node_sequence_iterate(checks, &position)) != NULL) {
		struct fy_node *its = value_of(item, "name");
		if (its != NULL && fy_node_is_scalar(its) &&
		    oo_text_equal(fy_node_get_scalar0(its), name)) {
			return item;
		}
	}
	return NULL;
}

static int write_value(struct oo_buffer *buffer, const char *key, const char *text,
		       const char *origin)
{
	const char *dash = oo_text_equal(key, "name") ? "-" : " ";
	size_t before = buffer->length;
	int r = oo_buffer_add_format(buffer, "  %s %s: %s", dash, key, text);
	size_t width = r == 0 ? buffer->length - before : 0;
	int gap = width < COLUMN ? (int)(COLUMN - width) : 1;
	return r < 0 ? r : oo_buffer_add_format(buffer, "%*s# %s\n", gap, "", origin);
}

/* What the file says itself of a key of the check. */
static int write_own(const struct explained *explained, struct fy_node *own, const char *key,
		     struct fy_node *check, struct oo_buffer *buffer)
{
	char origin[64];
	OO_AUTO(oo_free)
	char *text = fy_emit_node_to_string(value_of(check, key),
					    FYECF_MODE_FLOW_ONELINE | FYECF_NO_ENDING_NEWLINE);
	if (text == NULL) {
		return -ENOMEM;
	}
	(void)explained;
	(void)snprintf(origin, sizeof(origin), "your configuration, line %d",
		       config_line(value_of(own, key)));
	return write_value(buffer, key, text, origin);
}

static int write_rest(const struct explained *explained, const struct preset_check *from,
		      struct fy_node *own, struct fy_node *check, struct oo_buffer *buffer)
{
	void *position = NULL;
	struct fy_node_pair *pair;
	int r = 0;

	while (r == 0 && own != NULL && (pair = fy_node_mapping_iterate(own, &position)) != NULL) {
		const char *key = fy_node_get_scalar0(fy_node_pair_key(pair));
		bool shown = false;
		for (size_t i = 0; i < from->n; i++) {
			shown = shown || oo_text_equal(from->values[i].key, key);
		}
		r = shown ? 0 : write_own(explained, own, key, check, buffer);
	}
	return r;
}

static int write_check(const struct explained *explained, const struct preset_check *from,
		       struct oo_buffer *buffer)
{
	const char *name = from->values[0].text;
	struct fy_node *own = find_check(explained->written, name);
	struct fy_node *check = find_check(explained->applied, name);
	int r = 0;

	if (check == NULL || value_of(check, "type") == NULL ||
	    !oo_text_equal(fy_node_get_scalar0(value_of(check, "type")), from->values[1].text)) {
		return oo_buffer_add_format(buffer, "  # %s: your own check of that name instead\n",
					    name);
	}
	for (size_t i = 0; i < from->n && r == 0; i++) {
		const struct preset_value *value = &from->values[i];
		bool is_own = i > 0 && value_of(own, value->key) != NULL;
		r = is_own ? write_own(explained, own, value->key, check, buffer)
			   : write_value(buffer, value->key, value->text, value->origin);
	}
	return r < 0 ? r : write_rest(explained, from, own, check, buffer);
}

static int write_preset(const struct explained *explained, struct fy_node *entry,
			struct fy_node *root, struct oo_buffer *buffer)
{
	OO_AUTO(oo_free) struct preset *preset = calloc(1, sizeof(*preset));
	if (preset == NULL) {
		return -ENOMEM;
	}
	if (!preset_gather(explained->reader, entry, root, preset)) {
		return -EINVAL;
	}
	int r = oo_buffer_add_format(buffer, "# preset %s, line %d of %s\nchecks:\n",
				     fy_node_get_scalar0(value_of(entry, "preset")),
				     config_line(entry), explained->reader->path);
	for (size_t i = 0; i < preset->n && r == 0; i++) {
		r = write_check(explained, &preset->checks[i], buffer);
	}
	return r;
}

static int write_all(struct config_reader *reader, struct oo_buffer *buffer)
{
	OO_AUTO(config_document_close) struct config_document written = {0};
	OO_AUTO(config_document_close) struct config_document applied = {0};
	size_t before = buffer->length;

	int r = config_document_open(reader, &written);
	r = r < 0 ? r : config_document_open(reader, &applied);
	if (r < 0) {
		return r;
	}
	if (!preset_apply(reader, applied.tree)) {
		return -EINVAL;
	}
	struct fy_node *root = fy_document_root(written.tree);
	struct explained explained = {
		.reader = reader,
		.written = value_of(root, "checks"),
		.applied = value_of(fy_document_root(applied.tree), "checks"),
	};
	void *position = NULL;
	struct fy_node *item;
	while (r == 0 && explained.written != NULL &&
	       (item = fy_node_sequence_iterate(explained.written, &position)) != NULL) {
		r = preset_is_entry(item) ? write_preset(&explained, item, root, buffer) : 0;
	}
	if (r == 0 && buffer->length == before) {
		r = oo_buffer_add_format(buffer, "# no preset in %s\n", reader->path);
	}
	return r;
}

int oo_config_explain(const char *path, struct oo_buffer *buffer, struct oo_err *err)
{
	struct oo_config *config = NULL;
	struct config_reader reader = {.path = path};

	int r = oo_config_load(path, &config, err);
	oo_config_free(config);
	if (r < 0) {
		return r;
	}
	r = write_all(&reader, buffer);
	return r < 0 ? oo_fail(err, -r, "%s", path) : 0;
}
