#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/writer.h"

#define TYPES_LENGTH 160

enum common_key {
	COMMON_NAME,
	COMMON_TYPE,
	COMMON_INTERVAL,
	COMMON_FAST_INTERVAL,
	COMMON_TIMEOUT,
	COMMON_GRACE,
	COMMON_RISE,
	COMMON_FALL,
	COMMON_REQUIRED,
	COMMON_SHARED,
	COMMON_END,
};

static const struct config_check_kind no_kind = {.schema = {.keys = NULL, .n = 0}};
static const struct config_check_kind *const kinds[OO_CHECK_TYPE_END] = {
	[OO_CHECK_TYPE_NONE] = &no_kind,
	[OO_CHECK_TYPE_HTTP] = &config_check_http,
	[OO_CHECK_TYPE_TCP] = &config_check_tcp,
	[OO_CHECK_TYPE_EXEC] = &config_check_exec,
	[OO_CHECK_TYPE_FILE] = &config_check_file,
	[OO_CHECK_TYPE_DISK] = &config_check_disk,
	[OO_CHECK_TYPE_PROCESS] = &config_check_process,
	[OO_CHECK_TYPE_UNIT] = &config_check_unit,
	[OO_CHECK_TYPE_CONTAINER] = &config_check_container,
	[OO_CHECK_TYPE_LINK] = &config_check_link,
	[OO_CHECK_TYPE_GATEWAY] = &config_check_gateway,
	[OO_CHECK_TYPE_AMQP] = &config_check_amqp,
	[OO_CHECK_TYPE_POSTGRES] = &config_check_postgres,
};

/* Writes "http, tcp and file are possible". */
static void write_types(char text[static TYPES_LENGTH])
{
	size_t length = 0;
	for (enum oo_check_type type = OO_CHECK_TYPE_NONE + 1; type < OO_CHECK_TYPE_END; type++) {
		const char *between = type == OO_CHECK_TYPE_NONE + 1  ? ""
				      : type == OO_CHECK_TYPE_END - 1 ? " and "
								      : ", ";
		length += (size_t)snprintf(text + length, TYPES_LENGTH - length, "%s%s", between,
					   oo_check_type_name(type));
		assert(length < TYPES_LENGTH);
	}
	length += (size_t)snprintf(text + length, TYPES_LENGTH - length, " are possible");
	assert(length < TYPES_LENGTH);
}

/* NONE if there is none of that name. text may be NULL. */
static enum oo_check_type type_of(const char *text)
{
	enum oo_check_type type = OO_CHECK_TYPE_END - 1;
	while (type > OO_CHECK_TYPE_NONE &&
	       (text == NULL || !oo_text_equal(text, oo_check_type_name(type)))) {
		type--;
	}
	return type;
}

static bool parse_type(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	char types[TYPES_LENGTH];
	const char *text = config_text(reader, node);

	(void)key; /* no limits */
	if (text == NULL) {
		return false;
	}
	enum oo_check_type type = type_of(text);
	if (type != OO_CHECK_TYPE_NONE) {
		memcpy(target, &type, sizeof(type));
		return true;
	}
	write_types(types);
	return config_wrong(reader, node, "unknown type; %s", types);
}

static int write_type(struct config_writer *writer, const struct config_key *key, const void *value)
{
	const enum oo_check_type *type = value;
	(void)key;
	return config_write_text(writer, oo_check_type_name(*type));
}

static const struct config_key common_keys[COMMON_END] = {
	[COMMON_NAME] = {.name = "name",
			 .parse = config_parse_name,
			 CONFIG_AT(oo_config_check, spec.name),
			 .least = 1,
			 .required = "name the check"},
	[COMMON_TYPE] = {.name = "type",
			 .parse = parse_type,
			 .write = write_type,
			 CONFIG_AT(oo_config_check, spec.type)},
	[COMMON_INTERVAL] = {.name = "interval",
			     .parse = config_parse_duration,
			     CONFIG_AT(oo_config_check, spec.interval_ms),
			     .least = 100,
			     .most = 60 * CONFIG_MINUTE_MS},
	[COMMON_FAST_INTERVAL] = {.name = "fast_interval",
				  .parse = config_parse_duration,
				  CONFIG_AT(oo_config_check, spec.fast_interval_ms),
				  .least = 100,
				  .most = 60 * CONFIG_MINUTE_MS},
	[COMMON_TIMEOUT] = {.name = "timeout",
			    .parse = config_parse_duration,
			    CONFIG_AT(oo_config_check, spec.timeout_ms),
			    .least = 10,
			    .most = CONFIG_MINUTE_MS},
	[COMMON_GRACE] = {.name = "grace",
			  .parse = config_parse_duration,
			  CONFIG_AT(oo_config_check, spec.grace_ms),
			  .least = 0,
			  .most = 60 * CONFIG_MINUTE_MS},
	[COMMON_RISE] = {.name = "rise",
			 .parse = config_parse_number,
			 CONFIG_AT(oo_config_check, rise),
			 .least = 1,
			 .most = 100},
	[COMMON_FALL] = {.name = "fall",
			 .parse = config_parse_number,
			 CONFIG_AT(oo_config_check, fall),
			 .least = 1,
			 .most = 100},
	[COMMON_REQUIRED] = {.name = "required",
			     .parse = config_parse_denied,
			     CONFIG_AT(oo_config_check, optional)},
	[COMMON_SHARED] = {.name = "shared",
			   .parse = config_parse_flag,
			   CONFIG_AT(oo_config_check, shared)},
};
/* The keys of a type have their place in the check from its spec on. */
_Static_assert(offsetof(struct oo_config_check, spec) == 0, "the spec comes first");
static const struct config_schema check_schema = CONFIG_SCHEMA(common_keys);

