#ifndef OO_AGENT_STATUS_FIELDS_H
#define OO_AGENT_STATUS_FIELDS_H
/* How the status writes its fields; for status*.c only. */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "records.h"

static inline void add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name,
			       text == NULL || text[0] == '\0' ? NULL
							       : json_object_new_string(text));
}

static inline void add_number(struct json_object *object, const char *name, int64_t number)
{
	json_object_object_add(object, name, json_object_new_int64(number));
}

static inline void add_bool(struct json_object *object, const char *name, bool fact)
{
	json_object_object_add(object, name, json_object_new_boolean(fact));
}

/* How long ago at was; null if it never was. */
static inline void add_age(struct json_object *object, const char *name, int64_t at)
{
	json_object_object_add(object, name,
			       at == 0 ? NULL : json_object_new_int64(oo_clock_now() - at));
}

/* The wall time of a moment of CLOCK_BOOTTIME; null if it never was. */
static inline void add_moment(struct json_object *object, const char *name, int64_t at)
{
	char text[32];
	oo_record_time(oo_clock_wall() - (oo_clock_now() - at), text);
	add_text(object, name, at == 0 ? "" : text);
}

#endif
