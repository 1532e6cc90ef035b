#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/schema.h"

#define NAMES_LENGTH 200

static struct fy_node *value_of(struct fy_node *mapping, const char *key)
{
	return fy_node_mapping_lookup_value_by_simple_key(mapping, key, strlen(key));
}

static bool is_same(struct fy_node *one, struct fy_node *other)
{
	return oo_text_equal(fy_node_get_scalar0(one), fy_node_get_scalar0(other));
}

/* Items of a list, or their values of key, are all different. list may be NULL. */
static void check_unique(struct config_reader *reader, struct fy_node *list, const char *key)
{
	void *position = NULL;
	struct fy_node *item;

	while (list != NULL && (item = fy_node_sequence_iterate(list, &position)) != NULL) {
		struct fy_node *mine = key != NULL ? value_of(item, key) : item;
		void *earlier = NULL;
		struct fy_node *other;
		while ((other = fy_node_sequence_iterate(list, &earlier)) != item) {
			struct fy_node *theirs = key != NULL ? value_of(other, key) : other;
			if (is_same(mine, theirs)) {
				config_wrong(reader, mine, "given twice; it is on line %d already",
					     config_line(theirs));
				break;
			}
		}
	}
}

/* The check's index; n_checks if there is none of that name. */
static size_t find_check(const struct oo_config *config, const char *name)
{
	size_t i = 0;
	while (i < config->n_checks && !oo_text_equal(config->checks[i].spec.name, name)) {
		i++;
	}
	return i;
}

static void say_no_check(struct config_reader *reader, struct fy_node *name)
{
	const struct oo_config *config = reader->config;
	char names[NAMES_LENGTH] = "none";
	size_t length = 0;

	for (size_t i = 0; i < config->n_checks && length < sizeof(names); i++) {
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
					   i > 0 ? ", " : "", config->checks[i].spec.name);
	}
	config_wrong(reader, name, "no such check; there are: %s", names);
}

/* list  the names; NULL: all checks. */
static void resolve_checks(struct config_reader *reader, struct fy_node *list,
			   bool checks[static OO_CONFIG_CHECKS])
{
	void *position = NULL;
	struct fy_node *name;

	for (size_t i = 0; list == NULL && i < reader->config->n_checks; i++) {
		checks[i] = true;
	}
	while (list != NULL && (name = fy_node_sequence_iterate(list, &position)) != NULL) {
		size_t i = find_check(reader->config, fy_node_get_scalar0(name));
		if (i == reader->config->n_checks) {
			say_no_check(reader, name);
		} else {
			checks[i] = true;
		}
	}
}

struct placed_vip {
	const char *address; /* borrowed from the configuration */
	struct fy_node *node;
	size_t place; /* in the file's order */
};

/* The address alone counts: 10.0.0.100/24 and 10.0.0.100/32 are one VIP. */
static int compare_addresses(const struct placed_vip *one, const struct placed_vip *other)
{
	size_t length = strcspn(one->address, "/");
	size_t other_length = strcspn(other->address, "/");
	if (length != other_length) {
		return length < other_length ? -1 : 1;
	}
	return memcmp(one->address, other->address, length);
}

static int compare_vips(const void *one, const void *other)
{
	const struct placed_vip *a = one, *b = other;
	int order = compare_addresses(a, b);
	return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

/* Fills vips from all groups; the nodes stand in the order of the configuration. */
static void place_vips(const struct oo_config *config, struct fy_node *groups,
		       struct placed_vip *vips)
{
	void *group_position = NULL;
	size_t place = 0;

	for (size_t i = 0; i < config->n_groups; i++) {
		struct fy_node *list =
			value_of(fy_node_sequence_iterate(groups, &group_position), "vips");
		void *position = NULL;
		for (size_t j = 0; j < config->groups[i].n_vips; j++, place++) {
			struct fy_node *item = fy_node_sequence_iterate(list, &position);
			vips[place] = (struct placed_vip){
				.address = config->groups[i].vips[j].address,
				.node = value_of(item, "address"),
				.place = place,
			};
		}
	}
}

/* No VIP twice, in one group or in two. Sorted: there may be 65,536. */
static void check_vips(struct config_reader *reader, struct fy_node *groups)
{
	const struct oo_config *config = reader->config;
	size_t n = 0;

	for (size_t i = 0; i < config->n_groups; i++) {
		n += config->groups[i].n_vips;
	}
	OO_AUTO(oo_free) struct placed_vip *vips = calloc(n, sizeof(*vips));
	if (vips == NULL) {
		reader->out_of_memory = true;
		return;
	}
	place_vips(config, groups, vips);
	qsort(vips, n, sizeof(*vips), compare_vips);
	for (size_t i = 1; i < n; i++) {
		if (compare_addresses(&vips[i - 1], &vips[i]) == 0) {
			config_wrong(reader, vips[i].node, "given twice; it is on line %d already",
				     config_line(vips[i - 1].node));
		}
	}
}

bool oo_config_prefers(const struct oo_config_group *group, const char *zone)
{
	return group->prefer_zone[0] != '\0' && oo_text_equal(group->prefer_zone, zone);
}

/* What is not given in a group is as for all groups. */
static void set_failback(const struct oo_config_failback *all, struct fy_node *given,
			 struct oo_config_failback *failback)
{
	if (given == NULL || value_of(given, "mode") == NULL) {
		failback->mode = all->mode;
	}
	if (given == NULL || value_of(given, "delay") == NULL) {
		failback->delay_ms = all->delay_ms;
	}
	if (given == NULL || value_of(given, "stable") == NULL) {
		failback->stable_ms = all->stable_ms;
	}
}

/* Who follows a holder by zone, itself is in one. */
static void set_zones(struct config_reader *reader, struct oo_config_group *group,
		      struct fy_node *given)
{
	if (given == NULL) {
		group->zones = "any";
	} else if (!oo_text_equal(group->zones, "any") && reader->config->node.zone[0] == '\0') {
		config_wrong(reader, given,
			     "goes by zones, and this node has none; give node.zone as well");
	}
}

/* What a group does not say is the node's, or that of all groups. */
static void set_group_defaults(const struct oo_config *config, struct oo_config_group *group,
			       struct fy_node *node)
{
	if (value_of(node, "priority") == NULL) {
		group->priority = config->node.priority;
	}
	set_failback(&config->failback, value_of(node, "failback"), &group->failback);
	if (group->prefer_zone == NULL) {
		group->prefer_zone = "";
	}
}

void config_check_whole(struct config_reader *reader, struct fy_node *root)
{
	struct fy_node *groups = value_of(root, "groups");
	void *position = NULL;

	check_unique(reader, value_of(value_of(root, "etcd"), "endpoints"), NULL);
	check_unique(reader, value_of(root, "checks"), "name");
	check_unique(reader, groups, "name");
	check_vips(reader, groups);
	for (size_t i = 0; i < reader->config->n_groups; i++) {
		struct fy_node *node = fy_node_sequence_iterate(groups, &position);
		struct fy_node *names = value_of(node, "checks");
		set_group_defaults(reader->config, &reader->config->groups[i], node);
		set_zones(reader, &reader->config->groups[i], value_of(node, "zones"));
		check_unique(reader, names, NULL);
		resolve_checks(reader, names, reader->config->groups[i].checks);
	}
}
