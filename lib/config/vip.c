/* `groups[].vips[]`: an address, how the network is told of it, and what that takes. */
#include "config/schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/writer.h"

#define PATH_BYTES 1024
#define MODES "arp, route and provider are possible"
#define TABLE_LOCAL 255 /* rtnetlink(7): the kernel's own */
#define TABLE_DIGITS 9

static const char *const modes[] = {
	[OO_MODE_ARP] = "arp",
	[OO_MODE_ROUTE] = "route",
	[OO_MODE_PROVIDER] = "provider",
};

const char *oo_config_mode_name(enum oo_mode mode)
{
	return modes[mode];
}

static bool parse_mode(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	const char *text = config_text(reader, node);

	(void)key; /* no limits */
	if (text == NULL) {
		return false;
	}
	for (enum oo_mode mode = OO_MODE_ARP; mode < OO_LENGTH(modes); mode++) {
		if (oo_text_equal(text, modes[mode])) {
			memcpy(target, &mode, sizeof(mode));
			return true;
		}
	}
	return config_wrong(reader, node, "unknown mode; " MODES);
}

static int write_mode(struct config_writer *writer, const struct config_key *key, const void *value)
{
	const enum oo_mode *mode = value;
	(void)key;
	return config_write_text(writer, modes[*mode]);
}

static bool parse_table(struct config_reader *reader, struct fy_node *node,
			const struct config_key *key, void *target)
{
	const char *text = config_text(reader, node);

	(void)key; /* no limits but those of the kernel */
	if (text == NULL) {
		return false;
	}
	const size_t digits = strspn(text, "0123456789");
	const bool is_number = digits > 0 && digits <= TABLE_DIGITS && text[digits] == '\0';
	int table = is_number ? (int)strtol(text, NULL, 10) : 0;
	if (oo_text_equal(text, "main")) {
		table = OO_CONFIG_TABLE_MAIN;
	}
	if (table == TABLE_LOCAL) {
		return config_wrong(reader, node, "the kernel's own table; use main, or another");
	}
	if (table == 0) {
		return config_wrong(
			reader, node,
			"not a table of routes; main, and 1 to 999999999, are possible");
	}
	memcpy(target, &table, sizeof(table));
	return true;
}

static int write_table(struct config_writer *writer, const struct config_key *key,
		       const void *value)
{
	int table;
	(void)key;
	memcpy(&table, value, sizeof(table));
	return table == OO_CONFIG_TABLE_MAIN ? config_write_text(writer, "main")
					     : oo_buffer_add_format(writer->out, "%d", table);
}

static bool has_interface(const void *structure)
{
	return ((const struct oo_config_vip *)structure)->interface[0] != '\0';
}

static bool is_route(const void *structure)
{
	return ((const struct oo_config_vip *)structure)->mode == OO_MODE_ROUTE;
}

static bool is_provider(const void *structure)
{
	return ((const struct oo_config_vip *)structure)->mode == OO_MODE_PROVIDER;
}

static const struct config_key provider_keys[] = {
	{.name = "run",
	 .parse = config_parse_path,
	 CONFIG_AT(oo_config_provider, run),
	 .most = PATH_BYTES,
	 .required = "name the program, as in /usr/lib/ooha/providers/nsupdate"},
	{.name = "timeout",
	 .parse = config_parse_duration,
	 CONFIG_AT(oo_config_provider, timeout_ms),
	 .least = 100,
	 .most = 10 * CONFIG_MINUTE_MS},
	{.name = "settings",
	 .parse = config_parse_free,
	 .write = config_write_free,
	 CONFIG_AT(oo_config_provider, settings),
	 .most = OO_CONFIG_SETTINGS},
};
static const struct config_schema provider_schema = CONFIG_SCHEMA(provider_keys);

enum vip_key {
	VIP_ADDRESS,
	VIP_MODE,
	VIP_INTERFACE,
	VIP_TABLE,
	VIP_PROTOCOL,
	VIP_METRIC,
	VIP_PROVIDER,
};

