/* URLs of endpoints, their order, and which is asked next. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/endpoint.h"
#include "run.h"

static void test_urls_are_brought_into_one_form(void)
{
	static const char *const rows[][3] = {
		{"http://10.0.1.11:2379", "http://10.0.1.11:2379", "10.0.1.11"},
		{"http://10.0.1.11", "http://10.0.1.11:2379", "10.0.1.11"},
		{"HTTPS://etcd-1.example/", "https://etcd-1.example:2379", "etcd-1.example"},
		{"https://[fd00::1]:4001", "https://[fd00::1]:4001", "fd00::1"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_etcd_endpoint endpoint;
		struct oo_err err = {.text = ""};
		CU_ASSERT_EQUAL(oo_etcd_endpoint_parse(rows[i][0], &endpoint, &err), 0);
		CU_ASSERT_STRING_EQUAL(err.text, "");
		CU_ASSERT_STRING_EQUAL(endpoint.url, rows[i][1]);
		CU_ASSERT_STRING_EQUAL(endpoint.host, rows[i][2]);
	}
}

static void test_wrong_urls_are_refused_and_no_password_is_repeated(void)
{
	static const char *const rows[][2] = {
		{"", "\"\": not a URL: write http://host:2379 or https://host:2379"},
		{"10.0.1.11:2379",
		 "\"10.0.1.11:2379\": not a URL: write http://host:2379 or https://host:2379"},
		{"etcd-1", "\"etcd-1\": not a URL: write http://host:2379 or https://host:2379"},
		{"ftp://a",
		 "\"ftp://a\": scheme \"ftp\": write http://host:2379 or https://host:2379"},
		{"http://a:99999",
		 "\"http://a:99999\": not a URL: write http://host:2379 or https://host:2379"},
		{"http://a:2379/v3", "\"http://a:2379/v3\" has something behind the port: write "
				     "scheme://host:port only"},
		{"http://a?x=1", "\"http://a?x=1\" has something behind the port: write "
				 "scheme://host:port only"},
		{"http://root:secret@a", "endpoint holds credentials: set etcd.username and "
					 "etcd.password_file instead"},
		{"http//root:secret@a",
		 "endpoint: not a URL: write http://host:2379 or https://host:2379"},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_etcd_endpoint endpoint;
		struct oo_err err = {.text = ""};
		CU_ASSERT_EQUAL(oo_etcd_endpoint_parse(rows[i][0], &endpoint, &err), -EINVAL);
		CU_ASSERT_STRING_EQUAL(err.text, rows[i][1]);
	}
}

static void set_up(struct oo_etcd_endpoints *endpoints, size_t n)
{
	*endpoints = (struct oo_etcd_endpoints){.n = n};
	for (size_t i = 0; i < n; i++) {
		snprintf(endpoints->list[i].url, OO_ETCD_URL_LENGTH, "http://10.0.%zu.11:2379",
			 i + 1);
	}
}

static void test_agents_are_spread_over_the_members(void)
{
	unsigned first[3] = {0};
	for (int agent = 0; agent < 300; agent++) {
		struct oo_etcd_endpoints endpoints;
		char name[16];
		set_up(&endpoints, 3);
		snprintf(name, sizeof(name), "node-%d", agent);
		oo_etcd_endpoints_order(&endpoints, name);
		int member = 0;
		sscanf(endpoints.list[0].url, "http://10.0.%d.", &member);
		first[member - 1]++;
	}
	CU_ASSERT_EQUAL(first[0] + first[1] + first[2], 300);
	CU_ASSERT_TRUE(first[0] > 60 && first[1] > 60 && first[2] > 60);
}

static void test_a_member_on_this_host_comes_first(void)
{
	for (size_t local = 0; local < 3; local++) {
		struct oo_etcd_endpoints endpoints;
		set_up(&endpoints, 3);
		endpoints.list[local].local = true;
		oo_etcd_endpoints_order(&endpoints, "node-a");
		CU_ASSERT_TRUE(endpoints.list[0].local);
	}
}

static void test_the_one_in_use_is_asked_first_then_the_well_then_the_sick(void)
{
	struct oo_etcd_endpoints endpoints;
	set_up(&endpoints, 4);
	endpoints.current = 2;
	endpoints.list[0].sick_until = 900;
	endpoints.list[1].sick_until = 800;
	CU_ASSERT_EQUAL(oo_etcd_endpoints_pick(&endpoints, 0, 500), 2);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_pick(&endpoints, 4, 500), 3);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_pick(&endpoints, 4 + 8, 500), 1);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_pick(&endpoints, 4 + 8, 900), 0); /* well again */
	CU_ASSERT_EQUAL(oo_etcd_endpoints_pick(&endpoints, 4 + 8 + 2, 500), 0);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_pick(&endpoints, 15, 500), 4);
}

