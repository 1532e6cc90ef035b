/*
 * Who answers a probe, asked of another kernel over a veth; and what an interface may go through.
 */
#include <errno.h>
#include <linux/capability.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_net_rival_lab.h"

static bool has_answered(struct fixture *fixture, size_t index)
{
	oo_rival_look(fixture->rival);
	return oo_rival_answer(fixture->rival, index) != NULL;
}

/* The other side's kernel answers, IPv4 and IPv6, to nobody's address. */
static void test_whoever_has_an_address_answers_a_probe_for_it(void)
{
	FIXTURE;
	space_enter(fixture.other);
	ip("address add 10.0.0.100/24 dev peer");
	ip("address add fd00::100/64 dev peer nodad");
	space_enter(fixture.node);
	oo_rival_probe(fixture.rival, NULL);
	CU_ASSERT_TRUE(AWAIT(fixture.event,
			     has_answered(&fixture, SECOND) && has_answered(&fixture, SIXTH),
			     2000));
	CU_ASSERT_FALSE(has_answered(&fixture, FIRST));
	CU_ASSERT_EQUAL(memcmp(oo_rival_answer(fixture.rival, SECOND), peer, sizeof(peer)), 0);
	CU_ASSERT_EQUAL(memcmp(oo_rival_answer(fixture.rival, SIXTH), peer, sizeof(peer)), 0);
	/* it leaves; asked again, nobody answers, and who was not asked about stays as it was */
	space_enter(fixture.other);
	ip("address del 10.0.0.100/24 dev peer");
	ip("address add 10.0.0.200/24 dev peer");
	space_enter(fixture.node);
	oo_rival_probe(fixture.rival, (const bool[]){true, true, false});
	CU_ASSERT_TRUE(AWAIT(fixture.event, has_answered(&fixture, FIRST), 2000));
	CU_ASSERT_FALSE(has_answered(&fixture, SECOND));
	CU_ASSERT_TRUE(has_answered(&fixture, SIXTH));
}

static struct said forged(const struct fixture *fixture, unsigned i)
{
	const uint8_t mac[OO_MAC_LENGTH] = {0x52, 0x54, 0, 1, (uint8_t)(i >> 8), (uint8_t)i};
	return announcement(&fixture->list[FIRST], mac);
}

static void test_an_answer_behind_many_frames_is_found(void)
{
	FIXTURE;
	oo_rival_probe(fixture.rival, NULL);
	for (unsigned i = 0; i < OO_RIVAL_TURN_FRAMES; i++) {
		struct said other = announcement(&fixture.list[SIXTH], stranger);
		other.bytes[77] ^= 1; /* the target: nobody's */
		say(&fixture, &other);
	}
	say_address(&fixture, &fixture.list[SIXTH]);
	CU_ASSERT_TRUE(has_answered(&fixture, SIXTH));
}

/* Nor when there is no place left to tell it. */
static void test_another_interface_of_this_host_is_no_stranger(void)
{
	FIXTURE;
	ip("link add other0 type veth peer name other1");
	ip("link set other0 address 02:00:00:00:00:05");
	const uint8_t other[OO_MAC_LENGTH] = {0x02, 0, 0, 0, 0, 0x05};
	oo_rival_probe(fixture.rival, NULL);
	for (unsigned i = 0; i < OO_RIVAL_REPORTS_MAX; i++) {
		const struct said said = forged(&fixture, i);
		say(&fixture, &said);
	}
	CU_ASSERT_FALSE(has_answered(&fixture, SIXTH));
	const struct said said = announcement(&fixture.list[SIXTH], other);
	say(&fixture, &said);
	CU_ASSERT_FALSE(has_answered(&fixture, SIXTH));
	say_address(&fixture, &fixture.list[SIXTH]);
	CU_ASSERT_TRUE(has_answered(&fixture, SIXTH));
}

/*
 * Its gratuitous ARP may have been under way; an advertisement that came before the probe as well.
 */
