/* What each way to fail looks like in a result. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../event/await.h"
#include "../event/peer.h"
#include "../event/testing.h"
#include "base/cleanup.h"
#include "check/check.h"
#include "event/transfer.h"

static sd_event *event;
static struct oo_transfers *transfers;

/* A connect(2) of ours, for causes that loopback does not have. */
static int connect_errno;

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length)
{
	if (connect_errno != 0 && address.__sockaddr__->sa_family == AF_INET) {
		errno = connect_errno;
		return -1;
	}
	return (int)syscall(SYS_connect, fd, address.__sockaddr__, length);
}

/* A getaddrinfo(3) of ours, so that no name server is asked. */
static sem_t slow_name;

int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict ret_list)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	if (name != NULL && strcmp(name, "missing.test") == 0) {
		return EAI_NONAME;
	}
	if (name != NULL && strcmp(name, "slow.test") == 0) {
		sem_wait(&slow_name);
		return EAI_AGAIN;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(name != NULL && strcmp(name, "good.test") == 0 ? "127.0.0.1" : name, service,
		    hints, ret_list);
}

struct watch {
	bool done;
	struct oo_check_result result;
};

static void on_result(void *user, const struct oo_check *check,
		      const struct oo_check_result *result)
{
	struct watch *watch = user;
	(void)check;
	watch->done = true;
	watch->result = *result;
}

static struct oo_check_result run(const struct oo_check_spec *spec)
{
	struct watch watch = {0};
	struct oo_check *check = NULL;
	struct oo_check_setup setup = {event, transfers, on_result, &watch, 0, NULL};
	struct oo_err err = {""};
	int64_t started_at = oo_clock_now();
	CU_ASSERT_EQUAL_FATAL(oo_check_new(&setup, spec, &check, &err), 0);
	CU_ASSERT(await(event, &watch.done));
	oo_check_free(check);
	CU_ASSERT(watch.result.at >= started_at && watch.result.at <= oo_clock_now());
	CU_ASSERT(watch.result.times.total_us > 0);
	return watch.result;
}

static int64_t timeout_ms; /* of every check; 300 ms before each test */

static struct oo_check_result get(const char *scheme, int port, const char *expect_body)
{
	char url[128];
	snprintf(url, sizeof(url), "%s://127.0.0.1:%d/", scheme, port);
	return run(&(struct oo_check_spec){.type = OO_CHECK_TYPE_HTTP,
					   .name = "web",
					   .http = {.url = url,
						    .expect = {.statuses = {{200, 200}},
							       .n_statuses = 1,
							       .body = expect_body}},
					   .interval_ms = AWAIT_MS,
					   .timeout_ms = timeout_ms});
}

static struct oo_check_result reach(const char *host, int port)
{
	return run(&(struct oo_check_spec){.type = OO_CHECK_TYPE_TCP,
					   .name = "port",
					   .tcp = {.address = {host, (uint16_t)port}},
					   .interval_ms = AWAIT_MS,
					   .timeout_ms = timeout_ms});
}

static void expect(const struct oo_check_result *result, enum oo_check_reason reason,
		   const char *seen)
{
	enum oo_check_state state = reason == OO_CHECK_REASON_OK      ? OO_CHECK_STATE_UP
				    : reason == OO_CHECK_REASON_LOCAL ? OO_CHECK_STATE_UNKNOWN
								      : OO_CHECK_STATE_DOWN;
	CU_ASSERT_EQUAL(result->state, state);
	CU_ASSERT_STRING_EQUAL(oo_check_reason_name(result->reason), oo_check_reason_name(reason));
	CU_ASSERT_STRING_EQUAL(result->seen, seen);
	if (result->reason != reason || strcmp(result->seen, seen) != 0) {
		printf("got %s (%s), not %s (%s)\n", oo_check_reason_name(result->reason),
		       result->seen, oo_check_reason_name(reason), seen);
	}
}

static void set_up(void)
{
	timeout_ms = 300;
	event = new_loop();
	transfers = NULL;
	CU_ASSERT_EQUAL_FATAL(oo_transfers_new(event, &transfers, NULL), 0);
}

static void tear_down(void)
{
	oo_transfers_free(transfers);
	event = sd_event_unref(event);
}

#define HEAD(status, length) "HTTP/1.1 " status "\r\nContent-Length: " length "\r\n\r\n"

