/* The single values that only checks have. */
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/schema.h"

#define CHOICES_LENGTH 160

static bool set_flag(bool value, void *target)
{
	memcpy(target, &value, sizeof(value));
	return true;
}

bool config_parse_flag(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	const char *text = config_text(reader, node);

	(void)key; /* no limits */
	if (text == NULL) {
		return false;
	}
	if (oo_text_equal(text, "yes") || oo_text_equal(text, "true")) {
		return set_flag(true, target);
	}
	if (oo_text_equal(text, "no") || oo_text_equal(text, "false")) {
		return set_flag(false, target);
	}
	return config_wrong(reader, node, "neither; yes and no are possible");
}

/* What is kept is the opposite, where that is not so by default. */
bool config_parse_denied(struct config_reader *reader, struct fy_node *node,
			 const struct config_key *key, void *target)
{
	bool flag = false;
	return config_parse_flag(reader, node, key, &flag) && set_flag(!flag, target);
}

bool config_parse_choice(struct config_reader *reader, struct fy_node *node,
			 const struct config_key *key, void *target)
{
	char all[CHOICES_LENGTH] = "";
	size_t length = 0;
	const char *text = config_text(reader, node);

	if (text == NULL) {
		return false;
	}
	for (size_t i = 0; key->choices[i] != NULL && length < sizeof(all); i++) {
		if (oo_text_equal(text, key->choices[i])) {
			return config_set_text(reader, text, target);
		}
		length += (size_t)snprintf(all + length, sizeof(all) - length, "%s%s",
					   i > 0 ? ", " : "", key->choices[i]);
	}
	return config_wrong(reader, node, "none of them; possible are %s", all);
}

bool config_parse_regex(struct config_reader *reader, struct fy_node *node,
			const struct config_key *key, void *target)
{
	regex_t regex;
	char why[80];
	const char *text = config_text(reader, node);

	if (text == NULL) {
		return false;
	}
	int r = regcomp(&regex, text, REG_EXTENDED | REG_NOSUB);
	if (r != 0) {
		(void)regerror(r, &regex, why, sizeof(why)); /* cut is fine */
		return config_wrong(reader, node,
				    "not a POSIX extended regular expression: %s; see regex(7)",
				    why);
	}
	regfree(&regex);
	return config_parse_text(reader, node, key, target);
}

/* Reads "200" or "200-299" up to a comma or the end. Returns what follows; NULL: neither. */
static const char *read_range(const char *text, struct oo_check_range *ret_range)
{
	int n = 0;
	struct oo_check_range range;
	if (sscanf(text, "%3d-%3d%n", &range.least, &range.most, &n) != 2 || n == 0) {
		n = 0;
		if (sscanf(text, "%3d%n", &range.least, &n) != 1) {
			return NULL;
		}
		range.most = range.least;
	}
	if (range.least < 100 || range.most > 599 || range.least > range.most ||
	    (text[n] != ',' && text[n] != '\0')) {
		return NULL;
	}
	*ret_range = range;
	return text + n + strspn(text + n, ", ");
}

bool config_parse_statuses(struct config_reader *reader, struct fy_node *node,
			   const struct config_key *key, void *target)
{
	struct oo_check_expect *expect = target;
	const char *text = config_text(reader, node);

	(void)key; /* no limits */
	if (text == NULL) {
		return false;
	}
	size_t n = 0;
	const char *rest = text;
	do {
		rest = n < OO_CHECK_RANGES ? read_range(rest, &expect->statuses[n++]) : NULL;
	} while (rest != NULL && *rest != '\0');
	expect->n_statuses = n;
	return rest != NULL ||
	       config_wrong(reader, node,
			    "not a set of statuses; write up to %d from 100 to 599, as in 200 or "
			    "200-299,301",
			    OO_CHECK_RANGES);
}

/* How much of text is a token (RFC 9110, 5.6.2). */
static size_t token_length(const char *text)
{
	size_t n = 0;
	while (isalnum((unsigned char)text[n]) ||
	       (text[n] != '\0' && strchr("!#$%&'*+-.^_`|~", text[n]) != NULL)) {
		n++;
	}
	return n;
}

bool config_parse_header(struct config_reader *reader, struct fy_node *node,
			 const struct config_key *key, void *target)
{
	const char *text = config_text(reader, node);

	if (text == NULL) {
		return false;
	}
	size_t length = token_length(text);
	if (length == 0 || text[length] != ':' || text[length + 1] != ' ' ||
	    text[length + 2] == '\0') {
		return config_wrong_unshown(
			reader, node,
			"not a header; write its name, a colon, a space and its "
			"value, as in 'X-Forwarded-Proto: https'");
	}
	return config_parse_line(reader, node, key, target);
}

