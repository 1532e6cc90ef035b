#ifndef OO_AGENT_TRY_H
#define OO_AGENT_TRY_H
/* What `ooha-agent --check` does beyond the file: asks etcd a few times how long it takes. */
#include "config/config.h"

/*
 * Writes nothing, takes 3 s at most, and says on stderr what is tight (pace.h). Where etcd does not
 * answer in time there is nothing to say: it need not run where a file is checked.
 */
void agent_try_etcd(const struct oo_config *config);

#endif
