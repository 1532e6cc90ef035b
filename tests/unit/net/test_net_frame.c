/* What frames say, byte by byte; and that what is not as its RFC wants it says nothing. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "harness.h"
#include "net/announce.h"
#include "net/frame.h"

#define ETHERNET 14
#define STRANGER 0x52, 0x54, 0x00, 0x12, 0x34, 0x56
#define ASKER 0x02, 0x00, 0x00, 0x00, 0x00, 0x01
#define EVERYBODY 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
#define FD00_100 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0
#define ALL_NODES 0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
#define SOLICITED_NODE 0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 1, 0
#define UNSPECIFIED 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

static const uint8_t stranger[OO_MAC_LENGTH] = {STRANGER};
static const uint8_t asker[OO_MAC_LENGTH] = {ASKER};

/* As tcpdump shows Linux's: an answer to a probe, with the padding of a short frame. */
static const uint8_t arp_answer[60] = {
	ASKER,    STRANGER, 0x08, 0x06,         /* Ethernet */
	0,        1,        0x08, 0,    6,   4, /* Ethernet, IPv4 */
	0,        2,                            /* reply */
	STRANGER, 10,       0,    0,    100,    /* sender */
	ASKER,    0,        0,    0,    0,      /* target */
};

static const uint8_t na_answer[86] = {
	0x33,     0x33,      0,        0, 0,    1,  STRANGER, 0x86, 0xdd, /* Ethernet */
	0x60,     0,         0,        0, 0,    32, 58,       255,        /* IPv6 */
	FD00_100, ALL_NODES,                                              /* */
	136,      0,         0,        0, 0x20, 0,  0,        0, /* advertisement, Override */
	FD00_100,                                                /* target */
	2,        1,         STRANGER,                           /* its link-layer address */
};

static const uint8_t dad[86] = {
	0x33,        0x33,
	0xff,        0,
	1,           0,
	STRANGER,    0x86,
	0xdd, /* Ethernet */
	0x60,        0,
	0,           0,
	0,           32,
	58,          255,            /* IPv6 */
	UNSPECIFIED, SOLICITED_NODE, /* */
	135,         0,
	0,           0,
	0,           0,
	0,           0, /* solicitation */
	FD00_100,       /* target */
	14,          1,
	1,           2,
	3,           4,
	5,           6, /* RFC 7527: nonce */
};

static void expect(const struct oo_frame *frame, enum oo_frame_kind kind, const char *address)
{
	char text[OO_ADDRESS_LENGTH];
	CU_ASSERT_EQUAL(frame->kind, kind);
	CU_ASSERT_EQUAL(memcmp(frame->mac, stranger, OO_MAC_LENGTH), 0);
	EXPECT_TEXT(oo_address_format(&frame->address, text), address);
}

static void test_an_arp_answer_says_who_has_the_address_and_who_asked(void)
{
	struct oo_frame frame;
	CU_ASSERT_TRUE(oo_frame_read(arp_answer, sizeof(arp_answer), &frame));
	expect(&frame, OO_FRAME_ARP_CLAIM, "10.0.0.100/32");
	CU_ASSERT_EQUAL(memcmp(frame.answers, asker, OO_MAC_LENGTH), 0);
}

/* What was built by us is read as what it is; the source in the Ethernet header is another one. */
static struct oo_frame read_built(unsigned type, const uint8_t *packet, size_t length)
{
	uint8_t bytes[ETHERNET + OO_NA_LENGTH] = {EVERYBODY, ASKER, (uint8_t)(type >> 8),
						  (uint8_t)type};
	struct oo_frame frame;
	memcpy(bytes + ETHERNET, packet, length);
	CU_ASSERT_TRUE(oo_frame_read(bytes, ETHERNET + length, &frame));
	return frame;
}

