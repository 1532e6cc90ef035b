/* What each type of check may be told, and what is said when it is told something else. */
#include "base/cleanup.h"
#include "file.h"

/* A check of that type with that line; both begin lines of the file, the type's is the 6th. */
#define CHECK(type, lines) LEAST "checks:\n  - name: a\n    type: " type "\n    " lines "\n"
#define HTTP(line) CHECK("http", "url: http://a/\n    " line)
#define TCP(line) CHECK("tcp", "address: a:1\n    " line)

static void free_config(struct oo_config **config)
{
	oo_config_free(*config);
}

/* The only check of that text's configuration. */
static const struct oo_check_spec *only(const struct oo_config *config)
{
	CU_ASSERT_EQUAL_FATAL(config->n_checks, 1);
	return &config->checks[0].spec;
}

static void test_a_type_is_one_of_those_there_are(void)
{
	static const struct file_row rows[] = {
		{CHECK("icmp", "rise: 1"),
		 "6: checks[0].type: 'icmp': unknown type; http and tcp are possible"},
		{CHECK("none", "rise: 1"),
		 "6: checks[0].type: 'none': unknown type; http and tcp are possible"},
		{LEAST "checks:\n  - {name: a, tpye: http}\n",
		 "5: checks[0].tpye: unknown key; did you mean 'type'?"},
		{LEAST "checks:\n  - {name: a, url: 'http://a/'}\n",
		 "5: checks[0].type: missing; http and tcp are possible"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_what_all_checks_have_is_read_and_checked(void)
{
	static const struct file_row rows[] = {
		{TCP("fast_interval: 3s"), "8: checks[0].fast_interval: '3s': longer than the "
					   "interval; make it shorter, or leave it out"},
		{TCP("fast_interval: 99ms"),
		 "8: checks[0].fast_interval: '99ms': out of range; 100ms to 1h are possible"},
		{TCP("grace: 61m"),
		 "8: checks[0].grace: '61m': out of range; 0s to 1h are possible"},
		{TCP("timeouts: {dns: 1s}"), "8: checks[0].timeouts.dns: unknown key; known here: "
					     "name, connect, tls, first_byte"},
		{TCP("timeouts: {tls: 0s}"),
		 "8: checks[0].timeouts.tls: '0s': out of range; 1ms to 1m are possible"},
		{TCP("timeouts: 1s"),
		 "8: checks[0].timeouts: '1s': a single value where a mapping is "
		 "expected; known here: name, connect, tls, first_byte"},
	};
	OO_AUTO(free_config)
	struct oo_config *config =
		file_load(TCP("interval: 5m\n    fast_interval: 1s\n    grace: 1m\n"
			      "    timeouts: {name: 1s, connect: 2s, tls: 3s, first_byte: 4s}"));
	const struct oo_check_spec *spec = only(config);
	CU_ASSERT_EQUAL(spec->interval_ms, 300000);
	CU_ASSERT_EQUAL(spec->timeout_ms, 60000); /* of a long interval not all */
	CU_ASSERT_EQUAL(spec->fast_interval_ms, 1000);
	CU_ASSERT_EQUAL(spec->grace_ms, 60000);
	CU_ASSERT_EQUAL(spec->limits.name_ms, 1000);
	CU_ASSERT_EQUAL(spec->limits.connect_ms, 2000);
	CU_ASSERT_EQUAL(spec->limits.tls_ms, 3000);
	CU_ASSERT_EQUAL(spec->limits.first_byte_ms, 4000);
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_http_is_asked_in_many_ways(void)
{
	static const struct file_row rows[] = {
		{HTTP("method: PUT"), "8: checks[0].method: 'PUT': none of them; possible are GET, "
				      "HEAD, POST, OPTIONS"},
		{HTTP("body: x"),
		 "8: checks[0].body: 'x': only a POST is sent with a body; add method: POST"},
		{HTTP("headers: [x]"),
		 "8: checks[0].headers[0]: not a header; write its name, a colon, a space and its "
		 "value, as in 'X-Forwarded-Proto: https'"},
		{HTTP("follow_redirects: maybe"),
		 "8: checks[0].follow_redirects: 'maybe': neither; yes and no are possible"},
		{HTTP("tls: {verify: no}"),
		 "8: checks[0].tls: for TLS, but the url is not https; leave the key out"},
		{HTTP("jwt: {header: A}"),
		 "8: checks[0].jwt.secret_file: missing; name the file that has the secret"},
		{HTTP("jwt: {secret_file: /nowhere}"),
		 "8: checks[0].jwt.secret_file: '/nowhere': cannot be read: No such file or "
		 "directory; name a file that the agent's user may read"},
		{HTTP("jwt: {secret_file: /etc/shadow, header: 'a b'}"),
		 "8: checks[0].jwt.header: 'a b': not a header's name; write letters, digits and "
		 "-"},
		{HTTP("expect: {status: 200-}"), "8: checks[0].expect.status: '200-': not a set of "
						 "statuses; write up to 8 from 100 "
						 "to 599, as in 200 or 200-299,301"},
		{HTTP("expect: {status: '300-200'}"),
		 "8: checks[0].expect.status: '300-200': not a set of statuses; write up to 8 from "
		 "100 to 599, as in 200 or 200-299,301"},
		{HTTP("expect: {status: '1,2,3'}"),
		 "8: checks[0].expect.status: '1,2,3': not a set of statuses; write up to 8 from "
		 "100 to 599, as in 200 or 200-299,301"},
		{HTTP("expect: {regex: 'a('}"),
		 "8: checks[0].expect.regex: 'a(': not a POSIX extended regular expression: "
		 "Unmatched ( or \\(; see regex(7)"},
		{HTTP("expect: {json: {pointer: a, value: b}}"),
		 "8: checks[0].expect.json.pointer: 'a': not a JSON pointer; begin it with /, as "
		 "in "
		 "/serverInfo/buildVersion"},
		{HTTP("expect: {json: {pointer: /a}}"),
		 "8: checks[0].expect.json.value: missing; give what it must be"},
	};
	OO_AUTO(free_config)
	struct oo_config *config = file_load(
		CHECK("http",
		      "url: https://a/\n    method: POST\n    body: '{}'\n    host: docs\n"
		      "    headers: ['X-A: b', 'X-C: d']\n    follow_redirects: yes\n"
		      "    tls: {verify: no, ca_file: /etc/passwd, server_name: docs.example.com, "
		      "days_left: 14}\n"
		      "    jwt: {secret_file: /etc/shadow, header: X-Jwt}\n"
		      "    expect: {status: '200-299, 301', contains: a, regex: 'b+', "
		      "json: {pointer: /c, value: d}}\n"));
	const struct oo_check_http *http = &only(config)->http;
	CU_ASSERT_STRING_EQUAL(http->method, "POST");
	CU_ASSERT_STRING_EQUAL(http->body, "{}");
	CU_ASSERT_STRING_EQUAL(http->host, "docs");
	CU_ASSERT_EQUAL_FATAL(http->headers.n, 2);
	CU_ASSERT_STRING_EQUAL(http->headers.items[1], "X-C: d");
	CU_ASSERT(http->follow && http->tls.unverified && http->tls.days_left == 14);
	CU_ASSERT_STRING_EQUAL(http->tls.ca_file, "/etc/passwd");
	CU_ASSERT_STRING_EQUAL(http->tls.server_name, "docs.example.com");
	CU_ASSERT_STRING_EQUAL(http->jwt_secret_file, "/etc/shadow");
	CU_ASSERT_STRING_EQUAL(http->jwt_header, "X-Jwt");
	CU_ASSERT_EQUAL(http->expect.n_statuses, 2);
	CU_ASSERT(http->expect.statuses[0].least == 200 && http->expect.statuses[0].most == 299);
	CU_ASSERT(http->expect.statuses[1].least == 301 && http->expect.statuses[1].most == 301);
	CU_ASSERT_STRING_EQUAL(http->expect.contains, "a");
	CU_ASSERT_STRING_EQUAL(http->expect.regex, "b+");
	CU_ASSERT_STRING_EQUAL(http->expect.json_pointer, "/c");
	CU_ASSERT_STRING_EQUAL(http->expect.json_value, "d");
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_a_port_may_be_talked_to(void)
{
	static const struct file_row rows[] = {
		{TCP("send: ''"), "8: checks[0].send: '': 0 bytes long; 1 to 1024 are possible"},
		{TCP("tls: {days_left: 0}"),
		 "8: checks[0].tls.days_left: '0': out of range; 1 to 3650 are possible"},
		{TCP("jwt: {header: A}"),
		 "8: checks[0].jwt: not for a check of type tcp; leave the key out"},
	};
	OO_AUTO(free_config)
	struct oo_config *config =
		file_load(TCP("send: \"PING\\r\\n\"\n    expect: PONG\n    tls: {verify: yes}"));
	const struct oo_check_tcp *tcp = &only(config)->tcp;
	CU_ASSERT_STRING_EQUAL(tcp->send, "PING\r\n");
	CU_ASSERT_STRING_EQUAL(tcp->expect, "PONG");
	CU_ASSERT(tcp->uses_tls && !tcp->tls.unverified);
	file_refuse_all(rows, OO_LENGTH(rows));
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"a type is one of those there are", test_a_type_is_one_of_those_there_are},
		{"what all checks have is read and checked",
		 test_what_all_checks_have_is_read_and_checked},
		{"http is asked in many ways", test_http_is_asked_in_many_ways},
		{"a port may be talked to", test_a_port_may_be_talked_to},
		CU_TEST_INFO_NULL,
	};
	return file_run("config checks", tests);
}
