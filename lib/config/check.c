#include <string.h>

#include "base/text.h"
#include "config/schema.h"

enum check_key {
	CHECK_NAME,
	CHECK_TYPE,
	CHECK_URL,
	CHECK_EXPECT,
	CHECK_ADDRESS,
	CHECK_INTERVAL,
	CHECK_TIMEOUT,
	CHECK_RISE,
	CHECK_FALL,
};

static bool parse_type(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	enum oo_config_check_type type = OO_CONFIG_CHECK_HTTP;
	const char *text = config_text(reader, node);

	(void)key; /* no limits */
	if (text == NULL) {
		return false;
	}
	if (oo_text_equal(text, "tcp")) {
		type = OO_CONFIG_CHECK_TCP;
	} else if (!oo_text_equal(text, "http")) {
		return config_wrong(reader, node, "unknown type; http and tcp are possible");
	}
	memcpy(target, &type, sizeof(type));
	return true;
}

static const struct config_key expect_keys[] = {
	{.name = "status",
	 .parse = config_parse_number,
	 CONFIG_AT(oo_config_check, expect_status),
	 .least = 100,
	 .most = 599},
	{.name = "body",
	 .parse = config_parse_text,
	 CONFIG_AT(oo_config_check, expect_body),
	 .least = 1,
	 .most = 1024},
};
static const struct config_schema expect_schema = CONFIG_SCHEMA(expect_keys);

static const struct config_key check_keys[] = {
	[CHECK_NAME] = {.name = "name",
			.parse = config_parse_name,
			CONFIG_AT(oo_config_check, name),
			.least = 1,
			.required = "name the check"},
	[CHECK_TYPE] = {.name = "type",
			.parse = parse_type,
			CONFIG_AT(oo_config_check, type),
			.required = "http and tcp are possible"},
	[CHECK_URL] = {.name = "url", .parse = config_parse_url, CONFIG_AT(oo_config_check, url)},
	[CHECK_EXPECT] = {.name = "expect",
			  .parse = config_parse_section,
			  .offset = 0, /* its members are the check's */
			  .schema = &expect_schema},
	[CHECK_ADDRESS] = {.name = "address",
			   .parse = config_parse_address,
			   CONFIG_AT(oo_config_check, address)},
	[CHECK_INTERVAL] = {.name = "interval",
			    .parse = config_parse_duration,
			    CONFIG_AT(oo_config_check, interval_ms),
			    .least = 100,
			    .most = CONFIG_MINUTE_MS},
	[CHECK_TIMEOUT] = {.name = "timeout",
			   .parse = config_parse_duration,
			   CONFIG_AT(oo_config_check, timeout_ms),
			   .least = 10,
			   .most = CONFIG_MINUTE_MS},
	[CHECK_RISE] = {.name = "rise",
			.parse = config_parse_number,
			CONFIG_AT(oo_config_check, rise),
			.least = 1,
			.most = 100},
	[CHECK_FALL] = {.name = "fall",
			.parse = config_parse_number,
			CONFIG_AT(oo_config_check, fall),
			.least = 1,
			.most = 100},
};
static const struct config_schema check_schema = CONFIG_SCHEMA(check_keys);

/* url and expect belong to http, address to tcp. */
static bool check_type_keys(struct config_reader *reader, struct fy_node *node,
			    const struct oo_config_check *check, struct fy_node *const *values)
{
	bool http = check->type == OO_CONFIG_CHECK_HTTP;
	bool right = true;

	if (http && values[CHECK_URL] == NULL) {
		right = config_wrong_key(reader, node, "url", config_line(node),
					 "missing; give the URL to ask, as in "
					 "http://127.0.0.1/healthcheck");
	}
	if (!http && values[CHECK_ADDRESS] == NULL) {
		right = config_wrong_key(reader, node, "address", config_line(node),
					 "missing; give host and port to connect to, as in "
					 "127.0.0.1:5432");
	}
	for (enum check_key i = CHECK_URL; i <= CHECK_ADDRESS; i++) {
		if (values[i] != NULL && http == (i == CHECK_ADDRESS)) {
			right = config_wrong(reader, values[i],
					     "not for a check of type %s; leave the key out",
					     http ? "http" : "tcp");
		}
	}
	return right;
}

static bool parse_check(struct config_reader *reader, struct fy_node *node,
			const struct config_key *key, void *target)
{
	struct fy_node *values[CONFIG_KEYS] = {NULL};
	struct oo_config_check *check = target;

	*check = (struct oo_config_check){
		.expect_status = 200, .interval_ms = 2000, .rise = 2, .fall = 2};
	if (!config_parse_mapping(reader, node, key->schema, check, values) ||
	    !check_type_keys(reader, node, check, values)) {
		return false;
	}
	if (check->type == OO_CONFIG_CHECK_TCP) {
		check->expect_status = 0;
	}
	if (values[CHECK_TIMEOUT] == NULL) {
		check->timeout_ms = check->interval_ms;
	}
	return true;
}

const struct config_list config_check_list = {
	.item = {.parse = parse_check, .schema = &check_schema},
	CONFIG_LIST(oo_config, checks, n_checks),
};
