#ifndef OO_TEST_FAULTS_H
#define OO_TEST_FAULTS_H
/*
 * The failure sweep: an operation is tried again and again, and each time one more of what it asks of
 * the C library is refused, the first, the second, ... until it comes through untouched. The functions are
 * taken over for the whole program (faults.c defines them), so what libraries ask for below us can be
 * refused as well: an allocation with NULL, a system call with -1 and EIO. Not below json-c: it uses
 * what it did not get, and crashes (0.16), or leaves it out of the text that it makes.
 */
#include <stdbool.h>

#include "base/error.h"

enum {
	FAULT_MEMORY = 1, /* malloc, calloc, realloc, strdup, strndup, asked for by our own code */
	FAULT_LIBRARIES = 2, /* the same, asked for by the libraries below it */
	FAULT_CALLS = 4,     /* socket, open, read, write, rename, epoll_ctl, ... by whomever */
	FAULT_OTHER = 8,     /* what a test takes over itself, with fault_refuses */
};

/*
 * One try, called by fault_sweep. It puts up what it needs, calls fault_go, does what is swept, calls
 * fault_stop, looks at what came of it, and takes everything down again.
 * Returns what was swept returned; err its text.
 */
typedef int fault_try_fn(void *user, struct oo_err *err);

void fault_go(void);
void fault_stop(void);
/* For what a test takes over itself: whether to refuse now. */
bool fault_refuses(unsigned kind);
/* Within a try: whether something was refused. */
bool fault_fired(void);

/* Descriptors that are open now. */
int fault_open_fds(void);

struct fault_swept {
	int refused; /* tries in which something was */
	int failed;  /* of those, that ended with an error */
};

/*
 * Sweeps kinds, and asserts for each try: r is 0 or negative, a failure has a text (unless silent),
 * nothing that was opened stays open, and the same again with nothing refused succeeds.
 */
struct fault_swept fault_sweep(unsigned kinds, fault_try_fn *try, void *user);
/* The same of what has no text for its errors. */
struct fault_swept fault_sweep_silent(unsigned kinds, fault_try_fn *try, void *user);

#endif
