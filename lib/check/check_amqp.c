#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/secret.h"
#include "check/stream.h"
#include "check/wire.h"

#define PREAMBLE "AMQP\0\0\11\1" /* AMQP 0-9-1, 4.2.2 */
#define FRAME_METHOD 1
#define FRAME_HEADER 2
#define FRAME_END 0xce
#define FRAME_HEAD 7
#define TEXT_LENGTH 100
/* What we publish is empty: no body, no long table. */
#define ASKED_MAX 4096

#define METHOD(class, method) ((uint32_t)(class) << 16 | (method))
enum method {
	CONNECTION_START = METHOD(10, 10),
	CONNECTION_START_OK = METHOD(10, 11),
	CONNECTION_TUNE = METHOD(10, 30),
	CONNECTION_TUNE_OK = METHOD(10, 31),
	CONNECTION_OPEN = METHOD(10, 40),
	CONNECTION_OPEN_OK = METHOD(10, 41),
	CONNECTION_CLOSE = METHOD(10, 50),
	CONNECTION_CLOSE_OK = METHOD(10, 51),
	CONNECTION_BLOCKED =
		METHOD(10, 60), /* RabbitMQ's own: rabbitmq.com/docs/connection-blocked */
	CHANNEL_OPEN = METHOD(20, 10),
	CHANNEL_OPEN_OK = METHOD(20, 11),
	CHANNEL_CLOSE = METHOD(20, 40),
	QUEUE_DECLARE = METHOD(50, 10),
	QUEUE_DECLARE_OK = METHOD(50, 11),
	BASIC_PUBLISH = METHOD(60, 40),
};
/* Reply codes (AMQP 0-9-1, 1.2). */
#define CODE_ACCESS_REFUSED 403
#define CODE_NOT_FOUND 404
#define CODE_NOT_ALLOWED 530 /* no such virtual host, or not for this user */
#define QUEUE_PASSIVE 1
/* The server says why it refuses a password, instead of only closing; and that it blocks us. */
static const char *const capabilities[] = {"authentication_failure_close", "connection.blocked"};
/* A queue that nobody has: what goes there is dropped. */
#define NOWHERE "ooha.nowhere"

static void begin_method(struct oo_buffer *payload, uint32_t method)
{
	oo_buffer_init(payload, ASKED_MAX);
	(void)oo_check_write_number(payload, method, 4); /* a failure shows in send_method */
}

/* Sends payload and frees it. Returns false when it was not whole. */
static bool send_frame(struct oo_check_stream *stream, int type, int channel,
		       struct oo_buffer *payload)
{
	struct oo_buffer frame;
	oo_buffer_init(&frame, ASKED_MAX + FRAME_HEAD + 1);
	int r = oo_check_write_number(&frame, (uint32_t)type, 1);
	r = r < 0 ? r : oo_check_write_number(&frame, (uint32_t)channel, 2);
	r = r < 0 ? r : oo_check_write_number(&frame, (uint32_t)payload->length, 4);
	r = r < 0 ? r : oo_buffer_add(&frame, payload->data, payload->length);
	r = r < 0 ? r : oo_check_write_number(&frame, FRAME_END, 1);
	r = r < 0 ? r : oo_check_stream_send(stream, frame.data, frame.length);
	if (payload->data != NULL) {
		explicit_bzero(payload->data, payload->length);
		explicit_bzero(frame.data, frame.length);
	}
	oo_buffer_done(&frame);
	oo_buffer_done(payload);
	if (r < 0) {
		oo_check_run_say_errno(stream->curl.run, OO_CHECK_REASON_LOCAL, -r);
	}
	return r == 0;
}

static bool send_method(struct oo_check_stream *stream, int channel, struct oo_buffer *payload)
{
	return send_frame(stream, FRAME_METHOD, channel, payload);
}

