#include "net/fence_batch.h"

#include <arpa/inet.h>
#include <assert.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_arp.h>
#include <linux/rtnetlink.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/* Before anybody else's chain: before fragments are put together (NF_IP_PRI_RAW_BEFORE_DEFRAG). */
#define PRIORITY (-450)
/* Of one message: an attribute, so a list of elements, is at most 64 KiB long. */
#define ELEMENTS_MAX 512
/* What a VIP takes in the worst batch: four elements and its share of their messages' headers. */
#define VIP_BYTES 128
#define FIXED_BYTES ((size_t)16 * 1024)

/* nft(8) shows a set's elements by these numbers of its own. */
#define KEY_TYPE_IPV4 7
#define KEY_TYPE_IPV6 8

static const struct set {
	uint8_t table;
	int family;
	const char *vips;
	const char *held;
} sets[] = {
	{OO_FENCE_INET, AF_INET, "vips4", "held4"},
	{OO_FENCE_INET, AF_INET6, "vips6", "held6"},
	{OO_FENCE_ARP, AF_INET, "vips4", "held4"},
};

static const struct chain {
	uint8_t table;
	const char *name;
	uint32_t hook;
} chains[] = {
	{OO_FENCE_INET, "prerouting", NF_INET_PRE_ROUTING},
	{OO_FENCE_INET, "input", NF_INET_LOCAL_IN},
	{OO_FENCE_INET, "output", NF_INET_LOCAL_OUT},
	{OO_FENCE_ARP, "output", NF_ARP_OUT},
};

#define IPV4_DESTINATION 16    /* RFC 791 3.1 */
#define IPV6_SOURCE 8          /* RFC 8200 3 */
#define IPV6_DESTINATION 24    /* RFC 8200 3 */
#define ICMPV6_TYPE 0          /* RFC 4443 2.1; from the transport header */
#define ARP_SENDER_PROTOCOL 14 /* address; RFC 826, of Ethernet and IPv4 */

/* A rule drops packets with a VIP that is not held at subject. */
static const struct rule {
	uint8_t table;
	const char *chain;
	int family;
	uint8_t icmpv6_type; /* only those; 0: all */
	bool local;          /* only when the destination is an address of this host */
	uint32_t subject;    /* from the network header */
} rules[] = {
	/* local: a host that forwards to the VIP's holder must not cut it off. */
	{OO_FENCE_INET, "prerouting", AF_INET, 0, true, IPV4_DESTINATION},
	{OO_FENCE_INET, "prerouting", AF_INET6, 0, true, IPV6_DESTINATION},
	/* What is delivered here though the kernel did not look upon it as local, as in a VRF. */
	{OO_FENCE_INET, "input", AF_INET, 0, false, IPV4_DESTINATION},
	{OO_FENCE_INET, "input", AF_INET6, 0, false, IPV6_DESTINATION},
	/* Answers and whatever else draws traffic here: neighbours believe the sender. An
	 * advertisement comes from the address that it is about (RFC 4861 4.4). */
	{OO_FENCE_INET, "output", AF_INET6, ND_NEIGHBOR_SOLICIT, false, IPV6_SOURCE},
	{OO_FENCE_INET, "output", AF_INET6, ND_NEIGHBOR_ADVERT, false, IPV6_SOURCE},
	{OO_FENCE_ARP, "output", AF_INET, 0, false, ARP_SENDER_PROTOCOL},
};

static uint32_t width_of(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

size_t oo_fence_batch_capacity(size_t n)
{
	return FIXED_BYTES + n * VIP_BYTES;
}

/* A message to the subsystem and of the kind type; close_message ends it. */
static struct nlmsghdr *open_message(struct oo_fence_batch *batch, uint16_t type, uint8_t family,
				     uint16_t flags)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(batch->bytes + batch->length);
	struct nfgenmsg *generic = mnl_nlmsg_put_extra_header(header, sizeof(*generic));
	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = batch->first_seq + batch->n++;
	generic->nfgen_family = family;
	generic->version = NFNETLINK_V0;
	return header;
}

static void close_message(struct oo_fence_batch *batch, const struct nlmsghdr *header)
{
	batch->length += MNL_ALIGN(header->nlmsg_len);
	assert(batch->length <= batch->capacity);
}

