#include "documentserver/origin.h"

#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <stdio.h>

#include "base/cleanup.h"

static bool has_value(const char *path, const char *pointer)
{
	struct json_object *value = NULL;
	struct json_object *all = json_object_from_file(path);
	bool has = all != NULL && json_pointer_get(all, pointer, &value) == 0 && value != NULL;
	json_object_put(all);
	return has;
}

void oo_settings_origin(const char *directory, const char *pointer,
			char path[static OO_TEXT_LENGTH])
{
	static const char *const names[] = {"local.json", "production-linux.json", "default.json"};

	for (size_t i = 0; i < OO_LENGTH(names); i++) {
		int n = snprintf(path, OO_TEXT_LENGTH, "%s/%s", directory, names[i]);
		if (n > 0 && n < OO_TEXT_LENGTH && has_value(path, pointer)) {
			return;
		}
	}
	path[0] = '\0';
}
