#ifndef TEST_NET_RIVAL_LAB_H
#define TEST_NET_RIVAL_LAB_H
/* A rival handle on one end of a veth, and somebody on the other end who says what he likes. */
#include "base/cleanup.h"
#include "harness.h"
#include "net/rival.h"

#define REPORTS_KEPT 64

/* Of the addresses, which are not in their order. */
enum { FIRST, SECOND, SIXTH };

/* Here eth0 (02:..:01), which listens; in other the interface peer (02:..:09). */
struct fixture {
	sd_event *event;
	struct oo_net *net;
	struct oo_rival *rival;
	struct oo_link link;
	int node, other, speaker;
	struct oo_address list[3];
	struct oo_rival_report reports[REPORTS_KEPT];
	size_t n_reports;
	uint64_t n_frames; /* of the reports */
};

struct said {
	uint8_t bytes[128];
	size_t length;
};

extern const uint8_t stranger[OO_MAC_LENGTH], peer[OO_MAC_LENGTH];

void fixture_init(struct fixture *fixture);
void fixture_done(struct fixture *fixture);
/* Nothing else wakes the loop: no reports of links, no duplicate address detection over there. */
void make_quiet(struct fixture *fixture);

/* A packet socket in this namespace, to speak with. */
int open_speaker(const char *interface);
struct said announcement(const struct oo_address *address, const uint8_t *mac);
struct said question(const struct oo_address *address, const uint8_t *mac);
void say(const struct fixture *fixture, const struct said *said);
/* The stranger announces it. */
void say_address(const struct fixture *fixture, const struct oo_address *address);

/* The next report is of one frame of the stranger's, and n were before it. */
void expect_report(struct fixture *fixture, size_t n, size_t index, enum oo_frame_kind kind);
/* Frames come in order: once a last one is reported, so is what came before. */
void expect_nothing_before(struct fixture *fixture, size_t last);

#define FIXTURE                                                                                    \
	OO_AUTO(fixture_done)                                                                      \
	struct fixture fixture = {.node = -1, .other = -1, .speaker = -1};                         \
	fixture_init(&fixture)

#endif
