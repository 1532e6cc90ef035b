#include "loop.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define BOX_WAIT_MS 15000
#define TURN_MS 20
#define PAUSE_MS 50

static sd_event *event;

sd_event *loop_get(void)
{
	if (event == NULL && sd_event_new(&event) < 0) {
		fprintf(stderr, "no event loop\n");
	}
	return event;
}

void loop_free(void)
{
	event = sd_event_unref(event);
}

bool loop_until(const bool *condition, int64_t timeout_ms)
{
	int64_t until = oo_clock_now() + timeout_ms;
	while (!*condition && oo_clock_now() < until) {
		sd_event_run(loop_get(), TURN_MS * 1000);
	}
	return *condition;
}

bool loop_until_count(const unsigned *counter, unsigned least, int64_t timeout_ms)
{
	int64_t until = oo_clock_now() + timeout_ms;
	while (*counter < least && oo_clock_now() < until) {
		sd_event_run(loop_get(), TURN_MS * 1000);
	}
	return *counter >= least;
}

void loop_turn(void)
{
	while (sd_event_run(loop_get(), 0) > 0) {
	}
}

void box_fill(void *user, int r, const struct oo_etcd_answer *answer, const struct oo_err *err)
{
	struct box *box = user;
	box->done = true;
	box->calls++;
	box->r = r;
	box->took_ms = oo_clock_now() - box->started_at;
	CU_ASSERT_EQUAL(r == 0, answer != NULL);
	CU_ASSERT_EQUAL(r == 0, err == NULL);
	if (answer == NULL) {
		box->err = *err;
		return;
	}
	box->succeeded = answer->succeeded;
	box->cluster_id = answer->cluster_id;
	box->revision = answer->revision;
	box->lease_id = answer->lease_id;
	box->lease_ttl_s = answer->lease_ttl_s;
	box->n_results = answer->n_results;
	box->n_members = answer->n_members;
	if (answer->status != NULL) {
		oo_text_clip(box->version, sizeof(box->version), answer->status->version);
	}
	if (answer->n_results == 0) {
		return;
	}
	const struct oo_etcd_result *result = &answer->results[0];
	box->count = result->count;
	box->deleted = result->deleted;
	box->n_kvs = result->n_kvs;
	if (result->n_kvs > 0) {
		oo_text_clip(box->kv.key, sizeof(box->kv.key), result->kvs[0].key);
		oo_text_clip(box->kv.value, sizeof(box->kv.value), result->kvs[0].value);
		box->kv.mod_revision = result->kvs[0].mod_revision;
	}
}

struct oo_etcd_call box_call(struct box *box, int64_t timeout_ms, bool hedge)
{
	*box = (struct box){.started_at = oo_clock_now()};
	return (struct oo_etcd_call){.deadline = box->started_at + timeout_ms,
				     .hedge = hedge,
				     .done = box_fill,
				     .user = box};
}

void box_wait(struct box *box)
{
	CU_ASSERT_TRUE_FATAL(loop_until(&box->done, BOX_WAIT_MS));
}

void view_events(void *user, int64_t revision, const struct oo_etcd_event *events, size_t n)
{
	struct view *view = user;
	view->messages++;
	view->events += (unsigned)n;
	view->revision = revision;
	for (size_t i = 0; i < n; i++) {
		view->deletes += events[i].deleted;
		oo_text_clip(view->last_key, sizeof(view->last_key), events[i].kv.key);
		oo_text_clip(view->last_value, sizeof(view->last_value), events[i].kv.value);
	}
}

void view_end(void *user, int r, int64_t compact_revision, const struct oo_err *err)
{
	struct view *view = user;
	view->ended = true;
	view->ends++;
	view->r = r;
	view->compact_revision = compact_revision;
	view->err = *err;
}

struct oo_etcd_watch *view_open(struct oo_etcd *etcd, const char *prefix, int64_t start_revision,
				struct view *view)
{
	*view = (struct view){0};
	const struct oo_etcd_watch_options options = {
		.key = prefix,
		.prefix = true,
		.start_revision = start_revision,
		.on_events = view_events,
		.on_end = view_end,
		.user = view,
	};
	struct oo_etcd_watch *watch = NULL;
	CU_ASSERT_EQUAL_FATAL(oo_etcd_watch_open(etcd, &options, &watch), 0);
	return watch;
}

struct oo_etcd *client_new(const char *const *endpoints, int64_t hedge_after_ms)
{
	size_t n = 0;
	while (endpoints[n] != NULL) {
		n++;
	}
	const struct oo_etcd_options options = {
		.endpoints = endpoints, .n_endpoints = n, .hedge_after_ms = hedge_after_ms};
	struct oo_etcd *etcd = NULL;
	struct oo_err err = {.text = ""};
	CU_ASSERT_EQUAL_FATAL(oo_etcd_new(loop_get(), &options, &etcd, &err), 0);
	return etcd;
}

void client_put(struct oo_etcd *etcd, const char *key, const char *value, struct box *box)
{
	const struct oo_etcd_call call = box_call(box, 5000, false);
	const struct oo_etcd_op op = {
		.type = OO_ETCD_OP_PUT, .key = key, .value = value, .value_length = strlen(value)};
	CU_ASSERT_EQUAL_FATAL(oo_etcd_run(etcd, &op, &call, NULL), 0);
	box_wait(box);
}

void client_get(struct oo_etcd *etcd, const char *key, struct box *box)
{
	const struct oo_etcd_call call = box_call(box, 5000, false);
	CU_ASSERT_EQUAL_FATAL(oo_etcd_run(etcd, &(struct oo_etcd_op){.key = key}, &call, NULL), 0);
	box_wait(box);
}

void client_put_until(struct oo_etcd *etcd, const char *key, const char *value, int r,
		      struct box *box)
{
	static const bool never = false;
	int64_t until = oo_clock_now() + BOX_WAIT_MS;
	client_put(etcd, key, value, box);
	while (box->r != r && oo_clock_now() < until) {
		(void)loop_until(&never, PAUSE_MS);
		client_put(etcd, key, value, box);
	}
	CU_ASSERT_EQUAL(box->r, r);
}
