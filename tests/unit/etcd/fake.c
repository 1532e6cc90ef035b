#include "fake.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "loop.h"

#define REQUEST_MAX (1 << 20)
#define REPLY_MAX (4 << 20)

const char fake_hang_up[] = "";
const char fake_stream[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			   "Transfer-Encoding: chunked\r\n\r\n";

struct connection {
	struct fake *fake;
	int fd;
	sd_event_source *source;
	struct oo_buffer in, out;
	struct connection *next, **link;
};

static void end_connection(struct connection *connection)
{
	*connection->link = connection->next;
	if (connection->next != NULL) {
		connection->next->link = connection->link;
	}
	if (connection->fake->stream == connection) {
		connection->fake->stream = NULL;
	}
	if (connection->fake->last == connection) {
		connection->fake->last = NULL;
	}
	if (connection->fake->held == connection) {
		connection->fake->held = NULL;
	}
	sd_event_source_disable_unref(connection->source);
	close(connection->fd);
	oo_buffer_done(&connection->in);
	oo_buffer_done(&connection->out);
	free(connection);
}

/* Sends what fits; the rest when there is room: the reader is on the same thread. */
static void flush(struct connection *connection)
{
	struct oo_buffer *out = &connection->out;
	ssize_t n = out->length > 0 ? send(connection->fd, out->data, out->length,
					   MSG_NOSIGNAL | MSG_DONTWAIT)
				    : 0;
	if (n < 0 && errno != EAGAIN) {
		n = (ssize_t)out->length; /* the client has gone: its own doing */
	}
	oo_buffer_drop(out, n > 0 ? (size_t)n : 0);
	uint32_t more = out->length > 0 ? EPOLLOUT : 0;
	(void)sd_event_source_set_io_events(connection->source, EPOLLIN | more);
}

static void send_bytes(struct connection *connection, const char *data, size_t length)
{
	CU_ASSERT_EQUAL_FATAL(oo_buffer_add(&connection->out, data, length), 0);
	flush(connection);
}

/* The length of the whole request in the buffer, 0 if it is not whole; its body is at *ret_body. */
static size_t whole_request(const struct oo_buffer *in, size_t *ret_body)
{
	const char *end = in->data != NULL ? strstr(in->data, "\r\n\r\n") : NULL;
	if (end == NULL) {
		return 0;
	}
	const char *field = strcasestr(in->data, "\r\nContent-Length: ");
	size_t length =
		field != NULL ? strtoul(field + strlen("\r\nContent-Length: "), NULL, 10) : 0;
	*ret_body = (size_t)(end - in->data) + 4;
	return in->length >= *ret_body + length ? *ret_body + length : 0;
}

/* Returns whether the connection is still there. */
static bool take_request(struct connection *connection, size_t length, size_t body)
{
	struct fake *fake = connection->fake;
	char *data = connection->in.data;
	const char *path = strchr(data, ' ') + 1;
	snprintf(fake->path, sizeof(fake->path), "%.*s", (int)strcspn(path, " "), path);
	snprintf(fake->head, sizeof(fake->head), "%.*s", (int)body, data);
	snprintf(fake->body, sizeof(fake->body), "%.*s", (int)(length - body), data + body);
	fake->requests++;
	fake->last = connection;
	fake->logins += strcmp(fake->path, "/v3/auth/authenticate") == 0;
	if (strcmp(fake->path, "/v3/watch") == 0) {
		fake->watches++;
		fake->stream = connection;
	}
	oo_buffer_drop(&connection->in, length);
	const char *reply = fake->reply(fake);
	if (reply == NULL) {
		return true;
	}
	if (reply == fake_hang_up) {
		end_connection(connection);
		return false;
	}
	send_bytes(connection, reply, strlen(reply));
	return true;
}

static int on_data(sd_event_source *source, int fd, uint32_t events, void *user)
{
	(void)source;
	struct connection *connection = user;
	char data[4096];
	if (events & EPOLLOUT) {
		flush(connection);
	}
	ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN) {
		return 0;
	}
	if (n <= 0 || oo_buffer_add(&connection->in, data, (size_t)n) < 0) {
		end_connection(connection);
		return 0;
	}
	size_t length, body = 0;
	bool alive = true;
	while (alive && (length = whole_request(&connection->in, &body)) > 0) {
		alive = take_request(connection, length, body);
	}
	return 0;
}

