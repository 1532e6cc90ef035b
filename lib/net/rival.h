#ifndef OO_RIVAL_H
#define OO_RIVAL_H
/*
 * Sees other hosts that have addresses of ours: by what they say on the link (ARP, neighbour
 * advertisements), and by asking before an address comes up (RFC 5227 2.1, RFC 4862 5.4).
 *
 * One packet socket a family in use: one of a single protocol is spared all other traffic, and all
 * that this host sends. A filter in the kernel lets through well-formed ARP, advertisements and the
 * solicitations of duplicate address detection, none with the tag of a VLAN (802.1Q: that is
 * another link) nor any that is meant for another host. It goes by kind and not by address:
 * comparing 1,000 IPv6 addresses takes 4,000 instructions, about all that a filter may have
 * (BPF_MAXINSNS), for every frame; here it is one search among sorted ones. So ARP requests that
 * others broadcast wake this process while it listens, some us each.
 *
 * Foreign is a sender whose MAC no interface of this network namespace has: frames of our own that
 * come back through a loop, or out of another interface on the same link, are none.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "net/address.h"
#include "net/frame.h"

/* An address and MAC are reported this often at most. */
#define OO_RIVAL_REPORT_GAP_MS 100
/* So many pairs of address and MAC at once, and four of probes; what is more is not reported. */
#define OO_RIVAL_REPORTS_MAX 16
/* The loop reads a flood no faster than this; the kernel drops the rest. */
#define OO_RIVAL_TURN_FRAMES 128
#define OO_RIVAL_TURN_GAP_MS 10

struct oo_rival;

struct oo_rival_report {
	size_t index;            /* of the address, in the list */
	enum oo_frame_kind kind; /* a probe or DAD: somebody may be about to take it */
	uint8_t mac[OO_MAC_LENGTH];
	uint64_t count; /* frames like that since the last report of it */
};

/* Runs from the loop, never inside a call of this header; must not free the handle. */
typedef void oo_rival_fn(void *user, const struct oo_rival_report *report);

struct oo_rival_options {
	const struct oo_link *link;    /* copied */
	const struct oo_address *list; /* copied */
	size_t n;
	oo_rival_fn *seen;
	void *user;
};

/*
 * Makes one that does not listen yet.
 * Returns 0, -ENOMEM, -EPERM (needs CAP_NET_RAW), or -errno of socket(2), setsockopt(2), bind(2) or
 * sd_event_add_io(3).
 */
int oo_rival_new(sd_event *event, const struct oo_rival_options *options,
		 struct oo_rival **ret_rival, struct oo_err *err);
/* NULL is accepted. */
void oo_rival_free(struct oo_rival *rival);

/*
 * The interface has another MAC, or was gone and is back: made anew, or, with the same index, from
 * another network namespace. Its going has unbound the sockets.
 * Returns 0, or -errno of bind(2): nothing is heard until the next call.
 */
int oo_rival_set_link(struct oo_rival *rival, const struct oo_link *link, struct oo_err *err);

/* Reports from now on; what was said before is forgotten. Or not any more. */
void oo_rival_listen(struct oo_rival *rival, bool listen);

/*
 * Asks for the addresses that are chosen (n facts; NULL: all), 64 inside the call and the rest at
 * the next turns, and forgets who answered before. It has to listen.
 */
void oo_rival_probe(struct oo_rival *rival, const bool *chosen);
/*
 * Reads all answers that have come, without waiting for the loop. An answer counts if it came after
 * the probe, and in ARP only if it is a reply to us: late announcements of who had the address
 * before are none.
 */
void oo_rival_look(struct oo_rival *rival);
/* Whether the last probe for an address has left; false: not yet, or it could not be sent. */
bool oo_rival_is_asked(const struct oo_rival *rival, size_t index);
/* The MAC that answered the last probe for an address; NULL: nobody has. */
const uint8_t *oo_rival_answer(const struct oo_rival *rival, size_t index);

#endif
