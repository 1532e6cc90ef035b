/*
 * judge: proves that no two nodes have a virtual address at once.
 *
 * Follows the addresses of the nodes' namespaces (addresses.h) and, with --answers, who answers
 * for them on the network (answers.h). Time line on standard output:
 *   {"ready":true}                                  the state at the start is known, from here on
 *   {"vip":V,"node":N,"event":"up"|"down"}          an address came or went
 *   {"double":V,"nodes":"N1 N2"}                    two nodes have it
 *   {"double_over":V,"lasted_us":T}                 and for how long they had
 *   {"answers":V,"kind":K,"mac":M|null,"last":M|null,"last_us":T}
 *                 another MAC answers, or nobody; before, M did, at last what was asked at T
 *   {"double_answer":V,"kind":K,"macs":"M1 M2","apart_us":T}  two MACs answered one request
 *   {"failure":TEXT}                                the judge cannot vouch for anything
 *   {"end":true,"doubles":N,"double_answers":N}
 * Ends with SIGTERM or SIGINT. Exit status: 0 never two, 1 two, 2 cannot tell.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addresses.h"
#include "answers.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "tool.h"

#define VIPS_MAX ANSWERS_VIPS_MAX
#define PLACES_MAX 64 /* an address on an interface of a node */
#define DUMP_TRIES_MAX 100
#define PROBE_EVERY_MS 20
#define DOUBLE_LINES_MAX 100 /* two MACs answered one request */

/* Where a virtual address is. */
struct place {
	unsigned vip;
	unsigned node;
	unsigned ifindex;
};

struct places {
	struct place list[PLACES_MAX];
	unsigned n;
};

struct judge {
	struct addresses addresses;
	struct answers answers;
	struct tool_address vips[VIPS_MAX];
	int64_t double_since_us[VIPS_MAX]; /* 0: at most one holder */
	unsigned n_vips;
	char nodes[ADDRESSES_NODES_MAX][TOOL_NAME_LENGTH];
	struct places places;
	unsigned n_doubles;
	unsigned n_double_answers;
	bool failed;
};

static void fail(struct judge *judge, const char *why)
{
	tool_line(oo_clock_now_us(), "\"failure\":\"%s\"", why);
	judge->failed = true;
}

static int find_vip(const struct judge *judge, const struct addresses_event *event)
{
	for (unsigned i = 0; i < judge->n_vips; i++) {
		const struct tool_address *vip = &judge->vips[i];
		if (vip->family == event->family &&
		    memcmp(vip->bytes, event->bytes, sizeof(vip->bytes)) == 0) {
			return (int)i;
		}
	}
	return -1;
}

static bool node_has(const struct places *places, unsigned vip, unsigned node)
{
	for (unsigned i = 0; i < places->n; i++) {
		if (places->list[i].vip == vip && places->list[i].node == node) {
			return true;
		}
	}
	return false;
}

static void remove_place(struct places *places, const struct place *place)
{
	for (unsigned i = 0; i < places->n; i++) {
		if (memcmp(&places->list[i], place, sizeof(*place)) == 0) {
			places->list[i] = places->list[--places->n];
			return;
		}
	}
}

/* Adds it unless it is there already: a renewed lifetime is announced as an address, too. */
static void add_place(struct judge *judge, struct places *places, const struct place *place)
{
	remove_place(places, place);
	if (places->n == PLACES_MAX) {
		fail(judge, "more places than the judge can count");
		return;
	}
	places->list[places->n++] = *place;
}

