#ifndef OO_SHOW_CONFIG_H
#define OO_SHOW_CONFIG_H
/* A configuration for people. */
#include <json-c/json.h>

#include "base/text.h"
#include "table.h"

/*
 * Appends a configuration, as oo_config_write has it, as the YAML that a person would write; nothing in
 * it can move a terminal. Returns 0, -ENOMEM or -EMSGSIZE.
 */
int show_config(json_object *config, const struct page *page, struct oo_buffer *out);

/*
 * Appends what is different in next from what runs, and what it takes to change it.
 * ret_n  how many differences there are.
 */
int show_config_diff(json_object *runs, json_object *next, const struct page *page,
		     struct oo_buffer *out, size_t *ret_n);

#endif
