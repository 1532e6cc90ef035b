#ifndef OO_COLLECT_H
#define OO_COLLECT_H
/*
 * Collects what the rules of diagnose/ need, all at the same time and within OO_COLLECT_MS, in a
 * process of its own: what is read where it stands may be on a file system that does not answer,
 * and then what was seen before it counts. The caller waits: it is no part of the agent's loop.
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
 * Returns 0, -ENOMEM, -errno of fork(2) or sd-event's error; whatever could not be seen is no error, and said in it.
 */
int oo_collect(const struct oo_collect_subject *subject, struct oo_evidence **ret_evidence,
	       struct oo_err *err);

#endif
