#include "etcd/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd/base64.h"

#define DEPTH_MAX 16 /* etcd's deepest answer has 6 */

static int wrong(struct oo_err *err, const char *name, const char *expected)
{
	return oo_fail_text(err, EPROTO, "\"%s\" is not %s", name, expected);
}

void oo_etcd_json_put(json_object **object)
{
	json_object_put(*object);
}

static void free_tokener(json_tokener **tokener)
{
	if (*tokener != NULL) {
		json_tokener_free(*tokener);
	}
}

static bool is_blank(const char *text, size_t length)
{
	size_t i = 0;
	while (i < length && strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0') {
		i++;
	}
	return i == length;
}

int oo_etcd_json_parse(const char *text, size_t length, json_object **ret_object,
		       struct oo_err *err)
{
	OO_AUTO(free_tokener) json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	if (tokener == NULL) {
		return oo_fail(err, ENOMEM, "JSON");
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	OO_AUTO(oo_etcd_json_put)
	json_object *object = json_tokener_parse_ex(tokener, text, (int)length);
	if (object == NULL) {
		enum json_tokener_error error = json_tokener_get_error(tokener);
		return oo_fail_text(err, EPROTO, "not JSON: %s",
				    error == json_tokener_continue
					    ? "cut short"
					    : json_tokener_error_desc(error));
	}
	size_t end = json_tokener_get_parse_end(tokener);
	if (!is_blank(text + end, length - end)) {
		return oo_fail_text(err, EPROTO, "not JSON: more follows the first value");
	}
	if (!json_object_is_type(object, json_type_object)) {
		return oo_fail_text(err, EPROTO, "not a JSON object");
	}
	*ret_object = oo_take_ptr(object);
	return 0;
}

json_object *oo_etcd_json_get(json_object *object, const char *name)
{
	json_object *member = NULL;
	if (json_object_is_type(object, json_type_object)) {
		json_object_object_get_ex(object, name, &member);
	}
	return member;
}

/* The text of a number, given as a string or as an integer; NULL if it is neither. */
static const char *number_text(json_object *member)
{
	if (json_object_is_type(member, json_type_string) ||
	    json_object_is_type(member, json_type_int)) {
		const char *text = json_object_get_string(member);
		return text[0] == '-' || (text[0] >= '0' && text[0] <= '9') ? text : NULL;
	}
	return NULL;
}

int oo_etcd_json_int64(json_object *object, const char *name, int64_t *ret_value,
		       struct oo_err *err)
{
	json_object *member = oo_etcd_json_get(object, name);
	if (member == NULL) {
		*ret_value = 0;
		return 0;
	}
	const char *text = number_text(member);
	char *end = NULL;
	errno = 0;
	int64_t value = text != NULL ? strtoll(text, &end, 10) : 0;
	if (text == NULL || end == text || *end != '\0' || errno != 0) {
		return wrong(err, name, "an int64");
	}
	*ret_value = value;
	return 0;
}

int oo_etcd_json_uint64(json_object *object, const char *name, uint64_t *ret_value,
			struct oo_err *err)
{
	json_object *member = oo_etcd_json_get(object, name);
	if (member == NULL) {
		*ret_value = 0;
		return 0;
	}
	const char *text = number_text(member);
	char *end = NULL;
	errno = 0;
	uint64_t value = text != NULL ? strtoull(text, &end, 10) : 0;
	if (text == NULL || text[0] == '-' || *end != '\0' || errno != 0) {
		return wrong(err, name, "a uint64");
	}
	*ret_value = value;
	return 0;
}

int oo_etcd_json_bool(json_object *object, const char *name, bool *ret_value, struct oo_err *err)
{
	json_object *member = oo_etcd_json_get(object, name);
	if (member != NULL && !json_object_is_type(member, json_type_boolean)) {
		return wrong(err, name, "true or false");
	}
	*ret_value = member != NULL && json_object_get_boolean(member);
	return 0;
}

int oo_etcd_json_text(json_object *object, const char *name, const char **ret_text,
		      struct oo_err *err)
{
	json_object *member = oo_etcd_json_get(object, name);
	if (member != NULL && !json_object_is_type(member, json_type_string)) {
		return wrong(err, name, "a string");
	}
	*ret_text = member != NULL ? json_object_get_string(member) : "";
	return 0;
}

int oo_etcd_json_array(json_object *object, const char *name, json_object **ret_array,
		       size_t *ret_n, struct oo_err *err)
{
	json_object *member = oo_etcd_json_get(object, name);
	if (member != NULL && !json_object_is_type(member, json_type_array)) {
		return wrong(err, name, "an array");
	}
	*ret_array = member;
	*ret_n = member != NULL ? json_object_array_length(member) : 0;
	return 0;
}

int oo_etcd_json_bytes(json_object *object, const char *name, struct oo_etcd_arena *arena,
		       struct oo_etcd_json_bytes *ret_bytes, struct oo_err *err)
{
	const char *text;
	int r = oo_etcd_json_text(object, name, &text, err);
	if (r < 0) {
		return r;
	}
	size_t length = strlen(text);
	char *data = oo_etcd_arena_take(arena, OO_ETCD_BASE64_DECODED_MAX(length) + 1);
	if (data == NULL) {
		return oo_fail(err, ENOMEM, "%s", name);
	}
	if (oo_etcd_base64_decode(text, length, data, &ret_bytes->length) < 0) {
		return wrong(err, name, "base64");
	}
	data[ret_bytes->length] = '\0';
	ret_bytes->data = data;
	return 0;
}

const char *oo_etcd_json_keep(struct oo_etcd_arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = oo_etcd_arena_take(arena, size);
	if (copy != NULL) {
		memcpy(copy, text, size);
	}
	return copy;
}
