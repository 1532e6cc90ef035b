/* How the network is told of a VIP, and what goes with that. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "file.h"

#define OUT_BYTES (1 << 20)
#define HEAD CLUSTER "node: {name: a}\n" ETCD "groups:\n  - name: g\n    vips:\n"
/* One VIP, on line 7. */
#define VIP(keys) HEAD "      - {address: 10.0.0.1, " keys "}\n"
#define PROVIDER(keys) VIP("mode: provider, provider: {run: /p, " keys "}")
#define SETTINGS(keys) PROVIDER("settings: " keys)
#define RUN_IT "provider: {run: /usr/lib/ooha/providers/nsupdate}"

static const struct oo_config_vip *vip_of(struct oo_config *config)
{
	return &config->groups[0].vips[0];
}

static void test_a_vip_is_announced_on_its_interface_unless_it_says_more(void)
{
	struct oo_config *config = file_load(LEAST);
	CU_ASSERT_EQUAL(vip_of(config)->mode, OO_MODE_ARP);
	CU_ASSERT_STRING_EQUAL(vip_of(config)->interface, "eth0");
	oo_config_free(config);
}

static void test_a_route_is_to_lo_in_main(void)
{
	struct oo_config *config = file_load(VIP("mode: route"));
	const struct oo_config_vip *vip = vip_of(config);
	CU_ASSERT_EQUAL(vip->mode, OO_MODE_ROUTE);
	CU_ASSERT_STRING_EQUAL(vip->address, "10.0.0.1/32");
	CU_ASSERT_STRING_EQUAL(vip->interface, "lo");
	CU_ASSERT_EQUAL(vip->table, 254);
	CU_ASSERT_EQUAL(vip->protocol, 79);
	CU_ASSERT_EQUAL(vip->metric, 100);
	oo_config_free(config);
	config = file_load(
		VIP("mode: route, interface: dummy0, table: 1001, protocol: 80, metric: 7"));
	vip = vip_of(config);
	CU_ASSERT_STRING_EQUAL(vip->interface, "dummy0");
	CU_ASSERT_EQUAL(vip->table, 1001);
	CU_ASSERT_EQUAL(vip->protocol, 80);
	CU_ASSERT_EQUAL(vip->metric, 7);
	oo_config_free(config);
	config = file_load(VIP("mode: route, table: main"));
	CU_ASSERT_EQUAL(vip_of(config)->table, OO_CONFIG_TABLE_MAIN);
	oo_config_free(config);
}

static void test_a_providers_vip_needs_no_interface(void)
{
	struct oo_config *config = file_load(VIP("mode: provider, " RUN_IT));
	const struct oo_config_vip *vip = vip_of(config);
	CU_ASSERT_EQUAL(vip->mode, OO_MODE_PROVIDER);
	CU_ASSERT_STRING_EQUAL(vip->interface, "");
	CU_ASSERT_STRING_EQUAL(vip->provider.run, "/usr/lib/ooha/providers/nsupdate");
	CU_ASSERT_EQUAL(vip->provider.timeout_ms, 10000);
	CU_ASSERT_STRING_EQUAL(vip->provider.settings.json, "{}");
	oo_config_free(config);
	config =
		file_load(VIP("mode: provider, interface: eth0, provider: {run: /p, timeout: 3s}"));
	CU_ASSERT_STRING_EQUAL(vip_of(config)->interface, "eth0");
	CU_ASSERT_EQUAL(vip_of(config)->provider.timeout_ms, 3000);
	oo_config_free(config);
}

static void test_settings_are_kept_as_json(void)
{
	static const struct {
		const char *yaml, *json;
	} rows[] = {
		{SETTINGS("{}"), "{}"},
		{SETTINGS("{a: 5s, b: 10.0.0.53, c: 'it''s \"x\"'}"),
		 "{\"a\":\"5s\",\"b\":\"10.0.0.53\",\"c\":\"it's \\\"x\\\"\"}"},
		{SETTINGS("{a: 1, b: -0.5, c: 1e3, d: 1.5E-3, e: true, f: false}"),
		 "{\"a\":1,\"b\":-0.5,\"c\":1e3,\"d\":1.5E-3,\"e\":true,\"f\":false}"},
		/* what JSON has no number for, and what is quoted, is a text */
		{SETTINGS("{a: '1', b: 01, c: 0x1, d: 1., e: +1, f: 1e, g: -x, h: yes, i: "
			  "\"true\"}"),
		 "{\"a\":\"1\",\"b\":\"01\",\"c\":\"0x1\",\"d\":\"1.\",\"e\":\"+1\",\"f\":\"1e\","
		 "\"g\":\"-x\",\"h\":\"yes\",\"i\":\"true\"}"},
		{SETTINGS("{a: [], b: [1, {c: d}], e: {f: {}}}"),
		 "{\"a\":[],\"b\":[1,{\"c\":\"d\"}],\"e\":{\"f\":{}}}"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_config *config = file_load(rows[i].yaml);
		CU_ASSERT_STRING_EQUAL(vip_of(config)->provider.settings.json, rows[i].json);
		oo_config_free(config);
	}
}

static void expect_vips(const char *text, const char *vips)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer out;
	struct oo_config *config = file_load(text);
	oo_buffer_init(&out, OUT_BYTES);
	CU_ASSERT_EQUAL_FATAL(oo_config_write(config, &out), 0);
	const char *begin = strstr(out.data, "\"vips\":");
	CU_ASSERT_PTR_NOT_NULL_FATAL(begin);
	CU_ASSERT_EQUAL(strncmp(begin + 7, vips, strlen(vips)), 0);
	if (strncmp(begin + 7, vips, strlen(vips)) != 0) {
		fprintf(stderr, "\n%s is not %s\n", begin, vips);
	}
	oo_config_free(config);
}

