#ifndef DOCTOR_NODE_H
#define DOCTOR_NODE_H
/* A node and a cluster that are well, as facts; and what can become of them. */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "doctor/doctor.h"

#define SET(target, text) oo_text_clip((target), sizeof(target), (text))

/* All was looked at, as root, and nothing is wrong; the same storage each time. */
struct oo_facts *node_well(void);

const struct oo_health_report *node_report(const struct oo_facts *facts);
/* The one finding there is; NULL: there are none, or several, which is told. */
const struct oo_ill *node_only(const struct oo_facts *facts);
/* The first finding of that kind; NULL: there is none. */
const struct oo_ill *node_find(const struct oo_facts *facts, enum oo_ailment ailment);
/* There is that one finding, of that severity, with a fix. */
void node_is_ill(const struct oo_facts *facts, enum oo_ailment ailment, enum oo_severity severity);
void node_is_well(const struct oo_facts *facts);

/* What happens to a node that is well, and the one thing that is found then. */
#define ILL(name, kind, severity)                                                                  \
	static void name##_happens(struct oo_facts *facts);                                        \
	static void name(void)                                                                     \
	{                                                                                          \
		struct oo_facts *facts = node_well();                                              \
		name##_happens(facts);                                                             \
		node_is_ill(facts, OO_AILMENT_##kind, OO_SEVERITY_##severity);                     \
	}                                                                                          \
	static void name##_happens(struct oo_facts *facts)

/* What looks like something, and is nothing. */
#define WELL(name)                                                                                 \
	static void name##_happens(struct oo_facts *facts);                                        \
	static void name(void)                                                                     \
	{                                                                                          \
		struct oo_facts *facts = node_well();                                              \
		name##_happens(facts);                                                             \
		node_is_well(facts);                                                               \
	}                                                                                          \
	static void name##_happens(struct oo_facts *facts)

#define TOLD(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

extern CU_TestInfo tests_of_etcd_access[], tests_of_etcd_state[], tests_of_host[],
	tests_of_network[], tests_of_cluster[], tests_of_report[];

#endif
