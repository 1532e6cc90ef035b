#include "check/curl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/transfer.h"

/* What of an answer is shown; it is cut after that. */
#define SHOWN_BYTES 64
#define DAY_S 86400

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
	bool kept = curl->easy != NULL;
	*curl = (struct oo_check_curl){.run = run,
				       .ended = ended,
				       .easy = kept ? curl->easy : curl_easy_init(),
				       .connect_to = curl->connect_to};
	CURL *easy = curl->easy;
	if (kept) {
		return 0;
	}
	if (easy == NULL || curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK) {
		return -ENOMEM;
	}
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, curl->error);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* or no certificate is shown */
	/* shared out among the addresses of a name; the deadline of the run is the check's */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)run->spec->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, curl);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, curl);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, curl);
	return OO_CHECK_CURL_NEW;
}

static void on_transferred(CURL *easy, CURLcode code, void *user)
{
	struct oo_check_curl *curl = user;
	(void)easy;
	curl->transferring = curl->keeps && code == CURLE_OK;
	curl->ended(curl, code);
}

static void release_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

/* The server is asked for by another name than the host's: that one is only connected to. */
static int set_server_name(struct oo_check_curl *curl, const char *text, const char *name)
{
	char to[512];
	char *host = NULL, *port = NULL;
	OO_AUTO(release_url) CURLU *url = curl_url();
	if (url == NULL || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
	    curl_url_set(url, CURLUPART_HOST, name, 0) != CURLUE_OK) {
		curl_free(host);
		return -ENOMEM;
	}
	snprintf(to, sizeof(to), "::%s:%s", host, port);
	curl_free(host);
	curl_free(port);
	char *whole = NULL;
	curl->connect_to = curl_slist_append(NULL, to);
	if (curl->connect_to == NULL || curl_url_get(url, CURLUPART_URL, &whole, 0) != CURLUE_OK) {
		return -ENOMEM;
	}
	curl_easy_setopt(curl->easy, CURLOPT_CONNECT_TO, curl->connect_to);
	CURLcode code = curl_easy_setopt(curl->easy, CURLOPT_URL, whole);
	curl_free(whole);
	return code == CURLE_OK ? 0 : -ENOMEM;
}

int oo_check_curl_set_url(struct oo_check_curl *curl, const char *url,
			  const struct oo_check_tls *tls)
{
	CURL *easy = curl->easy;
	if (curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK) {
		return -ENOMEM;
	}
	if (tls == NULL) {
		return 0;
	}
	if (tls->unverified) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (tls->ca_file != NULL &&
	    curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file) != CURLE_OK) {
		return -ENOMEM;
	}
	curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
	return tls->server_name != NULL ? set_server_name(curl, url, tls->server_name) : 0;
}

/* The end of the server's own certificate, seconds since the epoch; -1: not told. */
static time_t find_certificate_end(CURL *easy)
{
	static const char key[] = "Expire date:";
	struct curl_certinfo *chain = NULL;
	(void)curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain);
	for (struct curl_slist *line = chain != NULL && chain->num_of_certs > 0 ? chain->certinfo[0]
										: NULL;
	     line != NULL; line = line->next) {
		if (strncmp(line->data, key, strlen(key)) == 0) {
			return curl_getdate(line->data + strlen(key), NULL);
		}
	}
	return -1;
}

bool oo_check_curl_is_valid(struct oo_check_curl *curl, const struct oo_check_tls *tls)
{
	int64_t end = find_certificate_end(curl->easy);
	curl->run->result.certificate_end_s = end > 0 ? end : 0;
	if (tls->days_left == 0) {
		return true;
	}
	if (end < 0) {
		oo_check_run_say(curl->run, OO_CHECK_REASON_CERTIFICATE,
				 "no certificate was shown");
		return false;
	}
	int64_t left_s = end - oo_clock_wall() / 1000;
	if (left_s < (int64_t)tls->days_left * DAY_S) {
		oo_check_run_say(curl->run, OO_CHECK_REASON_CERTIFICATE, "certificate %s %d days%s",
				 left_s < 0 ? "expired" : "has",
				 (int)((left_s < 0 ? -left_s : left_s) / DAY_S),
				 left_s < 0 ? " ago" : " left");
		return false;
	}
	return true;
}

void oo_check_curl_say_bytes(struct oo_check_curl *curl, enum oo_check_reason reason,
			     const char *what, const struct oo_buffer *bytes)
{
	char shown[SHOWN_BYTES + 1];
	size_t n = bytes->length < SHOWN_BYTES ? bytes->length : SHOWN_BYTES;
	for (size_t i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)bytes->data[i];
		shown[i] = byte < ' ' || byte > '~' ? '?' : (char)byte;
	}
	shown[n] = '\0';
	oo_check_run_say(curl->run, reason, "%s \"%s\"%s", what, shown,
			 n < bytes->length ? "..." : "");
}

/* start is oo_transfers_start or oo_transfers_connect. */
static int begin_transfer(struct oo_check_curl *curl,
			  int start(struct oo_transfers *, CURL *, oo_transfer_fn *, void *))
{
	int r = start(curl->run->setup->transfers, curl->easy, on_transferred, curl);
	curl->transferring = r == 0;
	if (r == 0) {
		oo_check_run_enter(curl->run, curl->run->spec->limits.name_ms);
	}
	return r;
}

int oo_check_curl_start(struct oo_check_curl *curl)
{
	return begin_transfer(curl, oo_transfers_start);
}

int oo_check_curl_connect(struct oo_check_curl *curl)
{
	curl->keeps = true;
	return begin_transfer(curl, oo_transfers_connect);
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
	if (curl->easy != NULL && curl->run->result.reason != OO_CHECK_REASON_OK) {
		oo_check_curl_done(curl);
	}
}

void oo_check_curl_done(struct oo_check_curl *curl)
{
	cancel(curl);
	curl_easy_cleanup(curl->easy);
	curl_slist_free_all(curl->connect_to);
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
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ISSUER_ERROR:
		oo_check_run_say(curl->run, OO_CHECK_REASON_CERTIFICATE, "%s", text);
		break;
	case CURLE_TOO_MANY_REDIRECTS:
		oo_check_run_say(curl->run, OO_CHECK_REASON_REDIRECTS,
				 "redirected more than %d times", OO_CHECK_REDIRECTS);
		break;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
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
