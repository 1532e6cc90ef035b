#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "etcd/client.h"
#include "etcd/encode.h"
#include "etcd/message.h"

#define STANDS_MS 3000 /* by when the member must have said that the watch stands */
#define NOWHERE SIZE_MAX

struct oo_etcd_watch {
	struct oo_etcd *etcd;
	oo_etcd_events_fn *on_events;
	oo_etcd_end_fn *on_end;
	void *user;
	struct oo_buffer body;
	struct oo_etcd_wire *wire; /* owned; NULL until opened */
	size_t endpoint;           /* NOWHERE until opened */
	unsigned token;            /* generation of the token it was opened with */
	struct oo_timer timer;     /* go on now; must stand by */
	sd_event_source *deferred; /* what came in, or left, is looked at from the loop */
	bool waiting, login_failed;
	bool stands;
	bool left; /* the client has left the member: failure says why */
	bool busy; /* in on_events: close only marks */
	bool closed;
	int64_t told; /* everything up to this revision has been */
	struct oo_etcd_failure failure;
	struct oo_etcd_watch *next, **link;
};

static void unlink_watch(struct oo_etcd_watch *watch)
{
	*watch->link = watch->next;
	if (watch->next != NULL) {
		watch->next->link = watch->link;
	}
}

/* The watch is in no list any more. */
static void free_watch(struct oo_etcd_watch *watch)
{
	oo_etcd_wire_give(watch->wire);
	oo_timer_done(&watch->timer);
	sd_event_source_disable_unref(watch->deferred);
	oo_buffer_done(&watch->body);
	free(watch);
}

/* Tells the end and is gone. compact_revision is 0 unless it was compacted. */
static void end(struct oo_etcd_watch *watch, const struct oo_etcd_failure *failure,
		int64_t compact_revision)
{
	struct oo_etcd *etcd = watch->etcd;
	oo_etcd_end_fn *on_end = watch->on_end;
	void *user = watch->user;
	int r = failure->r;
	struct oo_err err;
	const char *url =
		watch->endpoint != NOWHERE ? etcd->endpoints.list[watch->endpoint].url : "watch";
	(void)oo_fail_text(&err, -r, "%s: %s", url, failure->text);
	unlink_watch(watch);
	free_watch(watch);
	OO_ETCD_TELL(etcd, on_end(user, r, compact_revision, &err));
}

/* Ends it because the member failed, or refused. */
static void fail(struct oo_etcd_watch *watch, const struct oo_etcd_failure *failure)
{
	struct oo_etcd *etcd = watch->etcd;
	struct oo_etcd_failure told = *failure;
	switch (failure->remedy) {
	case OO_ETCD_GIVE_UP:
		break;
	case OO_ETCD_ASK_ANOTHER:
		if (watch->endpoint != NOWHERE) {
			oo_etcd_blame(etcd, watch->endpoint, failure->text);
		}
		break;
	case OO_ETCD_LOG_IN: /* the next watch waits for a new token */
		told.r = oo_etcd_login_refused(etcd, watch->token) ? -EAGAIN : -EACCES;
		break;
	}
	end(watch, &told, 0);
}

/* Returns whether the watch lives on: it may be closed in the callback. */
static bool tell(struct oo_etcd_watch *watch, const struct oo_etcd_message *message)
{
	watch->busy = true;
	OO_ETCD_TELL(watch->etcd, watch->on_events(watch->user, watch->told, message->events,
						   message->n_events));
	watch->busy = false;
	if (watch->closed) {
		free_watch(watch);
		return false;
	}
	return true;
}

/* Whether the watch lives on. */
static bool take_message(struct oo_etcd_watch *watch, struct oo_etcd_message *message)
{
	if (message->canceled) {
		if (message->compact_revision > 0) {
			end(watch, &message->failure, message->compact_revision);
		} else {
			fail(watch, &message->failure);
		}
		return false;
	}
	if (message->created && !watch->stands) {
		watch->stands = true;
		oo_timer_set(&watch->timer, OO_NEVER);
		watch->told = watch->told >= 0 ? watch->told : message->revision;
	}
	oo_etcd_message_trim(message, watch->told + 1);
	if (message->last_revision > watch->told) {
		/* not the store's: while the watch catches up that is ahead of the events */
		watch->told = message->last_revision;
	}
	return tell(watch, message);
}

