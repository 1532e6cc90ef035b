#include "answers_frame.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>

#define TAG_FIRST 0x02 /* locally administered */
#define ECHO_ID 0x6f6f
#define PORT_FIRST 16384 /* of a connection's own: where to, and 2048 numbers */
#define PORTS 2048

/* A name for a question, as long as a hardware address. */
struct tag {
	uint8_t first, vip;
	uint32_t number; /* network order, as is all below */
} __attribute__((packed));

struct arp_frame {
	struct ether_header ethernet;
	struct ether_arp arp;
} __attribute__((packed));

struct icmp_frame {
	struct ether_header ethernet;
	struct ip ip;
	struct icmphdr icmp;
	struct tag tag;
} __attribute__((packed));

struct tcp_frame {
	struct ether_header ethernet;
	struct ip ip;
	struct tcphdr tcp;
} __attribute__((packed));

struct nd_frame {
	struct ether_header ethernet;
	struct ip6_hdr ip;
	struct nd_neighbor_solicit nd; /* an advertisement has the same shape */
	struct nd_opt_hdr option;
	struct tag tag;
} __attribute__((packed));

struct icmp6_frame {
	struct ether_header ethernet;
	struct ip6_hdr ip;
	struct icmp6_hdr icmp;
	struct tag tag;
} __attribute__((packed));

/* The solicitor's address is that of nobody: fe80::6f6f:6861. */
static const uint8_t solicitor[16] = {0xfe, 0x80, [12] = 0x6f, 0x6f, 0x68, 0x61};

static struct tag tag_of(const struct answers_question *question)
{
	return (struct tag){.first = TAG_FIRST,
			    .vip = (uint8_t)question->vip,
			    .number = htonl(question->number)};
}

static bool take_tag(const struct tag *tag, struct answers_answer *answer)
{
	answer->vip = tag->vip;
	answer->number = ntohl(tag->number);
	return tag->first == TAG_FIRST;
}

/* RFC 1071; start is what is not in bytes. */
static uint16_t checksum(const void *bytes, size_t length, uint32_t start)
{
	const uint8_t *at = bytes;
	uint32_t sum = start;
	for (size_t i = 0; i < length; i++) {
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
	}
	while (sum > 0xffff) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return htons((uint16_t)~sum);
}

/* The pseudo-header's share: addresses, which follow each other, protocol and length. */
static uint32_t pseudo(const void *addresses, size_t addresses_length, uint8_t protocol,
		       size_t length)
{
	return (uint32_t)(uint16_t)~ntohs(checksum(addresses, addresses_length, 0)) + protocol +
	       (uint32_t)length;
}

static struct ether_header ethernet_of(const struct answers_question *question, uint16_t type)
{
	struct ether_header ethernet = {.ether_type = htons(type)};
	memcpy(ethernet.ether_shost, question->from_mac, ANSWERS_MAC_LENGTH);
	memcpy(ethernet.ether_dhost, question->to_mac, ANSWERS_MAC_LENGTH);
	return ethernet;
}

static struct ip ip_of(const struct answers_question *question, uint8_t protocol, size_t length)
{
	struct ip ip = {.ip_v = 4,
			.ip_hl = sizeof(ip) / 4,
			.ip_len = htons((uint16_t)(sizeof(ip) + length)),
			.ip_ttl = 64,
			.ip_p = protocol};
	memcpy(&ip.ip_src, question->from.bytes, sizeof(ip.ip_src));
	memcpy(&ip.ip_dst, question->address->bytes, sizeof(ip.ip_dst));
	ip.ip_sum = checksum(&ip, sizeof(ip), 0);
	return ip;
}

static struct ip6_hdr ip6_of(const struct answers_question *question, const uint8_t *from,
			     size_t length)
{
	struct ip6_hdr ip = {.ip6_flow = htonl(6u << 28),
			     .ip6_plen = htons((uint16_t)length),
			     .ip6_nxt = IPPROTO_ICMPV6,
			     .ip6_hlim = 255};
	memcpy(&ip.ip6_src, from, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, question->address->bytes, sizeof(ip.ip6_dst));
	return ip;
}

