#ifndef OO_NGINX_TEXT_H
#define OO_NGINX_TEXT_H
/*
 * Takes the text of an nginx configuration file apart into statements, as ngx_conf_read_token does:
 * words, quoted or not, ended by a semicolon or the brace that opens a block. Private to the module.
 */
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

/* Of one statement; a longer one is no configuration of a proxy. */
#define OO_NGINX_STATEMENT_MAX 65536

/* A file's text; borrowed. Start from line 1. */
struct oo_nginx_text {
	const char *data; /* without NUL in it */
	size_t length;
	size_t at;
	int line;
};

enum oo_nginx_end {
	OO_NGINX_END_FILE = 0, /* nothing but space and comments was left */
	OO_NGINX_END_SIMPLE,   /* name words ; */
	OO_NGINX_END_OPEN,     /* name words { */
	OO_NGINX_END_CLOSE,    /* } alone */
};

/* In place: start from {.words = {.limit_bytes = OO_NGINX_STATEMENT_MAX}}, end by freeing words. */
struct oo_nginx_statement {
	struct oo_buffer words; /* each with its NUL behind it */
	size_t n;
	int line; /* where it begins */
	enum oo_nginx_end end;
};

/*
 * Reads the next one.
 * Returns 0, -EINVAL (err: what is wrong, without a place: text->line has that), -EMSGSIZE (too
 * long) or -ENOMEM.
 */
int oo_nginx_text_next(struct oo_nginx_text *text, struct oo_nginx_statement *statement,
		       struct oo_err *err);

#endif
