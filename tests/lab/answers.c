#include "answers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define RECEIVE_BYTES (4 * 1024 * 1024)
static const unsigned char nobody[ANSWERS_MAC_LENGTH];

static int bind_to(struct answers *answers, const char *interface)
{
	struct ifreq request = {0};
	strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
	if (ioctl(answers->fd, SIOCGIFINDEX, &request) < 0) {
		return -errno;
	}
	answers->ifindex = request.ifr_ifindex;
	if (ioctl(answers->fd, SIOCGIFHWADDR, &request) < 0) {
		return -errno;
	}
	memcpy(answers->mac, request.ifr_hwaddr.sa_data, ANSWERS_MAC_LENGTH);
	const int bytes = RECEIVE_BYTES;
	const int yes = 1;
	const struct packet_mreq all = {.mr_ifindex = answers->ifindex,
					.mr_type = PACKET_MR_PROMISC};
	const struct sockaddr_ll here = {.sll_family = AF_PACKET,
					 .sll_protocol = htons(ETH_P_ALL),
					 .sll_ifindex = answers->ifindex};
	if (setsockopt(answers->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    setsockopt(answers->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)) < 0 ||
	    setsockopt(answers->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0 ||
	    bind(answers->fd, (const struct sockaddr *)&here, sizeof(here)) < 0) {
		return -errno;
	}
	return 0;
}

int answers_open(struct answers *answers, const char *path, const char *interface,
		 struct oo_err *err)
{
	OO_AUTO(oo_close) int namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0) {
		return oo_fail(err, errno, "namespace %s", path);
	}
	answers->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (answers->fd < 0) {
		return oo_fail(err, errno, "packet socket in %s", path);
	}
	int r = bind_to(answers, interface);
	if (r < 0) {
		return oo_fail(err, -r, "interface %s in %s", interface, path);
	}
	return 0;
}

void answers_close(struct answers *answers)
{
	oo_close(&answers->fd);
}

static int read_mac(const char *text, unsigned char bytes[static ANSWERS_MAC_LENGTH])
{
	char rest;
	int n = sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &bytes[0], &bytes[1],
		       &bytes[2], &bytes[3], &bytes[4], &bytes[5], &rest);
	return n == ANSWERS_MAC_LENGTH ? 0 : -EINVAL;
}

int answers_add_node(struct answers *answers, const char *mac)
{
	if (answers->n_nodes == ANSWERS_NODES_MAX) {
		return -E2BIG;
	}
	int r = read_mac(mac, answers->nodes[answers->n_nodes]);
	answers->n_nodes += r == 0;
	return r;
}

int answers_set_stranger(struct answers *answers, const char *mac)
{
	return read_mac(mac, answers->stranger);
}

void answers_set_from(struct answers *answers, const struct tool_address *address)
{
	*(address->family == AF_INET ? &answers->from : &answers->from6) = *address;
}

static const struct tool_address *from_of(const struct answers *answers, enum answers_kind kind)
{
	return kind == ANSWERS_KIND_ICMP6 ? &answers->from6 : &answers->from;
}

int answers_add(struct answers *answers, const struct tool_address *address)
{
	static const bool is_of6[ANSWERS_KINDS] = {
		[ANSWERS_KIND_ND] = true, [ANSWERS_KIND_ICMP6] = true};
	if (answers->n_vips == ANSWERS_VIPS_MAX) {
		return -E2BIG;
	}
	for (unsigned i = 0; i < ANSWERS_KINDS; i++) {
		enum answers_kind kind = (enum answers_kind)i;
		if (is_of6[kind] == (address->family == AF_INET6) &&
		    (answers_kind_is_broadcast(kind) || from_of(answers, kind)->family != 0)) {
			answers->tracks[answers->n_tracks++] =
				(struct answers_track){.vip = answers->n_vips, .kind = kind};
		}
	}
	answers->vips[answers->n_vips++] = *address;
	return 0;
}

static struct answers_question question_of(const struct answers *answers,
					   const struct answers_track *track, uint32_t number)
{
	struct answers_question question = {.kind = track->kind,
					    .vip = track->vip,
					    .address = &answers->vips[track->vip],
					    .number = number,
					    .from = *from_of(answers, track->kind)};
	memcpy(question.from_mac, answers->mac, ANSWERS_MAC_LENGTH);
	return question;
}

static void send_request(const struct answers *answers, const struct answers_track *track)
{
	struct answers_question question = question_of(answers, track, answers->number);
	const unsigned n = answers_kind_is_broadcast(track->kind) ? 1 : answers->n_nodes;
	for (unsigned i = 0; i < n; i++) {
		unsigned char frame[ANSWERS_FRAME_LENGTH];
		memcpy(question.to_mac, answers->nodes[i], ANSWERS_MAC_LENGTH);
		/* a request that cannot be sent gets no answer, which is what will be reported */
		(void)!write(answers->fd, frame, answers_frame_write(&question, frame));
	}
}

