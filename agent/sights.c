#include <json-c/json.h>
#include <string.h>

#include "records.h"

/* "02:00:00:00:00:17", as new records write it. */
static bool is_mac(const char *text)
{
	for (size_t i = 0; i < OO_SIGHT_MAC_LENGTH - 1; i++) {
		const bool colon = i % 3 == 2;
		if (text[i] == '\0' || strchr(colon ? ":" : "0123456789abcdef", text[i]) == NULL) {
			return false;
		}
	}
	return text[OO_SIGHT_MAC_LENGTH - 1] == '\0';
}

static bool is_address(const char *text)
{
	size_t length = strlen(text);
	return length > 0 && length < OO_SIGHT_ADDRESS_LENGTH &&
	       strspn(text, "0123456789abcdef:.") == length;
}

size_t oo_record_read_sees(struct json_object *object,
			   struct oo_sight sees[static OO_MEMBER_SEES_MAX])
{
	struct json_object *all;
	size_t n = 0;

	if (!json_object_object_get_ex(object, "sees", &all) ||
	    !json_object_is_type(all, json_type_object)) {
		return 0;
	}
	const struct json_object_iterator end = json_object_iter_end(all);
	for (struct json_object_iterator at = json_object_iter_begin(all);
	     n < OO_MEMBER_SEES_MAX && !json_object_iter_equal(&at, &end);
	     json_object_iter_next(&at)) {
		const char *address = json_object_iter_peek_name(&at);
		struct json_object *value = json_object_iter_peek_value(&at);
		const char *mac = json_object_is_type(value, json_type_string)
					  ? json_object_get_string(value)
					  : "";
		if (is_address(address) && is_mac(mac)) {
			oo_text_clip(sees[n].address, sizeof(sees[n].address), address);
			oo_text_clip(sees[n++].mac, sizeof(sees[0].mac), mac);
		}
	}
	return n;
}
