/* The keys of the types of checks that connect to something. */
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "config/check_keys.h"

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
const struct config_schema config_limit_schema = CONFIG_SCHEMA(limit_keys);

/* The members of a check's TLS; at is where it is in the spec. */
#define TLS_KEYS(at)                                                                               \
	{                                                                                          \
		{.name = "verify", .parse = config_parse_denied, AT(at.unverified)},               \
			{.name = "ca_file",                                                        \
			 .parse = config_parse_file,                                               \
			 AT(at.ca_file),                                                           \
			 .most = PATH_BYTES},                                                      \
			{.name = "server_name", .parse = config_parse_name, AT(at.server_name)},   \
			{.name = "days_left",                                                      \
			 .parse = config_parse_number,                                             \
			 AT(at.days_left),                                                         \
			 .least = 1,                                                               \
			 .most = 3650},                                                            \
	}

static const struct config_key json_keys[] = {
	{.name = "pointer",
	 .parse = config_parse_json_pointer,
	 AT(http.expect.json_pointer),
	 .least = 1,
	 .most = 256,
	 .required = "name the value to look at, as in /shutdown"},
	{.name = "value",
	 .parse = config_parse_line,
	 AT(http.expect.json_value),
	 .least = 0,
	 .most = TEXT_BYTES,
	 .required = "give what it must be"},
};
static const struct config_schema json_schema = CONFIG_SCHEMA(json_keys);

static const struct config_key expect_keys[] = {
	{.name = "status", .parse = config_parse_statuses, AT(http.expect)},
	{.name = "body",
	 .parse = config_parse_text,
	 AT(http.expect.body),
	 .least = 1,
	 .most = TEXT_BYTES},
	{.name = "contains",
	 .parse = config_parse_text,
	 AT(http.expect.contains),
	 .least = 1,
	 .most = TEXT_BYTES},
	{.name = "regex",
	 .parse = config_parse_regex,
	 AT(http.expect.regex),
	 .least = 1,
	 .most = TEXT_BYTES},
	{.name = "json", .parse = config_parse_section, .schema = &json_schema},
};
/* Sections within a check have no offset: their members are the check's. */
static const struct config_schema expect_schema = CONFIG_SCHEMA(expect_keys);

static const struct config_key http_tls_keys[] = TLS_KEYS(http.tls);
static const struct config_schema http_tls_schema = CONFIG_SCHEMA(http_tls_keys);

static const struct config_key jwt_keys[] = {
	{.name = "secret_file",
	 .parse = config_parse_secret_file,
	 AT(http.jwt_secret_file),
	 .most = PATH_BYTES,
	 .required = "name the file that has the secret"},
	{.name = "header",
	 .parse = config_parse_token,
	 AT(http.jwt_header),
	 .least = 1,
	 .most = 64},
};
static const struct config_schema jwt_schema = CONFIG_SCHEMA(jwt_keys);

static const struct config_list header_list = {
	.item = {.parse = config_parse_header, .least = 1, .most = TEXT_BYTES},
	CONFIG_LIST(oo_check_texts, items, n),
};
static const char *const methods[] = {"GET", "HEAD", "POST", "OPTIONS", NULL};

enum http_key {
	HTTP_URL,
	HTTP_METHOD,
	HTTP_BODY,
	HTTP_TLS,
};

static bool is_https(const void *structure)
{
	const struct oo_check_spec *spec = structure;
	return strncmp(spec->http.url, "https:", 6) == 0;
}

static const struct config_key http_keys[] = {
	[HTTP_URL] = {.name = "url",
		      .parse = config_parse_url,
		      AT(http.url),
		      .required = "give the URL to ask, as in http://127.0.0.1/healthcheck"},
	[HTTP_METHOD] = {.name = "method",
			 .parse = config_parse_choice,
			 AT(http.method),
			 .choices = methods},
	[HTTP_BODY] = {.name = "body",
		       .parse = config_parse_text,
		       AT(http.body),
		       .secret = true,
		       .least = 1,
		       .most = TEXT_BYTES},
	[HTTP_TLS] = {.name = "tls",
		      .parse = config_parse_section,
		      .schema = &http_tls_schema,
		      .given = is_https},
	{.name = "headers",
	 .parse = config_parse_list,
	 AT(http.headers.items),
	 .least = 0,
	 .most = 16,
	 .list = &header_list},
	{.name = "host", .parse = config_parse_line, AT(http.host), .least = 1, .most = 256},
	{.name = "follow_redirects", .parse = config_parse_flag, AT(http.follow)},
	{.name = "jwt", .parse = config_parse_section, .schema = &jwt_schema},
	{.name = "expect", .parse = config_parse_section, .schema = &expect_schema},
	TIMEOUTS,
};

