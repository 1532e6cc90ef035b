#include "diagnose/render.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "diagnose/looked.h"

const char *oo_render_line(const struct oo_verdict *verdict)
{
	return verdict->n_findings > 0 ? verdict->findings[0].summary : "nothing wrong found";
}

/* ---- text ---- */

static const char *mark(enum oo_layer_state state, bool is_first)
{
	switch (state) {
	case OO_LAYER_STATE_UNKNOWN:
	case OO_LAYER_STATE_BEHIND:
		return "?";
	case OO_LAYER_STATE_FINE:
		return "ok";
	case OO_LAYER_STATE_BROKEN:
		return is_first ? "XX BROKEN HERE XX" : "broken";
	}
	return "?";
}

/* client - VIP - proxy - Document Server on the first line, what is behind it on the second. */
static int add_chain(const struct oo_verdict *verdict, struct oo_buffer *buffer)
{
	int r = 0;
	for (enum oo_layer layer = 0; layer < OO_LAYER_END && r == 0; layer++) {
		const char *before = layer == OO_LAYER_CLIENT      ? ""
				     : layer == OO_LAYER_CONVERTER ? "\n    -> "
				     : layer > OO_LAYER_CONVERTER  ? ", "
								   : " -> ";
		r = oo_buffer_add_format(
			buffer, "%s%s [%s]", before, oo_layer_name(layer),
			mark(verdict->chain[layer], layer == verdict->first_broken));
	}
	return r < 0 ? r : oo_buffer_add_format(buffer, "\n\n");
}

static int add_finding(const struct oo_finding *finding, size_t number, struct oo_buffer *buffer)
{
	int r = oo_buffer_add_format(buffer, "%zu. %s\n   %s: %s, %s%s\n", number, finding->summary,
				     oo_layer_name(finding->layer), oo_fault_name(finding->cause),
				     oo_confidence_name(finding->confidence),
				     finding->weight == OO_WEIGHT_WARNING ? ", breaks nothing yet"
									  : "");
	for (size_t i = 0; i < finding->n_grounds && r == 0; i++) {
		r = oo_buffer_add_format(buffer, "   seen: %s\n", finding->grounds[i]);
	}
	return r < 0 ? r : oo_buffer_add_format(buffer, "   do:   %s\n\n", finding->remedy);
}

static int add_looked(const struct oo_looked *looked, bool is_seen, struct oo_buffer *buffer)
{
	int r = 0;
	bool has_title = false;
	for (size_t i = 0; i < looked->n && r == 0; i++) {
		const char *why = looked->items[i].why;
		if ((why[0] == '\0') != is_seen) {
			continue;
		}
		r = has_title ? 0
			      : oo_buffer_add_format(buffer,
						     is_seen ? "looked at:\n" : "not seen:\n");
		has_title = true;
		r = r < 0 ? r
			  : oo_buffer_add_format(buffer, "  %s%s%s\n", looked->items[i].what,
						 is_seen ? "" : ": ", why);
	}
	return r;
}

int oo_render_text(const struct oo_evidence *evidence, const struct oo_verdict *verdict,
		   struct oo_buffer *buffer)
{
	OO_AUTO(oo_free) struct oo_looked *looked = malloc(sizeof(*looked));
	if (looked == NULL) {
		return -ENOMEM;
	}
	oo_looked_list(evidence, looked);
	int r = add_chain(verdict, buffer);
	for (size_t i = 0; i < verdict->n_findings && r == 0; i++) {
		r = add_finding(&verdict->findings[i], i + 1, buffer);
	}
	if (r == 0 && verdict->n_findings == 0) {
		r = oo_buffer_add_format(buffer, "nothing wrong found\n\n");
		r = r < 0 ? r : add_looked(looked, true, buffer);
	}
	r = r < 0 ? r : add_looked(looked, false, buffer);
	return r < 0 ? r
		     : oo_buffer_add_format(buffer, "(%lld ms)\n", (long long)evidence->took_ms);
}

/* ---- JSON ---- */

/* How many bytes of text are one character of UTF-8 (RFC 3629); 0: none are. */
static size_t character(const unsigned char *text)
{
	size_t length = text[0] < 0x80                       ? 1
			: text[0] >= 0xc2 && text[0] <= 0xdf ? 2
			: (text[0] & 0xf0) == 0xe0           ? 3
			: text[0] >= 0xf0 && text[0] <= 0xf4 ? 4
							     : 0;
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	bool is_overlong =
		(text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90);
	bool is_surrogate = text[0] == 0xed && text[1] >= 0xa0;
	bool is_beyond = text[0] == 0xf4 && text[1] >= 0x90;
	return is_overlong || is_surrogate || is_beyond ? 0 : length;
}

/* A string with U+FFFD in place of what is no character. */
static struct json_object *valid(const char *text)
{
	char clean[OO_EVIDENCE_TEXT * 3 + 1];
	size_t used = 0;
	const unsigned char *at = (const unsigned char *)text;
	while (*at != '\0' && used + 4 < sizeof(clean)) {
		size_t length = character(at);
		memcpy(clean + used, length > 0 ? (const char *)at : "\xef\xbf\xbd",
		       length > 0 ? length : 3);
		used += length > 0 ? length : 3;
		at += length > 0 ? length : 1;
	}
	return json_object_new_string_len(clean, (int)used);
}

