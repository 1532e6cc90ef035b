#ifndef OO_CHECK_STREAM_H
#define OO_CHECK_STREAM_H
/*
 * A conversation over TCP, or over TLS: who comes to a kind's word when, and how it ends. Private
 * to the module.
 */
#include "base/text.h"
#include "check/curl.h"

#define OO_CHECK_STREAM_MAX 65536 /* bytes received, or waiting to be sent */

struct oo_check_stream;

/*
 * What a kind has to say. Each returns whether the run is over, its result said with
 * oo_check_run_say, and must not end the stream itself.
 */
struct oo_check_talk {
	bool (*opened)(struct oo_check_stream *stream);
	/* More has come: stream->in is all that was not dropped yet. */
	bool (*received)(struct oo_check_stream *stream);
};

/* In place, in a kind's state: start, stop; done in the end. A zeroed one may be stopped. */
struct oo_check_stream {
	struct oo_check_curl curl;
	const struct oo_check_talk *talk;
	sd_event_source *source; /* owned; NULL until an answer is waited for */
	bool decided;            /* the result is said: how the end comes changes it no more */
	struct oo_buffer in, out;
	size_t received_bytes; /* ever */
	int64_t opened_us;     /* CLOCK_BOOTTIME us */
};

/*
 * Connects and talks.
 * tls  NULL: plain TCP.
 * Returns 0 or -errno, for the kind's start to return.
 */
int oo_check_stream_start(struct oo_check_stream *stream, struct oo_check_run *run,
			  const struct oo_check_address *address, const struct oo_check_tls *tls,
			  const struct oo_check_talk *talk);
void oo_check_stream_stop(struct oo_check_stream *stream);
void oo_check_stream_done(struct oo_check_stream *stream);
/* The deadline has passed: says in which phase. */
void oo_check_stream_expire(struct oo_check_stream *stream);

/* Sends when it can. Returns 0, -ENOMEM or -EMSGSIZE. */
int oo_check_stream_send(struct oo_check_stream *stream, const void *data, size_t length);

/* Says `<what> "<the beginning of what is in>"`. */
void oo_check_stream_say(struct oo_check_stream *stream, enum oo_check_reason reason,
			 const char *what);

/* Is it a place that can be connected to? Returns 0, -EINVAL or -ENOMEM. */
int oo_check_address_verify(const struct oo_check_address *address, struct oo_err *err);

#endif
