#ifndef OO_AGENT_PROFILE_H
#define OO_AGENT_PROFILE_H
/*
 * What our member record says of this node's configuration, for `ooha doctor` to compare: digests of
 * it (digest.h), the MTU and MACs of the VIPs' interfaces, the etcd member on this host, the version
 * of the Document Server. Looked at each AGENT_PROFILE_MS.
 */
#include "agent.h"

#define AGENT_PROFILE_MS 30000

struct agent_profile;
struct json_object;

int agent_profile_new(struct agent *agent, struct agent_profile **ret_profile, struct oo_err *err);
void agent_profile_free(struct agent_profile *profile);

/* Looks again at the next turn of the loop: the configuration is another. */
void agent_profile_look(struct agent_profile *profile);

/* What the record says; a reference of the caller's own. */
struct json_object *agent_profile_get(const struct agent_profile *profile);
/* Another number whenever that has changed. */
uint64_t agent_profile_revision(const struct agent_profile *profile);

#endif
