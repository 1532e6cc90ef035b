#include "event/transfer.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/timer.h"

/* Sockets seen to at once, before anybody else on the loop has a turn. */
#define READY_MAX 32

struct running {
	CURL *easy; /* the caller's */
	oo_transfer_fn *done;
	void *user;
	bool keeps; /* stays here when it has connected */
	struct running *next, **link;
};

struct oo_transfers {
	CURLM *multi;
	/*
	 * The sockets have an epoll of their own, which is one source on the loop: those that are ready
	 * at the same time cost one turn of it, and none costs it an event source.
	 */
	int epoll;
	sd_event_source *source;
	struct oo_timer timer;
	struct running *running;
	bool has_ca_file; /* libcurl's default; asked once, for it writes all its versions anew */
};

static void forget(struct oo_transfers *transfers, struct running *running)
{
	CURLMcode code = curl_multi_remove_handle(transfers->multi, running->easy);
	assert(code == CURLM_OK);
	curl_easy_setopt(running->easy, CURLOPT_PRIVATE, NULL);
	*running->link = running->next;
	if (running->next != NULL) {
		running->next->link = running->link;
	}
	free(running);
}

static void finish_done(struct oo_transfers *transfers)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(transfers->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE) {
			continue;
		}
		CURL *easy = message->easy_handle;
		CURLcode code = message->data.result;
		struct running *running = NULL;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&running);
		assert(running != NULL);
		oo_transfer_fn *done = running->done;
		void *user = running->user;
		if (!running->keeps || code != CURLE_OK) {
			forget(transfers, running);
		}
		done(easy, code, user);
	}
}

static void act(struct oo_transfers *transfers, curl_socket_t fd, int flags)
{
	int still_running;
	(void)curl_multi_socket_action(transfers->multi, fd, flags,
				       &still_running); /* errors come per transfer */
}

static int flags_of(uint32_t events)
{
	int flags = 0;
	if (events & (EPOLLIN | EPOLLHUP)) {
		flags |= CURL_CSELECT_IN;
	}
	if (events & EPOLLOUT) {
		flags |= CURL_CSELECT_OUT;
	}
	if (events & EPOLLERR) {
		flags |= CURL_CSELECT_ERR;
	}
	return flags;
}

/*
 * What is seen to first may close another's socket, and even open a new one of its number: libcurl
 * takes a socket that is not ready, or not its own, for what it is.
 */
static int on_ready(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct oo_transfers *transfers = user;
	struct epoll_event ready[READY_MAX];
	(void)source;
	(void)events;
	int n = epoll_wait(fd, ready, READY_MAX, 0);
	for (int i = 0; i < n; i++) {
		act(transfers, ready[i].data.fd, flags_of(ready[i].events));
	}
	finish_done(transfers);
	return 0;
}

static void on_timer(struct oo_timer *timer)
{
	struct oo_transfers *transfers = oo_container_of(timer, struct oo_transfers, timer);
	act(transfers, CURL_SOCKET_TIMEOUT, 0);
	finish_done(transfers);
}

static uint32_t poll_events(int what)
{
	switch (what) {
	case CURL_POLL_IN:
		return EPOLLIN;
	case CURL_POLL_OUT:
		return EPOLLOUT;
	case CURL_POLL_INOUT:
		return EPOLLIN | EPOLLOUT;
	default: /* CURL_POLL_NONE: an int of curl's, not an enum of ours */
		return 0;
	}
}

/* CURLMOPT_SOCKETFUNCTION. known: what curl_multi_assign said of the socket, NULL when it is new. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
	struct oo_transfers *transfers = user;
	struct epoll_event event = {.data.fd = fd};
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(transfers->epoll, EPOLL_CTL_DEL, fd, NULL); /* or it is closed */
		return 0;
	}
	event.events = poll_events(what);
	if (epoll_ctl(transfers->epoll, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) <
	    0) {
		return -1;
	}
	curl_multi_assign(transfers->multi, fd, transfers);
	return 0;
}

/* CURLMOPT_TIMERFUNCTION */
static int on_timeout(CURLM *multi, long timeout_ms, void *user)
{
	(void)multi;
	struct oo_transfers *transfers = user;
	oo_timer_set(&transfers->timer, timeout_ms < 0 ? OO_NEVER : oo_clock_now() + timeout_ms);
	return 0;
}

static int watch(struct oo_transfers *transfers, sd_event *event)
{
	transfers->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (transfers->epoll < 0) {
		return -errno;
	}
	int r = sd_event_add_io(event, &transfers->source, transfers->epoll, EPOLLIN, on_ready,
				transfers);
	return r < 0 ? r : oo_timer_init(&transfers->timer, event, on_timer);
}

int oo_transfers_new(sd_event *event, struct oo_transfers **ret_transfers, struct oo_err *err)
{
	struct oo_transfers *transfers = calloc(1, sizeof(*transfers));
	if (transfers == NULL) {
		return oo_fail(err, ENOMEM, "transfers");
	}
	transfers->has_ca_file = curl_version_info(CURLVERSION_NOW)->cainfo != NULL;
	int r = watch(transfers, event);
	transfers->multi = curl_multi_init();
	if (r < 0 || transfers->multi == NULL) {
		oo_transfers_free(transfers);
		return oo_fail(err, r < 0 ? -r : ENOMEM, "curl on the event loop");
	}
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
	*ret_transfers = transfers;
	return 0;
}

void oo_transfers_free(struct oo_transfers *transfers)
{
	if (transfers == NULL) {
		return;
	}
	while (transfers->running != NULL) {
		forget(transfers, transfers->running);
	}
	if (transfers->multi != NULL) {
		curl_multi_cleanup(transfers->multi);
	}
	oo_timer_done(&transfers->timer);
	transfers->source = sd_event_source_disable_unref(transfers->source);
	if (transfers->epoll >= 0) {
		close(transfers->epoll);
	}
	free(transfers);
}

static int add(struct oo_transfers *transfers, const struct running *wanted)
{
	CURL *easy = wanted->easy;
	struct running *running = calloc(1, sizeof(*running));
	if (running == NULL) {
		return -ENOMEM;
	}
	*running = *wanted;
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	if (transfers->has_ca_file) {
		/* with a directory beside the file it would parse all CAs for each connection */
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	CURLMcode code = curl_multi_add_handle(transfers->multi, easy);
	if (code != CURLM_OK) {
		free(running);
		return code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
	}
	/* only now: a handle that is refused may be running already, for somebody else */
	curl_easy_setopt(easy, CURLOPT_PRIVATE, running);
	running->link = &transfers->running;
	running->next = transfers->running;
	if (running->next != NULL) {
		running->next->link = &running->next;
	}
	transfers->running = running;
	return 0;
}

int oo_transfers_start(struct oo_transfers *transfers, CURL *easy, oo_transfer_fn *done, void *user)
{
	return add(transfers, &(struct running){.easy = easy, .done = done, .user = user});
}

int oo_transfers_connect(struct oo_transfers *transfers, CURL *easy, oo_transfer_fn *done,
			 void *user)
{
	return add(transfers,
		   &(struct running){.easy = easy, .done = done, .user = user, .keeps = true});
}

void oo_transfers_cancel(struct oo_transfers *transfers, CURL *easy)
{
	struct running *running = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&running);
	assert(running != NULL);
	forget(transfers, running);
}
