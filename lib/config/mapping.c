#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/schema.h"

#define KEY_LENGTH 32 /* of a key that may be meant as one of ours */
#define LIST_LENGTH 200

static const char *const shapes[] = {
	[FYNT_SCALAR] = "a single value",
	[FYNT_SEQUENCE] = "a list",
	[FYNT_MAPPING] = "a mapping",
};

/* A value left out: "key:", "key: ~", "key: null". */
static bool is_null(struct fy_node *node)
{
	if (!fy_node_is_scalar(node) || fy_node_get_style(node) != FYNS_PLAIN) {
		return fy_node_is_null(node);
	}
	const char *text = fy_node_get_scalar0(node);
	return text == NULL || *text == '\0' || oo_text_equal(text, "~") ||
	       oo_text_equal(text, "null");
}

bool config_expect(struct config_reader *reader, struct fy_node *node, enum fy_node_type type,
		   const char *right)
{
	enum fy_node_type found = fy_node_get_type(node);

	if (fy_node_is_alias(node)) {
		return config_wrong(reader, node,
				    "an alias, which is not supported; write the value out");
	}
	if (is_null(node)) {
		return config_wrong_unshown(reader, node, "no value; give one or leave it out");
	}
	if (found != type) {
		return config_wrong(reader, node, "%s where %s is expected; %s", shapes[found],
				    shapes[type], right);
	}
	return true;
}

static size_t smaller(size_t one, size_t other)
{
	return one < other ? one : other;
}

/* How many letters to change, add or drop (Levenshtein); a key that is begun right is near. */
static size_t distance(const char *typed, const char *meant)
{
	size_t n = strlen(typed), m = strlen(meant);
	size_t row[KEY_LENGTH + 1];

	assert(m <= KEY_LENGTH);
	if (n >= 3 && strncasecmp(typed, meant, smaller(n, m)) == 0) {
		return 1;
	}
	for (size_t j = 0; j <= m; j++) {
		row[j] = j;
	}
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			bool same = strncasecmp(&typed[i - 1], &meant[j - 1], 1) == 0;
			size_t changed = diagonal + (same ? 0 : 1);
			diagonal = row[j];
			row[j] = smaller(changed, smaller(row[j], row[j - 1]) + 1);
		}
	}
	return row[m];
}

static const char *nearest(const struct config_schema *schema, const char *typed)
{
	const char *best = NULL;
	size_t length = strlen(typed);
	size_t least = length < 4 ? 2 : length / 3 + 2; /* from here on it is another word */

	for (size_t i = 0; i < schema->n && length <= KEY_LENGTH; i++) {
		size_t far = distance(typed, schema->keys[i].name);
		if (far < least) {
			least = far;
			best = schema->keys[i].name;
		}
	}
	return best;
}

static void write_known(const struct config_schema *schema, char text[static LIST_LENGTH])
{
	size_t length = 0;

	for (size_t i = 0; i < schema->n && length < LIST_LENGTH; i++) {
		length += (size_t)snprintf(text + length, LIST_LENGTH - length, "%s%s",
					   i > 0 ? ", " : "known here: ", schema->keys[i].name);
	}
}

static bool say_unknown(struct config_reader *reader, struct fy_node *mapping,
			struct fy_node_pair *pair, const struct config_schema *schema)
{
	char known[LIST_LENGTH];
	struct fy_node *key = fy_node_pair_key(pair);
	const char *typed = key != NULL ? fy_node_get_scalar0(key) : NULL;

	if (schema->stray != NULL && schema->stray(reader, schema, pair)) {
		return false;
	}
	write_known(schema, known);
	if (typed == NULL || *typed == '\0' || fy_node_is_alias(key)) {
		return config_wrong_key(reader, mapping, "?", config_line(fy_node_pair_value(pair)),
					"not a plain key; %s", known);
	}
	const char *meant = nearest(schema, typed);
	if (meant != NULL) {
		return config_wrong_key(reader, mapping, typed, config_line(key),
					"unknown key; did you mean '%s'?", meant);
	}
	return config_wrong_key(reader, mapping, typed, config_line(key), "unknown key; %s", known);
}

