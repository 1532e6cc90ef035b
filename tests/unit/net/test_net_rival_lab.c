#include "test_net_rival_lab.h"

#include <net/ethernet.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>

#include "net/announce.h"

const uint8_t stranger[OO_MAC_LENGTH] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
const uint8_t peer[OO_MAC_LENGTH] = {0x02, 0, 0, 0, 0, 0x09};

static void on_seen(void *user, const struct oo_rival_report *report)
{
	struct fixture *fixture = user;
	if (fixture->n_reports < REPORTS_KEPT) {
		fixture->reports[fixture->n_reports] = *report;
	}
	fixture->n_reports++;
	fixture->n_frames += report->count;
}

void fixture_done(struct fixture *fixture)
{
	oo_rival_free(fixture->rival);
	oo_net_free(fixture->net);
	sd_event_unref(fixture->event);
	oo_close(&fixture->node);
	oo_close(&fixture->other);
	oo_close(&fixture->speaker);
}

int open_speaker(const char *interface)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	const struct sockaddr_ll here = {.sll_family = AF_PACKET,
					 .sll_ifindex = (int)if_nametoindex(interface)};
	CU_ASSERT_FATAL(fd >= 0 && here.sll_ifindex > 0);
	CU_ASSERT_EQUAL(bind(fd, (const struct sockaddr *)&here, sizeof(here)), 0);
	return fd;
}

void fixture_init(struct fixture *fixture)
{
	fixture->other = space_new();
	fixture->node = space_new();
	CU_ASSERT_FATAL(sd_event_new(&fixture->event) >= 0);
	CU_ASSERT_FATAL(oo_net_new(fixture->event, &(struct oo_net_callbacks){0}, NULL,
				   &fixture->net, NULL) == 0);
	make_veth(fixture->other);
	ip("link set eth0 address 02:00:00:00:00:01");
	space_enter(fixture->other);
	ip("link set peer address 02:00:00:00:00:09");
	fixture->speaker = open_speaker("peer");
	space_enter(fixture->node);
	CU_ASSERT_TRUE(AWAIT(fixture->event,
			     oo_net_link(fixture->net, "eth0", &fixture->link, NULL) == 0 &&
				     fixture->link.carrier,
			     5000));
	fixture->list[FIRST] = address_of("10.0.0.200/24");
	fixture->list[SECOND] = address_of("10.0.0.100/24");
	fixture->list[SIXTH] = address_of("fd00::100/64");
	const struct oo_rival_options options = {.link = &fixture->link,
						 .list = fixture->list,
						 .n = OO_LENGTH(fixture->list),
						 .seen = on_seen,
						 .user = fixture};
	CU_ASSERT_FATAL(oo_rival_new(fixture->event, &options, &fixture->rival, NULL) == 0);
	oo_rival_listen(fixture->rival, true);
}

void make_quiet(struct fixture *fixture)
{
	oo_net_free(oo_take_ptr(fixture->net));
	space_enter(fixture->other);
	ip("link set peer addrgenmode none");
	ip("address flush dev peer");
	space_enter(fixture->node);
	oo_rival_listen(fixture->rival, false); /* what has come by now is forgotten */
	oo_rival_listen(fixture->rival, true);
}

static struct said frame_of(unsigned type, const uint8_t *packet, size_t length,
			    const uint8_t source[static OO_MAC_LENGTH])
{
	struct said said = {.length = 14 + length};
	memset(said.bytes, 0xff, OO_MAC_LENGTH);
	memcpy(said.bytes + 6, source, OO_MAC_LENGTH);
	said.bytes[12] = (uint8_t)(type >> 8);
	said.bytes[13] = (uint8_t)type;
	memcpy(said.bytes + 14, packet, length);
	return said;
}

struct said announcement(const struct oo_address *address, const uint8_t *mac)
{
	uint8_t arp[OO_ARP_LENGTH], na[OO_NA_LENGTH];
	if (address->family == AF_INET) {
		oo_arp_build(OO_ARP_REQUEST, address, mac, arp);
		return frame_of(ETHERTYPE_ARP, arp, sizeof(arp), mac);
	}
	oo_na_build(address, mac, na);
	return frame_of(ETHERTYPE_IPV6, na, sizeof(na), mac);
}

struct said question(const struct oo_address *address, const uint8_t *mac)
{
	uint8_t arp[OO_ARP_LENGTH], ns[OO_NS_LENGTH];
	if (address->family == AF_INET) {
		oo_arp_probe_build(address, mac, arp);
		return frame_of(ETHERTYPE_ARP, arp, sizeof(arp), mac);
	}
	oo_ns_build(address, ns);
	return frame_of(ETHERTYPE_IPV6, ns, sizeof(ns), mac);
}

void say(const struct fixture *fixture, const struct said *said)
{
	CU_ASSERT_EQUAL(send(fixture->speaker, said->bytes, said->length, 0),
			(ssize_t)said->length);
}

void say_address(const struct fixture *fixture, const struct oo_address *address)
{
	const struct said said = announcement(address, stranger);
	say(fixture, &said);
}

void expect_nothing_before(struct fixture *fixture, size_t last)
{
	const size_t n = fixture->n_reports;
	say_address(fixture, &fixture->list[last]);
	CU_ASSERT_TRUE(AWAIT(fixture->event, fixture->n_reports > n, 2000));
	CU_ASSERT_EQUAL(fixture->n_reports, n + 1);
	CU_ASSERT_EQUAL(fixture->reports[n].index, last);
}

void expect_report(struct fixture *fixture, size_t n, size_t index, enum oo_frame_kind kind)
{
	CU_ASSERT_TRUE(AWAIT(fixture->event, fixture->n_reports > n, 2000));
	CU_ASSERT_EQUAL(fixture->n_reports, n + 1);
	CU_ASSERT_EQUAL(fixture->reports[n].index, index);
	CU_ASSERT_EQUAL(fixture->reports[n].kind, kind);
	CU_ASSERT_EQUAL(memcmp(fixture->reports[n].mac, stranger, OO_MAC_LENGTH), 0);
	CU_ASSERT_EQUAL(fixture->reports[n].count, 1);
}
