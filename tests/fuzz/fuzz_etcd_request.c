/*
 * What we ask of etcd: whatever is asked for, the body is JSON that says exactly that. The first byte
 * says which request, the rest its arguments, a line each. Base64 goes there and back on the way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/base64.h"
#include "etcd/encode.h"
#include "etcd/json.h"
#include "fuzz.h"

#define TEXT_LENGTH 1200 /* more than a key may have */

struct arguments {
	char key[TEXT_LENGTH], end[TEXT_LENGTH], value[TEXT_LENGTH];
	bool has_end, prefix, keys_only;
	int64_t number, other;
};

static void take_arguments(struct fuzz_input *input, struct arguments *arguments)
{
	uint8_t flags = fuzz_take_byte(input);
	arguments->has_end = (flags & 1) != 0;
	arguments->prefix = (flags & 2) != 0;
	arguments->keys_only = (flags & 4) != 0;
	arguments->number = (int64_t)fuzz_take_number(input);
	arguments->other = (int64_t)fuzz_take_byte(input) - 8;
	fuzz_take_line(input, arguments->key, sizeof(arguments->key));
	fuzz_take_line(input, arguments->end, sizeof(arguments->end));
	fuzz_take_line(input, arguments->value, sizeof(arguments->value));
}

static json_object *parse(const struct oo_buffer *body)
{
	json_object *object = NULL;
	FUZZ_CHECK(oo_etcd_json_parse(body->data, body->length, &object, NULL) == 0);
	return object;
}

static void check_bytes(json_object *object, const char *name, const char *data, size_t length)
{
	struct oo_etcd_arena arena = {0};
	struct oo_etcd_json_bytes bytes;
	FUZZ_CHECK(oo_etcd_json_get(object, name) != NULL);
	FUZZ_CHECK(oo_etcd_json_bytes(object, name, &arena, &bytes, NULL) == 0);
	FUZZ_CHECK(bytes.length == length && memcmp(bytes.data, data, length) == 0);
	oo_etcd_arena_done(&arena);
}

static void check_number(json_object *object, const char *name, int64_t number)
{
	int64_t read;
	FUZZ_CHECK(oo_etcd_json_int64(object, name, &read, NULL) == 0 && read == number);
}

/* Every key that begins with prefix is under the end, and the prefix itself, too. */
static void check_prefix_end(json_object *object, const char *prefix)
{
	struct oo_etcd_arena arena = {0};
	struct oo_etcd_json_bytes end;
	FUZZ_CHECK(oo_etcd_json_bytes(object, "range_end", &arena, &end, NULL) == 0);
	bool whole = end.length == 1 && end.data[0] == '\0';
	FUZZ_CHECK(end.length > 0 && end.length <= strlen(prefix));
	FUZZ_CHECK(whole || memcmp(end.data, prefix, end.length) > 0);
	FUZZ_CHECK(whole || memcmp(end.data, prefix, end.length - 1) == 0);
	oo_etcd_arena_done(&arena);
}

static bool is_key(const char *key)
{
	return key[0] != '\0' && strlen(key) <= OO_ETCD_KEY_BYTES_MAX;
}

static void check_range(json_object *object, const struct arguments *arguments)
{
	check_bytes(object, "key", arguments->key, strlen(arguments->key));
	if (arguments->prefix) {
		check_prefix_end(object, arguments->key);
	} else if (arguments->has_end) {
		check_bytes(object, "range_end", arguments->end, strlen(arguments->end));
	} else {
		FUZZ_CHECK(oo_etcd_json_get(object, "range_end") == NULL);
	}
}

static struct oo_etcd_op make_op(const struct arguments *arguments, enum oo_etcd_op_type type)
{
	return (struct oo_etcd_op){
		.type = type,
		.key = arguments->key,
		.range_end = arguments->has_end ? arguments->end : NULL,
		.prefix = arguments->prefix,
		.keys_only = arguments->keys_only,
		.limit = arguments->number,
		.value = arguments->value,
		.value_length = strlen(arguments->value),
		.lease = arguments->number,
	};
}

static void check_op(json_object *object, const struct oo_etcd_op *op,
		     const struct arguments *arguments)
{
	switch (op->type) {
	case OO_ETCD_OP_RANGE:
		check_range(object, arguments);
		check_number(object, "limit", op->limit);
		break;
	case OO_ETCD_OP_PUT:
		check_bytes(object, "key", op->key, strlen(op->key));
		check_bytes(object, "value", op->value, op->value_length);
		check_number(object, "lease", op->lease);
		break;
	case OO_ETCD_OP_DELETE:
		check_range(object, arguments);
		break;
	}
}

static void try_op(const struct arguments *arguments, enum oo_etcd_op_type type,
		   struct oo_buffer *body)
{
	const struct oo_etcd_op op = make_op(arguments, type);
	int r = oo_etcd_encode_op(&op, body);
	FUZZ_CHECK(r == (is_key(arguments->key) ? 0 : -EINVAL));
	if (r == 0) {
		OO_AUTO(oo_etcd_json_put) json_object *object = parse(body);
		check_op(object, &op, arguments);
	}
}

