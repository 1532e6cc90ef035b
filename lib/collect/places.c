/* Where the Document Server and its proxy are on this node: said, or found out. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "collect/gather.h"

#define LOCAL "127.0.0.1"
#define DOCSERVICE_PORT 8000
#define PROXY_PORT 80

static void release_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

/* A part of a URL; "" where it has none. */
static void get_part(CURLU *url, CURLUPart part, char *target, size_t size)
{
	char *text = NULL;
	target[0] = '\0';
	if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK) {
		oo_text_clip(target, size, text);
	}
	curl_free(text);
}

bool oo_gather_url_split(const char *text, struct oo_endpoint_text *ret_at, char *path, size_t size)
{
	struct oo_endpoint_text at = {0};
	char port[8];
	OO_AUTO(release_url) CURLU *url = curl_url();
	if (text == NULL || url == NULL || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) {
		return false;
	}
	get_part(url, CURLUPART_HOST, at.host, sizeof(at.host));
	get_part(url, CURLUPART_PORT, port, sizeof(port));
	get_part(url, CURLUPART_PATH, path, size);
	size_t length = strlen(at.host);
	if (at.host[0] == '[' && at.host[length - 1] == ']') {
		memmove(at.host, at.host + 1, length - 2);
		at.host[length - 2] = '\0';
	}
	at.port = (uint16_t)strtoul(port, NULL, 10);
	*ret_at = at;
	return true;
}

/* What the checks of the configuration ask is where things are. */
static bool find_in_checks(const struct oo_config *config, bool direct,
			   struct oo_endpoint_text *ret_at)
{
	for (size_t i = 0; config != NULL && i < config->n_checks; i++) {
		const struct oo_check_spec *spec = &config->checks[i].spec;
		struct oo_endpoint_text at;
		char path[OO_NAME_LENGTH];
		if (spec->type != OO_CHECK_TYPE_HTTP ||
		    strncmp(spec->http.url, "http://", 7) != 0 ||
		    !oo_gather_url_split(spec->http.url, &at, path, sizeof(path))) {
			continue;
		}
		bool is_direct = at.port == DOCSERVICE_PORT || oo_text_equal(path, "/index.html");
		if (is_direct == direct && (direct || oo_text_equal(path, "/healthcheck"))) {
			*ret_at = at;
			return true;
		}
	}
	return false;
}

static void place_docservice(struct oo_gather *gather)
{
	const struct oo_config *config = gather->subject->config;
	char path[OO_NAME_LENGTH];
	if ((config != NULL && oo_gather_url_split(config->documentserver.url, &gather->docservice,
						   path, sizeof(path))) ||
	    find_in_checks(config, true, &gather->docservice)) {
		return;
	}
	OO_GATHER_SAY(gather->docservice.host, LOCAL);
	gather->docservice.port =
		gather->settings.port != 0 ? gather->settings.port : DOCSERVICE_PORT;
}

/* The port of nginx that answers here, and without TLS: 80 where there is a choice. */
static uint16_t find_listen(const struct oo_proxy_config *proxy)
{
	uint16_t port = 0;
	for (size_t i = 0; i < proxy->n_listens; i++) {
		const struct oo_endpoint_text *at = &proxy->listens[i];
		bool is_plain =
			at->port != 0 && (!proxy->has_tls_listen || at->port != proxy->tls_port);
		if (is_plain && (port == 0 || at->port == PROXY_PORT)) {
			port = at->port;
		}
	}
	return port != 0 ? port : PROXY_PORT;
}

static void place_proxy(struct oo_gather *gather)
{
	const struct oo_config *config = gather->subject->config;
	char path[OO_NAME_LENGTH];
	if ((config != NULL && oo_gather_url_split(config->documentserver.proxy_url, &gather->proxy,
						   path, sizeof(path))) ||
	    find_in_checks(config, false, &gather->proxy)) {
		return;
	}
	OO_GATHER_SAY(gather->proxy.host, LOCAL);
	gather->proxy.port = find_listen(&gather->evidence->proxy);
}

static void *start(struct oo_gather *gather)
{
	place_docservice(gather);
	place_proxy(gather);
	gather->evidence->documentserver.port = gather->docservice.port;
	return NULL;
}

const struct oo_collector oo_collect_places = {.start = start};