/* Puts value into object; what could not be made makes the whole fail. Takes value. */
static int put(struct json_object *object, const char *key, struct json_object *value)
{
	if (value == NULL) {
		return -ENOMEM;
	}
	if (json_object_object_add(object, key, value) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

/* Puts value at the end of array. Takes value. */
static int append(struct json_object *array, struct json_object *value)
{
	if (value == NULL || json_object_array_add(array, value) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static int put_chain(const struct oo_verdict *verdict, struct json_object *array)
{
	int r = 0;
	for (enum oo_layer layer = 0; layer < OO_LAYER_END && r == 0; layer++) {
		struct json_object *link = json_object_new_object();
		r = append(array, link);
		r = r < 0 ? r : put(link, "layer", valid(oo_layer_name(layer)));
		r = r < 0 ? r
			  : put(link, "state", valid(oo_layer_state_name(verdict->chain[layer])));
	}
	return r;
}

static int put_finding(const struct oo_finding *finding, struct json_object *object)
{
	struct json_object *grounds = json_object_new_array();
	int r = put(object, "grounds", grounds);
	for (size_t i = 0; i < finding->n_grounds && r == 0; i++) {
		r = append(grounds, valid(finding->grounds[i]));
	}
	r = r < 0 ? r : put(object, "cause", valid(oo_fault_name(finding->cause)));
	r = r < 0 ? r : put(object, "layer", valid(oo_layer_name(finding->layer)));
	r = r < 0 ? r : put(object, "confidence", valid(oo_confidence_name(finding->confidence)));
	r = r < 0 ? r : put(object, "weight", valid(oo_weight_name(finding->weight)));
	r = r < 0 ? r : put(object, "summary", valid(finding->summary));
	return r < 0 ? r : put(object, "remedy", valid(finding->remedy));
}

static int put_looked(const struct oo_looked *looked, struct json_object *looked_at,
		      struct json_object *not_seen)
{
	int r = 0;
	for (size_t i = 0; i < looked->n && r == 0; i++) {
		if (looked->items[i].why[0] == '\0') {
			r = append(looked_at, valid(looked->items[i].what));
			continue;
		}
		struct json_object *item = json_object_new_object();
		r = append(not_seen, item);
		r = r < 0 ? r : put(item, "what", valid(looked->items[i].what));
		r = r < 0 ? r : put(item, "why", valid(looked->items[i].why));
	}
	return r;
}

static int put_all(const struct oo_evidence *evidence, const struct oo_verdict *verdict,
		   const struct oo_looked *looked, struct json_object *whole)
{
	struct json_object *chain = json_object_new_array(), *findings = json_object_new_array();
	struct json_object *looked_at = json_object_new_array();
	struct json_object *not_seen = json_object_new_array();
	bool is_broken = verdict->first_broken != OO_LAYER_END;
	/* each is taken, or gone */
	bool is_taken = put(whole, "chain", chain) == 0;
	is_taken = put(whole, "findings", findings) == 0 && is_taken;
	is_taken = put(whole, "looked_at", looked_at) == 0 && is_taken;
	is_taken = put(whole, "not_seen", not_seen) == 0 && is_taken;
	int r = is_taken ? put_chain(verdict, chain) : -ENOMEM;
	for (size_t i = 0; i < verdict->n_findings && r == 0; i++) {
		struct json_object *finding = json_object_new_object();
		r = append(findings, finding);
		r = r < 0 ? r : put_finding(&verdict->findings[i], finding);
	}
	r = r < 0 ? r : put_looked(looked, looked_at, not_seen);
	r = r < 0 ? r : put(whole, "verdict", valid(oo_render_line(verdict)));
	r = r < 0 ? r : put(whole, "took_ms", json_object_new_int64(evidence->took_ms));
	if (r == 0 && !is_broken) {
		return json_object_object_add(whole, "first_broken", NULL) < 0 ? -ENOMEM : 0;
	}
	return r < 0 ? r : put(whole, "first_broken", valid(oo_layer_name(verdict->first_broken)));
}

int oo_render_json(const struct oo_evidence *evidence, const struct oo_verdict *verdict,
		   struct oo_buffer *buffer)
{
	OO_AUTO(oo_free) struct oo_looked *looked = malloc(sizeof(*looked));
	struct json_object *whole = json_object_new_object();
	int r = -ENOMEM;
	if (looked != NULL && whole != NULL) {
		oo_looked_list(evidence, looked);
		r = put_all(evidence, verdict, looked, whole);
	}
	const char *text =
		r == 0 ? json_object_to_json_string_ext(
				 whole, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
		       : NULL;
	r = r == 0 && text == NULL ? -ENOMEM : r;
	r = r < 0 ? r : oo_buffer_add(buffer, text, strlen(text));
	r = r < 0 ? r : oo_buffer_add(buffer, "\n", 1);
	json_object_put(whole);
	return r;
}
