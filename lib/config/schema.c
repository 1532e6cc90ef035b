#include "config/schema.h"

#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/writer.h"

#define PATH_BYTES 1024
#define SOCKET_BYTES ((int64_t)sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static const struct config_key node_keys[] = {
	{.name = "name",
	 .parse = config_parse_name,
	 CONFIG_AT(oo_config_node, name),
	 .least = 1,
	 .fixed = true},
	{.name = "zone", .parse = config_parse_name, CONFIG_AT(oo_config_node, zone), .least = 0},
	{.name = "priority",
	 .parse = config_parse_number,
	 CONFIG_AT(oo_config_node, priority),
	 .least = 0,
	 .most = 1000},
};
static const struct config_schema node_schema = CONFIG_SCHEMA(node_keys);

static const struct config_list endpoint_list = {
	.item = {.parse = config_parse_endpoint},
	CONFIG_LIST(oo_config_texts, items, n),
};
enum etcd_key {
	ETCD_ENDPOINTS,
	ETCD_USERNAME,
	ETCD_PASSWORD_FILE,
	ETCD_CA_FILE,
	ETCD_CERT_FILE,
	ETCD_KEY_FILE,
};

static const struct config_key etcd_keys[] = {
	[ETCD_ENDPOINTS] = {.name = "endpoints",
			    .parse = config_parse_list,
			    CONFIG_AT(oo_config_etcd, endpoints.items),
			    .least = 1,
			    .most = OO_CONFIG_ENDPOINTS,
			    .required = "list etcd's members, as in [http://10.0.1.11:2379]",
			    .list = &endpoint_list},
	[ETCD_USERNAME] = {.name = "username",
			   .parse = config_parse_line,
			   CONFIG_AT(oo_config_etcd, username),
			   .least = 1,
			   .most = 256},
	[ETCD_PASSWORD_FILE] = {.name = "password_file",
				.parse = config_parse_secret_file,
				CONFIG_AT(oo_config_etcd, password_file),
				.most = PATH_BYTES},
	[ETCD_CA_FILE] = {.name = "ca_file",
			  .parse = config_parse_file,
			  CONFIG_AT(oo_config_etcd, ca_file),
			  .most = PATH_BYTES},
	[ETCD_CERT_FILE] = {.name = "cert_file",
			    .parse = config_parse_file,
			    CONFIG_AT(oo_config_etcd, cert_file),
			    .most = PATH_BYTES},
	[ETCD_KEY_FILE] = {.name = "key_file",
			   .parse = config_parse_secret_file,
			   CONFIG_AT(oo_config_etcd, key_file),
			   .most = PATH_BYTES},
};
static const struct config_schema etcd_schema = CONFIG_SCHEMA(etcd_keys);

/* Keys that are of no use without another. */
static bool check_etcd_pairs(struct config_reader *reader, struct fy_node *node,
			     struct fy_node *const *values)
{
	static const enum etcd_key pairs[][2] = {
		{ETCD_USERNAME, ETCD_PASSWORD_FILE},
		{ETCD_PASSWORD_FILE, ETCD_USERNAME},
		{ETCD_CERT_FILE, ETCD_KEY_FILE},
		{ETCD_KEY_FILE, ETCD_CERT_FILE},
	};
	bool right = true;

	for (size_t i = 0; i < OO_LENGTH(pairs); i++) {
		struct fy_node *given = values[pairs[i][0]];
		if (given != NULL && values[pairs[i][1]] == NULL) {
			right = config_wrong_key(reader, node, etcd_keys[pairs[i][1]].name,
						 config_line(given),
						 "missing; give it together with %s, or neither",
						 etcd_keys[pairs[i][0]].name);
		}
	}
	return right;
}

/* A file for TLS where nothing is encrypted: somebody believes in what is not so. */
static bool check_etcd_tls(struct config_reader *reader, const struct oo_config_etcd *etcd,
			   struct fy_node *const *values)
{
	struct fy_node *given =
		values[ETCD_CA_FILE] != NULL ? values[ETCD_CA_FILE] : values[ETCD_CERT_FILE];

	for (size_t i = 0; i < etcd->endpoints.n; i++) {
		if (strncmp(etcd->endpoints.items[i], "https:", 6) == 0) {
			return true;
		}
	}
	return given == NULL ||
	       config_wrong(reader, given,
			    "for TLS, but no endpoint uses it; write https:// in endpoints");
}

