/* What an HTTP check asks, and what it makes of the answer. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../event/peer.h"
#include "ran.h"

#define OK(body) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" body

static struct oo_check_spec web(const struct peer *peer, char url[static 64])
{
	snprintf(url, 64, "http://127.0.0.1:%d/x", peer_port(peer));
	return (struct oo_check_spec){
		.type = OO_CHECK_TYPE_HTTP,
		.http = {.url = url, .expect = {.statuses = {{200, 200}}, .n_statuses = 1}}};
}

static void test_the_request_is_as_asked(void)
{
	static const char *const headers[] = {"X-Forwarded-Proto: https", "X-Two: a b"};
	char url[64];
	struct peer *peer = peer_new(event, (struct peer_script){.answer = OK("")});
	struct oo_check_spec spec = web(peer, url);
	spec.http.method = "POST";
	spec.http.body = "{\"c\":\"version\"}";
	spec.http.host = "docs.example.com";
	spec.http.headers = (struct oo_check_texts){headers, 2};
	expect_run(&spec, OO_CHECK_REASON_OK, "200");
	const char *request = peer_request(peer);
	CU_ASSERT_EQUAL(strncmp(request, "POST /x HTTP/1.1\r\n", 18), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(request, "\r\nHost: docs.example.com\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request, "\r\nX-Forwarded-Proto: https\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request, "\r\nX-Two: a b\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request, "\r\nConnection: close\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request, "\r\nContent-Length: 15\r\n"));
	spec = web(peer, url);
	spec.http.method = "HEAD";
	expect_run(&spec, OO_CHECK_REASON_OK, "200");
	CU_ASSERT_EQUAL(strncmp(peer_request(peer), "HEAD /x HTTP/1.1\r\n", 18), 0);
	peer_free(peer);
}

static void test_an_answer_must_be_all_that_is_expected(void)
{
	static const struct {
		const char *answer;
		struct oo_check_expect expect;
		enum oo_check_reason reason;
		const char *seen;
	} rows[] = {
		{OK("a true b"), {.contains = "true"}, OO_CHECK_REASON_OK, "200"},
		{OK("a tru b"), {.contains = "true"}, OO_CHECK_REASON_BODY, "body \"a tru b\""},
		{OK(""), {.contains = "true"}, OO_CHECK_REASON_BODY, "body \"\""},
		{OK("Version: 9.3"), {.regex = "^Version: [0-9.]+$"}, OO_CHECK_REASON_OK, "200"},
		{OK("Version: x"),
		 {.regex = "^Version: [0-9.]+$"},
		 OO_CHECK_REASON_BODY,
		 "body \"Version: x\""},
		{OK(""), {.regex = "^x"}, OO_CHECK_REASON_BODY, "body \"\""},
		{OK("{\"a\":{\"b\":\"c\"}}"),
		 {.json_pointer = "/a/b", .json_value = "c"},
		 OO_CHECK_REASON_OK,
		 "200"},
		{OK("{\"shutdown\":false}"),
		 {.json_pointer = "/shutdown", .json_value = "false"},
		 OO_CHECK_REASON_OK,
		 "200"},
		{OK("{\"shutdown\":true}"),
		 {.json_pointer = "/shutdown", .json_value = "false"},
		 OO_CHECK_REASON_BODY,
		 "json /shutdown is true in \"{\"shutdown\":true}\""},
		{OK("[1]"),
		 {.json_pointer = "/x", .json_value = "1"},
		 OO_CHECK_REASON_BODY,
		 "json has no /x: \"[1]\""},
		{OK("<html>"),
		 {.json_pointer = "/x", .json_value = "1"},
		 OO_CHECK_REASON_BODY,
		 "no JSON: \"<html>\""},
		{OK(""),
		 {.json_pointer = "/x", .json_value = "1"},
		 OO_CHECK_REASON_BODY,
		 "no JSON: \"\""},
		{OK("true"),
		 {.body = "true", .contains = "false"},
		 OO_CHECK_REASON_BODY,
		 "body \"true\""},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		char url[64];
		struct peer *peer = peer_new(event, (struct peer_script){.answer = rows[i].answer});
		struct oo_check_spec spec = web(peer, url);
		spec.http.expect = rows[i].expect;
		spec.http.expect.n_statuses = 1;
		spec.http.expect.statuses[0] = (struct oo_check_range){200, 200};
		expect_run(&spec, rows[i].reason, rows[i].seen);
		peer_free(peer);
	}
}

static void test_a_status_is_one_of_a_set(void)
{
	static const struct {
		const char *answer;
		enum oo_check_reason reason;
		const char *seen;
	} rows[] = {
		{"HTTP/1.1 200 x\r\n\r\n", OO_CHECK_REASON_OK, "200"},
		{"HTTP/1.1 299 x\r\n\r\n", OO_CHECK_REASON_OK, "299"},
		{"HTTP/1.1 301 x\r\n\r\n", OO_CHECK_REASON_OK, "301"},
		{"HTTP/1.1 300 x\r\n\r\n", OO_CHECK_REASON_STATUS, "300"},
		{"HTTP/1.1 302 x\r\n\r\n", OO_CHECK_REASON_STATUS, "302"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		char url[64];
		struct peer *peer = peer_new(event, (struct peer_script){.answer = rows[i].answer});
		struct oo_check_spec spec = web(peer, url);
		spec.http.expect.statuses[0] = (struct oo_check_range){200, 299};
		spec.http.expect.statuses[1] = (struct oo_check_range){301, 301};
		spec.http.expect.n_statuses = 2;
		expect_run(&spec, rows[i].reason, rows[i].seen);
		peer_free(peer);
	}
}

static void test_redirects_are_followed_when_asked_and_not_for_ever(void)
{
	char url[64], answer[128];
	struct peer *good = peer_new(event, (struct peer_script){.answer = OK("there")});
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:%d/y\r\n\r\n", peer_port(good));
	struct peer *peer = peer_new(event, (struct peer_script){.answer = answer});
	struct peer *loop = peer_new(
		event, (struct peer_script){.answer = "HTTP/1.1 301 x\r\nLocation: /x\r\n\r\n"});
	struct peer *away = peer_new(
		event,
		(struct peer_script){.answer = "HTTP/1.1 301 x\r\nLocation: file:///etc\r\n\r\n"});
	struct oo_check_spec spec = web(peer, url);
	expect_run(&spec, OO_CHECK_REASON_STATUS, "302");
	spec.http.follow = true;
	spec.http.expect.body = "there";
	expect_run(&spec, OO_CHECK_REASON_OK, "200");
	spec = web(loop, url);
	spec.http.follow = true;
	expect_run(&spec, OO_CHECK_REASON_REDIRECTS, "redirected more than 5 times");
	spec = web(away, url);
	spec.http.follow = true;
	struct oo_check_result result = run(&spec);
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_PROTOCOL);
	peer_free(good);
	peer_free(peer);
	peer_free(loop);
	peer_free(away);
}

static void test_the_limit_of_a_phase_ends_a_run_early(void)
{
	char url[64];
	struct peer *silent = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct peer *slow = peer_new(
		event, (struct peer_script){.answer = "HTTP/1.1 200 OK\r\n", .end = PEER_END_KEEP});
	struct oo_check_spec spec = web(silent, url);
	spec.limits.first_byte_ms = 50;
	struct oo_check_result result = run(&spec);
	expect(&result, OO_CHECK_REASON_SILENT, "connected, no answer");
	CU_ASSERT(result.times.total_us >= 49000 && result.times.total_us < AWAIT_MS * 500);
	/* with the first byte the limit is over: the run's own is left */
	spec = web(slow, url);
	spec.limits.first_byte_ms = 2000;
	spec.timeout_ms = 2200;
	result = run(&spec);
	expect(&result, OO_CHECK_REASON_SLOW, "answer not over after 0 bytes");
	CU_ASSERT(result.times.total_us >= 2190000);
	peer_free(silent);
	peer_free(slow);
}

