#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fixture.h"

#define CLOSE "Host: x\r\nConnection: close\r\n"

static bool contains(const char *text, const char *part)
{
	bool found = strstr(text, part) != NULL;
	if (!found) {
		fprintf(stderr, "\nnot in it: %s\n%.400s\n", part, text);
	}
	return found;
}

/* One request, and a part of its answer. */
static void expect(struct fixture *fixture, const char *request, const char *part)
{
	OO_AUTO(oo_free) char *answer = ask(fixture, dial_unix(fixture), request);
	CU_ASSERT_TRUE(contains(answer, part));
}

static void test_a_post_brings_its_body_whole(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	expect(&fixture,
	       "POST /v1/echo HTTP/1.1\r\n" CLOSE "Content-Length: 16\r\n\r\n{\"reason\": \"me\"}",
	       " body={\"reason\": \"me\"}");
	expect(&fixture, "POST /v1/echo HTTP/1.1\r\n" CLOSE "Content-Length: 0\r\n\r\n", " body=");
	expect(&fixture, "POST /v1/echo HTTP/1.1\r\n" CLOSE "\r\n", " body=");
	CU_ASSERT_EQUAL(fixture.asked, 3);
	fixture_stop(&fixture);
}

static void test_a_body_may_come_byte_by_byte(void)
{
	struct fixture fixture;
	struct oo_buffer heard;
	fixture_start(&fixture, false);
	oo_buffer_init(&heard, LARGE_BYTES);
	int fd = dial_unix(&fixture);
	say(fd, "POST /v1/echo HTTP/1.1\r\n" CLOSE "Content-Length: 11\r\n\r\n");
	for (const char *byte = "0123456789a"; *byte != '\0'; byte++) {
		sd_event_run(fixture.event, 0);
		CU_ASSERT_EQUAL(fixture.asked, 0);
		say(fd, (char[]){*byte, '\0'});
		sd_event_run(fixture.event, 0);
	}
	CU_ASSERT_TRUE(hear(&fixture, fd, &heard));
	CU_ASSERT_TRUE(contains(heard.data, " body=0123456789a"));
	CU_ASSERT_EQUAL(fixture.asked, 1);
	close(fd);
	oo_buffer_done(&heard);
	fixture_stop(&fixture);
}

static void test_the_largest_body_passes_and_one_byte_more_is_refused(void)
{
	struct fixture fixture;
	OO_AUTO(oo_free) char *request = malloc(OO_API_BODY_BYTES_MAX + 256);
	fixture_start(&fixture, false);
	for (int more = 0; more < 2; more++) {
		int n = sprintf(request,
				"POST /v1/echo HTTP/1.1\r\n" CLOSE "Content-Length: %d\r\n\r\n",
				OO_API_BODY_BYTES_MAX + more);
		memset(request + n, 'a', OO_API_BODY_BYTES_MAX);
		request[n + OO_API_BODY_BYTES_MAX] = '\0';
		expect(&fixture, request,
		       more == 0 ? "aaaaaaaaaa"
				 : "{\"error\": \"a body has at most 16384 bytes here\"}\n");
		CU_ASSERT_EQUAL(fixture.asked, 1);
	}
	fixture_stop(&fixture);
}

static void test_a_client_that_leaves_within_its_body_leaves_nothing_behind(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	int fd = dial_unix(&fixture);
	say(fd, "POST /v1/echo HTTP/1.1\r\n" CLOSE "Content-Length: 11\r\n\r\n01234");
	for (int i = 0; i < 10; i++) {
		sd_event_run(fixture.event, 0);
	}
	close(fd); /* what was received is freed: the sanitizer's verdict */
	expect(&fixture, "GET /v1/status HTTP/1.1\r\n" CLOSE "\r\n", " 200 OK");
	CU_ASSERT_EQUAL(fixture.asked, 1);
	fixture_stop(&fixture);
}

static void test_the_query_comes_decoded_and_by_name(void)
{
	static const char *const queries[][2] = {
		{"", " group=(none) to=(none) "},
		{"?group=office", " group=office to=(none) "},
		{"?to=node-b&group=office", " group=office to=node-b "},
		{"?to=a%20b%26c%3Dd", " group=(none) to=a b&c=d "},
		{"?to=", " group=(none) to= "},
	};
	struct fixture fixture;
	fixture_start(&fixture, false);
	for (size_t i = 0; i < OO_LENGTH(queries); i++) {
		char request[128];
		snprintf(request, sizeof(request), "GET /v1/pause%s HTTP/1.1\r\n" CLOSE "\r\n",
			 queries[i][0]);
		expect(&fixture, request, queries[i][1]);
	}
	fixture_stop(&fixture);
}

