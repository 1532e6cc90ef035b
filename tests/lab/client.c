/*
 * client: what a user of the virtual address sees. Asks it over UDP (echo) every 2 ms and over
 * HTTP every 20 ms, and writes the gaps and the changes of node (client_track.h) on standard
 * output. Ends with SIGTERM, SIGINT or after --seconds, with a summary of each kind.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "client_http.h"
#include "client_track.h"
#include "tool.h"

#define ECHO_EVERY_US 2000
#define ECHO_GAP_US 10000
#define HTTP_EVERY_US 20000
#define HTTP_GAP_US 60000
#define HTTP_TIMEOUT_US 300000
#define HTTP_PORT 80
#define EVENTS_MAX 64

enum source {
	SOURCE_STOP,
	SOURCE_ECHO,
	SOURCE_ECHO_TIMER,
	SOURCE_HTTP_TIMER,
	SOURCE_HTTP_FIRST, /* and all after */
};

struct client {
	int epoll_fd;
	int stop_fd;
	int echo_fd;
	int echo_timer_fd;
	int http_timer_fd;
	unsigned long asked; /* number of the last echo question */
	struct client_track echo;
	struct client_track http_track;
	struct client_http http;
};

static socklen_t socket_address(const struct tool_address *address, uint16_t port,
				struct sockaddr_storage *ret)
{
	*ret = (struct sockaddr_storage){.ss_family = (sa_family_t)address->family};
	if (address->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, address->bytes, sizeof(in->sin_addr));
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, address->bytes, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}

static int add(const struct client *client, int fd, enum source source)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = source};
	if (fd < 0) {
		return fd;
	}
	return epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int start(struct client *client, const struct tool_address *address, uint16_t echo_port)
{
	struct sockaddr_storage server;
	socklen_t length = socket_address(address, echo_port, &server);
	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->stop_fd = tool_stop_fd();
	client->echo_timer_fd = tool_timer_fd(ECHO_EVERY_US);
	client->http_timer_fd = tool_timer_fd(HTTP_EVERY_US);
	client->echo_fd = socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (client->epoll_fd < 0 || client->echo_fd < 0 ||
	    connect(client->echo_fd, (const struct sockaddr *)&server, length) < 0) {
		return -errno;
	}
	client->echo = (struct client_track){.kind = "echo", .gap_us = ECHO_GAP_US};
	client->http_track = (struct client_track){.kind = "http", .gap_us = HTTP_GAP_US};
	client->http = (struct client_http){.track = &client->http_track,
					    .epoll_fd = client->epoll_fd,
					    .first_id = SOURCE_HTTP_FIRST,
					    .timeout_us = HTTP_TIMEOUT_US};
	client->http.server_length = socket_address(address, HTTP_PORT, &client->http.server);
	for (unsigned i = 0; i < CLIENT_HTTP_MAX; i++) {
		client->http.requests[i].fd = -1;
	}
	int r = add(client, client->stop_fd, SOURCE_STOP);
	r = r < 0 ? r : add(client, client->echo_fd, SOURCE_ECHO);
	r = r < 0 ? r : add(client, client->echo_timer_fd, SOURCE_ECHO_TIMER);
	return r < 0 ? r : add(client, client->http_timer_fd, SOURCE_HTTP_TIMER);
}

static void ask_echo(struct client *client)
{
	char question[32];
	int length = snprintf(question, sizeof(question), "%lu", ++client->asked);
	client->echo.n_asked++;
	/* refused or unreachable: no answer, which the gap shows */
	(void)send(client->echo_fd, question, (size_t)length, 0);
}

static void read_echoes(struct client *client)
{
	char answer[128];
	for (;;) {
		ssize_t n = recv(client->echo_fd, answer, sizeof(answer) - 1, 0);
		if (n < 0 && errno == EAGAIN) {
			return;
		}
		if (n < 0) {
			continue; /* an ICMP error; reading it took it away */
		}
		answer[n] = '\0';
		const char *node = strchr(answer, ' ');
		if (node != NULL) {
			client_track_good(&client->echo, node + 1, oo_clock_now_us());
		}
	}
}

static void handle(struct client *client, uint32_t source, int64_t now_us)
{
	if (source >= SOURCE_HTTP_FIRST) {
		client_http_ready(&client->http, source - SOURCE_HTTP_FIRST, now_us);
	} else if (source == SOURCE_ECHO) {
		read_echoes(client);
	} else if (source == SOURCE_ECHO_TIMER) {
		tool_timer_read(client->echo_timer_fd);
		ask_echo(client);
	} else if (source == SOURCE_HTTP_TIMER) {
		tool_timer_read(client->http_timer_fd);
		client_http_ask(&client->http, now_us);
	}
}

static void run(struct client *client, int64_t until_us)
{
	struct epoll_event events[EVENTS_MAX];
	while (oo_clock_now_us() < until_us) {
		/* the timers wake it often enough to see until_us pass */
		int n = epoll_wait(client->epoll_fd, events, EVENTS_MAX, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.u32 == SOURCE_STOP) {
				return;
			}
			handle(client, events[i].data.u32, oo_clock_now_us());
		}
	}
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {{"seconds", required_argument, NULL, 's'}, {0}};
	int64_t until_us = OO_NEVER;
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option != 's') {
			return 2;
		}
		until_us = oo_clock_now_us() +
			   (int64_t)tool_number("--seconds", optarg, 1, 86400) * 1000000;
	}
	struct tool_address address;
	if (argc - optind != 2 || tool_address_parse(argv[optind], &address) < 0) {
		fprintf(stderr, "usage: client [--seconds N] ADDRESS ECHO-PORT\n");
		return 2;
	}
	struct client client = {0};
	int r = start(&client, &address,
		      (uint16_t)tool_number("ECHO-PORT", argv[optind + 1], 1, 65535));
	if (r < 0) {
		fprintf(stderr, "client: %s: %s\n", address.text, strerror(-r));
		return 1;
	}
	tool_precise();
	run(&client, until_us);
	client_track_end(&client.echo, oo_clock_now_us());
	client_track_end(&client.http_track, oo_clock_now_us());
	tool_ordinary();
	return 0;
}
