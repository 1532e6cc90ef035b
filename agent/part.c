#include "part.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "compare.h"
#include "guard.h"
#include "net/sockets.h"
#include "rival.h"

static const struct agent_way *const ways[] = {
	[OO_MODE_ARP] = &agent_way_arp,
	[OO_MODE_ROUTE] = &agent_way_route,
	[OO_MODE_PROVIDER] = &agent_way_provider,
};

static struct oo_address_set set_of(const struct agent_part *part)
{
	return (struct oo_address_set){
		.ifindex = part->link.index, .list = part->list, .n = part->n};
}

const char *agent_part_text(const struct agent_part *part, size_t k)
{
	return part->config->vips[part->index[k]].address;
}

static bool is_withheld(const struct agent_part *part, size_t k)
{
	return part->rival != NULL && agent_rival_withholds(part->rival, k);
}

static bool has_interface(const struct agent_part *part)
{
	return part->interface[0] != '\0';
}

static size_t select_present(const struct agent_part *part)
{
	size_t n = 0;
	for (size_t k = 0; k < part->n; k++) {
		if (part->present[k] && !is_withheld(part, k)) {
			part->spoken[n++] = part->list[k];
		}
	}
	return n;
}

int agent_part_announce(struct agent_part *part, struct oo_err *err)
{
	const size_t n = select_present(part);
	int r = part->way->up(part, n, part->hold_until, err);
	part->n_announced = r < 0 ? 0 : n;
	return r;
}

static void forget_told(struct agent_part *part)
{
	part->n_announced = 0;
	part->placed = false;
	part->whole = false;
}

void agent_part_hush(struct agent_part *part)
{
	part->way->hush(part);
	forget_told(part);
}

/* Off every interface, for who knows which it was. */
static int clear_strays(struct agent_part *part, struct oo_err *err)
{
	const struct oo_address_set set = {.list = part->list, .n = part->n};
	int r = part->stray ? oo_net_addresses_remove(part->agent->net, &set, err) : 0;
	part->stray = r < 0;
	return r;
}

/* One that cannot be added, as IPv6 where it is disabled, must not keep the others from being known. */
static void announce_some(struct agent_part *part, uint32_t valid_s, int64_t now)
{
	if (agent_part_look(part, part->link.index, NULL) < 0) {
		return;
	}
	const size_t n = select_present(part);
	part->placed = false;
	part->whole = false;
	if (n > 0) {
		part->armed_until = now + (int64_t)valid_s * 1000;
	}
	/* what fails is tried again with the addition */
	if (n > 0 && n == part->n_announced) {
		part->n_announced = part->way->confirm(part, part->hold_until, NULL) < 0 ? 0 : n;
	} else if (n > 0) {
		(void)agent_part_announce(part, NULL);
	}
}

/* Those that may be here now. */
static size_t select_free(struct agent_part *part, const struct oo_address **ret_list)
{
	if (part->rival != NULL) {
		return agent_rival_select(part->rival, ret_list);
	}
	*ret_list = part->list;
	return part->n;
}

/* By level: until it is told, and then that it stays so. */
static int tell(struct agent_part *part, struct oo_err *err)
{
	int r = part->whole ? part->way->confirm(part, part->hold_until, err)
			    : agent_part_announce(part, err);
	part->whole = r == 0;
	part->n_announced = r < 0 ? 0 : part->n_announced;
	return r == -EINPROGRESS ? 0 : r;
}

static void note_placed(struct agent_part *part)
{
	if (part->placed) {
		return;
	}
	part->placed = true;
	part->added_at = oo_clock_now();
	for (size_t k = 0; k < part->n; k++) {
		part->present[k] = !is_withheld(part, k);
	}
}

int agent_part_add(struct agent_part *part, uint32_t valid_s, int64_t hold_until,
		   struct oo_err *err)
{
	const int64_t now = oo_clock_now();
	struct oo_address_set set = {.ifindex = part->link.index};
	part->hold_until = hold_until;
	int r = clear_strays(part, err);
	if (r < 0) {
		return r;
	}
	if (!part->link.exists) {
		return oo_fail_text(err, ENODEV, "interface %s is gone", part->interface);
	}
	set.n = select_free(part, &set.list);
	if (set.n == 0) {
		return 0; /* the rival sees to it that it is tried again */
	}
	r = agent_guard_open(part->agent->guard, &set, hold_until, err);
	if (r < 0) {
		return r;
	}
	part->up = true; /* whatever comes of it, to be taken down again */
	r = has_interface(part) ? oo_net_addresses_add(part->agent->net, &set, valid_s, err) : 0;
	if (r < 0) {
		announce_some(part, valid_s, now);
		return r;
	}
	part->armed_until = now + (int64_t)valid_s * 1000;
	note_placed(part);
	return tell(part, err);
}

static void reset_connections(const struct agent_part *part, const struct oo_address_set *set)
{
	unsigned count = 0;
	struct oo_err err;
	if (oo_sockets_reset_all(set->list, set->n, &count, &err) < 0) {
		oo_log(OO_LOG_WARNING, "%s: connections not reset: %s", part->config->name,
		       err.text);
	}
	if (count > 0) {
		oo_log(OO_LOG_INFO, "%s: reset %u connections", part->config->name, count);
	}
}

