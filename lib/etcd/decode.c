#include "etcd/decode.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#define TOKEN_LENGTH_MAX 4096 /* a JWT has some hundred */

struct reader {
	struct oo_etcd_arena *arena;
	struct oo_err *err;
};

void oo_etcd_decoded_done(struct oo_etcd_decoded *decoded)
{
	oo_etcd_arena_done(&decoded->arena);
}

/* Zeroed room for n elements and one more, so that none is not NULL. */
static int take(struct reader *reader, size_t n, size_t size, void *ret_elements)
{
	void *elements = oo_etcd_arena_take(reader->arena, (n + 1) * size);
	if (elements == NULL) {
		return oo_fail(reader->err, ENOMEM, "answer");
	}
	memcpy(ret_elements, &elements, sizeof(elements));
	return 0;
}

static int keep_text(struct reader *reader, json_object *object, const char *name,
		     const char **ret_text)
{
	const char *text;
	int r = oo_etcd_json_text(object, name, &text, reader->err);
	if (r < 0) {
		return r;
	}
	*ret_text = oo_etcd_json_keep(reader->arena, text);
	return *ret_text != NULL ? 0 : oo_fail(reader->err, ENOMEM, "%s", name);
}

/* An array of strings. */
static int keep_texts(struct reader *reader, json_object *object, const char *name,
		      const char *const **ret_texts, size_t *ret_n)
{
	json_object *array;
	size_t n;
	const char **texts = NULL;
	int r = oo_etcd_json_array(object, name, &array, &n, reader->err);
	r = r < 0 ? r : take(reader, n, sizeof(*texts), &texts);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_object *element = json_object_array_get_idx(array, i);
		if (!json_object_is_type(element, json_type_string)) {
			return oo_fail_text(reader->err, EPROTO, "\"%s\" has more than strings",
					    name);
		}
		texts[i] = oo_etcd_json_keep(reader->arena, json_object_get_string(element));
		r = texts[i] != NULL ? 0 : oo_fail(reader->err, ENOMEM, "%s", name);
	}
	if (r == 0) {
		*ret_texts = texts;
		*ret_n = n;
	}
	return r;
}

int oo_etcd_decode_header(json_object *object, struct oo_etcd_answer *answer, struct oo_err *err)
{
	json_object *header = oo_etcd_json_get(object, "header");
	int r = oo_etcd_json_uint64(header, "cluster_id", &answer->cluster_id, err);
	r = r < 0 ? r : oo_etcd_json_uint64(header, "member_id", &answer->member_id, err);
	return r < 0 ? r : oo_etcd_json_int64(header, "revision", &answer->revision, err);
}

int oo_etcd_decode_kv(json_object *object, struct oo_etcd_arena *arena, struct oo_etcd_kv *ret_kv,
		      bool *ret_usable, struct oo_err *err)
{
	struct oo_etcd_json_bytes key, value;
	struct oo_etcd_kv kv = {0};
	int r = oo_etcd_json_bytes(object, "key", arena, &key, err);
	r = r < 0 ? r : oo_etcd_json_bytes(object, "value", arena, &value, err);
	r = r < 0 ? r : oo_etcd_json_int64(object, "create_revision", &kv.create_revision, err);
	r = r < 0 ? r : oo_etcd_json_int64(object, "mod_revision", &kv.mod_revision, err);
	r = r < 0 ? r : oo_etcd_json_int64(object, "version", &kv.version, err);
	r = r < 0 ? r : oo_etcd_json_int64(object, "lease", &kv.lease, err);
	if (r < 0) {
		return r;
	}
	if (key.length == 0) {
		return oo_fail_text(err, EPROTO, "a key-value pair without a key");
	}
	kv.key = key.data;
	kv.value = value.data;
	kv.value_length = value.length;
	*ret_usable = strlen(key.data) == key.length;
	*ret_kv = kv;
	return 0;
}

/* RangeResponse, PutResponse, DeleteRangeResponse: none shares a field with another. */
static int read_result(struct reader *reader, json_object *object, struct oo_etcd_result *result)
{
	json_object *array;
	size_t n;
	struct oo_etcd_kv *kvs = NULL;
	int r = oo_etcd_json_int64(object, "count", &result->count, reader->err);
	r = r < 0 ? r : oo_etcd_json_int64(object, "deleted", &result->deleted, reader->err);
	r = r < 0 ? r : oo_etcd_json_array(object, "kvs", &array, &n, reader->err);
	r = r < 0 ? r : take(reader, n, sizeof(*kvs), &kvs);
	for (size_t i = 0; r == 0 && i < n; i++) {
		bool usable;
		r = oo_etcd_decode_kv(json_object_array_get_idx(array, i), reader->arena,
				      &kvs[result->n_kvs], &usable, reader->err);
		result->n_kvs += r == 0 && usable;
	}
	result->kvs = kvs;
	return r;
}

static int read_response(struct reader *reader, json_object *element, struct oo_etcd_result *result)
{
	static const char *const names[] = {"response_range", "response_put",
					    "response_delete_range"};
	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		json_object *response = oo_etcd_json_get(element, names[i]);
		if (response != NULL) {
			return read_result(reader, response, result);
		}
	}
	return oo_fail_text(reader->err, EPROTO, "a txn's response of no known kind");
}

