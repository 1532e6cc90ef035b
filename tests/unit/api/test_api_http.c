#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fixture.h"

#define CLOSE "Host: x\r\nConnection: close\r\n\r\n"

static bool contains(const char *text, const char *part)
{
	bool found = strstr(text, part) != NULL;
	if (!found) {
		fprintf(stderr, "\nnot in it: %s\n%.400s\n", part, text);
	}
	return found;
}

static const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");
	return end != NULL ? end + 4 : "";
}

static void test_get_is_answered_with_the_routes_json(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_unix(&fixture), "GET /v1/status HTTP/1.1\r\n" CLOSE);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 200 OK\r\n"));
	CU_ASSERT_TRUE(contains(answer, "Content-Type: application/json\r\n"));
	CU_ASSERT_TRUE(contains(answer, "Cache-Control: no-store\r\n"));
	CU_ASSERT_STRING_EQUAL(body_of(answer), "{\"state\": \"fine\"}\n");
	CU_ASSERT_EQUAL(fixture.asked, 1);
	fixture_stop(&fixture);
}

static void test_head_is_the_get_without_its_body(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_unix(&fixture), "HEAD /v1/status HTTP/1.1\r\n" CLOSE);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 200 OK\r\n"));
	CU_ASSERT_TRUE(contains(answer, "Content-Length: 18\r\n"));
	CU_ASSERT_STRING_EQUAL(body_of(answer), "");
	fixture_stop(&fixture);
}

static void test_a_query_does_not_change_the_path(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_unix(&fixture), "GET /v1/status? HTTP/1.1\r\n" CLOSE);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 200 OK\r\n"));
	fixture_stop(&fixture);
}

static void test_the_status_is_the_routes(void)
{
	struct fixture fixture;
	fixture_start(&fixture, true);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_tcp(&fixture), "GET /leader HTTP/1.1\r\n" CLOSE);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 503 Service Unavailable\r\n"));
	CU_ASSERT_STRING_EQUAL(body_of(answer), "{\"leader\": false}\n");
	fixture_stop(&fixture);
}

static void test_an_unknown_path_is_told_the_known_ones(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_unix(&fixture), "GET /v1/statu HTTP/1.1\r\n" CLOSE);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 404 Not Found\r\n"));
	CU_ASSERT_TRUE(contains(answer, "Content-Type: application/json\r\n"));
	CU_ASSERT_STRING_EQUAL(body_of(answer),
			       "{\"error\": \"no such path\", \"paths\": "
			       "[\"/v1/status\", \"/large\", \"/empty\", \"/busy\", \"/leader\", "
			       "\"/v1/pause\", \"/v1/echo\"]}\n");
	CU_ASSERT_EQUAL(fixture.asked, 0);
	fixture_stop(&fixture);
}

static void test_tcp_reaches_only_the_routes_that_are_marked_for_it(void)
{
	struct fixture fixture;
	fixture_start(&fixture, true);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_tcp(&fixture), "GET /v1/status HTTP/1.1\r\n" CLOSE);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 404 Not Found\r\n"));
	CU_ASSERT_STRING_EQUAL(body_of(answer),
			       "{\"error\": \"no such path\", \"paths\": [\"/leader\"]}\n");
	OO_AUTO(oo_free)
	char *method = ask(&fixture, dial_tcp(&fixture), "PUT /v1/status HTTP/1.1\r\n" CLOSE);
	CU_ASSERT_TRUE(contains(method, "HTTP/1.1 404 Not Found\r\n"));
	CU_ASSERT_EQUAL(fixture.asked, 0);
	fixture_stop(&fixture);
}

static void test_a_wrong_method_is_told_the_right_ones(void)
{
	static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "get"};
	struct fixture fixture;
	fixture_start(&fixture, false);
	for (size_t i = 0; i < OO_LENGTH(methods); i++) {
		char request[128];
		snprintf(request, sizeof(request), "%s /v1/status HTTP/1.1\r\n" CLOSE, methods[i]);
		OO_AUTO(oo_free) char *answer = ask(&fixture, dial_unix(&fixture), request);
		CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 405 Method Not Allowed\r\n"));
		CU_ASSERT_TRUE(contains(answer, "Allow: GET, HEAD, OPTIONS\r\n"));
		CU_ASSERT_STRING_EQUAL(body_of(answer),
				       "{\"error\": \"this path answers GET, HEAD, "
				       "OPTIONS only\"}\n");
	}
	CU_ASSERT_EQUAL(fixture.asked, 0);
	fixture_stop(&fixture);
}

static void test_a_route_that_wrote_nothing_is_a_500(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_unix(&fixture), "GET /empty HTTP/1.1\r\n" CLOSE);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 500 Internal Server Error\r\n"));
	CU_ASSERT_STRING_EQUAL(body_of(answer),
			       "{\"error\": \"no answer could be made: out of memory\"}\n");
	fixture_stop(&fixture);
}

