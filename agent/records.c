#include "records.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

#define DEPTH_MAX 8
#define NONCE_DIGITS 16

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

void oo_record_time(int64_t wall_ms, char text[static 32])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;
	char whole[24];
	if (gmtime_r(&seconds, &parts) == NULL) {
		snprintf(text, 32, "?");
		return;
	}
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text, 32, "%s.%03dZ", whole, (int)(wall_ms % 1000));
}

static const char *kind_name(enum oo_claim_kind kind)
{
	switch (kind) {
	case OO_CLAIM_TAKEN:
		return "taken";
	case OO_CLAIM_OFFERED:
		return "offered";
	case OO_CLAIM_RELEASED:
		return "released";
	}
	return "?";
}

/* ,"name":"text" */
static int add_text(struct oo_buffer *buffer, const char *name, const char *text)
{
	int r = oo_buffer_add_format(buffer, ",\"%s\":", name);
	return r < 0 ? r : oo_buffer_add_json(buffer, text, strlen(text));
}

static int add_nonce(struct oo_buffer *buffer, const char *name, uint64_t nonce)
{
	return oo_buffer_add_format(buffer, ",\"%s\":\"%0*" PRIx64 "\"", name, NONCE_DIGITS, nonce);
}

/* The closing brace; what went wrong before, or does now, leaves nothing. */
static int end(struct oo_buffer *buffer, int r)
{
	r = r < 0 ? r : oo_buffer_add(buffer, "}", 1);
	if (r < 0) {
		oo_buffer_clear(buffer);
	}
	return r;
}

/* Copies what fits of a foreign text, as one printable line. */
static const char *clean(char *target, size_t size, const char *text)
{
	oo_text_clip(target, size, text);
	for (char *c = target; *c != '\0'; c++) {
		*c = *c < ' ' || *c > '~' ? '?' : *c;
	}
	return target;
}

/* Not with json-c: without memory it leaves out what it cannot hold, and that is another claim. */
int oo_record_write_claim(const struct oo_claim_record *record, struct oo_buffer *buffer)
{
	const struct oo_request *request = record->request;
	char at[32], reason[OO_REASON_LENGTH];

	/* a check's words may be in it, cut anywhere; what is no UTF-8 would be nobody's claim */
	clean(reason, sizeof(reason), record->reason);
	oo_record_time(record->acquired_at, at);
	int r = oo_buffer_add_format(buffer, "{\"version\":%d", OO_RECORD_VERSION);
	r = r < 0 ? r : add_text(buffer, "node", request->node);
	r = r < 0 ? r : add_text(buffer, "zone", record->zone);
	r = r < 0 ? r : add_text(buffer, "by", record->node);
	r = r < 0 ? r : add_nonce(buffer, "nonce", request->nonce);
	if (request->ends != 0) {
		r = r < 0 ? r : add_nonce(buffer, "ends", request->ends);
	}
	if (request->chosen) {
		r = r < 0 ? r : oo_buffer_add_format(buffer, ",\"chosen\":true");
	}
	r = r < 0 ? r : add_text(buffer, "kind", kind_name(request->kind));
	r = r < 0 ? r
		  : oo_buffer_add_format(buffer, ",\"epoch\":%" PRIu64 ",\"ttl_ms\":%" PRId64,
					 request->epoch, request->ttl_ms);
	r = r < 0 ? r : add_text(buffer, "acquired_at", at);
	r = r < 0 ? r : add_text(buffer, "reason", reason);
	if (request->op == OO_REQUEST_YIELD) {
		r = r < 0 ? r : add_text(buffer, "cause", oo_cause_name(request->cause));
		r = r < 0 ? r
			  : oo_buffer_add_format(buffer,
						 ",\"left_ms\":%" PRId64 ",\"down_ms\":%" PRId64,
						 record->ages.left_ms, record->ages.down_ms);
	}
	return end(buffer, r);
}

int oo_record_write_beat(uint64_t nonce, uint64_t beat, struct oo_buffer *buffer)
{
	return oo_buffer_add_format(buffer, "{\"nonce\":\"%016" PRIx64 "\",\"seq\":%" PRIu64 "}",
				    nonce, beat);
}

/* Parses all of value, or nothing: NULL. */
static struct json_object *parse(const char *value, size_t length)
{
	struct json_tokener *tokener = length <= INT32_MAX ? json_tokener_new_ex(DEPTH_MAX) : NULL;
	if (tokener == NULL) {
		return NULL;
	}
	/* what goes on into the status and the log has to be text */
	json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *object = json_tokener_parse_ex(tokener, value, (int)length);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) != length ||
	    !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

