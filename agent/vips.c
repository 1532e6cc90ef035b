#include "vips_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gate.h"
#include "guard.h"
#include "journal.h"
#include "link.h"
#include "notices.h"
#include "part.h"
#include "removal.h"
#include "rival.h"
#include "story.h"

#define RETRY_MS 100
#define FIGHT_MS 100 /* gone again so soon after a repair */
#define YIELD_MS 20  /* that is left so for a moment; 50 ms are promised */
#define SETTLE_MS 2  /* what is taken off in one go is seen in one look */

static void say(const struct agent_vips *vips, enum oo_log_level level, enum agent_message message,
		const char *cause, const char *text)
{
	agent_say(level,
		  &(struct agent_said){
			  .message = message, .group = vips->config->name, .cause = cause},
		  "%s: %s", vips->config->name, text);
}

static void note(struct agent_vips *vips, int r, const struct oo_err *err)
{
	if (r < 0 && !oo_text_equal(vips->error, err->text)) {
		say(vips, OO_LOG_ERROR, AGENT_MESSAGE_ADDRESS_FAILED, "", err->text);
		agent_notices_say(vips->agent, &(struct agent_notice){.grade = "P0",
								      .name = "address_failed",
								      .group = vips->group,
								      .text = err->text});
	}
	oo_text_clip(vips->error, sizeof(vips->error), r < 0 ? err->text : "");
}

static size_t count_announced(const struct agent_vips *vips)
{
	size_t n = 0;
	for (size_t i = 0; i < vips->n_parts; i++) {
		n += vips->parts[i].n_announced;
	}
	return n;
}

/* Each part for itself: what fails on one interface must not be felt on another. */
static void arm(struct agent_vips *vips)
{
	int64_t now = oo_clock_now();
	uint32_t valid_s = agent_guard_lifetime_s(vips->agent->guard, vips->guard_until, now);
	const size_t n_before = count_announced(vips);
	struct oo_err err = {0};
	int r = 0;

	if (valid_s == 0 || now >= vips->hold_until) {
		return; /* too late to be safe: what is armed runs out, what is down stays down */
	}
	for (size_t i = 0; i < vips->n_parts; i++) {
		struct oo_err part_err;
		int part_r = agent_part_add(&vips->parts[i], valid_s, vips->hold_until, &part_err);
		if (part_r < 0 && r == 0) {
			r = part_r;
			err = part_err;
		}
	}
	note(vips, r, &err);
	oo_timer_set(&vips->timer,
		     r < 0 ? now + RETRY_MS
			   : agent_guard_rearm_at(vips->agent->guard, vips->guard_until, now,
						  now + (int64_t)valid_s * 1000));
	if (count_announced(vips) > n_before) {
		agent_story_address_up(vips->agent->story, vips->group, now);
	}
}

/* Until when ways may take time to go down; 0: not at all. A holder that leaves does not renew. */
static int64_t leave_until(const struct agent_vips *vips)
{
	const int64_t until = vips->hold_until - vips->agent->config->lease.margin_ms;
	return !vips->graceful ? 0 : until > 0 ? until : 1;
}

static void take_down(struct agent_vips *vips)
{
	const int64_t until = leave_until(vips);
	struct oo_err err = {0};
	int r = 0;

	oo_timer_set(&vips->timer, OO_NEVER);
	if (agent_part_is_any_leaving(vips->parts, vips->n_parts, until)) {
		const int64_t rearm_at =
			agent_part_keep_armed(vips->parts, vips->n_parts, vips->guard_until);
		/* it tells when it is done, or until then has to be */
		oo_timer_set(&vips->timer, rearm_at < until ? rearm_at : until);
		return;
	}
	for (size_t i = 0; i < vips->n_parts; i++) {
		struct oo_err part_err;
		int part_r = agent_part_remove(&vips->parts[i], until, &part_err);
		if (part_r < 0) {
			r = part_r;
			err = part_err;
		}
	}
	note(vips, r, &err);
	if (agent_vips_is_up(vips)) {
		oo_timer_set(&vips->timer, oo_clock_now() + RETRY_MS);
		return;
	}
	say(vips, OO_LOG_NOTICE, AGENT_MESSAGE_ADDRESS_DOWN, vips->lapsed ? "lapsed" : "",
	    vips->lapsed ? "address down: no renewal has succeeded in time" : "address down");
}