static const struct answered {
	const char *answer;
	enum peer_end end;
	const char *expect_body;
	enum oo_check_reason reason;
	const char *seen;
	int http_status;
} answers[] = {
	/* as expected */
	{HEAD("200 OK", "4") "true", PEER_END_CLOSE, "true", OO_CHECK_REASON_OK, "200", 200},
	{HEAD("200 OK", "4") "true", PEER_END_KEEP, "true", OO_CHECK_REASON_OK, "200", 200},
	{HEAD("200 OK", "9") " \ttrue\r\n ", PEER_END_CLOSE, "true\n", OO_CHECK_REASON_OK, "200",
	 200},
	{HEAD("200 OK", "5") "false", PEER_END_CLOSE, NULL, OO_CHECK_REASON_OK, "200", 200},
	{HEAD("200 OK", "0"), PEER_END_KEEP, "", OO_CHECK_REASON_OK, "200", 200},
	{"HTTP/1.0 200 OK\r\n\r\ntrue", PEER_END_CLOSE, "true", OO_CHECK_REASON_OK, "200", 200},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntrue\r\n0\r\n\r\n",
	 PEER_END_KEEP, "true", OO_CHECK_REASON_OK, "200", 200},
	{"HTTP/1.1 103 Early Hints\r\n\r\n" HEAD("200 OK", "4") "true", PEER_END_CLOSE, "true",
	 OO_CHECK_REASON_OK, "200", 200},
	/* another body */
	{HEAD("200 OK", "5") "false", PEER_END_CLOSE, "true", OO_CHECK_REASON_BODY,
	 "body \"false\"", 200},
	{HEAD("200 OK", "0"), PEER_END_KEEP, "true", OO_CHECK_REASON_BODY, "body \"\"", 200},
	{HEAD("200 OK", "7") "true\r\nx", PEER_END_CLOSE, "true", OO_CHECK_REASON_BODY,
	 "body \"true??x\"", 200},
	{HEAD("200 OK", "5") "tr\001\377e", PEER_END_CLOSE, "true", OO_CHECK_REASON_BODY,
	 "body \"tr??e\"", 200},
	{HEAD("200 OK",
	      "70") "0123456789012345678901234567890123456789012345678901234567890123456789",
	 PEER_END_CLOSE, "true", OO_CHECK_REASON_BODY,
	 "body \"0123456789012345678901234567890123456789012345678901234567890123\"...", 200},
	/* another status, whatever becomes of the body */
	{HEAD("502 Bad Gateway", "4") "true", PEER_END_CLOSE, "true", OO_CHECK_REASON_STATUS, "502",
	 502},
	{HEAD("502 Bad Gateway", "999") "<html>", PEER_END_KEEP, "true", OO_CHECK_REASON_STATUS,
	 "502", 502},
	{HEAD("502 Bad Gateway", "999") "<html>", PEER_END_RESET, "true", OO_CHECK_REASON_STATUS,
	 "502", 502},
	{HEAD("204 No Content", "0"), PEER_END_CLOSE, NULL, OO_CHECK_REASON_STATUS, "204", 204},
	{"HTTP/1.1 103 Early Hints\r\n\r\n", PEER_END_KEEP, "true", OO_CHECK_REASON_SLOW,
	 "answer not over after 0 bytes", 0},
	/* no answer, or only part of one */
	{NULL, PEER_END_KEEP, "true", OO_CHECK_REASON_SILENT, "connected, no answer", 0},
	{NULL, PEER_END_RESET, "true", OO_CHECK_REASON_RESET, "Connection reset by peer", 0},
	{NULL, PEER_END_CLOSE, "true", OO_CHECK_REASON_CLOSED, "Empty reply from server", 0},
	{"HTTP/1.1 200", PEER_END_KEEP, "true", OO_CHECK_REASON_SLOW,
	 "answer not over after 0 bytes", 0},
	{HEAD("200 OK", "10") "true", PEER_END_KEEP, "true", OO_CHECK_REASON_SLOW,
	 "answer not over after 4 bytes", 200},
	{HEAD("200 OK", "10") "true", PEER_END_CLOSE, "true", OO_CHECK_REASON_CLOSED,
	 "transfer closed with 6 bytes remaining to read", 200},
	{HEAD("200 OK", "10") "true", PEER_END_RESET, "true", OO_CHECK_REASON_RESET,
	 "Connection reset by peer", 200},
	/* not HTTP */
	{"SSH-2.0-OpenSSH_9.2\r\n", PEER_END_KEEP, "true", OO_CHECK_REASON_PROTOCOL,
	 "not HTTP: \"SSH-2.0-OpenSSH_9.2??\"", 0},
	{"\025\003\001\002\002\026", PEER_END_CLOSE, NULL, OO_CHECK_REASON_PROTOCOL,
	 "not HTTP: \"??????\"", 0},
	{"true", PEER_END_CLOSE, "true", OO_CHECK_REASON_PROTOCOL, "not HTTP: \"true\"", 0},
	{"HTTP/1.1 abc\r\n\r\n", PEER_END_CLOSE, "true", OO_CHECK_REASON_PROTOCOL,
	 "Unsupported HTTP version in response", 0},
	{"HTTP/9.9 200 OK\r\n\r\n", PEER_END_CLOSE, "true", OO_CHECK_REASON_PROTOCOL,
	 "Unsupported HTTP version (9.9) in response", 0},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", PEER_END_KEEP, "true",
	 OO_CHECK_REASON_PROTOCOL, "Illegal or missing hexadecimal sequence in chunked-encoding",
	 200},
};

