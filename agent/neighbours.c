#include "neighbours.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "doubts.h"
#include "net/neighbour.h"
#include "part.h"
#include "presence.h"
#include "store.h"
#include "vips.h"

#define LOOK_MS 1000

struct agent_neighbours {
	struct agent *agent;
	struct oo_timer timer;
	struct oo_neighbour *room;   /* owned; for the largest part */
	struct agent_doubts *doubts; /* owned; of each group, while it is held */
	struct oo_sight sees[OO_MEMBER_SEES_MAX];
	size_t n_sees;
	uint64_t revision;
};

static void set_mac(struct oo_sight *sight, const uint8_t mac[static OO_MAC_LENGTH])
{
	snprintf(sight->mac, sizeof(sight->mac), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
}

/* VIP number k of part, at part's own MAC. */
static struct oo_sight own_sight(const struct agent_part *part, size_t k)
{
	struct oo_sight sight = {0}; /* all of it: they are compared as bytes */
	char text[OO_ADDRESS_LENGTH];

	oo_address_format(&part->list[k], text);
	text[strcspn(text, "/")] = '\0';
	oo_text_clip(sight.address, sizeof(sight.address), text);
	set_mac(&sight, part->link.mac);
	return sight;
}

static bool holds(const struct agent *agent, unsigned group)
{
	return oo_core_want(agent->core, group)->address && agent_vips_is_up(agent->vips[group]);
}

static void look_at_part(struct agent_neighbours *neighbours, const struct agent_part *part,
			 struct oo_sight sees[static OO_MEMBER_SEES_MAX], size_t *n)
{
	const struct oo_address_set set = {
		.ifindex = part->link.index, .list = part->list, .n = part->n};

	if (!part->link.exists ||
	    oo_net_neighbours(neighbours->agent->net, &set, neighbours->room, NULL) < 0) {
		return; /* seen again at the next look */
	}
	for (size_t k = 0; k < part->n && *n < OO_MEMBER_SEES_MAX; k++) {
		if (neighbours->room[k].known) {
			sees[*n] = own_sight(part, k);
			set_mac(&sees[(*n)++], neighbours->room[k].mac);
		}
	}
}

static void look(struct agent_neighbours *neighbours)
{
	const struct agent *agent = neighbours->agent;
	struct oo_sight sees[OO_MEMBER_SEES_MAX];
	size_t n = 0;

	memset(sees, 0, sizeof(sees));
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		size_t n_parts;
		const struct agent_part *parts = agent_vips_parts(agent->vips[g], &n_parts);
		for (size_t i = 0; i < n_parts && !agent_vips_is_up(agent->vips[g]); i++) {
			look_at_part(neighbours, &parts[i], sees, &n);
		}
	}
	if (n != neighbours->n_sees || memcmp(sees, neighbours->sees, sizeof(sees)) != 0) {
		memcpy(neighbours->sees, sees, sizeof(sees));
		neighbours->n_sees = n;
		neighbours->revision++;
		agent_presence_apply(agent->presence);
	}
}

/* What member sees address at; NULL: nothing, or it is this node. */
static const struct oo_sight *find_sight(const struct agent *agent, const struct oo_member *member,
					 const char *address)
{
	if (oo_text_equal(member->node, agent->config->node.name)) {
		return NULL;
	}
	for (size_t i = 0; i < member->n_sees; i++) {
		if (oo_text_equal(member->sees[i].address, address)) {
			return &member->sees[i];
		}
	}
	return NULL;
}

static void compare(struct agent_neighbours *neighbours, struct agent_doubts *doubts,
		    const struct agent_part *part, size_t k)
{
	size_t n;
	const struct agent_known_member *members =
		agent_store_members(neighbours->agent->store, &n);
	const struct oo_sight own = own_sight(part, k);

	for (size_t i = 0; i < n; i++) {
		const struct oo_member *member = &members[i].member;
		const struct oo_sight *sight = find_sight(neighbours->agent, member, own.address);
		if (sight != NULL && !oo_text_equal(sight->mac, own.mac)) {
			agent_doubts_note(doubts, member->node, sight, oo_clock_now());
		}
	}
}

static void tell(const char *group, const struct agent_doubt *doubt)
{
	switch (doubt->news) {
	case AGENT_DOUBT_NOTHING:
		return;
	case AGENT_DOUBT_PERSISTS:
		oo_log(OO_LOG_WARNING,
		       "%s: %s still sees %s at %s after %d s of announcements: its switch or a "
		       "filter (arp_accept, arp_ignore) drops them, or its entry is permanent",
		       group, doubt->node, doubt->sight.address, doubt->sight.mac,
		       AGENT_DOUBTS_PATIENCE_MS / 1000);
		return;
	case AGENT_DOUBT_OVER:
		oo_log(OO_LOG_INFO, "%s: %s no longer sees %s at %s", group, doubt->node,
		       doubt->sight.address, doubt->sight.mac);
		return;
	}
}

