/*
 * The API's own part of a request: which route, which refusal, what the answer is. HTTP itself is
 * libmicrohttpd's, which is played here. The first byte says where the request comes in (l: the unix
 * socket, t: TCP); a line each: method, path, Content-Length, Transfer-Encoding (empty: none). a: what
 * follows is an address to listen on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api/api.h"
#include "api/listen.h"
#include "base/cleanup.h"
#include "event/timer.h"
#include "fuzz.h"

#define LINE_LENGTH 256
#define FD 1000000

struct MHD_Daemon {
	MHD_AccessHandlerCallback answer;
	void *user;
};

struct MHD_Response {
	char *body;
	size_t length;
	bool owned;
};

static struct MHD_Daemon daemons[2];
static size_t n_daemons;
static const char *content_length, *coding;
static struct {
	unsigned status, answers;
	bool allow, asked, asked_local;
} seen;

/* The HTTP server. */

struct MHD_Daemon *MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
				    void *accept_user, MHD_AccessHandlerCallback answer, void *user,
				    ...)
{
	(void)flags;
	(void)port;
	(void)accept;
	(void)accept_user;
	FUZZ_CHECK(n_daemons < OO_LENGTH(daemons));
	daemons[n_daemons] = (struct MHD_Daemon){answer, user};
	return &daemons[n_daemons++];
}

void MHD_stop_daemon(struct MHD_Daemon *daemon)
{
	(void)daemon;
}

enum MHD_Result MHD_run(struct MHD_Daemon *daemon)
{
	(void)daemon;
	return MHD_YES;
}

enum MHD_Result MHD_get_timeout(struct MHD_Daemon *daemon, MHD_UNSIGNED_LONG_LONG *timeout)
{
	(void)daemon;
	(void)timeout;
	return MHD_NO;
}

const union MHD_DaemonInfo *MHD_get_daemon_info(struct MHD_Daemon *daemon,
						enum MHD_DaemonInfoType type, ...)
{
	static const union MHD_DaemonInfo info = {.epoll_fd = FD};
	(void)daemon;
	(void)type;
	return &info;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *connection, enum MHD_ValueKind kind,
					const char *key)
{
	(void)connection;
	(void)kind;
	return strcmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ? content_length : coding;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer,
						     enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = malloc(sizeof(*response));
	FUZZ_CHECK(response != NULL && size > 0);
	*response = (struct MHD_Response){buffer, size, mode == MHD_RESPMEM_MUST_FREE};
	return response;
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *response, const char *header,
					const char *content)
{
	(void)response;
	fuzz_check_text(content, LINE_LENGTH);
	seen.allow = seen.allow || strcmp(header, MHD_HTTP_HEADER_ALLOW) == 0;
	return MHD_YES;
}

static void check_json(const struct MHD_Response *response)
{
	struct json_tokener *tokener = json_tokener_new();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	struct json_object *object =
		json_tokener_parse_ex(tokener, response->body, (int)response->length);
	FUZZ_CHECK(json_object_is_type(object, json_type_object));
	json_object_put(object);
	json_tokener_free(tokener);
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned status,
				   struct MHD_Response *response)
{
	(void)connection;
	seen.status = status;
	seen.answers++;
	check_json(response);
	return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *response)
{
	if (response->owned) {
		free(response->body);
	}
	free(response);
}

/* The loop, and the sockets. */

int sd_event_add_io(sd_event *event, sd_event_source **source, int fd, uint32_t events,
		    sd_event_io_handler_t callback, void *user)
{
	(void)event;
	(void)fd;
	(void)events;
	(void)callback;
	(void)user;
	*source = NULL;
	return 0;
}

int sd_event_source_set_priority(sd_event_source *source, int64_t priority)
{
	(void)source;
	(void)priority;
	return 0;
}

sd_event_source *sd_event_source_disable_unref(sd_event_source *source)
{
	return source;
}

int oo_timer_init(struct oo_timer *timer, sd_event *event, oo_timer_fn *expired)
{
	(void)event;
	*timer = (struct oo_timer){.expired = expired};
	return 0;
}

void oo_timer_done(struct oo_timer *timer)
{
	(void)timer;
}

void oo_timer_set(struct oo_timer *timer, int64_t at)
{
	(void)timer;
	(void)at;
}

static struct sockaddr_storage bound;

int __wrap_socket(int domain, int type, int protocol);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_listen(int fd, int backlog);
int __wrap_oo_listen_unix(const char *path, int *ret_fd, struct oo_socket_file *ret_file,
			  struct oo_err *err);
int __real_close(int fd);
int __wrap_close(int fd);

int __wrap_socket(int domain, int type, int protocol)
{
	(void)protocol;
	FUZZ_CHECK((domain == AF_INET || domain == AF_INET6) && (type & SOCK_CLOEXEC) != 0);
	return FD;
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	(void)level;
	(void)option;
	(void)value;
	(void)length;
	FUZZ_CHECK(fd == FD);
	return 0;
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
	FUZZ_CHECK(fd == FD && length <= sizeof(bound));
	memset(&bound, 0, sizeof(bound));
	memcpy(&bound, address, length);
	return 0;
}

