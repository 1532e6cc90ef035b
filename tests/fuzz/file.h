#ifndef OO_FUZZ_FILE_H
#define OO_FUZZ_FILE_H
/*
 * One file that exists in memory only: open, fstat, read, write, rename and close of it are played here
 * (the target is linked with --wrap for each of them), of any other file they are the real ones.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* What path holds from now on. data is borrowed; NULL: nothing is there. */
void fuzz_file_set(const char *path, const uint8_t *data, size_t length);
/* A second file, which stays and is only read. */
void fuzz_file_beside(const char *path, const char *text);
/* What was written to draft and renamed to the file's path; done again by each fuzz_file_set. */
const struct oo_buffer *fuzz_file_written(void);
void fuzz_file_done(void);

#endif
