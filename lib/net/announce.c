#include "net/announce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netpacket/packet.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/timer.h"

#define FORMS 2 /* slots of an address in a round; IPv6 leaves the second empty */
#define TURN_SLOTS_MAX ((size_t)64 * FORMS) /* done in one turn of the loop, some us each */
/* A full socket is tried again after the first, then at growing intervals up to the second. */
#define RETRY_FIRST_MS 5
#define RETRY_LAST_MS 1000

/* Owned by whoever called oo_announcer_new. */
struct oo_announcer {
	struct oo_timer timer;
	int fd; /* owned */
	struct oo_link link;
	struct oo_address *list; /* owned */
	size_t n;                /* 0: idle */
	int64_t started_at;
	int64_t round;
	size_t slot; /* of the round: the next to send */
	int64_t retry_ms;
	int64_t last_at;
	uint64_t count;
	uint64_t error_count;
	struct oo_err last_error;
};

static int send_packet(struct oo_announcer *announcer, uint16_t protocol, const uint8_t *packet,
		       size_t length)
{
	static const uint8_t all_hosts[OO_MAC_LENGTH] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	/* RFC 2464 7: where ff02::1 is sent to */
	static const uint8_t all_nodes[OO_MAC_LENGTH] = {0x33, 0x33, 0, 0, 0, 1};
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = announcer->link.index,
		.sll_halen = OO_MAC_LENGTH,
	};
	memcpy(to.sll_addr, protocol == ETHERTYPE_ARP ? all_hosts : all_nodes, OO_MAC_LENGTH);
	if (sendto(announcer->fd, packet, length, MSG_DONTWAIT, (struct sockaddr *)&to,
		   sizeof(to)) < 0) {
		return -errno;
	}
	announcer->count++;
	announcer->last_at = oo_clock_now();
	return 0;
}

static int send_slot(struct oo_announcer *announcer, size_t slot)
{
	const struct oo_address *address = &announcer->list[slot / FORMS];
	if (announcer->link.mac_length != OO_MAC_LENGTH) {
		return -EADDRNOTAVAIL;
	}
	if (address->family == AF_INET) {
		uint8_t packet[OO_ARP_LENGTH];
		oo_arp_build(slot % FORMS == 0 ? OO_ARP_REQUEST : OO_ARP_REPLY, address,
			     announcer->link.mac, packet);
		return send_packet(announcer, ETHERTYPE_ARP, packet, sizeof(packet));
	}
	if (slot % FORMS == 0) {
		uint8_t packet[OO_NA_LENGTH];
		oo_na_build(address, announcer->link.mac, packet);
		return send_packet(announcer, ETHERTYPE_IPV6, packet, sizeof(packet));
	}
	return 0;
}

static void note_error(struct oo_announcer *announcer, int r)
{
	announcer->error_count++;
	if (announcer->link.mac_length != OO_MAC_LENGTH) {
		(void)oo_fail_text(&announcer->last_error, -r,
				   "announce on %s: the interface has no Ethernet address",
				   announcer->link.name);
	} else {
		(void)oo_fail(&announcer->last_error, -r, "announce on %s", announcer->link.name);
	}
}

/* The socket or the device's queue is full: the round goes on later, from the same packet. */
static void retry_later(struct oo_announcer *announcer, int r)
{
	oo_timer_set(&announcer->timer, oo_clock_now() + announcer->retry_ms);
	announcer->retry_ms *= 2;
	if (announcer->retry_ms > RETRY_LAST_MS) {
		announcer->retry_ms = RETRY_LAST_MS;
		note_error(announcer, r);
	}
}

/*
 * Past the burst, rounds that passed meanwhile (a suspend, a full socket) are left out, not made up
 * for.
 */
static void plan_next_round(struct oo_announcer *announcer)
{
	const int64_t elapsed = oo_clock_now() - announcer->started_at;
	announcer->slot = 0;
	do {
		announcer->round++;
	} while (announcer->round >= OO_ANNOUNCE_BURST &&
		 oo_announce_round_at(announcer->round) <= elapsed);
	oo_timer_set(&announcer->timer,
		     announcer->started_at + oo_announce_round_at(announcer->round));
}

