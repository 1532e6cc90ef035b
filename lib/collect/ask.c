#include "collect/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "check/curl.h"
#include "collect/gather.h"

/* Of a body: more is not read. A whole answer it is all the same. */
#define BODY_MAX (512 * 1024)

struct oo_ask {
	struct oo_transfers *transfers;
	struct oo_exchange *exchange;
	oo_ask_fn *done;
	void *user;
	CURL *easy; /* owned */
	struct curl_slist *headers, *connect_to;
	bool running;
	bool upgrades, follows;
	bool is_enough; /* we have ended it: what came is all that was wanted */
	bool not_http;
	char server_name[OO_EVIDENCE_TEXT];
	int64_t began_us; /* of this hop */
	int64_t until_at; /* CLOCK_BOOTTIME ms */
	int64_t tls_us;   /* when TLS was first spoken, after began_us; 0: not yet */
	int socket_errno;
	int fd; /* owned: the connection, once more; -1: none */
	char error[CURL_ERROR_SIZE];
	char asked[OO_ASK_REDIRECTS][OO_EVIDENCE_TEXT];
	size_t n_asked;
};

static int64_t at_us(const struct oo_ask *ask, CURLINFO info)
{
	curl_off_t us = 0;
	curl_easy_getinfo(ask->easy, info, &us);
	return us;
}

static int64_t between(int64_t from_us, int64_t to_us)
{
	return to_us > from_us ? to_us - from_us : 0;
}

/* When the TCP handshake was over: libcurl 7.88 counts TLS's in, so its beginning is noted. */
static int64_t connected_us(const struct oo_ask *ask)
{
	return ask->tls_us != 0 ? ask->tls_us : at_us(ask, CURLINFO_CONNECT_TIME_T);
}

/* libcurl's times all count from the start; 0: not reached (curl_easy_getinfo(3)). */
static void note_times(struct oo_ask *ask)
{
	struct oo_check_times *times = &ask->exchange->times;
	int64_t name = at_us(ask, CURLINFO_NAMELOOKUP_TIME_T);
	int64_t connected = connected_us(ask);
	int64_t tls = at_us(ask, CURLINFO_APPCONNECT_TIME_T);
	int64_t first_byte = at_us(ask, CURLINFO_STARTTRANSFER_TIME_T);
	times->name_us = name;
	times->connect_us = between(name, connected);
	times->tls_us = between(connected, tls);
	times->first_byte_us = between(tls > connected ? tls : connected, first_byte);
	times->total_us = oo_clock_now_us() - ask->began_us;
}

/* What the kernel knows of the last connection: asked through a descriptor of our own, as libcurl
 * closes its own before it says that it has failed. */
static void take_info(struct oo_ask *ask)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	if (ask->fd >= 0 && getsockopt(ask->fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0) {
		ask->exchange->retransmits += info.tcpi_total_retrans;
		ask->exchange->rtt_us = info.tcpi_rtt;
	}
	oo_close(&ask->fd);
}

