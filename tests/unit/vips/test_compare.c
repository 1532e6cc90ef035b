/* What differs between two configurations, and what of it only a restart can change. */
#include "compare.h"

#include <errno.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"

static struct oo_config_vip one[] = {{.address = "10.0.0.100/24", .interface = "eth0"}};
static struct oo_config_vip other[] = {{.address = "10.0.0.101/24", .interface = "eth0"}};
static struct oo_config_group groups[2][3];

/* a, b now; c, b, a next. */
static struct oo_config now, next;
static uint32_t gone;

static void set_up(void)
{
	const struct oo_config_group a = {.name = "a", .vips = one, .n_vips = 1};
	const struct oo_config_group b = {.name = "b", .vips = other, .n_vips = 1};
	const struct oo_config_group c = {.name = "c", .vips = other, .n_vips = 1};

	groups[0][0] = groups[1][2] = a;
	groups[0][1] = groups[1][1] = b;
	groups[1][0] = c;
	now = (struct oo_config){.cluster = "office",
				 .node = {.name = "node-a", .zone = ""},
				 .runtime_directory = "/run/ooha",
				 .api = {.socket = "/run/ooha/ooha.sock"},
				 .groups = groups[0],
				 .n_groups = 2};
	next = now;
	next.groups = groups[1];
	next.n_groups = 3;
}

static void tear_down(void)
{
}

static void expect_refused(const char *text)
{
	struct oo_err err;
	CU_ASSERT_EQUAL(agent_compare_align(&now, &next, &gone, &err), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, text);
}

static void test_groups_keep_their_numbers_and_new_ones_follow(void)
{
	struct oo_err err;
	CU_ASSERT_EQUAL_FATAL(agent_compare_align(&now, &next, &gone, &err), 0);
	CU_ASSERT_EQUAL(gone, 0);
	CU_ASSERT_STRING_EQUAL(next.groups[0].name, "a");
	CU_ASSERT_STRING_EQUAL(next.groups[1].name, "b");
	CU_ASSERT_STRING_EQUAL(next.groups[2].name, "c");
	CU_ASSERT_PTR_EQUAL(next.groups[0].vips, one);
}

static void test_what_the_agent_is_known_by_takes_a_restart(void)
{
	next.cluster = "home";
	expect_refused("cluster: 'office' has become 'home', which takes a restart");
	set_up();
	next.node.name = "node-b";
	expect_refused("node.name: 'node-a' has become 'node-b', which takes a restart");
	set_up();
	next.runtime_directory = "/run/other";
	expect_refused(
		"runtime_directory: '/run/ooha' has become '/run/other', which takes a restart");
}

static void test_groups_that_are_gone_are_told(void)
{
	struct oo_err err;
	next.n_groups = 2; /* c, b */
	CU_ASSERT_EQUAL(agent_compare_align(&now, &next, &gone, &err), 0);
	CU_ASSERT_EQUAL(gone, 1u << 0);
	next.n_groups = 1;
	CU_ASSERT_EQUAL(agent_compare_align(&now, &next, &gone, &err), 0);
	CU_ASSERT_EQUAL(gone, 1u << 0 | 1u << 1);
}

static void test_only_what_is_held_has_to_be_adopted(void)
{
	CU_ASSERT_TRUE(agent_compare_is_adoptable(&now, &next, 3));
	next.n_groups = 2; /* c, b */
	CU_ASSERT_FALSE(agent_compare_is_adoptable(&now, &next, 3));
	CU_ASSERT_TRUE(agent_compare_is_adoptable(&now, &next, 2));
	next.groups[1].vips = one;
	CU_ASSERT_FALSE(agent_compare_is_adoptable(&now, &next, 2));
	next.cluster = "home";
	CU_ASSERT_FALSE(agent_compare_is_adoptable(&now, &next, 0));
}

