#ifndef OO_MANAGERS_H
#define OO_MANAGERS_H
/* Who manages an interface: systemd-networkd's and NetworkManager's files. Private to the module. */
#include "doctor/facts.h"

/* root  "" for this host; a directory in its place for tests. */
void oo_managers_look(const char *root, int ifindex, struct oo_vip_facts *vip);

#endif
