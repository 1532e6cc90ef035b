#include <errno.h>
#include <string.h>

#include "check/stream.h"

static bool opened(struct oo_check_stream *stream)
{
	struct oo_check_run *run = stream->curl.run;
	const struct oo_check_tcp *spec = &run->spec->tcp;
	int r = 0;
	if (spec->uses_tls && !oo_check_curl_is_valid(&stream->curl, &spec->tls)) {
		return true;
	}
	if (spec->send != NULL) {
		r = oo_check_stream_send(stream, spec->send, strlen(spec->send));
	}
	if (r < 0) {
		oo_check_run_say_errno(run, OO_CHECK_REASON_LOCAL, -r);
	} else if (spec->expect == NULL) {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "connected");
	}
	return r < 0 || spec->expect == NULL;
}

static bool received(struct oo_check_stream *stream)
{
	const char *expect = stream->curl.run->spec->tcp.expect;
	if (memmem(stream->in.data, stream->in.length, expect, strlen(expect)) == NULL) {
		return false;
	}
	oo_check_stream_say(stream, OO_CHECK_REASON_OK, "answer");
	return true;
}

static const struct oo_check_talk talk = {.opened = opened, .received = received};

static int verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	return oo_check_address_verify(&spec->tcp.address, err);
}

static int start(struct oo_check_run *run)
{
	const struct oo_check_tcp *spec = &run->spec->tcp;
	return oo_check_stream_start(run->state, run, &spec->address,
				     spec->uses_tls ? &spec->tls : NULL, &talk);
}

/* What came, and did not end the run, was another answer. */
static void expire(struct oo_check_run *run)
{
	struct oo_check_stream *stream = run->state;
	if (stream->received_bytes > 0) {
		oo_check_stream_say(stream, OO_CHECK_REASON_CONTENT, "answer");
	} else {
		oo_check_stream_expire(stream);
	}
}

static void stop(struct oo_check_run *run)
{
	oo_check_stream_stop(run->state);
}

static void done(struct oo_check_run *run)
{
	oo_check_stream_done(run->state);
}

const struct oo_check_kind oo_check_tcp = {
	.state_size = sizeof(struct oo_check_stream),
	.verify = verify,
	.start = start,
	.expire = expire,
	.stop = stop,
	.done = done,
};
