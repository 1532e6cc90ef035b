/* The requests of a diagnosis, all at the same time. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "check/secret.h"
#include "collect/ask.h"
#include "collect/gather.h"
#include "collect/procfs.h"

/* Of each request. A database whose host is off the network makes a health check take 3 s, but the
 * rest of it would be silent for as long as anybody waits. */
#define TIMEOUT_MS 2200
/* A request ends before the gathering does. */
#define SPARE_MS 200

#define ARP_TEXT (64 << 10)

#define HEALTH "/healthcheck"
#define EDITOR "/doc/ooha/c/?EIO=4&transport=websocket"
#define COMMAND "{\"c\":\"version\"}"
#define HEADER_LENGTH (OO_CHECK_TOKEN_LENGTH + OO_NAME_LENGTH + 16)

enum place {
	PLACE_PROXY,
	PLACE_DIRECT,
};

enum manner {
	MANNER_PLAIN,
	MANNER_UPGRADES,
	MANNER_TLS,
};

/* What is asked of the proxy and of the Document Server, whatever the configuration says. */
static const struct question {
	enum oo_exchange_name name;
	enum place place;
	const char *path;
	enum manner manner;
} questions[] = {
	{OO_EXCHANGE_PROXY_HEALTH, PLACE_PROXY, HEALTH, MANNER_PLAIN},
	{OO_EXCHANGE_PROXY_STATIC, PLACE_PROXY, "/web-apps/apps/api/documents/api.js",
	 MANNER_PLAIN},
	{OO_EXCHANGE_PROXY_EDITOR, PLACE_PROXY, EDITOR, MANNER_UPGRADES},
	{OO_EXCHANGE_DIRECT_HEALTH, PLACE_DIRECT, HEALTH, MANNER_PLAIN},
	{OO_EXCHANGE_DIRECT_INDEX, PLACE_DIRECT, "/index.html", MANNER_PLAIN},
	{OO_EXCHANGE_DIRECT_INFO, PLACE_DIRECT, "/info/info.json", MANNER_PLAIN},
	{OO_EXCHANGE_DIRECT_INACTIVE, PLACE_DIRECT, "/internal/cluster/inactive", MANNER_PLAIN},
	{OO_EXCHANGE_DIRECT_EDITOR, PLACE_DIRECT, EDITOR, MANNER_UPGRADES},
	{OO_EXCHANGE_DIRECT_TLS, PLACE_DIRECT, HEALTH, MANNER_TLS},
};

struct asking {
	struct oo_collect_exchanges *exchanges;
	struct oo_ask *ask; /* owned while it runs */
};

struct oo_collect_exchanges {
	struct oo_gather *gather;
	struct asking askings[OO_EXCHANGE_END];
};

/*
 * The kernel asks for three seconds who has an address before it says that nobody does: longer than we
 * wait. A packet filter that drops leaves the neighbour known.
 */
static void tell_absent_host(struct oo_exchange *exchange)
{
	char text[ARP_TEXT];
	if (exchange->status == 0 && exchange->reason == OO_CHECK_REASON_CONNECT_TIMEOUT &&
	    oo_procfs_read(AT_FDCWD, "/proc/net/arp", text, sizeof(text)) > 0 &&
	    oo_procfs_parse_is_nobody(text, exchange->peer.host)) {
		exchange->reason = OO_CHECK_REASON_UNREACHABLE;
		OO_GATHER_SAY(exchange->error, "nobody answers ARP for it: that host is off");
	}
}

static void on_answer(void *user)
{
	struct asking *asking = user;
	const struct oo_collect_exchanges *exchanges = asking->exchanges;
	asking->ask = NULL;
	tell_absent_host(&exchanges->gather->evidence->exchanges[asking - exchanges->askings]);
	oo_gather_release(exchanges->gather);
}