static struct nlmsghdr *open_change(struct oo_fence_batch *batch, uint16_t type, uint8_t table,
				    uint16_t flags)
{
	struct nlmsghdr *header =
		open_message(batch, NFNL_SUBSYS_NFTABLES << 8 | type, table, flags);
	/* NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, ...: one number */
	mnl_attr_put_strz(header, NFTA_TABLE_NAME, batch->name);
	return header;
}

static void put_limit(struct oo_fence_batch *batch, uint16_t type)
{
	struct nlmsghdr *header = open_message(batch, type, AF_UNSPEC, 0);
	((struct nfgenmsg *)mnl_nlmsg_get_payload(header))->res_id = htons(NFNL_SUBSYS_NFTABLES);
	close_message(batch, header);
}

void oo_fence_batch_begin(struct oo_fence_batch *batch, uint32_t first_seq)
{
	batch->length = 0;
	batch->n = 0;
	batch->first_seq = first_seq;
	put_limit(batch, NFNL_MSG_BATCH_BEGIN);
}

void oo_fence_batch_end(struct oo_fence_batch *batch)
{
	size_t at = 0;
	struct nlmsghdr *header = (struct nlmsghdr *)batch->bytes;
	while (at + MNL_ALIGN(header->nlmsg_len) < batch->length) {
		at += MNL_ALIGN(header->nlmsg_len);
		header = (struct nlmsghdr *)(batch->bytes + at);
	}
	header->nlmsg_flags |= NLM_F_ACK;
	put_limit(batch, NFNL_MSG_BATCH_END);
}

const struct nlmsghdr *oo_fence_batch_find(const struct oo_fence_batch *batch, uint32_t seq)
{
	for (size_t at = 0; at < batch->length;) {
		const struct nlmsghdr *header = (const struct nlmsghdr *)(batch->bytes + at);
		if (header->nlmsg_seq == seq) {
			return header;
		}
		at += MNL_ALIGN(header->nlmsg_len);
	}
	return NULL;
}

static void put_table(struct oo_fence_batch *batch, uint16_t type, uint8_t table)
{
	close_message(batch,
		      open_change(batch, type, table, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0));
}

void oo_fence_batch_delete_tables(struct oo_fence_batch *batch)
{
	static const uint8_t tables[] = {OO_FENCE_INET, OO_FENCE_ARP};
	for (size_t i = 0; i < OO_LENGTH(tables); i++) {
		put_table(batch, NFT_MSG_NEWTABLE, tables[i]); /* one that is missing is no error */
		put_table(batch, NFT_MSG_DELTABLE, tables[i]);
	}
}

static void put_set(struct oo_fence_batch *batch, const struct set *set, bool held)
{
	struct nlmsghdr *header =
		open_change(batch, NFT_MSG_NEWSET, set->table, NLM_F_CREATE | NLM_F_EXCL);
	mnl_attr_put_strz(header, NFTA_SET_NAME, held ? set->held : set->vips);
	mnl_attr_put_u32(header, NFTA_SET_FLAGS, htonl(held ? NFT_SET_TIMEOUT : 0));
	mnl_attr_put_u32(header, NFTA_SET_KEY_TYPE,
			 htonl(set->family == AF_INET ? KEY_TYPE_IPV4 : KEY_TYPE_IPV6));
	mnl_attr_put_u32(header, NFTA_SET_KEY_LEN, htonl(width_of(set->family)));
	mnl_attr_put_u32(header, NFTA_SET_ID, htonl(batch->n)); /* unique in the batch */
	close_message(batch, header);
}

