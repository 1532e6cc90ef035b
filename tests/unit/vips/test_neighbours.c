/* What others see the VIPs at: compared with who holds them, looked up once for each interface. */
#include "neighbours.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../event/testing.h"
#include "base/cleanup.h"
#include "net/announce.h"
#include "net/neighbour.h"
#include "part.h"
#include "presence.h"
#include "rival.h"
#include "store.h"
#include "vips.h"

#define STRANGER "02:00:00:00:00:66"
#define OWN "02:00:00:00:00:01"
#define N_VIPS 2

static struct oo_config_group groups[] = {{.n_vips = N_VIPS}, {.n_vips = N_VIPS}};
static struct oo_config config = {
	.node = {.name = "node-a"}, .groups = groups, .n_groups = OO_LENGTH(groups)};
static struct agent agent;
static sd_event *event;
static struct agent_known_member members[2];
static bool is_held;
static bool taken[N_VIPS]; /* by a stranger */
static unsigned n_bursts, n_dumps, n_shown;

/* -- the groups: each has its own two VIPs, all on one interface */

struct agent_vips {
	struct oo_address list[N_VIPS];
	struct agent_part part;
};
static struct agent_vips vips[2];

const struct agent_part *agent_vips_parts(const struct agent_vips *of, size_t *ret_n)
{
	*ret_n = 1;
	return &of->part;
}

const struct agent_part *agent_vips_part(const struct agent_vips *of, size_t i, size_t *ret_k)
{
	*ret_k = i;
	return &of->part;
}

const struct agent_part *agent_vips_having(const struct agent_vips *of,
					   const struct oo_address *address, size_t *ret_k)
{
	for (*ret_k = 0; *ret_k < N_VIPS; (*ret_k)++) {
		if (oo_address_equal(&of->list[*ret_k], address)) {
			return &of->part;
		}
	}
	return NULL;
}

bool agent_vips_is_up(const struct agent_vips *of)
{
	(void)of;
	return is_held;
}

struct agent_rival_state agent_rival_state(const struct agent_rival *rival, size_t k)
{
	struct agent_rival_state state = {.conflicts = 0};
	(void)rival;
	snprintf(state.error, sizeof(state.error), "%s", taken[k] ? "in use" : "");
	return state;
}

/* -- the rest of the agent */

const struct oo_want *oo_core_want(const struct oo_core *core, unsigned group)
{
	static struct oo_want want;
	(void)core;
	(void)group;
	want.address = is_held;
	return &want;
}

const struct agent_known_member *agent_store_members(const struct agent_store *store, size_t *ret_n)
{
	(void)store;
	*ret_n = OO_LENGTH(members);
	return members;
}

void agent_presence_apply(struct agent_presence *presence)
{
	(void)presence;
	n_shown++;
}

static void count_burst(const struct agent_part *part)
{
	(void)part;
	n_bursts++;
}

static const struct agent_way on_link = {.on_link = true, .repeat = count_burst};
static const struct agent_way elsewhere = {.repeat = count_burst};
static char nobody; /* a rival that knows of no stranger but taken's */

int oo_net_neighbours(struct oo_net *net, const struct oo_address_set *set,
		      struct oo_neighbour *ret_neighbours, struct oo_err *err)
{
	(void)net;
	(void)err;
	n_dumps++;
	CU_ASSERT_EQUAL(set->ifindex, 7);
	for (size_t i = 0; i < set->n; i++) {
		ret_neighbours[i] = (struct oo_neighbour){.known = true, .mac = {2, 0, 0, 0, 0, 1}};
	}
	return 0;
}

/* -- */

/* node says in its member key that it sees address at mac. */
static void see(size_t i, const char *node, const char *address, const char *mac)
{
	struct oo_member *member = &members[i].member;
	snprintf(member->node, sizeof(member->node), "%s", node);
	snprintf(member->sees[member->n_sees].address, sizeof(member->sees[0].address), "%s",
		 address);
	snprintf(member->sees[member->n_sees++].mac, sizeof(member->sees[0].mac), "%s", mac);
}

