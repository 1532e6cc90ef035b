#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/schema.h"

#define HOST_LENGTH 256
#define URL_BYTES 2048
#define VIP_LENGTH (INET6_ADDRSTRLEN + 4)

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

struct vip {
	int family;
	uint8_t bytes[16];
	int prefix;
};

/* Reads "1" to most, digits only. 0: it is not. */
static int read_number(const char *text, int most)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 5 || text[digits] != '\0') {
		return 0;
	}
	int number = (int)strtol(text, NULL, 10);
	return number <= most ? number : 0;
}

static bool is_ipv4(const char *text)
{
	struct in_addr ignored;
	return inet_pton(AF_INET, text, &ignored) == 1;
}

static bool is_ipv6(const char *text)
{
	struct in6_addr ignored;
	return inet_pton(AF_INET6, text, &ignored) == 1;
}

/* An IPv4 address, or a name; what is made of digits and dots alone must be the former. */
static bool is_host(const char *text)
{
	if (text[strspn(text, "0123456789.")] == '\0') {
		return is_ipv4(text);
	}
	return strspn(text, LETTERS_AND_DIGITS) > 0 &&
	       text[strspn(text, LETTERS_AND_DIGITS ".-_")] == '\0';
}

/*
 * Splits "host", "host:80", "[::1]:80"; host comes without brackets. ret_port is 0 where none is
 * given. False: it is not of that form.
 */
static bool split_authority(const char *text, char host[static HOST_LENGTH], int *ret_port)
{
	bool bracketed = text[0] == '[';
	size_t begin = bracketed ? 1 : 0;
	size_t length = strcspn(text + begin, bracketed ? "]" : ":");
	const char *rest = text + begin + length;

	if (length == 0 || length >= HOST_LENGTH || (bracketed && *rest++ != ']')) {
		return false;
	}
	memcpy(host, text + begin, length);
	host[length] = '\0';
	*ret_port = 0;
	if (*rest == ':') {
		*ret_port = read_number(rest + 1, 65535);
		if (*ret_port == 0) {
			return false;
		}
	} else if (*rest != '\0') {
		return false;
	}
	return bracketed ? is_ipv6(host) : is_host(host);
}

bool config_parse_address(struct config_reader *reader, struct fy_node *node,
			  const struct config_key *key, void *target)
{
	char host[HOST_LENGTH];
	int port = 0;

	(void)key; /* every address has the same form */
	const char *text = config_text(reader, node);
	if (text == NULL) {
		return false;
	}
	if (!split_authority(text, host, &port) || port == 0) {
		return config_wrong(reader, node,
				    "not a host and port; as in 127.0.0.1:5432, [::1]:5432 or "
				    "localhost:5432");
	}
	struct oo_check_address address = {.port = (uint16_t)port};
	if (!config_set_text(reader, host, &address.host)) {
		return false;
	}
	memcpy(target, &address, sizeof(address));
	return true;
}

bool config_parse_listen(struct config_reader *reader, struct fy_node *node,
			 const struct config_key *key, void *target)
{
	char host[HOST_LENGTH];
	int port = 0;

	(void)key; /* every address has the same form */
	const char *text = config_text(reader, node);
	if (text == NULL) {
		return false;
	}
	if (!split_authority(text, host, &port) || port == 0 ||
	    (!is_ipv4(host) && !is_ipv6(host))) {
		return config_wrong(reader, node,
				    "not an address and port; as in 127.0.0.1:8009 or [::1]:8009 "
				    "(no names)");
	}
	struct oo_config_address address = {.port = (uint16_t)port};
	if (!config_set_text(reader, host, &address.host)) {
		return false;
	}
	memcpy(target, &address, sizeof(address));
	return true;
}

/*
 * Reads scheme, host and port of the URL at node. Whatever has an @ may carry a password: its value
 * is never shown.
 * Returns what follows the authority ("" or from / ? # on), or NULL after saying what is wrong.
 */
static const char *read_url(struct config_reader *reader, struct fy_node *node, int *ret_port)
{
	char authority[HOST_LENGTH + 8], host[HOST_LENGTH];
	const char *text = config_text(reader, node);

	if (text == NULL) {
		return NULL;
	}
	if (strchr(text, '@') != NULL) {
		config_wrong_unshown(reader, node,
				     "a URL with user or password, or another '@'; leave them out");
		return NULL;
	}
	for (const char *c = text; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~' || c - text >= URL_BYTES) {
			config_wrong(reader, node,
				     "not a URL; write at most %d ASCII characters, no spaces",
				     URL_BYTES);
			return NULL;
		}
	}
	size_t scheme = strncmp(text, "http://", 7) == 0    ? 7
			: strncmp(text, "https://", 8) == 0 ? 8
							    : 0;
	if (scheme == 0) {
		config_wrong(reader, node, "not a URL; begin it with http:// or https://");
		return NULL;
	}
	size_t length = strcspn(text + scheme, "/?#");
	oo_text_clip(authority, sizeof(authority), text + scheme);
	if (length < sizeof(authority)) {
		authority[length] = '\0';
	}
	if (!split_authority(authority, host, ret_port)) {
		config_wrong(
			reader, node,
			"not a URL; after the scheme comes a host and perhaps a port from 1 to "
			"65535");
		return NULL;
	}
	return text + scheme + length;
}

bool config_parse_endpoint(struct config_reader *reader, struct fy_node *node,
			   const struct config_key *key, void *target)
{
	int port = 0;

	(void)key; /* every endpoint has the same form */
	const char *rest = read_url(reader, node, &port);
	if (rest == NULL) {
		return false;
	}
	if (port == 0 || *rest != '\0') {
		return config_wrong(reader, node,
				    "an endpoint is scheme, host and port alone, as in "
				    "http://10.0.1.11:2379");
	}
	return config_set_text(reader, fy_node_get_scalar0(node), target);
}

