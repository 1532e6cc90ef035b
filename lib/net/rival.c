#include "net/rival.h"

#include <assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/timer.h"
#include "net/rival_socket.h"

#define FAMILIES 2
#define TURN_PROBES 64        /* sent in one turn of the loop, some us each */
#define STALE_FRAMES_MAX 4096 /* more than a socket's buffer holds */
#define PROBES_TOLD_MAX 4     /* beside the claims, so that they do not crowd those out */
#define TOLD_MAX (OO_RIVAL_REPORTS_MAX + PROBES_TOLD_MAX)
#define OWN_MACS_KNOWN_FOR_MS 1000 /* asked of the kernel no more often */

struct target {
	struct oo_address address;
	size_t index; /* in the caller's list */
};

struct question {
	bool chosen, asked, answered;
	uint8_t mac[OO_MAC_LENGTH];
};

/* What is told of one address, MAC and kind. */
struct told {
	struct oo_rival_report next; /* count 0: nothing to be told */
	int64_t at;                  /* of the last report */
};

/* Owned by whoever called oo_rival_new. */
struct oo_rival {
	int fds[FAMILIES];                  /* owned; -1: no address of that family */
	sd_event_source *sources[FAMILIES]; /* owned */
	struct oo_timer timer;              /* for reports, and to read on after a pause */
	struct oo_timer probe_timer;
	struct oo_link link;
	struct target *targets;     /* owned; sorted by address */
	struct question *questions; /* owned; by the caller's index */
	size_t n;
	size_t next_probe; /* of targets */
	bool listening;
	struct ifaddrs *own; /* owned; the host's interfaces, as of own_at */
	int64_t own_at;
	struct told told[TOLD_MAX]; /* claims, then probes */
	oo_rival_fn *seen;
	void *user;
};

static int compare_addresses(const struct oo_address *one, const struct oo_address *other)
{
	if (one->family != other->family) {
		return one->family < other->family ? -1 : 1;
	}
	return memcmp(one->bytes, other->bytes, sizeof(one->bytes));
}

static int compare_targets(const void *one, const void *other)
{
	return compare_addresses(&((const struct target *)one)->address,
				 &((const struct target *)other)->address);
}

static const struct target *find_target(const struct oo_rival *rival,
					const struct oo_address *address)
{
	const struct target wanted = {.address = *address};
	return bsearch(&wanted, rival->targets, rival->n, sizeof(wanted), compare_targets);
}

/*
 * Another interface of this host on the same link speaks of its addresses as well (arp_announce
 * 0).
 */
