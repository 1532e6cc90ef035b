#include "screen_tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "fields.h"
#include "moment.h"

#define PLAIN_MAX 12 /* of what is well in a table of the status: the rest is counted */
#define MORE_LENGTH 128

bool group_is_silent(json_object *group)
{
	int64_t silent_ms = field_number(group, "silent_ms");
	int64_t ttl_ms = field_number(group, "ttl_ms");
	return silent_ms != FIELD_NONE && ttl_ms != FIELD_NONE && silent_ms > ttl_ms;
}

/* The claim stays an offered one while its target holds: only who offers may go by it. */
bool group_is_offered(json_object *group)
{
	return strcmp(field_text(group, "kind", ""), "offered") == 0 &&
	       strcmp(field_text(group, "role", ""), "handing_over") == 0;
}

static void fill_hold(struct table *table, size_t column, json_object *group)
{
	char age[AGE_LENGTH];
	int64_t left_ms = field_number(group, "hold_left_ms");
	int64_t silent_ms = field_number(group, "silent_ms");
	if (left_ms != FIELD_NONE) {
		table_cell(table, column, left_ms > 0 ? PAINT_PLAIN : PAINT_BAD, "%s left",
			   format_age(left_ms, age));
	} else if (field_is_null(group, "holder")) {
		return;
	} else if (group_is_offered(group)) {
		table_cell(table, column, PAINT_WARNING, "offered");
	} else if (group_is_silent(group)) {
		table_cell(table, column, PAINT_BAD, "silent for %s", format_age(silent_ms, age));
	} else if (silent_ms != FIELD_NONE) {
		table_cell(table, column, PAINT_PLAIN, "heard %s ago", format_age(silent_ms, age));
	}
}

static void fill_role(struct table *table, size_t column, json_object *group)
{
	char role[32];
	oo_text_clip(role, sizeof(role), field_text(group, "role", "?"));
	for (char *c = role; *c != '\0'; c++) {
		*c = *c == '_' ? ' ' : *c;
	}
	bool degraded = field_is_true(group, "degraded");
	bool active = strcmp(role, "active") == 0;
	table_cell(table, column,
		   degraded ? PAINT_WARNING
		   : active ? PAINT_GOOD
			    : PAINT_PLAIN,
		   "%s%s", role, degraded ? ", degraded" : "");
}

/* Of the holder; and which comes first after it. */
static void fill_zone(struct table *table, size_t column, json_object *group)
{
	const char *zone = field_text(group, "holder_zone", "");
	const char *zones = field_text(group, "zones", "any");
	const bool any = strcmp(zones, "any") == 0;
	table_cell(table, column, PAINT_PLAIN, "%s%s%s", zone, any || zone[0] == '\0' ? "" : ", ",
		   any ? "" : zones);
}

int print_groups(json_object *status, const struct page *page, struct oo_buffer *out)
{
	enum { NAME, HOLDER, ZONE, EPOCH, HELD, HOLD, HERE };
	static const struct column columns[] = {
		{"GROUP", false}, {"HOLDER", false}, {"ZONE", false}, {"EPOCH", true},
		{"FOR", true},    {"HOLD", false},   {"HERE", false},
	};
	OO_AUTO(table_done) struct table table;
	table_init(&table, columns, OO_LENGTH(columns));
	json_object *groups = field_array(status, "groups");
	for (size_t i = 0; i < field_length(groups); i++) {
		json_object *group = json_object_array_get_idx(groups, i);
		bool nobody = field_is_null(group, "holder");
		char age[AGE_LENGTH];
		table_row(&table, ' ');
		table_cell(&table, NAME, PAINT_PLAIN, "%s", field_text(group, "name", "?"));
		table_cell(&table, HOLDER, nobody ? PAINT_BAD : PAINT_STRONG, "%s",
			   field_text(group, "holder", "nobody"));
		fill_zone(&table, ZONE, group);
		table_cell(&table, EPOCH, PAINT_PLAIN, "%s", field_text(group, "epoch", ""));
		if (!nobody) {
			int64_t held_ms = time_between(field_text(group, "acquired_at", ""),
						       field_text(status, "now", ""));
			table_cell(&table, HELD, PAINT_PLAIN, "%s", format_age(held_ms, age));
		}
		fill_hold(&table, HOLD, group);
		fill_role(&table, HERE, group);
		table_note(&table, PAINT_QUIET, "%s", field_text(group, "cause", ""));
	}
	return table_print(&table, page, out);
}