static void test_only_what_the_mode_has_is_written(void)
{
	expect_vips(VIP("interface: eth0"),
		    "[{\"address\":\"10.0.0.1/32\",\"mode\":\"arp\",\"interface\":\"eth0\"}]");
	expect_vips(VIP("mode: route"),
		    "[{\"address\":\"10.0.0.1/32\",\"mode\":\"route\",\"interface\":\"lo\","
		    "\"table\":\"main\",\"protocol\":79,\"metric\":100}]");
	expect_vips(VIP("mode: route, table: 7"),
		    "[{\"address\":\"10.0.0.1/32\",\"mode\":\"route\",\"interface\":\"lo\","
		    "\"table\":7,\"protocol\":79,\"metric\":100}]");
	expect_vips(VIP("mode: provider, provider: {run: /p}"),
		    "[{\"address\":\"10.0.0.1/32\",\"mode\":\"provider\",\"provider\":"
		    "{\"run\":\"/p\",\"timeout\":\"10s\",\"settings\":{}}}]");
}

/* Secrets belong into files; who writes one here all the same must not find it on a screen. */
static void test_settings_that_may_be_secrets_are_not_written(void)
{
	expect_vips(SETTINGS("{server: s, tsig_secret: x, ApiToken: {a: x}, password: x, key: x, "
			     "key_file: /k, in: {credentials: [x]}}"),
		    "[{\"address\":\"10.0.0.1/32\",\"mode\":\"provider\",\"provider\":"
		    "{\"run\":\"/p\",\"timeout\":\"10s\",\"settings\":{\"server\":\"s\","
		    "\"tsig_secret\":\"***\",\"ApiToken\":\"***\",\"password\":\"***\","
		    "\"key\":\"***\",\"key_file\":\"/k\",\"in\":{\"credentials\":\"***\"}}}}]");
}

#define AT "7: groups[0].vips[0]"
#define OF_ROUTE(mode) "of mode route, and this is mode " mode "; leave it out"
#define OF_PROVIDER(mode)                                                                          \
	"of mode provider, and this is mode " mode "; leave it out, or write mode: provider"
#define NOT_A_TABLE "not a table of routes; main, and 1 to 999999999, are possible"
#define SUBNET                                                                                     \
	"a subnet, and mode route has a route to one host; leave the prefix length out, or write "