static void test_a_token_is_signed_with_the_secret_of_a_file(void)
{
	char url[64], path[] = "/tmp/oo-check-secret-XXXXXX";
	OO_AUTO(oo_close) int fd = mkstemp(path);
	CU_ASSERT_FATAL(fd >= 0 && write(fd, "secret\n", 7) == 7);
	struct peer *peer = peer_new(event, (struct peer_script){.answer = OK("")});
	struct oo_check_spec spec = web(peer, url);
	spec.http.jwt_secret_file = path;
	spec.http.method = "POST";
	spec.http.body = "{\"c\":\"version\"}";
	expect_run(&spec, OO_CHECK_REASON_OK, "200");
	/* {"alg":"HS256","typ":"JWT"}.{"payload":{"c":"version"},"iat":1... */
	CU_ASSERT_PTR_NOT_NULL(
		strstr(peer_request(peer),
		       "\r\nAuthorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
		       "eyJwYXlsb2FkIjp7ImMiOiJ2ZXJzaW9uIn0sImlhdCI6M"));
	spec.http.jwt_header = "AuthorizationJwt";
	expect_run(&spec, OO_CHECK_REASON_OK, "200");
	CU_ASSERT_PTR_NOT_NULL(strstr(peer_request(peer), "\r\nAuthorizationJwt: Bearer eyJ"));
	unlink(path);
	expect_run(&spec, OO_CHECK_REASON_LOCAL, "No such file or directory");
	peer_free(peer);
}

