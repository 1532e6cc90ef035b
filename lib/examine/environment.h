#ifndef OO_ENVIRONMENT_H
#define OO_ENVIRONMENT_H
/* The options of an etcd on this host that has them from its environment (etcd.service of Debian). */
#include "doctor/facts.h"

/*
 * Finds the etcd of this network namespace whose client URLs name the endpoint, among the processes
 * whose environment may be read, and takes its options as oo_pages_read_options does.
 */
void oo_environment_read(struct oo_etcd_endpoint_facts *endpoint);

/*
 * From an environment (length bytes, a NUL after each entry) to words of a command line: ETCD_PRE_VOTE=true
 * becomes --pre-vote=true. text is written to. at: "10.0.1.11:2379".
 * Returns how many words there are, the program's name first; 0: it is not the etcd at that place.
 */
size_t oo_environment_parse(char *text, size_t length, const char *at, const char **words,
			    size_t most);

#endif
