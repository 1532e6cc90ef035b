#include "documentserver/proxy_pass.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "documentserver/nginx_location.h"
#include "documentserver/nginx_value.h"

/* nginx's own, where nothing is set */
#define TIMEOUT_MS 60000
#define BUFFER_BYTES 4096 /* a page */
#define BODY_BYTES (1024 * 1024)

/* What the health check, the editor and its integration ask for. */
static const char *const paths[] = {
	"/healthcheck", "/coauthoring/CommandService.ashx", "/doc/key/c/",
	"/9.0.0-0123456789abcdef/doc/key/c/", /* with the version before it, against old caches */
};
/* A server of the Document Server's has one of these in a location, or passes to this upstream. */
static const char *const marks[] = {"web-apps",    "sdkjs", "coauthoring",
				    "healthcheck", "doc/",  "doc\\/"};
#define UPSTREAM "docservice"

/* What is in force at a level; the level inside starts from a copy. */
struct level {
	int64_t connect_timeout_ms;
	int64_t read_timeout_ms;
	uint64_t buffer_bytes;
	uint64_t body_max_bytes;
	bool http11;
	bool sends_upgrade;
	bool sends_connection;
	bool redirects_to_https;
	const char *host; /* "": nginx's default */
	const char *proto;
	const char *forwarded_host;
	const struct oo_nginx_directive *location; /* the innermost; NULL: none */
};

/* One server, while it is read. */
struct site {
	const struct oo_nginx_directive *http; /* the directives of the block it is in */
	const char *name;
	const struct oo_nginx_directive *taken[2 * OO_LENGTH(paths)]; /* locations of the paths */
	size_t n_taken;
};

/* ---- Levels ---- */

static bool is_https(const char *text)
{
	return strncasecmp(text, "https:", 6) == 0;
}

/* return CODE URL, return URL, rewrite PATTERN URL; of a level and of what it asks with if. */
static bool redirects_to_https(const struct oo_nginx_directive *first)
{
	for (; first != NULL; first = first->next) {
		if (oo_nginx_is(first, "return") &&
		    (is_https(oo_nginx_word(first, 1)) ||
		     (oo_nginx_word(first, 1)[0] == '3' && is_https(oo_nginx_word(first, 2))))) {
			return true;
		}
		if (oo_nginx_is(first, "rewrite") && is_https(oo_nginx_word(first, 2))) {
			return true;
		}
		if (oo_nginx_is(first, "if") && redirects_to_https(first->first)) {
			return true;
		}
	}
	return false;
}

static void set_header(struct level *level, const char *name, const char *value)
{
	bool is_variable = strchr(value, '$') != NULL;
	if (strcasecmp(name, "Host") == 0) {
		level->host = value;
	} else if (strcasecmp(name, "X-Forwarded-Proto") == 0) {
		level->proto = value;
	} else if (strcasecmp(name, "X-Forwarded-Host") == 0) {
		level->forwarded_host = value;
	} else if (strcasecmp(name, "Upgrade") == 0) {
		level->sends_upgrade = is_variable || strcasestr(value, "websocket") != NULL;
	} else if (strcasecmp(name, "Connection") == 0) {
		level->sends_connection = is_variable || strcasestr(value, "upgrade") != NULL;
	}
}

static void set_value(struct level *level, const struct oo_nginx_directive *directive)
{
	if (oo_nginx_is(directive, "proxy_connect_timeout")) {
		(void)oo_nginx_time(oo_nginx_word(directive, 1), &level->connect_timeout_ms);
	} else if (oo_nginx_is(directive, "proxy_read_timeout")) {
		(void)oo_nginx_time(oo_nginx_word(directive, 1), &level->read_timeout_ms);
	} else if (oo_nginx_is(directive, "proxy_buffer_size")) {
		(void)oo_nginx_size(oo_nginx_word(directive, 1), &level->buffer_bytes);
	} else if (oo_nginx_is(directive, "client_max_body_size")) {
		(void)oo_nginx_size(oo_nginx_word(directive, 1), &level->body_max_bytes);
	} else if (oo_nginx_is(directive, "proxy_http_version")) {
		level->http11 = strcmp(oo_nginx_word(directive, 1), "1.0") != 0;
	} else if (oo_nginx_is(directive, "proxy_set_header")) {
		set_header(level, oo_nginx_word(directive, 1), oo_nginx_word(directive, 2));
	}
}