static int remove_addresses(struct agent_part *part, struct oo_err *err)
{
	const struct oo_address_set set = set_of(part);
	int r = clear_strays(part, err);
	if (r == 0 && has_interface(part)) {
		r = oo_net_addresses_remove(part->agent->net, &set, err);
	}
	return r;
}

bool agent_part_is_any_leaving(struct agent_part *parts, size_t n, int64_t until)
{
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		struct agent_part *part = &parts[i];
		if (part->up && part->way->takes_time) {
			forget_told(part);
			any = part->way->down(part, until, NULL) == -EINPROGRESS || any;
		}
	}
	return any;
}

/* The fence is open until the hold ends, and nobody is to be told of anything. */
int64_t agent_part_keep_armed(struct agent_part *parts, size_t n, int64_t guard_until)
{
	const struct agent *agent = parts[0].agent;
	const int64_t now = oo_clock_now();
	const uint32_t valid_s = agent_guard_lifetime_s(agent->guard, guard_until, now);

	for (size_t i = 0; i < n && valid_s > 0; i++) {
		struct agent_part *part = &parts[i];
		const struct oo_address_set set = {.ifindex = part->link.index,
						   .list = part->spoken,
						   .n = select_present(part)};
		if (part->up && part->link.exists && has_interface(part)) {
			/* what is refused goes a little before its time */
			(void)oo_net_addresses_add(agent->net, &set, valid_s, NULL);
		}
	}
	return valid_s == 0 ? OO_NEVER
			    : agent_guard_rearm_at(agent->guard, guard_until, now,
						   now + (int64_t)valid_s * 1000);
}

/*
 * The old path first; then the fence, so that nothing new comes in; then the connections, while the address
 * can say so.
 */
int agent_part_remove(struct agent_part *part, int64_t until, struct oo_err *err)
{
	const struct oo_address_set set = set_of(part);
	struct oo_err of_way;

	forget_told(part);
	if (part->up && part->down_at <= part->added_at) { /* from then on nobody is answered */
		part->down_at = oo_clock_now();
	}
	const int told = part->way->down(part, until, &of_way);
	if (!part->up) {
		return 0;
	}
	int closed = agent_guard_close(part->agent->guard, &set, err);
	if (until != 0) {
		reset_connections(part, &set);
	}
	int r = remove_addresses(part, err);
	if (told < 0) {
		*err = of_way;
	}
	part->up = r < 0 || told < 0;
	return told < 0 ? told : r < 0 ? r : closed;
}

int agent_part_look(const struct agent_part *part, int ifindex, struct oo_err *err)
{
	struct oo_address_set set = {.ifindex = ifindex, .list = part->list, .n = part->n};
	if (!has_interface(part)) {
		return 0; /* as it was: nobody could take them off anything */
	}
	return oo_net_addresses_present(part->agent->net, &set, part->present, err);
}

int64_t agent_part_all_added_at(const struct agent_part *parts, size_t n)
{
	int64_t at = 0;
	for (size_t i = 0; i < n; i++) {
		at = parts[i].added_at > at ? parts[i].added_at : at;
	}
	return at;
}

int64_t agent_part_any_down_at(const struct agent_part *parts, size_t n)
{
	int64_t at = 0;
	for (size_t i = 0; i < n; i++) {
		at = parts[i].down_at != 0 && (at == 0 || parts[i].down_at < at) ? parts[i].down_at
										 : at;
	}
	return at;
}

bool agent_part_is_any_present(const struct agent_part *part)
{
	bool any = false;
	for (size_t k = 0; k < part->n; k++) {
		any = any || part->present[k];
	}
	return any;
}

bool agent_part_is_missing(const struct agent_part *part, size_t k)
{
	return !part->present[k] && !is_withheld(part, k);
}

bool agent_part_is_any_missing(const struct agent_part *part)
{
	bool any = false;
	for (size_t k = 0; k < part->n; k++) {
		any = any || agent_part_is_missing(part, k);
	}
	return any;
}

int agent_part_find(struct agent_part *part, bool adopt, struct oo_err *err)
{
	struct oo_address_set set = {.list = part->list, .n = part->n};
	int r = part->way->find(part, adopt, err);
	r = r < 0 ? r : agent_part_look(part, 0, err);
	if (r < 0) {
		return r;
	}
	for (size_t k = 0; k < part->n; k++) {
		if (part->present[k]) {
			oo_log(OO_LOG_NOTICE, "%s: %s %s, left by an earlier agent",
			       part->config->name, adopt ? "adopting" : "removing",
			       agent_part_text(part, k));
		}
	}
	/* what was told may outlive its address */
	part->up = adopt && (!part->way->on_link || agent_part_is_any_present(part));
	return adopt || !has_interface(part) ? 0
					     : oo_net_addresses_remove(part->agent->net, &set, err);
}

size_t agent_part_find_vip(const struct agent_part *part, const struct oo_address *address)
{
	size_t k = 0;
	while (k < part->n && !oo_address_equal(&part->list[k], address)) {
		k++;
	}
	return k;
}