/* A TLS server of OpenSSL's own, in a directory of its own. */
struct server {
	char directory[32];
	int port;
	pid_t pid;
};

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

static void make_certificate(const struct server *server, const char *days)
{
	char key[64], certificate[64];
	snprintf(key, sizeof(key), "%s/key", server->directory);
	snprintf(certificate, sizeof(certificate), "%s/cert", server->directory);
	char *argv[] = {"openssl",  "req",
			"-x509",    "-newkey",
			"rsa:2048", "-nodes",
			"-keyout",  key,
			"-out",     certificate,
			"-days",    (char *)(uintptr_t)days,
			"-subj",    "/CN=docs.example.com",
			"-addext",  "subjectAltName=DNS:docs.example.com",
			NULL};
	int status = -1;
	CU_ASSERT(waitpid(spawn_openssl(argv), &status, 0) > 0 && status == 0);
}

static void server_start(struct server *server, const char *days)
{
	char port[16], key[64], certificate[64];
	*server = (struct server){.directory = "/tmp/oo-check-tls-XXXXXX"};
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(server->directory));
	make_certificate(server, days);
	int fd = peer_refusing(&server->port); /* a port that is free */
	close(fd);
	snprintf(port, sizeof(port), "%d", server->port);
	snprintf(key, sizeof(key), "%s/key", server->directory);
	snprintf(certificate, sizeof(certificate), "%s/cert", server->directory);
	char *argv[] = {"openssl", "s_server", "-accept",   port,   "-key",
			key,       "-cert",    certificate, "-www", NULL};
	server->pid = spawn_openssl(argv);
	struct oo_check_spec spec = {.type = OO_CHECK_TYPE_TCP,
				     .tcp.address = {"127.0.0.1", (uint16_t)server->port}};
	int64_t until = oo_clock_now() + AWAIT_MS;
	while (run(&spec).reason != OO_CHECK_REASON_OK && oo_clock_now() < until) {
		usleep(10000);
	}
}

static void server_stop(struct server *server)
{
	char path[64];
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	snprintf(path, sizeof(path), "%s/key", server->directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/cert", server->directory);
	unlink(path);
	rmdir(server->directory);
}

/* Made for 10 days: 9 whole ones are left, but in the second of its making. */
static void expect_too_few_days(const struct oo_check_spec *spec)
{
	struct oo_check_result result = run(spec);
	bool in_that_second = strstr(result.seen, "10 days") != NULL;
	expect(&result, OO_CHECK_REASON_CERTIFICATE,
	       in_that_second ? "certificate has 10 days left" : "certificate has 9 days left");
}

static void test_certificates_are_verified_by_name_and_for_days(void)
{
	char url[64], ca[64];
	struct server server;
	server_start(&server, "10");
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", server.port);
	snprintf(ca, sizeof(ca), "%s/cert", server.directory);
	struct oo_check_spec spec = {
		.type = OO_CHECK_TYPE_HTTP,
		.http = {.url = url, .expect = {.statuses = {{200, 200}}, .n_statuses = 1}}};
	struct oo_check_result result = run(&spec);
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_CERTIFICATE); /* whose is it? */
	spec.http.tls.ca_file = ca;
	result = run(&spec);
	CU_ASSERT_EQUAL(result.reason, OO_CHECK_REASON_CERTIFICATE); /* of another name */
	CU_ASSERT_PTR_NOT_NULL(strstr(result.seen, "127.0.0.1"));
	spec.http.tls.server_name = "docs.example.com";
	spec.http.tls.days_left = 9;
	result = run(&spec);
	expect(&result, OO_CHECK_REASON_OK, "200");
	CU_ASSERT(result.times.tls_us > 0 && result.times.connect_us > 0);
	spec.http.tls.days_left = 11;
	expect_too_few_days(&spec);
	spec.http.tls = (struct oo_check_tls){.unverified = true};
	result = run(&spec);
	expect(&result, OO_CHECK_REASON_OK, "200");
	int64_t left_s = result.certificate_end_s - oo_clock_wall() / 1000; /* also unasked */
	CU_ASSERT(left_s > INT64_C(9) * 86400 && left_s <= INT64_C(10) * 86400);

	struct oo_check_spec port = {
		.type = OO_CHECK_TYPE_TCP,
		.tcp = {.address = {"127.0.0.1", (uint16_t)server.port},
			.uses_tls = true,
			.tls = {.ca_file = ca, .server_name = "docs.example.com"},
			.send = "GET / HTTP/1.0\r\n\r\n",
			.expect = "200 ok"}};
	expect_run(&port, OO_CHECK_REASON_OK,
		   "answer \"HTTP/1.0 200 ok?"
		   "?Content-type: text/html?"
		   "?"
		   "?"
		   "?"
		   "<HTML><BODY BGCOLOR=\"...");
	port.tcp.expect = "New, TLSv1"; /* each time: its certificate is shown, and judged */
	CU_ASSERT_EQUAL(run(&port).reason, OO_CHECK_REASON_OK);
	port.tcp.tls.days_left = 11;
	expect_too_few_days(&port);
	server_stop(&server);
}