static int read_txn(struct reader *reader, json_object *object, struct oo_etcd_answer *answer)
{
	json_object *array;
	size_t n;
	struct oo_etcd_result *results = NULL;
	int r = oo_etcd_json_bool(object, "succeeded", &answer->succeeded, reader->err);
	r = r < 0 ? r : oo_etcd_json_array(object, "responses", &array, &n, reader->err);
	r = r < 0 ? r : take(reader, n, sizeof(*results), &results);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = read_response(reader, json_object_array_get_idx(array, i), &results[i]);
	}
	if (r == 0) {
		answer->results = results;
		answer->n_results = n;
	}
	return r;
}

static int read_op(struct reader *reader, json_object *object, struct oo_etcd_answer *answer)
{
	struct oo_etcd_result *result = NULL;
	int r = take(reader, 1, sizeof(*result), &result);
	r = r < 0 ? r : read_result(reader, object, result);
	answer->results = result;
	answer->n_results = 1;
	return r;
}

static int read_lease(struct reader *reader, json_object *object, struct oo_etcd_answer *answer)
{
	int r = oo_etcd_json_int64(object, "ID", &answer->lease_id, reader->err);
	return r < 0 ? r : oo_etcd_json_int64(object, "TTL", &answer->lease_ttl_s, reader->err);
}

static int read_members(struct reader *reader, json_object *object, struct oo_etcd_answer *answer)
{
	json_object *array;
	size_t n;
	struct oo_etcd_member *members = NULL;
	int r = oo_etcd_json_array(object, "members", &array, &n, reader->err);
	r = r < 0 ? r : take(reader, n, sizeof(*members), &members);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_object *element = json_object_array_get_idx(array, i);
		struct oo_etcd_member *member = &members[i];
		r = oo_etcd_json_uint64(element, "ID", &member->id, reader->err);
		r = r < 0 ? r : keep_text(reader, element, "name", &member->name);
		r = r < 0 ? r
			  : oo_etcd_json_bool(element, "isLearner", &member->is_learner,
					      reader->err);
		r = r < 0 ? r
			  : keep_texts(reader, element, "clientURLs", &member->client_urls,
				       &member->n_client_urls);
	}
	if (r == 0) {
		answer->members = members;
		answer->n_members = n;
	}
	return r;
}

static int read_alarms(struct reader *reader, json_object *object, struct oo_etcd_answer *answer)
{
	json_object *array;
	size_t n;
	struct oo_etcd_alarm *alarms = NULL;
	int r = oo_etcd_json_array(object, "alarms", &array, &n, reader->err);
	r = r < 0 ? r : take(reader, n, sizeof(*alarms), &alarms);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_object *element = json_object_array_get_idx(array, i);
		r = oo_etcd_json_uint64(element, "memberID", &alarms[i].member_id, reader->err);
		r = r < 0 ? r : keep_text(reader, element, "alarm", &alarms[i].name);
	}
	if (r == 0) {
		answer->alarms = alarms;
		answer->n_alarms = n;
	}
	return r;
}

static int read_status(struct reader *reader, json_object *object, struct oo_etcd_answer *answer)
{
	struct oo_etcd_status *status = NULL;
	int r = take(reader, 1, sizeof(*status), &status);
	if (r < 0) {
		return r;
	}
	struct oo_err *err = reader->err;
	r = keep_text(reader, object, "version", &status->version);
	r = r < 0 ? r : oo_etcd_json_int64(object, "dbSize", &status->db_size_bytes, err);
	r = r < 0 ? r
		  : oo_etcd_json_int64(object, "dbSizeInUse", &status->db_size_in_use_bytes, err);
	r = r < 0 ? r : oo_etcd_json_uint64(object, "leader", &status->leader_id, err);
	r = r < 0 ? r : oo_etcd_json_uint64(object, "raftTerm", &status->raft_term, err);
	r = r < 0 ? r : oo_etcd_json_bool(object, "isLearner", &status->is_learner, err);
	r = r < 0 ? r : keep_texts(reader, object, "errors", &status->errors, &status->n_errors);
	answer->status = status;
	return r;
}

static int read_login(struct reader *reader, json_object *object, const char **ret_token)
{
	const char *token;
	int r = keep_text(reader, object, "token", &token);
	if (r < 0) {
		return r;
	}
	size_t length = strlen(token);
	bool usable = length > 0 && length <= TOKEN_LENGTH_MAX;
	for (size_t i = 0; usable && i < length; i++) {
		usable = isgraph((unsigned char)token[i]); /* it becomes a header */
	}
	if (!usable) {
		return oo_fail_text(reader->err, EPROTO, "a login without a usable token");
	}
	*ret_token = token;
	return 0;
}

