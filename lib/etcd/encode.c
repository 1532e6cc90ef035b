#include "etcd/encode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/base64.h"
#include "etcd/json.h"

#define FORMATTED_MAX 128 /* fixed names and one number */

/* Remembers the first error, so that what writes need not look at each step. */
struct writer {
	struct oo_buffer *body;
	int r;
};

static int result(const struct writer *writer)
{
	return writer->r == -EMSGSIZE ? -E2BIG : writer->r;
}

static void add(struct writer *writer, const char *text)
{
	if (writer->r == 0) {
		writer->r = oo_buffer_add(writer->body, text, strlen(text));
	}
}

/* name with its colon: "limit": "5" */
static void add_number(struct writer *writer, const char *name, int64_t number)
{
	char text[FORMATTED_MAX];
	snprintf(text, sizeof(text), "\"%s\":\"%" PRId64 "\"", name, number);
	add(writer, text);
}

static void add_bytes(struct writer *writer, const char *name, const void *data, size_t length)
{
	add(writer, "\"");
	add(writer, name);
	add(writer, "\":\"");
	if (writer->r == 0) {
		writer->r = oo_etcd_base64_encode(writer->body, data, length);
	}
	add(writer, "\"");
}

/*
 * The end of a prefix is the prefix with its last byte raised; a 0xff cannot be raised and is cut
 * off. etcd's "\0" (to the end of all keys) is for prefixes of nothing else.
 */
static void add_prefix_end(struct writer *writer, const char *prefix)
{
	size_t length = strlen(prefix);
	while (length > 0 && (unsigned char)prefix[length - 1] == 0xff) {
		length--;
	}
	if (length == 0) {
		add_bytes(writer, "range_end", "", 1);
		return;
	}
	char end[OO_ETCD_KEY_BYTES_MAX + 1];
	memcpy(end, prefix, length);
	end[length - 1] = (char)((unsigned char)end[length - 1] + 1);
	add_bytes(writer, "range_end", end, length);
}

static void add_key(struct writer *writer, const char *key)
{
	if (key == NULL || key[0] == '\0' || strlen(key) > OO_ETCD_KEY_BYTES_MAX) {
		writer->r = writer->r == 0 ? -EINVAL : writer->r;
		return;
	}
	add_bytes(writer, "key", key, strlen(key));
}

static void add_range(struct writer *writer, const struct oo_etcd_range *range)
{
	add_key(writer, range->key);
	if (writer->r == 0 && (range->prefix || range->end != NULL)) {
		add(writer, ",");
		if (range->prefix) {
			add_prefix_end(writer, range->key);
		} else {
			add_bytes(writer, "range_end", range->end, strlen(range->end));
		}
	}
}

/* The fields of an op without the braces. */
static void add_op(struct writer *writer, const struct oo_etcd_op *op)
{
	const struct oo_etcd_range range = {op->key, op->range_end, op->prefix};
	switch (op->type) {
	case OO_ETCD_OP_RANGE:
		add_range(writer, &range);
		if (op->limit != 0) {
			add(writer, ",");
			add_number(writer, "limit", op->limit);
		}
		if (op->least_mod != 0) {
			add(writer, ",");
			add_number(writer, "min_mod_revision", op->least_mod);
		}
		add(writer, op->keys_only ? ",\"keys_only\":true" : "");
		break;
	case OO_ETCD_OP_PUT:
		add_key(writer, op->key);
		add(writer, ",");
		add_bytes(writer, "value", op->value, op->value_length);
		if (op->lease != 0) {
			add(writer, ",");
			add_number(writer, "lease", op->lease);
		}
		break;
	case OO_ETCD_OP_DELETE:
		add_range(writer, &range);
		break;
	}
}

static void add_branch(struct writer *writer, const char *name, const struct oo_etcd_op *ops,
		       size_t n)
{
	static const char *const names[] = {
		[OO_ETCD_OP_RANGE] = "{\"request_range\":{",
		[OO_ETCD_OP_PUT] = "{\"request_put\":{",
		[OO_ETCD_OP_DELETE] = "{\"request_delete_range\":{",
	};
	add(writer, ",\"");
	add(writer, name);
	add(writer, "\":[");
	for (size_t i = 0; i < n; i++) {
		add(writer, i > 0 ? "," : "");
		add(writer, names[ops[i].type]);
		add_op(writer, &ops[i]);
		add(writer, "}}");
	}
	add(writer, "]");
}

