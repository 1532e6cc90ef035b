#ifndef OO_NGINX_TREE_H
#define OO_NGINX_TREE_H
/*
 * nginx's configuration as a tree of directives, each include replaced by what it includes. Private
 * to the module.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "documentserver/proxy.h"

/* More is left out, and said in error. */
#define OO_NGINX_FILES 512
#define OO_NGINX_FILE_BYTES (4 * 1024 * 1024)
#define OO_NGINX_DIRECTIVES 65536
#define OO_NGINX_DEPTH 24 /* blocks and includes in each other */

struct oo_nginx_file;

struct oo_nginx_directive {
	struct oo_nginx_directive *next;
	struct oo_nginx_directive *first; /* in its block */
	bool is_block;
	const char *file; /* the tree's */
	int line;
	size_t n;      /* words, the name counted: at least 1 */
	char *words[]; /* their text lies behind them */
};

/* In place: oo_nginx_tree_read fills it, oo_nginx_tree_done frees what it holds. */
struct oo_nginx_tree {
	struct oo_nginx_directive *first;
	struct oo_nginx_file *files;
	size_t n_files;
	size_t n_directives;
	enum oo_look look;
	char error[OO_TEXT_LENGTH]; /* the first: "FILE:LINE: what is wrong" */
	int64_t changed_at_s;
	char folder[OO_TEXT_LENGTH]; /* of the main file, with its last slash */
};

/* Reads path and all that it includes. Returns 0 or -ENOMEM; look and error tell the rest. */
int oo_nginx_tree_read(struct oo_nginx_tree *tree, const char *path);
void oo_nginx_tree_done(struct oo_nginx_tree *tree);

/* Whether its name is that. */
bool oo_nginx_is(const struct oo_nginx_directive *directive, const char *name);

/* Its i-th word, 0 being the name; "" where there is none. */
const char *oo_nginx_word(const struct oo_nginx_directive *directive, size_t i);

/* The first directive of that name at this level, or NULL. */
const struct oo_nginx_directive *oo_nginx_find(const struct oo_nginx_directive *first,
					       const char *name);

/* name relative to the main file's folder, or as it is. Returns 0 or -ENAMETOOLONG. */
int oo_nginx_tree_path(const struct oo_nginx_tree *tree, const char *name, char *target,
		       size_t size);

#endif
