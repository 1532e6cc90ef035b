#include "screens.h"

static void test_a_mode_that_is_not_the_usual_is_shown(void)
{
	expect(answer("/groups/0/vips",
		      "[{\"address\":\"10.0.0.100/24\",\"interface\":\"eth0\",\"mode\":\"arp\","
		      "\"up\":true,\"told\":true,\"announced_ms\":900},"
		      "{\"address\":\"203.0.113.7/32\",\"interface\":\"lo\",\"mode\":\"route\","
		      "\"up\":true,\"told\":true,\"announced_ms\":1200},"
		      "{\"address\":\"203.0.113.8/32\",\"interface\":null,\"mode\":\"provider\","
		      "\"up\":true,\"told\":false,\"announced_ms\":5000}]",
		      "/members", "[]", "/checks", "[]", NULL),
	       PAGE_80,
	       "office: node-a holds, fine\n"
	       "\n"
	       "  GROUP   HOLDER  ZONE  EPOCH    FOR  HOLD        HERE\n"
	       "  office  node-a  az-1      7  1m 1s  2.7 s left  active\n"
	       "          took over: node-b silent for 3030 ms\n"
	       "\n"
	       "  VIP             GROUP   INTERFACE  MODE      STATE  ANNOUNCED\n"
	       "  10.0.0.100/24   office  eth0                 up     0.9 s ago\n"
	       "  203.0.113.7/32  office  lo         route     up     1.2 s ago\n"
	       "  203.0.113.8/32  office             provider  up     not yet\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

static void test_an_address_that_is_down_on_its_holder_says_why(void)
{
	expect(answer("/state", "\"degraded\"", "/problems", "[\"10.0.0.100/24 is not up\"]",
		      "/groups/0/vips/0/up", "false", "/groups/0/vips/0/announced_ms", "null",
		      "/groups/0/vips/0/error", "\"add 10.0.0.100/24: Operation not permitted\"",
		      "/members", "[]", "/checks", "[]", NULL),
	       PAGE_80,
	       "DEGRADED: 10.0.0.100/24 is not up\n"
	       "\n"
	       "  GROUP   HOLDER  ZONE  EPOCH    FOR  HOLD        HERE\n"
	       "  office  node-a  az-1      7  1m 1s  2.7 s left  active\n"
	       "          took over: node-b silent for 3030 ms\n"
	       "\n"
	       "  VIP            GROUP   INTERFACE  STATE\n"
	       "  10.0.0.100/24  office  eth0       down\n"
	       "                 add 10.0.0.100/24: Operation not permitted\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a mode that is not the usual is shown",
		 test_a_mode_that_is_not_the_usual_is_shown},
		{"an address that is down on its holder says why",
		 test_an_address_that_is_down_on_its_holder_says_why},
		CU_TEST_INFO_NULL,
	};
	return run_suite("cli_vips", tests);
}
