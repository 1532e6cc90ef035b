/* What is to be looked at on a node of the Document Server, from how it is set up there. */
#include "config/preset.h"

#include <stdio.h>
#include <string.h>

#define SHOWN "preset"
#define DATABASE_POINTER "/services/CoAuthoring/sql/dbPass"
#define BROKER_POINTER "/rabbitmq/url"

const char *const preset_pointers[PRESET_SETTINGS] = {
	[PRESET_DATABASE_HOST] = "/services/CoAuthoring/sql/dbHost",
	[PRESET_DATABASE_USER] = "/services/CoAuthoring/sql/dbUser",
	[PRESET_DATABASE_NAME] = "/services/CoAuthoring/sql/dbName",
	[PRESET_BROKER] = "/rabbitmq/url",
	[PRESET_QUEUE] = "/rabbitmq/queueconverttask/name",
	[PRESET_PORT] = "/services/CoAuthoring/server/port",
	[PRESET_STORAGE] = "/storage/fs/folderPath",
	[PRESET_CACHE] = "/services/CoAuthoring/redis/host",
};

/* "local.json services.CoAuthoring.sql.dbHost"; of what no file sets, that it is the package's. */
struct origin {
	char text[PRESET_ORIGIN_LENGTH];
};

static struct origin origin_of(const struct preset_sources *sources, enum preset_setting setting)
{
	const char *slash = strrchr(sources->files[setting], '/');
	struct origin origin = {"preset: as the package has it"};
	if (slash != NULL) {
		int n = snprintf(origin.text, sizeof(origin.text), "%s ", slash + 1);
		oo_text_clip(origin.text + n, sizeof(origin.text) - (size_t)n,
			     preset_pointers[setting] + 1);
		for (char *c = origin.text + n; *c != '\0'; c++) {
			*c = *c == '/' ? '.' : *c;
		}
	}
	return origin;
}

static bool is_remote(const char *host)
{
	return host[0] != '\0' && host[0] != '/' && strcmp(host, "localhost") != 0 &&
	       strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0;
}

static bool has_remote_database(const struct preset_sources *sources)
{
	return sources->settings->look == OO_LOOK_SEEN &&
	       is_remote(sources->settings->database.host);
}

static bool has_remote_broker(const struct preset_sources *sources)
{
	return sources->settings->look == OO_LOOK_SEEN && is_remote(sources->settings->broker.host);
}

static void add_times(struct preset *preset, const char *interval, const char *timeout)
{
	preset_add(preset, "interval", SHOWN, "%s", interval);
	preset_add(preset, "timeout", SHOWN, "%s", timeout);
	preset_add(preset, "rise", SHOWN, "2");
	preset_add(preset, "fall", SHOWN, "2");
}

static void add_required(struct preset *preset, const char *why)
{
	preset_add(preset, "required", SHOWN, "yes");
	preset_add(preset, "shared", why != NULL ? why : SHOWN, why != NULL ? "yes" : "no");
}

static void add_optional(struct preset *preset)
{
	preset_add(preset, "required", SHOWN, "no");
}

/* "10.0.0.1:5432", "[fd00::1]:5432" */
static void add_address(struct preset *preset, const char *origin,
			const struct oo_endpoint_text *endpoint)
{
	char text[OO_NAME_LENGTH + 16];
	(void)snprintf(text, sizeof(text),
		       strchr(endpoint->host, ':') != NULL ? "[%s]:%u" : "%s:%u", endpoint->host,
		       (unsigned)endpoint->port);
	preset_add_text(preset, "address", origin, text);
}