/* "inherited from the previous level if and only if there are no proxy_set_header defined on the
 * current level" (ngx_http_proxy_module). */
static void enter(struct level *level, const struct oo_nginx_directive *first)
{
	if (oo_nginx_find(first, "proxy_set_header") != NULL) {
		level->host = "";
		level->proto = "";
		level->forwarded_host = "";
		level->sends_upgrade = false;
		level->sends_connection = false;
	}
	level->redirects_to_https = level->redirects_to_https || redirects_to_https(first);
	for (; first != NULL; first = first->next) {
		set_value(level, first);
	}
}

/* ---- Passes ---- */

static const struct oo_nginx_directive *find_upstream(const struct oo_nginx_directive *http,
						      const char *name)
{
	for (; http != NULL; http = http->next) {
		if (oo_nginx_is(http, "upstream") && strcmp(oo_nginx_word(http, 1), name) == 0) {
			return http;
		}
	}
	return NULL;
}

static bool is_down(const struct oo_nginx_directive *server)
{
	for (size_t i = 2; i < server->n; i++) {
		if (strcmp(server->words[i], "down") == 0) {
			return true;
		}
	}
	return false;
}

static void add_peers(struct oo_proxy_pass *pass, const struct oo_nginx_directive *upstream)
{
	for (const struct oo_nginx_directive *i = upstream->first; i != NULL; i = i->next) {
		if (oo_nginx_is(i, "server") && !is_down(i) && pass->n_peers < OO_PROXY_PEERS &&
		    oo_nginx_endpoint(oo_nginx_word(i, 1), 80, &pass->peers[pass->n_peers]) == 0) {
			pass->n_peers++;
		}
	}
}

/* Before a variable, a host is whole only if an upstream is called so or a port stands behind it:
 * "http://docservice$request_uri". */
static void read_target(struct oo_proxy_pass *pass, const struct oo_nginx_directive *http)
{
	struct oo_endpoint_text endpoint;
	char name[OO_NAME_LENGTH];
	const char *host = strstr(pass->target, "://");

	pass->tls = is_https(pass->target);
	pass->is_variable = strchr(pass->target, '$') != NULL;
	if (host == NULL) {
		return;
	}
	host += 3;
	size_t length = strcspn(host, "/$?");
	if (length >= sizeof(name)) {
		return;
	}
	memcpy(name, host, length);
	name[length] = '\0';
	const struct oo_nginx_directive *upstream = find_upstream(http, name);
	if (upstream != NULL) {
		oo_text_clip(pass->upstream, sizeof(pass->upstream), name);
		add_peers(pass, upstream);
	} else if ((host[length] != '$' || strchr(name, ':') != NULL) &&
		   oo_nginx_endpoint(name, pass->tls ? 443 : 80, &endpoint) == 0) {
		pass->peers[pass->n_peers++] = endpoint;
	}
}

static bool is_taken(const struct site *site, const struct oo_nginx_directive *location)
{
	for (size_t i = 0; i < site->n_taken; i++) {
		if (site->taken[i] == location) {
			return true;
		}
	}
	return false;
}

static void name_location(char *target, size_t size, const struct oo_nginx_directive *location)
{
	char text[OO_TEXT_LENGTH];
	if (location == NULL) {
		target[0] = '\0';
		return;
	}
	(void)snprintf(text, sizeof(text), "%s%s%s", oo_nginx_word(location, 1),
		       location->n > 2 ? " " : "", oo_nginx_word(location, 2));
	oo_text_clip(target, size, text);
}

static void add_pass(struct oo_proxy_config *proxy, const struct site *site,
		     const struct level *level, const struct oo_nginx_directive *directive)
{
	if (proxy->n_passes == OO_PROXY_PASSES) {
		oo_proxy_complain(proxy, "too many proxy_pass: the rest is left out");
		return;
	}
	struct oo_proxy_pass *pass = &proxy->passes[proxy->n_passes++];
	*pass = (struct oo_proxy_pass){
		.line = directive->line,
		.connect_timeout_ms = level->connect_timeout_ms,
		.read_timeout_ms = level->read_timeout_ms,
		.buffer_bytes = level->buffer_bytes,
		.body_max_bytes = level->body_max_bytes,
		.http11 = level->http11,
		.upgrades = level->sends_upgrade && level->sends_connection,
		.redirects_to_https = level->redirects_to_https,
		.reaches_docservice = is_taken(site, level->location),
	};
	oo_text_clip(pass->file, sizeof(pass->file), directive->file);
	oo_text_clip(pass->server_name, sizeof(pass->server_name), site->name);
	oo_text_clip(pass->target, sizeof(pass->target), oo_nginx_word(directive, 1));
	oo_text_clip(pass->host_header, sizeof(pass->host_header), level->host);
	oo_text_clip(pass->proto_header, sizeof(pass->proto_header), level->proto);
	oo_text_clip(pass->forwarded_host_header, sizeof(pass->forwarded_host_header),
		     level->forwarded_host);
	name_location(pass->location, sizeof(pass->location), level->location);
	read_target(pass, site->http);
}

