#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "file.h"

#define MAPPING_KEYS                                                                               \
	"known here: cluster, node, etcd, lease, failback, flap, groups, checks, documentserver, " \
	"repair, hooks, "                                                                          \
	"api, runtime_directory"
#define NOT_A_NAME                                                                                 \
	"not a name; use 1 to 63 of letters, digits, '.', '_' and '-', a letter or digit first"
#define LETTERS_64 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"
#define NOT_A_LIST                                                                                 \
	"a single value where a list is expected; write [one, other], or a line \"- one\" for "    \
	"each"
#define NOT_A_DURATION "not a duration; write a number and ms, s, m or h, as in 500ms or 1.5s"
#define NO_INTERFACE "not an interface; 1 to 15 characters without space, '/' and ':', as in eth0"

static void test_keys_are_known_and_given_once(void)
{
	static const struct file_row rows[] = {
		{LEAST "nod: {}\n", "4: nod: unknown key; did you mean 'node'?"},
		{LEAST "Lease: {}\n", "4: Lease: unknown key; did you mean 'lease'?"},
		{LEAST "runtime-directory: /x\n",
		 "4: runtime-directory: unknown key; did you mean 'runtime_directory'?"},
		{LEAST "xyzzy: 1\n", "4: xyzzy: unknown key; " MAPPING_KEYS},
		{LEAST "<<: {}\n", "4: <<: unknown key; " MAPPING_KEYS},
		{LEAST "lease: {tll: 3s}\n", "4: lease.tll: unknown key; did you mean 'ttl'?"},
		{LEAST "lease: {tlt: 3s}\n",
		 "4: lease.tlt: unknown key; known here: ttl, renew, margin"},
		{LEAST "lease:\n  request_timeout: 3s\n",
		 "5: lease.request_timeout: unknown key; known here: ttl, renew, margin"},
		{LEAST "lease:\n  ttl: 3s\n\n  renew: 1s\n  ttl: 4s\n",
		 "8: lease.ttl: given twice; it is on line 5 already"},
		{CLUSTER LEAST, "2: cluster: given twice; it is on line 1 already"},
		{CLUSTER GROUP "etcd:\n  endpoints: ['http://a:1']\n  password: hunter2\n",
		 "5: etcd.password: unknown key; did you mean 'password_file'?"},
		{LEAST "? [a]\n: 1\n", "5: ?: not a plain key; " MAPPING_KEYS},
		{LEAST "? \n: 1\n", "5: ?: not a plain key; " MAPPING_KEYS},
		{"cluster: &cluster office\n" ETCD GROUP "*cluster : x\n",
		 "4: ?: not a plain key; " MAPPING_KEYS},
		{LEAST "\"a\\0\\e\\nb\": 1\n", "4: a: unknown key; " MAPPING_KEYS},
		{LEAST "\"clu\\nster\": 1\n",
		 "4: clu\\nster: unknown key; did you mean 'cluster'?"},
		{LEAST LETTERS_64 LETTERS_64 ": 1\n",
		 "4: " LETTERS_64 "abcdefghij...: unknown key; " MAPPING_KEYS},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_what_is_required_is_missed_at_its_mapping(void)
{
	static const struct file_row rows[] = {
		{ETCD GROUP, "1: cluster: missing; name the cluster, the same on all nodes"},
		{"# c\n\n" CLUSTER GROUP, "3: etcd: missing; give at least its endpoints"},
		{CLUSTER ETCD, "1: groups: missing; give at least one group with its vips"},
		{CLUSTER "etcd:\n  username: x\n" GROUP,
		 "2: etcd.endpoints: missing; list etcd's members, as in [http://10.0.1.11:2379]"},
		{CLUSTER "etcd: {}\n" GROUP,
		 "2: etcd.endpoints: missing; list etcd's members, as in [http://10.0.1.11:2379]"},
		{CLUSTER ETCD "groups:\n\n  - vips: [{address: 10.0.0.1, interface: e}]\n",
		 "5: groups[0].name: missing; name the group, the same on all nodes"},
		{CLUSTER ETCD "groups:\n  - checks: []\n    name: g\n",
		 "4: groups[0].vips: missing; list the group's addresses"},
		{CLUSTER ETCD "groups:\n- name: g\n  vips:\n  - interface: eth0\n",
		 "6: groups[0].vips[0].address: missing; give the VIP, as in 10.0.0.100/24"},
		{CLUSTER ETCD "groups:\n- name: g\n  vips:\n  - address: 10.0.0.1\n",
		 "6: groups[0].vips[0].interface: missing; name the interface that the VIP goes "
		 "on, as "
		 "in eth0"},
		{LEAST "checks:\n  - type: tcp\n    address: a:1\n",
		 "5: checks[0].name: missing; name the check"},
		{LEAST "checks:\n  - name: a\n",
		 "5: checks[0].type: missing; http, tcp, exec, file, disk, process, unit, "
		 "container, link, gateway, amqp and postgres are possible"},
		{LEAST "checks:\n  - name: a\n    type: http\n",
		 "5: checks[0].url: missing; give the URL to ask, as in "
		 "http://127.0.0.1/healthcheck"},
		{LEAST "checks:\n  - name: a\n    type: tcp\n",
		 "5: checks[0].address: missing; give host and port to connect to, as in "
		 "127.0.0.1:5432"},
		{LEAST "lease:\n", "4: lease: no value; give one or leave it out"},
		{LEAST "node: {name: }\n", "4: node.name: no value; give one or leave it out"},
		{LEAST "node:\n  name: ~\n", "5: node.name: no value; give one or leave it out"},
		{LEAST "node:\n  zone: null\n", "5: node.zone: no value; give one or leave it out"},
		{LEAST "checks:\n  -\n", "4: checks[0]: no value; give one or leave it out"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_shapes_are_told_apart(void)
{
	static const struct file_row rows[] = {
		{"x\n", "1: 'x': a single value where a mapping is expected; " MAPPING_KEYS},
		{"\n- x\n", "2: a list where a mapping is expected; " MAPPING_KEYS},
		{LEAST "lease: 3s\n", "4: lease: '3s': a single value where a mapping is expected; "
				      "known here: ttl, renew, "
				      "margin"},
		{LEAST "lease:\n  - ttl: 3s\n",
		 "4: lease: a list where a mapping is expected; known here: ttl, renew, margin"},
		{CLUSTER GROUP "etcd:\n  endpoints: http://a:1\n",
		 "4: etcd.endpoints: 'http://a:1': " NOT_A_LIST},
		{CLUSTER ETCD "groups:\n  name: g\n",
		 "3: groups: a mapping where a list is expected; write [one, other], or a line \"- "
		 "one\" "
		 "for each"},
		{"cluster: [a]\n" ETCD GROUP, "1: cluster: a list where a single value is "
					      "expected; write it without - , [] and {}"},
		{"cluster:\n  a: b\n" ETCD GROUP, "1: cluster: a mapping where a single value is "
						  "expected; write it without - , [] and "
						  "{}"},
		{LEAST "checks: [a]\n",
		 "4: checks[0]: 'a': a single value where a mapping is expected; known here: name, "
		 "type, interval, fast_interval, timeout, grace, rise, fall, required, shared"},
		{LEAST "hooks: {promoted: [[a]]}\n", "4: hooks.promoted[0]: a list where a single "
						     "value is expected; write it without - , "
						     "[] and {}"},
		{CLUSTER ETCD "groups: []\n", "3: groups: a list of 0; 1 to 16 are possible"},
		{CLUSTER GROUP "etcd: {endpoints: []}\n",
		 "3: etcd.endpoints: a list of 0; 1 to 16 are possible"},
		{CLUSTER GROUP "etcd: {endpoints: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]}\n",
		 "3: etcd.endpoints: a list of 17; 1 to 16 are possible"},
		{"cluster: &a office\n" ETCD GROUP "node: {name: *a}\n",
		 "4: node.name: an alias, which is not supported; write the value out"},
		{LEAST "node: {name: *nobody}\n",
		 "4: node.name: an alias, which is not supported; write the value out"},
		{CLUSTER ETCD "groups: &g\n  - *g\n",
		 "4: groups[0]: an alias, which is not supported; write the value out"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_sections_fit_each_other(void)
{
	static const struct file_row rows[] = {
		{CLUSTER ETCD "groups:\n"
			      "- {name: a, vips: [{address: 10.0.0.1, interface: e}]}\n"
			      "- {name: b, vips: [{address: 10.0.0.2, interface: e}]}\n"
			      "- {name: a, vips: [{address: 10.0.0.3, interface: e}]}\n",
		 "6: groups[2].name: 'a': given twice; it is on line 4 already"},
		{CLUSTER ETCD "groups:\n"
			      "- {name: a, vips: [{address: 10.0.0.1/24, interface: e}]}\n"
			      "- name: b\n"
			      "  vips:\n"
			      "  - {address: 10.0.0.2, interface: e}\n"
			      "  - {address: 10.0.0.1/32, interface: f}\n",
		 "8: groups[1].vips[1].address: '10.0.0.1/32': given twice; it is on line 4 "
		 "already"},
		{CLUSTER ETCD "groups:\n- name: a\n  vips:\n"
			      "  - {address: 'FD00::1/64', interface: e}\n"
			      "  - {address: 'fd00:0::0:1', interface: e}\n",
		 "7: groups[0].vips[1].address: 'fd00:0::0:1': given twice; it is on line 6 "
		 "already"},
		{LEAST "checks:\n- {name: c, type: tcp, address: 'a:1'}\n"
		       "- {name: c, type: tcp, address: 'a:2'}\n",
		 "6: checks[1].name: 'c': given twice; it is on line 5 already"},
		{CLUSTER ETCD "groups:\n- name: a\n  checks: [c, d, e]\n"
			      "  vips: [{address: 10.0.0.1, interface: e}]\n"
			      "checks:\n- {name: c, type: tcp, address: 'a:1'}\n"
			      "- {name: e, type: tcp, address: 'a:2'}\n",
		 "5: groups[0].checks[1]: 'd': no such check; there are: c, e"},
		{CLUSTER ETCD "groups:\n- name: a\n  checks: [c]\n"
			      "  vips: [{address: 10.0.0.1, interface: e}]\n",
		 "5: groups[0].checks[0]: 'c': no such check; there are: none"},
		{CLUSTER ETCD "groups:\n- name: a\n  checks: [c, c]\n"
			      "  vips: [{address: 10.0.0.1, interface: e}]\n"
			      "checks: [{name: c, type: tcp, address: 'a:1'}]\n",
		 "5: groups[0].checks[1]: 'c': given twice; it is on line 5 already"},
		{CLUSTER ETCD "groups: [{name: a, vips: [{address: 10.0.0.1, interface: a/b}]}]\n",
		 "3: groups[0].vips[0].interface: 'a/b': " NO_INTERFACE},
		{CLUSTER ETCD "groups: [{name: a, vips: [{address: 10.0.0.1, interface: "
			      "abcdefghijklmnop}]}]\n",
		 "3: groups[0].vips[0].interface: 'abcdefghijklmnop': " NO_INTERFACE},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_lines_are_right_in_every_style(void)
{
	static const struct file_row rows[] = {
		{"{cluster: office,\n etcd: {endpoints: ['http://a:1']}, lease: {\n\n ttl: "
		 "3},\n" GROUP "}",
		 "4: lease.ttl: '3': a duration needs a unit: 3s or 3000ms"},
		{"cluster: office\r\n\r\nlease:\r\n  ttl: 3\r\n" ETCD GROUP,
		 "4: lease.ttl: '3': a duration needs a unit: 3s or 3000ms"},
		{LEAST "lease: &l\n  ttl: &t\n    !!str\n    3\n",
		 "7: lease.ttl: '3': a duration needs a unit: 3s or 3000ms"},
		{LEAST "lease:\n  ttl: |\n    3\n    s\n  renew: 1s\n",
		 "6: lease.ttl: '3\\ns\\n': " NOT_A_DURATION},
		{LEAST "lease:\n  renew: \"1\n\n   s\"\n  ttl: 3s\n",
		 "5: lease.renew: '1\\ns': " NOT_A_DURATION},
		{LEAST "hooks:\t{timeout:\t3}\t# x\n",
		 "4: hooks.timeout: '3': a duration needs a unit: 3s or 3000ms"},
		{"# one\n# two\n---\n# four\n" LEAST "lease: {ttl: 3}\n",
		 "8: lease.ttl: '3': a duration needs a unit: 3s or 3000ms"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

struct collected {
	char text[8192];
	size_t n;
};

static void collect(const char *text, void *user)
{
	struct collected *all = user;
	size_t length = strlen(all->text);

	snprintf(all->text + length, sizeof(all->text) - length, "%s\n", text);
	all->n++;
}

static void test_a_check_shows_all_problems_in_the_file_s_order(void)
{
	static const char text[] = "groups: []\n" ETCD "cluster: a b\n"
				   "lease: {ttl: 3, tll: 3}\nnode: 1\n";
	struct collected all = {"", 0};

	file_write(FILE_NAME, text, strlen(text), 0600);
	CU_ASSERT_EQUAL(oo_config_check(FILE_NAME, collect, &all), -EINVAL);
	CU_ASSERT_STRING_EQUAL(
		all.text,
		FILE_NAME ":1: groups: a list of 0; 1 to 16 are possible\n" FILE_NAME
			  ":3: cluster: 'a b': " NOT_A_NAME "\n" FILE_NAME
			  ":4: lease.tll: unknown key; did you mean 'ttl'?\n" FILE_NAME
			  ":4: lease.ttl: '3': a duration needs a unit: 3s or 3000ms\n" FILE_NAME
			  ":5: node: '1': a single value where a mapping is expected; known here: "
			  "name, zone, priority\n");
}

static void test_a_check_shows_no_more_than_its_limit(void)
{
	char text[1024] = LEAST;
	struct collected all = {"", 0};

	for (int i = 0; i < OO_CONFIG_PROBLEMS + 5; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "x%d: 1\n", i);
	}
	file_write(FILE_NAME, text, strlen(text), 0600);
	CU_ASSERT_EQUAL(oo_config_check(FILE_NAME, collect, &all), -EINVAL);
	CU_ASSERT_EQUAL(all.n, OO_CONFIG_PROBLEMS);
}

static void test_a_check_of_a_right_file_is_silent(void)
{
	struct collected all = {"", 0};

	CU_ASSERT_EQUAL(oo_config_check(EXAMPLE, collect, &all), 0);
	CU_ASSERT_EQUAL(all.n, 0);
	CU_ASSERT_EQUAL(oo_config_check("missing.yaml", collect, &all), -ENOENT);
	CU_ASSERT_STRING_EQUAL(all.text,
			       "missing.yaml: cannot be read: No such file or directory\n");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"keys are known and given once", test_keys_are_known_and_given_once},
		{"what is required is missed at its mapping",
		 test_what_is_required_is_missed_at_its_mapping},
		{"shapes are told apart", test_shapes_are_told_apart},
		{"sections fit each other", test_sections_fit_each_other},
		{"lines are right in every style", test_lines_are_right_in_every_style},
		{"a check shows all problems in the file's order",
		 test_a_check_shows_all_problems_in_the_file_s_order},
		{"a check shows no more than its limit", test_a_check_shows_no_more_than_its_limit},
		{"a check of a right file is silent", test_a_check_of_a_right_file_is_silent},
		CU_TEST_INFO_NULL,
	};
	return file_run("config errors", tests);
}