static void test_vips_differ_by_address_interface_and_number(void)
{
	struct oo_config_vip elsewhere[] = {{.address = "10.0.0.100/24", .interface = "eth1"}};
	struct oo_config_group group = groups[0][0];

	CU_ASSERT_FALSE(agent_compare_is_other_vips(&groups[0][0], &group));
	group.vips = other;
	CU_ASSERT_TRUE(agent_compare_is_other_vips(&groups[0][0], &group));
	group.vips = elsewhere;
	CU_ASSERT_TRUE(agent_compare_is_other_vips(&groups[0][0], &group));
	group.n_vips = 0;
	CU_ASSERT_TRUE(agent_compare_is_other_vips(&groups[0][0], &group));
}

static void test_vips_differ_by_how_they_are_told_of(void)
{
	const struct oo_config_vip same = {.address = "10.0.0.100/32",
					   .mode = OO_MODE_ROUTE,
					   .interface = "lo",
					   .table = 254,
					   .protocol = 79,
					   .metric = 100,
					   .provider = {"/p", 10000, {"{}", "{}"}}};
	struct oo_config_vip rows[] = {same, same, same, same, same, same, same};
	rows[0].mode = OO_MODE_PROVIDER;
	rows[1].table = 7;
	rows[2].protocol = 80;
	rows[3].metric = 101;
	rows[4].provider.run = "/q";
	rows[5].provider.timeout_ms = 9000;
	rows[6].provider.settings.json = "{\"a\":1}";
	CU_ASSERT_TRUE(agent_compare_is_same_vip(&same, &same));
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		CU_ASSERT_FALSE(agent_compare_is_same_vip(&same, &rows[i]));
	}
}

static void test_etcd_differs_by_each_of_its_keys(void)
{
	const char *const endpoints[] = {"http://10.0.0.1:2379", "http://10.0.0.2:2379"};
	const struct oo_config_etcd fine = {.endpoints = {endpoints, 2}, .username = "ooha"};
	const struct oo_config_etcd rows[] = {
		{.endpoints = {endpoints, 1}, .username = "ooha"},
		{.endpoints = {endpoints, 2}},
		{.endpoints = {endpoints, 2}, .username = "other"},
		{.endpoints = {endpoints, 2}, .username = "ooha", .password_file = "/p"},
		{.endpoints = {endpoints, 2}, .username = "ooha", .ca_file = "/ca"},
		{.endpoints = {endpoints, 2}, .username = "ooha", .cert_file = "/c"},
		{.endpoints = {endpoints, 2}, .username = "ooha", .key_file = "/k"},
	};
	now.etcd = next.etcd = fine;
	CU_ASSERT_FALSE(agent_compare_is_other_etcd(&now, &next));
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		next.etcd = rows[i];
		CU_ASSERT_TRUE(agent_compare_is_other_etcd(&now, &next));
	}
}

static void test_the_api_differs_by_where_it_listens_and_whether_with_tls(void)
{
	CU_ASSERT_FALSE(agent_compare_is_other_api(&now, &next));
	next.api.socket = "/run/other.sock";
	CU_ASSERT_TRUE(agent_compare_is_other_api(&now, &next));
	next.api = now.api;
	next.api.listen.host = "127.0.0.1";
	CU_ASSERT_TRUE(agent_compare_is_other_api(&now, &next));
	now.api = next.api;
	next.api.listen.port = 8009;
	CU_ASSERT_TRUE(agent_compare_is_other_api(&now, &next));
	next.api = now.api;
	next.api.tls.cert_file = "/one.pem";
	CU_ASSERT_TRUE(agent_compare_is_other_api(&now, &next));
	now.api.tls.cert_file = "/other.pem"; /* its files are read at each reload anyway */
	CU_ASSERT_FALSE(agent_compare_is_other_api(&now, &next));
}

int main(void)
{
	static const struct test tests[] = {
		TEST(groups_keep_their_numbers_and_new_ones_follow),
		TEST(what_the_agent_is_known_by_takes_a_restart),
		TEST(groups_that_are_gone_are_told),
		TEST(only_what_is_held_has_to_be_adopted),
		TEST(vips_differ_by_address_interface_and_number),
		TEST(vips_differ_by_how_they_are_told_of),
		TEST(etcd_differs_by_each_of_its_keys),
		TEST(the_api_differs_by_where_it_listens_and_whether_with_tls),
	};
	return run_tests_in("compare", (struct frame){set_up, tear_down}, tests, OO_LENGTH(tests));
}
