#ifndef OO_AGENT_DIGEST_H
#define OO_AGENT_DIGEST_H
/*
 * Digests of what should be alike on all nodes. Pure. They do not depend on the order in which a
 * file has things.
 */
#include "config/config.h"

#define AGENT_DIGEST_LENGTH 17
/*
 * So few that who reads it cannot tell a guess of the secret that is right from one in 65,536, and
 * two nodes with different secrets look alike as rarely.
 */
#define AGENT_DIGEST_SECRET_LENGTH 5

/* Of the groups' names and VIPs; not of interfaces, which may differ. */
void agent_digest_groups(const struct oo_config *config, char text[static AGENT_DIGEST_LENGTH]);
/* Of the checks' names, kinds, times and counts, and the groups that they count for. */
void agent_digest_checks(const struct oo_config *config, char text[static AGENT_DIGEST_LENGTH]);
/* Keyed by the cluster's name. */
void agent_digest_secret(const char *cluster, const char *secret,
			 char text[static AGENT_DIGEST_SECRET_LENGTH]);

#endif
