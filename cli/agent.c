#include "agent.h"

#include <curl/curl.h>
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "fields.h"

#define URL_LENGTH 1024
#define SEE "see: systemctl status ooha"

static void cleanup_easy(CURL **easy)
{
	curl_easy_cleanup(*easy);
}

static void free_list(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static void put_json(json_object **object)
{
	json_object_put(*object);
}

static size_t on_data(char *data, size_t size, size_t n, void *user)
{
	return oo_buffer_add(user, data, size * n) == 0 ? size * n : 0;
}

/* Nonzero gives up. */
static int on_progress(void *user, curl_off_t down, curl_off_t down_now, curl_off_t up,
		       curl_off_t up_now)
{
	sigset_t pending;
	(void)user;
	(void)down;
	(void)down_now;
	(void)up;
	(void)up_now;
	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

static bool prepare(CURL *easy, const char *socket_path, const char *url, struct oo_buffer *body)
{
	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, socket_path) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)AGENT_TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
}

static int explain_connect(int error_number, const char *socket_path, struct oo_err *err)
{
	switch (error_number) {
	case ENOENT:
	case ENOTDIR:
		return oo_fail_text(err, ENOENT, "no socket at %s: is ooha-agent running? " SEE,
				    socket_path);
	case EACCES:
		return oo_fail_text(err, EACCES,
				    "permission denied on %s: you need to be root or in group ooha",
				    socket_path);
	case ECONNREFUSED:
		return oo_fail_text(
			err, ECONNREFUSED,
			"nobody answers on %s: ooha-agent has ended and left its socket "
			"behind; " SEE,
			socket_path);
	default:
		return oo_fail(err, error_number != 0 ? error_number : EIO, "connect to %s",
			       socket_path);
	}
}

static int explain(CURL *easy, CURLcode code, const char *socket_path, struct oo_err *err)
{
	long error_number = 0;
	if (code == CURLE_COULDNT_CONNECT) {
		(void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error_number);
		return explain_connect((int)error_number, socket_path, err);
	}
	if (code == CURLE_OPERATION_TIMEDOUT) {
		return oo_fail_text(
			err, ETIMEDOUT,
			"no answer on %s within %d s: ooha-agent is stopped or stuck; " SEE,
			socket_path, AGENT_TIMEOUT_MS / 1000);
	}
	if (code == CURLE_ABORTED_BY_CALLBACK) {
		return oo_fail_text(err, EINTR, "interrupted");
	}
	return oo_fail_text(err, EIO, "ask ooha-agent on %s: %s", socket_path,
			    curl_easy_strerror(code));
}

static int check_status(long status, const char *path, const struct oo_buffer *body,
			struct oo_err *err)
{
	if (status == 200) {
		return 0;
	}
	OO_AUTO(put_json)
	json_object *answer = body->length > 0 ? json_tokener_parse(body->data) : NULL;
	return oo_fail_text(err, EPROTO, "ooha-agent answers GET %s with %ld: %s", path, status,
			    field_text(answer, "error", "no reason given"));
}

static bool prepare_body(CURL *easy, const struct agent_question *question,
			 struct curl_slist **headers)
{
	if (question->body == NULL) {
		return true;
	}
	*headers = curl_slist_append(NULL, "Content-Type: application/json");
	return *headers != NULL &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDS, question->body) == CURLE_OK;
}

int agent_ask(const char *socket_path, const struct agent_question *question,
	      struct oo_buffer *body, long *ret_status, struct oo_err *err)
{
	char url[URL_LENGTH];
	struct sockaddr_un address;
	if (strlen(socket_path) >= sizeof(address.sun_path)) {
		return oo_fail_text(err, ENAMETOOLONG,
				    "socket %s: the path is longer than %zu characters",
				    socket_path, sizeof(address.sun_path) - 1);
	}
	if (snprintf(url, sizeof(url), "http://localhost%s", question->path) >= (int)sizeof(url)) {
		return oo_fail_text(err, ENAMETOOLONG, "what is asked for is too long");
	}
	OO_AUTO(free_list) struct curl_slist *headers = NULL;
	OO_AUTO(cleanup_easy) CURL *easy = curl_easy_init();
	if (easy == NULL || !prepare(easy, socket_path, url, body) ||
	    !prepare_body(easy, question, &headers) ||
	    (strcmp(question->method, "GET") != 0 &&
	     curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, question->method) != CURLE_OK)) {
		return oo_fail(err, ENOMEM, "curl");
	}
	CURLcode code = curl_easy_perform(easy);
	if (code != CURLE_OK) {
		return explain(easy, code, socket_path, err);
	}
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, ret_status);
	return 0;
}

int agent_get(const char *socket_path, const char *path, struct oo_buffer *body, struct oo_err *err)
{
	long status = 0;
	int r = agent_ask(socket_path, &(struct agent_question){.method = "GET", .path = path},
			  body, &status, err);
	return r < 0 ? r : check_status(status, path, body, err);
}
