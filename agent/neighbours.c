#include "neighbours.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "doubts.h"
#include "journal.h"
#include "net/neighbour.h"
#include "part.h"
#include "presence.h"
#include "rival.h"
#include "store.h"
#include "vips.h"

#define LOOK_MS 1000

struct agent_neighbours {
	struct agent *agent;
	struct oo_timer timer;
	struct oo_neighbour *room;   /* owned, as the next two; for all VIPs */
	struct oo_address *list;     /* of the interface that is looked at */
	int *looked;                 /* interfaces, in this turn */
	struct agent_doubts *doubts; /* owned; of each group, while it is held */
	struct oo_sight sees[OO_MEMBER_SEES_MAX];
	size_t n_sees;
	uint64_t revision;
};

static void set_address(struct oo_sight *sight, const struct oo_address *address)
{
	char text[OO_ADDRESS_LENGTH];

	oo_address_format(address, text);
	text[strcspn(text, "/")] = '\0';
	oo_text_clip(sight->address, sizeof(sight->address), text);
}

/* VIP number k of part, at part's own MAC. */
static struct oo_sight own_sight(const struct agent_part *part, size_t k)
{
	struct oo_sight sight;

	set_address(&sight, &part->list[k]);
	oo_mac_format(part->link.mac, sight.mac);
	return sight;
}

static bool is_in(const int *list, size_t n, int number)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == number) {
			return true;
		}
	}
	return false;
}

static bool holds(const struct agent *agent, unsigned group)
{
	return oo_core_want(agent->core, group)->address && agent_vips_is_up(agent->vips[group]);
}

/* Lists what groups that are not up here have on an interface. */
static size_t gather(struct agent_neighbours *neighbours, int ifindex)
{
	const struct agent *agent = neighbours->agent;
	size_t n = 0;

	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		size_t n_parts;
		const struct agent_part *parts = agent_vips_parts(agent->vips[g], &n_parts);
		for (size_t i = 0; i < n_parts && !agent_vips_is_up(agent->vips[g]); i++) {
			if (parts[i].way->on_link && parts[i].link.exists &&
			    parts[i].link.index == ifindex) {
				memcpy(neighbours->list + n, parts[i].list,
				       parts[i].n * sizeof(*parts[i].list));
				n += parts[i].n;
			}
		}
	}
	return n;
}

/* One dump of the kernel's table for each interface. */
static void look_at(struct agent_neighbours *neighbours, int ifindex,
		    struct oo_sight sees[static OO_MEMBER_SEES_MAX], size_t *n)
{
	const struct oo_address_set set = {
		.ifindex = ifindex, .list = neighbours->list, .n = gather(neighbours, ifindex)};

	if (oo_net_neighbours(neighbours->agent->net, &set, neighbours->room, NULL) < 0) {
		return; /* seen again at the next look */
	}
	for (size_t k = 0; k < set.n && *n < OO_MEMBER_SEES_MAX; k++) {
		if (neighbours->room[k].known) {
			set_address(&sees[*n], &set.list[k]);
			oo_mac_format(neighbours->room[k].mac, sees[(*n)++].mac);
		}
	}
}