/* {"capabilities": {"...": true, "...": true}} */
static void write_properties(struct oo_buffer *payload)
{
	uint32_t inner = 0;
	for (size_t i = 0; i < OO_LENGTH(capabilities); i++) {
		inner += 1 + (uint32_t)strlen(capabilities[i]) + 2;
	}
	(void)oo_check_write_number(payload, 1 + 12 + 1 + 4 + inner, 4);
	(void)oo_check_write_text(payload, "capabilities", 1);
	(void)oo_check_write_number(payload, 'F', 1);
	(void)oo_check_write_number(payload, inner, 4);
	for (size_t i = 0; i < OO_LENGTH(capabilities); i++) {
		(void)oo_check_write_text(payload, capabilities[i], 1);
		(void)oo_check_write_number(payload, 't', 1);
		(void)oo_check_write_number(payload, 1, 1);
	}
}

/* PLAIN (RFC 4616): NUL, user, NUL, password. */
static bool log_in(struct oo_check_stream *stream)
{
	const struct oo_check_amqp *spec = &stream->curl.run->spec->amqp;
	char password[OO_CHECK_SECRET_LENGTH] = "guest";
	int r = spec->password_file != NULL
			? oo_check_password_read(spec->password_file, spec->password_pointer,
						 password)
			: 0;
	if (r < 0) {
		oo_check_run_say(stream->curl.run, OO_CHECK_REASON_LOCAL, "password_file: %s",
				 strerror(-r));
		return false;
	}
	struct oo_buffer payload;
	begin_method(&payload, CONNECTION_START_OK);
	write_properties(&payload);
	(void)oo_check_write_text(&payload, "PLAIN", 1);
	(void)oo_check_write_number(&payload, (uint32_t)(2 + strlen(spec->user) + strlen(password)),
				    4);
	(void)oo_buffer_add(&payload, "", 1);
	(void)oo_buffer_add(&payload, spec->user, strlen(spec->user));
	(void)oo_buffer_add(&payload, "", 1);
	(void)oo_buffer_add(&payload, password, strlen(password));
	(void)oo_check_write_text(&payload, "en_US", 1);
	explicit_bzero(password, sizeof(password));
	return send_method(stream, 0, &payload);
}

/* Takes the server's frame size (a smaller one is refused by newer ones); no heartbeats. */
static bool tune_and_open(struct oo_check_stream *stream, struct oo_check_reader *reader)
{
	struct oo_buffer payload;
	(void)oo_check_read_number(reader, 2); /* channels: one will do */
	uint32_t frame_max = oo_check_read_number(reader, 4);
	begin_method(&payload, CONNECTION_TUNE_OK);
	(void)oo_check_write_number(&payload, 1, 2);
	(void)oo_check_write_number(&payload, frame_max, 4);
	(void)oo_check_write_number(&payload, 0, 2);
	if (!send_method(stream, 0, &payload)) {
		return false;
	}
	begin_method(&payload, CONNECTION_OPEN);
	(void)oo_check_write_text(&payload, stream->curl.run->spec->amqp.vhost, 1);
	(void)oo_check_write_number(&payload, 0, 2);
	return send_method(stream, 0, &payload);
}

static bool open_channel(struct oo_check_stream *stream)
{
	struct oo_buffer payload;
	begin_method(&payload, CHANNEL_OPEN);
	(void)oo_check_write_number(&payload, 0, 1);
	return send_method(stream, 1, &payload);
}

static bool ask_for_queue(struct oo_check_stream *stream)
{
	struct oo_buffer payload;
	begin_method(&payload, QUEUE_DECLARE);
	(void)oo_check_write_number(&payload, 0, 2);
	(void)oo_check_write_text(&payload, stream->curl.run->spec->amqp.queue, 1);
	(void)oo_check_write_number(&payload, QUEUE_PASSIVE, 1);
	(void)oo_check_write_number(&payload, 0, 4);
	return send_method(stream, 1, &payload);
}

