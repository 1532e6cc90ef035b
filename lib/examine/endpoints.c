/* Each endpoint of etcd by itself: the way there, its version and size, how long a write takes. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "etcd/etcd.h"
#include "examine/access.h"
#include "examine/environment.h"
#include "examine/fetch.h"
#include "examine/pages.h"

#define COMMITS 3
#define WORDS_MAX 64

struct endpoint {
	struct oo_work *work;
	struct oo_etcd_endpoint_facts *facts;
	struct oo_etcd *etcd; /* owned */
	struct oo_fetch metrics, variables;
	int64_t sent_us;
	int64_t took_us[COMMITS];
	size_t n_commits;
};

struct endpoints {
	struct endpoint items[OO_FACTS_ENDPOINTS];
	size_t n;
};

static void put_json(json_object **object)
{
	json_object_put(*object);
}

static int compare_times(const void *one, const void *other)
{
	int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
	return (a > b) - (a < b);
}

static void commit(struct endpoint *endpoint);

static void on_committed(void *user, int r, const struct oo_etcd_answer *answer,
			 const struct oo_err *err)
{
	struct endpoint *endpoint = user;
	(void)answer;
	(void)err; /* rights are etcd.c's */
	if (r == 0) {
		endpoint->took_us[endpoint->n_commits++] = oo_clock_now_us() - endpoint->sent_us;
	}
	if (r == 0 && endpoint->n_commits < COMMITS) {
		commit(endpoint);
	} else if (endpoint->n_commits > 0) {
		qsort(endpoint->took_us, endpoint->n_commits, sizeof(endpoint->took_us[0]),
		      compare_times);
		endpoint->facts->commit_us = endpoint->took_us[endpoint->n_commits / 2];
	}
	oo_work_release(endpoint->work);
}

static void commit(struct endpoint *endpoint)
{
	endpoint->sent_us = oo_clock_now_us();
	if (oo_access_try_write(endpoint->work, endpoint->etcd, on_committed, endpoint) == 0) {
		oo_work_hold(endpoint->work);
	}
}

static void on_status(void *user, int r, const struct oo_etcd_answer *answer,
		      const struct oo_err *err)
{
	struct endpoint *endpoint = user;
	struct oo_etcd_endpoint_facts *facts = endpoint->facts;
	if (r == 0) {
		facts->look = OO_LOOK_SEEN;
		facts->member_id = answer->member_id;
		OO_WORK_SAY(facts->version, answer->status->version);
		facts->has_leader = answer->status->leader_id != 0;
		facts->database_bytes = answer->status->db_size_bytes;
		commit(endpoint);
	} else {
		facts->look = OO_LOOK_FAILED;
		OO_WORK_SAY(facts->trouble, err->text);
	}
	oo_work_release(endpoint->work);
}

static void on_metrics(struct oo_fetch *fetch, CURLcode code)
{
	struct oo_etcd_endpoint_facts *facts = ((struct endpoint *)fetch->user)->facts;
	facts->reach = oo_fetch_reach(fetch, code, facts->error);
	facts->metrics_look = OO_LOOK_FAILED;
	if (oo_fetch_is_good(fetch, code)) {
		facts->metrics_look = OO_LOOK_SEEN;
		oo_pages_read(fetch->body.data, facts);
	}
}

static void on_variables(struct oo_fetch *fetch, CURLcode code)
{
	const char *words[WORDS_MAX];
	size_t n = 0;
	json_object *line = NULL;
	OO_AUTO(put_json)
	json_object *all =
		oo_fetch_is_good(fetch, code) ? json_tokener_parse(fetch->body.data) : NULL;
	if (!json_object_object_get_ex(all, "cmdline", &line) ||
	    !json_object_is_type(line, json_type_array)) {
		return;
	}
	for (; n < json_object_array_length(line) && n < WORDS_MAX; n++) {
		const char *word = json_object_get_string(json_object_array_get_idx(line, n));
		words[n] = word != NULL ? word : "";
	}
	struct oo_etcd_endpoint_facts *facts = ((struct endpoint *)fetch->user)->facts;
	oo_pages_read_options(words, n, facts);
	if (n == 1) {
		oo_environment_read(facts);
	}
}

/* "http://[::1]:2379" -> "::1" */
static void take_host(struct oo_etcd_endpoint_facts *facts)
{
	const char *host = strstr(facts->url, "://");
	host = host != NULL ? host + strlen("://") : facts->url;
	bool is_six = *host == '[';
	host += is_six;
	snprintf(facts->host, sizeof(facts->host), "%.*s", (int)strcspn(host, is_six ? "]" : ":/"),
		 host);
}

static void examine_one(struct endpoint *endpoint, struct oo_work *work, size_t index)
{
	struct oo_etcd_endpoint_facts *facts = &work->facts->etcd.endpoints[index];
	struct oo_err err;
	*endpoint = (struct endpoint){.work = work, .facts = facts};
	OO_WORK_SAY(facts->url, work->config->etcd.endpoints.items[index]);
	take_host(facts);
	facts->look = OO_LOOK_LATE;
	endpoint->metrics.done = on_metrics;
	endpoint->variables.done = on_variables;
	endpoint->metrics.user = endpoint->variables.user = endpoint;
	oo_fetch_start(&endpoint->metrics, work, facts->url, "/metrics");
	oo_fetch_start(&endpoint->variables, work, facts->url, "/debug/vars");
	const struct oo_etcd_call call = {.deadline = oo_clock_now() + oo_work_left_ms(work),
					  .done = on_status,
					  .user = endpoint};
	int r = oo_access_open(work, index, 1, &endpoint->etcd, &err);
	r = r < 0 ? r : oo_etcd_status_get(endpoint->etcd, &call, NULL);
	if (r == 0) {
		oo_work_hold(work);
		return;
	}
	facts->look = r == -EACCES ? OO_LOOK_DENIED : OO_LOOK_FAILED;
	OO_WORK_SAY(facts->trouble, endpoint->etcd == NULL ? err.text : strerror(-r));
}

static void *start(struct oo_work *work)
{
	struct endpoints *endpoints = work->is_local ? NULL : calloc(1, sizeof(*endpoints));
	if (endpoints == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < work->config->etcd.endpoints.n && i < OO_FACTS_ENDPOINTS; i++) {
		work->facts->etcd.n_endpoints = endpoints->n = i + 1;
		examine_one(&endpoints->items[i], work, i);
	}
	return endpoints;
}

static void stop(void *state)
{
	struct endpoints *endpoints = state;
	for (size_t i = 0; i < endpoints->n; i++) {
		oo_fetch_end(&endpoints->items[i].metrics);
		oo_fetch_end(&endpoints->items[i].variables);
		oo_etcd_free(endpoints->items[i].etcd);
	}
	free(endpoints);
}

const struct oo_examiner oo_examine_endpoints = {.start = start, .stop = stop};
