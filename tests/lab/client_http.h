#ifndef OO_CLIENT_HTTP_H
#define OO_CLIENT_HTTP_H
/*
 * Asks GET /healthcheck again and again, each on a connection of its own and several at once, so
 * that one that hangs does not blind the client. Good is a 200 with the body "true"; the node's
 * name is the X-Node header.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "client_track.h"

#define CLIENT_HTTP_MAX 32
#define CLIENT_HTTP_ANSWER_BYTES 2048

struct client_http_request {
	int fd; /* owned; -1: slot is free */
	int64_t asked_at_us;
	bool sent;
	size_t length;
	char answer[CLIENT_HTTP_ANSWER_BYTES + 1];
};

struct client_http {
	struct client_track *track; /* not owned */
	int epoll_fd;               /* not owned; data.u32 is first_id plus the slot's index */
	uint32_t first_id;
	int64_t timeout_us;
	struct sockaddr_storage server;
	socklen_t server_length;
	struct client_http_request requests[CLIENT_HTTP_MAX];
};

/* Starts one more request, after giving up those that are past their timeout. */
void client_http_ask(struct client_http *http, int64_t now_us);

/* To be called when epoll reports the slot. */
void client_http_ready(struct client_http *http, unsigned slot, int64_t now_us);

#endif
