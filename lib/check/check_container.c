#include <errno.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/curl.h"

#define URL_LENGTH 256
#define ANSWER_MAX (1 << 20) /* a container with many mounts has a long one */

struct container {
	struct oo_check_curl curl;
	struct oo_buffer answer;
};

static size_t on_body(char *data, size_t one, size_t n, void *user)
{
	struct container *container = user;
	(void)one; /* always 1 */
	oo_check_curl_answered(&container->curl);
	return oo_buffer_add(&container->answer, data, n) == 0 ? n : 0;
}

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

/* The value at a JSON pointer; NULL: none. */
static struct json_object *find(struct json_object *whole, const char *pointer)
{
	struct json_object *found = NULL;
	return json_pointer_get(whole, pointer, &found) == 0 ? found : NULL;
}

static const char *text_at(struct json_object *whole, const char *pointer)
{
	struct json_object *found = find(whole, pointer);
	return found != NULL ? json_object_get_string(found) : "";
}

/* What a container that does not run died of. */
static void judge_stopped(struct oo_check_run *run, struct json_object *whole, const char *status)
{
	int code = json_object_get_int(find(whole, "/State/ExitCode"));
	const char *error = text_at(whole, "/State/Error");
	if (json_object_get_boolean(find(whole, "/State/OOMKilled"))) {
		oo_check_run_say(run, OO_CHECK_REASON_OUT_OF_MEMORY,
				 "%s: killed for want of memory", status);
	} else if (oo_text_equal(status, "restarting")) {
		oo_check_run_say(run, OO_CHECK_REASON_RESTARTING, "restarting, exit code %d", code);
	} else if (code != 0) {
		oo_check_run_say(run, OO_CHECK_REASON_CRASHED, "%s, exit code %d%s%s", status, code,
				 error[0] != '\0' ? ": " : "", error);
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_STOPPED, "%s", status);
	}
}

/* ContainerInspect of the Docker Engine API; Podman's answer to it has the same fields. */
static void judge_container(struct oo_check_run *run, struct json_object *whole)
{
	const struct oo_check_container *spec = &run->spec->container;
	const char *status = text_at(whole, "/State/Status");
	const char *health = text_at(whole, "/State/Health/Status");
	int restarts = json_object_get_int(find(whole, "/RestartCount"));
	if (find(whole, "/State/Running") == NULL) {
		oo_check_run_say(run, OO_CHECK_REASON_PROTOCOL, "not a container's state");
	} else if (oo_text_equal(status, "restarting") || oo_text_equal(status, "paused") ||
		   !json_object_get_boolean(find(whole, "/State/Running"))) {
		judge_stopped(run, whole, status);
	} else if (oo_text_equal(health, "unhealthy")) {
		oo_check_run_say(run, OO_CHECK_REASON_UNHEALTHY, "unhealthy, %d failures",
				 json_object_get_int(find(whole, "/State/Health/FailingStreak")));
	} else if (oo_text_equal(health, "starting")) {
		oo_check_run_say(run, OO_CHECK_REASON_STARTING,
				 "its health check has not passed yet");
	} else if (spec->restarts > 0 && restarts > spec->restarts) {
		oo_check_run_say(run, OO_CHECK_REASON_RESTARTING, "restarted %d times", restarts);
	} else {
		oo_check_run_say(run, OO_CHECK_REASON_OK, "running%s%s, %d restarts",
				 health[0] != '\0' ? ", " : "", health, restarts);
	}
}

static void judge_answer(struct container *container)
{
	struct oo_check_run *run = container->curl.run;
	const struct oo_buffer *answer = &container->answer;
	long status = 0;
	curl_easy_getinfo(container->curl.easy, CURLINFO_RESPONSE_CODE, &status);
	OO_AUTO(put_json)
	struct json_object *whole = answer->length > 0 ? json_tokener_parse(answer->data) : NULL;
	run->result.http_status = (int)status;
	if (status == 404) {
		oo_check_run_say(run, OO_CHECK_REASON_MISSING, "no such container");
	} else if (status != 200) {
		oo_check_curl_say_bytes(&container->curl, OO_CHECK_REASON_STATUS,
					"another answer than 200:", answer);
	} else if (whole == NULL) {
		oo_check_curl_say_bytes(&container->curl, OO_CHECK_REASON_PROTOCOL,
					"no JSON:", answer);
	} else {
		judge_container(run, whole);
	}
}

/* What of a unix socket differs from a port: it may not be there, or not for us. */
static void judge_failure(struct container *container, CURLcode code)
{
	struct oo_check_run *run = container->curl.run;
	oo_check_curl_judge(&container->curl, code);
	if (code == CURLE_COULDNT_CONNECT) {
		long error_number = 0;
		curl_easy_getinfo(container->curl.easy, CURLINFO_OS_ERRNO, &error_number);
		if (error_number == ENOENT || error_number == EACCES) {
			oo_check_run_say(run,
					 error_number == ENOENT ? OO_CHECK_REASON_MISSING
								: OO_CHECK_REASON_DENIED,
					 "%s: %s", run->spec->container.socket,
					 strerror((int)error_number));
		}
	}
}

static void on_end(struct oo_check_curl *curl, CURLcode code)
{
	struct container *container = oo_container_of(curl, struct container, curl);
	oo_check_curl_set_times(curl);
	if (code == CURLE_OK) {
		judge_answer(container);
	} else {
		judge_failure(container, code);
	}
	oo_check_run_finish(curl->run);
}

static int prepare(struct container *container, const struct oo_check_container *spec)
{
	CURL *easy = container->curl.easy;
	char url[URL_LENGTH];
	/* the oldest version of the API that all of today's know; the name is safe in a URL */
	snprintf(url, sizeof(url), "http://localhost/v1.40/containers/%s/json", spec->container);
	if (curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, spec->socket) != CURLE_OK) {
		return -ENOMEM;
	}
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, container);
	return oo_check_curl_set_url(&container->curl, url, NULL);
}

static int start(struct oo_check_run *run)
{
	struct container *container = run->state;
	oo_buffer_init(&container->answer, ANSWER_MAX);
	int r = oo_check_curl_begin(&container->curl, run, on_end);
	if (r == OO_CHECK_CURL_NEW) {
		r = prepare(container, &run->spec->container);
	}
	return r == 0 ? oo_check_curl_start(&container->curl) : r;
}

static void expire(struct oo_check_run *run)
{
	struct container *container = run->state;
	oo_check_curl_judge_timeout(&container->curl, container->answer.length);
	oo_check_curl_set_times(&container->curl);
}

static void stop(struct oo_check_run *run)
{
	struct container *container = run->state;
	oo_check_curl_stop(&container->curl);
	oo_buffer_done(&container->answer);
}

static void done(struct oo_check_run *run)
{
	struct container *container = run->state;
	oo_check_curl_done(&container->curl);
}

const struct oo_check_kind oo_check_container = {
	.state_size = sizeof(struct container),
	.start = start,
	.expire = expire,
	.stop = stop,
	.done = done,
};
