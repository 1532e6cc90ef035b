/*
 * standin: a Document Server's outside: /healthcheck, /index.html and /info/info.json on port 8000,
 * and its ways of going wrong, switched over a unix socket: a connection, a line with the mode, an
 * answer "ok T" (T: CLOCK_BOOTTIME us at which it took effect) or "error ...".
 * Stopped with SIGSTOP it is a hung one: the kernel goes on accepting, nobody answers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "standin_answer.h"
#include "tool.h"

#define CONNECTIONS_MAX 256
#define REQUEST_BYTES 4096
#define BACKLOG 511 /* as node.js */

struct connection {
	int fd;              /* owned; -1: slot is free */
	int64_t asked_at_us; /* 0: the request is not whole yet */
	size_t length;
	char request[REQUEST_BYTES + 1];
};

struct standin {
	struct standin_mode mode;
	uint16_t port;
	int listen_fd; /* -1 while refusing */
	int control_fd;
	int stop_fd;
	struct connection connections[CONNECTIONS_MAX];
};

enum {
	POLL_STOP,
	POLL_CONTROL,
	POLL_LISTEN,
	POLL_FIRST, /* connection */
	POLL_LENGTH = POLL_FIRST + CONNECTIONS_MAX,
};

static int listen_http(uint16_t port)
{
	OO_AUTO(oo_close) int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;
	const int off = 0;
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, BACKLOG) < 0) {
		return -errno;
	}
	return oo_take_fd(&fd);
}

static int listen_control(const char *path)
{
	struct sockaddr_un here = {.sun_family = AF_UNIX};
	if (oo_text_copy(here.sun_path, sizeof(here.sun_path), path) < 0) {
		return -ENAMETOOLONG;
	}
	OO_AUTO(oo_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(path); /* left by one that was killed */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0 ||
	    listen(fd, 4) < 0) {
		return -errno;
	}
	return oo_take_fd(&fd);
}

static void drop(struct connection *connection)
{
	oo_close(&connection->fd);
	connection->fd = -1;
}

static int set_mode(struct standin *standin, const struct standin_mode *mode)
{
	if (mode->kind == STANDIN_KIND_REFUSE) {
		oo_close(&standin->listen_fd);
		standin->listen_fd = -1;
		for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
			drop(&standin->connections[i]);
		}
	} else if (standin->listen_fd < 0) {
		int fd = listen_http(standin->port);
		if (fd < 0) {
			return fd;
		}
		standin->listen_fd = fd;
	}
	standin->mode = *mode;
	return 0;
}

static void take_command(struct standin *standin)
{
	OO_AUTO(oo_close) int fd = accept4(standin->control_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0) {
		return;
	}
	/* whoever connects sends its line at once; one that does not must not stop the server */
	const struct timeval patience = {.tv_usec = 500000};
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	char line[64];
	ssize_t n = read(fd, line, sizeof(line) - 1);
	line[n > 0 ? n : 0] = '\0';
	struct standin_mode mode;
	int r = standin_mode_parse(line, &mode);
	if (r < 0) {
		(void)dprintf(fd, "error: no such mode; there are: %s\n", standin_modes);
		return;
	}
	r = set_mode(standin, &mode);
	if (r < 0) {
		(void)dprintf(fd, "error: port %u: %s\n", standin->port, strerror(-r));
		return;
	}
	(void)dprintf(fd, "ok %lld\n", (long long)oo_clock_now_us());
}

static void take_connection(struct standin *standin)
{
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &standin->connections[i];
		if (connection->fd < 0) {
			*connection =
				(struct connection){.fd = accept4(standin->listen_fd, NULL, NULL,
								  SOCK_CLOEXEC | SOCK_NONBLOCK)};
			return;
		}
	}
}

static void read_request(struct connection *connection, int64_t now_us)
{
	ssize_t n = read(connection->fd, connection->request + connection->length,
			 REQUEST_BYTES - connection->length);
	if (n < 0 && errno == EAGAIN) {
		return;
	}
	if (n <= 0) {
		drop(connection);
		return;
	}
	connection->length += (size_t)n;
	connection->request[connection->length] = '\0';
	if (connection->asked_at_us == 0 && strstr(connection->request, "\r\n\r\n") != NULL) {
		connection->asked_at_us = now_us;
	}
}

static void answer(const struct standin *standin, struct connection *connection)
{
	char text[1024];
	const size_t length =
		standin_answer(&standin->mode, connection->request, text, sizeof(text));
	const bool keeps = standin_keeps(connection->request);
	if (write(connection->fd, text, length) != (ssize_t)length || !keeps) {
		drop(connection);
		return;
	}
	connection->length = 0;
	connection->asked_at_us = 0;
}

/* Answers what is due. Returns when the next answer is. */
static int64_t answer_due(struct standin *standin)
{
	int64_t next_us = OO_NEVER;
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &standin->connections[i];
		if (connection->fd < 0 || connection->asked_at_us == 0) {
			continue;
		}
		int64_t due_us =
			standin_due(&standin->mode, connection->request, connection->asked_at_us);
		if (due_us <= oo_clock_now_us()) {
			answer(standin, connection);
		} else if (due_us < next_us) {
			next_us = due_us;
		}
	}
	return next_us;
}

static int timeout_ms(int64_t next_us)
{
	if (next_us == OO_NEVER) {
		return -1;
	}
	int64_t left_us = next_us - oo_clock_now_us();
	return left_us > 0 ? (int)(left_us / 1000 + 1) : 0;
}

static void run(struct standin *standin)
{
	struct pollfd fds[POLL_LENGTH] = {
		[POLL_STOP] = {.fd = standin->stop_fd, .events = POLLIN},
		[POLL_CONTROL] = {.fd = standin->control_fd, .events = POLLIN},
	};
	while (fds[POLL_STOP].revents == 0) {
		fds[POLL_LISTEN] = (struct pollfd){.fd = standin->listen_fd, .events = POLLIN};
		for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
			fds[POLL_FIRST + i] =
				(struct pollfd){.fd = standin->connections[i].fd, .events = POLLIN};
		}
		int64_t next_us = answer_due(standin);
		if (poll(fds, POLL_LENGTH, timeout_ms(next_us)) <= 0) {
			continue;
		}
		for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
			if (fds[POLL_FIRST + i].revents != 0) {
				read_request(&standin->connections[i], oo_clock_now_us());
			}
		}
		if (fds[POLL_LISTEN].revents != 0) {
			take_connection(standin);
		}
		/* last: it may close what was just polled */
		if (fds[POLL_CONTROL].revents != 0) {
			take_command(standin);
		}
	}
}

int main(int argc, char *argv[])
{
	struct standin standin = {.listen_fd = -1};
	if (argc != 3) {
		fprintf(stderr, "usage: standin PORT CONTROL-SOCKET\nmodes: %s\n", standin_modes);
		return 2;
	}
	standin.port = (uint16_t)tool_number("PORT", argv[1], 1, 65535);
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		standin.connections[i].fd = -1;
	}
	standin.stop_fd = tool_stop_fd();
	standin.control_fd = listen_control(argv[2]);
	int r = set_mode(&standin, &(struct standin_mode){.kind = STANDIN_KIND_TRUE});
	if (r < 0 || standin.control_fd < 0 || standin.stop_fd < 0) {
		fprintf(stderr, "standin: port %s: %s; control %s: %s\n", argv[1],
			r < 0 ? strerror(-r) : "ok", argv[2],
			standin.control_fd < 0 ? strerror(-standin.control_fd) : "ok");
		return 1;
	}
	run(&standin);
	(void)unlink(argv[2]);
	return 0;
}
