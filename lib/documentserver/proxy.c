#include "documentserver/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "documentserver/nginx_value.h"
#include "documentserver/proxy_pass.h"

/* nginx's own, where nothing is set */
#define WORKER_CONNECTIONS 512
#define ERROR_LOG "/var/log/nginx/error.log"
#define PREFIX "/usr/share/nginx/" /* Debian's; what error_log is relative to */

void oo_proxy_complain(struct oo_proxy_config *proxy, const char *what)
{
	if (proxy->error[0] == '\0') {
		oo_text_clip(proxy->error, sizeof(proxy->error), what);
	}
}

/* ---- What listens ---- */

static bool is_any(const char *host)
{
	return strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static void add_listen(struct oo_proxy_config *proxy, const char *text, bool is_tls)
{
	struct oo_endpoint_text made = {.port = 0};
	char any[OO_NAME_LENGTH + 2];
	if (text[strspn(text, "0123456789")] == '\0') { /* a port alone */
		(void)snprintf(any, sizeof(any), "*:%.5s", text);
		text = any;
	}
	if (oo_nginx_endpoint(text, 80, &made) < 0) {
		return; /* a unix socket, or what nginx -t says more about */
	}
	if (is_any(made.host)) {
		made.host[0] = '\0';
	}
	if (is_tls && !proxy->has_tls_listen) {
		proxy->has_tls_listen = true;
		proxy->tls_port = made.port;
	}
	for (size_t i = 0; i < proxy->n_listens; i++) {
		if (proxy->listens[i].port == made.port &&
		    strcmp(proxy->listens[i].host, made.host) == 0) {
			proxy->listens_tls[i] = proxy->listens_tls[i] || is_tls;
			return;
		}
	}
	if (proxy->n_listens == OO_PROXY_LISTENS) {
		oo_proxy_complain(proxy, "too many listen: the rest is left out");
		return;
	}
	proxy->listens_tls[proxy->n_listens] = is_tls;
	proxy->listens[proxy->n_listens++] = made;
}

static bool says_ssl(const struct oo_nginx_directive *listen)
{
	for (size_t i = 2; i < listen->n; i++) {
		if (strcmp(listen->words[i], "ssl") == 0 || strcmp(listen->words[i], "quic") == 0) {
			return true;
		}
	}
	return false;
}

static void read_listens(struct oo_proxy_config *proxy, const struct oo_nginx_directive *first)
{
	const struct oo_nginx_directive *ssl = oo_nginx_find(first, "ssl");
	bool all_ssl =
		ssl != NULL && strcmp(oo_nginx_word(ssl, 1), "on") == 0; /* up to nginx 1.24 */
	bool has_any = false;
	for (; first != NULL; first = first->next) {
		if (oo_nginx_is(first, "listen")) {
			has_any = true;
			add_listen(proxy, oo_nginx_word(first, 1), all_ssl || says_ssl(first));
		}
	}
	if (!has_any) {
		add_listen(proxy, "80", all_ssl);
	}
}

static void read_http(struct oo_proxy_config *proxy, const struct oo_nginx_directive *http)
{
	oo_proxy_passes_read(proxy, http);
	for (; http != NULL; http = http->next) {
		if (oo_nginx_is(http, "server") && http->is_block) {
			read_listens(proxy, http->first);
		}
	}
}

/* ---- Files that are named at any level ---- */

/* How many of the directives of that name come before this one at its level. */
static size_t place_of(const struct oo_nginx_directive *first,
		       const struct oo_nginx_directive *directive)
{
	size_t n = 0;
	for (; first != directive; first = first->next) {
		n += strcmp(first->words[0], directive->words[0]) == 0;
	}
	return n;
}

/* The key that stands in the same place among the keys of the level. */
static const char *key_of(const struct oo_nginx_directive *first, size_t place)
{
	for (; first != NULL; first = first->next) {
		if (oo_nginx_is(first, "ssl_certificate_key") && place-- == 0) {
			return oo_nginx_word(first, 1);
		}
	}
	return "";
}

/* A variable, or the certificate itself ("data:"), is no file. */
static bool is_file(const char *name)
{
	return name[0] != '\0' && strchr(name, '$') == NULL && strchr(name, ':') == NULL;
}

static void add_certificate(struct oo_proxy_config *proxy, const struct oo_nginx_tree *tree,
			    const char *name, const char *key)
{
	char path[OO_TEXT_LENGTH], key_path[OO_TEXT_LENGTH] = "";
	if (!is_file(name) || oo_nginx_tree_path(tree, name, path, sizeof(path)) < 0 ||
	    (is_file(key) && oo_nginx_tree_path(tree, key, key_path, sizeof(key_path)) < 0)) {
		return;
	}
	for (size_t i = 0; i < proxy->n_certificates; i++) {
		if (strcmp(proxy->certificates[i], path) == 0 &&
		    strcmp(proxy->keys[i], key_path) == 0) {
			return;
		}
	}
	if (proxy->n_certificates == OO_PROXY_LOGS) {
		oo_proxy_complain(proxy, "too many ssl_certificate: the rest is left out");
		return;
	}
	(void)oo_text_copy(proxy->certificates[proxy->n_certificates], OO_TEXT_LENGTH, path);
	(void)oo_text_copy(proxy->keys[proxy->n_certificates++], OO_TEXT_LENGTH, key_path);
}

static void add_log(struct oo_proxy_config *proxy, const char *name)
{
	char path[OO_TEXT_LENGTH];
	int length = snprintf(path, sizeof(path), "%s%s", name[0] == '/' ? "" : PREFIX, name);
	if (!is_file(name) || strcmp(name, "stderr") == 0 || strcmp(name, "/dev/null") == 0 ||
	    length < 0 || (size_t)length >= sizeof(path)) {
		return;
	}
	for (size_t i = 0; i < proxy->n_error_logs; i++) {
		if (strcmp(proxy->error_logs[i], path) == 0) {
			return;
		}
	}
	if (proxy->n_error_logs == OO_PROXY_LOGS) {
		oo_proxy_complain(proxy, "too many error_log: the rest is left out");
		return;
	}
	(void)oo_text_copy(proxy->error_logs[proxy->n_error_logs++], OO_TEXT_LENGTH, path);
}

static void read_files(struct oo_proxy_config *proxy, const struct oo_nginx_tree *tree,
		       const struct oo_nginx_directive *first)
{
	for (const struct oo_nginx_directive *i = first; i != NULL; i = i->next) {
		if (oo_nginx_is(i, "error_log")) {
			add_log(proxy, oo_nginx_word(i, 1));
		} else if (oo_nginx_is(i, "ssl_certificate")) {
			add_certificate(proxy, tree, oo_nginx_word(i, 1),
					key_of(first, place_of(first, i)));
		}
		read_files(proxy, tree, i->first);
	}
}

/* ---- All of it ---- */

static void read_events(struct oo_proxy_config *proxy, const struct oo_nginx_directive *events)
{
	const struct oo_nginx_directive *found = oo_nginx_find(events, "worker_connections");
	unsigned long n = found != NULL ? strtoul(oo_nginx_word(found, 1), NULL, 10) : 0;
	if (n > 0 && n <= UINT32_MAX) {
		proxy->worker_connections = (unsigned)n;
	}
}

int oo_proxy_read(const char *path, struct oo_proxy_config *ret_proxy)
{
	struct oo_nginx_tree tree;
	int r = oo_nginx_tree_read(&tree, path);
	if (r == 0) {
		*ret_proxy = (struct oo_proxy_config){.look = tree.look,
						      .changed_at_s = tree.changed_at_s,
						      .worker_connections = WORKER_CONNECTIONS};
		oo_text_clip(ret_proxy->path, sizeof(ret_proxy->path), path);
		oo_proxy_complain(ret_proxy, tree.error);
		for (const struct oo_nginx_directive *i = tree.first; i != NULL; i = i->next) {
			if (oo_nginx_is(i, "http")) {
				read_http(ret_proxy, i->first);
			} else if (oo_nginx_is(i, "events")) {
				read_events(ret_proxy, i->first);
			}
		}
		read_files(ret_proxy, &tree, tree.first);
		if (ret_proxy->n_error_logs == 0) {
			add_log(ret_proxy, ERROR_LOG);
		}
	}
	oo_nginx_tree_done(&tree);
	return r;
}
