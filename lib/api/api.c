#include "api/api.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "api/listen.h"
#include "api/serve.h"
#include "api/tls.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "event/timer.h"

/* Nobody may fill the TCP listener alone and so take a node out of a load balancer. */
#define CONNECTIONS_PER_ADDRESS_MAX 16
/* All of them may shake hands in one turn of the loop, at up to 2 ms each (RSA). */
#define TLS_CONNECTIONS_MAX 16
#define TLS_CONNECTIONS_PER_ADDRESS_MAX 8

/* What a listener costs, whatever its clients do: a SHARE-th of a core, and so much at a stretch. */
#define SHARE 4
#define WORK_BURST_US 20000
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct listener {
	struct oo_serve_place place;
	sd_event *event;           /* the caller's */
	int fd;                    /* owned, listening; -1: not */
	struct MHD_Daemon *daemon; /* owned; NULL: not listening. Has a duplicate of fd */
	sd_event_source *source;   /* owned */
	struct oo_timer timer;
	unsigned connections; /* after the last run */
	struct oo_rate share;
};

struct oo_api {
	struct oo_api_options options; /* what may be gone once it listens is not looked at */
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

/* CPU time: on a busy machine clients are not to pay for what others take. */
static int64_t work_us(void)
{
	struct timespec spent;
	int r = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
	assert(r == 0);
	return spent.tv_sec * INT64_C(1000000) + spent.tv_nsec / 1000;
}

/* Does what is due, and arms the timer for what will be; later if it has taken its share. */
static void run(struct listener *listener)
{
	int64_t began_us = work_us();
	oo_serve_begin_turn(&listener->place);
	(void)MHD_run(listener->daemon); /* fails only for a daemon with threads */
	int64_t rest_us = oo_rate_take(&listener->share, oo_clock_now_us(),
				       SHARE * (work_us() - began_us), SHARE * WORK_BURST_US);
	unsigned long long wait_ms;
	int64_t wake_at = OO_NEVER;
	if (MHD_get_timeout(listener->daemon, &wait_ms) == MHD_YES) {
		wake_at = oo_clock_now() + (int64_t)wait_ms;
	}
	unsigned connections = count_connections(listener);
	if (connections < listener->connections || listener->place.n_waiting > 0) {
		/* Who waits for a turn is to get it. And a full daemon takes its socket off the
		 * epoll, and puts it back only when it runs again: without this turn, whoever waits
		 * to be accepted would wait for ever. */
		wake_at = oo_clock_now();
	}
	listener->connections = connections;
	if (rest_us > 0) {
		wake_at = oo_clock_now() + (rest_us + 999) / 1000;
	}
	int r = sd_event_source_set_enabled(listener->source,
					    rest_us > 0 ? SD_EVENT_OFF : SD_EVENT_ON);
	assert(r >= 0);
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

static void stop_daemon(struct listener *listener)
{
	listener->source = sd_event_source_disable_unref(listener->source);
	if (listener->daemon != NULL) {
		oo_serve_begin_turn(&listener->place); /* it ends none that is suspended */
		MHD_stop_daemon(listener->daemon);
		listener->daemon = NULL;
	}
}

static void on_timer(struct oo_timer *timer)
{
	run(oo_container_of(timer, struct listener, timer));
}

/* texts: NULL for plain HTTP. NULL: it did not start. */
static struct MHD_Daemon *start_daemon(struct listener *listener, int fd,
				       const struct oo_tls_texts *texts)
{
	const struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, texts != NULL ? (void *)texts->certificate : NULL},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, texts != NULL ? (void *)texts->key : NULL},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned most = texts != NULL ? TLS_CONNECTIONS_MAX : OO_API_CONNECTIONS_MAX;
	unsigned most_of_address = texts != NULL         ? TLS_CONNECTIONS_PER_ADDRESS_MAX
				   : listener->place.tcp ? CONNECTIONS_PER_ADDRESS_MAX
							 : 0;
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (texts != NULL ? MHD_USE_TLS : 0), 0,
		NULL, NULL, oo_serve_request, &listener->place, MHD_OPTION_NOTIFY_COMPLETED,
		oo_serve_end, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, most,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)OO_API_IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)OO_API_REQUEST_BYTES_MAX,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, most_of_address, MHD_OPTION_ARRAY,
		texts != NULL ? tls : tls + OO_LENGTH(tls) - 1, MHD_OPTION_END);
}

