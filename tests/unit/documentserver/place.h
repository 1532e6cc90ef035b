#ifndef PLACE_H
#define PLACE_H
/* A folder of the test's own, with the files that it writes there. */

/* Makes it; returns its path, without a slash at the end. */
const char *place_make(void);
/* text NULL: the file is removed. */
void place_write(const char *name, const char *text);
/* "FOLDER/name"; valid until the next call. */
const char *place_path(const char *name);
/* Removes all of it. */
void place_remove(void);

#endif
