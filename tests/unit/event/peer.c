#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

struct connection {
	struct peer *peer;
	struct connection *next;
	int fd;
	sd_event_source *source;
	bool asked;
	size_t written;
};

struct peer {
	sd_event *event;
	struct peer_script script;
	int fd, accepted;
	sd_event_source *source;
	struct connection *connections;
	char request[PEER_REQUEST_LENGTH];
	size_t length;
};

static int bind_loopback(int *ret_port)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(here);
	OO_AUTO(oo_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(fd, (struct sockaddr *)&here, length) < 0 ||
	    getsockname(fd, (struct sockaddr *)&here, &length) < 0) {
		return -1;
	}
	*ret_port = ntohs(here.sin_port);
	return oo_take_fd(&fd);
}

int peer_refusing(int *ret_port)
{
	return bind_loopback(ret_port);
}

static void end(struct connection *connection, bool reset)
{
	struct connection **link = &connection->peer->connections;
	struct linger linger = {.l_onoff = reset};
	while (*link != connection) {
		link = &(*link)->next;
	}
	*link = connection->next;
	setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	sd_event_source_disable_unref(connection->source);
	close(connection->fd);
	free(connection);
}

/* Reads what came. Returns false when the connection is over. */
static bool take_request(struct connection *connection)
{
	struct peer *peer = connection->peer;
	ssize_t n = read(connection->fd, peer->request + peer->length,
			 sizeof(peer->request) - 1 - peer->length);
	if (n <= 0) {
		return n < 0 && errno == EAGAIN;
	}
	peer->length += (size_t)n;
	peer->request[peer->length] = '\0';
	connection->asked = strstr(peer->request, "\r\n\r\n") != NULL;
	return true;
}

/* Writes what fits. Returns true when there is no more to write. */
static bool give_answer(struct connection *connection)
{
	const struct peer_script *script = &connection->peer->script;
	while (connection->written < script->length) {
		ssize_t n = send(connection->fd, script->answer + connection->written,
				 script->length - connection->written, MSG_NOSIGNAL);
		if (n <= 0) {
			return false;
		}
		connection->written += (size_t)n;
	}
	return true;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct connection *connection = user;
	const struct peer_script *script = &connection->peer->script;
	(void)fd;
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !take_request(connection)) {
		end(connection, false);
		return 0;
	}
	if (!connection->asked && !script->unasked) {
		return 0;
	}
	if (!give_answer(connection)) {
		sd_event_source_set_io_events(source, EPOLLIN | EPOLLOUT);
		return 0;
	}
	sd_event_source_set_io_events(source, EPOLLIN);
	if (script->end != PEER_END_KEEP) {
		end(connection, script->end == PEER_END_RESET);
	}
	return 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct peer *peer = user;
	(void)source;
	(void)events;
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (accepted < 0) {
		return 0;
	}
	struct connection *connection = calloc(1, sizeof(*connection));
	*connection = (struct connection){.peer = peer, .fd = accepted, .next = peer->connections};
	peer->connections = connection;
	peer->accepted++;
	peer->length = 0;
	sd_event_add_io(peer->event, &connection->source, accepted,
			EPOLLIN | (peer->script.unasked ? EPOLLOUT : 0), on_io, connection);
	return 0;
}

struct peer *peer_new(sd_event *event, struct peer_script script)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	int port;
	*peer = (struct peer){.event = event, .script = script, .fd = bind_loopback(&port)};
	if (script.answer != NULL && script.length == 0) {
		peer->script.length = strlen(script.answer);
	}
	if (listen(peer->fd, 64) < 0 ||
	    sd_event_add_io(event, &peer->source, peer->fd, EPOLLIN, on_connection, peer) < 0) {
		abort();
	}
	return peer;
}

void peer_free(struct peer *peer)
{
	while (peer->connections != NULL) {
		end(peer->connections, false);
	}
	sd_event_source_disable_unref(peer->source);
	close(peer->fd);
	free(peer);
}

int peer_port(const struct peer *peer)
{
	struct sockaddr_in here = {0};
	socklen_t length = sizeof(here);
	getsockname(peer->fd, (struct sockaddr *)&here, &length);
	return ntohs(here.sin_port);
}

int peer_accepted(const struct peer *peer)
{
	return peer->accepted;
}

int peer_open(const struct peer *peer)
{
	int n = 0;
	for (const struct connection *connection = peer->connections; connection != NULL;
	     connection = connection->next) {
		n++;
	}
	return n;
}

const char *peer_request(const struct peer *peer)
{
	return peer->request;
}
