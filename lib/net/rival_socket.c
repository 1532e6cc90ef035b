#include "net/rival_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "net/announce.h"
#include "net/frame.h"

#define DROP BPF_STMT(BPF_RET | BPF_K, 0)
#define TAKE BPF_STMT(BPF_RET | BPF_K, OO_FRAME_LENGTH_MAX)
#define LOAD(size, at) BPF_STMT(BPF_LD | (size) | BPF_ABS, (uint32_t)(at))
/* Goes on with the next one if A is value, else with the one after. */
#define IF_IS(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1)
#define IF_IS_NOT(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0)
/*
 * A frame with the tag of a VLAN that no interface takes off has lost it by now, and counts as
 * meant for another host (net/core/dev.c, __netif_receive_skb_core).
 */
#define ONLY_FOR_US LOAD(BPF_W, SKF_AD_OFF + SKF_AD_PKTTYPE), IF_IS(PACKET_OTHERHOST), DROP

/* Offsets are from the Ethernet header; a load past the end of a frame drops it. */
static const struct sock_filter arp_filter[] = {
	ONLY_FOR_US,
	LOAD(BPF_W, 14), /* Ethernet, IPv4 */
	IF_IS_NOT(0x00010800),
	DROP,
	LOAD(BPF_H, 18), /* the lengths of both */
	IF_IS_NOT(0x0604),
	DROP,
	LOAD(BPF_B, 41), /* its last byte */
	TAKE,
};

static const struct sock_filter nd_filter[] = {
	ONLY_FOR_US,
	LOAD(BPF_B, 20),
	IF_IS_NOT(IPPROTO_ICMPV6),
	DROP,
	LOAD(BPF_B, 54),
	IF_IS(ND_NEIGHBOR_ADVERT),
	TAKE,
	IF_IS_NOT(ND_NEIGHBOR_SOLICIT),
	DROP,
	LOAD(BPF_W, 22), /* the source: :: in duplicate address detection only */
	IF_IS_NOT(0),
	DROP,
	LOAD(BPF_W, 26),
	IF_IS_NOT(0),
	DROP,
	LOAD(BPF_W, 30),
	IF_IS_NOT(0),
	DROP,
	LOAD(BPF_W, 34),
	IF_IS_NOT(0),
	DROP,
	TAKE,
};

static uint16_t protocol_of(int family)
{
	return family == AF_INET ? ETHERTYPE_ARP : ETHERTYPE_IPV6;
}

/* The filter is not ours to change any more, nor anybody's who gets hold of the socket. */
static int set_filter(int fd, int family)
{
	const bool v4 = family == AF_INET;
	const struct sock_fprog program = {
		.len = (unsigned short)(v4 ? OO_LENGTH(arp_filter) : OO_LENGTH(nd_filter)),
		.filter = (struct sock_filter *)(v4 ? arp_filter : nd_filter), /* only read */
	};
	const int locked = 1;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &locked, sizeof(locked)) < 0) {
		return -errno;
	}
	return 0;
}

int oo_rival_socket_bind(int fd, int family, const struct oo_link *link, struct oo_err *err)
{
	const struct sockaddr_ll here = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol_of(family)),
		.sll_ifindex = link->index,
	};
	if (bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0) {
		return oo_fail(err, errno, "listening on %s", link->name);
	}
	return 0;
}

int oo_rival_socket_open(int family, const struct oo_link *link, int *ret_fd, struct oo_err *err)
{
	/* Protocol 0 hears nothing, packet(7): not before the filter is in place. */
	OO_AUTO(oo_close)
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		int error_number = errno;
		return oo_fail(err, error_number, "packet socket%s",
			       error_number == EPERM ? " (needs CAP_NET_RAW)" : "");
	}
	int r = set_filter(fd, family);
	if (r < 0) {
		return oo_fail(err, -r, "packet socket's filter");
	}
	r = oo_rival_socket_bind(fd, family, link, err);
	if (r < 0) {
		return r;
	}
	*ret_fd = oo_take_fd(&fd);
	return 0;
}

int oo_rival_socket_ask(int fd, const struct oo_link *link, const struct oo_address *address)
{
	const bool v4 = address->family == AF_INET;
	struct {
		struct ether_header ethernet;
		uint8_t packet[OO_NS_LENGTH];
	} frame = {.ethernet = {.ether_type = htons(protocol_of(address->family))}};
	_Static_assert(OO_ARP_LENGTH <= OO_NS_LENGTH, "room for either");
	const size_t length = sizeof(frame.ethernet) + (v4 ? OO_ARP_LENGTH : OO_NS_LENGTH);

	if (link->mac_length != OO_MAC_LENGTH) {
		return -EADDRNOTAVAIL;
	}
	memcpy(frame.ethernet.ether_shost, link->mac, OO_MAC_LENGTH);
	if (v4) {
		memset(frame.ethernet.ether_dhost, 0xff, OO_MAC_LENGTH);
		oo_arp_probe_build(address, link->mac, frame.packet);
	} else {
		/* RFC 2464 7: the last four bytes of ff02::1:ffXX:XXXX */
		memcpy(frame.ethernet.ether_dhost, (const uint8_t[]){0x33, 0x33, 0xff}, 3);
		memcpy(frame.ethernet.ether_dhost + 3, address->bytes + 13, 3);
		oo_ns_build(address, frame.packet);
	}
	return send(fd, &frame, length, MSG_DONTWAIT) < 0 ? -errno : 0;
}
