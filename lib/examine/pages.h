#ifndef OO_PAGES_H
#define OO_PAGES_H
/* What etcd's own pages say, as text: pure. Private to the module. */
#include "doctor/facts.h"

/* /metrics: quota, and how long fsyncs of its log take. What is not there stays as it is. */
void oo_pages_read(const char *text, struct oo_etcd_endpoint_facts *endpoint);

/*
 * The command line of /debug/vars, n words. options_look becomes SEEN unless a file has the rest, or
 * there is no option at all, so that the environment has them.
 */
void oo_pages_read_options(const char *const *words, size_t n,
			   struct oo_etcd_endpoint_facts *endpoint);

#endif