static void test_every_form_of_announcement_is_a_claim(void)
{
	const struct oo_address v4 = address_of("10.0.0.100/24"), v6 = address_of("fd00::100/64");
	static const uint8_t nobody[OO_MAC_LENGTH];
	uint8_t arp[OO_ARP_LENGTH], na[OO_NA_LENGTH];
	struct oo_frame frame;

	oo_arp_build(OO_ARP_REQUEST, &v4, stranger, arp);
	frame = read_built(0x0806, arp, sizeof(arp));
	expect(&frame, OO_FRAME_ARP_CLAIM, "10.0.0.100/32");
	CU_ASSERT_EQUAL(memcmp(frame.answers, nobody, OO_MAC_LENGTH), 0);
	oo_arp_build(OO_ARP_REPLY, &v4, stranger, arp);
	frame = read_built(0x0806, arp, sizeof(arp));
	expect(&frame, OO_FRAME_ARP_CLAIM, "10.0.0.100/32");
	oo_na_build(&v6, stranger, na);
	frame = read_built(0x86dd, na, sizeof(na));
	expect(&frame, OO_FRAME_NA, "fd00::100/128");
}

static void test_an_ordinary_question_is_a_claim_of_who_asks(void)
{
	uint8_t bytes[sizeof(arp_answer)];
	struct oo_frame frame;
	memcpy(bytes, arp_answer, sizeof(bytes));
	bytes[21] = 1;
	CU_ASSERT_TRUE(oo_frame_read(bytes, sizeof(bytes), &frame));
	expect(&frame, OO_FRAME_ARP_CLAIM, "10.0.0.100/32");
	CU_ASSERT_NOT_EQUAL(memcmp(frame.answers, asker, OO_MAC_LENGTH), 0);
}

static void test_an_arp_probe_names_the_address_that_it_is_after(void)
{
	const struct oo_address v4 = address_of("10.0.0.100/24");
	uint8_t arp[OO_ARP_LENGTH];
	oo_arp_probe_build(&v4, stranger, arp);
	struct oo_frame frame = read_built(0x0806, arp, sizeof(arp));
	expect(&frame, OO_FRAME_ARP_PROBE, "10.0.0.100/32");
}

static void test_an_advertisement_names_the_mac_of_its_option(void)
{
	uint8_t bytes[sizeof(na_answer)];
	struct oo_frame frame;
	memcpy(bytes, na_answer, sizeof(bytes));
	memcpy(bytes + 6, asker, OO_MAC_LENGTH); /* sent by a proxy, say */
	CU_ASSERT_TRUE(oo_frame_read(bytes, sizeof(bytes), &frame));
	expect(&frame, OO_FRAME_NA, "fd00::100/128");
}

static void test_an_advertisement_without_option_names_its_source(void)
{
	uint8_t bytes[sizeof(na_answer)];
	struct oo_frame frame;
	memcpy(bytes, na_answer, sizeof(bytes));
	bytes[19] = 24;
	CU_ASSERT_TRUE(oo_frame_read(bytes, sizeof(bytes), &frame)); /* the option is padding now */
	expect(&frame, OO_FRAME_NA, "fd00::100/128");
	bytes[19] = 32;
	bytes[78] = 1; /* a source's link-layer address, which is none of an advertisement's */
	memcpy(bytes + 80, asker, OO_MAC_LENGTH);
	CU_ASSERT_TRUE(oo_frame_read(bytes, sizeof(bytes), &frame));
	expect(&frame, OO_FRAME_NA, "fd00::100/128");
}

static void test_duplicate_address_detection_names_the_frames_source(void)
{
	const struct oo_address v6 = address_of("fd00::100/64");
	uint8_t ns[OO_NS_LENGTH];
	struct oo_frame frame;
	CU_ASSERT_TRUE(oo_frame_read(dad, sizeof(dad), &frame));
	expect(&frame, OO_FRAME_DAD, "fd00::100/128");
	oo_ns_build(&v6, ns);
	frame = read_built(0x86dd, ns, sizeof(ns));
	CU_ASSERT_EQUAL(frame.kind, OO_FRAME_DAD);
	CU_ASSERT_EQUAL(memcmp(frame.mac, asker, OO_MAC_LENGTH), 0);
}