/* ip: a struct ip6_hdr, wherever it is. */
static uint16_t checksum6(const void *ip, const void *bytes, size_t length)
{
	const unsigned char *addresses =
		(const unsigned char *)ip + offsetof(struct ip6_hdr, ip6_src);
	return checksum(bytes, length,
			pseudo(addresses, 2 * sizeof(struct in6_addr), IPPROTO_ICMPV6, length));
}

static size_t write_arp(const struct answers_question *question, unsigned char *frame)
{
	const struct tag tag = tag_of(question);
	struct arp_frame arp = {.ethernet = ethernet_of(question, ETHERTYPE_ARP),
				.arp = {.ea_hdr = {.ar_hrd = htons(ARPHRD_ETHER),
						   .ar_pro = htons(ETHERTYPE_IP),
						   .ar_hln = ANSWERS_MAC_LENGTH,
						   .ar_pln = 4,
						   .ar_op = htons(ARPOP_REQUEST)}}};
	memset(arp.ethernet.ether_dhost, 0xff, ANSWERS_MAC_LENGTH);
	memcpy(arp.arp.arp_tpa, question->address->bytes, sizeof(arp.arp.arp_tpa));
	memcpy(arp.arp.arp_sha, &tag, sizeof(tag));
	memcpy(frame, &arp, sizeof(arp));
	return sizeof(arp);
}

static size_t write_icmp(const struct answers_question *question, unsigned char *frame)
{
	const size_t length = sizeof(struct icmphdr) + sizeof(struct tag);
	struct icmp_frame icmp = {.ethernet = ethernet_of(question, ETHERTYPE_IP),
				  .ip = ip_of(question, IPPROTO_ICMP, length),
				  .icmp = {.type = ICMP_ECHO},
				  .tag = tag_of(question)};
	icmp.icmp.un.echo.id = htons(ECHO_ID);
	icmp.icmp.checksum = checksum(&icmp.icmp, length, 0);
	memcpy(frame, &icmp, sizeof(icmp));
	return sizeof(icmp);
}

static uint16_t port_of(const struct answers_question *question)
{
	return htons((uint16_t)(PORT_FIRST + question->vip * PORTS + question->number % PORTS));
}

static size_t write_tcp(const struct answers_question *question, uint32_t sequence, uint8_t flags,
			unsigned char *frame)
{
	struct tcp_frame tcp = {.ethernet = ethernet_of(question, ETHERTYPE_IP),
				.ip = ip_of(question, IPPROTO_TCP, sizeof(struct tcphdr)),
				.tcp = {.th_sport = port_of(question),
					.th_dport = htons(ANSWERS_TCP_PORT),
					.th_seq = htonl(sequence),
					.th_off = sizeof(struct tcphdr) / 4,
					.th_flags = flags,
					.th_win = htons(1024)}};
	tcp.tcp.th_sum = checksum(
		&tcp.tcp, sizeof(tcp.tcp),
		pseudo(&tcp.ip.ip_src, 2 * sizeof(tcp.ip.ip_src), IPPROTO_TCP, sizeof(tcp.tcp)));
	memcpy(frame, &tcp, sizeof(tcp));
	return sizeof(tcp);
}

