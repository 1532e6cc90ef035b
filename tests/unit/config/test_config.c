#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "file.h"

/* The first of the checks that count for a group: bit i, check i. */
static unsigned first_checks(const struct oo_config *config, unsigned group)
{
	unsigned bits = 0;
	for (unsigned i = 0; i < 32; i++) {
		bits |= config->groups[group].checks[i] ? 1u << i : 0;
	}
	return bits;
}

static void free_config(struct oo_config **config)
{
	oo_config_free(*config);
}

static void assert_example_cluster(const struct oo_config *config)
{
	CU_ASSERT_STRING_EQUAL(config->cluster, "office");
	CU_ASSERT_STRING_EQUAL(config->node.name, "node-a");
	CU_ASSERT_STRING_EQUAL(config->node.zone, "az-1");
	CU_ASSERT_EQUAL(config->node.priority, 100);
	CU_ASSERT_EQUAL_FATAL(config->etcd.endpoints.n, 3);
	CU_ASSERT_STRING_EQUAL(config->etcd.endpoints.items[0], "http://10.0.1.11:2379");
	CU_ASSERT_STRING_EQUAL(config->etcd.endpoints.items[1], "http://10.0.2.11:2379");
	CU_ASSERT_STRING_EQUAL(config->etcd.endpoints.items[2], "http://10.0.3.11:2379");
	CU_ASSERT_PTR_NULL(config->etcd.username);
	CU_ASSERT_PTR_NULL(config->etcd.password_file);
	CU_ASSERT_PTR_NULL(config->etcd.ca_file);
	CU_ASSERT_PTR_NULL(config->etcd.cert_file);
	CU_ASSERT_PTR_NULL(config->etcd.key_file);
	CU_ASSERT_PTR_NULL(config->api.tls.cert_file);
	CU_ASSERT_EQUAL(config->lease.ttl_ms, 3000);
	CU_ASSERT_EQUAL(config->lease.renew_ms, 500);
	CU_ASSERT_EQUAL(config->lease.margin_ms, 150);
	CU_ASSERT_EQUAL(config->lease.request_timeout_ms, 400);
	CU_ASSERT_EQUAL_FATAL(config->n_groups, 1);
	CU_ASSERT_STRING_EQUAL(config->groups[0].name, "office");
	CU_ASSERT_EQUAL_FATAL(config->groups[0].n_vips, 1);
	CU_ASSERT_STRING_EQUAL(config->groups[0].vips[0].address, "10.0.0.100/24");
	CU_ASSERT_STRING_EQUAL(config->groups[0].vips[0].interface, "eth0");
	CU_ASSERT_EQUAL(first_checks(config, 0), 3);
}

static void assert_example_checks(const struct oo_config *config)
{
	CU_ASSERT_EQUAL_FATAL(config->n_checks, 2);
	const struct oo_config_check *proxy = &config->checks[0];
	CU_ASSERT_STRING_EQUAL(proxy->spec.name, "proxy");
	CU_ASSERT_EQUAL(proxy->spec.type, OO_CHECK_TYPE_HTTP);
	CU_ASSERT_STRING_EQUAL(proxy->spec.http.url, "http://127.0.0.1/healthcheck");
	CU_ASSERT_EQUAL(proxy->spec.http.expect.statuses[0].most, 200);
	CU_ASSERT_STRING_EQUAL(proxy->spec.http.expect.body, "true");
	CU_ASSERT_EQUAL(proxy->spec.interval_ms, 2000);
	CU_ASSERT_EQUAL(proxy->spec.timeout_ms, 4000);
	CU_ASSERT_EQUAL(proxy->rise, 2);
	CU_ASSERT_EQUAL(proxy->fall, 2);
	const struct oo_config_check *docservice = &config->checks[1];
	CU_ASSERT_STRING_EQUAL(docservice->spec.name, "docservice");
	CU_ASSERT_EQUAL(docservice->spec.type, OO_CHECK_TYPE_HTTP);
	CU_ASSERT_STRING_EQUAL(docservice->spec.http.url, "http://127.0.0.1:8000/index.html");
	CU_ASSERT_EQUAL(docservice->spec.http.expect.statuses[0].least, 200);
	CU_ASSERT_PTR_NULL(docservice->spec.http.expect.body);
	CU_ASSERT_EQUAL(docservice->spec.interval_ms, 1000);
	CU_ASSERT_EQUAL(docservice->spec.timeout_ms, 1000);
	CU_ASSERT_EQUAL(docservice->rise, 2);
	CU_ASSERT_EQUAL(docservice->fall, 2);
}

