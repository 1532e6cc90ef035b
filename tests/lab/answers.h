#ifndef OO_ANSWERS_H
#define OO_ANSWERS_H
/*
 * Who answers for an address, as the network sees it: broadcasts an ARP request for each IPv4
 * address again and again and looks whose answers come back.
 *
 * The requests are probes (RFC 5227: sender address 0.0.0.0), which teach nobody anything. Each
 * names a sender hardware address of its own, which comes back in the answer and says which
 * request it belongs to. The prober lives in a namespace of its own: from the client's, its answers
 * would refresh the client's neighbour table and hide a missing announcement.
 *
 * Two answers with different MACs to one request are two holders. The request reaches all nodes
 * within microseconds unless the machine stalls: a copy that is delivered late can meet the new
 * holder after a move which the first answer still preceded; the time between both is reported.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "tool.h"

#define ANSWERS_VIPS_MAX 8
#define ANSWERS_PROBES 64 /* requests remembered; at 20 ms each, answers may be 1.28 s late */
#define ANSWERS_MAC_LENGTH 6

struct answers_probe {
	uint32_t number;
	int64_t answered_at_us; /* 0: not yet */
	unsigned char mac[ANSWERS_MAC_LENGTH];
};

struct answers_vip {
	struct tool_address address;
	struct answers_probe probes[ANSWERS_PROBES]; /* by number modulo */
	unsigned char mac[ANSWERS_MAC_LENGTH];       /* who answered last; zero: nobody */
};

struct answers {
	int fd; /* packet socket in the prober's namespace, owned; -1: none */
	int ifindex;
	unsigned char mac[ANSWERS_MAC_LENGTH];
	uint32_t number; /* of the last request */
	struct answers_vip vips[ANSWERS_VIPS_MAX];
	unsigned n_vips;
};

enum answers_change {
	ANSWERS_CHANGE_SILENT, /* the last request got no answer, the one before did */
	ANSWERS_CHANGE_MAC,    /* another MAC than before answers */
	ANSWERS_CHANGE_DOUBLE, /* a second MAC answered the same request, other is the first */
};

struct answers_event {
	int64_t at_us;
	enum answers_change change;
	const struct tool_address *address;
	unsigned char mac[ANSWERS_MAC_LENGTH];
	unsigned char other[ANSWERS_MAC_LENGTH]; /* DOUBLE only */
	int64_t apart_us;                        /* DOUBLE only: between the two answers */
};

typedef void answers_fn(const struct answers_event *event, void *user);

/* Opens the socket. path is that of the namespace. The caller's namespace may change.
 * Returns 0 or -errno with err. */
int answers_open(struct answers *answers, const char *path, const char *interface,
		 struct oo_err *err);

/* For OO_AUTO. */
void answers_close(struct answers *answers);

/* One more address to ask for, before the first request. Returns 0, or -E2BIG. */
int answers_add(struct answers *answers, const struct tool_address *address);

/* Reports the addresses that fell silent and sends the next request for each. */
void answers_ask(struct answers *answers, answers_fn *changed, void *user);

/* Reads the answers that have come. */
void answers_read(struct answers *answers, answers_fn *changed, void *user);

/* How many frames the kernel dropped for want of room since the last call; or -errno. */
int answers_dropped(struct answers *answers);

#endif