/* To the solicited-node address and its hardware address (RFC 4291 2.7.1, RFC 2464 7). */
static size_t write_nd(const struct answers_question *question, unsigned char *frame)
{
	const size_t length = sizeof(struct nd_frame) - offsetof(struct nd_frame, nd);
	struct nd_frame nd = {.ethernet = ethernet_of(question, ETHERTYPE_IPV6),
			      .ip = ip6_of(question, solicitor, length),
			      .nd = {.nd_ns_hdr = {.icmp6_type = ND_NEIGHBOR_SOLICIT}},
			      .option = {.nd_opt_type = ND_OPT_SOURCE_LINKADDR, .nd_opt_len = 1},
			      .tag = tag_of(question)};
	const uint8_t *address = question->address->bytes;
	const uint8_t group[16] = {0xff,        0x02,        [11] = 1,   0xff,
				   address[13], address[14], address[15]};
	const uint8_t mac[ANSWERS_MAC_LENGTH] = {0x33,        0x33,        0xff,
						 address[13], address[14], address[15]};
	memcpy(nd.ethernet.ether_dhost, mac, sizeof(mac));
	memcpy(&nd.ip.ip6_dst, group, sizeof(group));
	memcpy(&nd.nd.nd_ns_target, address, sizeof(nd.nd.nd_ns_target));
	nd.nd.nd_ns_hdr.icmp6_cksum = checksum6(&nd.ip, &nd.nd, length);
	memcpy(frame, &nd, sizeof(nd));
	return sizeof(nd);
}

static size_t write_icmp6(const struct answers_question *question, unsigned char *frame)
{
	const size_t length = sizeof(struct icmp6_hdr) + sizeof(struct tag);
	struct icmp6_frame icmp = {.ethernet = ethernet_of(question, ETHERTYPE_IPV6),
				   .ip = ip6_of(question, question->from.bytes, length),
				   .icmp = {.icmp6_type = ICMP6_ECHO_REQUEST},
				   .tag = tag_of(question)};
	icmp.icmp.icmp6_id = htons(ECHO_ID);
	icmp.icmp.icmp6_cksum = checksum6(&icmp.ip, &icmp.icmp, length);
	memcpy(frame, &icmp, sizeof(icmp));
	return sizeof(icmp);
}

size_t answers_frame_write(const struct answers_question *question,
			   unsigned char frame[static ANSWERS_FRAME_LENGTH])
{
	switch (question->kind) {
	case ANSWERS_KIND_ARP:
		return write_arp(question, frame);
	case ANSWERS_KIND_ICMP:
		return write_icmp(question, frame);
	case ANSWERS_KIND_TCP:
		return write_tcp(question, question->number, TH_SYN, frame);
	case ANSWERS_KIND_ND:
		return write_nd(question, frame);
	case ANSWERS_KIND_ICMP6:
		return write_icmp6(question, frame);
	}
	return 0;
}

size_t answers_frame_reset(const struct answers_question *question,
			   unsigned char frame[static ANSWERS_FRAME_LENGTH])
{
	return write_tcp(question, question->number + 1, TH_RST, frame);
}

static bool read_arp(const unsigned char *frame, size_t length, struct answers_answer *answer)
{
	struct arp_frame arp;
	struct tag tag;
	if (length < sizeof(arp)) {
		return false;
	}
	memcpy(&arp, frame, sizeof(arp));
	memcpy(&tag, arp.arp.arp_tha, sizeof(tag));
	memcpy(answer->mac, arp.arp.arp_sha, sizeof(answer->mac));
	answer->kind = ANSWERS_KIND_ARP;
	return arp.arp.ea_hdr.ar_op == htons(ARPOP_REPLY) && take_tag(&tag, answer);
}

static bool read_icmp(const unsigned char *frame, size_t length, struct answers_answer *answer)
{
	struct icmp_frame icmp;
	if (length < sizeof(icmp)) {
		return false;
	}
	memcpy(&icmp, frame, sizeof(icmp));
	answer->kind = ANSWERS_KIND_ICMP;
	return icmp.icmp.type == ICMP_ECHOREPLY && icmp.icmp.un.echo.id == htons(ECHO_ID) &&
	       take_tag(&icmp.tag, answer);
}