static const struct config_key vip_keys[] = {
	[VIP_ADDRESS] = {.name = "address",
			 .parse = config_parse_vip,
			 CONFIG_AT(oo_config_vip, address),
			 .required = "give the VIP, as in 10.0.0.100/24"},
	[VIP_MODE] = {.name = "mode",
		      .parse = parse_mode,
		      .write = write_mode,
		      CONFIG_AT(oo_config_vip, mode)},
	[VIP_INTERFACE] = {.name = "interface",
			   .parse = config_parse_interface,
			   CONFIG_AT(oo_config_vip, interface),
			   .given = has_interface},
	[VIP_TABLE] = {.name = "table",
		       .parse = parse_table,
		       .write = write_table,
		       CONFIG_AT(oo_config_vip, table),
		       .given = is_route},
	/* rtnetlink(7): up to 4 they are the kernel's and the administrator's */
	[VIP_PROTOCOL] = {.name = "protocol",
			  .parse = config_parse_number,
			  CONFIG_AT(oo_config_vip, protocol),
			  .least = 5,
			  .most = 255,
			  .given = is_route},
	[VIP_METRIC] = {.name = "metric",
			.parse = config_parse_number,
			CONFIG_AT(oo_config_vip, metric),
			.least = 1,
			.most = 999999999,
			.given = is_route},
	[VIP_PROVIDER] = {.name = "provider",
			  .parse = config_parse_section,
			  CONFIG_AT(oo_config_vip, provider),
			  .schema = &provider_schema,
			  .given = is_provider},
};
static const struct config_schema vip_schema = CONFIG_SCHEMA(vip_keys);

/* Keys of another mode: somebody believes in what is not so. */
static bool check_foreign(struct config_reader *reader, const struct oo_config_vip *vip,
			  struct fy_node *const *values)
{
	bool right = true;

	for (size_t i = VIP_TABLE; i <= VIP_METRIC; i++) {
		if (values[i] != NULL && vip->mode != OO_MODE_ROUTE) {
			right = config_wrong(reader, values[i],
					     "of mode route, and this is mode %s; leave it out",
					     modes[vip->mode]);
		}
	}
	if (values[VIP_PROVIDER] != NULL && vip->mode != OO_MODE_PROVIDER) {
		right = config_wrong(reader, values[VIP_PROVIDER],
				     "of mode provider, and this is mode %s; leave it out, or "
				     "write mode: provider",
				     modes[vip->mode]);
	}
	return right;
}

/* On lo a prefix would make the whole subnet this host. */
static bool check_host_route(struct config_reader *reader, const struct oo_config_vip *vip,
			     struct fy_node *node)
{
	const char *whole = strchr(vip->address, ':') != NULL ? "/128" : "/32";
	return oo_text_equal(vip->address + strcspn(vip->address, "/"), whole) ||
	       config_wrong(reader, node,
			    "a subnet, and mode route has a route to one host; "
			    "leave the prefix length out, or write %s",
			    whole);
}

/* What goes with the mode. */
static bool check_mode(struct config_reader *reader, struct oo_config_vip *vip,
		       struct fy_node *node, struct fy_node *const *values)
{
	switch (vip->mode) {
	case OO_MODE_ARP:
		return values[VIP_INTERFACE] != NULL ||
		       config_wrong_key(reader, node, "interface", config_line(node),
					"missing; name the interface that the VIP goes on, as in "
					"eth0");
	case OO_MODE_ROUTE:
		vip->interface = values[VIP_INTERFACE] != NULL ? vip->interface : "lo";
		return check_host_route(reader, vip, values[VIP_ADDRESS]);
	case OO_MODE_PROVIDER:
		vip->interface = values[VIP_INTERFACE] != NULL ? vip->interface : "";
		return values[VIP_PROVIDER] != NULL ||
		       config_wrong_key(reader, node, "provider", config_line(node),
					"missing; mode provider runs a program, as in provider: "
					"{run: /usr/lib/ooha/providers/nsupdate}");
	}
	return false;
}

static bool parse_vip(struct config_reader *reader, struct fy_node *node,
		      const struct config_key *key, void *target)
{
	struct oo_config_vip *vip = target;
	struct fy_node *values[CONFIG_KEYS] = {NULL};

	*vip = (struct oo_config_vip){.table = OO_CONFIG_TABLE_MAIN,
				      .protocol = 79,
				      .metric = 100,
				      .provider = {.timeout_ms = 10000, .settings = {"{}", "{}"}}};
	return config_parse_mapping(reader, node, key->schema, vip, values) &&
	       check_foreign(reader, vip, values) && check_mode(reader, vip, node, values);
}

const struct config_list config_vip_list = {
	.item = {.parse = parse_vip, .schema = &vip_schema},
	CONFIG_LIST(oo_config_group, vips, n_vips),
};