static void test_each_answer_has_its_reason(void)
{
	for (size_t i = 0; i < OO_LENGTH(answers); i++) {
		const struct answered *answered = &answers[i];
		struct peer *peer = peer_new(event, (struct peer_script){.answer = answered->answer,
									 .end = answered->end});
		struct oo_check_result result = get("http", peer_port(peer), answered->expect_body);
		expect(&result, answered->reason, answered->seen);
		CU_ASSERT_EQUAL(result.http_status, answered->http_status);
		CU_ASSERT_EQUAL(peer_accepted(peer), 1);
		peer_free(peer);
	}
}

static void test_a_request_is_plain_and_asks_to_close(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.answer = HEAD("200 OK", "0")});
	char wanted[256];
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	struct oo_check_result result = get("http", peer_port(peer), NULL);
	unsetenv("http_proxy");
	expect(&result, OO_CHECK_REASON_OK, "200");
	snprintf(wanted, sizeof(wanted),
		 "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: ooha/" OO_VERSION
		 "\r\nAccept: */*\r\nConnection: close\r\n\r\n",
		 peer_port(peer));
	CU_ASSERT_STRING_EQUAL(peer_request(peer), wanted);
	peer_free(peer);
}

static void test_a_redirect_is_a_status_and_not_followed(void)
{
	struct peer *target = peer_new(event, (struct peer_script){.answer = HEAD("200 OK", "0")});
	char answer[256];
	snprintf(
		answer, sizeof(answer),
		"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n",
		peer_port(target));
	struct peer *peer = peer_new(event, (struct peer_script){.answer = answer});
	struct oo_check_result result = get("http", peer_port(peer), NULL);
	expect(&result, OO_CHECK_REASON_STATUS, "301");
	CU_ASSERT_EQUAL(result.http_status, 301);
	CU_ASSERT_EQUAL(peer_accepted(target), 0);
	peer_free(peer);
	peer_free(target);
}

static void test_a_body_with_a_nul_is_another_body(void)
{
	static const char answer[] = HEAD("200 OK", "5") "true";
	struct peer *peer =
		peer_new(event, (struct peer_script){.answer = answer, .length = sizeof(answer)});
	struct oo_check_result result = get("http", peer_port(peer), "true");
	expect(&result, OO_CHECK_REASON_BODY, "body \"true?\"");
	peer_free(peer);
}

static void test_a_huge_body_is_wrong_only_where_a_body_is_expected(void)
{
	static char answer[OO_CHECK_BODY_MAX + 200000];
	memset(answer, 'x', sizeof(answer) - 1);
	memcpy(answer, HEAD("200 OK", "999999999"), strlen(HEAD("200 OK", "999999999")));
	struct peer *peer =
		peer_new(event, (struct peer_script){.answer = answer, .end = PEER_END_KEEP});
	struct oo_check_result result = get("http", peer_port(peer), "true");
	expect(&result, OO_CHECK_REASON_BODY, "body of more than 65536 bytes");
	result = get("http", peer_port(peer), NULL);
	expect(&result, OO_CHECK_REASON_OK, "200");
	peer_free(peer);
}

static void test_who_speaks_first_is_not_http_but_a_tcp_port(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.answer = "220 mail ESMTP\r\n",
								 .unasked = true,
								 .end = PEER_END_KEEP});
	struct oo_check_result result = get("http", peer_port(peer), NULL);
	expect(&result, OO_CHECK_REASON_PROTOCOL, "not HTTP: \"220 mail ESMTP??\"");
	result = reach("127.0.0.1", peer_port(peer));
	expect(&result, OO_CHECK_REASON_OK, "connected");
	peer_free(peer);
}

