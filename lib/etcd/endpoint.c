#include "etcd/endpoint.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 30000
#define AWAY_FIRST_MS 5000
#define AWAY_MAX_MS 60000
#define STEADY_MS 20000 /* served for that long since it is back: what was before is forgotten */

static void free_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void free_part(char **part)
{
	curl_free(*part);
}

static bool has_part(CURLU *url, CURLUPart part)
{
	OO_AUTO(free_part) char *text = NULL;
	return curl_url_get(url, part, &text, 0) == CURLUE_OK && text[0] != '\0' &&
	       !oo_text_equal(text, "/");
}

/* What is too much in an endpoint; NULL: nothing. */
static const char *surplus(CURLU *url)
{
	if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)) {
		return "holds credentials: set etcd.username and etcd.password_file instead";
	}
	if (has_part(url, CURLUPART_PATH) || has_part(url, CURLUPART_QUERY) ||
	    has_part(url, CURLUPART_FRAGMENT)) {
		return "has something behind the port: write scheme://host:port only";
	}
	return NULL;
}

/* How a message calls an endpoint: not by its URL if that might hold a password. */
static void name_it(const char *url, char name[static OO_ETCD_URL_LENGTH])
{
	if (strchr(url, '@') != NULL) {
		oo_text_clip(name, OO_ETCD_URL_LENGTH, "endpoint");
	} else {
		snprintf(name, OO_ETCD_URL_LENGTH, "\"%.200s\"", url);
	}
}

int oo_etcd_endpoint_parse(const char *url, struct oo_etcd_endpoint *ret_endpoint,
			   struct oo_err *err)
{
	static const char form[] = "write http://host:2379 or https://host:2379";
	OO_AUTO(free_url) CURLU *parsed = curl_url();
	if (parsed == NULL) {
		return oo_fail(err, ENOMEM, "endpoint");
	}
	char name[OO_ETCD_URL_LENGTH];
	name_it(url, name);
	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
		return oo_fail_text(err, EINVAL, "%s: not a URL: %s", name, form);
	}
	OO_AUTO(free_part) char *scheme = NULL;
	OO_AUTO(free_part) char *host = NULL;
	OO_AUTO(free_part) char *port = NULL;
	curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0);
	curl_url_get(parsed, CURLUPART_HOST, &host, 0);
	curl_url_get(parsed, CURLUPART_PORT, &port, 0);
	if (scheme == NULL || (!oo_text_equal(scheme, "http") && !oo_text_equal(scheme, "https"))) {
		return oo_fail_text(err, EINVAL, "%s: scheme \"%s\": %s", name,
				    scheme != NULL ? scheme : "", form);
	}
	const char *much = surplus(parsed);
	if (host == NULL || much != NULL) {
		return oo_fail_text(err, EINVAL, "%s %s", name,
				    much != NULL ? much : "names no host");
	}
	struct oo_etcd_endpoint endpoint = {0};
	int length = snprintf(endpoint.url, sizeof(endpoint.url), "%s://%s:%s", scheme, host,
			      port != NULL ? port : "2379");
	if (length < 0 || (size_t)length >= sizeof(endpoint.url)) {
		return oo_fail_text(err, EINVAL, "%s: longer than %d characters", name,
				    OO_ETCD_URL_LENGTH - 1);
	}
	size_t brackets = host[0] == '[';
	snprintf(endpoint.host, sizeof(endpoint.host), "%.*s", (int)(strlen(host) - 2 * brackets),
		 host + brackets);
	*ret_endpoint = endpoint;
	return 0;
}

/* FNV-1a, 64 bits, with a final mix: FNV's upper bits differ too little for short texts. */
static uint64_t hash(const char *name, const char *url)
{
	uint64_t value = 0xcbf29ce484222325u;
	for (const char *c = name; *c != '\0'; c++) {
		value = (value ^ (unsigned char)*c) * 0x100000001b3u;
	}
	for (const char *c = url; *c != '\0'; c++) {
		value = (value ^ (unsigned char)*c) * 0x100000001b3u;
	}
	value = (value ^ value >> 33) * 0xff51afd7ed558ccdu;
	return value ^ value >> 33;
}