/* CURLOPT_OPENSOCKETFUNCTION: as libcurl's own, but says where to, and why there is no socket. */
static curl_socket_t on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct oo_ask *ask = user;
	struct oo_endpoint_text *peer = &ask->exchange->peer;
	char port[8] = "";
	(void)purpose;
	if (getnameinfo(&address->addr, address->addrlen, peer->host, sizeof(peer->host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
		peer->port = (uint16_t)strtoul(port, NULL, 10);
	}
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			address->protocol);
	ask->socket_errno = fd < 0 ? errno : 0;
	take_info(ask); /* of the address that was tried before */
	ask->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* CURLOPT_SSL_CTX_FUNCTION: called between the TCP and the TLS handshake. */
static CURLcode on_tls(CURL *easy, void *context, void *user)
{
	struct oo_ask *ask = user;
	(void)easy;
	(void)context;
	ask->tls_us = oo_clock_now_us() - ask->began_us;
	return CURLE_OK;
}

static int status_of(const struct oo_ask *ask)
{
	long status = 0;
	curl_easy_getinfo(ask->easy, CURLINFO_RESPONSE_CODE, &status);
	/* but for 101 these only announce an answer (RFC 9110, 15.2) */
	return status >= 200 || status == 101 ? (int)status : 0;
}

/* CURLOPT_HEADERFUNCTION: taking less than n ends the transfer with CURLE_WRITE_ERROR. */
static size_t on_header(char *data, size_t one, size_t n, void *user)
{
	struct oo_ask *ask = user;
	struct oo_exchange *exchange = ask->exchange;
	(void)one; /* always 1 */
	oo_ask_take_header(data, n, "Location", exchange->location, sizeof(exchange->location));
	oo_ask_take_header(data, n, "Server", exchange->server, sizeof(exchange->server));
	oo_ask_take_header(data, n, "Content-Type", exchange->content_type,
			   sizeof(exchange->content_type));
	bool ends = n <= 2 && (data[0] == '\r' || data[0] == '\n');
	/* what comes after 101 is another protocol's, and would come for ever */
	ask->is_enough = ends && status_of(ask) == 101;
	return ask->is_enough ? 0 : n;
}

/* CURLOPT_WRITEFUNCTION, the same. */
static size_t on_body(char *data, size_t one, size_t n, void *user)
{
	struct oo_ask *ask = user;
	struct oo_exchange *exchange = ask->exchange;
	(void)one; /* always 1 */
	if (exchange->body_bytes < sizeof(exchange->body) - 1) {
		size_t room = sizeof(exchange->body) - 1 - (size_t)exchange->body_bytes;
		memcpy(exchange->body + exchange->body_bytes, data, n < room ? n : room);
	}
	exchange->body_bytes += n;
	/* no status line: "HTTP/0.9" to libcurl, that is, anything at all */
	ask->not_http = status_of(ask) == 0;
	ask->is_enough = exchange->body_bytes > BODY_MAX;
	return ask->not_http || ask->is_enough ? 0 : n;
}

static void say(struct oo_ask *ask, enum oo_check_reason reason, const char *text)
{
	ask->exchange->reason = reason;
	OO_GATHER_SAY(ask->exchange->error, text);
}

static void judge_timeout(struct oo_ask *ask)
{
	if (at_us(ask, CURLINFO_NAMELOOKUP_TIME_T) == 0) {
		say(ask, OO_CHECK_REASON_NAME_NOT_RESOLVED, "no answer to the name lookup");
	} else if (connected_us(ask) == 0) {
		say(ask, OO_CHECK_REASON_CONNECT_TIMEOUT, "no answer to the connection attempt");
	} else if (ask->tls_us != 0 && at_us(ask, CURLINFO_APPCONNECT_TIME_T) == 0) {
		say(ask, OO_CHECK_REASON_SILENT, "connected, TLS handshake not answered");
	} else if (at_us(ask, CURLINFO_STARTTRANSFER_TIME_T) == 0) {
		say(ask, OO_CHECK_REASON_SILENT, "connected, no answer");
	} else {
		say(ask, OO_CHECK_REASON_SLOW, "the answer began, and was not over in time");
	}
}

static int os_errno(const struct oo_ask *ask)
{
	long error_number = ask->socket_errno;
	if (error_number == 0) {
		curl_easy_getinfo(ask->easy, CURLINFO_OS_ERRNO, &error_number);
	}
	return (int)error_number;
}

/* What a broken connection is: without an errno, libcurl's words have to do. */
static void judge_broken(struct oo_ask *ask, enum oo_check_reason otherwise, const char *text)
{
	int error_number = os_errno(ask);
	if (error_number != 0) {
		say(ask, oo_check_curl_errno(error_number), strerror(error_number));
	} else {
		say(ask, otherwise, text);
	}
}

static void judge_failure(struct oo_ask *ask, CURLcode code)
{
	const char *text = ask->error[0] != '\0' ? ask->error : curl_easy_strerror(code);
	switch ((int)code) { /* libcurl's enum, not ours: what is not named is of our side */
	case CURLE_COULDNT_RESOLVE_HOST:
		say(ask, OO_CHECK_REASON_NAME_NOT_RESOLVED, text);
		break;
	case CURLE_COULDNT_CONNECT:
		judge_broken(ask, OO_CHECK_REASON_UNREACHABLE, text);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		judge_timeout(ask);
		break;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
		say(ask, OO_CHECK_REASON_TLS, text);
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		say(ask, OO_CHECK_REASON_CLOSED, text);
		break;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		judge_broken(ask, OO_CHECK_REASON_PROTOCOL, text);
		break;
	case CURLE_WRITE_ERROR: /* we would not take it */
		say(ask, OO_CHECK_REASON_PROTOCOL, "what came is no HTTP");
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
		say(ask, OO_CHECK_REASON_PROTOCOL, text);
		break;
	default:
		say(ask, OO_CHECK_REASON_LOCAL, text);
		break;
	}
}

static void judge(struct oo_ask *ask, CURLcode code)
{
	struct oo_exchange *exchange = ask->exchange;
	struct curl_certinfo *chain = NULL;
	exchange->look = OO_LOOK_SEEN;
	note_times(ask);
	take_info(ask);
	if (!ask->not_http) {
		exchange->status = status_of(ask);
	}
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && ask->is_enough)) {
		say(ask, OO_CHECK_REASON_OK, "");
	} else {
		judge_failure(ask, code);
	}
	if (curl_easy_getinfo(ask->easy, CURLINFO_CERTINFO, &chain) == CURLE_OK && chain != NULL) {
		oo_ask_judge_chain(chain, ask->server_name[0] != '\0' ? ask->server_name : NULL,
				   exchange);
	}
}