static void try_txn(const struct arguments *arguments, struct oo_buffer *body)
{
	static const char *const names[] = {"request_range", "request_put", "request_delete_range"};
	const struct oo_etcd_op ops[] = {make_op(arguments, OO_ETCD_OP_RANGE),
					 make_op(arguments, OO_ETCD_OP_PUT),
					 make_op(arguments, OO_ETCD_OP_DELETE)};
	const struct oo_etcd_compare compare = {
		.key = arguments->key,
		.target = (enum oo_etcd_target)((uint64_t)arguments->number % 5),
		.relation = (enum oo_etcd_relation)((uint64_t)arguments->number / 5 % 4),
		.value = arguments->value,
		.value_length = strlen(arguments->value),
		.number = arguments->number,
	};
	const struct oo_etcd_txn txn = {&compare, 1, ops, OO_LENGTH(ops), ops, OO_LENGTH(ops)};
	int r = oo_etcd_encode_txn(&txn, body);
	FUZZ_CHECK(r == (is_key(arguments->key) ? 0 : -EINVAL));
	if (r < 0) {
		return;
	}
	OO_AUTO(oo_etcd_json_put) json_object *object = parse(body);
	json_object *branch = oo_etcd_json_get(object, "failure");
	FUZZ_CHECK(json_object_array_length(branch) == OO_LENGTH(ops));
	for (size_t i = 0; i < OO_LENGTH(ops); i++) {
		json_object *one = json_object_array_get_idx(branch, i);
		check_op(oo_etcd_json_get(one, names[i]), &ops[i], arguments);
	}
}

static void try_watch(const struct arguments *arguments, struct oo_buffer *body)
{
	const struct oo_etcd_range range = {
		arguments->key, arguments->has_end ? arguments->end : NULL, arguments->prefix};
	int r = oo_etcd_encode_watch(&range, arguments->number, body);
	FUZZ_CHECK(r == (is_key(arguments->key) ? 0 : -EINVAL));
	if (r == 0) {
		OO_AUTO(oo_etcd_json_put) json_object *object = parse(body);
		json_object *create = oo_etcd_json_get(object, "create_request");
		check_range(create, arguments);
		check_number(create, "start_revision", arguments->number);
	}
}

static void try_lease(const struct arguments *arguments, struct oo_buffer *body)
{
	int r = oo_etcd_encode_grant(arguments->number, arguments->other, body);
	FUZZ_CHECK((r == 0) == (arguments->number > 0 && arguments->other > 0));
	if (r == 0) {
		OO_AUTO(oo_etcd_json_put) json_object *object = parse(body);
		check_number(object, "ID", arguments->number);
		check_number(object, "TTL", arguments->other);
	}
	oo_buffer_clear(body);
	r = oo_etcd_encode_lease(arguments->number, body);
	FUZZ_CHECK((r == 0) == (arguments->number != 0));
}

static void try_login(const struct arguments *arguments, struct oo_buffer *body)
{
	const char *name, *password;
	FUZZ_CHECK(oo_etcd_encode_login(arguments->key, arguments->value, body) == 0);
	OO_AUTO(oo_etcd_json_put) json_object *object = parse(body);
	FUZZ_CHECK(oo_etcd_json_text(object, "name", &name, NULL) == 0);
	FUZZ_CHECK(oo_etcd_json_text(object, "password", &password, NULL) == 0);
	FUZZ_CHECK(oo_text_equal(name, arguments->key));
	FUZZ_CHECK(oo_text_equal(password, arguments->value));
}

/* What is base64 has one form only: what was decoded encodes to what it was. */
static void try_base64(const struct fuzz_input *input, struct oo_buffer *body)
{
	const size_t room = OO_ETCD_BASE64_DECODED_MAX(input->length);
	char *data = malloc(room + 1); /* to the byte, so that one too many is seen */
	size_t length;
	FUZZ_CHECK(data != NULL);
	if (oo_etcd_base64_decode((const char *)input->data, input->length, data, &length) == 0) {
		FUZZ_CHECK(length <= room);
		FUZZ_CHECK(oo_etcd_base64_encode(body, data, length) == 0);
		FUZZ_CHECK(body->length == input->length);
		FUZZ_CHECK(length == 0 || memcmp(body->data, input->data, input->length) == 0);
	}
	free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct fuzz_input input = {data, length};
	struct arguments arguments;
	OO_AUTO(oo_buffer_done) struct oo_buffer body;
	oo_buffer_init(&body, OO_ETCD_REQUEST_BYTES_MAX);
	uint8_t which = fuzz_take_byte(&input);
	if (which == 'b') {
		try_base64(&input, &body);
		return 0;
	}
	take_arguments(&input, &arguments);
	switch (which) {
	case 'r':
		try_op(&arguments, OO_ETCD_OP_RANGE, &body);
		break;
	case 'p':
		try_op(&arguments, OO_ETCD_OP_PUT, &body);
		break;
	case 'd':
		try_op(&arguments, OO_ETCD_OP_DELETE, &body);
		break;
	case 't':
		try_txn(&arguments, &body);
		break;
	case 'w':
		try_watch(&arguments, &body);
		break;
	case 'g':
		try_lease(&arguments, &body);
		break;
	case 'o':
		try_login(&arguments, &body);
		break;
	default:
		return -1;
	}
	return 0;
}