static int on_connection(sd_event_source *source, int listener, uint32_t events, void *user)
{
	(void)source;
	(void)events;
	struct fake *fake = user;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct connection *connection = calloc(1, sizeof(*connection));
	CU_ASSERT_FATAL(fd >= 0 && connection != NULL);
	*connection = (struct connection){.fake = fake, .fd = fd, .link = &fake->connections};
	oo_buffer_init(&connection->in, REQUEST_MAX);
	oo_buffer_init(&connection->out, REPLY_MAX);
	connection->next = fake->connections;
	if (connection->next != NULL) {
		connection->next->link = &connection->next;
	}
	fake->connections = connection;
	CU_ASSERT_FATAL(sd_event_add_io(loop_get(), &connection->source, fd, EPOLLIN, on_data,
					connection) >= 0);
	return 0;
}

void fake_open(struct fake *fake, fake_fn *reply)
{
	*fake = (struct fake){.reply = reply};
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(here);
	fake->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(fake->fd >= 0);
	CU_ASSERT_FATAL(bind(fake->fd, (struct sockaddr *)&here, sizeof(here)) == 0);
	CU_ASSERT_FATAL(listen(fake->fd, 16) == 0);
	CU_ASSERT_FATAL(getsockname(fake->fd, (struct sockaddr *)&here, &length) == 0);
	snprintf(fake->url, sizeof(fake->url), "http://127.0.0.1:%d", ntohs(here.sin_port));
	CU_ASSERT_FATAL(sd_event_add_io(loop_get(), &fake->source, fake->fd, EPOLLIN, on_connection,
					fake) >= 0);
}

void fake_close(struct fake *fake)
{
	while (fake->connections != NULL) {
		end_connection(fake->connections);
	}
	sd_event_source_disable_unref(fake->source);
	close(fake->fd);
}

const char *fake_say(struct fake *fake, int status, const char *body)
{
	snprintf(fake->text, sizeof(fake->text),
		 "HTTP/1.1 %d Text\r\nContent-Type: application/json\r\nContent-Length: "
		 "%zu\r\n\r\n%s",
		 status, strlen(body), body);
	return fake->text;
}

const char *fake_ok(struct fake *fake, const char *more)
{
	char body[FAKE_REPLY_MAX / 2];
	snprintf(body, sizeof(body),
		 "{\"header\":{\"cluster_id\":\"1\",\"member_id\":\"2\",\"revision\":\"7\"}%s}",
		 more);
	return fake_say(fake, 200, body);
}

const char *fake_refuse(struct fake *fake, int code, const char *text)
{
	char body[512];
	snprintf(body, sizeof(body), "{\"error\":\"%s\",\"message\":\"%s\",\"code\":%d}", text,
		 text, code);
	return fake_say(fake, 500, body);
}

void fake_send(struct fake *fake, const char *text)
{
	if (fake->last != NULL) {
		send_bytes(fake->last, text, strlen(text));
	}
}

void fake_send_held(struct fake *fake, const char *text)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(fake->held);
	send_bytes(fake->held, text, strlen(text));
	fake->held = NULL;
}

void fake_push(struct fake *fake, const char *bytes)
{
	char chunk[FAKE_REPLY_MAX];
	int n = snprintf(chunk, sizeof(chunk), "%zx\r\n%s\r\n", strlen(bytes), bytes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fake->stream);
	send_bytes(fake->stream, chunk, (size_t)n);
}

void fake_finish(struct fake *fake)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(fake->stream);
	send_bytes(fake->stream, "0\r\n\r\n", 5);
}