/*
 * An empty message to the default exchange, for a queue that is not there. RabbitMQ drops it. While
 * an alarm for memory or disk is set it says connection.blocked at once, and reads nothing more;
 * to who only listens it never says so (seen with 3.10.8).
 */
static bool publish(struct oo_check_stream *stream)
{
	struct oo_buffer payload;
	begin_method(&payload, BASIC_PUBLISH);
	(void)oo_check_write_number(&payload, 0, 2);
	(void)oo_check_write_text(&payload, "", 1);
	(void)oo_check_write_text(&payload, NOWHERE, 1);
	(void)oo_check_write_number(&payload, 0, 1);
	if (!send_method(stream, 1, &payload)) {
		return false;
	}
	begin_method(&payload, METHOD(60, 0)); /* class and weight */
	(void)oo_check_write_number(&payload, 0, 4);
	(void)oo_check_write_number(&payload, 0, 4);
	(void)oo_check_write_number(&payload, 0, 2);
	return send_frame(stream, FRAME_HEADER, 1, &payload);
}

/* Says good-bye, so that the server does not log that we went without. Returns as received does. */
static bool close_politely(struct oo_check_stream *stream)
{
	struct oo_buffer payload;
	stream->decided = true;
	begin_method(&payload, CONNECTION_CLOSE);
	(void)oo_check_write_number(&payload, 200, 2);
	(void)oo_check_write_text(&payload, "done", 1);
	(void)oo_check_write_number(&payload, 0, 4);
	return !send_method(stream, 0, &payload);
}

static void judge_queue(struct oo_check_run *run, struct oo_check_reader *reader)
{
	const struct oo_check_amqp *spec = &run->spec->amqp;
	(void)oo_check_read_bytes(reader, oo_check_read_number(reader, 1)); /* its name */
	uint32_t messages = oo_check_read_number(reader, 4);
	uint32_t consumers = oo_check_read_number(reader, 4);
	if (reader->bad) {
		oo_check_run_say(run, OO_CHECK_REASON_PROTOCOL, "a frame that ends too soon");
		return;
	}
	oo_check_run_say(run,
			 consumers < (uint32_t)spec->consumers ? OO_CHECK_REASON_NO_CONSUMERS
							       : OO_CHECK_REASON_OK,
			 "%u consumers, %u messages", consumers, messages);
}

/* connection.close and channel.close: code, text. */
static void judge_close(struct oo_check_run *run, struct oo_check_reader *reader)
{
	char text[TEXT_LENGTH + 1] = "";
	uint32_t code = oo_check_read_number(reader, 2);
	size_t length = oo_check_read_number(reader, 1);
	const unsigned char *data = oo_check_read_bytes(reader, length);
	enum oo_check_reason reason = code == CODE_ACCESS_REFUSED || code == CODE_NOT_ALLOWED
					      ? OO_CHECK_REASON_DENIED
				      : code == CODE_NOT_FOUND ? OO_CHECK_REASON_MISSING
							       : OO_CHECK_REASON_CLOSED;
	if (data != NULL) {
		memcpy(text, data, length < TEXT_LENGTH ? length : TEXT_LENGTH);
	}
	oo_check_run_say(run, reason, "%u %s", code, text);
}

static void judge_blocked(struct oo_check_run *run, struct oo_check_reader *reader)
{
	char text[TEXT_LENGTH + 1] = "";
	size_t length = oo_check_read_number(reader, 1);
	const unsigned char *data = oo_check_read_bytes(reader, length);
	if (data != NULL) {
		memcpy(text, data, length < TEXT_LENGTH ? length : TEXT_LENGTH);
	}
	oo_check_run_say(run, OO_CHECK_REASON_UNHEALTHY, "publishers are blocked: %s", text);
}