static void assert_example_host(const struct oo_config *config)
{
	CU_ASSERT_EQUAL(config->hooks.notify.n, 1);
	CU_ASSERT_EQUAL_FATAL(config->hooks.promoted.n, 1);
	CU_ASSERT_STRING_EQUAL(config->hooks.promoted.items[0], "/etc/ooha/hooks/promoted.d");
	CU_ASSERT_EQUAL_FATAL(config->hooks.demoted.n, 1);
	CU_ASSERT_STRING_EQUAL(config->hooks.demoted.items[0], "/etc/ooha/hooks/demoted.d");
	CU_ASSERT_EQUAL(config->hooks.timeout_ms, 10000);
	CU_ASSERT_STRING_EQUAL(config->api.socket, "/run/ooha/ooha.sock");
	CU_ASSERT_STRING_EQUAL(config->api.listen.host, "127.0.0.1");
	CU_ASSERT_EQUAL(config->api.listen.port, 8009);
	CU_ASSERT_STRING_EQUAL(config->runtime_directory, "/run/ooha");
}

static void test_the_example_is_read_as_it_is_meant(void)
{
	struct oo_err err = {""};
	OO_AUTO(free_config) struct oo_config *config = NULL;

	CU_ASSERT_EQUAL_FATAL(oo_config_load(EXAMPLE, &config, &err), 0);
	assert_example_cluster(config);
	assert_example_checks(config);
	assert_example_host(config);
}

static void test_each_event_has_its_own_hooks(void)
{
	OO_AUTO(free_config)
	struct oo_config *config = file_load(
		LEAST "hooks: {pre_promote: [/1], promoted: [/2], pre_demote: [/3], demoted: [/4], "
		      "eligible: [/5], ineligible: [/6], degraded: [/7], notify: [/8, /9]}\n");
	const struct oo_config_texts *lists[] = {
		&config->hooks.pre_promote, &config->hooks.promoted, &config->hooks.pre_demote,
		&config->hooks.demoted,     &config->hooks.eligible, &config->hooks.ineligible,
		&config->hooks.degraded,    &config->hooks.notify,
	};
	for (size_t i = 0; i < OO_LENGTH(lists); i++) {
		CU_ASSERT_EQUAL_FATAL(lists[i]->n, i == 7 ? 2 : 1);
		CU_ASSERT_EQUAL(lists[i]->items[0][1], (char)('1' + i));
	}
}

static void test_what_is_left_out_has_its_default(void)
{
	world_set_host_name("host-7.example");
	OO_AUTO(free_config) struct oo_config *config = file_load(LEAST);
	world_set_host_name(NULL);

	CU_ASSERT_STRING_EQUAL(config->node.name, "host-7.example");
	CU_ASSERT_STRING_EQUAL(config->node.zone, "");
	CU_ASSERT_EQUAL(config->node.priority, 100);
	CU_ASSERT_EQUAL(config->lease.ttl_ms, 3000);
	CU_ASSERT_EQUAL(config->lease.renew_ms, 500);
	CU_ASSERT_EQUAL(config->lease.margin_ms, 150);
	CU_ASSERT_EQUAL(config->lease.request_timeout_ms, 400);
	CU_ASSERT_EQUAL(config->n_checks, 0);
	CU_ASSERT_EQUAL(first_checks(config, 0), 0);
	CU_ASSERT_EQUAL(config->hooks.promoted.n, 0);
	CU_ASSERT_EQUAL(config->hooks.demoted.n, 0);
	CU_ASSERT_EQUAL(config->hooks.timeout_ms, 10000);
	CU_ASSERT_EQUAL(config->hooks.blocking_timeout_ms, 2000);
	CU_ASSERT_STRING_EQUAL(config->api.socket, "/run/ooha/ooha.sock");
	CU_ASSERT_PTR_NULL(config->api.listen.host);
	CU_ASSERT_EQUAL(config->api.listen.port, 0);
	CU_ASSERT_STRING_EQUAL(config->runtime_directory, "/run/ooha");
}