/* Reads one message. Returns whether the watch lives on. */
static bool take_line(struct oo_etcd_watch *watch, const char *line, size_t length)
{
	OO_AUTO(oo_etcd_message_done) struct oo_etcd_message message = {0};
	struct oo_etcd_failure failure;
	if (oo_etcd_message_decode(line, length, &message, &failure) < 0) {
		fail(watch, &failure);
		return false;
	}
	return take_message(watch, &message);
}

/* Reads the whole messages that have come. Returns whether the watch lives on. */
static bool drain(struct oo_etcd_watch *watch)
{
	struct oo_buffer *answer = &watch->wire->answer;
	size_t at = 0;
	const char *feed;
	if (oo_etcd_wire_status(watch->wire) != 200) {
		return true; /* a refusal: read as a whole when it is complete */
	}
	while (at < answer->length &&
	       (feed = memchr(answer->data + at, '\n', answer->length - at)) != NULL) {
		size_t length = (size_t)(feed - answer->data) - at;
		if (length > 0 && !take_line(watch, answer->data + at, length)) {
			return false;
		}
		at += length + 1;
	}
	oo_buffer_drop(answer, at);
	return true;
}

static int on_deferred(sd_event_source *source, void *user)
{
	(void)source;
	struct oo_etcd_watch *watch = user;
	if (drain(watch) && watch->left) {
		end(watch, &watch->failure, 0);
	}
	return 0;
}

static void on_arrived(void *user)
{
	struct oo_etcd_watch *watch = user;
	(void)sd_event_source_set_enabled(watch->deferred, SD_EVENT_ONESHOT); /* cannot fail */
}

/* The stream is over. An error may stand at its end, without a line feed. */
static void on_over(struct oo_etcd_wire *wire, CURLcode code, void *user)
{
	struct oo_etcd_watch *watch = user;
	struct oo_etcd_failure failure;
	if (!drain(watch)) {
		return;
	}
	long status = oo_etcd_wire_status(wire);
	if (code != CURLE_OK) {
		oo_etcd_wire_failure(wire, code, &failure);
	} else if (status != 200) {
		oo_etcd_decode_refusal(status, wire->answer.data != NULL ? wire->answer.data : "",
				       wire->answer.length, &failure);
	} else if (wire->answer.length > 0 &&
		   !take_line(watch, wire->answer.data, wire->answer.length)) {
		return;
	} else {
		oo_etcd_failure_set(&failure, OO_ETCD_ASK_ANOTHER, ECONNRESET,
				    "the member closed the watch");
	}
	fail(watch, &failure);
}

static int start(struct oo_etcd_watch *watch)
{
	struct oo_etcd *etcd = watch->etcd;
	watch->endpoint = etcd->endpoints.current;
	watch->token = etcd->login.generation;
	const struct oo_etcd_send send = {
		.url = etcd->endpoints.list[watch->endpoint].url,
		.path = "/v3/watch",
		.body = watch->body.data,
		.body_length = watch->body.length,
		.token = etcd->login.token,
		.needs_leader =
			true, /* else it stays open, and silent, on a member that is cut off */
		.connect_timeout_ms = etcd->endpoints.n > 1 ? OO_ETCD_CONNECT_MS : STANDS_MS,
		.done = on_over,
		.arrived = on_arrived,
		.user = watch,
	};
	oo_timer_set(&watch->timer, oo_clock_now() + STANDS_MS);
	return oo_etcd_wires_send(&etcd->wires, &send, &watch->wire);
}