static void add_database(const struct preset_sources *sources, struct preset *preset)
{
	const struct oo_settings *settings = sources->settings;

	preset_begin(preset, "database", "postgres");
	add_address(preset, origin_of(sources, PRESET_DATABASE_HOST).text, &settings->database);
	preset_add_text(preset, "user", origin_of(sources, PRESET_DATABASE_USER).text,
			settings->database_user);
	if (sources->database_file[0] != '\0') {
		preset_add_text(preset, "password_file",
				"the file that has services.CoAuthoring.sql.dbPass",
				sources->database_file);
		preset_add(preset, "password_pointer", SHOWN, DATABASE_POINTER);
	}
	preset_add_text(preset, "database", origin_of(sources, PRESET_DATABASE_NAME).text,
			settings->database_name);
	preset_add(preset, "tables", SHOWN, "[doc_changes, task_result]");
	preset_add(preset, "read_only", SHOWN, "no");
	add_times(preset, "2s", "2s");
	add_required(preset, has_remote_database(sources)
				     ? "preset: the database is on another host"
				     : NULL);
}

static void add_broker_login(const struct preset_sources *sources, struct preset *preset)
{
	const struct oo_settings *settings = sources->settings;

	add_address(preset, origin_of(sources, PRESET_BROKER).text, &settings->broker);
	if (settings->broker_user[0] != '\0') {
		preset_add_text(preset, "user", origin_of(sources, PRESET_BROKER).text,
				settings->broker_user);
	}
	/* guest is what nobody has to say: there may be no password in the URL */
	if (strcmp(settings->broker_password, "guest") != 0 && sources->broker_file[0] != '\0') {
		preset_add_text(preset, "password_file", "the file that has rabbitmq.url",
				sources->broker_file);
		preset_add(preset, "password_pointer", SHOWN, BROKER_POINTER);
	}
	preset_add_text(preset, "vhost", origin_of(sources, PRESET_BROKER).text,
			settings->broker_vhost[0] != '\0' ? settings->broker_vhost : "/");
	if (settings->broker_tls) {
		preset_add(preset, "tls", origin_of(sources, PRESET_BROKER).text, "{verify: no}");
	}
}

/* The queue of a shared broker is served by any node's converter: moving would gain nothing. */
static void add_broker(const struct preset_sources *sources, struct preset *preset)
{
	const char *shared =
		has_remote_broker(sources) ? "preset: the broker is on another host" : NULL;

	preset_begin(preset, "broker", "amqp");
	add_broker_login(sources, preset);
	preset_add(preset, "publish", SHOWN, "yes"); /* or an alarm is not seen */
	add_times(preset, "5s", "3s");
	add_required(preset, shared);
	preset_begin(preset, "converter", "amqp");
	add_broker_login(sources, preset);
	preset_add_text(preset, "queue", origin_of(sources, PRESET_QUEUE).text,
			sources->settings->converter_queue);
	preset_add(preset, "consumers", SHOWN, "1");
	add_times(preset, "5s", "3s");
	add_required(preset, shared);
}

/* A Redis that a community edition never asks is often down: it ranks, and no more. */
static void add_cache(const struct preset_sources *sources, struct preset *preset)
{
	preset_begin(preset, "cache", "tcp");
	add_address(preset, origin_of(sources, PRESET_CACHE).text, &sources->settings->cache);
	add_times(preset, "5s", "2s");
	add_optional(preset);
}

static void add_storage(const struct preset_sources *sources, struct preset *preset)
{
	preset_begin(preset, "storage", "disk");
	preset_add_text(preset, "path", origin_of(sources, PRESET_STORAGE).text,
			sources->settings->storage);
	preset_add(preset, "free", SHOWN, "5%%");
	preset_add(preset, "free_inodes", SHOWN, "5%%");
	if (sources->can_be_ds) {
		preset_add(preset, "writable", SHOWN, "yes");
		preset_add(preset, "user", SHOWN, "ds");
	} else {
		preset_add(preset, "writable",
			   "preset: the agent may not become user ds (docs/checks.md, Rights)",
			   "no");
	}
	add_times(preset, "10s", "5s");
	add_required(preset, NULL);
}

/* The URL that the proxy of this node has, without a path. */
struct place {
	char url[OO_TEXT_LENGTH];
	char origin[PRESET_ORIGIN_LENGTH];
	bool tls;
};

