#include "dispute.h"

bool agent_refusal_is_over(struct agent_refusal *refusal, bool asked, bool answered)
{
	if (answered) {
		refusal->silent = 0;
	} else if (asked) {
		refusal->silent++;
	}
	return refusal->silent >= AGENT_REFUSAL_ROUNDS;
}

int64_t agent_defence_see(struct agent_defence *defence, int64_t now)
{
	if (defence->gap_ms == 0 || now - defence->seen_at >= AGENT_DEFENCE_QUIET_MS) {
		defence->gap_ms = AGENT_DEFENCE_FIRST_GAP_MS;
		defence->count = 0;
	}
	defence->seen_at = now;
	return defence->next_at;
}

bool agent_defence_doubt(struct agent_defence *defence, int64_t now)
{
	if (defence->doubted_at != 0 || now < defence->next_at) {
		return false;
	}
	defence->doubted_at = now;
	return true;
}

bool agent_defence_confirm(struct agent_defence *defence, int64_t sent_at, int64_t now)
{
	if (defence->doubted_at == 0 || sent_at < defence->doubted_at) {
		return false;
	}
	defence->doubted_at = 0;
	defence->count++;
	if (defence->count >= AGENT_DEFENCE_QUICK) {
		defence->gap_ms *= 2;
	}
	if (defence->gap_ms > AGENT_DEFENCE_LAST_GAP_MS) {
		defence->gap_ms = AGENT_DEFENCE_LAST_GAP_MS;
	}
	defence->next_at = now + defence->gap_ms;
	return true;
}