static void test_tls_that_fails_is_told_from_tls_that_is_not_answered(void)
{
	struct peer *plain = peer_new(
		event, (struct peer_script){.answer = "HTTP/1.1 400 Bad\r\n\r\n", .unasked = true});
	struct peer *silent = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	timeout_ms = AWAIT_MS; /* the first handshake reads all the CAs there are */
	struct oo_check_result result = get("https", peer_port(plain), NULL);
	timeout_ms = 300;
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_TLS);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.seen, "wrong version number"));
	result = get("https", peer_port(silent), NULL);
	expect(&result, OO_CHECK_REASON_SILENT, "connected, TLS handshake not answered");
	CU_ASSERT(result.times.connect_us > 0);
	CU_ASSERT_EQUAL(result.times.tls_us, 0);
	peer_free(plain);
	peer_free(silent);
}

static void test_nobody_listening_is_refused(void)
{
	int port;
	OO_AUTO(oo_close) int refusing = peer_refusing(&port);
	CU_ASSERT_FATAL(refusing >= 0);
	struct oo_check_result result = get("http", port, "true");
	expect(&result, OO_CHECK_REASON_REFUSED, "Connection refused");
	CU_ASSERT(result.times.total_us < 290000);
	result = reach("127.0.0.1", port);
	expect(&result, OO_CHECK_REASON_REFUSED, "Connection refused");
}

static void test_each_failure_to_connect_has_its_reason(void)
{
	static const struct {
		int error_number;
		enum oo_check_reason reason;
	} cases[] = {
		{ENETUNREACH, OO_CHECK_REASON_UNREACHABLE},
		{EHOSTUNREACH, OO_CHECK_REASON_UNREACHABLE},
		{ENETDOWN, OO_CHECK_REASON_UNREACHABLE},
		{EHOSTDOWN, OO_CHECK_REASON_UNREACHABLE},
		{ECONNREFUSED, OO_CHECK_REASON_REFUSED},
		{ECONNRESET, OO_CHECK_REASON_RESET},
		{EADDRNOTAVAIL, OO_CHECK_REASON_LOCAL},
		{EPERM, OO_CHECK_REASON_LOCAL},
		{EACCES, OO_CHECK_REASON_LOCAL},
		{ENOBUFS, OO_CHECK_REASON_LOCAL},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		connect_errno = cases[i].error_number;
		struct oo_check_result result = get("http", 80, "true");
		expect(&result, cases[i].reason, strerror(cases[i].error_number));
		result = reach("127.0.0.1", 80);
		expect(&result, cases[i].reason, strerror(cases[i].error_number));
		connect_errno = 0;
	}
	connect_errno = ETIMEDOUT;
	struct oo_check_result result = get("http", 80, "true");
	expect(&result, OO_CHECK_REASON_CONNECT_TIMEOUT, "no answer to the connection attempt");
	connect_errno = 0;
}

/* Linux drops the SYN for a listener whose queue is full. */
static void test_an_unanswered_connection_attempt_is_a_connect_timeout(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int port, waiting[3];
	OO_AUTO(oo_close) int full = peer_refusing(&port);
	CU_ASSERT_EQUAL(listen(full, 0), 0);
	here.sin_port = htons((uint16_t)port);
	for (size_t i = 0; i < OO_LENGTH(waiting); i++) {
		waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(waiting[i], (struct sockaddr *)&here, sizeof(here));
	}
	int64_t started_at = oo_clock_now();
	struct oo_check_result result = get("http", port, "true");
	int64_t took = oo_clock_now() - started_at;
	expect(&result, OO_CHECK_REASON_CONNECT_TIMEOUT, "no answer to the connection attempt");
	CU_ASSERT(took >= 300 && took < 1500);
	CU_ASSERT_EQUAL(result.times.connect_us, 0);
	result = reach("127.0.0.1", port);
	expect(&result, OO_CHECK_REASON_CONNECT_TIMEOUT, "no answer to the connection attempt");
	for (size_t i = 0; i < OO_LENGTH(waiting); i++) {
		close(waiting[i]);
	}
}

static void test_a_name_that_is_not_resolved_is_told_from_one_that_takes_too_long(void)
{
	struct oo_check_result result = reach("missing.test", 80);
	expect(&result, OO_CHECK_REASON_NAME_NOT_RESOLVED, "Could not resolve host: missing.test");

	int64_t started_at = oo_clock_now();
	result = reach("slow.test", 80);
	expect(&result, OO_CHECK_REASON_NAME_NOT_RESOLVED, "no answer to the name lookup");
	CU_ASSERT(oo_clock_now() - started_at < 1500);
	CU_ASSERT_EQUAL(result.times.name_us, 0);
	sem_post(&slow_name);
}

static void test_a_name_is_reached(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct oo_check_result result = reach("good.test", peer_port(peer));
	expect(&result, OO_CHECK_REASON_OK, "connected");
	CU_ASSERT(result.times.name_us > 0);
	CU_ASSERT(result.times.connect_us > 0);
	peer_free(peer);
}

