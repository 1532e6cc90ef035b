#include <assert.h>

#include "base/cleanup.h"
#include "diagnose/rule.h"

struct named {
	const char *name;
	enum oo_layer layer;
	enum oo_weight weight;
};

#define NAMED(cause, text, where, what)                                                            \
	[OO_FAULT_##cause] = {.name = (text), .layer = OO_LAYER_##where, .weight = OO_WEIGHT_##what}

/* clang-format off */
static const struct named faults[OO_FAULT_END] = {
	NAMED(NONE, "none", HOST, OUTAGE),
	NAMED(URL_UNAUTHORIZED, "unauthorized", CLIENT, PART),
	NAMED(URL_FORBIDDEN, "forbidden", CLIENT, PART),
	NAMED(URL_NOT_FOUND, "not found", CLIENT, PART),
	NAMED(LINK_EXPIRED, "link expired", CLIENT, PART),
	NAMED(BODY_TOO_LARGE, "body too large", CLIENT, PART),
	NAMED(REDIRECT_LOOP, "redirect loop", CLIENT, OUTAGE),
	NAMED(TOKEN_MISMATCH, "token secret mismatch", CLIENT, PART),
	NAMED(USER_NAME_NOT_RESOLVED, "user's name not resolved", CLIENT, OUTAGE),
	NAMED(NAME_POINTS_ELSEWHERE, "name points elsewhere", VIP, OUTAGE),
	NAMED(VIP_NOWHERE, "VIP on no node", VIP, OUTAGE),
	NAMED(VIP_NOT_ANNOUNCED, "VIP not announced", VIP, OUTAGE),
	NAMED(VIP_NOT_LISTENED_ON, "VIP not listened on", VIP, OUTAGE),
	NAMED(VIP_FENCED, "VIP fenced", VIP, OUTAGE),
	NAMED(VIP_INTERFACE_DOWN, "VIP's interface down", VIP, OUTAGE),
	NAMED(VIP_DUPLICATE, "VIP on two hosts", VIP, OUTAGE),
	NAMED(AGENT_DOWN, "agent down", VIP, PART),
	NAMED(ETCD_UNREACHABLE, "etcd unreachable", VIP, PART),
	NAMED(PROXY_STOPPED, "proxy stopped", PROXY, OUTAGE),
	NAMED(PROXY_CRASHED, "proxy crashed", PROXY, OUTAGE),
	NAMED(PROXY_HUNG, "proxy hung", PROXY, OUTAGE),
	NAMED(PROXY_CONFIG_BROKEN, "proxy configuration broken", PROXY, OUTAGE),
	NAMED(PROXY_PORT_TAKEN, "proxy port taken", PROXY, OUTAGE),
	NAMED(PROXY_LISTENS_ELSEWHERE, "proxy listens elsewhere", PROXY, OUTAGE),
	NAMED(PROXY_FIREWALL_DROP, "proxy firewall drop", PROXY, OUTAGE),
	NAMED(PROXY_FIREWALL_REJECT, "proxy firewall reject", PROXY, OUTAGE),
	NAMED(PROXY_CONNECTIONS_EXHAUSTED, "proxy connections exhausted", PROXY, OUTAGE),
	NAMED(PROXY_DESCRIPTORS_EXHAUSTED, "proxy descriptors exhausted", PROXY, OUTAGE),
	NAMED(PROXY_BY_ITSELF, "proxy answers by itself", PROXY, OUTAGE),
	NAMED(PROXY_RELOAD_NEEDED, "proxy reload needed", PROXY, WARNING),
	NAMED(CERTIFICATE_EXPIRED, "certificate expired", PROXY, OUTAGE),
	NAMED(CERTIFICATE_EXPIRES_SOON, "certificate expires soon", PROXY, WARNING),
	NAMED(CERTIFICATE_NOT_YET_VALID, "certificate not yet valid", PROXY, OUTAGE),
	NAMED(CERTIFICATE_OTHER_NAME, "certificate for another name", PROXY, OUTAGE),
	NAMED(CERTIFICATE_CHAIN, "certificate chain not trusted", PROXY, PART),
	NAMED(UPSTREAM_WRONG_PORT, "upstream wrong port", PROXY, OUTAGE),
	NAMED(UPSTREAM_NAME_NOT_RESOLVED, "upstream name not resolved", PROXY, OUTAGE),
	NAMED(UPSTREAM_NAME_STALE, "upstream name stale", PROXY, OUTAGE),
	NAMED(UPSTREAM_SPEAKS_TLS, "upstream speaks TLS", PROXY, OUTAGE),
	NAMED(UPSTREAM_SPEAKS_PLAIN, "upstream speaks plain", PROXY, OUTAGE),
	NAMED(UPSTREAM_HEADER_TOO_BIG, "upstream header too big", PROXY, OUTAGE),
	NAMED(UPSTREAM_CLOSES_EARLY, "upstream closes early", PROXY, OUTAGE),
	NAMED(UPSTREAM_NOT_HTTP, "upstream not HTTP", PROXY, OUTAGE),
	NAMED(UPSTREAM_READ_TIMEOUT_SHORT, "upstream read timeout short", PROXY, OUTAGE),
	NAMED(UPSTREAM_PERMISSION, "upstream permission denied", PROXY, OUTAGE),
	NAMED(UPSTREAM_FIREWALL_DROP, "upstream firewall drop", PROXY, OUTAGE),
	NAMED(UPSTREAM_FIREWALL_REJECT, "upstream firewall reject", PROXY, OUTAGE),
	NAMED(UPSTREAM_NO_ROUTE, "upstream no route", PROXY, OUTAGE),
	NAMED(UPSTREAM_PORTS_EXHAUSTED, "upstream local ports exhausted", PROXY, OUTAGE),
	NAMED(WEBSOCKET_NOT_PASSED, "WebSocket not passed", PROXY, PART),
	NAMED(WRONG_HOST, "wrong host", PROXY, PART),
	NAMED(DOCSERVICE_STOPPED, "document server stopped", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_CRASHING, "document server crashing", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_OUT_OF_MEMORY, "document server out of memory", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_HUNG, "document server hung", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_BUSY, "document server busy", DOCUMENT_SERVER, PART),
	NAMED(DOCSERVICE_NEVER_LISTENING, "document server never listening", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_WAITS_FOR_BROKER, "document server waits for broker", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_STARTING, "document server starting", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_PORT_TAKEN, "document server port taken", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_CONFIG_BROKEN, "document server configuration broken", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_DRAINED, "document server drained", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_DESCRIPTORS_EXHAUSTED, "document server descriptors exhausted", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_FAILING, "document server failing", DOCUMENT_SERVER, OUTAGE),
	NAMED(DOCSERVICE_IP_FILTER, "document server IP filter", DOCUMENT_SERVER, OUTAGE),
	NAMED(FONTS_OR_FILES_MISSING, "fonts or files missing", DOCUMENT_SERVER, OUTAGE),
	NAMED(CONVERTER_STOPPED, "converter stopped", CONVERTER, PART),
	NAMED(CONVERTER_NOT_CONSUMING, "converter not consuming", CONVERTER, PART),
	NAMED(CONVERTER_FAILING, "converter failing", CONVERTER, PART),
	NAMED(DATABASE_NAME_NOT_RESOLVED, "database name not resolved", DATABASE, OUTAGE),
	NAMED(DATABASE_STOPPED, "database stopped", DATABASE, OUTAGE),
	NAMED(DATABASE_UNREACHABLE, "database unreachable", DATABASE, OUTAGE),
	NAMED(DATABASE_HUNG, "database hung", DATABASE, OUTAGE),
	NAMED(DATABASE_LOGIN, "database login", DATABASE, OUTAGE),
	NAMED(DATABASE_CONNECTIONS_EXHAUSTED, "database connections exhausted", DATABASE, OUTAGE),
	NAMED(DATABASE_READ_ONLY, "database read only", DATABASE, OUTAGE),
	NAMED(DATABASE_SCHEMA, "database schema", DATABASE, OUTAGE),
	NAMED(DATABASE_STARTING, "database starting", DATABASE, OUTAGE),
	NAMED(DATABASE_FAILING, "database failing", DATABASE, OUTAGE),
	NAMED(BROKER_NAME_NOT_RESOLVED, "broker name not resolved", BROKER, OUTAGE),
	NAMED(BROKER_STOPPED, "broker stopped", BROKER, OUTAGE),
	NAMED(BROKER_UNREACHABLE, "broker unreachable", BROKER, OUTAGE),
	NAMED(BROKER_HUNG, "broker hung", BROKER, OUTAGE),
	NAMED(BROKER_LOGIN, "broker login", BROKER, OUTAGE),
	NAMED(BROKER_ALARM, "broker alarm", BROKER, OUTAGE),
	NAMED(BROKER_FRAME_MAX, "broker frame size", BROKER, OUTAGE),
	NAMED(CACHE_STOPPED, "cache stopped", CACHE, OUTAGE),
	NAMED(CACHE_HUNG, "cache hung", CACHE, OUTAGE),
	NAMED(STORAGE_MISSING, "storage missing", STORAGE, OUTAGE),
	NAMED(STORAGE_DENIED, "storage denied", STORAGE, OUTAGE),
	NAMED(STORAGE_READ_ONLY, "storage read only", STORAGE, OUTAGE),
	NAMED(STORAGE_FULL, "storage full", STORAGE, OUTAGE),
	NAMED(STORAGE_HUNG, "storage hung", STORAGE, OUTAGE),
	NAMED(DISK_FULL, "disk full", HOST, PART),
	NAMED(MEMORY_EXHAUSTED, "memory exhausted", HOST, PART),
	NAMED(NAME_SERVICE_DOWN, "name service down", HOST, PART),
	NAMED(LOOPBACK_DOWN, "loopback down", HOST, OUTAGE),
};
/* clang-format on */

static const struct named *named(enum oo_fault cause)
{
	assert(cause < OO_FAULT_END && faults[cause].name != NULL);
	return &faults[cause];
}

const char *oo_fault_name(enum oo_fault cause)
{
	return named(cause)->name;
}

enum oo_layer oo_fault_layer(enum oo_fault cause)
{
	return named(cause)->layer;
}

enum oo_weight oo_fault_weight(enum oo_fault cause)
{
	return named(cause)->weight;
}

const char *oo_layer_name(enum oo_layer layer)
{
	static const char *const names[OO_LAYER_END] = {
		[OO_LAYER_CLIENT] = "client",       [OO_LAYER_VIP] = "VIP",
		[OO_LAYER_PROXY] = "proxy",         [OO_LAYER_DOCUMENT_SERVER] = "Document Server",
		[OO_LAYER_CONVERTER] = "converter", [OO_LAYER_DATABASE] = "database",
		[OO_LAYER_BROKER] = "broker",       [OO_LAYER_CACHE] = "cache",
		[OO_LAYER_STORAGE] = "storage",     [OO_LAYER_HOST] = "host",
	};
	assert(layer < OO_LAYER_END);
	return names[layer];
}

const char *oo_confidence_name(enum oo_confidence confidence)
{
	static const char *const names[] = {
		[OO_CONFIDENCE_NONE] = "none",
		[OO_CONFIDENCE_POSSIBLE] = "possible",
		[OO_CONFIDENCE_LIKELY] = "likely",
		[OO_CONFIDENCE_CERTAIN] = "certain",
	};
	assert(confidence < OO_LENGTH(names));
	return names[confidence];
}

const char *oo_layer_state_name(enum oo_layer_state state)
{
	static const char *const names[] = {
		[OO_LAYER_STATE_UNKNOWN] = "unknown",
		[OO_LAYER_STATE_FINE] = "fine",
		[OO_LAYER_STATE_BROKEN] = "broken",
		[OO_LAYER_STATE_BEHIND] = "behind",
	};
	assert(state < OO_LENGTH(names));
	return names[state];
}

const char *oo_weight_name(enum oo_weight weight)
{
	static const char *const names[] = {
		[OO_WEIGHT_WARNING] = "warning",
		[OO_WEIGHT_PART] = "part",
		[OO_WEIGHT_OUTAGE] = "outage",
	};
	assert(weight < OO_LENGTH(names));
	return names[weight];
}
