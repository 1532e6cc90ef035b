#ifndef OO_ADDRESS_H
#define OO_ADDRESS_H
/*
 * Virtual addresses on this host's interfaces: what they look like (pure), and how the kernel is
 * told to have them, to forget them by itself, and to say when a link or an address changes
 * (rtnetlink(7)).
 *
 * Every address is given to the kernel with a lifetime, never for ever: the kernel takes it down
 * when nobody re-arms it. It does so late. Seconds from the return of oo_net_addresses_add with
 * valid_s N to RTM_DELADDR (Linux 6.18, HZ 250; each trial in a network namespace of its own,
 * spread over the phases of the second; least, median, worst):
 *                                      N  IPv4                  IPv6
 *   alone with a lifetime (72 trials)  1  1.000  1.027  1.322   1.000  1.027  1.339
 *                                      2  2.004  2.104  2.688   2.002  2.042  2.419
 *   (24 trials)                        3  3.010  3.200  3.362   3.002  3.158  3.469
 *   beside another address with a      1  1.064  1.501  1.967   1.025  1.496  1.975
 *   lifetime that is re-armed in the   2  2.039  2.504  2.994   2.027  2.518  2.987
 *   last second (24 trials)            3  3.009  3.522  3.977   3.012  3.512  3.987
 * So both families keep N to N + 1 s, never less: the kernel looks about once a second, and every
 * arming, of this address earlier or of another, shifts when it looks.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"

struct oo_net;

#define OO_MAC_LENGTH 6
/* Room for "52:54:00:12:34:56" and its NUL. */
#define OO_MAC_TEXT_LENGTH 18
/* Room for the longest "address/prefix" and its NUL. */
#define OO_ADDRESS_LENGTH 50

struct oo_address {
	int family;        /* AF_INET or AF_INET6 */
	uint8_t bytes[16]; /* network order; IPv4 uses the first four, the rest is zero */
	uint8_t prefix;    /* bits of the subnet's mask: 1 to 32, 1 to 128 */
};

/* Addresses of one interface. Borrowed for the call. */
struct oo_address_set {
	int ifindex;
	const struct oo_address *list;
	size_t n;
};

struct oo_link {
	int index;
	char name[IF_NAMESIZE];
	uint8_t mac[OO_MAC_LENGTH]; /* zero when mac_length is not OO_MAC_LENGTH */
	uint8_t mac_length; /* OO_MAC_LENGTH on Ethernet and loopback; 0 on tun and the like */
	bool exists;        /* false in the event of its removal only */
	bool up;            /* IFF_UP: the administrator wants it */
	bool carrier;       /* IFF_LOWER_UP and IFF_RUNNING: it can carry packets (RFC 2863) */
	uint32_t mtu;
};

/*
 * What the kernel reports (RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR). All run from
 * the loop, never inside a call of this header; none may free the handle. Any may be NULL. They
 * are hints: a report says what was so when it was sent, and what we do ourselves is reported as
 * well (every re-arming is an address with present set).
 */
struct oo_net_callbacks {
	/* A link came, changed in whatever way (or not at all), or went. */
	void (*link)(void *user, const struct oo_link *link);
	/* An address is (again) on an interface, or is gone from it. prefix is the kernel's. */
	void (*address)(void *user, int ifindex, const struct oo_address *address, bool present);
	/* Reports were lost (the socket overflowed): ask again for whatever matters. */
	void (*resync)(void *user);
};

/*
 * Reads "10.0.0.100/24", "fd00::100/64"; without a prefix length it is 32 or 128.
 * Refused are what no host may own or what cannot move between hosts: multicast, loopback,
 * unspecified, 0/8, 240/4, IPv4-mapped IPv6, the network and broadcast address of the prefix (RFC
 * 3021: a /31 has neither), the subnet-router anycast address (RFC 4291 2.6.1; RFC 6164: a /127
 * has none).
 * Returns 0, or -EINVAL with a text that quotes what was given and says what would be right.
 */
int oo_address_parse(const char *text, struct oo_address *ret_address, struct oo_err *err);

/* Writes "10.0.0.100/24", always with the prefix length. Returns buffer. */
const char *oo_address_format(const struct oo_address *address,
			      char buffer[static OO_ADDRESS_LENGTH]);

/* Writes "52:54:00:12:34:56". Returns buffer. */
const char *oo_mac_format(const uint8_t mac[static OO_MAC_LENGTH],
			  char buffer[static OO_MAC_TEXT_LENGTH]);