static void set_up(void)
{
	agent = (struct agent){.config = &config,
			       .group_names = {"office", "mail"},
			       .core_config = {.n_groups = 2}};
	memset(members, 0, sizeof(members));
	memset(taken, 0, sizeof(taken));
	is_held = true;
	n_bursts = n_dumps = n_shown = 0;
	for (unsigned g = 0; g < 2; g++) {
		char text[32];
		agent.vips[g] = &vips[g];
		vips[g].part = (struct agent_part){
			.way = &on_link,
			.rival = (struct agent_rival *)&nobody,
			.link = {.index = 7, .exists = true, .mac = {2, 0, 0, 0, 0, 1}},
			.list = vips[g].list,
			.n = N_VIPS,
			.n_announced = N_VIPS,
		};
		for (unsigned k = 0; k < N_VIPS; k++) {
			snprintf(text, sizeof(text), "10.0.%u.10%u/24", g, k);
			CU_ASSERT_EQUAL(oo_address_parse(text, &vips[g].list[k], NULL), 0);
		}
	}
	CU_ASSERT_EQUAL_FATAL(sd_event_new(&event), 0);
	agent.event = event;
	CU_ASSERT_EQUAL_FATAL(agent_neighbours_new(&agent, &agent.neighbours, NULL), 0);
}

static void tear_down(void)
{
	agent_neighbours_free(agent.neighbours);
	sd_event_unref(event);
}

/* Its timer has expired once. */
static void look(void)
{
	CU_ASSERT(sd_event_run(event, 5000000) > 0);
}

static void test_who_sees_another_mac_is_announced_to(void)
{
	see(0, "node-b", "10.0.0.101", STRANGER);
	look();
	CU_ASSERT_EQUAL(n_bursts, 1);
}

static void test_who_agrees_is_left_alone_and_so_are_this_node_and_nonsense(void)
{
	see(0, "node-b", "10.0.0.100", OWN);
	see(0, "node-b", "no address", STRANGER);
	see(0, "node-b", "10.0.9.9", STRANGER);
	see(1, "node-a", "10.0.0.100", STRANGER);
	look();
	CU_ASSERT_EQUAL(n_bursts, 0);
}

static void test_one_that_a_stranger_has_is_nobodys_doubt(void)
{
	taken[0] = true;
	see(0, "node-b", "10.0.0.100", STRANGER);
	look();
	CU_ASSERT_EQUAL(n_bursts, 0);
	struct json_object *list = agent_neighbours_new_list(&agent, 0, 0);
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN),
			       "[{\"node\":\"node-b\",\"mac\":\"" STRANGER "\",\"agrees\":null}]");
	json_object_put(list);
	taken[0] = false;
	list = agent_neighbours_new_list(&agent, 0, 0);
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN),
			       "[{\"node\":\"node-b\",\"mac\":\"" STRANGER "\",\"agrees\":false}]");
	json_object_put(list);
}

static void test_what_is_on_no_link_is_nobodys_doubt_and_not_looked_up(void)
{
	vips[0].part.way = vips[1].part.way = &elsewhere;
	n_dumps = 0;
	see(0, "node-b", "10.0.0.100", STRANGER);
	look();
	CU_ASSERT_EQUAL(n_bursts, 0);
	is_held = false;
	look();
	CU_ASSERT_EQUAL(n_dumps, 0);
}

static void test_groups_of_one_interface_are_looked_up_at_once(void)
{
	is_held = false;
	look();
	CU_ASSERT_EQUAL(n_dumps, 1);
	CU_ASSERT_EQUAL(n_shown, 1);
	struct json_object *sees = agent_neighbours_new_sees(agent.neighbours);
	CU_ASSERT_STRING_EQUAL(json_object_to_json_string_ext(sees, JSON_C_TO_STRING_PLAIN),
			       "{\"10.0.0.100\":\"" OWN "\",\"10.0.0.101\":\"" OWN
			       "\",\"10.0.1.100\":\"" OWN "\",\"10.0.1.101\":\"" OWN "\"}");
	json_object_put(sees);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(who_sees_another_mac_is_announced_to),
		TEST(who_agrees_is_left_alone_and_so_are_this_node_and_nonsense),
		TEST(one_that_a_stranger_has_is_nobodys_doubt),
		TEST(what_is_on_no_link_is_nobodys_doubt_and_not_looked_up),
		TEST(groups_of_one_interface_are_looked_up_at_once),
	};
	return run_tests_in("neighbours", (struct frame){set_up, tear_down}, tests,
			    OO_LENGTH(tests));
}
