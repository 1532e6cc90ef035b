/* Logs, as nginx 1.22 and the Document Server wrote them: what is told, which lines are alike. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "collect/journal_text.h"
#include "collect/log_text.h"

#define UPSTREAM(request, path)                                                                    \
	", client: 127.0.0.1, server: , request: \"GET " request " HTTP/1.1\", upstream: "         \
	"\"http://127.0.0.1:8000" path "\", host: \"127.0.0.1:18080\"\n"

static struct oo_log_lines lines;
static char text[8192];
static int64_t now_ms;

/* "@30 " becomes the local time 30 s ago, as nginx writes it; "~30 " as the Document Server does. */
static void fill(const char *from)
{
	char *at = text;
	for (; *from != '\0'; from++) {
		if (*from != '@' && *from != '~') {
			*at++ = *from;
			continue;
		}
		char *end;
		time_t then = (time_t)(now_ms / 1000 - strtol(from + 1, &end, 10));
		struct tm parts;
		(void)localtime_r(&then, &parts);
		at += *from == '@' ? strftime(at, 32, "%Y/%m/%d %H:%M:%S", &parts)
				   : strftime(at, 32, "[%Y-%m-%dT%H:%M:%S.123]", &parts);
		from = end - 1;
	}
	*at = '\0';
}

static void take(enum oo_log_source source, const char *from, int64_t started_s_ago)
{
	now_ms = oo_clock_wall() / 1000 * 1000;
	const struct oo_log_origin origin = {
		.source = source,
		.file = "the.log",
		.now_ms = now_ms,
		.changed_at_ms = now_ms - 1000,
		.started_at_ms = started_s_ago > 0 ? now_ms - started_s_ago * 1000 : 0};
	lines.n = 0;
	fill(from);
	oo_log_text_take(&lines, &origin, text);
}

static void check_line(size_t i, const char *begin, int64_t age_s, unsigned n)
{
	CU_ASSERT_FATAL(i < lines.n);
	const struct oo_log_line *line = &lines.lines[i];
	if (strncmp(line->text, begin, strlen(begin)) != 0) {
		printf("\n%s\n", line->text);
		CU_FAIL("another line");
	}
	CU_ASSERT_EQUAL(line->age_ms / 1000, age_s);
	CU_ASSERT_EQUAL(line->n, n);
}

static void test_lines_of_nginx_that_are_alike_are_one(void)
{
	take(OO_LOG_SOURCE_PROXY,
	     "@50 [error] 1642#1642: *1 connect() failed (111: Connection refused) while "
	     "connecting "
	     "to upstream" UPSTREAM(
		     "/healthcheck",
		     "/healthcheck") "@40 [notice] 1641#1641: start worker process 1642\n"
				     "@40 [warn] 1642#1642: *2 an upstream response is buffered to "
				     "a temporary file\n"
				     "@30 [error] 1642#1642: *5 upstream timed out (110: "
				     "Connection timed out) while reading "
				     "response header from upstream" UPSTREAM(
					     "/slow/1",
					     "/slow/1") "@20 [error] 77#77: *99 connect() failed "
							"(111: Connection refused) while "
							"connecting "
							"to upstream" UPSTREAM(
								"/doc/x",
								"/doc/x") "@10 [notice] 1641#1641: "
									  "exit\n",
	     0);
	CU_ASSERT_EQUAL_FATAL(lines.n, 4);
	check_line(0, "[notice] 1641#1641: exit", 10, 1); /* the last one, whatever it is */
	check_line(1, "[error] 77#77: *99 connect() failed (111: Connection refused)", 20, 2);
	check_line(2, "[error] 1642#1642: *5 upstream timed out (110", 30, 1);
	check_line(3, "[warn] 1642#1642: *2 an upstream", 40, 1);
	CU_ASSERT_STRING_EQUAL(lines.lines[0].file, "the.log");
	CU_ASSERT_EQUAL(lines.lines[0].source, OO_LOG_SOURCE_PROXY);
	CU_ASSERT_TRUE(lines.lines[0].since_start);
}

static void test_long_request_does_not_hide_where_it_went(void)
{
	char long_one[1024], request[301];
	memset(request, 'a', 300);
	request[300] = '\0';
	(void)snprintf(
		long_one, sizeof(long_one),
		"@1 [error] 1#1: *14 connect() failed (111: Connection refused) while connecting "
		"to "
		"upstream, client: 127.0.0.1, server: , request: \"GET /doc/%s/c/ HTTP/1.1\", "
		"upstream: \"http://127.0.0.1:8000/doc/%s\", host: \"x\"\n",
		request, request);
	take(OO_LOG_SOURCE_PROXY, long_one, 0);
	check_line(
		0,
		"[error] 1#1: *14 connect() failed (111: Connection refused) while connecting to "
		"upstream, ... upstream: \"http://127.0.0.1:8000/doc/aaa",
		1, 1);
}