/* The string member name; NULL when it is absent, of another type, or has a NUL in it. */
static const char *find_text(struct json_object *object, const char *name)
{
	struct json_object *member;
	if (!json_object_object_get_ex(object, name, &member) ||
	    !json_object_is_type(member, json_type_string)) {
		return NULL;
	}
	const char *text = json_object_get_string(member);
	return strlen(text) == (size_t)json_object_get_string_len(member) ? text : NULL;
}

/* As find_text, with "" for NULL. */
static const char *text_of(struct json_object *object, const char *name)
{
	const char *text = find_text(object, name);
	return text == NULL ? "" : text;
}

/* A whole number; what is beyond int64_t becomes its nearest. None: missing. */
static int64_t number_of(struct json_object *object, const char *name, int64_t missing)
{
	struct json_object *member;
	if (!json_object_object_get_ex(object, name, &member) ||
	    !json_object_is_type(member, json_type_int)) {
		return missing;
	}
	return json_object_get_int64(member);
}

/* Of what takes longer than a claim may last, and of a negative one: nothing. */
static int64_t age_of(struct json_object *object, const char *name)
{
	int64_t age = number_of(object, name, -1);
	return age < 0 || age > OO_CORE_TTL_MAX_MS ? -1 : age;
}

static bool is_true(struct json_object *object, const char *name)
{
	struct json_object *member;
	return json_object_object_get_ex(object, name, &member) &&
	       json_object_is_type(member, json_type_boolean) && json_object_get_boolean(member);
}

/* Exactly as add_nonce writes it; anything else is none. */
static uint64_t nonce_of(struct json_object *object, const char *name)
{
	const char *text = text_of(object, name);
	if (strlen(text) != NONCE_DIGITS || strspn(text, "0123456789abcdef") != NONCE_DIGITS) {
		return 0;
	}
	return strtoull(text, NULL, 16);
}

