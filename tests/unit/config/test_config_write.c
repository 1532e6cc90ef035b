#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "file.h"

#define OUT_BYTES (1 << 20)

/* Every kind of value, and every type of check. */
#define ALL                                                                                        \
	"cluster: office\n"                                                                        \
	"node: {name: node-a, zone: az-1, priority: 7}\n"                                          \
	"etcd: {endpoints: [\"http://10.0.1.11:2379\", \"http://10.0.2.11:2379\"]}\n"              \
	"lease: {ttl: 5s, renew: 1500ms}\n"                                                        \
	"failback: {mode: auto, delay: 0s}\n"                                                      \
	"flap: {moves: 0}\n"                                                                       \
	"groups:\n"                                                                                \
	"  - {name: g, vips: [{address: 10.0.0.100/24, interface: eth0}], checks: [a, c]}\n"       \
	"  - {name: h, vips: [{address: 'fd00::1/64', interface: eth0}], checks: []}\n"            \
	"checks:\n"                                                                                \
	"  - {name: a, type: http, url: 'https://127.0.0.1/x', method: POST, body: secret,\n"      \
	"     headers: ['X-Token: secret', 'X-Other: secret'], host: h, follow_redirects: yes,\n"  \
	"     tls: {verify: no, days_left: 14}, interval: 1s, fast_interval: 500ms, grace: 1m,\n"  \
	"     expect: {status: '200-299,301', regex: 'a\"b', json: {pointer: /x, value: ''}},\n"   \
	"     timeouts: {connect: 1s}, rise: 3, required: no}\n"                                   \
	"  - {name: b, type: tcp, address: '[::1]:25', send: secret, expect: 220, tls: {}}\n"      \
	"  - {name: c, type: exec, command: [/bin/true, 'two words']}\n"                           \
	"  - {name: d, type: file, path: /etc/passwd, age: 24h}\n"                                 \
	"  - {name: e, type: disk, path: /, free: 5GiB, free_inodes: 10000, writable: yes}\n"      \
	"  - {name: f, type: process, pid_file: /run/x.pid}\n"                                     \
	"  - {name: g, type: process, process: nginx, most: 3}\n"                                  \
	"  - {name: h, type: unit, unit: nginx.service, shared: yes}\n"                            \
	"  - {name: i, type: container, container: ds}\n"                                          \
	"  - {name: j, type: link, interface: eth0}\n"                                             \
	"  - {name: k, type: gateway, address: 10.0.0.1, interface: eth0}\n"                       \
	"  - {name: l, type: amqp}\n"                                                              \
	"  - {name: m, type: disk, path: /, free: 1025KiB}\n"                                      \
	"documentserver: {url: 'http://127.0.0.1:8000'}\n"                                         \
	"repair: {documentserver: ds.service, proxy: {container: p}, converter: c.service}\n"      \
	"hooks: {promoted: [/etc/h.d], timeout: 30s}\n"                                            \
	"api: {listen: '[::1]:8009'}\n"

/* The configuration of text, as it is written; to be done with by the caller. */
static struct oo_buffer write_of(const char *text)
{
	struct oo_buffer out;
	struct oo_config *config = file_load(text);
	oo_buffer_init(&out, OUT_BYTES);
	CU_ASSERT_EQUAL_FATAL(oo_config_write(config, &out), 0);
	oo_config_free(config);
	return out;
}

static void expect_parts(const char *text, const char *const *parts, size_t n)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer out = write_of(text);
	for (size_t i = 0; i < n; i++) {
		CU_ASSERT_PTR_NOT_NULL(strstr(out.data, parts[i]));
		if (strstr(out.data, parts[i]) == NULL) {
			fprintf(stderr, "\n%s is not in %s\n", parts[i], out.data);
		}
	}
}

static void test_what_is_not_given_has_its_default(void)
{
	static const char *const parts[] = {
		"{\"cluster\":\"office\",",
		"\"node\":{\"name\":\"node-a\",\"zone\":\"\",\"priority\":100",
		"\"lease\":{\"ttl\":\"3s\",\"renew\":\"500ms\",\"margin\":\"150ms\"}",
		"\"failback\":{\"mode\":\"never\",\"delay\":\"1m\",\"stable\":\"30s\"},",
		"\"flap\":{\"moves\":4,\"window\":\"10m\"}",
		"\"checks\":[],",
		"\"timeout\":\"10s\"",
		"\"api\":{\"socket\":\"/run/ooha/ooha.sock\"}",
		"\"runtime_directory\":\"/run/ooha\"",
	};
	world_set_host_name("node-a");
	expect_parts(LEAST, parts, OO_LENGTH(parts));
}

