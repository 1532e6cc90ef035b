/* Presets into the document, as if their checks had been written there. */
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/preset.h"
#include "documentserver/origin.h"

#define LINE_BYTES 65536
#define USER "ds" /* that the package runs the Document Server as */

static const char *const names[] = {
	[PRESET_PACKAGE] = "documentserver", [PRESET_DOCKER] = "documentserver-docker"};

static struct fy_node *value_of(struct fy_node *mapping, const char *key)
{
	return mapping != NULL && fy_node_is_mapping(mapping)
		       ? fy_node_mapping_lookup_value_by_simple_key(mapping, key, strlen(key))
		       : NULL;
}

/* NULL: it is not given, or no single value, which is said when it is read. */
static const char *text_of(struct fy_node *mapping, const char *key)
{
	struct fy_node *value = value_of(mapping, key);
	return value != NULL && fy_node_is_scalar(value) && !fy_node_is_alias(value)
		       ? fy_node_get_scalar0(value)
		       : NULL;
}

bool preset_is_entry(struct fy_node *entry)
{
	return value_of(entry, "preset") != NULL;
}

static bool read_kind(struct config_reader *reader, struct fy_node *entry,
		      enum preset_kind *ret_kind)
{
	const char *name = text_of(entry, "preset");

	if (fy_node_mapping_item_count(entry) != 1) {
		return config_wrong_unshown(
			reader, entry,
			"a preset stands alone; what it has otherwise goes into an "
			"entry of its own, with the check's name");
	}
	for (size_t i = 0; name != NULL && i < OO_LENGTH(names); i++) {
		if (oo_text_equal(name, names[i])) {
			*ret_kind = (enum preset_kind)i;
			return true;
		}
	}
	return config_wrong(
		reader, value_of(entry, "preset"),
		"unknown preset; documentserver and documentserver-docker are possible");
}

/* Whether this process may become another user, and there is that one. */
static bool can_be_ds(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	const uint32_t needed = 1u << CAP_SETUID | 1u << CAP_SETGID;

	return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & needed) == needed &&
	       getpwnam(USER) != NULL;
}

static void read_given(struct fy_node *root, struct oo_config_documentserver *ret_given)
{
	struct fy_node *section = value_of(root, "documentserver");
	*ret_given = (struct oo_config_documentserver){
		.url = text_of(section, "url"),
		.proxy_url = text_of(section, "proxy_url"),
		.config_directory = text_of(section, "config_directory"),
		.proxy_config = text_of(section, "proxy_config"),
		.container = text_of(section, "container"),
		.container_socket = text_of(section, "container_socket"),
	};
}

/* A Document Server in a container has its files there; a package's must be readable. */
static bool is_known(struct config_reader *reader, struct fy_node *entry,
		     const struct preset_sources *sources, const char *directory)
{
	struct fy_node *node = value_of(entry, "preset");
	const struct oo_settings *settings = sources->settings;

	if (sources->kind == PRESET_DOCKER && sources->given->container == NULL) {
		return config_wrong(reader, node,
				    "which container? name it as documentserver.container");
	}
	if (settings->look == OO_LOOK_SEEN || settings->look == OO_LOOK_NONE) {
		return true;
	}
	if (settings->look == OO_LOOK_ABSENT) {
		return config_wrong(reader, node,
				    "no Document Server has its configuration in %s; name the "
				    "directory as documentserver.config_directory",
				    directory);
	}
	if (settings->look == OO_LOOK_DENIED) {
		return config_wrong(
			reader, node,
			"%s; let the agent read it: SupplementaryGroups=ds, by systemctl "
			"edit ooha",
			settings->error);
	}
	return config_wrong(reader, node, "%s; put the file right", settings->error);
}

struct room {
	struct oo_settings settings;
	struct oo_proxy_config proxy;
};

static void free_room(struct room **room)
{
	if (*room != NULL) {
		explicit_bzero(*room, sizeof(**room)); /* passwords */
	}
	free(*room);
}

bool preset_gather(struct config_reader *reader, struct fy_node *entry, struct fy_node *root,
		   struct preset *ret_preset)
{
	struct oo_config_documentserver given;
	OO_AUTO(free_room) struct room *room = calloc(1, sizeof(*room));

	if (room == NULL) {
		reader->out_of_memory = true;
		return false;
	}
	read_given(root, &given);
	struct preset_sources sources = {
		.settings = &room->settings, .proxy = &room->proxy, .given = &given};
	if (!read_kind(reader, entry, &sources.kind)) {
		return false;
	}
	const char *directory = given.config_directory;
	if (sources.kind == PRESET_PACKAGE) {
		directory = directory != NULL ? directory : "/etc/onlyoffice/documentserver";
		if (oo_proxy_read(given.proxy_config != NULL ? given.proxy_config
							     : "/etc/nginx/nginx.conf",
				  &room->proxy) < 0) {
			reader->out_of_memory = true;
			return false;
		}
	}
	if (directory != NULL) {
		oo_settings_read(directory, &room->settings);
		oo_settings_origin(directory, "/services/CoAuthoring/sql/dbPass",
				   sources.database_file);
		oo_settings_origin(directory, "/rabbitmq/url", sources.broker_file);
		for (int i = 0; i < PRESET_SETTINGS; i++) {
			oo_settings_origin(directory, preset_pointers[i], sources.files[i]);
		}
	}
	sources.can_be_ds = can_be_ds();
	if (!is_known(reader, entry, &sources, directory)) {
		return false;
	}
	preset_expand(&sources, ret_preset);
	return true;
}

