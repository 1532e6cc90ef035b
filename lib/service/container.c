/* A container: ContainerStart, ContainerStop, ContainerRestart of the Docker Engine API. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "service/job.h"

#define URL_LENGTH (OO_SERVICE_NAME_LENGTH + 64)
#define ANSWER_MAX 4096 /* of it only the message is shown */
#define SAID_LENGTH 160

static size_t on_body(char *data, size_t one, size_t n, void *user)
{
	struct oo_service_job *job = user;
	(void)one; /* always 1 */
	return oo_buffer_add(&job->answer, data, n) == 0 ? n : 0;
}

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

/* {"message": "..."}; control characters are shown as '?'. */
static void read_message(const struct oo_buffer *answer, char text[static SAID_LENGTH])
{
	struct json_object *message;
	OO_AUTO(put_json)
	struct json_object *whole = answer->length > 0 ? json_tokener_parse(answer->data) : NULL;
	bool found = json_object_object_get_ex(whole, "message", &message);

	oo_text_clip(text, SAID_LENGTH,
		     found ? json_object_get_string(message) : "no reason given");
	for (char *c = text; *c != '\0'; c++) {
		*c = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
	}
}

static void finish_by_status(struct oo_service_job *job, long status)
{
	char said[SAID_LENGTH];

	if (status == 204 || status == 304) { /* 304: it was so already */
		oo_service_finish(job, 0, "%s", "");
	} else if (status == 404) {
		oo_service_finish(job, -ENOENT, "%s: no such container", job->name);
	} else {
		read_message(&job->answer, said);
		oo_service_finish(job, status >= 500 ? -EIO : -EPROTO, "%s: status %ld: %s",
				  job->name, status, said);
	}
}

static void finish_by_errno(struct oo_service_job *job, CURLcode code, int error_number)
{
	if (error_number == EACCES || error_number == EPERM) {
		oo_service_finish(job, -EACCES,
				  "%s: %s: %s; put the agent's user into the socket's group "
				  "(docs/repair.md)",
				  job->name, job->socket, strerror(error_number));
	} else if (error_number == ENOENT) {
		oo_service_finish(job, -ENOENT,
				  "%s: %s: %s; repair.container_socket names the API's socket",
				  job->name, job->socket, strerror(error_number));
	} else {
		oo_service_finish(job, code == CURLE_COULDNT_CONNECT ? -ECONNREFUSED : -EPROTO,
				  "%s: %s: %s", job->name, job->socket,
				  error_number != 0 ? strerror(error_number)
						    : curl_easy_strerror(code));
	}
}

static void on_end(CURL *easy, CURLcode code, void *user)
{
	struct oo_service_job *job = user;
	long number = 0;

	job->is_running = false;
	if (code == CURLE_OK) {
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &number);
		finish_by_status(job, number);
	} else {
		curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
		finish_by_errno(job, code, (int)number);
	}
}

/* The oldest version of the API that all of today's know. */
static void write_url(const struct oo_service_job *job, char url[static URL_LENGTH])
{
	static const char base[] = "http://localhost/v1.40/containers";
	switch (job->act) {
	case OO_SERVICE_START:
		snprintf(url, URL_LENGTH, "%s/%s/start", base, job->name);
		return;
	case OO_SERVICE_STOP:
		snprintf(url, URL_LENGTH, "%s/%s/stop?t=%d", base, job->name, OO_SERVICE_STOP_S);
		return;
	case OO_SERVICE_RESTART:
		snprintf(url, URL_LENGTH, "%s/%s/restart?t=%d", base, job->name, OO_SERVICE_STOP_S);
		return;
	}
}

int oo_service_container_begin(struct oo_service_job *job, struct oo_err *err)
{
	char url[URL_LENGTH];

	oo_buffer_init(&job->answer, ANSWER_MAX);
	write_url(job, url);
	job->easy = curl_easy_init();
	if (job->easy == NULL || curl_easy_setopt(job->easy, CURLOPT_PROXY, "") != CURLE_OK ||
	    curl_easy_setopt(job->easy, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(job->easy, CURLOPT_UNIX_SOCKET_PATH, job->socket) != CURLE_OK) {
		return oo_fail(err, ENOMEM, "%s", job->name);
	}
	curl_easy_setopt(job->easy, CURLOPT_POSTFIELDS, "");
	curl_easy_setopt(job->easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(job->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(job->easy, CURLOPT_WRITEDATA, job);
	int r = oo_transfers_start(job->setup.transfers, job->easy, on_end, job);
	job->is_running = r == 0;
	return r < 0 ? oo_fail(err, -r, "%s: %s", job->name, job->socket) : 0;
}

void oo_service_container_end(struct oo_service_job *job)
{
	if (job->is_running) {
		oo_transfers_cancel(job->setup.transfers, job->easy);
	}
	curl_easy_cleanup(job->easy);
	oo_buffer_done(&job->answer);
}
