#include "timeline.h"

struct agent_timeline_parts agent_timeline_parts(const struct agent_timeline *line)
{
	const struct oo_claim_ages *ages = &line->given_ages;
	const bool told = line->given && ages->left_ms >= 0;
	const int64_t commit_ms = line->armed_at - line->claimed_at;
	const int64_t before_ms = told ? ages->left_ms + commit_ms : 0;
	const int64_t ours_ms = line->announced_at - line->detected_at;
	struct agent_timeline_parts parts = {
		.down_ms = -1,
		.claimed_ms = before_ms + line->claimed_at - line->detected_at,
		.added_ms = before_ms + line->added_at - line->detected_at,
		.announced_ms = before_ms + ours_ms,
		.gap_ms = -1,
	};
	if (told && ages->down_ms >= 0 && ages->down_ms <= ages->left_ms) {
		parts.down_ms = ages->left_ms - ages->down_ms;
	}
	if (line->given && ages->down_ms >= 0) {
		parts.gap_ms = ages->down_ms + commit_ms + ours_ms;
	} else if (line->silent_ms > 0) {
		parts.gap_ms = line->silent_ms + ours_ms;
	}
	return parts;
}
