#include "profile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "digest.h"
#include "documentserver/settings.h"
#include "net/address.h"
#include "presence.h"

#define DOCUMENTSERVER "/etc/onlyoffice/documentserver"
#define FIRST_MS 1000 /* after the start, when there is more to do */
#define ASK_TIMEOUT_MS 2000L
#define BODY_BYTES_MAX 4096
#define VERSION "Version: "
#define MACS_MAX 4
#define LINKS_MAX 16

struct agent_profile {
	struct agent *agent;
	struct oo_timer timer;
	struct json_object *said; /* owned; NULL: nothing yet */
	uint64_t revision;
	/* of the configuration; made once for each, as they take ms for thousands of VIPs */
	bool is_read;
	char groups[AGENT_DIGEST_LENGTH], checks[AGENT_DIGEST_LENGTH];
	char etcd[OO_NAME_LENGTH]; /* the host of the first endpoint that is this one; "" */
	/* the Document Server: none is asked unless its configuration is here */
	bool has_documentserver;
	uint16_t port;
	struct timespec changed; /* its local.json */
	char secret[AGENT_DIGEST_SECRET_LENGTH];
	char version[OO_NAME_LENGTH];
	CURL *easy; /* owned; NULL: nobody is being asked */
	struct oo_buffer body;
};

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

static void free_interfaces(struct ifaddrs **interfaces)
{
	freeifaddrs(*interfaces);
}

/* ---- what there is to say ---- */

static void add_text(struct json_object *object, const char *name, const char *text)
{
	if (text[0] != '\0') {
		json_object_object_add(object, name, json_object_new_string(text));
	}
}

static bool has_text(struct json_object *array, const char *text)
{
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		if (oo_text_equal(json_object_get_string(json_object_array_get_idx(array, i)),
				  text)) {
			return true;
		}
	}
	return false;
}

/* Another interface than those before; those that find no place are passed over. */
static bool is_next(const char *names[static LINKS_MAX], size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++) {
		if (oo_text_equal(names[i], name)) {
			return false;
		}
	}
	bool has_room = *n < LINKS_MAX && !oo_text_equal(name, "lo");
	if (has_room) {
		names[(*n)++] = name;
	}
	return has_room;
}

/* The least MTU, and the MACs, of the interfaces that VIPs are for. */
static void add_links(struct json_object *object, const struct agent *agent)
{
	const char *names[LINKS_MAX];
	size_t n = 0;
	struct json_object *macs = json_object_new_array();
	uint32_t mtu = 0;
	for (size_t g = 0; g < agent->config->n_groups; g++) {
		const struct oo_config_group *group = &agent->config->groups[g];
		for (size_t i = 0; i < group->n_vips; i++) {
			char mac[OO_MAC_TEXT_LENGTH];
			struct oo_link link;
			if (group->vips[i].mode != OO_MODE_ARP ||
			    !is_next(names, &n, group->vips[i].interface) ||
			    oo_net_link(agent->net, group->vips[i].interface, &link, NULL) < 0) {
				continue;
			}
			mtu = mtu == 0 || link.mtu < mtu ? link.mtu : mtu;
			oo_mac_format(link.mac, mac);
			if (json_object_array_length(macs) < MACS_MAX && !has_text(macs, mac)) {
				json_object_array_add(macs, json_object_new_string(mac));
			}
		}
	}
	json_object_object_add(object, "mtu", json_object_new_int64(mtu));
	json_object_object_add(object, "macs", macs);
}

