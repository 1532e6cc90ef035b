#ifndef OO_DOCTOR_H
#define OO_DOCTOR_H
/*
 * From facts to findings: what is, or will be, in the way of a failover, why it matters and what to
 * do. Pure rules (no I/O, no clock, no heap). docs/doctor.md has a section for each.
 */
#include <stddef.h>

#include "doctor/facts.h"

#define OO_DOCTOR_FINDINGS 64
#define OO_DOCTOR_FIX 1024

enum oo_severity {
	OO_SEVERITY_NOTE = 0, /* good to know */
	OO_SEVERITY_WARNING, /* works now; a fault, or a restart, will be worse than it has to be */
	OO_SEVERITY_CRITICAL, /* does not work, or will not when it is needed */
};

/* One for each thing that a person has to do differently; oo_ailment_name. */
enum oo_ailment {
	OO_AILMENT_CONFIGURATION_WRONG = 0,
	/* etcd */
	OO_AILMENT_ETCD_REFUSED,
	OO_AILMENT_ETCD_DROPPED,
	OO_AILMENT_ETCD_FAILED,
	OO_AILMENT_ETCD_NO_LEADER,
	OO_AILMENT_ETCD_LOGIN,
	OO_AILMENT_ETCD_RIGHTS,
	OO_AILMENT_ETCD_FULL,
	OO_AILMENT_ETCD_CORRUPT,
	OO_AILMENT_ETCD_FILLING,
	OO_AILMENT_ETCD_NOT_COMPACTED,
	OO_AILMENT_ETCD_VERSION_OLD,
	OO_AILMENT_ETCD_VERSIONS_DIFFER,
	OO_AILMENT_ETCD_SINGLE,
	OO_AILMENT_ETCD_EVEN,
	OO_AILMENT_ETCD_ENDPOINTS_FEW,
	OO_AILMENT_ETCD_ZONES,
	OO_AILMENT_ETCD_FSYNC_SLOW,
	OO_AILMENT_ETCD_SLOW,
	OO_AILMENT_ETCD_ELECTION_LONG,
	OO_AILMENT_ETCD_TIMINGS_SHORT,
	OO_AILMENT_ETCD_PRE_VOTE_OFF,
	/* this host */
	OO_AILMENT_CLOCK_RATE,
	OO_AILMENT_CLOCK_UNSYNCHRONISED,
	OO_AILMENT_NO_NET_ADMIN,
	OO_AILMENT_NO_NET_RAW,
	OO_AILMENT_NO_NF_TABLES,
	OO_AILMENT_NO_SOCKET_DESTROY,
	OO_AILMENT_UNIT_NOT_ENABLED,
	OO_AILMENT_RUNTIME_DIRECTORY_LOST,
	OO_AILMENT_HOOK_UNTRUSTED,
	OO_AILMENT_SECRET_READABLE,
	/* its network */
	OO_AILMENT_INTERFACE_MISSING,
	OO_AILMENT_INTERFACE_DOWN,
	OO_AILMENT_NETWORKD_IN_CHARGE,
	OO_AILMENT_NETWORK_MANAGER_IN_CHARGE,
	OO_AILMENT_VIP_OUTSIDE_SUBNET,
	OO_AILMENT_VIP_DUPLICATE,
	OO_AILMENT_ARP_SILENCED,
	OO_AILMENT_ARP_FLUX,
	OO_AILMENT_REVERSE_PATH,
	OO_AILMENT_MTU_SMALL,
	OO_AILMENT_NONLOCAL_BIND,
	/* the nodes */
	OO_AILMENT_NODE_SINGLE,
	OO_AILMENT_TTL_DIFFERS,
	OO_AILMENT_GROUPS_DIFFER,
	OO_AILMENT_CHECKS_DIFFER,
	OO_AILMENT_AGENT_VERSIONS_DIFFER,
	OO_AILMENT_MTU_DIFFERS,
	OO_AILMENT_DOCUMENTSERVER_VERSIONS_DIFFER,
	OO_AILMENT_JWT_SECRETS_DIFFER,
	/* the Document Server */
	OO_AILMENT_DOCUMENTSERVER_PORT_OPEN,
	OO_AILMENT_CHECKS_MISSING,
	OO_AILMENT_END,
};

struct oo_ill {
	enum oo_ailment ailment;
	enum oo_severity severity;
	char what[2 * OO_FACTS_TEXT];
	char fix[OO_DOCTOR_FIX]; /* a command, or several lines of them */
};

struct oo_health_report {
	struct oo_ill items[OO_DOCTOR_FINDINGS]; /* the worst first; stable */
	size_t n;
	size_t n_left_out; /* for want of room */
};

/* The same facts give the same report. */
void oo_doctor_judge(const struct oo_facts *facts, struct oo_health_report *ret_report);

/* "etcd-rights": for people and scripts; stable; a section of docs/doctor.md. */
const char *oo_ailment_name(enum oo_ailment ailment);
/* Why it matters: a sentence. */
const char *oo_ailment_why(enum oo_ailment ailment);
enum oo_severity oo_ailment_severity(enum oo_ailment ailment);
const char *oo_severity_name(enum oo_severity severity); /* "warning" */

#define OO_DOCTOR_LOOKED 32

/* What was looked at (why ""), and what could not be, and why. */
struct oo_doctor_looked {
	struct {
		const char *what, *why; /* literals */
	} items[OO_DOCTOR_LOOKED];
	size_t n;
};

void oo_doctor_look(const struct oo_facts *facts, struct oo_doctor_looked *ret_looked);

#endif
