/* Over a veth, with frames written by hand: who is reported, and how often. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "net/announce.h"
#include "test_net_rival_lab.h"

static void test_a_strangers_announcements_are_reported_at_once(void)
{
	FIXTURE;
	const int64_t began = oo_clock_now();
	say_address(&fixture, &fixture.list[SECOND]);
	expect_report(&fixture, 0, SECOND, OO_FRAME_ARP_CLAIM);
	say_address(&fixture, &fixture.list[SIXTH]);
	expect_report(&fixture, 1, SIXTH, OO_FRAME_NA);
	say_address(&fixture, &fixture.list[FIRST]);
	expect_report(&fixture, 2, FIRST, OO_FRAME_ARP_CLAIM);
	CU_ASSERT_TRUE(oo_clock_now() - began < OO_RIVAL_REPORT_GAP_MS);
}

static void test_who_is_about_to_take_an_address_is_reported_as_such(void)
{
	FIXTURE;
	const struct said probe = question(&fixture.list[FIRST], stranger);
	const struct said dad = question(&fixture.list[SIXTH], stranger);
	say(&fixture, &probe);
	expect_report(&fixture, 0, FIRST, OO_FRAME_ARP_PROBE);
	say(&fixture, &dad);
	expect_report(&fixture, 1, SIXTH, OO_FRAME_DAD);
}

static void test_other_addresses_are_nobodys_business(void)
{
	FIXTURE;
	const struct oo_address others[] = {address_of("10.0.0.101"), address_of("fd00::101")};
	say_address(&fixture, &others[0]);
	expect_nothing_before(&fixture, FIRST);
	say_address(&fixture, &others[1]);
	expect_nothing_before(&fixture, SIXTH);
	CU_ASSERT_EQUAL(fixture.n_frames, 2);
}

/* Sent back by a bridge or a hub: its source is this interface. */
static void test_our_own_frames_that_come_back_are_ignored(void)
{
	FIXTURE;
	const struct said v4 = announcement(&fixture.list[FIRST], fixture.link.mac);
	const struct said v6 = announcement(&fixture.list[SIXTH], fixture.link.mac);
	say(&fixture, &v4);
	expect_nothing_before(&fixture, SECOND);
	say(&fixture, &v6);
	expect_nothing_before(&fixture, SIXTH);
}

static void test_what_this_host_sends_is_not_heard(void)
{
	FIXTURE;
	OO_AUTO(oo_close) int here = open_speaker("eth0");
	const struct said said = announcement(&fixture.list[FIRST], stranger);
	CU_ASSERT_EQUAL(send(here, said.bytes, said.length, 0), (ssize_t)said.length);
	expect_nothing_before(&fixture, SECOND);
}

/* Two cards on one link: Linux speaks of an address out of either. */
static void test_frames_from_another_interface_of_this_host_are_ignored(void)
{
	FIXTURE;
	ip("link add other0 type veth peer name other1");
	ip("link set other0 address 02:00:00:00:00:05");
	const uint8_t other[OO_MAC_LENGTH] = {0x02, 0, 0, 0, 0, 0x05};
	const struct said said = announcement(&fixture.list[FIRST], other);
	say(&fixture, &said);
	expect_nothing_before(&fixture, SECOND);
	CU_ASSERT_EQUAL(fixture.n_frames, 1);
}

static struct said with_tag(struct said said, uint8_t vlan)
{
	memmove(said.bytes + 16, said.bytes + 12, said.length - 12);
	memcpy(said.bytes + 12, (const uint8_t[]){0x81, 0x00, 0x20, vlan}, 4);
	said.length += 4;
	return said;
}

/* A tag that no interface here takes off is another link's; that of VLAN 0 is only a priority. */
static void test_frames_of_another_vlan_are_ignored(void)
{
	FIXTURE;
	struct said said = with_tag(announcement(&fixture.list[FIRST], stranger), 5);
	say(&fixture, &said);
	expect_nothing_before(&fixture, SECOND);
	said = with_tag(announcement(&fixture.list[SIXTH], stranger), 0);
	say(&fixture, &said);
	expect_report(&fixture, 1, SIXTH, OO_FRAME_NA);
}

/* It does not even wake this process. */
static void expect_no_waking(const struct fixture *fixture, const struct said *said)
{
	say(fixture, said);
	CU_ASSERT_EQUAL(sd_event_run(fixture->event, 30000), 0);
}

static void test_the_filter_keeps_other_traffic_out(void)
{
	FIXTURE;
	make_quiet(&fixture);
	struct said said = announcement(&fixture.list[FIRST], stranger);
	said.bytes[18] = 8; /* hardware length */
	expect_no_waking(&fixture, &said);
	said = announcement(&fixture.list[FIRST], stranger);
	said.length = 41;
	expect_no_waking(&fixture, &said);
	said = question(&fixture.list[SIXTH], stranger);
	said.bytes[22] = 0xfd; /* an ordinary solicitation */
	expect_no_waking(&fixture, &said);
	said = question(&fixture.list[SIXTH], stranger);
	said.bytes[54] = 143; /* a multicast listener's report */
	expect_no_waking(&fixture, &said);
	said = announcement(&fixture.list[SIXTH], stranger);
	said.bytes[20] = 17; /* UDP */
	expect_no_waking(&fixture, &said);
	say_address(&fixture, &fixture.list[SECOND]);
	expect_report(&fixture, 0, SECOND, OO_FRAME_ARP_CLAIM);
}

