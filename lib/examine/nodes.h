#ifndef OO_NODES_H
#define OO_NODES_H
/* What agents write into etcd, as far as a doctor needs it. Pure; private to the module. */
#include "doctor/facts.h"

/* A member's record: name is its key's. Returns whether it is one. */
bool oo_nodes_read(const char *name, const char *value, struct oo_node_facts *ret_node);

/* A claim: who holds; "" when it is released, or cannot be read. */
void oo_nodes_read_holder(const char *value, char holder[static OO_FACTS_NAME]);

#endif
