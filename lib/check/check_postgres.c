#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/scram.h"
#include "check/secret.h"
#include "check/stream.h"
#include "check/wire.h"

#define PROTOCOL_3 196608 /* version 3.0: PostgreSQL, 55.7 */
#define MESSAGE_HEAD 5
#define MESSAGE_MAX 8192
#define FIELD_LENGTH 80
#define SCRAM "SCRAM-SHA-256"

enum authentication {
	AUTHENTICATION_OK = 0,
	AUTHENTICATION_PASSWORD = 3,
	AUTHENTICATION_MD5 = 5,
	AUTHENTICATION_SASL = 10,
	AUTHENTICATION_SASL_CONTINUE = 11,
	AUTHENTICATION_SASL_FINAL = 12,
};

/* The columns of the answer, as texts. */
enum column { COLUMN_RECOVERY, COLUMN_READ_ONLY, COLUMN_LEFT, COLUMN_MISSING, COLUMNS };

struct postgres {
	struct oo_check_stream stream;
	struct oo_check_scram scram; /* kept from run to run */
	char columns[COLUMNS][FIELD_LENGTH];
	bool asked, answered;
};

static struct postgres *postgres_of(struct oo_check_stream *stream)
{
	return oo_container_of(stream, struct postgres, stream);
}

/* Sends a message of that type (0: the first has none). Returns as received does. */
static bool send_message(struct oo_check_stream *stream, char type, const void *data, size_t length)
{
	struct oo_buffer message;
	oo_buffer_init(&message, MESSAGE_MAX);
	int r = type != 0 ? oo_buffer_add(&message, &type, 1) : 0;
	r = r < 0 ? r : oo_check_write_number(&message, (uint32_t)length + 4, 4);
	r = r < 0 ? r : oo_buffer_add(&message, data, length);
	r = r < 0 ? r : oo_check_stream_send(stream, message.data, message.length);
	if (message.data != NULL) {
		explicit_bzero(message.data, message.length); /* it may have a password */
	}
	oo_buffer_done(&message);
	if (r < 0) {
		oo_check_run_say_errno(stream->curl.run, OO_CHECK_REASON_LOCAL, -r);
	}
	return r < 0;
}

static bool opened(struct oo_check_stream *stream)
{
	const struct oo_check_postgres *spec = &stream->curl.run->spec->postgres;
	struct oo_buffer data;
	oo_buffer_init(&data, MESSAGE_MAX);
	(void)oo_check_write_number(&data, PROTOCOL_3, 4); /* a failure makes it too short */
	const char *const words[] = {"user",         spec->user,         "database",
				     spec->database, "application_name", "ooha"};
	for (size_t i = 0; i < OO_LENGTH(words); i++) {
		(void)oo_buffer_add(&data, words[i], strlen(words[i]) + 1);
	}
	(void)oo_buffer_add(&data, "", 1);
	bool over = send_message(stream, 0, data.data, data.length);
	oo_buffer_done(&data);
	return over;
}

/* One query for all; the tables' names have nothing in them to escape. Returns as received. */
static bool ask(struct oo_check_stream *stream)
{
	const struct oo_check_texts *tables = &stream->curl.run->spec->postgres.tables;
	struct oo_buffer query;
	oo_buffer_init(&query, MESSAGE_MAX);
	(void)oo_buffer_add_format(
		&query, "SELECT pg_is_in_recovery(), current_setting('transaction_read_only'), "
			"current_setting('max_connections')::int - "
			"current_setting('superuser_reserved_connections')::int - "
			"(SELECT sum(numbackends) FROM pg_stat_database), "
			"(SELECT string_agg(t, ', ') FROM unnest(ARRAY[");
	for (size_t i = 0; i < tables->n; i++) {
		(void)oo_buffer_add_format(&query, "'%s', ", tables->items[i]);
	}
	(void)oo_buffer_add_format(
		&query, "NULL]::text[]) t WHERE t IS NOT NULL AND to_regclass(t) IS NULL)");
	postgres_of(stream)->asked = true;
	bool over = send_message(stream, 'Q', query.data, query.length + 1); /* its NUL too */
	oo_buffer_done(&query);
	return over;
}