/* A listen that this node reaches at 127.0.0.1: the plain one at port 80, else any plain one. */
static size_t choose_listen(const struct oo_proxy_config *proxy)
{
	size_t best = proxy->n_listens;
	int best_score = 0;
	for (size_t i = 0; i < proxy->n_listens; i++) {
		const struct oo_endpoint_text *listen = &proxy->listens[i];
		bool here = listen->host[0] == '\0' || strcmp(listen->host, "0.0.0.0") == 0 ||
			    strcmp(listen->host, "127.0.0.1") == 0;
		int score = !here || listen->port == 0
				    ? 0
				    : 1 + 4 * !proxy->listens_tls[i] + 2 * (listen->port == 80);
		if (score > best_score) {
			best = i;
			best_score = score;
		}
	}
	return best;
}

static void find_listen(const struct oo_proxy_config *proxy, struct place *ret_place)
{
	size_t i = choose_listen(proxy);
	const struct oo_proxy_pass *pass = NULL;

	for (size_t p = 0; p < proxy->n_passes && pass == NULL; p++) {
		pass = proxy->passes[p].reaches_docservice ? &proxy->passes[p] : NULL;
	}
	if (i == proxy->n_listens) {
		return;
	}
	ret_place->tls = proxy->listens_tls[i];
	bool usual = proxy->listens[i].port == (ret_place->tls ? 443 : 80);
	(void)snprintf(ret_place->url, sizeof(ret_place->url),
		       usual ? "http%s://127.0.0.1" : "http%s://127.0.0.1:%u",
		       ret_place->tls ? "s" : "", (unsigned)proxy->listens[i].port);
	if (pass != NULL) {
		(void)snprintf(ret_place->origin, sizeof(ret_place->origin),
			       "nginx %s:%d, listen %u", pass->file, pass->line,
			       (unsigned)proxy->listens[i].port);
	} else {
		(void)snprintf(ret_place->origin, sizeof(ret_place->origin), "nginx %s, listen %u",
			       proxy->path, (unsigned)proxy->listens[i].port);
	}
}

/* On this node: the TLS template, too, has a plain server on 127.0.0.1 for just that. */
static struct place find_proxy(const struct preset_sources *sources)
{
	struct place place = {.url = "http://127.0.0.1", .origin = SHOWN};

	if (sources->given->proxy_url != NULL) {
		oo_text_clip(place.url, sizeof(place.url), sources->given->proxy_url);
		oo_text_clip(place.origin, sizeof(place.origin),
			     "your configuration, documentserver.proxy_url");
		place.tls = strncmp(place.url, "https:", 6) == 0;
	} else if (sources->kind == PRESET_PACKAGE && sources->proxy->look == OO_LOOK_SEEN) {
		find_listen(sources->proxy, &place);
	}
	return place;
}

static struct place find_docservice(const struct preset_sources *sources)
{
	struct place place = {.tls = false};

	if (sources->given->url != NULL) {
		oo_text_clip(place.url, sizeof(place.url), sources->given->url);
		oo_text_clip(place.origin, sizeof(place.origin),
			     "your configuration, documentserver.url");
	} else if (sources->kind == PRESET_PACKAGE) {
		unsigned port = sources->settings->port != 0 ? sources->settings->port : 8000;
		(void)snprintf(place.url, sizeof(place.url), "http://127.0.0.1:%u", port);
		oo_text_clip(place.origin, sizeof(place.origin),
			     origin_of(sources, PRESET_PORT).text);
	}
	return place;
}

static void begin_http(struct preset *preset, const char *name, const struct place *place,
		       const char *path)
{
	char url[OO_TEXT_LENGTH + 64];
	(void)snprintf(url, sizeof(url), "%s%s", place->url, path);
	preset_begin(preset, name, "http");
	preset_add_text(preset, "url", place->origin, url);
	if (place->tls) { /* it has the users' name, which is not ours */
		preset_add(preset, "tls", SHOWN, "{verify: no}");
	}
}