/* Whether text is an address of this host, but no loopback one, which every host has. */
static bool is_ours(const char *text)
{
	OO_AUTO(free_interfaces) struct ifaddrs *interfaces = NULL;
	struct in_addr four;
	struct in6_addr six;
	bool is_four = inet_pton(AF_INET, text, &four) == 1;
	bool is_six = !is_four && inet_pton(AF_INET6, text, &six) == 1;
	if ((!is_four && !is_six) || (is_four && (ntohl(four.s_addr) >> 24) == 127) ||
	    getifaddrs(&interfaces) < 0) {
		return false;
	}
	for (const struct ifaddrs *entry = interfaces; entry != NULL; entry = entry->ifa_next) {
		const struct sockaddr *address = entry->ifa_addr;
		if (address == NULL || address->sa_family != (is_four ? AF_INET : AF_INET6)) {
			continue;
		}
		const void *its =
			is_four ? (const void *)&((const struct sockaddr_in *)(const void *)address)
					  ->sin_addr
				: &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
		if (memcmp(its, is_four ? (const void *)&four : &six, is_four ? 4 : 16) == 0) {
			return (entry->ifa_flags & IFF_LOOPBACK) == 0;
		}
	}
	return false;
}

static void find_etcd(struct agent_profile *profile)
{
	const struct oo_config_texts *endpoints = &profile->agent->config->etcd.endpoints;
	profile->etcd[0] = '\0';
	for (size_t i = 0; i < endpoints->n && profile->etcd[0] == '\0'; i++) {
		const char *url = strstr(endpoints->items[i], "://");
		char host[OO_NAME_LENGTH];
		url = url == NULL ? "" : url + strlen("://");
		bool is_six = *url == '[';
		snprintf(host, sizeof(host), "%.*s",
			 (int)strcspn(url + is_six, is_six ? "]" : ":/"), url + is_six);
		if (is_ours(host)) {
			oo_text_clip(profile->etcd, sizeof(profile->etcd), host);
		}
	}
}

static void read_config(struct agent_profile *profile)
{
	if (!profile->is_read) {
		agent_digest_groups(profile->agent->config, profile->groups);
		agent_digest_checks(profile->agent->config, profile->checks);
		find_etcd(profile);
		profile->is_read = true;
	}
}

static void describe(struct agent_profile *profile)
{
	const struct agent *agent = profile->agent;
	OO_AUTO(put_json) struct json_object *object = json_object_new_object();

	json_object_object_add(object, "ttl_ms",
			       json_object_new_int64(agent->config->lease.ttl_ms));
	add_text(object, "groups", profile->groups);
	add_text(object, "checks", profile->checks);
	add_links(object, agent);
	add_text(object, "etcd", profile->etcd);
	add_text(object, "documentserver", profile->version);
	add_text(object, "secret", profile->secret);
	if (profile->said == NULL || json_object_equal(object, profile->said) == 0) {
		json_object_put(profile->said);
		profile->said = json_object_get(object);
		profile->revision++;
		agent_presence_apply(agent->presence);
	}
}

/* ---- the Document Server ---- */

static const char *directory_of(const struct agent *agent)
{
	const char *directory = agent->config->documentserver.config_directory;
	return directory != NULL ? directory : DOCUMENTSERVER;
}

/* Its settings are read anew when local.json was written to. */
static void read_settings(struct agent_profile *profile)
{
	const char *directory = directory_of(profile->agent);
	struct oo_settings settings;
	struct stat status = {0};
	char path[OO_TEXT_LENGTH];

	snprintf(path, sizeof(path), "%s/local.json", directory);
	if (stat(path, &status) == 0 && status.st_mtim.tv_sec == profile->changed.tv_sec &&
	    status.st_mtim.tv_nsec == profile->changed.tv_nsec) {
		return;
	}
	profile->changed = status.st_mtim;
	oo_settings_read(directory, &settings);
	profile->has_documentserver = settings.look == OO_LOOK_SEEN;
	profile->port = settings.port;
	agent_digest_secret(profile->agent->config->cluster, settings.jwt_secret, profile->secret);
	explicit_bzero(&settings, sizeof(settings));
}

static size_t on_data(char *data, size_t one, size_t n, void *user)
{
	(void)one; /* always 1 */
	return oo_buffer_add(user, data, n) == 0 ? n : 0;
}