/* A node of the check, all of whose lines are the one that the preset is on. */
static struct fy_node *build(struct config_reader *reader, struct fy_document *document,
			     const struct preset_check *check, int line)
{
	OO_AUTO(oo_buffer_done) struct oo_buffer text;
	oo_buffer_init(&text, LINE_BYTES + (size_t)line);
	int r = 0;
	for (int i = 1; i < line && r == 0; i++) {
		r = oo_buffer_add(&text, "\n", 1);
	}
	r = r < 0 ? r : preset_write_line(check, &text);
	struct fy_node *node =
		r < 0 ? NULL : fy_node_build_from_malloc_string(document, text.data, text.length);
	if (node == NULL) {
		reader->out_of_memory = true;
		return NULL;
	}
	text.data = NULL; /* the document's now */
	return node;
}

/* The entry that overrides values of the check; NULL: there is none. */
static struct fy_node *find_override(struct fy_node *checks, const char *name)
{
	void *position = NULL;
	struct fy_node *item;
	while ((item = fy_node_sequence_iterate(checks, &position)) != NULL) {
		const char *its = text_of(item, "name");
		if (its != NULL && !preset_is_entry(item) && oo_text_equal(its, name)) {
			return item;
		}
	}
	return NULL;
}

static const char *key_of(struct fy_node_pair *pair)
{
	struct fy_node *key = fy_node_pair_key(pair);
	return key != NULL && fy_node_is_scalar(key) ? fy_node_get_scalar0(key) : NULL;
}

/* Whether no key of a mapping, or of one in it, comes twice: libfyaml cannot merge such. */
static bool is_unique(struct config_reader *reader, struct fy_node *mapping)
{
	void *position = NULL;
	struct fy_node_pair *pair;

	while (fy_node_is_mapping(mapping) &&
	       (pair = fy_node_mapping_iterate(mapping, &position)) != NULL) {
		const char *key = key_of(pair);
		void *earlier = NULL;
		struct fy_node_pair *other;
		while ((other = fy_node_mapping_iterate(mapping, &earlier)) != pair) {
			const char *its = key_of(other);
			if (key != NULL && its != NULL && oo_text_equal(key, its)) {
				return config_wrong_key(reader, mapping, key,
							config_line(fy_node_pair_key(pair)),
							"given twice; it is on line %d already",
							config_line(fy_node_pair_key(other)));
			}
		}
		struct fy_node *value = fy_node_pair_value(pair);
		if (value != NULL && !is_unique(reader, value)) {
			return false;
		}
	}
	return true;
}

/*
 * Returns whether the check is one: with an entry of another type it is not, which is another check in
 * its place. override may be NULL.
 */
static bool merge(struct config_reader *reader, struct fy_node *node, struct fy_node *override)
{
	if (override == NULL) {
		return true;
	}
	const char *type = text_of(override, "type");
	if (type != NULL && !oo_text_equal(type, text_of(node, "type"))) {
		return false;
	}
	if (fy_node_insert(node, override) != 0) {
		reader->out_of_memory = true;
	}
	fy_node_free(fy_node_sequence_remove(fy_node_get_parent(override), override));
	return true;
}

static bool put_checks(struct config_reader *reader, struct fy_document *document,
		       struct fy_node *entry, const struct preset *preset)
{
	struct fy_node *checks = fy_node_get_parent(entry);
	int line = config_line(entry);

	for (size_t i = 0; i < preset->n; i++) {
		struct fy_node *node = build(reader, document, &preset->checks[i], line);
		if (node == NULL) {
			return false;
		}
		struct fy_node *override = find_override(checks, preset->checks[i].values[0].text);
		if (override != NULL && !is_unique(reader, override)) {
			fy_node_free(node);
			return false;
		}
		if (!merge(reader, node, override)) {
			fy_node_free(node);
		} else if (fy_node_sequence_insert_before(checks, entry, node) != 0) {
			reader->out_of_memory = true;
			return false;
		}
	}
	fy_node_free(fy_node_sequence_remove(checks, entry));
	return true;
}

static struct fy_node *next_entry(struct fy_node *checks)
{
	void *position = NULL;
	struct fy_node *item;
	while ((item = fy_node_sequence_iterate(checks, &position)) != NULL) {
		if (preset_is_entry(item)) {
			return item;
		}
	}
	return NULL;
}

bool preset_apply(struct config_reader *reader, struct fy_document *document)
{
	struct fy_node *root = fy_document_root(document);
	struct fy_node *checks = value_of(root, "checks");
	struct fy_node *entry;
	int line = 0; /* of the first */

	if (checks == NULL || !fy_node_is_sequence(checks)) {
		return true; /* said when it is read */
	}
	while ((entry = next_entry(checks)) != NULL) {
		if (line != 0) { /* its checks would have the names of the first one's */
			return config_wrong(
				reader, value_of(entry, "preset"),
				"a second preset; one is possible, it is on line %d already", line);
		}
		line = config_line(entry);
		OO_AUTO(oo_free) struct preset *preset = calloc(1, sizeof(*preset));
		if (preset == NULL) {
			reader->out_of_memory = true;
			return false;
		}
		if (!preset_gather(reader, entry, root, preset) ||
		    !put_checks(reader, document, entry, preset)) {
			return false;
		}
	}
	return true;
}
