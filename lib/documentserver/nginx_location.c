#include "documentserver/nginx_location.h"

#include <regex.h>
#include <string.h>

#define PATTERN_MAX 512
#define REPEATS_MAX 12 /* of +: each in another doubles what regcomp(3) makes of the pattern */

enum match {
	MATCH_EXACT = 0,
	MATCH_PREFIX,
	MATCH_PREFIX_FINAL, /* ^~ */
	MATCH_REGEX,
	MATCH_REGEX_ANY_CASE,
	MATCH_NAMED,
};

static const struct {
	const char *text;
	enum match match;
} modifiers[] = {
	{"=", MATCH_EXACT},
	{"^~", MATCH_PREFIX_FINAL},
	{"~*", MATCH_REGEX_ANY_CASE},
	{"~", MATCH_REGEX},
};

/* "= /path", or "=/path" in one word. */
static enum match read_match(const struct oo_nginx_directive *location, const char **ret_pattern)
{
	const char *word = location->n > 1 ? location->words[1] : "";
	for (size_t i = 0; i < sizeof(modifiers) / sizeof(modifiers[0]); i++) {
		size_t length = strlen(modifiers[i].text);
		if (location->n == 3 && strcmp(word, modifiers[i].text) == 0) {
			*ret_pattern = location->words[2];
			return modifiers[i].match;
		}
		if (location->n == 2 && strncmp(word, modifiers[i].text, length) == 0) {
			*ret_pattern = word + length;
			return modifiers[i].match;
		}
	}
	*ret_pattern = word;
	return word[0] == '@' ? MATCH_NAMED : MATCH_PREFIX;
}

/* What a class of Perl's (\d) is in POSIX, inside brackets; NULL: none. */
static const char *class_of(char c)
{
	switch (c) {
	case 'd':
		return "0-9";
	case 'w':
		return "[:alnum:]_";
	case 's':
		return "[:space:]";
	default:
		return NULL;
	}
}

struct translation {
	const char *from;
	char to[PATTERN_MAX];
	size_t length;
	bool in_brackets;
	int n_repeats;
};

static void add(struct translation *made, const char *text)
{
	size_t length = strlen(text);
	if (made->length + length < sizeof(made->to)) {
		memcpy(made->to + made->length, text, length + 1);
		made->length += length;
	} else {
		made->length = sizeof(made->to); /* too long: stays so */
	}
}

static bool translate_hidden(struct translation *made, char c)
{
	const char *class = class_of(c);
	char text[] = {'\\', c, '\0'};
	if (class != NULL) {
		add(made, made->in_brackets ? "" : "[");
		add(made, class);
		add(made, made->in_brackets ? "" : "]");
		return true;
	}
	if (c == '\0' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z')) {
		return false; /* a back reference, or what POSIX does not have */
	}
	/* a backslash hides nothing in POSIX's brackets; what means something there has this form */
	if (made->in_brackets && strchr("-]^[", c) != NULL) {
		add(made, (const char[]){'[', '.', c, '.', ']', '\0'});
	} else {
		add(made, made->in_brackets || c == '/' ? text + 1 : text);
	}
	return true;
}

/* "(?:" and "(?<name>" only group. Returns how far from stands behind, 0: it is something else. */
static size_t group_length(const char *text)
{
	const char *end = NULL;
	if (strncmp(text, "(?:", 3) == 0) {
		return 3;
	}
	if (strncmp(text, "(?P<", 4) == 0 ||
	    (strncmp(text, "(?<", 3) == 0 && text[3] != '=' && text[3] != '!')) {
		end = strchr(text, '>');
	}
	return end != NULL ? (size_t)(end - text) + 1 : 0;
}