static bool read_tcp(const unsigned char *frame, size_t length, struct answers_answer *answer)
{
	struct tcp_frame tcp;
	if (length < sizeof(tcp)) {
		return false;
	}
	memcpy(&tcp, frame, sizeof(tcp));
	const uint16_t port = ntohs(tcp.tcp.th_dport);
	answer->kind = ANSWERS_KIND_TCP;
	answer->number = ntohl(tcp.tcp.th_ack) - 1;
	answer->vip = (unsigned)(port - PORT_FIRST) / PORTS;
	answer->half_open = (tcp.tcp.th_flags & TH_SYN) != 0;
	return tcp.tcp.th_sport == htons(ANSWERS_TCP_PORT) && port >= PORT_FIRST &&
	       (tcp.tcp.th_flags & (TH_SYN | TH_RST)) != 0;
}

static bool read_ip(const unsigned char *frame, size_t length, struct answers_answer *answer)
{
	struct ip ip;
	if (length < sizeof(struct ether_header) + sizeof(ip)) {
		return false;
	}
	memcpy(&ip, frame + sizeof(struct ether_header), sizeof(ip));
	if (ip.ip_hl != sizeof(ip) / 4) {
		return false;
	}
	return ip.ip_p == IPPROTO_ICMP  ? read_icmp(frame, length, answer)
	       : ip.ip_p == IPPROTO_TCP ? read_tcp(frame, length, answer)
					: false;
}

static bool read_nd(const unsigned char *frame, size_t length, struct answers_answer *answer)
{
	struct nd_frame nd;
	struct tag tag;
	if (length < offsetof(struct nd_frame, option)) {
		return false;
	}
	memcpy(&nd, frame, offsetof(struct nd_frame, option));
	memcpy(&tag, nd.ethernet.ether_dhost, sizeof(tag));
	answer->kind = ANSWERS_KIND_ND;
	return nd.nd.nd_ns_hdr.icmp6_type == ND_NEIGHBOR_ADVERT &&
	       memcmp(&nd.ip.ip6_dst, solicitor, sizeof(solicitor)) == 0 && take_tag(&tag, answer);
}

static bool read_icmp6(const unsigned char *frame, size_t length, struct answers_answer *answer)
{
	struct icmp6_frame icmp;
	if (length < sizeof(icmp)) {
		return false;
	}
	memcpy(&icmp, frame, sizeof(icmp));
	if (icmp.ip.ip6_nxt != IPPROTO_ICMPV6) {
		return false;
	}
	if (icmp.icmp.icmp6_type != ICMP6_ECHO_REPLY) {
		return read_nd(frame, length, answer);
	}
	answer->kind = ANSWERS_KIND_ICMP6;
	return icmp.icmp.icmp6_id == htons(ECHO_ID) && take_tag(&icmp.tag, answer);
}

bool answers_frame_read(const unsigned char *frame, size_t length,
			struct answers_answer *ret_answer)
{
	struct ether_header ethernet;
	if (length < sizeof(ethernet)) {
		return false;
	}
	memcpy(&ethernet, frame, sizeof(ethernet));
	*ret_answer = (struct answers_answer){0};
	memcpy(ret_answer->mac, ethernet.ether_shost, sizeof(ret_answer->mac));
	switch (ntohs(ethernet.ether_type)) {
	case ETHERTYPE_ARP:
		return read_arp(frame, length, ret_answer);
	case ETHERTYPE_IP:
		return read_ip(frame, length, ret_answer);
	case ETHERTYPE_IPV6:
		return read_icmp6(frame, length, ret_answer);
	default: /* a number of the network's, not an enum */
		return false;
	}
}

bool answers_kind_is_broadcast(enum answers_kind kind)
{
	return kind == ANSWERS_KIND_ARP || kind == ANSWERS_KIND_ND;
}

const char *answers_kind_name(enum answers_kind kind)
{
	static const char *const names[ANSWERS_KINDS] = {
		[ANSWERS_KIND_ARP] = "arp",     [ANSWERS_KIND_ICMP] = "icmp",
		[ANSWERS_KIND_TCP] = "tcp",     [ANSWERS_KIND_ND] = "nd",
		[ANSWERS_KIND_ICMP6] = "icmp6",
	};
	return names[kind];
}