static void make_so(struct agent_vips *vips)
{
	if (vips->kept) {
		return; /* neither added nor removed, whatever has become of them */
	}
	if (vips->wanted) {
		arm(vips);
	} else if (agent_vips_is_up(vips)) {
		take_down(vips);
	}
}

void agent_vips_apply(struct agent_vips *vips, const struct oo_want *want)
{
	bool changed = want->address != vips->wanted || want->guard_until != vips->guard_until ||
		       want->graceful != vips->graceful || want->keep != vips->kept;
	vips->kept = want->keep;
	vips->wanted = want->address;
	vips->lapsed = want->role == OO_ROLE_ACTIVE && !want->address;
	vips->graceful = want->graceful && want->role == OO_ROLE_RELEASING;
	vips->hold_until = want->hold_until;
	vips->guard_until = want->guard_until;
	for (size_t i = 0; i < vips->n_parts; i++) {
		if (vips->parts[i].rival != NULL) {
			agent_rival_apply(vips->parts[i].rival, want);
		}
	}
	if (changed) {
		make_so(vips);
	}
}

void agent_vips_rearm(struct agent_vips *vips)
{
	if (vips->wanted) {
		arm(vips);
	}
}

static void on_timer(struct oo_timer *timer)
{
	struct agent_vips *vips = oo_container_of(timer, struct agent_vips, timer);
	make_so(vips);
	agent_tell(vips->agent, &(struct oo_event){.type = OO_EVENT_TIME});
}

void agent_vips_retry(struct agent_vips *vips)
{
	oo_timer_set(&vips->timer, 0);
}

bool agent_vips_is_up(const struct agent_vips *vips)
{
	for (size_t i = 0; i < vips->n_parts; i++) {
		if (vips->parts[i].up) {
			return true;
		}
	}
	return false;
}

bool agent_vips_has_link(const struct agent_vips *vips)
{
	for (size_t i = 0; i < vips->n_parts; i++) {
		if (!vips->parts[i].carrier.counts) {
			return false;
		}
	}
	return true;
}

void agent_vips_explain_link(const struct agent_vips *vips, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < vips->n_parts && text[0] == '\0'; i++) {
		const char *trouble = agent_link_trouble(&vips->parts[i]);
		if (trouble[0] != '\0') {
			snprintf(text, size, "interface %s %s", vips->parts[i].interface, trouble);
		}
	}
}

size_t agent_vips_list(const struct agent_vips *vips, struct oo_address *list)
{
	size_t n = 0;
	for (size_t i = 0; i < vips->n_parts; i++) {
		memcpy(list + n, vips->parts[i].list, vips->parts[i].n * sizeof(*list));
		n += vips->parts[i].n;
	}
	return n;
}

int agent_vips_find(struct agent_vips *vips, bool adopt, struct oo_err *err)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < vips->n_parts; i++) {
		r = agent_part_find(&vips->parts[i], adopt, err);
	}
	return r;
}

const struct agent_part *agent_vips_parts(const struct agent_vips *vips, size_t *ret_n)
{
	*ret_n = vips->n_parts;
	return vips->parts;
}

const struct agent_part *agent_vips_part(const struct agent_vips *vips, size_t index, size_t *ret_k)
{
	*ret_k = vips->places[index].k;
	return vips->places[index].part;
}

const struct agent_part *agent_vips_having(const struct agent_vips *vips,
					   const struct oo_address *address, size_t *ret_k)
{
	for (size_t i = 0; i < vips->config->n_vips; i++) {
		const struct place *place = &vips->places[i];
		if (oo_address_equal(&place->part->list[place->k], address)) {
			*ret_k = place->k;
			return place->part;
		}
	}
	return NULL;
}

size_t agent_vips_count(const struct agent_vips *vips)
{
	return vips->config->n_vips;
}

struct agent_vip_state agent_vips_state(const struct agent_vips *vips, size_t i)
{
	size_t k;
	const struct agent_part *part = agent_vips_part(vips, i, &k);
	struct agent_vip_state state = {
		.address = vips->config->vips[i].address,
		.interface = part->interface,
		.mode = part->mode,
		.repairs = part->repairs[k],
		.removed_by = part->removal_said_at == 0 ? "" : agent_suspect_name(part->suspect),
		.error = vips->error,
	};
	if (part->rival != NULL) {
		state.rival = agent_rival_state(part->rival, k);
	}
	part->way->read(part, k, &state.way);
	state.up = part->up && (part->whole || part->present[k] || !vips->wanted) &&
		   state.rival.error[0] == '\0';
	return state;
}