bool config_parse_token(struct config_reader *reader, struct fy_node *node,
			const struct config_key *key, void *target)
{
	const char *text = config_text(reader, node);

	if (text == NULL) {
		return false;
	}
	if (text[0] == '\0' || text[token_length(text)] != '\0') {
		return config_wrong(reader, node,
				    "not a header's name; write letters, digits and -");
	}
	return config_parse_line(reader, node, key, target);
}

bool config_parse_json_pointer(struct config_reader *reader, struct fy_node *node,
			       const struct config_key *key, void *target)
{
	const char *text = config_text(reader, node);

	if (text == NULL) {
		return false;
	}
	if (text[0] != '/') {
		return config_wrong(
			reader, node,
			"not a JSON pointer; begin it with /, as in /serverInfo/buildVersion");
	}
	return config_parse_line(reader, node, key, target);
}

/* Reads "5%"; false: it is not one from 0 to 100. */
static bool read_percent(const char *text, int *ret_percent)
{
	int percent = 0, n = 0;
	if (sscanf(text, "%3d%%%n", &percent, &n) != 1 || n == 0 || text[n] != '\0' ||
	    !isdigit((unsigned char)text[0]) || percent > 100) {
		return false;
	}
	*ret_percent = percent;
	return true;
}

/* Reads digits; what follows them is left to the caller. False: there are none, or too many. */
static bool read_digits(const char *text, uint64_t *ret_number, const char **ret_rest)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 12) {
		return false;
	}
	*ret_number = strtoull(text, NULL, 10);
	*ret_rest = text + digits;
	return true;
}

/* How many bits a unit shifts by; -1: it is none. */
static int shift_of(const char *unit)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	for (size_t i = 0; i < OO_LENGTH(units); i++) {
		if (oo_text_equal(unit, units[i])) {
			return (int)(i + 1) * 10;
		}
	}
	return -1;
}

bool config_parse_size(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	struct oo_check_room room = {0};
	const char *rest = NULL, *text = config_text(reader, node);

	(void)key; /* no limits */
	if (text == NULL) {
		return false;
	}
	if (!read_percent(text, &room.percent)) {
		int shift = read_digits(text, &room.least, &rest) ? shift_of(rest) : -1;
		if (shift < 0 || room.least >= UINT64_C(1) << 23) {
			return config_wrong(reader, node,
					    "not a size; write a whole number and KiB, MiB, GiB, "
					    "TiB or %%, as in 5GiB or 10%%");
		}
		room.least <<= shift;
	}
	memcpy(target, &room, sizeof(room));
	return true;
}

bool config_parse_count(struct config_reader *reader, struct fy_node *node,
			const struct config_key *key, void *target)
{
	struct oo_check_room room = {0};
	const char *rest = NULL, *text = config_text(reader, node);

	(void)key; /* no limits */
	if (text == NULL) {
		return false;
	}
	if (!read_percent(text, &room.percent) &&
	    (!read_digits(text, &room.least, &rest) || *rest != '\0')) {
		return config_wrong(reader, node,
				    "not a number; write digits, or a per cent, as in 10000 or "
				    "10%%");
	}
	memcpy(target, &room, sizeof(room));
	return true;
}

bool config_parse_ip(struct config_reader *reader, struct fy_node *node,
		     const struct config_key *key, void *target)
{
	struct in6_addr any;
	const char *text = config_text(reader, node);

	(void)key; /* every address has the same form */
	if (text == NULL) {
		return false;
	}
	if (inet_pton(AF_INET, text, &any) != 1 && inet_pton(AF_INET6, text, &any) != 1) {
		return config_wrong(reader, node,
				    "not an address; as in 10.0.0.1 or fe80::1, without a prefix");
	}
	return config_set_text(reader, text, target);
}

bool config_parse_unit(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789:-_.\\@"; /* systemd.unit(5) */
	const char *text = config_text(reader, node);

	(void)key; /* every unit's name has the same form */
	if (text == NULL) {
		return false;
	}
	const char *suffix = strrchr(text, '.');
	if (strspn(text, allowed) != strlen(text) || strlen(text) > 255 || suffix == NULL ||
	    suffix == text || suffix[1] == '\0') {
		return config_wrong(reader, node,
				    "not a unit; write its name with the suffix, as in "
				    "nginx.service");
	}
	return config_set_text(reader, text, target);
}

bool config_parse_table(struct config_reader *reader, struct fy_node *node,
			const struct config_key *key, void *target)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
	const char *text = config_text(reader, node);

	(void)key; /* every table's name has the same form */
	if (text == NULL) {
		return false;
	}
	if (*text == '\0' || strlen(text) > 63 || text[strspn(text, allowed)] != '\0') {
		return config_wrong(reader, node,
				    "not a table; write letters, digits and _, perhaps the schema "
				    "and a dot before it");
	}
	return config_set_text(reader, text, target);
}
