#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "file.h"

#define NOT_A_NAME                                                                                 \
	"not a name; use 1 to 63 of letters, digits, '.', '_' and '-', a letter or digit first"
#define LETTERS_64 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"
#define NOT_A_DURATION "not a duration; write a number and ms, s, m or h, as in 500ms or 1.5s"
#define NOT_A_VIP "not an address with a prefix length; as in 10.0.0.100/24 or 2001:db8::100/64"
#define HOST_ADDRESS "; use a free host address of the subnet"
#define NOT_A_HOST "not a URL; after the scheme comes a host and perhaps a port from 1 to 65535"
#define ENDPOINT_ALONE "an endpoint is scheme, host and port alone, as in http://10.0.1.11:2379"
#define NOT_LISTENING "not an address and port; as in 127.0.0.1:8009 or [::1]:8009 (no names)"
#define NOT_A_HOST_AND_PORT                                                                        \
	"not a host and port; as in 127.0.0.1:5432, [::1]:5432 or localhost:5432"
#define CREDENTIALS "a URL with user or password, or another '@'; leave them out"

static void test_values_are_checked_one_by_one(void)
{
	static const struct file_row rows[] = {
		{"cluster: a b\n" ETCD GROUP, "1: cluster: 'a b': " NOT_A_NAME},
		{"cluster: ''\n" ETCD GROUP, "1: cluster: '': " NOT_A_NAME},
		{"cluster: ..\n" ETCD GROUP, "1: cluster: '..': " NOT_A_NAME},
		{"cluster: a/b\n" ETCD GROUP, "1: cluster: 'a/b': " NOT_A_NAME},
		{"cluster: $(id)\n" ETCD GROUP, "1: cluster: '$(id)': " NOT_A_NAME},
		{"cluster: caf\xc3\xa9\n" ETCD GROUP, "1: cluster: 'caf\xc3\xa9': " NOT_A_NAME},
		{"cluster: " LETTERS_64 "\n" ETCD GROUP,
		 "1: cluster: '" LETTERS_64 "': " NOT_A_NAME},
		{"cluster: " LETTERS_64 "abcdefghi\xc3\xa9xyz\n" ETCD GROUP,
		 "1: cluster: '" LETTERS_64 "abcdefghi...': " NOT_A_NAME},
		{"cluster: \"a\\0b\"\n" ETCD GROUP,
		 "1: cluster: 'a?b': has a control character; write only text"},
		{"cluster: \"a\\x1bb\"\n" ETCD GROUP,
		 "1: cluster: 'a?b': has a control character; write only text"},
		{LEAST "node: {priority: 1001}\n",
		 "4: node.priority: '1001': out of range; 0 to 1000 are possible"},
		{LEAST "node: {priority: -1}\n",
		 "4: node.priority: '-1': not a whole number; 0 to 1000 are possible"},
		{LEAST "node: {priority: 1e2}\n",
		 "4: node.priority: '1e2': not a whole number; 0 to 1000 are possible"},
		{LEAST "node: {priority: ''}\n",
		 "4: node.priority: '': not a whole number; 0 to 1000 are possible"},
		{LEAST "node: {priority: 99999999999999999999}\n",
		 "4: node.priority: '99999999999999999999': not a whole number; 0 to 1000 are "
		 "possible"},
		{LEAST "lease: {ttl: 3}\n",
		 "4: lease.ttl: '3': a duration needs a unit: 3s or 3000ms"},
		{LEAST "lease: {ttl: 3 s}\n", "4: lease.ttl: '3 s': " NOT_A_DURATION},
		{LEAST "lease: {ttl: 3sec}\n", "4: lease.ttl: '3sec': " NOT_A_DURATION},
		{LEAST "lease: {ttl: .5s}\n", "4: lease.ttl: '.5s': " NOT_A_DURATION},
		{LEAST "lease: {ttl: -3s}\n", "4: lease.ttl: '-3s': " NOT_A_DURATION},
		{LEAST "lease: {ttl: 499ms}\n",
		 "4: lease.ttl: '499ms': out of range; 500ms to 10m are possible"},
		{LEAST "lease: {ttl: 601s}\n",
		 "4: lease.ttl: '601s': out of range; 500ms to 10m are possible"},
		{LEAST "lease: {ttl: 99999999999999999999h}\n",
		 "4: lease.ttl: '99999999999999999999h': out of range; 500ms to 10m are possible"},
		{LEAST "lease: {renew: 49ms}\n",
		 "4: lease.renew: '49ms': out of range; 50ms to 10m are possible"},
		{LEAST "lease: {margin: 0s}\n",
		 "4: lease.margin: '0s': out of range; 30ms to 10m are possible"},
		{LEAST "hooks: {timeout: 1h}\n",
		 "4: hooks.timeout: '1h': out of range; 100ms to 10m are possible"},
		{LEAST "hooks: {blocking_timeout: 61s}\n",
		 "4: hooks.blocking_timeout: '61s': out of range; 100ms to 1m are possible"},
		{LEAST "hooks: {pre_demote: [b]}\n",
		 "4: hooks.pre_demote[0]: not an absolute path; begin it with /"},
		{LEAST "hooks: {promoted: [/a, b]}\n",
		 "4: hooks.promoted[1]: not an absolute path; begin it with /"},
		{LEAST "runtime_directory: \"/a\\nb\"\n",
		 "4: runtime_directory: '/a\\nb': too long or more than a line; at most 1024 bytes "
		 "are "
		 "possible"},
		{LEAST "api: {socket: run/x}\n",
		 "4: api.socket: not an absolute path; begin it with /"},
		{LEAST "api: {socket: /" LETTERS_64 LETTERS_64 "}\n",
		 "4: api.socket: '/" LETTERS_64
		 "abcdefghi...': too long or more than a line; at most 107 bytes are possible"},
		{LEAST "api: {listen: localhost:8009}\n",
		 "4: api.listen: 'localhost:8009': " NOT_LISTENING},
		{LEAST "api: {listen: 127.0.0.1}\n", "4: api.listen: '127.0.0.1': " NOT_LISTENING},
		{LEAST "api: {listen: '::1:80'}\n", "4: api.listen: '::1:80': " NOT_LISTENING},
		{LEAST "api: {listen: '[::1'}\n", "4: api.listen: '[::1': " NOT_LISTENING},
		{LEAST "api: {listen: '[::1]80'}\n", "4: api.listen: '[::1]80': " NOT_LISTENING},
		{LEAST "api: {listen: '127.0.0.1:0'}\n",
		 "4: api.listen: '127.0.0.1:0': " NOT_LISTENING},
		{LEAST "api: {listen: '127.0.0.1:65536'}\n",
		 "4: api.listen: '127.0.0.1:65536': " NOT_LISTENING},
		{LEAST "api: {listen: ':80'}\n", "4: api.listen: ':80': " NOT_LISTENING},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

#define ENDPOINT(url) CLUSTER GROUP "etcd:\n  endpoints:\n    - " url "\n"
#define AT_ENDPOINT(rest) "5: etcd.endpoints[0]: " rest

static void test_endpoints_are_plain_and_keep_secrets(void)
{
	static const struct file_row rows[] = {
		{ENDPOINT("10.0.0.1:2379"),
		 AT_ENDPOINT("'10.0.0.1:2379': not a URL; begin it with http:// or https://")},
		{ENDPOINT("ftp://a:1"),
		 AT_ENDPOINT("'ftp://a:1': not a URL; begin it with http:// or https://")},
		{ENDPOINT("http://a"), AT_ENDPOINT("'http://a': " ENDPOINT_ALONE)},
		{ENDPOINT("http://a:1/"), AT_ENDPOINT("'http://a:1/': " ENDPOINT_ALONE)},
		{ENDPOINT("http://a:1?b"), AT_ENDPOINT("'http://a:1?b': " ENDPOINT_ALONE)},
		{ENDPOINT("http://:1"), AT_ENDPOINT("'http://:1': " NOT_A_HOST)},
		{ENDPOINT("http://a:99999"), AT_ENDPOINT("'http://a:99999': " NOT_A_HOST)},
		{ENDPOINT("http://1.2.3:1"), AT_ENDPOINT("'http://1.2.3:1': " NOT_A_HOST)},
		{ENDPOINT("http://[::1:1"), AT_ENDPOINT("'http://[::1:1': " NOT_A_HOST)},
		{ENDPOINT("http://[a]:1"), AT_ENDPOINT("'http://[a]:1': " NOT_A_HOST)},
		{ENDPOINT("http://a b:1"),
		 AT_ENDPOINT("'http://a b:1': not a URL; write at most 2048 ASCII characters, no "
			     "spaces")},
		{ENDPOINT("http://root:hunter2@a:1"), AT_ENDPOINT(CREDENTIALS)},
		{ENDPOINT("root:hunter2@a:1"), AT_ENDPOINT(CREDENTIALS)},
		{ENDPOINT("http://a:1\n    - http://b:1\n    - http://a:1"),
		 "7: etcd.endpoints[2]: 'http://a:1': given twice; it is on line 5 already"},
		{ENDPOINT("http://a:1\n  password_file: hunter2"),
		 "6: etcd.password_file: not an absolute path; begin it with /"},
		{ENDPOINT("http://a:1\n  username: x"),
		 "6: etcd.password_file: missing; give it together with username, or neither"},
		{ENDPOINT("http://a:1\n  username: \"a\\nb\""),
		 "6: etcd.username: 'a\\nb': more than one line; write one"},
		{ENDPOINT("http://a:1\n  username: ''"),
		 "6: etcd.username: '': 0 bytes long; 1 to 256 are possible"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

#define VIP(address)                                                                               \
	CLUSTER ETCD "groups:\n  - name: g\n    vips:\n      - interface: eth0\n"                  \
		     "        address: '" address "'\n"
#define AT_VIP(address, rest) "7: groups[0].vips[0].address: '" address "': " rest
#define ROW_VIP(address, rest)                                                                     \
	{                                                                                          \
		VIP(address), AT_VIP(address, rest)                                                \
	}

static void test_a_vip_is_an_address_that_a_host_can_have(void)
{
	static const struct file_row rows[] = {
		ROW_VIP("10.0.0.256/24", NOT_A_VIP),
		ROW_VIP("10.0.0.1/33", NOT_A_VIP),
		ROW_VIP("10.0.0.1/0", NOT_A_VIP),
		ROW_VIP("10.0.0.1/", NOT_A_VIP),
		ROW_VIP("10.0.0.1/24/24", NOT_A_VIP),
		ROW_VIP("10.0.0.1/255.255.255.0", NOT_A_VIP),
		ROW_VIP("10.0.1", NOT_A_VIP),
		ROW_VIP("office.example", NOT_A_VIP),
		ROW_VIP("", NOT_A_VIP),
		ROW_VIP("2001:db8::1/129", NOT_A_VIP),
		ROW_VIP("fe80::1%eth0", NOT_A_VIP),
		ROW_VIP("0000:0000:0000:0000:0000:0000:0000:0000:0001", NOT_A_VIP),
		ROW_VIP("10.0.0.1" LETTERS_64 "/", NOT_A_VIP),
		ROW_VIP("0.0.0.0", "unspecified" HOST_ADDRESS),
		ROW_VIP("127.0.0.1", "loopback" HOST_ADDRESS),
		ROW_VIP("224.0.0.18", "multicast" HOST_ADDRESS),
		ROW_VIP("255.255.255.255", "reserved" HOST_ADDRESS),
		ROW_VIP("10.0.0.0/24", "its subnet's network address" HOST_ADDRESS),
		ROW_VIP("10.0.0.255/24", "its subnet's broadcast address" HOST_ADDRESS),
		ROW_VIP("::", "unspecified" HOST_ADDRESS),
		ROW_VIP("::1", "loopback" HOST_ADDRESS),
		ROW_VIP("ff02::1", "multicast" HOST_ADDRESS),
		ROW_VIP("::ffff:10.0.0.1", "IPv4-mapped" HOST_ADDRESS),
		ROW_VIP("fd00::/64", "its subnet's router anycast address" HOST_ADDRESS),
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

#define CHECK(rest) LEAST "checks:\n  - name: c\n    " rest "\n"
#define TCP "type: tcp\n    address: a:1\n    "
#define HTTP "type: http\n    url: http://a\n    "

static void test_a_check_has_what_its_type_needs(void)
{
	static const struct file_row rows[] = {
		{CHECK("type: icmp"), "6: checks[0].type: 'icmp': unknown type; http, tcp, exec, "
				      "file, disk, process, unit, container, link, gateway, amqp "
				      "and postgres are possible"},
		{CHECK(TCP "url: http://a"),
		 "8: checks[0].url: 'http://a': not for a check of type tcp; leave the key out"},
		{CHECK(TCP "expect: {status: 200}"),
		 "8: checks[0].expect: a mapping where a single value is expected; write it "
		 "without - , [] and {}"},
		{CHECK(HTTP "address: a:1"),
		 "8: checks[0].address: 'a:1': not for a check of type http; leave the key out"},
		{CHECK("type: tcp\n    address: a"),
		 "7: checks[0].address: 'a': " NOT_A_HOST_AND_PORT},
		{CHECK("type: tcp\n    address: a b:1"),
		 "7: checks[0].address: 'a b:1': " NOT_A_HOST_AND_PORT},
		{CHECK("type: http\n    url: http://u:hunter2@a"),
		 "7: checks[0].url: " CREDENTIALS},
		{CHECK("type: http\n    url: http://a/x#y"),
		 "7: checks[0].url: 'http://a/x#y': a fragment is not sent; leave it out from # "
		 "on"},
		{CHECK("type: http\n    url: /healthcheck"),
		 "7: checks[0].url: '/healthcheck': not a URL; begin it with http:// or https://"},
		{CHECK(HTTP "expect: {status: 99}"),
		 "8: checks[0].expect.status: '99': not a set of statuses; write up to 8 from 100 "
		 "to 599, as in 200 or 200-299,301"},
		{CHECK(HTTP "expect: {body: ''}"),
		 "8: checks[0].expect.body: '': 0 bytes long; 1 to 1024 are possible"},
		{CHECK(HTTP "expect: {state: 1}"),
		 "8: checks[0].expect.state: unknown key; did you mean 'status'?"},
		{CHECK(TCP "interval: 99ms"),
		 "8: checks[0].interval: '99ms': out of range; 100ms to 1h are possible"},
		{CHECK(TCP "timeout: 9ms"),
		 "8: checks[0].timeout: '9ms': out of range; 10ms to 1m are possible"},
		{CHECK(TCP "rise: 0"),
		 "8: checks[0].rise: '0': out of range; 1 to 100 are possible"},
		{CHECK(TCP "fall: 101"),
		 "8: checks[0].fall: '101': out of range; 1 to 100 are possible"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

/* An etcd section whose last line is key: DIRECTORY/name; the message has %s for DIRECTORY. */
static void refuse_file(const char *lines, const char *key_and_name, const char *message)
{
	char directory[128], path[256], text[1024], expected[OO_ERR_LENGTH];
	size_t key = strcspn(key_and_name, " ");

	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(directory, sizeof(directory)));
	snprintf(path, sizeof(path), "%s/%s", directory, key_and_name + key + 1);
	snprintf(text, sizeof(text),
		 CLUSTER GROUP "etcd:\n  endpoints: ['https://a:1']\n%s  %.*s: %s\n", lines,
		 (int)key, key_and_name, path);
	snprintf(expected, sizeof(expected), FILE_NAME ":6: etcd.%.*s: '%s': %s", (int)key,
		 key_and_name, path, message);
	file_refuse(text, expected);
}

static void test_files_are_there_and_secrets_are_kept(void)
{
	file_write("open", "hunter2", 7, 0644);
	file_write("writable", "hunter2", 7, 0602);
	refuse_file("  username: u\n", "password_file open",
		    "holds a secret and is open to everybody (mode 0644); chmod o-rw it");
	refuse_file("  cert_file: /etc/passwd\n", "key_file writable",
		    "holds a secret and is open to everybody (mode 0602); chmod o-rw it");
	refuse_file("\n", "ca_file missing",
		    "cannot be read: No such file or directory; name a file that the agent's user "
		    "may read");
	refuse_file("\n", "ca_file .", "not a file; name a file");
}

static void test_a_key_needs_its_certificate(void)
{
	char directory[128], text[512];

	file_write("key", "hunter2", 7, 0600);
	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(directory, sizeof(directory)));
	snprintf(text, sizeof(text), ENDPOINT("https://a:1\n  key_file: %s/key"), directory);
	file_refuse(text,
		    FILE_NAME ":6: etcd.cert_file: missing; give it together with key_file, or "
			      "neither");
}

static void test_files_for_tls_need_tls(void)
{
	static const struct file_row rows[] = {
		{ENDPOINT("http://a:1\n  ca_file: /etc/passwd"),
		 "6: etcd.ca_file: '/etc/passwd': for TLS, but no endpoint uses it; write https:// "
		 "in "
		 "endpoints"},
		{ENDPOINT("https://a:1\n  cert_file: /etc/passwd"),
		 "6: etcd.key_file: missing; give it together with cert_file, or neither"},
	};
	file_refuse_all(rows, OO_LENGTH(rows));
}

static void test_tls_of_the_api_is_a_pair_of_files_and_an_address(void)
{
	char directory[128], text[512], expected[OO_ERR_LENGTH];
	static const struct file_row rows[] = {
		{LEAST "api: {listen: '127.0.0.1:1', tls: {cert_file: /etc/passwd}}\n",
		 "4: api.tls.key_file: missing; give the file of the certificate's key (PEM)"},
		{LEAST "api: {listen: '127.0.0.1:1', tls: {}}\n",
		 "4: api.tls.cert_file: missing; give the certificate's file (PEM)"},
	};

	file_refuse_all(rows, OO_LENGTH(rows));
	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(directory, sizeof(directory)));
	file_write("key", "hunter2", 7, 0640);
	snprintf(text, sizeof(text),
		 LEAST "api: {tls: {cert_file: /etc/passwd, key_file: %s/key}}\n", directory);
	file_refuse(text, FILE_NAME ":4: api.tls: of api.listen, which is not given; the socket is "
				    "never encrypted");
	file_write("open", "hunter2", 7, 0644);
	snprintf(text, sizeof(text),
		 LEAST "api:\n  listen: '127.0.0.1:1'\n  tls:\n    cert_file: /etc/passwd\n"
		       "    key_file: %s/open\n",
		 directory);
	snprintf(expected, sizeof(expected),
		 FILE_NAME ":8: api.tls.key_file: '%s/open': holds a secret and is open to "
			   "everybody (mode 0644); chmod o-rw it",
		 directory);
	file_refuse(text, expected);
}

static void test_a_host_name_that_is_no_name_asks_for_one(void)
{
	world_set_host_name("my_host!");
	file_refuse(LEAST,
		    FILE_NAME ":1: node.name: missing, and the host name 'my_host!' cannot be "
			      "one; name the node, other than all others of the cluster");
	world_set_host_name(NULL);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"values are checked one by one", test_values_are_checked_one_by_one},
		{"endpoints are plain and keep secrets", test_endpoints_are_plain_and_keep_secrets},
		{"a VIP is an address that a host can have",
		 test_a_vip_is_an_address_that_a_host_can_have},
		{"a check has what its type needs", test_a_check_has_what_its_type_needs},
		{"files are there and secrets are kept", test_files_are_there_and_secrets_are_kept},
		{"a key needs its certificate", test_a_key_needs_its_certificate},
		{"files for TLS need TLS", test_files_for_tls_need_tls},
		{"tls of the api is a pair of files and an address",
		 test_tls_of_the_api_is_a_pair_of_files_and_an_address},
		{"a host name that is no name asks for one",
		 test_a_host_name_that_is_no_name_asks_for_one},
		CU_TEST_INFO_NULL,
	};
	return file_run("config values", tests);
}