/* What is sent when a password is asked for. Returns as received does. */
static bool prove(struct oo_check_stream *stream, uint32_t how, struct oo_check_reader *reader,
		  const char *password)
{
	struct oo_check_scram *scram = &postgres_of(stream)->scram;
	const struct oo_check_postgres *spec = &stream->curl.run->spec->postgres;
	char text[OO_CHECK_SCRAM_LENGTH], challenge[OO_CHECK_SCRAM_LENGTH] = "";
	int r = -EPROTO;
	struct oo_buffer data;
	oo_buffer_init(&data, MESSAGE_MAX);
	if (how == AUTHENTICATION_PASSWORD) {
		r = oo_buffer_add(&data, password, strlen(password) + 1);
	} else if (how == AUTHENTICATION_MD5 && reader->length >= 4) {
		r = oo_check_md5_answer(spec->user, password, reader->data, text);
		r = r < 0 ? r : oo_buffer_add(&data, text, strlen(text) + 1);
	} else if (how == AUTHENTICATION_SASL) {
		r = oo_check_scram_begin(scram, text);
		r = r < 0 ? r : oo_buffer_add(&data, SCRAM, sizeof(SCRAM));
		r = r < 0 ? r : oo_check_write_text(&data, text, 4);
	} else if (how == AUTHENTICATION_SASL_CONTINUE && reader->length < sizeof(challenge)) {
		memcpy(challenge, reader->data, reader->length);
		r = oo_check_scram_answer(scram, password, challenge, text);
		r = r < 0 ? r : oo_buffer_add(&data, text, strlen(text));
	}
	if (r < 0) {
		oo_check_run_say(stream->curl.run, OO_CHECK_REASON_PROTOCOL,
				 "login of an unknown kind (%u): %s", how, strerror(-r));
	}
	bool over = r < 0 || send_message(stream, 'p', data.data, data.length);
	if (data.data != NULL) {
		explicit_bzero(data.data, data.length);
	}
	oo_buffer_done(&data);
	return over;
}

static bool log_in(struct oo_check_stream *stream, struct oo_check_reader *reader)
{
	struct oo_check_run *run = stream->curl.run;
	const char *path = run->spec->postgres.password_file;
	char password[OO_CHECK_SECRET_LENGTH];
	uint32_t how = oo_check_read_number(reader, 4);
	if (how == AUTHENTICATION_OK || how == AUTHENTICATION_SASL_FINAL) {
		return false; /* the server's own proof is not looked at: nothing is told to it */
	}
	if (path == NULL) {
		oo_check_run_say(run, OO_CHECK_REASON_DENIED, "a password is asked for");
		return true;
	}
	int r = oo_check_password_read(path, run->spec->postgres.password_pointer, password);
	if (r < 0) {
		oo_check_run_say(run, OO_CHECK_REASON_LOCAL, "password_file: %s", strerror(-r));
		return true;
	}
	bool over = prove(stream, how, reader, password);
	explicit_bzero(password, sizeof(password));
	return over;
}

/* What a SQLSTATE means (PostgreSQL, appendix A). */
static enum oo_check_reason reason_of(const char *state)
{
	static const struct {
		const char *state; /* or how it begins */
		enum oo_check_reason reason;
	} reasons[] = {
		{"28", OO_CHECK_REASON_DENIED},     /* invalid authorization */
		{"42501", OO_CHECK_REASON_DENIED},  /* insufficient privilege */
		{"3D000", OO_CHECK_REASON_MISSING}, /* no such database */
		{"53300", OO_CHECK_REASON_FULL},    /* too many connections */
		{"57P03", OO_CHECK_REASON_STARTING},
		{"57P0", OO_CHECK_REASON_STOPPED}, /* shut down, or crashed */
	};
	for (size_t i = 0; i < OO_LENGTH(reasons); i++) {
		if (strncmp(state, reasons[i].state, strlen(reasons[i].state)) == 0) {
			return reasons[i].reason;
		}
	}
	return OO_CHECK_REASON_FAILED;
}

/* Fields of a letter and a text each; the last is a NUL alone. */
static void judge_error(struct oo_check_run *run, struct oo_check_reader *reader)
{
	char state[8] = "", message[OO_CHECK_SEEN_LENGTH] = "";
	uint32_t field;
	while ((field = oo_check_read_number(reader, 1)) != 0) {
		const char *text = (const char *)reader->data;
		size_t length = strnlen(text, reader->length);
		if (oo_check_read_bytes(reader, length + 1) == NULL) {
			break;
		}
		if (field == 'C') {
			oo_text_clip(state, sizeof(state), text);
		} else if (field == 'M') {
			oo_text_clip(message, sizeof(message), text);
		}
	}
	/* 57P03 is said before and after (postmaster.c, canAcceptConnections); only the words differ */
	bool is_ending = strstr(message, "shutting down") != NULL;
	oo_check_run_say(run, is_ending ? OO_CHECK_REASON_STOPPED : reason_of(state), "%s (%s)",
			 message, state);
}