static void set_http_defaults(struct oo_check_spec *spec)
{
	spec->http.method = "GET";
	spec->http.expect.statuses[0] = (struct oo_check_range){200, 200};
	spec->http.expect.n_statuses = 1;
}

static bool check_http(struct config_reader *reader, struct fy_node *node,
		       struct oo_check_spec *spec, struct fy_node *const *values)
{
	(void)node;
	if (values[HTTP_TLS] != NULL && strncmp(spec->http.url, "https:", 6) != 0) {
		return config_wrong(reader, values[HTTP_TLS],
				    "for TLS, but the url is not https; leave the key out");
	}
	if (values[HTTP_BODY] != NULL && !oo_text_equal(spec->http.method, "POST")) {
		return config_wrong(reader, values[HTTP_BODY],
				    "only a POST is sent with a body; add method: POST");
	}
	return true;
}

const struct config_check_kind config_check_http = {
	.schema = CONFIG_SCHEMA(http_keys), .set_defaults = set_http_defaults, .check = check_http};

static const struct config_key tcp_tls_keys[] = TLS_KEYS(tcp.tls);
static const struct config_schema tcp_tls_schema = CONFIG_SCHEMA(tcp_tls_keys);

enum tcp_key {
	TCP_TLS,
};

static bool has_tcp_tls(const void *structure)
{
	return ((const struct oo_check_spec *)structure)->tcp.uses_tls;
}

static const struct config_key tcp_keys[] = {
	[TCP_TLS] = {.name = "tls",
		     .parse = config_parse_section,
		     .schema = &tcp_tls_schema,
		     .given = has_tcp_tls},
	{.name = "address",
	 .parse = config_parse_address,
	 AT(tcp.address),
	 .required = "give host and port to connect to, as in 127.0.0.1:5432"},
	{.name = "send",
	 .parse = config_parse_text,
	 AT(tcp.send),
	 .least = 1,
	 .most = TEXT_BYTES,
	 .secret = true},
	{.name = "expect",
	 .parse = config_parse_text,
	 AT(tcp.expect),
	 .least = 1,
	 .most = TEXT_BYTES},
	TIMEOUTS,
};

static bool check_tcp(struct config_reader *reader, struct fy_node *node,
		      struct oo_check_spec *spec, struct fy_node *const *values)
{
	(void)reader;
	(void)node;
	spec->tcp.uses_tls = values[TCP_TLS] != NULL;
	return true;
}

const struct config_check_kind config_check_tcp = {.schema = CONFIG_SCHEMA(tcp_keys),
						   .check = check_tcp};

#define LOGIN_KEYS(type)                                                                           \
	{.name = "user", .parse = config_parse_line, AT(type.user), .least = 1, .most = 128},      \
		{.name = "password_file",                                                          \
		 .parse = config_parse_password_file,                                              \
		 AT(type.password_file),                                                           \
		 .most = PATH_BYTES},                                                              \
	{                                                                                          \
		.name = "password_pointer", .parse = config_parse_json_pointer,                    \
		AT(type.password_pointer), .least = 1, .most = 256                                 \
	}

static const struct config_key amqp_tls_keys[] = TLS_KEYS(amqp.tls);
static const struct config_schema amqp_tls_schema = CONFIG_SCHEMA(amqp_tls_keys);

enum amqp_key {
	AMQP_TLS,
	AMQP_QUEUE,
	AMQP_CONSUMERS,
};

static bool has_queue(const void *structure)
{
	return ((const struct oo_check_spec *)structure)->amqp.queue != NULL;
}