static void test_late_announcements_of_the_last_holder_are_no_answers(void)
{
	FIXTURE;
	say_address(&fixture, &fixture.list[SIXTH]);
	CU_ASSERT_FALSE(has_answered(&fixture, SIXTH)); /* nobody has asked */
	say_address(&fixture, &fixture.list[SIXTH]);
	oo_rival_probe(fixture.rival, NULL);
	say_address(&fixture, &fixture.list[FIRST]);
	CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.n_reports == 2, 2000));
	CU_ASSERT_FALSE(has_answered(&fixture, FIRST));
	CU_ASSERT_FALSE(has_answered(&fixture, SIXTH));
}

/* Two nodes that run for the same address ask for it at the same time. */
static void test_anothers_question_is_no_answer(void)
{
	FIXTURE;
	oo_rival_probe(fixture.rival, NULL);
	const struct said arp = question(&fixture.list[FIRST], stranger);
	const struct said dad = question(&fixture.list[SIXTH], stranger);
	say(&fixture, &arp);
	say(&fixture, &dad);
	CU_ASSERT_TRUE(AWAIT(fixture.event, fixture.n_reports == 2, 2000));
	CU_ASSERT_FALSE(has_answered(&fixture, FIRST));
	CU_ASSERT_FALSE(has_answered(&fixture, SIXTH));
}

static void test_it_hears_again_when_the_interface_was_down_or_is_another(void)
{
	FIXTURE;
	ip("link set eth0 down");
	ip("link set eth0 up");
	CU_ASSERT_TRUE(AWAIT(fixture.event,
			     oo_net_link(fixture.net, "eth0", &fixture.link, NULL) == 0 &&
				     fixture.link.carrier,
			     5000));
	say_address(&fixture, &fixture.list[FIRST]);
	expect_report(&fixture, 0, FIRST, OO_FRAME_ARP_CLAIM);
	ip("link del eth0");
	make_veth(fixture.other);
	space_enter(fixture.other);
	oo_close(&fixture.speaker);
	fixture.speaker = open_speaker("peer");
	space_enter(fixture.node);
	CU_ASSERT_TRUE(AWAIT(fixture.event,
			     oo_net_link(fixture.net, "eth0", &fixture.link, NULL) == 0 &&
				     fixture.link.carrier,
			     5000));
	CU_ASSERT_EQUAL(oo_rival_set_link(fixture.rival, &fixture.link, NULL), 0);
	say_address(&fixture, &fixture.list[SECOND]);
	expect_report(&fixture, 1, SECOND, OO_FRAME_ARP_CLAIM);
	say_address(&fixture, &fixture.list[SIXTH]);
	expect_report(&fixture, 2, SIXTH, OO_FRAME_NA);
}

/* Moved to another network namespace and back: the kernel has unbound the sockets meanwhile. */
static void test_it_hears_again_when_the_interface_was_away(void)
{
	FIXTURE;
	OO_AUTO(oo_close) int away = space_new();
	const int index = fixture.link.index;
	space_enter(fixture.node);
	ip("link set eth0 netns /proc/%d/fd/%d", getpid(), away);
	space_enter(away);
	ip("link set eth0 netns /proc/%d/fd/%d", getpid(), fixture.node);
	space_enter(fixture.node);
	ip("link set eth0 up");
	CU_ASSERT_TRUE(AWAIT(fixture.event,
			     oo_net_link(fixture.net, "eth0", &fixture.link, NULL) == 0 &&
				     fixture.link.carrier,
			     5000));
	CU_ASSERT_EQUAL(fixture.link.index, index);
	CU_ASSERT_EQUAL(oo_rival_set_link(fixture.rival, &fixture.link, NULL), 0);
	say_address(&fixture, &fixture.list[FIRST]);
	expect_report(&fixture, 0, FIRST, OO_FRAME_ARP_CLAIM);
	say_address(&fixture, &fixture.list[SIXTH]);
	expect_report(&fixture, 1, SIXTH, OO_FRAME_NA);
}

static void test_a_probe_that_cannot_be_sent_has_not_been_asked(void)
{
	FIXTURE;
	oo_rival_probe(fixture.rival, NULL);
	CU_ASSERT_TRUE(oo_rival_is_asked(fixture.rival, FIRST));
	CU_ASSERT_TRUE(oo_rival_is_asked(fixture.rival, SIXTH));
	ip("link set eth0 down");
	oo_rival_probe(fixture.rival, NULL);
	CU_ASSERT_FALSE(oo_rival_is_asked(fixture.rival, FIRST));
	CU_ASSERT_FALSE(oo_rival_is_asked(fixture.rival, SIXTH));
}

