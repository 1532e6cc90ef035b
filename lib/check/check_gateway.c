#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "check/kind.h"
#include "event/timer.h"

#define HARDWARE_LENGTH 6
#define PACKET_LENGTH 128
/* How often the question is put before the run's timeout: one packet may be lost. */
#define TRIES 4

struct gateway {
	struct oo_check_run *run;
	sd_event_source *source; /* owned, with its socket */
	int fd;                  /* the source's */
	struct oo_timer timer;   /* asks again */
	int index;
	unsigned char hardware[HARDWARE_LENGTH];
	unsigned char answered[HARDWARE_LENGTH]; /* who did, by the answer's word */
	struct in_addr here;                     /* 0.0.0.0: none, as in an ARP probe (RFC 5227) */
	int family;
	union {
		struct in_addr four;
		struct in6_addr six;
	} there;
};

/* RFC 826, for IPv4 on Ethernet. */
struct arp {
	struct arphdr head;
	unsigned char sender_hardware[HARDWARE_LENGTH];
	struct in_addr sender;
	unsigned char target_hardware[HARDWARE_LENGTH];
	struct in_addr target;
} __attribute__((packed));

/* RFC 4861, 4.3: with the source's link-layer address. */
struct solicitation {
	struct nd_neighbor_solicit head;
	struct nd_opt_hdr option;
	unsigned char hardware[HARDWARE_LENGTH];
} __attribute__((packed));

static int look_up_interface(struct gateway *gateway, int fd)
{
	struct ifreq request = {0};
	oo_text_clip(request.ifr_name, sizeof(request.ifr_name),
		     gateway->run->spec->gateway.interface);
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0) {
		return -errno;
	}
	gateway->index = request.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0) {
		return -errno;
	}
	memcpy(gateway->hardware, request.ifr_hwaddr.sa_data, HARDWARE_LENGTH);
	if (ioctl(fd, SIOCGIFADDR, &request) == 0) {
		struct sockaddr_in here;
		memcpy(&here, &request.ifr_addr, sizeof(here));
		gateway->here = here.sin_addr;
	}
	return 0;
}

static ssize_t ask_arp(const struct gateway *gateway)
{
	struct arp arp = {.head = {.ar_hrd = htons(ARPHRD_ETHER),
				   .ar_pro = htons(ETHERTYPE_IP),
				   .ar_hln = HARDWARE_LENGTH,
				   .ar_pln = sizeof(struct in_addr),
				   .ar_op = htons(ARPOP_REQUEST)},
			  .sender = gateway->here,
			  .target = gateway->there.four};
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETHERTYPE_ARP),
				 .sll_ifindex = gateway->index,
				 .sll_halen = HARDWARE_LENGTH};
	memcpy(arp.sender_hardware, gateway->hardware, HARDWARE_LENGTH);
	memset(to.sll_addr, 0xff, HARDWARE_LENGTH);
	return sendto(gateway->fd, &arp, sizeof(arp), MSG_NOSIGNAL, (struct sockaddr *)&to,
		      sizeof(to));
}

static ssize_t ask_nd(const struct gateway *gateway)
{
	struct solicitation ask = {
		.head = {.nd_ns_hdr.icmp6_type = ND_NEIGHBOR_SOLICIT,
			 .nd_ns_target = gateway->there.six},
		.option = {.nd_opt_type = ND_OPT_SOURCE_LINKADDR, .nd_opt_len = 1}};
	struct sockaddr_in6 to = {.sin6_family = AF_INET6,
				  .sin6_scope_id = (uint32_t)gateway->index};
	memcpy(ask.hardware, gateway->hardware, HARDWARE_LENGTH);
	/* the solicited-node address (RFC 4291, 2.7.1) */
	(void)inet_pton(AF_INET6, "ff02::1:ff00:0", &to.sin6_addr);
	memcpy(&to.sin6_addr.s6_addr[13], &gateway->there.six.s6_addr[13], 3);
	return sendto(gateway->fd, &ask, sizeof(ask), MSG_NOSIGNAL, (struct sockaddr *)&to,
		      sizeof(to));
}

static bool is_arp_answer(struct gateway *gateway, const unsigned char *packet, size_t length)
{
	struct arp arp;
	if (length < sizeof(arp)) {
		return false;
	}
	memcpy(&arp, packet, sizeof(arp));
	memcpy(gateway->answered, arp.sender_hardware, HARDWARE_LENGTH);
	return arp.head.ar_op == htons(ARPOP_REPLY) && arp.head.ar_hln == HARDWARE_LENGTH &&
	       arp.head.ar_pln == sizeof(struct in_addr) &&
	       arp.sender.s_addr == gateway->there.four.s_addr;
}

static bool is_nd_answer(struct gateway *gateway, const unsigned char *packet, size_t length)
{
	struct nd_neighbor_advert advert;
	if (length < sizeof(advert)) {
		return false;
	}
	memcpy(&advert, packet, sizeof(advert));
	/* a multicast question's answer has it (RFC 4861, 4.4); the one option there is comes first */
	struct nd_opt_hdr option = {0};
	if (length >= sizeof(advert) + sizeof(option) + HARDWARE_LENGTH) {
		memcpy(&option, packet + sizeof(advert), sizeof(option));
	}
	memset(gateway->answered, 0, HARDWARE_LENGTH);
	if (option.nd_opt_type == ND_OPT_TARGET_LINKADDR && option.nd_opt_len == 1) {
		memcpy(gateway->answered, packet + sizeof(advert) + sizeof(option),
		       HARDWARE_LENGTH);
	}
	return advert.nd_na_hdr.icmp6_type == ND_NEIGHBOR_ADVERT &&
	       memcmp(&advert.nd_na_target, &gateway->there.six, sizeof(advert.nd_na_target)) == 0;
}

