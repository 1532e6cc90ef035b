#include "checks.h"

#include "diagnosis.h"
#include "event/timer.h"
#include "journal.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Checks take turns, so that nothing else waits for all of them; some of many begin at the same time,
 * which costs less than to wake up for each.
 */
#define TURN_MS 250

struct slot {
	struct agent *agent;
	unsigned index;
	struct oo_check *check;
	struct oo_check_result result;
	struct agent_check_counts counts;
	enum oo_health told; /* what the log was last told */
};

struct agent_checks {
	struct oo_timers *timers;
	size_t n;
	struct slot slots[OO_CORE_CHECKS_MAX];
};

static enum oo_health health_of(enum oo_check_state state)
{
	switch (state) {
	case OO_CHECK_STATE_UNKNOWN:
		return OO_HEALTH_UNKNOWN;
	case OO_CHECK_STATE_UP:
		return OO_HEALTH_UP;
	case OO_CHECK_STATE_DOWN:
		return OO_HEALTH_DOWN;
	}
	return OO_HEALTH_UNKNOWN;
}

static bool is_required(const struct agent *agent, unsigned index)
{
	bool counts = false;
	for (size_t g = 0; g < agent->config->n_groups; g++) {
		counts = counts || agent->config->groups[g].checks[index];
	}
	return counts && !agent->config->checks[index].optional;
}

static void on_result(void *user, const struct oo_check *check,
		      const struct oo_check_result *result)
{
	struct slot *slot = user;
	struct agent *agent = slot->agent;
	enum oo_health health = health_of(result->state);
	(void)check;
	slot->result = *result;
	slot->counts.runs++;
	slot->counts.failures += result->state == OO_CHECK_STATE_DOWN;
	slot->counts.took_us += result->times.total_us;
	if (!agent_diagnosis_is_open(agent->diagnosis) &&
	    oo_core_count_again(agent->core, slot->index, health)) {
		return; /* nearly all of them: nothing to tell anybody */
	}
	if (result->state == OO_CHECK_STATE_DOWN && is_required(agent, slot->index)) {
		(void)agent_diagnosis_look(agent->diagnosis, false); /* or it has, or does */
	}
	agent_tell(agent, &(struct oo_event){
				  .type = OO_EVENT_CHECK, .index = slot->index, .health = health});
}

/* Grace counts from the agent's start, not anew from each reload. */
static struct oo_check_spec spec_of(const struct agent *agent, const struct oo_config_check *config)
{
	struct oo_check_spec spec = config->spec;
	int64_t left_ms = agent->started_at + spec.grace_ms - oo_clock_now();
	spec.grace_ms = left_ms > 0 ? left_ms : 0;
	return spec;
}

int agent_checks_new(struct agent *agent, struct agent_checks **ret_checks, struct oo_err *err)
{
	struct agent_checks *checks = calloc(1, sizeof(*checks));
	if (checks == NULL) {
		return oo_fail(err, ENOMEM, "checks");
	}
	int r = oo_timers_new(agent->event, &checks->timers, err);
	for (size_t i = 0; r == 0 && i < agent->config->n_checks; i++) {
		struct slot *slot = &checks->slots[checks->n++];
		struct oo_check_spec spec = spec_of(agent, &agent->config->checks[i]);
		struct oo_check_setup setup = {.event = agent->event,
					       .transfers = agent->transfers,
					       .done = on_result,
					       .user = slot,
					       .phase_ms = (int64_t)i * TURN_MS,
					       .timers = checks->timers};
		*slot = (struct slot){.agent = agent, .index = (unsigned)i};
		r = oo_check_new(&setup, &spec, &slot->check, err);
	}
	if (r < 0) {
		agent_checks_free(checks);
		return r;
	}
	*ret_checks = checks;
	return 0;
}

void agent_checks_inherit(struct agent_checks *checks, const struct agent_checks *before,
			  const struct oo_core_config *config)
{
	for (size_t i = 0; i < checks->n; i++) {
		int from = config->checks[i].inherits;
		if (from >= 0) {
			checks->slots[i].result = before->slots[from].result;
			checks->slots[i].counts = before->slots[from].counts;
			checks->slots[i].told = before->slots[from].told;
		}
	}
}

/* What was seen last is not yet what counts: it may turn, and is looked at more often. */
static bool is_changing(const struct oo_check_result *result, enum oo_health counted)
{
	return result->state != OO_CHECK_STATE_UNKNOWN && health_of(result->state) != counted;
}

/* Whether all that is required is up, as counted and as last seen. */
static bool is_all_well(const struct agent_checks *checks)
{
	for (size_t i = 0; i < checks->n; i++) {
		const struct slot *slot = &checks->slots[i];
		if (is_required(slot->agent, slot->index) &&
		    (slot->told != OO_HEALTH_UP || slot->result.state != OO_CHECK_STATE_UP)) {
			return false;
		}
	}
	return true;
}

/* Said at each turn of the counted state, with what was seen; single results are in the status. */
void agent_checks_tell(struct agent_checks *checks, unsigned index)
{
	struct slot *slot = &checks->slots[index];
	struct agent_diagnosis *diagnosis = slot->agent->diagnosis;
	const struct oo_check_result *result = &slot->result;
	unsigned streak;
	enum oo_health health = oo_core_check_health(slot->agent->core, index, &streak);
	oo_check_set_changing(slot->check, is_changing(result, health));
	if (health != slot->told) {
		slot->told = health;
		agent_say(
			OO_LOG_NOTICE,
			&(struct agent_said){.message = AGENT_MESSAGE_CHECK,
					     .check = slot->agent->config->checks[index].spec.name,
					     .cause = oo_check_reason_name(result->reason)},
			"check %s %s: %s (%s), %u in a row",
			slot->agent->config->checks[index].spec.name,
			health == OO_HEALTH_UP ? "up" : "down",
			oo_check_reason_name(result->reason), result->seen, streak);
		if (health == OO_HEALTH_DOWN && is_required(slot->agent, index)) {
			(void)agent_diagnosis_look(diagnosis, true);
		}
	}
	if (agent_diagnosis_is_open(diagnosis) && is_all_well(checks)) {
		agent_diagnosis_forget(diagnosis);
	}
}

void agent_checks_free(struct agent_checks *checks)
{
	if (checks == NULL) {
		return;
	}
	for (size_t i = 0; i < checks->n; i++) {
		oo_check_free(checks->slots[i].check);
	}
	oo_timers_free(checks->timers);
	free(checks);
}

const struct oo_check_result *agent_checks_result(const struct agent_checks *checks, unsigned index)
{
	return &checks->slots[index].result;
}

const struct agent_check_counts *agent_checks_counts(const struct agent_checks *checks,
						     unsigned index)
{
	return &checks->slots[index].counts;
}