static void test_our_solicitation_is_rfc_4862(void)
{
	/* the checksum was computed apart from this code (python, ones' complement sum) */
	static const uint8_t wanted[OO_NS_LENGTH] = {
		0x60, 0, 0,    0,    0, 24, 58, 255, UNSPECIFIED, SOLICITED_NODE,
		135,  0, 0x7b, 0xa7, 0, 0,  0,  0,   FD00_100,
	};
	const struct oo_address v6 = address_of("fd00::100/64");
	uint8_t ns[OO_NS_LENGTH];
	oo_ns_build(&v6, ns);
	CU_ASSERT_EQUAL(memcmp(ns, wanted, sizeof(ns)), 0);
	if (memcmp(ns, wanted, sizeof(ns)) != 0) {
		printf("\n  checksum %02x %02x\n", ns[42], ns[43]);
	}
}

static void test_every_frame_cut_short_says_nothing(void)
{
	struct oo_frame frame;
	for (size_t length = 0; length < ETHERNET + OO_ARP_LENGTH; length++) {
		CU_ASSERT_FALSE(oo_frame_read(arp_answer, length, &frame));
		CU_ASSERT_EQUAL(frame.kind, OO_FRAME_OTHER);
	}
	for (size_t length = 0; length < sizeof(na_answer); length++) {
		CU_ASSERT_FALSE(oo_frame_read(na_answer, length, &frame));
		CU_ASSERT_FALSE(oo_frame_read(dad, length, &frame));
	}
}

/* One byte of a good frame is another: nobody's claim any more. */
struct wrong {
	const char *what;
	const uint8_t *good;
	size_t length;
	size_t at;
	uint8_t byte;
};

#define ARP arp_answer, sizeof(arp_answer)
#define NA na_answer, sizeof(na_answer)
#define DAD dad, sizeof(dad)

static const struct wrong wrongs[] = {
	{"another protocol", ARP, 12, 0x81},
	{"a tag", ARP, 13, 0x00},
	{"hardware: IEEE 802", ARP, 15, 6},
	{"hardware: InfiniBand", ARP, 15, 32},
	{"hardware: its high byte", ARP, 14, 1},
	{"protocol: IPv6", ARP, 16, 0x86},
	{"hardware length: none", ARP, 18, 0},
	{"hardware length: 8", ARP, 18, 8},
	{"hardware length: 255", ARP, 18, 255},
	{"protocol length: none", ARP, 19, 0},
	{"protocol length: 16", ARP, 19, 16},
	{"operation: none", ARP, 21, 0},
	{"operation: RARP", ARP, 21, 3},
	{"operation: InARP", ARP, 21, 8},
	{"operation: its high byte", ARP, 20, 1},
	{"IP version 4", NA, 14, 0x40},
	{"hop-by-hop options", NA, 20, 0},
	{"a fragment", NA, 20, 44},
	{"TCP", NA, 20, 6},
	{"hop limit 254: it was forwarded", NA, 21, 254},
	{"longer than the frame", NA, 19, 33},
	{"much longer than the frame", NA, 18, 0xff},
	{"too short for a message", NA, 19, 23},
	{"length 0: a jumbogram", NA, 19, 0},
	{"code 1", NA, 55, 1},
	{"router advertisement", NA, 54, 134},
	{"redirect", NA, 54, 137},
	{"echo request", NA, 54, 128},
	{"option of length 0", NA, 79, 0},
	{"option past the end", NA, 79, 2},
	{"option far past the end", NA, 79, 255},
	{"half an option", NA, 19, 28},
	{"a solicitation from an address", DAD, 22, 0xfd},
	{"a solicitation from ::1", DAD, 37, 1},
	{"with a source link-layer address", DAD, 78, 1},
	{"option of length 0", DAD, 79, 0},
	{"option past the end", DAD, 79, 2},
	{"hop limit 64", DAD, 21, 64},
	{"code 1", DAD, 55, 1},
};

