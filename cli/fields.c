#include "fields.h"

static json_object *find(json_object *object, const char *name, enum json_type type)
{
	json_object *field = NULL;
	(void)json_object_object_get_ex(object, name, &field);
	return json_object_is_type(field, type) ? field : NULL;
}

const char *field_text(json_object *object, const char *name, const char *fallback)
{
	static const enum json_type types[] = {json_type_string, json_type_int, json_type_double};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		json_object *field = find(object, name, types[i]);
		if (field != NULL) {
			const char *text = json_object_get_string(field);
			return text != NULL ? text : fallback;
		}
	}
	return fallback;
}

int64_t field_number(json_object *object, const char *name)
{
	json_object *field = find(object, name, json_type_int);
	return field != NULL ? json_object_get_int64(field) : FIELD_NONE;
}

bool field_is_true(json_object *object, const char *name)
{
	json_object *field = find(object, name, json_type_boolean);
	return field != NULL && json_object_get_boolean(field);
}

bool field_is_null(json_object *object, const char *name)
{
	json_object *field = NULL;
	(void)json_object_object_get_ex(object, name, &field);
	return field == NULL;
}

json_object *field_object(json_object *object, const char *name)
{
	return find(object, name, json_type_object);
}

json_object *field_array(json_object *object, const char *name)
{
	return find(object, name, json_type_array);
}

size_t field_length(json_object *array)
{
	return array != NULL ? json_object_array_length(array) : 0;
}
