#ifndef OO_CONFIG_SCHEMA_H
#define OO_CONFIG_SCHEMA_H
/*
 * The file's shape as tables: a mapping is a list of keys, each with its one parser. Private to
 * lib/config.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "config/reader.h"

#define CONFIG_KEYS 40 /* most in one mapping */

#define CONFIG_AT(structure, member) .offset = offsetof(struct structure, member)
/* Where a list's items and their number go: a pointer and a size_t of one structure. */
#define CONFIG_LIST(structure, items, n)                                                           \
	.size = sizeof(*((struct structure *)0)->items),                                           \
	.count_offset = offsetof(struct structure, n) - offsetof(struct structure, items)
#define CONFIG_SCHEMA(table)                                                                       \
	{                                                                                          \
		.keys = (table), .n = OO_LENGTH(table)                                             \
	}
#define CONFIG_MINUTE_MS (INT64_C(60) * 1000)

struct config_key;

/*
 * Parses the value at node into target, the place of the key's member. Returns false, with target
 * untouched or partly filled, after saying what is wrong (or noting that memory ran out).
 */
typedef bool config_parse_fn(struct config_reader *reader, struct fy_node *node,
			     const struct config_key *key, void *target);

struct config_writer;

/*
 * Writes the value at value as JSON: the opposite of parsing it. Returns 0, CONFIG_OMITTED (nothing
 * written: it is not given), -ENOMEM or -EMSGSIZE.
 */
typedef int config_write_fn(struct config_writer *writer, const struct config_key *key,
			    const void *value);

struct config_key {
	const char *name;
	config_parse_fn *parse;
	size_t offset;        /* of the member in the mapping's structure */
	int64_t least, most;  /* number; ms of a duration; bytes of a text; items of a list */
	const char *required; /* what to give when it is missing; NULL: may be missing */
	const struct config_schema *schema; /* of a mapping */
	const struct config_list *list;     /* of a list */
	const char *const *choices;         /* of a choice, ended by NULL */
	bool secret;                        /* may hold one: is not shown */
	bool fixed; /* only a restart changes it, no reload: as agent/compare.c has it */
	config_write_fn *write; /* NULL: by parse (write.c) */
	bool (*given)(
		const void *structure); /* whether it is part of the whole; NULL: by its value */
};

struct config_list {
	struct config_key item;
	size_t size;         /* of one item */
	size_t count_offset; /* from the items' pointer to the size_t that counts them */
};

/* Says of a key that is not of the schema what there is to say; false: nothing. */
typedef bool config_stray_fn(struct config_reader *reader, const struct config_schema *schema,
			     struct fy_node_pair *pair);

struct config_schema {
	const struct config_key *keys;
	size_t n;
	config_stray_fn *stray; /* NULL: what is said of all unknown keys */
};

/*
 * Parses a mapping into target.
 * ret_values  CONFIG_KEYS nodes, the i-th that of schema->keys[i], NULL where it is not given.
 */
bool config_parse_mapping(struct config_reader *reader, struct fy_node *node,
			  const struct config_schema *schema, void *target,
			  struct fy_node **ret_values);

config_parse_fn config_parse_section; /* a mapping of key->schema; target is its structure */
config_parse_fn config_parse_list;    /* of key->list; target is the items' pointer */

/* Whether the node is of that type; if not, says so and what would be right. */
bool config_expect(struct config_reader *reader, struct fy_node *node, enum fy_node_type type,
		   const char *right);

/* The single value at node, borrowed from it; NULL after saying what is wrong. */
const char *config_text(struct config_reader *reader, struct fy_node *node);

