/* What each type of check may be told, and what is said when it is told something else. */
#include "base/cleanup.h"
#include "file.h"

#define TYPES                                                                                      \
	"http, tcp, exec, file, disk, process, unit, container, link, gateway, amqp and postgres " \
	"are possible"

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
		{CHECK("icmp", "rise: 1"), "6: checks[0].type: 'icmp': unknown type; " TYPES},
		{CHECK("none", "rise: 1"), "6: checks[0].type: 'none': unknown type; " TYPES},
		{LEAST "checks:\n  - {name: a, tpye: http}\n",
		 "5: checks[0].tpye: unknown key; did you mean 'type'?"},
		{LEAST "checks:\n  - {name: a, url: 'http://a/'}\n",
		 "5: checks[0].type: missing; " TYPES},
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
		{LEAST "checks:\n- {name: a, type: postgres, database: d, password_pointer: /a}\n",
		 "5: checks[0].password_pointer: of no file; give password_file too"},
		{LEAST "checks:\n- {name: a, type: amqp, password_pointer: /a}\n",
		 "5: checks[0].password_pointer: of no file; give password_file too"},
		{TCP("required: maybe"),
		 "8: checks[0].required: 'maybe': neither; yes and no are possible"},
		{TCP("shared: 1"), "8: checks[0].shared: '1': neither; yes and no are possible"},
		{TCP("required: no\n    shared: yes"),
		 "9: checks[0].shared: 'yes': not together with required: no, which moves nobody "
		 "anyhow; leave one of them out"},
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

