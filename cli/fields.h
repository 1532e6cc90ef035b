#ifndef OO_FIELDS_H
#define OO_FIELDS_H
/*
 * Reads an answer that may be of another version: a field that is absent, null or of another type
 * gives the fallback. object may be anything, NULL too.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIELD_NONE INT64_MIN

/* A string, or a number as text. Lives as long as object. */
const char *field_text(json_object *object, const char *name, const char *fallback);
/* FIELD_NONE: none. */
int64_t field_number(json_object *object, const char *name);
bool field_is_true(json_object *object, const char *name);
/* Absent or null. */
bool field_is_null(json_object *object, const char *name);
/* NULL: none. */
json_object *field_object(json_object *object, const char *name);
json_object *field_array(json_object *object, const char *name);
/* Of what field_array returned. */
size_t field_length(json_object *array);

#endif
