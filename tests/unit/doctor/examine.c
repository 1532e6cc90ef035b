/* What is read of etcd's pages, of agents' records and of who manages an interface; and digests. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "digest.h"
#include "../event/testing.h"
#include "examine/managers.h"
#include "examine/pages.h"
#include "examine/nodes.h"

static void test_metrics_tell_quota_and_fsync(void)
{
	struct oo_etcd_endpoint_facts endpoint = {0};
	oo_pages_read("# HELP etcd_server_quota_backend_bytes x\n"
		      "etcd_server_quota_backend_bytes 2.147483648e+09\n"
		      "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.004\"} 10\n"
		      "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.008\"} 980\n"
		      "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.016\"} 990\n"
		      "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"+Inf\"} 1000\n"
		      "etcd_disk_wal_fsync_duration_seconds_count 1000\n",
		      &endpoint);
	CU_ASSERT_EQUAL(endpoint.quota_bytes, INT64_C(2) << 30);
	CU_ASSERT_EQUAL(endpoint.fsync_count, 1000);
	CU_ASSERT_EQUAL(endpoint.fsync_us, 16000);
}

static void test_metrics_tell_the_way_to_the_farthest_peer(void)
{
	struct oo_etcd_endpoint_facts endpoint = {0};
	oo_pages_read("etcd_network_peer_round_trip_time_seconds_bucket{To=\"a\",le=\"0.1\"} 4\n"
		      "etcd_network_peer_round_trip_time_seconds_sum{To=\"a\"} 0.008\n"
		      "etcd_network_peer_round_trip_time_seconds_count{To=\"a\"} 4\n"
		      "etcd_network_peer_round_trip_time_seconds_sum{To=\"b\"} 0.16\n"
		      "etcd_network_peer_round_trip_time_seconds_count{To=\"b\"} 4\n"
		      "etcd_network_peer_round_trip_time_seconds_sum{To=\"c\"} 0\n"
		      "etcd_network_peer_round_trip_time_seconds_count{To=\"c\"} 0\n"
		      "etcd_network_peer_round_trip_time_seconds_sum{To=\"d\"} 7\n"
		      "etcd_network_peer_round_trip_time_seconds_sum{To=\"",
		      &endpoint);
	CU_ASSERT_EQUAL(endpoint.peer_us, 40000);
}

/* Four samples of 0.8 ms, and two of a moment when the machine was stopped. */
static void test_a_stall_is_no_way_to_a_peer(void)
{
	struct oo_etcd_endpoint_facts endpoint = {0};
	oo_pages_read("etcd_network_peer_round_trip_time_seconds_bucket{To=\"a\",le=\"0.0004\"} 0\n"
		      "etcd_network_peer_round_trip_time_seconds_bucket{To=\"a\",le=\"0.0008\"} 4\n"
		      "etcd_network_peer_round_trip_time_seconds_bucket{To=\"a\",le=\"0.8192\"} 5\n"
		      "etcd_network_peer_round_trip_time_seconds_bucket{To=\"a\",le=\"+Inf\"} 6\n"
		      "etcd_network_peer_round_trip_time_seconds_sum{To=\"a\"} 2.4\n"
		      "etcd_network_peer_round_trip_time_seconds_count{To=\"a\"} 6\n"
		      "etcd_network_peer_round_trip_time_seconds_bucket{To=\"b\",le=\"0.0016\"} 0\n"
		      "etcd_network_peer_round_trip_time_seconds_bucket{To=\"b\",le=\"0.0032\"} 6\n"
		      "etcd_network_peer_round_trip_time_seconds_sum{To=\"b\"} 0.012\n"
		      "etcd_network_peer_round_trip_time_seconds_count{To=\"b\"} 6\n",
		      &endpoint);
	CU_ASSERT_EQUAL(endpoint.peer_us, 2000);
}

static void test_metrics_of_another_program_tell_nothing(void)
{
	static const char *const texts[] = {
		"",
		"\n",
		"<html>",
		"etcd_server_quota_backend_bytes",
		"go_goroutines 7\n",
		"etcd_server_quota_backend_bytes nan\netcd_disk_wal_fsync_duration_seconds_count "
		"-1\n",
		"etcd_disk_wal_fsync_duration_seconds_bucket{le=\"",
		"etcd_disk_wal_fsync_duration_seconds_count 5\n"
		"etcd_disk_wal_fsync_duration_seconds_bucket{le=\"+Inf\"}",
	};
	for (size_t i = 0; i < OO_LENGTH(texts); i++) {
		struct oo_etcd_endpoint_facts endpoint = {0};
		oo_pages_read(texts[i], &endpoint);
		CU_ASSERT_EQUAL(endpoint.quota_bytes, 0);
		CU_ASSERT_EQUAL(endpoint.fsync_us, 0);
	}
}