static bool comes_first(const struct oo_etcd_endpoint *one, const struct oo_etcd_endpoint *other,
			const char *name)
{
	if (one->local != other->local) {
		return one->local;
	}
	return hash(name, one->url) < hash(name, other->url);
}

void oo_etcd_endpoints_order(struct oo_etcd_endpoints *endpoints, const char *name)
{
	for (size_t i = 1; i < endpoints->n; i++) {
		struct oo_etcd_endpoint moving = endpoints->list[i];
		size_t at = i;
		for (; at > 0 && comes_first(&moving, &endpoints->list[at - 1], name); at--) {
			endpoints->list[at] = endpoints->list[at - 1];
		}
		endpoints->list[at] = moving;
	}
}

size_t oo_etcd_endpoints_pick(const struct oo_etcd_endpoints *endpoints, uint32_t asked,
			      int64_t now)
{
	if ((asked & 1u << endpoints->current) == 0) {
		return endpoints->current;
	}
	size_t best = endpoints->n;
	for (size_t i = 0; i < endpoints->n; i++) {
		if ((asked & 1u << i) != 0) {
			continue;
		}
		if (endpoints->list[i].sick_until <= now) {
			return i;
		}
		if (best == endpoints->n ||
		    endpoints->list[i].sick_until < endpoints->list[best].sick_until) {
			best = i;
		}
	}
	return best;
}

size_t oo_etcd_endpoints_try(struct oo_etcd_endpoints *endpoints, int64_t now)
{
	for (size_t i = 0; i < endpoints->current; i++) {
		if (endpoints->list[i].back_at <= now) {
			endpoints->list[i].back_at = now + AWAY_FIRST_MS;
			return i;
		}
	}
	return endpoints->current;
}

static void use(struct oo_etcd_endpoints *endpoints, size_t i, bool returned, int64_t now)
{
	endpoints->current = i;
	endpoints->returned = returned;
	endpoints->used_since = now;
}

bool oo_etcd_endpoints_return(struct oo_etcd_endpoints *endpoints, size_t i, int64_t now)
{
	if (i >= endpoints->current) {
		return false;
	}
	use(endpoints, i, true, now);
	return true;
}

/* first: the shortest */
static int64_t longer(int64_t ms, int64_t first, int64_t max)
{
	return ms == 0 ? first : ms * 2 > max ? max : ms * 2;
}

/* One that came back and is left soon again has to wait longer. */
static void leave(const struct oo_etcd_endpoints *endpoints, struct oo_etcd_endpoint *endpoint,
		  int64_t now)
{
	bool again = endpoints->returned && now - endpoints->used_since < STEADY_MS;
	endpoint->away_ms = longer(again ? endpoint->away_ms : 0, AWAY_FIRST_MS, AWAY_MAX_MS);
	endpoint->back_at = now + endpoint->away_ms;
}

void oo_etcd_endpoints_blame(struct oo_etcd_endpoints *endpoints, size_t i, int64_t now)
{
	struct oo_etcd_endpoint *endpoint = &endpoints->list[i];
	if (endpoint->sick_until <= now) { /* calls that failed together count once */
		endpoint->backoff_ms =
			longer(endpoint->backoff_ms, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
	}
	endpoint->sick_until = now + endpoint->backoff_ms;
	if (i == endpoints->current && endpoints->n > 1) {
		leave(endpoints, endpoint, now);
		use(endpoints, oo_etcd_endpoints_pick(endpoints, 1u << i, now), false, now);
	}
}

void oo_etcd_endpoints_praise(struct oo_etcd_endpoints *endpoints, size_t i)
{
	endpoints->list[i].sick_until = 0;
	endpoints->list[i].backoff_ms = 0;
}
