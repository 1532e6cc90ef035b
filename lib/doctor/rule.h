#ifndef OO_DOCTOR_RULE_H
#define OO_DOCTOR_RULE_H
/*
 * What the rules have in common. A rule is a function over the facts; a new one is a row in its
 * file's table. A rule is silent about what nobody could look at. Private to the module.
 */
#include "doctor/doctor.h"

struct oo_doctor {
	const struct oo_facts *facts;
	struct oo_health_report *report;
	struct oo_ill spare; /* is written to where a finding has no place; nobody reads it */
};

typedef void oo_doctor_rule(struct oo_doctor *doctor);

void oo_doctor_etcd_access(struct oo_doctor *doctor);
void oo_doctor_etcd_state(struct oo_doctor *doctor);
void oo_doctor_host(struct oo_doctor *doctor);
void oo_doctor_network(struct oo_doctor *doctor);
void oo_doctor_cluster(struct oo_doctor *doctor);
void oo_doctor_documentserver(struct oo_doctor *doctor);

/*
 * Says what is wrong; of its ailment's severity. Returns the finding, to be given a fix; valid until
 * the report is ordered.
 */
struct oo_ill *oo_doctor_say(struct oo_doctor *doctor, enum oo_ailment ailment, const char *format,
			     ...) __attribute__((format(printf, 3, 4)));
void oo_doctor_fix(struct oo_ill *ill, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
