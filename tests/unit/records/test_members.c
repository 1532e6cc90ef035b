/* Members, pauses and times: what we make of what others wrote into etcd. */
#include "records.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "../event/testing.h"

#define NAME_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static const char *const groups[] = {"office", "mail"};

static int read_member(const char *node, const char *value, struct oo_member *member,
		       struct oo_err *err)
{
	return oo_record_read_member(node, value, groups, OO_LENGTH(groups), member, err);
}

static void test_a_member_reads_back(void)
{
	struct oo_member member;
	struct oo_err err;
	CU_ASSERT_EQUAL(
		read_member("node-b",
			    "{\"version\":1,\"node\":\"node-b\",\"zone\":\"az-2\",\"priority\":90,"
			    "\"groups\":{\"office\":{\"eligible\":false,\"stranded\":true,"
			    "\"reason\":\"check proxy "
			    "down\"},"
			    "\"mail\":{\"eligible\":true,\"reason\":null,\"ailing\":3}},"
			    "\"shared_down\":[\"database\",7,\"-\",\"broker\"],\"eligible\":false,"
			    "\"reason\":\"check proxy down\",\"checks\":{\"proxy\":\"down\"},"
			    "\"agent_version\":\"0.1.0\",\"api\":\"127.0.0.1:8009\"}",
			    &member, &err),
		0);
	CU_ASSERT_STRING_EQUAL(member.node, "node-b");
	CU_ASSERT_STRING_EQUAL(member.zone, "az-2");
	CU_ASSERT_EQUAL(member.priority, 90);
	CU_ASSERT_FALSE(member.eligible);
	CU_ASSERT_EQUAL(member.groups, 1u << 1);
	CU_ASSERT_EQUAL(member.ailing[0], 0);
	CU_ASSERT_EQUAL(member.ailing[1], 3);
	CU_ASSERT_EQUAL(member.stranded, 1u << 0);
	CU_ASSERT_EQUAL_FATAL(member.n_fails, 2);
	CU_ASSERT_STRING_EQUAL(member.fails[0], "database");
	CU_ASSERT_STRING_EQUAL(member.fails[1], "broker");
	CU_ASSERT_STRING_EQUAL(member.reason, "check proxy down");
	CU_ASSERT_STRING_EQUAL(member.agent_version, "0.1.0");
	CU_ASSERT_STRING_EQUAL(member.api, "127.0.0.1:8009");
	CU_ASSERT_EQUAL(member.mod_revision, 0);
}

/* Before optional and shared checks and neighbours were told, and as a next version might tell them. */
static void test_a_member_of_a_neighbouring_version_is_one(void)
{
	static const char *const rows[] = {
		"{\"version\":1,\"node\":\"node-b\",\"zone\":\"az-2\",\"priority\":90,\"groups\":"
		"{\"office\":{\"eligible\":true,\"reason\":null}},\"eligible\":true}",
		"{\"version\":2,\"node\":\"node-b\",\"zone\":\"az-2\",\"priority\":90,\"groups\":"
		"{\"office\":{\"eligible\":true,\"weight\":[1,2],\"ailing\":{\"n\":3}},\"new\":7},"
		"\"eligible\":true,\"sees\":[{\"address\":\"10.0.0.100\"}],\"shared_down\":{\"a\":"
		"1},"
		"\"reason\":{\"code\":4},\"load\":0.5}",
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_member member;
		struct oo_err err;
		CU_ASSERT_EQUAL_FATAL(read_member("node-b", rows[i], &member, &err), 0);
		CU_ASSERT_STRING_EQUAL(member.zone, "az-2");
		CU_ASSERT_EQUAL(member.priority, 90);
		CU_ASSERT_TRUE(member.eligible);
		CU_ASSERT_EQUAL(member.groups, 1u << 0);
		CU_ASSERT_EQUAL(member.stranded, 0);
		CU_ASSERT_EQUAL(member.ailing[0], 0);
		CU_ASSERT_EQUAL(member.n_fails, 0);
		CU_ASSERT_EQUAL(member.n_sees, 0);
	}
}

static void test_a_member_that_says_little_is_eligible_for_nothing(void)
{
	static const char *const rows[] = {
		"{\"node\":\"node-b\"}",
		"{\"node\":\"node-b\",\"groups\":null,\"eligible\":1,\"priority\":\"9\"}",
		"{\"node\":\"node-b\",\"groups\":[\"office\"],\"eligible\":\"true\"}",
		"{\"node\":\"node-b\",\"groups\":{\"office\":true},\"zone\":[],\"reason\":{}}",
		"{\"node\":\"node-b\",\"groups\":{\"office\":{\"eligible\":\"true\"}}}",
		"{\"node\":\"node-b\",\"groups\":{\"other\":{\"eligible\":true}}}",
		"{\"node\":\"node-b\",\"groups\":{\"office\":{\"eligible\":0}},\"priority\":-1}",
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_member member;
		struct oo_err err;
		memset(&member, 0x5a, sizeof(member));
		CU_ASSERT_EQUAL(read_member("node-b", rows[i], &member, &err), 0);
		CU_ASSERT_EQUAL(member.groups, 0);
		CU_ASSERT_FALSE(member.eligible);
		CU_ASSERT_EQUAL(member.priority, 0);
		CU_ASSERT_STRING_EQUAL(member.zone, "");
		CU_ASSERT_STRING_EQUAL(member.reason, "");
		CU_ASSERT_STRING_EQUAL(member.api, "");
	}
}

