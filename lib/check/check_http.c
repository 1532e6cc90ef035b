#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/curl.h"

/* Why we took no more of the answer. */
enum stop {
	STOP_NONE = 0,
	STOP_NOT_HTTP,
	STOP_TOO_LONG,
	STOP_NO_MEMORY,
};

struct http {
	struct oo_check_curl curl;
	struct curl_slist *headers;
	struct oo_buffer body;
	enum stop stop;
};

/* What of a body is shown; it is cut after that. */
#define SHOWN_BYTES 64

static int verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	if (spec->http.url == NULL || (strncasecmp(spec->http.url, "http://", 7) != 0 &&
				       strncasecmp(spec->http.url, "https://", 8) != 0)) {
		return oo_fail_text(err, EINVAL, "url: must begin with http:// or https://");
	}
	if (spec->http.expect_status < 100 || spec->http.expect_status > 599) {
		return oo_fail_text(err, EINVAL, "expected status %d: must be 100 to 599",
				    spec->http.expect_status);
	}
	if (spec->http.expect_body != NULL && strlen(spec->http.expect_body) > OO_CHECK_BODY_MAX) {
		return oo_fail_text(err, EINVAL, "expected body: must be at most %d bytes",
				    OO_CHECK_BODY_MAX);
	}
	return oo_check_url_verify(spec->http.url, err);
}

/* Of the answer; 0 while none has come. */
static int status_of(const struct http *http)
{
	long status = 0;
	curl_easy_getinfo(http->curl.easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 ? (int)status : 0; /* 1xx only comes before the answer */
}

/* CURLOPT_WRITEFUNCTION: taking less than n ends the transfer with CURLE_WRITE_ERROR. */
static size_t on_body(char *data, size_t one, size_t n, void *user)
{
	struct http *http = user;
	(void)one; /* always 1 */
	oo_check_curl_answered(&http->curl);
	int r = oo_buffer_add(&http->body, data, n);
	if (status_of(http) == 0) {
		/* no status line: "HTTP/0.9" to libcurl, that is, anything at all */
		http->stop = STOP_NOT_HTTP;
	} else if (r < 0) {
		http->stop = r == -EMSGSIZE ? STOP_TOO_LONG : STOP_NO_MEMORY;
	}
	return http->stop == STOP_NONE ? n : 0;
}

/* CURLOPT_HEADERFUNCTION */
static size_t on_header(char *data, size_t one, size_t n, void *user)
{
	struct http *http = user;
	(void)data;
	(void)one; /* always 1 */
	oo_check_curl_answered(&http->curl);
	return n;
}

static int prepare(struct http *http, const struct oo_check_http *spec)
{
	CURL *easy = http->curl.easy;
	oo_buffer_init(&http->body, OO_CHECK_BODY_MAX);
	http->headers = curl_slist_append(NULL, "Connection: close");
	if (http->headers == NULL ||
	    curl_easy_setopt(easy, CURLOPT_USERAGENT, "ooha/" OO_VERSION) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_URL, spec->url) != CURLE_OK) {
		return -ENOMEM;
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 1L); /* so that on_body sees what came */
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, http);
	return 0;
}

static bool is_white(char byte)
{
	return byte != '\0' && strchr(" \t\r\n\v\f", byte) != NULL;
}

/* Leaves out the white space at both ends: moves *text, returns the length. */
static size_t trim(const char **text, size_t length)
{
	while (length > 0 && is_white((*text)[length - 1])) {
		length--;
	}
	while (length > 0 && is_white((*text)[0])) {
		(*text)++;
		length--;
	}
	return length;
}

static bool is_body(const struct http *http, const char *expected)
{
	const char *body = http->body.data;
	size_t length = trim(&body, http->body.length);
	size_t expected_length = trim(&expected, strlen(expected));
	return length == expected_length && (length == 0 || memcmp(body, expected, length) == 0);
}

/* Says `<what> "<the beginning of the body>"`. */
static void say_body(struct http *http, enum oo_check_reason reason, const char *what)
{
	char shown[SHOWN_BYTES + 1];
	size_t n = http->body.length < SHOWN_BYTES ? http->body.length : SHOWN_BYTES;
	for (size_t i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)http->body.data[i];
		shown[i] = byte < ' ' || byte > '~' ? '?' : (char)byte;
	}
	shown[n] = '\0';
	oo_check_run_say(http->curl.run, reason, "%s \"%s\"%s", what, shown,
			 n < http->body.length ? "..." : "");
}

/* Decides by the answer: what came is whole, or was stopped by us. */
static void judge_answer(struct http *http)
{
	struct oo_check_run *run = http->curl.run;
	const struct oo_check_http *spec = &run->spec->http;
	int status = run->result.http_status;

	if (http->stop == STOP_NO_MEMORY) {
		oo_check_run_say_errno(run, OO_CHECK_REASON_LOCAL, ENOMEM);
	} else if (http->stop == STOP_NOT_HTTP || status == 0) {
		say_body(http, OO_CHECK_REASON_PROTOCOL, "not HTTP:");
	} else if (status != spec->expect_status) {
		oo_check_run_say(run, OO_CHECK_REASON_STATUS, "%d", status);
	} else if (spec->expect_body != NULL && http->stop == STOP_TOO_LONG) {
		oo_check_run_say(run, OO_CHECK_REASON_BODY, "body of more than %d bytes",
				 OO_CHECK_BODY_MAX);
	} else if (spec->expect_body != NULL && !is_body(http, spec->expect_body)) {
		say_body(http, OO_CHECK_REASON_BODY, "body");
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "%d", status);
	}
}

static void judge(struct http *http, CURLcode code)
{
	struct oo_check_run *run = http->curl.run;
	int status = status_of(http);

	run->result.http_status = status;
	oo_check_curl_set_times(&http->curl);
	if (code == CURLE_OK || http->stop != STOP_NONE ||
	    (status != 0 && status != run->spec->http.expect_status)) {
		/* a wrong status is the reason, whatever became of the rest of the answer */
		judge_answer(http);
	} else if (code == CURLE_OPERATION_TIMEDOUT) {
		oo_check_curl_judge_timeout(&http->curl, http->body.length);
	} else {
		oo_check_curl_judge(&http->curl, code);
	}
}

static void on_end(struct oo_check_curl *curl, CURLcode code)
{
	struct http *http = oo_container_of(curl, struct http, curl);
	judge(http, code);
	oo_check_run_finish(curl->run);
}

static int start(struct oo_check_run *run)
{
	struct http *http = run->state;
	int r = oo_check_curl_begin(&http->curl, run, on_end);
	if (r == 0) {
		r = prepare(http, &run->spec->http);
	}
	return r == 0 ? oo_check_curl_start(&http->curl) : r;
}

static void expire(struct oo_check_run *run)
{
	judge(run->state, CURLE_OPERATION_TIMEDOUT);
}

static void stop(struct oo_check_run *run)
{
	struct http *http = run->state;
	oo_check_curl_stop(&http->curl);
	curl_slist_free_all(http->headers);
	oo_buffer_done(&http->body);
	*http = (struct http){0};
}

const struct oo_check_kind oo_check_http = {
	.state_size = sizeof(struct http),
	.verify = verify,
	.start = start,
	.expire = expire,
	.stop = stop,
};