static void add_compare(struct writer *writer, const struct oo_etcd_compare *compare)
{
	static const char *const targets[][2] = {
		[OO_ETCD_TARGET_VALUE] = {"VALUE", "value"},
		[OO_ETCD_TARGET_VERSION] = {"VERSION", "version"},
		[OO_ETCD_TARGET_CREATE] = {"CREATE", "create_revision"},
		[OO_ETCD_TARGET_MOD] = {"MOD", "mod_revision"},
		[OO_ETCD_TARGET_LEASE] = {"LEASE", "lease"},
	};
	static const char *const relations[] = {
		[OO_ETCD_EQUAL] = "EQUAL",
		[OO_ETCD_GREATER] = "GREATER",
		[OO_ETCD_LESS] = "LESS",
		[OO_ETCD_NOT_EQUAL] = "NOT_EQUAL",
	};
	char text[FORMATTED_MAX];
	snprintf(text, sizeof(text), ",\"target\":\"%s\",\"result\":\"%s\",",
		 targets[compare->target][0], relations[compare->relation]);
	add(writer, "{");
	add_key(writer, compare->key);
	add(writer, text);
	if (compare->target == OO_ETCD_TARGET_VALUE) {
		add_bytes(writer, "value", compare->value, compare->value_length);
	} else {
		add_number(writer, targets[compare->target][1], compare->number);
	}
	add(writer, "}");
}

int oo_etcd_encode_txn(const struct oo_etcd_txn *txn, struct oo_buffer *body)
{
	if (txn->n_success + txn->n_failure == 0 || txn->n_compare > OO_ETCD_OPS_MAX ||
	    txn->n_success > OO_ETCD_OPS_MAX || txn->n_failure > OO_ETCD_OPS_MAX) {
		return -EINVAL;
	}
	struct writer writer = {.body = body};
	add(&writer, "{\"compare\":[");
	for (size_t i = 0; i < txn->n_compare; i++) {
		add(&writer, i > 0 ? "," : "");
		add_compare(&writer, &txn->compare[i]);
	}
	add(&writer, "]");
	add_branch(&writer, "success", txn->success, txn->n_success);
	add_branch(&writer, "failure", txn->failure, txn->n_failure);
	add(&writer, "}");
	return result(&writer);
}

int oo_etcd_encode_op(const struct oo_etcd_op *op, struct oo_buffer *body)
{
	struct writer writer = {.body = body};
	add(&writer, "{");
	add_op(&writer, op);
	add(&writer, "}");
	return result(&writer);
}

int oo_etcd_encode_grant(int64_t id, int64_t ttl_s, struct oo_buffer *body)
{
	if (id <= 0 || ttl_s <= 0) {
		return -EINVAL;
	}
	struct writer writer = {.body = body};
	add(&writer, "{");
	add_number(&writer, "ID", id);
	add(&writer, ",");
	add_number(&writer, "TTL", ttl_s);
	add(&writer, "}");
	return result(&writer);
}

int oo_etcd_encode_lease(int64_t id, struct oo_buffer *body)
{
	if (id == 0) {
		return -EINVAL;
	}
	struct writer writer = {.body = body};
	add(&writer, "{");
	add_number(&writer, "ID", id);
	add(&writer, "}");
	return result(&writer);
}

int oo_etcd_encode_watch(const struct oo_etcd_range *range, int64_t start_revision,
			 struct oo_buffer *body)
{
	struct writer writer = {.body = body};
	add(&writer, "{\"create_request\":{");
	add_range(&writer, range);
	add(&writer, ",");
	add_number(&writer, "start_revision", start_revision);
	/* progress: where the server sends them often they are signs of life */
	add(&writer, ",\"progress_notify\":true}}");
	return result(&writer);
}

static void add_text(struct writer *writer, const char *name, const char *text)
{
	OO_AUTO(oo_etcd_json_put) json_object *string = json_object_new_string(text);
	if (string == NULL) {
		writer->r = writer->r == 0 ? -ENOMEM : writer->r;
		return;
	}
	add(writer, "\"");
	add(writer, name);
	add(writer, "\":");
	add(writer, json_object_to_json_string_ext(string, JSON_C_TO_STRING_NOSLASHESCAPE));
}

int oo_etcd_encode_login(const char *username, const char *password, struct oo_buffer *body)
{
	struct writer writer = {.body = body};
	add(&writer, "{");
	add_text(&writer, "name", username);
	add(&writer, ",");
	add_text(&writer, "password", password);
	add(&writer, "}");
	return result(&writer);
}