static void free_ask(struct oo_ask *ask)
{
	curl_easy_cleanup(ask->easy);
	curl_slist_free_all(ask->headers);
	curl_slist_free_all(ask->connect_to);
	oo_close(&ask->fd);
	free(ask);
}

static int start_hop(struct oo_ask *ask, const char *url);

/* Whether it goes on with what the answer redirects to. */
static bool follow(struct oo_ask *ask)
{
	struct oo_exchange *exchange = ask->exchange;
	char *next = NULL;
	char url[OO_EVIDENCE_TEXT];
	if (!ask->follows || exchange->reason != OO_CHECK_REASON_OK ||
	    curl_easy_getinfo(ask->easy, CURLINFO_REDIRECT_URL, &next) != CURLE_OK ||
	    next == NULL || oo_text_copy(url, sizeof(url), next) < 0) {
		return false;
	}
	OO_GATHER_SAY(exchange->location, url);
	for (size_t i = 0; i < ask->n_asked; i++) {
		exchange->loops = exchange->loops || oo_text_equal(ask->asked[i], url);
	}
	if (exchange->loops || ask->n_asked == OO_ASK_REDIRECTS ||
	    (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)) {
		return false;
	}
	/* what was seen so far is of this hop; the next one's takes its place */
	struct oo_exchange seen = *exchange;
	*exchange = (struct oo_exchange){.look = OO_LOOK_LATE, .redirects = seen.redirects + 1};
	OO_GATHER_SAY(exchange->url, seen.url);
	OO_GATHER_SAY(exchange->location, url);
	if (start_hop(ask, url) < 0) {
		*exchange = seen;
		return false;
	}
	return true;
}

static void on_done(CURL *easy, CURLcode code, void *user)
{
	struct oo_ask *ask = user;
	(void)easy;
	ask->running = false;
	judge(ask, code);
	if (follow(ask)) {
		return;
	}
	oo_ask_fn *done = ask->done;
	void *done_user = ask->user;
	free_ask(ask);
	done(done_user);
}

static int start_hop(struct oo_ask *ask, const char *url)
{
	struct oo_endpoint_text at;
	char path[2];
	int64_t left_ms = ask->until_at - oo_clock_now();
	if (curl_easy_setopt(ask->easy, CURLOPT_URL, url) != CURLE_OK) {
		return -ENOMEM;
	}
	if (ask->follows && oo_gather_url_split(url, &at, path, sizeof(path))) {
		OO_GATHER_SAY(ask->server_name, at.host);
	}
	OO_GATHER_SAY(ask->asked[ask->n_asked], url);
	ask->n_asked++;
	ask->tls_us = 0;
	ask->error[0] = '\0';
	ask->is_enough = ask->not_http = false;
	ask->began_us = oo_clock_now_us();
	left_ms = left_ms > 1 ? left_ms : 1;
	curl_easy_setopt(ask->easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl_easy_setopt(ask->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)left_ms);
	int r = oo_transfers_start(ask->transfers, ask->easy, on_done, ask);
	ask->running = r == 0;
	return r;
}

static void set_callbacks(struct oo_ask *ask)
{
	CURL *easy = ask->easy;
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, ask->error);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, ask);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, ask);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, ask);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, ask);
}