static void test_a_check_has_its_defaults_and_its_type_s_members(void)
{
	OO_AUTO(free_config)
	struct oo_config *config = file_load(
		LEAST "checks:\n"
		      "  - {name: a, type: http, url: 'https://[::1]:8443?x=1', interval: 1.5s}\n"
		      "  - {name: b, type: tcp, address: 'localhost:5432', timeout: 10ms}\n"
		      "  - {name: c, type: tcp, address: '[::1]:1', rise: 100, fall: 1, "
		      "required: no}\n"
		      "  - {name: d, type: tcp, address: '[::1]:1', shared: yes}\n");
	const struct oo_config_check *checks = config->checks;

	CU_ASSERT_EQUAL_FATAL(config->n_checks, 4);
	CU_ASSERT_FALSE(checks[2].shared);
	CU_ASSERT_TRUE(checks[3].shared);
	CU_ASSERT_STRING_EQUAL(checks[0].spec.http.url, "https://[::1]:8443?x=1");
	CU_ASSERT_EQUAL(checks[0].spec.http.expect.n_statuses, 1);
	CU_ASSERT_EQUAL(checks[0].spec.interval_ms, 1500);
	CU_ASSERT_EQUAL(checks[0].spec.timeout_ms, 1500);
	CU_ASSERT_EQUAL(checks[1].spec.type, OO_CHECK_TYPE_TCP);
	CU_ASSERT_STRING_EQUAL(checks[1].spec.tcp.address.host, "localhost");
	CU_ASSERT_EQUAL(checks[1].spec.tcp.address.port, 5432);
	CU_ASSERT_EQUAL(checks[1].spec.interval_ms, 2000);
	CU_ASSERT_EQUAL(checks[1].spec.timeout_ms, 10);
	CU_ASSERT_STRING_EQUAL(checks[2].spec.tcp.address.host, "::1");
	CU_ASSERT_EQUAL(checks[2].rise, 100);
	CU_ASSERT_FALSE(checks[1].optional);
	CU_ASSERT_TRUE(checks[2].optional);
	CU_ASSERT_EQUAL(checks[2].fall, 1);
	CU_ASSERT_EQUAL(first_checks(config, 0), 15);
}

static void test_a_group_has_the_checks_that_it_names(void)
{
	OO_AUTO(free_config)
	struct oo_config *config = file_load(
		CLUSTER ETCD "groups:\n"
			     "  - {name: a, vips: [{address: 10.0.0.1, interface: eth0}]}\n"
			     "  - name: b\n"
			     "    checks: [z, x]\n"
			     "    vips: [{address: '2001:DB8:0::1/64', interface: br-lan.7}]\n"
			     "  - name: c\n"
			     "    checks: []\n"
			     "    vips: [{address: 'fd00::1', interface: eth0}]\n"
			     "checks:\n"
			     "  - {name: x, type: tcp, address: 127.0.0.1:1}\n"
			     "  - {name: y, type: tcp, address: 127.0.0.1:2}\n"
			     "  - {name: z, type: tcp, address: 127.0.0.1:3}\n");

	CU_ASSERT_EQUAL_FATAL(config->n_groups, 3);
	CU_ASSERT_EQUAL(first_checks(config, 0), 7);
	CU_ASSERT_EQUAL(first_checks(config, 1), 5);
	CU_ASSERT_EQUAL(first_checks(config, 2), 0);
	CU_ASSERT_STRING_EQUAL(config->groups[0].vips[0].address, "10.0.0.1/32");
	CU_ASSERT_STRING_EQUAL(config->groups[1].vips[0].address, "2001:db8::1/64");
	CU_ASSERT_STRING_EQUAL(config->groups[2].vips[0].address, "fd00::1/128");
}

static void test_files_for_etcd_are_taken_when_they_can_be_read(void)
{
	char directory[256], text[2048];

	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(directory, sizeof(directory)));
	file_write("password", "x", 1, 0640);
	file_write("ca", "x", 1, 0644);
	file_write("cert", "x", 1, 0644);
	file_write("key", "x", 1, 0600);
	snprintf(text, sizeof(text),
		 CLUSTER GROUP "etcd:\n"
			       "  endpoints: ['https://etcd-1.example:2379']\n"
			       "  username: ooha\n"
			       "  password_file: %s/password\n"
			       "  ca_file: %s/ca\n"
			       "  cert_file: %s/cert\n"
			       "  key_file: %s/key\n"
			       "api:\n"
			       "  listen: 127.0.0.1:8009\n"
			       "  tls: {cert_file: %s/cert, key_file: %s/key}\n",
		 directory, directory, directory, directory, directory, directory);
	OO_AUTO(free_config) struct oo_config *config = file_load(text);
	CU_ASSERT_STRING_EQUAL(config->etcd.username, "ooha");
	CU_ASSERT_STRING_EQUAL(strrchr(config->etcd.password_file, '/'), "/password");
	CU_ASSERT_STRING_EQUAL(strrchr(config->etcd.ca_file, '/'), "/ca");
	CU_ASSERT_STRING_EQUAL(strrchr(config->etcd.cert_file, '/'), "/cert");
	CU_ASSERT_STRING_EQUAL(strrchr(config->etcd.key_file, '/'), "/key");
	CU_ASSERT_STRING_EQUAL(strrchr(config->api.tls.cert_file, '/'), "/cert");
	CU_ASSERT_STRING_EQUAL(strrchr(config->api.tls.key_file, '/'), "/key");
}

