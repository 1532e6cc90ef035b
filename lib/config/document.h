#ifndef OO_CONFIG_DOCUMENT_H
#define OO_CONFIG_DOCUMENT_H
/* The file as a tree of libfyaml's nodes. Private to lib/config. */
#include "config/reader.h"

struct config_document {
	char *data; /* what the nodes point into */
	struct fy_diag *diag;
	struct fy_parser *parser;
	struct fy_document *tree;
};

/*
 * Reads reader->path and parses it as YAML: one document, UTF-8, at most 1 MiB. Aliases are not
 * resolved. libfyaml prints nothing.
 * Returns 0, or after saying what is wrong -EINVAL, -EFBIG, -ENOMEM or -errno of open(2), read(2).
 */
int config_document_open(struct config_reader *reader, struct config_document *document);
/* A zeroed or half-opened one is accepted. */
void config_document_close(struct config_document *document);

#endif
