#include "counts.h"

#include <errno.h>

static enum agent_failure failure_of(int r)
{
	switch (-r) {
	case ETIMEDOUT:
		return AGENT_FAILURE_TIMEOUT;
	case ECONNREFUSED:
		return AGENT_FAILURE_REFUSED;
	case EAGAIN:
		return AGENT_FAILURE_NO_LEADER;
	case EPROTO:
		return AGENT_FAILURE_FOREIGN;
	case EACCES:
		return AGENT_FAILURE_DENIED;
	case ENOSPC:
		return AGENT_FAILURE_FULL;
	default: /* errno is not an enum of ours */
		return AGENT_FAILURE_OTHER;
	}
}

void agent_counts_request(struct agent_counts *counts, enum agent_affair affair, int r)
{
	counts->requests[affair]++;
	if (r < 0) {
		counts->failures[affair][failure_of(r)]++;
	}
}

void agent_counts_renewal(struct agent_group_counts *counts, enum oo_outcome outcome,
			  int64_t took_us)
{
	counts->renewals[outcome]++;
	if (outcome != OO_OUTCOME_UNKNOWN) {
		oo_histogram_note(&counts->renewal_time, took_us);
	}
}

static void note_known(struct oo_histogram *histogram, int64_t took_ms)
{
	if (took_ms >= 0) {
		oo_histogram_note(histogram, took_ms * 1000);
	}
}

void agent_counts_promotion(struct agent_group_counts *counts, const struct agent_timeline *line)
{
	const struct agent_timeline_parts parts = agent_timeline_parts(line);

	note_known(&counts->stages[AGENT_STAGE_DOWN], parts.down_ms);
	note_known(&counts->stages[AGENT_STAGE_CLAIMED], parts.claimed_ms);
	note_known(&counts->stages[AGENT_STAGE_ADDED], parts.added_ms);
	note_known(&counts->stages[AGENT_STAGE_ANNOUNCED], parts.announced_ms);
	note_known(&counts->gap, parts.gap_ms);
}

const char *agent_affair_name(enum agent_affair affair)
{
	switch (affair) {
	case AGENT_AFFAIR_READ:
		return "read";
	case AGENT_AFFAIR_CLAIM:
		return "claim";
	case AGENT_AFFAIR_PRESENCE:
		return "presence";
	}
	return "?";
}

const char *agent_failure_name(enum agent_failure failure)
{
	switch (failure) {
	case AGENT_FAILURE_TIMEOUT:
		return "timeout";
	case AGENT_FAILURE_REFUSED:
		return "refused";
	case AGENT_FAILURE_NO_LEADER:
		return "no_leader";
	case AGENT_FAILURE_FOREIGN:
		return "foreign";
	case AGENT_FAILURE_DENIED:
		return "denied";
	case AGENT_FAILURE_FULL:
		return "full";
	case AGENT_FAILURE_OTHER:
		return "other";
	}
	return "?";
}

const char *agent_stage_name(enum agent_stage stage)
{
	switch (stage) {
	case AGENT_STAGE_DOWN:
		return "down";
	case AGENT_STAGE_CLAIMED:
		return "claimed";
	case AGENT_STAGE_ADDED:
		return "added";
	case AGENT_STAGE_ANNOUNCED:
		return "announced";
	}
	return "?";
}
