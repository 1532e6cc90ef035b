/* The fence's tables beside other people's, and what becomes of them. In namespaces. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_net_fence_lab.h"

#define WAIT_MS 5000
#define LONG_MS 60000

static bool is_intact(const struct lab *lab)
{
	bool intact = false;
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_fence_check(lab->fence, &intact, &err), 0);
	EXPECT_TEXT(err.text, "");
	return intact;
}

/* Turns the loop until it has nothing more to do. */
static void settle(struct lab *lab)
{
	while (sd_event_run(lab->event, 0) > 0) {
	}
}

static void expect_open(struct lab *lab, bool vip4, bool vip6)
{
	CU_ASSERT_EQUAL(answers_of(lab, VIP4), vip4 ? ALL_ANSWER : 0);
	CU_ASSERT_EQUAL(answers_of(lab, VIP6), vip6 ? ALL_ANSWER : 0);
}

static void test_a_flushed_ruleset_is_told_and_put_back(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	const int64_t until = oo_clock_now() + LONG_MS;
	fence_open(&lab, VIP6, until);
	nft("flush ruleset");
	expect_open(&lab, true, true);
	CU_ASSERT_FALSE(is_intact(&lab));
	CU_ASSERT_TRUE(AWAIT(lab.event, lab.lost > 0, WAIT_MS));
	CU_ASSERT_EQUAL(oo_fence_restore(lab.fence, NULL), 0);
	expect_open(&lab, false, true);
	CU_ASSERT_TRUE(is_intact(&lab));
	const struct oo_address vip = address_of(VIP6);
	CU_ASSERT_EQUAL(oo_fence_until(lab.fence, &vip), until);
}

static void test_what_is_put_back_keeps_its_deadline(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	const int64_t until = oo_clock_now() + 300;
	fence_open(&lab, VIP4, until);
	nft("flush ruleset");
	CU_ASSERT_EQUAL(oo_fence_restore(lab.fence, NULL), 0);
	int64_t last_at = 0;
	while (oo_clock_now() < until + 50) {
		const int64_t asked_at = oo_clock_now();
		last_at = answers(&lab, PROBE_ARP, VIP4) ? asked_at : last_at;
	}
	CU_ASSERT_TRUE(last_at > until - 200 && last_at <= until + 5);
}

/* Each by itself is told; those that check looks at are found by it as well. */
static const struct {
	const char *command;
	bool found;
} meddlings[] = {
	{"delete table inet " FENCE, true},
	{"delete table arp " FENCE, true},
	{"flush chain inet " FENCE " input", true},
	{"flush chain arp " FENCE " output", true},
	{"flush chain arp " FENCE " output; delete chain arp " FENCE " output", true},
	{"add chain inet " FENCE " more", true},
	{"add chain arp " FENCE " more", true},
	{"add set arp " FENCE " more { type ipv4_addr; }", true},
	{"add table arp " FENCE " { flags dormant; }", true},
	{"add chain arp " FENCE " output { policy drop; }", true},
	{"insert rule inet " FENCE " prerouting accept", true},
	{"delete element inet " FENCE " vips4 { " VIP4 " }", true},
	{"delete element inet " FENCE " vips6 { " VIP6 " }", true},
	{"flush set arp " FENCE " vips4", true},
	{"add table inet " FENCE " { flags dormant; }", true},
	{"add set inet " FENCE " more { type ipv4_addr; }", true},
	{"flush ruleset; add table inet " FENCE "; add table arp " FENCE, true},
	{"add element inet " FENCE " held4 { " VIP4 " timeout 1h }", false},
	{"add element arp " FENCE " held4 { " VIP4 " }", false},
};