static void fill_vip(struct table *table, const char *role, json_object *vip)
{
	enum { ADDRESS, GROUP, INTERFACE, MODE, STATE, ANNOUNCED, NOTE };
	const char *mode = field_text(vip, "mode", "arp");
	bool up = field_is_true(vip, "up");
	bool told = field_is_null(vip, "told") || field_is_true(vip, "told");
	bool active = strcmp(role, "active") == 0;
	int64_t announced_ms = field_number(vip, "announced_ms");
	int64_t repairs = field_number(vip, "repairs");
	char age[AGE_LENGTH];
	table_cell(table, ADDRESS, up ? PAINT_STRONG : PAINT_PLAIN, "%s",
		   field_text(vip, "address", "?"));
	table_cell(table, INTERFACE, PAINT_PLAIN, "%s", field_text(vip, "interface", ""));
	table_cell(table, MODE, PAINT_PLAIN, "%s", strcmp(mode, "arp") == 0 ? "" : mode);
	if (up) {
		table_cell(table, STATE, active ? PAINT_GOOD : PAINT_WARNING, "up");
	} else {
		table_cell(table, STATE, active ? PAINT_BAD : PAINT_QUIET,
			   active ? "down" : "not here");
	}
	if (up && told && announced_ms != FIELD_NONE) {
		table_cell(table, ANNOUNCED, PAINT_PLAIN, "%s ago", format_age(announced_ms, age));
	} else if (up) {
		table_cell(table, ANNOUNCED, PAINT_WARNING, "not yet");
	}
	if (repairs != FIELD_NONE && repairs > 0) {
		table_cell(table, NOTE, PAINT_WARNING, "put back %" PRId64 " times", repairs);
	}
	table_note(table, PAINT_BAD, "%s", field_text(vip, "error", ""));
}

/* It is as it should be, and has always been. */
static bool is_vip_plain(const char *role, json_object *vip)
{
	int64_t repairs = field_number(vip, "repairs");
	return field_is_true(vip, "up") == (strcmp(role, "active") == 0) &&
	       field_is_null(vip, "error") && (repairs == FIELD_NONE || repairs == 0);
}

/* What was left out of a table, below it. */
static int print_more(size_t n, const char *what, const struct page *page, struct oo_buffer *out)
{
	char line[MORE_LENGTH];
	if (n == 0) {
		return 0;
	}
	snprintf(line, sizeof(line), "and %zu more %s", n, what);
	int r = oo_buffer_add(out, "  ", 2);
	return r < 0 ? r : paint_sentence(out, page, PAINT_QUIET, 2, line);
}

int print_vips(json_object *status, const struct page *page, struct oo_buffer *out)
{
	static const struct column columns[] = {
		{"VIP", false},   {"GROUP", false},     {"INTERFACE", false}, {"MODE", false},
		{"STATE", false}, {"ANNOUNCED", false}, {"NOTE", false},
	};
	OO_AUTO(table_done) struct table table;
	table_init(&table, columns, OO_LENGTH(columns));
	json_object *groups = field_array(status, "groups");
	size_t n_plain = 0;
	for (size_t i = 0; i < field_length(groups); i++) {
		json_object *group = json_object_array_get_idx(groups, i);
		json_object *vips = field_array(group, "vips");
		const char *role = field_text(group, "role", "?");
		for (size_t j = 0; j < field_length(vips); j++) {
			json_object *vip = json_object_array_get_idx(vips, j);
			bool plain = is_vip_plain(role, vip);
			n_plain += plain ? 1 : 0;
			if (!plain || n_plain <= PLAIN_MAX) {
				table_row(&table, ' ');
				table_cell(&table, 1, PAINT_PLAIN, "%s",
					   field_text(group, "name", "?"));
				fill_vip(&table, role, vip);
			}
		}
	}
	int r = table_print(&table, page, out);
	return r < 0 ? r
		     : print_more(n_plain > PLAIN_MAX ? n_plain - PLAIN_MAX : 0,
				  "that are as they should be: ooha status --json", page, out);
}