static void test_command_line_tells_options(void)
{
	static const struct {
		const char *words[4];
		size_t n;
		enum oo_look look;
		bool has_pre_vote, compacts;
		int64_t election_ms, heartbeat_ms;
	} rows[] = {
		{{"etcd", "--name=a"}, 2, OO_LOOK_SEEN, false, false, 1000, 100},
		{{"etcd", "--pre-vote", "--name=a"}, 3, OO_LOOK_SEEN, true, false, 1000, 100},
		{{"etcd", "-pre-vote=true"}, 2, OO_LOOK_SEEN, true, false, 1000, 100},
		{{"etcd", "--pre-vote=false"}, 2, OO_LOOK_SEEN, false, false, 1000, 100},
		{{"etcd", "--auto-compaction-retention", "1h"},
		 3,
		 OO_LOOK_SEEN,
		 false,
		 true,
		 1000,
		 100},
		{{"etcd", "--auto-compaction-retention=0"},
		 2,
		 OO_LOOK_SEEN,
		 false,
		 false,
		 1000,
		 100},
		{{"etcd", "--election-timeout", "500"}, 3, OO_LOOK_SEEN, false, false, 500, 100},
		{{"etcd", "--heartbeat-interval=20"}, 2, OO_LOOK_SEEN, false, false, 1000, 20},
		{{"etcd"}, 1, OO_LOOK_NONE, false, false, 1000, 100},
		{{"etcd", "--config-file", "x"}, 3, OO_LOOK_NONE, false, false, 1000, 100},
		{{"etcd", "--config-file=x", "--pre-vote"},
		 3,
		 OO_LOOK_NONE,
		 true,
		 false,
		 1000,
		 100},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_etcd_endpoint_facts endpoint = {0};
		oo_pages_read_options(rows[i].words, rows[i].n, &endpoint);
		CU_ASSERT_EQUAL(endpoint.options_look, rows[i].look);
		CU_ASSERT_EQUAL(endpoint.has_pre_vote, rows[i].has_pre_vote);
		CU_ASSERT_EQUAL(endpoint.compacts, rows[i].compacts);
		CU_ASSERT_EQUAL(endpoint.election_ms, rows[i].election_ms);
		CU_ASSERT_EQUAL(endpoint.heartbeat_ms, rows[i].heartbeat_ms);
	}
}

static void test_environment_becomes_options_of_the_etcd_at_that_place(void)
{
	static const struct {
		const char *urls;
		bool is_it;
	} rows[] = {
		{"http://10.0.1.11:2379", true},
		{"http://127.0.0.1:2379,http://10.0.1.11:2379", true},
		{"http://110.0.1.11:2379", false},
		{"http://10.0.1.11:23790", false},
		{"http://10.0.1.11:2380", false},
		{"", false},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		char text[256];
		const char *words[8];
		int length =
			snprintf(text, sizeof(text),
				 "PATH=/bin%cETCD_PRE_VOTE=true%cETCD_ADVERTISE_CLIENT_URLS=%s%c"
				 "ETCD_AUTO_COMPACTION_RETENTION=1%c",
				 0, 0, rows[i].urls, 0, 0);
		size_t n = oo_pages_parse_environment(text, (size_t)length, "10.0.1.11:2379", words,
						      8);
		CU_ASSERT_EQUAL(n, rows[i].is_it ? 4 : 0);
		if (n == 4) {
			CU_ASSERT_STRING_EQUAL(words[1], "--pre-vote=true");
			CU_ASSERT_STRING_EQUAL(words[3], "--auto-compaction-retention=1");
		}
	}
}

static void test_record_is_read_with_its_digest(void)
{
	struct oo_node_facts node;
	CU_ASSERT_TRUE(oo_nodes_read(
		"node-b",
		"{\"zone\":\"az-2\",\"agent_version\":\"0.1.0\",\"config\":{\"ttl_ms\":3000,"
		"\"groups\":\"ab\",\"mtu\":1500,\"macs\":[\"02:00:00:00:00:01\"],"
		"\"documentserver\":\"8.2.1\",\"secret\":\"a1b2\",\"new\":[1]}}",
		&node));
	CU_ASSERT_STRING_EQUAL(node.name, "node-b");
	CU_ASSERT_TRUE(node.has_digest);
	CU_ASSERT_EQUAL(node.ttl_ms, 3000);
	CU_ASSERT_EQUAL(node.mtu, 1500);
	CU_ASSERT_EQUAL(node.n_macs, 1);
	CU_ASSERT_STRING_EQUAL(node.secret, "a1b2");
	CU_ASSERT_STRING_EQUAL(node.checks, "");
}