static int set_options(struct oo_ask *ask)
{
	CURL *easy = ask->easy;
	if (curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_USERAGENT, "ooha/" OO_VERSION) != CURLE_OK) {
		return -ENOMEM;
	}
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 1L); /* so that on_body sees what came */
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
	/* not parsed for each connection: chain.c asks, and only for what it needs */
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	return 0;
}

static int add_header(struct oo_ask *ask, const char *line)
{
	struct curl_slist *longer = curl_slist_append(ask->headers, line);
	ask->headers = longer != NULL ? longer : ask->headers;
	return longer != NULL ? 0 : -ENOMEM;
}

static int set_headers(struct oo_ask *ask, const struct oo_ask_request *request)
{
	/* RFC 6455, 4.1: the key is 16 bytes in base64, whichever they are */
	static const char *const upgrade[] = {"Connection: Upgrade", "Upgrade: websocket",
					      "Sec-WebSocket-Version: 13",
					      "Sec-WebSocket-Key: b29oYSBkaWFnbm9zaXMgMQ=="};
	int r = request->upgrades ? 0 : add_header(ask, "Connection: close");
	for (size_t i = 0; i < OO_LENGTH(upgrade) && request->upgrades && r == 0; i++) {
		r = add_header(ask, upgrade[i]);
	}
	if (r == 0 && request->authorization != NULL) {
		r = add_header(ask, request->authorization);
	}
	if (r == 0 && request->body != NULL) {
		r = add_header(ask, "Content-Type: application/json");
		if (curl_easy_setopt(ask->easy, CURLOPT_COPYPOSTFIELDS, request->body) !=
		    CURLE_OK) {
			r = -ENOMEM;
		}
	}
	curl_easy_setopt(ask->easy, CURLOPT_HTTPHEADER, ask->headers);
	return r;
}

static int set_place(struct oo_ask *ask, const struct oo_endpoint_text *at)
{
	char line[OO_NAME_LENGTH + 16];
	if (at == NULL) {
		return 0;
	}
	bool is_six = strchr(at->host, ':') != NULL;
	snprintf(line, sizeof(line), is_six ? "::[%s]:%u" : "::%s:%u", at->host, at->port);
	ask->connect_to = curl_slist_append(NULL, line);
	curl_easy_setopt(ask->easy, CURLOPT_CONNECT_TO, ask->connect_to);
	return ask->connect_to != NULL ? 0 : -ENOMEM;
}

static int prepare(struct oo_ask *ask, const struct oo_ask_request *request)
{
	ask->easy = curl_easy_init();
	if (ask->easy == NULL) {
		return -ENOMEM;
	}
	set_callbacks(ask);
	int r = set_options(ask);
	if (r == 0) {
		r = set_headers(ask, request);
	}
	return r == 0 ? set_place(ask, request->connect_to) : r;
}

int oo_ask_start(struct oo_transfers *transfers, const struct oo_ask_request *request,
		 struct oo_exchange *ret_exchange, oo_ask_fn *done, void *user,
		 struct oo_ask **ret_ask)
{
	struct oo_ask *ask = calloc(1, sizeof(*ask));
	*ret_exchange = (struct oo_exchange){.look = OO_LOOK_LATE};
	OO_GATHER_SAY(ret_exchange->url, request->url);
	if (ask == NULL) {
		ret_exchange->look = OO_LOOK_FAILED;
		return -ENOMEM;
	}
	*ask = (struct oo_ask){.transfers = transfers,
			       .exchange = ret_exchange,
			       .fd = -1,
			       .done = done,
			       .user = user,
			       .upgrades = request->upgrades,
			       .follows = request->follows,
			       .until_at = oo_clock_now() + request->timeout_ms};
	OO_GATHER_SAY(ask->server_name, request->server_name != NULL ? request->server_name : "");
	int r = prepare(ask, request);
	if (r == 0) {
		r = start_hop(ask, request->url);
	}
	if (r < 0) {
		ret_exchange->look = OO_LOOK_FAILED;
		OO_GATHER_SAY(ret_exchange->error, strerror(-r));
		free_ask(ask);
		return r;
	}
	*ret_ask = ask;
	return 0;
}

void oo_ask_cancel(struct oo_ask *ask)
{
	if (ask == NULL) {
		return;
	}
	if (ask->running) {
		oo_transfers_cancel(ask->transfers, ask->easy);
	}
	free_ask(ask);
}