/* "eligible", or why not; a node may be eligible, and yet not for one of the groups. */
static void fill_eligibility(struct table *table, size_t column, json_object *member)
{
	if (field_is_null(member, "eligible")) {
		table_cell(table, column, PAINT_PLAIN, "?");
		return;
	}
	if (!field_is_true(member, "eligible")) {
		table_cell(table, column, PAINT_WARNING, "%s",
			   field_is_null(member, "drained") ? "not eligible" : "drained");
		table_note(table, PAINT_WARNING, "%s",
			   field_text(member, "reason", "no reason given"));
		return;
	}
	json_object *groups = field_object(member, "groups");
	json_object_iter entry;
	if (groups != NULL) {
		json_object_object_foreachC(groups, entry)
		{
			if (!field_is_null(entry.val, "eligible") &&
			    !field_is_true(entry.val, "eligible")) {
				table_cell(table, column, PAINT_WARNING, "not for %s", entry.key);
				table_note(table, PAINT_WARNING, "%s",
					   field_text(entry.val, "reason", "no reason given"));
				return;
			}
		}
	}
	table_cell(table, column, PAINT_GOOD, "eligible");
}

/* Returns whether it holds any. */
static bool fill_holds(struct table *table, size_t column, json_object *member)
{
	char text[TABLE_TEXT_BYTES] = "";
	size_t used = 0;
	json_object *holds = field_array(member, "holds");
	for (size_t i = 0; i < field_length(holds) && used < sizeof(text); i++) {
		const char *group = json_object_get_string(json_object_array_get_idx(holds, i));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "",
					 group != NULL ? group : "?");
	}
	table_cell(table, column, PAINT_PLAIN, "%s", text);
	return field_length(holds) > 0;
}

/* versions: with those of the agents. */
static int print_members_with(json_object *status, const struct page *page, bool versions,
			      struct oo_buffer *out)
{
	enum { NODE, ZONE, PRIORITY, HOLDS, SEEN, AGENT, STATE };
	static const struct column columns[] = {
		{"MEMBER", false}, {"ZONE", false},  {"PRIORITY", true}, {"HOLDS", false},
		{"SEEN", true},    {"AGENT", false}, {"STATE", false},
	};
	OO_AUTO(table_done) struct table table;
	table_init(&table, columns, OO_LENGTH(columns));
	json_object *members = field_array(status, "members");
	for (size_t i = 0; i < field_length(members); i++) {
		json_object *member = json_object_array_get_idx(members, i);
		char age[AGE_LENGTH];
		table_row(&table, field_is_true(member, "self") ? '>' : ' ');
		bool holds = fill_holds(&table, HOLDS, member);
		table_cell(&table, NODE, holds ? PAINT_STRONG : PAINT_PLAIN, "%s",
			   field_text(member, "node", "?"));
		table_cell(&table, ZONE, PAINT_PLAIN, "%s", field_text(member, "zone", ""));
		table_cell(&table, PRIORITY, PAINT_PLAIN, "%s", field_text(member, "priority", ""));
		table_cell(&table, SEEN, PAINT_PLAIN, "%s",
			   format_age(field_number(member, "seen_ms"), age));
		table_cell(&table, AGENT, PAINT_PLAIN, "%s",
			   versions ? field_text(member, "agent_version", "") : "");
		fill_eligibility(&table, STATE, member);
	}
	return table_print(&table, page, out);
}

int print_members(json_object *status, const struct page *page, struct oo_buffer *out)
{
	return print_members_with(status, page, false, out);
}

int print_members_in_full(json_object *answer, const struct page *page, struct oo_buffer *out)
{
	return print_members_with(answer, page, true, out);
}

/* What was seen, while all is well; else the reason, and what was seen in full below it. */
static void fill_result(struct table *table, size_t column, json_object *check, bool up)
{
	const char *reason = field_text(check, "reason", "");
	const char *seen = field_text(check, "seen", "");
	if (up && strcmp(reason, "ok") == 0) {
		table_cell(table, column, PAINT_PLAIN, "%s", seen);
	} else {
		table_cell(table, column, PAINT_WARNING, "%s", reason);
		table_note(table, PAINT_WARNING, "%s", seen);
	}
}

