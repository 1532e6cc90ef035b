#ifndef OO_AGENT_REPAIR_POLICY_H
#define OO_AGENT_REPAIR_POLICY_H
/*
 * Whether what is broken on this node is to be restarted now: pure, no clock, no I/O. A restart must
 * not make a user worse off: not while a VIP is here that another node could serve, not what it
 * cannot cure, not without evidence, not again and again.
 */
#include "diagnosis.h"
#include "service/service.h"

/* In the order in which they are stopped; they are started in the reverse. */
enum agent_service {
	AGENT_SERVICE_PROXY = 0,
	AGENT_SERVICE_DOCUMENT_SERVER,
	AGENT_SERVICE_CONVERTER,
};
#define AGENT_SERVICES 3
#define AGENT_REPAIR_STEPS_MAX (2 * AGENT_SERVICES)
/* Evidence that is older says nothing of now. The agent looks once a minute while checks fail. */
#define AGENT_REPAIR_EVIDENCE_MS 120000

struct agent_repair_situation {
	const struct oo_config_repair *config;
	const struct agent_verdict *verdict; /* NULL: none is in */
	bool down;                           /* a required check counts as down */
	bool holds;                          /* a VIP of any group, or is about to */
	const char *successor; /* who may take a VIP that is held here; NULL: nobody */
	bool known;            /* etcd has been read: whether somebody has paused */
	bool paused;
	const int64_t *ended_at; /* when the attempts so far ended, oldest first */
	size_t n_attempts;
	int64_t now;
};

struct agent_repair_step {
	enum oo_service_act act;
	enum agent_service service;
};

/*
 * n_steps is 0: why says why nothing is done; it changes with the situation, not with the time.
 * again_at  when time alone may change that; OO_NEVER: it cannot.
 * look      a newer diagnosis is all that is missing.
 * passes    it is part of trying again, and nothing that anybody has to be told.
 */
struct agent_repair_plan {
	struct agent_repair_step steps[AGENT_REPAIR_STEPS_MAX];
	size_t n_steps;
	int64_t again_at;
	bool look, passes;
	char why[OO_REASON_LENGTH];
};

void agent_repair_plan(const struct agent_repair_situation *situation,
		       struct agent_repair_plan *ret_plan);

/* How many of the attempts count: those that ended within the window. */
size_t agent_repair_count(const struct agent_repair_situation *situation);

/* What the configuration names for a service; both NULL: nothing. */
const struct oo_config_service *agent_repair_service(const struct oo_config_repair *config,
						     enum agent_service service);

/* The i-th fault that a restart cures, by its name; NULL: there are no more. For tests. */
const char *agent_repair_cured(size_t i);

#endif