static bool has_amqp_tls(const void *structure)
{
	return ((const struct oo_check_spec *)structure)->amqp.uses_tls;
}

static const struct config_key amqp_keys[] = {
	[AMQP_TLS] = {.name = "tls",
		      .parse = config_parse_section,
		      .schema = &amqp_tls_schema,
		      .given = has_amqp_tls},
	[AMQP_QUEUE] = {.name = "queue",
			.parse = config_parse_line,
			AT(amqp.queue),
			.least = 1,
			.most = 255},
	[AMQP_CONSUMERS] = {.name = "consumers",
			    .parse = config_parse_number,
			    AT(amqp.consumers),
			    .given = has_queue,
			    .least = 0,
			    .most = 100000},
	{.name = "address", .parse = config_parse_address, AT(amqp.address)},
	{.name = "publish", .parse = config_parse_flag, AT(amqp.publishes)},
	LOGIN_KEYS(amqp),
	{.name = "vhost", .parse = config_parse_line, AT(amqp.vhost), .least = 1, .most = 255},
	TIMEOUTS,
};

static void set_amqp_defaults(struct oo_check_spec *spec)
{
	spec->interval_ms = 10000; /* a broker logs each connection */
	spec->amqp.address = (struct oo_check_address){"127.0.0.1", 5672};
	spec->amqp.user = "guest";
	spec->amqp.vhost = "/";
	spec->amqp.consumers = 1;
}

/* A place in a file that is not given. */
static bool check_pointer(struct config_reader *reader, struct fy_node *node, const char *pointer,
			  const char *file)
{
	return pointer == NULL || file != NULL ||
	       config_wrong_key(reader, node, "password_pointer", config_line(node),
				"of no file; give password_file too");
}

static bool check_amqp(struct config_reader *reader, struct fy_node *node,
		       struct oo_check_spec *spec, struct fy_node *const *values)
{
	spec->amqp.uses_tls = values[AMQP_TLS] != NULL;
	if (!check_pointer(reader, node, spec->amqp.password_pointer, spec->amqp.password_file)) {
		return false;
	}
	return values[AMQP_CONSUMERS] == NULL || values[AMQP_QUEUE] != NULL ||
	       config_wrong(reader, values[AMQP_CONSUMERS], "of no queue; give the queue too");
}

const struct config_check_kind config_check_amqp = {
	.schema = CONFIG_SCHEMA(amqp_keys), .set_defaults = set_amqp_defaults, .check = check_amqp};

static const struct config_list table_list = {
	.item = {.parse = config_parse_table},
	CONFIG_LIST(oo_check_texts, items, n),
};

static const struct config_key postgres_keys[] = {
	{.name = "address", .parse = config_parse_address, AT(postgres.address)},
	LOGIN_KEYS(postgres),
	{.name = "database",
	 .parse = config_parse_line,
	 AT(postgres.database),
	 .least = 1,
	 .most = 63,
	 .required = "name the database, as in onlyoffice"},
	{.name = "read_only", .parse = config_parse_flag, AT(postgres.read_only)},
	{.name = "tables",
	 .parse = config_parse_list,
	 AT(postgres.tables.items),
	 .least = 0,
	 .most = 16,
	 .list = &table_list},
	{.name = "connections",
	 .parse = config_parse_number,
	 AT(postgres.connections),
	 .least = 0,
	 .most = 100000},
	TIMEOUTS,
};

static void set_postgres_defaults(struct oo_check_spec *spec)
{
	spec->postgres.address = (struct oo_check_address){"127.0.0.1", 5432};
	spec->postgres.user = "onlyoffice";
	spec->postgres.connections = 1;
}

static bool check_postgres(struct config_reader *reader, struct fy_node *node,
			   struct oo_check_spec *spec, struct fy_node *const *values)
{
	(void)values;
	return check_pointer(reader, node, spec->postgres.password_pointer,
			     spec->postgres.password_file);
}

const struct config_check_kind config_check_postgres = {.schema = CONFIG_SCHEMA(postgres_keys),
							.set_defaults = set_postgres_defaults,
							.check = check_postgres};