static void test_record_of_an_older_agent_has_no_digest(void)
{
	static const char *const texts[] = {"{\"zone\":\"az-2\"}", "{\"config\":null}",
					    "{\"config\":[]}"};
	for (size_t i = 0; i < OO_LENGTH(texts); i++) {
		struct oo_node_facts node;
		CU_ASSERT_TRUE(oo_nodes_read("node-b", texts[i], &node));
		CU_ASSERT_FALSE(node.has_digest);
		CU_ASSERT_EQUAL(node.ttl_ms, 0);
	}
}

static void test_record_that_is_nonsense_is_no_node(void)
{
	static const char *const texts[] = {"", "x", "[]", "\"node\"", "{\"zone\""};
	struct oo_node_facts node;
	for (size_t i = 0; i < OO_LENGTH(texts); i++) {
		CU_ASSERT_FALSE(oo_nodes_read("node-b", texts[i], &node));
	}
	CU_ASSERT_TRUE(oo_nodes_read("x",
				     "{\"config\":{\"ttl_ms\":\"3\",\"mtu\":-1,\"macs\":[null,7],"
				     "\"groups\":{}}}",
				     &node));
	CU_ASSERT_EQUAL(node.ttl_ms, 0);
	CU_ASSERT_EQUAL(node.mtu, 0);
}

static void test_holder_is_who_has_taken_and_not_released(void)
{
	char holder[OO_FACTS_NAME];
	oo_nodes_read_holder("{\"node\":\"node-a\",\"kind\":\"taken\"}", holder);
	CU_ASSERT_STRING_EQUAL(holder, "node-a");
	oo_nodes_read_holder("{\"node\":\"node-a\",\"kind\":\"released\"}", holder);
	CU_ASSERT_STRING_EQUAL(holder, "");
	oo_nodes_read_holder("nonsense", holder);
	CU_ASSERT_STRING_EQUAL(holder, "");
}

/* ---- who manages an interface ---- */

static char root[64];