int __wrap_listen(int fd, int backlog)
{
	(void)backlog;
	FUZZ_CHECK(fd == FD);
	return 0;
}

int __wrap_close(int fd)
{
	return fd == FD ? 0 : __real_close(fd);
}

int __wrap_oo_listen_unix(const char *path, int *ret_fd, struct oo_socket_file *ret_file,
			  struct oo_err *err)
{
	(void)path;
	(void)err;
	*ret_fd = FD;
	*ret_file = (struct oo_socket_file){0};
	return 0;
}

/* The agent. */

static void answer_local(void *user, struct oo_api_answer *answer)
{
	(void)user;
	seen.asked_local = true;
	FUZZ_CHECK(oo_buffer_add_format(&answer->body, "{\"state\": \"fine\"}\n") == 0);
}

static void answer_any(void *user, struct oo_api_answer *answer)
{
	(void)user;
	seen.asked = true;
	answer->status = 503;
	FUZZ_CHECK(oo_buffer_add_format(&answer->body, "{\"leader\": false}\n") == 0);
}

static void answer_nothing(void *user, struct oo_api_answer *answer)
{
	(void)user;
	(void)answer;
	seen.asked_local = true;
}

static const struct oo_api_route routes[] = {
	{"GET", "/v1/status", false, answer_local},
	{"POST", "/v1/pause", false, answer_local},
	{"GET", "/v1/pause", false, answer_nothing},
	{"GET", "/leader", true, answer_any},
};

static bool is_known(unsigned status)
{
	static const unsigned known[] = {200, 404, 405, 413, 500, 503};
	for (size_t i = 0; i < OO_LENGTH(known); i++) {
		if (status == known[i]) {
			return true;
		}
	}
	return false;
}

static void request(struct fuzz_input *input, const struct MHD_Daemon *daemon, bool tcp)
{
	char method[LINE_LENGTH], path[LINE_LENGTH], length[LINE_LENGTH], encoding[LINE_LENGTH];
	size_t upload = 0;
	void *mark = NULL;
	fuzz_take_line(input, method, sizeof(method));
	fuzz_take_line(input, path, sizeof(path));
	fuzz_take_line(input, length, sizeof(length));
	fuzz_take_line(input, encoding, sizeof(encoding));
	content_length = length[0] != '\0' ? length : NULL;
	coding = encoding[0] != '\0' ? encoding : NULL;
	memset(&seen, 0, sizeof(seen));
	for (int turn = 0; turn < 2 && seen.answers == 0; turn++) {
		FUZZ_CHECK(daemon->answer(daemon->user, NULL, path, method, "HTTP/1.1", NULL,
					  &upload, &mark) == MHD_YES);
	}
	FUZZ_CHECK(seen.answers == 1 && is_known(seen.status));
	FUZZ_CHECK(seen.allow == (seen.status == 405));
	FUZZ_CHECK(!tcp || !seen.asked_local);
	bool body = coding != NULL || (content_length != NULL && strcmp(content_length, "0") != 0);
	FUZZ_CHECK(!body || (!seen.asked && !seen.asked_local));
}

/* What was understood, written as an address and read again, is the same. */
static void listen_on(const struct fuzz_input *input)
{
	char text[LINE_LENGTH], host[INET6_ADDRSTRLEN], again[LINE_LENGTH];
	struct fuzz_input rest = *input;
	struct oo_err err = {""};
	int fd = -1;
	fuzz_take_line(&rest, text, sizeof(text));
	int r = oo_listen_tcp(text, &fd, &err);
	if (r < 0) {
		FUZZ_CHECK(r == -EINVAL && fd == -1 && err.text[0] != '\0');
		return;
	}
	const struct sockaddr_storage first = bound;
	const struct sockaddr_in *four = (const struct sockaddr_in *)&first;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&first;
	bool is_four = first.ss_family == AF_INET;
	FUZZ_CHECK(four->sin_port != 0);
	FUZZ_CHECK(inet_ntop(first.ss_family,
			     is_four ? (const void *)&four->sin_addr : &six->sin6_addr, host,
			     sizeof(host)) != NULL);
	snprintf(again, sizeof(again), is_four ? "%s:%u" : "[%s]:%u", host, ntohs(four->sin_port));
	FUZZ_CHECK(oo_listen_tcp(again, &fd, &err) == 0);
	FUZZ_CHECK(memcmp(&bound, &first, sizeof(bound)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct fuzz_input input = {data, length};
	struct oo_api *api = NULL;
	uint8_t which = fuzz_take_byte(&input);
	if (which == 'a') {
		listen_on(&input);
		return 0;
	}
	if (which != 'l' && which != 't') {
		return -1;
	}
	n_daemons = 0;
	FUZZ_CHECK(oo_api_new(NULL,
			      &(struct oo_api_options){.socket_path = "/s",
						       .listen = "127.0.0.1:8009",
						       .routes = routes,
						       .n_routes = OO_LENGTH(routes)},
			      &api, NULL) == 0);
	request(&input, &daemons[which == 't'], which == 't');
	oo_api_free(api);
	return 0;
}
