#ifndef OO_PAGES_H
#define OO_PAGES_H
/* What etcd's own pages, and its environment, say: pure. Private to the module. */
#include "doctor/facts.h"

/* /metrics: quota, how long fsyncs of its log take, and the way to its peers; what is not there stays 0. */
void oo_pages_read(const char *text, struct oo_etcd_endpoint_facts *endpoint);

/*
 * The command line of /debug/vars, n words. options_look becomes SEEN unless a file has the rest, or
 * there is no option at all, so that the environment has them.
 */
void oo_pages_read_options(const char *const *words, size_t n,
			   struct oo_etcd_endpoint_facts *endpoint);

/*
 * From an environment (length bytes, a NUL after each entry) to words of a command line: ETCD_PRE_VOTE=true
 * becomes --pre-vote=true. text is written to. at: "10.0.1.11:2379".
 * Returns how many words there are, the program's name first; 0: it is not the etcd at that place.
 */
size_t oo_pages_parse_environment(char *text, size_t length, const char *at, const char **words,
				  size_t most);

#endif
