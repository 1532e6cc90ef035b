#include "check/curl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/transfer.h"

/* CURLOPT_OPENSOCKETFUNCTION: as libcurl's own, but says why there is no socket. */
static curl_socket_t on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct oo_check_curl *curl = user;
	(void)purpose;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			address->protocol);
	curl->socket_errno = fd < 0 ? errno : 0;
	if (!curl->connecting) { /* not anew for each address of the name */
		curl->connecting = true;
		oo_check_run_enter(curl->run, curl->run->spec->limits.connect_ms);
	}
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/*
 * CURLOPT_SSL_CTX_FUNCTION: called between the TCP and the TLS handshake, which libcurl 7.88 counts
 * as one (CURLINFO_CONNECT_TIME_T).
 */
static CURLcode on_tls(CURL *easy, void *context, void *user)
{
	struct oo_check_curl *curl = user;
	(void)easy;
	(void)context;
	curl->tls_us = oo_clock_now_us() - curl->run->began_us;
	oo_check_run_enter(curl->run, curl->run->spec->limits.tls_ms);
	return CURLE_OK;
}

/* CURLOPT_PREREQFUNCTION: connected, the request comes next. */
static int on_connected(void *user, char *peer, char *here, int peer_port, int here_port)
{
	struct oo_check_curl *curl = user;
	(void)peer;
	(void)here;
	(void)peer_port;
	(void)here_port;
	curl->connecting = false; /* a redirect makes another connection */
	curl->answered = false;
	oo_check_run_enter(curl->run, curl->run->spec->limits.first_byte_ms);
	return CURL_PREREQFUNC_OK;
}

void oo_check_curl_answered(struct oo_check_curl *curl)
{
	if (!curl->answered) {
		curl->answered = true;
		oo_check_run_enter(curl->run, 0);
	}
}

int oo_check_curl_begin(struct oo_check_curl *curl, struct oo_check_run *run,
			oo_check_curl_fn *ended)
{
	*curl = (struct oo_check_curl){.run = run, .ended = ended, .easy = curl_easy_init()};
	CURL *easy = curl->easy;
	if (easy == NULL || curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK) {
		return -ENOMEM;
	}
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, curl->error);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	/* shared out among the addresses of a name; the deadline of the run is the check's */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)run->spec->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, curl);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, curl);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, curl);
	return 0;
}

static void on_transferred(CURL *easy, CURLcode code, void *user)
{
	struct oo_check_curl *curl = user;
	(void)easy;
	curl->transferring = false;
	curl->ended(curl, code);
}

int oo_check_curl_start(struct oo_check_curl *curl)
{
	int r = oo_transfers_start(curl->run->setup->transfers, curl->easy, on_transferred, curl);
	curl->transferring = r == 0;
	if (r == 0) {
		oo_check_run_enter(curl->run, curl->run->spec->limits.name_ms);
	}
	return r;
}

static void cancel(struct oo_check_curl *curl)
{
	if (curl->transferring) {
		oo_transfers_cancel(curl->run->setup->transfers, curl->easy);
		curl->transferring = false;
	}
}

void oo_check_curl_stop(struct oo_check_curl *curl)
{
	cancel(curl);
	curl_easy_cleanup(curl->easy);
	*curl = (struct oo_check_curl){0};
}

static int64_t at_us(const struct oo_check_curl *curl, CURLINFO info)
{
	curl_off_t us = 0;
	curl_easy_getinfo(curl->easy, info, &us);
	return us;
}

static int64_t between(int64_t from_us, int64_t to_us)
{
	return to_us > from_us ? to_us - from_us : 0;
}

/* When the TCP handshake was over; 0: not yet. */
static int64_t connected_us(const struct oo_check_curl *curl)
{
	return curl->tls_us != 0 ? curl->tls_us : at_us(curl, CURLINFO_CONNECT_TIME_T);
}

/* libcurl's times all count from the start; 0: not reached (curl_easy_getinfo(3)). */
void oo_check_curl_set_times(struct oo_check_curl *curl)
{
	struct oo_check_times *times = &curl->run->result.times;
	int64_t name = at_us(curl, CURLINFO_NAMELOOKUP_TIME_T);
	int64_t connected = connected_us(curl);
	int64_t tls = at_us(curl, CURLINFO_APPCONNECT_TIME_T);
	int64_t first_byte = at_us(curl, CURLINFO_STARTTRANSFER_TIME_T);

	times->name_us = name;
	times->connect_us = between(name, connected);
	times->tls_us = between(connected, tls);
	times->first_byte_us = between(tls > connected ? tls : connected, first_byte);
}

enum oo_check_reason oo_check_curl_errno(int error_number)
{
	switch (error_number) {
	case ECONNREFUSED:
		return OO_CHECK_REASON_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return OO_CHECK_REASON_RESET;
	case ETIMEDOUT:
		return OO_CHECK_REASON_CONNECT_TIMEOUT;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case ENONET:
		return OO_CHECK_REASON_UNREACHABLE;
	default:
		return OO_CHECK_REASON_LOCAL; /* no ports, no rights, no buffers */
	}
}

