#ifndef OO_ENVIRONMENT_H
#define OO_ENVIRONMENT_H
/* The options of an etcd on this host that has them from its environment (etcd.service of Debian). */
#include "doctor/facts.h"

/*
 * Finds the etcd of this network namespace whose client URLs name the endpoint, among the processes
 * whose environment may be read, and takes its options as oo_pages_read_options does.
 */
void oo_environment_read(struct oo_etcd_endpoint_facts *endpoint);

#endif
