#include <assert.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip6.h>
#include <string.h>

#include "net/announce.h"

static struct ether_arp arp_about(const struct oo_address *address, uint16_t operation,
				  const uint8_t mac[static OO_MAC_LENGTH])
{
	struct ether_arp arp = {
		.ea_hdr = {.ar_hrd = htons(ARPHRD_ETHER),
			   .ar_pro = htons(ETHERTYPE_IP),
			   .ar_hln = OO_MAC_LENGTH,
			   .ar_pln = 4,
			   .ar_op = htons(operation)},
	};
	_Static_assert(sizeof(arp) == OO_ARP_LENGTH, "RFC 826");
	assert(address->family == AF_INET);
	memcpy(arp.arp_sha, mac, OO_MAC_LENGTH);
	memcpy(arp.arp_tpa, address->bytes, sizeof(arp.arp_tpa));
	return arp;
}

void oo_arp_build(enum oo_arp_form form, const struct oo_address *address,
		  const uint8_t mac[static OO_MAC_LENGTH], uint8_t packet[static OO_ARP_LENGTH])
{
	struct ether_arp arp = arp_about(address, (uint16_t)form, mac);
	memcpy(arp.arp_spa, address->bytes, sizeof(arp.arp_spa));
	if (form == OO_ARP_REPLY) {
		memcpy(arp.arp_tha, mac, OO_MAC_LENGTH);
	}
	memcpy(packet, &arp, sizeof(arp));
}

void oo_arp_probe_build(const struct oo_address *address, const uint8_t mac[static OO_MAC_LENGTH],
			uint8_t packet[static OO_ARP_LENGTH])
{
	const struct ether_arp arp = arp_about(address, ARPOP_REQUEST, mac);
	memcpy(packet, &arp, sizeof(arp));
}

/* RFC 1071 over an even number of bytes, on top of sum. */
static uint32_t checksum_add(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i += 2) {
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	}
	return sum;
}

static uint16_t checksum_end(uint32_t sum)
{
	while (sum >> 16 != 0) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return htons((uint16_t)~sum);
}

/* RFC 8200 8.1: both addresses, the length and the protocol, then the message. */
static void put_checksum(uint8_t *packet, size_t length)
{
	const size_t message = length - sizeof(struct ip6_hdr);
	uint32_t sum = checksum_add(0, packet + 8, 32);
	sum += (uint32_t)message + IPPROTO_ICMPV6;
	sum = checksum_add(sum, packet + sizeof(struct ip6_hdr), message);
	const uint16_t checksum = checksum_end(sum);
	memcpy(packet + sizeof(struct ip6_hdr) + 2, &checksum, sizeof(checksum));
}

void oo_na_build(const struct oo_address *address, const uint8_t mac[static OO_MAC_LENGTH],
		 uint8_t packet[static OO_NA_LENGTH])
{
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
	struct {
		struct ip6_hdr ip;
		struct nd_neighbor_advert advertisement;
		struct nd_opt_hdr option;
		uint8_t mac[OO_MAC_LENGTH];
	} na = {
		.ip = {.ip6_flow = htonl(6u << 28),
		       .ip6_plen = htons(OO_NA_LENGTH - sizeof(struct ip6_hdr)),
		       .ip6_nxt = IPPROTO_ICMPV6,
		       .ip6_hlim = 255},
		.advertisement = {.nd_na_hdr = {.icmp6_type = ND_NEIGHBOR_ADVERT}},
		.option = {.nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1},
	};
	_Static_assert(sizeof(na) == OO_NA_LENGTH, "RFC 4861 4.4");
	assert(address->family == AF_INET6);
	na.advertisement.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
	memcpy(&na.ip.ip6_src, address->bytes, sizeof(na.ip.ip6_src));
	memcpy(&na.ip.ip6_dst, all_nodes, sizeof(all_nodes));
	memcpy(&na.advertisement.nd_na_target, address->bytes, sizeof(address->bytes));
	memcpy(na.mac, mac, OO_MAC_LENGTH);
	memcpy(packet, &na, sizeof(na));

	put_checksum(packet, OO_NA_LENGTH);
}

void oo_ns_build(const struct oo_address *address, uint8_t packet[static OO_NS_LENGTH])
{
	struct {
		struct ip6_hdr ip;
		struct nd_neighbor_solicit solicitation;
	} ns = {
		.ip = {.ip6_flow = htonl(6u << 28),
		       .ip6_plen = htons(OO_NS_LENGTH - sizeof(struct ip6_hdr)),
		       .ip6_nxt = IPPROTO_ICMPV6,
		       .ip6_hlim = 255},
		.solicitation = {.nd_ns_hdr = {.icmp6_type = ND_NEIGHBOR_SOLICIT}},
	};
	static const uint8_t solicited_node[16] = {0xff, 0x02, [11] = 1, 0xff}; /* RFC 4291 2.7.1 */
	_Static_assert(sizeof(ns) == OO_NS_LENGTH, "RFC 4861 4.3");
	assert(address->family == AF_INET6);
	memcpy(&ns.ip.ip6_dst, solicited_node, 13);
	memcpy(ns.ip.ip6_dst.s6_addr + 13, address->bytes + 13, 3);
	memcpy(&ns.solicitation.nd_ns_target, address->bytes, sizeof(address->bytes));
	memcpy(packet, &ns, sizeof(ns));
	put_checksum(packet, OO_NS_LENGTH);
}

int64_t oo_announce_round_at(int64_t round)
{
	const int64_t repeats = OO_ANNOUNCE_REPEAT_FOR_MS / OO_ANNOUNCE_REPEAT_MS;
	if (round < OO_ANNOUNCE_BURST) {
		return round * OO_ANNOUNCE_BURST_GAP_MS;
	}
	round -= OO_ANNOUNCE_BURST - 1;
	if (round <= repeats) {
		return round * OO_ANNOUNCE_REPEAT_MS;
	}
	return OO_ANNOUNCE_REPEAT_FOR_MS + (round - repeats) * OO_ANNOUNCE_REFRESH_MS;
}
