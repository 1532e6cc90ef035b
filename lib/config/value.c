#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "config/schema.h"

#define NUMBER_DIGITS 9
#define OPEN_TO_ALL (S_IROTH | S_IWOTH)

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

const char *config_text(struct config_reader *reader, struct fy_node *node)
{
	size_t length = 0;

	if (!config_expect(reader, node, FYNT_SCALAR, "write it without - , [] and {}")) {
		return NULL;
	}
	const char *text = fy_node_get_scalar0(node);
	if (text == NULL || fy_node_get_scalar(node, &length) == NULL) {
		reader->out_of_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < length; i++) { /* escapes in double quotes can make any character */
		if (is_control(text[i]) && text[i] != '\t' && text[i] != '\n' && text[i] != '\r') {
			config_wrong(reader, node, "has a control character; write only text");
			return NULL;
		}
	}
	return text;
}

bool config_parse_text(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	const char *text = config_text(reader, node);
	if (text == NULL) {
		return false;
	}
	if ((int64_t)strlen(text) < key->least || (int64_t)strlen(text) > key->most) {
		return config_wrong(reader, node,
				    "%zu bytes long; %" PRId64 " to %" PRId64 " are possible",
				    strlen(text), key->least, key->most);
	}
	return config_set_text(reader, text, target);
}

bool config_parse_line(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	const char *text = config_text(reader, node);
	for (const char *c = text; text != NULL && *c != '\0'; c++) {
		if (is_control(*c)) {
			return config_wrong(reader, node, "more than one line; write one");
		}
	}
	return text != NULL && config_parse_text(reader, node, key, target);
}

bool config_is_name(const char *text)
{
	static const char begin[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	static const char more[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length = strlen(text);

	return length <= OO_CONFIG_NAME_LENGTH && strspn(text, begin) > 0 &&
	       strspn(text, more) == length;
}

bool config_parse_name(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	const char *text = config_text(reader, node);
	if (text == NULL) {
		return false;
	}
	if (*text == '\0' && key->least == 0) {
		return config_set_text(reader, text, target);
	}
	if (!config_is_name(text)) {
		return config_wrong(reader, node,
				    "not a name; use 1 to %d of letters, digits, '.', '_' and '-', "
				    "a letter or digit first",
				    OO_CONFIG_NAME_LENGTH);
	}
	return config_set_text(reader, text, target);
}

static bool is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	return digits > 0 && digits <= NUMBER_DIGITS && text[digits] == '\0';
}

bool config_parse_number(struct config_reader *reader, struct fy_node *node,
			 const struct config_key *key, void *target)
{
	const char *text = config_text(reader, node);
	if (text == NULL) {
		return false;
	}
	int number = is_number(text) ? (int)strtol(text, NULL, 10) : -1;
	if (number < key->least || number > key->most) {
		return config_wrong(reader, node, "%s; %" PRId64 " to %" PRId64 " are possible",
				    number < 0 ? "not a whole number" : "out of range", key->least,
				    key->most);
	}
	memcpy(target, &number, sizeof(number));
	return true;
}

bool config_parse_duration(struct config_reader *reader, struct fy_node *node,
			   const struct config_key *key, void *target)
{
	int64_t ms = 0;
	char least[OO_DURATION_LENGTH], most[OO_DURATION_LENGTH];
	const char *text = config_text(reader, node);

	if (text == NULL) {
		return false;
	}
	int r = oo_duration_parse(text, &ms);
	if (r == -EINVAL && is_number(text)) {
		return config_wrong(reader, node, "a duration needs a unit: %ss or %s000ms", text,
				    text);
	}
	if (r == -EINVAL) {
		return config_wrong(reader, node,
				    "not a duration; write a number and ms, s, m or h, as in 500ms "
				    "or 1.5s");
	}
	if (r == -ERANGE || ms < key->least || ms > key->most) {
		return config_wrong(reader, node, "out of range; %s to %s are possible",
				    oo_duration_format(key->least, least),
				    oo_duration_format(key->most, most));
	}
	memcpy(target, &ms, sizeof(ms));
	return true;
}

/* The path at node if it can be one; else says so. What is no path may be a secret. */
static const char *take_path(struct config_reader *reader, struct fy_node *node,
			     const struct config_key *key)
{
	const char *text = config_text(reader, node);
	if (text == NULL) {
		return NULL;
	}
	if (*text != '/') {
		config_wrong_unshown(reader, node, "not an absolute path; begin it with /");
		return NULL;
	}
	for (const char *c = text; *c != '\0'; c++) {
		if (is_control(*c) || c - text >= key->most) {
			config_wrong(reader, node,
				     "too long or more than a line; at most %" PRId64
				     " bytes are possible",
				     key->most);
			return NULL;
		}
	}
	return text;
}

bool config_parse_path(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	const char *text = take_path(reader, node, key);
	return text != NULL && config_set_text(reader, text, target);
}

/* Opens and looks, but reads nothing: the content is whoever's business who uses it. */
static bool check_file(struct config_reader *reader, struct fy_node *node, const char *text,
		       mode_t refused)
{
	struct stat status;
	OO_AUTO(oo_close) int fd = open(text, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) < 0) {
		return config_wrong(reader, node,
				    "cannot be read: %s; name a file that the agent's user may "
				    "read",
				    strerror(errno));
	}
	if (!S_ISREG(status.st_mode)) {
		return config_wrong(reader, node, "not a file; name a file");
	}
	if ((status.st_mode & refused) != 0) {
		return config_wrong(reader, node,
				    "holds a secret and is open to everybody (mode %04o); chmod "
				    "o-rw it",
				    status.st_mode & 07777);
	}
	return true;
}

bool config_parse_file(struct config_reader *reader, struct fy_node *node,
		       const struct config_key *key, void *target)
{
	const char *text = take_path(reader, node, key);
	return text != NULL && check_file(reader, node, text, 0) &&
	       config_set_text(reader, text, target);
}

bool config_parse_secret_file(struct config_reader *reader, struct fy_node *node,
			      const struct config_key *key, void *target)
{
	const char *text = take_path(reader, node, key);
	return text != NULL && check_file(reader, node, text, OPEN_TO_ALL) &&
	       config_set_text(reader, text, target);
}

/* The Document Server's own configuration has the mode that its package gives it. */
bool config_parse_password_file(struct config_reader *reader, struct fy_node *node,
				const struct config_key *key, void *target)
{
	const char *text = take_path(reader, node, key);
	const char *suffix = text != NULL ? strrchr(text, '.') : NULL;
	bool json = suffix != NULL && oo_text_equal(suffix, ".json");
	return text != NULL && check_file(reader, node, text, json ? 0 : OPEN_TO_ALL) &&
	       config_set_text(reader, text, target);
}