static void test_whatever_somebody_changes_is_told_and_put_right(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	for (size_t i = 0; i < OO_LENGTH(meddlings); i++) {
		CU_ASSERT_TRUE(is_intact(&lab));
		settle(&lab);
		CU_ASSERT_EQUAL(lab.lost, 0);
		nft(meddlings[i].command);
		if (!AWAIT(lab.event, lab.lost > 0, WAIT_MS) ||
		    is_intact(&lab) == meddlings[i].found) {
			printf("\n  %s: lost %u\n", meddlings[i].command, lab.lost);
			CU_FAIL("not as wanted");
		}
		CU_ASSERT_EQUAL(oo_fence_restore(lab.fence, NULL), 0);
		expect_open(&lab, false, false);
		lab.lost = 0;
	}
}

static void test_what_we_and_others_do_elsewhere_is_not_told(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	CU_ASSERT_EQUAL(oo_fence_restore(lab.fence, NULL), 0);
	nft("table inet ooha-tesu; table inet ooha; table inet " FENCE
	    "-b { set vips4 { type ipv4_addr; }; }\n"
	    "table ip " FENCE " { chain input { type filter hook input priority 0; }; }\n"
	    "add rule ip " FENCE " input accept\n"
	    "delete table ip " FENCE);
	settle(&lab);
	CU_ASSERT_EQUAL(lab.lost, 0);
	CU_ASSERT_TRUE(is_intact(&lab));
}

static void test_an_arming_puts_missing_tables_up_again(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	nft("flush ruleset");
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	expect_open(&lab, true, false);
	CU_ASSERT_TRUE(is_intact(&lab));
	nft("delete table arp " FENCE);
	fence_close(&lab, VIP4);
	expect_open(&lab, false, false);
	CU_ASSERT_TRUE(is_intact(&lab));
}

static void test_other_peoples_tables_are_left_alone(void)
{
	static const char others[] = "table inet filter {\n"
				     "\tset vips4 {\n"
				     "\t\ttype ipv4_addr\n"
				     "\t\telements = { 10.0.0.100 }\n"
				     "\t}\n"
				     "\n"
				     "\tchain input {\n"
				     "\t\ttype filter hook input priority filter; policy accept;\n"
				     "\t\tip daddr @vips4 counter packets 0 bytes 0 accept\n"
				     "\t}\n"
				     "}\n"
				     "table arp filter {\n"
				     "\tchain input {\n"
				     "\t\ttype filter hook input priority filter; policy accept;\n"
				     "\t}\n"
				     "}\n";
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	nft(others);
	fence_up(&lab, false);
	EXPECT_CONTAINS(nft_list("ruleset"), others);
	/* their accepting is not the last word: it counts nothing */
	CU_ASSERT_FALSE(answers(&lab, PROBE_ECHO, VIP4));
	CU_ASSERT_EQUAL(oo_fence_restore(lab.fence, NULL), 0);
	EXPECT_CONTAINS(nft_list("ruleset"), others);
	fence_down(&lab, true);
	EXPECT_TEXT(nft_list("ruleset"), others);
}

/* Whoever saves his ruleset saves ours: that must not make it useless. */
static void test_what_nft_lists_it_can_read_back(void)
{
	static char saved[65536];
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	snprintf(saved, sizeof(saved), "%s", nft_list("ruleset"));
	EXPECT_CONTAINS(saved, "table arp " FENCE " {");
	fence_down(&lab, true);
	nft(saved);
	EXPECT_TEXT(nft_list("ruleset"), saved);
	expect_open(&lab, false, false);
}

static void test_removing_leaves_nothing_and_not_removing_leaves_it_closing(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP4, oo_clock_now() + 200);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	fence_down(&lab, false);
	expect_open(&lab, true, true);
	const int64_t end = oo_clock_now() + WAIT_MS;
	while (answers(&lab, PROBE_ARP, VIP4) && oo_clock_now() < end) {
	}
	expect_open(&lab, false, true);
	fence_up(&lab, false);
	fence_down(&lab, true);
	EXPECT_TEXT(nft_list("ruleset"), "");
	expect_open(&lab, true, true);
	oo_fence_free(NULL, true);
}