/* The index in schema of the key at node; schema->n if it is none of them. */
static size_t find_key(const struct config_schema *schema, struct fy_node *key)
{
	size_t i = 0;
	size_t length = 0;
	bool plain = key != NULL && fy_node_is_scalar(key) && !fy_node_is_alias(key);
	const char *name = plain ? fy_node_get_scalar(key, &length) : NULL;

	while (i < schema->n && (name == NULL || strlen(schema->keys[i].name) != length ||
				 memcmp(schema->keys[i].name, name, length) != 0)) {
		i++;
	}
	return i;
}

/* Sorts the values of a mapping by key. False if a key is unknown or comes twice. */
static bool collect_values(struct config_reader *reader, struct fy_node *node,
			   const struct config_schema *schema, struct fy_node **values)
{
	int lines[CONFIG_KEYS] = {0};
	bool right = true;
	void *position = NULL;
	struct fy_node_pair *pair;

	while (!config_is_full(reader) &&
	       (pair = fy_node_mapping_iterate(node, &position)) != NULL) {
		struct fy_node *key = fy_node_pair_key(pair);
		size_t i = find_key(schema, key);
		if (i == schema->n) {
			right = say_unknown(reader, node, pair, schema);
		} else if (values[i] != NULL) {
			right = config_wrong_key(reader, node, schema->keys[i].name,
						 config_line(key),
						 "given twice; it is on line %d already", lines[i]);
		} else {
			values[i] = fy_node_pair_value(pair);
			lines[i] = config_line(key);
		}
	}
	return right;
}

bool config_parse_mapping(struct config_reader *reader, struct fy_node *node,
			  const struct config_schema *schema, void *target,
			  struct fy_node **ret_values)
{
	char known[LIST_LENGTH];

	assert(schema->n <= CONFIG_KEYS);
	write_known(schema, known);
	if (!config_expect(reader, node, FYNT_MAPPING, known)) {
		return false;
	}
	bool right = collect_values(reader, node, schema, ret_values);
	for (size_t i = 0; i < schema->n && !config_is_full(reader); i++) {
		const struct config_key *key = &schema->keys[i];
		if (ret_values[i] != NULL) {
			void *member = (char *)target + key->offset;
			right = key->parse(reader, ret_values[i], key, member) && right;
		} else if (key->required != NULL) {
			right = config_wrong_key(reader, node, key->name, config_line(node),
						 "missing; %s", key->required);
		}
	}
	return right;
}

bool config_parse_section(struct config_reader *reader, struct fy_node *node,
			  const struct config_key *key, void *target)
{
	struct fy_node *values[CONFIG_KEYS] = {NULL};
	return config_parse_mapping(reader, node, key->schema, target, values);
}

bool config_parse_list(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	const struct config_list *of = key->list;

	if (!config_expect(reader, node, FYNT_SEQUENCE,
			   "write [one, other], or a line \"- one\" for each")) {
		return false;
	}
	int n = fy_node_sequence_item_count(node);
	if (n < key->least || n > key->most) {
		return config_wrong(reader, node, "a list of %d; %d to %d are possible", n,
				    (int)key->least, (int)key->most);
	}
	char *items = config_allocate(reader, (size_t)n, of->size);
	if (items == NULL) {
		return false;
	}
	size_t count = 0;
	bool right = true;
	void *position = NULL;
	struct fy_node *item;
	while (!config_is_full(reader) &&
	       (item = fy_node_sequence_iterate(node, &position)) != NULL) {
		right = of->item.parse(reader, item, &of->item, items + count * of->size) && right;
		count++;
	}
	memcpy(target, &items, sizeof(items));
	memcpy((char *)target + of->count_offset, &count, sizeof(count));
	return right;
}