/* What counts as link may have changed, and VIPs may have to be put on an interface that came. */
static void tell_link(struct agent_vips *vips)
{
	int64_t due_at = OO_NEVER;

	for (size_t i = 0; i < vips->n_parts; i++) {
		int64_t part_due_at = agent_carrier_due_at(&vips->parts[i].carrier);
		due_at = part_due_at < due_at ? part_due_at : due_at;
	}
	oo_timer_set(&vips->link_timer, due_at);
	if (agent_vips_has_link(vips) != vips->said_link) {
		char text[80];
		vips->said_link = !vips->said_link;
		agent_vips_explain_link(vips, text, sizeof(text));
		say(vips, OO_LOG_NOTICE, AGENT_MESSAGE_LINK, vips->said_link ? "up" : "down",
		    vips->said_link ? "all interfaces have link again" : text);
	}
	agent_gate_tell_link(vips->agent, vips->group);
}

static void on_link_timer(struct oo_timer *timer)
{
	struct agent_vips *vips = oo_container_of(timer, struct agent_vips, link_timer);

	for (size_t i = 0; i < vips->n_parts; i++) {
		agent_carrier_settle(&vips->parts[i].carrier, oo_clock_now());
	}
	tell_link(vips);
}

void agent_vips_on_link(struct agent_vips *vips, const struct oo_link *link)
{
	for (size_t i = 0; i < vips->n_parts; i++) {
		struct agent_part *part = &vips->parts[i];
		if (!agent_link_concerns(part, link)) {
			continue;
		}
		agent_link_take(part, link);
		if ((vips->wanted && agent_link_wants_vips(part)) || part->stray) {
			make_so(vips);
		}
		tell_link(vips);
	}
}

/* Reports come late: only what a fresh look confirms is acted on. Others of part may still be there. */
static void repair(struct agent_vips *vips, struct agent_part *part)
{
	struct agent_removal removal = {.n = 0};
	struct oo_err err;
	/* also our own removal is reported, and what is kept may go */
	const bool ours = part->link.up && vips->wanted;
	const bool taken = ours && oo_clock_now() < part->armed_until;

	if (!part->up || agent_part_look(part, part->link.index, &err) < 0 ||
	    !agent_part_is_any_missing(part)) {
		return;
	}
	/* a route may outlive its address */
	part->up = agent_part_is_any_present(part) || !part->way->on_link;
	agent_part_hush(part); /* never announce what is not there */
	if (taken) {
		removal = agent_removal_count(part);
		vips->agent->counts.groups[vips->group].repairs += removal.n;
	} else if (ours) {
		oo_log(OO_LOG_WARNING, "%s: VIPs ran out in the kernel: renewals are late",
		       vips->config->name);
	}
	if (part->link.up) { /* else gone with its interface, and back with it */
		make_so(vips);
		vips->repaired_at = oo_clock_now();
	}
	if (taken) {
		agent_removal_say(
			part, &removal); /* after the repair: finding the suspect takes a while */
	}
}

/* One look for all that went at once, be they a thousand. */
static void on_gone_timer(struct oo_timer *timer)
{
	struct agent_vips *vips = oo_container_of(timer, struct agent_vips, gone_timer);

	for (size_t i = 0; i < vips->n_parts; i++) {
		if (vips->parts[i].gone_reported) {
			vips->parts[i].gone_reported = false;
			repair(vips, &vips->parts[i]);
		}
	}
	agent_tell(vips->agent, &(struct oo_event){.type = OO_EVENT_TIME});
}

/* At once; but who takes them off in rounds, as `ip addr flush`, has to see that none is left. */
static void note_gone(struct agent_vips *vips, struct agent_part *part)
{
	const int64_t now = oo_clock_now();
	const bool again = vips->repaired_at != 0 && now - vips->repaired_at < FIGHT_MS;

	part->gone_reported = true;
	oo_timer_set(&vips->gone_timer, now + (again ? YIELD_MS : SETTLE_MS));
}