static void test_old_lines_are_left_out(void)
{
	take(OO_LOG_SOURCE_PROXY,
	     "ut off at the beginning\n"
	     "@900 [error] 1#1: *1 old\n"
	     "@599 [error] 1#1: *1 just in time\n"
	     "@5 [error] 1#1: *1 new one",
	     100);
	CU_ASSERT_EQUAL_FATAL(lines.n, 2);
	check_line(0, "[error] 1#1: *1 new one", 5, 1);
	CU_ASSERT_TRUE(lines.lines[0].since_start);
	check_line(1, "[error] 1#1: *1 just in time", 599, 1);
	CU_ASSERT_FALSE(lines.lines[1].since_start);
}

static void test_lines_of_the_document_server_have_levels_and_traces(void)
{
	take(OO_LOG_SOURCE_DOCSERVICE,
	     "~60 [WARN] [localhost] [docId] [userId] nodeJS - Express server listening on port "
	     "8000\n"
	     "~50 [ERROR] [localhost] [docId] [userId] nodeJS - healthCheck error AggregateError\n"
	     "    at internalConnectMultiple (node:net:1114:18)\n"
	     "    [errors]: [\n"
	     "      Error: connect ECONNREFUSED ::1:5432\n"
	     "          at createConnectionError (node:net:1677:14)\n"
	     "~40 [INFO] [localhost] [docId] [userId] nodeJS - healthCheck start\n"
	     "~30 [ERROR] [tenant] [other] [user] nodeJS - healthCheck error Error: pubsub\n"
	     "~20 [ERROR] [localhost] [docId] [userId] nodeJS - healthCheck error Error: pubsub\n"
	     "    at x\n"
	     "~10 [INFO] [localhost] [docId] [userId] nodeJS - healthCheck end\n",
	     45);
	CU_ASSERT_EQUAL_FATAL(lines.n, 4);
	check_line(0, "[INFO] [localhost] [docId] [userId] nodeJS - healthCheck end", 10, 1);
	check_line(1,
		   "[ERROR] [localhost] [docId] [userId] nodeJS - healthCheck error Error: pubsub",
		   20, 2);
	check_line(
		2,
		"[ERROR] [localhost] [docId] [userId] nodeJS - healthCheck error AggregateError; "
		"Error: connect ECONNREFUSED ::1:5432",
		50, 1);
	CU_ASSERT_FALSE(lines.lines[2].since_start);
	check_line(3, "[WARN] [localhost] [docId] [userId] nodeJS - Express server", 60, 1);
}

static void test_lines_without_a_time_are_told(void)
{
	/* a crash at each start, long after the last line that had a time: the file's own counts */
	take(OO_LOG_SOURCE_DOCSERVICE,
	     "~3000 [WARN] [localhost] [docId] [userId] nodeJS - Express server listening\n"
	     "Error: Cannot parse config file: '/etc/onlyoffice/documentserver/local.json'\n"
	     "    at Parser.parse (x)\n"
	     "\n"
	     "Node.js v18.20.4\n",
	     0);
	CU_ASSERT_EQUAL_FATAL(lines.n, 2);
	check_line(0, "Node.js v18.20.4", 1, 1);
	check_line(1, "Error: Cannot parse config file", 1, 1);
	/* as old as what stands before it; and nobody knows how old, where nothing does */
	take(OO_LOG_SOURCE_DOCSERVICE,
	     "Error: ancient\n"
	     "~3000 [WARN] [localhost] [docId] [userId] nodeJS - Express server listening\n"
	     "Error: old\n"
	     "~300 [INFO] [localhost] [docId] [userId] nodeJS - one\n"
	     "Error: recent\n"
	     "~30 [INFO] [localhost] [docId] [userId] nodeJS - last",
	     0);
	CU_ASSERT_EQUAL_FATAL(lines.n, 2);
	check_line(1, "Error: recent", 300, 1);
	take(OO_LOG_SOURCE_DOCSERVICE,
	     "Error: Cannot parse config file: '/etc/onlyoffice/documentserver/local.json'\n"
	     "    at Parser.parse (x)\n",
	     0);
	check_line(0, "Error: Cannot parse config file", 1, 1);
}