static void take_row(struct postgres *postgres, struct oo_check_reader *reader)
{
	uint32_t n = oo_check_read_number(reader, 2);
	for (size_t i = 0; i < n && i < COLUMNS; i++) {
		uint32_t length = oo_check_read_number(reader, 4);
		bool is_null = length == UINT32_MAX;
		const unsigned char *data = oo_check_read_bytes(reader, is_null ? 0 : length);
		size_t shown = is_null || data == NULL ? 0
			       : length < FIELD_LENGTH ? length
						       : FIELD_LENGTH - 1;
		if (shown > 0) {
			memcpy(postgres->columns[i], data, shown);
		}
		postgres->columns[i][shown] = '\0';
	}
	postgres->answered = n == COLUMNS && !reader->bad;
}

static void judge(struct postgres *postgres)
{
	struct oo_check_run *run = postgres->stream.curl.run;
	const struct oo_check_postgres *spec = &run->spec->postgres;
	int left = (int)strtol(postgres->columns[COLUMN_LEFT], NULL, 10);
	bool in_recovery = postgres->columns[COLUMN_RECOVERY][0] == 't';
	if (!postgres->answered) {
		oo_check_run_say(run, OO_CHECK_REASON_PROTOCOL, "no answer to the question");
	} else if (!spec->read_only && in_recovery) {
		oo_check_run_say(run, OO_CHECK_REASON_READ_ONLY, "in recovery: a standby");
	} else if (!spec->read_only && oo_text_equal(postgres->columns[COLUMN_READ_ONLY], "on")) {
		oo_check_run_say(run, OO_CHECK_REASON_READ_ONLY, "transactions are read only");
	} else if (postgres->columns[COLUMN_MISSING][0] != '\0') {
		oo_check_run_say(run, OO_CHECK_REASON_MISSING, "no table %s",
				 postgres->columns[COLUMN_MISSING]);
	} else if (left < spec->connections) {
		oo_check_run_say(run, OO_CHECK_REASON_FULL, "%d connections left", left);
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "%s, %d connections left",
				 in_recovery ? "standby" : "writable", left);
	}
}

/* Ready for a query: the first time to be asked, the second time it has answered. */
static bool take_ready(struct oo_check_stream *stream)
{
	struct postgres *postgres = postgres_of(stream);
	if (!postgres->asked) {
		return ask(stream);
	}
	judge(postgres);
	(void)oo_check_stream_send(stream, "X\0\0\0\4", 5); /* Terminate: a courtesy */
	return true;
}

static bool take_message(struct oo_check_stream *stream, uint32_t type,
			 struct oo_check_reader *reader)
{
	switch (type) { /* what the server says, not an enum of ours */
	case 'R':
		return log_in(stream, reader);
	case 'E':
		judge_error(stream->curl.run, reader);
		return true;
	case 'D':
		take_row(postgres_of(stream), reader);
		return false;
	case 'Z':
		return take_ready(stream);
	default: /* parameters, keys, notices, descriptions */
		return false;
	}
}

static bool received(struct oo_check_stream *stream)
{
	bool over = false;
	while (!over && stream->in.length >= MESSAGE_HEAD) {
		struct oo_check_reader reader = {.data = (unsigned char *)stream->in.data,
						 .length = stream->in.length};
		uint32_t type = oo_check_read_number(&reader, 1);
		size_t size = oo_check_read_number(&reader, 4);
		if (type < 'A' || type > 'z' || size < 4 ||
		    size > OO_CHECK_STREAM_MAX - MESSAGE_HEAD) {
			oo_check_stream_say(stream, OO_CHECK_REASON_PROTOCOL, "not PostgreSQL:");
			return true;
		}
		if (reader.length < size - 4) {
			return false;
		}
		reader.length = size - 4;
		over = take_message(stream, type, &reader);
		oo_buffer_drop(&stream->in, 1 + size);
	}
	return over;
}

static const struct oo_check_talk talk = {.opened = opened, .received = received};

static int verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	return oo_check_address_verify(&spec->postgres.address, err);
}

static int start(struct oo_check_run *run)
{
	struct postgres *postgres = run->state;
	postgres->asked = postgres->answered = false;
	return oo_check_stream_start(&postgres->stream, run, &run->spec->postgres.address, NULL,
				     &talk);
}

static void expire(struct oo_check_run *run)
{
	struct postgres *postgres = run->state;
	oo_check_stream_expire(&postgres->stream);
}

static void stop(struct oo_check_run *run)
{
	struct postgres *postgres = run->state;
	oo_check_stream_stop(&postgres->stream);
}

static void done(struct oo_check_run *run)
{
	struct postgres *postgres = run->state;
	oo_check_stream_done(&postgres->stream);
	explicit_bzero(&postgres->scram, sizeof(postgres->scram));
}

const struct oo_check_kind oo_check_postgres = {
	.state_size = sizeof(struct postgres),
	.verify = verify,
	.start = start,
	.expire = expire,
	.stop = stop,
	.done = done,
};
