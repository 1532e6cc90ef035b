#include "repair_policy.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/duration.h"

struct cure {
	const char *fault; /* oo_fault_name */
	enum agent_service service;
	bool needs_database; /* without it the restarted one would be as before */
};

/*
 * Processes that are gone or stuck. Not what a restart leaves as it was (database, broker, storage,
 * certificates, firewalls, a port that is taken), nor what it makes worse (a broken configuration:
 * what still runs would not start), nor what passes (starting, waiting for the broker), nor what
 * somebody wants so (drained).
 */
static const struct cure cures[] = {
	{"proxy stopped", AGENT_SERVICE_PROXY, false},
	{"proxy crashed", AGENT_SERVICE_PROXY, false},
	{"proxy hung", AGENT_SERVICE_PROXY, false},
	{"proxy descriptors exhausted", AGENT_SERVICE_PROXY, false},
	{"document server stopped", AGENT_SERVICE_DOCUMENT_SERVER, false},
	{"document server crashing", AGENT_SERVICE_DOCUMENT_SERVER, false},
	{"document server hung", AGENT_SERVICE_DOCUMENT_SERVER, false},
	{"document server never listening", AGENT_SERVICE_DOCUMENT_SERVER, true},
	{"document server descriptors exhausted", AGENT_SERVICE_DOCUMENT_SERVER, false},
	{"converter stopped", AGENT_SERVICE_CONVERTER, false},
	{"converter not consuming", AGENT_SERVICE_CONVERTER, false},
};

/* With these among the findings a service that is stopped may not start again. */
static const struct cure forbids[] = {
	{"proxy configuration broken", AGENT_SERVICE_PROXY, false},
	{"document server configuration broken", AGENT_SERVICE_DOCUMENT_SERVER, false},
	{"document server configuration broken", AGENT_SERVICE_CONVERTER, false},
};

static const char *const names[AGENT_SERVICES] = {
	[AGENT_SERVICE_PROXY] = "proxy",
	[AGENT_SERVICE_DOCUMENT_SERVER] = "documentserver",
	[AGENT_SERVICE_CONVERTER] = "converter",
};

const char *agent_repair_cured(size_t i)
{
	return i < OO_LENGTH(cures)                        ? cures[i].fault
	       : i < OO_LENGTH(cures) + OO_LENGTH(forbids) ? forbids[i - OO_LENGTH(cures)].fault
							   : NULL;
}

const struct oo_config_service *agent_repair_service(const struct oo_config_repair *config,
						     enum agent_service service)
{
	switch (service) {
	case AGENT_SERVICE_PROXY:
		return &config->proxy;
	case AGENT_SERVICE_DOCUMENT_SERVER:
		return &config->documentserver;
	case AGENT_SERVICE_CONVERTER:
		return &config->converter;
	}
	return NULL;
}

static bool is_named(const struct oo_config_service *service)
{
	return service->unit != NULL || service->container != NULL;
}

/* One container may be all of them. */
static bool is_same(const struct oo_config_service *one, const struct oo_config_service *other)
{
	return one->unit != NULL ? other->unit != NULL && oo_text_equal(one->unit, other->unit)
				 : other->container != NULL &&
					   oo_text_equal(one->container, other->container);
}

/* Returns false, for the caller to return in turn. */
static __attribute__((format(printf, 2, 3))) bool refuse(struct agent_repair_plan *plan,
							 const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(plan->why, sizeof(plan->why), format, arguments); /* cut is fine */
	va_end(arguments);
	return false;
}

static const struct cure *find_cure(const struct agent_finding *finding)
{
	for (size_t i = 0; i < OO_LENGTH(cures); i++) {
		if (oo_text_equal(cures[i].fault, finding->fault)) {
			return &cures[i];
		}
	}
	return NULL;
}

static bool is_sure(const struct agent_finding *finding)
{
	return oo_text_equal(finding->confidence, "likely") ||
	       oo_text_equal(finding->confidence, "certain");
}

/* What forbids to stop a service; NULL: nothing. */
static const char *find_forbidding(const struct agent_verdict *verdict, enum agent_service service)
{
	for (size_t i = 0; i < verdict->n_findings; i++) {
		for (size_t j = 0; j < OO_LENGTH(forbids); j++) {
			if (forbids[j].service == service &&
			    oo_text_equal(forbids[j].fault, verdict->findings[i].fault)) {
				return forbids[j].fault;
			}
		}
	}
	return NULL;
}

/* Whether a restart cures finding; service: whose. */
static bool is_curable(const struct agent_repair_situation *situation,
		       const struct agent_finding *finding, struct agent_repair_plan *plan,
		       enum agent_service *ret_service)
{
	const struct cure *cure = find_cure(finding);
	if (cure == NULL || finding->harmless) {
		return refuse(plan, "no restart cures it: %s", finding->fault);
	}
	if (!is_sure(finding)) {
		return refuse(plan, "not sure enough: %s is only %s", finding->fault,
			      finding->confidence);
	}
	if (cure->needs_database && !situation->verdict->database_answers) {
		return refuse(plan, "%s: of no use before the database answers", finding->fault);
	}
	if (!is_named(agent_repair_service(situation->config, cure->service))) {
		return refuse(plan, "%s: repair.%s is not configured", finding->fault,
			      names[cure->service]);
	}
	const char *forbidding = find_forbidding(situation->verdict, cure->service);
	if (forbidding != NULL) {
		return refuse(plan, "%s: it might not start again: %s", finding->fault, forbidding);
	}
	*ret_service = cure->service;
	return true;
}

