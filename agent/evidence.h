#ifndef OO_AGENT_EVIDENCE_H
#define OO_AGENT_EVIDENCE_H
/*
 * Collects what suspect.h decides by: the run-time files of systemd-networkd, NetworkManager, and the
 * processes of this host. Reads small files of /run and /proc only; takes some ms, at most
 * AGENT_EVIDENCE_MS.
 */
#include "suspect.h"

/* Processes that come later are not looked at: the loop has other work. */
#define AGENT_EVIDENCE_MS 20

/*
 * About the interface now. What cannot be read is not known, and counts as not so.
 * root  "" for this host; a directory in its place for tests.
 */
void agent_evidence_collect(const char *root, const char *interface, int ifindex,
			    struct agent_evidence *ret_evidence);

#endif
