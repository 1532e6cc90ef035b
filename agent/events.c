#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "records.h"

#define TEXT_LENGTH 384
#define KIND_LENGTH 16

struct event {
	int64_t at; /* wall ms */
	enum oo_log_level level;
	char kind[KIND_LENGTH];
	char group[OO_CORE_NAME_LENGTH]; /* "": of the node as a whole */
	char text[TEXT_LENGTH];
};

struct agent_events {
	const struct agent *agent;
	char started_at[32];
	uint64_t n; /* ever: the last one's seq */
	struct event ring[AGENT_EVENTS_MAX];
};

/* What an event is about: by the name of its message, as the journal has it (journal.h). */
/* clang-format off */
static const struct {
	const char *message, *kind;
} messages[] = {
	{"role", "role"},
	{"nobody_holds", "role"},
	{"degraded", "health"},
	{"no_standby", "health"},
	{"unfit", "health"},
	{"link", "health"},
	{"check", "check"},
	{"etcd_trouble", "etcd"},
	{"etcd_back", "etcd"},
	{"etcd_asked", "etcd"},
	{"name_taken", "member"},
	{"address_up", "vip"},
	{"address_down", "vip"},
	{"address_failed", "vip"},
	{"address_removed", "vip"},
	{"neighbour", "vip"},
	{"provider", "vip"},
	{"address_in_use", "conflict"},
	{"address_free", "conflict"},
	{"conflict", "conflict"},
	{"fence", "fence"},
	{"hook", "hook"},
	{"hooks", "hook"},
	{"pause", "operator"},
	{"drain", "operator"},
	{"switchover", "operator"},
	{"asked", "operator"},
	{"diagnosis", "diagnosis"},
	{"repair", "repair"},
};
/* Lines without one: by the part that says it. */
static const struct {
	const char *file, *kind;
} parts[] = {
	{"diagnosis.c", "diagnosis"},
	{"gate.c", "hook"},
	{"history.c", "etcd"},
	{"link.c", "vip"},
	{"members.c", "member"},
	{"part.c", "vip"},
	{"rival.c", "conflict"},
	{"switchover.c", "operator"},
	{"vips.c", "vip"},
	{"wishes.c", "operator"},
};
/* clang-format on */

/* The value of a journal field, name with its '='; NULL: the line has none. */
static const char *find_field(const struct oo_log_said *said, const char *name)
{
	size_t length = strlen(name);
	for (size_t i = 0; said->fields != NULL && said->fields[i] != NULL; i++) {
		if (strncmp(said->fields[i], name, length) == 0) {
			return said->fields[i] + length;
		}
	}
	return NULL;
}

static const char *find_kind(const struct oo_log_said *said)
{
	const char *message = find_field(said, "OOHA_MESSAGE=");
	for (size_t i = 0; i < OO_LENGTH(messages) && message != NULL; i++) {
		if (oo_text_equal(messages[i].message, message)) {
			return messages[i].kind;
		}
	}
	for (size_t i = 0; i < OO_LENGTH(parts) && message == NULL; i++) {
		if (oo_text_equal(parts[i].file, said->file)) {
			return parts[i].kind;
		}
	}
	return "agent";
}

/* Lines of a group begin with its name and ": "; here it has a place of its own. */
static const char *split_group(const struct agent *agent, const char *text,
			       char group[static OO_CORE_NAME_LENGTH])
{
	for (size_t g = 0; g < agent->core_config.n_groups; g++) {
		size_t length = strlen(agent->group_names[g]);
		if (strncmp(text, agent->group_names[g], length) == 0 &&
		    strncmp(text + length, ": ", 2) == 0) {
			oo_text_clip(group, OO_CORE_NAME_LENGTH, agent->group_names[g]);
			return text + length + 2;
		}
	}
	group[0] = '\0';
	return text;
}

static void on_line(void *user, const struct oo_log_said *said)
{
	struct agent_events *events = user;
	struct event *event = &events->ring[events->n++ % AGENT_EVENTS_MAX];
	event->at = oo_clock_wall();
	event->level = said->level;
	oo_text_clip(event->kind, sizeof(event->kind), find_kind(said));
	const char *text = split_group(events->agent, said->text, event->group);
	oo_text_clip(event->text, sizeof(event->text), text);
}

int agent_events_new(const struct agent *agent, struct agent_events **ret_events,
		     struct oo_err *err)
{
	struct agent_events *events = calloc(1, sizeof(*events));
	if (events == NULL) {
		return oo_fail(err, ENOMEM, "events");
	}
	events->agent = agent;
	oo_record_time(oo_clock_wall(), events->started_at);
	oo_log_watch(on_line, events);
	*ret_events = events;
	return 0;
}

void agent_events_free(struct agent_events *events)
{
	if (events != NULL) {
		oo_log_watch(NULL, NULL);
		free(events);
	}
}

static const char *level_name(enum oo_log_level level)
{
	switch (level) {
	case OO_LOG_ERROR:
		return "error";
	case OO_LOG_WARNING:
		return "warning";
	case OO_LOG_NOTICE:
		return "notice";
	case OO_LOG_INFO:
	case OO_LOG_DEBUG:
		break;
	}
	return "info";
}

static struct json_object *new_event(const struct event *event, uint64_t seq)
{
	char at[32];
	struct json_object *object = json_object_new_object();
	oo_record_time(event->at, at);
	json_object_object_add(object, "seq", json_object_new_uint64(seq));
	json_object_object_add(object, "at", json_object_new_string(at));
	json_object_object_add(object, "level", json_object_new_string(level_name(event->level)));
	json_object_object_add(object, "kind", json_object_new_string(event->kind));
	json_object_object_add(object, "group",
			       event->group[0] == '\0' ? NULL
						       : json_object_new_string(event->group));
	json_object_object_add(object, "text", json_object_new_string(event->text));
	return object;
}

struct json_object *agent_events_new_answer(const struct agent_events *events, int64_t after,
					    size_t n)
{
	struct json_object *object = json_object_new_object();
	struct json_object *array = json_object_new_array();
	uint64_t first = events->n > AGENT_EVENTS_MAX ? events->n - AGENT_EVENTS_MAX + 1 : 1;
	uint64_t seq = after >= 0 && (uint64_t)after >= first ? (uint64_t)after + 1 : first;
	if (seq <= events->n && events->n - seq >= n) {
		seq = events->n - n + 1;
	}
	json_object_object_add(object, "started_at", json_object_new_string(events->started_at));
	json_object_object_add(object, "first", json_object_new_uint64(events->n > 0 ? first : 0));
	json_object_object_add(object, "last", json_object_new_uint64(events->n));
	for (; seq <= events->n; seq++) {
		json_object_array_add(array,
				      new_event(&events->ring[(seq - 1) % AGENT_EVENTS_MAX], seq));
	}
	json_object_object_add(object, "events", array);
	return object;
}