static void test_every_style_of_yaml_is_read_the_same(void)
{
	static const char *const texts[] = {
		"\xef\xbb\xbf%YAML 1.2\n---\n" LEAST "lease: {ttl: 4s}\n...\n",
		"{cluster: office, etcd: {endpoints: [http://10.0.1.11:2379]}, \"lease\":\n"
		"{'ttl': \"4s\"}, groups: [{name: g, vips: [\n"
		"{address: 10.0.0.100/24, interface: eth0}]}]}",
		"cluster: &c office\r\n" ETCD "lease:\r\n  ttl: !!str >-\r\n    4s\r\n" GROUP,
		LEAST "lease:\n  \"ttl\":\n\n\n   # here\n   \"\\x34s\"\n",
	};

	for (size_t i = 0; i < OO_LENGTH(texts); i++) {
		OO_AUTO(free_config) struct oo_config *config = file_load(texts[i]);
		CU_ASSERT_STRING_EQUAL(config->cluster, "office");
		CU_ASSERT_EQUAL(config->lease.ttl_ms, 4000);
		CU_ASSERT_STRING_EQUAL(config->groups[0].vips[0].interface, "eth0");
	}
}

/* Appends with snprintf's rules. */
#define ADD(text, ...) snprintf((text) + strlen(text), sizeof(text) - strlen(text), __VA_ARGS__)

static void test_the_largest_configuration_is_taken(void)
{
	static char text[1 << 20];

	strcpy(text, CLUSTER ETCD "groups:\n");
	for (unsigned group = 0; group < OO_CONFIG_GROUPS; group++) {
		ADD(text, "- name: g%u\n  vips:\n", group);
		for (unsigned vip = 0; vip < 500; vip++) {
			ADD(text, "  - {address: 10.%u.%u.%u, interface: e}\n", group, vip / 250,
			    vip % 250 + 1);
		}
	}
	ADD(text, "checks:\n");
	for (unsigned check = 0; check < OO_CONFIG_CHECKS; check++) {
		ADD(text, "- {name: c%u, type: tcp, address: '127.0.0.1:1'}\n", check);
	}
	OO_AUTO(free_config) struct oo_config *config = file_load(text);
	CU_ASSERT_EQUAL(config->n_groups, OO_CONFIG_GROUPS);
	CU_ASSERT_EQUAL(config->groups[15].n_vips, 500);
	CU_ASSERT_STRING_EQUAL(config->groups[15].vips[499].address, "10.15.1.250/32");
	CU_ASSERT_EQUAL(config->n_checks, OO_CONFIG_CHECKS);
	for (unsigned check = 0; check < OO_CONFIG_CHECKS; check++) {
		CU_ASSERT_TRUE(config->groups[15].checks[check]);
	}
}

static void test_freeing_nothing_does_nothing(void)
{
	oo_config_free(NULL);
	CU_PASS("returned");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"the example is read as it is meant", test_the_example_is_read_as_it_is_meant},
		{"each event has its own hooks", test_each_event_has_its_own_hooks},
		{"what is left out has its default", test_what_is_left_out_has_its_default},
		{"a check has its defaults and its type's members",
		 test_a_check_has_its_defaults_and_its_type_s_members},
		{"a group has the checks that it names", test_a_group_has_the_checks_that_it_names},
		{"files for etcd are taken when they can be read",
		 test_files_for_etcd_are_taken_when_they_can_be_read},
		{"every style of YAML is read the same", test_every_style_of_yaml_is_read_the_same},
		{"the largest configuration is taken", test_the_largest_configuration_is_taken},
		{"freeing nothing does nothing", test_freeing_nothing_does_nothing},
		CU_TEST_INFO_NULL,
	};
	return file_run("config", tests);
}