static void say_errno(struct oo_check_run *run, int error_number)
{
	enum oo_check_reason reason =
		error_number == ENODEV ? OO_CHECK_REASON_MISSING
		: error_number == ENETDOWN || error_number == ENXIO || error_number == EADDRNOTAVAIL
			? OO_CHECK_REASON_UNREACHABLE
			: OO_CHECK_REASON_LOCAL;
	oo_check_run_say_errno(run, reason, error_number);
}

static int on_packet(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct gateway *gateway = user;
	struct oo_check_run *run = gateway->run;
	unsigned char packet[PACKET_LENGTH];
	(void)source;
	(void)events;
	ssize_t n = recv(fd, packet, sizeof(packet), 0);
	if (n < 0 && errno != EAGAIN) {
		say_errno(run, errno);
		oo_check_run_finish(run);
	} else if (n >= 0 && (gateway->family == AF_INET ? is_arp_answer : is_nd_answer)(
				     gateway, packet, (size_t)n)) {
		run->result.times.first_byte_us = oo_clock_now_us() - run->began_us;
		const unsigned char *mac = gateway->answered;
		oo_check_run_say(run, OO_CHECK_REASON_OK,
				 "answered in %.1f ms by %02x:%02x:%02x:%02x:%02x:%02x",
				 (double)run->result.times.first_byte_us / 1000, mac[0], mac[1],
				 mac[2], mac[3], mac[4], mac[5]);
		oo_check_run_finish(run);
	}
	return 0;
}

/* Returns 0 or -errno. */
static int ask(struct gateway *gateway)
{
	ssize_t n = gateway->family == AF_INET ? ask_arp(gateway) : ask_nd(gateway);
	if (n < 0 && errno != EAGAIN && errno != ENOBUFS) {
		return -errno;
	}
	oo_timer_set(&gateway->timer, oo_clock_now() + gateway->run->spec->timeout_ms / TRIES);
	return 0;
}

static void on_timer(struct oo_timer *timer)
{
	struct gateway *gateway = oo_container_of(timer, struct gateway, timer);
	int r = ask(gateway);
	if (r < 0) {
		say_errno(gateway->run, -r);
		oo_check_run_finish(gateway->run);
	}
}

static int open_arp(struct gateway *gateway)
{
	struct sockaddr_ll here = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(ETHERTYPE_ARP),
				   .sll_ifindex = gateway->index};
	OO_AUTO(oo_close) int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* without a protocol until it is bound: else it would get every interface's packets */
	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0) {
		return -errno;
	}
	return oo_take_fd(&fd);
}

static int open_nd(struct gateway *gateway)
{
	static const int hops = 255; /* RFC 4861, 7.1: neither sent nor believed with less */
	struct icmp6_filter filter;
	OO_AUTO(oo_close)
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &filter);
	if (fd < 0 || setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &gateway->index,
		       sizeof(gateway->index)) < 0) {
		return -errno;
	}
	return oo_take_fd(&fd);
}

static int open_socket(struct gateway *gateway)
{
	OO_AUTO(oo_close) int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = any < 0 ? -errno : look_up_interface(gateway, any);
	if (r < 0) {
		return r;
	}
	OO_AUTO(oo_close)
	int fd = gateway->family == AF_INET ? open_arp(gateway) : open_nd(gateway);
	if (fd < 0) {
		return fd;
	}
	sd_event *event = gateway->run->setup->event;
	r = sd_event_add_io(event, &gateway->source, fd, EPOLLIN, on_packet, gateway);
	if (r < 0) {
		return r;
	}
	gateway->fd = oo_take_fd(&fd);
	(void)sd_event_source_set_io_fd_own(gateway->source, 1);
	return oo_timer_init(&gateway->timer, event, on_timer);
}

static int start(struct oo_check_run *run)
{
	struct gateway *gateway = run->state;
	const char *address = run->spec->gateway.address;
	*gateway = (struct gateway){.run = run, .family = AF_INET};
	if (inet_pton(AF_INET, address, &gateway->there.four) != 1) {
		gateway->family = AF_INET6;
		(void)inet_pton(AF_INET6, address, &gateway->there.six); /* verified */
	}
	int r = open_socket(gateway);
	if (r == 0) {
		r = ask(gateway);
	}
	if (r < 0) {
		say_errno(run, -r);
		return OO_CHECK_FINISHED;
	}
	return 0;
}

static void expire(struct oo_check_run *run)
{
	const struct gateway *gateway = run->state;
	oo_check_run_say(run, OO_CHECK_REASON_UNREACHABLE, "no answer to %s on %s",
			 gateway->family == AF_INET ? "ARP" : "neighbour solicitation",
			 run->spec->gateway.interface);
}

static void stop(struct oo_check_run *run)
{
	struct gateway *gateway = run->state;
	gateway->source = sd_event_source_disable_unref(gateway->source);
	oo_timer_done(&gateway->timer);
}

static int verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	struct in6_addr any;
	const char *address = spec->gateway.address;
	return inet_pton(AF_INET, address, &any) == 1 || inet_pton(AF_INET6, address, &any) == 1
		       ? 0
		       : oo_fail_text(err, EINVAL, "address: must be an IPv4 or IPv6 address");
}

const struct oo_check_kind oo_check_gateway = {
	.state_size = sizeof(struct gateway),
	.verify = verify,
	.start = start,
	.expire = expire,
	.stop = stop,
};