static void test_a_blamed_endpoint_is_left_for_longer_each_time(void)
{
	struct oo_etcd_endpoints endpoints;
	set_up(&endpoints, 2);
	oo_etcd_endpoints_blame(&endpoints, 0, 10000);
	CU_ASSERT_EQUAL(endpoints.current, 1);
	CU_ASSERT_EQUAL(endpoints.list[0].sick_until, 11000);
	oo_etcd_endpoints_blame(&endpoints, 0,
				10500); /* a call that was under way: no second time */
	CU_ASSERT_EQUAL(endpoints.list[0].sick_until, 11500);
	oo_etcd_endpoints_blame(&endpoints, 0, 12000);
	CU_ASSERT_EQUAL(endpoints.list[0].sick_until, 14000);
	int64_t now = 14000;
	for (int i = 0; i < 10; i++) {
		now = endpoints.list[0].sick_until;
		oo_etcd_endpoints_blame(&endpoints, 0, now);
	}
	CU_ASSERT_EQUAL(endpoints.list[0].sick_until, now + 30000);
	oo_etcd_endpoints_praise(&endpoints, 0);
	CU_ASSERT_EQUAL(endpoints.list[0].sick_until, 0);
	CU_ASSERT_EQUAL(endpoints.current, 1); /* stays: no flapping between members */
	oo_etcd_endpoints_blame(&endpoints, 0, now);
	CU_ASSERT_EQUAL(endpoints.list[0].sick_until, now + 1000);
	CU_ASSERT_EQUAL(endpoints.current, 1);
}

static void test_one_that_comes_first_is_tried_again_by_one_call_in_5_s(void)
{
	struct oo_etcd_endpoints endpoints;
	set_up(&endpoints, 3);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_try(&endpoints, 10000), 0);
	oo_etcd_endpoints_blame(&endpoints, 0, 10000);
	CU_ASSERT_EQUAL(endpoints.current, 1);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_try(&endpoints, 14999), 1);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_try(&endpoints, 15000), 0);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_try(&endpoints, 15000), 1);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_try(&endpoints, 19999), 1);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_try(&endpoints, 20000), 0);
	CU_ASSERT_EQUAL(endpoints.current, 1); /* only an answer puts it in use */
	CU_ASSERT_TRUE(oo_etcd_endpoints_return(&endpoints, 0, 20001));
	CU_ASSERT_EQUAL(endpoints.current, 0);
	CU_ASSERT_FALSE(oo_etcd_endpoints_return(&endpoints, 0, 20002));
	CU_ASSERT_FALSE(oo_etcd_endpoints_return(&endpoints, 2, 20003)); /* comes after it */
	CU_ASSERT_EQUAL(endpoints.current, 0);
}

static void test_one_that_comes_back_for_less_than_20_s_is_tried_less_and_less(void)
{
	static const int64_t away_ms[] = {5000, 10000, 20000, 40000, 60000, 60000};
	struct oo_etcd_endpoints endpoints;
	set_up(&endpoints, 2);
	int64_t now = 70000;
	for (size_t i = 0; i < OO_LENGTH(away_ms); i++) {
		oo_etcd_endpoints_blame(&endpoints, 0, now);
		CU_ASSERT_EQUAL(endpoints.current, 1);
		CU_ASSERT_EQUAL(oo_etcd_endpoints_try(&endpoints, now + away_ms[i] - 1), 1);
		now += away_ms[i];
		CU_ASSERT_EQUAL(oo_etcd_endpoints_try(&endpoints, now), 0);
		oo_etcd_endpoints_return(&endpoints, 0, now);
		now += 19999;
	}
	oo_etcd_endpoints_blame(&endpoints, 0, now + 1);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_try(&endpoints, now + 5001), 0);
}

static void test_an_outage_of_all_makes_nobody_wait_longer(void)
{
	struct oo_etcd_endpoints endpoints;
	set_up(&endpoints, 3);
	int64_t now = 10000;
	for (int i = 0; i < 300; i++, now += 100) {
		oo_etcd_endpoints_blame(&endpoints, endpoints.current, now);
	}
	oo_etcd_endpoints_return(&endpoints, 1, now);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_try(&endpoints, now + 5000), 0);
}

static void test_the_only_endpoint_stays_in_use(void)
{
	struct oo_etcd_endpoints endpoints;
	set_up(&endpoints, 1);
	oo_etcd_endpoints_blame(&endpoints, 0, 10000);
	CU_ASSERT_EQUAL(endpoints.current, 0);
	CU_ASSERT_EQUAL(oo_etcd_endpoints_pick(&endpoints, 0, 10001), 0);
}

int main(void)
{
	static const struct oo_test tests[] = {
		OO_TEST(test_urls_are_brought_into_one_form),
		OO_TEST(test_wrong_urls_are_refused_and_no_password_is_repeated),
		OO_TEST(test_agents_are_spread_over_the_members),
		OO_TEST(test_a_member_on_this_host_comes_first),
		OO_TEST(test_the_one_in_use_is_asked_first_then_the_well_then_the_sick),
		OO_TEST(test_a_blamed_endpoint_is_left_for_longer_each_time),
		OO_TEST(test_one_that_comes_first_is_tried_again_by_one_call_in_5_s),
		OO_TEST(test_one_that_comes_back_for_less_than_20_s_is_tried_less_and_less),
		OO_TEST(test_an_outage_of_all_makes_nobody_wait_longer),
		OO_TEST(test_the_only_endpoint_stays_in_use),
	};
	return run_tests("etcd endpoint", tests, OO_LENGTH(tests));
}