bool config_parse_url(struct config_reader *reader, struct fy_node *node,
		      const struct config_key *key, void *target)
{
	int port = 0;

	(void)key; /* every URL has the same form */
	const char *rest = read_url(reader, node, &port);
	if (rest == NULL) {
		return false;
	}
	if (strchr(rest, '#') != NULL) {
		return config_wrong(reader, node, "a fragment is not sent; leave it out from # on");
	}
	return config_set_text(reader, fy_node_get_scalar0(node), target);
}

bool config_parse_base_url(struct config_reader *reader, struct fy_node *node,
			   const struct config_key *key, void *target)
{
	int port = 0;

	(void)key; /* every such URL has the same form */
	const char *rest = read_url(reader, node, &port);
	if (rest == NULL) {
		return false;
	}
	if (*rest != '\0') {
		return config_wrong(reader, node,
				    "scheme, host and port alone are wanted, as in "
				    "http://127.0.0.1:8000");
	}
	return config_set_text(reader, fy_node_get_scalar0(node), target);
}

/* The rule of the kernel's dev_valid_name, less what is not printable ASCII. */
bool config_parse_interface(struct config_reader *reader, struct fy_node *node,
			    const struct config_key *key, void *target)
{
	(void)key; /* every interface's name has the same form */
	const char *text = config_text(reader, node);
	if (text == NULL) {
		return false;
	}
	bool right = *text != '\0' && strlen(text) < IFNAMSIZ && !oo_text_equal(text, ".") &&
		     !oo_text_equal(text, "..");
	for (const char *c = text; right && *c != '\0'; c++) {
		right = *c > ' ' && *c <= '~' && *c != '/' && *c != ':';
	}
	if (!right) {
		return config_wrong(reader, node,
				    "not an interface; 1 to %d characters without space, '/' and "
				    "':', as in eth0",
				    IFNAMSIZ - 1);
	}
	return config_set_text(reader, text, target);
}

/* Reads "10.0.0.100/24"; false: it is not an address, with a prefix or without. */
static bool read_vip(const char *text, struct vip *ret_vip)
{
	char address[INET6_ADDRSTRLEN];
	struct vip vip = {0};
	size_t length = strcspn(text, "/");

	if (length >= sizeof(address)) {
		return false;
	}
	memcpy(address, text, length);
	address[length] = '\0';
	vip.family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
	int bits = vip.family == AF_INET ? 32 : 128;
	vip.prefix = text[length] == '/' ? read_number(text + length + 1, bits) : bits;
	if (vip.prefix == 0 || inet_pton(vip.family, address, vip.bytes) != 1) {
		return false;
	}
	*ret_vip = vip;
	return true;
}

/* Whether the bits after the prefix are all value. */
static bool host_bits_are(const struct vip *vip, int value)
{
	int bits = vip->family == AF_INET ? 32 : 128;

	for (int i = vip->prefix; i < bits; i++) {
		if ((vip->bytes[i / 8] >> (7 - i % 8) & 1) != value) {
			return false;
		}
	}
	return true;
}

/* Why no host may own the address, or it cannot move between hosts; NULL: it can be a VIP. */
static const char *refuse_ipv4(const struct vip *vip)
{
	if (vip->bytes[0] == 0) {
		return "unspecified";
	}
	if (vip->bytes[0] == 127) {
		return "loopback";
	}
	if (vip->bytes[0] >= 240) {
		return "reserved";
	}
	if (vip->bytes[0] >= 224) {
		return "multicast";
	}
	/* RFC 3021: a /31 has neither */
	if (vip->prefix < 31 && host_bits_are(vip, 0)) {
		return "its subnet's network address";
	}
	return vip->prefix < 31 && host_bits_are(vip, 1) ? "its subnet's broadcast address" : NULL;
}

static const char *refuse_ipv6(const struct vip *vip)
{
	struct in6_addr address;

	memcpy(&address, vip->bytes, sizeof(address));
	if (IN6_IS_ADDR_UNSPECIFIED(&address)) {
		return "unspecified";
	}
	if (IN6_IS_ADDR_LOOPBACK(&address)) {
		return "loopback";
	}
	if (IN6_IS_ADDR_MULTICAST(&address)) {
		return "multicast";
	}
	if (IN6_IS_ADDR_V4MAPPED(&address)) {
		return "IPv4-mapped";
	}
	/* RFC 4291 2.6.1; RFC 6164: a /127 has none */
	return vip->prefix < 127 && host_bits_are(vip, 0) ? "its subnet's router anycast address"
							  : NULL;
}

bool config_parse_vip(struct config_reader *reader, struct fy_node *node,
		      const struct config_key *key, void *target)
{
	struct vip vip;
	char canonical[VIP_LENGTH];

	(void)key; /* every VIP has the same form */
	const char *text = config_text(reader, node);
	if (text == NULL) {
		return false;
	}
	if (!read_vip(text, &vip)) {
		return config_wrong(reader, node,
				    "not an address with a prefix length; as in 10.0.0.100/24 or "
				    "2001:db8::100/64");
	}
	const char *refused = vip.family == AF_INET ? refuse_ipv4(&vip) : refuse_ipv6(&vip);
	if (refused != NULL) {
		return config_wrong(reader, node, "%s; use a free host address of the subnet",
				    refused);
	}
	inet_ntop(vip.family, vip.bytes, canonical, INET6_ADDRSTRLEN);
	snprintf(canonical + strlen(canonical), 5, "/%d", vip.prefix);
	return config_set_text(reader, canonical, target);
}