static void test_what_does_not_go_with_the_mode_is_refused(void)
{
	static const struct file_row rows[] = {
		{VIP("mode: bgp"),
		 AT ".mode: 'bgp': unknown mode; arp, route and provider are possible"},
		{VIP("mode: ARP"),
		 AT ".mode: 'ARP': unknown mode; arp, route and provider are possible"},
		{VIP("mode: arp"), AT ".interface: missing; name the interface that the VIP goes "
				      "on, as in eth0"},
		{VIP("interface: e, table: 7"), AT ".table: '7': " OF_ROUTE("arp")},
		{VIP("interface: e, protocol: 7"), AT ".protocol: '7': " OF_ROUTE("arp")},
		{VIP("interface: e, metric: 7"), AT ".metric: '7': " OF_ROUTE("arp")},
		{VIP("mode: provider, metric: 7, " RUN_IT),
		 AT ".metric: '7': " OF_ROUTE("provider")},
		{VIP("interface: e, " RUN_IT), AT ".provider: " OF_PROVIDER("arp")},
		{VIP("mode: route, " RUN_IT), AT ".provider: " OF_PROVIDER("route")},
		{VIP("mode: provider"),
		 AT ".provider: missing; mode provider runs a program, as in " RUN_IT},
		{HEAD "      - {address: 10.0.0.1/24, mode: route}\n",
		 AT ".address: '10.0.0.1/24': " SUBNET "/32"},
		{HEAD "      - {address: 'fd00::1/64', mode: route}\n",
		 AT ".address: 'fd00::1/64': " SUBNET "/128"},
		{HEAD "      - {address: 10.0.0.1, interface: e}\n"
		      "      - {address: 10.0.0.1/32, mode: route}\n",
		 "8: groups[0].vips[1].address: '10.0.0.1/32': given twice; it is on line 7 "
		 "already"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_routes_are_in_range(void)
{
	static const struct file_row rows[] = {
		{VIP("mode: route, table: 0"), AT ".table: '0': " NOT_A_TABLE},
		{VIP("mode: route, table: default"), AT ".table: 'default': " NOT_A_TABLE},
		{VIP("mode: route, table: -1"), AT ".table: '-1': " NOT_A_TABLE},
		{VIP("mode: route, table: 4294967296"), AT ".table: '4294967296': " NOT_A_TABLE},
		{VIP("mode: route, table: [1]"), AT
		 ".table: a list where a single value is expected; write it without - , [] and {}"},
		{VIP("mode: route, table: 255"),
		 AT ".table: '255': the kernel's own table; use main, or another"},
		{VIP("mode: route, protocol: 4"),
		 AT ".protocol: '4': out of range; 5 to 255 are possible"},
		{VIP("mode: route, protocol: 256"),
		 AT ".protocol: '256': out of range; 5 to 255 are possible"},
		{VIP("mode: route, protocol: bird"),
		 AT ".protocol: 'bird': not a whole number; 5 to 255 are possible"},
		{VIP("mode: route, metric: 0"),
		 AT ".metric: '0': out of range; 1 to 999999999 are possible"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_a_provider_is_a_program_with_settings(void)
{
	static const struct file_row rows[] = {
		{VIP("mode: provider, provider: {}"),
		 AT ".provider.run: missing; name the program, as in "
		    "/usr/lib/ooha/providers/nsupdate"},
		{VIP("mode: provider, provider: /p"),
		 AT ".provider: '/p': a single value where a mapping is expected; known here: run, "
		    "timeout, settings"},
		{VIP("mode: provider, provider: {run: nsupdate}"),
		 AT ".provider.run: not an absolute path; begin it with /"},
		{PROVIDER("timeout: 50ms"),
		 AT ".provider.timeout: '50ms': out of range; 100ms to 10m are possible"},
		{PROVIDER("setings: {}"),
		 AT ".provider.setings: unknown key; did you mean 'settings'?"},
		{SETTINGS("[a]"),
		 AT ".provider.settings: a list where a mapping is expected; write "
		    "{name: value}"},
		{SETTINGS("{a: }"), AT ".provider.settings.a: no value; give one or leave it out"},
		{SETTINGS("{a: [~]}"),
		 AT ".provider.settings.a[0]: no value; give one or leave it out"},
		{SETTINGS("{[a]: b}"), AT ".provider.settings.?: not a plain key; write a name "
					  "before the colon"},
		{SETTINGS("{a: \"\\e\"}"),
		 AT ".provider.settings.a: '?': has a control character; write only text"},
		{SETTINGS("{a: [[[[[[[[1]]]]]]]]}"),
		 AT ".provider.settings.a[0][0][0][0][0][0][0][0]: too deep; at most 8 levels are "
		    "possible"},
		{HEAD "      - address: &x 10.0.0.1\n        mode: provider\n        provider:\n"
		      "          run: /p\n          settings:\n            a: *x\n",
		 "12: groups[0].vips[0].provider.settings.a: an alias, which is not supported; "
		 "write the value out"},
		{HEAD
		 "      - address: 10.0.0.1\n        mode: provider\n        provider:\n"
		 "          run: /p\n          settings:\n            a: 1\n            a: 2\n",
		 "13: groups[0].vips[0].provider.settings.a: given twice; write it once"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_settings_have_a_limit(void)
{
	static char text[OO_CONFIG_SETTINGS + 1000];
	int n = snprintf(text, sizeof(text),
			 VIP("mode: provider, provider: {run: /p, settings: "
			     "{a: %0*d}}"),
			 OO_CONFIG_SETTINGS - 8 + 1, 0);
	CU_ASSERT_FATAL(n > 0 && (size_t)n < sizeof(text));
	file_refuse(text, "ooha.yaml:" AT
			  ".provider.settings: too long; at most 16384 bytes of JSON are possible");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a VIP is announced on its interface unless it says more",
		 test_a_vip_is_announced_on_its_interface_unless_it_says_more},
		{"a route is to lo, in main", test_a_route_is_to_lo_in_main},
		{"a provider's VIP needs no interface", test_a_providers_vip_needs_no_interface},
		{"settings are kept as JSON", test_settings_are_kept_as_json},
		{"only what the mode has is written", test_only_what_the_mode_has_is_written},
		{"settings that may be secrets are not written",
		 test_settings_that_may_be_secrets_are_not_written},
		{"what does not go with the mode is refused",
		 test_what_does_not_go_with_the_mode_is_refused},
		{"routes are in range", test_routes_are_in_range},
		{"a provider is a program with settings",
		 test_a_provider_is_a_program_with_settings},
		{"settings have a limit", test_settings_have_a_limit},
		CU_TEST_INFO_NULL,
	};
	return file_run("config vips", tests);
}
