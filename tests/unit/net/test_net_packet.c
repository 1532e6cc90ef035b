/* Announcements byte by byte, against the RFCs, and the times of the schedule. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "harness.h"
#include "net/announce.h"

static const uint8_t mac[OO_MAC_LENGTH] = {0x02, 0x42, 0xac, 0x11, 0x00, 0x02};

static void test_arp_request_is_an_rfc_5227_announcement(void)
{
	static const uint8_t wanted[OO_ARP_LENGTH] = {
		0x00, 0x01,                   /* hardware: Ethernet */
		0x08, 0x00,                   /* protocol: IPv4 */
		6,    4,                      /* their lengths */
		0x00, 0x01,                   /* request */
		0x02, 0x42, 0xac, 0x11, 0, 2, /* sender hardware */
		10,   0,    0,    100,        /* sender protocol */
		0,    0,    0,    0,    0, 0, /* target hardware: zero */
		10,   0,    0,    100,        /* target protocol: the same */
	};
	const struct oo_address address = address_of("10.0.0.100/24");
	uint8_t packet[OO_ARP_LENGTH];
	memset(packet, 0xee, sizeof(packet));
	oo_arp_build(OO_ARP_REQUEST, &address, mac, packet);
	CU_ASSERT_EQUAL(memcmp(packet, wanted, sizeof(wanted)), 0);
}

static void test_arp_reply_carries_the_mac_twice(void)
{
	static const uint8_t wanted[OO_ARP_LENGTH] = {
		0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x02, /* reply */
		0x02, 0x42, 0xac, 0x11, 0, 2, 10,   0,    0, 100,
		0x02, 0x42, 0xac, 0x11, 0, 2, 10,   0,    0, 100,
	};
	const struct oo_address address = address_of("10.0.0.100/24");
	uint8_t packet[OO_ARP_LENGTH];
	memset(packet, 0xee, sizeof(packet));
	oo_arp_build(OO_ARP_REPLY, &address, mac, packet);
	CU_ASSERT_EQUAL(memcmp(packet, wanted, sizeof(wanted)), 0);
}

/* The checksum was computed apart from this code (python, ones' complement sum of the words). */
static void test_neighbour_advertisement_is_rfc_4861_with_override(void)
{
	static const uint8_t wanted[OO_NA_LENGTH] = {
		0x60, 0,    0,    0,                /* version 6 */
		0,    32,   58,   255,              /* length, ICMPv6, hop limit */
		0xfd, 0,    0,    0,    0, 0, 0, 0, /* source: the address */
		0,    0,    0,    0,    0, 0, 1, 0, /* fd00::100 */
		0xff, 0x02, 0,    0,    0, 0, 0, 0, /* destination: ff02::1 */
		0,    0,    0,    0,    0, 0, 0, 1, /* */
		136,  0,    0xac, 0x48,             /* neighbour advertisement */
		0x20, 0,    0,    0,                /* Override only */
		0xfd, 0,    0,    0,    0, 0, 0, 0, /* target: the address */
		0,    0,    0,    0,    0, 0, 1, 0, /* */
		2,    1,                            /* target link-layer address, 8 bytes */
		0x02, 0x42, 0xac, 0x11, 0, 2,
	};
	const struct oo_address address = address_of("fd00::100/64");
	uint8_t packet[OO_NA_LENGTH];
	memset(packet, 0xee, sizeof(packet));
	oo_na_build(&address, mac, packet);
	CU_ASSERT_EQUAL(memcmp(packet, wanted, sizeof(wanted)), 0);
}

/* Sums with the carry of the other end, RFC 1071: a receiver's sum over everything is all ones. */
static void test_advertisements_of_any_address_sum_up_at_the_receiver(void)
{
	for (unsigned i = 0; i < 2000; i++) {
		struct oo_address address = {.family = AF_INET6, .prefix = 64};
		uint8_t any_mac[OO_MAC_LENGTH];
		uint8_t packet[OO_NA_LENGTH];
		uint64_t sum = 32 + 58;
		for (unsigned j = 0; j < 16; j++) {
			address.bytes[j] = (uint8_t)(i * 2654435761u >> (j % 24));
		}
		for (unsigned j = 0; j < OO_MAC_LENGTH; j++) {
			any_mac[j] = (uint8_t)(i * 40503u >> j);
		}
		oo_na_build(&address, any_mac, packet);
		for (unsigned j = 8; j < OO_NA_LENGTH; j++) {
			sum += j % 2 == 0 ? packet[j] * 256u : packet[j];
		}
		CU_ASSERT_EQUAL_FATAL(sum % 65535, 0);
		CU_ASSERT_EQUAL_FATAL(packet[7], 255);
	}
}

static void test_rounds_are_a_burst_then_seconds_then_half_minutes(void)
{
	static const int64_t burst[] = {0, 50, 100, 150, 200};
	for (int64_t i = 0; i < (int64_t)OO_LENGTH(burst); i++) {
		CU_ASSERT_EQUAL(oo_announce_round_at(i), burst[i]);
	}
	for (int64_t i = 1; i <= 30; i++) {
		CU_ASSERT_EQUAL(oo_announce_round_at(4 + i), i * 1000);
	}
	CU_ASSERT_EQUAL(oo_announce_round_at(35), 60000);
	CU_ASSERT_EQUAL(oo_announce_round_at(36), 90000);
	CU_ASSERT_EQUAL(oo_announce_round_at(1034), 30000 + 1000 * 30000);
}

static const struct named_test tests[] = {
	{"ARP request is an RFC 5227 announcement", test_arp_request_is_an_rfc_5227_announcement},
	{"ARP reply carries the MAC twice", test_arp_reply_carries_the_mac_twice},
	{"neighbour advertisement is RFC 4861 with Override",
	 test_neighbour_advertisement_is_rfc_4861_with_override},
	{"advertisements of any address sum up at the receiver",
	 test_advertisements_of_any_address_sum_up_at_the_receiver},
	{"rounds are a burst, then seconds, then half minutes",
	 test_rounds_are_a_burst_then_seconds_then_half_minutes},
};

int main(void)
{
	return harness_run("net packet", tests, OO_LENGTH(tests));
}
