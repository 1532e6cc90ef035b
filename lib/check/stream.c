#include "check/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define HOST_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:"
/* RFC 1035, 2.3.4 */
#define HOST_MAX 255
#define URL_LENGTH (HOST_MAX + 32)

static void write_url(char url[static URL_LENGTH], const struct oo_check_address *address,
		      bool uses_tls)
{
	bool six = strchr(address->host, ':') != NULL;
	snprintf(url, URL_LENGTH, "%s://%s%s%s:%d/", uses_tls ? "https" : "http", six ? "[" : "",
		 address->host, six ? "]" : "", address->port);
}

int oo_check_address_verify(const struct oo_check_address *address, struct oo_err *err)
{
	const char *host = address->host;
	char url[URL_LENGTH];
	if (address->port == 0) {
		return oo_fail_text(err, EINVAL, "port 0: must be 1 to 65535");
	}
	if (host != NULL && host[0] != '\0' && strlen(host) <= HOST_MAX &&
	    host[strspn(host, HOST_CHARACTERS)] == '\0') {
		write_url(url, address, false);
		return oo_check_url_verify(url, err);
	}
	return oo_fail_text(err, EINVAL, "host: must be a name, or an address without brackets");
}

void oo_check_stream_say(struct oo_check_stream *stream, enum oo_check_reason reason,
			 const char *what)
{
	oo_check_curl_say_bytes(&stream->curl, reason, what, &stream->in);
}

int oo_check_stream_send(struct oo_check_stream *stream, const void *data, size_t length)
{
	int r = oo_buffer_add(&stream->out, data, length);
	if (r == 0 && stream->source != NULL) {
		(void)sd_event_source_set_io_events(stream->source, EPOLLIN | EPOLLOUT);
	}
	return r;
}

static void end(struct oo_check_stream *stream, CURLcode code)
{
	size_t n = 0;
	if (code != CURLE_OK && !stream->decided) {
		oo_check_curl_judge(&stream->curl, code);
	}
	if (code == CURLE_OK && stream->out.length > 0) { /* a farewell: if it goes, it goes */
		(void)curl_easy_send(stream->curl.easy, stream->out.data, stream->out.length, &n);
	}
	oo_check_run_finish(stream->curl.run);
}

/* Returns false when the connection has broken, and the run is over. */
static bool write_out(struct oo_check_stream *stream)
{
	struct oo_buffer *out = &stream->out;
	CURLcode code = CURLE_OK;
	while (out->length > 0 && code == CURLE_OK) {
		size_t n = 0;
		code = curl_easy_send(stream->curl.easy, out->data, out->length, &n);
		oo_buffer_drop(out, n);
	}
	if (code != CURLE_OK && code != CURLE_AGAIN) {
		end(stream, code);
		return false;
	}
	(void)sd_event_source_set_io_events(stream->source,
					    EPOLLIN | (out->length > 0 ? EPOLLOUT : 0));
	return true;
}

static void say_closed(struct oo_check_stream *stream)
{
	if (stream->received_bytes == 0) {
		oo_check_run_say(stream->curl.run, OO_CHECK_REASON_CLOSED, "closed without a word");
	} else {
		oo_check_stream_say(stream, OO_CHECK_REASON_CLOSED, "closed after");
	}
}

static void note_bytes(struct oo_check_stream *stream, size_t n)
{
	if (stream->received_bytes == 0) {
		stream->curl.run->result.times.first_byte_us =
			oo_clock_now_us() - stream->opened_us;
		oo_check_curl_answered(&stream->curl);
	}
	stream->received_bytes += n;
}

