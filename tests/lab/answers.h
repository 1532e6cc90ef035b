#ifndef OO_ANSWERS_H
#define OO_ANSWERS_H
/*
 * Who answers for an address, as the network sees it: asks for each again and again, in every way
 * that a client's packets may take (answers_frame.h), and looks whose answers come back. IPv4: ARP,
 * ICMP echo, TCP; IPv6: neighbour solicitation, ICMPv6 echo. What is not broadcast is sent to each node.
 *
 * Nobody learns who has an address from the questions, and no address of the prober's is anybody's.
 * The prober lives in a namespace of its own: from the client's, its answers would refresh the
 * client's neighbour table and hide a missing announcement. The nodes need to know its hardware
 * address (a permanent neighbour) to answer echo and TCP.
 *
 * Two answers with different MACs to one request are two holders. The request reaches all nodes
 * within microseconds unless the machine stalls: a copy that is delivered late can meet the new
 * holder after a move which the first answer still preceded; the time between both is reported.
 */
#include <stdbool.h>
#include <stdint.h>

#include "answers_frame.h"
#include "base/error.h"
#include "tool.h"

#define ANSWERS_VIPS_MAX 8
#define ANSWERS_NODES_MAX 8
#define ANSWERS_PROBES 64 /* requests remembered; at 20 ms each, answers may be 1.28 s late */

struct answers_probe {
	uint32_t number;
	int64_t asked_at_us;
	int64_t answered_at_us; /* 0: not yet */
	unsigned char mac[ANSWERS_MAC_LENGTH];
};

/* One way of asking for one address. */
struct answers_track {
	unsigned vip;
	enum answers_kind kind;
	struct answers_probe probes[ANSWERS_PROBES]; /* by number modulo */
	unsigned char mac[ANSWERS_MAC_LENGTH];       /* who answered last; zero: nobody */
	int64_t last_us; /* when the last request was sent that was answered by mac */
};

struct answers {
	int fd; /* packet socket in the prober's namespace, owned; -1: none */
	int ifindex;
	unsigned char mac[ANSWERS_MAC_LENGTH];
	unsigned char nodes[ANSWERS_NODES_MAX][ANSWERS_MAC_LENGTH];
	unsigned char stranger[ANSWERS_MAC_LENGTH]; /* zero: none */
	unsigned n_nodes;
	struct tool_address from, from6; /* the prober's own; family 0: none */
	uint32_t number;                 /* of the last request */
	struct tool_address vips[ANSWERS_VIPS_MAX];
	unsigned n_vips;
	struct answers_track tracks[ANSWERS_VIPS_MAX * ANSWERS_KINDS];
	unsigned n_tracks;
};

enum answers_change {
	ANSWERS_CHANGE_SILENT, /* the last request got no answer, the one before did */
	ANSWERS_CHANGE_MAC,    /* another MAC than before answers */
	ANSWERS_CHANGE_DOUBLE, /* a second MAC answered the same request, other is the first */
};

struct answers_event {
	int64_t at_us;
	enum answers_change change;
	enum answers_kind kind;
	const struct tool_address *address;
	unsigned char mac[ANSWERS_MAC_LENGTH];
	unsigned char other[ANSWERS_MAC_LENGTH]; /* who answered before; zero: nobody */
	int64_t last_us; /* SILENT, MAC: when the last request was sent that other answered; 0: never */
	int64_t apart_us; /* DOUBLE: between the two answers */
};

typedef void answers_fn(const struct answers_event *event, void *user);

/* Opens the socket of answers, zero but for fd and what was added before. path is that of the
 * namespace. The caller's namespace may change.
 * Returns 0 or -errno with err. */
int answers_open(struct answers *answers, const char *path, const char *interface,
		 struct oo_err *err);

/* For OO_AUTO. */
void answers_close(struct answers *answers);

/* One more node to ask by itself: "02:00:00:00:00:01". Returns 0, -EINVAL or -E2BIG. */
int answers_add_node(struct answers *answers, const char *mac);
/* Passes over the answers of one that is no node, by its MAC. Returns 0 or -EINVAL. */
int answers_set_stranger(struct answers *answers, const char *mac);
/* Whom such questions come from; one of each family. */
void answers_set_from(struct answers *answers, const struct tool_address *address);
/* One more address to ask for, after the nodes. Returns 0, or -E2BIG. */
int answers_add(struct answers *answers, const struct tool_address *address);

/* Reports the addresses that fell silent and sends the next request for each. */
void answers_ask(struct answers *answers, answers_fn *changed, void *user);

/* Reads the answers that have come. */
void answers_read(struct answers *answers, answers_fn *changed, void *user);

/* How many frames the kernel dropped for want of room since the last call; or -errno. */
int answers_dropped(struct answers *answers);

#endif
