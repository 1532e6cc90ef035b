#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "screens.h"

static void test_a_cluster_that_is_well_is_shown_calmly(void)
{
	expect(parse(ANSWER_FINE), PAGE_80,
	       "office: node-a holds, fine\n"
	       "\n"
	       "  GROUP   HOLDER  ZONE  EPOCH    FOR  HOLD        HERE\n"
	       "  office  node-a  az-1      7  1m 1s  2.7 s left  active\n"
	       "          took over: node-b silent for 3030 ms\n"
	       "\n"
	       "  VIP            GROUP   INTERFACE  STATE  ANNOUNCED\n"
	       "  10.0.0.100/24  office  eth0       up     0.9 s ago\n"
	       "\n"
	       "  MEMBER  ZONE  PRIORITY  HOLDS    SEEN  STATE\n"
	       "> node-a  az-1       100  office  0.4 s  eligible\n"
	       "  node-b  az-2        90          1.5 s  eligible\n"
	       "\n"
	       "  CHECK       TYPE  STATE    AGE  TOOK  RESULT\n"
	       "  proxy       http  up     0.7 s  3 ms  200\n"
	       "  docservice  http  up     0.2 s  1 ms  200\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

static void test_a_standby_shows_the_holder_that_it_hears(void)
{
	expect(answer("/agent/node", "\"node-b\"", "/agent/zone", "\"az-2\"", "/groups/0/role",
		      "\"standby\"", "/groups/0/cause", "\"node-a claims first\"",
		      "/groups/0/hold_left_ms", "null", "/groups/0/holder_is_self", "false",
		      "/groups/0/vips/0/up", "false", "/groups/0/vips/0/announced_ms", "null",
		      "/groups/0/kind", "\"offered\"", "/members/0/self", "false",
		      "/members/1/self", "true", NULL),
	       PAGE_80,
	       "office: node-a holds, fine\n"
	       "\n"
	       "  GROUP   HOLDER  ZONE  EPOCH    FOR  HOLD             HERE\n"
	       "  office  node-a  az-1      7  1m 1s  heard 0.1 s ago  standby\n"
	       "          node-a claims first\n"
	       "\n"
	       "  VIP            GROUP   INTERFACE  STATE\n"
	       "  10.0.0.100/24  office  eth0       not here\n"
	       "\n"
	       "  MEMBER  ZONE  PRIORITY  HOLDS    SEEN  STATE\n"
	       "  node-a  az-1       100  office  0.4 s  eligible\n"
	       "> node-b  az-2        90          1.5 s  eligible\n"
	       "\n"
	       "  CHECK       TYPE  STATE    AGE  TOOK  RESULT\n"
	       "  proxy       http  up     0.7 s  3 ms  200\n"
	       "  docservice  http  up     0.2 s  1 ms  200\n"
	       "\n"
	       "> here  node-b in az-2, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

static void test_problems_come_first_and_whole(void)
{
	expect(answer("/state", "\"degraded\"", "/problems",
		      "[\"node-b is not eligible: check proxy is down: timeout: no first byte "
		      "within 4000 ms, so nobody could take over from node-a\",\"somebody removed "
		      "10.0.0.100/24 from eth0 2 times\"]",
		      "/groups/0/degraded", "true", "/groups/0/vips/0/repairs", "2",
		      "/members/1/eligible", "false", "/members/1/reason",
		      "\"check proxy is down: timeout\"", "/checks/0/state", "\"down\"",
		      "/checks/0/reason", "\"timeout\"", "/checks/0/seen",
		      "\"no first byte within 4000 ms of http://127.0.0.1/healthcheck\"",
		      "/checks/0/took_ms", "4000", "/checks/1/state", "\"unknown\"",
		      "/checks/1/reason", "\"not asked yet\"", "/checks/1/seen", "null",
		      "/checks/1/took_ms", "null", "/checks/1/age_ms", "null", NULL),
	       PAGE_80,
	       "DEGRADED: node-b is not eligible: check proxy is down: timeout: no first byte\n"
	       "            within 4000 ms, so nobody could take over from node-a\n"
	       "          somebody removed 10.0.0.100/24 from eth0 2 times\n"
	       "\n"
	       "  GROUP   HOLDER  ZONE  EPOCH    FOR  HOLD        HERE\n"
	       "  office  node-a  az-1      7  1m 1s  2.7 s left  active, degraded\n"
	       "          took over: node-b silent for 3030 ms\n"
	       "\n"
	       "  VIP            GROUP   INTERFACE  STATE  ANNOUNCED  NOTE\n"
	       "  10.0.0.100/24  office  eth0       up     0.9 s ago  put back 2 times\n"
	       "\n"
	       "  MEMBER  ZONE  PRIORITY  HOLDS    SEEN  STATE\n"
	       "> node-a  az-1       100  office  0.4 s  eligible\n"
	       "  node-b  az-2        90          1.5 s  not eligible\n"
	       "          check proxy is down: timeout\n"
	       "\n"
	       "  CHECK       TYPE  STATE      AGE   TOOK  RESULT\n"
	       "  proxy       http  down     0.7 s  4.0 s  timeout\n"
	       "              no first byte within 4000 ms of http://127.0.0.1/healthcheck\n"
	       "  docservice  http  unknown      -      -  not asked yet\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

static void test_a_group_that_nobody_holds_is_critical(void)
{
	expect(answer("/state", "\"critical\"", "/problems",
		      "[\"nobody holds office: no member is eligible\"]", "/groups/0/role",
		      "\"standby\"", "/groups/0/cause", "\"no member is eligible\"",
		      "/groups/0/holder", "null", "/groups/0/holder_zone", "null",
		      "/groups/0/epoch", "null", "/groups/0/kind", "\"released\"",
		      "/groups/0/acquired_at", "null", "/groups/0/hold_left_ms", "null",
		      "/groups/0/silent_ms", "4000", "/groups/0/vips/0/up", "false",
		      "/groups/0/vips/0/announced_ms", "null", "/members/0/holds", "[]",
		      "/members/0/eligible", "false", "/members/0/reason",
		      "\"check docservice is down: refused\"", "/members/1/groups/office",
		      "{\"eligible\":false,\"reason\":\"check proxy is down: timeout\"}", NULL),
	       PAGE_80,
	       "CRITICAL: nobody holds office: no member is eligible\n"
	       "\n"
	       "  GROUP   HOLDER  HERE\n"
	       "  office  nobody  standby\n"
	       "          no member is eligible\n"
	       "\n"
	       "  VIP            GROUP   INTERFACE  STATE\n"
	       "  10.0.0.100/24  office  eth0       not here\n"
	       "\n"
	       "  MEMBER  ZONE  PRIORITY   SEEN  STATE\n"
	       "> node-a  az-1       100  0.4 s  not eligible\n"
	       "          check docservice is down: refused\n"
	       "  node-b  az-2        90  1.5 s  not for office\n"
	       "          check proxy is down: timeout\n"
	       "\n"
	       "  CHECK       TYPE  STATE    AGE  TOOK  RESULT\n"
	       "  proxy       http  up     0.7 s  3 ms  200\n"
	       "  docservice  http  up     0.2 s  1 ms  200\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

static void test_a_silent_holder_is_called_silent(void)
{
	expect(answer("/state", "\"degraded\"", "/groups/0/role", "\"acquiring\"",
		      "/groups/0/cause", "\"node-b silent for 3030 ms\"", "/groups/0/holder",
		      "\"node-b\"", "/groups/0/holder_zone", "\"az-2\"", "/groups/0/hold_left_ms",
		      "null", "/groups/0/silent_ms", "3030", "/groups/0/vips/0/up", "false",
		      "/groups/0/vips/0/announced_ms", "null", "/members/0/holds", "[]", "/members",
		      "[]", "/checks", "[]", NULL),
	       PAGE_80,
	       "DEGRADED: office: node-b is silent\n"
	       "\n"
	       "  GROUP   HOLDER  ZONE  EPOCH    FOR  HOLD              HERE\n"
	       "  office  node-b  az-2      7  1m 1s  silent for 3.0 s  acquiring\n"
	       "          node-b silent for 3030 ms\n"
	       "\n"
	       "  VIP            GROUP   INTERFACE  STATE\n"
	       "  10.0.0.100/24  office  eth0       not here\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

static void test_an_offer_is_not_a_holder(void)
{
	expect(answer("/state", "\"degraded\"", "/groups/0/role", "\"handing_over\"",
		      "/groups/0/cause", "\"asked by root\"", "/groups/0/holder", "\"node-b\"",
		      "/groups/0/holder_zone", "\"az-2\"", "/groups/0/kind", "\"offered\"",
		      "/groups/0/hold_left_ms", "null", "/groups/0/vips/0/up", "false",
		      "/groups/0/vips/0/announced_ms", "null", "/members", "[]", "/checks", "[]",
		      NULL),
	       PAGE_80,
	       "DEGRADED: office: offered to node-b\n"
	       "\n"
	       "  GROUP   HOLDER  ZONE  EPOCH    FOR  HOLD     HERE\n"
	       "  office  node-b  az-2      7  1m 1s  offered  handing over\n"
	       "          asked by root\n"
	       "\n"
	       "  VIP            GROUP   INTERFACE  STATE\n"
	       "  10.0.0.100/24  office  eth0       not here\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

static void test_a_pause_says_by_whom_and_why(void)
{
	expect(answer("/paused",
		      "{\"by\":\"root\",\"at\":\"2026-01-31T11:50:00Z\",\"reason\":\"replacing the "
		      "switch of rack 4, which takes until the evening, says the provider\"}",
		      "/members", "[]", "/checks", "[]", NULL),
	       PAGE_80,
	       "office: node-a holds, fine\n"
	       "PAUSED by root since 2026-01-31 11:50:00 UTC: replacing the switch of rack 4,\n"
	       "         which takes until the evening, says the provider\n"
	       "\n"
	       "  GROUP   HOLDER  ZONE  EPOCH    FOR  HOLD        HERE\n"
	       "  office  node-a  az-1      7  1m 1s  2.7 s left  active\n"
	       "          took over: node-b silent for 3030 ms\n"
	       "\n"
	       "  VIP            GROUP   INTERFACE  STATE  ANNOUNCED\n"
	       "  10.0.0.100/24  office  eth0       up     0.9 s ago\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

/* What the screen ends with in the next test. */
#define REST                                                                                       \
	"\n"                                                                                       \
	"  GROUP   HOLDER  ZONE  EPOCH    FOR  HOLD        HERE\n"                                 \
	"  office  node-a  az-1      7  1m 1s  2.7 s left  active\n"                               \
	"          took over: node-b silent for 3030 ms\n"                                         \
	"\n"                                                                                       \
	"  VIP            GROUP   INTERFACE  STATE  ANNOUNCED\n"                                   \
	"  10.0.0.100/24  office  eth0       up     0.9 s ago\n"                                   \
	"\n"                                                                                       \
	"> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"                  \
	"  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n"

static void test_a_repair_is_shown_while_something_is_wrong(void)
{
	static const char hung[] =
		"{\"summary\":\"proxy hung\",\"confidence\":\"certain\",\"remedy\":\"x\"}";
	static const char waits[] = "{\"running\":false,\"waits_for\":\"paused: nothing is "
				    "touched\",\"last\":null}";
	expect(answer("/diagnosis", hung, "/repair", waits, "/members", "[]", "/checks", "[]",
		      NULL),
	       PAGE_80,
	       "office: node-a holds, fine\n"
	       "DIAGNOSIS proxy hung (certain); x\n"
	       "REPAIR paused: nothing is touched\n" REST);
	expect(answer("/diagnosis", hung, "/repair",
		      "{\"running\":false,\"waits_for\":\"backs off\",\"last\":{\"commands\":"
		      "\"docker restart ds\",\"error\":\"no API\"}}",
		      "/members", "[]", "/checks", "[]", NULL),
	       PAGE_80,
	       "office: node-a holds, fine\n"
	       "DIAGNOSIS proxy hung (certain); x\n"
	       "REPAIR backs off; last: docker restart ds, failed: no API\n" REST);
	expect(answer("/repair",
		      "{\"running\":true,\"waits_for\":null,\"last\":{\"commands\":\"docker "
		      "restart ds\",\"error\":null}}",
		      "/members", "[]", "/checks", "[]", NULL),
	       PAGE_80,
	       "office: node-a holds, fine\n"
	       "REPAIR docker restart ds\n" REST);
	expect(answer("/repair", waits, "/members", "[]", "/checks", "[]", NULL), PAGE_80,
	       "office: node-a holds, fine\n" REST);
}

static void test_a_lost_etcd_shows_what_it_said_last(void)
{
	expect(answer("/state", "\"degraded\"", "/problems",
		      "[\"etcd has not answered for 2.1 s: the address goes in 0.6 s\"]",
		      "/groups/0/hold_left_ms", "612", "/etcd/connected", "false",
		      "/etcd/answered_ms", "2100", "/etcd/error",
		      "\"connect to 10.0.1.11:2379: Connection refused\"", "/members", "[]",
		      "/checks", "[]", NULL),
	       PAGE_80,
	       "DEGRADED: etcd has not answered for 2.1 s: the address goes in 0.6 s\n"
	       "\n"
	       "  GROUP   HOLDER  ZONE  EPOCH    FOR  HOLD        HERE\n"
	       "  office  node-a  az-1      7  1m 1s  0.6 s left  active\n"
	       "          took over: node-b silent for 3030 ms\n"
	       "\n"
	       "  VIP            GROUP   INTERFACE  STATE  ANNOUNCED\n"
	       "  10.0.0.100/24  office  eth0       up     0.9 s ago\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  not connected; http://10.0.1.11:2379 last answered 2.1 s ago\n"
	       "        connect to 10.0.1.11:2379: Connection refused\n");
}

static void test_an_etcd_that_never_answered_is_called_so(void)
{
	expect(answer("/state", "\"critical\"", "/problems", "[\"no etcd member answers\"]",
		      "/groups", "[]", "/members", "[]", "/checks", "[]", "/etcd/connected",
		      "false", "/etcd/answered_ms", "null", "/etcd/endpoint", "null", NULL),
	       PAGE_80,
	       "CRITICAL: no etcd member answers\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  not connected; no answer yet\n");
}

static void test_several_groups_share_the_tables(void)
{
	expect(answer("/groups/-",
		      "{\"name\":\"files\",\"role\":\"standby\",\"cause\":\"started\",\"holder\":"
		      "\"node-b\",\"holder_zone\":\"az-2\",\"zones\":\"spread\",\"kind\":\"taken\","
		      "\"epoch\":12,\"ttl_ms\":3000,\"acquired_at\":\"2026-01-25T11:00:00Z\","
		      "\"hold_left_ms\":null,"
		      "\"silent_ms\":20,\"degraded\":false,\"vips\":[{\"address\":\"fd00::101/"
		      "64\",\"interface\":\"eth0\",\"up\":false,\"announced_ms\":null}]}",
		      "/members/1/holds", "[\"files\"]", "/checks", "[]", NULL),
	       PAGE_80,
	       "office: node-a holds, files: node-b holds, fine\n"
	       "\n"
	       "  GROUP   HOLDER  ZONE          EPOCH    FOR  HOLD             HERE\n"
	       "  office  node-a  az-1              7  1m 1s  2.7 s left       active\n"
	       "          took over: node-b silent for 3030 ms\n"
	       "  files   node-b  az-2, spread     12  6d 1h  heard 0.0 s ago  standby\n"
	       "          started\n"
	       "\n"
	       "  VIP            GROUP   INTERFACE  STATE     ANNOUNCED\n"
	       "  10.0.0.100/24  office  eth0       up        0.9 s ago\n"
	       "  fd00::101/64   files   eth0       not here\n"
	       "\n"
	       "  MEMBER  ZONE  PRIORITY  HOLDS    SEEN  STATE\n"
	       "> node-a  az-1       100  office  0.4 s  eligible\n"
	       "  node-b  az-2        90  files   1.5 s  eligible\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

static void test_long_names_are_clipped(void)
{
	expect(long_answer(), PAGE_80,
	       "DEGRADED: a sentence that is longer than the line, as the sentences of agents\n"
	       "            tend to be when they say what broke, where, and what would help\n"
	       "\n"
	       "  GROUP               HOLDER              ZONE  EPOCH    FOR  HOLD        HERE\n"
	       "  a-group-with-a-...  document-server...  az-1      7  1m 1s  2.7 s left  active\n"
	       "                      took over:\n"
	       "                        document-server-16.fra1.internal.example.company.com\n"
	       "                        silent for 3030 ms, then 12 ms for the claim\n"
	       "\n"
	       "  VIP                   GROUP                 INTERFACE         STATE  ANNOUNCED\n"
	       "  2001:db8:1234:567...  a-group-with-a-na...  enp129s0f0np0.42  up     0.9 s ago\n"
	       "\n"
	       "  MEMBER               ZONE                PRIORITY  HOLDS    SEEN  STATE\n"
	       "> document-server-...  europe-central-...       100  office  0.4 s  eligible\n"
	       "  node-b               az-2                      90          1.5 s  not eligible\n"
	       "                       check proxy is down: timeout: no first byte within 4000\n"
	       "                         ms, and before that connection refused\n"
	       "\n"
	       "  CHECK                                         TYPE  STATE    AGE  TOOK  RESULT\n"
	       "  a-check-with-a-name-that-somebody-thought...  http  up     0.7 s  3 ms  200\n"
	       "  docservice                                    http  up     0.2 s  1 ms  200\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

static void test_hostile_texts_are_shown_in_hex(void)
{
	expect(answer("/state", "\"degraded\"", "/problems", "[\"\\u001b[2Jgone\\u0007\"]",
		      "/groups/0/name", "\"off\\u001b[31mice\"", "/groups/0/cause",
		      "\"line one\\nline two\\u009b31m\"", "/members", "[]", "/checks/0/seen",
		      "\"\\u202edrawkcab\"", "/checks/1/seen",
		      "\"OK \\u0443\\u0437\\u0435\\u043b\"", NULL),
	       PAGE_80,
	       "DEGRADED: \\x1b[2Jgone\\x07\n"
	       "\n"
	       "  GROUP           HOLDER  ZONE  EPOCH    FOR  HOLD        HERE\n"
	       "  off\\x1b[31mice  node-a  az-1      7  1m 1s  2.7 s left  active\n"
	       "                  line one line two\\xc2\\x9b31m\n"
	       "\n"
	       "  VIP            GROUP           INTERFACE  STATE  ANNOUNCED\n"
	       "  10.0.0.100/24  off\\x1b[31mice  eth0       up     0.9 s ago\n"
	       "\n"
	       "  CHECK       TYPE  STATE    AGE  TOOK  RESULT\n"
	       "  proxy       http  up     0.7 s  3 ms  \\xe2\\x80\\xaedrawkcab\n"
	       "  docservice  http  up     0.2 s  1 ms  OK узел\n"
	       "\n"
	       "> here  node-a in az-1, agent 0.1.0 up 1h 2m, 2026-01-31 12:00:00 UTC\n"
	       "  etcd  http://10.0.1.11:2379 answered 0.1 s ago\n");
}

static void test_an_empty_answer_is_an_unknown_state(void)
{
	expect(parse("{}"), PAGE_80, "UNKNOWN STATE: no groups\n");
}

static void test_an_answer_of_another_version_shows_what_it_can(void)
{
	expect(parse("{\"version\":9,\"state\":\"splendid\",\"groups\":[{},null,7],\"members\":[{"
		     "\"node\":\"node-a\"}],\"checks\":[{\"name\":\"proxy\"}],\"agent\":{},"
		     "\"etcd\":{}}"),
	       PAGE_80,
	       "UNKNOWN STATE: ?: nobody holds, ?: nobody holds, ?: nobody holds\n"
	       "\n"
	       "  GROUP  HOLDER  HERE\n"
	       "  ?      nobody  ?\n"
	       "  ?      nobody  ?\n"
	       "  ?      nobody  ?\n"
	       "\n"
	       "  MEMBER  SEEN  STATE\n"
	       "  node-a     -  ?\n"
	       "\n"
	       "  CHECK  STATE  AGE  TOOK\n"
	       "  proxy  ?        -     -\n"
	       "\n"
	       "> here  ? in ?, agent ? up -, ?\n"
	       "  etcd  not connected; no answer yet\n");
}

static void test_colour_marks_what_matters(void)
{
	expect(answer("/checks/1/state", "\"down\"", "/checks/1/reason", "\"refused\"",
		      "/checks/1/seen", "\"connect: Connection refused\"", NULL),
	       &(struct page){.width = 80, .colour = true},
	       "\033[32moffice: node-a holds, fine\033[0m\n"
	       "\n"
	       "  \033[2mGROUP\033[0m   \033[2mHOLDER\033[0m  \033[2mZONE\033[0m  "
	       "\033[2mEPOCH\033[0m    \033[2mFOR\033[0m  \033[2mHOLD\033[0m        "
	       "\033[2mHERE\033[0m\n"
	       "  office  \033[1mnode-a\033[0m  az-1      7  1m 1s  2.7 s left  "
	       "\033[32mactive\033[0m\n"
	       "          \033[2mtook over: node-b silent for 3030 ms\033[0m\n"
	       "\n"
	       "  \033[2mVIP\033[0m            \033[2mGROUP\033[0m   \033[2mINTERFACE\033[0m  "
	       "\033[2mSTATE\033[0m  \033[2mANNOUNCED\033[0m\n"
	       "  \033[1m10.0.0.100/24\033[0m  office  eth0       \033[32mup\033[0m     0.9 s ago\n"
	       "\n"
	       "  \033[2mMEMBER\033[0m  \033[2mZONE\033[0m  \033[2mPRIORITY\033[0m  "
	       "\033[2mHOLDS\033[0m    \033[2mSEEN\033[0m  \033[2mSTATE\033[0m\n"
	       "\033[1m>\033[0m \033[1mnode-a\033[0m  az-1       100  office  0.4 s  "
	       "\033[32meligible\033[0m\n"
	       "  node-b  az-2        90          1.5 s  \033[32meligible\033[0m\n"
	       "\n"
	       "  \033[2mCHECK\033[0m       \033[2mTYPE\033[0m  \033[2mSTATE\033[0m    "
	       "\033[2mAGE\033[0m  \033[2mTOOK\033[0m  \033[2mRESULT\033[0m\n"
	       "  proxy       http  \033[32mup\033[0m     0.7 s  3 ms  200\n"
	       "  docservice  http  \033[31mdown\033[0m   0.2 s  1 ms  \033[33mrefused\033[0m\n"
	       "              \033[33mconnect: Connection refused\033[0m\n"
	       "\n"
	       "\033[1m>\033[0m \033[2mhere\033[0m  \033[2mnode-a in az-1, agent 0.1.0 up 1h 2m, "
	       "2026-01-31 12:00:00 UTC\033[0m\n"
	       "  \033[2metcd\033[0m  \033[2mhttp://10.0.1.11:2379 answered 0.1 s ago\033[0m\n");
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{"a cluster that is well is shown calmly",
		 test_a_cluster_that_is_well_is_shown_calmly},
		{"a standby shows the holder that it hears",
		 test_a_standby_shows_the_holder_that_it_hears},
		{"problems come first, and whole", test_problems_come_first_and_whole},
		{"a group that nobody holds is critical",
		 test_a_group_that_nobody_holds_is_critical},
		{"a silent holder is called silent", test_a_silent_holder_is_called_silent},
		{"an offer is not a holder", test_an_offer_is_not_a_holder},
		{"a pause says by whom and why", test_a_pause_says_by_whom_and_why},
		{"a repair is shown while something is wrong",
		 test_a_repair_is_shown_while_something_is_wrong},
		{"a lost etcd shows what it said last", test_a_lost_etcd_shows_what_it_said_last},
		{"an etcd that never answered is called so",
		 test_an_etcd_that_never_answered_is_called_so},
		{"several groups share the tables", test_several_groups_share_the_tables},
		{"long names are clipped", test_long_names_are_clipped},
		{"hostile texts are shown in hex", test_hostile_texts_are_shown_in_hex},
		{"an empty answer is an unknown state", test_an_empty_answer_is_an_unknown_state},
		{"an answer of another version shows what it can",
		 test_an_answer_of_another_version_shows_what_it_can},
		{"colour marks what matters", test_colour_marks_what_matters},
		CU_TEST_INFO_NULL,
	};
	return run_suite("ooha's screens", tests);
}
