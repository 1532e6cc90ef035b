#ifndef OO_CONFIG_PRESET_H
#define OO_CONFIG_PRESET_H
/*
 * Presets: one line of the configuration stands for the checks of a Document Server as it is set up on
 * this machine (docs/checks.md). A preset is a list of checks as a person would write them, with where
 * each value came from; it is merged into the document and read as if it had been there. Private to
 * lib/config.
 */
#include <stdbool.h>

#include "base/text.h"
#include "config/config.h"
#include "config/reader.h"
#include "documentserver/settings.h"

#define PRESET_CHECKS 16
#define PRESET_VALUES 16
#define PRESET_TEXT_LENGTH (2 * OO_TEXT_LENGTH + 32)
#define PRESET_ORIGIN_LENGTH (2 * OO_TEXT_LENGTH)

enum preset_kind {
	PRESET_PACKAGE, /* documentserver */
	PRESET_DOCKER,  /* documentserver-docker */
};

/* The settings of the Document Server that values come from. */
enum preset_setting {
	PRESET_DATABASE_HOST,
	PRESET_DATABASE_USER,
	PRESET_DATABASE_NAME,
	PRESET_BROKER,
	PRESET_QUEUE,
	PRESET_PORT,
	PRESET_STORAGE,
	PRESET_CACHE,
	PRESET_SETTINGS, /* how many there are */
};

struct preset_value {
	const char *key;
	char text[PRESET_TEXT_LENGTH]; /* as YAML is written, on one line */
	char origin[PRESET_ORIGIN_LENGTH];
};

struct preset_check {
	struct preset_value values[PRESET_VALUES]; /* the first is name */
	size_t n;
};

struct preset {
	struct preset_check checks[PRESET_CHECKS];
	size_t n;
};

/* What a preset follows from. Pointers are borrowed. */
struct preset_sources {
	enum preset_kind kind;
	const struct oo_settings *settings; /* look says whether they could be read */
	const struct oo_proxy_config *proxy;
	const struct oo_config_documentserver *given;
	char database_file[OO_TEXT_LENGTH]; /* that has the database's password; "" none */
	char broker_file[OO_TEXT_LENGTH];   /* the same of the broker */
	char files[PRESET_SETTINGS]
		  [OO_TEXT_LENGTH]; /* that set them; "" none: as the package has it */
	bool can_be_ds; /* the user of the Document Server is known, and we may become it */
};

/* preset.c. Pure: the same sources, the same checks. */
void preset_expand(const struct preset_sources *sources, struct preset *ret_preset);
/* "/services/CoAuthoring/sql/dbHost" */
extern const char *const preset_pointers[PRESET_SETTINGS];

/* preset_text.c */
void preset_begin(struct preset *preset, const char *name, const char *type);
/* Adds a value to the check begun last; as is, and in quotes. */
void preset_add(struct preset *preset, const char *key, const char *origin, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void preset_add_text(struct preset *preset, const char *key, const char *origin, const char *text);
/* Writes a check as one line of YAML. Returns 0 or -errno of the buffer. */
int preset_write_line(const struct preset_check *check, struct oo_buffer *buffer);

/*
 * preset_apply.c. Puts each preset's checks where the document names it. What a preset wants to know
 * and cannot is said as any problem of the file; false then.
 */
bool preset_apply(struct config_reader *reader, struct fy_document *document);
/* The same, and ret_preset (owned by the caller) gets the checks before anything overrode them. */
bool preset_gather(struct config_reader *reader, struct fy_node *entry, struct fy_node *root,
		   struct preset *ret_preset);
bool preset_is_entry(struct fy_node *entry);

#endif
