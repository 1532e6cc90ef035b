/*
 * Announcements: whatever the address and the MAC are, the packet says that and nothing else, and its
 * checksum is right. The first byte is the form (1: ARP request, 2: ARP reply, 6: neighbour
 * advertisement), then the MAC, then the address.
 */
#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "net/announce.h"

/* RFC 826, IPv4 over Ethernet. */
static void check_arp(enum oo_arp_form form, const struct oo_address *address, const uint8_t *mac)
{
	static const uint8_t start[] = {0, 1, 8, 0, 6, 4, 0};
	static const uint8_t nobody[OO_MAC_LENGTH];
	uint8_t packet[OO_ARP_LENGTH];
	oo_arp_build(form, address, mac, packet);
	FUZZ_CHECK(memcmp(packet, start, sizeof(start)) == 0 && packet[7] == form);
	FUZZ_CHECK(memcmp(packet + 8, mac, OO_MAC_LENGTH) == 0);
	FUZZ_CHECK(memcmp(packet + 14, address->bytes, 4) == 0);
	FUZZ_CHECK(memcmp(packet + 18, form == OO_ARP_REPLY ? mac : nobody, OO_MAC_LENGTH) == 0);
	FUZZ_CHECK(memcmp(packet + 24, address->bytes, 4) == 0);
}

/* RFC 1071: with the checksum in it, the sum of all is all ones. */
static uint32_t sum_of(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < length; i++) {
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	}
	return sum;
}

static void check_na(const struct oo_address *address, const uint8_t *mac)
{
	uint8_t packet[OO_NA_LENGTH];
	oo_na_build(address, mac, packet);
	FUZZ_CHECK(packet[0] >> 4 == 6 && packet[5] == 32 && packet[6] == 58 && packet[7] == 255);
	FUZZ_CHECK(memcmp(packet + 8, address->bytes, 16) == 0);
	FUZZ_CHECK(packet[24] == 0xff && packet[25] == 2 && packet[39] == 1);
	FUZZ_CHECK(packet[40] == 136 && packet[41] == 0 && packet[44] == 0x20);
	FUZZ_CHECK(memcmp(packet + 48, address->bytes, 16) == 0);
	FUZZ_CHECK(packet[64] == 2 && packet[65] == 1);
	FUZZ_CHECK(memcmp(packet + 66, mac, OO_MAC_LENGTH) == 0);
	uint32_t sum = sum_of(packet + 8, 64) + 32 + 58;
	sum = (sum & 0xffff) + (sum >> 16);
	FUZZ_CHECK((sum & 0xffff) + (sum >> 16) == 0xffff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct fuzz_input input = {data, length};
	struct oo_address address = {.family = AF_INET6, .prefix = 64};
	uint8_t mac[OO_MAC_LENGTH];
	uint8_t form = fuzz_take_byte(&input);
	if (form != OO_ARP_REQUEST && form != OO_ARP_REPLY && form != 6) {
		return -1;
	}
	for (size_t i = 0; i < sizeof(mac); i++) {
		mac[i] = fuzz_take_byte(&input);
	}
	for (size_t i = 0; i < (form == 6 ? 16 : 4); i++) {
		address.bytes[i] = fuzz_take_byte(&input);
	}
	if (form == 6) {
		check_na(&address, mac);
	} else {
		address.family = AF_INET;
		address.prefix = 24;
		check_arp((enum oo_arp_form)form, &address, mac);
	}
	return 0;
}