static void test_checks_of_the_host_have_what_they_need(void)
{
	static const struct file_row rows[] = {
		{CHECK("exec", "command: []"),
		 "7: checks[0].command: a list of 0; 1 to 32 are possible"},
		{CHECK("exec", "command: [sh, -c]"),
		 "7: checks[0].command[0]: 'sh': not an absolute path; begin it with /, no shell "
		 "looks for it"},
		{CHECK("exec", "user: x"),
		 "5: checks[0].command: missing; list the program and its "
		 "words, as in [/usr/lib/x, -v]"},
		{CHECK("file", "path: a"),
		 "7: checks[0].path: not an absolute path; begin it with /"},
		{CHECK("file", "path: /a\n    age: 1ms"),
		 "8: checks[0].age: '1ms': out of range; 1s to 8760h are possible"},
		{CHECK("file", "age: 1s"), "5: checks[0].path: missing; name the file"},
		{CHECK("disk", "path: /a\n    free: 5"),
		 "8: checks[0].free: '5': not a size; write a whole number and KiB, MiB, GiB, TiB "
		 "or %, as in 5GiB or 10%"},
		{CHECK("disk", "path: /a\n    free: 101%"),
		 "8: checks[0].free: '101%': not a size; write a whole number and KiB, MiB, GiB, "
		 "TiB or %, as in 5GiB or 10%"},
		{CHECK("disk", "path: /a\n    free_inodes: 5k"),
		 "8: checks[0].free_inodes: '5k': not a number; write digits, or a per cent, as in "
		 "10000 or 10%"},
		{CHECK("disk", "writable: yes"),
		 "5: checks[0].path: missing; name a directory of the file system"},
		{CHECK("process", "least: 1"),
		 "5: checks[0].process: missing; name the process, or its pid_file"},
		{CHECK("process", "process: docservice-worker"),
		 "7: checks[0].process: 'docservice-worker': 17 bytes long; 1 to 15 are possible"},
		{CHECK("process", "process: a\n    least: 3\n    most: 2"),
		 "9: checks[0].most: '2': less than least; make it at least 3"},
		{CHECK("process", "pid_file: /run/a.pid\n    most: 2"),
		 "8: checks[0].most: '2': a pid file has one process; leave the number out"},
		{CHECK("unit", "unit: nginx"), "7: checks[0].unit: 'nginx': not a unit; write its "
					       "name with the suffix, as in nginx.service"},
		{CHECK("unit", "unit: a b.service"),
		 "7: checks[0].unit: 'a b.service': not a unit; write its name with the suffix, as "
		 "in nginx.service"},
		{CHECK("unit", "restarts: 1"),
		 "5: checks[0].unit: missing; name the unit, as in nginx.service"},
		{CHECK("container", "socket: /run/x"),
		 "5: checks[0].container: missing; name the container"},
		{CHECK("container", "container: a/b"),
		 "7: checks[0].container: 'a/b': not a name; use 1 to 63 of letters, digits, '.', "
		 "'_' and '-', a letter or digit first"},
		{CHECK("link", "speed: 1000"),
		 "5: checks[0].interface: missing; name the interface, as in eth0"},
		{CHECK("link", "interface: eth0\n    speed: 1Gbit"),
		 "8: checks[0].speed: '1Gbit': not a whole number; 1 to 1000000 are possible"},
		{CHECK("gateway", "interface: eth0\n    address: router"),
		 "8: checks[0].address: 'router': not an address; as in 10.0.0.1 or fe80::1, "
		 "without a prefix"},
		{CHECK("gateway", "address: 10.0.0.1"),
		 "5: checks[0].interface: missing; name the interface that it is asked on, as in "
		 "eth0"},
	};
	OO_AUTO(free_config)
	struct oo_config *config = file_load(
		LEAST
		"checks:\n"
		"- {name: a, type: exec, command: [/bin/x, '', -v], user: ds}\n"
		"- {name: b, type: file, path: /a, age: 1h, contains: x}\n"
		"- {name: c, type: disk, path: /}\n"
		"- {name: d, type: disk, path: /, free: 5GiB, free_inodes: 7%, writable: yes}\n"
		"- {name: e, type: process, process: nginx, most: 9}\n"
		"- {name: f, type: link, interface: eth0, speed: 1000}\n"
		"- {name: h, type: unit, unit: 'postgresql@15-main.service', restarts: 2}\n"
		"- {name: i, type: container, container: ds}\n"
		"- {name: g, type: gateway, interface: eth0, address: 'fe80::1'}\n");
	const struct oo_config_check *checks = config->checks;
	CU_ASSERT_EQUAL_FATAL(config->n_checks, 9);
	CU_ASSERT_EQUAL_FATAL(checks[0].spec.exec.command.n, 3);
	CU_ASSERT_STRING_EQUAL(checks[0].spec.exec.command.items[2], "-v");
	CU_ASSERT_STRING_EQUAL(checks[0].spec.exec.user, "ds");
	CU_ASSERT_EQUAL(checks[1].spec.file.age_ms, 3600000);
	CU_ASSERT_EQUAL(checks[2].spec.interval_ms, 10000);
	CU_ASSERT_EQUAL(checks[2].spec.disk.free.percent, 5);
	CU_ASSERT(checks[3].spec.disk.free.least == UINT64_C(5) << 30 &&
		  checks[3].spec.disk.free.percent == 0);
	CU_ASSERT_EQUAL(checks[3].spec.disk.free_inodes.percent, 7);
	CU_ASSERT(checks[3].spec.disk.writable && !checks[2].spec.disk.writable);
	CU_ASSERT(checks[4].spec.process.least == 1 && checks[4].spec.process.most == 9);
	CU_ASSERT_EQUAL(checks[5].spec.link.speed_mbit, 1000);
	CU_ASSERT_STRING_EQUAL(checks[6].spec.unit.unit, "postgresql@15-main.service");
	CU_ASSERT_EQUAL(checks[6].spec.unit.restarts, 2);
	CU_ASSERT_STRING_EQUAL(checks[7].spec.container.socket, "/run/docker.sock");
	CU_ASSERT_STRING_EQUAL(checks[8].spec.gateway.address, "fe80::1");
	file_refuse_all(rows, OO_LENGTH(rows));
}

/* Refused here at once, and again after each interval; silent there until each timeout. */
static int64_t turns_later_by_ms(const struct oo_config_check *check)
{
	int64_t interval_ms = check->spec.interval_ms, timeout_ms = check->spec.timeout_ms;
	int64_t apart_ms = timeout_ms > interval_ms ? timeout_ms : interval_ms;
	int64_t here = (check->fall - 1) * interval_ms;
	int64_t there = interval_ms + (check->fall - 1) * apart_ms + timeout_ms;
	return there - here;
}

