#ifndef OO_AGENT_COMPARE_H
#define OO_AGENT_COMPARE_H
/* What differs between the configuration that an agent runs with and another one. Pure. */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"

/*
 * Whether an agent that runs with now can go on with next: cluster, node.name and runtime_directory are
 * what it is known by. Puts the groups of next into the order of now's, if all are there; those that
 * are new follow.
 * ret_gone  bit g: group number g of now is not there any more.
 * Returns 0, or -EINVAL: "KEY: 'now' has become 'next', which takes a restart".
 */
int agent_compare_align(const struct oo_config *now, struct oo_config *next, uint32_t *ret_gone,
			struct oo_err *err);

bool agent_compare_is_other_etcd(const struct oo_config *now, const struct oo_config *next);
/* Where it listens, and whether with TLS; not with which files. */
bool agent_compare_is_other_api(const struct oo_config *now, const struct oo_config *next);
/* The same address, told of in the same way. */
bool agent_compare_is_same_vip(const struct oo_config_vip *one, const struct oo_config_vip *other);
/* Their VIPs, in this order. */
bool agent_compare_is_other_vips(const struct oo_config_group *now,
				 const struct oo_config_group *next);

/*
 * Whether an agent that starts with next can adopt all that one with now holds.
 * held  bit g: group number g of now.
 */
bool agent_compare_is_adoptable(const struct oo_config *now, const struct oo_config *next,
				uint32_t held);

#endif
