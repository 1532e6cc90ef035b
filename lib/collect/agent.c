/* What the agent of this node says: who holds, and why (docs/api.md). */
#include <curl/curl.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "collect/gather.h"
#include "collect/vips.h"

#define SOCKET "/run/ooha/ooha.sock"
#define TIMEOUT_MS 1500
#define ANSWER_BYTES_MAX (8 << 20)

struct agent {
	struct oo_gather *gather;
	CURL *easy; /* owned */
	bool running;
	struct oo_buffer body;
};

static void put_json(json_object **object)
{
	json_object_put(*object);
}

static size_t on_data(char *data, size_t one, size_t n, void *user)
{
	struct agent *agent = user;
	(void)one; /* always 1 */
	return oo_buffer_add(&agent->body, data, n) == 0 ? n : 0;
}

static void say_text(char *target, size_t size, json_object *object, const char *name)
{
	json_object *value = NULL;
	if (json_object_object_get_ex(object, name, &value) &&
	    json_object_is_type(value, json_type_string)) {
		oo_text_clip(target, size, json_object_get_string(value));
	}
}

static json_object *first_of(json_object *object, const char *name)
{
	json_object *array = NULL;
	return json_object_object_get_ex(object, name, &array) &&
			       json_object_is_type(array, json_type_array)
		       ? json_object_array_get_idx(array, 0)
		       : NULL;
}

static void take_status(struct oo_gather *gather, json_object *status)
{
	struct oo_agent_evidence *seen = &gather->evidence->agent;
	json_object *etcd = NULL, *connected = NULL;
	json_object *problem = first_of(status, "problems");
	json_object *group = first_of(status, "groups");
	seen->look = OO_LOOK_SEEN;
	seen->error[0] = '\0';
	say_text(seen->state, sizeof(seen->state), status, "state");
	say_text(seen->role, sizeof(seen->role), group, "role");
	if (json_object_is_type(problem, json_type_string)) {
		OO_GATHER_SAY(seen->reason, json_object_get_string(problem));
	}
	seen->etcd_reachable = json_object_object_get_ex(status, "etcd", &etcd) &&
			       json_object_object_get_ex(etcd, "connected", &connected) &&
			       json_object_get_boolean(connected);
	oo_collect_vips_hear(gather, status);
	oo_gather_ask_vip(gather);
}

static void say(struct oo_gather *gather, enum oo_look look, const char *text)
{
	gather->evidence->agent.look = look;
	OO_GATHER_SAY(gather->evidence->agent.error, text);
}

static void explain(struct agent *agent, CURLcode code)
{
	long error_number = 0;
	(void)curl_easy_getinfo(agent->easy, CURLINFO_OS_ERRNO, &error_number);
	if (code == CURLE_OPERATION_TIMEDOUT) {
		say(agent->gather, OO_LOOK_LATE, "no answer");
	} else if (code != CURLE_COULDNT_CONNECT || error_number == 0) {
		say(agent->gather, OO_LOOK_FAILED, curl_easy_strerror(code));
	} else {
		bool is_denied = error_number == EACCES || error_number == EPERM;
		say(agent->gather, is_denied ? OO_LOOK_DENIED : OO_LOOK_ABSENT,
		    strerror((int)error_number));
	}
}

static void on_done(CURL *easy, CURLcode code, void *user)
{
	struct agent *agent = user;
	(void)easy;
	agent->running = false;
	if (code != CURLE_OK) {
		explain(agent, code);
	} else {
		OO_AUTO(put_json)
		json_object *status =
			agent->body.length > 0 ? json_tokener_parse(agent->body.data) : NULL;
		if (json_object_is_type(status, json_type_object)) {
			take_status(agent->gather, status);
		} else {
			say(agent->gather, OO_LOOK_FAILED,
			    "what answers is not ooha-agent: no JSON");
		}
	}
	oo_gather_release(agent->gather);
}

static const char *find_socket(const struct oo_collect_subject *subject)
{
	if (subject->socket != NULL) {
		return subject->socket;
	}
	return subject->config != NULL ? subject->config->api.socket : SOCKET;
}

static bool prepare(struct agent *agent)
{
	CURL *easy = agent->easy;
	return curl_easy_setopt(easy, CURLOPT_URL, "http://localhost/v1/status") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH,
				find_socket(agent->gather->subject)) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, agent) == CURLE_OK;
}

static void *start(struct oo_gather *gather)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	if (agent == NULL) {
		return NULL;
	}
	agent->gather = gather;
	oo_buffer_init(&agent->body, ANSWER_BYTES_MAX);
	agent->easy = curl_easy_init();
	say(gather, OO_LOOK_FAILED, "curl");
	if (agent->easy != NULL && prepare(agent) &&
	    oo_transfers_start(gather->transfers, agent->easy, on_done, agent) == 0) {
		agent->running = true;
		say(gather, OO_LOOK_LATE, "no answer");
		oo_gather_hold(gather);
	}
	return agent;
}

static void stop(struct oo_gather *gather, void *state)
{
	struct agent *agent = state;
	if (agent->running) {
		oo_transfers_cancel(gather->transfers, agent->easy);
	}
	curl_easy_cleanup(agent->easy);
	oo_buffer_done(&agent->body);
	free(agent);
}

const struct oo_collector oo_collect_agent = {.start = start, .stop = stop};
