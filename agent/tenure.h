#ifndef OO_AGENT_TENURE_H
#define OO_AGENT_TENURE_H
/*
 * The tenure file, <runtime_directory>/tenure.json: what an agent that follows us on this machine has to
 * know to adopt what we hold, and the highest epoch seen. Written whole and renamed into place, before
 * the VIPs of a new claim come up.
 */
#include "agent.h"

struct agent_tenure;

/*
 * Reads the file and tells the core what it may adopt: nothing after a boot (boot_id(5) of proc), with
 * another cluster or node name, or from a file that makes no sense, which is said in the log and left behind.
 * Returns 0, -ENOMEM, or -errno when the directory cannot be written to.
 */
int agent_tenure_new(struct agent *agent, struct agent_tenure **ret_tenure, struct oo_err *err);
/* The file stays, for the next one. */
void agent_tenure_free(struct agent_tenure *tenure);

/* Whether the core was given a claim of group to adopt. */
bool agent_tenure_is_adopted(const struct agent_tenure *tenure, unsigned group);
/* Writes the file if it does not say what it should; a failure is said once, and tried again. */
void agent_tenure_apply(struct agent_tenure *tenure);

#endif
