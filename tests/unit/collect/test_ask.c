/* One request of a diagnosis, against servers that do as they are told. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../event/await.h"
#include "../event/peer.h"
#include "../event/testing.h"
#include "base/cleanup.h"
#include "collect/ask.h"

#define OK(body)                                                                                   \
	"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/plain\r\nConnection: "             \
	"close\r\n\r\n" body
/* Long enough for any answer that comes, short enough to wait for one that does not. */
#define TIMEOUT_MS 5000
#define SHORT_MS 300

static sd_event *event;
static struct oo_transfers *transfers;

static void set_up(void)
{
	event = new_loop();
	CU_ASSERT_EQUAL_FATAL(oo_transfers_new(event, &transfers, NULL), 0);
}

static void tear_down(void)
{
	oo_transfers_free(transfers);
	event = sd_event_unref(event);
}

static void on_done(void *user)
{
	bool *done = user;
	*done = true;
}

static struct oo_exchange ask(const struct oo_ask_request *request)
{
	struct oo_exchange exchange;
	struct oo_ask *asked = NULL;
	bool done = false;
	CU_ASSERT_EQUAL_FATAL(oo_ask_start(transfers, request, &exchange, on_done, &done, &asked),
			      0);
	CU_ASSERT_EQUAL(exchange.look, OO_LOOK_LATE); /* until there is something */
	CU_ASSERT(await(event, &done));
	CU_ASSERT_EQUAL(exchange.look, OO_LOOK_SEEN);
	return exchange;
}

static struct oo_exchange ask_port(const char *scheme, int port, int64_t timeout_ms)
{
	char url[64];
	snprintf(url, sizeof(url), "%s://127.0.0.1:%d/healthcheck", scheme, port);
	return ask(&(struct oo_ask_request){.url = url, .timeout_ms = timeout_ms});
}

static void test_a_whole_answer_is_shown_whatever_it_says(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.answer = OK("true")});
	struct oo_exchange seen = ask_port("http", peer_port(peer), TIMEOUT_MS);
	CU_ASSERT_EQUAL(seen.reason, OO_CHECK_REASON_OK);
	CU_ASSERT_EQUAL(seen.status, 200);
	CU_ASSERT_STRING_EQUAL(seen.body, "true");
	CU_ASSERT_EQUAL(seen.body_bytes, 4);
	CU_ASSERT_STRING_EQUAL(seen.server, "nginx");
	CU_ASSERT_STRING_EQUAL(seen.content_type, "text/plain");
	CU_ASSERT_STRING_EQUAL(seen.peer.host, "127.0.0.1");
	CU_ASSERT_EQUAL(seen.peer.port, peer_port(peer));
	CU_ASSERT(seen.times.connect_us > 0 && seen.times.first_byte_us > 0);
	CU_ASSERT(seen.rtt_us > 0);
	CU_ASSERT_EQUAL(seen.trust, OO_TRUST_UNKNOWN);
	CU_ASSERT_EQUAL(strncmp(peer_request(peer), "GET /healthcheck HTTP/1.1\r\n", 27), 0);
	peer_free(peer);
	peer = peer_new(event, (struct peer_script){.answer = "HTTP/1.1 502 Bad Gateway\r\n"
							      "Content-Length: 0\r\n\r\n"});
	seen = ask_port("http", peer_port(peer), TIMEOUT_MS);
	CU_ASSERT_EQUAL(seen.reason, OO_CHECK_REASON_OK);
	CU_ASSERT_EQUAL(seen.status, 502);
	peer_free(peer);
}