static long os_errno(const struct oo_check_curl *curl)
{
	long error_number = 0;
	curl_easy_getinfo(curl->easy, CURLINFO_OS_ERRNO, &error_number);
	return error_number;
}

static void judge_no_connection(const struct oo_check_curl *curl)
{
	int error_number = curl->socket_errno != 0 ? curl->socket_errno : (int)os_errno(curl);
	if (error_number != 0) {
		oo_check_run_say_errno(curl->run, oo_check_curl_errno(error_number), error_number);
	} else {
		oo_check_run_say(curl->run, OO_CHECK_REASON_UNREACHABLE, "%s", curl->error);
	}
}

void oo_check_curl_judge_timeout(struct oo_check_curl *curl, size_t received_bytes)
{
	cancel(curl);
	if (at_us(curl, CURLINFO_NAMELOOKUP_TIME_T) == 0) {
		oo_check_run_say(curl->run, OO_CHECK_REASON_NAME_NOT_RESOLVED,
				 "no answer to the name lookup");
	} else if (connected_us(curl) == 0) {
		oo_check_run_say(curl->run, OO_CHECK_REASON_CONNECT_TIMEOUT,
				 "no answer to the connection attempt");
	} else if (curl->tls_us != 0 && at_us(curl, CURLINFO_APPCONNECT_TIME_T) == 0) {
		oo_check_run_say(curl->run, OO_CHECK_REASON_SILENT,
				 "connected, TLS handshake not answered");
	} else if (at_us(curl, CURLINFO_STARTTRANSFER_TIME_T) == 0) {
		oo_check_run_say(curl->run, OO_CHECK_REASON_SILENT, "connected, no answer");
	} else {
		oo_check_run_say(curl->run, OO_CHECK_REASON_SLOW, "answer not over after %zu bytes",
				 received_bytes);
	}
}

/* A failed lookup may be for want of descriptors, which libcurl does not tell. */
static void judge_name(const struct oo_check_curl *curl)
{
	OO_AUTO(oo_close) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		oo_check_run_say_errno(curl->run, OO_CHECK_REASON_LOCAL, errno);
	} else {
		oo_check_run_say(curl->run, OO_CHECK_REASON_NAME_NOT_RESOLVED, "%s", curl->error);
	}
}

static void judge_broken(const struct oo_check_curl *curl)
{
	long error_number = os_errno(curl);
	if (error_number == ECONNRESET || error_number == EPIPE) {
		oo_check_run_say_errno(curl->run, OO_CHECK_REASON_RESET, (int)error_number);
	} else {
		oo_check_run_say(curl->run, OO_CHECK_REASON_PROTOCOL, "%s", curl->error);
	}
}

/* libcurl says so too of a header line that is longer than it takes: 100 kB. */
static void judge_memory(const struct oo_check_curl *curl)
{
	if (at_us(curl, CURLINFO_STARTTRANSFER_TIME_T) != 0) {
		oo_check_run_say(curl->run, OO_CHECK_REASON_PROTOCOL, "header line too long");
	} else {
		oo_check_run_say_errno(curl->run, OO_CHECK_REASON_LOCAL, ENOMEM);
	}
}

void oo_check_curl_judge(struct oo_check_curl *curl, CURLcode code)
{
	const char *text = curl->error[0] != '\0' ? curl->error : curl_easy_strerror(code);
	switch ((int)code) { /* libcurl's enum, not ours: what is not named is of our side */
	case CURLE_COULDNT_RESOLVE_HOST:
		judge_name(curl);
		break;
	case CURLE_COULDNT_CONNECT:
		judge_no_connection(curl);
		break;
	case CURLE_OPERATION_TIMEDOUT: /* libcurl's own, of the connection alone */
		oo_check_curl_judge_timeout(curl, 0);
		break;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ISSUER_ERROR:
		oo_check_run_say(curl->run, OO_CHECK_REASON_TLS, "%s", text);
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		oo_check_run_say(curl->run, OO_CHECK_REASON_CLOSED, "%s", text);
		break;
	case CURLE_OUT_OF_MEMORY:
		judge_memory(curl);
		break;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		judge_broken(curl);
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		oo_check_run_say(curl->run, OO_CHECK_REASON_PROTOCOL, "%s", text);
		break;
	default:
		oo_check_run_say(curl->run, OO_CHECK_REASON_LOCAL, "%s", text);
		break;
	}
}

static void release_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
	curl_free(text);
	return has;
}

int oo_check_url_verify(const char *text, struct oo_err *err)
{
	OO_AUTO(release_url) CURLU *url = curl_url();
	if (url == NULL) {
		return oo_fail(err, ENOMEM, "url");
	}
	CURLUcode code = curl_url_set(url, CURLUPART_URL, text, 0);
	if (code != CURLUE_OK) {
		return oo_fail_text(err, EINVAL,
				    "url: %s; must be http://host/path or https://host/path",
				    curl_url_strerror(code));
	}
	if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)) {
		return oo_fail_text(err, EINVAL, "url: must not have a user or password in it");
	}
	return 0;
}
