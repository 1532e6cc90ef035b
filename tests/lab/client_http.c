#include "client_http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#define HEADER_END "\r\n\r\n"

static const char question[] =
	"GET /healthcheck HTTP/1.1\r\nHost: documents\r\nConnection: close\r\n\r\n";

/* Frees the slot. what is NULL when the answer was good. */
static void settle(struct client_http *http, struct client_http_request *request, const char *what,
		   int64_t now_us)
{
	if (what != NULL) {
		client_track_bad(http->track, what, now_us);
	}
	close(request->fd);
	request->fd = -1;
}

static const char *error_name(int error_number)
{
	switch (error_number) {
	case ECONNREFUSED:
		return "refused";
	case ECONNRESET:
	case EPIPE:
		return "reset";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "unreachable";
	default:
		return "failed";
	}
}

/* Copies the value of a header, empty when there is none. */
static void find_header(const char *headers, const char *name, char value[static TOOL_NAME_LENGTH])
{
	const size_t length = strlen(name);
	value[0] = '\0';
	for (const char *line = strstr(headers, "\r\n"); line != NULL;
	     line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') {
			const char *text = line + 2 + length + 1;
			text += strspn(text, " ");
			snprintf(value, TOOL_NAME_LENGTH, "%.*s", (int)strcspn(text, "\r"), text);
			return;
		}
	}
}

/* Returns whether the answer is whole: its headers and as much body as they promise. */
static bool is_whole(const struct client_http_request *request)
{
	const char *end = strstr(request->answer, HEADER_END);
	char promised[TOOL_NAME_LENGTH];
	if (end == NULL) {
		return false;
	}
	find_header(request->answer, "Content-Length", promised);
	return promised[0] != '\0' &&
	       strlen(end + strlen(HEADER_END)) >= strtoul(promised, NULL, 10);
}

static void judge_answer(struct client_http *http, struct client_http_request *request,
			 int64_t now_us)
{
	const char *body = strstr(request->answer, HEADER_END);
	char status[4] = "";
	if (body == NULL || sscanf(request->answer, "HTTP/1.%*1[01] %3[0-9]", status) != 1) {
		settle(http, request, "garbage", now_us);
		return;
	}
	if (strcmp(status, "200") != 0) {
		settle(http, request, status, now_us);
		return;
	}
	if (strcmp(body + strlen(HEADER_END), "true") != 0) {
		settle(http, request, "not-true", now_us);
		return;
	}
	char node[TOOL_NAME_LENGTH];
	find_header(request->answer, "X-Node", node);
	client_track_good(http->track, node, now_us);
	settle(http, request, NULL, now_us);
}

static void send_question(struct client_http *http, unsigned slot, int64_t now_us)
{
	struct client_http_request *request = &http->requests[slot];
	if (write(request->fd, question, sizeof(question) - 1) != (ssize_t)sizeof(question) - 1) {
		settle(http, request, error_name(errno), now_us);
		return;
	}
	request->sent = true;
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = http->first_id + slot};
	(void)epoll_ctl(http->epoll_fd, EPOLL_CTL_MOD, request->fd, &event); /* it is in there */
}

void client_http_ready(struct client_http *http, unsigned slot, int64_t now_us)
{
	struct client_http_request *request = &http->requests[slot];
	if (request->fd < 0) {
		return;
	}
	if (!request->sent) {
		send_question(http, slot, now_us);
		return;
	}
	ssize_t n = read(request->fd, request->answer + request->length,
			 CLIENT_HTTP_ANSWER_BYTES - request->length);
	if (n < 0) {
		if (errno != EAGAIN) {
			settle(http, request, error_name(errno), now_us);
		}
		return;
	}
	request->length += (size_t)n;
	request->answer[request->length] = '\0';
	if (n == 0 || is_whole(request)) {
		judge_answer(http, request, now_us);
	}
}

static void start(struct client_http *http, unsigned slot, int64_t now_us)
{
	struct client_http_request *request = &http->requests[slot];
	*request = (struct client_http_request){.asked_at_us = now_us};
	request->fd = socket(http->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct epoll_event event = {.events = EPOLLOUT, .data.u32 = http->first_id + slot};
	http->track->n_asked++;
	if (request->fd < 0) {
		client_track_bad(http->track, "no-socket", now_us);
		return;
	}
	if ((connect(request->fd, (const struct sockaddr *)&http->server, http->server_length) <
		     0 &&
	     errno != EINPROGRESS) ||
	    epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, request->fd, &event) < 0) {
		settle(http, request, error_name(errno), now_us);
	}
}

void client_http_ask(struct client_http *http, int64_t now_us)
{
	unsigned slot = CLIENT_HTTP_MAX;
	for (unsigned i = 0; i < CLIENT_HTTP_MAX; i++) {
		struct client_http_request *request = &http->requests[i];
		if (request->fd >= 0 && now_us - request->asked_at_us > http->timeout_us) {
			settle(http, request, "timeout", now_us);
		}
		if (request->fd < 0) {
			slot = i;
		}
	}
	if (slot < CLIENT_HTTP_MAX) { /* always: 32 slots hold 640 ms, the timeout is shorter */
		start(http, slot, now_us);
	}
}
