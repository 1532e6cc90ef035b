#include "change.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/etcd.h"
#include "store.h"

#define DEADLINE_MS 3000
#define VALUE_BYTES_MAX 4096

enum state {
	STATE_WAITING,
	STATE_DONE,
	STATE_REFUSED, /* it was not as it had to be */
	STATE_FAILED,  /* etcd refused it, or did not say */
};

struct change {
	uint64_t id; /* 0: never begun */
	enum state state;
	struct oo_buffer value; /* empty: a deletion */
	char error[OO_ERR_LENGTH];
};

struct agent_changes {
	struct agent *agent;
	struct change list[AGENT_CHANGES_MAX];
	uint64_t n; /* ever begun; its id is its number */
};

/* A copy that came first has done just that. */
static bool is_as_wanted(const struct change *change, const struct oo_etcd_result *there)
{
	if (change->value.length == 0) {
		return there->n_kvs == 0;
	}
	return there->n_kvs > 0 && there->kvs[0].value_length == change->value.length &&
	       memcmp(there->kvs[0].value, change->value.data, change->value.length) == 0;
}

static void on_done(void *user, int r, const struct oo_etcd_answer *answer,
		    const struct oo_err *err)
{
	struct change *change = user;

	if (r < 0) {
		change->state = STATE_FAILED;
		snprintf(change->error, sizeof(change->error), "%setcd: %.*s",
			 oo_etcd_is_unknown(r)
				 ? "nobody knows whether it was done, see ooha status: "
				 : "",
			 OO_ERR_LENGTH - 80, err->text);
	} else if (answer->succeeded ||
		   (answer->n_results == 1 && is_as_wanted(change, &answer->results[0]))) {
		change->state = STATE_DONE;
	} else {
		change->state = STATE_REFUSED;
		oo_text_clip(change->error, sizeof(change->error),
			     "somebody else was faster: see ooha status");
	}
}

static int ask(struct agent_changes *changes, struct change *change, const char *key)
{
	const bool puts = change->value.length > 0;
	const struct oo_etcd_compare compare = {.key = key,
						.target = OO_ETCD_TARGET_CREATE,
						.relation = puts ? OO_ETCD_EQUAL : OO_ETCD_GREATER};
	const struct oo_etcd_op success = {.type = puts ? OO_ETCD_OP_PUT : OO_ETCD_OP_DELETE,
					   .key = key,
					   .value = change->value.data,
					   .value_length = change->value.length};
	const struct oo_etcd_op failure = {.type = OO_ETCD_OP_RANGE, .key = key};
	const struct oo_etcd_txn txn = {.compare = &compare,
					.n_compare = 1,
					.success = &success,
					.n_success = 1,
					.failure = &failure,
					.n_failure = 1};
	const struct oo_etcd_call call = {.deadline = oo_clock_now() + DEADLINE_MS,
					  .hedge = true,
					  .done = on_done,
					  .user = change};
	return oo_etcd_txn(agent_store_etcd(changes->agent->store), &txn, &call, NULL);
}

int agent_change_begin(struct agent_changes *changes, const char *key,
		       const struct oo_decree *decree, uint64_t *ret_id)
{
	struct change *change = &changes->list[changes->n % AGENT_CHANGES_MAX];
	int r = 0;

	if (change->id != 0 && change->state == STATE_WAITING) {
		return -EBUSY;
	}
	oo_buffer_done(&change->value);
	*change = (struct change){.id = changes->n + 1};
	oo_buffer_init(&change->value, VALUE_BYTES_MAX);
	if (decree != NULL) {
		r = oo_record_write_decree(decree, &change->value);
	}
	r = r < 0 ? r : ask(changes, change, key);
	if (r < 0) {
		change->id = 0;
		return r;
	}
	*ret_id = ++changes->n;
	return 0;
}

struct json_object *agent_change_new_answer(const struct agent_changes *changes, uint64_t id)
{
	static const char *const states[] = {"waiting", "done", "refused", "failed"};
	const struct change *change = &changes->list[(id - 1) % AGENT_CHANGES_MAX];
	char text[24];

	if (id == 0 || change->id != id) {
		return NULL;
	}
	struct json_object *object = json_object_new_object();
	snprintf(text, sizeof(text), "%" PRIu64, id);
	json_object_object_add(object, "id", json_object_new_string(text));
	json_object_object_add(object, "state", json_object_new_string(states[change->state]));
	json_object_object_add(object, "error",
			       change->error[0] == '\0' ? NULL
							: json_object_new_string(change->error));
	return object;
}

int agent_changes_new(struct agent *agent, struct agent_changes **ret_changes, struct oo_err *err)
{
	struct agent_changes *changes = calloc(1, sizeof(*changes));
	if (changes == NULL) {
		return oo_fail(err, ENOMEM, "changes");
	}
	changes->agent = agent;
	*ret_changes = changes;
	return 0;
}

void agent_changes_free(struct agent_changes *changes)
{
	for (size_t i = 0; changes != NULL && i < AGENT_CHANGES_MAX; i++) {
		oo_buffer_done(&changes->list[i].value);
	}
	free(changes);
}
