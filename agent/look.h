#ifndef OO_AGENT_LOOK_H
#define OO_AGENT_LOOK_H
/* What `ooha-agent --diagnose` does: a process of its own for what diagnosis.h wants to know. */
#include "config/config.h"

/* Collects, judges and prints the verdict as one line of JSON. Returns the process's exit code. */
int agent_look(const struct oo_config *config);

#endif
