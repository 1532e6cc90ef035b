#include "api/api.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#include "api/listen.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "event/timer.h"

#define ALLOW_LENGTH 128
/* Nobody may fill the TCP listener alone and so take a node out of a load balancer. */
#define CONNECTIONS_PER_ADDRESS_MAX 16

struct listener {
	struct oo_api *api;
	bool tcp;
	struct MHD_Daemon *daemon; /* owned; NULL: not listening. Owns its listening socket */
	sd_event_source *source;   /* owned */
	struct oo_timer timer;
	unsigned connections; /* after the last run */
};

struct oo_api {
	const struct oo_api_route *routes; /* the caller's */
	size_t n_routes;
	void *user;
	struct listener local;
	struct listener tcp;
	struct oo_socket_file file;
};

static unsigned count_connections(struct listener *listener)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
	assert(info != NULL);
	return info->num_connections;
}

/* Does what is due, and arms the timer for what will be. */
static void run(struct listener *listener)
{
	(void)MHD_run(listener->daemon); /* fails only for a daemon with threads */
	unsigned long long wait_ms;
	int64_t wake_at = OO_NEVER;
	if (MHD_get_timeout(listener->daemon, &wait_ms) == MHD_YES) {
		wake_at = oo_clock_now() + (int64_t)wait_ms;
	}
	unsigned connections = count_connections(listener);
	if (connections < listener->connections) {
		/* A full daemon takes its socket off the epoll, and puts it back only when it runs
		 * again: without this turn, whoever waits to be accepted would wait for ever. */
		wake_at = oo_clock_now();
	}
	listener->connections = connections;
	oo_timer_set(&listener->timer, wake_at);
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *user)
{
	(void)source;
	(void)fd;
	(void)events;
	run(user);
	return 0;
}

static void on_timer(struct oo_timer *timer)
{
	run(oo_container_of(timer, struct listener, timer));
}

static bool is_get(const char *method)
{
	return oo_text_equal(method, MHD_HTTP_METHOD_GET);
}

static bool is_reachable(const struct listener *listener, const struct oo_api_route *route)
{
	return !listener->tcp || route->tcp;
}

/* NULL: none. *ret_path_known tells an unknown path from a wrong method. */
static const struct oo_api_route *find_route(const struct listener *listener, const char *method,
					     const char *path, bool *ret_path_known)
{
	const char *wanted =
		oo_text_equal(method, MHD_HTTP_METHOD_HEAD) ? MHD_HTTP_METHOD_GET : method;
	*ret_path_known = false;
	for (size_t i = 0; i < listener->api->n_routes; i++) {
		const struct oo_api_route *route = &listener->api->routes[i];
		if (is_reachable(listener, route) && oo_text_equal(route->path, path)) {
			*ret_path_known = true;
			if (oo_text_equal(route->method, wanted)) {
				return route;
			}
		}
	}
	return NULL;
}

static void add_paths(const struct listener *listener, struct oo_buffer *body)
{
	const char *separator = "";
	for (size_t i = 0; i < listener->api->n_routes; i++) {
		const struct oo_api_route *route = &listener->api->routes[i];
		if (is_reachable(listener, route)) {
			(void)oo_buffer_add_format(body, "%s\"%s\"", separator, route->path);
			separator = ", ";
		}
	}
}

/* What a refusal says; a body that memory does not suffice for is made good in send_answer. */
static void refuse_path(const struct listener *listener, struct oo_api_answer *answer)
{
	answer->status = MHD_HTTP_NOT_FOUND;
	(void)oo_buffer_add_format(&answer->body, "{\"error\": \"no such path\", \"paths\": [");
	add_paths(listener, &answer->body);
	(void)oo_buffer_add_format(&answer->body, "]}\n");
}

static void refuse_method(const struct listener *listener, const char *path,
			  struct oo_api_answer *answer, struct oo_buffer *allow)
{
	for (size_t i = 0; i < listener->api->n_routes; i++) {
		const struct oo_api_route *route = &listener->api->routes[i];
		if (is_reachable(listener, route) && oo_text_equal(route->path, path)) {
			(void)oo_buffer_add_format(allow, "%s%s%s", allow->length > 0 ? ", " : "",
						   route->method,
						   is_get(route->method) ? ", HEAD" : "");
		}
	}
	answer->status = MHD_HTTP_METHOD_NOT_ALLOWED;
	(void)oo_buffer_add_format(&answer->body, "{\"error\": \"this path answers %s only\"}\n",
				   allow->length > 0 ? allow->data : "");
}

/* Takes the body. */
static struct MHD_Response *make_response(struct oo_api_answer *answer)
{
	static const char failed[] = "{\"error\": \"no answer could be made: out of memory\"}\n";
	if (answer->body.length == 0) {
		answer->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		answer->type = NULL;
		return MHD_create_response_from_buffer(sizeof(failed) - 1, (void *)failed,
						       MHD_RESPMEM_PERSISTENT);
	}
	struct MHD_Response *response = MHD_create_response_from_buffer(
		answer->body.length, answer->body.data, MHD_RESPMEM_MUST_FREE);
	if (response != NULL) {
		answer->body.data = NULL;
	}
	return response;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct oo_api_answer *answer,
				   const char *allow)
{
	struct MHD_Response *response = make_response(answer);
	if (response == NULL) {
		return MHD_NO;
	}
	enum MHD_Result sent = MHD_NO;
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				    answer->type != NULL ? answer->type : "application/json") ==
		    MHD_YES &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") ==
		    MHD_YES &&
	    (allow == NULL ||
	     MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow) == MHD_YES)) {
		sent = MHD_queue_response(connection, answer->status, response);
	}
	MHD_destroy_response(response);
	return sent;
}