/* The request has no "Connection: close": it is the server that must hang up on the unread body. */
static void test_a_request_with_a_body_is_refused_unread(void)
{
	static const char *const requests[][2] = {
		{"GET /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", " 413 "},
		{"GET /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n",
		 " 413 "},
		{"GET /v1/status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		 " 411 "},
		{"HEAD /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", " 413 "},
		{"OPTIONS /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", " 413 "},
		{"POST /v1/nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", " 404 "},
		{"POST /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", " 405 "},
		{"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 16385\r\n\r\n", " 413 "},
		{"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n",
		 " 413 "},
		{"POST /v1/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		 " 411 "},
	};
	struct fixture fixture;
	fixture_start(&fixture, false);
	for (size_t i = 0; i < OO_LENGTH(requests); i++) {
		OO_AUTO(oo_free) char *answer = ask(&fixture, dial_unix(&fixture), requests[i][0]);
		CU_ASSERT_TRUE(contains(answer, requests[i][1]));
		CU_ASSERT_TRUE(contains(answer, "Content-Type: application/json\r\n"));
	}
	CU_ASSERT_EQUAL(fixture.asked, 0);
	fixture_stop(&fixture);
}

static void test_a_get_that_announces_an_empty_body_is_answered(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	OO_AUTO(oo_free)
	char *answer = ask(&fixture, dial_unix(&fixture),
			   "GET /v1/status HTTP/1.1\r\nContent-Length: 0\r\n" CLOSE);
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 200 OK\r\n"));
	fixture_stop(&fixture);
}

static char *oversized(const char *before, const char *after)
{
	size_t size = 2 * OO_API_REQUEST_BYTES_MAX;
	char *request = malloc(size + strlen(before) + strlen(after) + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(request);
	strcpy(request, before);
	memset(request + strlen(before), 'a', size);
	strcpy(request + strlen(before) + size, after);
	return request;
}

static void test_a_request_that_is_too_large_is_refused(void)
{
	static const char *const requests[][3] = {
		{"GET /v1/status?", " HTTP/1.1\r\n" CLOSE, "HTTP/1.1 414 "},
		{"GET /v1/status HTTP/1.1\r\nX: ", "\r\n" CLOSE, "HTTP/1.1 431 "},
	};
	struct fixture fixture;
	fixture_start(&fixture, false);
	for (size_t i = 0; i < OO_LENGTH(requests); i++) {
		OO_AUTO(oo_free) char *request = oversized(requests[i][0], requests[i][1]);
		OO_AUTO(oo_free) char *answer = ask(&fixture, dial_unix(&fixture), request);
		CU_ASSERT_TRUE(contains(answer, requests[i][2]));
	}
	CU_ASSERT_EQUAL(fixture.asked, 0);
	fixture_stop(&fixture);
}

static void test_a_request_that_is_no_http_is_hung_up_on(void)
{
	static const char *const requests[] = {
		"\r\n\r\n\r\nhello\r\n\r\n",
		"\x16\x03\x01\x02\r\n\r\n", /* a TLS client */
		"GET\r\n\r\n",
		"GET /v1/status HTTP/9.9\r\n\r\n",
	};
	struct fixture fixture;
	fixture_start(&fixture, false);
	for (size_t i = 0; i < OO_LENGTH(requests); i++) {
		OO_AUTO(oo_free) char *answer = ask(&fixture, dial_unix(&fixture), requests[i]);
		CU_ASSERT_PTR_NULL(strstr(answer, " 200 "));
	}
	CU_ASSERT_EQUAL(fixture.asked, 0);
	fixture_stop(&fixture);
}

static void test_a_connection_serves_one_request_after_another(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	int fd = dial_unix(&fixture);
	struct oo_buffer heard;
	oo_buffer_init(&heard, LARGE_BYTES);
	for (int i = 0; i < 3; i++) {
		oo_buffer_clear(&heard);
		say(fd, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
		CU_ASSERT_TRUE(hear_text(&fixture, fd, &heard, "fine\"}\n"));
		CU_ASSERT_STRING_EQUAL(body_of(heard.data), "{\"state\": \"fine\"}\n");
	}
	CU_ASSERT_EQUAL(fixture.asked, 3);
	oo_buffer_done(&heard);
	close(fd);
	fixture_stop(&fixture);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"get is answered with the route's json",
		 test_get_is_answered_with_the_routes_json},
		{"head is the get without its body", test_head_is_the_get_without_its_body},
		{"a query does not change the path", test_a_query_does_not_change_the_path},
		{"the status is the route's", test_the_status_is_the_routes},
		{"an unknown path is told the known ones",
		 test_an_unknown_path_is_told_the_known_ones},
		{"tcp reaches only the routes that are marked for it",
		 test_tcp_reaches_only_the_routes_that_are_marked_for_it},
		{"a wrong method is told the right ones",
		 test_a_wrong_method_is_told_the_right_ones},
		{"a route that wrote nothing is a 500", test_a_route_that_wrote_nothing_is_a_500},
		{"a request with a body is refused unread",
		 test_a_request_with_a_body_is_refused_unread},
		{"a get that announces an empty body is answered",
		 test_a_get_that_announces_an_empty_body_is_answered},
		{"a request that is too large is refused",
		 test_a_request_that_is_too_large_is_refused},
		{"a request that is no http is hung up on",
		 test_a_request_that_is_no_http_is_hung_up_on},
		{"a connection serves one request after another",
		 test_a_connection_serves_one_request_after_another},
		CU_TEST_INFO_NULL,
	};
	return run_suite("api over http", tests);
}