/* Single values. The target's type behind each. */
config_parse_fn config_parse_name;          /* const char *: letters, digits, . _ - */
config_parse_fn config_parse_text;          /* const char * */
config_parse_fn config_parse_line;          /* const char *: one line */
config_parse_fn config_parse_number;        /* int */
config_parse_fn config_parse_duration;      /* int64_t: ms */
config_parse_fn config_parse_path;          /* const char *: absolute */
config_parse_fn config_parse_file;          /* const char *: absolute, a readable file */
config_parse_fn config_parse_secret_file;   /* the same, and not everybody's */
config_parse_fn config_parse_password_file; /* the same, but of a .json */
config_parse_fn config_parse_interface;     /* const char * */
config_parse_fn config_parse_vip;           /* const char *: canonical, with prefix */
config_parse_fn config_parse_address;       /* struct oo_check_address: a name or address, port */
config_parse_fn config_parse_listen;        /* struct oo_config_address: an address, port */
config_parse_fn config_parse_endpoint;      /* const char *: URL of scheme, host and port alone */
config_parse_fn config_parse_url;           /* const char * */
config_parse_fn config_parse_base_url;      /* const char *: of scheme, host and port alone */

config_parse_fn config_parse_flag;         /* bool: yes or no */
config_parse_fn config_parse_denied;       /* bool: no or yes: whether it is not so */
config_parse_fn config_parse_choice;       /* const char *: one of key->choices */
config_parse_fn config_parse_regex;        /* const char *: POSIX extended */
config_parse_fn config_parse_statuses;     /* struct oo_check_expect: its statuses */
config_parse_fn config_parse_size;         /* struct oo_check_room: bytes or per cent */
config_parse_fn config_parse_count;        /* struct oo_check_room: a number or per cent */
config_parse_fn config_parse_ip;           /* const char *: an address, no name, no prefix */
config_parse_fn config_parse_unit;         /* const char *: a unit's name with its suffix */
config_parse_fn config_parse_table;        /* const char *: a table of SQL's */
config_parse_fn config_parse_header;       /* const char *: "Name: value" */
config_parse_fn config_parse_token;        /* const char *: a word of HTTP, as a header's name */
config_parse_fn config_parse_json_pointer; /* const char *: RFC 6901 */
config_parse_fn config_parse_free;         /* struct oo_config_settings: any mapping */
config_write_fn config_write_free;         /* the opposite */

config_parse_fn config_parse_repair; /* struct oo_config_repair: repair.c */
extern const struct config_schema config_repair_schema;
extern const struct config_schema config_failback_schema, config_flap_schema; /* moving.c */

/* Whether text is fit for a name (config_parse_name). */
bool config_is_name(const char *text);

/* The checks: check.c; a group's VIPs: vip.c. */
extern const struct config_list config_check_list, config_vip_list;

/* The keys that one type of check has besides those that all have: check_keys*.c. */
struct config_check_kind {
	struct config_schema schema; /* of the check's structure */
	/* Sets what the kind has by default, before the keys are read. NULL: nothing. */
	void (*set_defaults)(struct oo_check_spec *spec);
	/* What must fit together. values: of schema's keys. NULL: nothing. */
	bool (*check)(struct config_reader *reader, struct fy_node *node,
		      struct oo_check_spec *spec, struct fy_node *const *values);
};

extern const struct config_check_kind config_check_http, config_check_tcp, config_check_exec,
	config_check_file, config_check_disk, config_check_process, config_check_link,
	config_check_gateway, config_check_unit, config_check_container, config_check_amqp,
	config_check_postgres;

/* Parses the root of the document into reader->config, defaults where nothing is given. */
bool config_parse_root(struct config_reader *reader, struct fy_node *root);

/* The nodes of a lease's values; NULL where the default holds. */
struct config_lease_nodes {
	struct fy_node *ttl, *renew, *margin;
};

extern const struct config_schema config_root_schema;

/* Whether the values are possible together: rule 1 of the header. */
bool config_check_lease(struct config_reader *reader, const struct oo_config_lease *lease,
			const struct config_lease_nodes *given);

/* What must be true between sections once each is right by itself; resolves groups[].checks. */
void config_check_whole(struct config_reader *reader, struct fy_node *root);

#endif