static bool parse_etcd(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	struct fy_node *values[CONFIG_KEYS] = {NULL};

	return config_parse_mapping(reader, node, key->schema, target, values) &&
	       check_etcd_pairs(reader, node, values) && check_etcd_tls(reader, target, values);
}

static void set_lease_defaults(struct oo_config_lease *lease)
{
	if (lease->renew_ms == 0) {
		lease->renew_ms = lease->ttl_ms / 6;
	}
	if (lease->margin_ms == 0) {
		lease->margin_ms = lease->ttl_ms / 20 > 100 ? lease->ttl_ms / 20 : 100;
	}
	lease->request_timeout_ms = lease->renew_ms * 4 / 5;
}

enum lease_key {
	LEASE_TTL,
	LEASE_RENEW,
	LEASE_MARGIN,
};

static const struct config_key lease_keys[] = {
	[LEASE_TTL] = {.name = "ttl",
		       .parse = config_parse_duration,
		       CONFIG_AT(oo_config_lease, ttl_ms),
		       .least = 500,
		       .most = 10 * CONFIG_MINUTE_MS},
	[LEASE_RENEW] = {.name = "renew",
			 .parse = config_parse_duration,
			 CONFIG_AT(oo_config_lease, renew_ms),
			 .least = 50,
			 .most = 10 * CONFIG_MINUTE_MS},
	[LEASE_MARGIN] = {.name = "margin",
			  .parse = config_parse_duration,
			  CONFIG_AT(oo_config_lease, margin_ms),
			  .least = 30, /* the fence closes some 20 ms late at the worst */
			  .most = 10 * CONFIG_MINUTE_MS},
};
static const struct config_schema lease_schema = CONFIG_SCHEMA(lease_keys);

static bool parse_lease(struct config_reader *reader, struct fy_node *node,
			const struct config_key *key, void *target)
{
	struct fy_node *values[CONFIG_KEYS] = {NULL};

	if (!config_parse_mapping(reader, node, key->schema, target, values)) {
		return false;
	}
	set_lease_defaults(target);
	return config_check_lease(reader, target,
				  &(struct config_lease_nodes){.ttl = values[LEASE_TTL],
							       .renew = values[LEASE_RENEW],
							       .margin = values[LEASE_MARGIN]});
}

/* Only its shape: it is resolved when all checks are known (config_check_whole). */
static bool parse_check_name(struct config_reader *reader, struct fy_node *node,
			     const struct config_key *key, void *target)
{
	(void)key;
	(void)target;
	return config_text(reader, node) != NULL;
}

static bool parse_check_names(struct config_reader *reader, struct fy_node *node,
			      const struct config_key *key, void *target)
{
	struct oo_config_texts names;

	(void)target; /* as parse_check_name */
	return config_parse_list(reader, node, key, &names.items);
}

static int write_check_names(struct config_writer *writer, const struct config_key *key,
			     const void *value)
{
	const bool *checks = value;
	bool is_first = true;
	(void)key;
	int r = oo_buffer_add(writer->out, "[", 1);
	for (size_t i = 0; i < writer->config->n_checks && r == 0; i++) {
		if (checks[i]) {
			r = is_first ? 0 : oo_buffer_add(writer->out, ",", 1);
			r = r < 0 ? r
				  : config_write_text(writer, writer->config->checks[i].spec.name);
			is_first = false;
		}
	}
	return r < 0 ? r : oo_buffer_add(writer->out, "]", 1);
}

static const struct config_list check_name_list = {
	.item = {.parse = parse_check_name},
	CONFIG_LIST(oo_config_texts, items, n),
};
static const char *const zones_choices[] = {"any", "stay", "spread", NULL};
static const struct config_key group_keys[] = {
	{.name = "name",
	 .parse = config_parse_name,
	 CONFIG_AT(oo_config_group, name),
	 .least = 1,
	 .required = "name the group, the same on all nodes"},
	{.name = "vips",
	 .parse = config_parse_list,
	 CONFIG_AT(oo_config_group, vips),
	 .least = 1,
	 .most = OO_CONFIG_VIPS,
	 .required = "list the group's addresses",
	 .list = &config_vip_list},
	{.name = "checks",
	 .parse = parse_check_names,
	 CONFIG_AT(oo_config_group, checks),
	 .least = 0,
	 .most = OO_CONFIG_CHECKS,
	 .list = &check_name_list,
	 .write = write_check_names},
	{.name = "priority",
	 .parse = config_parse_number,
	 CONFIG_AT(oo_config_group, priority),
	 .least = 0,
	 .most = 1000},
	{.name = "prefer_zone",
	 .parse = config_parse_name,
	 CONFIG_AT(oo_config_group, prefer_zone),
	 .least = 0},
	{.name = "zones",
	 .parse = config_parse_choice,
	 CONFIG_AT(oo_config_group, zones),
	 .choices = zones_choices},
	{.name = "failback",
	 .parse = config_parse_section,
	 CONFIG_AT(oo_config_group, failback),
	 .schema = &config_failback_schema},
};
static const struct config_schema group_schema = CONFIG_SCHEMA(group_keys);
static const struct config_list group_list = {
	.item = {.parse = config_parse_section, .schema = &group_schema},
	CONFIG_LIST(oo_config, groups, n_groups),
};