static const struct oo_config_vip *config_of(const struct agent_part *part, size_t k)
{
	return &part->config->vips[part->index[k]];
}

size_t agent_part_find_same(const struct agent_part *part, const struct agent_part *other, size_t k)
{
	const size_t at = agent_part_find_vip(part, &other->list[k]);
	/* of what is announced, the prefix alone may differ, and tells nobody anything */
	return at == part->n || part->mode != other->mode ||
			       (part->mode != OO_MODE_ARP &&
				!agent_compare_is_same_vip(config_of(part, at),
							   config_of(other, k)))
		       ? part->n
		       : at;
}

void agent_part_drop(struct agent_part *part, const struct agent_part *next)
{
	struct oo_address_set set = {.ifindex = part->link.index, .list = part->spoken};
	struct oo_err err;

	for (size_t k = 0; k < part->n && part->up; k++) {
		if (next == NULL || agent_part_find_same(next, part, k) == next->n) {
			part->way->drop(part, k);
			part->spoken[set.n++] = part->list[k];
			oo_log(OO_LOG_NOTICE, "%s: %s is not configured any more: down",
			       part->config->name, agent_part_text(part, k));
		}
	}
	if (set.n == 0) {
		return;
	}
	reset_connections(part, &set);
	if (has_interface(part) && oo_net_addresses_remove(part->agent->net, &set, &err) < 0) {
		oo_log(OO_LOG_ERROR, "%s: stays until its lifetime ends: %s", part->config->name,
		       err.text);
	}
}

static void go_on_announcing(struct agent_part *part, struct agent_part *before, size_t n_common)
{
	part->way->inherit(part, before);
	part->n_announced = before->n_announced;
	part->placed = before->placed && n_common == part->n;
	part->whole = before->whole && n_common == part->n;
	if (n_common == 0) {
		agent_part_hush(part);
	} else if (before->n_announced > 0 && (n_common < part->n || n_common < before->n)) {
		part->whole = agent_part_announce(part, NULL) == 0 && part->whole;
	}
}

void agent_part_inherit(struct agent_part *part, struct agent_part *before)
{
	size_t n_common = 0;

	part->link = before->link;
	part->carrier = before->carrier;
	part->removal_said_at = before->removal_said_at;
	part->suspect = before->suspect;
	part->stray = before->stray;
	part->armed_until = before->armed_until;
	part->hold_until = before->hold_until;
	part->added_at = before->added_at;
	part->down_at = before->down_at;
	part->gone_reported = before->gone_reported;
	for (size_t k = 0; k < part->n; k++) {
		const size_t old = agent_part_find_same(before, part, k);
		if (old < before->n) {
			n_common++;
			part->present[k] = before->present[old];
			part->repairs[k] = before->repairs[old];
		}
	}
	part->up = before->up && n_common > 0;
	go_on_announcing(part, before, n_common);
}

void agent_part_set_config(struct agent_part *part, const struct oo_config_group *config)
{
	part->config = config;
	part->interface = config->vips[part->index[0]].interface;
}

int agent_part_take(struct agent_part *part, size_t index, struct oo_err *err)
{
	part->index[part->n] = index;
	int r = oo_address_parse(agent_part_text(part, part->n), &part->list[part->n], err);
	part->n += r == 0;
	return r;
}

/* What is on no interface needs none to be up. */
static int find_link(struct agent_part *part, struct oo_err *err)
{
	if (has_interface(part)) {
		return oo_net_link(part->agent->net, part->interface, &part->link, err);
	}
	part->link = (struct oo_link){.exists = true, .up = true, .carrier = true};
	return 0;
}

int agent_part_open(struct agent_part *part, struct agent *agent, unsigned group,
		    const struct oo_config_vip *vip, struct oo_err *err)
{
	const struct oo_config_group *config = &agent->config->groups[group];
	part->agent = agent;
	part->config = config;
	part->group = group;
	part->mode = vip->mode;
	part->way = ways[vip->mode];
	part->interface = vip->interface;
	part->list = calloc(config->n_vips, sizeof(*part->list));
	part->index = calloc(config->n_vips, sizeof(*part->index));
	part->present = calloc(config->n_vips, sizeof(*part->present));
	part->spoken = calloc(config->n_vips, sizeof(*part->spoken));
	part->repairs = calloc(config->n_vips, sizeof(*part->repairs));
	if (part->list == NULL || part->index == NULL || part->present == NULL ||
	    part->spoken == NULL || part->repairs == NULL) {
		return oo_fail(err, ENOMEM, "addresses");
	}
	int r = find_link(part, err);
	agent_carrier_see(&part->carrier, part->link.up, part->link.carrier, oo_clock_now());
	return r < 0 ? r : part->way->open(part, err);
}

void agent_part_done(struct agent_part *part)
{
	agent_rival_free(part->rival);
	if (part->way != NULL) {
		part->way->close(part);
	}
	free(part->list);
	free(part->index);
	free(part->present);
	free(part->spoken);
	free(part->repairs);
}
