#include "check/run.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* CURLOPT_OPENSOCKETFUNCTION: as libcurl's own, but says why there is no socket. */
static curl_socket_t on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct oo_check_run *run = user;
	(void)purpose;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			address->protocol);
	run->socket_errno = fd < 0 ? errno : 0;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/*
 * CURLOPT_SSL_CTX_FUNCTION: called between the TCP and the TLS handshake, which libcurl 7.88 counts
 * as one (CURLINFO_CONNECT_TIME_T).
 */
static CURLcode on_tls(CURL *easy, void *context, void *user)
{
	struct oo_check_run *run = user;
	(void)easy;
	(void)context;
	run->tls_us = oo_clock_now_us() - run->began_us;
	return CURLE_OK;
}

static int prepare(struct oo_check_run *run, const struct oo_check_spec *spec)
{
	switch (spec->type) {
	case OO_CHECK_TYPE_HTTP:
		return oo_check_http_prepare(run, spec);
	case OO_CHECK_TYPE_TCP:
		return oo_check_tcp_prepare(run, spec);
	case OO_CHECK_TYPE_NONE:
		break;
	}
	assert(false); /* oo_check_new lets no other through */
	return -EINVAL;
}

int oo_check_run_begin(struct oo_check_run *run, const struct oo_check_spec *spec)
{
	*run = (struct oo_check_run){.easy = curl_easy_init(), .began_us = oo_clock_now_us()};
	CURL *easy = run->easy;
	if (easy == NULL || curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK) {
		return -ENOMEM;
	}
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, run->error);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	/* shared out among the addresses of a name; the deadline of the run is the check's */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)spec->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, run);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, run);
	return prepare(run, spec);
}

void oo_check_run_end(struct oo_check_run *run)
{
	curl_easy_cleanup(run->easy);
	curl_slist_free_all(run->headers);
	oo_buffer_done(&run->body);
	*run = (struct oo_check_run){0};
}

static int64_t at_us(const struct oo_check_run *run, CURLINFO info)
{
	curl_off_t us = 0;
	curl_easy_getinfo(run->easy, info, &us);
	return us;
}

static int64_t between(int64_t from_us, int64_t to_us)
{
	return to_us > from_us ? to_us - from_us : 0;
}

/* When the TCP handshake was over; 0: not yet. */
static int64_t connected_us(const struct oo_check_run *run)
{
	return run->tls_us != 0 ? run->tls_us : at_us(run, CURLINFO_CONNECT_TIME_T);
}

/* libcurl's times all count from the start; 0: not reached (curl_easy_getinfo(3)). */
static void set_times(const struct oo_check_run *run, struct oo_check_times *times)
{
	int64_t name = at_us(run, CURLINFO_NAMELOOKUP_TIME_T);
	int64_t connected = connected_us(run);
	int64_t tls = at_us(run, CURLINFO_APPCONNECT_TIME_T);
	int64_t first_byte = at_us(run, CURLINFO_STARTTRANSFER_TIME_T);

	times->name_us = name;
	times->connect_us = between(name, connected);
	times->tls_us = between(connected, tls);
	times->first_byte_us = between(tls > connected ? tls : connected, first_byte);
}

static enum oo_check_reason by_errno(int error_number)
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

static void say(struct oo_check_result *result, enum oo_check_reason reason, const char *seen)
{
	result->reason = reason;
	oo_text_clip(result->seen, sizeof(result->seen), seen);
}

static void say_errno(struct oo_check_result *result, enum oo_check_reason reason, int error_number)
{
	say(result, reason, strerror(error_number));
}

void oo_check_run_judge_local(int error_number, struct oo_check_result *result)
{
	say_errno(result, OO_CHECK_REASON_LOCAL, error_number);
}

static long os_errno(const struct oo_check_run *run)
{
	long error_number = 0;
	curl_easy_getinfo(run->easy, CURLINFO_OS_ERRNO, &error_number);
	return error_number;
}

static void judge_no_connection(const struct oo_check_run *run, struct oo_check_result *result)
{
	int error_number = run->socket_errno != 0 ? run->socket_errno : (int)os_errno(run);
	if (error_number != 0) {
		say_errno(result, by_errno(error_number), error_number);
	} else {
		say(result, OO_CHECK_REASON_UNREACHABLE, run->error);
	}
}

