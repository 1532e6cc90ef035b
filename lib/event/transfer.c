#include "event/transfer.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/timer.h"

struct running {
	CURL *easy; /* the caller's */
	oo_transfer_fn *done;
	void *user;
	bool keeps; /* stays here when it has connected */
	struct running *next, **link;
};

struct oo_transfers {
	sd_event *event;
	CURLM *multi;
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
	finish_done(transfers);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
	(void)source;
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
	act(user, fd, flags);
	return 0;
}

static void on_timer(struct oo_timer *timer)
{
	act(oo_container_of(timer, struct oo_transfers, timer), CURL_SOCKET_TIMEOUT, 0);
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

/* CURLMOPT_SOCKETFUNCTION: keeps one event source a socket, remembered by curl as socketp. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
	(void)easy;
	struct oo_transfers *transfers = user;
	sd_event_source *source = socket_user;
	if (what == CURL_POLL_REMOVE) {
		sd_event_source_disable_unref(source);
		curl_multi_assign(transfers->multi, fd, NULL);
		return 0;
	}
	if (source != NULL) {
		return sd_event_source_set_io_events(source, poll_events(what)) < 0 ? -1 : 0;
	}
	if (sd_event_add_io(transfers->event, &source, fd, poll_events(what), on_io, transfers) <
	    0) {
		return -1;
	}
	curl_multi_assign(transfers->multi, fd, source);
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

int oo_transfers_new(sd_event *event, struct oo_transfers **ret_transfers, struct oo_err *err)
{
	struct oo_transfers *transfers = calloc(1, sizeof(*transfers));
	if (transfers == NULL) {
		return oo_fail(err, ENOMEM, "transfers");
	}
	transfers->event = sd_event_ref(event);
	transfers->has_ca_file = curl_version_info(CURLVERSION_NOW)->cainfo != NULL;
	int r = oo_timer_init(&transfers->timer, event, on_timer);
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
	sd_event_unref(transfers->event);
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
