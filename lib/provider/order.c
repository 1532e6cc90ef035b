#include "provider/order.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char *const holders[] = {"here", "elsewhere", "nobody"};

const char *oo_provider_verb_name(enum oo_provider_verb verb)
{
	switch (verb) {
	case OO_PROVIDER_UP:
		return "up";
	case OO_PROVIDER_DOWN:
		return "down";
	case OO_PROVIDER_STATUS:
		return "status";
	}
	return "";
}

int oo_provider_order_write(const struct oo_provider_vip *vip, enum oo_provider_verb verb,
			    uint64_t epoch, int64_t deadline_ms, struct oo_buffer *buffer)
{
	const struct {
		const char *name, *value;
	} texts[] = {
		{"verb", oo_provider_verb_name(verb)},
		{"cluster", vip->cluster},
		{"group", vip->group},
		{"node", vip->node},
		{"zone", vip->zone},
		{"address", vip->address},
		{"family", vip->family},
		{"interface", vip->interface},
	};
	int r = oo_buffer_add_format(buffer, "{\"version\":1");
	for (size_t i = 0; r == 0 && i < OO_LENGTH(texts); i++) {
		r = oo_buffer_add_format(buffer, ",\"%s\":", texts[i].name);
		r = r < 0 ? r : oo_buffer_add_json(buffer, texts[i].value, strlen(texts[i].value));
	}
	return r < 0 ? r
		     : oo_buffer_add_format(buffer,
					    ",\"prefix\":%u,\"epoch\":%" PRIu64
					    ",\"deadline_ms\":%" PRId64 ",\"settings\":%s}\n",
					    vip->prefix, epoch, deadline_ms, vip->settings);
}

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

static const char *find_holder(const char *text)
{
	for (size_t i = 0; i < OO_LENGTH(holders); i++) {
		if (oo_text_equal(text, holders[i])) {
			return holders[i];
		}
	}
	return NULL;
}

int oo_provider_answer_read(const char *line, struct oo_provider_answer *ret_answer,
			    struct oo_err *err)
{
	OO_AUTO(put_json) struct json_object *answer = json_tokener_parse(line);
	struct json_object *value;
	struct oo_provider_answer read = {.holder = NULL};

	if (!json_object_is_type(answer, json_type_object)) {
		return oo_fail_text(err, EBADMSG, "no JSON object: %s", line);
	}
	if (json_object_object_get_ex(answer, "holder", &value) &&
	    json_object_is_type(value, json_type_string)) {
		read.holder = find_holder(json_object_get_string(value));
	}
	if (read.holder == NULL) {
		return oo_fail_text(err, EBADMSG, "holder is to be here, elsewhere or nobody: %s",
				    line);
	}
	read.here = read.holder == holders[0];
	if (json_object_object_get_ex(answer, "epoch", &value)) {
		errno = 0;
		if (!json_object_is_type(value, json_type_int) ||
		    json_object_get_int64(value) < 0) {
			return oo_fail_text(err, EBADMSG, "epoch is to be a number: %s", line);
		}
		read.epoch = json_object_get_uint64(value);
	}
	*ret_answer = read;
	return 0;
}

static bool is_of_systemd(const char *variable)
{
	static const char *const prefixes[] = {"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_",
					       "JOURNAL_STREAM=", "MAINPID="};
	for (size_t i = 0; i < OO_LENGTH(prefixes); i++) {
		if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0) {
			return true;
		}
	}
	return false;
}

const char **oo_provider_environment(void)
{
	size_t n = 0;
	while (environ != NULL && environ[n] != NULL) {
		n++;
	}
	const char **variables = calloc(n + 1, sizeof(*variables));
	if (variables == NULL) {
		return NULL;
	}
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_of_systemd(environ[i])) {
			variables[kept++] = environ[i];
		}
	}
	return variables;
}
