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