static struct oo_check_spec reach(const struct peer *peer)
{
	return (struct oo_check_spec){.type = OO_CHECK_TYPE_TCP,
				      .timeout_ms = 300,
				      .tcp = {.address = {"127.0.0.1", (uint16_t)peer_port(peer)}}};
}

static void test_a_port_is_talked_to(void)
{
	struct peer *mail = peer_new(event, (struct peer_script){.answer = "220 mail\r\n",
								 .unasked = true,
								 .end = PEER_END_KEEP});
	struct peer *pong =
		peer_new(event, (struct peer_script){.answer = "+PONG\r\n", .end = PEER_END_KEEP});
	struct peer *mute = peer_new(event, (struct peer_script){.end = PEER_END_KEEP});
	struct peer *curt =
		peer_new(event, (struct peer_script){.unasked = true, .end = PEER_END_CLOSE});
	struct peer *rude =
		peer_new(event, (struct peer_script){.unasked = true, .end = PEER_END_RESET});
	struct peer *brief = peer_new(
		event,
		(struct peer_script){.answer = "no", .unasked = true, .end = PEER_END_CLOSE});
	struct oo_check_spec spec = reach(mail);
	spec.timeout_ms = AWAIT_MS;
	spec.tcp.expect = "220 ";
	struct oo_check_result result = run(&spec);
	expect(&result, OO_CHECK_REASON_OK, "answer \"220 mail??\"");
	CU_ASSERT(result.times.connect_us > 0 && result.times.first_byte_us > 0);
	spec.timeout_ms = 300;
	spec.tcp.expect = "250 ";
	expect_run(&spec, OO_CHECK_REASON_CONTENT, "answer \"220 mail??\"");
	spec = reach(pong);
	spec.timeout_ms = AWAIT_MS;
	spec.tcp.send = "PING\r\n\r\n";
	spec.tcp.expect = "+PONG";
	expect_run(&spec, OO_CHECK_REASON_OK, "answer \"+PONG??\"");
	CU_ASSERT_STRING_EQUAL(peer_request(pong), "PING\r\n\r\n");
	spec = reach(mute);
	spec.tcp.expect = "x";
	expect_run(&spec, OO_CHECK_REASON_SILENT, "connected, no answer");
	spec = reach(curt);
	spec.tcp.expect = "x";
	expect_run(&spec, OO_CHECK_REASON_CLOSED, "closed without a word");
	spec = reach(rude);
	spec.tcp.expect = "x";
	expect_run(&spec, OO_CHECK_REASON_RESET, "Connection reset by peer");
	spec = reach(brief);
	spec.tcp.expect = "x";
	expect_run(&spec, OO_CHECK_REASON_CLOSED, "closed after \"no\"");
	peer_free(mail);
	peer_free(pong);
	peer_free(mute);
	peer_free(curt);
	peer_free(rude);
	peer_free(brief);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(the_request_is_as_asked),
		TEST(an_answer_must_be_all_that_is_expected),
		TEST(a_status_is_one_of_a_set),
		TEST(redirects_are_followed_when_asked_and_not_for_ever),
		TEST(the_limit_of_a_phase_ends_a_run_early),
		TEST(a_token_is_signed_with_the_secret_of_a_file),
		TEST(certificates_are_verified_by_name_and_for_days),
		TEST(a_port_is_talked_to),
	};
	return run_check_tests("http", tests, OO_LENGTH(tests));
}