/* The strongest finding decides; what else is broken and curable goes with it. */
static bool find_blamed(const struct agent_repair_situation *situation,
			bool blamed[static AGENT_SERVICES], struct agent_repair_plan *plan)
{
	const struct agent_verdict *verdict = situation->verdict;
	struct agent_repair_plan unsaid;
	for (size_t i = 0; i < verdict->n_findings; i++) {
		enum agent_service service = AGENT_SERVICE_PROXY;
		if (is_curable(situation, &verdict->findings[i], i == 0 ? plan : &unsaid,
			       &service)) {
			blamed[service] = true;
		} else if (i == 0) {
			return false;
		}
	}
	return verdict->n_findings > 0 || refuse(plan, "nothing was found");
}

size_t agent_repair_count(const struct agent_repair_situation *situation)
{
	size_t n = 0;
	for (size_t i = 0; i < situation->n_attempts; i++) {
		n += situation->now - situation->ended_at[i] < situation->config->window_ms;
	}
	return n;
}

/* When the next may be, by what has been tried; the first at any time. */
static int64_t next_at(const struct agent_repair_situation *situation, size_t n)
{
	const struct oo_config_repair *config = situation->config;
	if (n == 0) {
		return 0;
	}
	int64_t last = situation->ended_at[situation->n_attempts - 1];
	int64_t wait_ms = config->backoff_ms;
	for (size_t i = 1; i < n && wait_ms < config->window_ms; i++) {
		wait_ms *= 2;
	}
	return last + (wait_ms < config->window_ms ? wait_ms : config->window_ms);
}

static bool is_time(const struct agent_repair_situation *situation, struct agent_repair_plan *plan)
{
	const struct oo_config_repair *config = situation->config;
	char text[OO_DURATION_LENGTH];
	size_t n = agent_repair_count(situation);
	int64_t at = next_at(situation, n);

	if (at > situation->now) {
		plan->passes = true;
		plan->again_at = at;
		return refuse(plan, "backs off for %s after attempt %zu",
			      oo_duration_format(
				      at - situation->ended_at[situation->n_attempts - 1], text),
			      n);
	}
	if (situation->verdict->at < at ||
	    situation->now - situation->verdict->at > AGENT_REPAIR_EVIDENCE_MS) {
		plan->passes = plan->look = true;
		return refuse(plan, "waits for a new diagnosis");
	}
	if (n >= (size_t)config->attempts) {
		plan->again_at =
			situation->ended_at[situation->n_attempts - (size_t)config->attempts] +
			config->window_ms;
		return refuse(plan, "%d attempt%s within %s: somebody has to look",
			      config->attempts, config->attempts == 1 ? "" : "s",
			      oo_duration_format(config->window_ms, text));
	}
	return true;
}

static bool is_allowed(const struct agent_repair_situation *situation,
		       struct agent_repair_plan *plan)
{
	if (!situation->known) {
		return refuse(plan, "etcd has not been read yet: somebody may have paused");
	}
	if (situation->paused) {
		return refuse(plan, "paused: nothing is touched");
	}
	if (situation->holds && situation->successor != NULL) {
		return refuse(plan, "holds the VIP and %s is eligible: it is handed over first",
			      situation->successor);
	}
	return is_time(situation, plan);
}

/* Stop in the order of the services, start in the reverse; what is one and the same only once. */
static void order_steps(const struct oo_config_repair *config, const bool *blamed,
			struct agent_repair_plan *plan)
{
	enum agent_service order[AGENT_SERVICES];
	size_t n = 0;
	for (enum agent_service service = 0; service < AGENT_SERVICES; service++) {
		const struct oo_config_service *named = agent_repair_service(config, service);
		bool again = false;
		for (size_t i = 0; i < n; i++) {
			again = again || is_same(agent_repair_service(config, order[i]), named);
		}
		if (blamed[service] && !again) {
			order[n++] = service;
		}
	}
	if (n == 1) {
		plan->steps[plan->n_steps++] =
			(struct agent_repair_step){OO_SERVICE_RESTART, order[0]};
		return;
	}
	for (size_t i = 0; i < n; i++) {
		plan->steps[plan->n_steps++] =
			(struct agent_repair_step){OO_SERVICE_STOP, order[i]};
	}
	for (size_t i = n; i > 0; i--) {
		plan->steps[plan->n_steps++] =
			(struct agent_repair_step){OO_SERVICE_START, order[i - 1]};
	}
}

void agent_repair_plan(const struct agent_repair_situation *situation,
		       struct agent_repair_plan *ret_plan)
{
	bool blamed[AGENT_SERVICES] = {false};

	*ret_plan = (struct agent_repair_plan){.again_at = OO_NEVER};
	if (!situation->down) {
		(void)refuse(ret_plan, "no required check is down");
	} else if (situation->verdict == NULL) {
		(void)refuse(ret_plan, "nothing was found that explains it");
	} else if (find_blamed(situation, blamed, ret_plan) && is_allowed(situation, ret_plan)) {
		order_steps(situation->config, blamed, ret_plan);
	}
}