/*
 * The health check of the Document Server looks at database and broker: where these are shared, so is
 * it. That the proxy itself works is seen by a page that needs neither.
 */
static void add_proxy(const struct preset_sources *sources, struct preset *preset)
{
	const struct place place = find_proxy(sources);
	bool shared = has_remote_database(sources) || has_remote_broker(sources);

	begin_http(preset, "proxy", &place, "/healthcheck");
	preset_add(preset, "expect", SHOWN, "{status: 200, body: 'true'}");
	add_times(preset, "2s", "4s");
	add_required(preset, shared ? "preset: it fails with the database or broker of another host"
				    : NULL);
	begin_http(preset, "nginx", &place, "/index.html");
	preset_add(preset, "expect", SHOWN, "{status: 200}");
	add_times(preset, "2s", "2s");
	add_required(preset, NULL);
}

/*
 * Since 9.3.0 a Document Server says whether it is drained; one that is refuses all editors. An older
 * one has no such page (404, no JSON). The broker tells all nodes of a cluster to be so.
 */
static void add_docservice(const struct preset_sources *sources, struct preset *preset)
{
	const struct place place = find_docservice(sources);

	if (place.url[0] == '\0') {
		return; /* in a container: no port of it is known */
	}
	begin_http(preset, "docservice", &place, "/index.html");
	preset_add(preset, "expect", SHOWN, "{status: 200}");
	add_times(preset, "1s", "1s");
	add_required(preset, NULL);
	begin_http(preset, "drained", &place, "/internal/cluster/inactive");
	preset_add(preset, "expect", SHOWN,
		   "{status: '200,404', regex: '\"shutdown\" *: *false|^[^{]*$'}");
	add_times(preset, "2s", "2s");
	add_required(preset, has_remote_broker(sources)
				     ? "preset: a shared broker drains all nodes at once"
				     : NULL);
}

/* What serves is asked above; these say why it does not, and rank the node. */
static void add_units(struct preset *preset)
{
	static const char *const units[][2] = {{"unit-docservice", "ds-docservice.service"},
					       {"unit-converter", "ds-converter.service"},
					       {"unit-nginx", "nginx.service"}};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		preset_begin(preset, units[i][0], "unit");
		preset_add(preset, "unit", SHOWN, "%s", units[i][1]);
		add_times(preset, "5s", "2s");
		add_optional(preset);
	}
}

static void add_container(const struct preset_sources *sources, struct preset *preset)
{
	const struct oo_config_documentserver *given = sources->given;

	preset_begin(preset, "container", "container");
	preset_add_text(preset, "container", "your configuration, documentserver.container",
			given->container);
	if (given->container_socket != NULL) {
		preset_add_text(preset, "socket",
				"your configuration, documentserver.container_socket",
				given->container_socket);
	}
	add_times(preset, "5s", "2s");
	add_optional(preset);
}

/* What a container has inside cannot be reached from here; what it uses elsewhere can. */
void preset_expand(const struct preset_sources *sources, struct preset *ret_preset)
{
	const struct oo_settings *settings = sources->settings;
	bool package = sources->kind == PRESET_PACKAGE;
	bool read = settings->look == OO_LOOK_SEEN;

	ret_preset->n = 0;
	if (read && strcmp(settings->database_type, "postgres") == 0 &&
	    (package || has_remote_database(sources))) {
		add_database(sources, ret_preset);
	}
	if (read && strcmp(settings->queue_type, "rabbitmq") == 0 &&
	    (package || has_remote_broker(sources))) {
		add_broker(sources, ret_preset);
	}
	add_proxy(sources, ret_preset);
	add_docservice(sources, ret_preset);
	if (read && package && settings->storage[0] != '\0') {
		add_storage(sources, ret_preset);
	}
	if (read && settings->uses_cache && (package || is_remote(settings->cache.host))) {
		add_cache(sources, ret_preset);
	}
	if (package) {
		add_units(ret_preset);
	} else {
		add_container(sources, ret_preset);
	}
}