static void test_what_a_member_sees_is_read(void)
{
	struct oo_member member;
	CU_ASSERT_EQUAL(read_member("node-b",
				    "{\"node\":\"node-b\",\"sees\":{"
				    "\"10.0.0.100\":\"02:00:00:00:00:17\",\"10.0.0.101\":null,"
				    "\"fd00::100\":\"02:00:00:00:ab:cd\"}}",
				    &member, NULL),
			0);
	CU_ASSERT_EQUAL_FATAL(member.n_sees, 2);
	CU_ASSERT_STRING_EQUAL(member.sees[0].address, "10.0.0.100");
	CU_ASSERT_STRING_EQUAL(member.sees[0].mac, "02:00:00:00:00:17");
	CU_ASSERT_STRING_EQUAL(member.sees[1].address, "fd00::100");
	CU_ASSERT_STRING_EQUAL(member.sees[1].mac, "02:00:00:00:ab:cd");
}

static void test_what_is_no_address_with_a_mac_is_not_seen(void)
{
	static const char *const rows[] = {
		"[]",
		"null",
		"{\"10.0.0.100\":1}",
		"{\"10.0.0.100\":[\"02:00:00:00:00:17\"]}",
		"{\"10.0.0.100\":\"\"}",
		"{\"10.0.0.100\":\"02:00:00:00:00:1\"}",
		"{\"10.0.0.100\":\"02:00:00:00:00:17:18\"}",
		"{\"10.0.0.100\":\"02:00:00:00:00:1G\"}",
		"{\"10.0.0.100\":\"02-00-00-00-00-17\"}",
		"{\"\":\"02:00:00:00:00:17\"}",
		"{\"10.0.0.100\\u001b[2J\":\"02:00:00:00:00:17\"}",
		"{\"0000:0000:0000:0000:0000:0000:0000:0000:0000:00\":\"02:00:00:00:00:17\"}",
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_member member;
		char value[256];
		snprintf(value, sizeof(value), "{\"node\":\"node-b\",\"sees\":%s}", rows[i]);
		CU_ASSERT_EQUAL(read_member("node-b", value, &member, NULL), 0);
		CU_ASSERT_EQUAL(member.n_sees, 0);
	}
}

static void test_a_member_that_sees_too_much_is_cut_short(void)
{
	struct oo_member member;
	char value[8192];
	int n = snprintf(value, sizeof(value), "{\"node\":\"node-b\",\"sees\":{");
	for (int i = 0; i < OO_MEMBER_SEES_MAX + 5; i++) {
		n += snprintf(value + n, sizeof(value) - (size_t)n,
			      "%s\"10.0.0.%d\":\"02:00:00:00:00:17\"", i == 0 ? "" : ",", i + 1);
	}
	snprintf(value + n, sizeof(value) - (size_t)n, "}}");
	CU_ASSERT_EQUAL(read_member("node-b", value, &member, NULL), 0);
	CU_ASSERT_EQUAL(member.n_sees, OO_MEMBER_SEES_MAX);
}

static void test_a_members_priority_stays_in_range(void)
{
	static const struct {
		const char *value;
		int priority;
	} rows[] = {
		{"{\"node\":\"node-b\",\"priority\":1000}", 1000},
		{"{\"node\":\"node-b\",\"priority\":1001}", 1000},
		{"{\"node\":\"node-b\",\"priority\":4294967396}", 1000},
		{"{\"node\":\"node-b\",\"priority\":18446744073709551615}", 1000},
		{"{\"node\":\"node-b\",\"priority\":-9223372036854775808}", 0},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_member member;
		CU_ASSERT_EQUAL(read_member("node-b", rows[i].value, &member, NULL), 0);
		CU_ASSERT_EQUAL(member.priority, rows[i].priority);
	}
}

#define NO_NAME                                                                                    \
	": not a node's name: 1 to 63 of letters, digits, '.', '_' and '-', a letter or digit "    \
	"first"

