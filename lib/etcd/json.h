#ifndef OO_ETCD_JSON_H
#define OO_ETCD_JSON_H
/*
 * Reading etcd's JSON. A field that is left out is zero (proto3); int64 comes as a string or as a
 * number; bytes come in base64. All getters: object may be any JSON value, name is a member of it.
 * They return 0, -EPROTO with err naming the field, or -ENOMEM.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "etcd/arena.h"

/* For OO_AUTO. */
void oo_etcd_json_put(json_object **object);

/*
 * Reads one whole JSON object; it is the caller's. -EPROTO: no object, or more behind it.
 * err may be NULL.
 */
int oo_etcd_json_parse(const char *text, size_t length, json_object **ret_object,
		       struct oo_err *err);

/* The member called name, or NULL (also for JSON null and when object is no object). */
json_object *oo_etcd_json_get(json_object *object, const char *name);

int oo_etcd_json_int64(json_object *object, const char *name, int64_t *ret_value,
		       struct oo_err *err);
int oo_etcd_json_uint64(json_object *object, const char *name, uint64_t *ret_value,
			struct oo_err *err);
int oo_etcd_json_bool(json_object *object, const char *name, bool *ret_value, struct oo_err *err);
/* "" if left out. Lives as long as object. */
int oo_etcd_json_text(json_object *object, const char *name, const char **ret_text,
		      struct oo_err *err);
/* *ret_array is NULL, n 0 if left out. */
int oo_etcd_json_array(json_object *object, const char *name, json_object **ret_array,
		       size_t *ret_n, struct oo_err *err);

struct oo_etcd_json_bytes {
	const char *data; /* in the arena; a NUL is added behind length */
	size_t length;
};
int oo_etcd_json_bytes(json_object *object, const char *name, struct oo_etcd_arena *arena,
		       struct oo_etcd_json_bytes *ret_bytes, struct oo_err *err);

/* A copy of text in the arena, or NULL. */
const char *oo_etcd_json_keep(struct oo_etcd_arena *arena, const char *text);

#endif