/* RFC 9112, section 6: a request has a body when one of these two says so. */
static bool has_body(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_CONTENT_LENGTH);
	const char *coding = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_TRANSFER_ENCODING);
	return coding != NULL || (length != NULL && !oo_text_equal(length, "0"));
}

static enum MHD_Result answer_request(struct listener *listener, struct MHD_Connection *connection,
				      const char *path, const char *method)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer allow;
	oo_buffer_init(&allow, ALLOW_LENGTH);
	struct oo_api_answer answer = {.status = MHD_HTTP_OK};
	oo_buffer_init(&answer.body, OO_API_ANSWER_BYTES_MAX);
	bool path_known;
	const struct oo_api_route *route = find_route(listener, method, path, &path_known);
	if (!path_known) {
		refuse_path(listener, &answer);
	} else if (route == NULL) {
		refuse_method(listener, path, &answer, &allow);
	} else if (has_body(connection)) {
		answer.status = MHD_HTTP_CONTENT_TOO_LARGE;
		(void)oo_buffer_add_format(&answer.body,
					   "{\"error\": \"a request carries no body here\"}\n");
	} else {
		route->answer(listener->api->user, &answer);
	}
	enum MHD_Result sent =
		send_answer(connection, &answer, allow.length > 0 ? allow.data : NULL);
	oo_buffer_done(&answer.body);
	return sent;
}

/*
 * Runs when the headers are in, and again when the whole request is. An answer given at once ends
 * the connection: right for a body that nobody will read, and for nothing else.
 */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **request)
{
	(void)version;
	(void)upload;
	(void)upload_size;
	if (*request == NULL && !has_body(connection)) {
		*request = user; /* any pointer: it marks the first of the two runs */
		return MHD_YES;
	}
	return answer_request(user, connection, path, method);
}

/* Takes fd, on failure too. */
static int start_daemon(struct listener *listener, int fd, struct oo_err *err)
{
	listener->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, listener, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)OO_API_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)OO_API_IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)OO_API_REQUEST_BYTES_MAX,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		listener->tcp ? (unsigned)CONNECTIONS_PER_ADDRESS_MAX : 0u, MHD_OPTION_END);
	if (listener->daemon == NULL) {
		oo_close(&fd);
		return oo_fail_text(err, ENOMEM, "the API's HTTP server did not start");
	}
	return 0;
}

/* Takes fd, on failure too. */
static int start(struct listener *listener, sd_event *event, int fd, struct oo_err *err)
{
	int r = start_daemon(listener, fd, err);
	if (r < 0) {
		return r;
	}
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	assert(info != NULL);
	r = sd_event_add_io(event, &listener->source, info->epoll_fd, EPOLLIN, on_ready, listener);
	if (r < 0) {
		return oo_fail(err, -r, "the API on the loop");
	}
	r = oo_timer_init(&listener->timer, event, on_timer);
	if (r < 0) {
		return oo_fail(err, -r, "the API's timer");
	}
	/* whatever clients do, holds and deadlines come first */
	r = sd_event_source_set_priority(listener->source, SD_EVENT_PRIORITY_IDLE);
	assert(r >= 0);
	r = sd_event_source_set_priority(listener->timer.source, SD_EVENT_PRIORITY_IDLE);
	assert(r >= 0);
	return 0;
}

static void stop(struct listener *listener)
{
	oo_timer_done(&listener->timer);
	listener->source = sd_event_source_disable_unref(listener->source);
	if (listener->daemon != NULL) {
		MHD_stop_daemon(listener->daemon);
	}
}

void oo_api_free(struct oo_api *api)
{
	if (api == NULL) {
		return;
	}
	oo_socket_file_remove(&api->file);
	stop(&api->local);
	stop(&api->tcp);
	free(api);
}

static void free_api(struct oo_api **api)
{
	oo_api_free(*api);
}

int oo_api_new(sd_event *event, const struct oo_api_options *options, struct oo_api **ret_api,
	       struct oo_err *err)
{
	OO_AUTO(free_api) struct oo_api *api = calloc(1, sizeof(*api));
	if (api == NULL) {
		return oo_fail(err, ENOMEM, "API");
	}
	api->routes = options->routes;
	api->n_routes = options->n_routes;
	api->user = options->user;
	api->local = (struct listener){.api = api};
	api->tcp = (struct listener){.api = api, .tcp = true};
	int fd = -1;
	int r = oo_listen_unix(options->socket_path, &fd, &api->file, err);
	if (r < 0) {
		return r;
	}
	r = start(&api->local, event, fd, err);
	if (r < 0) {
		return r;
	}
	if (options->listen != NULL) {
		r = oo_listen_tcp(options->listen, &fd, err);
		if (r < 0) {
			return r;
		}
		r = start(&api->tcp, event, fd, err);
		if (r < 0) {
			return r;
		}
	}
	*ret_api = oo_take_ptr(api);
	return 0;
}
