/* Addresses as people write them: what is taken, what is refused, and with which words. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "harness.h"

static void test_good_addresses_are_read_and_written_back(void)
{
	static const struct {
		const char *text;
		const char *written;
		int family;
	} good[] = {
		{"10.0.0.100/24", "10.0.0.100/24", AF_INET},
		{"10.0.0.100", "10.0.0.100/32", AF_INET},
		{"192.168.255.255/8", "192.168.255.255/8", AF_INET},
		{"10.0.0.0/31", "10.0.0.0/31", AF_INET},
		{"10.0.0.1/31", "10.0.0.1/31", AF_INET},
		{"10.0.0.0", "10.0.0.0/32", AF_INET},
		{"10.0.0.255/32", "10.0.0.255/32", AF_INET},
		{"10.0.1.0/23", "10.0.1.0/23", AF_INET},
		{"169.254.1.1/16", "169.254.1.1/16", AF_INET},
		{"223.255.255.254/1", "223.255.255.254/1", AF_INET},
		{"fd00::100/64", "fd00::100/64", AF_INET6},
		{"FD00:0:0::0100", "fd00::100/128", AF_INET6},
		{"2001:db8::/128", "2001:db8::/128", AF_INET6},
		{"2001:db8::/127", "2001:db8::/127", AF_INET6},
		{"fe80::1/64", "fe80::1/64", AF_INET6},
		{"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/1",
		 "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/1", AF_INET6},
	};
	for (size_t i = 0; i < OO_LENGTH(good); i++) {
		struct oo_address address;
		struct oo_err err = {""};
		char buffer[OO_ADDRESS_LENGTH];
		CU_ASSERT_EQUAL(oo_address_parse(good[i].text, &address, &err), 0);
		EXPECT_TEXT(err.text, "");
		CU_ASSERT_EQUAL(address.family, good[i].family);
		EXPECT_TEXT(oo_address_format(&address, buffer), good[i].written);
	}
}

static void test_parsed_bytes_are_in_network_order_with_the_rest_zero(void)
{
	static const uint8_t ipv4[16] = {10, 0, 0, 100};
	static const uint8_t ipv6[16] = {0xfd, 0, [14] = 1, 0};
	struct oo_address address;
	memset(&address, 0xff, sizeof(address));
	CU_ASSERT_EQUAL(oo_address_parse("10.0.0.100/24", &address, NULL), 0);
	CU_ASSERT_EQUAL(memcmp(address.bytes, ipv4, 16), 0);
	CU_ASSERT_EQUAL(address.prefix, 24);
	CU_ASSERT_EQUAL(oo_address_parse("fd00::100/64", &address, NULL), 0);
	CU_ASSERT_EQUAL(memcmp(address.bytes, ipv6, 16), 0);
	CU_ASSERT_EQUAL(address.prefix, 64);
}

#define FORM "not an address, give one like 10.0.0.100/24 or fd00::100/64"
#define PREFIX4 "the prefix length must be 1 to 32"
#define PREFIX6 "the prefix length must be 1 to 128"
#define LOOPBACK "a loopback address cannot be a virtual address"
#define MULTICAST "a multicast address cannot be a virtual address"
#define NETWORK "this is the network address of its subnet, give a host's"
#define BROADCAST "this is the broadcast address of its subnet, give a host's"
#define THIS_NETWORK "an address in 0.0.0.0/8 belongs to no host (RFC 1122)"
#define RESERVED "an address in 240.0.0.0/4 belongs to no host (RFC 1112)"
#define ANYCAST "this is the subnet-router anycast address of its subnet, give a host's"
#define MAPPED "write an IPv4 address as such, like 10.0.0.100/24"

static const struct {
	const char *text;
	const char *why;
} bad[] = {
	{"", FORM},
	{"/", FORM},
	{"/24", FORM},
	{"eth0", FORM},
	{"10.0.0", FORM},
	{"10.0.0.1.2", FORM},
	{"10.0.0.256", FORM},
	{"10.0.0.-1", FORM},
	{"010.0.0.1", FORM},
	{" 10.0.0.1", FORM},
	{"10.0.0.1 ", FORM},
	{"10.0.0.1:80", FORM},
	{"10.0.0.1,10.0.0.2", FORM},
	{"10.0.0.1\n/24", FORM},
	{"fd00::1::2", FORM},
	{"fd00::g", FORM},
	{"[fd00::1]", FORM},
	{"fe80::1%eth0", FORM},
	{"fd00:1:2:3:4:5:6:7:8", FORM},
	{"2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000", FORM},
	{"10.0.0.1/", PREFIX4},
	{"10.0.0.1/0", PREFIX4},
	{"10.0.0.1/33", PREFIX4},
	{"10.0.0.1/024", PREFIX4},
	{"10.0.0.1/-1", PREFIX4},
	{"10.0.0.1/+24", PREFIX4},
	{"10.0.0.1/24 ", PREFIX4},
	{"10.0.0.1/24/24", PREFIX4},
	{"10.0.0.1/2x", PREFIX4},
	{"10.0.0.1/255.255.255.0", PREFIX4},
	{"10.0.0.1/4294967320", PREFIX4},
	{"fd00::1/", PREFIX6},
	{"fd00::1/0", PREFIX6},
	{"fd00::1/129", PREFIX6},
	{"fd00::1/999", PREFIX6},
	{"fd00::1/ffff::", PREFIX6},
	{"127.0.0.1", LOOPBACK},
	{"127.255.255.254/8", LOOPBACK},
	{"::1", LOOPBACK},
	{"224.0.0.18", MULTICAST},
	{"239.255.255.255/32", MULTICAST},
	{"ff02::1/128", MULTICAST},
	{"0.0.0.0", THIS_NETWORK},
	{"0.1.2.3/24", THIS_NETWORK},
	{"240.0.0.1", RESERVED},
	{"255.255.255.255", RESERVED},
	{"10.0.0.0/24", NETWORK},
	{"10.0.0.0/8", NETWORK},
	{"10.0.0.4/30", NETWORK},
	{"10.0.0.255/24", BROADCAST},
	{"10.255.255.255/8", BROADCAST},
	{"10.0.0.7/30", BROADCAST},
	{"::", "the unspecified address belongs to no host"},
	{"::ffff:10.0.0.1", MAPPED},
	{"fd00::/64", ANYCAST},
	{"2001:db8::/126", ANYCAST},
};

static void test_bad_addresses_are_refused_with_the_reason(void)
{
	for (size_t i = 0; i < OO_LENGTH(bad); i++) {
		struct oo_address address = {.family = -7};
		struct oo_err err = {""};
		char wanted[OO_ERR_LENGTH];
		snprintf(wanted, sizeof(wanted), "\"%s\": %s", bad[i].text, bad[i].why);
		CU_ASSERT_EQUAL(oo_address_parse(bad[i].text, &address, &err), -EINVAL);
		EXPECT_TEXT(err.text, wanted);
		CU_ASSERT_EQUAL(address.family, -7);
	}
}

static void test_a_very_long_text_is_refused_and_quoted_in_part(void)
{
	char text[2000];
	char wanted[OO_ERR_LENGTH];
	struct oo_address address;
	struct oo_err err;
	memset(text, '1', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	CU_ASSERT_EQUAL(oo_address_parse(text, &address, &err), -EINVAL);
	snprintf(wanted, sizeof(wanted), "\"%.80s\": " FORM, text);
	EXPECT_TEXT(err.text, wanted);
}

static void test_prefix_lengths_do_not_count_in_equality(void)
{
	const struct oo_address narrow = address_of("10.0.0.100");
	const struct oo_address wide = address_of("10.0.0.100/24");
	const struct oo_address other = address_of("10.0.0.101/24");
	const struct oo_address ipv6 = address_of("a00:64::");
	CU_ASSERT_TRUE(oo_address_equal(&narrow, &wide));
	CU_ASSERT_FALSE(oo_address_equal(&wide, &other));
	/* the same bytes in another family */
	CU_ASSERT_EQUAL(memcmp(narrow.bytes, ipv6.bytes, 16), 0);
	CU_ASSERT_FALSE(oo_address_equal(&narrow, &ipv6));
}

static void test_a_mac_is_written_in_pairs(void)
{
	const uint8_t mac[OO_MAC_LENGTH] = {0x02, 0, 0x0a, 0xff, 0x4d, 0x66};
	char buffer[OO_MAC_TEXT_LENGTH];
	EXPECT_TEXT(oo_mac_format(mac, buffer), "02:00:0a:ff:4d:66");
}

static const struct named_test tests[] = {
	{"good addresses are read and written back", test_good_addresses_are_read_and_written_back},
	{"parsed bytes are in network order with the rest zero",
	 test_parsed_bytes_are_in_network_order_with_the_rest_zero},
	{"bad addresses are refused with the reason",
	 test_bad_addresses_are_refused_with_the_reason},
	{"a very long text is refused and quoted in part",
	 test_a_very_long_text_is_refused_and_quoted_in_part},
	{"a MAC is written in pairs", test_a_mac_is_written_in_pairs},
	{"prefix lengths do not count in equality", test_prefix_lengths_do_not_count_in_equality},
};

int main(void)
{
	return harness_run("net address", tests, OO_LENGTH(tests));
}