static void send_round(struct oo_announcer *announcer)
{
	for (size_t done = 0; announcer->slot < announcer->n * FORMS; done++) {
		if (done == TURN_SLOTS_MAX) {
			oo_timer_set(&announcer->timer, 0);
			return;
		}
		int r = send_slot(announcer, announcer->slot);
		if (r == -EAGAIN || r == -ENOBUFS) {
			retry_later(announcer, r);
			return;
		}
		if (r < 0) {
			note_error(announcer, r);
		}
		announcer->retry_ms = RETRY_FIRST_MS;
		announcer->slot++;
	}
	plan_next_round(announcer);
}

static void on_time(struct oo_timer *timer)
{
	send_round(oo_container_of(timer, struct oo_announcer, timer));
}

void oo_announcer_free(struct oo_announcer *announcer)
{
	if (announcer == NULL) {
		return;
	}
	oo_timer_done(&announcer->timer);
	oo_close(&announcer->fd);
	free(announcer->list);
	free(announcer);
}

static void free_announcer(struct oo_announcer **announcer)
{
	oo_announcer_free(*announcer);
}

int oo_announcer_new(sd_event *event, struct oo_announcer **ret_announcer, struct oo_err *err)
{
	OO_AUTO(free_announcer) struct oo_announcer *announcer = calloc(1, sizeof(*announcer));
	if (announcer == NULL) {
		return oo_fail(err, ENOMEM, "announcer");
	}
	/* Protocol 0 receives nothing, packet(7). */
	announcer->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (announcer->fd < 0) {
		int error_number = errno;
		return oo_fail(err, error_number, "packet socket%s",
			       error_number == EPERM ? " (needs CAP_NET_RAW)" : "");
	}
	int r = oo_timer_init(&announcer->timer, event, on_time);
	if (r < 0) {
		return oo_fail(err, -r, "announcer's timer");
	}
	*ret_announcer = oo_take_ptr(announcer);
	return 0;
}

int oo_announcer_start(struct oo_announcer *announcer, const struct oo_link *link,
		       const struct oo_address *list, size_t n)
{
	oo_announcer_stop(announcer);
	if (n == 0) {
		return 0;
	}
	struct oo_address *copy = reallocarray(NULL, n, sizeof(*copy));
	if (copy == NULL) {
		return -ENOMEM;
	}
	memcpy(copy, list, n * sizeof(*copy));
	announcer->list = copy;
	announcer->n = n;
	announcer->link = *link;
	oo_announcer_burst(announcer);
	return 0;
}

void oo_announcer_stop(struct oo_announcer *announcer)
{
	oo_timer_set(&announcer->timer, OO_NEVER);
	free(oo_take_ptr(announcer->list));
	announcer->n = 0;
}

void oo_announcer_burst(struct oo_announcer *announcer)
{
	if (announcer->n == 0) {
		return;
	}
	announcer->started_at = oo_clock_now();
	announcer->round = 0;
	announcer->slot = 0;
	announcer->retry_ms = RETRY_FIRST_MS;
	send_round(announcer);
}

void oo_announcer_repeat(struct oo_announcer *announcer, const struct oo_address *address)
{
	for (size_t slot = 0; slot < announcer->n * FORMS; slot++) {
		if (!oo_address_equal(&announcer->list[slot / FORMS], address)) {
			continue;
		}
		int r = send_slot(announcer, slot);
		if (r < 0) {
			note_error(announcer, r);
		}
	}
}

int64_t oo_announcer_last_at(const struct oo_announcer *announcer)
{
	return announcer->last_at;
}

uint64_t oo_announcer_count(const struct oo_announcer *announcer)
{
	return announcer->count;
}

uint64_t oo_announcer_error_count(const struct oo_announcer *announcer)
{
	return announcer->error_count;
}

const char *oo_announcer_last_error(const struct oo_announcer *announcer)
{
	return announcer->last_error.text;
}
