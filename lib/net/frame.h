#ifndef OO_FRAME_H
#define OO_FRAME_H
/*
 * What a frame from the wire says about who has an address: ARP over Ethernet (RFC 826, RFC 5227),
 * neighbour advertisements and the solicitations of duplicate address detection (RFC 4861, RFC
 * 4862). Pure; anybody on the link may have written the bytes.
 */
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

/* Longest that is looked at: an untagged frame of the ordinary MTU. */
#define OO_FRAME_LENGTH_MAX 1514

enum oo_frame_kind {
	OO_FRAME_OTHER,     /* says nothing of the kind, or is not as its RFC wants it */
	OO_FRAME_ARP_CLAIM, /* ARP, request or reply: address is at mac */
	OO_FRAME_ARP_PROBE, /* ARP from 0.0.0.0, RFC 5227 1.1: mac would like to take address */
	OO_FRAME_NA,        /* neighbour advertisement: address is at mac */
	OO_FRAME_DAD,       /* neighbour solicitation from ::, RFC 4862 5.4: as ARP_PROBE */
};

struct oo_frame {
	enum oo_frame_kind kind;
	struct oo_address address;      /* prefix 32 or 128 */
	uint8_t mac[OO_MAC_LENGTH];     /* as the packet says it; else the frame's source */
	uint8_t answers[OO_MAC_LENGTH]; /* ARP reply: whose question; else zero */
};

/*
 * Reads a frame that begins with its Ethernet header, without 802.1Q tags; padding behind is passed
 * over. IPv6 extension headers are not followed: nobody sends these messages with any.
 * Checksums are left alone: senders on this host leave them to the card, and a lie costs us
 * one question to etcd.
 * Returns false, with ret_frame->kind OO_FRAME_OTHER, when there is nothing in it for us.
 */
bool oo_frame_read(const uint8_t *bytes, size_t length, struct oo_frame *ret_frame);

#endif
