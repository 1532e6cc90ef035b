/*
 * wire: a long line between two network namespaces, where the kernel has no netem: what goes in at
 * one end comes out at the other after a delay, in order. Each end is a tun interface of that name.
 * Writes {"ready":true} when both are there; they go when it ends, with SIGTERM or SIGINT. What
 * does not fit into the line is lost, as it is on a real one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "tool.h"

#define PACKET_BYTES_MAX 1600
#define QUEUE_MAX 2048 /* packets under way in one direction */
#define DELAY_US_MAX 1000000

struct packet {
	int64_t due_us;
	size_t length;
	unsigned char bytes[PACKET_BYTES_MAX];
};

/* One direction: what came in at from is due at to. All wait for as long, so they are in order. */
struct direction {
	int from_fd;          /* not owned */
	int to_fd;            /* not owned */
	struct packet *queue; /* QUEUE_MAX, a ring; owned */
	unsigned first;
	unsigned n;
};

/* Reads NETNS:INTERFACE and makes that interface; the process is in that namespace afterwards. */
static int open_end(char *where)
{
	char *name = strchr(where, ':');
	if (name == NULL || strlen(name + 1) >= IFNAMSIZ) {
		return -EINVAL;
	}
	*name++ = '\0';
	char path[256];
	snprintf(path, sizeof(path), "/run/netns/%s", where);
	OO_AUTO(oo_close) int namespace_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace_fd < 0 || setns(namespace_fd, CLONE_NEWNET) < 0) {
		return -errno;
	}
	OO_AUTO(oo_close) int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) {
		return -errno;
	}
	return oo_take_fd(&fd);
}

static void take_in(struct direction *direction, int64_t delay_us)
{
	struct packet spare;
	for (;;) {
		struct packet *packet = &spare;
		if (direction->n < QUEUE_MAX) {
			packet = &direction->queue[(direction->first + direction->n) % QUEUE_MAX];
		}
		ssize_t length = read(direction->from_fd, packet->bytes, sizeof(packet->bytes));
		if (length <= 0) {
			return; /* nothing more, or the interface is down */
		}
		packet->length = (size_t)length;
		packet->due_us = oo_clock_now_us() + delay_us;
		direction->n += packet != &spare;
	}
}

static void give_out(struct direction *direction)
{
	const int64_t now_us = oo_clock_now_us();
	while (direction->n > 0 && direction->queue[direction->first].due_us <= now_us) {
		const struct packet *packet = &direction->queue[direction->first];
		/* fails where the other end is down: lost */
		(void)!write(direction->to_fd, packet->bytes, packet->length);
		direction->first = (direction->first + 1) % QUEUE_MAX;
		direction->n--;
	}
}

static int64_t next_us(const struct direction *directions)
{
	int64_t next = OO_NEVER;
	for (unsigned i = 0; i < 2; i++) {
		if (directions[i].n > 0 && directions[i].queue[directions[i].first].due_us < next) {
			next = directions[i].queue[directions[i].first].due_us;
		}
	}
	return next;
}

static void run(struct direction *directions, int64_t delay_us, int stop_fd)
{
	struct pollfd fds[] = {{.fd = directions[0].from_fd, .events = POLLIN},
			       {.fd = directions[1].from_fd, .events = POLLIN},
			       {.fd = stop_fd, .events = POLLIN}};
	while (fds[2].revents == 0) {
		const int64_t next = next_us(directions);
		int64_t wait_us = next == OO_NEVER ? DELAY_US_MAX : next - oo_clock_now_us();
		wait_us = wait_us < 0 ? 0 : wait_us;
		const struct timespec wait = {.tv_sec = wait_us / 1000000,
					      .tv_nsec = wait_us % 1000000 * 1000};
		if (ppoll(fds, OO_LENGTH(fds), &wait, NULL) < 0 && errno != EINTR) {
			return;
		}
		for (unsigned i = 0; i < 2; i++) {
			take_in(&directions[i], delay_us);
			give_out(&directions[i]);
		}
	}
}

int main(int argc, char *argv[])
{
	if (argc != 4) {
		fprintf(stderr, "usage: wire DELAY-US NETNS:INTERFACE NETNS:INTERFACE\n");
		return 2;
	}
	const long delay_us = tool_number("DELAY-US", argv[1], 0, DELAY_US_MAX);
	int ends[2];
	for (unsigned i = 0; i < 2; i++) {
		ends[i] = open_end(argv[2 + i]);
		if (ends[i] < 0) {
			fprintf(stderr, "wire: %s: %s\n", argv[2 + i], strerror(-ends[i]));
			return 1;
		}
	}
	struct direction directions[] = {{.from_fd = ends[0], .to_fd = ends[1]},
					 {.from_fd = ends[1], .to_fd = ends[0]}};
	for (unsigned i = 0; i < 2; i++) {
		directions[i].queue = calloc(QUEUE_MAX, sizeof(struct packet));
		if (directions[i].queue == NULL) {
			fprintf(stderr, "wire: %s\n", strerror(ENOMEM));
			return 1;
		}
	}
	int stop_fd = tool_stop_fd();
	tool_precise();
	tool_line(oo_clock_now_us(), "\"ready\":true");
	run(directions, delay_us, stop_fd);
	free(directions[0].queue);
	free(directions[1].queue);
	return 0; /* the kernel takes the interfaces */
}