static int read_kind(enum oo_etcd_kind kind, struct reader *reader, json_object *object,
		     struct oo_etcd_decoded *decoded)
{
	struct oo_etcd_answer *answer = &decoded->answer;
	switch (kind) {
	case OO_ETCD_KIND_RANGE:
	case OO_ETCD_KIND_PUT:
	case OO_ETCD_KIND_DELETE:
		return read_op(reader, object, answer);
	case OO_ETCD_KIND_TXN:
		return read_txn(reader, object, answer);
	case OO_ETCD_KIND_GRANT:
	case OO_ETCD_KIND_RENEW:
	case OO_ETCD_KIND_LOOK:
		return read_lease(reader, object, answer);
	case OO_ETCD_KIND_REVOKE:
		return 0;
	case OO_ETCD_KIND_MEMBERS:
		return read_members(reader, object, answer);
	case OO_ETCD_KIND_STATUS:
		return read_status(reader, object, answer);
	case OO_ETCD_KIND_ALARMS:
		return read_alarms(reader, object, answer);
	case OO_ETCD_KIND_LOGIN:
		return read_login(reader, object, &decoded->token);
	}
	return -EINVAL;
}

/*
 * Unary: {"error":"text","message":"text","code":14}, 3.6: {"code":14,"message":"text"}.
 * Stream: {"error":{"grpc_code":14,"message":..}}, 3.6: {"error":{"code":14,"message":..}}.
 */
bool oo_etcd_decode_error(json_object *object, struct oo_etcd_failure *failure)
{
	json_object *inner = oo_etcd_json_get(object, "error");
	json_object *error = json_object_is_type(inner, json_type_object) ? inner : object;
	bool has_code = oo_etcd_json_get(error, "code") != NULL ||
			oo_etcd_json_get(error, "grpc_code") != NULL;
	if (inner == NULL && !has_code) {
		return false;
	}
	int64_t code = 0, grpc_code = 0;
	const char *text = "";
	(void)oo_etcd_json_int64(error, "code", &code,
				 NULL); /* what is no number is Unknown, below */
	(void)oo_etcd_json_int64(error, "grpc_code", &grpc_code, NULL);
	(void)oo_etcd_json_text(error, "message", &text, NULL);
	if (text[0] == '\0' && json_object_is_type(inner, json_type_string)) {
		text = json_object_get_string(inner);
	}
	code = code != 0 ? code : grpc_code;
	oo_etcd_failure_from_code(code > 0 && code <= 16 ? (int)code : 2, text, failure);
	return true;
}

static int read_answer(enum oo_etcd_kind kind, json_object *object, struct oo_etcd_decoded *decoded,
		       struct oo_err *err)
{
	/* the gateway wraps the answers of a stream, and keepalive is one */
	json_object *result = oo_etcd_json_get(object, "result");
	json_object *inner = kind == OO_ETCD_KIND_RENEW && result != NULL ? result : object;
	/* some other server's JSON has none; alarm of 3.4 has none either */
	if (kind != OO_ETCD_KIND_ALARMS && oo_etcd_json_get(inner, "header") == NULL) {
		return oo_fail_text(err, EPROTO, "no header");
	}
	struct reader reader = {&decoded->arena, err};
	int r = oo_etcd_decode_header(inner, &decoded->answer, err);
	return r < 0 ? r : read_kind(kind, &reader, inner, decoded);
}

void oo_etcd_decode_refusal(long status, const char *body, size_t length,
			    struct oo_etcd_failure *ret_failure)
{
	OO_AUTO(oo_etcd_json_put) json_object *object = NULL;
	int r = oo_etcd_json_parse(body, length, &object, NULL);
	if (r < 0 || !oo_etcd_decode_error(object, ret_failure)) {
		oo_etcd_failure_from_http(status, body, length, ret_failure);
	}
}

/* Not even the beginning of an object: a web server that is happy with everything. */
static bool is_page(const char *body, size_t length)
{
	size_t i = 0;
	while (i < length && isspace((unsigned char)body[i])) {
		i++;
	}
	return i < length && body[i] != '{';
}

int oo_etcd_decode(enum oo_etcd_kind kind, long status, const char *body, size_t length,
		   struct oo_etcd_decoded *ret_decoded, struct oo_etcd_failure *failure)
{
	if (status != 200) {
		oo_etcd_decode_refusal(status, body, length, failure);
		return failure->r;
	}
	OO_AUTO(oo_etcd_json_put) json_object *object = NULL;
	OO_AUTO(oo_etcd_decoded_done) struct oo_etcd_decoded decoded = {0};
	struct oo_err err;
	int r = oo_etcd_json_parse(body, length, &object, &err);
	if (r == -EPROTO && is_page(body, length)) {
		oo_etcd_failure_from_http(status, body, length, failure);
		return failure->r;
	}
	if (r == 0 && oo_etcd_decode_error(object, failure)) {
		return failure->r;
	}
	r = r < 0 ? r : read_answer(kind, object, &decoded, &err);
	if (r < 0) {
		oo_etcd_failure_set(failure, OO_ETCD_ASK_ANOTHER, -r,
				    "not an answer of etcd's: %.200s", err.text);
		return r;
	}
	*ret_decoded = decoded;
	decoded.arena = (struct oo_etcd_arena){0};
	return 0;
}
