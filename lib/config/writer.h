#ifndef OO_CONFIG_WRITER_H
#define OO_CONFIG_WRITER_H
/*
 * A configuration as JSON, which is YAML: by the tables that it is read by, so that no key can be
 * forgotten. Private to lib/config.
 */
#include "base/text.h"
#include "config/schema.h"

struct config_writer {
	const struct oo_config *config;
	struct oo_buffer *out;
};

/* A value that is not given and has no default: its key is left out. */
#define CONFIG_OMITTED 1

/* A mapping. structure is what the schema's offsets count from. Returns as config_write_fn. */
int config_write_section(struct config_writer *writer, const struct config_schema *schema,
			 const void *structure);
/* A text that may be NULL. Returns as config_write_fn. */
int config_write_text(struct config_writer *writer, const char *text);

#endif