static bool is_any_of_ours(struct oo_rival *rival, const uint8_t mac[static OO_MAC_LENGTH],
			   int64_t now)
{
	if (rival->own == NULL || now - rival->own_at >= OWN_MACS_KNOWN_FOR_MS) {
		freeifaddrs(oo_take_ptr(rival->own));
		rival->own_at = now;
		if (getifaddrs(&rival->own) < 0) {
			rival->own = NULL; /* a false alarm costs one question to etcd */
		}
	}
	for (const struct ifaddrs *one = rival->own; one != NULL; one = one->ifa_next) {
		if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_PACKET) {
			continue;
		}
		struct sockaddr_ll link;
		memcpy(&link, one->ifa_addr, sizeof(link));
		if (link.sll_halen == OO_MAC_LENGTH &&
		    memcmp(link.sll_addr, mac, OO_MAC_LENGTH) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_answer(const struct oo_rival *rival, const struct oo_frame *frame)
{
	/* RFC 4861 7.2.4: an advertisement that answers :: looks like one that answers nobody */
	return frame->kind == OO_FRAME_NA ||
	       (frame->kind == OO_FRAME_ARP_CLAIM &&
		memcmp(frame->answers, rival->link.mac, OO_MAC_LENGTH) == 0);
}

static bool is_about(const struct told *told, const struct oo_rival_report *report)
{
	return told->next.index == report->index && told->next.kind == report->kind &&
	       memcmp(told->next.mac, report->mac, OO_MAC_LENGTH) == 0;
}

/* The place of what is told of this; else one that is free; NULL: all are in use. */
static struct told *find_told(struct oo_rival *rival, const struct oo_rival_report *report,
			      int64_t now)
{
	const bool claim = report->kind == OO_FRAME_ARP_CLAIM || report->kind == OO_FRAME_NA;
	const size_t end = claim ? OO_RIVAL_REPORTS_MAX : TOLD_MAX;
	struct told *found = NULL;
	for (size_t i = claim ? 0 : OO_RIVAL_REPORTS_MAX; i < end; i++) {
		struct told *told = &rival->told[i];
		if (is_about(told, report)) {
			return told;
		}
		if (told->next.count == 0 && now - told->at >= OO_RIVAL_REPORT_GAP_MS) {
			found = told;
		}
	}
	return found;
}

static void note(struct oo_rival *rival, const struct target *target, const struct oo_frame *frame,
		 int64_t now)
{
	struct oo_rival_report report = {.index = target->index, .kind = frame->kind};
	memcpy(report.mac, frame->mac, OO_MAC_LENGTH);
	struct told *told = find_told(rival, &report, now);
	const bool is_new = told == NULL || !is_about(told, &report);

	if (is_new && is_any_of_ours(rival, frame->mac, now)) {
		return;
	}
	if (told != NULL && is_new) {
		told->next = report;
		told->at = now - OO_RIVAL_REPORT_GAP_MS; /* to be told at once */
	}
	if (told != NULL) {
		told->next.count++;
	}
	struct question *question = &rival->questions[target->index];
	if (question->asked && is_answer(rival, frame)) {
		question->answered = true;
		memcpy(question->mac, frame->mac, OO_MAC_LENGTH);
	}
}

static void take_frame(struct oo_rival *rival, const uint8_t *bytes, size_t length, int64_t now)
{
	struct oo_frame frame;
	if (rival->link.mac_length != OO_MAC_LENGTH || /* its frames have no Ethernet header */
	    !oo_frame_read(bytes, length, &frame) ||
	    memcmp(frame.mac, rival->link.mac, OO_MAC_LENGTH) == 0) {
		return;
	}
	const struct target *target = find_target(rival, &frame.address);
	if (target != NULL) {
		note(rival, target, &frame, now);
	}
}

/* Returns whether there may be more. */
static bool read_frames(struct oo_rival *rival, int fd)
{
	const int64_t now = oo_clock_now();
	uint8_t bytes[OO_FRAME_LENGTH_MAX];
	for (unsigned i = 0; i < OO_RIVAL_TURN_FRAMES; i++) {
		ssize_t length = recv(fd, bytes, sizeof(bytes), 0);
		if (length < 0 && errno == EAGAIN) {
			return false;
		}
		if (length >= 0) { /* any error is told once, before the frames */
			take_frame(rival, bytes, (size_t)length, now);
		}
	}
	return true;
}

static void forget_frames(int fd)
{
	uint8_t byte;
	for (unsigned i = 0; i < STALE_FRAMES_MAX; i++) {
		if (recv(fd, &byte, sizeof(byte), 0) < 0 && errno == EAGAIN) {
			return;
		}
	}
}

static void report(struct oo_rival *rival)
{
	const int64_t now = oo_clock_now();
	int64_t next_at = OO_NEVER;
	for (size_t i = 0; i < TOLD_MAX; i++) {
		struct told *told = &rival->told[i];
		const int64_t at = told->at + OO_RIVAL_REPORT_GAP_MS;
		if (told->next.count == 0) {
			continue;
		}
		if (now < at) {
			next_at = at < next_at ? at : next_at;
			continue;
		}
		const struct oo_rival_report due = told->next;
		told->next.count = 0;
		told->at = now;
		rival->seen(rival->user, &due);
	}
	oo_timer_set(&rival->timer, next_at);
}

static void set_sources(struct oo_rival *rival, bool on)
{
	for (int i = 0; i < FAMILIES; i++) {
		if (rival->sources[i] != NULL) {
			(void)sd_event_source_set_enabled(rival->sources[i],
							  on ? SD_EVENT_ON : SD_EVENT_OFF);
		}
	}
}

static int on_frames(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct oo_rival *rival = user;
	(void)source;
	(void)events;
	const bool flood = read_frames(rival, fd);
	report(rival);
	if (flood) {
		set_sources(rival, false);
		oo_timer_set(&rival->timer, oo_clock_now() + OO_RIVAL_TURN_GAP_MS);
	}
	return 0;
}

static void on_time(struct oo_timer *timer)
{
	struct oo_rival *rival = oo_container_of(timer, struct oo_rival, timer);
	set_sources(rival, rival->listening);
	report(rival);
}

static int fd_of(const struct oo_rival *rival, int family)
{
	return rival->fds[family == AF_INET ? 0 : 1];
}

static void send_probes(struct oo_rival *rival)
{
	for (unsigned i = 0; rival->next_probe < rival->n; rival->next_probe++) {
		const struct target *target = &rival->targets[rival->next_probe];
		struct question *question = &rival->questions[target->index];
		if (!question->chosen) {
			continue;
		}
		if (i++ == TURN_PROBES) {
			oo_timer_set(&rival->probe_timer, 0);
			return;
		}
		question->asked = oo_rival_socket_ask(fd_of(rival, target->address.family),
						      &rival->link, &target->address) == 0;
	}
}

static void on_probe_time(struct oo_timer *timer)
{
	send_probes(oo_container_of(timer, struct oo_rival, probe_timer));
}

void oo_rival_probe(struct oo_rival *rival, const bool *chosen)
{
	assert(rival->listening);
	oo_rival_look(rival); /* what has come by now is no answer to what is asked now */
	for (size_t i = 0; i < rival->n; i++) {
		if (chosen == NULL || chosen[i]) {
			rival->questions[i] = (struct question){.chosen = true};
		} else {
			rival->questions[i].chosen = false;
		}
	}
	rival->next_probe = 0;
	send_probes(rival);
}

void oo_rival_look(struct oo_rival *rival)
{
	for (int i = 0; i < FAMILIES; i++) {
		unsigned n = 0;
		while (rival->fds[i] >= 0 && read_frames(rival, rival->fds[i]) &&
		       ++n < STALE_FRAMES_MAX / OO_RIVAL_TURN_FRAMES) {
		}
	}
	oo_timer_set(&rival->timer, 0); /* reports come from the loop */
}

bool oo_rival_is_asked(const struct oo_rival *rival, size_t index)
{
	assert(index < rival->n);
	return rival->questions[index].asked;
}

const uint8_t *oo_rival_answer(const struct oo_rival *rival, size_t index)
{
	assert(index < rival->n);
	return rival->questions[index].answered ? rival->questions[index].mac : NULL;
}

void oo_rival_listen(struct oo_rival *rival, bool listen)
{
	if (listen == rival->listening) {
		return;
	}
	rival->listening = listen;
	memset(rival->told, 0, sizeof(rival->told));
	memset(rival->questions, 0, rival->n * sizeof(*rival->questions));
	oo_timer_set(&rival->timer, OO_NEVER);
	oo_timer_set(&rival->probe_timer, OO_NEVER);
	for (int i = 0; i < FAMILIES && listen; i++) {
		if (rival->fds[i] >= 0) {
			forget_frames(rival->fds[i]);
		}
	}
	set_sources(rival, listen);
}

int oo_rival_set_link(struct oo_rival *rival, const struct oo_link *link, struct oo_err *err)
{
	int r = 0;
	rival->link = *link;
	for (int i = 0; i < FAMILIES; i++) {
		if (rival->fds[i] >= 0) {
			int one = oo_rival_socket_bind(rival->fds[i], i == 0 ? AF_INET : AF_INET6,
						       link, err);
			r = r < 0 ? r : one;
		}
	}
	return r;
}

void oo_rival_free(struct oo_rival *rival)
{
	if (rival == NULL) {
		return;
	}
	for (int i = 0; i < FAMILIES; i++) {
		sd_event_source_unref(rival->sources[i]);
		oo_close(&rival->fds[i]);
	}
	oo_timer_done(&rival->timer);
	oo_timer_done(&rival->probe_timer);
	freeifaddrs(rival->own);
	free(rival->targets);
	free(rival->questions);
	free(rival);
}

static void free_rival(struct oo_rival **rival)
{
	oo_rival_free(*rival);
}

static int copy_list(struct oo_rival *rival, const struct oo_rival_options *options)
{
	rival->targets = calloc(options->n, sizeof(*rival->targets));
	rival->questions = calloc(options->n, sizeof(*rival->questions));
	if (rival->targets == NULL || rival->questions == NULL) {
		return -ENOMEM;
	}
	rival->n = options->n;
	for (size_t i = 0; i < options->n; i++) {
		rival->targets[i] = (struct target){.address = options->list[i], .index = i};
	}
	qsort(rival->targets, rival->n, sizeof(*rival->targets), compare_targets);
	return 0;
}

static int open_family(struct oo_rival *rival, sd_event *event, int family, struct oo_err *err)
{
	const int i = family == AF_INET ? 0 : 1;
	if (rival->fds[i] >= 0) {
		return 0;
	}
	int r = oo_rival_socket_open(family, &rival->link, &rival->fds[i], err);
	if (r < 0) {
		return r;
	}
	r = sd_event_add_io(event, &rival->sources[i], rival->fds[i], EPOLLIN, on_frames, rival);
	r = r < 0 ? r : sd_event_source_set_enabled(rival->sources[i], SD_EVENT_OFF);
	return r < 0 ? oo_fail(err, -r, "packet socket on the loop") : 0;
}

int oo_rival_new(sd_event *event, const struct oo_rival_options *options,
		 struct oo_rival **ret_rival, struct oo_err *err)
{
	OO_AUTO(free_rival) struct oo_rival *rival = calloc(1, sizeof(*rival));
	assert(options->n > 0);
	if (rival == NULL) {
		return oo_fail(err, ENOMEM, "listening to neighbours");
	}
	rival->fds[0] = -1;
	rival->fds[1] = -1;
	rival->link = *options->link;
	rival->seen = options->seen;
	rival->user = options->user;
	if (copy_list(rival, options) < 0) {
		return oo_fail(err, ENOMEM, "listening to neighbours");
	}
	int r = oo_timer_init(&rival->timer, event, on_time);
	r = r < 0 ? r : oo_timer_init(&rival->probe_timer, event, on_probe_time);
	if (r < 0) {
		return oo_fail(err, -r, "neighbours' timer");
	}
	for (size_t i = 0; i < rival->n; i++) {
		r = open_family(rival, event, rival->targets[i].address.family, err);
		if (r < 0) {
			return r;
		}
	}
	*ret_rival = oo_take_ptr(rival);
	return 0;
}