static void make_root(void)
{
	oo_text_clip(root, sizeof(root), "/tmp/ooha-managers-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
}

static void remove_root(void)
{
	char command[96];
	snprintf(command, sizeof(command), "rm -rf %s", root);
	CU_ASSERT_EQUAL(system(command), 0);
}

static void put(const char *path, const char *text)
{
	char command[512];
	snprintf(command, sizeof(command), "mkdir -p $(dirname %s/%s) && cat > %s/%s", root, path,
		 root, path);
	FILE *file = popen(command, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	CU_ASSERT_EQUAL(pclose(file), 0);
}

static struct oo_vip_facts look(void)
{
	struct oo_vip_facts vip = {0};
	oo_managers_look(root, 7, &vip);
	return vip;
}

static void test_networkd_keeps_what_its_file_says(void)
{
	static const struct {
		const char *text;
		bool keeps;
	} rows[] = {
		{"[Network]\nDHCP=yes\n", false},
		{"[Network]\nKeepConfiguration=static\n", true},
		{"[Network]\n KeepConfiguration = yes\n", true},
		{"[Network]\nKeepConfiguration=dhcp\n", false},
		{"[Network]\n#KeepConfiguration=static\n", false},
		{"[Network]\nKeepConfiguration=static\nKeepConfiguration=no\n", false},
	};
	make_root();
	CU_ASSERT_FALSE(look().networkd_manages);
	put("run/systemd/netif/links/7", "ADMIN_STATE=configured\nNETWORK_FILE=/lan.network\n");
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		put("lan.network", rows[i].text);
		struct oo_vip_facts vip = look();
		CU_ASSERT_TRUE(vip.networkd_manages);
		CU_ASSERT_EQUAL(vip.networkd_keeps, rows[i].keeps);
		CU_ASSERT_STRING_EQUAL(vip.network_file, "/lan.network");
	}
	put("run/systemd/netif/links/7", "ADMIN_STATE=unmanaged\n");
	CU_ASSERT_FALSE(look().networkd_manages);
	remove_root();
}

static void test_networkds_drop_ins_count(void)
{
	make_root();
	put("run/systemd/netif/links/7",
	    "ADMIN_STATE=configured\nNETWORK_FILE=/lan.network\n"
	    "NETWORK_FILE_DROPINS=\"/none.conf\" \"/vip.conf\"\nMDNS=no\n");
	put("lan.network", "[Network]\n");
	CU_ASSERT_FALSE(look().networkd_keeps);
	put("vip.conf", "[Network]\nKeepConfiguration=static\n");
	CU_ASSERT_TRUE(look().networkd_keeps);
	remove_root();
}

static void test_network_manager_says_whether_it_manages(void)
{
	make_root();
	put("run/NetworkManager/devices/7", "[device]\nmanaged=false\n");
	CU_ASSERT_FALSE(look().network_manager_manages);
	put("run/NetworkManager/devices/7", "[device]\nmanaged=true\n");
	CU_ASSERT_TRUE(look().network_manager_manages);
	remove_root();
}

/* ---- digests ---- */

static struct oo_config_vip vips[] = {{.address = "10.0.0.100/24", .interface = "eth0"},
				      {.address = "10.0.0.101/24", .interface = "eth0"}};
static struct oo_config_group groups[] = {
	{.name = "office", .vips = vips, .n_vips = 2, .prefer_zone = "", .zones = "any"}};
static struct oo_config_check checks[] = {
	{.spec = {.name = "proxy", .type = OO_CHECK_TYPE_HTTP, .interval_ms = 1000}, .rise = 2},
	{.spec = {.name = "disk", .type = OO_CHECK_TYPE_DISK, .interval_ms = 1000}, .rise = 2},
};
static const struct oo_config config = {
	.groups = groups, .n_groups = 1, .checks = checks, .n_checks = 2};

static void test_digest_does_not_mind_order_nor_interfaces(void)
{
	char before[AGENT_DIGEST_LENGTH], after[AGENT_DIGEST_LENGTH];
	agent_digest_groups(&config, before);
	struct oo_config_vip first = vips[0];
	vips[0] = vips[1];
	vips[1] = (struct oo_config_vip){.address = first.address, .interface = "bond0"};
	agent_digest_groups(&config, after);
	CU_ASSERT_STRING_EQUAL(before, after);
	vips[1].mode = OO_MODE_ROUTE;
	agent_digest_groups(&config, after);
	CU_ASSERT_STRING_NOT_EQUAL(before, after);
	vips[1].mode = OO_MODE_ARP;
	vips[1].address = "10.0.0.102/24";
	agent_digest_groups(&config, after);
	CU_ASSERT_STRING_NOT_EQUAL(before, after);
	vips[1].address = "10.0.0.100/24";
	groups[0].prefer_zone = "az-1";
	agent_digest_groups(&config, after);
	CU_ASSERT_STRING_NOT_EQUAL(before, after);
	groups[0].prefer_zone = "";
	groups[0].zones = "stay";
	agent_digest_groups(&config, after);
	CU_ASSERT_STRING_NOT_EQUAL(before, after);
	groups[0].zones = "any";
	agent_digest_groups(&config, after);
	CU_ASSERT_STRING_EQUAL(before, after);
}

static void test_digest_of_checks_minds_what_decides(void)
{
	char before[AGENT_DIGEST_LENGTH], after[AGENT_DIGEST_LENGTH];
	agent_digest_checks(&config, before);
	struct oo_config_check first = checks[0];
	checks[0] = checks[1];
	checks[1] = first;
	agent_digest_checks(&config, after);
	CU_ASSERT_STRING_EQUAL(before, after);
	checks[0].optional = true;
	agent_digest_checks(&config, after);
	CU_ASSERT_STRING_NOT_EQUAL(before, after);
	checks[0].optional = false;
	groups[0].checks[1] = true;
	agent_digest_checks(&config, after);
	CU_ASSERT_STRING_NOT_EQUAL(before, after);
	groups[0].checks[1] = false;
}

static void test_digest_of_a_secret_is_short_and_the_clusters_own(void)
{
	char one[AGENT_DIGEST_SECRET_LENGTH], other[AGENT_DIGEST_SECRET_LENGTH];
	agent_digest_secret("office", "s3cret", one);
	CU_ASSERT_EQUAL(strlen(one), 4);
	agent_digest_secret("office", "s3cret", other);
	CU_ASSERT_STRING_EQUAL(one, other);
	agent_digest_secret("office", "s3cres", other);
	CU_ASSERT_STRING_NOT_EQUAL(one, other);
	agent_digest_secret("other", "s3cret", other);
	CU_ASSERT_STRING_NOT_EQUAL(one, other);
	agent_digest_secret("office", "", other);
	CU_ASSERT_STRING_EQUAL(other, "");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(metrics_tell_quota_and_fsync),
		TEST(metrics_tell_the_way_to_the_farthest_peer),
		TEST(a_stall_is_no_way_to_a_peer),
		TEST(metrics_of_another_program_tell_nothing),
		TEST(command_line_tells_options),
		TEST(environment_becomes_options_of_the_etcd_at_that_place),
		TEST(record_is_read_with_its_digest),
		TEST(record_of_an_older_agent_has_no_digest),
		TEST(record_that_is_nonsense_is_no_node),
		TEST(holder_is_who_has_taken_and_not_released),
		TEST(networkd_keeps_what_its_file_says),
		TEST(networkds_drop_ins_count),
		TEST(network_manager_says_whether_it_manages),
		TEST(digest_does_not_mind_order_nor_interfaces),
		TEST(digest_of_checks_minds_what_decides),
		TEST(digest_of_a_secret_is_short_and_the_clusters_own),
	};
	return run_tests("examine", tests, OO_LENGTH(tests));
}