static void put_chain(struct oo_fence_batch *batch, const struct chain *chain)
{
	struct nlmsghdr *header =
		open_change(batch, NFT_MSG_NEWCHAIN, chain->table, NLM_F_CREATE | NLM_F_EXCL);
	mnl_attr_put_strz(header, NFTA_CHAIN_NAME, chain->name);
	mnl_attr_put_strz(header, NFTA_CHAIN_TYPE, "filter");
	struct nlattr *hook = mnl_attr_nest_start(header, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(header, NFTA_HOOK_HOOKNUM, htonl(chain->hook));
	mnl_attr_put_u32(header, NFTA_HOOK_PRIORITY, htonl((uint32_t)PRIORITY));
	mnl_attr_nest_end(header, hook);
	close_message(batch, header);
}

/* The nests of one expression of a rule. */
struct expression {
	struct nlattr *element;
	struct nlattr *data;
};

static struct expression open_expression(struct nlmsghdr *header, const char *name)
{
	struct expression expression = {.element = mnl_attr_nest_start(header, NFTA_LIST_ELEM)};
	mnl_attr_put_strz(header, NFTA_EXPR_NAME, name);
	expression.data = mnl_attr_nest_start(header, NFTA_EXPR_DATA);
	return expression;
}

static void close_expression(struct nlmsghdr *header, struct expression expression)
{
	mnl_attr_nest_end(header, expression.data);
	mnl_attr_nest_end(header, expression.element);
}

/* Every rule works in one register. */
static void put_meta(struct nlmsghdr *header, uint32_t key)
{
	struct expression meta = open_expression(header, "meta");
	mnl_attr_put_u32(header, NFTA_META_KEY, htonl(key));
	mnl_attr_put_u32(header, NFTA_META_DREG, htonl(NFT_REG_1));
	close_expression(header, meta);
}

static void put_payload(struct nlmsghdr *header, uint32_t base, uint32_t offset, uint32_t length)
{
	struct expression payload = open_expression(header, "payload");
	mnl_attr_put_u32(header, NFTA_PAYLOAD_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(header, NFTA_PAYLOAD_BASE, htonl(base));
	mnl_attr_put_u32(header, NFTA_PAYLOAD_OFFSET, htonl(offset));
	mnl_attr_put_u32(header, NFTA_PAYLOAD_LEN, htonl(length));
	close_expression(header, payload);
}

static void put_fib_type(struct nlmsghdr *header)
{
	struct expression fib = open_expression(header, "fib");
	mnl_attr_put_u32(header, NFTA_FIB_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(header, NFTA_FIB_RESULT, htonl(NFT_FIB_RESULT_ADDRTYPE));
	mnl_attr_put_u32(header, NFTA_FIB_FLAGS, htonl(NFTA_FIB_F_DADDR));
	close_expression(header, fib);
}

static void put_equals(struct nlmsghdr *header, const void *value, size_t length)
{
	struct expression cmp = open_expression(header, "cmp");
	mnl_attr_put_u32(header, NFTA_CMP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(header, NFTA_CMP_OP, htonl(NFT_CMP_EQ));
	struct nlattr *data = mnl_attr_nest_start(header, NFTA_CMP_DATA);
	mnl_attr_put(header, NFTA_DATA_VALUE, length, value);
	mnl_attr_nest_end(header, data);
	close_expression(header, cmp);
}

static void put_lookup(struct nlmsghdr *header, const char *set, bool inverted)
{
	struct expression lookup = open_expression(header, "lookup");
	mnl_attr_put_strz(header, NFTA_LOOKUP_SET, set);
	mnl_attr_put_u32(header, NFTA_LOOKUP_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(header, NFTA_LOOKUP_FLAGS, htonl(inverted ? NFT_LOOKUP_F_INV : 0));
	close_expression(header, lookup);
}

static void put_drop(struct nlmsghdr *header)
{
	struct expression immediate = open_expression(header, "immediate");
	mnl_attr_put_u32(header, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	struct nlattr *data = mnl_attr_nest_start(header, NFTA_IMMEDIATE_DATA);
	struct nlattr *verdict = mnl_attr_nest_start(header, NFTA_DATA_VERDICT);
	mnl_attr_put_u32(header, NFTA_VERDICT_CODE, htonl(NF_DROP));
	mnl_attr_nest_end(header, verdict);
	mnl_attr_nest_end(header, data);
	close_expression(header, immediate);
}

/* What the rule is about, from the widest to the narrowest. */
static void put_conditions(struct nlmsghdr *header, const struct rule *rule)
{
	if (rule->table == OO_FENCE_INET) {
		const uint8_t protocol = rule->family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;
		put_meta(header, NFT_META_NFPROTO);
		put_equals(header, &protocol, sizeof(protocol));
	}
	if (rule->icmpv6_type != 0) {
		const uint8_t protocol = IPPROTO_ICMPV6;
		put_meta(header, NFT_META_L4PROTO);
		put_equals(header, &protocol, sizeof(protocol));
		put_payload(header, NFT_PAYLOAD_TRANSPORT_HEADER, ICMPV6_TYPE, 1);
		put_equals(header, &rule->icmpv6_type, sizeof(rule->icmpv6_type));
	}
}

static void put_rule(struct oo_fence_batch *batch, const struct rule *rule)
{
	const bool ipv4 = rule->family == AF_INET;
	struct nlmsghdr *header =
		open_change(batch, NFT_MSG_NEWRULE, rule->table, NLM_F_CREATE | NLM_F_APPEND);
	mnl_attr_put_strz(header, NFTA_RULE_CHAIN, rule->chain);
	struct nlattr *expressions = mnl_attr_nest_start(header, NFTA_RULE_EXPRESSIONS);
	put_conditions(header, rule);
	put_payload(header, NFT_PAYLOAD_NETWORK_HEADER, rule->subject, width_of(rule->family));
	put_lookup(header, ipv4 ? "vips4" : "vips6", false);
	put_lookup(header, ipv4 ? "held4" : "held6", true);
	if (rule->local) {
		const uint32_t local = RTN_LOCAL;
		put_fib_type(header);
		put_equals(header, &local, sizeof(local));
	}
	put_drop(header);
	mnl_attr_nest_end(header, expressions);
	close_message(batch, header);
}

void oo_fence_batch_create_tables(struct oo_fence_batch *batch)
{
	put_table(batch, NFT_MSG_NEWTABLE, OO_FENCE_INET);
	put_table(batch, NFT_MSG_NEWTABLE, OO_FENCE_ARP);
	for (size_t i = 0; i < OO_LENGTH(sets); i++) {
		put_set(batch, &sets[i], false);
		put_set(batch, &sets[i], true);
	}
	for (size_t i = 0; i < OO_LENGTH(chains); i++) {
		put_chain(batch, &chains[i]);
	}
	for (size_t i = 0; i < OO_LENGTH(rules); i++) {
		put_rule(batch, &rules[i]);
	}
}

static void put_element(struct nlmsghdr *header, const struct oo_fence_vip *vip, bool held)
{
	struct nlattr *element = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
	if (held) {
		mnl_attr_put_u64(header, NFTA_SET_ELEM_TIMEOUT, htobe64((uint64_t)vip->left_ms));
	}
	struct nlattr *key = mnl_attr_nest_start(header, NFTA_SET_ELEM_KEY);
	mnl_attr_put(header, NFTA_DATA_VALUE, width_of(vip->address.family), vip->address.bytes);
	mnl_attr_nest_end(header, key);
	mnl_attr_nest_end(header, element);
}

static bool belongs(const struct oo_fence_vip *vip, const struct set *set, bool held)
{
	return vip->address.family == set->family && (!held || vip->left_ms > 0);
}

/* Puts at most ELEMENTS_MAX of what belongs into set. Returns how many of vips it went over. */
static size_t put_some_elements(struct oo_fence_batch *batch, const struct set *set, bool held,
				const struct oo_fence_vip *vips, size_t n)
{
	size_t i = 0;
	while (i < n && !belongs(&vips[i], set, held)) {
		i++;
	}
	if (i == n) {
		return n;
	}
	struct nlmsghdr *header = open_change(batch, NFT_MSG_NEWSETELEM, set->table, NLM_F_CREATE);
	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, held ? set->held : set->vips);
	struct nlattr *list = mnl_attr_nest_start(header, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (unsigned put = 0; i < n && put < ELEMENTS_MAX; i++) {
		if (belongs(&vips[i], set, held)) {
			put_element(header, &vips[i], held);
			put++;
		}
	}
	mnl_attr_nest_end(header, list);
	close_message(batch, header);
	return i;
}

static void put_elements(struct oo_fence_batch *batch, bool held, const struct oo_fence_vip *vips,
			 size_t n)
{
	for (size_t i = 0; i < OO_LENGTH(sets); i++) {
		for (size_t at = 0; at < n;) {
			at += put_some_elements(batch, &sets[i], held, vips + at, n - at);
		}
	}
}

void oo_fence_batch_put_vips(struct oo_fence_batch *batch, const struct oo_fence_vip *vips,
			     size_t n)
{
	put_elements(batch, false, vips, n);
}

void oo_fence_batch_flush_held(struct oo_fence_batch *batch)
{
	for (size_t i = 0; i < OO_LENGTH(sets); i++) {
		struct nlmsghdr *header = open_change(batch, NFT_MSG_DELSETELEM, sets[i].table, 0);
		/* no elements: all of them */
		mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, sets[i].held);
		close_message(batch, header);
	}
}

void oo_fence_batch_put_held(struct oo_fence_batch *batch, const struct oo_fence_vip *vips,
			     size_t n)
{
	put_elements(batch, true, vips, n);
}