static void test_each_way_of_not_answering_is_told_apart(void)
{
	static const struct {
		struct peer_script script;
		const char *scheme;
		enum oo_check_reason reason;
		int status;
	} rows[] = {
		{{.end = PEER_END_KEEP}, "http", OO_CHECK_REASON_SILENT, 0},
		{{.end = PEER_END_CLOSE}, "http", OO_CHECK_REASON_CLOSED, 0},
		{{.end = PEER_END_RESET}, "http", OO_CHECK_REASON_RESET, 0},
		{{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntr"},
		 "http",
		 OO_CHECK_REASON_CLOSED,
		 200},
		{{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntr", .end = PEER_END_KEEP},
		 "http",
		 OO_CHECK_REASON_SLOW,
		 200},
		{{.answer = "HTTP/1.1 100 Continue\r\n\r\n", .end = PEER_END_KEEP},
		 "http",
		 OO_CHECK_REASON_SLOW,
		 0}, /* announced, and never given */
		{{.answer = "SSH-2.0-OpenSSH_9.2\r\n", .unasked = true},
		 "http",
		 OO_CHECK_REASON_PROTOCOL,
		 0},
		{{.answer = OK("plain"), .unasked = true}, "https", OO_CHECK_REASON_TLS, 0},
		{{.unasked = true, .end = PEER_END_KEEP}, "https", OO_CHECK_REASON_SILENT, 0},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct peer *peer = peer_new(event, rows[i].script);
		bool waits = rows[i].script.end == PEER_END_KEEP;
		struct oo_exchange seen =
			ask_port(rows[i].scheme, peer_port(peer), waits ? SHORT_MS : TIMEOUT_MS);
		if (seen.reason != rows[i].reason || seen.status != rows[i].status) {
			printf("\nrow %zu: %s, %d (%s)\n", i, oo_check_reason_name(seen.reason),
			       seen.status, seen.error);
		}
		CU_ASSERT_EQUAL(seen.reason, rows[i].reason);
		CU_ASSERT_EQUAL(seen.status, rows[i].status);
		CU_ASSERT(seen.error[0] != '\0');
		peer_free(peer);
	}
}

static void test_what_comes_in_place_of_http_is_shown(void)
{
	struct peer *peer = peer_new(
		event, (struct peer_script){.answer = "SSH-2.0-OpenSSH_9.2\r\n", .unasked = true});
	struct oo_exchange seen = ask_port("http", peer_port(peer), TIMEOUT_MS);
	CU_ASSERT_STRING_EQUAL(seen.body, "SSH-2.0-OpenSSH_9.2\r\n");
	peer_free(peer);
}

static void test_a_refused_connection_says_so(void)
{
	int port;
	OO_AUTO(oo_close) int fd = peer_refusing(&port);
	CU_ASSERT_FATAL(fd >= 0);
	struct oo_exchange seen = ask_port("http", port, TIMEOUT_MS);
	CU_ASSERT_EQUAL(seen.reason, OO_CHECK_REASON_REFUSED);
	CU_ASSERT_STRING_EQUAL(seen.error, "Connection refused");
	CU_ASSERT_EQUAL(seen.peer.port, port);
	CU_ASSERT_EQUAL(seen.status, 0);
}

static void test_a_full_backlog_is_no_answer_to_the_connection(void)
{
	int port;
	OO_AUTO(oo_close) int fd = peer_refusing(&port);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 0), 0);
	struct oo_exchange first, second;
	struct oo_ask *one = NULL, *two = NULL;
	bool first_done = false, second_done = false;
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
	const struct oo_ask_request request = {.url = url, .timeout_ms = 1500};
	CU_ASSERT_EQUAL(oo_ask_start(transfers, &request, &first, on_done, &first_done, &one), 0);
	CU_ASSERT_EQUAL(oo_ask_start(transfers, &request, &second, on_done, &second_done, &two), 0);
	CU_ASSERT(await(event, &first_done) && await(event, &second_done));
	/* a backlog of 0 takes one */
	const struct oo_exchange *waiting =
		first.reason == OO_CHECK_REASON_CONNECT_TIMEOUT ? &first : &second;
	CU_ASSERT_EQUAL(waiting->reason, OO_CHECK_REASON_CONNECT_TIMEOUT);
	CU_ASSERT(waiting->retransmits > 0);
}

