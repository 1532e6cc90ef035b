#include "net/fence_read.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/* The kernel tells what is left in whole jiffies, the present one included; HZ is 100 or more. */
#define JIFFY_MS_MAX 10

#define HASH_START UINT64_C(14695981039346656037)

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t value, const void *data, size_t length)
{
	const uint8_t *bytes = data;
	for (size_t i = 0; i < length; i++) {
		value = (value ^ bytes[i]) * UINT64_C(1099511628211);
	}
	return value;
}

static uint64_t hash_attribute(uint64_t value, const struct nlattr *attribute)
{
	return hash(value, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
}

/* What one dump adds up, as objects come in no particular order. */
struct fingerprint {
	const char *name;
	uint8_t family;
	uint64_t sum;
};

static void restart_fingerprint(void *user)
{
	((struct fingerprint *)user)->sum = 0;
}

/* Handles are never given twice: a table's by the kernel, what is in a table by the table. */
static bool tells_identity(uint16_t type, uint16_t attribute)
{
	switch (type) {
	case NFT_MSG_NEWTABLE:
		return attribute == NFTA_TABLE_HANDLE || attribute == NFTA_TABLE_FLAGS;
	case NFT_MSG_NEWCHAIN:
		return attribute == NFTA_CHAIN_HANDLE || attribute == NFTA_CHAIN_POLICY;
	case NFT_MSG_NEWRULE:
		return attribute == NFTA_RULE_HANDLE;
	case NFT_MSG_NEWSET:
		return attribute == NFTA_SET_HANDLE;
	default:
		return false;
	}
}

static int note_object(const struct nlmsghdr *header, void *user)
{
	struct fingerprint *fingerprint = user;
	const uint16_t type = NFNL_MSG_TYPE(header->nlmsg_type);
	uint64_t one = hash(HASH_START, &type, sizeof(type));
	const struct nlattr *attribute;
	if (!oo_fence_is_of(header, fingerprint->family, fingerprint->name)) {
		return MNL_CB_OK;
	}
	mnl_attr_for_each(attribute, header, sizeof(struct nfgenmsg))
	{
		if (tells_identity(type, mnl_attr_get_type(attribute))) {
			one = hash_attribute(one, attribute);
		}
	}
	fingerprint->sum += one;
	return MNL_CB_OK;
}

static int note_elements(const struct nlmsghdr *header, void *user)
{
	struct fingerprint *fingerprint = user;
	const struct nlattr *list = oo_fence_attribute(header, NFTA_SET_ELEM_LIST_ELEMENTS);
	const struct nlattr *element;
	if (list == NULL) {
		return MNL_CB_OK;
	}
	mnl_attr_for_each_nested(element, list)
	{
		fingerprint->sum += hash_attribute(HASH_START, element);
	}
	return MNL_CB_OK;
}

int oo_fence_read_fingerprint(struct oo_fence_kernel *kernel, const char *name,
			      uint64_t *ret_fingerprint, struct oo_err *err)
{
	static const struct {
		uint8_t family;
		uint16_t type;
		const char *set;
	} parts[] = {
		{OO_FENCE_INET, NFT_MSG_GETTABLE, NULL},
		{OO_FENCE_INET, NFT_MSG_GETCHAIN, NULL},
		{OO_FENCE_INET, NFT_MSG_GETRULE, NULL},
		{OO_FENCE_INET, NFT_MSG_GETSET, NULL},
		{OO_FENCE_ARP, NFT_MSG_GETTABLE, NULL},
		{OO_FENCE_ARP, NFT_MSG_GETCHAIN, NULL},
		{OO_FENCE_ARP, NFT_MSG_GETRULE, NULL},
		{OO_FENCE_ARP, NFT_MSG_GETSET, NULL},
		{OO_FENCE_INET, NFT_MSG_GETSETELEM, "vips4"},
		{OO_FENCE_INET, NFT_MSG_GETSETELEM, "vips6"},
		{OO_FENCE_ARP, NFT_MSG_GETSETELEM, "vips4"},
	};
	uint64_t whole = HASH_START;
	for (size_t i = 0; i < OO_LENGTH(parts); i++) {
		struct fingerprint part = {.name = name, .family = parts[i].family};
		const struct oo_fence_dump dump = {
			.type = parts[i].type,
			.family = parts[i].family,
			.name = name,
			.set = parts[i].set,
			.restart = restart_fingerprint,
			.handle = parts[i].set == NULL ? note_object : note_elements,
			.user = &part,
		};
		int r = oo_fence_kernel_dump(kernel, &dump, err);
		if (r < 0) {
			return r;
		}
		whole = hash(whole, &part.sum, sizeof(part.sum));
	}
	*ret_fingerprint = whole;
	return 0;
}

struct held {
	struct oo_fence_vip *vips;
	size_t n;
	int family;
};

static void restart_held(void *user)
{
	struct held *held = user;
	for (size_t i = 0; i < held->n; i++) {
		if (held->vips[i].address.family == held->family) {
			held->vips[i].left_ms = 0;
		}
	}
}

static void note_vip(const struct held *held, const struct nlattr *value, int64_t left_ms)
{
	struct oo_address address = {.family = held->family};
	const size_t width = held->family == AF_INET ? 4 : 16;
	if (mnl_attr_get_payload_len(value) != width) {
		return;
	}
	memcpy(address.bytes, mnl_attr_get_payload(value), width);
	for (size_t i = 0; i < held->n; i++) {
		if (oo_address_equal(&held->vips[i].address, &address)) {
			held->vips[i].left_ms = left_ms;
		}
	}
}

/* The one attribute in a key, NFTA_DATA_VALUE; NULL: there is none. */
static const struct nlattr *value_of(const struct nlattr *key)
{
	const struct nlattr *value = mnl_attr_get_payload(key);
	return mnl_attr_ok(value, mnl_attr_get_payload_len(key)) ? value : NULL;
}

/* The kernel's number of ms, rounded down; nothing that it may say overflows a time. */
static int64_t left_of(uint64_t ms)
{
	return ms > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)ms - JIFFY_MS_MAX;
}

