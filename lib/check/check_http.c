#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "check/curl.h"
#include "check/expect.h"
#include "check/secret.h"

#define HEADER_LENGTH (OO_CHECK_TOKEN_LENGTH + 256)

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

static int verify_statuses(const struct oo_check_expect *expect, struct oo_err *err)
{
	for (size_t i = 0; i < expect->n_statuses; i++) {
		const struct oo_check_range *range = &expect->statuses[i];
		if (range->least < 100 || range->most > 599 || range->least > range->most) {
			return oo_fail_text(err, EINVAL, "expected status: must be 100 to 599");
		}
	}
	return expect->n_statuses > 0 ? 0
				      : oo_fail_text(err, EINVAL, "expected status: must be given");
}

static int verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	const char *url = spec->http.url;
	const char *body = spec->http.expect.body;
	if (url == NULL ||
	    (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)) {
		return oo_fail_text(err, EINVAL, "url: must begin with http:// or https://");
	}
	if (body != NULL && strlen(body) > OO_CHECK_BODY_MAX) {
		return oo_fail_text(err, EINVAL, "expected body: must be at most %d bytes",
				    OO_CHECK_BODY_MAX);
	}
	int r = verify_statuses(&spec->http.expect, err);
	return r < 0 ? r : oo_check_url_verify(url, err);
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

static int add_header(struct http *http, const char *name, const char *value)
{
	char text[HEADER_LENGTH];
	int n = snprintf(text, sizeof(text), "%s%s%s", name, value[0] != '\0' ? ": " : "", value);
	struct curl_slist *longer =
		n < (int)sizeof(text) ? curl_slist_append(http->headers, text) : NULL;
	explicit_bzero(text, sizeof(text));
	if (longer == NULL) {
		return -ENOMEM;
	}
	http->headers = longer;
	return 0;
}

/* The body is the token's payload: what Document Server takes in place of what was sent. */
static int add_token(struct http *http, const struct oo_check_http *spec)
{
	char secret[OO_CHECK_SECRET_LENGTH];
	char value[OO_CHECK_TOKEN_LENGTH + 8] = "Bearer ";
	int r = oo_check_secret_read(spec->jwt_secret_file, secret);
	if (r == 0) {
		r = oo_check_token_write(secret, spec->body != NULL ? spec->body : "{}",
					 oo_clock_wall() / 1000, value + 7);
		explicit_bzero(secret, sizeof(secret));
	}
	if (r == 0) {
		r = add_header(http, spec->jwt_header != NULL ? spec->jwt_header : "Authorization",
			       value);
	}
	explicit_bzero(value, sizeof(value));
	return r;
}

static int set_headers(struct http *http, const struct oo_check_http *spec)
{
	int r = add_header(http, "Connection", "close");
	if (r == 0 && spec->host != NULL) {
		r = add_header(http, "Host", spec->host);
	}
	for (size_t i = 0; i < spec->headers.n && r == 0; i++) {
		r = add_header(http, spec->headers.items[i], "");
	}
	if (r == 0 && spec->jwt_secret_file != NULL) {
		r = add_token(http, spec);
	}
	if (r == 0) {
		curl_easy_setopt(http->curl.easy, CURLOPT_HTTPHEADER, http->headers);
	}
	return r;
}

static int set_request(struct http *http, const struct oo_check_http *spec)
{
	CURL *easy = http->curl.easy;
	if (spec->method != NULL && oo_text_equal(spec->method, "HEAD")) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else if (spec->method != NULL &&
		   curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, spec->method) != CURLE_OK) {
		return -ENOMEM;
	}
	if (spec->body != NULL) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(spec->body));
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, spec->body); /* not copied */
	}
	if (spec->follow) {
		curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
		curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)OO_CHECK_REDIRECTS);
		curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	}
	return 0;
}

static int prepare(struct http *http, const struct oo_check_http *spec)
{
	CURL *easy = http->curl.easy;
	if (curl_easy_setopt(easy, CURLOPT_USERAGENT, "ooha/" OO_VERSION) != CURLE_OK) {
		return -ENOMEM;
	}
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 1L); /* so that on_body sees what came */
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, http);
	int r = oo_check_curl_set_url(&http->curl, spec->url, &spec->tls);
	if (r == 0) {
		r = set_request(http, spec);
	}
	return r == 0 ? set_headers(http, spec) : r;
}

static void judge_body(struct http *http)
{
	struct oo_check_run *run = http->curl.run;
	const struct oo_check_expect *expect = &run->spec->http.expect;
	char differs[OO_CHECK_DIFFERS_LENGTH];

	if (http->stop == STOP_TOO_LONG) {
		oo_check_run_say(run, OO_CHECK_REASON_BODY, "body of more than %d bytes",
				 OO_CHECK_BODY_MAX);
		return;
	}
	int r = oo_check_expect_body(expect, &http->body, differs);
	if (r == -EBADMSG) {
		oo_check_curl_say_bytes(&http->curl, OO_CHECK_REASON_BODY, differs, &http->body);
	} else if (r < 0) {
		oo_check_run_say_errno(run, OO_CHECK_REASON_LOCAL, -r);
	}
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
		oo_check_curl_say_bytes(&http->curl, OO_CHECK_REASON_PROTOCOL,
					"not HTTP:", &http->body);
	} else if (!oo_check_expects_status(&spec->expect, status)) {
		oo_check_run_say(run, OO_CHECK_REASON_STATUS, "%d", status);
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "%d", status);
		if (oo_check_expects_body(&spec->expect)) {
			judge_body(http);
		}
		if (run->result.reason == OO_CHECK_REASON_OK) {
			(void)oo_check_curl_is_valid(&http->curl, &spec->tls); /* says it */
		}
	}
}

static void judge(struct http *http, CURLcode code)
{
	struct oo_check_run *run = http->curl.run;
	const struct oo_check_http *spec = &run->spec->http;
	int status = status_of(http);
	/* a redirect that is being followed is not yet the answer */
	bool wrong =
		status != 0 && !spec->follow && !oo_check_expects_status(&spec->expect, status);

	run->result.http_status = status;
	oo_check_curl_set_times(&http->curl);
	if (code == CURLE_OK || http->stop != STOP_NONE || wrong) {
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
	oo_buffer_init(&http->body, OO_CHECK_BODY_MAX);
	int r = oo_check_curl_begin(&http->curl, run, on_end);
	if (r == OO_CHECK_CURL_NEW) {
		r = prepare(http, &run->spec->http);
	}
	return r == 0 ? oo_check_curl_start(&http->curl) : r;
}

static void expire(struct oo_check_run *run)
{
	judge(run->state, CURLE_OPERATION_TIMEDOUT);
}

static void done(struct oo_check_run *run)
{
	struct http *http = run->state;
	oo_check_curl_done(&http->curl);
	curl_slist_free_all(http->headers);
	http->headers = NULL;
}

static void stop(struct oo_check_run *run)
{
	struct http *http = run->state;
	oo_check_curl_stop(&http->curl);
	oo_buffer_done(&http->body);
	http->stop = STOP_NONE;
	if (http->curl.easy == NULL || run->spec->http.jwt_secret_file != NULL) {
		done(run); /* a token is for one run, and not kept in memory */
	}
}

const struct oo_check_kind oo_check_http = {
	.state_size = sizeof(struct http),
	.verify = verify,
	.start = start,
	.expire = expire,
	.stop = stop,
	.done = done,
};
