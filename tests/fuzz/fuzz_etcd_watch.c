/*
 * A watch stream through the real watch.c: the wire and the loop below it are played here, so that
 * the same bytes come once in one piece and once in many. Told must be the same, each event once, in
 * order, and the end exactly once. The first byte seeds the pieces, the second is the start revision
 * as a digit, the third the HTTP status as in fuzz_etcd_answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/client.h"
#include "etcd/encode.h"
#include "etcd_print.h"
#include "fuzz.h"

#define TOLD_BYTES_MAX (1 << 20)

/* One stream, from the open to the end. */
static struct stream {
	struct oo_etcd etcd;
	struct oo_etcd_wire wire;
	struct oo_timer *timer;
	sd_event_handler_t deferred;
	void *deferred_user;
	bool deferred_on;
	long status;
	struct oo_buffer *told; /* what came of it, as text */
	int64_t told_to;
	unsigned ends;
	bool opened;
} stream;

/* The loop. */

int sd_event_add_defer(sd_event *event, sd_event_source **source, sd_event_handler_t callback,
		       void *user)
{
	(void)event;
	stream.deferred = callback;
	stream.deferred_user = user;
	*source = (sd_event_source *)&stream;
	return 0;
}

int sd_event_source_set_enabled(sd_event_source *source, int enabled)
{
	(void)source;
	stream.deferred_on = enabled != SD_EVENT_OFF;
	return 0;
}

sd_event_source *sd_event_source_disable_unref(sd_event_source *source)
{
	(void)source;
	stream.deferred_on = false;
	return NULL;
}

int oo_timer_init(struct oo_timer *timer, sd_event *event, oo_timer_fn *expired)
{
	(void)event;
	*timer = (struct oo_timer){.expired = expired};
	stream.timer = timer;
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

/* The client. */

enum oo_etcd_login_state oo_etcd_login_ask(struct oo_etcd *etcd, int64_t now)
{
	(void)etcd;
	(void)now;
	return OO_ETCD_LOGIN_READY;
}

bool oo_etcd_login_refused(struct oo_etcd *etcd, unsigned generation)
{
	(void)etcd;
	(void)generation;
	return true;
}

void oo_etcd_blame(struct oo_etcd *etcd, size_t i, const char *why)
{
	(void)etcd;
	FUZZ_CHECK(i == 0);
	fuzz_check_text(why, OO_ETCD_FAILURE_LENGTH);
}

/* The wire. */

int oo_etcd_wires_send(struct oo_etcd_wires *wires, const struct oo_etcd_send *send,
		       struct oo_etcd_wire **ret_wire)
{
	(void)wires;
	stream.wire = (struct oo_etcd_wire){
		.done = send->done, .arrived = send->arrived, .user = send->user};
	oo_buffer_init(&stream.wire.answer, OO_ETCD_ANSWER_BYTES_MAX);
	stream.opened = true;
	*ret_wire = &stream.wire;
	return 0;
}

void oo_etcd_wire_give(struct oo_etcd_wire *wire)
{
	FUZZ_CHECK(wire == &stream.wire);
	oo_buffer_done(&wire->answer);
	stream.opened = false;
}

long oo_etcd_wire_status(const struct oo_etcd_wire *wire)
{
	(void)wire;
	return stream.status;
}

void oo_etcd_wire_failure(const struct oo_etcd_wire *wire, CURLcode code,
			  struct oo_etcd_failure *ret_failure)
{
	(void)wire;
	const struct oo_etcd_broken broken = {.code = code, .sent = true, .theirs = ""};
	oo_etcd_failure_from_broken(&broken, ret_failure);
}

/* The user. */

static void on_events(void *user, int64_t revision, const struct oo_etcd_event *events, size_t n)
{
	(void)user;
	FUZZ_CHECK(stream.ends == 0 && revision >= stream.told_to);
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(events[i].kv.mod_revision > stream.told_to);
		FUZZ_CHECK(events[i].kv.mod_revision <= revision);
		FUZZ_CHECK(oo_buffer_add(stream.told, events[i].deleted ? "-" : "+", 1) == 0);
		print_kv(&events[i].kv, stream.told);
	}
	FUZZ_CHECK(oo_buffer_add_format(stream.told, "to %lld\n", (long long)revision) == 0);
	stream.told_to = revision;
}

static void on_end(void *user, int r, int64_t compact_revision, const struct oo_err *err)
{
	(void)user;
	stream.ends++;
	FUZZ_CHECK(r < 0 && err != NULL);
	FUZZ_CHECK((r == -ERANGE) || compact_revision == 0);
	fuzz_check_text(err->text, sizeof(err->text));
	FUZZ_CHECK(oo_buffer_add_format(stream.told, "end %d %lld %s\n", r,
					(long long)compact_revision, err->text) == 0);
}

/* Bytes come in; a turn of the loop may follow. */
static void arrive(const char *data, size_t length, bool turn)
{
	FUZZ_CHECK(oo_buffer_add(&stream.wire.answer, data, length) == 0);
	stream.wire.arrived(stream.wire.user);
	if (turn && stream.deferred_on) {
		stream.deferred_on = false;
		FUZZ_CHECK(stream.deferred(NULL, stream.deferred_user) == 0);
	}
}

/* pieces 0: all at once. */
static void play(const struct fuzz_input *input, uint32_t pieces, int64_t start,
		 struct oo_buffer *told)
{
	struct oo_etcd_watch *watch;
	const struct oo_etcd_watch_options options = {
		.key = "k", .start_revision = start, .on_events = on_events, .on_end = on_end};
	stream = (struct stream){.status = stream.status, .told = told, .told_to = start - 1};
	stream.etcd.endpoints.n = 1;
	strcpy(stream.etcd.endpoints.list[0].url, "http://etcd");
	FUZZ_CHECK(oo_etcd_watch_open(&stream.etcd, &options, &watch) == 0);
	stream.timer->expired(stream.timer);
	FUZZ_CHECK(stream.opened);
	for (size_t at = 0; at < input->length && stream.opened;) {
		pieces = pieces * 1103515245 + 12345;
		size_t left = input->length - at;
		size_t n = pieces >> 16 & 15;
		n = pieces == 12345 || n >= left ? left : n + 1;
		arrive((const char *)input->data + at, n, pieces >> 30 != 0);
		at += n;
	}
	if (stream.opened) {
		stream.wire.done(&stream.wire, CURLE_OK, stream.wire.user);
	}
	FUZZ_CHECK(stream.ends == 1 && !stream.opened && stream.etcd.watches == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct fuzz_input input = {data, length};
	OO_AUTO(oo_buffer_done) struct oo_buffer whole, pieces;
	oo_buffer_init(&whole, TOLD_BYTES_MAX);
	oo_buffer_init(&pieces, TOLD_BYTES_MAX);
	uint32_t seed = (uint32_t)fuzz_take_byte(&input) + 1;
	int64_t start = fuzz_take_byte(&input) % 10;
	stream.status = fuzz_take_byte(&input) == '4' ? 404 : 200;
	play(&input, 0, start, &whole);
	play(&input, seed, start, &pieces);
	FUZZ_CHECK(oo_text_equal(whole.data, pieces.data));
	return 0;
}
