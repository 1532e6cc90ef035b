#include "answers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define RECEIVE_BYTES (4 * 1024 * 1024)
#define TAG_FIRST 0x02 /* locally administered */

struct frame {
	struct ether_header ethernet;
	struct ether_arp arp;
} __attribute__((packed));

static const unsigned char nobody[ANSWERS_MAC_LENGTH];

/* The sender hardware address of a request: which address, which number. */
static void tag_write(unsigned char tag[static ANSWERS_MAC_LENGTH], unsigned vip, uint32_t number)
{
	const uint32_t network_order = htonl(number);
	tag[0] = TAG_FIRST;
	tag[1] = (unsigned char)vip;
	memcpy(tag + 2, &network_order, sizeof(network_order));
}

static bool tag_read(const unsigned char tag[static ANSWERS_MAC_LENGTH], unsigned *ret_vip,
		     uint32_t *ret_number)
{
	uint32_t network_order;
	if (tag[0] != TAG_FIRST) {
		return false;
	}
	memcpy(&network_order, tag + 2, sizeof(network_order));
	*ret_vip = tag[1];
	*ret_number = ntohl(network_order);
	return true;
}

static int bind_to(struct answers *answers, const char *interface)
{
	struct ifreq request = {0};
	strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
	if (ioctl(answers->fd, SIOCGIFINDEX, &request) < 0) {
		return -errno;
	}
	answers->ifindex = request.ifr_ifindex;
	if (ioctl(answers->fd, SIOCGIFHWADDR, &request) < 0) {
		return -errno;
	}
	memcpy(answers->mac, request.ifr_hwaddr.sa_data, ANSWERS_MAC_LENGTH);
	const int bytes = RECEIVE_BYTES;
	const struct packet_mreq all = {.mr_ifindex = answers->ifindex,
					.mr_type = PACKET_MR_PROMISC};
	const struct sockaddr_ll here = {.sll_family = AF_PACKET,
					 .sll_protocol = htons(ETH_P_ARP),
					 .sll_ifindex = answers->ifindex};
	if (setsockopt(answers->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    setsockopt(answers->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0 ||
	    bind(answers->fd, (const struct sockaddr *)&here, sizeof(here)) < 0) {
		return -errno;
	}
	return 0;
}

int answers_open(struct answers *answers, const char *path, const char *interface,
		 struct oo_err *err)
{
	*answers = (struct answers){.fd = -1};
	OO_AUTO(oo_close) int namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0) {
		return oo_fail(err, errno, "namespace %s", path);
	}
	answers->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (answers->fd < 0) {
		return oo_fail(err, errno, "packet socket in %s", path);
	}
	int r = bind_to(answers, interface);
	if (r < 0) {
		return oo_fail(err, -r, "interface %s in %s", interface, path);
	}
	return 0;
}

void answers_close(struct answers *answers)
{
	oo_close(&answers->fd);
}

int answers_add(struct answers *answers, const struct tool_address *address)
{
	if (answers->n_vips == ANSWERS_VIPS_MAX) {
		return -E2BIG;
	}
	answers->vips[answers->n_vips++].address = *address;
	return 0;
}

static void send_request(struct answers *answers, unsigned vip)
{
	struct frame frame = {
		.ethernet = {.ether_type = htons(ETHERTYPE_ARP)},
		.arp = {.ea_hdr = {.ar_hrd = htons(ARPHRD_ETHER),
				   .ar_pro = htons(ETHERTYPE_IP),
				   .ar_hln = ANSWERS_MAC_LENGTH,
				   .ar_pln = 4,
				   .ar_op = htons(ARPOP_REQUEST)}},
	};
	memset(frame.ethernet.ether_dhost, 0xff, ANSWERS_MAC_LENGTH);
	memcpy(frame.ethernet.ether_shost, answers->mac, ANSWERS_MAC_LENGTH);
	memcpy(frame.arp.arp_tpa, answers->vips[vip].address.bytes, sizeof(frame.arp.arp_tpa));
	tag_write(frame.arp.arp_sha, vip, answers->number);
	/* a request that cannot be sent gets no answer, which is what will be reported */
	(void)!write(answers->fd, &frame, sizeof(frame));
}

void answers_ask(struct answers *answers, answers_fn *changed, void *user)
{
	const uint32_t last = answers->number++;
	for (unsigned i = 0; i < answers->n_vips; i++) {
		struct answers_vip *vip = &answers->vips[i];
		if (vip->probes[last % ANSWERS_PROBES].answered_at_us == 0 &&
		    memcmp(vip->mac, nobody, sizeof(nobody)) != 0) {
			memset(vip->mac, 0, sizeof(vip->mac));
			changed(&(struct answers_event){.at_us = oo_clock_now_us(),
							.change = ANSWERS_CHANGE_SILENT,
							.address = &vip->address},
				user);
		}
		vip->probes[answers->number % ANSWERS_PROBES] =
			(struct answers_probe){.number = answers->number};
		send_request(answers, i);
	}
}

/* Notes one answer. Returns whether there is something to report, filled into event. */
static bool note(struct answers_vip *vip, struct answers_probe *probe, struct answers_event *event)
{
	if (probe->answered_at_us != 0) {
		event->change = ANSWERS_CHANGE_DOUBLE;
		event->apart_us = event->at_us - probe->answered_at_us;
		memcpy(event->other, probe->mac, ANSWERS_MAC_LENGTH);
		return memcmp(probe->mac, event->mac, ANSWERS_MAC_LENGTH) != 0;
	}
	probe->answered_at_us = event->at_us;
	memcpy(probe->mac, event->mac, ANSWERS_MAC_LENGTH);
	const bool other = memcmp(vip->mac, event->mac, ANSWERS_MAC_LENGTH) != 0;
	memcpy(vip->mac, event->mac, ANSWERS_MAC_LENGTH);
	event->change = ANSWERS_CHANGE_MAC;
	return other;
}

void answers_read(struct answers *answers, answers_fn *changed, void *user)
{
	struct frame frame;
	ssize_t length;
	while ((length = read(answers->fd, &frame, sizeof(frame))) >= 0) {
		unsigned i = 0;
		uint32_t number = 0;
		if ((size_t)length < sizeof(frame) ||
		    frame.arp.ea_hdr.ar_op != htons(ARPOP_REPLY) ||
		    !tag_read(frame.arp.arp_tha, &i, &number) || i >= answers->n_vips) {
			continue;
		}
		struct answers_vip *vip = &answers->vips[i];
		struct answers_probe *probe = &vip->probes[number % ANSWERS_PROBES];
		struct answers_event event = {.at_us = oo_clock_now_us(), .address = &vip->address};
		memcpy(event.mac, frame.arp.arp_sha, ANSWERS_MAC_LENGTH);
		if (probe->number == number && note(vip, probe, &event)) {
			changed(&event, user);
		}
	}
}

int answers_dropped(struct answers *answers)
{
	struct tpacket_stats statistics = {0};
	socklen_t length = sizeof(statistics);
	if (getsockopt(answers->fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) < 0) {
		return -errno;
	}
	return (int)statistics.tp_drops;
}
