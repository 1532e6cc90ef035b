#ifndef OO_ANSWERS_FRAME_H
#define OO_ANSWERS_FRAME_H
/*
 * The frames in which the judge asks who has an address, and those in which it is answered. Pure.
 *
 * What identifies a question comes back in its answer: ARP and ND in the hardware address that the
 * question names as its sender's (so the answer's Ethernet or ARP target is no real one), echo in
 * the data, TCP in the acknowledged sequence number.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tool.h"

#define ANSWERS_MAC_LENGTH 6
#define ANSWERS_FRAME_LENGTH 128 /* ours are shorter; of others' no more is needed */
#define ANSWERS_TCP_PORT 80

enum answers_kind {
	ANSWERS_KIND_ARP,   /* a probe, which teaches nobody anything (RFC 5227): broadcast */
	ANSWERS_KIND_ICMP,  /* echo: to one node */
	ANSWERS_KIND_TCP,   /* SYN; what answers with RST has the address, too: to one node */
	ANSWERS_KIND_ND,    /* neighbour solicitation: multicast */
	ANSWERS_KIND_ICMP6, /* echo: to one node */
};
#define ANSWERS_KINDS 5

struct answers_question {
	enum answers_kind kind;
	unsigned vip;                       /* an index of the caller's, below 16 */
	const struct tool_address *address; /* asked for */
	uint32_t number;
	unsigned char from_mac[ANSWERS_MAC_LENGTH];
	struct tool_address from;                 /* not for ARP and ND */
	unsigned char to_mac[ANSWERS_MAC_LENGTH]; /* likewise */
};

struct answers_answer {
	enum answers_kind kind;
	unsigned vip;
	uint32_t number;
	unsigned char mac[ANSWERS_MAC_LENGTH]; /* who has sent it */
	bool half_open;                        /* a connection, which answers_frame_reset ends */
};

/* Writes a frame; returns its length. */
size_t answers_frame_write(const struct answers_question *question,
			   unsigned char frame[static ANSWERS_FRAME_LENGTH]);
/* The RST for the connection that question, a SYN, has half opened. */
size_t answers_frame_reset(const struct answers_question *question,
			   unsigned char frame[static ANSWERS_FRAME_LENGTH]);
/* False: the frame answers no question of ours. length may be less than the frame's own. */
bool answers_frame_read(const unsigned char *frame, size_t length,
			struct answers_answer *ret_answer);

bool answers_kind_is_broadcast(enum answers_kind kind);
/* "arp", "icmp", "tcp", "nd", "icmp6" */
const char *answers_kind_name(enum answers_kind kind);

#endif