static void judge(struct agent_neighbours *neighbours, unsigned group)
{
	const struct agent *agent = neighbours->agent;
	struct agent_doubts *doubts = &neighbours->doubts[group];
	size_t n_parts;
	const struct agent_part *parts = agent_vips_parts(agent->vips[group], &n_parts);

	agent_doubts_begin(doubts);
	for (size_t i = 0; i < n_parts; i++) {
		for (size_t k = 0; k < parts[i].n; k++) {
			compare(neighbours, doubts, &parts[i], k);
		}
	}
	bool again = agent_doubts_end(doubts, oo_clock_now());
	for (size_t i = 0; i < n_parts && again; i++) {
		if (parts[i].whole) {
			oo_announcer_burst(parts[i].announcer);
		}
	}
	for (size_t i = 0; i < doubts->n; i++) {
		tell(agent->group_names[group], &doubts->list[i]);
	}
}

static void on_timer(struct oo_timer *timer)
{
	struct agent_neighbours *neighbours =
		oo_container_of(timer, struct agent_neighbours, timer);
	const struct agent *agent = neighbours->agent;

	oo_timer_set(timer, oo_clock_now() + LOOK_MS);
	look(neighbours);
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		if (holds(agent, g)) {
			judge(neighbours, g);
		} else {
			neighbours->doubts[g].n = 0; /* they are somebody else's now */
		}
	}
}

uint64_t agent_neighbours_revision(const struct agent_neighbours *neighbours)
{
	return neighbours->revision;
}

struct json_object *agent_neighbours_new_sees(const struct agent_neighbours *neighbours)
{
	struct json_object *object = json_object_new_object();
	for (size_t i = 0; i < neighbours->n_sees; i++) {
		const struct oo_sight *sight = &neighbours->sees[i];
		json_object_object_add(object, sight->address, json_object_new_string(sight->mac));
	}
	return object;
}

struct json_object *agent_neighbours_new_list(const struct agent *agent, unsigned group, size_t i)
{
	struct json_object *array = json_object_new_array();
	size_t n, k;
	const struct agent_known_member *members = agent_store_members(agent->store, &n);
	const struct agent_part *part = agent_vips_part(agent->vips[group], i, &k);
	const struct oo_sight own = own_sight(part, k);

	for (size_t m = 0; m < n; m++) {
		const struct oo_member *member = &members[m].member;
		const struct oo_sight *sight = find_sight(agent, member, own.address);
		if (sight == NULL) {
			continue;
		}
		struct json_object *object = json_object_new_object();
		json_object_object_add(object, "node", json_object_new_string(member->node));
		json_object_object_add(object, "mac", json_object_new_string(sight->mac));
		json_object_object_add(object, "agrees",
				       holds(agent, group) ? json_object_new_boolean(oo_text_equal(
								     sight->mac, own.mac))
							   : NULL);
		json_object_array_add(array, object);
	}
	return array;
}

void agent_neighbours_explain(const struct agent_neighbours *neighbours, unsigned group, char *text,
			      size_t size)
{
	const struct agent_doubts *doubts = &neighbours->doubts[group];

	text[0] = '\0';
	for (size_t i = 0; i < doubts->n && text[0] == '\0'; i++) {
		const struct agent_doubt *doubt = &doubts->list[i];
		if (doubt->persists && doubt->stands) {
			snprintf(text, size, "%s sees %s at %s, not at this node", doubt->node,
				 doubt->sight.address, doubt->sight.mac);
		}
	}
}

static size_t largest_part(const struct agent *agent)
{
	size_t largest = 1;
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		size_t n = agent_vips_count(agent->vips[g]);
		largest = n > largest ? n : largest;
	}
	return largest;
}

int agent_neighbours_new(struct agent *agent, struct agent_neighbours **ret_neighbours,
			 struct oo_err *err)
{
	struct agent_neighbours *neighbours = calloc(1, sizeof(*neighbours));
	if (neighbours == NULL) {
		return oo_fail(err, ENOMEM, "neighbours");
	}
	neighbours->agent = agent;
	neighbours->room = calloc(largest_part(agent), sizeof(*neighbours->room));
	neighbours->doubts = calloc(agent->core_config.n_groups, sizeof(*neighbours->doubts));
	int r = neighbours->room == NULL || neighbours->doubts == NULL
			? -ENOMEM
			: oo_timer_init(&neighbours->timer, agent->event, on_timer);
	if (r < 0) {
		agent_neighbours_free(neighbours);
		return oo_fail(err, -r, "neighbours");
	}
	oo_timer_set(&neighbours->timer, oo_clock_now() + LOOK_MS);
	*ret_neighbours = neighbours;
	return 0;
}

void agent_neighbours_free(struct agent_neighbours *neighbours)
{
	if (neighbours == NULL) {
		return;
	}
	oo_timer_done(&neighbours->timer);
	free(neighbours->room);
	free(neighbours->doubts);
	free(neighbours);
}
