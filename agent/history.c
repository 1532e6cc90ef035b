#include "history.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "etcd/etcd.h"
#include "records.h"
#include "store.h"

#define DEADLINE_MS 2000

static struct oo_etcd_call call(struct agent *agent, oo_etcd_fn *done)
{
	return (struct oo_etcd_call){
		.deadline = oo_clock_now() + DEADLINE_MS, .done = done, .user = agent};
}

/* Keys sort by age: the revision is written with leading zeros. The oldest go. */
static void on_listed(void *user, int r, const struct oo_etcd_answer *answer,
		      const struct oo_err *err)
{
	struct agent *agent = user;
	size_t most = AGENT_HISTORY_MAX * agent->core_config.n_groups;
	(void)err;

	if (r < 0 || answer->n_results != 1 || answer->results[0].n_kvs <= most) {
		return;
	}
	const struct oo_etcd_kv *kvs = answer->results[0].kvs;
	struct oo_etcd_op op = {.type = OO_ETCD_OP_DELETE,
				.key = kvs[0].key,
				.range_end = kvs[answer->results[0].n_kvs - most].key};
	struct oo_etcd_call etcd_call = call(agent, NULL);
	(void)oo_etcd_run(agent_store_etcd(agent->store), &op, &etcd_call,
			  NULL); /* next time then */
}

static void on_written(void *user, int r, const struct oo_etcd_answer *answer,
		       const struct oo_err *err)
{
	struct agent *agent = user;
	char key[AGENT_KEY_LENGTH];
	(void)answer;

	if (r < 0) {
		oo_log(OO_LOG_WARNING, "history not written: %s", err->text);
		return;
	}
	agent_store_key(agent->store, key, "history/");
	struct oo_etcd_op op = {
		.type = OO_ETCD_OP_RANGE, .key = key, .prefix = true, .keys_only = true};
	struct oo_etcd_call etcd_call = call(agent, on_listed);
	(void)oo_etcd_run(agent_store_etcd(agent->store), &op, &etcd_call,
			  NULL); /* next time then */
}

static void add_ms(struct json_object *object, const char *name, int64_t ms)
{
	json_object_object_add(object, name, ms < 0 ? NULL : json_object_new_int64(ms));
}

static void add_timeline(struct json_object *object, const struct agent_timeline *line)
{
	struct json_object *timeline = json_object_new_object();
	struct agent_timeline_parts parts = agent_timeline_parts(line);

	add_ms(timeline, "detected_ms", 0);
	add_ms(timeline, "down_ms", parts.down_ms);
	add_ms(timeline, "claimed_ms", parts.claimed_ms);
	add_ms(timeline, "added_ms", parts.added_ms);
	add_ms(timeline, "announced_ms", parts.announced_ms);
	json_object_object_add(object, "timeline", timeline);
	add_ms(object, "gap_ms", parts.gap_ms);
}

static struct json_object *new_record(const struct agent *agent,
				      const struct agent_history_entry *entry, uint64_t epoch)
{
	char at[32];
	struct json_object *object = json_object_new_object();

	oo_record_time(oo_clock_wall(), at);
	json_object_object_add(object, "version", json_object_new_int(OO_RECORD_VERSION));
	json_object_object_add(object, "at", json_object_new_string(at));
	json_object_object_add(object, "group",
			       json_object_new_string(agent->group_names[entry->group]));
	json_object_object_add(object, "epoch", json_object_new_uint64(epoch));
	json_object_object_add(object, "from",
			       entry->from[0] == '\0' ? NULL : json_object_new_string(entry->from));
	json_object_object_add(object, "to", json_object_new_string(agent->config->node.name));
	json_object_object_add(object, "cause", json_object_new_string(entry->cause));
	json_object_object_add(object, "reason", json_object_new_string(entry->reason));
	add_timeline(object, &entry->timeline);
	return object;
}

/* Sends record, which is put, under key. */
static void send_record(struct agent *agent, const char *key, struct json_object *record)
{
	const char *value = json_object_to_json_string_ext(record, JSON_C_TO_STRING_NOSLASHESCAPE);
	struct oo_etcd_op op = {.type = OO_ETCD_OP_PUT,
				.key = key,
				.value = value,
				.value_length = value == NULL ? 0 : strlen(value)};
	struct oo_etcd_call etcd_call = call(agent, on_written);
	if (value == NULL ||
	    oo_etcd_run(agent_store_etcd(agent->store), &op, &etcd_call, NULL) < 0) {
		oo_log(OO_LOG_WARNING, "history not written: out of memory");
	}
	json_object_put(record);
}

void agent_history_write(struct agent *agent, const struct agent_history_entry *entry)
{
	struct oo_core_view view = oo_core_view(agent->core, entry->group);
	char key[AGENT_KEY_LENGTH];

	agent_store_key(agent->store, key, AGENT_HISTORY_KEY, view.pair->claim.revision);
	send_record(agent, key, new_record(agent, entry, view.epoch));
}

static struct json_object *new_repair(const struct agent *agent,
				      const struct agent_history_repair *entry)
{
	char at[32];
	bool failed = entry->error[0] != '\0';
	struct json_object *object = json_object_new_object();

	oo_record_time(oo_clock_wall(), at);
	json_object_object_add(object, "version", json_object_new_int(OO_RECORD_VERSION));
	json_object_object_add(object, "at", json_object_new_string(at));
	json_object_object_add(object, "group", NULL); /* the node's, and no move */
	json_object_object_add(object, "from", NULL);
	json_object_object_add(object, "to", NULL);
	json_object_object_add(object, "node", json_object_new_string(agent->config->node.name));
	json_object_object_add(object, "cause",
			       json_object_new_string(failed ? "repair_failed" : "repaired"));
	json_object_object_add(object, "reason", json_object_new_string(entry->reason));
	json_object_object_add(object, "fault", json_object_new_string(entry->fault));
	json_object_object_add(object, "commands", json_object_new_string(entry->commands));
	json_object_object_add(object, "error",
			       failed ? json_object_new_string(entry->error) : NULL);
	json_object_object_add(object, "took_ms", json_object_new_int64(entry->took_ms));
	json_object_object_add(object, "attempt", json_object_new_int64(entry->attempt));
	return object;
}

void agent_history_write_repair(struct agent *agent, const struct agent_history_repair *entry)
{
	char key[AGENT_KEY_LENGTH];
	int64_t revision = 0;

	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		int64_t claimed = oo_core_view(agent->core, g).pair->claim.revision;
		revision = claimed > revision ? claimed : revision;
	}
	agent_store_key(agent->store, key, "history/%016" PRId64 "-%s-%" PRId64, revision,
			agent->config->node.name, oo_clock_wall());
	send_record(agent, key, new_repair(agent, entry));
}
