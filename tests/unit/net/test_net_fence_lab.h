#ifndef TEST_NET_FENCE_LAB_H
#define TEST_NET_FENCE_LAB_H
/*
 * A node with VIPs and a fence, and a client on the same link that sees packets as they are on the
 * wire: it asks with packets of its own making, so no cache and no kernel of its own answers for it.
 */
#include "base/cleanup.h"
#include "harness.h"
#include "net/fence.h"

#define VIP4 "10.0.0.100"
#define VIP6 "fd00::100"
#define OWN4 "10.0.0.1"
#define OWN6 "fd00::1"
#define CLIENT4 "10.0.0.9"
#define CLIENT6 "fd00::9"
#define FENCE "ooha-test"
#define PORT 8000

/* We are in the node, on one CPU, so that packets stay in order. */
struct lab {
	int node;
	int client;
	int packets;  /* the client's packet socket */
	int listener; /* TCP, on all addresses of the node */
	uint8_t node_mac[6];
	uint8_t client_mac[6];
	sd_event *event;
	struct oo_fence *fence;
	unsigned lost; /* reports of its loss */
};

/* The node has OWN4, OWN6, VIP4 and VIP6 on eth0. No fence yet. */
void lab_init(struct lab *lab);
void lab_done(struct lab *lab);

/* As ip(8) wants it. Valid until the next call. */
const char *mac_text(const uint8_t mac[static 6]);

/* Runs nft(8) with these commands; it has to succeed. */
void nft(const char *commands);
/* What nft(8) lists, without handles. Valid until the next call. */
const char *nft_list(const char *what);

/* Writes a line, such as a sysctl's value. */
void write_file(const char *path, const char *line);

/* Puts up lab->fence for VIP4 and VIP6. */
void fence_up(struct lab *lab, bool keep);
void fence_open(struct lab *lab, const char *vip, int64_t until);
void fence_close(struct lab *lab, const char *vip);
void fence_down(struct lab *lab, bool remove);

enum probe {
	PROBE_ARP, /* ARP or neighbour solicitation */
	PROBE_ECHO,
	PROBE_TCP,
	PROBES,
};

/* Asks for address. */
void lab_ask(struct lab *lab, enum probe probe, const char *address);
/* How many answers of that kind for address are there already. Takes all packets that are. */
unsigned lab_answered(struct lab *lab, enum probe probe, const char *address);
/* Asks for address and then for the node's own; whether address answers before that does. */
bool answers(struct lab *lab, enum probe probe, const char *address);
/* Bits of 1 << probe that answer for address. */
unsigned answers_of(struct lab *lab, const char *address);
#define ALL_ANSWER ((1u << PROBES) - 1)

/* Asks again and again: the first packets may wait for neighbours to be found, and get lost. */
bool answers_soon(struct lab *lab, const char *address);

/* Whether one of the packets since the last call was ARP from address, an NS from it or an NA of it. */
bool lab_claims(struct lab *lab, const char *address);

#endif
