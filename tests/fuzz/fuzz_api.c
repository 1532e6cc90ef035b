/*
 * The API's own part of a request: which route, which refusal, what the answer is. HTTP itself is
 * libmicrohttpd's, which is played here. The first byte says where the request comes in and from whom
 * (r, m, o: the unix socket, from root, a member, another; t: TCP); a line each: method, path, query,
 * Content-Length, Transfer-Encoding (empty: none); what follows is the body. a: what follows is an
 * address to listen on. j: it is a body of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
#include "api/peer.h"
#include "api/serve.h"
#include "asked.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "event/timer.h"
#include "fuzz.h"
#include "fuzz_api_sockets.h"

#define LINE_LENGTH 256

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
static char query[LINE_LENGTH];
static bool suspended; /* until the next turn */
static struct {
	unsigned status, answers;
	bool allow, asked, asked_local, asked_change, changed;
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
	static const union MHD_DaemonInfo info = {.epoll_fd = FUZZ_API_FD};
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

void MHD_suspend_connection(struct MHD_Connection *connection)
{
	(void)connection;
	suspended = true;
}

void MHD_resume_connection(struct MHD_Connection *connection)
{
	(void)connection;
	FUZZ_CHECK(suspended);
	suspended = false;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
							enum MHD_ConnectionInfoType type, ...)
{
	static const union MHD_ConnectionInfo info = {.connect_fd = FUZZ_API_FD};
	(void)connection;
	FUZZ_CHECK(type == MHD_CONNECTION_INFO_CONNECTION_FD && fuzz_api_who != 't');
	return &info;
}

/* Not decoded: the input has any bytes anyway. A value's size may go past a NUL, as there. */
int MHD_get_connection_values_n(struct MHD_Connection *connection, enum MHD_ValueKind kind,
				MHD_KeyValueIteratorN iterator, void *user)
{
	(void)connection;
	FUZZ_CHECK(kind == MHD_GET_ARGUMENT_KIND);
	char *rest = query;
	for (char *one = strsep(&rest, "&"); one != NULL; one = strsep(&rest, "&")) {
		char *value = one;
		const char *name = strsep(&value, "=");
		size_t more = value != NULL && value[0] == 1;
		if ((name[0] != '\0' || value != NULL) &&
		    iterator(user, kind, name, strlen(name), value,
			     value != NULL ? strlen(value) + more : 0) == MHD_NO) {
			break;
		}
	}
	return 0;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer,
						     enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = malloc(sizeof(*response));
	FUZZ_CHECK(response != NULL);
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
	if (response->length > 0) {
		check_json(response);
	}
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

bool oo_log_wants(enum oo_log_level level)
{
	return level != OO_LOG_DEBUG;
}

void oo_log_line(const char *file, enum oo_log_level level, const char *const *fields,
		 const char *format, ...)
{
	(void)file;
	(void)fields;
	char line[1024];
	va_list arguments;
	FUZZ_CHECK(level == OO_LOG_NOTICE || level == OO_LOG_WARNING);
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	fuzz_check_text(line, sizeof(line));
}

/* The agent. */

static void check_request(const struct oo_api_request *request)
{
	const char *group = oo_api_parameter(request, "group");
	FUZZ_CHECK(request->body[request->body_length] == '\0');
	FUZZ_CHECK(request->body_length <= OO_API_BODY_BYTES_MAX);
	for (; group != NULL && *group != '\0'; group++) {
		FUZZ_CHECK(*group >= 0x20 && *group < 0x7f);
	}
	FUZZ_CHECK(request->peer.known == (fuzz_api_who != 't'));
}

static void answer_local(void *user, const struct oo_api_request *request,
			 struct oo_api_answer *answer)
{
	(void)user;
	seen.asked_local = true;
	check_request(request);
	FUZZ_CHECK(oo_buffer_add_format(&answer->body, "{\"state\": \"fine\"}\n") == 0);
}

static void answer_change(void *user, const struct oo_api_request *request,
			  struct oo_api_answer *answer)
{
	answer_local(user, request, answer);
	seen.asked_change = true;
	oo_api_refuse(answer, 409, "%.300s", request->body_length > 0 ? "no" : "\"\\");
}

static void answer_any(void *user, const struct oo_api_request *request,
		       struct oo_api_answer *answer)
{
	(void)user;
	seen.asked = true;
	check_request(request);
	answer->status = 503;
	FUZZ_CHECK(oo_buffer_add_format(&answer->body, "{\"leader\": false}\n") == 0);
}

static void answer_nothing(void *user, const struct oo_api_request *request,
			   struct oo_api_answer *answer)
{
	(void)user;
	(void)answer;
	check_request(request);
	seen.asked_local = true;
}

static void on_changed(void *user, const struct oo_api_request *request, unsigned status)
{
	(void)user;
	FUZZ_CHECK(request->route->change && (status == 409 || status == 403 || status == 400));
	seen.changed = true;
	agent_asked_log(NULL, request, status);
}

static const struct oo_api_route routes[] = {
	{.method = "GET",
	 .path = "/v1/status",
	 .parameters = {"group", "a", "b", "c"},
	 .answer = answer_local},
	{.method = "POST",
	 .path = "/v1/pause",
	 .change = true,
	 .parameters = {"group"},
	 .answer = answer_change},
	{.method = "DELETE",
	 .path = "/v1/pause",
	 .change = true,
	 .parameters = {"group"},
	 .answer = answer_change},
	{.method = "GET", .path = "/v1/pause", .parameters = {"group"}, .answer = answer_nothing},
	{.method = "GET",
	 .path = "/leader",
	 .tcp = true,
	 .parameters = {"group"},
	 .answer = answer_any},
};

static bool is_known(unsigned status)
{
	static const unsigned known[] = {200, 204, 400, 403, 404, 405, 409, 411, 413, 500, 503};
	for (size_t i = 0; i < OO_LENGTH(known); i++) {
		if (status == known[i]) {
			return true;
		}
	}
	return false;
}

/* As the library would: the headers, the body in pieces if it was not refused, the end. */
static void play(const struct fuzz_input *body, const struct MHD_Daemon *daemon, const char *path,
		 const char *method)
{
	size_t left = content_length != NULL ? strtoull(content_length, NULL, 10) : 0;
	size_t sent = 0, none = 0;
	void *state = NULL;
	left = left < body->length ? left : body->length;
	FUZZ_CHECK(daemon->answer(daemon->user, NULL, path, method, "HTTP/1.1", NULL, &none,
				  &state) == MHD_YES);
	while (seen.answers == 0 && sent < left) {
		size_t part = left - sent < 100 ? left - sent : 100;
		const char *data = (const char *)body->data + sent;
		sent += part;
		FUZZ_CHECK(daemon->answer(daemon->user, NULL, path, method, "HTTP/1.1", data, &part,
					  &state) == MHD_YES);
		FUZZ_CHECK(part == 0);
	}
	for (int turn = 0; turn < 9 && seen.answers == 0; turn++) {
		oo_serve_begin_turn(daemon->user);
		FUZZ_CHECK(daemon->answer(daemon->user, NULL, path, method, "HTTP/1.1", NULL, &none,
					  &state) == MHD_YES);
		FUZZ_CHECK(suspended == (seen.answers == 0));
	}
	oo_serve_end(NULL, NULL, &state, MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

static void request(struct fuzz_input *input, const struct MHD_Daemon *daemon)
{
	char method[LINE_LENGTH], path[LINE_LENGTH], length[LINE_LENGTH], encoding[LINE_LENGTH];
	fuzz_take_line(input, method, sizeof(method));
	fuzz_take_line(input, path, sizeof(path));
	fuzz_take_line(input, query, sizeof(query));
	fuzz_take_line(input, length, sizeof(length));
	fuzz_take_line(input, encoding, sizeof(encoding));
	content_length = length[0] != '\0' ? length : NULL;
	coding = encoding[0] != '\0' ? encoding : NULL;
	memset(&seen, 0, sizeof(seen));
	play(input, daemon, path, method);
	FUZZ_CHECK(seen.answers == 1 && is_known(seen.status));
	FUZZ_CHECK(seen.status != 405 || seen.allow);
	FUZZ_CHECK(fuzz_api_who != 't' || !seen.asked_local);
	FUZZ_CHECK(!seen.asked_change || fuzz_api_who == 'r' || fuzz_api_who == 'm');
	FUZZ_CHECK(!seen.asked_change || seen.changed);
	bool body = coding != NULL || (content_length != NULL && strcmp(content_length, "0") != 0);
	FUZZ_CHECK(!body || strcmp(method, "POST") == 0 || (!seen.asked && !seen.asked_local));
	FUZZ_CHECK(coding == NULL || (!seen.asked && !seen.asked_local));
}

/* A body of JSON is an object, or is refused with an error that is JSON itself. */
static void read_json(const struct fuzz_input *input)
{
	struct json_object *object = NULL;
	struct oo_api_answer answer = {.status = 200};
	struct oo_buffer body;
	oo_buffer_init(&answer.body, OO_API_ANSWER_BYTES_MAX);
	oo_buffer_init(&body, OO_API_BODY_BYTES_MAX);
	if (oo_buffer_add(&body, input->data, input->length) == 0) {
		const struct oo_api_request asked = {.body = body.data != NULL ? body.data : "",
						     .body_length = body.length};
		int r = agent_asked_read(&asked, &answer, &object);
		FUZZ_CHECK((r == 0) == (answer.status == 200));
		FUZZ_CHECK((r == 0) == json_object_is_type(object, json_type_object));
		FUZZ_CHECK((r == 0) == (answer.body.length == 0));
	}
	json_object_put(object);
	oo_buffer_done(&answer.body);
	oo_buffer_done(&body);
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
	const struct sockaddr_storage first = fuzz_api_bound;
	const struct sockaddr_in *four = (const struct sockaddr_in *)&first;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&first;
	bool is_four = first.ss_family == AF_INET;
	FUZZ_CHECK(four->sin_port != 0);
	FUZZ_CHECK(inet_ntop(first.ss_family,
			     is_four ? (const void *)&four->sin_addr : &six->sin6_addr, host,
			     sizeof(host)) != NULL);
	snprintf(again, sizeof(again), is_four ? "%s:%u" : "[%s]:%u", host, ntohs(four->sin_port));
	FUZZ_CHECK(oo_listen_tcp(again, &fd, &err) == 0);
	FUZZ_CHECK(memcmp(&fuzz_api_bound, &first, sizeof(fuzz_api_bound)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct fuzz_input input = {data, length};
	struct oo_api *api = NULL;
	fuzz_api_who = fuzz_take_byte(&input);
	if (fuzz_api_who == 'a') {
		listen_on(&input);
		return 0;
	}
	if (fuzz_api_who == 'j') {
		read_json(&input);
		return 0;
	}
	if (fuzz_api_who == '\0' || strchr("rmot", fuzz_api_who) == NULL) {
		return -1;
	}
	n_daemons = 0;
	FUZZ_CHECK(oo_api_new(NULL,
			      &(struct oo_api_options){.socket_path = "/s",
						       .listen = "127.0.0.1:8009",
						       .routes = routes,
						       .n_routes = OO_LENGTH(routes),
						       .change_group = "admins",
						       .changed = on_changed},
			      &api, NULL) == 0);
	request(&input, &daemons[fuzz_api_who == 't']);
	oo_api_free(api);
	return 0;
}