/* The same address. Prefix lengths do not count: 10.0.0.100/24 and 10.0.0.100/32 are one VIP. */
bool oo_address_equal(const struct oo_address *one, const struct oo_address *other);

/*
 * Opens two netlink sockets in the network namespace of the caller: requests, and reports on the
 * loop.
 * callbacks  copied. user is handed to them.
 * Returns 0, -ENOMEM, or -errno of socket(2), bind(2), sd_event_add_io(3). Needs no privilege.
 */
int oo_net_new(sd_event *event, const struct oo_net_callbacks *callbacks, void *user,
	       struct oo_net **ret_net, struct oo_err *err);
/* NULL is accepted. Addresses stay as they are; their lifetimes run out. */
void oo_net_free(struct oo_net *net);

/*
 * The calls below ask the kernel and have its answer when they return. The kernel does the work
 * inside the request, so they take as long as it takes (1,000 additions: 0.1 s), and wait for
 * the answer at most 1 s, then -ETIMEDOUT.
 */

/* Returns 0, -ENODEV (no interface of that name), -ETIMEDOUT or another -errno of the kernel. */
int oo_net_link(struct oo_net *net, const char *name, struct oo_link *ret_link, struct oo_err *err);

/*
 * Makes sure that all of set is on the interface, valid for valid_s from now: adds what is
 * missing and re-arms what is there (whatever its prefix length; also one that somebody added for
 * ever).
 * valid_s  whole seconds; 0 and 0xffffffff (for ever) are refused. See the top for what a
 *          lifetime is worth.
 *
 * How they are added: scope global, no prefix route (IFA_F_NOPREFIXROUTE), never for ever.
 * IPv4: labelled "<interface>:vip" where that fits (IF_NAMESIZE), so that people see whose it is.
 *   With the prefix length given only when another address of that subnet is there already, so
 *   that the VIP is its secondary; else as /32. So the VIP is not what others are secondaries of:
 *   the kernel removes secondaries with their primary (unless
 *   net.ipv4.conf.<interface>.promote_secondaries). Removing the node's own primary takes the VIP
 *   along, reported by the address callback; added again, it is a /32. Where promote_secondaries
 *   is on, it promotes the VIP instead, and promotes others when the VIP goes.
 * IPv6: without duplicate address detection (IFA_F_NODAD), so never tentative nor dadfailed; and
 *   with a preferred lifetime of 0: it is served, but not picked as the source of connections
 *   that this host opens by itself (RFC 6724 rule 3), which would break when the VIP leaves. IPv4
 *   has no such rule: what keeps the VIP from being a source there is that secondaries, and
 *   addresses that do not share the next hop's subnet, come last.
 *
 * All are tried; the first failure is reported, with its address.
 * Returns 0, -EINVAL (valid_s; or an address the kernel refuses), -ENODEV (no such interface),
 * -EPERM (needs CAP_NET_ADMIN), -EACCES (IPv6 is disabled on the interface), -ETIMEDOUT, or
 * another -errno of the kernel.
 */
int oo_net_addresses_add(struct oo_net *net, const struct oo_address_set *set, uint32_t valid_s,
			 struct oo_err *err);

/*
 * Makes sure that none of set is on the interface, whatever prefix length or label it was given.
 * Being gone already, the interface included, is success.
 * set->ifindex  0 means every interface.
 * All are tried; the first failure is reported, with its address.
 * Returns 0, -EPERM (needs CAP_NET_ADMIN), -ETIMEDOUT, or another -errno of the kernel.
 */
int oo_net_addresses_remove(struct oo_net *net, const struct oo_address_set *set,
			    struct oo_err *err);

/*
 * Whether this process may add and remove addresses: to be told at the start, not when one has to
 * come up. Changes nothing.
 * Returns 0, -EPERM (needs CAP_NET_ADMIN), -ENOMEM, -ETIMEDOUT, or another -errno of the kernel.
 */
int oo_net_check_rights(struct oo_net *net, struct oo_err *err);

/*
 * Which of set are on the interface now, whatever their prefix length: one dump.
 * set->ifindex  0 means any interface.
 * ret_present   set->n facts, in the order of set->list.
 * Returns 0, -ENOMEM, -ETIMEDOUT, or another -errno of the kernel.
 */
int oo_net_addresses_present(struct oo_net *net, const struct oo_address_set *set,
			     bool *ret_present, struct oo_err *err);

#endif
