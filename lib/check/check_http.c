#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/run.h"

/* What of a body is shown; it is cut after that. */
#define SHOWN_BYTES 64

static void release_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
	curl_free(text);
	return has;
}

int oo_check_url_verify(const char *text, struct oo_err *err)
{
	OO_AUTO(release_url) CURLU *url = curl_url();
	if (url == NULL) {
		return oo_fail(err, ENOMEM, "url");
	}
	CURLUcode code = curl_url_set(url, CURLUPART_URL, text, 0);
	if (code != CURLUE_OK) {
		return oo_fail_text(err, EINVAL,
				    "url: %s; must be http://host/path or https://host/path",
				    curl_url_strerror(code));
	}
	if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)) {
		return oo_fail_text(err, EINVAL, "url: must not have a user or password in it");
	}
	return 0;
}

int oo_check_http_verify(const struct oo_check_spec *spec, struct oo_err *err)
{
	if (spec->url == NULL || (strncasecmp(spec->url, "http://", 7) != 0 &&
				  strncasecmp(spec->url, "https://", 8) != 0)) {
		return oo_fail_text(err, EINVAL, "url: must begin with http:// or https://");
	}
	if (spec->expect_status < 100 || spec->expect_status > 599) {
		return oo_fail_text(err, EINVAL, "expected status %d: must be 100 to 599",
				    spec->expect_status);
	}
	if (spec->expect_body != NULL && strlen(spec->expect_body) > OO_CHECK_BODY_MAX) {
		return oo_fail_text(err, EINVAL, "expected body: must be at most %d bytes",
				    OO_CHECK_BODY_MAX);
	}
	return oo_check_url_verify(spec->url, err);
}

int oo_check_http_status(const struct oo_check_run *run)
{
	long status = 0;
	curl_easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 ? (int)status : 0; /* 1xx only comes before the answer */
}

/* CURLOPT_WRITEFUNCTION: taking less than n ends the transfer with CURLE_WRITE_ERROR. */
static size_t on_body(char *data, size_t one, size_t n, void *user)
{
	struct oo_check_run *run = user;
	(void)one; /* always 1 */
	int r = oo_buffer_add(&run->body, data, n);
	if (oo_check_http_status(run) == 0) {
		/* no status line: "HTTP/0.9" to libcurl, that is, anything at all */
		run->stop = OO_CHECK_STOP_NOT_HTTP;
	} else if (r < 0) {
		run->stop = r == -EMSGSIZE ? OO_CHECK_STOP_TOO_LONG : OO_CHECK_STOP_NO_MEMORY;
	}
	return run->stop == OO_CHECK_STOP_NONE ? n : 0;
}

int oo_check_http_prepare(struct oo_check_run *run, const struct oo_check_spec *spec)
{
	CURL *easy = run->easy;
	oo_buffer_init(&run->body, OO_CHECK_BODY_MAX);
	run->headers = curl_slist_append(NULL, "Connection: close");
	if (run->headers == NULL ||
	    curl_easy_setopt(easy, CURLOPT_USERAGENT, "ooha/" OO_VERSION) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_URL, spec->url) != CURLE_OK) {
		return -ENOMEM;
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, run->headers);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 1L); /* so that on_body sees what came */
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, run);
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

static bool is_body(const struct oo_check_run *run, const char *expected)
{
	const char *body = run->body.data;
	size_t length = trim(&body, run->body.length);
	size_t expected_length = trim(&expected, strlen(expected));
	return length == expected_length && (length == 0 || memcmp(body, expected, length) == 0);
}

/* Writes `<what> "<the beginning of the body>"`. */
static void show_body(const struct oo_check_run *run, const char *what,
		      char seen[static OO_CHECK_SEEN_LENGTH])
{
	char shown[SHOWN_BYTES + 1];
	size_t n = run->body.length < SHOWN_BYTES ? run->body.length : SHOWN_BYTES;
	for (size_t i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)run->body.data[i];
		shown[i] = byte < ' ' || byte > '~' ? '?' : (char)byte;
	}
	shown[n] = '\0';
	snprintf(seen, OO_CHECK_SEEN_LENGTH, "%s \"%s\"%s", what, shown,
		 n < run->body.length ? "..." : "");
}

void oo_check_http_judge(const struct oo_check_run *run, const struct oo_check_spec *spec,
			 struct oo_check_result *result)
{
	snprintf(result->seen, sizeof(result->seen), "%d", result->http_status);

	if (run->stop == OO_CHECK_STOP_NO_MEMORY) {
		oo_check_run_judge_local(ENOMEM, result);
	} else if (run->stop == OO_CHECK_STOP_NOT_HTTP || result->http_status == 0) {
		result->reason = OO_CHECK_REASON_PROTOCOL;
		show_body(run, "not HTTP:", result->seen);
	} else if (result->http_status != spec->expect_status) {
		result->reason = OO_CHECK_REASON_STATUS;
	} else if (spec->expect_body != NULL && run->stop == OO_CHECK_STOP_TOO_LONG) {
		result->reason = OO_CHECK_REASON_BODY;
		snprintf(result->seen, sizeof(result->seen), "body of more than %d bytes",
			 OO_CHECK_BODY_MAX);
	} else if (spec->expect_body != NULL && !is_body(run, spec->expect_body)) {
		result->reason = OO_CHECK_REASON_BODY;
		show_body(run, "body", result->seen);
	} else {
		result->reason = OO_CHECK_REASON_OK;
	}
}
