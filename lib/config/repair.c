/* `repair:`: what may be restarted, and how often. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/check_keys.h"
#include "config/writer.h"

#define SERVICE ".service"

static const struct config_key container_keys[] = {
	{.name = "container",
	 .parse = config_parse_name,
	 CONFIG_AT(oo_config_service, container),
	 .least = 1,
	 .required = "name the container"},
};
static const struct config_schema container_schema = CONFIG_SCHEMA(container_keys);

/* A socket, timer or target would start more than what is named. */
static bool is_service(const char *unit)
{
	size_t length = strlen(unit);
	return length > strlen(SERVICE) && oo_text_equal(unit + length - strlen(SERVICE), SERVICE);
}

/* A unit's name, or a mapping that names a container. */
static bool parse_service(struct config_reader *reader, struct fy_node *node,
			  const struct config_key *key, void *target)
{
	struct oo_config_service *service = target;
	struct fy_node *values[CONFIG_KEYS] = {NULL};

	if (fy_node_is_mapping(node) && !fy_node_is_alias(node)) {
		return config_parse_mapping(reader, node, &container_schema, service, values);
	}
	if (!config_parse_unit(reader, node, key, &service->unit)) {
		return false;
	}
	return is_service(service->unit) ||
	       config_wrong(reader, node,
			    "not a service; only units whose name ends in " SERVICE
			    " are restarted");
}

static int write_service(struct config_writer *writer, const struct config_key *key,
			 const void *value)
{
	const struct oo_config_service *service = value;
	(void)key;
	return service->container != NULL ? config_write_section(writer, &container_schema, service)
					  : config_write_text(writer, service->unit);
}

enum repair_key {
	REPAIR_DOCUMENTSERVER,
	REPAIR_CONVERTER,
	REPAIR_PROXY,
	REPAIR_CONTAINER_SOCKET,
	REPAIR_ATTEMPTS,
	REPAIR_WINDOW,
	REPAIR_BACKOFF,
};

static const struct config_key repair_keys[] = {
	[REPAIR_DOCUMENTSERVER] = {.name = "documentserver",
				   .parse = parse_service,
				   .write = write_service,
				   CONFIG_AT(oo_config_repair, documentserver)},
	[REPAIR_CONVERTER] = {.name = "converter",
			      .parse = parse_service,
			      .write = write_service,
			      CONFIG_AT(oo_config_repair, converter)},
	[REPAIR_PROXY] = {.name = "proxy",
			  .parse = parse_service,
			  .write = write_service,
			  CONFIG_AT(oo_config_repair, proxy)},
	[REPAIR_CONTAINER_SOCKET] = {.name = "container_socket",
				     .parse = config_parse_path,
				     CONFIG_AT(oo_config_repair, container_socket),
				     .most = CONFIG_SOCKET_BYTES},
	[REPAIR_ATTEMPTS] = {.name = "attempts",
			     .parse = config_parse_number,
			     CONFIG_AT(oo_config_repair, attempts),
			     .least = 1,
			     .most = OO_CONFIG_ATTEMPTS},
	[REPAIR_WINDOW] = {.name = "window",
			   .parse = config_parse_duration,
			   CONFIG_AT(oo_config_repair, window_ms),
			   .least = CONFIG_MINUTE_MS,
			   .most = 7 * 24 * 60 * CONFIG_MINUTE_MS},
	[REPAIR_BACKOFF] = {.name = "backoff",
			    .parse = config_parse_duration,
			    CONFIG_AT(oo_config_repair, backoff_ms),
			    .least = 1000,
			    .most = 60 * CONFIG_MINUTE_MS},
};
const struct config_schema config_repair_schema = CONFIG_SCHEMA(repair_keys);

bool config_parse_repair(struct config_reader *reader, struct fy_node *node,
			 const struct config_key *key, void *target)
{
	struct oo_config_repair *repair = target;
	struct fy_node *values[CONFIG_KEYS] = {NULL};

	(void)key;
	const char *socket = reader->config->documentserver.container_socket;
	repair->container_socket = socket != NULL ? socket : "/run/docker.sock";
	repair->attempts = 3;
	repair->window_ms = 60 * CONFIG_MINUTE_MS;
	repair->backoff_ms = CONFIG_MINUTE_MS / 2;
	if (!config_parse_mapping(reader, node, &config_repair_schema, repair, values)) {
		return false;
	}
	if (values[REPAIR_DOCUMENTSERVER] == NULL && values[REPAIR_CONVERTER] == NULL &&
	    values[REPAIR_PROXY] == NULL) {
		return config_wrong_unshown(
			reader, node,
			"names nothing that may be restarted; name it, as in documentserver: "
			"ds-docservice.service, or leave repair out");
	}
	if (repair->backoff_ms >= repair->window_ms) {
		struct fy_node *given = values[REPAIR_BACKOFF] != NULL ? values[REPAIR_BACKOFF]
								       : values[REPAIR_WINDOW];
		return config_wrong(reader, given,
				    "backoff is not shorter than window; no second attempt "
				    "would ever be counted with the first");
	}
	return true;
}
