#ifndef OO_AGENT_ENDING_H
#define OO_AGENT_ENDING_H
/*
 * How the agent ends. Told to stop, it hands over or releases everything first. Restarted by
 * systemd it keeps everything instead (VIPs, fence, claim, member key, tenure; no hook runs), for
 * the next agent to adopt.
 *
 * systemd sends SIGTERM for both, so it is asked which job is running on our unit: the unit's Job,
 * and that one's JobType (org.freedesktop.systemd1(5)). Only restart keeps. Any other job, none, no
 * answer in time, a process that systemd did not start, a second SIGTERM, and SIGINT hand over; and
 * so does a configuration with which the next agent could not adopt what is held.
 */
#include "agent.h"

struct agent_ending;

/* Returns 0, -ENOMEM or -errno of the event loop. */
int agent_ending_new(struct agent *agent, struct agent_ending **ret_ending, struct oo_err *err);
/* NULL is accepted. */
void agent_ending_free(struct agent_ending *ending);

/* SIGTERM or SIGINT has come. Never blocks: the agent goes on as it was while systemd is asked. */
void agent_ending_on_signal(struct agent_ending *ending, int number);
/* It hands over or releases: nothing is to be given to it any more. */
bool agent_ending_is_stopping(const struct agent_ending *ending);
/*
 * Ends the loop, with all that is held kept for the next agent, in this process, if nothing is half
 * done and nobody has told the agent to end. Returns whether it does.
 */
bool agent_ending_try_keep(struct agent_ending *ending);
/*
 * Ends the loop once a restart may take its course: no hook is under way, and each group is either
 * held or not; the latter is waited for for at most a ttl.
 */
void agent_ending_check(struct agent_ending *ending);

#endif
