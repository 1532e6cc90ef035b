#ifndef OO_LIST_H
#define OO_LIST_H
/* The hooks in a directory. Private to the module. */
#include "base/error.h"
#include "base/trust.h"

/* Told of every entry that is passed over, and why. */
typedef void oo_hook_skipped_fn(void *user, const char *name, const char *why);

/*
 * Lists the names in directory that are hooks, in byte order.
 * skipped    or NULL.
 * ret_names  ended by NULL; the caller's, for oo_hook_strings_free.
 * Returns 0, -E2BIG (more than OO_HOOKS_LIST_MAX), -ENOMEM or -errno of readdir(3).
 */
int oo_hook_list(const struct oo_trusted_file *directory, oo_hook_skipped_fn *skipped, void *user,
		 char ***ret_names, struct oo_err *err);

/* Frees an array of strings that NULL ends, and the strings. NULL is accepted. */
void oo_hook_strings_free(char **strings);

#endif
