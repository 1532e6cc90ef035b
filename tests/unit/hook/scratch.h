#ifndef SCRATCH_H
#define SCRATCH_H
/*
 * A directory for hooks of a test's own. It must be below one that nobody else may write to, so it
 * cannot be in /tmp: the build directory, the home directory or /run is taken, whichever is fit.
 */
#include <limits.h>
#include <stdbool.h>

struct scratch_path {
	char text[PATH_MAX];
};

/* Makes it, empty. Returns false, having said so, if there is no place for it. */
bool scratch_make(void);
/* Removes what is in it; with the directory. */
void scratch_empty(void);
void scratch_remove(void);

/* What name in it is called from outside. */
struct scratch_path scratch_at(const char *name);

void scratch_directory(const char *name);
/* A program: these lines of shell. */
void scratch_hook(const char *name, const char *script);
void scratch_link(const char *name, const char *target);
void scratch_mode(const char *name, unsigned int mode);

#endif