/* Ends what track knows of who answers, and begins it anew with mac. */
static void change(const struct answers *answers, struct answers_track *track,
		   struct answers_event *event, const unsigned char *mac)
{
	event->kind = track->kind;
	event->address = &answers->vips[track->vip];
	event->last_us = track->last_us;
	memcpy(event->other, track->mac, ANSWERS_MAC_LENGTH);
	memcpy(event->mac, mac, ANSWERS_MAC_LENGTH);
	memcpy(track->mac, mac, ANSWERS_MAC_LENGTH);
}

void answers_ask(struct answers *answers, answers_fn *changed, void *user)
{
	const uint32_t last = answers->number++;
	for (unsigned i = 0; i < answers->n_tracks; i++) {
		struct answers_track *track = &answers->tracks[i];
		const int64_t now_us = oo_clock_now_us();
		if (track->probes[last % ANSWERS_PROBES].answered_at_us == 0 &&
		    memcmp(track->mac, nobody, sizeof(nobody)) != 0) {
			struct answers_event event = {.at_us = now_us,
						      .change = ANSWERS_CHANGE_SILENT};
			change(answers, track, &event, nobody);
			changed(&event, user);
		}
		track->probes[answers->number % ANSWERS_PROBES] =
			(struct answers_probe){.number = answers->number, .asked_at_us = now_us};
		send_request(answers, track);
	}
}

/* Notes one answer. Returns whether there is something to report, filled into event. */
static bool note(const struct answers *answers, struct answers_track *track,
		 struct answers_probe *probe, const unsigned char *mac, struct answers_event *event)
{
	if (probe->answered_at_us != 0) {
		event->kind = track->kind;
		event->address = &answers->vips[track->vip];
		event->change = ANSWERS_CHANGE_DOUBLE;
		event->apart_us = event->at_us - probe->answered_at_us;
		memcpy(event->other, probe->mac, ANSWERS_MAC_LENGTH);
		memcpy(event->mac, mac, ANSWERS_MAC_LENGTH);
		return memcmp(probe->mac, mac, ANSWERS_MAC_LENGTH) != 0;
	}
	probe->answered_at_us = event->at_us;
	memcpy(probe->mac, mac, ANSWERS_MAC_LENGTH);
	const bool other = memcmp(track->mac, mac, ANSWERS_MAC_LENGTH) != 0;
	event->change = ANSWERS_CHANGE_MAC;
	change(answers, track, event, mac);
	track->last_us = probe->asked_at_us;
	return other;
}

/* A connection that is left half open would fill the server's queue. */
static void hang_up(const struct answers *answers, const struct answers_track *track,
		    const struct answers_answer *answer)
{
	unsigned char frame[ANSWERS_FRAME_LENGTH];
	struct answers_question question = question_of(answers, track, answer->number);
	memcpy(question.to_mac, answer->mac, ANSWERS_MAC_LENGTH);
	(void)!write(answers->fd, frame, answers_frame_reset(&question, frame));
}

static struct answers_track *find_track(struct answers *answers,
					const struct answers_answer *answer)
{
	for (unsigned i = 0; i < answers->n_tracks; i++) {
		if (answers->tracks[i].vip == answer->vip &&
		    answers->tracks[i].kind == answer->kind) {
			return &answers->tracks[i];
		}
	}
	return NULL;
}

void answers_read(struct answers *answers, answers_fn *changed, void *user)
{
	unsigned char frame[ANSWERS_FRAME_LENGTH];
	ssize_t length;
	while ((length = read(answers->fd, frame, sizeof(frame))) >= 0) {
		struct answers_answer answer;
		if (!answers_frame_read(frame, (size_t)length, &answer) ||
		    memcmp(answer.mac, answers->stranger, ANSWERS_MAC_LENGTH) == 0) {
			continue;
		}
		struct answers_track *track = find_track(answers, &answer);
		struct answers_event event = {.at_us = oo_clock_now_us()};
		if (track == NULL) {
			continue;
		}
		if (answer.half_open) {
			hang_up(answers, track, &answer);
		}
		struct answers_probe *probe = &track->probes[answer.number % ANSWERS_PROBES];
		if (probe->number == answer.number &&
		    note(answers, track, probe, answer.mac, &event)) {
			changed(&event, user);
		}
	}
}

int answers_dropped(struct answers *answers)
{
	struct tpacket_stats statistics = {0};
	socklen_t length = sizeof(statistics);
	if (getsockopt(answers->fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &length) < 0) {
		return -errno;
	}
	return (int)statistics.tp_drops;
}