static void test_a_websocket_handshake_is_over_with_its_headers(void)
{
	struct peer *peer = peer_new(
		event, (struct peer_script){.answer = "HTTP/1.1 101 Switching Protocols\r\n"
						      "Upgrade: websocket\r\n\r\n\x81\x02hi",
					    .end = PEER_END_KEEP});
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/doc/x/c/", peer_port(peer));
	struct oo_exchange seen = ask(
		&(struct oo_ask_request){.url = url, .upgrades = true, .timeout_ms = TIMEOUT_MS});
	CU_ASSERT_EQUAL(seen.reason, OO_CHECK_REASON_OK);
	CU_ASSERT_EQUAL(seen.status, 101);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer_request(peer), "\r\nConnection: Upgrade\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(peer_request(peer), "\r\nUpgrade: websocket\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(peer_request(peer), "\r\nSec-WebSocket-Key: "));
	peer_free(peer);
}

static void test_a_command_is_posted_with_its_token(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.answer = OK("{\"error\":0}")});
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/command", peer_port(peer));
	(void)ask(&(struct oo_ask_request){.url = url,
					   .body = "{}",
					   .authorization = "Authorization: Bearer x",
					   .timeout_ms = TIMEOUT_MS});
	CU_ASSERT_EQUAL(strncmp(peer_request(peer), "POST /command ", 14), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(peer_request(peer), "\r\nAuthorization: Bearer x\r\n"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(peer_request(peer), "\r\nContent-Type: application/json\r\n"));
	peer_free(peer);
}

static void test_redirects_are_followed_only_where_it_is_asked_for(void)
{
	struct peer *goal = peer_new(event, (struct peer_script){.answer = OK("here")});
	char answer[128], url[64];
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/a\r\n"
		 "Content-Length: 0\r\n\r\n",
		 peer_port(goal));
	struct peer *peer = peer_new(event, (struct peer_script){.answer = answer});
	struct oo_exchange seen = ask_port("http", peer_port(peer), TIMEOUT_MS);
	CU_ASSERT_EQUAL(seen.status, 302);
	CU_ASSERT_EQUAL(seen.redirects, 0);
	CU_ASSERT_STRING_EQUAL(seen.location + strlen(seen.location) - 2, "/a");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer_port(peer));
	seen = ask(&(struct oo_ask_request){.url = url, .follows = true, .timeout_ms = TIMEOUT_MS});
	CU_ASSERT_EQUAL(seen.status, 200);
	CU_ASSERT_EQUAL(seen.redirects, 1);
	CU_ASSERT_STRING_EQUAL(seen.url, url);
	CU_ASSERT_STRING_EQUAL(seen.body, "here");
	CU_ASSERT_FALSE(seen.loops);
	CU_ASSERT_EQUAL(seen.peer.port, peer_port(goal));
	peer_free(peer);
	peer_free(goal);
}

static void test_a_redirect_to_where_it_came_from_is_a_loop(void)
{
	struct peer *peer = peer_new(
		event,
		(struct peer_script){.answer = "HTTP/1.1 301 Moved\r\nLocation: /healthcheck\r\n"
					       "Content-Length: 0\r\n\r\n"});
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer_port(peer));
	struct oo_exchange seen = ask(
		&(struct oo_ask_request){.url = url, .follows = true, .timeout_ms = TIMEOUT_MS});
	CU_ASSERT_EQUAL(seen.status, 301);
	CU_ASSERT(seen.loops);
	CU_ASSERT_EQUAL(seen.redirects, 1);
	CU_ASSERT_EQUAL(peer_accepted(peer), 2);
	peer_free(peer);
}

static void test_a_cancelled_request_leaves_nothing(void)
{
	struct peer *peer = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct oo_exchange exchange;
	struct oo_ask *asked = NULL;
	bool done = false;
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer_port(peer));
	const struct oo_ask_request request = {.url = url, .timeout_ms = TIMEOUT_MS};
	CU_ASSERT_EQUAL(oo_ask_start(transfers, &request, &exchange, on_done, &done, &asked), 0);
	settle(event);
	oo_ask_cancel(asked);
	CU_ASSERT_FALSE(done);
	CU_ASSERT_EQUAL(exchange.look, OO_LOOK_LATE);
	peer_free(peer);
}