/* Reads all there is. Returns false when the run is over. */
static bool read_in(struct oo_check_stream *stream)
{
	char data[4096];
	size_t n = 0;
	CURLcode code;
	while ((code = curl_easy_recv(stream->curl.easy, data, sizeof(data), &n)) == CURLE_OK) {
		if (n == 0) {
			if (!stream->decided) {
				say_closed(stream);
			}
			end(stream, CURLE_OK);
			return false;
		}
		note_bytes(stream, n);
		int r = oo_buffer_add(&stream->in, data, n);
		if (r == -EMSGSIZE) {
			oo_check_stream_say(stream, OO_CHECK_REASON_PROTOCOL, "too much:");
		} else if (r < 0) {
			oo_check_run_say_errno(stream->curl.run, OO_CHECK_REASON_LOCAL, -r);
		}
		if (r < 0 || stream->talk->received(stream)) {
			end(stream, CURLE_OK);
			return false;
		}
	}
	if (code != CURLE_AGAIN) {
		end(stream, code);
	}
	return code == CURLE_AGAIN;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct oo_check_stream *stream = user;
	(void)source;
	(void)fd;
	(void)events; /* TLS may have to read in order to write */
	if (read_in(stream)) {
		(void)write_out(stream);
	}
	return 0;
}

static int watch(struct oo_check_stream *stream)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	(void)curl_easy_getinfo(stream->curl.easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD) {
		return -ENOTCONN;
	}
	return sd_event_add_io(stream->curl.run->setup->event, &stream->source, fd,
			       EPOLLIN | (stream->out.length > 0 ? EPOLLOUT : 0), on_io, stream);
}

static void on_connected(struct oo_check_curl *curl, CURLcode code)
{
	struct oo_check_stream *stream = oo_container_of(curl, struct oo_check_stream, curl);
	oo_check_curl_set_times(curl);
	if (code != CURLE_OK) {
		end(stream, code);
		return;
	}
	stream->opened_us = oo_clock_now_us();
	if (stream->talk->opened(stream)) {
		end(stream, CURLE_OK);
		return;
	}
	int r = watch(stream);
	if (r < 0) {
		oo_check_run_say_errno(curl->run, OO_CHECK_REASON_LOCAL, -r);
		end(stream, CURLE_OK);
	}
}

/*
 * The connection is opened by libcurl (CURLOPT_CONNECT_ONLY), so that names, address families, TLS
 * and causes of failure are those of an HTTP check.
 */
int oo_check_stream_start(struct oo_check_stream *stream, struct oo_check_run *run,
			  const struct oo_check_address *address, const struct oo_check_tls *tls,
			  const struct oo_check_talk *talk)
{
	char url[URL_LENGTH];
	*stream = (struct oo_check_stream){.talk = talk, .curl = stream->curl};
	oo_buffer_init(&stream->in, OO_CHECK_STREAM_MAX);
	oo_buffer_init(&stream->out, OO_CHECK_STREAM_MAX);
	int r = oo_check_curl_begin(&stream->curl, run, on_connected);
	if (r == OO_CHECK_CURL_NEW) {
		write_url(url, address, tls != NULL);
		curl_easy_setopt(stream->curl.easy, CURLOPT_CONNECT_ONLY, 1L);
		/* or it would be closed */
		curl_easy_setopt(stream->curl.easy, CURLOPT_FORBID_REUSE, 0L);
		r = oo_check_curl_set_url(&stream->curl, url, tls);
	}
	return r == 0 ? oo_check_curl_connect(&stream->curl) : r;
}

void oo_check_stream_stop(struct oo_check_stream *stream)
{
	stream->source = sd_event_source_disable_unref(stream->source);
	oo_check_curl_stop(&stream->curl);
	oo_buffer_done(&stream->in);
	oo_buffer_done(&stream->out);
}

void oo_check_stream_done(struct oo_check_stream *stream)
{
	oo_check_curl_done(&stream->curl);
}

void oo_check_stream_expire(struct oo_check_stream *stream)
{
	struct oo_check_run *run = stream->curl.run;
	if (stream->decided) {
		return;
	}
	if (stream->source == NULL) {
		oo_check_curl_judge_timeout(&stream->curl, 0);
		oo_check_curl_set_times(&stream->curl);
	} else if (stream->received_bytes == 0) {
		oo_check_run_say(run, OO_CHECK_REASON_SILENT, "connected, no answer");
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_SLOW, "answer not over after %zu bytes",
				 stream->received_bytes);
	}
}
