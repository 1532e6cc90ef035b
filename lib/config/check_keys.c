/* What each type of check has of its own. A key may be of several types, at different places. */
#include <stddef.h>

#include "config/schema.h"

#define AT(member) CONFIG_AT(oo_check_spec, member)

#define LIMIT(key, member)                                                                         \
	{                                                                                          \
		.name = (key), .parse = config_parse_duration, AT(limits.member), .least = 1,      \
		.most = CONFIG_MINUTE_MS                                                           \
	}

static const struct config_key limit_keys[] = {
	LIMIT("name", name_ms),
	LIMIT("connect", connect_ms),
	LIMIT("tls", tls_ms),
	LIMIT("first_byte", first_byte_ms),
};
static const struct config_schema limit_schema = CONFIG_SCHEMA(limit_keys);

/* Of the types that open a connection. */
#define TIMEOUTS                                                                                   \
	{                                                                                          \
		.name = "timeouts", .parse = config_parse_section, .schema = &limit_schema         \
	}

static const struct config_key expect_keys[] = {
	{.name = "status",
	 .parse = config_parse_number,
	 AT(http.expect_status),
	 .least = 100,
	 .most = 599},
	{.name = "body",
	 .parse = config_parse_text,
	 AT(http.expect_body),
	 .least = 1,
	 .most = 1024},
};
static const struct config_schema expect_schema = CONFIG_SCHEMA(expect_keys);

static const struct config_key http_keys[] = {
	{.name = "url",
	 .parse = config_parse_url,
	 AT(http.url),
	 .required = "give the URL to ask, as in http://127.0.0.1/healthcheck"},
	{.name = "expect",
	 .parse = config_parse_section,
	 .offset = 0, /* its members are the check's */
	 .schema = &expect_schema},
	TIMEOUTS,
};

static void set_http_defaults(struct oo_check_spec *spec)
{
	spec->http.expect_status = 200;
}

static const struct config_key tcp_keys[] = {
	{.name = "address",
	 .parse = config_parse_address,
	 AT(tcp.address),
	 .required = "give host and port to connect to, as in 127.0.0.1:5432"},
	TIMEOUTS,
};

const struct config_check_kind config_check_kinds[OO_CHECK_TYPE_END] = {
	[OO_CHECK_TYPE_HTTP] = {.schema = CONFIG_SCHEMA(http_keys),
				.set_defaults = set_http_defaults},
	[OO_CHECK_TYPE_TCP] = {.schema = CONFIG_SCHEMA(tcp_keys)},
};
