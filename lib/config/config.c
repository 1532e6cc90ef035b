#include "config/config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "config/document.h"
#include "config/preset.h"
#include "config/schema.h"

static void free_config(struct oo_config **config)
{
	oo_config_free(*config);
}

static int fill(struct config_reader *reader)
{
	OO_AUTO(config_document_close) struct config_document document = {0};

	int r = config_document_open(reader, &document);
	if (r == 0) {
		struct fy_node *root = fy_document_root(document.tree);
		if (preset_apply(reader, document.tree) && config_parse_root(reader, root)) {
			config_check_whole(reader, root);
		}
		r = reader->n_problems > 0 ? -EINVAL : 0;
	}
	return r;
}

/* Loads into reader, whose problems are then all that was found wrong. */
static int load(struct config_reader *reader, const char *path, struct oo_config **ret_config)
{
	OO_AUTO(free_config) struct oo_config *config = calloc(1, sizeof(*config));

	*reader = (struct config_reader){
		.path = path, .config = config, .out_of_memory = config == NULL};
	int r = config != NULL ? fill(reader) : -ENOMEM;
	if (reader->out_of_memory) {
		reader->out_of_memory = false;
		reader->n_problems = 0; /* what was found without it may not be so */
		config_wrong_line(reader, 0, "out of memory");
		r = -ENOMEM;
	}
	if (r == 0) {
		*ret_config = oo_take_ptr(config);
	}
	return r;
}

int oo_config_load(const char *path, struct oo_config **ret_config, struct oo_err *err)
{
	struct config_reader reader;

	int r = load(&reader, path, ret_config);
	return r < 0 ? oo_fail_text(err, -r, "%s", reader.problems[0].err.text) : 0;
}

int oo_config_check(const char *path, oo_config_problem_fn *problem, void *user)
{
	struct config_reader reader;
	OO_AUTO(free_config) struct oo_config *config = NULL;

	int r = load(&reader, path, &config);
	for (size_t i = 0; i < reader.n_problems; i++) {
		problem(reader.problems[i].err.text, user);
	}
	return r;
}