static void test_a_tcp_check_closes_what_it_opened_and_sends_nothing(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct oo_check_result result = reach("127.0.0.1", peer_port(peer));
	expect(&result, OO_CHECK_REASON_OK, "connected");
	int64_t until = oo_clock_now() + AWAIT_MS;
	while ((peer_accepted(peer) == 0 || peer_open(peer) > 0) && oo_clock_now() < until) {
		sd_event_run(event, 10000);
	}
	CU_ASSERT_EQUAL(peer_accepted(peer), 1);
	CU_ASSERT_EQUAL(peer_open(peer), 0);
	CU_ASSERT_STRING_EQUAL(peer_request(peer), "");
	peer_free(peer);
}

static void test_ipv6_is_reached_without_brackets(void)
{
	struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t length = sizeof(here);
	OO_AUTO(oo_close) int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&here, length), 0);
	CU_ASSERT_EQUAL(getsockname(fd, (struct sockaddr *)&here, &length), 0);
	struct oo_check_result result = reach("::1", ntohs(here.sin6_port));
	expect(&result, OO_CHECK_REASON_REFUSED, "Connection refused");
	CU_ASSERT_EQUAL(listen(fd, 1), 0);
	result = reach("::1", ntohs(here.sin6_port));
	expect(&result, OO_CHECK_REASON_OK, "connected");
}

/* Out of descriptors is our own fault: nothing can be said about the other side. */
static void test_no_descriptors_left_is_unknown_and_not_down(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.answer = HEAD("200 OK", "0")});
	struct rlimit old, none;
	struct oo_check_result first = get("http", peer_port(peer), NULL); /* opens what stays */
	expect(&first, OO_CHECK_REASON_OK, "200");
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	OO_AUTO(oo_close) int lowest_free = open("/dev/null", O_RDONLY | O_CLOEXEC);
	none.rlim_cur = (rlim_t)lowest_free;
	oo_close(&lowest_free);
	setrlimit(RLIMIT_NOFILE, &none);
	struct oo_check_result web = get("http", peer_port(peer), NULL);
	struct oo_check_result port = reach("127.0.0.1", peer_port(peer));
	struct oo_check_result name = reach("missing.test", 80);
	setrlimit(RLIMIT_NOFILE, &old);
	expect(&web, OO_CHECK_REASON_LOCAL, "Too many open files");
	expect(&port, OO_CHECK_REASON_LOCAL, "Too many open files");
	expect(&name, OO_CHECK_REASON_LOCAL, "Too many open files");
	peer_free(peer);
}

static void test_the_phases_are_told_apart(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct oo_check_result result = get("http", peer_port(peer), NULL);
	CU_ASSERT(result.times.connect_us > 0 && result.times.connect_us < 290000);
	CU_ASSERT_EQUAL(result.times.tls_us, 0);
	CU_ASSERT_EQUAL(result.times.first_byte_us, 0);
	CU_ASSERT(result.times.total_us >= 299000 && result.times.total_us < 1500000);
	peer_free(peer);
	peer = peer_new(event, (struct peer_script){.answer = HEAD("200 OK", "0")});
	result = get("http", peer_port(peer), NULL);
	CU_ASSERT(result.times.first_byte_us > 0);
	CU_ASSERT(result.times.name_us + result.times.connect_us + result.times.first_byte_us <=
		  result.times.total_us);
	peer_free(peer);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(each_answer_has_its_reason),
		TEST(a_request_is_plain_and_asks_to_close),
		TEST(a_redirect_is_a_status_and_not_followed),
		TEST(a_body_with_a_nul_is_another_body),
		TEST(a_huge_body_is_wrong_only_where_a_body_is_expected),
		TEST(who_speaks_first_is_not_http_but_a_tcp_port),
		TEST(tls_that_fails_is_told_from_tls_that_is_not_answered),
		TEST(nobody_listening_is_refused),
		TEST(each_failure_to_connect_has_its_reason),
		TEST(an_unanswered_connection_attempt_is_a_connect_timeout),
		TEST(a_name_that_is_not_resolved_is_told_from_one_that_takes_too_long),
		TEST(a_name_is_reached),
		TEST(a_tcp_check_closes_what_it_opened_and_sends_nothing),
		TEST(ipv6_is_reached_without_brackets),
		TEST(no_descriptors_left_is_unknown_and_not_down),
		TEST(the_phases_are_told_apart),
	};
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || sem_init(&slow_name, 0, 0) < 0) {
		return 1;
	}
	return run_tests_in("causes", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