static void test_two_names_are_two_fences(void)
{
	OO_AUTO(lab_done) struct lab lab;
	const struct oo_address vip = address_of(VIP6);
	const struct oo_fence_options options = {.name = FENCE "-b", .vips = &vip, .n = 1};
	struct oo_fence *other = NULL;
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	CU_ASSERT_EQUAL_FATAL(oo_fence_new(lab.event, &options, &other, NULL), 0);
	expect_open(&lab, true, false); /* one closes what the other does not */
	CU_ASSERT_EQUAL(oo_fence_open_until(other, &vip, 1, oo_clock_now() + LONG_MS, NULL), 0);
	expect_open(&lab, true, true);
	CU_ASSERT_EQUAL(oo_fence_restore(other, NULL), 0);
	oo_fence_free(other, true);
	settle(&lab);
	CU_ASSERT_EQUAL(lab.lost, 0);
	CU_ASSERT_TRUE(is_intact(&lab));
	expect_open(&lab, true, true);
}

static void test_a_next_agent_keeps_what_is_open_until_its_deadline(void)
{
	OO_AUTO(lab_done) struct lab lab;
	const struct oo_address vips[] = {address_of(VIP4), address_of(VIP6)};
	lab_init(&lab);
	fence_up(&lab, true); /* nothing there to be kept */
	expect_open(&lab, false, false);
	const int64_t until = oo_clock_now() + 400;
	fence_open(&lab, VIP4, until);
	fence_down(&lab, false);
	fence_up(&lab, true);
	const int64_t kept = oo_fence_until(lab.fence, &vips[0]);
	CU_ASSERT_TRUE(kept > until - 150 && kept <= until);
	CU_ASSERT_EQUAL(oo_fence_until(lab.fence, &vips[1]), 0);
	expect_open(&lab, true, false);
	int64_t last_at = 0;
	while (oo_clock_now() < until + 30) {
		const int64_t asked_at = oo_clock_now();
		last_at = answers(&lab, PROBE_ECHO, VIP4) ? asked_at : last_at;
	}
	CU_ASSERT_TRUE(last_at > until - 200 && last_at <= until);
}

/* The kernel tells what is left in jiffies: a tick too much each time would add up. */
static void test_keeping_again_and_again_never_adds_to_the_deadline(void)
{
	OO_AUTO(lab_done) struct lab lab;
	const struct oo_address vip = address_of(VIP4);
	lab_init(&lab);
	fence_up(&lab, false);
	int64_t before = oo_clock_now() + LONG_MS;
	fence_open(&lab, VIP4, before);
	for (int i = 0; i < 100; i++) {
		fence_down(&lab, false);
		/* over the phases of a tick */
		const int64_t later_us = oo_clock_now_us() + i * 137 % 4000;
		while (oo_clock_now_us() < later_us) {
		}
		fence_up(&lab, true);
		const int64_t kept = oo_fence_until(lab.fence, &vip);
		CU_ASSERT_TRUE(kept < before);
		before = kept;
	}
}

static void test_a_next_agent_that_does_not_keep_closes(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP4, oo_clock_now() + LONG_MS);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	fence_down(&lab, false);
	fence_up(&lab, false);
	expect_open(&lab, false, false);
}

/* What somebody holds open for ever is nobody's deadline. */
static void test_what_is_held_without_a_deadline_is_not_kept(void)
{
	OO_AUTO(lab_done) struct lab lab;
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	nft("add element inet " FENCE " held4 { " VIP4 " }");
	nft("add element arp " FENCE " held4 { " VIP4 " }");
	expect_open(&lab, true, true);
	fence_down(&lab, false);
	fence_up(&lab, true);
	expect_open(&lab, false, true);
}