/* ---- Servers ---- */

static void read_level(struct oo_proxy_config *proxy, const struct site *site,
		       const struct level *outer, const struct oo_nginx_directive *first)
{
	struct level level = *outer;
	enter(&level, first);
	for (; first != NULL; first = first->next) {
		struct level inner = level;
		if (oo_nginx_is(first, "proxy_pass")) {
			add_pass(proxy, site, &level, first);
		} else if (oo_nginx_is(first, "location")) {
			inner.location = first;
			read_level(proxy, site, &inner, first->first);
		} else if (oo_nginx_is(first, "if") || oo_nginx_is(first, "limit_except")) {
			read_level(proxy, site, &inner, first->first);
		}
	}
}

static bool has_mark(const char *text)
{
	for (size_t i = 0; i < OO_LENGTH(marks); i++) {
		if (strstr(text, marks[i]) != NULL) {
			return true;
		}
	}
	return false;
}

static bool is_documentserver(const struct oo_nginx_directive *first)
{
	for (; first != NULL; first = first->next) {
		if (oo_nginx_is(first, "location") &&
		    (has_mark(oo_nginx_word(first, 1)) || has_mark(oo_nginx_word(first, 2)))) {
			return true;
		}
		if (oo_nginx_is(first, "proxy_pass") &&
		    strstr(oo_nginx_word(first, 1), UPSTREAM) != NULL) {
			return true;
		}
		if (is_documentserver(first->first)) {
			return true;
		}
	}
	return false;
}

static void add_taken(struct site *site, const struct oo_nginx_directive *location)
{
	if (location != NULL && !is_taken(site, location)) {
		site->taken[site->n_taken++] = location;
	}
}

/* The location itself, and the named one that it falls back to. */
static void find_taken(struct site *site, const struct oo_nginx_directive *first)
{
	for (size_t i = 0; i < OO_LENGTH(paths); i++) {
		const struct oo_nginx_directive *location = oo_nginx_location_find(first, paths[i]);
		add_taken(site, location);
		const struct oo_nginx_directive *tries =
			location != NULL ? oo_nginx_find(location->first, "try_files") : NULL;
		if (tries != NULL && oo_nginx_word(tries, tries->n - 1)[0] == '@') {
			add_taken(site, oo_nginx_location_named(
						first, oo_nginx_word(tries, tries->n - 1)));
		}
	}
}

void oo_proxy_passes_read(struct oo_proxy_config *proxy, const struct oo_nginx_directive *http)
{
	struct level level = {.connect_timeout_ms = TIMEOUT_MS,
			      .read_timeout_ms = TIMEOUT_MS,
			      .buffer_bytes = BUFFER_BYTES,
			      .body_max_bytes = BODY_BYTES,
			      .host = "",
			      .proto = "",
			      .forwarded_host = ""};
	bool has_own = false; /* a server that is the Document Server's: then no other is */
	enter(&level, http);
	for (const struct oo_nginx_directive *i = http; i != NULL; i = i->next) {
		has_own = has_own || (oo_nginx_is(i, "server") && is_documentserver(i->first));
	}
	for (const struct oo_nginx_directive *i = http; i != NULL; i = i->next) {
		struct site site = {.http = http, .name = ""};
		if (!oo_nginx_is(i, "server") || !i->is_block) {
			continue;
		}
		const struct oo_nginx_directive *name = oo_nginx_find(i->first, "server_name");
		site.name = name != NULL ? oo_nginx_word(name, 1) : "";
		if (!has_own || is_documentserver(i->first)) {
			find_taken(&site, i->first);
		}
		read_level(proxy, &site, &level, i->first);
	}
}
