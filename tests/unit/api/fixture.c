#include "fixture.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

int64_t work_us(void)
{
	struct timespec spent;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent); /* there is one */
	return spent.tv_sec * INT64_C(1000000) + spent.tv_nsec / 1000;
}

static void answer_status(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	(void)request;
	struct fixture *fixture = user;
	fixture->asked++;
	(void)oo_buffer_add_format(&answer->body, "{\"state\": \"fine\"}\n");
}

static void answer_leader(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	(void)request;
	struct fixture *fixture = user;
	fixture->asked++;
	answer->status = 503;
	(void)oo_buffer_add_format(&answer->body, "{\"leader\": false}\n");
}

static void answer_large(void *user, const struct oo_api_request *request,
			 struct oo_api_answer *answer)
{
	(void)request;
	static const char line[] =
		"\"0123456789abcdef0123456789abcdef0123456789abcdef01234567\",\n";
	struct fixture *fixture = user;
	fixture->asked++;
	while (answer->body.length < LARGE_BYTES) {
		(void)oo_buffer_add(&answer->body, line, sizeof(line) - 1);
	}
}

static void answer_nothing(void *user, const struct oo_api_request *request,
			   struct oo_api_answer *answer)
{
	(void)request;
	struct fixture *fixture = user;
	fixture->asked++;
	(void)answer;
}

static void answer_busy(void *user, const struct oo_api_request *request,
			struct oo_api_answer *answer)
{
	int64_t until_us = work_us() + BUSY_MS * 1000;
	while (work_us() < until_us) {
	}
	answer_status(user, request, answer);
}

/* What it was asked with, as plain text. */
static void answer_echo(void *user, const struct oo_api_request *request,
			struct oo_api_answer *answer)
{
	struct fixture *fixture = user;
	const char *group = oo_api_parameter(request, "group");
	const char *to = oo_api_parameter(request, "to");
	fixture->asked++;
	answer->status = 202;
	answer->content_type = "text/plain";
	(void)oo_buffer_add_format(&answer->body, "%s %s %s group=%s to=%s body=%s",
				   request->peer.user, request->route->method, request->route->path,
				   group != NULL ? group : "(none)", to != NULL ? to : "(none)",
				   request->body);
	CU_ASSERT_EQUAL(strlen(request->body), request->body_length);
}

static const struct oo_api_route routes[] = {
	{.method = "GET", .path = "/v1/status", .answer = answer_status},
	{.method = "GET", .path = "/large", .answer = answer_large},
	{.method = "GET", .path = "/empty", .answer = answer_nothing},
	{.method = "GET", .path = "/busy", .answer = answer_busy},
	{.method = "GET", .path = "/leader", .tcp = true, .answer = answer_leader},
	{.method = "GET",
	 .path = "/v1/pause",
	 .parameters = {"group", "to"},
	 .answer = answer_echo},
	{.method = "POST",
	 .path = "/v1/pause",
	 .change = true,
	 .parameters = {"group", "to"},
	 .answer = answer_echo},
	{.method = "POST",
	 .path = "/v1/echo",
	 .parameters = {"group", "to"},
	 .answer = answer_echo},
};

static void on_changed(void *user, const struct oo_api_request *request, unsigned status)
{
	struct fixture *fixture = user;
	fixture->changed++;
	snprintf(fixture->change, sizeof(fixture->change), "%s %s %s: %u", request->peer.user,
		 request->route->method, request->route->path, status);
}

static void find_port(char *listen_text, size_t size)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	OO_AUTO(oo_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&address, length) == 0);
	CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
	snprintf(listen_text, size, "127.0.0.1:%u", ntohs(address.sin_port));
}

void fixture_prepare(struct fixture *fixture)
{
	*fixture = (struct fixture){.directory = "/tmp/ooha-api-XXXXXX", .change_group = "daemon"};
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(fixture->directory));
	snprintf(fixture->socket_path, sizeof(fixture->socket_path), "%s/ooha.sock",
		 fixture->directory);
	find_port(fixture->listen, sizeof(fixture->listen));
	CU_ASSERT_FATAL(sd_event_new(&fixture->event) >= 0);
}

int fixture_listen(struct fixture *fixture, const char *listen, struct oo_err *err)
{
	return oo_api_new(fixture->event,
			  &(struct oo_api_options){.socket_path = fixture->socket_path,
						   .socket_group = fixture->socket_group,
						   .change_group = fixture->change_group,
						   .listen = listen,
						   .tls = fixture->tls,
						   .routes = routes,
						   .n_routes = OO_LENGTH(routes),
						   .changed = on_changed,
						   .user = fixture},
			  &fixture->api, err);
}

void fixture_start(struct fixture *fixture, bool tcp)
{
	struct oo_err err = {0};
	fixture_prepare(fixture);
	int r = fixture_listen(fixture, tcp ? fixture->listen : NULL, &err);
	if (r < 0) {
		fprintf(stderr, "%s\n", err.text);
	}
	CU_ASSERT_EQUAL_FATAL(r, 0);
}

void fixture_stop(struct fixture *fixture)
{
	oo_api_free(fixture->api);
	sd_event_unref(fixture->event);
	(void)unlink(fixture->socket_path); /* the tests that leave something there */
	CU_ASSERT_EQUAL(rmdir(fixture->directory), 0);
}

int dial_unix(const struct fixture *fixture)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CU_ASSERT_FATAL(oo_text_copy(address.sun_path, sizeof(address.sun_path),
				     fixture->socket_path) == 0);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CU_ASSERT_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

int dial_tcp(const struct fixture *fixture)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	address.sin_port = htons((in_port_t)atoi(strchr(fixture->listen, ':') + 1));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

void say(int fd, const char *text)
{
	CU_ASSERT_EQUAL_FATAL(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What is there now; false at the end of the connection. */
static bool drain(int fd, struct oo_buffer *heard)
{
	char part[4096];
	for (;;) {
		ssize_t n = recv(fd, part, sizeof(part), MSG_DONTWAIT);
		if (n <= 0) {
			return n < 0 && errno == EAGAIN;
		}
		CU_ASSERT_EQUAL_FATAL(oo_buffer_add(heard, part, (size_t)n), 0);
	}
}

bool hear(struct fixture *fixture, int fd, struct oo_buffer *heard)
{
	int64_t until = oo_clock_now() + WAIT_MS;
	while (drain(fd, heard)) {
		if (oo_clock_now() > until) {
			return false;
		}
		sd_event_run(fixture->event, 5000);
	}
	return true;
}

bool hear_text(struct fixture *fixture, int fd, struct oo_buffer *heard, const char *text)
{
	int64_t until = oo_clock_now() + WAIT_MS;
	while (heard->data == NULL || strstr(heard->data, text) == NULL) {
		if (oo_clock_now() > until || !drain(fd, heard)) {
			return false;
		}
		sd_event_run(fixture->event, 5000);
	}
	return true;
}

char *ask(struct fixture *fixture, int fd, const char *request)
{
	struct oo_buffer heard;
	oo_buffer_init(&heard, 2 * LARGE_BYTES);
	say(fd, request);
	CU_ASSERT_TRUE(hear(fixture, fd, &heard));
	close(fd);
	return heard.data != NULL ? heard.data : strdup("");
}

int run_suite(const char *name, CU_TestInfo *tests)
{
	CU_SuiteInfo suites[] = {{name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		return 1;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	int failed = CU_get_number_of_tests_run() == 0 || CU_get_number_of_failures() > 0;
	CU_cleanup_registry();
	return failed;
}