static void test_a_wrong_query_is_refused_with_what_would_be_right(void)
{
	static const char *const queries[][2] = {
		{"/v1/status?a=b", "this path has no parameter \\\"a\\\": it knows none"},
		{"/v1/pause?grp=office",
		 "this path has no parameter \\\"grp\\\": it knows group, to"},
		{"/v1/pause?=office", "this path has no parameter \\\"\\\": it knows group, to"},
		{"/v1/pause?group%00=office",
		 "this path has no parameter \\\"group\\\": it knows group, to"},
		{"/v1/pause?%1b%ff%22=1",
		 "this path has no parameter \\\"??\\\"\\\": it knows group, to"},
		{"/v1/pause?group", "parameter group: has no value"},
		{"/v1/pause?group=a%00b", "parameter group: a NUL is in its value"},
		{"/v1/pause?group=a%0ab",
		 "parameter group: has other characters than printable ASCII"},
		{"/v1/pause?group=caf%c3%a9",
		 "parameter group: has other characters than printable ASCII"},
		{"/v1/pause?group=%7f",
		 "parameter group: has other characters than printable ASCII"},
		{"/v1/pause?group=a&group=a", "parameter group: given twice"},
	};
	struct fixture fixture;
	fixture_start(&fixture, false);
	for (size_t i = 0; i < OO_LENGTH(queries); i++) {
		char request[128];
		char error[160];
		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" CLOSE "\r\n",
			 queries[i][0]);
		snprintf(error, sizeof(error), "{\"error\": \"%s\"}\n", queries[i][1]);
		OO_AUTO(oo_free) char *answer = ask(&fixture, dial_unix(&fixture), request);
		CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 400 Bad Request\r\n"));
		CU_ASSERT_TRUE(contains(answer, error));
	}
	CU_ASSERT_EQUAL(fixture.asked, 0);
	fixture_stop(&fixture);
}

static void test_the_content_type_is_the_routes(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	expect(&fixture, "GET /v1/pause HTTP/1.1\r\n" CLOSE "\r\n", "Content-Type: text/plain\r\n");
	fixture_stop(&fixture);
}

static void test_options_says_what_a_path_answers(void)
{
	struct fixture fixture;
	fixture_start(&fixture, false);
	OO_AUTO(oo_free)
	char *answer =
		ask(&fixture, dial_unix(&fixture), "OPTIONS /v1/pause HTTP/1.1\r\n" CLOSE "\r\n");
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 204 No Content\r\n"));
	CU_ASSERT_TRUE(contains(answer, "Allow: GET, HEAD, POST, OPTIONS\r\n"));
	CU_ASSERT_EQUAL(fixture.asked, 0);
	fixture_stop(&fixture);
}

static void test_options_on_tcp_has_the_status_of_the_get(void)
{
	struct fixture fixture;
	fixture_start(&fixture, true);
	OO_AUTO(oo_free)
	char *answer =
		ask(&fixture, dial_tcp(&fixture), "OPTIONS /leader HTTP/1.1\r\n" CLOSE "\r\n");
	CU_ASSERT_TRUE(contains(answer, "HTTP/1.1 503 Service Unavailable\r\n"));
	CU_ASSERT_TRUE(contains(answer, "Allow: GET, HEAD, OPTIONS\r\n"));
	CU_ASSERT_TRUE(contains(answer, "Content-Length: 0\r\n"));
	CU_ASSERT_EQUAL(fixture.asked, 1);
	fixture_stop(&fixture);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"a post brings its body whole", test_a_post_brings_its_body_whole},
		{"a body may come byte by byte", test_a_body_may_come_byte_by_byte},
		{"the largest body passes, and one byte more is refused",
		 test_the_largest_body_passes_and_one_byte_more_is_refused},
		{"a client that leaves within its body leaves nothing behind",
		 test_a_client_that_leaves_within_its_body_leaves_nothing_behind},
		{"the query comes decoded and by name", test_the_query_comes_decoded_and_by_name},
		{"a wrong query is refused with what would be right",
		 test_a_wrong_query_is_refused_with_what_would_be_right},
		{"the content type is the route's", test_the_content_type_is_the_routes},
		{"options says what a path answers", test_options_says_what_a_path_answers},
		{"options on tcp has the status of the get",
		 test_options_on_tcp_has_the_status_of_the_get},
		CU_TEST_INFO_NULL,
	};
	return run_suite("api requests", tests);
}
