/*
 * A mapping whose keys are not ours: kept as JSON. What is plain, and a number, true or false of JSON's, is one;
 * whatever else is a text.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/writer.h"

#define DEPTH 8
#define HIDDEN "\"***\""

struct conversion {
	struct config_reader *reader;
	struct oo_buffer *out;
	bool hides; /* what may be secrets */
};

static bool convert(const struct conversion *conversion, struct fy_node *node, int depth);

static size_t count_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* RFC 8259, section 6. */
static bool is_json_number(const char *text)
{
	text += *text == '-';
	size_t digits = count_digits(text);
	if (digits == 0 || (digits > 1 && *text == '0')) {
		return false;
	}
	text += digits;
	if (*text == '.') {
		digits = count_digits(text + 1);
		text += 1 + digits;
	}
	if (digits > 0 && (*text == 'e' || *text == 'E')) {
		text += 1 + (text[1] == '+' || text[1] == '-');
		digits = count_digits(text);
		text += digits;
	}
	return digits > 0 && *text == '\0';
}

static bool is_literal(struct fy_node *node, const char *text)
{
	return fy_node_get_style(node) == FYNS_PLAIN &&
	       (oo_text_equal(text, "true") || oo_text_equal(text, "false") ||
		is_json_number(text));
}

/* By its name, which says enough of what is meant for a person to read. */
static bool is_secret(const char *key)
{
	static const char *const words[] = {"secret", "password", "token", "key", "credential"};
	const size_t length = strlen(key);

	if (length > 5 && oo_text_equal(key + length - 5, "_file")) {
		return false;
	}
	for (size_t i = 0; i < OO_LENGTH(words); i++) {
		if (strcasestr(key, words[i]) != NULL) {
			return true;
		}
	}
	return false;
}

/* What oo_buffer_add and its like have returned. */
static bool is_added(const struct conversion *conversion, struct fy_node *node, int r)
{
	if (r == -EMSGSIZE) {
		return config_wrong_unshown(conversion->reader, node,
					    "too long; at most %d bytes of JSON are possible",
					    OO_CONFIG_SETTINGS);
	}
	conversion->reader->out_of_memory = conversion->reader->out_of_memory || r < 0;
	return r == 0;
}

static bool add(const struct conversion *conversion, struct fy_node *node, const char *text)
{
	return is_added(conversion, node, oo_buffer_add(conversion->out, text, strlen(text)));
}

static bool add_text(const struct conversion *conversion, struct fy_node *node, const char *text)
{
	return is_added(conversion, node, oo_buffer_add_json(conversion->out, text, strlen(text)));
}

static bool convert_scalar(const struct conversion *conversion, struct fy_node *node)
{
	const char *text = config_text(conversion->reader, node);
	if (text == NULL) {
		return false;
	}
	return is_literal(node, text) ? add(conversion, node, text)
				      : add_text(conversion, node, text);
}

static bool convert_list(const struct conversion *conversion, struct fy_node *node, int depth)
{
	void *position = NULL;
	struct fy_node *item;
	bool right = add(conversion, node, "[");
	bool is_first = true;

	while (right && (item = fy_node_sequence_iterate(node, &position)) != NULL) {
		right = (is_first || add(conversion, node, ",")) &&
			convert(conversion, item, depth + 1);
		is_first = false;
	}
	return right && add(conversion, node, "]");
}

static bool convert_pair(const struct conversion *conversion, struct fy_node *mapping,
			 struct fy_node_pair *pair, int depth)
{
	struct fy_node *key = fy_node_pair_key(pair), *value = fy_node_pair_value(pair);
	const char *name = key == NULL || !fy_node_is_scalar(key) || fy_node_is_alias(key)
				   ? NULL
				   : fy_node_get_scalar0(key);

	if (name == NULL || *name == '\0') {
		return config_wrong_key(conversion->reader, mapping, "?", config_line(value),
					"not a plain key; write a name before the colon");
	}
	if (fy_node_mapping_lookup_value_by_simple_key(mapping, name, strlen(name)) != value) {
		return config_wrong_key(conversion->reader, mapping, name, config_line(key),
					"given twice; write it once");
	}
	if (!add_text(conversion, value, name) || !add(conversion, value, ":")) {
		return false;
	}
	return conversion->hides && is_secret(name) ? add(conversion, value, HIDDEN)
						    : convert(conversion, value, depth + 1);
}

static bool convert_mapping(const struct conversion *conversion, struct fy_node *node, int depth)
{
	void *position = NULL;
	struct fy_node_pair *pair;
	bool right = add(conversion, node, "{");
	bool is_first = true;

	while (right && (pair = fy_node_mapping_iterate(node, &position)) != NULL) {
		right = (is_first || add(conversion, node, ",")) &&
			convert_pair(conversion, node, pair, depth);
		is_first = false;
	}
	return right && add(conversion, node, "}");
}

static bool convert(const struct conversion *conversion, struct fy_node *node, int depth)
{
	if (depth > DEPTH) {
		return config_wrong_unshown(conversion->reader, node,
					    "too deep; at most %d levels are possible", DEPTH);
	}
	if (fy_node_is_alias(node)) {
		return config_expect(conversion->reader, node, FYNT_SCALAR, "");
	}
	switch (fy_node_get_type(node)) {
	case FYNT_SEQUENCE:
		return convert_list(conversion, node, depth);
	case FYNT_MAPPING:
		return convert_mapping(conversion, node, depth);
	case FYNT_SCALAR:
		return convert_scalar(conversion, node);
	}
	return false;
}

static bool convert_whole(struct config_reader *reader, struct fy_node *node, bool hides,
			  const char **ret_text)
{
	struct oo_buffer out;
	const struct conversion conversion = {.reader = reader, .out = &out, .hides = hides};

	oo_buffer_init(&out, OO_CONFIG_SETTINGS);
	const bool right =
		convert(&conversion, node, 0) && config_set_text(reader, out.data, ret_text);
	oo_buffer_done(&out);
	return right;
}

bool config_parse_free(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	struct oo_config_settings settings;

	(void)key; /* any mapping */
	if (!config_expect(reader, node, FYNT_MAPPING, "write {name: value}") ||
	    !convert_whole(reader, node, false, &settings.json) ||
	    !convert_whole(reader, node, true, &settings.shown)) {
		return false;
	}
	memcpy(target, &settings, sizeof(settings));
	return true;
}

int config_write_free(struct config_writer *writer, const struct config_key *key, const void *value)
{
	const struct oo_config_settings *settings = value;
	(void)key;
	return oo_buffer_add(writer->out, settings->shown, strlen(settings->shown));
}