/* The form that the configuration demands of a node's name: safe in keys, logs and terminals. */
static bool is_name(const char *text)
{
	static const char inner[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-";
	size_t length = strlen(text);
	return length > 0 && length < OO_CORE_NAME_LENGTH && strspn(text, inner) == length &&
	       strchr("._-", text[0]) == NULL;
}

static bool is_later(struct json_object *object)
{
	return number_of(object, "version", 0) > OO_RECORD_VERSION;
}

static bool read_kind(const char *name, enum oo_claim_kind *ret_kind)
{
	for (int kind = OO_CLAIM_TAKEN; kind <= OO_CLAIM_RELEASED; kind++) {
		if (oo_text_equal(name, kind_name((enum oo_claim_kind)kind))) {
			*ret_kind = (enum oo_claim_kind)kind;
			return true;
		}
	}
	return false;
}

/*
 * A later version may have kinds that we do not know: somebody's, who is named, has a nonce and is to be
 * waited for; all that matters to others.
 */
static bool read_kind_of(struct json_object *object, enum oo_claim_kind *ret_kind)
{
	const char *name = text_of(object, "kind");
	if (read_kind(name, ret_kind)) {
		return true;
	}
	*ret_kind = OO_CLAIM_TAKEN;
	return is_later(object);
}

/* A released claim is nobody's, every other somebody's. */
static bool is_holder(const char *node, enum oo_claim_kind kind)
{
	return kind == OO_CLAIM_RELEASED ? node[0] == '\0' : is_name(node);
}

void oo_record_read_claim(const char *value, size_t length, struct oo_claim *ret_claim)
{
	*ret_claim = (struct oo_claim){0};
	if (length <= sizeof(ret_claim->value)) {
		memcpy(ret_claim->value, value, length);
		ret_claim->value_length = (uint16_t)length;
	}
	OO_AUTO(put_json) struct json_object *object = parse(value, length);
	enum oo_claim_kind kind;
	if (object == NULL || !read_kind_of(object, &kind)) {
		return;
	}
	const char *node = find_text(object, "node");
	uint64_t nonce = nonce_of(object, "nonce");
	int64_t ttl_ms = number_of(object, "ttl_ms", -1);
	int64_t epoch = number_of(object, "epoch", is_later(object) ? 0 : -1);
	if (ttl_ms < OO_RECORD_TTL_MIN_MS || ttl_ms > OO_RECORD_TTL_MAX_MS || epoch < 0 ||
	    nonce == 0 || node == NULL || !is_holder(node, kind) || ret_claim->value_length == 0) {
		return;
	}
	ret_claim->kind = kind;
	ret_claim->nonce = nonce;
	ret_claim->ends = nonce_of(object, "ends");
	ret_claim->epoch = (uint64_t)epoch;
	ret_claim->chosen = is_true(object, "chosen");
	ret_claim->ttl_ms = ttl_ms;
	memcpy(ret_claim->node, node, strlen(node));
	if (node[0] != '\0') {
		oo_text_clip(ret_claim->zone, sizeof(ret_claim->zone), text_of(object, "zone"));
	}
}

void oo_record_read_claim_text(const struct oo_claim *claim, struct oo_claim_text *ret_text)
{
	*ret_text = (struct oo_claim_text){0};
	OO_AUTO(put_json) struct json_object *object = parse(claim->value, claim->value_length);
	if (object != NULL) {
		oo_text_clip(ret_text->by, sizeof(ret_text->by), text_of(object, "by"));
		oo_text_clip(ret_text->zone, sizeof(ret_text->zone), text_of(object, "zone"));
		oo_text_clip(ret_text->acquired_at, sizeof(ret_text->acquired_at),
			     text_of(object, "acquired_at"));
		oo_text_clip(ret_text->reason, sizeof(ret_text->reason), text_of(object, "reason"));
		oo_text_clip(ret_text->cause, sizeof(ret_text->cause), text_of(object, "cause"));
	}
	ret_text->ages.left_ms = object == NULL ? -1 : age_of(object, "left_ms");
	ret_text->ages.down_ms = object == NULL ? -1 : age_of(object, "down_ms");
}

void oo_record_read_beat(const char *value, size_t length, struct oo_beat *ret_beat)
{
	*ret_beat = (struct oo_beat){0};
	if (length <= sizeof(ret_beat->value)) {
		memcpy(ret_beat->value, value, length);
		ret_beat->value_length = (uint16_t)length;
	}
}

static int priority_of(struct json_object *object, int missing)
{
	int64_t priority = number_of(object, "priority", missing);
	return priority < 0 ? 0 : priority > 1000 ? 1000 : (int)priority;
}

static void read_groups(struct json_object *object, const char *const *groups, size_t n_groups,
			struct oo_member *member)
{
	struct json_object *all, *one;
	for (size_t g = 0; g < n_groups; g++) {
		member->group_priority[g] = (uint16_t)member->priority;
	}
	if (!json_object_object_get_ex(object, "groups", &all)) {
		return;
	}
	for (size_t g = 0; g < n_groups; g++) {
		if (!json_object_object_get_ex(all, groups[g], &one)) {
			continue;
		}
		int64_t ailing = number_of(one, "ailing", 0);
		member->group_priority[g] = (uint16_t)priority_of(one, member->priority);
		member->groups |= is_true(one, "eligible") ? 1u << g : 0;
		member->stranded |= is_true(one, "stranded") ? 1u << g : 0;
		member->ailing[g] = ailing < 0            ? 0
				    : ailing > UINT16_MAX ? UINT16_MAX
							  : (uint16_t)ailing;
	}
}

/* What is not a check's name is passed over. */
static void read_fails(struct json_object *object, struct oo_member *member)
{
	struct json_object *all;

	if (!json_object_object_get_ex(object, "shared_down", &all) ||
	    !json_object_is_type(all, json_type_array)) {
		return;
	}
	for (size_t i = 0;
	     i < json_object_array_length(all) && member->n_fails < OO_MEMBER_FAILS_MAX; i++) {
		struct json_object *one = json_object_array_get_idx(all, i);
		const char *name = json_object_is_type(one, json_type_string)
					   ? json_object_get_string(one)
					   : "";
		if (is_name(name)) {
			oo_text_clip(member->fails[member->n_fails++], OO_CORE_NAME_LENGTH, name);
		}
	}
}

int oo_record_read_member(const char *node, const char *value, const char *const *groups,
			  size_t n_groups, struct oo_member *ret_member, struct oo_err *err)
{
	OO_AUTO(put_json) struct json_object *object = parse(value, strlen(value));
	struct oo_member member = {0};
	char shown[OO_CORE_NAME_LENGTH];

	if (!is_name(node)) {
		return oo_fail_text(err, EPROTO,
				    "members/%s: not a node's name: 1 to %d of letters, digits, "
				    "'.', '_' and '-', a letter or digit first",
				    clean(shown, sizeof(shown), node), OO_CORE_NAME_LENGTH - 1);
	}
	if (object == NULL) {
		return oo_fail_text(err, EPROTO, "members/%s: not a JSON object", node);
	}
	if (!oo_text_equal(text_of(object, "node"), node)) {
		return oo_fail_text(err, EPROTO,
				    "members/%s: \"node\" is '%s'; it must be the key's", node,
				    clean(shown, sizeof(shown), text_of(object, "node")));
	}
	oo_text_clip(member.node, sizeof(member.node), node);
	member.priority = priority_of(object, 0);
	member.eligible = is_true(object, "eligible");
	read_groups(object, groups, n_groups, &member);
	read_fails(object, &member);
	member.n_sees = oo_record_read_sees(object, member.sees);
	oo_text_clip(member.zone, sizeof(member.zone), text_of(object, "zone"));
	oo_text_clip(member.reason, sizeof(member.reason), text_of(object, "reason"));
	oo_text_clip(member.agent_version, sizeof(member.agent_version),
		     text_of(object, "agent_version"));
	oo_text_clip(member.api, sizeof(member.api), text_of(object, "api"));
	*ret_member = member;
	return 0;
}

int oo_record_add(const char *value, const char *name, struct json_object *part,
		  struct oo_buffer *buffer)
{
	struct json_object *object = parse(value, strlen(value));
	if (object == NULL || json_object_object_add(object, name, part) < 0) {
		json_object_put(part);
		json_object_put(object);
		return -EPROTO;
	}
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE);
	int r = text == NULL ? -ENOMEM : oo_buffer_add(buffer, text, strlen(text));
	json_object_put(object);
	return r;
}