static void test_frames_with_one_wrong_byte_say_nothing(void)
{
	for (size_t i = 0; i < OO_LENGTH(wrongs); i++) {
		const struct wrong *wrong = &wrongs[i];
		uint8_t bytes[sizeof(na_answer)];
		struct oo_frame frame = {.kind = OO_FRAME_NA};
		memcpy(bytes, wrong->good, wrong->length);
		CU_ASSERT_TRUE(oo_frame_read(bytes, wrong->length, &frame));
		CU_ASSERT_NOT_EQUAL(bytes[wrong->at], wrong->byte);
		bytes[wrong->at] = wrong->byte;
		const bool read = oo_frame_read(bytes, wrong->length, &frame);
		CU_ASSERT_FALSE(read);
		CU_ASSERT_EQUAL(frame.kind, OO_FRAME_OTHER);
		CU_ASSERT_EQUAL(frame.address.family, 0);
		if (read) {
			printf("\n  %s\n", wrong->what);
		}
	}
}

static void test_arp_without_a_sender_says_nothing(void)
{
	uint8_t bytes[sizeof(arp_answer)];
	struct oo_frame frame;
	memcpy(bytes, arp_answer, sizeof(bytes));
	memset(bytes + 22, 0, OO_MAC_LENGTH);
	CU_ASSERT_FALSE(oo_frame_read(bytes, sizeof(bytes), &frame));
	/* a reply from 0.0.0.0 */
	memcpy(bytes, arp_answer, sizeof(bytes));
	memset(bytes + 28, 0, 4);
	CU_ASSERT_FALSE(oo_frame_read(bytes, sizeof(bytes), &frame));
}

/* The one that counts may come second, of the right length. */
static void test_the_mac_is_looked_for_behind_other_options(void)
{
	uint8_t bytes[sizeof(na_answer) + 8];
	struct oo_frame frame;
	memcpy(bytes, na_answer, sizeof(na_answer));
	memcpy(bytes + 86, na_answer + 78, 8);
	memcpy(bytes + 80, asker, OO_MAC_LENGTH);
	bytes[78] = 253;
	bytes[19] = 40;
	CU_ASSERT_TRUE(oo_frame_read(bytes, sizeof(bytes), &frame));
	expect(&frame, OO_FRAME_NA, "fd00::100/128");
	/* what is behind it has to be right as well */
	bytes[78] = 2;
	memcpy(bytes + 80, stranger, OO_MAC_LENGTH);
	bytes[87] = 0;
	CU_ASSERT_FALSE(oo_frame_read(bytes, sizeof(bytes), &frame));
	/* 14 bytes are no Ethernet address */
	bytes[79] = 2;
	CU_ASSERT_FALSE(oo_frame_read(bytes, sizeof(bytes), &frame));
}

static const struct named_test tests[] = {
	{"an ARP answer says who has the address and who asked",
	 test_an_arp_answer_says_who_has_the_address_and_who_asked},
	{"every form of announcement is a claim", test_every_form_of_announcement_is_a_claim},
	{"an ordinary question is a claim of who asks",
	 test_an_ordinary_question_is_a_claim_of_who_asks},
	{"an ARP probe names the address that it is after",
	 test_an_arp_probe_names_the_address_that_it_is_after},
	{"an advertisement names the MAC of its option",
	 test_an_advertisement_names_the_mac_of_its_option},
	{"an advertisement without option names its source",
	 test_an_advertisement_without_option_names_its_source},
	{"duplicate address detection names the frame's source",
	 test_duplicate_address_detection_names_the_frames_source},
	{"our solicitation is RFC 4862", test_our_solicitation_is_rfc_4862},
	{"every frame cut short says nothing", test_every_frame_cut_short_says_nothing},
	{"frames with one wrong byte say nothing", test_frames_with_one_wrong_byte_say_nothing},
	{"ARP without a sender says nothing", test_arp_without_a_sender_says_nothing},
	{"the MAC is looked for behind other options",
	 test_the_mac_is_looked_for_behind_other_options},
};

int main(void)
{
	return harness_run("net frame", tests, OO_LENGTH(tests));
}