static void fill_check(struct table *table, json_object *check)
{
	enum { NAME, TYPE, STATE, AGE, TOOK, RESULT };
	const char *state = field_text(check, "state", "?");
	bool up = strcmp(state, "up") == 0;
	bool down = strcmp(state, "down") == 0;
	char age[AGE_LENGTH];
	table_row(table, ' ');
	table_cell(table, NAME, PAINT_PLAIN, "%s", field_text(check, "name", "?"));
	table_cell(table, TYPE, PAINT_PLAIN, "%s", field_text(check, "type", ""));
	table_cell(table, STATE, up ? PAINT_GOOD : down ? PAINT_BAD : PAINT_WARNING, "%s", state);
	table_cell(table, AGE, PAINT_PLAIN, "%s", format_age(field_number(check, "age_ms"), age));
	table_cell(table, TOOK, PAINT_PLAIN, "%s",
		   format_took(field_number(check, "took_ms"), age));
	fill_result(table, RESULT, check, up);
}

/* Of those that are plainly up so many. */
static int print_checks_with(json_object *status, const struct page *page, size_t plain_max,
			     struct oo_buffer *out)
{
	static const struct column columns[] = {
		{"CHECK", false}, {"TYPE", false}, {"STATE", false},
		{"AGE", true},    {"TOOK", true},  {"RESULT", false},
	};
	OO_AUTO(table_done) struct table table;
	size_t n_plain = 0;
	table_init(&table, columns, OO_LENGTH(columns));
	json_object *checks = field_array(status, "checks");
	for (size_t i = 0; i < field_length(checks); i++) {
		json_object *check = json_object_array_get_idx(checks, i);
		bool plain = strcmp(field_text(check, "state", ""), "up") == 0 &&
			     strcmp(field_text(check, "reason", ""), "ok") == 0;
		n_plain += plain ? 1 : 0;
		if (!plain || n_plain <= plain_max) {
			fill_check(&table, check);
		}
	}
	int r = table_print(&table, page, out);
	return r < 0 ? r
		     : print_more(n_plain > plain_max ? n_plain - plain_max : 0,
				  "that are up: ooha checks", page, out);
}

int print_checks(json_object *status, const struct page *page, struct oo_buffer *out)
{
	return print_checks_with(status, page, PLAIN_MAX, out);
}

int print_checks_in_full(json_object *answer, const struct page *page, struct oo_buffer *out)
{
	return print_checks_with(answer, page, SIZE_MAX, out);
}

static void fill_etcd(struct table *table, json_object *etcd)
{
	char age[AGE_LENGTH];
	int64_t answered_ms = field_number(etcd, "answered_ms");
	bool connected = field_is_true(etcd, "connected");
	const char *endpoint = field_text(etcd, "endpoint", "");
	table_row(table, ' ');
	table_cell(table, 0, PAINT_QUIET, "etcd");
	if (endpoint[0] == '\0' || answered_ms == FIELD_NONE) {
		table_cell(table, 1, PAINT_BAD, "not connected; no answer yet%s%s",
			   endpoint[0] != '\0' ? " from " : "", endpoint);
	} else {
		table_cell(table, 1, connected ? PAINT_QUIET : PAINT_BAD, "%s%s %sanswered %s ago",
			   connected ? "" : "not connected; ", endpoint, connected ? "" : "last ",
			   format_age(answered_ms, age));
	}
	table_note(table, PAINT_BAD, "%s", field_text(etcd, "error", ""));
}

int print_agent(json_object *status, const struct page *page, struct oo_buffer *out)
{
	static const struct column columns[] = {{NULL, false}, {NULL, false}};
	OO_AUTO(table_done) struct table table;
	table_init(&table, columns, OO_LENGTH(columns));
	json_object *agent = field_object(status, "agent");
	json_object *etcd = field_object(status, "etcd");
	char age[AGE_LENGTH];
	char now[TIME_LENGTH];
	if (agent != NULL) {
		table_row(&table, '>');
		table_cell(&table, 0, PAINT_QUIET, "here");
		table_cell(&table, 1, PAINT_QUIET, "%s in %s, agent %s up %s, %s",
			   field_text(agent, "node", "?"), field_text(agent, "zone", "?"),
			   field_text(agent, "version", "?"),
			   format_age(field_number(agent, "uptime_ms"), age),
			   format_time(field_text(status, "now", "?"), now));
	}
	if (etcd != NULL) {
		fill_etcd(&table, etcd);
	}
	return table_print(&table, page, out);
}
