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

int main(void)
{
	static CU_TestInfo tests[] = {
		{"a type is one of those there are", test_a_type_is_one_of_those_there_are},
		{"what all checks have is read and checked",
		 test_what_all_checks_have_is_read_and_checked},
		CU_TEST_INFO_NULL,
	};
	return file_run("config checks", tests);
}