static void test_an_interface_without_a_mac_hears_nothing(void)
{
	FIXTURE;
	make_quiet(&fixture);
	fixture.link.mac_length = 0;
	CU_ASSERT_EQUAL(oo_rival_set_link(fixture.rival, &fixture.link, NULL), 0);
	say_address(&fixture, &fixture.list[FIRST]);
	CU_ASSERT_TRUE(sd_event_run(fixture.event, 1000000) > 0);
	CU_ASSERT_EQUAL(fixture.n_frames, 0);
	oo_rival_probe(fixture.rival, NULL);
}

static unsigned probes_heard(int fd)
{
	unsigned n = 0;
	uint8_t byte;
	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0) {
		n++;
	}
	return n;
}

#define MANY 70

static void test_many_probes_go_out_over_some_turns(void)
{
	FIXTURE;
	struct oo_address many[MANY];
	struct oo_rival *rival = NULL;
	for (unsigned i = 0; i < MANY; i++) {
		many[i] = address_of("10.0.0.100");
		many[i].bytes[3] += (uint8_t)i;
	}
	const struct oo_rival_options options = {.link = &fixture.link, .list = many, .n = MANY};
	CU_ASSERT_FATAL(oo_rival_new(fixture.event, &options, &rival, NULL) == 0);
	space_enter(fixture.other);
	OO_AUTO(oo_close)
	int listener = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ARP));
	space_enter(fixture.node);
	oo_rival_listen(rival, true);
	oo_rival_probe(rival, NULL);
	unsigned n = probes_heard(listener);
	CU_ASSERT_EQUAL(n, 64);
	CU_ASSERT_TRUE(AWAIT(fixture.event, (n += probes_heard(listener)) == MANY, 2000));
	oo_rival_free(rival);
}

static int without_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}, {0}};
	const struct oo_link link = {.index = 1, .mac_length = OO_MAC_LENGTH};
	const struct oo_address address = address_of("10.0.0.100");
	const struct oo_rival_options options = {.link = &link, .list = &address, .n = 1};
	struct oo_rival *rival = NULL;
	struct oo_err err = {""};
	sd_event *event = NULL;
	const bool as_wanted =
		sd_event_new(&event) >= 0 && syscall(SYS_capset, &header, none) == 0 &&
		oo_rival_new(event, &options, &rival, &err) == -EPERM && rival == NULL &&
		strcmp(err.text, "packet socket (needs CAP_NET_RAW): Operation not permitted") == 0;
	if (!as_wanted) {
		printf("\n  got: %s\n", err.text);
	}
	sd_event_unref(event);
	return as_wanted ? 0 : 1;
}

static void test_a_missing_capability_is_named(void)
{
	int status = -1;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		_exit(without_capabilities());
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
}

static const struct named_test tests[] = {
	{"whoever has an address answers a probe for it",
	 test_whoever_has_an_address_answers_a_probe_for_it},
	{"late announcements of the last holder are no answers",
	 test_late_announcements_of_the_last_holder_are_no_answers},
	{"an answer behind many frames is found", test_an_answer_behind_many_frames_is_found},
	{"another interface of this host is no stranger",
	 test_another_interface_of_this_host_is_no_stranger},
	{"another's question is no answer", test_anothers_question_is_no_answer},
	{"many probes go out over some turns", test_many_probes_go_out_over_some_turns},
	{"it hears again when the interface was down or is another",
	 test_it_hears_again_when_the_interface_was_down_or_is_another},
	{"it hears again when the interface was away",
	 test_it_hears_again_when_the_interface_was_away},
	{"a probe that cannot be sent has not been asked",
	 test_a_probe_that_cannot_be_sent_has_not_been_asked},
	{"an interface without a MAC hears nothing", test_an_interface_without_a_mac_hears_nothing},
	{"a missing capability is named", test_a_missing_capability_is_named},
};

int main(void)
{
	return harness_run_isolated("net rival probe", tests, OO_LENGTH(tests));
}