static void log_in_and_start(struct oo_etcd_watch *watch)
{
	struct oo_etcd *etcd = watch->etcd;
	struct oo_etcd_failure failure;
	enum oo_etcd_login_state state = OO_ETCD_LOGIN_FAILED;
	if (!watch->login_failed) {
		state = oo_etcd_login_ask(etcd, oo_clock_now());
	}
	switch (state) {
	case OO_ETCD_LOGIN_READY:
		if (start(watch) < 0) {
			oo_etcd_failure_set(&failure, OO_ETCD_GIVE_UP, ENOMEM, "out of memory");
			end(watch, &failure, 0);
		}
		break;
	case OO_ETCD_LOGIN_WAIT:
		watch->waiting = true;
		break;
	case OO_ETCD_LOGIN_FAILED:
		oo_etcd_failure_set(&failure, OO_ETCD_GIVE_UP, -etcd->login.r, "login: %.280s",
				    etcd->login.err.text);
		end(watch, &failure, 0);
		break;
	}
}

static void on_timer(struct oo_timer *timer)
{
	struct oo_etcd_watch *watch = oo_container_of(timer, struct oo_etcd_watch, timer);
	if (watch->wire == NULL) {
		log_in_and_start(watch);
		return;
	}
	struct oo_etcd_failure failure;
	oo_etcd_failure_set(&failure, OO_ETCD_ASK_ANOTHER, ETIMEDOUT,
			    "the watch did not stand within %d ms", STANDS_MS);
	fail(watch, &failure);
}

static struct oo_etcd_watch *alloc(struct oo_etcd *etcd)
{
	struct oo_etcd_watch *watch = calloc(1, sizeof(*watch));
	if (watch == NULL) {
		return NULL;
	}
	oo_buffer_init(&watch->body, OO_ETCD_REQUEST_BYTES_MAX);
	int r = oo_timer_init(&watch->timer, etcd->event, on_timer);
	r = r < 0 ? r : sd_event_add_defer(etcd->event, &watch->deferred, on_deferred, watch);
	r = r < 0 ? r : sd_event_source_set_enabled(watch->deferred, SD_EVENT_OFF);
	if (r < 0) {
		free_watch(watch);
		return NULL;
	}
	return watch;
}

int oo_etcd_watch_open(struct oo_etcd *etcd, const struct oo_etcd_watch_options *options,
		       struct oo_etcd_watch **ret_watch)
{
	struct oo_etcd_watch *watch = alloc(etcd);
	if (watch == NULL) {
		return -ENOMEM;
	}
	const struct oo_etcd_range range = {options->key, options->range_end, options->prefix};
	int r = oo_etcd_encode_watch(&range, options->start_revision, &watch->body);
	if (r < 0) {
		free_watch(watch);
		return r;
	}
	watch->etcd = etcd;
	watch->on_events = options->on_events;
	watch->on_end = options->on_end;
	watch->user = options->user;
	watch->endpoint = NOWHERE;
	watch->told = options->start_revision - 1; /* -1: known once it stands */
	watch->link = &etcd->watches;
	watch->next = etcd->watches;
	if (watch->next != NULL) {
		watch->next->link = &watch->next;
	}
	etcd->watches = watch;
	oo_timer_set(&watch->timer, 0);
	*ret_watch = watch;
	return 0;
}

void oo_etcd_watch_close(struct oo_etcd_watch *watch)
{
	if (watch == NULL) {
		return;
	}
	unlink_watch(watch);
	if (watch->busy) {
		watch->closed = true;
	} else {
		free_watch(watch);
	}
}

void oo_etcd_watch_wake_all(struct oo_etcd *etcd, bool logged_in)
{
	for (struct oo_etcd_watch *watch = etcd->watches; watch != NULL; watch = watch->next) {
		if (watch->waiting) {
			watch->waiting = false;
			watch->login_failed = !logged_in;
			oo_timer_set(&watch->timer, 0);
		}
	}
}

void oo_etcd_watch_leave(struct oo_etcd *etcd, size_t endpoint, const char *why)
{
	for (struct oo_etcd_watch *watch = etcd->watches; watch != NULL; watch = watch->next) {
		if (watch->endpoint == endpoint && !watch->left) {
			watch->left = true;
			oo_etcd_failure_set(&watch->failure, OO_ETCD_GIVE_UP, EAGAIN,
					    "the member was left: %.280s", why);
			on_arrived(watch);
		}
	}
}

void oo_etcd_watch_free_all(struct oo_etcd *etcd)
{
	while (etcd->watches != NULL) {
		oo_etcd_watch_close(etcd->watches);
	}
}
