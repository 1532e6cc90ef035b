#include "suspect.h"

#include <inttypes.h>
#include <stdio.h>

/* Who started no longer ago than that may still be setting the interface up. */
#define MOMENT_MS 10000

static bool is_candidate(const struct agent_evidence_program *program)
{
	return program->runs && program->manages;
}

static bool is_fresh(const struct agent_evidence_program *program)
{
	return program->age_ms <= MOMENT_MS;
}

enum agent_suspect agent_suspect_find(const struct agent_evidence *evidence)
{
	enum agent_suspect found = AGENT_SUSPECT_PERSON;

	for (int i = AGENT_SUSPECT_IFUPDOWN; i < AGENT_SUSPECTS; i++) {
		const struct agent_evidence_program *program = &evidence->programs[i];
		const struct agent_evidence_program *best = &evidence->programs[found];
		if (!is_candidate(program)) {
			continue;
		}
		if (found == AGENT_SUSPECT_PERSON ||
		    (is_fresh(program) && (!is_fresh(best) || program->age_ms < best->age_ms))) {
			found = (enum agent_suspect)i;
		}
	}
	return found;
}

const char *agent_suspect_name(enum agent_suspect suspect)
{
	switch (suspect) {
	case AGENT_SUSPECT_PERSON:
		return "a person or a script";
	case AGENT_SUSPECT_IFUPDOWN:
		return "ifupdown";
	case AGENT_SUSPECT_NETWORKD:
		return "systemd-networkd";
	case AGENT_SUSPECT_NETWORK_MANAGER:
		return "NetworkManager";
	case AGENT_SUSPECT_DHCLIENT:
		return "dhclient";
	case AGENT_SUSPECT_DHCPCD:
		return "dhcpcd";
	}
	return "?";
}

static void advise(enum agent_suspect suspect, const struct agent_evidence *evidence,
		   const char *interface, char *text, size_t size)
{
	const bool has_file = evidence->network_file[0] != '\0';

	switch (suspect) {
	case AGENT_SUSPECT_PERSON:
		text[0] = '\0';
		return;
	case AGENT_SUSPECT_IFUPDOWN:
		snprintf(text, size, "do not run ifdown on %s while this node holds", interface);
		return;
	case AGENT_SUSPECT_NETWORKD:
		snprintf(text, size, "set KeepConfiguration=static in the [Network] section of %s",
			 has_file ? evidence->network_file : "its .network file");
		return;
	case AGENT_SUSPECT_NETWORK_MANAGER:
		snprintf(text, size,
			 "give %s a profile with ipv4.method manual, or leave it alone with "
			 "unmanaged-devices=interface-name:%s in NetworkManager.conf",
			 interface, interface);
		return;
	case AGENT_SUSPECT_DHCLIENT:
		snprintf(text, size,
			 "its script flushes %s when the lease changes: give it a "
			 "static address",
			 interface);
		return;
	case AGENT_SUSPECT_DHCPCD:
		snprintf(text, size,
			 "put 'denyinterfaces %s' into dhcpcd.conf and give it a static "
			 "address",
			 interface);
		return;
	}
}

void agent_suspect_explain(enum agent_suspect suspect, const struct agent_evidence *evidence,
			   const char *interface, char text[static AGENT_ADVICE_LENGTH])
{
	const struct agent_evidence_program *program = &evidence->programs[suspect];
	char advice[AGENT_ADVICE_LENGTH];
	char started[64] = "";

	if (suspect == AGENT_SUSPECT_PERSON) {
		snprintf(text, AGENT_ADVICE_LENGTH,
			 "by a person or a script: nothing that is known to manage %s runs",
			 interface);
		return;
	}
	if (is_fresh(program)) {
		snprintf(started, sizeof(started), " and started %" PRId64 ".%" PRId64 " s ago",
			 program->age_ms / 1000, program->age_ms % 1000 / 100);
	}
	advise(suspect, evidence, interface, advice, sizeof(advice));
	snprintf(text, AGENT_ADVICE_LENGTH, "%s by %s, which manages %s%s: %.*s",
		 is_fresh(program) ? "most likely" : "perhaps", agent_suspect_name(suspect),
		 interface, started, AGENT_ADVICE_LENGTH - 128, advice);
}