/* A TLS server of OpenSSL's own. */
extern char **environ;

static pid_t spawn_openssl(char *const argv[])
{
	pid_t pid = -1;
	posix_spawn_file_actions_t files;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	CU_ASSERT_EQUAL(posix_spawnp(&pid, argv[0], &files, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

static pid_t start_server(const char *path, int port)
{
	char text[16], key[64];
	char *file = (char *)(uintptr_t)path;
	int status = -1;
	snprintf(key, sizeof(key), "%s.key", path);
	char *make[] = {"openssl",  "req",
			"-x509",    "-newkey",
			"rsa:2048", "-nodes",
			"-keyout",  key,
			"-out",     file,
			"-days",    "10",
			"-subj",    "/CN=docs.example.com",
			"-addext",  "subjectAltName=DNS:docs.example.com",
			NULL};
	CU_ASSERT(waitpid(spawn_openssl(make), &status, 0) > 0 && status == 0);
	snprintf(text, sizeof(text), "%d", port);
	char *serve[] = {"openssl", "s_server", "-accept", text,   "-key",
			 key,       "-cert",    file,      "-www", NULL};
	return spawn_openssl(serve);
}

static void test_an_untrusted_certificate_is_told_beside_the_answer(void)
{
	char path[] = "/tmp/oo-ask-tls-XXXXXX", key[64], url[64];
	int port;
	OO_AUTO(oo_close) int file = mkstemp(path);
	CU_ASSERT_FATAL(file >= 0);
	int fd = peer_refusing(&port); /* a port that is free */
	close(fd);
	pid_t server = start_server(path, port);
	snprintf(url, sizeof(url), "https://docs.example.com:%d/", port);
	const struct oo_endpoint_text here = {.host = "127.0.0.1", .port = (uint16_t)port};
	struct oo_ask_request request = {.url = url,
					 .connect_to = &here,
					 .server_name = "docs.example.com",
					 .timeout_ms = TIMEOUT_MS};
	struct oo_exchange seen;
	int64_t until = oo_clock_now() + AWAIT_MS;
	do {
		seen = ask(&request);
	} while (seen.reason == OO_CHECK_REASON_REFUSED && oo_clock_now() < until);
	CU_ASSERT_EQUAL(seen.status, 200);
	CU_ASSERT_EQUAL(seen.reason, OO_CHECK_REASON_OK);
	CU_ASSERT_EQUAL(seen.trust, OO_TRUST_SELF_SIGNED);
	CU_ASSERT(seen.certificate_days_left == 9 || seen.certificate_days_left == 10);
	CU_ASSERT(seen.times.tls_us > 0 && seen.times.connect_us > 0);
	CU_ASSERT_STRING_EQUAL(seen.certificate,
			       "docs.example.com, for docs.example.com, by docs.example.com");
	request.server_name = "other.example.com";
	CU_ASSERT_EQUAL(ask(&request).trust, OO_TRUST_OTHER_NAME);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	snprintf(key, sizeof(key), "%s.key", path);
	unlink(key);
	unlink(path);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_whole_answer_is_shown_whatever_it_says),
		TEST(each_way_of_not_answering_is_told_apart),
		TEST(what_comes_in_place_of_http_is_shown),
		TEST(a_refused_connection_says_so),
		TEST(a_full_backlog_is_no_answer_to_the_connection),
		TEST(a_websocket_handshake_is_over_with_its_headers),
		TEST(a_command_is_posted_with_its_token),
		TEST(redirects_are_followed_only_where_it_is_asked_for),
		TEST(a_redirect_to_where_it_came_from_is_a_loop),
		TEST(a_cancelled_request_leaves_nothing),
		TEST(an_untrusted_certificate_is_told_beside_the_answer),
	};
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return 1;
	}
	return run_tests_in("ask", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