static void count_holders(struct judge *judge, unsigned vip, int64_t at_us)
{
	char names[256] = "";
	unsigned n_holders = 0;
	for (unsigned node = 0; node < judge->addresses.n_nodes; node++) {
		if (node_has(&judge->places, vip, node)) {
			size_t length = strlen(names);
			snprintf(names + length, sizeof(names) - length, "%s%s",
				 n_holders++ > 0 ? " " : "", judge->nodes[node]);
		}
	}
	if (n_holders >= 2 && judge->double_since_us[vip] == 0) {
		judge->double_since_us[vip] = at_us;
		judge->n_doubles++;
		tool_line(at_us, "\"double\":\"%s\",\"nodes\":\"%s\"", judge->vips[vip].text,
			  names);
	}
	if (n_holders < 2 && judge->double_since_us[vip] != 0) {
		tool_line(at_us, "\"double_over\":\"%s\",\"lasted_us\":%lld", judge->vips[vip].text,
			  (long long)(at_us - judge->double_since_us[vip]));
		judge->double_since_us[vip] = 0;
	}
}

static void report_place(struct judge *judge, const struct place *place, bool up, int64_t at_us)
{
	tool_line(at_us, "\"vip\":\"%s\",\"node\":\"%s\",\"event\":\"%s\"",
		  judge->vips[place->vip].text, judge->nodes[place->node], up ? "up" : "down");
	count_holders(judge, place->vip, at_us);
}

static void on_address(const struct addresses_event *event, void *user)
{
	struct judge *judge = user;
	int vip = find_vip(judge, event);
	if (vip < 0) {
		return;
	}
	const struct place place = {
		.vip = (unsigned)vip, .node = event->node, .ifindex = event->ifindex};
	const bool had = node_has(&judge->places, place.vip, place.node);
	if (event->up) {
		add_place(judge, &judge->places, &place);
	} else {
		remove_place(&judge->places, &place);
	}
	if (node_has(&judge->places, place.vip, place.node) != had) {
		report_place(judge, &place, event->up, event->at_us);
	}
}