/* "Server is functioning normally. Version: 8.2.1. Build: 38" -> "8.2.1.38", as far as it says so */
static void read_version(struct agent_profile *profile)
{
	const char *text = profile->body.data;
	const char *version = text == NULL ? NULL : strstr(text, VERSION);
	if (version == NULL) {
		return;
	}
	version += strlen(VERSION);
	size_t length = strspn(version, "0123456789.");
	const char *build = strstr(version, "Build: ");
	while (length > 0 && version[length - 1] == '.') {
		length--;
	}
	build = build == NULL ? "" : build + strlen("Build: ");
	size_t build_length = strspn(build, "0123456789");
	snprintf(profile->version, sizeof(profile->version), "%.*s%s%.*s", (int)length, version,
		 build_length > 0 ? "." : "", (int)build_length, build);
}

/* What it said last stays while it says nothing. */
static void on_answer(CURL *easy, CURLcode code, void *user)
{
	struct agent_profile *profile = user;
	if (code == CURLE_OK) {
		read_version(profile);
	}
	curl_easy_cleanup(easy);
	profile->easy = NULL;
	describe(profile);
}

static bool prepare(CURL *easy, const char *url, struct agent_profile *profile)
{
	return easy != NULL && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ASK_TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, &profile->body) == CURLE_OK;
}

/* Returns whether on_answer will run. */
static bool ask(struct agent_profile *profile)
{
	const char *base = profile->agent->config->documentserver.url;
	char own[64], url[OO_TEXT_LENGTH];

	if (profile->easy != NULL || (base == NULL && !profile->has_documentserver)) {
		return false;
	}
	snprintf(own, sizeof(own), "http://127.0.0.1:%u", profile->port);
	snprintf(url, sizeof(url), "%s/index.html", base != NULL ? base : own);
	oo_buffer_clear(&profile->body);
	profile->easy = curl_easy_init();
	if (prepare(profile->easy, url, profile) &&
	    oo_transfers_start(profile->agent->transfers, profile->easy, on_answer, profile) == 0) {
		return true;
	}
	curl_easy_cleanup(profile->easy);
	profile->easy = NULL;
	return false;
}

static void on_timer(struct oo_timer *timer)
{
	struct agent_profile *profile = oo_container_of(timer, struct agent_profile, timer);
	read_config(profile);
	read_settings(profile);
	if (!ask(profile)) {
		describe(profile);
	}
	oo_timer_set(&profile->timer, oo_clock_now() + AGENT_PROFILE_MS);
}

int agent_profile_new(struct agent *agent, struct agent_profile **ret_profile, struct oo_err *err)
{
	struct agent_profile *profile = calloc(1, sizeof(*profile));
	if (profile == NULL) {
		return oo_fail(err, ENOMEM, "profile");
	}
	profile->agent = agent;
	oo_buffer_init(&profile->body, BODY_BYTES_MAX);
	int r = oo_timer_init(&profile->timer, agent->event, on_timer);
	if (r < 0) {
		free(profile);
		return oo_fail(err, -r, "profile timer");
	}
	oo_timer_set(&profile->timer, oo_clock_now() + FIRST_MS);
	*ret_profile = profile;
	return 0;
}

void agent_profile_free(struct agent_profile *profile)
{
	if (profile == NULL) {
		return;
	}
	if (profile->easy != NULL) {
		oo_transfers_cancel(profile->agent->transfers, profile->easy);
		curl_easy_cleanup(profile->easy);
	}
	oo_timer_done(&profile->timer);
	oo_buffer_done(&profile->body);
	json_object_put(profile->said);
	free(profile);
}

void agent_profile_look(struct agent_profile *profile)
{
	profile->is_read = false;
	profile->changed = (struct timespec){0}; /* its file may be another one, too */
	oo_timer_set(&profile->timer, 0);
}

struct json_object *agent_profile_get(const struct agent_profile *profile)
{
	return json_object_get(profile->said);
}

uint64_t agent_profile_revision(const struct agent_profile *profile)
{
	return profile->revision;
}