static void judge_timeout(const struct oo_check_run *run, struct oo_check_result *result)
{
	if (at_us(run, CURLINFO_NAMELOOKUP_TIME_T) == 0) {
		say(result, OO_CHECK_REASON_NAME_NOT_RESOLVED, "no answer to the name lookup");
	} else if (connected_us(run) == 0) {
		say(result, OO_CHECK_REASON_CONNECT_TIMEOUT, "no answer to the connection attempt");
	} else if (run->tls_us != 0 && at_us(run, CURLINFO_APPCONNECT_TIME_T) == 0) {
		say(result, OO_CHECK_REASON_SILENT, "connected, TLS handshake not answered");
	} else if (at_us(run, CURLINFO_STARTTRANSFER_TIME_T) == 0) {
		say(result, OO_CHECK_REASON_SILENT, "connected, no answer");
	} else {
		result->reason = OO_CHECK_REASON_SLOW;
		snprintf(result->seen, sizeof(result->seen), "answer not over after %zu bytes",
			 run->body.length);
	}
}

/* A failed lookup may be for want of descriptors, which libcurl does not tell. */
static void judge_name(const struct oo_check_run *run, struct oo_check_result *result)
{
	OO_AUTO(oo_close) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		oo_check_run_judge_local(errno, result);
	} else {
		say(result, OO_CHECK_REASON_NAME_NOT_RESOLVED, run->error);
	}
}

static void judge_broken(const struct oo_check_run *run, struct oo_check_result *result)
{
	long error_number = os_errno(run);
	if (error_number == ECONNRESET || error_number == EPIPE) {
		say_errno(result, OO_CHECK_REASON_RESET, (int)error_number);
	} else {
		say(result, OO_CHECK_REASON_PROTOCOL, run->error);
	}
}

/* libcurl says so too of a header line that is longer than it takes: 100 kB. */
static void judge_memory(const struct oo_check_run *run, struct oo_check_result *result)
{
	if (at_us(run, CURLINFO_STARTTRANSFER_TIME_T) != 0) {
		say(result, OO_CHECK_REASON_PROTOCOL, "header line too long");
	} else {
		oo_check_run_judge_local(ENOMEM, result);
	}
}

static void judge_failure(const struct oo_check_run *run, CURLcode code,
			  struct oo_check_result *result)
{
	const char *text = run->error[0] != '\0' ? run->error : curl_easy_strerror(code);
	switch ((int)code) { /* libcurl's enum, not ours: what is not named is of our side */
	case CURLE_COULDNT_RESOLVE_HOST:
		judge_name(run, result);
		break;
	case CURLE_COULDNT_CONNECT:
		judge_no_connection(run, result);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		judge_timeout(run, result);
		break;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ISSUER_ERROR:
		say(result, OO_CHECK_REASON_TLS, text);
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		say(result, OO_CHECK_REASON_CLOSED, text);
		break;
	case CURLE_OUT_OF_MEMORY:
		judge_memory(run, result);
		break;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		judge_broken(run, result);
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		say(result, OO_CHECK_REASON_PROTOCOL, text);
		break;
	default:
		say(result, OO_CHECK_REASON_LOCAL, text);
		break;
	}
}

void oo_check_run_judge(struct oo_check_run *run, const struct oo_check_spec *spec, CURLcode code,
			struct oo_check_result *ret_result)
{
	bool http = spec->type == OO_CHECK_TYPE_HTTP;
	bool answered = code == CURLE_OK || run->stop != OO_CHECK_STOP_NONE;
	int status = http ? oo_check_http_status(run) : 0;

	*ret_result = (struct oo_check_result){.http_status = status};
	set_times(run, &ret_result->times);
	if (http && (answered || (status != 0 && status != spec->expect_status))) {
		/* a wrong status is the reason, whatever became of the rest of the answer */
		oo_check_http_judge(run, spec, ret_result);
	} else if (answered) {
		say(ret_result, OO_CHECK_REASON_OK, "connected");
	} else {
		judge_failure(run, code, ret_result);
	}
}