static void test_a_next_agent_may_have_other_vips(void)
{
	OO_AUTO(lab_done) struct lab lab;
	const struct oo_address vips[] = {address_of(VIP6), address_of("10.0.0.200")};
	const struct oo_fence_options options = {
		.name = FENCE, .vips = vips, .n = OO_LENGTH(vips), .keep = true};
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP6, oo_clock_now() + LONG_MS);
	fence_down(&lab, false);
	CU_ASSERT_EQUAL_FATAL(oo_fence_new(lab.event, &options, &lab.fence, NULL), 0);
	ip("address add 10.0.0.200/24 dev eth0");
	expect_open(&lab, true, true); /* VIP4 is nobody's any more */
	CU_ASSERT_EQUAL(answers_of(&lab, "10.0.0.200"), 0);
}

static void test_names_and_vips_that_cannot_be_are_refused(void)
{
	static const char too_long[] = "a123456789012345678901234567890123456789012345678901234567"
				       "8901234567890123456789012345678901234567890123456789012345"
				       "678901234567";
	static const char *const bad[] = {"",      "1ooha",       "-ooha", "oo ha",
					  "oo;ha", "ooh\xc3\xa4", "oo\"ha"};
	OO_AUTO(lab_done) struct lab lab;
	const struct oo_address twice[] = {address_of("10.0.0.7/24"), address_of(VIP4),
					   address_of("10.0.0.7/32")};
	struct oo_fence *fence = NULL;
	struct oo_err err = {""};
	lab_init(&lab);
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		const struct oo_fence_options options = {.name = bad[i], .vips = twice, .n = 1};
		CU_ASSERT_EQUAL(oo_fence_new(lab.event, &options, &fence, &err), -EINVAL);
	}
	EXPECT_TEXT(err.text, "\"oo\"ha\" cannot name a fence: give a letter, then at most 126 "
			      "letters, digits, '_', '-' and '.'");
	struct oo_fence_options options = {.name = too_long, .vips = twice, .n = 1};
	CU_ASSERT_EQUAL(strlen(too_long), 128);
	CU_ASSERT_EQUAL(oo_fence_new(lab.event, &options, &fence, &err), -EINVAL);
	options = (struct oo_fence_options){.name = FENCE, .vips = twice, .n = 3};
	CU_ASSERT_EQUAL(oo_fence_new(lab.event, &options, &fence, &err), -EINVAL);
	EXPECT_CONTAINS(err.text, "10.0.0.7/");
	EXPECT_CONTAINS(err.text, " is given twice");
	CU_ASSERT_PTR_NULL(fence);
	options.name = too_long + 1; /* starts with a digit */
	CU_ASSERT_EQUAL(oo_fence_new(lab.event, &options, &fence, &err), -EINVAL);
	EXPECT_TEXT(nft_list("ruleset"), "");
}

static void test_the_longest_name_and_no_vips_will_do(void)
{
	char name[OO_FENCE_NAME_LENGTH];
	OO_AUTO(lab_done) struct lab lab;
	bool intact = false;
	lab_init(&lab);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	const struct oo_fence_options options = {.name = name};
	CU_ASSERT_EQUAL_FATAL(oo_fence_new(lab.event, &options, &lab.fence, NULL), 0);
	EXPECT_CONTAINS(nft_list("ruleset"), name);
	CU_ASSERT_EQUAL(oo_fence_check(lab.fence, &intact, NULL), 0);
	CU_ASSERT_TRUE(intact);
	expect_open(&lab, true, true);
}

static void test_a_strangers_address_is_refused_and_nothing_changes(void)
{
	OO_AUTO(lab_done) struct lab lab;
	const struct oo_address list[] = {address_of(VIP4), address_of("10.0.0.7/24")};
	struct oo_err err = {""};
	lab_init(&lab);
	fence_up(&lab, false);
	CU_ASSERT_EQUAL(oo_fence_open_until(lab.fence, list, 2, oo_clock_now() + LONG_MS, &err),
			-EINVAL);
	EXPECT_TEXT(err.text, "10.0.0.7/24 is not one of the fence's addresses");
	CU_ASSERT_EQUAL(oo_fence_close(lab.fence, &list[1], 1, &err), -EINVAL);
	CU_ASSERT_EQUAL(oo_fence_until(lab.fence, &list[0]), 0);
	CU_ASSERT_EQUAL(oo_fence_until(lab.fence, &list[1]), 0);
	expect_open(&lab, false, false);
}

