#ifndef OO_COLLECT_H
#define OO_COLLECT_H
/*
 * Collects what the rules of diagnose/ need, all at the same time and within OO_COLLECT_MS. Changes
 * nothing on the node. Meant for a process of its own (ooha diagnose; the agent runs it as a
 * child), as it reads files and /proc where it stands; what may hang (a network file system, a name
 * server, nginx -t) is asked by a further process, or from the loop.
 */
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "config/config.h"
#include "diagnose/evidence.h"

#define OO_COLLECT_MS 2800

/* Where things are. NULL and 0: found out, or the package's place. */
struct oo_collect_subject {
	const struct oo_config
		*config;    /* VIPs, checks' URLs, api.socket; NULL: none could be read */
	const char *socket; /* of the agent */
	const char *url;    /* that the user sees failing */
};

/*
 * Runs until all is collected or the time is up.
 * ret_evidence  allocated; free(3) it.
 * Returns 0, -ENOMEM or sd-event's error; whatever could not be seen is no error, and said in it.
 */
int oo_collect(const struct oo_collect_subject *subject, struct oo_evidence **ret_evidence,
	       struct oo_err *err);

#endif