void agent_vips_on_address(struct agent_vips *vips, int ifindex, const struct oo_address *address,
			   bool present)
{
	for (size_t i = 0; i < vips->n_parts && !present; i++) {
		struct agent_part *part = &vips->parts[i];
		if (!part->up || part->gone_reported || part->link.index != ifindex) {
			continue;
		}
		for (size_t k = 0; k < part->n; k++) {
			if (oo_address_equal(&part->list[k], address)) {
				note_gone(vips, part);
				return;
			}
		}
	}
}

void agent_vips_on_resync(struct agent_vips *vips)
{
	for (size_t i = 0; i < vips->n_parts; i++) {
		struct agent_part *part = &vips->parts[i];
		struct oo_link link = part->link; /* as known, if the kernel does not answer */
		if (part->interface[0] == '\0') {
			continue;
		}
		int r = oo_net_link(vips->agent->net, part->interface, &link, NULL);
		link.exists = link.exists && r != -ENODEV;
		agent_vips_on_link(vips, &link);
		if (part->up) {
			note_gone(vips, part);
		}
	}
}

struct agent_part *agent_vips_find_part(const struct agent_vips *vips, enum oo_mode mode,
					const char *interface)
{
	for (size_t i = 0; i < vips->n_parts; i++) {
		struct agent_part *part = &vips->parts[i];
		if (part->mode == mode && oo_text_equal(part->interface, interface)) {
			return part;
		}
	}
	return NULL;
}

/* Room for all is made at once: n_vips is bounded by the configuration. */
static int fill_parts(struct agent_vips *vips, struct oo_err *err)
{
	for (size_t i = 0; i < vips->config->n_vips; i++) {
		const struct oo_config_vip *vip = &vips->config->vips[i];
		struct agent_part *part = agent_vips_find_part(vips, vip->mode, vip->interface);
		int r = 0;
		if (part == NULL) {
			part = &vips->parts[vips->n_parts++];
			r = agent_part_open(part, vips->agent, vips->group, vip, err);
		}
		r = r < 0 ? r : agent_part_take(part, i, err);
		if (r < 0) {
			return r;
		}
		vips->places[i] = (struct place){.part = part, .k = part->n - 1};
	}
	for (size_t i = 0; i < vips->n_parts; i++) {
		struct agent_part *part = &vips->parts[i];
		int r = part->way->on_link ? agent_rival_new(part, vips->group, &part->rival, err)
					   : 0;
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

void agent_vips_set_config(struct agent_vips *vips, const struct oo_config_group *config)
{
	vips->config = config;
	for (size_t i = 0; i < vips->n_parts; i++) {
		agent_part_set_config(&vips->parts[i], config);
	}
}

int agent_vips_new(struct agent *agent, unsigned group, struct agent_vips **ret_vips,
		   struct oo_err *err)
{
	struct agent_vips *vips = calloc(1, sizeof(*vips));
	if (vips == NULL) {
		return oo_fail(err, ENOMEM, "addresses");
	}
	vips->agent = agent;
	vips->group = group;
	vips->config = &agent->config->groups[group];
	vips->parts = calloc(vips->config->n_vips, sizeof(*vips->parts));
	vips->places = calloc(vips->config->n_vips, sizeof(*vips->places));
	int r = vips->parts == NULL || vips->places == NULL
			? oo_fail(err, ENOMEM, "addresses")
			: oo_timer_init(&vips->timer, agent->event, on_timer);
	r = r < 0 ? r : oo_timer_init(&vips->gone_timer, agent->event, on_gone_timer);
	r = r < 0 ? r : oo_timer_init(&vips->link_timer, agent->event, on_link_timer);
	r = r < 0 ? r : fill_parts(vips, err);
	vips->said_link = r == 0 && agent_vips_has_link(vips);
	if (r < 0) {
		oo_err_wrap(err, "group %s", vips->config->name);
		agent_vips_free(vips);
		return r;
	}
	*ret_vips = vips;
	return 0;
}

void agent_vips_free(struct agent_vips *vips)
{
	if (vips == NULL) {
		return;
	}
	for (size_t i = 0; i < vips->n_parts; i++) {
		agent_part_done(&vips->parts[i]);
	}
	oo_timer_done(&vips->timer);
	oo_timer_done(&vips->gone_timer);
	oo_timer_done(&vips->link_timer);
	free(vips->parts);
	free(vips->places);
	free(vips);
}