static void ask(struct oo_collect_exchanges *exchanges, enum oo_exchange_name name,
		const struct oo_ask_request *request)
{
	struct oo_gather *gather = exchanges->gather;
	struct asking *asking = &exchanges->askings[name];
	struct oo_ask_request timed = *request;
	int64_t left_ms = oo_gather_left_ms(gather) - SPARE_MS;
	timed.timeout_ms = left_ms < TIMEOUT_MS ? left_ms : TIMEOUT_MS;
	if (oo_ask_start(gather->transfers, &timed, &gather->evidence->exchanges[name], on_answer,
			 asking, &asking->ask) == 0) {
		oo_gather_hold(gather);
	}
}

static void write_url(char url[static OO_EVIDENCE_TEXT], const char *scheme,
		      const struct oo_endpoint_text *at, const char *path)
{
	bool is_six = strchr(at->host, ':') != NULL;
	snprintf(url, OO_EVIDENCE_TEXT, is_six ? "%s://[%s]:%u%s" : "%s://%s:%u%s", scheme,
		 at->host, at->port, path);
}

static void ask_questions(struct oo_collect_exchanges *exchanges)
{
	const struct oo_gather *gather = exchanges->gather;
	for (size_t i = 0; i < OO_LENGTH(questions); i++) {
		const struct question *question = &questions[i];
		char url[OO_EVIDENCE_TEXT];
		write_url(url, question->manner == MANNER_TLS ? "https" : "http",
			  question->place == PLACE_PROXY ? &gather->proxy : &gather->docservice,
			  question->path);
		ask(exchanges, question->name,
		    &(struct oo_ask_request){.url = url,
					     .upgrades = question->manner == MANNER_UPGRADES});
	}
}

/* The payload of the token takes the place of the body, where tokens are demanded. */
static void ask_command(struct oo_collect_exchanges *exchanges)
{
	const struct oo_gather *gather = exchanges->gather;
	const struct oo_settings *settings = &gather->settings;
	char url[OO_EVIDENCE_TEXT];
	char token[OO_CHECK_TOKEN_LENGTH];
	char header[HEADER_LENGTH] = "";
	if (settings->jwt_secret[0] != '\0' &&
	    oo_check_token_write(settings->jwt_secret, COMMAND, oo_clock_wall() / 1000, token) ==
		    0) {
		snprintf(header, sizeof(header), "%s: Bearer %s",
			 settings->jwt_header[0] != '\0' ? settings->jwt_header : "Authorization",
			 token);
		explicit_bzero(token, sizeof(token));
	}
	write_url(url, "http", &gather->proxy, "/coauthoring/CommandService.ashx");
	ask(exchanges, OO_EXCHANGE_PROXY_COMMAND,
	    &(struct oo_ask_request){.url = url,
				     .body = COMMAND,
				     .authorization = header[0] != '\0' ? header : NULL});
	explicit_bzero(header, sizeof(header));
}

/* The name that users know the proxy by; "" where nobody said. */
static void find_user_name(const struct oo_gather *gather, char name[static OO_NAME_LENGTH])
{
	struct oo_endpoint_text at;
	char path[2];
	name[0] = '\0';
	if (oo_gather_url_split(gather->subject->url, &at, path, sizeof(path))) {
		oo_text_clip(name, OO_NAME_LENGTH, at.host);
	}
}

/* Asked for by the users' name: a server by another name may show another certificate. */
static void ask_tls(struct oo_collect_exchanges *exchanges)
{
	const struct oo_gather *gather = exchanges->gather;
	const struct oo_proxy_config *proxy = &gather->evidence->proxy;
	struct oo_endpoint_text here = gather->proxy;
	char url[OO_EVIDENCE_TEXT], name[OO_NAME_LENGTH];
	if (proxy->tls_port == 0) {
		return;
	}
	here.port = proxy->tls_port;
	struct oo_endpoint_text asked = here;
	find_user_name(gather, name);
	if (name[0] != '\0') {
		OO_GATHER_SAY(asked.host, name);
	}
	write_url(url, "https", &asked, HEALTH);
	ask(exchanges, OO_EXCHANGE_PROXY_TLS,
	    &(struct oo_ask_request){
		    .url = url, .connect_to = &here, .server_name = name[0] != '\0' ? name : NULL});
}