static void test_never_is_no_deadline(void)
{
	OO_AUTO(lab_done) struct lab lab;
	const struct oo_address vip = address_of(VIP4);
	const int64_t until = oo_clock_now() + LONG_MS;
	struct oo_err err = {""};
	lab_init(&lab);
	fence_up(&lab, false);
	fence_open(&lab, VIP4, until);
	CU_ASSERT_EQUAL(oo_fence_open_until(lab.fence, &vip, 1, OO_NEVER, &err), -ERANGE);
	EXPECT_TEXT(err.text, "nf_tables, an element: Numerical result out of range");
	CU_ASSERT_EQUAL(oo_fence_until(lab.fence, &vip), until); /* as before */
	expect_open(&lab, true, false);
}

static int without_capabilities(struct lab *lab)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}, {0}};
	const struct oo_address vip = address_of(VIP4);
	const struct oo_fence_options options = {.name = FENCE, .vips = &vip, .n = 1};
	struct oo_fence *fence = NULL;
	struct oo_err err = {""};
	const bool as_wanted =
		syscall(SYS_capset, &header, none) == 0 &&
		oo_fence_new(lab->event, &options, &fence, &err) == -EPERM && fence == NULL &&
		strstr(err.text, " (needs CAP_NET_ADMIN): Operation not permitted") != NULL;
	if (!as_wanted) {
		printf("\n  got: %s\n", err.text);
	}
	return as_wanted ? 0 : 1;
}

static void test_a_missing_capability_is_named(void)
{
	OO_AUTO(lab_done) struct lab lab;
	int status = -1;
	lab_init(&lab);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		_exit(without_capabilities(&lab));
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	EXPECT_TEXT(nft_list("ruleset"), "");
}

static const struct named_test tests[] = {
	{"a flushed ruleset is told and put back", test_a_flushed_ruleset_is_told_and_put_back},
	{"what is put back keeps its deadline", test_what_is_put_back_keeps_its_deadline},
	{"whatever somebody changes is told and put right",
	 test_whatever_somebody_changes_is_told_and_put_right},
	{"what we, and others elsewhere, do is not told",
	 test_what_we_and_others_do_elsewhere_is_not_told},
	{"an arming puts missing tables up again", test_an_arming_puts_missing_tables_up_again},
	{"other people's tables are left alone", test_other_peoples_tables_are_left_alone},
	{"what nft lists it can read back", test_what_nft_lists_it_can_read_back},
	{"removing leaves nothing, not removing leaves it closing",
	 test_removing_leaves_nothing_and_not_removing_leaves_it_closing},
	{"two names are two fences", test_two_names_are_two_fences},
	{"a next agent keeps what is open until its deadline",
	 test_a_next_agent_keeps_what_is_open_until_its_deadline},
	{"keeping again and again never adds to the deadline",
	 test_keeping_again_and_again_never_adds_to_the_deadline},
	{"a next agent that does not keep closes", test_a_next_agent_that_does_not_keep_closes},
	{"what is held without a deadline is not kept",
	 test_what_is_held_without_a_deadline_is_not_kept},
	{"a next agent may have other VIPs", test_a_next_agent_may_have_other_vips},
	{"names and VIPs that cannot be are refused",
	 test_names_and_vips_that_cannot_be_are_refused},
	{"the longest name and no VIPs will do", test_the_longest_name_and_no_vips_will_do},
	{"a stranger's address is refused and nothing changes",
	 test_a_strangers_address_is_refused_and_nothing_changes},
	{"never is no deadline", test_never_is_no_deadline},
	{"a missing capability is named", test_a_missing_capability_is_named},
};

int main(void)
{
	return harness_run_isolated("net fence table", tests, OO_LENGTH(tests));
}