static const struct config_list path_list = {
	.item = {.parse = config_parse_path, .most = PATH_BYTES},
	CONFIG_LIST(oo_config_texts, items, n),
};
#define HOOKS(key)                                                                                 \
	{                                                                                          \
		.name = #key, .parse = config_parse_list, CONFIG_AT(oo_config_hooks, key.items),   \
		.least = 0, .most = OO_CONFIG_HOOKS, .list = &path_list                            \
	}
static const struct config_key hooks_keys[] = {
	HOOKS(pre_promote),
	HOOKS(promoted),
	HOOKS(pre_demote),
	HOOKS(demoted),
	HOOKS(eligible),
	HOOKS(ineligible),
	HOOKS(degraded),
	HOOKS(notify),
	{.name = "timeout",
	 .parse = config_parse_duration,
	 CONFIG_AT(oo_config_hooks, timeout_ms),
	 .least = 100,
	 .most = 10 * CONFIG_MINUTE_MS},
	{.name = "blocking_timeout",
	 .parse = config_parse_duration,
	 CONFIG_AT(oo_config_hooks, blocking_timeout_ms),
	 .least = 100,
	 .most = CONFIG_MINUTE_MS},
};
static const struct config_schema hooks_schema = CONFIG_SCHEMA(hooks_keys);

#define DOCUMENTSERVER(key, parser, bytes)                                                         \
	{                                                                                          \
		.name = #key, .parse = (parser), CONFIG_AT(oo_config_documentserver, key),         \
		.least = 1, .most = (bytes)                                                        \
	}
static const struct config_key documentserver_keys[] = {
	DOCUMENTSERVER(url, config_parse_base_url, 256),
	DOCUMENTSERVER(proxy_url, config_parse_base_url, 256),
	DOCUMENTSERVER(config_directory, config_parse_path, 200),
	DOCUMENTSERVER(log_directory, config_parse_path, 200),
	DOCUMENTSERVER(proxy_config, config_parse_path, 200),
	DOCUMENTSERVER(container, config_parse_name, 0),
	DOCUMENTSERVER(container_socket, config_parse_path, SOCKET_BYTES),
};
static const struct config_schema documentserver_schema = CONFIG_SCHEMA(documentserver_keys);

static const struct config_key tls_keys[] = {
	{.name = "cert_file",
	 .parse = config_parse_file,
	 CONFIG_AT(oo_config_api, tls.cert_file),
	 .most = PATH_BYTES,
	 .required = "give the certificate's file (PEM)"},
	{.name = "key_file",
	 .parse = config_parse_secret_file,
	 CONFIG_AT(oo_config_api, tls.key_file),
	 .most = PATH_BYTES,
	 .required = "give the file of the certificate's key (PEM)"},
};
static const struct config_schema tls_schema = CONFIG_SCHEMA(tls_keys);

enum api_key {
	API_SOCKET,
	API_LISTEN,
	API_TLS,
};

static const struct config_key api_keys[] = {
	[API_SOCKET] = {.name = "socket",
			.parse = config_parse_path,
			CONFIG_AT(oo_config_api, socket),
			.most = SOCKET_BYTES},
	[API_LISTEN] = {.name = "listen",
			.parse = config_parse_listen,
			CONFIG_AT(oo_config_api, listen)},
	[API_TLS] = {.name = "tls", .parse = config_parse_section, .schema = &tls_schema},
};
static const struct config_schema api_schema = CONFIG_SCHEMA(api_keys);

static bool names_any(const struct oo_config_service *service)
{
	return service->unit != NULL || service->container != NULL;
}

static bool has_repair(const void *structure)
{
	const struct oo_config_repair *repair = &((const struct oo_config *)structure)->repair;
	return names_any(&repair->documentserver) || names_any(&repair->converter) ||
	       names_any(&repair->proxy);
}

