#ifndef OO_FENCE_BATCH_H
#define OO_FENCE_BATCH_H
/*
 * Inside lib/net, pure: the nf_tables messages (linux/netfilter/nf_tables.h) of one transaction of
 * the fence. In each of the two tables (inet and arp) a rule drops what is about a VIP when the VIP
 * is in the set "vips4" or "vips6" and not in "held4" or "held6"; elements of these last time out.
 */
#include <linux/netlink.h>
#include <stdint.h>

#include "net/address.h"

/* The numbers of the tables' families, NFPROTO_INET and NFPROTO_ARP (linux/netfilter.h). */
#define OO_FENCE_INET 1
#define OO_FENCE_ARP 3

struct oo_fence_vip {
	struct oo_address address;
	int64_t until;        /* CLOCK_BOOTTIME ms; 0: closed */
	int64_t until_before; /* what it was before the call that is under way */
	int64_t left_ms;      /* of until, when the batch is built; not above 0: not held */
};

/* Messages that take effect together. In place; bytes are the caller's. */
struct oo_fence_batch {
	char *bytes; /* oo_fence_batch_capacity of them */
	size_t capacity;
	size_t length;
	uint32_t first_seq; /* the first message's; the next ones count up */
	uint32_t n;         /* messages so far */
	const char *name;   /* of the tables; borrowed */
};

/* Bytes that any batch below needs for n VIPs. */
size_t oo_fence_batch_capacity(size_t n);

void oo_fence_batch_begin(struct oo_fence_batch *batch, uint32_t first_seq);
/* Has the last message acknowledged, and so all of them. */
void oo_fence_batch_end(struct oo_fence_batch *batch);

/* Deletes the tables, whether they are there or not. */
void oo_fence_batch_delete_tables(struct oo_fence_batch *batch);
/* Tables, sets, chains and rules; the sets are empty. */
void oo_fence_batch_create_tables(struct oo_fence_batch *batch);
void oo_fence_batch_put_vips(struct oo_fence_batch *batch, const struct oo_fence_vip *vips,
			     size_t n);
/* Takes everything out of the sets of what is held. */
void oo_fence_batch_flush_held(struct oo_fence_batch *batch);
/* Those of vips that have time left. */
void oo_fence_batch_put_held(struct oo_fence_batch *batch, const struct oo_fence_vip *vips,
			     size_t n);

/* The message of number seq; NULL when it is not one of the batch. */
const struct nlmsghdr *oo_fence_batch_find(const struct oo_fence_batch *batch, uint32_t seq);

#endif