/* The keys of all checks, then those of a type. */
struct whole_schema {
	struct config_schema schema;
	enum oo_check_type type;
	char types[TYPES_LENGTH]; /* what to say when there is no type */
	struct config_key keys[CONFIG_KEYS];
};

static bool has_key(const struct config_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->n; i++) {
		if (oo_text_equal(schema->keys[i].name, name)) {
			return true;
		}
	}
	return false;
}

/* A key that other types have is no mistyped one. */
static bool say_stray(struct config_reader *reader, const struct config_schema *schema,
		      struct fy_node_pair *pair)
{
	const struct whole_schema *whole = oo_container_of(schema, struct whole_schema, schema);
	struct fy_node *key = fy_node_pair_key(pair);
	const char *name = key != NULL ? fy_node_get_scalar0(key) : NULL;

	for (size_t i = 0; name != NULL && i < OO_CHECK_TYPE_END; i++) {
		if (!has_key(&kinds[i]->schema, name)) {
			continue;
		}
		if (whole->type != OO_CHECK_TYPE_NONE) { /* else it may be of the type meant */
			config_wrong(reader, fy_node_pair_value(pair),
				     "not for a check of type %s; leave the key out",
				     oo_check_type_name(whole->type));
		}
		return true;
	}
	return false;
}

static void join(struct whole_schema *whole, enum oo_check_type type)
{
	const struct config_schema *own = &kinds[type]->schema;

	assert(COMMON_END + own->n <= CONFIG_KEYS);
	*whole = (struct whole_schema){
		.schema = {.keys = whole->keys, .n = COMMON_END + own->n, .stray = say_stray},
		.type = type,
	};
	memcpy(whole->keys, common_keys, sizeof(common_keys));
	for (size_t i = 0; i < own->n; i++) {
		whole->keys[COMMON_END + i] = own->keys[i];
	}
	write_types(whole->types);
	whole->keys[COMMON_TYPE].required = whole->types;
}

/* Which keys there are depends on the type: it is looked at first. NONE if it is not one. */
static enum oo_check_type find_type(struct fy_node *node)
{
	struct fy_node *value =
		fy_node_is_mapping(node)
			? fy_node_mapping_lookup_value_by_simple_key(node, "type", 4)
			: NULL;
	bool plain = value != NULL && fy_node_is_scalar(value) && !fy_node_is_alias(value);
	return plain ? type_of(fy_node_get_scalar0(value)) : OO_CHECK_TYPE_NONE;
}

static bool parse_check(struct config_reader *reader, struct fy_node *node,
			const struct config_key *key, void *target)
{
	struct fy_node *values[CONFIG_KEYS] = {NULL};
	struct oo_config_check *check = target;
	struct oo_check_spec *spec = &check->spec;
	enum oo_check_type type = find_type(node);
	struct whole_schema whole;

	(void)key; /* no limits */
	const struct config_check_kind *kind = kinds[type];
	*check = (struct oo_config_check){.spec = {.interval_ms = 2000}, .rise = 2, .fall = 2};
	if (kind->set_defaults != NULL) {
		kind->set_defaults(spec);
	}
	join(&whole, type);
	if (!config_parse_mapping(reader, node, &whole.schema, check, values) ||
	    (kind->check != NULL && !kind->check(reader, node, spec, values + COMMON_END))) {
		return false;
	}
	if (values[COMMON_TIMEOUT] == NULL) {
		spec->timeout_ms =
			spec->interval_ms < CONFIG_MINUTE_MS ? spec->interval_ms : CONFIG_MINUTE_MS;
	}
	if (spec->fast_interval_ms > spec->interval_ms) {
		return config_wrong(reader, values[COMMON_FAST_INTERVAL],
				    "longer than the interval; make it shorter, or leave it out");
	}
	if (check->shared && check->optional) {
		return config_wrong(reader, values[COMMON_SHARED],
				    "not together with required: no, which moves nobody anyhow; "
				    "leave one of them out");
	}
	return true;
}

static int write_check(struct config_writer *writer, const struct config_key *key,
		       const void *value)
{
	const struct oo_config_check *check = value;
	struct whole_schema whole;
	(void)key;
	join(&whole, check->spec.type);
	return config_write_section(writer, &whole.schema, check);
}

int64_t oo_config_check_notice_ms(const struct oo_config_check *check)
{
	int runs = check->rise > check->fall ? check->rise : check->fall;
	return 2 * check->spec.interval_ms + runs * check->spec.timeout_ms;
}

const struct config_list config_check_list = {
	.item = {.parse = parse_check, .schema = &check_schema, .write = write_check},
	CONFIG_LIST(oo_config, checks, n_checks),
};