static void test_a_member_that_cannot_be_read_is_refused_with_the_reason(void)
{
	static const struct {
		const char *node, *value, *text;
	} rows[] = {
		{"node-b", "", "members/node-b: not a JSON object"},
		{"node-b", "x", "members/node-b: not a JSON object"},
		{"node-b", "[]", "members/node-b: not a JSON object"},
		{"node-b", "null", "members/node-b: not a JSON object"},
		{"node-b", "{\"node\":\"node-b\"", "members/node-b: not a JSON object"},
		{"node-b", "{\"node\":\"node-b\"}x", "members/node-b: not a JSON object"},
		{"node-b", "{\"node\":\"node-b\",\"zone\":\"\xff\"}",
		 "members/node-b: not a JSON object"},
		{"node-b", "{\"node\":\"node-b\",\"x\":[[[[[[[[[[[[]]]]]]]]]]]]}",
		 "members/node-b: not a JSON object"},
		{"node-b", "{}", "members/node-b: \"node\" is ''; it must be the key's"},
		{"node-b", "{\"node\":7}", "members/node-b: \"node\" is ''; it must be the key's"},
		{"node-b", "{\"node\":\"node-b\\u0000\"}",
		 "members/node-b: \"node\" is ''; it must be the key's"},
		{"node-b", "{\"node\":\"node-c\"}",
		 "members/node-b: \"node\" is 'node-c'; it must be the key's"},
		{"node-b", "{\"node\":\"a\\n\\u001b[2J\"}",
		 "members/node-b: \"node\" is 'a??[2J'; it must be the key's"},
		{"node-b", "{\"node\":\"" NAME_63 "lmnopq\"}",
		 "members/node-b: \"node\" is '" NAME_63 "'; it must be the key's"},
		{"", "{\"node\":\"\"}", "members/" NO_NAME},
		{"a b", "{\"node\":\"a b\"}", "members/a b" NO_NAME},
		{"a\nb", "{\"node\":\"a\\nb\"}", "members/a?b" NO_NAME},
		{"-a", "{\"node\":\"-a\"}", "members/-a" NO_NAME},
		{"a/b", "{\"node\":\"a/b\"}", "members/a/b" NO_NAME},
		{NAME_63 "l", "{\"node\":\"" NAME_63 "l\"}", "members/" NAME_63 NO_NAME},
	};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_member member = {.priority = -7};
		struct oo_err err = {0};
		CU_ASSERT_EQUAL(read_member(rows[i].node, rows[i].value, &member, &err), -EPROTO);
		CU_ASSERT_STRING_EQUAL(err.text, rows[i].text);
		CU_ASSERT_EQUAL(member.priority, -7); /* untouched */
	}
}

static void test_long_texts_of_a_member_are_clipped_between_characters(void)
{
	char value[1200] = "{\"node\":\"node-b\",\"reason\":\"x";
	struct oo_member member;
	for (int i = 0; i < 200; i++) {
		strcat(value, "\xe2\x82\xac"); /* a euro sign: three bytes */
	}
	strcat(value, "\"}");
	CU_ASSERT_EQUAL(read_member("node-b", value, &member, NULL), 0);
	CU_ASSERT_EQUAL(strlen(member.reason), 1 + (OO_REASON_LENGTH - 2) / 3 * 3);
}

static void test_a_pause_says_who_when_and_why(void)
{
	struct oo_decree pause;
	oo_record_read_decree(
		"{\"by\":\"ann\",\"at\":\"2026-01-31T12:00:00Z\",\"reason\":\"works\"}", &pause);
	CU_ASSERT_STRING_EQUAL(pause.by, "ann");
	CU_ASSERT_STRING_EQUAL(pause.at, "2026-01-31T12:00:00Z");
	CU_ASSERT_STRING_EQUAL(pause.reason, "works");
}

static void test_a_pause_that_cannot_be_read_is_empty(void)
{
	static const char *const rows[] = {"", "yes", "[]", "{\"by\":7,\"at\":{},\"reason\":null}"};
	for (size_t i = 0; i < OO_LENGTH(rows); i++) {
		struct oo_decree pause;
		memset(&pause, 0x5a, sizeof(pause));
		oo_record_read_decree(rows[i], &pause);
		CU_ASSERT_STRING_EQUAL(pause.by, "");
		CU_ASSERT_STRING_EQUAL(pause.at, "");
		CU_ASSERT_STRING_EQUAL(pause.reason, "");
	}
}

static void test_a_time_is_rfc_3339_with_milliseconds(void)
{
	char text[32];
	oo_record_time(INT64_C(1769860800123), text);
	CU_ASSERT_STRING_EQUAL(text, "2026-01-31T12:00:00.123Z");
	oo_record_time(0, text);
	CU_ASSERT_STRING_EQUAL(text, "1970-01-01T00:00:00.000Z");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(a_member_reads_back),
		TEST(a_member_of_a_neighbouring_version_is_one),
		TEST(a_member_that_says_little_is_eligible_for_nothing),
		TEST(what_a_member_sees_is_read),
		TEST(what_is_no_address_with_a_mac_is_not_seen),
		TEST(a_member_that_sees_too_much_is_cut_short),
		TEST(a_members_priority_stays_in_range),
		TEST(a_member_that_cannot_be_read_is_refused_with_the_reason),
		TEST(long_texts_of_a_member_are_clipped_between_characters),
		TEST(a_pause_says_who_when_and_why),
		TEST(a_pause_that_cannot_be_read_is_empty),
		TEST(a_time_is_rfc_3339_with_milliseconds),
	};
	return run_tests("records: members", tests, OO_LENGTH(tests));
}