static void look(struct agent_neighbours *neighbours)
{
	const struct agent *agent = neighbours->agent;
	struct oo_sight sees[OO_MEMBER_SEES_MAX];
	size_t n = 0, n_looked = 0;

	memset(sees, 0, sizeof(sees));
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		size_t n_parts;
		const struct agent_part *parts = agent_vips_parts(agent->vips[g], &n_parts);
		for (size_t i = 0; i < n_parts && !agent_vips_is_up(agent->vips[g]); i++) {
			const int ifindex = parts[i].link.index;
			if (parts[i].way->on_link && parts[i].link.exists &&
			    !is_in(neighbours->looked, n_looked, ifindex)) {
				neighbours->looked[n_looked++] = ifindex;
				look_at(neighbours, ifindex, sees, &n);
			}
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

/* One that a stranger has is not here: who sees the stranger is right. Others have no MAC to be seen. */
static bool is_elsewhere(const struct agent_part *part, size_t k)
{
	return !part->way->on_link || agent_rival_state(part->rival, k).error[0] != '\0';
}

static void compare(struct agent_neighbours *neighbours, const struct oo_member *member,
		    const struct oo_sight *sight)
{
	const struct agent *agent = neighbours->agent;
	struct oo_address address;

	if (oo_address_parse(sight->address, &address, NULL) < 0) {
		return; /* another agent's nonsense */
	}
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		size_t k;
		const struct agent_part *part =
			holds(agent, g) ? agent_vips_having(agent->vips[g], &address, &k) : NULL;
		if (part == NULL || is_elsewhere(part, k)) {
			continue;
		}
		const struct oo_sight own = own_sight(part, k);
		if (!oo_text_equal(sight->mac, own.mac)) {
			agent_doubts_note(&neighbours->doubts[g], member->node, sight,
					  oo_clock_now());
		}
	}
}

/* By what members see, a few each: there may be many more VIPs. */
static void compare_all(struct agent_neighbours *neighbours)
{
	const struct agent *agent = neighbours->agent;
	size_t n;
	const struct agent_known_member *members = agent_store_members(agent->store, &n);

	for (size_t i = 0; i < n; i++) {
		const struct oo_member *member = &members[i].member;
		const bool self = oo_text_equal(member->node, agent->config->node.name);
		for (size_t j = 0; j < member->n_sees && !self; j++) {
			compare(neighbours, member, &member->sees[j]);
		}
	}
}

static void tell(const char *group, const struct agent_doubt *doubt)
{
	switch (doubt->news) {
	case AGENT_DOUBT_NOTHING:
		return;
	case AGENT_DOUBT_PERSISTS:
		agent_say(
			OO_LOG_WARNING,
			&(struct agent_said){.message = AGENT_MESSAGE_NEIGHBOUR,
					     .group = group,
					     .peer = doubt->node},
			"%s: %s still sees %s at %s after %d s of announcements: its switch (port "
			"security) or a filter (nft, arptables) drops them, its kernel does not "
			"heed "
			"them (arp_accept), or its entry is permanent",
			group, doubt->node, doubt->sight.address, doubt->sight.mac,
			AGENT_DOUBTS_PATIENCE_MS / 1000);
		return;
	case AGENT_DOUBT_OVER:
		agent_say(OO_LOG_INFO,
			  &(struct agent_said){.message = AGENT_MESSAGE_NEIGHBOUR,
					       .group = group,
					       .peer = doubt->node},
			  "%s: %s no longer sees %s at %s", group, doubt->node,
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

	bool again = agent_doubts_end(doubts, oo_clock_now());
	for (size_t i = 0; i < n_parts && again; i++) {
		if (parts[i].way->on_link && parts[i].n_announced > 0) {
			parts[i].way->repeat(&parts[i]);
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
			agent_doubts_begin(&neighbours->doubts[g]);
		} else {
			/* they are somebody else's now */
			neighbours->doubts[g].n = 0;
			neighbours->doubts[g].more_since = 0;
		}
	}
	compare_all(neighbours);
	for (unsigned g = 0; g < agent->core_config.n_groups; g++) {
		if (holds(agent, g)) {
			judge(neighbours, g);
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
	const bool is_ours = holds(agent, group) && !is_elsewhere(part, k);

	for (size_t m = 0; m < n; m++) {
		const struct oo_member *member = &members[m].member;
		const struct oo_sight *sight = find_sight(agent, member, own.address);
		if (sight == NULL) {
			continue;
		}
		struct json_object *object = json_object_new_object();
		json_object_object_add(object, "node", json_object_new_string(member->node));
		json_object_object_add(object, "mac", json_object_new_string(sight->mac));
		json_object_object_add(
			object, "agrees",
			is_ours ? json_object_new_boolean(oo_text_equal(sight->mac, own.mac))
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

static size_t count_vips(const struct agent *agent)
{
	size_t n = 0;
	for (unsigned g = 0; g < agent->config->n_groups; g++) {
		n += agent->config->groups[g].n_vips;
	}
	return n;
}

int agent_neighbours_new(struct agent *agent, struct agent_neighbours **ret_neighbours,
			 struct oo_err *err)
{
	struct agent_neighbours *neighbours = calloc(1, sizeof(*neighbours));
	if (neighbours == NULL) {
		return oo_fail(err, ENOMEM, "neighbours");
	}
	neighbours->agent = agent;
	neighbours->room = calloc(count_vips(agent), sizeof(*neighbours->room));
	neighbours->list = calloc(count_vips(agent), sizeof(*neighbours->list));
	neighbours->looked = calloc(count_vips(agent), sizeof(*neighbours->looked));
	neighbours->doubts = calloc(agent->config->n_groups, sizeof(*neighbours->doubts));
	int r = neighbours->room == NULL || neighbours->list == NULL ||
				neighbours->looked == NULL || neighbours->doubts == NULL
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
	free(neighbours->list);
	free(neighbours->looked);
	free(neighbours->doubts);
	free(neighbours);
}
