/* A group's VIPs in the status: where they are, and who knows. */
#include "neighbours.h"
#include "status.h"
#include "status_fields.h"
#include "vips.h"

static struct json_object *new_provider(const struct agent_way_state *way)
{
	if (way->provider == NULL) {
		return NULL;
	}
	struct json_object *object = json_object_new_object();
	add_text(object, "state", way->provider);
	add_number(object, "runs", (int64_t)way->runs);
	add_number(object, "failures", (int64_t)way->failures);
	add_number(object, "repairs", (int64_t)way->repairs);
	return object;
}

struct json_object *agent_status_new_vips(const struct agent *agent, unsigned group)
{
	const struct agent_vips *vips = agent->vips[group];
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < agent_vips_count(vips); i++) {
		struct agent_vip_state state = agent_vips_state(vips, i);
		struct json_object *object = json_object_new_object();
		add_text(object, "address", state.address);
		add_text(object, "interface", state.interface);
		add_text(object, "mode", oo_config_mode_name(state.mode));
		add_bool(object, "up", state.up);
		add_bool(object, "told", state.way.told);
		add_age(object, "announced_ms", state.way.told_at);
		add_number(object, "announcements", (int64_t)state.way.times);
		add_number(object, "repairs", (int64_t)state.repairs);
		add_text(object, "removed_by", state.removed_by);
		json_object_object_add(object, "neighbours",
				       agent_neighbours_new_list(agent, group, i));
		add_number(object, "conflicts", (int64_t)state.rival.conflicts);
		add_text(object, "conflict_mac", state.rival.mac);
		add_moment(object, "conflict_at", state.rival.at);
		json_object_object_add(object, "provider", new_provider(&state.way));
		add_text(object, "error",
			 state.rival.error[0] != '\0' ? state.rival.error
			 : state.way.error[0] != '\0' ? state.way.error
						      : state.error);
		json_object_array_add(array, object);
	}
	return array;
}
