#ifndef OO_ANNOUNCE_H
#define OO_ANNOUNCE_H
/*
 * Tells neighbours and switches that an address is here now: gratuitous ARP in both forms (some
 * hosts heed only one) and unsolicited neighbour advertisements. Pure packet builders, and a
 * sender that repeats, since announcements are lost and forgotten.
 */
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "net/address.h"

struct oo_announcer;

/* RFC 826: an ARP packet for IPv4 over Ethernet, without the Ethernet header. */
#define OO_ARP_LENGTH 28
/* RFC 8200 header, RFC 4861 4.4 advertisement with the 4.6.1 option; no Ethernet header. */
#define OO_NA_LENGTH 72

/* The schedule, counted from start or burst. */
#define OO_ANNOUNCE_BURST 5             /* rounds at once ... */
#define OO_ANNOUNCE_BURST_GAP_MS 50     /* ... that far apart, the first one immediately */
#define OO_ANNOUNCE_REPEAT_MS 1000      /* then a round this often ... */
#define OO_ANNOUNCE_REPEAT_FOR_MS 30000 /* ... for so long */
#define OO_ANNOUNCE_REFRESH_MS 30000    /* then a round this often, until stopped */

enum oo_arp_form {
	OO_ARP_REQUEST = 1, /* RFC 5227 2.3: an ARP announcement, target hardware address zero */
	OO_ARP_REPLY = 2,   /* RFC 5944 4.6: target hardware address is the sender's as well */
};

/* About address, which must be IPv4, as both sender and target. To be sent to broadcast. */
void oo_arp_build(enum oo_arp_form form, const struct oo_address *address,
		  const uint8_t mac[static OO_MAC_LENGTH], uint8_t packet[static OO_ARP_LENGTH]);

/*
 * From address, which must be IPv6, about itself, to ff02::1; hop limit 255, Override set,
 * Solicited and Router clear (RFC 4861 7.2.6). To be sent to 33:33:00:00:00:01.
 */
void oo_na_build(const struct oo_address *address, const uint8_t mac[static OO_MAC_LENGTH],
		 uint8_t packet[static OO_NA_LENGTH]);

/* RFC 8200 header, RFC 4861 4.3 solicitation without options; no Ethernet header. */
#define OO_NS_LENGTH 64

/* RFC 5227 1.1: asks for address, which must be IPv4, and claims nothing. To be sent to broadcast. */
void oo_arp_probe_build(const struct oo_address *address, const uint8_t mac[static OO_MAC_LENGTH],
			uint8_t packet[static OO_ARP_LENGTH]);

/*
 * RFC 4862 5.4.2: from :: to the solicited-node address of address, which must be IPv6. To be sent to
 * 33:33:ff and the last three bytes of the address.
 */
void oo_ns_build(const struct oo_address *address, uint8_t packet[static OO_NS_LENGTH]);

/* When round number round (from 0) of the schedule is due, in ms from its start. */
int64_t oo_announce_round_at(int64_t round);

/*
 * Makes an idle announcer, with a packet socket (packet(7)) that sends only.
 * Returns 0, -ENOMEM, -EPERM (needs CAP_NET_RAW), or -errno of socket(2) or sd_event_add_time(3).
 */
int oo_announcer_new(sd_event *event, struct oo_announcer **ret_announcer, struct oo_err *err);
/* NULL is accepted. */
void oo_announcer_free(struct oo_announcer *announcer);

/*
 * Announces list (copied) on link, by the schedule above, in place of whatever was announced
 * before; to be called again when the link's MAC changes. The first round is sent inside the
 * call, as far as 64 addresses; what is more, or does not fit into the socket, follows at the
 * next turns of the loop.
 * A packet that cannot be sent (interface down, gone, without a MAC) is counted and left to the
 * next round.
 * Returns 0 or -ENOMEM (nothing is announced then).
 */
int oo_announcer_start(struct oo_announcer *announcer, const struct oo_link *link,
		       const struct oo_address *list, size_t n);
/* Not another packet. Harmless when idle. */
void oo_announcer_stop(struct oo_announcer *announcer);
/* The schedule again from its start, first round inside the call. Harmless when idle. */
void oo_announcer_burst(struct oo_announcer *announcer);

/* One of the addresses once more, now, beside the schedule. Harmless when it is none of them. */
void oo_announcer_repeat(struct oo_announcer *announcer, const struct oo_address *address);

/* When the last packet was sent, CLOCK_BOOTTIME ms; 0: never. */
int64_t oo_announcer_last_at(const struct oo_announcer *announcer);
/* Packets sent since it was made. */
uint64_t oo_announcer_count(const struct oo_announcer *announcer);
/* Packets given up since it was made. */
uint64_t oo_announcer_error_count(const struct oo_announcer *announcer);
/* Why the last one was; "" while none was. Valid until the next turn of the loop. */
const char *oo_announcer_last_error(const struct oo_announcer *announcer);

#endif