/* A daemon on the listener's socket, on the loop, in place of one that is there. */
static int put_daemon(struct listener *listener, const struct oo_tls_texts *texts,
		      struct oo_err *err)
{
	OO_AUTO(oo_close) int fd = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		return oo_fail(err, errno, "the API's socket");
	}
	struct MHD_Daemon *daemon = start_daemon(listener, fd, texts);
	if (daemon == NULL) {
		return texts != NULL
			       ? oo_fail_text(err, EINVAL,
					      "the API's HTTPS server did not start: GnuTLS "
					      "takes no such certificate, or no such key")
			       : oo_fail_text(err, ENOMEM, "the API's HTTP server did not start");
	}
	(void)oo_take_fd(&fd);
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	assert(info != NULL);
	sd_event_source *source = NULL;
	int r = sd_event_add_io(listener->event, &source, info->epoll_fd, EPOLLIN, on_ready,
				listener);
	if (r < 0) {
		MHD_stop_daemon(daemon);
		return oo_fail(err, -r, "the API on the loop");
	}
	/* whatever clients do, holds and deadlines come first */
	r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
	assert(r >= 0);
	stop_daemon(listener);
	listener->daemon = daemon;
	listener->source = source;
	return 0;
}

/* Takes fd, on failure too. */
static int start(struct listener *listener, int fd, const struct oo_api_tls *tls,
		 struct oo_err *err)
{
	OO_AUTO(oo_tls_wipe) struct oo_tls_texts *texts = NULL;
	listener->fd = fd;
	int r = tls != NULL ? oo_tls_read(tls, &texts, err) : 0;
	r = r < 0 ? r : put_daemon(listener, texts, err);
	if (r < 0) {
		return r;
	}
	r = oo_timer_init(&listener->timer, listener->event, on_timer);
	if (r < 0) {
		return oo_fail(err, -r, "the API's timer");
	}
	r = sd_event_source_set_priority(listener->timer.source, SD_EVENT_PRIORITY_IDLE);
	assert(r >= 0);
	return 0;
}

int oo_api_set_tls(struct oo_api *api, const struct oo_api_tls *tls, struct oo_err *err)
{
	OO_AUTO(oo_tls_wipe) struct oo_tls_texts *texts = NULL;
	assert(api->tcp.daemon != NULL && api->options.tls != NULL);
	int r = oo_tls_read(tls, &texts, err);
	return r < 0 ? r : put_daemon(&api->tcp, texts, err);
}

static void stop(struct listener *listener)
{
	oo_timer_done(&listener->timer);
	stop_daemon(listener);
	oo_close(&listener->fd);
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

/* A table that lets strangers, or a look, change something is a mistake of ours. */
static void check_routes(const struct oo_api_options *options)
{
	for (size_t i = 0; i < options->n_routes; i++) {
		const struct oo_api_route *route = &options->routes[i];
		bool get = oo_text_equal(route->method, MHD_HTTP_METHOD_GET);
		assert(!route->change || (!route->tcp && !get && options->change_group != NULL));
		assert(!route->tcp || get);
	}
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
	check_routes(options);
	api->options = *options;
	api->local =
		(struct listener){.place = {.options = &api->options}, .event = event, .fd = -1};
	api->tcp = (struct listener){
		.place = {.options = &api->options, .tcp = true}, .event = event, .fd = -1};
	int fd = -1;
	int r = oo_listen_unix(options->socket_path, options->socket_group, &fd, &api->file, err);
	if (r < 0) {
		return r;
	}
	r = start(&api->local, fd, NULL, err);
	if (r < 0) {
		return r;
	}
	if (options->listen != NULL) {
		r = oo_listen_tcp(options->listen, &fd, err);
		if (r < 0) {
			return r;
		}
		r = start(&api->tcp, fd, options->tls, err);
		if (r < 0) {
			return r;
		}
	}
	*ret_api = oo_take_ptr(api);
	return 0;
}