/* The channel is open. Returns as received does. */
static bool use_channel(struct oo_check_stream *stream)
{
	const struct oo_check_amqp *spec = &stream->curl.run->spec->amqp;
	if (spec->publishes && !publish(stream)) {
		return true;
	}
	if (spec->queue != NULL) {
		return !ask_for_queue(stream);
	}
	oo_check_run_say(stream->curl.run, OO_CHECK_REASON_OK, "logged in, may publish");
	return close_politely(stream);
}

/* Returns whether the run is over. */
static bool take_method(struct oo_check_stream *stream, struct oo_check_reader *reader)
{
	struct oo_check_run *run = stream->curl.run;
	switch (oo_check_read_number(reader, 4)) { /* what the server says, not an enum of ours */
	case CONNECTION_START:
		return !log_in(stream);
	case CONNECTION_TUNE:
		return !tune_and_open(stream, reader);
	case CONNECTION_OPEN_OK:
		if (run->spec->amqp.queue != NULL || run->spec->amqp.publishes) {
			return !open_channel(stream);
		}
		oo_check_run_say(run, OO_CHECK_REASON_OK, "logged in");
		return close_politely(stream);
	case CHANNEL_OPEN_OK:
		return use_channel(stream);
	case QUEUE_DECLARE_OK:
		judge_queue(run, reader);
		return close_politely(stream);
	case CHANNEL_CLOSE:
		judge_close(run, reader);
		return close_politely(stream);
	case CONNECTION_CLOSE:
		judge_close(run, reader);
		return true;
	case CONNECTION_CLOSE_OK:
		return true;
	case CONNECTION_BLOCKED:
		if (run->spec->amqp.publishes) {
			judge_blocked(run, reader);
		}
		return run->spec->amqp.publishes;
	default: /* what is not for us */
		return false;
	}
}

static bool opened(struct oo_check_stream *stream)
{
	int r = oo_check_stream_send(stream, PREAMBLE, sizeof(PREAMBLE) - 1);
	if (r < 0) {
		oo_check_run_say_errno(stream->curl.run, OO_CHECK_REASON_LOCAL, -r);
	}
	return r < 0;
}

static bool received(struct oo_check_stream *stream)
{
	bool over = false;
	while (!over && stream->in.length >= FRAME_HEAD) {
		struct oo_check_reader reader = {.data = (unsigned char *)stream->in.data,
						 .length = stream->in.length};
		uint32_t type = oo_check_read_number(&reader, 1);
		(void)oo_check_read_number(&reader, 2);
		size_t size = oo_check_read_number(&reader, 4);
		/* a server of another version sends its preamble: 'A' is no type of a frame */
		if (type > 8 || size > OO_CHECK_STREAM_MAX - FRAME_HEAD - 1) {
			oo_check_stream_say(stream, OO_CHECK_REASON_PROTOCOL, "not AMQP 0-9-1:");
			return true;
		}
		if (reader.length < size + 1) {
			return false;
		}
		reader.length = size;
		over = type == FRAME_METHOD && take_method(stream, &reader);
		oo_buffer_drop(&stream->in, FRAME_HEAD + size + 1);
	}
	return over;
}

static const struct oo_check_talk talk = {.opened = opened, .received = received};

static int verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	return oo_check_address_verify(&spec->amqp.address, err);
}

static int start(struct oo_check_run *run)
{
	const struct oo_check_amqp *spec = &run->spec->amqp;
	return oo_check_stream_start(run->state, run, &spec->address,
				     spec->uses_tls ? &spec->tls : NULL, &talk);
}

static void expire(struct oo_check_run *run)
{
	oo_check_stream_expire(run->state);
}

static void stop(struct oo_check_run *run)
{
	oo_check_stream_stop(run->state);
}

static void done(struct oo_check_run *run)
{
	oo_check_stream_done(run->state);
}

const struct oo_check_kind oo_check_amqp = {
	.state_size = sizeof(struct oo_check_stream),
	.verify = verify,
	.start = start,
	.expire = expire,
	.stop = stop,
	.done = done,
};
