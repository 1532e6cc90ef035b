#ifndef OO_FENCE_H
#define OO_FENCE_H
/*
 * The fence: tables of ours in the kernel's packet filter (nf_tables, over netlink; no nft program)
 * that let nobody be answered for a VIP unless the VIP is held, and held only until a deadline that
 * the kernel keeps by itself: an agent that is killed, stopped or stuck needs to do nothing.
 *
 * What a VIP that is not held (any more) loses, while its address may still be on an interface:
 *   - packets to it: where the address is this host's, before connection tracking and DNAT
 *     (prerouting); and whatever is delivered here (input);
 *   - what this kernel says of it on the link (output): answers to ARP and neighbour
 *     solicitations, gratuitous ARP and unsolicited advertisements (after a bond's failover, say),
 *     ARP requests and neighbour solicitations with it as the sender, which neighbours believe.
 *     Packet sockets, and so our own announcements, are not filtered.
 * What passes: everything else that leaves, so resets of old connections do (to neighbours that
 * are known); announcements of the VIP by another holder; packets that this host forwards to
 * another holder. This host's own packets to a VIP of its own come in over lo and are fenced alike.
 * nft(8) shows the tables. They are the agent's: "flush ruleset" (the first line of many an
 * nftables.conf) opens the fence until it is put back; when no agent is there to do so, the
 * lifetime of the address is all that is left.
 *
 * How deadlines are kept (Linux 6.18, HZ 250; last answers of ARP, ND, ICMP and TCP, IPv4 and IPv6,
 * 50 trials of 700 ms each, asked every 0.2 ms): 14 to 1 ms before the deadline, 28 to 1 ms with all
 * CPUs busy; never after it. What is left is rounded down to jiffies, and a lookup in a set (a hash
 * table, the kernel's kind for timeouts without ranges) does not find what has timed out, however
 * late it is collected. Arming takes 0.05 ms for one VIP, 3 to 5 ms for 1,000.
 *
 * The clock: a deadline is CLOCK_BOOTTIME, the kernel counts jiffies, which stand still in a
 * suspend: the time slept is added to the deadline until the agent closes the VIP (its timers are
 * due at once on resume). What a host does that stops a virtual machine, no clock in it sees.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "net/address.h"

/* Room for the longest name of a fence and its NUL. */
#define OO_FENCE_NAME_LENGTH 128
/* A VIP with less left than this is not held: the kernel rounds less than a jiffy up to one. */
#define OO_FENCE_LEAST_MS 10
/* By so much a slow way into the kernel may move a deadline; see oo_fence_open_until. */
#define OO_FENCE_LATE_MS 20

struct oo_fence;

/*
 * Somebody else changed or deleted one of our tables, or reports were lost, so that somebody may
 * have. Runs from the loop, never inside a call of this header; must not free the fence. The right
 * answer is oo_fence_restore.
 */
typedef void oo_fence_lost_fn(void *user);

struct oo_fence_options {
	/*
	 * Of the tables (one inet, one arp): a letter, then letters, digits, '_', '-' and '.'. Whoever
	 * fences on this host and network namespace needs a name of his own.
	 */
	const char *name;
	const struct oo_address
		*vips; /* all that are fenced; copied. Prefix lengths do not count. */
	size_t n;
	/*
	 * What tables of this name, left by an earlier agent, hold open, stays open until the deadlines
	 * it was given (oo_fence_until tells them). Otherwise nothing is held.
	 */
	bool keep;
	oo_fence_lost_fn *lost; /* may be NULL */
	void *user;
};

/*
 * All calls below ask the kernel and have its answer when they return. Each is one transaction of
 * the kernel's: packets meet the old state or the new one, and a failure leaves the old one. They
 * wait when somebody else is loading a ruleset into this network namespace.
 */

/*
 * Puts the tables up; tables of that name left by an earlier agent are replaced, never open in
 * between.
 * Returns 0, -EINVAL (name; a VIP given twice), -EPERM (needs CAP_NET_ADMIN), -EOPNOTSUPP (the text
 * says what the kernel has not), -ENOMEM, or another -errno of the kernel.
 */
int oo_fence_new(sd_event *event, const struct oo_fence_options *options,
		 struct oo_fence **ret_fence, struct oo_err *err);

/*
 * remove  true: deletes the tables; only when none of the VIPs is on this host any more. Failures
 *         are not told. false: leaves them, closing at their deadlines, to be kept by a next agent.
 * NULL is accepted.
 */
void oo_fence_free(struct oo_fence *fence, bool remove);

/*
 * Holds the VIPs of list, and those only are changed, until the time until, however often they were
 * opened before; no packet is lost to the re-arming. Puts the tables up again if they are gone.
 * until  CLOCK_BOOTTIME ms. Less than OO_FENCE_LEAST_MS from now closes.
 * The kernel is told what is left of the time, so the way into the kernel is added to the deadline.
 * It is measured: past OO_FENCE_LATE_MS the arming is done again with twice as much less (200 ms at
 * most), and when that is late as well, the VIPs are closed. What is open beside list is armed again
 * along with it, for the same deadlines.
 * Returns 0, -EINVAL (not one of the fence's VIPs), -ETIME (too late again and again: all VIPs of the
 * fence are closed), or another -errno of the kernel.
 */
int oo_fence_open_until(struct oo_fence *fence, const struct oo_address *list, size_t n,
			int64_t until, struct oo_err *err);

/* Closes the VIPs of list at once. Closed already is success. Returns as oo_fence_open_until. */
int oo_fence_close(struct oo_fence *fence, const struct oo_address *list, size_t n,
		   struct oo_err *err);

/* The deadline of vip, CLOCK_BOOTTIME ms; 0 when it is closed or not a VIP of the fence. */
int64_t oo_fence_until(const struct oo_fence *fence, const struct oo_address *vip);

/*
 * Whether our tables, chains, rules, sets and VIPs are still as we put them up. What is held is not
 * looked at. Returns 0 or -errno.
 */
int oo_fence_check(struct oo_fence *fence, bool *ret_intact, struct oo_err *err);

/* Puts the tables up again, with what is held now. Returns as oo_fence_new. */
int oo_fence_restore(struct oo_fence *fence, struct oo_err *err);

#endif
