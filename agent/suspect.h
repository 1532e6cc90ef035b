#ifndef OO_AGENT_SUSPECT_H
#define OO_AGENT_SUSPECT_H
/*
 * Who may have taken an address off an interface. The kernel's report does not say, so it is found by
 * who manages the interface, and who has just started. Pure; evidence.h collects.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGENT_ADVICE_LENGTH 320
#define AGENT_EVIDENCE_FILE_LENGTH 128

enum agent_suspect {
	AGENT_SUSPECT_PERSON, /* nobody else is known to have a hand in it */
	AGENT_SUSPECT_IFUPDOWN,
	AGENT_SUSPECT_NETWORKD,
	AGENT_SUSPECT_NETWORK_MANAGER,
	AGENT_SUSPECT_DHCLIENT,
	AGENT_SUSPECT_DHCPCD,
};
#define AGENT_SUSPECTS 6

/* Of each program. What was not found out is as if it were not so. */
struct agent_evidence_program {
	bool runs;
	bool manages;   /* the interface, as far as its files or its command line say */
	int64_t age_ms; /* since its youngest process started */
};

struct agent_evidence {
	struct agent_evidence_program programs[AGENT_SUSPECTS]; /* that of PERSON stays empty */
	char network_file[AGENT_EVIDENCE_FILE_LENGTH]; /* of networkd, for the interface; or "" */
};

/*
 * Of those that run and manage the interface: who started most recently, if that was a moment ago
 * (starting is when they clear up), else the first in the order above.
 */
enum agent_suspect agent_suspect_find(const struct agent_evidence *evidence);

const char *agent_suspect_name(enum agent_suspect suspect);
/* Who it was and what to do about it, as the end of a sentence: "by systemd-networkd, which ...". */
void agent_suspect_explain(enum agent_suspect suspect, const struct agent_evidence *evidence,
			   const char *interface, char text[static AGENT_ADVICE_LENGTH]);

#endif
