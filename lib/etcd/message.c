#include "etcd/message.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/decode.h"

void oo_etcd_message_done(struct oo_etcd_message *message)
{
	oo_etcd_arena_done(&message->arena);
}

/* mvccpb.Event: PUT is 0 and left out; the enum may come by name or by number. */
static int read_type(json_object *object, bool *ret_deleted, struct oo_err *err)
{
	json_object *type = oo_etcd_json_get(object, "type");
	const char *text = type != NULL ? json_object_get_string(type) : "PUT";
	if (text == NULL) {
		return oo_fail(err, ENOMEM, "events");
	}
	bool deleted = strcmp(text, "DELETE") == 0 || strcmp(text, "1") == 0;
	if (!deleted && strcmp(text, "PUT") != 0 && strcmp(text, "0") != 0) {
		return oo_fail_text(err, EPROTO, "an event of unknown type");
	}
	*ret_deleted = deleted;
	return 0;
}

static int read_events(json_object *object, struct oo_etcd_message *message, struct oo_err *err)
{
	json_object *array;
	size_t n;
	int r = oo_etcd_json_array(object, "events", &array, &n, err);
	if (r < 0 || n == 0) {
		return r;
	}
	message->events = oo_etcd_arena_take(&message->arena, n * sizeof(*message->events));
	if (message->events == NULL) {
		return oo_fail(err, ENOMEM, "events");
	}
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_object *element = json_object_array_get_idx(array, i);
		struct oo_etcd_event *event = &message->events[message->n_events];
		bool usable = false;
		r = read_type(element, &event->deleted, err);
		r = r < 0 ? r
			  : oo_etcd_decode_kv(oo_etcd_json_get(element, "kv"), &message->arena,
					      &event->kv, &usable, err);
		if (r == 0 && event->kv.mod_revision > message->last_revision) {
			message->last_revision = event->kv.mod_revision;
		}
		message->n_events += r == 0 && usable;
	}
	return r;
}

static int read_message(json_object *object, struct oo_etcd_message *message, struct oo_err *err)
{
	json_object *result = oo_etcd_json_get(object, "result");
	if (oo_etcd_json_get(result, "header") == NULL) {
		return oo_fail_text(err, EPROTO, "no header");
	}
	struct oo_etcd_answer header = {0};
	const char *reason = "";
	int r = oo_etcd_decode_header(result, &header, err);
	r = r < 0 ? r : oo_etcd_json_bool(result, "created", &message->created, err);
	r = r < 0 ? r : oo_etcd_json_bool(result, "canceled", &message->canceled, err);
	r = r < 0 ? r
		  : oo_etcd_json_int64(result, "compact_revision", &message->compact_revision, err);
	r = r < 0 ? r : oo_etcd_json_text(result, "cancel_reason", &reason, err);
	r = r < 0 ? r : read_events(result, message, err);
	if (r < 0) {
		return r;
	}
	message->revision = header.revision;
	if (message->compact_revision > 0) {
		message->canceled = true;
		oo_etcd_failure_set(&message->failure, OO_ETCD_GIVE_UP, ERANGE,
				    "the revisions up to %lld are compacted",
				    (long long)message->compact_revision);
	} else if (message->canceled) {
		oo_etcd_failure_from_reason(reason[0] != '\0' ? reason : "canceled by the member",
					    &message->failure);
	}
	return 0;
}

int oo_etcd_message_decode(const char *text, size_t length, struct oo_etcd_message *ret_message,
			   struct oo_etcd_failure *failure)
{
	OO_AUTO(oo_etcd_json_put) json_object *object = NULL;
	OO_AUTO(oo_etcd_message_done) struct oo_etcd_message message = {0};
	struct oo_err err;
	int r = oo_etcd_json_parse(text, length, &object, &err);
	if (r == 0 && oo_etcd_decode_error(object, failure)) {
		return failure->r;
	}
	r = r < 0 ? r : read_message(object, &message, &err);
	if (r < 0) {
		oo_etcd_failure_set(failure, OO_ETCD_ASK_ANOTHER, -r,
				    "not a watch message of etcd's: %.200s", err.text);
		return r;
	}
	*ret_message = message;
	message.arena = (struct oo_etcd_arena){0};
	return 0;
}

void oo_etcd_message_trim(struct oo_etcd_message *message, int64_t first)
{
	size_t kept = 0;
	for (size_t i = 0; i < message->n_events; i++) {
		if (message->events[i].kv.mod_revision >= first) {
			message->events[kept++] = message->events[i];
		}
	}
	message->n_events = kept;
}
