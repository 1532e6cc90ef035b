#ifndef OO_CHECK_PROBE_H
#define OO_CHECK_PROBE_H
/*
 * A question that may never come back, such as one to a file system over a network that is gone:
 * it is asked by a process of our own, which is killed at the deadline. One that cannot be killed
 * (it sleeps in the kernel) is not joined by a second. Private to the module.
 */
#include <sys/types.h>

#include "check/kind.h"

#define OO_CHECK_ANSWER_MAX 512 /* what a pipe takes at once, and more than is needed */

struct oo_check_probe;

/*
 * Runs in a copy of this process that has nothing open, beside threads that are gone: system calls
 * only, no heap, no stdio. answer is zeroed.
 */
typedef void oo_check_ask_fn(const struct oo_check_spec *spec, void *answer);
/* The answer is here: says the result; runs from the loop. The run is over with it. */
typedef void oo_check_answered_fn(struct oo_check_run *run, const void *answer);

struct oo_check_question {
	oo_check_ask_fn *ask;
	oo_check_answered_fn *answered;
	size_t answer_size; /* at most OO_CHECK_ANSWER_MAX */
	const char *user;   /* who asks; NULL: who we are */
};

/* In place, in a kind's state: start, stop, done. */
struct oo_check_probe {
	struct oo_check_run *run;
	const struct oo_check_question *question;
	pid_t pid;  /* 0: none */
	int pidfd;  /* good while pid is */
	int answer; /* read end of a pipe; good while pid is */
	bool given_up;
	int64_t asked_us;
	sd_event_source *source; /* owned: it is gone */
};

/* Returns 0, OO_CHECK_FINISHED (the last one still hangs: said) or -errno. */
int oo_check_probe_start(struct oo_check_probe *probe, struct oo_check_run *run,
			 const struct oo_check_question *question);
/* Says that there was no answer. */
void oo_check_probe_expire(struct oo_check_probe *probe);
void oo_check_probe_stop(struct oo_check_probe *probe);
/* Leaves what cannot be killed to the loop. */
void oo_check_probe_done(struct oo_check_probe *probe);

/* What an errno of a file system means. */
enum oo_check_reason oo_check_file_errno(int error_number);

/* Looks a user up (getpwnam(3)). Returns 0, or -EINVAL with err. */
int oo_check_user_verify(const char *name, struct oo_err *err);
/* The user's number and group; -ENOENT. */
int oo_check_user_find(const char *name, uid_t *ret_uid, gid_t *ret_gid);

#endif
