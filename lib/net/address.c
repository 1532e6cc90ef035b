#include "net/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_SHOWN_MAX 80 /* of a text that is quoted in an error */

static int refuse(struct oo_err *err, const char *text, const char *why)
{
	return oo_fail_text(err, EINVAL, "\"%.*s\": %s", TEXT_SHOWN_MAX, text, why);
}

/* All bits of the host part are equal to bit. A host part of no bits is not. */
static bool host_bits_are(const struct oo_address *address, bool bit)
{
	unsigned width = address->family == AF_INET ? 32 : 128;
	for (unsigned i = address->prefix; i < width; i++) {
		if ((address->bytes[i / 8] >> (7 - i % 8) & 1) != bit) {
			return false;
		}
	}
	return address->prefix < width;
}

static const char *why_not_ipv4(const struct oo_address *address)
{
	const uint8_t first = address->bytes[0];
	if (first == 0) {
		return "an address in 0.0.0.0/8 belongs to no host (RFC 1122)";
	}
	if (first == 127) {
		return "a loopback address cannot be a virtual address";
	}
	if (first >= 224 && first < 240) {
		return "a multicast address cannot be a virtual address";
	}
	if (first >= 240) {
		return "an address in 240.0.0.0/4 belongs to no host (RFC 1112)";
	}
	if (address->prefix > 30) {
		return NULL;
	}
	if (host_bits_are(address, false)) {
		return "this is the network address of its subnet, give a host's";
	}
	if (host_bits_are(address, true)) {
		return "this is the broadcast address of its subnet, give a host's";
	}
	return NULL;
}

static const char *why_not_ipv6(const struct oo_address *address)
{
	struct in6_addr in6;
	memcpy(&in6, address->bytes, sizeof(in6));
	if (IN6_IS_ADDR_UNSPECIFIED(&in6)) {
		return "the unspecified address belongs to no host";
	}
	if (IN6_IS_ADDR_LOOPBACK(&in6)) {
		return "a loopback address cannot be a virtual address";
	}
	if (IN6_IS_ADDR_MULTICAST(&in6)) {
		return "a multicast address cannot be a virtual address";
	}
	if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		return "write an IPv4 address as such, like 10.0.0.100/24";
	}
	if (address->prefix < 127 && host_bits_are(address, false)) {
		return "this is the subnet-router anycast address of its subnet, give a host's";
	}
	return NULL;
}

/* text is what follows the slash. */
static int parse_prefix(const char *text, unsigned most, uint8_t *ret_prefix)
{
	unsigned value = 0;
	size_t length = strlen(text);
	if (length < 1 || length > 3 || strspn(text, "0123456789") != length || text[0] == '0') {
		return -EINVAL;
	}
	for (const char *digit = text; *digit != '\0'; digit++) {
		value = value * 10 + (unsigned)(*digit - '0');
	}
	if (value > most) {
		return -EINVAL;
	}
	*ret_prefix = (uint8_t)value;
	return 0;
}

int oo_address_parse(const char *text, struct oo_address *ret_address, struct oo_err *err)
{
	static const char wanted[] = "not an address, give one like 10.0.0.100/24 or fd00::100/64";
	struct oo_address address = {.family = AF_INET, .prefix = 32};
	char host[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "/");
	if (length >= sizeof(host)) {
		return refuse(err, text, wanted);
	}
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(AF_INET, host, address.bytes) != 1) {
		address = (struct oo_address){.family = AF_INET6, .prefix = 128};
		if (inet_pton(AF_INET6, host, address.bytes) != 1) {
			return refuse(err, text, wanted);
		}
	}
	if (text[length] == '/' &&
	    parse_prefix(text + length + 1, address.prefix, &address.prefix) < 0) {
		return refuse(err, text,
			      address.family == AF_INET ? "the prefix length must be 1 to 32"
							: "the prefix length must be 1 to 128");
	}
	const char *why =
		address.family == AF_INET ? why_not_ipv4(&address) : why_not_ipv6(&address);
	if (why != NULL) {
		return refuse(err, text, why);
	}
	*ret_address = address;
	return 0;
}

const char *oo_address_format(const struct oo_address *address,
			      char buffer[static OO_ADDRESS_LENGTH])
{
	char host[INET6_ADDRSTRLEN];
	const char *written =
		inet_ntop(address->family, address->bytes, host, (socklen_t)sizeof(host));
	assert(written != NULL);
	snprintf(buffer, OO_ADDRESS_LENGTH, "%s/%u", host, address->prefix);
	return buffer;
}

const char *oo_mac_format(const uint8_t mac[static OO_MAC_LENGTH],
			  char buffer[static OO_MAC_TEXT_LENGTH])
{
	snprintf(buffer, OO_MAC_TEXT_LENGTH, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	return buffer;
}

bool oo_address_equal(const struct oo_address *one, const struct oo_address *other)
{
	return one->family == other->family &&
	       memcmp(one->bytes, other->bytes, sizeof(one->bytes)) == 0;
}
