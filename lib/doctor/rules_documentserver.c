/* The Document Server of this node, and whether anybody looks after it. */
#include "doctor/rule.h"

static void judge_port(struct oo_doctor *doctor)
{
	const struct oo_documentserver_facts *server = &doctor->facts->documentserver;
	if (server->look == OO_LOOK_SEEN && server->listens_at[0] != '\0') {
		oo_doctor_fix(
			oo_doctor_say(
				doctor, OO_AILMENT_DOCUMENTSERVER_PORT_OPEN,
				"the Document Server's port %u is open at %s; whether a firewall "
				"keeps others out cannot be seen from here",
				server->port, server->listens_at),
			"let a firewall keep others out, if none does: nft add rule inet filter "
			"input iifname "
			"!= lo tcp dport %u drop (a Document Server listens everywhere by itself)",
			server->port);
	}
}

static void judge_checks(struct oo_doctor *doctor)
{
	const struct oo_facts *facts = doctor->facts;
	if (facts->config.n > 0) {
		return; /* nobody knows them */
	}
	if (facts->unchecked[0] != '\0') {
		oo_doctor_fix(
			oo_doctor_say(doctor, OO_AILMENT_CHECKS_MISSING,
				      "no required check counts for group %s", facts->unchecked),
			"checks: [{preset: documentserver}], then see: ooha checks --explain");
	} else if (facts->documentserver.look == OO_LOOK_SEEN && !facts->checks_proxy) {
		oo_doctor_fix(
			oo_doctor_say(doctor, OO_AILMENT_CHECKS_MISSING,
				      "a Document Server is here, and no required check asks "
				      "it or its proxy over HTTP"),
			"checks: [{preset: documentserver}], then see: ooha checks --explain");
	}
}

void oo_doctor_documentserver(struct oo_doctor *doctor)
{
	judge_port(doctor);
	judge_checks(doctor);
}
