#include "test_net_fence_lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_BYTES 2048
#define WAIT_MS 5000
#define IP4_BYTES 20
#define IP6_BYTES 40
#define ECHO_BYTES 8
#define TCP_BYTES 20
#define ARP_BYTES 28
#define NS_BYTES 32
#define ETHER_BYTES 14

static void read_mac(const char *interface, uint8_t mac[static 6])
{
	const char *shown = strstr(ip_shows("link show dev %s", interface), "link/ether ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(shown);
	CU_ASSERT_EQUAL(sscanf(shown, "link/ether %hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1],
			       &mac[2], &mac[3], &mac[4], &mac[5]),
			6);
}

const char *mac_text(const uint8_t mac[static 6])
{
	static char text[18];
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return text;
}

static int listen_everywhere(void)
{
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 4096), 0);
	return fd;
}

static int open_packets(void)
{
	struct sockaddr_ll here = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ALL),
				   .sll_ifindex = (int)if_nametoindex("peer")};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	return fd;
}

static void stay_on_one_cpu(void)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof(one), &one), 0);
}

void nft(const char *commands)
{
	FILE *program = popen("nft -f -", "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(program);
	fputs(commands, program);
	if (pclose(program) != 0) {
		fprintf(stderr, "failed: nft %s\n", commands);
		abort();
	}
}

const char *nft_list(const char *what)
{
	static char shown[65536];
	char command[256];
	snprintf(command, sizeof(command), "nft list %s 2>&1", what);
	FILE *program = popen(command, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(program);
	shown[fread(shown, 1, sizeof(shown) - 1, program)] = '\0';
	(void)pclose(program); /* what is not there is shown as an error */
	return shown;
}

void write_file(const char *path, const char *line)
{
	FILE *file = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_TRUE(fputs(line, file) >= 0);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

static void count_loss(void *user)
{
	((struct lab *)user)->lost++;
}

void fence_up(struct lab *lab, bool keep)
{
	const struct oo_address vips[] = {address_of(VIP4), address_of(VIP6)};
	const struct oo_fence_options options = {
		.name = FENCE,
		.vips = vips,
		.n = OO_LENGTH(vips),
		.keep = keep,
		.lost = count_loss,
		.user = lab,
	};
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_fence_new(lab->event, &options, &lab->fence, &err), 0);
	EXPECT_TEXT(err.text, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(lab->fence);
}

void fence_open(struct lab *lab, const char *vip, int64_t until)
{
	const struct oo_address address = address_of(vip);
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_fence_open_until(lab->fence, &address, 1, until, &err), 0);
	EXPECT_TEXT(err.text, "");
}

void fence_close(struct lab *lab, const char *vip)
{
	const struct oo_address address = address_of(vip);
	struct oo_err err = {""};
	CU_ASSERT_EQUAL(oo_fence_close(lab->fence, &address, 1, &err), 0);
	EXPECT_TEXT(err.text, "");
}

void fence_down(struct lab *lab, bool remove)
{
	oo_fence_free(lab->fence, remove);
	lab->fence = NULL;
}

/* RFC 1071, over data and a pseudo-header that has been added up already. */
static uint16_t checksum(uint32_t sum, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i += 2) {
		sum += (uint32_t)data[i] << 8 | (i + 1 < length ? data[i + 1] : 0);
	}
	while (sum >> 16 != 0) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Returns the bytes of an IP header that goes before length bytes of protocol. */
static size_t put_ip(uint8_t *at, const struct oo_address *to, uint8_t protocol, size_t length)
{
	const bool ipv4 = to->family == AF_INET;
	const struct oo_address from = address_of(ipv4 ? CLIENT4 : CLIENT6);
	if (ipv4) {
		const uint8_t fixed[] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol};
		memcpy(at, fixed, sizeof(fixed));
		put16(at + 2, (uint16_t)(IP4_BYTES + length));
		memcpy(at + 12, from.bytes, 4);
		memcpy(at + 16, to->bytes, 4);
		put16(at + 10, checksum(0, at, IP4_BYTES));
		return IP4_BYTES;
	}
	const uint8_t fixed[] = {0x60, 0, 0, 0, 0, 0, protocol, 255};
	memcpy(at, fixed, sizeof(fixed));
	put16(at + 4, (uint16_t)length);
	memcpy(at + 8, from.bytes, 16);
	memcpy(at + 24, to->bytes, 16);
	return IP6_BYTES;
}

/* Of what follows the IP header at ip. */
static uint16_t transport_checksum(const uint8_t *header, bool ipv4, uint8_t protocol,
				   size_t length)
{
	const size_t header_bytes = ipv4 ? IP4_BYTES : IP6_BYTES;
	const size_t addresses_at = ipv4 ? 12 : 8;
	uint32_t sum = protocol + (uint32_t)length;
	for (size_t i = addresses_at; i < header_bytes; i += 2) {
		sum += get16(header + i);
	}
	return checksum(sum, header + header_bytes, length);
}

static size_t put_echo(uint8_t *at, const struct oo_address *to)
{
	static uint16_t sequence;
	const bool ipv4 = to->family == AF_INET;
	const uint8_t protocol = ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	const size_t header_bytes = put_ip(at, to, protocol, ECHO_BYTES);
	uint8_t *echo = at + header_bytes;
	echo[0] = ipv4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	put16(echo + 6, ++sequence);
	put16(echo + 2, ipv4 ? checksum(0, echo, ECHO_BYTES)
			     : transport_checksum(at, false, protocol, ECHO_BYTES));
	return header_bytes + ECHO_BYTES;
}

static size_t put_syn(uint8_t *at, const struct oo_address *to)
{
	static uint16_t port = 20000;
	const bool ipv4 = to->family == AF_INET;
	const size_t header_bytes = put_ip(at, to, IPPROTO_TCP, TCP_BYTES);
	uint8_t *tcp = at + header_bytes;
	put16(tcp, ++port);
	put16(tcp + 2, PORT);
	tcp[12] = 5 << 4;
	tcp[13] = TH_SYN;
	put16(tcp + 14, 1000);
	put16(tcp + 16, transport_checksum(at, ipv4, IPPROTO_TCP, TCP_BYTES));
	return header_bytes + TCP_BYTES;
}

static size_t put_arp(uint8_t *at, const struct lab *lab, const struct oo_address *target)
{
	const struct oo_address from = address_of(CLIENT4);
	const uint8_t fixed[] = {0, 1, 8, 0, 6, 4, 0, 1};
	memcpy(at, fixed, sizeof(fixed));
	memcpy(at + 8, lab->client_mac, 6);
	memcpy(at + 14, from.bytes, 4);
	memcpy(at + 24, target->bytes, 4);
	return ARP_BYTES;
}

/* RFC 4861 4.3: to the solicited-node multicast address, with the source link-layer address. */
static size_t put_ns(uint8_t *at, const struct lab *lab, const struct oo_address *target)
{
	struct oo_address group = {.family = AF_INET6, .bytes = {0xff, 2, [11] = 1, [12] = 0xff}};
	memcpy(group.bytes + 13, target->bytes + 13, 3);
	put_ip(at, &group, IPPROTO_ICMPV6, NS_BYTES);
	uint8_t *ns = at + IP6_BYTES;
	ns[0] = ND_NEIGHBOR_SOLICIT;
	memcpy(ns + 8, target->bytes, 16);
	ns[24] = ND_OPT_SOURCE_LINKADDR;
	ns[25] = 1;
	memcpy(ns + 26, lab->client_mac, 6);
	put16(ns + 2, transport_checksum(at, false, IPPROTO_ICMPV6, NS_BYTES));
	return IP6_BYTES + NS_BYTES;
}

/* Ethernet, to the node, or to all for ARP and to the group for neighbour solicitations. */
static void put_ethernet(uint8_t *frame, const struct lab *lab, enum probe probe,
			 const struct oo_address *to)
{
	const bool ipv4 = to->family == AF_INET;
	memcpy(frame, lab->node_mac, 6);
	memcpy(frame + 6, lab->client_mac, 6);
	put16(frame + 12, ipv4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	if (probe == PROBE_ARP && ipv4) {
		memset(frame, 0xff, 6);
		put16(frame + 12, ETHERTYPE_ARP);
	} else if (probe == PROBE_ARP) {
		const uint8_t group[] = {0x33, 0x33, 0xff};
		memcpy(frame, group, sizeof(group)); /* RFC 2464 7 */
		memcpy(frame + 3, to->bytes + 13, 3);
	}
}

void lab_ask(struct lab *lab, enum probe probe, const char *address)
{
	uint8_t frame[FRAME_BYTES] = {0};
	const struct oo_address to = address_of(address);
	size_t length = 0;
	put_ethernet(frame, lab, probe, &to);
	switch (probe) {
	case PROBE_ARP:
		length = to.family == AF_INET ? put_arp(frame + ETHER_BYTES, lab, &to)
					      : put_ns(frame + ETHER_BYTES, lab, &to);
		break;
	case PROBE_ECHO:
		length = put_echo(frame + ETHER_BYTES, &to);
		break;
	case PROBE_TCP:
		length = put_syn(frame + ETHER_BYTES, &to);
		break;
	case PROBES:
		break;
	}
	length += ETHER_BYTES;
	CU_ASSERT_EQUAL(send(lab->packets, frame, length, 0), (ssize_t)length);
}

static bool has(const uint8_t *at, const struct oo_address *address)
{
	return memcmp(at, address->bytes, address->family == AF_INET ? 4 : 16) == 0;
}

/* What a packet of the node says about address. */
enum saying {
	SAYS_NOTHING,
	SAYS_ARP,  /* an answer: ARP reply, neighbour advertisement */
	SAYS_ECHO, /* reply */
	SAYS_TCP,
	SAYS_CLAIM, /* ARP request or neighbour solicitation from it */
};

static enum saying say_ip(const uint8_t *header, uint8_t protocol, const uint8_t *transport,
			  const struct oo_address *address)
{
	const bool ipv4 = address->family == AF_INET;
	const bool from = has(header + (ipv4 ? 12 : 8), address);
	if (protocol == IPPROTO_ICMPV6 && transport[0] == ND_NEIGHBOR_ADVERT) {
		return has(transport + 8, address) ? SAYS_ARP : SAYS_NOTHING;
	}
	if (!from) {
		return SAYS_NOTHING;
	}
	if (protocol == IPPROTO_ICMPV6 && transport[0] == ND_NEIGHBOR_SOLICIT) {
		return SAYS_CLAIM;
	}
	if (protocol == IPPROTO_TCP) {
		return SAYS_TCP;
	}
	return transport[0] == (ipv4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) ? SAYS_ECHO
									  : SAYS_NOTHING;
}

static enum saying say(const uint8_t *frame, const struct oo_address *address)
{
	const uint16_t type = get16(frame + 12);
	const uint8_t *header = frame + ETHER_BYTES;
	if (address->family == AF_INET && type == ETHERTYPE_ARP && has(header + 14, address)) {
		return get16(header + 6) == 2 ? SAYS_ARP : SAYS_CLAIM;
	}
	if (address->family == AF_INET && type == ETHERTYPE_IP) {
		return say_ip(header, header[9], header + IP4_BYTES, address);
	}
	if (address->family == AF_INET6 && type == ETHERTYPE_IPV6) {
		return say_ip(header, header[6], header + IP6_BYTES, address);
	}
	return SAYS_NOTHING;
}

/* Reads one packet that came in. Returns whether there was one. */
static bool read_packet(struct lab *lab, uint8_t frame[static FRAME_BYTES])
{
	struct sockaddr_ll from = {.sll_pkttype = 0};
	socklen_t length = sizeof(from);
	do {
		memset(frame, 0, FRAME_BYTES);
		length = sizeof(from);
		if (recvfrom(lab->packets, frame, FRAME_BYTES, 0, (struct sockaddr *)&from,
			     &length) < 0) {
			return false;
		}
	} while (from.sll_pkttype == PACKET_OUTGOING);
	return true;
}

static void skip_packets(struct lab *lab)
{
	uint8_t frame[FRAME_BYTES];
	while (read_packet(lab, frame)) {
	}
}

static const enum saying answer_to[PROBES] = {
	[PROBE_ARP] = SAYS_ARP, [PROBE_ECHO] = SAYS_ECHO, [PROBE_TCP] = SAYS_TCP};

unsigned lab_answered(struct lab *lab, enum probe probe, const char *address)
{
	const struct oo_address wanted = address_of(address);
	uint8_t frame[FRAME_BYTES];
	unsigned count = 0;
	while (read_packet(lab, frame)) {
		count += say(frame, &wanted) == answer_to[probe] ? 1 : 0;
	}
	return count;
}

/*
 * Asks the node's own address, and reads up to its answer what is said of address: bits of
 * 1 << enum saying.
 */
static unsigned hear(struct lab *lab, enum probe probe, const char *address)
{
	const struct oo_address vip = address_of(address);
	const char *own_text = vip.family == AF_INET ? OWN4 : OWN6;
	const struct oo_address own = address_of(own_text);
	const int64_t until = oo_clock_now() + WAIT_MS;
	uint8_t frame[FRAME_BYTES];
	unsigned said = 0;
	lab_ask(lab, probe, own_text);
	while (oo_clock_now() < until) {
		struct pollfd readable = {.fd = lab->packets, .events = POLLIN};
		(void)poll(&readable, 1, 100);
		while (read_packet(lab, frame)) {
			said |= 1u << say(frame, &vip);
			if (say(frame, &own) == answer_to[probe]) {
				return said;
			}
		}
	}
	CU_FAIL("the node's own address does not answer");
	return said;
}

bool answers(struct lab *lab, enum probe probe, const char *address)
{
	skip_packets(lab);
	lab_ask(lab, probe, address);
	return (hear(lab, probe, address) & 1u << answer_to[probe]) != 0;
}

unsigned answers_of(struct lab *lab, const char *address)
{
	unsigned answering = 0;
	for (unsigned probe = 0; probe < PROBES; probe++) {
		answering |= answers(lab, (enum probe)probe, address) ? 1u << probe : 0;
	}
	return answering;
}

bool lab_claims(struct lab *lab, const char *address)
{
	const unsigned claims = 1u << SAYS_ARP | 1u << SAYS_CLAIM;
	return (hear(lab, PROBE_ECHO, address) & claims) != 0;
}

bool answers_soon(struct lab *lab, const char *address)
{
	const int64_t until = oo_clock_now() + WAIT_MS;
	while (oo_clock_now() < until) {
		struct pollfd readable = {.fd = lab->packets, .events = POLLIN};
		lab_ask(lab, PROBE_ECHO, address);
		(void)poll(&readable, 1, 20);
		if (lab_answered(lab, PROBE_ECHO, address) > 0) {
			return true;
		}
	}
	return false;
}

void lab_init(struct lab *lab)
{
	*lab = (struct lab){.packets = -1, .listener = -1};
	lab->client = space_new();
	lab->node = space_new();
	stay_on_one_cpu();
	make_veth(lab->client);
	ip("address add " OWN4 "/24 dev eth0");
	ip("address add " VIP4 "/24 dev eth0");
	ip("address add " OWN6 "/64 dev eth0 nodad");
	ip("address add " VIP6 "/64 dev eth0 nodad");
	read_mac("eth0", lab->node_mac);
	lab->listener = listen_everywhere();
	space_enter(lab->client);
	ip("address add " CLIENT4 "/24 dev peer");
	ip("address add " CLIENT6 "/64 dev peer nodad");
	read_mac("peer", lab->client_mac);
	lab->packets = open_packets();
	space_enter(lab->node);
	ip("neigh add " CLIENT4 " lladdr %s dev eth0", mac_text(lab->client_mac));
	ip("neigh add " CLIENT6 " lladdr %s dev eth0", mac_text(lab->client_mac));
	CU_ASSERT_FATAL(sd_event_new(&lab->event) >= 0);
	/* a link carries only some time after it has been set up */
	CU_ASSERT_TRUE_FATAL(answers_soon(lab, OWN4));
	CU_ASSERT_TRUE_FATAL(answers_soon(lab, OWN6));
}

void lab_done(struct lab *lab)
{
	oo_fence_free(lab->fence, false);
	sd_event_unref(lab->event);
	oo_close(&lab->packets);
	oo_close(&lab->listener);
	oo_close(&lab->node);
	oo_close(&lab->client);
}
