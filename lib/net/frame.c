#include "net/frame.h"

#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <string.h>

#define OPTION_UNIT 8    /* RFC 4861 4.6: lengths of options count these */
#define HOP_LIMIT_ND 255 /* RFC 4861 7.1: else a router has forwarded it */

static const uint8_t zeros[16];

static void set_address(struct oo_frame *frame, int family, const uint8_t *bytes)
{
	const size_t length = family == AF_INET ? 4 : 16;
	frame->address = (struct oo_address){.family = family, .prefix = (uint8_t)(length * 8)};
	memcpy(frame->address.bytes, bytes, length);
}

static enum oo_frame_kind read_arp(const uint8_t *bytes, size_t length, struct oo_frame *frame)
{
	struct ether_arp arp;
	if (length < sizeof(arp)) {
		return OO_FRAME_OTHER;
	}
	memcpy(&arp, bytes, sizeof(arp));
	const uint16_t operation = ntohs(arp.ea_hdr.ar_op);
	if (arp.ea_hdr.ar_hrd != htons(ARPHRD_ETHER) || arp.ea_hdr.ar_pro != htons(ETHERTYPE_IP) ||
	    arp.ea_hdr.ar_hln != sizeof(arp.arp_sha) || arp.ea_hdr.ar_pln != sizeof(arp.arp_spa) ||
	    (operation != ARPOP_REQUEST && operation != ARPOP_REPLY) ||
	    memcmp(arp.arp_sha, zeros, sizeof(arp.arp_sha)) == 0) {
		return OO_FRAME_OTHER;
	}
	memcpy(frame->mac, arp.arp_sha, sizeof(arp.arp_sha));
	if (memcmp(arp.arp_spa, zeros, sizeof(arp.arp_spa)) != 0) {
		set_address(frame, AF_INET, arp.arp_spa);
		if (operation == ARPOP_REPLY) {
			memcpy(frame->answers, arp.arp_tha, sizeof(arp.arp_tha));
		}
		return OO_FRAME_ARP_CLAIM;
	}
	set_address(frame, AF_INET, arp.arp_tpa);
	return operation == ARPOP_REQUEST ? OO_FRAME_ARP_PROBE : OO_FRAME_OTHER;
}

/*
 * Looks through the options for the first of the wanted type; *ret_mac is NULL if there is none.
 * Returns false when they are wrong, which condemns the packet (RFC 4861 7.1).
 */
static bool find_option(const uint8_t *bytes, size_t length, uint8_t wanted,
			const uint8_t **ret_mac)
{
	*ret_mac = NULL;
	while (length > 0) {
		if (length < OPTION_UNIT || bytes[1] == 0 ||
		    (size_t)bytes[1] * OPTION_UNIT > length) {
			return false;
		}
		if (bytes[0] == wanted && *ret_mac == NULL) {
			*ret_mac = bytes + sizeof(struct nd_opt_hdr);
			if (bytes[1] != 1) {
				return false; /* RFC 2464 6: that is no Ethernet address */
			}
		}
		length -= (size_t)bytes[1] * OPTION_UNIT;
		bytes += (size_t)bytes[1] * OPTION_UNIT;
	}
	return true;
}

/* frame->mac is the Ethernet source by now. */
static enum oo_frame_kind read_advertisement(const uint8_t *bytes, size_t length,
					     struct oo_frame *frame)
{
	const uint8_t *mac;
	struct nd_neighbor_advert message;
	memcpy(&message, bytes, sizeof(message));
	if (!find_option(bytes + sizeof(message), length - sizeof(message), ND_OPT_TARGET_LINKADDR,
			 &mac)) {
		return OO_FRAME_OTHER;
	}
	if (mac != NULL) {
		memcpy(frame->mac, mac, sizeof(frame->mac));
	}
	set_address(frame, AF_INET6, message.nd_na_target.s6_addr);
	return OO_FRAME_NA;
}

static enum oo_frame_kind read_solicitation(const uint8_t *bytes, size_t length,
					    struct oo_frame *frame)
{
	const uint8_t *mac;
	struct nd_neighbor_solicit message;
	memcpy(&message, bytes, sizeof(message));
	/* RFC 4861 7.1.1: who has no address yet says no link-layer address either */
	if (!find_option(bytes + sizeof(message), length - sizeof(message), ND_OPT_SOURCE_LINKADDR,
			 &mac) ||
	    mac != NULL) {
		return OO_FRAME_OTHER;
	}
	set_address(frame, AF_INET6, message.nd_ns_target.s6_addr);
	return OO_FRAME_DAD;
}

static enum oo_frame_kind read_ipv6(const uint8_t *bytes, size_t length, struct oo_frame *frame)
{
	struct ip6_hdr ip;
	struct icmp6_hdr icmp;
	_Static_assert(sizeof(struct nd_neighbor_advert) == sizeof(struct nd_neighbor_solicit),
		       "RFC 4861 4.3, 4.4");
	if (length < sizeof(ip) + sizeof(struct nd_neighbor_advert)) {
		return OO_FRAME_OTHER;
	}
	memcpy(&ip, bytes, sizeof(ip));
	memcpy(&icmp, bytes + sizeof(ip), sizeof(icmp));
	const size_t said = ntohs(ip.ip6_plen);
	if (ip.ip6_vfc >> 4 != 6 || ip.ip6_nxt != IPPROTO_ICMPV6 || ip.ip6_hlim != HOP_LIMIT_ND ||
	    icmp.icmp6_code != 0 || said > length - sizeof(ip) ||
	    said < sizeof(struct nd_neighbor_advert)) {
		return OO_FRAME_OTHER;
	}
	if (icmp.icmp6_type == ND_NEIGHBOR_ADVERT) {
		return read_advertisement(bytes + sizeof(ip), said, frame);
	}
	if (icmp.icmp6_type == ND_NEIGHBOR_SOLICIT && IN6_IS_ADDR_UNSPECIFIED(&ip.ip6_src)) {
		return read_solicitation(bytes + sizeof(ip), said, frame);
	}
	return OO_FRAME_OTHER;
}

bool oo_frame_read(const uint8_t *bytes, size_t length, struct oo_frame *ret_frame)
{
	struct ether_header ethernet;
	struct oo_frame frame = {.kind = OO_FRAME_OTHER};

	if (length >= sizeof(ethernet)) {
		memcpy(&ethernet, bytes, sizeof(ethernet));
		memcpy(frame.mac, ethernet.ether_shost, sizeof(frame.mac));
		bytes += sizeof(ethernet);
		length -= sizeof(ethernet);
		if (ethernet.ether_type == htons(ETHERTYPE_ARP)) {
			frame.kind = read_arp(bytes, length, &frame);
		} else if (ethernet.ether_type == htons(ETHERTYPE_IPV6)) {
			frame.kind = read_ipv6(bytes, length, &frame);
		}
	}
	*ret_frame =
		frame.kind == OO_FRAME_OTHER ? (struct oo_frame){.kind = OO_FRAME_OTHER} : frame;
	return frame.kind != OO_FRAME_OTHER;
}
