#include "check/expect.h"

#include <errno.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

bool oo_check_expects_body(const struct oo_check_expect *expect)
{
	return expect->body != NULL || expect->contains != NULL || expect->regex != NULL ||
	       expect->json_pointer != NULL;
}

bool oo_check_expects_status(const struct oo_check_expect *expect, int status)
{
	for (size_t i = 0; i < expect->n_statuses; i++) {
		if (status >= expect->statuses[i].least && status <= expect->statuses[i].most) {
			return true;
		}
	}
	return false;
}

static bool is_white(char byte)
{
	return byte != '\0' && strchr(" \t\r\n\v\f", byte) != NULL;
}

/* Leaves out the white space at both ends: moves *text, returns the length. */
static size_t trim(const char **text, size_t length)
{
	while (length > 0 && is_white((*text)[length - 1])) {
		length--;
	}
	while (length > 0 && is_white((*text)[0])) {
		(*text)++;
		length--;
	}
	return length;
}

static bool is_same(const struct oo_buffer *body, const char *expected)
{
	const char *data = body->data;
	size_t length = trim(&data, body->length);
	size_t expected_length = trim(&expected, strlen(expected));
	return length == expected_length && (length == 0 || memcmp(data, expected, length) == 0);
}

static bool contains(const struct oo_buffer *body, const char *text)
{
	return body->length > 0 && memmem(body->data, body->length, text, strlen(text)) != NULL;
}

static int match(const struct oo_buffer *body, const char *pattern)
{
	regex_t regex;
	/* the end as glibc takes it, so that a NUL in the body does not end it */
	regmatch_t whole = {.rm_so = 0, .rm_eo = (regoff_t)body->length};
	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
		return -ENOMEM; /* the pattern was tried when the check was made */
	}
	int r = regexec(&regex, body->data != NULL ? body->data : "", 1, &whole, REG_STARTEND);
	regfree(&regex);
	return r == 0 ? 0 : r == REG_NOMATCH ? -EBADMSG : -ENOMEM;
}

static void put_json(struct json_object **object)
{
	json_object_put(*object);
}

/* A string's content; anything else as it is written. */
static const char *text_of(struct json_object *object)
{
	return json_object_is_type(object, json_type_string)
		       ? json_object_get_string(object)
		       : json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
}

static int compare_json(const struct oo_check_expect *expect, const struct oo_buffer *body,
			char ret_differs[static OO_CHECK_DIFFERS_LENGTH])
{
	struct json_object *found = NULL;
	OO_AUTO(put_json)
	struct json_object *whole = body->length > 0 ? json_tokener_parse(body->data) : NULL;
	if (whole == NULL) {
		snprintf(ret_differs, OO_CHECK_DIFFERS_LENGTH, "no JSON:");
		return -EBADMSG;
	}
	if (json_pointer_get(whole, expect->json_pointer, &found) < 0) {
		snprintf(ret_differs, OO_CHECK_DIFFERS_LENGTH,
			 "json has no %s:", expect->json_pointer);
		return -EBADMSG;
	}
	const char *text = text_of(found);
	if (oo_text_equal(text, expect->json_value)) {
		return 0;
	}
	snprintf(ret_differs, OO_CHECK_DIFFERS_LENGTH, "json %s is %.60s in", expect->json_pointer,
		 text);
	return -EBADMSG;
}

int oo_check_expect_body(const struct oo_check_expect *expect, const struct oo_buffer *body,
			 char ret_differs[static OO_CHECK_DIFFERS_LENGTH])
{
	snprintf(ret_differs, OO_CHECK_DIFFERS_LENGTH, "body");
	if ((expect->body != NULL && !is_same(body, expect->body)) ||
	    (expect->contains != NULL && !contains(body, expect->contains))) {
		return -EBADMSG;
	}
	int r = expect->regex != NULL ? match(body, expect->regex) : 0;
	if (r == 0 && expect->json_pointer != NULL) {
		r = compare_json(expect, body, ret_differs);
	}
	return r;
}