static void test_who_notices_last_does_so_in_time(void)
{
	static const struct oo_config_check checks[] = {
		{.spec = {.interval_ms = 2000, .timeout_ms = 2000}, .rise = 2, .fall = 2},
		{.spec = {.interval_ms = 1000, .timeout_ms = 4000}, .rise = 2, .fall = 5},
		{.spec = {.interval_ms = 1000, .timeout_ms = 4000}, .rise = 1, .fall = 1},
		{.spec = {.interval_ms = 5000, .timeout_ms = 1000}, .rise = 9, .fall = 3},
	};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		CU_ASSERT(oo_config_check_notice_ms(&checks[i]) >= turns_later_by_ms(&checks[i]));
	}
	CU_ASSERT_EQUAL(oo_config_check_notice_ms(&checks[0]), 8000);
}

static void test_checks_of_what_is_shared_have_their_defaults(void)
{
	static const struct file_row rows[] = {
		{CHECK("amqp", "consumers: 2"),
		 "7: checks[0].consumers: '2': of no queue; give the queue too"},
		{CHECK("amqp", "publish: 2"),
		 "7: checks[0].publish: '2': neither; yes and no are possible"},
		{CHECK("amqp", "address: broker"),
		 "7: checks[0].address: 'broker': not a host and port; as in 127.0.0.1:5432, "
		 "[::1]:5432 or localhost:5432"},
		{CHECK("amqp", "password_file: /nowhere"),
		 "7: checks[0].password_file: '/nowhere': cannot be read: No such file or "
		 "directory; name a file that the agent's user may read"},
		{CHECK("postgres", "user: u"),
		 "5: checks[0].database: missing; name the database, as in onlyoffice"},
		{CHECK("postgres", "database: d\n    tables: [\"a'b\"]"),
		 "8: checks[0].tables[0]: 'a'b': not a table; write letters, digits and _, perhaps "
		 "the schema and a dot before it"},
		{CHECK("postgres", "database: d\n    read_only: 1"),
		 "8: checks[0].read_only: '1': neither; yes and no are possible"},
		{CHECK("postgres", "database: d\n    queue: q"),
		 "8: checks[0].queue: 'q': not for a check of type postgres; leave the key out"},
	};
	OO_AUTO(free_config)
	struct oo_config *config = file_load(
		LEAST "checks:\n"
		      "- {name: a, type: amqp, queue: ds.converttask6, publish: yes,\n"
		      "   tls: {verify: no}}\n"
		      "- {name: b, type: postgres, database: onlyoffice, tables: [doc_changes]}\n");
	const struct oo_check_amqp *amqp = &config->checks[0].spec.amqp;
	const struct oo_check_postgres *postgres = &config->checks[1].spec.postgres;
	CU_ASSERT_STRING_EQUAL(amqp->address.host, "127.0.0.1");
	CU_ASSERT_EQUAL(amqp->address.port, 5672);
	CU_ASSERT_STRING_EQUAL(amqp->user, "guest");
	CU_ASSERT_STRING_EQUAL(amqp->vhost, "/");
	CU_ASSERT(amqp->consumers == 1 && amqp->uses_tls && amqp->tls.unverified &&
		  amqp->publishes);
	CU_ASSERT_EQUAL(config->checks[0].spec.interval_ms, 10000);
	CU_ASSERT_EQUAL(postgres->address.port, 5432);
	CU_ASSERT_STRING_EQUAL(postgres->user, "onlyoffice");
	CU_ASSERT_PTR_NULL(postgres->password_file);
	CU_ASSERT(postgres->connections == 1 && !postgres->read_only && postgres->tables.n == 1);
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
		{"checks of the host have what they need",
		 test_checks_of_the_host_have_what_they_need},
		{"who notices last does so in time", test_who_notices_last_does_so_in_time},
		{"checks of what is shared have their defaults",
		 test_checks_of_what_is_shared_have_their_defaults},
		CU_TEST_INFO_NULL,
	};
	return file_run("config checks", tests);
}
