#include "past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "history.h"
#include "store.h"

#define DEADLINE_MS 2000
#define DEPTH_MAX 8

struct record {
	char *key, *value; /* owned */
	int64_t mod_revision;
};

/* Sorted by key, which is by age. */
struct agent_past {
	struct agent *agent;
	struct record records[AGENT_PAST_MAX];
	size_t n;
	bool known;  /* all of etcd's last records are here */
	bool asking; /* an answer is under way */
};

static void forget(struct agent_past *past, size_t i)
{
	free(past->records[i].key);
	free(past->records[i].value);
	past->n--;
	memmove(&past->records[i], &past->records[i + 1], (past->n - i) * sizeof(past->records[0]));
}

/* Where key is, or belongs. */
static size_t find(const struct agent_past *past, const char *key)
{
	size_t i = past->n;
	while (i > 0 && strcmp(past->records[i - 1].key, key) >= 0) {
		i--;
	}
	return i;
}

static bool is_at(const struct agent_past *past, size_t i, const char *key)
{
	return i < past->n && oo_text_equal(past->records[i].key, key);
}

/* What is too large to be one of ours is left out, and so is what finds no memory. */
static void remember(struct agent_past *past, const struct oo_etcd_kv *kv)
{
	size_t i = find(past, kv->key);
	if (is_at(past, i, kv->key)) {
		forget(past, i);
	}
	if (past->n == AGENT_PAST_MAX && i == 0) {
		return; /* older than all */
	}
	struct record record = {.mod_revision = kv->mod_revision};
	record.key = kv->value_length <= AGENT_PAST_RECORD_BYTES_MAX ? strdup(kv->key) : NULL;
	record.value = record.key != NULL ? strdup(kv->value) : NULL;
	if (record.value == NULL) {
		free(record.key);
		return;
	}
	if (past->n == AGENT_PAST_MAX) {
		forget(past, 0);
		i--;
	}
	memmove(&past->records[i + 1], &past->records[i], (past->n - i) * sizeof(record));
	past->records[i] = record;
	past->n++;
}

void agent_past_change(struct agent_past *past, const struct oo_etcd_event *event)
{
	if (!event->deleted) {
		remember(past, &event->kv);
		return;
	}
	size_t i = find(past, event->kv.key);
	if (is_at(past, i, event->kv.key)) {
		forget(past, i);
	}
}

static void on_records(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct agent_past *past = user;
	(void)err; /* the store says what is wrong with etcd */
	past->asking = false;
	if (r < 0 || answer->n_results != 1) {
		return;
	}
	for (size_t i = past->n; i > 0; i--) { /* what the watch has told since is newer */
		if (past->records[i - 1].mod_revision <= answer->revision) {
			forget(past, i - 1);
		}
	}
	for (size_t i = 0; i < answer->results[0].n_kvs; i++) {
		remember(past, &answer->results[0].kvs[i]);
	}
	past->known = true;
}

static int ask(struct agent_past *past, const struct oo_etcd_op *op, oo_etcd_fn *done)
{
	struct oo_etcd_call call = {
		.deadline = oo_clock_now() + DEADLINE_MS, .done = done, .user = past};
	int r = oo_etcd_run(agent_store_etcd(past->agent->store), op, &call, NULL);
	past->asking = r == 0; /* else after the next read */
	return r;
}

/* The last ones are asked for with their values. */
static void on_keys(void *user, int r, const struct oo_etcd_answer *answer,
		    const struct oo_err *err)
{
	struct agent_past *past = user;
	char end[AGENT_KEY_LENGTH];
	(void)err;
	past->asking = false;
	if (r < 0 || answer->n_results != 1) {
		return;
	}
	size_t n = answer->results[0].n_kvs;
	if (n == 0) {
		past->known = true;
		return;
	}
	agent_store_key(past->agent->store, end, "history0"); /* '0' follows '/' */
	size_t first = n > AGENT_PAST_MAX ? n - AGENT_PAST_MAX : 0;
	struct oo_etcd_op op = {.type = OO_ETCD_OP_RANGE,
				.key = answer->results[0].kvs[first].key,
				.range_end = end};
	(void)ask(past, &op, on_records);
}

void agent_past_keep(struct agent_past *past, bool reopened)
{
	char key[AGENT_KEY_LENGTH];

	past->known = past->known && !reopened;
	if (past->known || past->asking) {
		return;
	}
	agent_store_key(past->agent->store, key, "history/");
	struct oo_etcd_op op = {
		.type = OO_ETCD_OP_RANGE, .key = key, .prefix = true, .keys_only = true};
	(void)ask(past, &op, on_keys);
}

/* NULL for what is no record: anybody may have written it. */
static struct json_object *parse(const char *value)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	if (tokener == NULL) {
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *object = json_tokener_parse_ex(tokener, value, -1);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

struct json_object *agent_past_new_record(const struct agent_past *past, int64_t revision)
{
	char key[AGENT_KEY_LENGTH];
	agent_store_key(past->agent->store, key, AGENT_HISTORY_KEY, revision);
	size_t i = find(past, key);
	return is_at(past, i, key) ? parse(past->records[i].value) : NULL;
}

struct json_object *agent_past_new_answer(const struct agent_past *past, size_t n)
{
	struct json_object *object = json_object_new_object();
	struct json_object *array = json_object_new_array();
	for (size_t i = past->n > n ? past->n - n : 0; i < past->n; i++) {
		struct json_object *record = parse(past->records[i].value);
		if (record != NULL) {
			json_object_array_add(array, record);
		}
	}
	json_object_object_add(object, "history", array);
	json_object_object_add(
		object, "error",
		past->known
			? NULL
			: json_object_new_string("the history has not been read from etcd yet"));
	return object;
}

int agent_past_new(struct agent *agent, struct agent_past **ret_past, struct oo_err *err)
{
	struct agent_past *past = calloc(1, sizeof(*past));
	if (past == NULL) {
		return oo_fail(err, ENOMEM, "history");
	}
	past->agent = agent;
	*ret_past = past;
	return 0;
}

void agent_past_free(struct agent_past *past)
{
	while (past != NULL && past->n > 0) {
		forget(past, past->n - 1);
	}
	free(past);
}