static bool is_loopback(const char *host)
{
	return oo_text_equal(host, "localhost") || oo_text_equal(host, "::1") ||
	       strncmp(host, "127.", 4) == 0;
}

static bool is_same_place(const struct oo_endpoint_text *one, const struct oo_endpoint_text *other)
{
	return one->port == other->port && (strcasecmp(one->host, other->host) == 0 ||
					    (is_loopback(one->host) && is_loopback(other->host)));
}

/* Where the proxy sends the editors' requests, if not to where the Document Server should be. */
static const struct oo_proxy_pass *find_elsewhere(const struct oo_gather *gather)
{
	const struct oo_proxy_config *proxy = &gather->evidence->proxy;
	for (size_t i = 0; i < proxy->n_passes; i++) {
		const struct oo_proxy_pass *pass = &proxy->passes[i];
		bool is_elsewhere = pass->reaches_docservice && !pass->is_variable &&
				    pass->n_peers > 0 && pass->peers[0].port != 0;
		for (size_t k = 0; k < pass->n_peers; k++) {
			is_elsewhere = is_elsewhere &&
				       !is_same_place(&pass->peers[k], &gather->docservice);
		}
		if (is_elsewhere) {
			return pass;
		}
	}
	return NULL;
}

static void ask_upstream(struct oo_collect_exchanges *exchanges)
{
	const struct oo_proxy_pass *pass = find_elsewhere(exchanges->gather);
	char url[OO_EVIDENCE_TEXT];
	if (pass != NULL) {
		write_url(url, pass->tls ? "https" : "http", &pass->peers[0], HEALTH);
		ask(exchanges, OO_EXCHANGE_UPSTREAM, &(struct oo_ask_request){.url = url});
	}
}

/* As the configuration has it; without one, as the agent says. */
static const char *find_vip(const struct oo_gather *gather)
{
	const struct oo_config *config = gather->subject->config;
	if (config != NULL && config->n_groups > 0 && config->groups[0].n_vips > 0) {
		return config->groups[0].vips[0].address;
	}
	return gather->evidence->n_vips > 0 ? gather->evidence->vips[0].address : NULL;
}

void oo_gather_ask_vip(struct oo_gather *gather)
{
	const char *address = find_vip(gather);
	struct oo_endpoint_text at = {.port = gather->proxy.port};
	char url[OO_EVIDENCE_TEXT];
	if (address == NULL || gather->exchanges == NULL ||
	    gather->evidence->exchanges[OO_EXCHANGE_VIP].look != OO_LOOK_NONE) {
		return;
	}
	snprintf(at.host, sizeof(at.host), "%.*s", (int)strcspn(address, "/"), address);
	write_url(url, "http", &at, HEALTH);
	ask(gather->exchanges, OO_EXCHANGE_VIP, &(struct oo_ask_request){.url = url});
}

static void ask_user(struct oo_collect_exchanges *exchanges)
{
	const char *url = exchanges->gather->subject->url;
	if (url != NULL) {
		ask(exchanges, OO_EXCHANGE_USER,
		    &(struct oo_ask_request){.url = url, .follows = true});
	}
}

static void *start(struct oo_gather *gather)
{
	struct oo_collect_exchanges *exchanges = calloc(1, sizeof(*exchanges));
	if (exchanges == NULL) {
		return NULL;
	}
	exchanges->gather = gather;
	gather->exchanges = exchanges;
	for (size_t i = 0; i < OO_EXCHANGE_END; i++) {
		exchanges->askings[i].exchanges = exchanges;
	}
	ask_questions(exchanges);
	ask_command(exchanges);
	ask_tls(exchanges);
	ask_upstream(exchanges);
	oo_gather_ask_vip(gather);
	ask_user(exchanges);
	return exchanges;
}

static void stop(struct oo_gather *gather, void *state)
{
	struct oo_collect_exchanges *exchanges = state;
	gather->exchanges = NULL;
	for (size_t i = 0; i < OO_EXCHANGE_END; i++) {
		oo_ask_cancel(exchanges->askings[i].ask);
	}
	free(exchanges);
}

const struct oo_collector oo_collect_exchanges = {.start = start, .stop = stop};