static void note_held_element(const struct held *held, const struct nlattr *element)
{
	const struct nlattr *value = NULL;
	const struct nlattr *attribute;
	int64_t left_ms = 0;
	mnl_attr_for_each_nested(attribute, element)
	{
		if (mnl_attr_get_type(attribute) == NFTA_SET_ELEM_KEY) {
			value = value_of(attribute);
		}
		if (mnl_attr_get_type(attribute) == NFTA_SET_ELEM_EXPIRATION &&
		    mnl_attr_get_payload_len(attribute) == sizeof(uint64_t)) {
			left_ms = left_of(be64toh(mnl_attr_get_u64(attribute)));
		}
	}
	if (value != NULL && left_ms > 0) {
		note_vip(held, value, left_ms);
	}
}

static int note_held(const struct nlmsghdr *header, void *user)
{
	const struct nlattr *list = oo_fence_attribute(header, NFTA_SET_ELEM_LIST_ELEMENTS);
	const struct nlattr *element;
	if (list == NULL) {
		return MNL_CB_OK;
	}
	mnl_attr_for_each_nested(element, list)
	{
		note_held_element(user, element);
	}
	return MNL_CB_OK;
}

int oo_fence_read_held(struct oo_fence_kernel *kernel, const char *name, struct oo_fence_vip *vips,
		       size_t n, struct oo_err *err)
{
	static const struct {
		int family;
		const char *set;
	} sets[] = {{AF_INET, "held4"}, {AF_INET6, "held6"}};
	for (size_t i = 0; i < OO_LENGTH(sets); i++) {
		struct held held = {.vips = vips, .n = n, .family = sets[i].family};
		const struct oo_fence_dump dump = {
			.type = NFT_MSG_GETSETELEM,
			.family = OO_FENCE_INET,
			.name = name,
			.set = sets[i].set,
			.restart = restart_held,
			.handle = note_held,
			.user = &held,
		};
		int r = oo_fence_kernel_dump(kernel, &dump, err);
		if (r < 0 && r != -ENOENT) {
			return r;
		}
	}
	return 0;
}