static void test_no_source_crowds_out_another(void)
{
	static struct oo_evidence evidence;
	char many[4096] = "", *at = many;
	evidence.n_lines = 0;
	for (int source = 0; source < OO_LOG_SOURCE_END; source++) {
		at = many;
		for (int i = 0; i < 40; i++) {
			at += sprintf(at, "%c%d [ERROR] fault %c%c %c\n",
				      source == OO_LOG_SOURCE_PROXY ? '@' : '~', 100 - i,
				      'g' + i / 10, 'g' + i % 10, 'x');
		}
		take((enum oo_log_source)source, many, 0);
		CU_ASSERT_EQUAL(lines.n, source == OO_LOG_SOURCE_PROXY ? 1 : OO_LOG_LINES);
		oo_log_text_give(&lines, &evidence);
	}
	CU_ASSERT_EQUAL(evidence.n_lines, 3 * OO_LOG_LINES + 1);
	for (size_t i = 1; i < evidence.n_lines; i++) {
		CU_ASSERT(evidence.lines[i - 1].age_ms <= evidence.lines[i].age_ms);
	}
}

static void test_text_that_is_no_log_does_no_harm(void)
{
	static const char *const texts[] = {"",
					    "\n",
					    "\n\n\n",
					    "[",
					    "[2026",
					    "2026/13/45 99:99:99 [error] x",
					    "[2026-11-22T15:08:08",
					    "]",
					    "    at x",
					    "}",
					    "a\r\nb"};
	for (size_t i = 0; i < OO_LENGTH(texts); i++) {
		take(OO_LOG_SOURCE_PROXY, texts[i], 0);
		take(OO_LOG_SOURCE_CONVERTER, texts[i], 0);
		CU_ASSERT(lines.n <= 2);
	}
}

static void test_lines_of_the_journal(void)
{
	static const struct {
		const char *line;
		int64_t at_ms;
		const char *text;
	} cases[] = {
		{"1700000000.123456 host nginx[12]: nginx: [emerg] bind() to 0.0.0.0:80 failed",
		 1700000000123, "nginx[12]: nginx: [emerg] bind() to 0.0.0.0:80 failed"},
		{"1700000000.000001 h kernel: Out of memory: Killed process 9 (docservice)",
		 1700000000000, "kernel: Out of memory: Killed process 9 (docservice)"},
		{"-- No entries --", 0, NULL},
		{"1700000000.123456 host ", 0, NULL},
		{"1700000000", 0, NULL},
		{"99999999999999999999.1 a b", 0, NULL},
		{"-5.1 a b", 0, NULL},
		{"", 0, NULL},
	};
	for (size_t i = 0; i < OO_LENGTH(cases); i++) {
		int64_t at_ms = 0;
		const char *found = NULL;
		CU_ASSERT_EQUAL(oo_journal_parse(cases[i].line, &at_ms, &found),
				cases[i].text != NULL);
		CU_ASSERT_EQUAL(at_ms, cases[i].at_ms);
		if (cases[i].text != NULL && found != NULL) {
			CU_ASSERT_STRING_EQUAL(found, cases[i].text);
		}
	}
}

static void test_records_of_the_kernel(void)
{
	char record[] =
		"6,1234,98765432,-;docservice[812]: segfault at 0 ip 00 sp 00 error 4\n SUB=x\n";
	char bad[] = "no record", worse[] = "6,x;y";
	const char *found;
	int64_t at_ms;
	CU_ASSERT_TRUE_FATAL(oo_journal_parse_kernel(record, &at_ms, &found));
	CU_ASSERT_EQUAL(at_ms, 98765);
	CU_ASSERT_STRING_EQUAL(found, "docservice[812]: segfault at 0 ip 00 sp 00 error 4");
	CU_ASSERT_TRUE(oo_journal_is_told(found));
	CU_ASSERT_FALSE(oo_journal_is_told("eth0: link becomes ready"));
	CU_ASSERT_FALSE(oo_journal_parse_kernel(bad, &at_ms, &found));
	CU_ASSERT_FALSE(oo_journal_parse_kernel(worse, &at_ms, &found));
	CU_ASSERT_EQUAL(oo_journal_program("nginx[1]: x"), OO_PROGRAM_PROXY);
	CU_ASSERT_EQUAL(oo_journal_program("oom-kill:task=docservice,pid=1"),
			OO_PROGRAM_DOCSERVICE);
	CU_ASSERT_EQUAL(oo_journal_program("kernel: nf_conntrack: table full, dropping packet"),
			OO_PROGRAM_END);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(lines_of_nginx_that_are_alike_are_one),
		TEST(long_request_does_not_hide_where_it_went),
		TEST(old_lines_are_left_out),
		TEST(lines_of_the_document_server_have_levels_and_traces),
		TEST(lines_without_a_time_are_told),
		TEST(no_source_crowds_out_another),
		TEST(text_that_is_no_log_does_no_harm),
		TEST(lines_of_the_journal),
		TEST(records_of_the_kernel),
	};
	return run_tests("log text", tests, OO_LENGTH(tests));
}