/* As one line: a person's words, in any script. */
static void take_line(char *target, size_t size, const char *text)
{
	oo_text_clip(target, size, text);
	for (char *c = target; *c != '\0'; c++) {
		*c = (*c >= 0 && *c < ' ') || *c == 0x7f ? ' ' : *c;
	}
}

void oo_record_read_decree(const char *value, struct oo_decree *ret_decree)
{
	*ret_decree = (struct oo_decree){0};
	OO_AUTO(put_json) struct json_object *object = parse(value, strlen(value));
	if (object != NULL) {
		take_line(ret_decree->by, sizeof(ret_decree->by), text_of(object, "by"));
		take_line(ret_decree->at, sizeof(ret_decree->at), text_of(object, "at"));
		take_line(ret_decree->reason, sizeof(ret_decree->reason),
			  text_of(object, "reason"));
	}
}

int oo_record_write_decree(const struct oo_decree *decree, struct oo_buffer *buffer)
{
	int r = oo_buffer_add_format(buffer, "{\"version\":%d", OO_RECORD_VERSION);
	r = r < 0 ? r : add_text(buffer, "by", decree->by);
	r = r < 0 ? r : add_text(buffer, "at", decree->at);
	r = r < 0 ? r : add_text(buffer, "reason", decree->reason);
	return end(buffer, r);
}

void oo_record_read_order(const char *value, int64_t lease, struct oo_order *ret_order,
			  struct oo_order_text *ret_text)
{
	*ret_order = (struct oo_order){0};
	*ret_text = (struct oo_order_text){0};
	OO_AUTO(put_json) struct json_object *object = parse(value, strlen(value));
	if (object == NULL || lease <= 0 || nonce_of(object, "id") != (uint64_t)lease) {
		return;
	}
	const char *target = find_text(object, "target");
	int64_t valid_ms = number_of(object, "valid_ms", 0);
	if (!is_name(text_of(object, "from")) || target == NULL ||
	    (target[0] != '\0' && !is_name(target)) || valid_ms <= 0 ||
	    valid_ms > OO_RECORD_ORDER_MAX_MS) {
		return;
	}
	ret_order->id = (uint64_t)lease;
	ret_order->valid_ms = valid_ms;
	oo_text_clip(ret_order->from, sizeof(ret_order->from), text_of(object, "from"));
	oo_text_clip(ret_order->target, sizeof(ret_order->target), target);
	take_line(ret_text->by, sizeof(ret_text->by), text_of(object, "by"));
	take_line(ret_text->at, sizeof(ret_text->at), text_of(object, "at"));
}

int oo_record_write_order(const struct oo_order *order, const struct oo_order_text *text,
			  struct oo_buffer *buffer)
{
	int r = oo_buffer_add_format(buffer, "{\"version\":%d", OO_RECORD_VERSION);
	r = r < 0 ? r : add_nonce(buffer, "id", order->id);
	r = r < 0 ? r : add_text(buffer, "from", order->from);
	r = r < 0 ? r : add_text(buffer, "target", order->target);
	r = r < 0 ? r : add_text(buffer, "by", text->by);
	r = r < 0 ? r : add_text(buffer, "at", text->at);
	r = r < 0 ? r : oo_buffer_add_format(buffer, ",\"valid_ms\":%" PRId64, order->valid_ms);
	return end(buffer, r);
}