static bool translate_one(struct translation *made)
{
	char c = *made->from, text[] = {c, '\0'};
	size_t group = group_length(made->from);
	made->from++;
	if (c == '\\') {
		bool fine = translate_hidden(made, *made->from);
		made->from += fine;
		return fine;
	}
	if (made->in_brackets) {
		made->in_brackets = c != ']';
	} else if (group > 0) {
		made->from += group - 1;
	} else if (c == '(' && *made->from == '?') {
		return false;
	} else if (c == '{') { /* counts can make a small pattern a huge one: here just "some" */
		const char *end = strchr(made->from, '}');
		strcpy(text, *made->from == '0' ? "*" : "+");
		if (end == NULL) {
			return false;
		}
		made->from = end + 1;
	} else {
		made->in_brackets = c == '[';
	}
	add(made, text);
	made->n_repeats += text[0] == '+' && !made->in_brackets;
	if (strchr("*+?}", c) != NULL && (*made->from == '?' || *made->from == '+')) {
		made->from++; /* how much it prefers to take does not matter to whether it matches */
	}
	return true;
}

static bool matches(const char *pattern, bool any_case, const char *path)
{
	struct translation made = {.from = pattern};
	regex_t regex;
	while (*made.from != '\0') {
		if (!translate_one(&made)) {
			return false;
		}
	}
	if (made.length >= sizeof(made.to) || made.n_repeats > REPEATS_MAX ||
	    regcomp(&regex, made.to, REG_EXTENDED | REG_NOSUB | (any_case ? REG_ICASE : 0)) != 0) {
		return false;
	}
	bool fits = regexec(&regex, path, 0, NULL, 0) == 0;
	regfree(&regex);
	return fits;
}

/* The best of a level; an exact one ends the search, and so does the prefix of a ^~ at its level. */
struct best {
	const struct oo_nginx_directive *location;
	size_t length;
	enum match match;
};

static struct best find_static(const struct oo_nginx_directive *first, const char *path)
{
	struct best best = {.location = NULL};
	for (; first != NULL; first = first->next) {
		const char *pattern;
		if (!oo_nginx_is(first, "location") || !first->is_block) {
			continue;
		}
		enum match match = read_match(first, &pattern);
		size_t length = strlen(pattern);
		if (match == MATCH_EXACT && strcmp(pattern, path) == 0) {
			return (struct best){.location = first, .match = match};
		}
		if ((match == MATCH_PREFIX || match == MATCH_PREFIX_FINAL) &&
		    strncmp(pattern, path, length) == 0 &&
		    (best.location == NULL || length > best.length)) {
			best = (struct best){first, length, match};
		}
	}
	return best;
}

static const struct oo_nginx_directive *find_regex(const struct oo_nginx_directive *first,
						   const char *path)
{
	for (; first != NULL; first = first->next) {
		const char *pattern;
		if (!oo_nginx_is(first, "location") || !first->is_block) {
			continue;
		}
		enum match match = read_match(first, &pattern);
		if ((match == MATCH_REGEX || match == MATCH_REGEX_ANY_CASE) &&
		    matches(pattern, match == MATCH_REGEX_ANY_CASE, path)) {
			return first;
		}
	}
	return NULL;
}

/* ret_final: found by = or a regular expression, which ends the search of the levels outside. */
static const struct oo_nginx_directive *find(const struct oo_nginx_directive *first,
					     const char *path, bool *ret_final)
{
	struct best best = find_static(first, path);
	const struct oo_nginx_directive *found = best.location;
	*ret_final = found != NULL && best.match == MATCH_EXACT;
	if (*ret_final) {
		return found;
	}
	if (found != NULL) {
		const struct oo_nginx_directive *inside = find(found->first, path, ret_final);
		found = inside != NULL ? inside : found;
		if (*ret_final || best.match == MATCH_PREFIX_FINAL) {
			return found;
		}
	}
	const struct oo_nginx_directive *regex = find_regex(first, path);
	if (regex == NULL) {
		return found;
	}
	bool inside_final;
	const struct oo_nginx_directive *inside = find(regex->first, path, &inside_final);
	*ret_final = true;
	return inside != NULL ? inside : regex;
}

const struct oo_nginx_directive *oo_nginx_location_find(const struct oo_nginx_directive *first,
							const char *path)
{
	bool final;
	return find(first, path, &final);
}

const struct oo_nginx_directive *oo_nginx_location_named(const struct oo_nginx_directive *first,
							 const char *name)
{
	for (; first != NULL; first = first->next) {
		if (oo_nginx_is(first, "location") && first->n == 2 &&
		    strcmp(first->words[1], name) == 0) {
			return first;
		}
	}
	return NULL;
}
