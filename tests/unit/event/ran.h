#ifndef RAN_H
#define RAN_H
/* A child that a test runs, and what came of it. The loop lasts from set_up to tear_down. */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/text.h"
#include "event/child.h"

struct ran {
	struct oo_child *child;
	struct oo_buffer lines; /* joined by '|' */
	size_t n_lines, longest;
	bool said, done;
	int times; /* that done was called */
	struct oo_child_result result;
};

extern sd_event *ran_event;
/* While it is true, SIGKILL is lost: the test's kill(2) is a wrapper. */
extern bool ran_kill_is_lost;

void ran_set_up(void);
void ran_tear_down(void);

/* A spec for argv, with ran as its ears; it may be changed before ran_start. */
struct oo_child_spec ran_spec(const char *const *argv, struct ran *ran);
void ran_start(const struct oo_child_spec *spec);
void ran_done(struct ran *ran);

/* Runs a line of shell to its end; or starts one with limits of its own. */
void ran_run(const char *script, struct ran *ran);
void ran_start_limited(const char *script, int64_t timeout_ms, int64_t grace_ms, struct ran *ran);

/* Waits for an orphan that has come to us (PR_SET_CHILD_SUBREAPER); returns its signal. */
int ran_orphan_signal(pid_t orphan);
/* Waits until the loop has reaped it. */
bool ran_await_gone(pid_t pid);

#endif