static void test_what_is_not_given_has_no_place(void)
{
	static const char *const parts[] = {"repair", "documentserver", "tls",    "listen",
					    "***",    "username",       "ca_file"};
	OO_AUTO(oo_buffer_done) struct oo_buffer out = write_of(LEAST);
	for (size_t i = 0; i < OO_LENGTH(parts); i++) {
		CU_ASSERT_PTR_NULL(strstr(out.data, parts[i]));
	}
}

/* What is written is a configuration, and is the same one. */
static void expect_same_again(const char *text)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer once = write_of(text);
	OO_AUTO(oo_buffer_done) struct oo_buffer twice = write_of(once.data);
	CU_ASSERT_STRING_EQUAL(once.data, twice.data);
	if (strcmp(once.data, twice.data) != 0) {
		fprintf(stderr, "\nonce  %s\ntwice %s\n", once.data, twice.data);
	}
}

static void test_what_is_written_reads_as_the_same(void)
{
	expect_same_again(LEAST);
	expect_same_again(ALL);
}

static void test_each_value_is_as_it_was_given(void)
{
	static const char *const parts[] = {
		"\"checks\":[\"a\",\"c\"]",
		"\"checks\":[]",
		"\"fast_interval\":\"500ms\"",
		"\"required\":false",
		"\"tls\":{\"verify\":false,\"days_left\":14}",
		"\"status\":\"200-299,301\"",
		"\"regex\":\"a\\\"b\"",
		"\"json\":{\"pointer\":\"/x\",\"value\":\"\"}",
		"\"timeouts\":{\"connect\":\"1s\"}",
		"\"address\":\"[::1]:25\"",
		"\"command\":[\"/bin/true\",\"two words\"]",
		"\"age\":\"24h\"",
		"\"free\":\"5GiB\",\"free_inodes\":\"10000\",\"writable\":true",
		"\"free\":\"1025KiB\",\"free_inodes\":\"5%\"",
		"\"shared\":true",
		"\"proxy\":{\"container\":\"p\"}",
		"\"documentserver\":\"ds.service\"",
		"\"listen\":\"[::1]:8009\"",
		"\"documentserver\":{\"url\":\"http://127.0.0.1:8000\"}",
	};
	expect_parts(ALL, parts, OO_LENGTH(parts));
}

static void test_what_may_be_a_secret_is_not_shown(void)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer out = write_of(ALL);
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "\"headers\":[\"X-Token: ***\",\"X-Other: ***\"]"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "\"body\":\"***\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "\"send\":\"***\""));
	CU_ASSERT_PTR_NULL(strstr(out.data, "secret\""));
}

static void test_a_buffer_that_is_full_is_said(void)
{
	struct oo_config *config = file_load(ALL);
	OO_AUTO(oo_buffer_done) struct oo_buffer whole = write_of(ALL);
	for (size_t limit = 1; limit < whole.length; limit += 97) {
		OO_AUTO(oo_buffer_done) struct oo_buffer out;
		oo_buffer_init(&out, limit);
		CU_ASSERT(oo_config_write(config, &out) < 0);
	}
	oo_config_free(config);
}

static void test_some_keys_take_a_restart(void)
{
	static const char *const fixed[] = {"cluster", "node.name", "runtime_directory"};
	static const char *const others[] = {
		"checks[proxy].interval",
		"node.zone",
		"groups[office].vips[10.0.0.1/24].interface",
		"lease.ttl",
		"etcd.endpoints[1]",
		"api.tls.cert_file",
		"hooks.timeout",
		"node",
		"groups",
		"nonsense.cluster",
		"",
		"documentserver.url",
	};
	for (size_t i = 0; i < OO_LENGTH(fixed); i++) {
		CU_ASSERT_TRUE(oo_config_is_fixed(fixed[i]));
	}
	for (size_t i = 0; i < OO_LENGTH(others); i++) {
		CU_ASSERT_FALSE(oo_config_is_fixed(others[i]));
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"what is not given has its default", test_what_is_not_given_has_its_default},
		{"what is not given has no place", test_what_is_not_given_has_no_place},
		{"what is written reads as the same", test_what_is_written_reads_as_the_same},
		{"each value is as it was given", test_each_value_is_as_it_was_given},
		{"what may be a secret is not shown", test_what_may_be_a_secret_is_not_shown},
		{"a buffer that is full is said", test_a_buffer_that_is_full_is_said},
		{"some keys take a restart", test_some_keys_take_a_restart},
		CU_TEST_INFO_NULL,
	};
	return file_run("the configuration, written", tests);
}
