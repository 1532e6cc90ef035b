#ifndef OO_EXAMINE_H
#define OO_EXAMINE_H
/*
 * Collects what the rules of doctor/ need, all at the same time and within OO_EXAMINE_MS, in a
 * process of its own: a file system that does not answer costs what was to be read from it, and no
 * more. The caller waits. Of all that is asked only two things leave a trace, and none for long: an
 * etcd lease of a second that is given back at once, and a TCP connection of this host with itself.
 */
#include "base/error.h"
#include "config/config.h"
#include "doctor/facts.h"

#define OO_EXAMINE_MS 3500

struct oo_examine_subject {
	const char *config_path;
	const struct oo_config *config; /* NULL: it has problems, and nothing else is looked at */
	bool is_local;                  /* neither etcd nor other nodes are asked */
};

/*
 * ret_facts  allocated; free(3) it.
 * Returns 0, -ENOMEM, -errno of fork(2) or sd-event's error; whatever could not be seen is no error,
 * and said in the facts.
 */
int oo_examine(const struct oo_examine_subject *subject, struct oo_facts **ret_facts,
	       struct oo_err *err);

#endif