/* In JSON. */
static const char *mac_text(const unsigned char mac[static ANSWERS_MAC_LENGTH],
			    char text[static 20])
{
	static const unsigned char nobody[ANSWERS_MAC_LENGTH];
	if (memcmp(mac, nobody, sizeof(nobody)) == 0) {
		return "null";
	}
	snprintf(text, 20, "\"%02x:%02x:%02x:%02x:%02x:%02x\"", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return text;
}

static void on_answer(const struct answers_event *event, void *user)
{
	struct judge *judge = user;
	const char *kind = answers_kind_name(event->kind);
	char mac[20];
	char other[20];
	switch (event->change) {
	case ANSWERS_CHANGE_SILENT:
	case ANSWERS_CHANGE_MAC:
		tool_line(event->at_us,
			  "\"answers\":\"%s\",\"kind\":\"%s\",\"mac\":%s,\"last\":%s,\"last_us\":%"
			  "lld",
			  event->address->text, kind, mac_text(event->mac, mac),
			  mac_text(event->other, other), (long long)event->last_us);
		break;
	case ANSWERS_CHANGE_DOUBLE:
		if (judge->n_double_answers++ >= DOUBLE_LINES_MAX) {
			break; /* the sum at the end has them */
		}
		tool_line(event->at_us,
			  "\"double_answer\":\"%s\",\"kind\":\"%s\",\"macs\":[%s,%s],\"apart_us\":%"
			  "lld",
			  event->address->text, kind, mac_text(event->other, other),
			  mac_text(event->mac, mac), (long long)event->apart_us);
		break;
	}
}

/* For a dump: collects places without a word. */
struct collection {
	struct judge *judge;
	struct places places;
};

static void on_dumped(const struct addresses_event *event, void *user)
{
	struct collection *collection = user;
	int vip = find_vip(collection->judge, event);
	if (vip >= 0) {
		const struct place place = {
			.vip = (unsigned)vip, .node = event->node, .ifindex = event->ifindex};
		add_place(collection->judge, &collection->places, &place);
	}
}

/*
 * Dumps until nothing happens meanwhile: an event of before the dump that is read after it would
 * be applied to a state which it is already part of.
 * found  gets the events that come in between; NULL drops them.
 */
static int dump_quiet(struct judge *judge, struct places *ret_places, addresses_fn *found)
{
	for (int i = 0; i < DUMP_TRIES_MAX; i++) {
		struct collection collection = {.judge = judge};
		int r = addresses_dump(&judge->addresses, on_dumped, &collection);
		if (r < 0) {
			return r;
		}
		r = addresses_read(&judge->addresses, found, judge);
		if (r <= 0) {
			*ret_places = collection.places;
			return r;
		}
	}
	return -EBUSY;
}

static void start(struct judge *judge)
{
	(void)addresses_read(&judge->addresses, NULL, NULL);
	if (dump_quiet(judge, &judge->places, NULL) < 0) {
		fail(judge, "no state to start from");
		return;
	}
	for (unsigned i = 0; i < judge->places.n; i++) {
		report_place(judge, &judge->places.list[i], true, oo_clock_now_us());
	}
	tool_line(oo_clock_now_us(), "\"ready\":true");
}

/* What the events added up to must be what is there at the end. */
static void finish(struct judge *judge)
{
	struct places there = {0};
	if (dump_quiet(judge, &there, on_address) < 0) {
		fail(judge, "no state to end with");
		return;
	}
	unsigned n_same = 0;
	for (unsigned i = 0; i < there.n; i++) {
		n_same += node_has(&judge->places, there.list[i].vip, there.list[i].node);
	}
	if (n_same != there.n || there.n != judge->places.n) {
		fail(judge, "the addresses at the end are not those that the events left");
	}
	for (unsigned vip = 0; vip < judge->n_vips; vip++) {
		if (judge->double_since_us[vip] != 0) {
			int64_t now_us = oo_clock_now_us();
			tool_line(now_us, "\"double_over\":\"%s\",\"lasted_us\":%lld,\"open\":true",
				  judge->vips[vip].text,
				  (long long)(now_us - judge->double_since_us[vip]));
		}
	}
	if (judge->answers.fd >= 0 && answers_dropped(&judge->answers) != 0) {
		fail(judge, "answers were lost for want of room");
	}
	tool_line(oo_clock_now_us(), "\"end\":true,\"doubles\":%u,\"double_answers\":%u",
		  judge->n_doubles, judge->n_double_answers);
}

static void run(struct judge *judge, int stop_fd, int timer_fd)
{
	struct pollfd fds[] = {
		{.fd = judge->addresses.fd, .events = POLLIN},
		{.fd = judge->answers.fd, .events = POLLIN}, /* negative ones are left out */
		{.fd = timer_fd, .events = POLLIN},
		{.fd = stop_fd, .events = POLLIN},
	};
	while (!judge->failed && fds[3].revents == 0) {
		if (poll(fds, OO_LENGTH(fds), -1) < 0 && errno != EINTR) {
			fail(judge, "poll failed");
		}
		if (fds[0].revents != 0 &&
		    addresses_read(&judge->addresses, on_address, judge) < 0) {
			fail(judge, "address events were lost");
		}
		if (fds[1].revents != 0) {
			answers_read(&judge->answers, on_answer, judge);
		}
		if (fds[2].revents != 0) {
			tool_timer_read(timer_fd);
			answers_ask(&judge->answers, on_answer, judge);
		}
	}
}

static const char usage[] =
	"usage: judge --vip ADDRESS [--vip ADDRESS]... [--answers NETNS:INTERFACE]\n"
	"             [--ask MAC]... [--from ADDRESS]... [--stranger MAC] NODE=NETNS...\n"
	"NETNS is a name under /run/netns. --answers asks who has each ADDRESS, from a namespace "
	"that\n"
	"is nobody else's: by ARP and ND, and with --from an address of the prober's also by echo "
	"and\n"
	"TCP, which go to each node that --ask names. What a --stranger answers does not count.\n";

static int wrong(const char *what, const char *value)
{
	fprintf(stderr, "judge: %s: '%s'\n%s", what, value, usage);
	return 2;
}

static void netns_path(char path[static 256], const char *name)
{
	snprintf(path, 256, "/run/netns/%s", name);
}

/* Reads NETNS:INTERFACE and opens the prober there. Before addresses_open, which moves us on. */
static int open_answers(struct judge *judge, char *where, struct oo_err *err)
{
	char *interface = strchr(where, ':');
	if (interface == NULL) {
		return oo_fail_text(err, EINVAL, "--answers %s: expected NETNS:INTERFACE", where);
	}
	*interface++ = '\0';
	char path[256];
	netns_path(path, where);
	int r = answers_open(&judge->answers, path, interface, err);
	for (unsigned i = 0; r >= 0 && i < judge->n_vips; i++) {
		r = answers_add(&judge->answers, &judge->vips[i]);
	}
	return r;
}

static int open_nodes(struct judge *judge, char *arguments[], struct oo_err *err)
{
	int r = addresses_open(&judge->addresses, err);
	for (char **argument = arguments; r >= 0 && *argument != NULL; argument++) {
		char *name = strchr(*argument, '=');
		if (name == NULL) {
			return oo_fail_text(err, EINVAL, "%s: expected NODE=NETNS", *argument);
		}
		*name++ = '\0';
		char path[256];
		netns_path(path, name);
		r = addresses_add(&judge->addresses, path, err);
		if (r >= 0) {
			tool_name_copy(judge->nodes[judge->addresses.n_nodes - 1], *argument);
		}
	}
	return r;
}

struct arguments {
	char *answers;
	struct tool_address address;
};

/* Returns NULL, or what is wrong with the value. */
static const char *take_option(struct judge *judge, struct arguments *arguments, int option)
{
	switch (option) {
	case 'a':
		arguments->answers = optarg;
		return NULL;
	case 'k':
		return answers_add_node(&judge->answers, optarg) < 0 ? "not a MAC, or too many"
								     : NULL;
	case 's':
		return answers_set_stranger(&judge->answers, optarg) < 0 ? "not a MAC" : NULL;
	case 'f':
		if (tool_address_parse(optarg, &arguments->address) < 0) {
			return "not an address";
		}
		answers_set_from(&judge->answers, &arguments->address);
		return NULL;
	case 'v':
		if (judge->n_vips == VIPS_MAX) {
			return "too many addresses";
		}
		return tool_address_parse(optarg, &judge->vips[judge->n_vips++]) < 0
			       ? "not an address"
			       : NULL;
	default: /* a character, not an enum */
		return "unknown option";
	}
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {{"vip", required_argument, NULL, 'v'},
						{"answers", required_argument, NULL, 'a'},
						{"ask", required_argument, NULL, 'k'},
						{"from", required_argument, NULL, 'f'},
						{"stranger", required_argument, NULL, 's'},
						{0}};
	struct judge judge = {.addresses = {.fd = -1}, .answers = {.fd = -1}};
	struct arguments arguments = {0};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		const char *problem = take_option(&judge, &arguments, option);
		if (problem != NULL) {
			return wrong(problem, optarg == NULL ? argv[optind - 1] : optarg);
		}
	}
	if (judge.n_vips == 0 || optind == argc) {
		return wrong("no address or no node to watch", "");
	}
	struct oo_err err;
	if ((arguments.answers != NULL && open_answers(&judge, arguments.answers, &err) < 0) ||
	    open_nodes(&judge, argv + optind, &err) < 0) {
		fprintf(stderr, "judge: %s\n", err.text);
		return 2;
	}
	tool_precise();
	OO_AUTO(oo_close) int stop_fd = tool_stop_fd();
	OO_AUTO(oo_close)
	int timer_fd = arguments.answers != NULL ? tool_timer_fd(PROBE_EVERY_MS * 1000) : -1;
	start(&judge);
	run(&judge, stop_fd, timer_fd);
	tool_ordinary();
	finish(&judge);
	answers_close(&judge.answers);
	addresses_close(&judge.addresses);
	return judge.failed ? 2 : judge.n_doubles + judge.n_double_answers > 0;
}