static void test_nothing_is_reported_while_not_listening(void)
{
	FIXTURE;
	make_quiet(&fixture);
	oo_rival_listen(fixture.rival, false);
	say_address(&fixture, &fixture.list[FIRST]);
	CU_ASSERT_EQUAL(sd_event_run(fixture.event, 50000), 0);
	/* and what was said then is forgotten */
	oo_rival_listen(fixture.rival, true);
	expect_nothing_before(&fixture, SECOND);
}

static void test_repeats_are_counted_and_reported_each_100_ms(void)
{
	FIXTURE;
	const int64_t began = oo_clock_now();
	for (int i = 0; i < 50; i++) {
		say_address(&fixture, &fixture.list[FIRST]);
		(void)sd_event_run(fixture.event, 1000);
	}
	CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.n_frames == 50, 2000));
	const int64_t took = oo_clock_now() - began;
	CU_ASSERT_TRUE(fixture.n_reports >= 2);
	CU_ASSERT_TRUE((int64_t)fixture.n_reports <= 1 + took / OO_RIVAL_REPORT_GAP_MS);
}

static void test_probes_do_not_crowd_out_a_claim(void)
{
	FIXTURE;
	make_quiet(&fixture);
	for (unsigned i = 0; i < 2 * OO_RIVAL_REPORTS_MAX; i++) {
		const uint8_t mac[OO_MAC_LENGTH] = {0x52, 0x54, 0, 2, 0, (uint8_t)i};
		const struct said said = question(&fixture.list[FIRST], mac);
		say(&fixture, &said);
	}
	say_address(&fixture, &fixture.list[FIRST]);
	CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.n_reports > 0, 2000));
	bool claimed = false;
	for (size_t i = 0; i < fixture.n_reports; i++) {
		claimed = claimed || fixture.reports[i].kind == OO_FRAME_ARP_CLAIM;
	}
	CU_ASSERT_TRUE(claimed);
}

/* 10,000 a second, each from another MAC. */
static void test_a_flood_of_forged_frames_costs_little(void)
{
	FIXTURE;
	const int64_t began = oo_clock_now();
	struct rusage before, after;
	unsigned n = 0;
	int64_t spoken_us = 0;
	getrusage(RUSAGE_SELF, &before);
	while (oo_clock_now() - began < 1000) {
		const int64_t from_us = oo_clock_now_us();
		for (; n < (unsigned)(oo_clock_now() - began) * 10; n++) {
			const uint8_t mac[OO_MAC_LENGTH] = {
				0x52, 0x54, 0, 0, (uint8_t)(n >> 8), (uint8_t)n};
			const struct said said = announcement(&fixture.list[n % 3], mac);
			say(&fixture, &said);
		}
		spoken_us += oo_clock_now_us() - from_us;
		(void)sd_event_run(fixture.event, 1000);
	}
	getrusage(RUSAGE_SELF, &after);
	const double used_ms = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec +
					after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
				       1e3 +
			       (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec +
					after.ru_stime.tv_usec - before.ru_stime.tv_usec) /
				       1e3;
	printf("\n  %u frames: %zu reports, %.0f ms of CPU, of which about %.0f sent\n", n,
	       fixture.n_reports, used_ms, (double)spoken_us / 1e3);
	CU_ASSERT_TRUE(n > 5000);
	CU_ASSERT_TRUE(fixture.n_reports <= OO_RIVAL_REPORTS_MAX * 12);
	CU_ASSERT_TRUE(fixture.n_reports >= OO_RIVAL_REPORTS_MAX);
}

/* However fast they come, a turn of the loop ends, and others have theirs. */
static void test_a_turn_of_the_loop_reads_so_many_frames_and_pauses(void)
{
	FIXTURE;
	make_quiet(&fixture);
	for (int i = 0; i < OO_RIVAL_TURN_FRAMES + 30; i++) {
		say_address(&fixture, &fixture.list[FIRST]);
	}
	const int64_t began = oo_clock_now();
	CU_ASSERT_TRUE(sd_event_run(fixture.event, 1000000) > 0);
	CU_ASSERT_EQUAL(fixture.n_frames, OO_RIVAL_TURN_FRAMES);
	CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.n_frames == OO_RIVAL_TURN_FRAMES + 30, 2000));
	CU_ASSERT_TRUE(oo_clock_now() - began >= OO_RIVAL_TURN_GAP_MS);
}

static const struct named_test tests[] = {
	{"a stranger's announcements are reported at once",
	 test_a_strangers_announcements_are_reported_at_once},
	{"who is about to take an address is reported as such",
	 test_who_is_about_to_take_an_address_is_reported_as_such},
	{"other addresses are nobody's business", test_other_addresses_are_nobodys_business},
	{"our own frames that come back are ignored",
	 test_our_own_frames_that_come_back_are_ignored},
	{"what this host sends is not heard", test_what_this_host_sends_is_not_heard},
	{"frames from another interface of this host are ignored",
	 test_frames_from_another_interface_of_this_host_are_ignored},
	{"frames of another VLAN are ignored", test_frames_of_another_vlan_are_ignored},
	{"the filter keeps other traffic out", test_the_filter_keeps_other_traffic_out},
	{"nothing is reported while not listening", test_nothing_is_reported_while_not_listening},
	{"repeats are counted and reported each 100 ms",
	 test_repeats_are_counted_and_reported_each_100_ms},
	{"probes do not crowd out a claim", test_probes_do_not_crowd_out_a_claim},
	{"a flood of forged frames costs little", test_a_flood_of_forged_frames_costs_little},
	{"a turn of the loop reads so many frames and pauses",
	 test_a_turn_of_the_loop_reads_so_many_frames_and_pauses},
};

int main(void)
{
	return harness_run_isolated("net rival", tests, OO_LENGTH(tests));
}