static bool parse_api(struct config_reader *reader, struct fy_node *node,
		      const struct config_key *key, void *target)
{
	struct fy_node *values[CONFIG_KEYS] = {NULL};

	return config_parse_mapping(reader, node, key->schema, target, values) &&
	       (values[API_TLS] == NULL || values[API_LISTEN] != NULL ||
		config_wrong(reader, values[API_TLS],
			     "of api.listen, which is not given; the socket is never encrypted"));
}

static const struct config_key root_keys[] = {
	{.name = "cluster",
	 .parse = config_parse_name,
	 CONFIG_AT(oo_config, cluster),
	 .fixed = true,
	 .least = 1,
	 .required = "name the cluster, the same on all nodes"},
	{.name = "node",
	 .parse = config_parse_section,
	 CONFIG_AT(oo_config, node),
	 .schema = &node_schema},
	{.name = "etcd",
	 .parse = parse_etcd,
	 CONFIG_AT(oo_config, etcd),
	 .required = "give at least its endpoints",
	 .schema = &etcd_schema},
	{.name = "lease",
	 .parse = parse_lease,
	 CONFIG_AT(oo_config, lease),
	 .schema = &lease_schema},
	{.name = "failback",
	 .parse = config_parse_section,
	 CONFIG_AT(oo_config, failback),
	 .schema = &config_failback_schema},
	{.name = "flap",
	 .parse = config_parse_section,
	 CONFIG_AT(oo_config, flap),
	 .schema = &config_flap_schema},
	{.name = "groups",
	 .parse = config_parse_list,
	 CONFIG_AT(oo_config, groups),
	 .least = 1,
	 .most = OO_CONFIG_GROUPS,
	 .required = "give at least one group with its vips",
	 .list = &group_list},
	{.name = "checks",
	 .parse = config_parse_list,
	 CONFIG_AT(oo_config, checks),
	 .least = 0,
	 .most = OO_CONFIG_CHECKS,
	 .list = &config_check_list},
	{.name = "documentserver",
	 .parse = config_parse_section,
	 CONFIG_AT(oo_config, documentserver),
	 .schema = &documentserver_schema},
	{.name = "repair",
	 .parse = config_parse_repair,
	 CONFIG_AT(oo_config, repair),
	 .schema = &config_repair_schema,
	 .given = has_repair},
	{.name = "hooks",
	 .parse = config_parse_section,
	 CONFIG_AT(oo_config, hooks),
	 .schema = &hooks_schema},
	{.name = "api", .parse = parse_api, CONFIG_AT(oo_config, api), .schema = &api_schema},
	{.name = "runtime_directory",
	 .parse = config_parse_path,
	 CONFIG_AT(oo_config, runtime_directory),
	 .fixed = true,
	 .most = PATH_BYTES},
};
const struct config_schema config_root_schema = CONFIG_SCHEMA(root_keys);

/* The host's name is the node's unless the file has one; it may not be fit for it. */
static bool set_node_name(struct config_reader *reader, struct fy_node *root)
{
	char host[256] = "";

	if (reader->config->node.name != NULL) {
		return true;
	}
	int r = gethostname(host, sizeof(host) - 1);
	if (r < 0 || !config_is_name(host)) {
		return config_wrong_key(reader, root, "node.name", config_line(root),
					"missing, and the host name '%s' cannot be one; name the "
					"node, other than all others of the cluster",
					host);
	}
	return config_set_text(reader, host, &reader->config->node.name);
}

bool config_parse_root(struct config_reader *reader, struct fy_node *root)
{
	struct fy_node *values[CONFIG_KEYS] = {NULL};
	struct oo_config *config = reader->config;

	config->node.zone = "";
	config->node.priority = 100;
	config->lease.ttl_ms = 3000;
	config->failback = (struct oo_config_failback){
		.mode = "never", .delay_ms = CONFIG_MINUTE_MS, .stable_ms = CONFIG_MINUTE_MS / 2};
	config->flap = (struct oo_config_flap){.moves = 4, .window_ms = 10 * CONFIG_MINUTE_MS};
	config->hooks.timeout_ms = 10000;
	config->hooks.blocking_timeout_ms = 2000;
	config->api.socket = "/run/ooha/ooha.sock";
	config->runtime_directory = "/run/ooha";
	if (!config_parse_mapping(reader, root, &config_root_schema, config, values)) {
		return false;
	}
	set_lease_defaults(&config->lease);
	return set_node_name(reader, root);
}
