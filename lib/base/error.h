#ifndef OO_ERROR_H
#define OO_ERROR_H
/*
 * Errors with a reason. A fallible call returns 0 or -errno; where the number says too little its
 * last parameter is a struct oo_err, filled with "what failed: why" and wrapped on the way up.
 * Secrets (passwords, tokens, URLs that carry them) never go into the text.
 */
#include <stddef.h>

#define OO_ERR_LENGTH 512

struct oo_err {
	char text[OO_ERR_LENGTH];
};

/*
 * Says that a system call failed: text becomes "<what>: <strerror>".
 * error_number  errno, positive.
 * err           may be NULL.
 * Returns -error_number, to be returned in turn.
 */
int oo_fail(struct oo_err *err, int error_number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Says what is wrong in our own words: text becomes the formatted text alone.
 * error_number  positive; returned negated.
 */
int oo_fail_text(struct oo_err *err, int error_number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "<context>: " before the text that err has already. err may be NULL. */
void oo_err_wrap(struct oo_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
